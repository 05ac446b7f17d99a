//! Campaigns on the wire (F10, F11, R21).

use std::collections::BTreeMap;

use super::commands::command_requests;
use super::lists::{Listed, member, members, numbers};
use super::registers::{about, item, optional_words, step, words};
use super::values::{at_most, categories, digest, optional_entity, required_time, timestamp};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::campaigns::{
    Campaign, CampaignCommand, CampaignTurned, Drawing, PRODUCTS_MAX, Plan, RefusedFor,
    RequestsSent, TARGETS_MAX,
};
use crate::domain::company::register::ItemId;
use crate::domain::ids::Sha256Digest;
use crate::domain::rulebook::Rulebook;
use crate::domain::ruling::ReasonCode;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    ProposeCampaignRequest => ProposeCampaignResponse = "/consent.v1.CampaignService/ProposeCampaign":
        propose, answers::campaign_proposed;
    DecideCampaignRequest => DecideCampaignResponse = "/consent.v1.CampaignService/DecideCampaign":
        decide, answers::campaign_decided;
    StartCampaignRequest => StartCampaignResponse = "/consent.v1.CampaignService/StartCampaign":
        start, answers::campaign_started;
    CloseCampaignRequest => CloseCampaignResponse = "/consent.v1.CampaignService/CloseCampaign":
        close, answers::campaign_closed;
    RecordRequestsSentRequest => RecordRequestsSentResponse = "/consent.v1.CampaignService/RecordRequestsSent":
        requests_sent, answers::requests_sent;
}

fn propose(
    given: wire::ProposeCampaignRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let plan = given.plan.ok_or_else(|| Malformed::missing("plan"))?;
    Ok(campaigns(CampaignCommand::Propose {
        campaign: item("campaign_id", &given.campaign_id)?,
        plan: Box::new(read_plan(&plan).within("plan")?),
    }))
}

fn decide(
    given: wire::DecideCampaignRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    use wire::CampaignDecision as Decision;

    let approve = match Decision::try_from(given.decision) {
        Ok(Decision::Approve) => true,
        Ok(Decision::Reject) => false,
        Ok(Decision::Unspecified) => return Err(Malformed::missing("decision")),
        Err(_) => {
            return Err(Malformed::invalid(
                "decision",
                "is not one of this contract",
            ));
        }
    };
    Ok(campaigns(CampaignCommand::Decide {
        campaign: item("campaign_id", &given.campaign_id)?,
        approve,
        reason: optional_words("reason", &given.reason)?,
    }))
}

fn start(
    given: wire::StartCampaignRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let turned = turned(&given.campaign_id, &given.reason)?;
    Ok(campaigns(CampaignCommand::Start(turned)))
}

fn close(
    given: wire::CloseCampaignRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let turned = turned(&given.campaign_id, &given.reason)?;
    Ok(campaigns(CampaignCommand::Close(turned)))
}

fn requests_sent(
    given: wire::RecordRequestsSentRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    Ok(campaigns(CampaignCommand::SendRequests(RequestsSent {
        campaign: item("campaign_id", &given.campaign_id)?,
        customers: given.customers,
        text_digest: Sha256Digest(digest("text_digest", &given.text_digest)?),
    })))
}

fn campaigns(command: CampaignCommand) -> (SubjectRef, Command) {
    about(CompanyCommand::Campaigns(command))
}

fn turned(campaign: &str, reason: &str) -> Result<CampaignTurned, Malformed> {
    Ok(CampaignTurned {
        campaign: item("campaign_id", campaign)?,
        reason: optional_words("reason", reason)?,
    })
}

fn read_plan(given: &wire::CampaignPlan) -> Result<Plan, Malformed> {
    at_most("products", given.products.len(), PRODUCTS_MAX)?;
    let product = |(index, text): (usize, &String)| item(&format!("products[{index}]"), text);
    Ok(Plan {
        description: words("description", &given.description)?,
        does: members("does", &given.does)?,
        purpose: member("purpose", given.purpose)?,
        classes: members("classes", &given.classes)?,
        selected_by: members("selected_by", &given.selected_by)?,
        recipient: member("recipient_kind", given.recipient_kind)?,
        entity: optional_entity("entity", &given.entity)?,
        target_categories: categories("target_categories", &given.target_categories, TARGETS_MAX)?,
        products: (given.products.iter().enumerate().map(product)).collect::<Result<_, _>>()?,
        starts_at: required_time("starts_at", given.starts_at.as_ref())?,
        ends_at: required_time("ends_at", given.ends_at.as_ref())?,
    })
}

/// A campaign on the wire.
pub fn wire_campaign(id: &ItemId, campaign: &Campaign) -> wire::Campaign {
    let supervisor = campaign.supervisor;
    wire::Campaign {
        campaign_id: id.to_string(),
        plan: Some(wire_plan(&campaign.plan)),
        proposed: Some(step(campaign.proposed)),
        proposer_token: campaign.proposer.to_string(),
        supervisor_token: supervisor.map_or_else(String::new, |token| token.to_string()),
        approved: campaign.approved.map(step),
        rejected: campaign.rejected.map(step),
        started: campaign.started.map(step),
        closed: campaign.closed.map(step),
        lists: campaign.lists,
        drawings: campaign.drawings.iter().map(wire_drawing).collect(),
        requests_sent: campaign.requests,
    }
}

fn wire_plan(plan: &Plan) -> wire::CampaignPlan {
    let entity = plan.entity.as_ref();
    wire::CampaignPlan {
        description: plan.description.as_str().to_owned(),
        does: numbers(plan.does.members()),
        purpose: plan.purpose.number(),
        classes: numbers(plan.classes.members()),
        selected_by: numbers(plan.selected_by.members()),
        recipient_kind: plan.recipient.number(),
        entity: entity.map_or_else(String::new, ToString::to_string),
        target_categories: plan
            .target_categories
            .iter()
            .map(ToString::to_string)
            .collect(),
        products: plan.products.iter().map(ToString::to_string).collect(),
        starts_at: Some(timestamp(plan.starts_at)),
        ends_at: Some(timestamp(plan.ends_at)),
    }
}

fn wire_drawing(drawing: &Drawing) -> wire::CampaignDrawing {
    wire::CampaignDrawing {
        position: drawing.position.0,
        asked: drawing.asked,
        allowed: drawing.allowed,
        list_digest: drawing.digest.0.to_vec(),
        expires_at: Some(timestamp(drawing.expires_at)),
    }
}

/// Customers who are not on a list, by reason, in the order of the reasons.
pub fn refused_for(refused: &BTreeMap<ReasonCode, u64>) -> Vec<RefusedFor> {
    let count = |(reason, customers): (&ReasonCode, &u64)| RefusedFor {
        reason: *reason,
        customers: *customers,
    };
    refused.iter().map(count).collect()
}

/// The same on the wire.
pub fn wire_refused(refused: &[RefusedFor]) -> Vec<wire::DrawnRefusals> {
    let count = |one: &RefusedFor| wire::DrawnRefusals {
        reason: one.reason.number(),
        customers: one.customers,
    };
    refused.iter().map(count).collect()
}
