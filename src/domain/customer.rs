//! One customer: the state, what may be done in it, what was done to it.

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::consent::word::{OneTime, Word};
use super::event::{Event, Placed};
use super::ids::{EntityId, Position, Token};
use super::notices::GivenNotice;
use super::question::Question;
use super::refusal::Refusal;
use super::rulebook::Rulebook;
use super::ruling::Ruling;
use super::services::{Services, VaultHead};
use super::time::Time;

/// What the ledger knows of one customer now. Holds nothing personal, so that a replay needs no keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Number of records about the customer: 1, 2, 3 … (C1).
    pub version: u64,
    /// The newest record.
    pub last: Position,
    /// The legal entity that serves the account.
    pub legal_entity: EntityId,
    /// Services held and once held.
    pub services: Services,
    /// Notices given, oldest first, bounded.
    pub notices: Vec<GivenNotice>,
    /// Words said, oldest first, bounded.
    pub words: Vec<Word>,
    /// One-time approvals whose call may be open.
    pub one_time: Vec<OneTime>,
    /// Calls that ended lately: no approval can be added to them.
    pub ended_calls: Vec<Token>,
    /// PIC-freeze request ids used, as tokens of provider and id.
    pub pic_requests: Vec<Token>,
}

/// What `decide` is told about the world.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time of the decision: max(clock, last `recorded_at`).
    pub now: Time,
    /// When the caller says that it happened.
    pub occurred_at: Option<Time>,
    /// The position that the first event will take.
    pub position: Position,
    /// The rulebook in force.
    pub rulebook: &'a Rulebook,
    /// The vault entry of a customer who is being registered.
    pub vault: VaultHead,
}

/// The events that `command` leads to, or why it changes nothing.
///
/// # Errors
/// The refusal names its code, field and rule.
pub fn decide(
    customer: Option<&Customer>,
    command: &Command,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let _ = (customer, command, context);
    Ok(Vec::new())
}

/// The customer after the event. `None` before the account was opened.
pub fn evolve(customer: Option<Customer>, placed: &Placed<'_>) -> Option<Customer> {
    let _ = placed;
    customer
}

/// The answer to `question` about `customer` at `at`; `None` is a customer whom the ledger doesn't know (R16).
pub fn rule(
    customer: Option<&Customer>,
    rulebook: &Rulebook,
    question: &Question,
    at: Time,
) -> Ruling {
    let _ = (rulebook, question, at);
    match customer {
        _ => Ruling {
            allowed: false,
            state: super::ruling::State::Unknown,
            basis: None,
            reasons: Vec::new(),
            cells: Vec::new(),
            remedies: Vec::new(),
            valid_until: None,
        },
    }
}
