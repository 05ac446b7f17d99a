//! Disclosures and the grounds they need (P7, P8, R14).

use super::consent::word::Assurance;
use super::ids::{EntityId, Personal, Position, Token};
use super::question::Question;
use super::ruling::ReasonCode;
use super::time::Time;

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
        verification: Option<Assurance>,
    },
    /// Billing and invoicing.
    Billing {
        /// Invoice run or invoice.
        invoice: Option<Personal>,
        /// Needed when the customer or a contact is told (R19).
        verification: Option<Assurance>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
