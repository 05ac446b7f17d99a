//! Campaigns: proposed, approved by another person, drawn, sent, closed (F10, F11, R21, 64.2009(c) and (d)).
//!
//! A supervisor approves a campaign before its list can be drawn, and before an outbound request for approval is sent.
//! A list is the set of rulings at its drawing: it expires, and never approves anything by itself.

mod plan;
mod steps;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use plan::{Outbound, Outbounds, PRODUCTS_MAX, Plan, TARGETS_MAX};
pub use steps::{
    CampaignCommand, CampaignDecided, CampaignEvent, CampaignProposed, CampaignTurned, DrawnList,
    ListDrawn, RefusedFor, RequestsSent,
};

use super::register::{Item, ItemId, Register, Step, invalid, out_of_order, person};
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::question::Question;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClasses, named_list};

/// Drawings that a campaign remembers: the newest. All are on record.
pub const DRAWINGS_MAX: usize = 32;

/// A campaign and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// What it is.
    pub plan: Box<Plan>,
    /// Its proposal.
    pub proposed: Step,
    /// Who proposed it.
    pub proposer: Token,
    /// The supervisor who decided on it.
    pub supervisor: Option<Token>,
    /// Its approval.
    pub approved: Option<Step>,
    /// Since when its approval is on record: what went out before had none, whatever its date says (R5).
    pub approved_since: Option<Time>,
    /// Its rejection; it is over then.
    pub rejected: Option<Step>,
    /// Its beginning.
    pub started: Option<Step>,
    /// Its end.
    pub closed: Option<Step>,
    /// Lists drawn of it.
    pub lists: u32,
    /// The newest of them, oldest first.
    pub drawings: Vec<Drawing>,
    /// Customers who were asked for approval, but those whose notices name the campaign one by one.
    pub requests: u64,
    /// The newest record of that.
    pub requested: Option<Step>,
}

/// A list that was drawn, as the state remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawing {
    /// The record, and the drawing's id.
    pub position: Position,
    /// Customers asked about.
    pub asked: u64,
    /// Customers on the list.
    pub allowed: u64,
    /// SHA-256 over the list.
    pub digest: Sha256Digest,
    /// The first instant at which it may no longer be used.
    pub expires_at: Time,
}

/// The campaigns.
pub type Campaigns = Register<Campaign>;

impl Item for Campaign {
    const MOST: usize = 1_000;
    const NAME: &'static str = "campaign";

    fn ended_at(&self) -> Option<Time> {
        self.closed.or(self.rejected).map(|step| step.at)
    }
}

named_list! {
    /// Why nothing may be sent for a campaign now, whatever the customer said (R21).
    SendStop {
        /// No supervisor approved it, or it was rejected.
        NotApproved = "NOT_APPROVED",
        /// It is closed.
        Closed = "CLOSED",
        /// It is not within its dates.
        OutsideDates = "OUTSIDE_DATES",
        /// It doesn't do that.
        NotPlanned = "NOT_PLANNED",
        /// There is no such drawing of it, or only newer ones are known.
        ListUnknown = "LIST_UNKNOWN",
        /// The list has expired: draw it again.
        ListExpired = "LIST_EXPIRED",
    }
}

impl Campaign {
    /// Why it may not do that at `at`, or might not then; nothing: it may (F11, R21).
    pub fn stops(&self, act: Outbound, at: Time) -> Vec<SendStop> {
        let approved = self.approved_since.is_some_and(|since| since <= at);
        let closed = self.closed.is_some_and(|step| step.at <= at);
        let stops = [
            (!approved, SendStop::NotApproved),
            (closed, SendStop::Closed),
            (!self.plan.runs_at(at), SendStop::OutsideDates),
            (!self.plan.does.contains(act), SendStop::NotPlanned),
        ];
        (stops.into_iter())
            .filter_map(|(stops, why)| stops.then_some(why))
            .collect()
    }

    /// Why nobody on the list drawn at `drawing` may be sent to at `at`; nothing: each customer's ruling decides (R21).
    pub fn stops_sending(&self, drawing: Position, at: Time) -> Vec<SendStop> {
        let mut stops = self.stops(Outbound::List, at);
        match self.drawings.iter().find(|one| one.position == drawing) {
            None => stops.push(SendStop::ListUnknown),
            Some(drawing) if drawing.expires_at <= at => stops.push(SendStop::ListExpired),
            Some(_) => {}
        }
        stops
    }

