//! Every way in which a request fails, as one gRPC status with standard details (C7).
//!
//! Each match is exhaustive on purpose: a new error doesn't compile until somebody has chosen its code. Details carry a
//! stable reason ([`ErrorReason`], in the domain `consent.v1`), the fields at fault, and when to come back.
//! Nothing personal: an internal failure's text goes to the log, the caller gets a sentence.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::time::Duration;

use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::convert::Malformed;
use crate::access::Role;
use crate::audit::TreeError;
use crate::audit::questions::AskError;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::projections::ViewError;
use crate::proto::v1::ErrorReason;
use crate::sequencer::SubmitError;

/// The domain of the reasons.
pub const DOMAIN: &str = "consent.v1";

/// How the contract's names of reasons begin.
const PREFIX: &str = "ERROR_REASON_";

/// When to ask the standing questions again while they are being asked.
const ASKING_RETRY: Duration = Duration::from_secs(30);
/// When to ask for proofs again while the tree is read from the log.
const TREE_RETRY: Duration = Duration::from_secs(5);

/// The code that goes with a reason.
const fn code(reason: ErrorReason) -> Code {
    match reason {
        ErrorReason::Invalid | ErrorReason::CategoryUnknown | ErrorReason::ScopeRequired => {
            Code::InvalidArgument
        }
        ErrorReason::CustomerUnknown
        | ErrorReason::RecordUnknown
        | ErrorReason::NotRegistered
        | ErrorReason::ConsentUnknown => Code::NotFound,
        ErrorReason::CustomerExists
        | ErrorReason::RequestIdReused
        | ErrorReason::RegisteredAlready
        | ErrorReason::AlreadyAsserted => Code::AlreadyExists,
        ErrorReason::NoService
        | ErrorReason::NoController
        | ErrorReason::NoticeRequired
        | ErrorReason::VerificationRequired
        | ErrorReason::EvidenceRequired
        | ErrorReason::EvidenceState
        | ErrorReason::ServiceState
        | ErrorReason::EntityState
        | ErrorReason::PolicyState
        | ErrorReason::HoldUnknown
        | ErrorReason::CustomerErased
        | ErrorReason::GagOrderState
        | ErrorReason::StepOrder
        | ErrorReason::PersonRequired
        | ErrorReason::SelfApproval
        | ErrorReason::CampaignNotApproved
        | ErrorReason::CampaignDates
        | ErrorReason::SelectionNotAllowed
        | ErrorReason::NoticeHeld
        | ErrorReason::ContentRequired
        | ErrorReason::NoticeTemplate
        | ErrorReason::NoticeUnknown
        | ErrorReason::EmailConsentRequired
        | ErrorReason::OccurredAt
        | ErrorReason::Call
        | ErrorReason::BlockUnknown
        | ErrorReason::Limit
        | ErrorReason::RulebookMissing
        | ErrorReason::LetterheadRequired
        | ErrorReason::AdministratorRequired
        | ErrorReason::ContactState
        | ErrorReason::OfRecordState
        | ErrorReason::CredentialState
        | ErrorReason::CredentialLocked
        | ErrorReason::ResetRequired
        | ErrorReason::QuestionNotAllowed
        | ErrorReason::NoticeState
        | ErrorReason::ExemptionState
        | ErrorReason::SimLocked
        | ErrorReason::SimChangeState
        | ErrorReason::RequestIdTooOld => Code::FailedPrecondition,
        ErrorReason::AsOfAhead | ErrorReason::AsOfBefore | ErrorReason::SizeAhead => {
            Code::OutOfRange
        }
        ErrorReason::VersionMismatch => Code::Aborted,
        ErrorReason::QueueFull => Code::ResourceExhausted,
        ErrorReason::DeadlinePassed | ErrorReason::PositionNotReached => Code::DeadlineExceeded,
        ErrorReason::Clock
        | ErrorReason::Stopping
        | ErrorReason::NotStored
        | ErrorReason::TreeNotReady => Code::Unavailable,
        ErrorReason::NotYetSupported => Code::Unimplemented,
        ErrorReason::RoleRequired => Code::PermissionDenied,
        ErrorReason::Unspecified | ErrorReason::Failed => Code::Internal,
    }
}

/// The reason of the same name; the contract has one for every code, which a test holds.
fn reason_of(code: RefusalCode) -> ErrorReason {
    ErrorReason::from_str_name(&format!("{PREFIX}{code}")).unwrap_or(ErrorReason::Failed)
}

/// The reason as callers match on it, e.g. `NOTICE_REQUIRED`.
pub fn reason_name(reason: ErrorReason) -> &'static str {
    let name = reason.as_str_name();
    name.strip_prefix(PREFIX).unwrap_or(name)
}

