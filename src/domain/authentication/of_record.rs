//! Numbers and addresses of record: what belongs to the account, and since when (F14; 64.2003, 64.2010(b)).
//!
//! An address is *of record* once it has been associated with the account for 30 days; the same is asked of a number
//! (R19). A value never stands here: only its token, and its sealed text in the record that brought it.

use serde::{Deserialize, Serialize};

use super::authority::Authority;
use super::change_notices::{self, AccountChange};
use super::{Authentication, AuthenticationEvent};
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Personal, Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

/// Numbers and addresses, past ones among them, that a customer's state keeps. Beyond them none is added; a past one
/// is forgotten first, once nothing that is owed can go to it.
pub const OF_RECORD_MAX: usize = 32;

named_list! {
    /// What a customer can be reached by.
    ReachKind {
        /// A telephone number associated with the service.
        TelephoneNumber = "telephone_number",
        /// A postal address.
        PostalAddress = "postal_address",
        /// An e-mail address or the like.
        ElectronicAddress = "electronic_address",
    }
}

/// A number or an address by its kind and token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reach {
    /// What it is.
    pub kind: ReachKind,
    /// Its token.
    pub value: Token,
}

/// Associates a number or an address with the account, or exchanges one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Associate {
    /// The new one.
    pub reach: Reach,
    /// The new one in clear, where the company wants it in the record.
    pub text: Option<Personal>,
    /// The one of the same kind that it takes the place of.
    pub replaces: Option<Token>,
    /// On what.
    pub authority: Authority,
}

/// Takes a number or an address off the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dissociate {
    /// Which.
    pub reach: Reach,
    /// On what.
    pub authority: Authority,
}

/// A number or an address belongs to the account (widens: counts from the record, R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Associated {
    /// What.
    pub reach: Reach,
    /// In clear.
    #[serde(skip)]
    pub text: Option<Personal>,
    /// The one that it took the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<Token>,
    /// On what.
    pub authority: Authority,
    /// By when the customer must be told; none at the start of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A number or an address no longer belongs to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dissociated {
    /// What.
    pub reach: Reach,
    /// On what.
    pub authority: Authority,
    /// By when the customer must be told; none at the start of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A number or an address and the time for which it belongs to the account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfRecord {
    /// What.
    pub reach: Reach,
    /// The record that brought it.
    pub position: Position,
    /// First instant.
    pub since: Time,
    /// First instant after it.
    pub until: Option<Time>,
}

impl OfRecord {
    /// Whether it belongs to the account at that instant.
    pub fn belongs(&self, at: Time) -> bool {
        self.since <= at && self.until.is_none_or(|end| at < end)
    }

    /// The first instant at which it is of record.
    pub fn matures_at(&self, days: u32) -> Time {
        self.since.plus_hours(days.saturating_mul(24))
    }

    /// Whether it is of record at that instant: it belongs to the account, and has for so many days (64.2003).
    pub fn is_of_record(&self, at: Time, days: u32) -> bool {
        self.belongs(at) && self.matures_at(days) <= at
    }
}

impl Associated {
    /// What it takes the place of.
    pub(in crate::domain) fn gone(&self) -> Option<Reach> {
        let kind = self.reach.kind;
        self.replaces.map(|value| Reach { kind, value })
    }
}

impl Authentication {
    /// The number or address, while it belongs to the account.
    pub fn belonging(&self, reach: Reach, at: Time) -> Option<&OfRecord> {
        (self.of_record.iter()).find(|one| one.reach == reach && one.belongs(at))
    }

    pub(super) fn associated(&mut self, placed: &Placed<'_, Associated>) {
        let event = placed.event;
        // Before the old one ceases: its notification is owed only now, and goes there (F16).
        if self.of_record.len() >= OF_RECORD_MAX
            && let Some(past) = (self.of_record.iter()).position(|one| one.until.is_some())
        {
            self.of_record.remove(past);
        }
        if let Some(gone) = event.gone() {
            self.cease(gone, placed.recorded_at);
        }
        self.of_record.push(OfRecord {
            reach: event.reach,
            position: placed.position,
            since: placed.recorded_at,
            until: None,
        });
        self.owe(of_kind(event.reach.kind), None, event.notice_due_at, placed);
    }

