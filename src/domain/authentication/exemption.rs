//! Business customers under another regime: a dedicated representative *and* a contract that addresses CPNI (F17;
//! 64.2010(g)).

use serde::{Deserialize, Serialize};

use super::AuthenticationEvent;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::Placed;
use crate::domain::ids::{Personal, Position, Sha256Digest, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

named_list! {
    /// What the exemption stands on; it takes both.
    LegKind {
        /// A dedicated account representative.
        Representative = "representative",
        /// A contract that specifically addresses the protection of CPNI.
        Contract = "contract",
    }
}

/// A leg stands from this record on (widens: counts from the record, R5), until an end that may be stated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegBegun {
    /// Which.
    pub leg: LegKind,
    /// The representative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub representative: Option<Token>,
    /// The contract's reference.
    #[serde(skip)]
    pub contract: Option<Personal>,
    /// SHA-256 of the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contract_digest: Option<Sha256Digest>,
    /// Whether the contract specifically addresses the protection of CPNI.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub addresses_cpni: bool,
    /// First instant after it; none while no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Time>,
}

/// Ends a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndLeg {
    /// Which.
    pub leg: LegKind,
}

/// A leg is over (narrows: counts from when it happened, R5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LegEnded {
    /// Which.
    pub leg: LegKind,
    /// First instant after it.
    pub ends_at: Time,
}

/// The newest of each leg.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// The representative.
    pub representative: Option<Leg>,
    /// The contract.
    pub contract: Option<Leg>,
}

/// A leg and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The record that began it.
    pub position: Position,
    /// First instant.
    pub since: Time,
    /// First instant after it.
    pub ends_at: Option<Time>,
}

impl Leg {
    fn holds(&self, at: Time) -> bool {
        self.since <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

impl Exemption {
    /// Whether both legs stand at that instant.
    pub fn holds(&self, at: Time) -> bool {
        [self.representative, self.contract]
            .iter()
            .all(|leg| leg.is_some_and(|leg| leg.holds(at)))
    }

    /// The ends of the legs that are known.
    pub fn ends(&self) -> impl Iterator<Item = Time> {
        [self.representative, self.contract]
            .into_iter()
            .filter_map(|leg| leg?.ends_at)
    }

    fn leg(&mut self, kind: LegKind) -> &mut Option<Leg> {
        match kind {
            LegKind::Representative => &mut self.representative,
            LegKind::Contract => &mut self.contract,
        }
    }

    pub(super) fn begin(&mut self, placed: &Placed<'_, LegBegun>) {
        *self.leg(placed.event.leg) = Some(Leg {
            position: placed.position,
            since: placed.recorded_at,
            ends_at: placed.event.ends_at,
        });
    }

    pub(super) fn end(&mut self, ended: &LegEnded) {
        if let Some(leg) = self.leg(ended.leg) {
            leg.ends_at = Some(ended.ends_at);
        }
    }
}

pub(super) fn begin(
    command: &LegBegun,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let refuse = |field: &str, why: &str| Err(Refusal::new(RefusalCode::Invalid, field, why));
    match command.leg {
        LegKind::Representative if command.representative.is_none() => {
            return refuse("representative", "name the dedicated representative");
        }
        LegKind::Contract if !command.addresses_cpni => {
            return refuse(
                "addresses_cpni",
                "only a contract that specifically addresses the protection of CPNI counts (64.2010(g))",
            );
        }
        LegKind::Contract if command.contract_digest.is_none() => {
            return refuse("contract_digest", "give the SHA-256 of the contract");
        }
        _ => {}
    }
    if command.ends_at.is_some_and(|end| end <= context.now) {
        return refuse(
            "ends_at",
            "it is over already; give an instant ahead, or none",
        );
    }
    Ok(vec![AuthenticationEvent::LegBegun(command.clone())])
}

pub(super) fn end(
    customer: &Customer,
    command: &EndLeg,
    context: &Context<'_>,
) -> Result<Vec<AuthenticationEvent>, Refusal> {
    let exemption = customer
        .authentication
        .as_ref()
        .map(|state| state.exemption);
    let leg = exemption.and_then(|mut exemption| *exemption.leg(command.leg));
    if !leg.is_some_and(|leg| leg.holds(context.now)) {
        return Err(Refusal::new(
            RefusalCode::ExemptionState,
            "leg",
            format!("no {} stands now", command.leg),
        ));
    }
    Ok(vec![AuthenticationEvent::LegEnded(LegEnded {
        leg: command.leg,
        ends_at: context.occurred_at.unwrap_or(context.now),
    })])
}
