//! Trouble tickets (P14; policy clause 4).
//!
//! One for an out-of-service condition is opened for whoever calls, whatever stands on the account, and nothing of the
//! account is told for it; any other takes a caller who is verified for technical support.

use serde::{Deserialize, Serialize};

use super::AuthenticationEvent;
use super::authority::{suspended, unverified};
use super::verification::VerifiedFor;
use crate::domain::customer::{Context, Customer};
use crate::domain::ids::{Personal, Position, Token};
use crate::domain::refusal::Refusal;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What the trouble is.
    TicketCondition {
        /// The service is out: no authentication.
        OutOfService = "out_of_service",
        /// Anything else.
        Other = "other",
    }
}

/// Opens a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenTicket {
    /// What the trouble is.
    pub condition: TicketCondition,
    /// The ticket's reference.
    pub ticket: Personal,
    /// The caller's verification and its call; an out-of-service ticket needs none.
    pub verification: Option<(Position, Token)>,
}

/// A ticket was opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketOpened {
    /// What the trouble is.
    pub condition: TicketCondition,
    /// The ticket's reference.
    #[serde(skip)]
    pub ticket: Option<Personal>,
    /// The verification that it rests on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Position>,
}

pub(super) fn open(
    customer: &Customer,
    command: &OpenTicket,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let verification = match command.condition {
        TicketCondition::OutOfService => None,
        TicketCondition::Other => Some(require_verified(customer, command, context)?),
    };
    Ok(vec![AuthenticationEvent::TicketOpened(TicketOpened {
        condition: command.condition,
        ticket: Some(command.ticket.clone()),
        verification,
    })])
}

fn require_verified(
    customer: &Customer,
    command: &OpenTicket,
    context: &Context<'_>,
) -> Result<Position, Refusal> {
    let state = customer.authentication.as_ref();
    if let Some(state) = state.filter(|state| state.is_suspended()) {
        return Err(suspended(state.lock.is_some()));
    }
    let support = VerifiedFor::TechnicalSupport;
    let standing = command
        .verification
        .and_then(|(record, call)| state?.standing(record, call, support, context.now));
    match standing {
        Some(one) if one.is_good(customer, context.now, context.rulebook) => Ok(one.position),
        _ => Err(unverified(
            "verification",
            "a ticket for other than an out-of-service condition takes a caller verified for technical support in this call",
        )),
    }
}
