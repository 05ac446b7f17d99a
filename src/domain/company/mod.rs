//! The company itself: what the rules must know that is about no single customer.
//!
//! Its entities, the policy's versions, campaigns, breaches and the like are *ledger-level* records: few, kept whole in
//! memory, and read by every ruling. One file an area, each with its commands, events, state, `decide` and `follow`;
//! this file only brings them together.

pub mod breaches;
pub mod campaigns;
pub mod certificates;
pub mod complaints;
pub mod deadlines;
pub mod entities;
pub mod mechanism_failures;
pub mod policies;
pub mod register;
pub mod standing;
pub mod templates;
#[cfg(test)]
pub(super) mod testing;
pub mod training;
pub mod yearly;

use serde::{Deserialize, Serialize};

use super::customer::Context;
use super::event::Placed;
use super::refusal::Refusal;
use super::time::Time;
use breaches::{BreachCommand, BreachEvent, Breaches};
use campaigns::{CampaignCommand, CampaignEvent, Campaigns};
use certificates::{CertificateCommand, CertificateEvent, Certificates};
use complaints::{ComplaintCommand, ComplaintEvent, Complaints};
use entities::{Entities, EntityCommand, EntityEvent};
use mechanism_failures::{FailureCommand, FailureEvent, Failures};
use policies::{Policies, PolicyCommand, PolicyEvent};
use templates::{TemplateCommand, TemplateEvent, Templates};
use training::{Training, TrainingCommand, TrainingEvent};

/// What the ledger knows of the company now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Company {
    /// The entities that receive CPNI, and what they are to the company (R12).
    pub entities: Entities,
    /// The versions of the policy (P16).
    pub policies: Policies,
    /// Its campaigns (F10, F11).
    pub campaigns: Campaigns,
    /// Breaches of CPNI (F18).
    pub breaches: Breaches,
    /// Failures of the ways to opt out (F13).
    pub failures: Failures,
    /// Complaints, and what was done against data brokers (F12).
    pub complaints: Complaints,
    /// Who may see CPNI, who was trained, who was sanctioned (F21).
    pub training: Training,
    /// The yearly certificates (F12).
    pub certificates: Certificates,
    /// When the first record about the company was made.
    pub since: Option<Time>,
    /// The approved templates of notices (F4).
    pub templates: Templates,
}

/// A command about the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanyCommand {
    /// Registers entities and what they are (R12).
    Entities(EntityCommand),
    /// Publishes the policy (P16).
    Policies(PolicyCommand),
    /// Proposes, approves and runs campaigns (F10, F11).
    Campaigns(CampaignCommand),
    /// Follows a breach to its end (F18).
    Breaches(BreachCommand),
    /// Follows the failure of a way to opt out to its end (F13).
    Failures(FailureCommand),
    /// Registers complaints, and what was done against data brokers (F12).
    Complaints(ComplaintCommand),
    /// Registers access, training and sanctions (F21).
    Training(TrainingCommand),
    /// Drafts, signs and files the yearly certificate (F12).
    Certificates(CertificateCommand),
    /// Approves templates of notices (F4).
    Templates(TemplateCommand),
}

/// An event about the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CompanyEvent {
    /// An entity became something, or is it no longer.
    Entities(EntityEvent),
    /// The policy was published or posted.
    Policies(PolicyEvent),
    /// A campaign went a step.
    Campaigns(CampaignEvent),
    /// A breach went a step.
    Breaches(BreachEvent),
    /// A failure of a way to opt out went a step.
    Failures(FailureEvent),
    /// A complaint, or an action against a data broker.
    Complaints(ComplaintEvent),
    /// Access, training, a sanction.
    Training(TrainingEvent),
    /// The yearly certificate went a step.
    Certificates(CertificateEvent),
    /// A template of notices was approved.
    Templates(TemplateEvent),
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
        CompanyCommand::Campaigns(command) => wrap(
            company.campaigns.decide(command, context),
            CompanyEvent::Campaigns,
        ),
        CompanyCommand::Breaches(command) => wrap(
            company.breaches.decide(command, context),
            CompanyEvent::Breaches,
        ),
        CompanyCommand::Failures(command) => wrap(
            company.failures.decide(command, context),
            CompanyEvent::Failures,
        ),
        CompanyCommand::Complaints(command) => wrap(
            company.complaints.decide(command, context),
            CompanyEvent::Complaints,
        ),
        CompanyCommand::Training(command) => wrap(
            company.training.decide(command, context),
            CompanyEvent::Training,
        ),
        CompanyCommand::Certificates(command) => wrap(
            company.certificates.decide(command, context),
            CompanyEvent::Certificates,
        ),
        CompanyCommand::Templates(command) => wrap(
            company.templates.decide(command, context),
            CompanyEvent::Templates,
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
        self.since = self.since.or(Some(placed.recorded_at));
        match placed.event {
            CompanyEvent::Entities(event) => self.entities.follow(&placed.of(event)),
            CompanyEvent::Policies(event) => self.policies.follow(&placed.of(event)),
            CompanyEvent::Campaigns(event) => self.campaigns.follow(&placed.of(event)),
            CompanyEvent::Breaches(event) => self.breaches.follow(&placed.of(event)),
            CompanyEvent::Failures(event) => self.failures.follow(&placed.of(event)),
            CompanyEvent::Complaints(event) => self.complaints.follow(&placed.of(event)),
            CompanyEvent::Training(event) => self.training.follow(&placed.of(event)),
            CompanyEvent::Certificates(event) => self.certificates.follow(&placed.of(event)),
            CompanyEvent::Templates(event) => self.templates.follow(&placed.of(event)),
        }
    }
}