/// What a status says besides its code.
#[derive(Default)]
struct Said<'a> {
    field: &'a str,
    metadata: HashMap<String, String>,
    retry_after: Option<Duration>,
}

fn status(reason: ErrorReason, message: impl Into<String>, said: Said<'_>) -> Status {
    let (code, name, message) = (code(reason), reason_name(reason), message.into());
    tracing::Span::current().record("reason", name);
    let mut details = ErrorDetails::new();
    details.set_error_info(name, DOMAIN, said.metadata);
    match code {
        Code::InvalidArgument => {
            details.add_bad_request_violation(said.field, message.as_str());
        }
        Code::FailedPrecondition => {
            details.add_precondition_failure_violation(name, said.field, message.as_str());
        }
        // Only the two kinds above say what to change in the request.
        _ => {}
    }
    if let Some(after) = said.retry_after {
        details.set_retry_info(Some(after));
    }
    Status::with_error_details(code, message, details)
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        let message = malformed.to_string();
        match malformed {
            Malformed::Invalid { field, .. } => status(
                ErrorReason::Invalid,
                message,
                Said {
                    field: &field,
                    ..Said::default()
                },
            ),
            Malformed::NotYet { field } => {
                let metadata = HashMap::from([("field".to_owned(), field)]);
                status(
                    ErrorReason::NotYetSupported,
                    message,
                    Said {
                        metadata,
                        ..Said::default()
                    },
                )
            }
        }
    }
}

/// A command that changes nothing.
pub fn refused(refusal: Refusal) -> Status {
    let field = field_of(&refusal.field);
    let said = Said {
        field: &field,
        ..Said::default()
    };
    status(reason_of(refusal.code), refusal.message, said)
}

/// The contract's path of a field that the domain names otherwise.
fn field_of(domain: &str) -> Cow<'_, str> {
    match domain {
        "occurred_at" => "header.occurred_at".into(),
        "call" => "call_id".into(),
        "seal" | "seal.until" => "sealed_until".into(),
        "disclosure" => "disclosure_position".into(),
        "statement.notice" => "statement.notice_position".into(),
        "question.ground.dated" => "question.legal.dated".into(),
        same => match same.strip_suffix(".recipients") {
            Some(scope) => format!("{scope}.recipient_kinds").into(),
            None => same.into(),
        },
    }
}

/// A command that the engine didn't take.
pub fn submit(error: SubmitError) -> Status {
    match error {
        SubmitError::Refused(refusal) => refused(refusal),
        SubmitError::RequestIdReused(_) => plain(
            ErrorReason::RequestIdReused,
            "the request id was used with other content: use a new one for a new command",
        ),
        SubmitError::RequestIdTooOld { .. } => status(
            ErrorReason::RequestIdTooOld,
            "the request id is older than repeats are remembered: look whether the command was recorded, \
             and use a new id if it was not",
            Said {
                field: "header.request_id",
                ..Said::default()
            },
        ),
        SubmitError::VersionMismatch { expected, actual } => {
            let metadata = HashMap::from([
                ("expected".to_owned(), expected.to_string()),
                ("actual".to_owned(), actual.to_string()),
            ]);
            status(
                ErrorReason::VersionMismatch,
                format!(
                    "the customer has version {actual}, not {expected}: read again, decide, try again"
                ),
                Said {
                    metadata,
                    ..Said::default()
                },
            )
        }
        SubmitError::QueueFull { retry_after } => status(
            ErrorReason::QueueFull,
            "too many commands wait: try again after the time in RetryInfo",
            Said {
                retry_after: Some(retry_after),
                ..Said::default()
            },
        ),
        SubmitError::DeadlinePassed => deadline_passed(),
        SubmitError::Clock(problem) => {
            tracing::error!(%problem, "a command was refused");
            plain(
                ErrorReason::Clock,
                "the server's clock can't be believed, so nothing is recorded until it is right",
            )
        }
        SubmitError::Unavailable(problem) => {
            tracing::error!(%problem, "a command was not stored");
            plain(
                ErrorReason::NotStored,
                "nothing was stored: try again, with the same request id",
            )
        }
        SubmitError::Stopping => stopping(),
        SubmitError::Failed(problem) => failed(problem),
    }
}

