//! Answers from the past, and hindsight (C4, R5).
//!
//! *As of* then: what was recorded by then, with the clock at then; it equals a replay. *In hindsight*: all of today's
//! records, with the clock at then. What narrows (a block, a closed service, the end of a call, an entity's leaving)
//! counts from when it happened, though it was recorded later; what widens (a grant, an opened service, a notice, an
//! entity's joining) only from when it was recorded. So no record makes a past use lawful, and each may show that one
//! wasn't.
//!
//! The state in hindsight is folded from the customer's records in their order, without those that don't count then.

mod folding;
mod learnt;
mod uses;

pub use folding::Folding;
pub use learnt::Learnt;
pub use uses::{Cause, Use, VoidedUse};

use std::borrow::Cow;

use super::asserted::AssertedEvent;
use super::authentication::{AuthenticationEvent, of_record};
use super::company::entities::EntityEvent;
use super::company::{Company, CompanyEvent};
use super::contacts::{self, ContactEvent};
use super::customer::Customer;
use super::event::{Event, Placed};
use super::ids::Position;
use super::notices::NoticeEvent;
use super::served::AffiliateEvent;
use super::time::Time;

/// A past moment: what the clock said, and which records there were.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Then {
    /// What the clock said.
    pub at: Time,
    /// The newest record that there was; `None`: the newest one recorded at or before `at`.
    pub through: Option<Position>,
}

impl Then {
    /// Whether a record was there.
    pub fn knew(&self, position: Position, recorded_at: Time) -> bool {
        match self.through {
            Some(through) => position <= through,
            None => recorded_at <= self.at,
        }
    }

    fn has<E>(&self, placed: &Placed<'_, E>) -> bool {
        self.knew(placed.position, placed.recorded_at)
    }
}

/// From when a record counts in hindsight.
#[derive(Clone, Copy, Debug)]
enum Counts {
    /// From its record: it widens, or changes no answer.
    Recorded,
    /// From when it happened: it narrows.
    Happened(Time),
    /// It carries the instant from which it narrows, and says nothing of the time before.
    Dated(Time),
}

fn counts(placed: &Placed<'_>) -> Counts {
    match placed.event {
        Event::Asserted(asserted) => counts_asserted(asserted, placed),
        Event::ServiceClosed(closed) => Counts::Dated(closed.ends_at),
        Event::Blocked(_)
        | Event::CallEnded(_)
        | Event::Notices(NoticeEvent::EmailRevoked(_))
        // A contact may have lost permissions; see `follow_later`.
        | Event::Contacts(ContactEvent::Removed(_) | ContactEvent::Listed(_))
        | Event::Authentication(
            AuthenticationEvent::Dissociated(_)
            | AuthenticationEvent::Locked(_)
            | AuthenticationEvent::ChallengePassed(_)
            | AuthenticationEvent::LegEnded(_),
        ) => Counts::Happened(placed.happened_at()),
        // A number or an address may have given way to it; see `follow_later`.
        Event::Authentication(AuthenticationEvent::Associated(associated))
            if associated.gone().is_some() =>
        {
            Counts::Happened(placed.happened_at())
        }
        // A notice that failed was never given, whenever that became known (R10).
        Event::Notices(NoticeEvent::Failed(_)) => Counts::Happened(Time(i64::MIN)),
        Event::Affiliates(AffiliateEvent::Ended(ended)) => Counts::Dated(ended.ends_at),
        Event::AccountOpened(_)
        | Event::Notices(_)
        | Event::Affiliates(_)
        | Event::ServiceOpened(_)
        | Event::NoticeGiven(_)
        | Event::Granted(_)
        | Event::GrantedOnce(_)
        | Event::EvidenceSupplied(_)
        | Event::DisclosureMade(_)
        | Event::DisclosureRefused(_)
        | Event::GagLifted(_)
        | Event::Authentication(_)
        | Event::Contacts(_)
        | Event::Retention(_)
        | Event::RulingRecorded(_) => Counts::Recorded,
    }
}

/// What an import asserts carries its dates in itself, any time back (C2).
fn counts_asserted(asserted: &AssertedEvent, placed: &Placed<'_>) -> Counts {
    match asserted {
        AssertedEvent::Service(service) => match service.fact.closed_at {
            Some(closed_at) => Counts::Dated(closed_at),
            None => Counts::Recorded,
        },
        AssertedEvent::Blocked(blocked) => {
            let said_at = blocked.fact.said.said_at;
            Counts::Happened(said_at.unwrap_or(placed.recorded_at))
        }
        AssertedEvent::Account(_)
        | AssertedEvent::Notice(_)
        | AssertedEvent::Granted(_)
        | AssertedEvent::Disclosed(_) => Counts::Recorded,
    }
}

/// The customer's state in hindsight: for answers at `then.at` and no other time. `None`: the ledger didn't know the
/// customer then. `records` are all there are about the customer, oldest first.
pub fn customer<'a>(records: impl IntoIterator<Item = Placed<'a>>, then: Then) -> Option<Customer> {
    Folding::of(records).at(then).map(Cow::into_owned)
}

/// What a record that was not there then narrows.
fn follow_later(customer: &mut Customer, placed: &Placed<'_>) {
    match placed.event {
        Event::Contacts(ContactEvent::Listed(listed)) => contacts::narrow(customer, listed),
        Event::Authentication(AuthenticationEvent::Dissociated(event)) => {
            of_record::narrow(customer, event.reach, placed.happened_at());
        }
        Event::Authentication(AuthenticationEvent::Associated(event)) => {
            if let Some(gone) = event.gone() {
                of_record::narrow(customer, gone, placed.happened_at());
            }
        }
        _ => customer.take(placed),
    }
}

/// The company in hindsight: an entity's leaving counts from its date, everything else from its record.
pub fn company<'a>(
    records: impl IntoIterator<Item = Placed<'a, CompanyEvent>>,
    then: Then,
) -> Company {
    let mut company = Company::default();
    for placed in records {
        if then.has(&placed) || narrows_company_from(placed.event).is_some() {
            company.follow(&placed);
        }
    }
    company
}

/// When an entity is something no longer, where the event says so.
fn narrows_company_from(event: &CompanyEvent) -> Option<Time> {
    match event {
        CompanyEvent::Entities(EntityEvent::Left(left)) => Some(left.ends_at),
        _ => None,
    }
}

/// From when the record says that something was narrower, if it does.
fn narrows_from(placed: &Placed<'_>) -> Option<Time> {
    match counts(placed) {
        Counts::Recorded => None,
        Counts::Happened(from) | Counts::Dated(from) => Some(from),
    }
}

#[cfg(test)]
mod tests;