    /// What must be allowed about a customer before that is sent; none: asking for approval uses no CPNI, unless customers
    /// are selected by it (R13).
    pub fn question_to_send(&self, act: Outbound) -> Option<Question> {
        let question = self.plan.question();
        match act {
            Outbound::List => Some(question),
            Outbound::ApprovalRequest if self.plan.selected_by.is_empty() => None,
            Outbound::ApprovalRequest => Some(Question {
                classes: CpniClasses::NONE,
                ..question
            }),
        }
    }

    /// Refuses what it may not do at `at`, by the first reason's code, and says each.
    fn require(&self, id: &ItemId, act: Outbound, at: Time) -> Result<(), Refusal> {
        let stops = self.stops(act, at);
        let code = match stops.first() {
            None => return Ok(()),
            Some(SendStop::OutsideDates) => RefusalCode::CampaignDates,
            Some(_) => RefusalCode::CampaignNotApproved,
        };
        let stops: Vec<_> = (stops.iter())
            .map(|stop| format!("{} ({stop})", self.explained(*stop, act)))
            .collect();
        let why = format!("campaign {id} at {at}: {}", stops.join("; "));
        Err(Refusal::new(code, "campaign_id", why))
    }

    fn explained(&self, stop: SendStop, act: Outbound) -> String {
        match stop {
            SendStop::NotApproved => "no supervisor had approved it".into(),
            SendStop::Closed => "it was closed".into(),
            SendStop::OutsideDates => format!(
                "it runs from {} until {}",
                self.plan.starts_at, self.plan.ends_at
            ),
            SendStop::NotPlanned => format!("it was not proposed as one that does this: {act}"),
            SendStop::ListUnknown => "it has no such list".into(),
            SendStop::ListExpired => "its list has expired".into(),
        }
    }
}

impl Campaigns {
    /// The campaign, if its list may be drawn at `at` (F11, R21).
    ///
    /// # Errors
    /// `NOT_REGISTERED`, `CAMPAIGN_NOT_APPROVED`, `CAMPAIGN_DATES`.
    pub fn drawable(&self, id: &ItemId, at: Time) -> Result<&Campaign, Refusal> {
        let campaign = self.registered(id)?;
        campaign.require(id, Outbound::List, at)?;
        Ok(campaign)
    }

    /// The campaign, if by it customers might be asked for approval at `at` (F11, R21).
    ///
    /// # Errors
    /// As [`Campaigns::drawable`].
    pub fn asking(&self, id: &ItemId, at: Time) -> Result<&Campaign, Refusal> {
        let campaign = self.registered(id)?;
        campaign.require(id, Outbound::ApprovalRequest, at)?;
        Ok(campaign)
    }

    pub(super) fn decide(
        &self,
        command: &CampaignCommand,
        context: &Context<'_>,
    ) -> Result<Vec<CampaignEvent>, Refusal> {
        let event = match command {
            CampaignCommand::Propose { campaign, plan } => {
                self.require_room(campaign, context.now)?;
                plan.require_complete(context)?;
                CampaignEvent::Proposed(CampaignProposed {
                    campaign: campaign.clone(),
                    plan: plan.clone(),
                    proposer: person(context)?,
                })
            }
            CampaignCommand::Decide {
                campaign,
                approve,
                reason,
            } => {
                let decided = CampaignDecided {
                    campaign: campaign.clone(),
                    supervisor: self.supervisor(campaign, context)?,
                    reason: reason.clone(),
                };
                match approve {
                    true => CampaignEvent::Approved(decided),
                    false => CampaignEvent::Rejected(decided),
                }
            }
            CampaignCommand::Start(step) => {
                self.require_startable(&step.campaign, context)?;
                CampaignEvent::Started(step.clone())
            }
            CampaignCommand::Close(step) => {
                let campaign = self.registered(&step.campaign)?;
                if campaign.ended_at().is_some() {
                    return Err(out_of_order(
                        "campaign_id",
                        "it is closed or rejected already",
                    ));
                }
                CampaignEvent::Closed(step.clone())
            }
            CampaignCommand::Draw(list) => CampaignEvent::ListDrawn(self.draw(list, context)?),
            CampaignCommand::SendRequests(sent) => {
                self.asking(&sent.campaign, context.now)?;
                if sent.customers == 0 {
                    return Err(invalid(
                        "customers",
                        "it says how many were asked; at least 1",
                    ));
                }
                CampaignEvent::RequestsSent(sent.clone())
            }
        };
        Ok(vec![event])
    }

