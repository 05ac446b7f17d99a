//! Erasing a customer (E8, F20, R16): asked for, refused while a rule bars it, and completed when the keys are destroyed.
//!
//! From the record of the request on every answer is no, and nothing more is recorded about the customer but that the keys
//! are destroyed: whatever happens between the two changes no answer. Neither time nor an import brings anything back.

use serde::{Deserialize, Serialize};

use super::{Bar, RetentionCommand, RetentionEvent, bars};
use crate::domain::command::Command;
use crate::domain::company::register::Step;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Personal, Position};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What an erasure rests on. 47 CFR Part 64 gives no right to it.
    ErasureBasis {
        /// The customer's right under a state's privacy law.
        StatePrivacyLaw = "state_privacy_law",
        /// An order of a court or an authority.
        CourtOrder = "court_order",
        /// The company's own promise, or its schedule for what it no longer needs.
        CompanyPolicy = "company_policy",
    }
}

/// Asks for the erasure of the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erase {
    /// What it rests on.
    pub basis: ErasureBasis,
    /// The reference of the request or order; sealed, and unreadable once the keys are destroyed.
    pub reference: Option<Personal>,
}

/// The erasure was asked for, and nothing barred it: from here on the customer is erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureRequested {
    /// What it rests on.
    pub basis: ErasureBasis,
    /// The last instant at which it is in time to have destroyed the keys, by the rulebook then in force.
    pub due_by: Time,
    /// The reference of the request or order; sealed.
    #[serde(skip)]
    pub reference: Option<Personal>,
}

/// The erasure was asked for and refused: nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureRefused {
    /// What it was asked on.
    pub basis: ErasureBasis,
    /// Each rule that barred it.
    pub bars: Vec<Bar>,
    /// The reference of the request or order; sealed.
    #[serde(skip)]
    pub reference: Option<Personal>,
}

/// The customer's keys are destroyed: nobody can read a sealed field any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErasureCompleted {
    /// The record of the request.
    pub requested: Position,
}

/// What is left of a customer who was erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The record of the request.
    pub requested: Position,
    /// When it was recorded.
    pub requested_at: Time,
    /// The last instant at which it is in time to have destroyed the keys.
    pub due_by: Time,
    /// The record that they are destroyed, and when.
    pub completed: Option<Step>,
}

/// The event of a request for erasure, granted or refused: judged at the moment of recording (F20).
pub(super) fn decide(
    customer: &Customer,
    command: &Erase,
    context: &Context<'_>,
) -> Result<RetentionEvent, Refusal> {
    let reference = command.reference.clone();
    if (reference.as_ref()).is_none_or(|reference| reference.expose().trim().is_empty()) {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "reference",
            "an erasure names the request or order that it answers",
        ));
    }
    let (basis, bars) = (command.basis, bars(customer, context.rulebook, context.now));
    if !bars.is_empty() {
        return Ok(RetentionEvent::ErasureRefused(ErasureRefused {
            basis,
            bars,
            reference,
        }));
    }
    let days = context.rulebook.erasure().within_days;
    Ok(RetentionEvent::ErasureRequested(ErasureRequested {
        basis,
        due_by: context.now.plus_hours(days.saturating_mul(24)),
        reference,
    }))
}

/// The events of a command about a customer who was erased: only that the keys are destroyed, once.
///
/// # Errors
/// Everything else is refused, for ever (R16).
pub(in crate::domain) fn decide_of_erased(
    erasure: &Erasure,
    command: &Command,
) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Retention(RetentionCommand::CompleteErasure(completed))
            if erasure.completed.is_none() && completed.requested == erasure.requested =>
        {
            let event = RetentionEvent::ErasureCompleted(*completed);
            Ok(vec![Event::Retention(event)])
        }
        _ => Err(Refusal::new(
            RefusalCode::CustomerErased,
            "customer",
            "the customer was erased: nothing more can be recorded, and the account can't be opened again",
        )),
    }
}

/// The tombstone after a record about the erased customer; whatever else was recorded brings nothing back.
pub(in crate::domain) fn follow(erasure: &mut Erasure, placed: &Placed<'_>) {
    if let Event::Retention(RetentionEvent::ErasureCompleted(_)) = placed.event
        && erasure.completed.is_none()
    {
        erasure.completed = Some(Step {
            position: placed.position,
            at: placed.recorded_at,
        });
    }
}

/// What the request leaves of the customer.
pub(super) fn begin(customer: &mut Customer, placed: &Placed<'_, ErasureRequested>) {
    customer.erase(Erasure {
        requested: placed.position,
        requested_at: placed.recorded_at,
        due_by: placed.event.due_by,
        completed: None,
    });
}
