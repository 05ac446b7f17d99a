//! From a command's records to its answer: the same for the first time and for a repeat years of restarts later.

use super::{Answer, Outcome};
use crate::domain::authentication::AuthenticationEvent;
use crate::domain::authentication::sim_changes::SimChangeRefused;
use crate::domain::consent::word::Granted;
use crate::domain::disclosures::{DisclosureMade, DisclosureRefused};
use crate::domain::event::{Event, RulingRecorded};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::notices::NoticeEvent;
use crate::domain::retention::RetentionEvent;
use crate::domain::time::Time;

/// The facts of a command's records that its answer needs.
pub struct Recorded<'a> {
    /// None: they are about the company.
    pub customer: Option<Pseudonym>,
    pub first: u64,
    pub count: usize,
    pub version: u64,
    pub recorded_at: Time,
    /// Those about a customer.
    pub events: &'a [Event],
}

pub fn answer(recorded: &Recorded<'_>, repeated: bool) -> Answer {
    let count = recorded.count as u64;
    Answer {
        customer: recorded.customer,
        first: Position(recorded.first),
        position: Position(recorded.first.saturating_add(count).saturating_sub(1)),
        version: recorded.version,
        recorded_at: recorded.recorded_at,
        repeated,
        outcome: outcome(recorded.events),
    }
}

fn outcome(events: &[Event]) -> Outcome {
    match events.first() {
        Some(Event::Granted(_) | Event::Blocked(_)) => Outcome::Spoken {
            still_blocked_by: still_blocked_by(events),
        },
        Some(Event::Notices(event)) => of_notice(event),
        Some(Event::DisclosureMade(DisclosureMade { relied_on, .. })) => Outcome::Disclosed {
            relied_on: relied_on.clone(),
        },
        Some(Event::DisclosureRefused(DisclosureRefused { reasons, .. })) => {
            Outcome::DisclosureRefused {
                reasons: reasons.clone(),
            }
        }
        Some(Event::RulingRecorded(RulingRecorded { ruling, .. })) => {
            Outcome::Ruled(Box::new(ruling.clone()))
        }
        Some(Event::Authentication(event)) => attempted(event, events),
        Some(Event::Retention(event)) => of_retention(event),
        _ => match events.last() {
            // The account that it opened comes before it.
            Some(Event::Asserted(event)) => Outcome::Asserted {
                shortfalls: event.shortfalls().to_vec(),
                still_blocked_by: event.still_blocked_by().to_vec(),
            },
            _ => Outcome::Done,
        },
    }
}

fn attempted(event: &AuthenticationEvent, events: &[Event]) -> Outcome {
    let (succeeded, ends_at) = match event {
        AuthenticationEvent::VerificationOpened(opened) => (true, Some(opened.ends_at)),
        AuthenticationEvent::ChallengePassed(passed) => (true, Some(passed.ends_at)),
        AuthenticationEvent::Established(_) => (true, None),
        AuthenticationEvent::SimChangeRequested(_) => {
            return Outcome::SimChangeAsked { refused: None };
        }
        AuthenticationEvent::SimChangeRefused(SimChangeRefused { why, .. }) => {
            let refused = Some(*why);
            return Outcome::SimChangeAsked { refused };
        }
        AuthenticationEvent::CheckFailed(_)
        | AuthenticationEvent::ChallengeFailed(_)
        | AuthenticationEvent::EstablishRefused(_) => (false, None),
        _ => return Outcome::Done,
    };
    let is_lock =
        |event: &Event| matches!(event, Event::Authentication(AuthenticationEvent::Locked(_)));
    Outcome::Attempted {
        succeeded,
        locked: events.iter().any(is_lock),
        ends_at,
    }
}

fn of_retention(event: &RetentionEvent) -> Outcome {
    match event {
        RetentionEvent::ErasureRequested(requested) => Outcome::Erased {
            due_by: requested.due_by,
        },
        RetentionEvent::ErasureRefused(refused) => Outcome::ErasureRefused {
            bars: refused.bars.clone(),
        },
        RetentionEvent::HoldPlaced(_)
        | RetentionEvent::HoldReleased(_)
        | RetentionEvent::ErasureCompleted(_) => Outcome::Done,
    }
}

fn of_notice(event: &NoticeEvent) -> Outcome {
    match event {
        NoticeEvent::Sent(sent) => Outcome::NoticeSent {
            clock: sent.opt_out,
        },
        NoticeEvent::Delivered(_) => Outcome::NoticeReported { voids_since: None },
        NoticeEvent::Failed(failed) => Outcome::NoticeReported {
            voids_since: failed.voids_since,
        },
        NoticeEvent::EmailAgreed(_) | NoticeEvent::EmailRevoked(_) => Outcome::Done,
    }
}

fn still_blocked_by(events: &[Event]) -> Vec<Position> {
    let mut blocks: Vec<Position> = events
        .iter()
        .filter_map(|event| match event {
            Event::Granted(Granted {
                still_blocked_by, ..
            }) => Some(still_blocked_by),
            _ => None,
        })
        .flatten()
        .copied()
        .collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks
}
