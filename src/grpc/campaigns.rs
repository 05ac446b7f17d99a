//! CampaignService: what is proposed, what a supervisor approves, what may then be drawn and sent.

use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::convert::campaigns::wire_campaign;
use super::convert::lists::numbers;
use super::convert::registers::{item, optional_item};
use super::convert::rulings::Detail;
use super::convert::values;
use super::doors::Doors;
use super::registers::Registers;
use super::{drawing, status};
use crate::domain::company::campaigns::{Outbound, SendStop};
use crate::domain::ids::Position;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// Serves CampaignService.
pub struct Campaigns(pub Doors);

#[tonic::async_trait]
impl wire::campaign_service_server::CampaignService for Campaigns {
    async fn propose_campaign(
        &self,
        request: Request<wire::ProposeCampaignRequest>,
    ) -> Result<Response<wire::ProposeCampaignResponse>, Status> {
        self.0.command(request).await
    }

    async fn decide_campaign(
        &self,
        request: Request<wire::DecideCampaignRequest>,
    ) -> Result<Response<wire::DecideCampaignResponse>, Status> {
        self.0.command(request).await
    }

    async fn start_campaign(
        &self,
        request: Request<wire::StartCampaignRequest>,
    ) -> Result<Response<wire::StartCampaignResponse>, Status> {
        self.0.command(request).await
    }

    async fn close_campaign(
        &self,
        request: Request<wire::CloseCampaignRequest>,
    ) -> Result<Response<wire::CloseCampaignResponse>, Status> {
        self.0.command(request).await
    }

    async fn record_requests_sent(
        &self,
        request: Request<wire::RecordRequestsSentRequest>,
    ) -> Result<Response<wire::RecordRequestsSentResponse>, Status> {
        self.0.command(request).await
    }

    type DrawListStream = drawing::Answers;

    async fn draw_list(
        &self,
        request: Request<Streaming<wire::DrawListRequest>>,
    ) -> Result<Response<Self::DrawListStream>, Status> {
        let call = Call::of(&request)?;
        let answers = drawing::draw(self.0.clone(), call, request.into_inner());
        Ok(Response::new(answers))
    }

    async fn check_send(
        &self,
        request: Request<wire::CheckSendRequest>,
    ) -> Result<Response<wire::CheckSendResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let id = item("campaign_id", &given.campaign_id)?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let campaigns = &registers.company.campaigns;
        let campaign = campaigns.registered(&id).map_err(status::refused)?;
        let now = registers.now;
        let (act, stops): (_, Vec<SendStop>) = match given.drawing_position {
            Some(drawing) => {
                let stops = campaign.stops_sending(Position(drawing), now);
                (Outbound::List, stops)
            }
            None => {
                let act = Outbound::ApprovalRequest;
                (act, campaign.stops(act, now))
            }
        };
        let ruling = match campaign.question_to_send(act) {
            Some(question) => {
                let detail = Detail::Texts;
                let ruled = doors.rule_by(&call, customer.clone(), question, detail, &registers);
                Some(ruled.await?)
            }
            None => None,
        };
        let ruled = match &ruling {
            Some(ruling) => ruling.allowed,
            // Nothing is asked of the customer's CPNI; who is unknown or erased gets nothing all the same (R16).
            None => self.is_customer(&call, customer, &registers).await?,
        };
        Ok(Response::new(wire::CheckSendResponse {
            allowed: stops.is_empty() && ruled,
            stops: numbers(stops.into_iter()),
            ruling,
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }

    async fn list_campaigns(
        &self,
        request: Request<wire::ListCampaignsRequest>,
    ) -> Result<Response<wire::ListCampaignsResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let only = optional_item("campaign_id", &given.campaign_id)?;
        let from = values::optional_time("from", given.from.as_ref())?;
        let until = values::optional_time("until", given.until.as_ref())?;
        let as_of = given.as_of.as_ref();
        let registers = doors.registers(&call, given.min_position, as_of).await?;
        let campaigns = registers.company.campaigns.all();
        let campaigns = campaigns
            .filter(|(id, _)| only.as_ref().is_none_or(|only| only == *id))
            .filter(|(_, campaign)| campaign.plan.runs_within(from, until));
        Ok(Response::new(wire::ListCampaignsResponse {
            campaigns: campaigns.map(|(id, one)| wire_campaign(id, one)).collect(),
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
        }))
    }
}

impl Campaigns {
    /// Whether the ledger knows the customer, or knew it at the registers' moment, not erased.
    async fn is_customer(
        &self,
        call: &Call,
        customer: SubjectRef,
        registers: &Registers,
    ) -> Result<bool, Status> {
        let Some(past) = registers.past.clone() else {
            let known = self.0.customer(&customer)?;
            return Ok(known.is_some_and(|(_, one)| one.erased.is_none()));
        };
        let known = (self.0).is_customer_then(call.caller.role, customer, past);
        call.in_time(known).await
    }
}
