//! Disclosures and the grounds they need (P7, P8, R14).

pub mod gag;
pub mod grounds;

use serde::{Deserialize, Serialize};

use crate::domain::authentication::telling::Telling;
use crate::domain::checks::rule::rule_disclosure;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Personal, Position, Token};
use crate::domain::question::Question;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::ruling::{ReasonCode, Ruling};
use crate::domain::time::Time;

/// What a disclosure rests on, with the facts that the ground demands. A fact that is missing is a
/// refusal that is recorded, so each is optional here (R14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ground {
    /// The customer's approval; a cited one must be among the live ones.
    Approval {
        /// The record of the approval relied on.
        cites: Option<Position>,
    },
    /// The customer's own written request naming recipient and classes: a form of approval (47 USC 222(c)(2)).
    WrittenRequest {
        /// SHA-256 of the request.
        digest: Option<[u8; 32]>,
    },
    /// Law or court order.
    Legal {
        /// Who ordered it.
        authority: Option<Personal>,
        /// The order's reference.
        reference: Option<Personal>,
        /// The order's date, `YYYY-MM-DD`.
        dated: Option<String>,
        /// SHA-256 of the order.
        digest: Option<[u8; 32]>,
    },
    /// Protection of rights and property.
    Rights {
        /// The fraud or abuse case, stated to be open.
        case: Option<Personal>,
        /// Whether the caller states that the case is open.
        open: bool,
        /// Whom it protects.
        protected_party: Option<Personal>,
    },
    /// A provider asks whether a PIC freeze stands.
    PicFreeze {
        /// The requesting provider.
        provider: Option<EntityId>,
        /// Its request id, unused so far.
        request: Option<Token>,
    },
    /// A directory listing.
    Directory {
        /// The publisher.
        publisher: Option<EntityId>,
        /// Whether the customer's listing is non-published: then nothing leaves.
        non_published: bool,
    },
    /// Provision of service, trouble assistance.
    Service {
        /// Ticket or order.
        ticket: Option<Personal>,
        /// Whether the caller states that it is open.
        open: bool,
        /// Needed when the customer or a contact is told (R19).
        verification: Option<Telling>,
    },
    /// Billing and invoicing.
    Billing {
        /// Invoice run or invoice.
        invoice: Option<Personal>,
        /// Needed when the customer or a contact is told (R19).
        verification: Option<Telling>,
    },
}

/// Asks for a disclosure and records it in the same step, made or refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclose {
    /// To whom, what, what for; its `ground` is set.
    pub question: Question,
    /// Under a gag order: hidden from customer accounting and publication (P7).
    pub seal: Option<Seal>,
}

/// A gag order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Seal {
    /// Hidden until that instant.
    Until(Time),
    /// Hidden until lifted.
    UntilLifted,
}

/// A disclosure was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureMade {
    /// What was asked.
    pub question: Question,
    /// The gag order it is under.
    pub seal: Option<Seal>,
    /// The approval records it rests on; empty for other grounds.
    pub relied_on: Vec<Position>,
}

/// A disclosure was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisclosureRefused {
    /// What was asked.
    pub question: Question,
    /// The gag order it came under.
    pub seal: Option<Seal>,
    /// Why.
    pub reasons: Vec<ReasonCode>,
}

/// The event of a disclosure, made or refused: judged at the moment of recording, so that check and
/// record are one step (P7).
pub(super) fn decide(
    customer: &Customer,
    command: &Disclose,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    require_well_formed(command, context.now)?;
    if command.seal.is_some() {
        gag::require_room(customer, context.now)?;
    }
    let ruling = rule_disclosure(customer, context.world(), &command.question, context.now);
    let (question, seal) = (command.question.clone(), command.seal);
    Ok(vec![if ruling.allowed {
        Event::DisclosureMade(DisclosureMade {
            relied_on: relied_on(&ruling, &question),
            question,
            seal,
        })
    } else {
        let mut reasons: Vec<_> = ruling.reasons.iter().map(|reason| reason.code).collect();
        reasons.sort_unstable();
        reasons.dedup();
        Event::DisclosureRefused(DisclosureRefused {
            question,
            seal,
            reasons,
        })
    }])
}

/// A malformed disclosure leaves no record (R14).
fn require_well_formed(command: &Disclose, now: Time) -> Result<(), Refusal> {
    let invalid = |field: &str, why: &str| Err(Refusal::new(RefusalCode::Invalid, field, why));
    require_askable(&command.question)?;
    let Some(ground) = &command.question.ground else {
        return invalid(
            "question.ground",
            "a disclosure rests on a ground; name the one claimed",
        );
    };
    match command.seal {
        Some(_) if !matches!(ground, Ground::Legal { .. }) => invalid(
            "seal",
            "only a disclosure on the ground legal can be under a gag order",
        ),
        Some(Seal::Until(end)) if end <= now => invalid(
            "seal.until",
            "the gag order is over; give an instant ahead, or none",
        ),
        _ => Ok(()),
    }
}

/// Refuses a question that asks nothing or whose ground can't be read.
pub(super) fn require_askable(question: &Question) -> Result<(), Refusal> {
    let invalid = |field: &str, why: &str| Err(Refusal::new(RefusalCode::Invalid, field, why));
    if !question.asks_something() {
        return invalid(
            "question.classes",
            "no class is asked for; name classes, or what is not CPNI",
        );
    }
    match &question.ground {
        Some(Ground::Legal {
            dated: Some(dated), ..
        }) if !grounds::is_calendar_date(dated) => invalid(
            "question.ground.dated",
            "the order's date is no day of the calendar; write it as YYYY-MM-DD",
        ),
        _ => Ok(()),
    }
}

fn relied_on(ruling: &Ruling, question: &Question) -> Vec<Position> {
    let approvals = [
        ReasonCode::Granted,
        ReasonCode::OptOutApproved,
        ReasonCode::OneTime,
    ];
    let mut positions: Vec<_> = (ruling.reasons.iter())
        .filter(|reason| approvals.contains(&reason.code))
        .flat_map(|reason| reason.positions.iter().copied())
        .collect();
    if let Some(Ground::Approval { cites: Some(cited) }) = question.ground {
        positions.push(cited);
    }
    positions.sort_unstable();
    positions.dedup();
    positions
}

#[cfg(test)]
mod tests;
