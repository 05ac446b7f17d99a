//! What happened: the facts that records hold, one event a record.

use super::consent::word::{Blocked, CallEnded, Granted, GrantedOnce};
use super::disclosures::{DisclosureMade, DisclosureRefused};
use super::notices::NoticeGiven;
use super::question::Question;
use super::ruling::Ruling;
use super::services::{AccountOpened, ServiceClosed, ServiceOpened};

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
    /// A grant was spoken.
    Granted(Granted),
    /// A denial, withdrawal or restriction was spoken.
    Blocked(Blocked),
    /// A one-time approval was given.
    GrantedOnce(GrantedOnce),
    /// A call ended.
    CallEnded(CallEnded),
    /// A disclosure was made.
    DisclosureMade(DisclosureMade),
    /// A disclosure was refused.
    DisclosureRefused(DisclosureRefused),
    /// A ruling was put on record.
    RulingRecorded(RulingRecorded),
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'a> {
    /// The record's position.
    pub position: super::ids::Position,
    /// The first position of its command.
    pub command: super::ids::Position,
    /// When the ledger recorded it.
    pub recorded_at: super::time::Time,
    /// When the caller says that it happened.
    pub occurred_at: Option<super::time::Time>,
    /// The event.
    pub event: &'a Event,
}
