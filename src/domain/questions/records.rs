//! What holds of every record, whatever it says (C1, R5, R16).

use super::{Kind, Look, StandingQuestion};
use crate::domain::company::CompanyEvent;
use crate::domain::company::entities::EntityEvent;
use crate::domain::event::Event;
use crate::domain::served::AffiliateEvent;
use crate::domain::time::Time;

pub(super) const UNKNOWN_CUSTOMER: StandingQuestion = StandingQuestion {
    name: "record-of-unknown-customer",
    requirements: "C1, R16",
    clauses: "47 CFR 64.2009(a)",
    asks: "Which records are about a customer whose account was not opened before, or open an account twice?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match (seen.before, seen.placed.event) {
        (None, Event::AccountOpened(_)) => None,
        (None, _) => Some("the account was not opened before".into()),
        (Some(_), Event::AccountOpened(_)) => Some("the account was open already".into()),
        (Some(_), _) => None,
    }),
};

pub(super) const OCCURRED_OUT_OF_BOUNDS: StandingQuestion = StandingQuestion {
    name: "occurred-out-of-bounds",
    requirements: "C1, R5",
    clauses: "47 CFR 64.2009(a)",
    asks: "Which records state a time that lies ahead of their recording, or longer back than a witnessed fact may?",
    kind: Kind::Rule,
    look: Look::Record(|record| {
        let hours = record.world.rulebook.periods().occurred_back_hours;
        let earliest = record.recorded_at.minus_hours(hours);
        let stated = [record.occurred_at, record.ends_at];
        if record.occurred_at.is_some_and(|at| at > record.recorded_at) {
            return Some("it is said to have occurred after it was recorded".into());
        }
        (stated.into_iter().flatten().any(|at| at < earliest)).then(|| {
            format!("it is said to have occurred more than {hours} h before it was recorded")
        })
    }),
};

/// Since when something about the customer ends by the record.
pub(super) fn customer_end(event: &Event) -> Option<Time> {
    match event {
        Event::ServiceClosed(closed) => Some(closed.ends_at),
        Event::Affiliates(AffiliateEvent::Ended(ended)) => Some(ended.ends_at),
        _ => None,
    }
}

/// Since when something about the company ends by the record.
pub(super) fn company_end(event: &CompanyEvent) -> Option<Time> {
    match event {
        CompanyEvent::Entities(EntityEvent::Left(left)) => Some(left.ends_at),
        _ => None,
    }
}
