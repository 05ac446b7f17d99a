//! Notices given to a customer before consent is asked for (F4, R15, R23).
//!
//! Of every notice it is known that each statement of 64.2008(c) is in it: by an approved template, or by the list of
//! whoever gave it, which is enough for opt-in. One that is sent by a template may ask for opt-out approval: [`send`] says
//! when it may be sent, [`clock`] when its period ends, [`opt_out`] what has become of it.

pub mod by_template;
pub mod clock;
pub mod email;
pub mod one_call;
pub mod opt_out;
pub mod repeat;
pub mod send;

use serde::{Deserialize, Serialize};

use one_call::Contents;

use super::company::templates::{Statements, require_statements_given};
use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::{EntityId, Position, Token};
use super::refusal::{Refusal, RefusalCode};
use super::scope::{Scope, require_named_in_bounds};
use super::time::Time;
use super::vocabulary::Medium;

/// Records that the customer was given a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveNotice {
    /// The notice.
    pub notice: NoticeText,
    /// The statements that whoever gave it found in it; none: the approved template of its version has them.
    pub statements: Option<Statements>,
    /// The call, visit or session in which it was given. Required where it leaves out what 64.2008(f)(2) spares.
    pub call: Option<Token>,
}

/// A notice as it was given, and what it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeText {
    /// Version of the notice text, e.g. `2024-05-29`; 1 to 64 of `a-z 0-9 . _ -`.
    pub version: String,
    /// SHA-256 of the text as given.
    pub text_digest: [u8; 32],
    /// The form.
    pub form: Medium,
    /// Language as a BCP 47 tag.
    pub language: String,
    /// What the notice covers: a grant that cites it can't reach further.
    pub covers: Scope,
}

/// A notice was given (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeGiven {
    /// What was given.
    pub notice: NoticeText,
    /// How it is known that each required statement is in it. None in records from before that was asked for.
    pub shown: Option<Shown>,
    /// The call, visit or session in which it was given, where that is known.
    pub call: Option<Token>,
}

/// How it is known that each required statement is in a notice (F4, 64.2008(c)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is the text of a template, which that record approved.
    Template(Position),
    /// By the list of whoever gave it.
    Statements(Statements),
}

/// A given notice as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenNotice {
    /// The record.
    pub position: Position,
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// When it was given, by the caller's word.
    pub occurred_at: Time,
    /// The version.
    pub version: Box<str>,
    /// What it covers.
    pub covers: Scope,
    /// What it is known to hold: which approvals answer it (F4).
    pub contents: Contents,
}

/// Given notices that a customer's state keeps: the newest. Older ones can no longer be cited.
pub const NOTICES_MAX: usize = 64;

/// Events of giving a notice.
pub(super) fn give(command: &GiveNotice, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let notice = &command.notice;
    require_notice(&notice.version, &notice.language, &notice.covers, "")?;
    one_call::require_call(command)?;
    let shown = match command.statements {
        Some(statements) => {
            require_statements_given(statements, notice.form)?;
            Shown::Statements(statements.members().collect())
        }
        None => Shown::Template(by_template::require_given(notice, context)?),
    };
    let notice = NoticeText {
        covers: notice.covers.in_order(),
        ..notice.clone()
    };
    Ok(vec![Event::NoticeGiven(NoticeGiven {
        notice,
        shown: Some(shown),
        call: command.call,
    })])
}

/// Refuses a notice that can't be told from others or doesn't say what it covers. `within` is where it stands in the
/// command; empty for the whole.
pub(super) fn require_notice(
    version: &str,
    language: &str,
    covers: &Scope,
    within: &str,
) -> Result<(), Refusal> {
    let dot = if within.is_empty() { "" } else { "." };
    let field = |name: &str| format!("{within}{dot}{name}");
    if EntityId::parse(version).is_none() {
        return Err(invalid(&field("version"), "1 to 64 of a-z 0-9 . _ -"));
    }
    if !is_language(language) {
        return Err(invalid(
            &field("language"),
            "a BCP 47 tag such as en or es-419",
        ));
    }
    require_covers(covers, within)
}