/// A view that can't answer.
pub fn view(error: ViewError) -> Status {
    match error {
        ViewError::NotReached { wanted, reached } => plain(
            ErrorReason::PositionNotReached,
            format!(
                "position {wanted} was not reached in time, {reached} comes next: is it one of this ledger?"
            ),
        ),
        ViewError::Ahead { .. } => plain(ErrorReason::AsOfAhead, error.to_string()),
        ViewError::Before { .. } => plain(ErrorReason::AsOfBefore, error.to_string()),
        ViewError::RulebookMissing(_) => plain(ErrorReason::RulebookMissing, error.to_string()),
        ViewError::State(_)
        | ViewError::Log(_)
        | ViewError::Record { .. }
        | ViewError::Vault(_)
        | ViewError::History(_) => failed(error),
    }
}

/// The caller's deadline passed before there was an answer.
pub fn deadline_passed() -> Status {
    plain(
        ErrorReason::DeadlinePassed,
        "the deadline passed first: ask again with the same request id to learn what became of it",
    )
}

/// The server stops.
pub fn stopping() -> Status {
    plain(
        ErrorReason::Stopping,
        "the server is stopping: try again later, with the same request id",
    )
}

/// A customer who must be known isn't.
pub fn customer_unknown(field: &str) -> Status {
    let message = format!("`{field}` names no customer of this ledger");
    plain(ErrorReason::CustomerUnknown, message)
}

/// The customer was erased: nothing more is told, save to an auditor (E8).
pub fn customer_erased(field: &str) -> Status {
    let message = format!("`{field}` names a customer who was erased");
    let said = Said {
        field,
        ..Said::default()
    };
    status(ErrorReason::CustomerErased, message, said)
}

/// There is no record at a position.
pub fn record_unknown(position: u64) -> Status {
    plain(
        ErrorReason::RecordUnknown,
        format!("there is no record at position {position} yet"),
    )
}

/// There is no such consent of that customer.
pub fn consent_unknown(field: &str) -> Status {
    let message = format!("`{field}` is no consent of this customer");
    plain(ErrorReason::ConsentUnknown, message)
}

/// A receipt names the company, and nobody has told the server how.
pub fn no_controller() -> Status {
    plain(
        ErrorReason::NoController,
        "a receipt names the company and how to reach it: set controller_name and the settings beside it",
    )
}

/// The standing questions are being asked already.
pub fn asked_already() -> Status {
    status(
        ErrorReason::QueueFull,
        "the standing questions are being asked already: ask again when that is done",
        Said {
            retry_after: Some(ASKING_RETRY),
            ..Said::default()
        },
    )
}

/// The standing questions got no answer.
pub fn asking(error: AskError) -> Status {
    match error {
        AskError::Beyond { to, .. } => record_unknown(to),
        AskError::Stopped => stopping(),
        AskError::Audit(_)
        | AskError::Log(_)
        | AskError::Record { .. }
        | AskError::Rulebook { .. } => failed(error),
    }
}

/// The tree's nodes are not there.
pub fn tree(error: TreeError) -> Status {
    let retry_after = match &error {
        TreeError::NotReady { .. } => Some(TREE_RETRY),
        TreeError::Broken(problem) => {
            tracing::error!(problem, "no proof can be given");
            None
        }
    };
    let message = match error {
        TreeError::NotReady { .. } => error.to_string(),
        TreeError::Broken(_) => "no proof can be given: the server's log says why".to_owned(),
    };
    let said = Said {
        retry_after,
        ..Said::default()
    };
    status(ErrorReason::TreeNotReady, message, said)
}

/// An older checkpoint of more records than there are.
pub fn size_ahead(asked: u64, size: u64) -> Status {
    plain(
        ErrorReason::SizeAhead,
        format!(
            "`from_size` is {asked}, and the ledger has {size} records: is it a checkpoint of this ledger?"
        ),
    )
}

/// The caller's role doesn't allow it.
pub fn role_required(what: &str, roles: &[Role]) -> Status {
    let roles: Vec<_> = roles.iter().map(|role| role.name()).collect();
    plain(
        ErrorReason::RoleRequired,
        format!("{what} needs one of the roles {}", roles.join(", ")),
    )
}

/// A failure that is not the caller's; the log has `problem`, the caller doesn't.
pub fn failed(problem: impl Display) -> Status {
    tracing::error!(%problem, "a request failed");
    plain(
        ErrorReason::Failed,
        "the request failed: the server's log says why",
    )
}

fn plain(reason: ErrorReason, message: impl Into<String>) -> Status {
    status(reason, message, Said::default())
}

/// The status as a message, for streams that answer each request by itself.
pub fn as_message(status: &Status) -> tonic_types::Status {
    let details = match tonic_types::Status::decode(status.details()) {
        Ok(detailed) => detailed.details,
        Err(_) => Vec::new(),
    };
    tonic_types::Status {
        code: status.code().into(),
        message: status.message().to_owned(),
        details,
    }
}

#[cfg(test)]
mod tests;
