//! Campaigns: approved by another person before anything is drawn or sent (F10, F11, R21; 64.2009(c), (d)).

use super::{Kind, Look, SeenOfCompany, StandingQuestion};
use crate::domain::company::CompanyEvent;
use crate::domain::company::campaigns::{CampaignEvent, Outbound};
use crate::domain::company::register::ItemId;
use crate::domain::event::Event;
use crate::domain::notices::NoticeEvent;
use crate::domain::notices::send::Delivery;

pub(super) const SELF_APPROVED: StandingQuestion = StandingQuestion {
    name: "campaign-self-approved",
    requirements: "F11, R21",
    clauses: "47 CFR 64.2009(d)",
    asks: "Which campaigns were approved by the person who proposed them, or in another's name?",
    kind: Kind::Rule,
    look: Look::Company(|seen| {
        let CampaignEvent::Approved(decided) = event(seen)? else {
            return None;
        };
        let id = &decided.campaign;
        let Some(campaign) = seen.world.company.campaigns.get(id) else {
            return Some(format!("campaign {id} was approved and never proposed"));
        };
        if campaign.proposer == decided.supervisor || seen.person == Some(campaign.proposer) {
            return Some(format!("campaign {id} was approved by its proposer"));
        }
        (seen.person != Some(decided.supervisor))
            .then(|| format!("the approval of campaign {id} was taken from another than it names"))
    }),
};

pub(super) const UNAPPROVED_DRAWN: StandingQuestion = StandingQuestion {
    name: "list-of-unapproved-campaign",
    requirements: "F11, R21",
    clauses: "47 CFR 64.2009(d)",
    asks: "Which lists were drawn, and which requests for approval sent, for a campaign that no supervisor had approved, or that was over?",
    kind: Kind::Rule,
    look: Look::Company(|seen| {
        let id = drawn_for(event(seen)?)?;
        let Some(campaign) = seen.world.company.campaigns.get(id) else {
            return Some(format!("campaign {id} was never proposed"));
        };
        if campaign.approved.is_none() {
            return Some(format!("campaign {id} was not approved"));
        }
        (campaign.rejected.is_some() || campaign.closed.is_some())
            .then(|| format!("campaign {id} was rejected or closed"))
    }),
};

pub(super) const UNAPPROVED_NOTICE: StandingQuestion = StandingQuestion {
    name: "notice-of-unapproved-campaign",
    requirements: "F11, R21",
    clauses: "47 CFR 64.2009(d)",
    asks: "Which notices that ask for approval went out without a supervisor's approval of that, or named a campaign that hadn't it?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::Notices(NoticeEvent::Sent(sent)) = seen.placed.event else {
            return None;
        };
        let outbound = match sent.delivery {
            Delivery::Post | Delivery::Email | Delivery::Electronic => true,
            Delivery::InPerson | Delivery::Oral => false,
        };
        let Some(id) = &sent.campaign else {
            return outbound.then(|| "it went out and names no campaign".into());
        };
        let Some(campaign) = seen.world.company.campaigns.get(id) else {
            return Some(format!("campaign {id} was never proposed"));
        };
        let sent_at = seen.placed.happened_at();
        let wrong = match (campaign.approved_since, campaign.closed) {
            (None, _) => "was not approved",
            (Some(since), _) if since > sent_at => "was approved after it was sent",
            (_, Some(closed)) if closed.at <= sent_at => "was closed",
            _ if sent_at < campaign.plan.starts_at || sent_at >= campaign.plan.ends_at => {
                "was not in its dates"
            }
            _ if !campaign.plan.does.contains(Outbound::ApprovalRequest) => {
                "does not ask for approval"
            }
            _ => return None,
        };
        Some(format!("campaign {id} {wrong}"))
    }),
};

pub(super) const LIST_KEPT_TOO_LONG: StandingQuestion = StandingQuestion {
    name: "list-kept-too-long",
    requirements: "R21",
    clauses: "47 CFR 64.2009(a), (d)",
    asks: "Which lists may be used for longer than the rulebook allows, or beyond their campaign?",
    kind: Kind::Rule,
    look: Look::Company(|seen| {
        let CampaignEvent::ListDrawn(drawn) = event(seen)? else {
            return None;
        };
        let hours = seen.world.rulebook.list_hours();
        if drawn.expires_at > drawn.drawn_at.plus_hours(hours) {
            return Some(format!("the list holds for more than {hours} h"));
        }
        let campaign = seen.world.company.campaigns.get(&drawn.campaign)?;
        (drawn.expires_at > campaign.plan.ends_at)
            .then(|| "the list holds beyond the campaign's end".into())
    }),
};

fn event<'a>(seen: &SeenOfCompany<'a>) -> Option<&'a CampaignEvent> {
    match seen.placed.event {
        CompanyEvent::Campaigns(event) => Some(event),
        _ => None,
    }
}

/// The campaign for which something was drawn or sent.
fn drawn_for(event: &CampaignEvent) -> Option<&ItemId> {
    match event {
        CampaignEvent::ListDrawn(drawn) => Some(&drawn.campaign),
        CampaignEvent::RequestsSent(sent) => Some(&sent.campaign),
        _ => None,
    }
}
