//! Drawing a campaign's list: customers come in by the thousand, those who may be addressed go back, and one record at the
//! end says what was drawn (F11, R21).
//!
//! Nothing of the list is kept: its digest and its counts grow as it passes. A stream that breaks off has drawn nothing.

use std::collections::BTreeMap;

use futures_util::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use sha2::{Digest, Sha256};
use tonic::{Status, Streaming};

use super::call::Call;
use super::convert::answers::receipt;
use super::convert::campaigns::{refused_for, wire_refused};
use super::convert::commands::{Header, drawing_header};
use super::convert::registers::{about, item};
use super::convert::values::{at_most, outside_id, timestamp};
use super::convert::{Malformed, Within};
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::domain::company::CompanyCommand;
use crate::domain::company::campaigns::{CampaignCommand, DrawnList};
use crate::domain::company::register::ItemId;
use crate::domain::customer::{World, rule};
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::question::Question;
use crate::domain::ruling::ReasonCode;
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use wire::draw_list_request::Request as Asked;
use wire::draw_list_response::Response as Answered;

/// Most customers in one message.
const CANDIDATES_MAX: usize = 4096;

/// The answers of a drawing.
pub type Answers = BoxStream<'static, Result<wire::DrawListResponse, Status>>;

/// Draws a list from the customers of `requests`.
pub fn draw(doors: Doors, call: Call, requests: Streaming<wire::DrawListRequest>) -> Answers {
    let requests = UntilStopping::new(requests, doors.stopping());
    // The headers go out before the first request is here: a caller may wait for them before he sends it.
    let answers = async move {
        let (drawing, requests) = Drawing::begin(doors, call, requests).await?;
        Ok::<_, Status>(stream::try_unfold(Some((drawing, requests)), go_on))
    };
    stream::once(answers).try_flatten().boxed()
}

type Open<S> = Option<(Drawing, S)>;

async fn go_on<S>(open: Open<S>) -> Result<Option<(wire::DrawListResponse, Open<S>)>, Status>
where
    S: Stream<Item = Result<wire::DrawListRequest, Status>> + Unpin,
{
    let Some((drawing, mut requests)) = open else {
        return Ok(None);
    };
    let (answered, open) = match requests.try_next().await? {
        Some(request) => {
            let (drawing, drawn) = drawing.rule_on(request).await?;
            (Answered::Drawn(drawn), Some((drawing, requests)))
        }
        None => (Answered::List(drawing.end().await?), None),
    };
    let response = Some(answered);
    Ok(Some((wire::DrawListResponse { response }, open)))
}

/// A list that is being drawn.
struct Drawing {
    doors: Doors,
    call: Call,
    header: Header,
    campaign: ItemId,
    question: Question,
    drawn_at: Time,
    asked: u64,
    allowed: u64,
    refused: BTreeMap<ReasonCode, u64>,
    digest: Sha256,
    valid_until: Option<Time>,
}

impl Drawing {
    /// Takes the first message: the campaign must be approved, and in its dates.
    async fn begin<S>(doors: Doors, call: Call, mut requests: S) -> Result<(Self, S), Status>
    where
        S: Stream<Item = Result<wire::DrawListRequest, Status>> + Unpin,
    {
        let first = requests.try_next().await?.and_then(|first| first.request);
        let Some(Asked::Begin(mut begin)) = first else {
            return Err(Malformed::missing("begin").into());
        };
        let tokens = |kind: &'static str, value: &str| -> Token { doors.token(kind, value) };
        let header = drawing_header(&mut begin, &tokens).within("begin")?;
        let campaign = item("begin.campaign_id", &begin.campaign_id)?;
        doors.wait_for(&call, Position(begin.min_position)).await?;
        let (company, drawn_at) = (doors.views().company(), doors.views().now());
        let drawable = company.campaigns.drawable(&campaign, drawn_at);
        let question = drawable.map_err(status::refused)?.plan.question();
        let drawing = Self {
            doors,
            call,
            header,
            campaign,
            question,
            drawn_at,
            asked: 0,
            allowed: 0,
            refused: BTreeMap::new(),
            digest: Sha256::new(),
            valid_until: None,
        };
        Ok((drawing, requests))
    }

