//! The password or PIN of an account: set, compared, locked (P11–P13, F15, R22; 64.2010(e)).
//!
//! An account has one; setting another replaces it. The hash lies in the vault, at the place that the record cites, so
//! that no other entry can pose as it. Whoever compared the secret states against which place; a verdict on another
//! one than that in force counts for nothing.

use serde::{Deserialize, Serialize};

use super::authority::{Authority, suspended, unverified};
use super::change_notices::{self, AccountChange};
use super::portions::Checks;
use super::verification::{Identified, VerifiedBy, opened, require_identified};
use super::{Authentication, AuthenticationEvent};
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What the secret is.
    CredentialKind {
        /// A password.
        Password = "password",
        /// A personal identification number.
        Pin = "pin",
    }
}

named_list! {
    /// What was attempted, each counted for itself.
    Attempt {
        /// A password or PIN was compared.
        Check = "check",
        /// A new one was weighed.
        Establish = "establish",
        /// Answers to the back-up questions were compared.
        Challenge = "challenge",
    }
}

/// Where the vault keeps a hash, and the digest of the sealed entry there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPlace {
    /// The place among the vault's secrets.
    pub slot: u64,
    /// SHA-256 of the entry as it lies there.
    pub digest: Sha256Digest,
}

/// A new password or PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EstablishCredential {
    /// What it is.
    pub kind: CredentialKind,
    /// On what.
    pub authority: Authority,
    /// What came of weighing it; none where it was not weighed, because it would have been refused.
    pub weighed: Option<Weighed>,
}

/// What came of weighing a new password or PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The verdicts.
    pub checks: Checks,
    /// Where its hash lies; none where a check failed.
    pub place: Option<SecretPlace>,
}

/// What came of comparing a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compared {
    /// With the hash at which place.
    pub place: SecretPlace,
    /// Whether it was right.
    pub right: bool,
}

/// The caller's password or PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CheckSecret {
    /// Who, what for, and where.
    pub identified: Identified,
    /// What came of comparing it; none where it was not compared, because it would have been refused.
    pub compared: Option<Compared>,
    /// Whether it was prompted by readily available biographical or account information (64.2010(b)).
    pub prompted: bool,
}

/// Lifts the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiftLock {
    /// A verification by another method than a password.
    pub authority: Authority,
}

/// A new password or PIN is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialEstablished {
    /// What it is.
    pub kind: CredentialKind,
    /// The account's first, second, third …
    pub version: u32,
    /// Where its hash lies.
    pub place: SecretPlace,
    /// The verdicts: passed, or not performed.
    pub checks: Checks,
    /// On what.
    pub authority: Authority,
    /// By when the customer must be told; none at the start of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// A new password or PIN was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialRefused {
    /// What it was.
    pub kind: CredentialKind,
    /// The verdicts; never answered to a caller.
    pub checks: Checks,
    /// On what.
    pub authority: Authority,
}

/// A password or PIN was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckFailed {
    /// Who, what for, and where.
    pub identified: Identified,
}

/// Too many attempts have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialLocked {
    /// Attempts of what.
    pub after: Attempt,
    /// How many: in a row, or of setting a new one since the last lifted lock.
    pub attempts: u8,
}

/// The lock is lifted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CredentialUnlocked {
    /// On what.
    pub authority: Authority,
}

/// The password or PIN in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// The record that set it.
    pub position: Position,
    /// What it is.
    pub kind: CredentialKind,
    /// The account's first, second, third …
    pub version: u32,
    /// Where its hash lies.
    pub place: SecretPlace,
    /// When it was set.
    pub since: Time,
}

/// A lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Its record.
    pub position: Position,
    /// After attempts of what.
    pub after: Attempt,
    /// Since when.
    pub since: Time,
}

/// Failed attempts, by what was attempted: in a row, but of setting a new secret all of them until a lock is lifted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failures {
    /// Of comparing.
    pub checks: u8,
    /// Of setting a new one. One that is taken between them ends the count no more than time does: each refusal may tell
    /// a digit of what may not be contained (P12).
    pub establishments: u8,
    /// Of answering.
    pub challenges: u8,
}

impl Failures {
    /// How many of that kind.
    pub const fn of(&self, attempt: Attempt) -> u8 {
        match attempt {
            Attempt::Check => self.checks,
            Attempt::Establish => self.establishments,
            Attempt::Challenge => self.challenges,
        }
    }

    pub(super) fn count(&mut self, attempt: Attempt) {
        let count = match attempt {
            Attempt::Check => &mut self.checks,
            Attempt::Establish => &mut self.establishments,
            Attempt::Challenge => &mut self.challenges,
        };
        *count = count.saturating_add(1);
    }
}

impl Authentication {
    /// A new secret ends what was done wrong with the old one, and the reset (R22).
    pub(super) fn established(&mut self, placed: &Placed<'_, CredentialEstablished>) {
        let event = placed.event;
        self.credential = Some(Credential {
            position: placed.position,
            kind: event.kind,
            version: event.version,
            place: event.place,
            since: placed.recorded_at,
        });
        self.failures = Failures {
            establishments: self.failures.establishments,
            ..Failures::default()
        };
        self.reset = None;
        self.owe(AccountChange::Credential, None, event.notice_due_at, placed);
    }