    /// A decision is a supervisor's, made once, and never the proposer's own (F11, 64.2009(d)).
    fn supervisor(&self, id: &ItemId, context: &Context<'_>) -> Result<Token, Refusal> {
        let campaign = self.registered(id)?;
        if campaign.approved.is_some() || campaign.ended_at().is_some() {
            return Err(out_of_order(
                "campaign_id",
                "it was decided on, or closed, already",
            ));
        }
        let person = person(context)?;
        if person == campaign.proposer {
            return Err(Refusal::new(
                RefusalCode::SelfApproval,
                "header.taken_by",
                "who proposed the campaign can't decide on it: another person does (64.2009(d))",
            ));
        }
        Ok(person)
    }

    fn require_startable(&self, id: &ItemId, context: &Context<'_>) -> Result<(), Refusal> {
        let campaign = self.registered(id)?;
        let act = campaign
            .plan
            .does
            .members()
            .next()
            .unwrap_or(Outbound::List);
        campaign.require(id, act, context.now)?;
        match campaign.started {
            None => Ok(()),
            Some(_) => Err(out_of_order("campaign_id", "it was started already")),
        }
    }

    /// The list's record: it holds for some hours, or until an answer in it can change, or the campaign is over (R21).
    fn draw(&self, list: &DrawnList, context: &Context<'_>) -> Result<ListDrawn, Refusal> {
        let campaign = self.drawable(&list.campaign, context.now)?;
        if list.drawn_at > context.now {
            return Err(invalid("drawn_at", "the drawing lies in the future"));
        }
        let refused =
            (list.refused.iter()).fold(0_u64, |all, one| all.saturating_add(one.customers));
        if list.allowed.checked_add(refused) != Some(list.asked) {
            return Err(invalid(
                "asked",
                "it is the sum of those allowed and refused",
            ));
        }
        let full = campaign.drawings.len() >= DRAWINGS_MAX;
        let in_use = |one: &Drawing| one.expires_at > context.now;
        if full && campaign.drawings.first().is_some_and(in_use) {
            return Err(Refusal::new(
                RefusalCode::Limit,
                "campaign_id",
                format!("{DRAWINGS_MAX} lists of it are in use; wait until the oldest expires"),
            ));
        }
        let hours = context.rulebook.list_hours();
        let ends = [
            Some(list.drawn_at.plus_hours(hours)),
            list.valid_until,
            Some(campaign.plan.ends_at),
        ];
        let expires_at = ends.into_iter().flatten().min().unwrap_or(list.drawn_at);
        Ok(ListDrawn {
            campaign: list.campaign.clone(),
            drawn_at: list.drawn_at,
            asked: list.asked,
            allowed: list.allowed,
            refused: list.refused.clone(),
            digest: list.digest,
            expires_at,
        })
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, CampaignEvent>) {
        let step = Step::of(placed);
        match placed.event {
            CampaignEvent::Proposed(proposed) => self.enter(
                &proposed.campaign,
                Campaign::new(proposed, step),
                placed.recorded_at,
            ),
            CampaignEvent::Approved(event) => {
                self.change(&event.campaign, |one| {
                    one.approved = Some(step);
                    one.approved_since = Some(placed.recorded_at);
                    one.supervisor = Some(event.supervisor);
                });
            }
            CampaignEvent::Rejected(event) => {
                self.change(&event.campaign, |one| {
                    one.rejected = Some(step);
                    one.supervisor = Some(event.supervisor);
                });
            }
            CampaignEvent::Started(event) => {
                self.change(&event.campaign, |one| one.started = Some(step));
            }
            CampaignEvent::Closed(event) => self.change(&event.campaign, |one| {
                one.closed = Some(step);
                // No list of a closed campaign can be used; their number stays.
                one.drawings = Vec::new();
            }),
            CampaignEvent::ListDrawn(drawn) => self.change(&drawn.campaign, |one| {
                one.lists = one.lists.saturating_add(1);
                if one.drawings.len() >= DRAWINGS_MAX {
                    one.drawings.remove(0);
                }
                one.drawings.push(Drawing {
                    position: placed.position,
                    asked: drawn.asked,
                    allowed: drawn.allowed,
                    digest: drawn.digest,
                    expires_at: drawn.expires_at,
                });
            }),
            CampaignEvent::RequestsSent(sent) => self.change(&sent.campaign, |one| {
                one.requests = one.requests.saturating_add(sent.customers);
                one.requested = Some(step);
            }),
        }
    }
}

impl Campaign {
    fn new(proposed: &CampaignProposed, step: Step) -> Self {
        Self {
            plan: proposed.plan.clone(),
            proposed: step,
            proposer: proposed.proposer,
            supervisor: None,
            approved: None,
            approved_since: None,
            rejected: None,
            started: None,
            closed: None,
            lists: 0,
            drawings: Vec::new(),
            requests: 0,
            requested: None,
        }
    }
}