    /// Those of a message's customers who are on the list. Looking them up may touch the disk: it is done away from the
    /// threads that serve (T5).
    async fn rule_on(
        self,
        request: wire::DrawListRequest,
    ) -> Result<(Self, wire::DrawnCustomers), Status> {
        let Some(Asked::Candidates(candidates)) = request.request else {
            return Err(Malformed::missing("candidates").into());
        };
        let ids = candidates.customer_ids;
        at_most("candidates.customer_ids", ids.len(), CANDIDATES_MAX)?;
        for (index, id) in ids.iter().enumerate() {
            outside_id("", id).within_item("candidates.customer_ids", index)?;
        }
        let doors = self.doors.clone();
        let read = move |_: &Doors| {
            let mut drawing = self;
            let customer_ids = drawing.retain(ids)?;
            Ok((drawing, wire::DrawnCustomers { customer_ids }))
        };
        doors.read(read).await
    }

    fn retain(&mut self, mut ids: Vec<String>) -> Result<Vec<String>, Status> {
        let views = self.doors.views().clone();
        let (company, at) = (views.company(), views.now());
        let world = views.world(&company);
        let mut failed = None;
        ids.retain(|id| {
            failed.is_none()
                && self.is_drawn(id, world, at).unwrap_or_else(|error| {
                    failed = Some(error);
                    false
                })
        });
        failed.map_or(Ok(ids), Err)
    }

    fn is_drawn(&mut self, id: &str, world: World<'_>, at: Time) -> Result<bool, Status> {
        let customer = match self.doors.pseudonym_of(id)? {
            Some(pseudonym) => (self.doors.views().customer(pseudonym)).map_err(status::view)?,
            None => None,
        };
        let ruling = rule(customer.as_deref(), world, &self.question, at);
        self.asked = self.asked.saturating_add(1);
        if ruling.allowed {
            self.allowed = self.allowed.saturating_add(1);
            self.digest.update(id);
            self.digest.update(b"\n");
            let ends = [self.valid_until, ruling.valid_until];
            self.valid_until = ends.into_iter().flatten().min();
        } else {
            let reason = ruling.reasons.first().map(|reason| reason.code);
            let count = self
                .refused
                .entry(reason.unwrap_or(ReasonCode::ApprovalRequired));
            *count.or_default() += 1;
        }
        Ok(ruling.allowed)
    }

    /// Puts the list on record: from then on it may be used.
    async fn end(self) -> Result<wire::DrawnList, Status> {
        let digest: [u8; 32] = self.digest.finalize().into();
        let list = DrawnList {
            campaign: self.campaign.clone(),
            drawn_at: self.drawn_at,
            asked: self.asked,
            allowed: self.allowed,
            refused: refused_for(&self.refused),
            digest: Sha256Digest(digest),
            valid_until: self.valid_until,
        };
        let refused = wire_refused(&list.refused);
        let (subject, command) = about(CompanyCommand::Campaigns(CampaignCommand::Draw(list)));
        let mut content = Sha256::new();
        content.update(self.header.content);
        content.update(digest);
        let header = Header {
            content: content.finalize().into(),
            ..self.header
        };
        let intent = Doors::intended(&self.call, header, subject, command);
        let answer = self.call.in_time(self.doors.submit(intent)).await?;
        self.doors.wait_for(&self.call, answer.position).await?;
        let company = self.doors.views().company();
        let drawings = company
            .campaigns
            .get(&self.campaign)
            .map(|one| one.drawings.as_slice());
        let drawing = (drawings.unwrap_or_default().iter())
            .find(|drawing| drawing.position == answer.position);
        Ok(wire::DrawnList {
            receipt: receipt(&answer),
            asked: self.asked,
            allowed: self.allowed,
            refused,
            list_digest: digest.to_vec(),
            expires_at: drawing.map(|drawing| timestamp(drawing.expires_at)),
        })
    }
}
