//! What may be told of a campaign, and what was recorded of it (F10, F11).

use serde::{Deserialize, Serialize};

use super::plan::Plan;
use crate::domain::company::register::{ItemId, OwnWords};
use crate::domain::ids::{Sha256Digest, Token};
use crate::domain::ruling::ReasonCode;
use crate::domain::time::Time;

/// What can be asked of campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CampaignCommand {
    /// Proposes one.
    Propose {
        /// The company's id of it.
        campaign: ItemId,
        /// What it is.
        plan: Box<Plan>,
    },
    /// A supervisor approves it, or rejects it.
    Decide {
        /// The campaign.
        campaign: ItemId,
        /// Whether it may go on.
        approve: bool,
        /// Why, in the company's own words.
        reason: Option<OwnWords>,
    },
    /// It begins.
    Start(CampaignTurned),
    /// It is over, or given up.
    Close(CampaignTurned),
    /// Its list was drawn.
    Draw(DrawnList),
    /// Outbound requests for approval were sent.
    SendRequests(RequestsSent),
}

/// What was recorded of campaigns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CampaignEvent {
    /// Proposed.
    Proposed(CampaignProposed),
    /// Approved by a supervisor.
    Approved(CampaignDecided),
    /// Rejected by a supervisor.
    Rejected(CampaignDecided),
    /// Begun.
    Started(CampaignTurned),
    /// Over.
    Closed(CampaignTurned),
    /// A list was drawn.
    ListDrawn(ListDrawn),
    /// Outbound requests for approval were sent.
    RequestsSent(RequestsSent),
}

/// A campaign was proposed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignProposed {
    /// The company's id of it.
    pub campaign: ItemId,
    /// What it is.
    pub plan: Box<Plan>,
    /// Who proposed it, and so can't approve it.
    pub proposer: Token,
}

/// A supervisor approved the campaign, or rejected it: another person than who proposed it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignDecided {
    /// The campaign.
    pub campaign: ItemId,
    /// The supervisor.
    pub supervisor: Token,
    /// Why, in the company's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OwnWords>,
}

/// The campaign began, or is over or given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignTurned {
    /// The campaign.
    pub campaign: ItemId,
    /// Why, in the company's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<OwnWords>,
}

/// Outbound requests for approval were sent (64.2009(d)), other than by notices that name the campaign.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestsSent {
    /// The campaign.
    pub campaign: ItemId,
    /// Customers who were asked.
    pub customers: u64,
    /// SHA-256 of the text that was sent.
    pub text_digest: Sha256Digest,
}

/// Customers who are not on a list, by the first reason that said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefusedFor {
    /// The reason.
    pub reason: ReasonCode,
    /// How many.
    pub customers: u64,
}

/// A list as it was drawn, before the ledger gives it an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnList {
    /// The campaign.
    pub campaign: ItemId,
    /// When the first customer was ruled on.
    pub drawn_at: Time,
    /// Customers asked about.
    pub asked: u64,
    /// Customers on the list.
    pub allowed: u64,
    /// The others, by reason.
    pub refused: Vec<RefusedFor>,
    /// SHA-256 over the list: each customer id as sent, in the order of the answers, and a line feed after each.
    pub digest: Sha256Digest,
    /// The first instant at which some answer in it can change by itself (R18).
    pub valid_until: Option<Time>,
}

/// A list was drawn (F11, R21). Its position is the drawing's id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListDrawn {
    /// The campaign.
    pub campaign: ItemId,
    /// When the first customer was ruled on.
    pub drawn_at: Time,
    /// Customers asked about.
    pub asked: u64,
    /// Customers on the list.
    pub allowed: u64,
    /// The others, by reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<RefusedFor>,
    /// SHA-256 over the list: each customer id as sent, in the order of the answers, and a line feed after each.
    pub digest: Sha256Digest,
    /// The first instant at which the list may no longer be used.
    pub expires_at: Time,
}
