//! Drawing a campaign's list: customers come in by the thousand, those who may be addressed go back, and one record at the
//! end says what was drawn (F11, R21).
//!
//! Nothing of the list is kept: its digest and its counts grow as it passes. A stream that breaks off has drawn nothing.
//! The customers of some messages are looked up beside each other, and counted in the order of the messages.

use std::collections::BTreeMap;
use std::sync::Arc;

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
/// Messages whose customers are looked up at a time; as many cores are used.
const MESSAGES_AT_A_TIME: usize = 4;

/// The answers of a drawing.
pub type Answers = BoxStream<'static, Result<wire::DrawListResponse, Status>>;

/// Draws a list from the customers of `requests`.
pub fn draw(doors: Doors, call: Call, requests: Streaming<wire::DrawListRequest>) -> Answers {
    let requests = UntilStopping::new(requests, doors.stopping());
    // The headers go out before the first request is here: a caller may wait for them before he sends it.
    let answers = async move {
        let (drawing, requests) = Drawing::begin(doors, call, requests).await?;
        let (doors, question) = (drawing.doors.clone(), Arc::new(drawing.question.clone()));
        let ruled = requests
            .map(move |request| rule_on(doors.clone(), Arc::clone(&question), request))
            .buffered(MESSAGES_AT_A_TIME);
        let open = Some((drawing, ruled.boxed()));
        Ok::<_, Status>(stream::try_unfold(open, go_on))
    };
    stream::once(answers).try_flatten().boxed()
}

type Open = Option<(Drawing, BoxStream<'static, Result<Vec<Ruled>, Status>>)>;

async fn go_on(open: Open) -> Result<Option<(wire::DrawListResponse, Open)>, Status> {
    let Some((mut drawing, mut ruled)) = open else {
        return Ok(None);
    };
    let (answered, open) = match ruled.try_next().await? {
        Some(customers) => {
            let customer_ids = drawing.take(customers);
            let drawn = Answered::Drawn(wire::DrawnCustomers { customer_ids });
            (drawn, Some((drawing, ruled)))
        }
        None => (Answered::List(drawing.end().await?), None),
    };
    let response = Some(answered);
    Ok(Some((wire::DrawListResponse { response }, open)))
}

/// A customer who was ruled on.
struct Ruled {
    id: String,
    /// Until when it is a yes, or why it is none.
    outcome: Result<Option<Time>, ReasonCode>,
}

/// The rulings on a message's customers. Looking them up may touch the disk: it is done away from the threads that
/// serve (T5).
async fn rule_on(
    doors: Doors,
    question: Arc<Question>,
    request: Result<wire::DrawListRequest, Status>,
) -> Result<Vec<Ruled>, Status> {
    let Some(Asked::Candidates(candidates)) = request?.request else {
        return Err(Malformed::missing("candidates").into());
    };
    let ids = candidates.customer_ids;
    at_most("candidates.customer_ids", ids.len(), CANDIDATES_MAX)?;
    for (index, id) in ids.iter().enumerate() {
        outside_id("", id).within_item("candidates.customer_ids", index)?;
    }
    let read = move |doors: &Doors| {
        let views = doors.views();
        let company = views.company();
        let world = views.world(&company);
        let rule = |id| rule_on_one(doors, world, &question, id);
        ids.into_iter().map(rule).collect()
    };
    doors.read(read).await
}

fn rule_on_one(
    doors: &Doors,
    world: World<'_>,
    question: &Question,
    id: String,
) -> Result<Ruled, Status> {
    let customer = match doors.pseudonym_of(&id)? {
        Some(pseudonym) => (doors.views().customer(pseudonym)).map_err(status::view)?,
        None => None,
    };
    // The time after the customer: no record that is in the state is later than the answer.
    let ruling = rule(customer.as_deref(), world, question, doors.views().now());
    let reason = || ruling.reasons.first().map(|reason| reason.code);
    let outcome = match ruling.allowed {
        true => Ok(ruling.valid_until),
        false => Err(reason().unwrap_or(ReasonCode::ApprovalRequired)),
    };
    Ok(Ruled { id, outcome })
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

    /// Counts the customers of a message, and gives back those who are on the list.
    fn take(&mut self, customers: Vec<Ruled>) -> Vec<String> {
        (customers.into_iter())
            .filter_map(|customer| self.count(&customer).then_some(customer.id))
            .collect()
    }

    fn count(&mut self, customer: &Ruled) -> bool {
        self.asked = self.asked.saturating_add(1);
        match customer.outcome {
            Ok(valid_until) => {
                self.allowed = self.allowed.saturating_add(1);
                self.digest.update(&customer.id);
                self.digest.update(b"\n");
                let ends = [self.valid_until, valid_until];
                self.valid_until = ends.into_iter().flatten().min();
            }
            Err(reason) => *self.refused.entry(reason).or_default() += 1,
        }
        customer.outcome.is_ok()
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
