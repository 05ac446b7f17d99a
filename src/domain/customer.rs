//! One customer: the state, what may be done in it, what was done to it.

use serde::{Deserialize, Serialize};

use super::command::Command;
use super::consent::word::{OneTime, Word};
use super::consent::{one_time, speak};
use super::event::{Event, Placed};
use super::ids::{EntityId, Position, Token};
use super::notices::GivenNotice;
use super::refusal::{Refusal, RefusalCode};
use super::rulebook::Rulebook;
use super::services::{Services, VaultHead};
use super::time::Time;
use super::{checks, disclosures, notices, services};

pub use super::checks::rule::rule;

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
    require_occurred_at(context)?;
    let customer = match (customer, command) {
        (None, Command::OpenAccount(command)) => return services::open_account(command, context),
        (Some(_), Command::OpenAccount(_)) => {
            return Err(Refusal::new(
                RefusalCode::CustomerExists,
                "customer",
                "the account is open already; change its services instead",
            ));
        }
        (None, _) => {
            return Err(Refusal::new(
                RefusalCode::CustomerUnknown,
                "customer",
                "the ledger knows no such customer; open the account first",
            ));
        }
        (Some(customer), _) => customer,
    };
    match command {
        Command::OpenAccount(command) => services::open_account(command, context),
        Command::ChangeServices(command) => services::change_services(customer, command, context),
        Command::GiveNotice(command) => notices::give(command),
        Command::Speak(command) => speak::decide(customer, command, context),
        Command::GrantOnce(command) => one_time::decide(customer, command, context),
        Command::EndCall(command) => Ok(one_time::decide_end(command)),
        Command::Disclose(command) => disclosures::decide(customer, command, context),
        Command::RecordRuling(question) => checks::decide(customer, question, context),
    }
}

/// What the ledger witnesses has occurred, and not long ago (R5).
fn require_occurred_at(context: &Context<'_>) -> Result<(), Refusal> {
    let Some(occurred_at) = context.occurred_at else {
        return Ok(());
    };
    let hours = context.rulebook.periods().occurred_back_hours;
    let refuse = |why| Err(Refusal::new(RefusalCode::OccurredAt, "occurred_at", why));
    if occurred_at > context.now {
        return refuse("occurred_at lies in the future; leave it out for now".to_owned());
    }
    if occurred_at < context.now.minus_hours(hours) {
        return refuse(format!(
            "occurred_at lies more than {hours} h back; older facts come by import"
        ));
    }
    Ok(())
}

/// The customer after the event. `None` before the account was opened.
pub fn evolve(customer: Option<Customer>, placed: &Placed<'_>) -> Option<Customer> {
    let mut customer = match (customer, placed.event) {
        (None, Event::AccountOpened(opened)) => Customer::new(opened.legal_entity.clone()),
        (customer, _) => customer?,
    };
    customer.follow(placed);
    Some(customer)
}

impl Customer {
    /// [`evolve`] in place, for a customer who is known: a replay does it for every record.
    pub fn follow(&mut self, placed: &Placed<'_>) {
        self.version = self.version.saturating_add(1);
        self.last = placed.position;
        (self.one_time).retain(|approval| approval.ends_at > placed.recorded_at);
        match placed.event {
            Event::AccountOpened(_) | Event::DisclosureRefused(_) | Event::RulingRecorded(_) => {}
            Event::ServiceOpened(opened) => self.services.open(&opened.category, placed),
            Event::ServiceClosed(closed) => self.services.close(closed, placed),
            Event::NoticeGiven(given) => notices::evolve(&mut self.notices, given, placed),
            Event::Granted(granted) => speak::evolve(self, granted.said(), placed),
            Event::Blocked(blocked) => speak::evolve(self, blocked.said(), placed),
            Event::GrantedOnce(granted) => one_time::evolve(self, granted, placed),
            Event::CallEnded(ended) => one_time::evolve_end(self, ended),
            Event::DisclosureMade(made) => disclosures::evolve(self, made),
        }
    }

    fn new(legal_entity: EntityId) -> Self {
        Self {
            version: 0,
            last: Position(0),
            legal_entity,
            services: Services::default(),
            notices: Vec::new(),
            words: Vec::new(),
            one_time: Vec::new(),
            ended_calls: Vec::new(),
            pic_requests: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
