//! On what an account may be changed: a verification on record, the start of service, or a passed challenge (64.2010(e)).

use serde::{Deserialize, Serialize};

use super::verification::VerifiedFor;
use crate::domain::customer::{Context, Customer};
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};

/// On what a change to the account rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Authority {
    /// A verification that stands, opened for account changes in that call (R19).
    Verification {
        /// Its record.
        record: Position,
        /// The call, visit or session in which the change is asked for.
        call: Token,
    },
    /// The start of service: within the rulebook's hours after the account was opened (64.2010(e), (f)).
    StartOfService,
    /// The challenge was passed in that call: good for a new password or PIN and for nothing else (P13, R22).
    Challenge {
        /// The call.
        call: Token,
    },
}

impl Authority {
    /// Refuses a change that nothing carries. While a lock stands or a new secret is due, nothing is changed (P13).
    pub(in crate::domain) fn require(
        &self,
        customer: &Customer,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        if let Some(state) = &customer.authentication
            && state.is_suspended()
        {
            return Err(suspended(state.lock.is_some()));
        }
        self.require_identity(customer, context)
    }

    /// The same for what ends a suspension: only who asks is looked at.
    pub(in crate::domain) fn require_identity(
        &self,
        customer: &Customer,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        match *self {
            Self::StartOfService if is_start_of_service(customer, context) => Ok(()),
            Self::StartOfService => Err(unverified(
                "authority",
                "the start of service is over; verify the caller and cite the verification",
            )),
            Self::Challenge { .. } => Err(unverified(
                "authority",
                "a passed challenge is good for a new password or PIN only; verify the caller by another method",
            )),
            Self::Verification { record, call } => {
                let standing = (customer.authentication.as_ref()).and_then(|state| {
                    state.standing(record, call, VerifiedFor::AccountChanges, context.now)
                });
                // A password that biographical or account information prompted carries no change (64.2010(e)).
                let carries = standing.is_some_and(|one| {
                    !one.prompted && one.is_good(customer, context.now, context.rulebook)
                });
                match carries {
                    true => Ok(()),
                    false => Err(unverified(
                        "authority.verification",
                        format!(
                            "record {record} is no verification that stands for account changes in this call; verify the caller anew"
                        ),
                    )),
                }
            }
        }
    }
}

/// Whether the account was opened so lately that what is set belongs to the start of service (64.2010(f)).
pub(in crate::domain) fn is_start_of_service(customer: &Customer, context: &Context<'_>) -> bool {
    let hours = context.rulebook.authentication().service_start_hours;
    context.now < customer.opened_at.plus_hours(hours)
}

pub(super) fn unverified(field: &str, why: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::VerificationRequired, field, why)
}

/// What a caller hears while nothing is open to him.
pub(super) fn suspended(locked: bool) -> Refusal {
    match locked {
        true => Refusal::new(
            RefusalCode::CredentialLocked,
            "",
            "too many attempts have failed; verify the caller by another method and lift the lock",
        ),
        false => Refusal::new(
            RefusalCode::ResetRequired,
            "",
            "a new password or PIN must be set first",
        ),
    }
}
