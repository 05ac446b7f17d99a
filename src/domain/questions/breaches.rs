//! Breaches: customers are not told before law enforcement had its days (F18; 64.2011).

use super::{Kind, Look, StandingQuestion};
use crate::domain::calendar;
use crate::domain::company::CompanyEvent;
use crate::domain::company::breaches::BreachEvent;
use crate::domain::rulebook::BreachText;

pub(super) const TOLD_TOO_EARLY: StandingQuestion = StandingQuestion {
    name: "breach-customers-told-too-early",
    requirements: "F18, R17",
    clauses: "47 CFR 64.2011(b)",
    asks: "Which customers were told of a breach before law enforcement, in its days of waiting, or under an agency's hold?",
    kind: Kind::Rule,
    look: Look::Company(|seen| {
        let CompanyEvent::Breaches(BreachEvent::CustomersNotified(told)) = seen.placed.event else {
            return None;
        };
        let id = &told.breach;
        let at = seen.placed.happened_at();
        let breach = seen.world.company.breaches.register.get(id)?;
        if breach.held.is_some_and(|(_, until)| at < until) {
            return Some(format!("an agency held notices of breach {id} back"));
        }
        let owed = &breach.determined.as_ref()?.owed;
        owed.agencies_by?;
        let Some(notified) = breach.law_enforcement else {
            return Some(format!(
                "law enforcement was not told of breach {id} before"
            ));
        };
        let days = owed.customers_after_business_days;
        let waits = owed.text == BreachText::Of2007 && breach.urgent.is_none();
        (waits && at < calendar::after_full_business_days(notified.at, days))
            .then(|| format!("{days} full business days had not passed since law enforcement was told of breach {id}"))
    }),
};