    pub(super) fn dissociated(&mut self, placed: &Placed<'_, Dissociated>) {
        let event = placed.event;
        self.cease(event.reach, placed.recorded_at);
        self.owe(of_kind(event.reach.kind), None, event.notice_due_at, placed);
    }

    fn cease(&mut self, reach: Reach, at: Time) {
        let belonging = |one: &&mut OfRecord| one.reach == reach && one.until.is_none();
        if let Some(one) = self.of_record.iter_mut().find(belonging) {
            one.until = Some(at);
        }
    }
}

/// The customer in hindsight, at a time before the record and after the event: a number or an address no longer belonged
/// to the account; what took its place didn't yet (R5).
pub(in crate::domain) fn narrow(customer: &mut Customer, gone: Reach, happened_at: Time) {
    if let Some(state) = &mut customer.authentication {
        state.cease(gone, happened_at);
    }
}

const fn of_kind(kind: ReachKind) -> AccountChange {
    match kind {
        ReachKind::TelephoneNumber => AccountChange::NumberOfRecord,
        ReachKind::PostalAddress | ReachKind::ElectronicAddress => AccountChange::AddressOfRecord,
    }
}

pub(super) fn associate(
    customer: &Customer,
    command: &Associate,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let kind = command.reach.kind;
    let is_first = (customer.authentication.as_ref())
        .is_none_or(|state| !state.of_record.iter().any(|one| one.reach.kind == kind));
    (command.authority).require_for(is_first, customer, context)?;
    let refuse = |code, field: &str, why: String| Err(Refusal::new(code, field, why));
    let belongs = |value: Token| {
        let reach = Reach { kind, value };
        (customer.authentication.as_ref())
            .is_some_and(|state| state.belonging(reach, context.now).is_some())
    };
    if belongs(command.reach.value) {
        let why = "it belongs to the account already; the time since when it does would be lost";
        return refuse(RefusalCode::OfRecordState, "reach.value", why.into());
    }
    if command.replaces.is_some_and(|old| !belongs(old)) {
        let why =
            "what is to be replaced doesn't belong to the account; name one that does, or none";
        return refuse(RefusalCode::OfRecordState, "replaces", why.into());
    }
    if !has_room(customer) {
        let why = format!(
            "an account keeps {OF_RECORD_MAX} numbers and addresses; take one off, and send what is owed, first"
        );
        return refuse(RefusalCode::Limit, "reach", why);
    }
    Ok(vec![AuthenticationEvent::Associated(Associated {
        reach: command.reach,
        text: command.text.clone(),
        replaces: command.replaces,
        authority: command.authority,
        notice_due_at: change_notices::due_at(customer, context)?,
    })])
}

/// A past one makes room, but not while a notification may still have to go there (F16).
fn has_room(customer: &Customer) -> bool {
    customer.authentication.as_ref().is_none_or(|state| {
        state.of_record.len() < OF_RECORD_MAX
            || (state.due.is_empty() && state.of_record.iter().any(|one| one.until.is_some()))
    })
}

pub(super) fn dissociate(
    customer: &Customer,
    command: &Dissociate,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    (command.authority).require_for(false, customer, context)?;
    let state = customer.authentication.as_ref();
    if state
        .and_then(|state| state.belonging(command.reach, context.now))
        .is_none()
    {
        return Err(Refusal::new(
            RefusalCode::OfRecordState,
            "reach.value",
            "it doesn't belong to the account",
        ));
    }
    Ok(vec![AuthenticationEvent::Dissociated(Dissociated {
        reach: command.reach,
        authority: command.authority,
        notice_due_at: change_notices::due_at(customer, context)?,
    })])
}
