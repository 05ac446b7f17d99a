//! One-time approvals: for one call, and never after it (F8, R11, 64.2008(f)).

use super::trail::Given;
use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::company::standing::Standing;
use crate::domain::event::Event;
use crate::domain::question::Question;
use crate::domain::vocabulary::{CpniClasses, Medium};

pub(super) const BEYOND_CAP: StandingQuestion = StandingQuestion {
    name: "one-time-beyond-its-call",
    requirements: "F8, R11",
    clauses: "47 CFR 64.2008(f)",
    asks: "Which one-time approvals are not oral, don't name their classes, or last longer than a call may?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::GrantedOnce(granted) = seen.placed.event else {
            return None;
        };
        let hours = seen.world.rulebook.periods().one_time_hours;
        if granted.ends_at > seen.placed.happened_at().plus_hours(hours) {
            return Some(format!("it ends later than {hours} h after it was said"));
        }
        if granted.grant.scope.classes == CpniClasses::ALL {
            return Some("it names no classes but all".into());
        }
        (granted.grant.statement.medium != Medium::Oral)
            .then(|| format!("it is {}, not oral", granted.grant.statement.medium))
    }),
};

pub(super) const USED_AFTER_CALL: StandingQuestion = StandingQuestion {
    name: "one-time-used-after-its-call",
    requirements: "F8, R11",
    clauses: "47 CFR 64.2008(f)",
    asks: "Which disclosures rest on a one-time approval outside its call, or after it ended?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::DisclosureMade(made) = seen.placed.event else {
            return None;
        };
        (made.relied_on.iter())
            .filter_map(|position| seen.trail.one_time(*position))
            .find_map(|given| over(given, seen, &made.question))
    }),
};

/// Why the approval is of no use to the question now; `None`: it is.
pub(super) fn over(given: &Given, seen: &Seen<'_>, question: &Question) -> Option<String> {
    let approval = &given.approval;
    let position = approval.position;
    if question.call != Some(approval.call) {
        return Some(format!("approval {position} was given in another call"));
    }
    if let Some(ended_by) = given.ended_by {
        return Some(format!(
            "approval {position} was ended by record {ended_by}"
        ));
    }
    if seen.placed.recorded_at >= approval.ends_at {
        return Some(format!("approval {position} was over by its cap"));
    }
    let entity = question.entity.as_ref();
    let at = seen.placed.recorded_at;
    let standing = Standing::of(seen.world.company, question.recipient, entity, at);
    if !standing.holds_since_record(position) {
        return Some(format!(
            "the recipient left its kind after approval {position}"
        ));
    }
    let services = &seen.before?.services;
    (services.lapsed(seen.placed.recorded_at) || position < services.grants_end_before)
        .then(|| format!("approval {position} ended with the last service"))
}