/// A notice says whom, what and what for it covers. `within` is where it stands in the command; empty for the whole.
pub(super) fn require_covers(covers: &Scope, within: &str) -> Result<(), Refusal> {
    let dot = if within.is_empty() { "" } else { "." };
    let field = |name: &str| format!("{within}{dot}{name}");
    for (name, empty) in [
        ("covers.recipients", covers.recipients.is_empty()),
        ("covers.classes", covers.classes.is_empty()),
        ("covers.purposes", covers.purposes.is_empty()),
    ] {
        if empty {
            return Err(invalid(
                &field(name),
                "at least one; a notice says what it covers",
            ));
        }
    }
    require_named_in_bounds(covers, &field("covers"))
}

fn invalid(field: &str, wanted: &str) -> Refusal {
    Refusal::new(
        RefusalCode::Invalid,
        field,
        format!("the notice's {field} is missing or malformed; it takes {wanted}"),
    )
}

/// A primary language and subtags, each 1 to 8 letters or digits (RFC 5646's outline).
pub(super) fn is_language(tag: &str) -> bool {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let primary = |part: &str| part.len() >= 2 && part.bytes().all(|b| b.is_ascii_alphabetic());
    tag.len() <= 35 && tag.split('-').all(subtag) && tag.split('-').next().is_some_and(primary)
}

/// The customer's notices after this one.
pub(super) fn evolve(notices: &mut Vec<GivenNotice>, given: &NoticeGiven, placed: &Placed<'_>) {
    keep(
        notices,
        GivenNotice {
            position: placed.position,
            recorded_at: placed.recorded_at,
            occurred_at: placed.happened_at(),
            version: given.notice.version.as_str().into(),
            covers: given.notice.covers.clone(),
            contents: Contents::of(given),
        },
    );
}

fn keep(notices: &mut Vec<GivenNotice>, notice: GivenNotice) {
    notices.push(notice);
    if notices.len() > NOTICES_MAX {
        notices.remove(0);
    }
}

/// What can be asked about notices by template and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeCommand {
    /// Sends a notice by an approved template.
    Send(send::SendNotice),
    /// Records what became of a notice.
    Report(send::ReportDelivery),
    /// Records the customer's consent to notices by e-mail.
    AgreeToEmail(email::EmailAgreed),
    /// Records that the customer takes it back.
    RevokeEmail,
}

/// What was recorded of notices by template and what became of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoticeEvent {
    /// A notice was sent by an approved template.
    Sent(send::NoticeSent),
    /// A notice was delivered.
    Delivered(send::NoticeDelivered),
    /// A notice could not be delivered: none was given.
    Failed(send::NoticeFailed),
    /// The customer consents to notices by e-mail.
    EmailAgreed(email::EmailAgreed),
    /// The customer takes it back.
    EmailRevoked(email::EmailRevoked),
}

/// Events of a command about notices by template.
pub(super) fn decide(
    customer: &Customer,
    command: &NoticeCommand,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        NoticeCommand::Send(command) => send::decide(customer, command, context)?,
        NoticeCommand::Report(command) => send::decide_report(customer, command, context)?,
        NoticeCommand::AgreeToEmail(agreed) => email::decide(agreed)?,
        NoticeCommand::RevokeEmail => email::decide_revoke(customer)?,
    };
    Ok(vec![Event::Notices(event)])
}

/// The customer after it.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, NoticeEvent>) {
    match placed.event {
        NoticeEvent::Sent(sent) => send::follow(customer, &placed.of(sent)),
        NoticeEvent::Delivered(_) => {}
        NoticeEvent::Failed(failed) => send::follow_failure(customer, failed),
        NoticeEvent::EmailAgreed(_) => {
            customer.opt_out.get_or_insert_default().email = Some(email::EmailConsent {
                position: placed.position,
                recorded_at: placed.recorded_at,
            });
        }
        NoticeEvent::EmailRevoked(_) => {
            if let Some(opt_out) = &mut customer.opt_out {
                opt_out.revoke_email(placed.happened_at());
            }
        }
    }
}

impl GivenNotice {
    /// Whether the customer had it by then: both by the caller's word and on record (R5, R15).
    pub fn given_by(&self, at: Time) -> bool {
        self.occurred_at <= at && self.recorded_at <= at
    }
}

#[cfg(test)]
mod tests;
