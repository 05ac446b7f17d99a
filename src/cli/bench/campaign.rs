//! Drawing a campaign's list: proposed, approved by another person, drawn from all customers.

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::stream;
use prost::Message;
use tonic::transport::Channel;

use super::generated::customer_id;
use super::report::Figure;
use super::{Failed, load, streams, system};
use crate::proto::v1 as wire;
use wire::campaign_service_client::CampaignServiceClient;
use wire::draw_list_request::Request as Asked;
use wire::draw_list_response::Response as Answered;

/// Customers in a message; the most that one may hold.
const CANDIDATES: usize = 4096;

/// Draws a list from the first `count` generated customers, for a campaign of that name.
pub async fn draw(name: &str, address: SocketAddr, count: usize) -> Result<Figure, Failed> {
    let channel = system::connect(address).await?;
    let mut client = CampaignServiceClient::new(channel);
    approve(&mut client, name).await?;
    let begin = Asked::Begin(wire::DrawListBegin {
        header: by("anna"),
        campaign_id: name.to_owned(),
        min_position: 0,
    });
    let messages = (1..=count).step_by(CANDIDATES).map(move |first| {
        let last = count.min(first + CANDIDATES - 1);
        Asked::Candidates(candidates(first, last))
    });
    let requests = std::iter::once(begin).chain(messages);
    let requests = requests.map(|request| wire::DrawListRequest {
        request: Some(request),
    });
    let started = Instant::now();
    let mut answers = client.draw_list(stream::iter(requests)).await?.into_inner();
    let (mut bytes, mut messages, mut list) = (0, 0, None);
    while let Some(answer) = answers.message().await? {
        bytes += answer.encoded_len();
        match answer.response {
            Some(Answered::List(drawn)) => list = Some(drawn),
            _ => messages += 1,
        }
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    let list = list.filter(|list| list.asked == count as u64);
    let list = list.ok_or("the list was not drawn from all customers")?;

    let payload = load::payload_like(&candidates(1, CANDIDATES.min(count)));
    let answer = u32::try_from(bytes / messages.max(1))?;
    let echoed = streams::echo(payload, answer, messages).await? * rate_of(count, messages);
    let figure = Figure::new(name, "customers per second", rate, echoed);
    Ok(figure.and("customers", count).and("allowed", list.allowed))
}

/// Customers in a message.
fn rate_of(count: usize, messages: usize) -> f64 {
    count as f64 / messages.max(1) as f64
}

fn candidates(first: usize, last: usize) -> wire::DrawListCandidates {
    wire::DrawListCandidates {
        customer_ids: (first..=last).map(customer_id).collect(),
    }
}

/// Nothing is drawn before another person than the proposer approved it (F11).
async fn approve(
    client: &mut CampaignServiceClient<Channel>,
    campaign: &str,
) -> Result<(), Failed> {
    let now = jiff::Timestamp::now().as_second();
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    client
        .propose_campaign(wire::ProposeCampaignRequest {
            header: by("anna"),
            campaign_id: campaign.to_owned(),
            plan: Some(wire::CampaignPlan {
                description: "Long distance for those who call abroad".to_owned(),
                does: vec![wire::CampaignAct::List.into()],
                purpose: wire::Purpose::MarketingComms.into(),
                classes: vec![wire::CpniClass::Billing.into()],
                recipient_kind: wire::RecipientKind::Company.into(),
                target_categories: vec!["interexchange".to_owned()],
                products: vec!["world-minutes".to_owned()],
                starts_at: at(now - 3_600),
                ends_at: at(now + 86_400),
                ..wire::CampaignPlan::default()
            }),
        })
        .await?;
    client
        .decide_campaign(wire::DecideCampaignRequest {
            header: by("berta"),
            campaign_id: campaign.to_owned(),
            decision: wire::CampaignDecision::Approve.into(),
            reason: String::new(),
        })
        .await?;
    Ok(())
}

fn by(person: &str) -> Option<wire::CommandHeader> {
    let header = load::header()?;
    Some(wire::CommandHeader {
        taken_by: person.to_owned(),
        ..header
    })
}
