//! What is owed after an account change: a notification at once, to what was of record before (F16; 64.2010(f)).
//!
//! A change makes it due with a deadline; whoever sends it records by which channel and to what. It never goes to what
//! the change itself brought, and a record of it has no room for what was changed. Where the account had nothing to
//! which it may go, that is recorded instead, and ends the debt.

use serde::{Deserialize, Serialize};

use super::authority::is_start_of_service;
use super::of_record::{OfRecord, Reach, ReachKind};
use super::{Authentication, AuthenticationEvent};
use crate::domain::company::register::Step;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Channel, named_list};

/// Notifications that may be owed at once. Beyond them no account change is taken until some are sent.
pub const DUE_MAX: usize = 64;

named_list! {
    /// What was created or changed.
    AccountChange {
        /// The password or PIN.
        Credential = "credential",
        /// A back-up answer.
        BackUpAnswer = "back_up_answer",
        /// The online account.
        OnlineAccount = "online_account",
        /// A telephone number of record.
        NumberOfRecord = "number_of_record",
        /// An address of record.
        AddressOfRecord = "address_of_record",
        /// The administrative contact (P10).
        AdministrativeContact = "administrative_contact",
        /// A SIM, which is about to be changed (64.2010(h)).
        SimChange = "sim_change",
    }
}

/// To what a notification goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeTarget {
    /// A number or an address that was of record before the change.
    OfRecord(Reach),
    /// The contact who was the administrative one before the change.
    Contact(Token),
    /// To nobody: the account had no number or address to which it may go, and it can't be sent.
    Nobody,
}

/// A notification was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendChangeNotice {
    /// The record of the change.
    pub change: Position,
    /// By what; none where it goes to nobody.
    pub channel: Option<Channel>,
    /// To what.
    pub to: NoticeTarget,
}

/// A notification of an account change was sent, or couldn't be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeNoticeSent {
    /// The record of the change.
    pub change: Position,
    /// What was changed.
    pub what: AccountChange,
    /// By what; none where it went to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<Channel>,
    /// To what.
    pub to: NoticeTarget,
    /// By when it had to be sent.
    pub due_at: Time,
}

/// Notifications sent that a customer's state keeps: the newest.
pub const SENT_MAX: usize = 16;

/// A notification that was owed, and was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentNotice {
    /// What was owed.
    pub due: DueNotice,
    /// The record that says so.
    pub done: Step,
}

/// A notification that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueNotice {
    /// The record of the change.
    pub change: Position,
    /// What was changed.
    pub what: AccountChange,
    /// The contact to whom it is owed; none: to what was of record.
    pub contact: Option<Token>,
    /// When the change was recorded.
    pub changed_at: Time,
    /// By when it must be sent.
    pub due_at: Time,
}

impl Authentication {
    /// Takes note of what is owed; nothing is, at the start of service.
    pub(in crate::domain) fn owe<E>(
        &mut self,
        what: AccountChange,
        contact: Option<Token>,
        due_at: Option<Time>,
        placed: &Placed<'_, E>,
    ) {
        if let Some(due_at) = due_at {
            self.due.push(DueNotice {
                change: placed.position,
                what,
                contact,
                changed_at: placed.recorded_at,
                due_at,
            });
        }
    }

    pub(super) fn change_notice_sent(&mut self, placed: &Placed<'_, ChangeNoticeSent>) {
        self.sim_told(placed);
        let mut due = self.due.iter();
        let Some(index) = due.position(|due| due.change == placed.event.change) else {
            return;
        };
        let (due, done) = (self.due.remove(index), Step::of(placed));
        self.sent.push(SentNotice { due, done });
        if self.sent.len() > SENT_MAX {
            self.sent.remove(0);
        }
    }

    /// The numbers and addresses to which a notification may go: of record when the change was made, or ended by it. On
    /// an account too young to have any, the oldest of those that it had then; never what the change brought.
    pub fn targets(&self, due: &DueNotice, of_record_days: u32) -> Vec<&OfRecord> {
        let at = due.changed_at;
        // Nor to where a thief may answer.
        let before = |one: &&OfRecord| {
            one.position != due.change
                && one.since < at
                && !self.is_swapped(one.reach, at, of_record_days)
        };
        let standing = |one: &&OfRecord| one.until.is_none_or(|end| at <= end);
        let targets: Vec<_> = (self.of_record.iter())
            .filter(before)
            .filter(standing)
            .filter(|one| one.matures_at(of_record_days) <= at)
            .collect();
        if !targets.is_empty() {
            return targets;
        }
        // One that was taken off lately is older than what took its place.
        let lately = at.minus_hours(of_record_days.saturating_mul(24));
        let oldest = (self.of_record.iter())
            .filter(before)
            .filter(|one| one.until.is_none_or(|end| lately <= end))
            .min_by_key(|one| one.since);
        oldest.into_iter().collect()
    }
}

