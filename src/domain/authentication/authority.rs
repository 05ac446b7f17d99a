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
    /// The start of service: within the rulebook's hours after the account was opened, and until a password, a PIN or
    /// back-up questions are set. Nobody was verified: it carries the first of a kind and takes nothing away
    /// (64.2010(e), (f)).
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

    /// The same, where the start of service carries the first of a kind only: who was never verified neither replaces
    /// nor removes what is there (P11, P13).
    pub(in crate::domain) fn require_for(
        &self,
        is_first: bool,
        customer: &Customer,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        self.require(customer, context)?;
        match self {
            Self::StartOfService if !is_first => Err(unverified(
                "authority",
                "at the start of service only the first is set, and nothing is replaced or removed; verify the caller",
            )),
            _ => Ok(()),
        }
    }

    /// The same for what ends a suspension: only who asks is looked at.
    pub(in crate::domain) fn require_identity(
        &self,
        customer: &Customer,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        match *self {
            Self::StartOfService if !is_start_of_service(customer, context) => Err(unverified(
                "authority",
                "the start of service is over; verify the caller and cite the verification",
            )),
            Self::StartOfService if has_secret(customer) => Err(unverified(
                "authority",
                "the account has a password, a PIN or back-up questions already; verify the caller",
            )),
            Self::StartOfService => Ok(()),
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

/// Whether the account was opened so lately that what is set belongs to the start of service (64.2010(f)). An imported
/// account is older than its first record here.
pub(in crate::domain) fn is_start_of_service(customer: &Customer, context: &Context<'_>) -> bool {
    let hours = context.rulebook.authentication().service_start_hours;
    customer.imported.is_none() && context.now < customer.opened_at.plus_hours(hours)
}

/// Whether the account has what verifies its holder.
fn has_secret(customer: &Customer) -> bool {
    (customer.authentication.as_ref())
        .is_some_and(|state| state.credential.is_some() || state.challenge.is_some())
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
