//! How long records about a customer must be kept, and legal holds (F20, 64.2007(a)(3), 64.2008(a)(2), 64.2009(c)).
//!
//! Nothing about a customer is erased before its time: not while a service is held, not within the rulebook's period after
//! the newest record or the end of the last service, not under a legal hold, and not where the rulebook gives nobody a
//! right to it. Each bar names its rule.

pub mod erasure;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::authentication::sim_changes::kept_until;
use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::{Personal, Position};
use super::refusal::{Refusal, RefusalCode};
use super::rulebook::Rulebook;
use super::time::Time;
use super::vocabulary::named_list;
use erasure::{Erase, ErasureCompleted, ErasureRefused, ErasureRequested};

/// Legal holds that may be on one customer at a time.
pub const HOLDS_MAX: usize = 256;

/// What can be asked about keeping records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionCommand {
    /// Puts a legal hold on the customer's records.
    Hold(HoldPlaced),
    /// Lifts one hold; others stay.
    Release(HoldReleased),
    /// Erases the customer (E8).
    Erase(Erase),
    /// Records that the keys of an erased customer are destroyed; the ledger's own command.
    CompleteErasure(ErasureCompleted),
}

/// What was recorded about keeping records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionEvent {
    /// A legal hold was placed.
    HoldPlaced(HoldPlaced),
    /// A legal hold was released.
    HoldReleased(HoldReleased),
    /// The erasure of the customer was asked for: nothing barred it.
    ErasureRequested(ErasureRequested),
    /// It was asked for and refused.
    ErasureRefused(ErasureRefused),
    /// The keys are destroyed.
    ErasureCompleted(ErasureCompleted),
}

/// A legal hold was placed. It stops erasure, and gives nobody a right to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// The matter's reference; sealed.
    #[serde(skip)]
    pub matter: Option<Personal>,
}

/// A legal hold was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleased {
    /// The record that placed it.
    pub hold: Position,
}

named_list! {
    /// A rule by which records are kept.
    RetentionRule {
        /// The customer holds a service: what was approved and denied is in use.
        ServicesHeld = "SERVICES_HELD",
        /// The period after the end of approvals and the newest record is not over.
        Period = "PERIOD",
        /// The years for which records about SIM changes are kept are not over (64.2010(h)).
        SimChangeRecords = "SIM_CHANGE_RECORDS",
        /// A legal hold stands.
        LegalHold = "LEGAL_HOLD",
        /// The rulebook gives nobody a right to be erased.
        NotProvided = "NOT_PROVIDED",
    }
}

/// Why a customer's records can't be erased now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The rule.
    pub rule: RetentionRule,
    /// The first instant at which it no longer bars, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// The hold's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Position>,
}

/// Events of a command about keeping records.
pub(super) fn decide(
    customer: &Customer,
    command: &RetentionCommand,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        RetentionCommand::Hold(placed) => {
            let matter = placed.matter.as_ref();
            if matter.is_none_or(|matter| matter.expose().trim().is_empty()) {
                return Err(Refusal::new(
                    RefusalCode::Invalid,
                    "matter",
                    "a legal hold names the matter that it is for",
                ));
            }
            if customer.holds.len() >= HOLDS_MAX {
                return Err(Refusal::new(
                    RefusalCode::Limit,
                    "",
                    format!("{HOLDS_MAX} holds are on the customer; erasure is barred already"),
                ));
            }
            RetentionEvent::HoldPlaced(placed.clone())
        }
        RetentionCommand::Release(released) => {
            if !customer.holds.contains(&released.hold) {
                return Err(Refusal::new(
                    RefusalCode::HoldUnknown,
                    "hold",
                    format!("record {} is no hold that stands", released.hold),
                ));
            }
            RetentionEvent::HoldReleased(released.clone())
        }
        RetentionCommand::Erase(command) => erasure::decide(customer, command, context)?,
        RetentionCommand::CompleteErasure(completed) => {
            return Err(Refusal::new(
                RefusalCode::StepOrder,
                "requested",
                format!("record {} asks for no erasure", completed.requested),
            ));
        }
    };
    Ok(vec![Event::Retention(event)])
}

/// The customer after an event about keeping records.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, RetentionEvent>) {
    match placed.event {
        RetentionEvent::HoldPlaced(_) => customer.holds.push(placed.position),
        RetentionEvent::HoldReleased(released) => {
            customer.holds.retain(|hold| *hold != released.hold);
        }
        RetentionEvent::ErasureRequested(requested) => {
            erasure::begin(customer, &placed.of(requested));
        }
        // Only what was asked for is completed; see `erasure::follow`.
        RetentionEvent::ErasureRefused(_) | RetentionEvent::ErasureCompleted(_) => {}
    }
}

/// Everything that bars erasing the customer's records at that instant; nothing: they may be erased.
pub fn bars(customer: &Customer, rulebook: &Rulebook, at: Time) -> Vec<Bar> {
    let mut bars = Vec::new();
    if !rulebook.erasure().enabled {
        bars.push(Bar {
            rule: RetentionRule::NotProvided,
            until: None,
            hold: None,
        });
    }
    let services = &customer.services;
    if services
        .held
        .iter()
        .any(|service| service.ends_at.is_none_or(|end| end > at))
    {
        bars.push(Bar {
            rule: RetentionRule::ServicesHeld,
            until: services.all_end_at(),
            hold: None,
        });
    }
    let last_end = services
        .held
        .iter()
        .filter_map(|service| service.ends_at)
        .max();
    let newest = customer.last_at.max(last_end.unwrap_or(customer.last_at));
    let until = newest.plus_hours(rulebook.periods().retention_days.saturating_mul(24));
    if at < until {
        bars.push(Bar {
            rule: RetentionRule::Period,
            until: Some(until),
            hold: None,
        });
    }
    let sim_until = kept_until(customer, rulebook).filter(|until| at < *until);
    bars.extend(sim_until.map(|until| Bar {
        rule: RetentionRule::SimChangeRecords,
        until: Some(until),
        hold: None,
    }));
    bars.extend(customer.holds.iter().map(|hold| Bar {
        rule: RetentionRule::LegalHold,
        until: None,
        hold: Some(*hold),
    }));
    bars
}
