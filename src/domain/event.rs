//! What happened: the facts that records hold, one event a record.

use super::asserted::AssertedEvent;
use super::authentication::AuthenticationEvent;
use super::consent::evidence::EvidenceSupplied;
use super::consent::word::{Blocked, CallEnded, Granted, GrantedOnce};
use super::contacts::ContactEvent;
use super::disclosures::gag::GagLifted;
use super::disclosures::{DisclosureMade, DisclosureRefused};
use super::ids::{Position, Token};
use super::notices::{NoticeEvent, NoticeGiven};
use super::question::Question;
use super::retention::RetentionEvent;
use super::ruling::Ruling;
use super::served::AffiliateEvent;
use super::services::{AccountOpened, ServiceClosed, ServiceOpened};
use super::time::Time;

/// An event about one customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The account was opened.
    AccountOpened(AccountOpened),
    /// A service category is held from now on.
    ServiceOpened(ServiceOpened),
    /// A service category is no longer held.
    ServiceClosed(ServiceClosed),
    /// A notice was given.
    NoticeGiven(NoticeGiven),
    /// A notice was sent by template, or something became of one.
    Notices(NoticeEvent),
    /// An affiliate serves the customer itself, or no longer does.
    Affiliates(AffiliateEvent),
    /// A grant was spoken.
    Granted(Granted),
    /// A denial, withdrawal or restriction was spoken.
    Blocked(Blocked),
    /// A one-time approval was given.
    GrantedOnce(GrantedOnce),
    /// The digest of a one-time approval's recording was supplied.
    EvidenceSupplied(EvidenceSupplied),
    /// A call ended.
    CallEnded(CallEnded),
    /// A disclosure was made.
    DisclosureMade(DisclosureMade),
    /// A disclosure was refused.
    DisclosureRefused(DisclosureRefused),
    /// The gag order of a disclosure was lifted.
    GagLifted(GagLifted),
    /// A legal hold was placed or released.
    Retention(RetentionEvent),
    /// A ruling was put on record.
    RulingRecorded(RulingRecorded),
    /// An import asserted a fact.
    Asserted(AssertedEvent),
    /// The list of authorised contacts was asked for or changed.
    Contacts(ContactEvent),
    /// A caller was verified, or what callers are verified by was changed.
    Authentication(AuthenticationEvent),
}

impl Event {
    /// The PIC-freeze request that it answers, and so uses up (R14).
    pub fn answers_pic_request(&self) -> Option<Token> {
        match self {
            Self::DisclosureMade(made) => made.question.pic_request(),
            _ => None,
        }
    }
}

/// A question and its answer, on record at the caller's wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulingRecorded {
    /// The question.
    pub question: Question,
    /// The answer.
    pub ruling: Ruling,
}

/// An event in its place: what `evolve` and `decide` need of the record around it.
#[derive(Debug, PartialEq, Eq)]
pub struct Placed<'a, E = Event> {
    /// The record's position.
    pub position: Position,
    /// The first position of its command.
    pub command: Position,
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// When the caller says that it happened.
    pub occurred_at: Option<Time>,
    /// The event.
    pub event: &'a E,
}

impl<E> Clone for Placed<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Placed<'_, E> {}

impl<E> Placed<'_, E> {
    /// The same place, seen as that of a part of the event.
    pub fn of<'b, F>(&self, event: &'b F) -> Placed<'b, F> {
        Placed {
            position: self.position,
            command: self.command,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            event,
        }
    }

    /// When it happened: as stated, else when it was recorded.
    pub fn happened_at(&self) -> Time {
        self.occurred_at.unwrap_or(self.recorded_at)
    }
}
