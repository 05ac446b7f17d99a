//! One customer: the state, what may be done in it, what was done to it.

use serde::{Deserialize, Serialize};

use super::asserted::Imported;
use super::authentication::{self, Authentication};
use super::command::Command;
use super::company::Company;
use super::consent::evidence::Evidence;
use super::consent::word::{OneTime, Word};
use super::consent::{evidence, one_time, speak};
use super::contacts::{self, Contacts};
use super::disclosures::gag::{self, GagOrders};
use super::event::{Event, Placed};
use super::ids::{EntityId, Position, Token};
use super::notices::GivenNotice;
use super::notices::opt_out::OptOut;
use super::refusal::{Refusal, RefusalCode};
use super::retention::RetentionEvent;
use super::retention::erasure::{self, Erasure};
use super::rulebook::Rulebook;
use super::served::ServedBy;
use super::services::{Services, VaultHead};
use super::time::Time;
use super::{asserted, checks, disclosures, notices, retention, served, services};

pub use super::checks::rule::rule;

/// What the ledger knows of one customer now. Holds nothing personal, so that a replay needs no keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Number of records about the customer: 1, 2, 3 … (C1).
    pub version: u64,
    /// The newest record.
    pub last: Position,
    /// When the newest record was recorded, but for erasures that were refused: what is kept is kept for a while after it,
    /// and a request refused must not put off the next (F20).
    pub last_at: Time,
    /// The legal entity that serves the account.
    pub legal_entity: EntityId,
    /// When the account was opened: what is set soon after belongs to the start of service (F16).
    pub opened_at: Time,
    /// Services held and once held.
    pub services: Services,
    /// Notices given, oldest first, bounded.
    pub notices: Vec<GivenNotice>,
    /// Notices that asked for opt-out approval; few customers have any.
    pub opt_out: Option<Box<OptOut>>,
    /// Affiliates that serve the customer themselves, bounded.
    pub served_by: Vec<ServedBy>,
    /// Words said, oldest first, bounded.
    pub words: Vec<Word>,
    /// One-time approvals whose call may be open.
    pub one_time: Vec<OneTime>,
    /// Digests of one-time approvals' recordings that came later, or are owed; few customers have any (P4).
    pub evidence: Option<Box<Evidence>>,
    /// Calls that ended lately: no approval can be added to them.
    pub ended_calls: Vec<Token>,
    /// Gag orders on disclosures (P7).
    pub gags: Option<Box<GagOrders>>,
    /// Legal holds that stand, by their records (F20).
    pub holds: Vec<Position>,
    /// What imports brought; few customers of a ledger in its middle years have it (C2).
    pub imported: Option<Box<Imported>>,
    /// The list of authorised contacts (P9).
    pub contacts: Option<Box<Contacts>>,
    /// How callers are verified (P11).
    pub authentication: Option<Box<Authentication>>,
    /// The customer was erased, and this is all that is left (E8).
    pub erased: Option<Box<Erasure>>,
}

/// What the rules know besides the customer: the rulebook in force and the company.
#[derive(Clone, Copy, Debug)]
pub struct World<'a> {
    /// The rulebook in force at the time of the question (R24).
    pub rulebook: &'a Rulebook,
    /// Since when rulebooks have enabled opt-out approval without a break, if the one in force does: what was sent before
    /// counts for nothing (R10, R24).
    pub opt_out_since: Time,
    /// Whether the question's PIC-freeze request was answered before, whatever customer it was about (R14).
    pub pic_request_used: bool,
    /// What is recorded of the company.
    pub company: &'a Company,
    /// In hindsight: the company as it was known then. A yes must hold by both (R5).
    pub known: Option<&'a Company>,
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
    /// As in [`World`].
    pub opt_out_since: Time,
    /// As in [`World`].
    pub pic_request_used: bool,
    /// What is recorded of the company.
    pub company: &'a Company,
    /// Who took the command, as a token: a proposer can't approve (F11).
    pub person: Option<Token>,
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
    context.require_occurred_at()?;
    if let Some(erasure) = customer.and_then(|customer| customer.erased.as_deref()) {
        return erasure::decide_of_erased(erasure, command);
    }
    let customer = match (customer, command) {
        (_, Command::Company(_)) => return Err(not_of_a_customer()),
        (_, Command::Assert(command)) => return asserted::decide(customer, command, context),
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
        Command::GiveNotice(command) => notices::give(command, context),
        Command::Notices(command) => notices::decide(customer, command, context),
        Command::Affiliates(command) => served::decide(customer, command, context),
        Command::Speak(command) => speak::decide(customer, command, context),
        Command::GrantOnce(command) => one_time::decide(customer, command, context),
        Command::SupplyEvidence(command) => evidence::decide(customer, command, context),
        Command::EndCall(command) => Ok(one_time::decide_end(command)),
        Command::Disclose(command) => disclosures::decide(customer, command, context),
        Command::LiftGag(command) => gag::decide(customer, command, context),
        Command::RecordRuling(question) => checks::decide(customer, question, context),
        Command::Retention(command) => retention::decide(customer, command, context),
        Command::Assert(command) => asserted::decide(Some(customer), command, context),
        Command::Contacts(command) => contacts::decide(customer, command, context),
        Command::Authentication(command) => authentication::decide(customer, command, context),
        Command::Company(_) => Err(not_of_a_customer()),
    }
}

