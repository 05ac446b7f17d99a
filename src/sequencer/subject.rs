//! Whom a command is about, and whom the vault registers for it.

use std::collections::HashMap;

use super::queue::Queued;
use super::{Parts, SubjectRef, SubmitError};
use crate::domain::ids::Pseudonym;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::services::VaultHead;

/// Customers registered with the vault for this block, by account id; `None` where no command that opens the account would
/// be accepted; or why one could not be registered.
pub type Registered = HashMap<String, Result<Option<(Pseudonym, VaultHead)>, SubmitError>>;

/// The account that a command opens, if it opens one, and the command.
pub fn opening(command: &Queued) -> Option<(&str, &Queued)> {
    match &command.intent.subject {
        SubjectRef::Id(id) if command.intent.command.opens_account() => Some((id, command)),
        _ => None,
    }
}

/// Whom the command is about; `None`: somebody whose account no waiting command can open, and who is nowhere noted.
pub fn resolve(
    parts: &Parts,
    registered: &Registered,
    command: &Queued,
) -> Result<Option<(Pseudonym, VaultHead)>, SubmitError> {
    let intent = &command.intent;
    let of = |pseudonym| Ok(Some((pseudonym, VaultHead::default())));
    if let Some(pseudonym) = command.known {
        return of(pseudonym);
    }
    match &intent.subject {
        SubjectRef::Company => Err(SubmitError::Refused(Refusal::new(
            RefusalCode::Invalid,
            "customer",
            "the command is about a customer, and names none",
        ))),
        SubjectRef::Pseudonym(pseudonym) => of(*pseudonym),
        SubjectRef::Id(id) if intent.command.opens_account() => {
            let registered = registered.get(id).cloned();
            registered.unwrap_or_else(|| Err(unregistered()))
        }
        SubjectRef::Id(id) => match parts.vault.find(id)? {
            Some(pseudonym) => of(pseudonym),
            None => Err(SubmitError::Refused(unknown_customer())),
        },
    }
}

pub fn unregistered() -> SubmitError {
    SubmitError::Failed("the vault did not register it".to_owned())
}

fn unknown_customer() -> Refusal {
    Refusal::new(
        RefusalCode::CustomerUnknown,
        "customer",
        "the ledger knows no such customer: open the account first",
    )
}
