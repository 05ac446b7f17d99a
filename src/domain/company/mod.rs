//! The company itself: what the rules must know that is about no single customer.
//!
//! Its entities, the policy's versions, campaigns, breaches and the like are *ledger-level* records: few, kept whole in
//! memory, and read by every ruling. One file an area, each with its commands, events, state, `decide` and `follow`;
//! this file only brings them together.

pub mod entities;
pub mod policies;

use serde::{Deserialize, Serialize};

use super::customer::Context;
use super::event::Placed;
use super::refusal::Refusal;
use entities::{Entities, EntityCommand, EntityEvent};
use policies::{Policies, PolicyCommand, PolicyEvent};

/// What the ledger knows of the company now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// The entities that receive CPNI, and what they are to the company (R12).
    pub entities: Entities,
    /// The versions of the policy (P16).
    pub policies: Policies,
}

/// A command about the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanyCommand {
    /// Registers entities and what they are (R12).
    Entities(EntityCommand),
    /// Publishes the policy (P16).
    Policies(PolicyCommand),
}

/// An event about the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanyEvent {
    /// An entity became something, or is it no longer.
    Entities(EntityEvent),
    /// The policy was published or posted.
    Policies(PolicyEvent),
}

/// The events that `command` leads to, or why it changes nothing.
///
/// # Errors
/// The refusal names its code, field and rule.
pub fn decide(
    command: &CompanyCommand,
    context: &Context<'_>,
) -> Result<Vec<CompanyEvent>, Refusal> {
    context.require_occurred_at()?;
    let company = context.company;
    match command {
        CompanyCommand::Entities(command) => wrap(
            company.entities.decide(command, context),
            CompanyEvent::Entities,
        ),
        CompanyCommand::Policies(command) => wrap(
            company.policies.decide(command, context),
            CompanyEvent::Policies,
        ),
    }
}

fn wrap<E>(
    events: Result<Vec<E>, Refusal>,
    wrap: fn(E) -> CompanyEvent,
) -> Result<Vec<CompanyEvent>, Refusal> {
    Ok(events?.into_iter().map(wrap).collect())
}

impl Company {
    /// The company after the event.
    pub fn follow(&mut self, placed: &Placed<'_, CompanyEvent>) {
        match placed.event {
            CompanyEvent::Entities(event) => self.entities.follow(&placed.of(event)),
            CompanyEvent::Policies(event) => self.policies.follow(&placed.of(event)),
        }
    }
}