fn not_of_a_customer() -> Refusal {
    Refusal::new(
        RefusalCode::Invalid,
        "customer",
        "the command is about the company and names no customer",
    )
}

impl Context<'_> {
    /// What the rules know besides the customer.
    pub fn world(&self) -> World<'_> {
        World {
            rulebook: self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: self.pic_request_used,
            company: self.company,
            known: None,
        }
    }

    /// What the ledger witnesses has occurred, and not long ago (R5).
    pub(super) fn require_occurred_at(&self) -> Result<(), Refusal> {
        let Some(occurred_at) = self.occurred_at else {
            return Ok(());
        };
        if occurred_at > self.now {
            return Err(Refusal::new(
                RefusalCode::OccurredAt,
                "occurred_at",
                "it lies in the future; leave it out for now",
            ));
        }
        self.require_not_long_ago(occurred_at, "occurred_at")
    }

    /// What is witnessed is told soon; older facts come by import (R5).
    pub(super) fn require_not_long_ago(&self, at: Time, field: &str) -> Result<(), Refusal> {
        let hours = self.rulebook.periods().occurred_back_hours;
        if at >= self.now.minus_hours(hours) {
            return Ok(());
        }
        Err(Refusal::new(
            RefusalCode::OccurredAt,
            field,
            format!("it lies more than {hours} h back; older facts come by import"),
        ))
    }
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
        (self.one_time).retain(|approval| approval.ends_at > placed.recorded_at);
        self.take(placed);
    }

    /// As [`Customer::follow`], and what has ended by the time of the record is kept: in hindsight that time lies ahead.
    pub(super) fn take(&mut self, placed: &Placed<'_>) {
        self.version = self.version.saturating_add(1);
        self.last = placed.position;
        if !is_refused_erasure(placed.event) {
            self.last_at = placed.recorded_at;
        }
        if let Some(erased) = self.erased.as_deref_mut() {
            return erasure::follow(erased, placed);
        }
        match placed.event {
            Event::AccountOpened(_) => self.opened_at = placed.recorded_at,
            Event::RulingRecorded(_) => {}
            Event::ServiceOpened(opened) => self.services.open(&opened.category, placed),
            Event::ServiceClosed(closed) => (self.services)
                .narrow(placed.recorded_at, |services| {
                    services.close(closed, placed)
                }),
            Event::NoticeGiven(given) => notices::evolve(&mut self.notices, given, placed),
            Event::Notices(event) => notices::follow(self, &placed.of(event)),
            Event::Affiliates(event) => served::follow(self, &placed.of(event)),
            Event::Granted(granted) => speak::evolve(self, granted.said(), placed),
            Event::Blocked(blocked) => speak::evolve(self, blocked.said(), placed),
            Event::GrantedOnce(granted) => one_time::evolve(self, granted, placed),
            Event::EvidenceSupplied(event) => evidence::follow(self, &placed.of(event)),
            Event::CallEnded(ended) => one_time::evolve_end(self, ended),
            Event::DisclosureMade(made) => gag::sealed(self, made.seal, &made.question, placed),
            Event::DisclosureRefused(refused) => {
                gag::sealed(self, refused.seal, &refused.question, placed)
            }
            Event::GagLifted(lifted) => gag::follow(self, lifted),
            Event::Retention(event) => retention::follow(self, &placed.of(event)),
            Event::Asserted(event) => asserted::follow(self, &placed.of(event)),
            Event::Contacts(event) => contacts::follow(self, &placed.of(event)),
            Event::Authentication(event) => authentication::follow(self, &placed.of(event)),
        }
    }

    /// All that is known goes, but what keeps count of the records and what hides disclosures (P7).
    pub(super) fn erase(&mut self, erasure: Erasure) {
        let before = std::mem::replace(self, Self::new(self.legal_entity.clone()));
        self.version = before.version;
        self.last = before.last;
        self.last_at = before.last_at;
        self.opened_at = before.opened_at;
        self.gags = before.gags;
        self.erased = Some(Box::new(erasure));
    }

    fn new(legal_entity: EntityId) -> Self {
        Self {
            version: 0,
            last: Position(0),
            last_at: Time::default(),
            legal_entity,
            opened_at: Time::default(),
            services: Services::default(),
            notices: Vec::new(),
            opt_out: None,
            served_by: Vec::new(),
            words: Vec::new(),
            one_time: Vec::new(),
            evidence: None,
            ended_calls: Vec::new(),
            gags: None,
            holds: Vec::new(),
            imported: None,
            contacts: None,
            authentication: None,
            erased: None,
        }
    }
}

fn is_refused_erasure(event: &Event) -> bool {
    matches!(event, Event::Retention(RetentionEvent::ErasureRefused(_)))
}

#[cfg(test)]
mod tests;
