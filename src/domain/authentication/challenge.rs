//! Back-up questions for a forgotten password or PIN (P13, F15, R22; policy clause 4; 64.2010(e)).
//!
//! At least two, each one of the rulebook's, which has none that is biographical. All are asked at once and all must be
//! right: one hash stands for all answers, so that nobody learns which was wrong. Whoever passes may set a new password
//! or PIN in that call and do nothing else; the old one is dead.

use serde::{Deserialize, Serialize};

use super::authority::Authority;
use super::change_notices::{self, AccountChange};
use super::credentials::{
    Attempt, Compared, SecretPlace, changed_meanwhile, lock_after, require_unlocked,
};
use super::verification::{Caller, Identified, VerifiedFor, require_identified};
use super::{Authentication, AuthenticationEvent};
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{EntityId, Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;

/// Questions that are asked at least.
pub const QUESTIONS_MIN: usize = 2;
/// Questions of one account.
pub const QUESTIONS_MAX: usize = 8;

/// Ids that stand for readily available biographical or account information (64.2003): no rulebook may ask them.
pub const BIOGRAPHICAL: &[&str] = &[
    "account_number",
    "address",
    "bill_amount",
    "birth_date",
    "date_of_birth",
    "home_address",
    "maiden_name",
    "mothers_maiden_name",
    "pet_name",
    "social_security_number",
    "ssn",
    "ssn_last_4",
    "telephone_number",
    "zip_code",
];

/// Sets the questions; their answers were hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetChallenge {
    /// The questions' ids, distinct.
    pub questions: Vec<EntityId>,
    /// Where the answers' hash lies; none where they were not hashed, because they would have been refused.
    pub place: Option<SecretPlace>,
    /// On what.
    pub authority: Authority,
}

/// The caller's answers, compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerChallenge {
    /// Who.
    pub caller: Caller,
    /// In which call.
    pub call: Token,
    /// What came of comparing them; none where they were not compared, because they would have been refused.
    pub compared: Option<Compared>,
}

/// Back-up questions are set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeSet {
    /// The questions' ids, in order.
    pub questions: Vec<EntityId>,
    /// Where the answers' hash lies.
    pub place: SecretPlace,
    /// On what.
    pub authority: Authority,
    /// By when the customer must be told; none at the start of service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice_due_at: Option<Time>,
}

/// All answers were right: a new password or PIN must be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengePassed {
    /// Who.
    pub caller: Caller,
    /// In which call.
    pub call: Token,
    /// Until when, at the latest, a new one may be set on it.
    pub ends_at: Time,
}

/// Not all answers were right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChallengeFailed {
    /// Who.
    pub caller: Caller,
    /// In which call.
    pub call: Token,
}

/// The back-up questions in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// The record that set them.
    pub position: Position,
    /// Their ids, in order.
    pub questions: Box<[EntityId]>,
    /// Where the answers' hash lies.
    pub place: SecretPlace,
}

/// A new password or PIN is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reset {
    /// The record of the passed challenge.
    pub position: Position,
    /// The call in which it may be set.
    pub call: Token,
    /// Until when, at the latest. Afterwards one is still due, and the right to set it must be earned anew.
    pub ends_at: Time,
}

impl Reset {
    /// Whether a new secret may be set on it in that call at that instant.
    pub fn is_open(&self, call: Token, customer: &Customer, at: Time) -> bool {
        self.call == call && at < self.ends_at && !customer.ended_calls.contains(&call)
    }
}

impl Authentication {
    pub(super) fn challenge_set(&mut self, placed: &Placed<'_, ChallengeSet>) {
        let event = placed.event;
        self.challenge = Some(Challenge {
            position: placed.position,
            questions: event.questions.as_slice().into(),
            place: event.place,
        });
        self.failures.challenges = 0;
        self.owe(
            AccountChange::BackUpAnswer,
            None,
            event.notice_due_at,
            placed,
        );
    }

    /// The old secret is dead, and so is what it opened.
    pub(super) fn challenge_passed(&mut self, placed: &Placed<'_, ChallengePassed>) {
        self.reset = Some(Reset {
            position: placed.position,
            call: placed.event.call,
            ends_at: placed.event.ends_at,
        });
        self.verifications.clear();
        self.failures.challenges = 0;
    }
}

/// Whether questions would be taken at all.
///
/// # Errors
/// As the command itself, save for the answers.
pub fn require_settable(
    customer: &Customer,
    questions: &[EntityId],
    authority: &Authority,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    authority.require(customer, context)?;
    let refuse =
        |field: String, why: String| Err(Refusal::new(RefusalCode::QuestionNotAllowed, field, why));
    if !(QUESTIONS_MIN..=QUESTIONS_MAX).contains(&questions.len()) {
        let why = format!("{QUESTIONS_MIN} to {QUESTIONS_MAX} questions are set");
        return refuse("answers".into(), why);
    }
    for (index, question) in questions.iter().enumerate() {
        let field = format!("answers[{index}].question");
        if questions.iter().take(index).any(|other| other == question) {
            return refuse(
                field,
                format!("{question} is set twice; the questions differ"),
            );
        }
        if !context.rulebook.asks(question.as_str()) {
            let why = format!(
                "{question} is none of the rulebook's questions, which hold nothing biographical (64.2010(e))"
            );
            return refuse(field, why);
        }
    }
    Ok(())
}

pub(super) fn set(
    customer: &Customer,
    command: &SetChallenge,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    require_settable(customer, &command.questions, &command.authority, context)?;
    let mut questions = command.questions.clone();
    questions.sort_unstable();
    Ok(vec![AuthenticationEvent::ChallengeSet(ChallengeSet {
        questions,
        place: command.place.ok_or_else(changed_meanwhile)?,
        authority: command.authority,
        notice_due_at: change_notices::due_at(customer, context)?,
    })])
}

/// What the caller's answers are compared with.
///
/// # Errors
/// When nothing is compared: no questions, a lock, a caller who is none of the account's.
pub fn challenge_to_check(
    customer: &Customer,
    caller: Caller,
    call: Token,
) -> Result<&Challenge, Refusal> {
    // A contact sets a new secret for the account, which is a change to it.
    let purpose = VerifiedFor::AccountChanges;
    let identified = Identified {
        caller,
        purpose,
        call,
    };
    require_identified(customer, &identified)?;
    require_unlocked(customer)?;
    let state = customer.authentication.as_ref();
    state
        .and_then(|state| state.challenge.as_ref())
        .ok_or_else(|| {
            Refusal::new(
                RefusalCode::CredentialState,
                "",
                "the account has no back-up questions; verify the caller by another method",
            )
        })
}

pub(super) fn answer(
    customer: &Customer,
    command: &AnswerChallenge,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let AnswerChallenge { caller, call, .. } = *command;
    let place = challenge_to_check(customer, caller, call)?.place;
    let compared = (command.compared).filter(|compared| compared.place == place);
    if compared.ok_or_else(changed_meanwhile)?.right {
        let minutes = context.rulebook.periods().verification_minutes;
        return Ok(vec![AuthenticationEvent::ChallengePassed(
            ChallengePassed {
                caller,
                call,
                ends_at: context.now.plus_minutes(minutes),
            },
        )]);
    }
    let failed = AuthenticationEvent::ChallengeFailed(ChallengeFailed { caller, call });
    let lock = lock_after(customer, Attempt::Challenge, context);
    Ok(std::iter::once(failed).chain(lock).collect())
}
