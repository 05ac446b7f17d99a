//! Affiliates that serve the customer themselves (F1, R7, 64.2005(a)).
//!
//! Marketing within held categories reaches an affiliate without approval only where that affiliate serves the customer,
//! too. The ledger takes it from a record about the account, not from the question: it is dated, and can be proved.

use serde::{Deserialize, Serialize};

use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::{EntityId, Position};
use super::refusal::{Refusal, RefusalCode};
use super::time::Time;

/// Affiliates that a customer's state keeps, ended ones among them; further ones are refused.
pub const SERVED_BY_MAX: usize = 64;

/// What can be asked about affiliates that serve the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AffiliateCommand {
    /// The affiliate serves the customer from this record on.
    Begin(EntityId),
    /// It no longer does.
    End {
        /// The affiliate.
        affiliate: EntityId,
        /// The first instant at which it doesn't; none: when the command says that it occurred. May lie ahead.
        ends_at: Option<Time>,
    },
}

/// What was recorded of affiliates that serve the customer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AffiliateEvent {
    /// An affiliate serves the customer from this record on.
    Began(AffiliateBegan),
    /// It no longer does.
    Ended(AffiliateEnded),
}

/// An affiliate serves the customer from this record on (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffiliateBegan {
    /// The affiliate.
    pub affiliate: EntityId,
}

/// An affiliate no longer serves the customer (narrows: counts from `ends_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AffiliateEnded {
    /// The affiliate.
    pub affiliate: EntityId,
    /// The first instant at which it doesn't.
    pub ends_at: Time,
}

/// An affiliate's service as the state remembers it: its newest time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServedBy {
    /// The affiliate.
    pub affiliate: EntityId,
    /// The record that began it.
    pub position: Position,
    /// First instant.
    pub starts_at: Time,
    /// First instant after it.
    pub ends_at: Option<Time>,
}

impl ServedBy {
    /// Whether it serves the customer at that instant.
    pub fn holds(&self, at: Time) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

/// The affiliate's service to the customer at that instant.
pub fn serving<'a>(customer: &'a Customer, affiliate: &EntityId, at: Time) -> Option<&'a ServedBy> {
    (customer.served_by.iter()).find(|one| one.affiliate == *affiliate && one.holds(at))
}

pub(super) fn decide(
    customer: &Customer,
    command: &AffiliateCommand,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let refuse = |code, why: String| Err(Refusal::new(code, "affiliate", why));
    let event = match command {
        AffiliateCommand::Begin(affiliate) => {
            let held = serving(customer, affiliate, context.now);
            if held.is_some_and(|held| held.ends_at.is_none()) {
                let why = format!("{affiliate} is on record as serving the customer already");
                return refuse(RefusalCode::EntityState, why);
            }
            let known = (customer.served_by.iter()).any(|one| one.affiliate == *affiliate);
            if !known && customer.served_by.len() >= SERVED_BY_MAX {
                let why = format!("the ledger keeps {SERVED_BY_MAX} affiliates a customer");
                return refuse(RefusalCode::Limit, why);
            }
            AffiliateEvent::Began(AffiliateBegan {
                affiliate: affiliate.clone(),
            })
        }
        AffiliateCommand::End { affiliate, ends_at } => {
            let ends_at = ends_at.or(context.occurred_at).unwrap_or(context.now);
            context.require_not_long_ago(ends_at, "ends_at")?;
            if serving(customer, affiliate, context.now).is_none() {
                let why = format!("{affiliate} is not on record as serving the customer");
                return refuse(RefusalCode::EntityState, why);
            }
            AffiliateEvent::Ended(AffiliateEnded {
                affiliate: affiliate.clone(),
                ends_at,
            })
        }
    };
    Ok(vec![Event::Affiliates(event)])
}

pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, AffiliateEvent>) {
    let served_by = &mut customer.served_by;
    match placed.event {
        AffiliateEvent::Began(began) => {
            served_by.retain(|one| one.affiliate != began.affiliate);
            served_by.push(ServedBy {
                affiliate: began.affiliate.clone(),
                position: placed.position,
                starts_at: placed.recorded_at,
                ends_at: None,
            });
        }
        AffiliateEvent::Ended(ended) => {
            let known = (served_by.iter_mut()).find(|one| one.affiliate == ended.affiliate);
            if let Some(one) = known {
                let end = one
                    .ends_at
                    .map_or(ended.ends_at, |end| end.min(ended.ends_at));
                one.ends_at = Some(end);
            }
        }
    }
}