    /// A lock ends what a password opened.
    pub(super) fn locked(&mut self, placed: &Placed<'_, CredentialLocked>) {
        self.verifications
            .retain(|one| one.by != VerifiedBy::Password);
        self.lock = Some(Lock {
            position: placed.position,
            after: placed.event.after,
            since: placed.recorded_at,
        });
    }

    pub(super) fn unlocked(&mut self) {
        self.lock = None;
        self.failures = Failures::default();
    }
}

/// The lock that one more failure brings, where it is one too many.
pub(super) fn lock_after(
    customer: &Customer,
    attempt: Attempt,
    context: &Context<'_>,
) -> Option<AuthenticationEvent> {
    let failed = (customer.authentication.as_ref()).map_or(0, |state| state.failures.of(attempt));
    let attempts = failed.saturating_add(1);
    let max = context.rulebook.authentication().attempts_max;
    (u32::from(attempts) >= max).then_some(AuthenticationEvent::Locked(CredentialLocked {
        after: attempt,
        attempts,
    }))
}

pub(super) fn require_unlocked(customer: &Customer) -> Result<(), Refusal> {
    match &customer.authentication {
        Some(state) if state.lock.is_some() => Err(suspended(true)),
        _ => Ok(()),
    }
}

/// Whether a new secret would be looked at at all. Asked before it is weighed, so that no verdict is lost.
///
/// # Errors
/// As the command itself, save for the secret.
pub fn require_establishable(
    customer: &Customer,
    authority: &Authority,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    require_unlocked(customer)?;
    let state = customer.authentication.as_ref();
    match *authority {
        Authority::Challenge { call } => {
            let open = state.and_then(|state| state.reset.as_ref());
            let open = open.is_some_and(|reset| reset.is_open(call, customer, context.now));
            match open {
                true => Ok(()),
                false => Err(unverified(
                    "authority.challenge",
                    "no challenge was passed in this call, or too long ago; ask the questions anew",
                )),
            }
        }
        _ => authority.require_identity(customer, context),
    }
}

pub(super) fn establish(
    customer: &Customer,
    command: &EstablishCredential,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    require_establishable(customer, &command.authority, context)?;
    let notice_due_at = change_notices::due_at(customer, context)?;
    let version = (customer.authentication.as_ref())
        .and_then(|state| state.credential.as_ref())
        .map_or(1, |credential| credential.version.saturating_add(1));
    let EstablishCredential {
        kind, authority, ..
    } = *command;
    let Weighed { checks, place } = command.weighed.ok_or_else(changed_meanwhile)?;
    Ok(match place.filter(|_| checks.pass()) {
        Some(place) => vec![AuthenticationEvent::Established(CredentialEstablished {
            kind,
            version,
            place,
            checks,
            authority,
            notice_due_at,
        })],
        None => {
            let refused = AuthenticationEvent::EstablishRefused(CredentialRefused {
                kind,
                checks,
                authority,
            });
            let lock = lock_after(customer, Attempt::Establish, context);
            std::iter::once(refused).chain(lock).collect()
        }
    })
}

/// Where the hash lies that a caller's secret is compared with.
///
/// # Errors
/// When nothing is compared: no password or PIN, a lock, a new one due, a caller who is none of the account's.
pub fn place_to_check(
    customer: &Customer,
    identified: &Identified,
) -> Result<SecretPlace, Refusal> {
    require_identified(customer, identified)?;
    let state = customer.authentication.as_ref();
    if let Some(state) = state.filter(|state| state.is_suspended()) {
        return Err(suspended(state.lock.is_some()));
    }
    match state.and_then(|state| state.credential.as_ref()) {
        Some(credential) => Ok(credential.place),
        None => Err(Refusal::new(
            RefusalCode::CredentialState,
            "",
            "the account has no password or PIN; verify the caller by another method",
        )),
    }
}

pub(super) fn check(
    customer: &Customer,
    command: &CheckSecret,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let place = place_to_check(customer, &command.identified)?;
    let compared = command.compared.filter(|compared| compared.place == place);
    if compared.ok_or_else(changed_meanwhile)?.right {
        let mut event = opened(command.identified, VerifiedBy::Password, context)?;
        event.prompted = command.prompted;
        return Ok(vec![AuthenticationEvent::VerificationOpened(event)]);
    }
    let failed = AuthenticationEvent::CheckFailed(CheckFailed {
        identified: command.identified,
    });
    let lock = lock_after(customer, Attempt::Check, context);
    Ok(std::iter::once(failed).chain(lock).collect())
}

/// What was weighed or compared beside the writer no longer fits what is on record.
pub(super) fn changed_meanwhile() -> Refusal {
    Refusal::new(
        RefusalCode::CredentialState,
        "",
        "the account was changed meanwhile; send the request again under a new id",
    )
}

pub(super) fn lift(
    customer: &Customer,
    command: &LiftLock,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let state = customer.authentication.as_ref();
    if state.is_none_or(|state| state.lock.is_none()) {
        return Err(Refusal::new(
            RefusalCode::CredentialState,
            "",
            "the account isn't locked",
        ));
    }
    // At the lock every verification by password ended, and none is opened while it stands; the start of service is
    // nobody's proof.
    if !matches!(command.authority, Authority::Verification { .. }) {
        return Err(unverified(
            "authority",
            "a lock is lifted on a verification by another method than a password",
        ));
    }
    command.authority.require_identity(customer, context)?;
    Ok(vec![AuthenticationEvent::Unlocked(CredentialUnlocked {
        authority: command.authority,
    })])
}
