//! Erasures: none before its time, nothing after it, and each completed (F20, E8, R16).

use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::event::Event;
use crate::domain::retention::RetentionEvent;
use crate::domain::rulebook::{Number, RuleName};

pub(super) const TOO_EARLY: StandingQuestion = StandingQuestion {
    name: "erased-before-its-time",
    requirements: "F20",
    clauses: "47 CFR 64.2007(a)(3), 64.2008(a)(2), 64.2009(c)",
    asks: "Which customers were erased under a legal hold, with a service, within the period for keeping records, or where the rulebook gives no right to it?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::Retention(RetentionEvent::ErasureRequested(_)) => too_early(seen),
        _ => None,
    }),
};

pub(super) const NOT_THE_LAST: StandingQuestion = StandingQuestion {
    name: "record-after-erasure",
    requirements: "E8, R16",
    clauses: "47 CFR 64.2009(a)",
    asks: "Which records, a yes or anything else, are about a customer who was erased before, or say of one who was not that the keys are destroyed?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let erased = seen.before.and_then(|customer| customer.erased.as_deref());
        let completed = match seen.placed.event {
            Event::Retention(RetentionEvent::ErasureCompleted(completed)) => Some(completed),
            _ => None,
        };
        match (erased, completed) {
            (None, None) => None,
            (None, Some(_)) => Some("nobody asked for an erasure".into()),
            (Some(erased), None) => {
                Some(format!("record {} erased the customer", erased.requested))
            }
            (Some(erased), Some(completed)) => {
                if erased.completed.is_some() {
                    return Some("the keys were destroyed before".into());
                }
                (completed.requested != erased.requested)
                    .then(|| format!("record {} asks for no erasure", completed.requested))
            }
        }
    }),
};

pub(super) const NOT_COMPLETED: StandingQuestion = StandingQuestion {
    name: "erasure-not-completed",
    requirements: "E8",
    clauses: "C.R.S. 6-1-1306(2)",
    asks: "Which erasures were not completed by their date, the keys not destroyed?",
    kind: Kind::Duty,
    look: Look::Ended(|ended| {
        let erased = ended.customer.erased.as_deref()?;
        let wrong = match erased.completed {
            None if ended.at > erased.due_by => "they are not destroyed",
            Some(step) if step.at > erased.due_by => "they were destroyed later",
            None | Some(_) => return None,
        };
        let wrong = format!(
            "the keys were to be destroyed by {}: {wrong}",
            erased.due_by
        );
        Some((erased.requested, wrong))
    }),
};

/// Reckoned from the state before, and not by the rule that bars.
fn too_early(seen: &Seen<'_>) -> Option<String> {
    let (customer, at) = (seen.before?, seen.placed.recorded_at);
    if customer.erased.is_some() {
        return None;
    }
    if !seen.world.rulebook.erasure().enabled {
        return Some("the rulebook gave no right to it".into());
    }
    if let Some(hold) = customer.holds.first() {
        return Some(format!("the legal hold of record {hold} stood"));
    }
    if customer.services.any_held(at) {
        return Some("a service was held".into());
    }
    let sim = (customer.authentication.as_ref()).and_then(|state| state.sim.as_ref());
    if let Some(sim) = sim {
        let rule = seen.world.rulebook.rule(RuleName::SimChange);
        // Leap days and the rest of the last day aside: what is younger is too young by any reckoning.
        let hours = rule.number(Number::RecordYears).saturating_mul(365 * 24);
        if rule.has_begun(sim.last_at) && at < sim.last_at.plus_hours(hours) {
            return Some(format!(
                "the years had not passed since the SIM change at {}",
                sim.last_at
            ));
        }
    }
    let days = seen.world.rulebook.periods().retention_days;
    let ends = customer
        .services
        .held
        .iter()
        .filter_map(|service| service.ends_at);
    let newest = ends.chain([customer.last_at]).max()?;
    (at < newest.plus_hours(days.saturating_mul(24)))
        .then(|| format!("{days} days had not passed since {newest}"))
}