/// A notification that is owed, and where it may go: what whoever sends it needs to know, and never what is new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owing {
    /// What is owed.
    pub due: DueNotice,
    /// The numbers and addresses to any of which it may go; none: to the contact, or to nobody.
    pub targets: Vec<OfRecord>,
}

/// What is owed for the record of a change; none: nothing is, or it was sent.
pub fn owing(customer: &Customer, change: Position, rulebook: &Rulebook) -> Option<Owing> {
    let state = customer.authentication.as_ref()?;
    let due = *state.due.iter().find(|due| due.change == change)?;
    let days = rulebook.authentication().of_record_days;
    let targets = match due.contact {
        Some(_) => Vec::new(),
        None => state.targets(&due, days).into_iter().copied().collect(),
    };
    Some(Owing { due, targets })
}

/// By when a change made now must be told; none at the start of service (64.2010(f)).
///
/// # Errors
/// When as many notifications are owed as the ledger keeps.
pub(in crate::domain) fn due_at(
    customer: &Customer,
    context: &Context<'_>,
) -> Result<Option<Time>, Refusal> {
    if is_start_of_service(customer, context) {
        return Ok(None);
    }
    owed_at(customer, context).map(Some)
}

/// The same for what is owed at the start of service too.
pub(in crate::domain) fn owed_at(
    customer: &Customer,
    context: &Context<'_>,
) -> Result<Time, Refusal> {
    let owed = (customer.authentication.as_ref()).map_or(0, |state| state.due.len());
    if owed >= DUE_MAX {
        return Err(Refusal::new(
            RefusalCode::Limit,
            "",
            format!("{DUE_MAX} notifications of account changes are owed; send them first"),
        ));
    }
    let minutes = context.rulebook.authentication().change_notice_minutes;
    Ok(context.now.plus_minutes(minutes))
}

pub(super) fn send(
    customer: &Customer,
    command: &SendChangeNotice,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let refuse = |code, field: &str, why: &str| Err(Refusal::new(code, field, why));
    let owed = (customer.authentication.as_ref()).and_then(|state| {
        let due = state.due.iter().find(|due| due.change == command.change)?;
        Some((state, due))
    });
    let Some((state, due)) = owed else {
        return refuse(
            RefusalCode::NoticeState,
            "change",
            "no notification is owed for that record; it was sent, or the record is no account change",
        );
    };
    if context
        .occurred_at
        .is_some_and(|sent| sent < due.changed_at)
    {
        return refuse(
            RefusalCode::OccurredAt,
            "header.occurred_at",
            "it lies before the change of which the notification tells",
        );
    }
    let days = context.rulebook.authentication().of_record_days;
    let reaches = match (command.to, due.contact) {
        (NoticeTarget::Contact(person), Some(owed)) => person == owed,
        (NoticeTarget::OfRecord(reach), None) => {
            (state.targets(due, days).iter()).any(|one| one.reach == reach)
        }
        (NoticeTarget::Nobody, None) => state.targets(due, days).is_empty(),
        _ => false,
    };
    if !reaches {
        return refuse(
            RefusalCode::OfRecordState,
            "to",
            "the notification goes to what was of record before the change, or to the contact who was replaced, and to nothing new; to nobody only where there was none (64.2010(f))",
        );
    }
    if !carries(command.channel, command.to) {
        return refuse(
            RefusalCode::Invalid,
            "channel",
            "a number is reached by phone or text, a postal address by post, an electronic one by email, nobody by nothing",
        );
    }
    Ok(vec![AuthenticationEvent::ChangeNoticeSent(
        ChangeNoticeSent {
            change: due.change,
            what: due.what,
            channel: command.channel,
            to: command.to,
            due_at: due.due_at,
        },
    )])
}

fn carries(channel: Option<Channel>, to: NoticeTarget) -> bool {
    let Some(channel) = channel else {
        return to == NoticeTarget::Nobody;
    };
    let by_number = matches!(channel, Channel::Phone | Channel::Ivr | Channel::Text);
    match to {
        NoticeTarget::OfRecord(reach) => match reach.kind {
            ReachKind::TelephoneNumber => by_number,
            ReachKind::PostalAddress => channel == Channel::Post,
            ReachKind::ElectronicAddress => channel == Channel::Email,
        },
        NoticeTarget::Contact(_) => by_number || matches!(channel, Channel::Post | Channel::Email),
        NoticeTarget::Nobody => false,
    }
}
