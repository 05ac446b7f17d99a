//! Campaigns: approved by another person, drawn, checked before sending (F10, F11; R21).

use consent_ledger::proto::v1 as wire;
use futures_util::{StreamExt, stream};
use sha2::{Digest, Sha256};
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::RecipientKind::{Affiliate, Company};
use wire::campaign_service_client::CampaignServiceClient;
use wire::draw_list_request::Request as Asked;
use wire::draw_list_response::Response as Answered;
use wire::{CampaignAct, CampaignDecision, CpniClass, ReasonCode, SendStop};

use crate::house::*;

type Client = CampaignServiceClient<Channel>;

fn client(house: &House) -> Client {
    CampaignServiceClient::new(house.channel.clone())
}

/// An hour's time from now.
fn in_hours(hours: i64) -> Option<prost_types::Timestamp> {
    let mut at = now();
    at.seconds += hours * 3600;
    Some(at)
}

fn plan() -> wire::CampaignPlan {
    wire::CampaignPlan {
        description: "Long distance for those who call abroad".into(),
        does: vec![CampaignAct::List.into()],
        purpose: wire::Purpose::MarketingComms.into(),
        classes: vec![CpniClass::Billing.into()],
        recipient_kind: Company.into(),
        target_categories: vec!["interexchange".into()],
        products: vec!["world-minutes".into()],
        starts_at: in_hours(-1),
        ends_at: in_hours(24 * 30),
        ..wire::CampaignPlan::default()
    }
}

async fn proposed(client: &mut Client, plan: wire::CampaignPlan) {
    let proposal = wire::ProposeCampaignRequest {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        plan: Some(plan),
    };
    client.propose_campaign(proposal).await.unwrap();
}

async fn decided(
    client: &mut Client,
    person: &str,
    decision: CampaignDecision,
) -> Result<u64, Status> {
    let request = wire::DecideCampaignRequest {
        header: taken_by(person),
        campaign_id: "spring".into(),
        decision: decision.into(),
        reason: String::new(),
    };
    let response = client.decide_campaign(request).await?;
    Ok(response.into_inner().receipt.unwrap().position)
}

/// What a drawing answers: the customers of each message, and the list at its end.
async fn drawn(
    client: &mut Client,
    messages: &[&[&str]],
) -> Result<(Vec<Vec<String>>, wire::DrawnList), Status> {
    let begin = Asked::Begin(wire::DrawListBegin {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        min_position: 0,
    });
    let candidates = messages.iter().map(|ids| {
        let customer_ids = ids.iter().map(ToString::to_string).collect();
        Asked::Candidates(wire::DrawListCandidates { customer_ids })
    });
    let requests: Vec<_> = std::iter::once(begin)
        .chain(candidates)
        .map(|request| wire::DrawListRequest {
            request: Some(request),
        })
        .collect();
    let mut answers = client.draw_list(stream::iter(requests)).await?.into_inner();
    let (mut batches, mut list) = (Vec::new(), None);
    while let Some(answer) = answers.next().await {
        match answer?.response.unwrap() {
            Answered::Drawn(drawn) => batches.push(drawn.customer_ids),
            Answered::List(one) => list = Some(one),
        }
    }
    Ok((batches, list.unwrap()))
}

async fn check_send(
    client: &mut Client,
    id: &str,
    drawing: Option<u64>,
) -> wire::CheckSendResponse {
    let request = wire::CheckSendRequest {
        customer: customer(id),
        campaign_id: "spring".into(),
        drawing_position: drawing,
        ..wire::CheckSendRequest::default()
    };
    client.check_send(request).await.unwrap().into_inner()
}

async fn registered(client: &mut Client) -> wire::Campaign {
    let list = wire::ListCampaignsRequest::default();
    let list = client.list_campaigns(list).await.unwrap().into_inner();
    list.campaigns.into_iter().next().unwrap()
}

/// Customers K-1 and K-2 consent, K-3 denies, K-4 says nothing.
async fn customers(house: &House) {
    for id in ["K-1", "K-2", "K-3", "K-4"] {
        house.opened(id, &["local"]).await;
        let notice = house.noticed(id).await;
        let word = match id {
            "K-1" | "K-2" => grant(marketing_by(&[Company])),
            "K-3" => denial(everything()),
            _ => continue,
        };
        house.said(id, notice, vec![word]).await.unwrap();
    }
}

#[tokio::test]
async fn f11_a_list_is_drawn_only_after_another_person_approved_and_its_record_says_what_was_drawn()
{
    let house = House::open().await;
    customers(&house).await;
    let mut client = client(&house);
    let nothing = drawn(&mut client, &[]).await;
    assert_eq!(refusal(nothing), (Code::NotFound, "NOT_REGISTERED".into()));
    proposed(&mut client, plan()).await;
    let early = drawn(&mut client, &[&["K-1"]]).await;
    assert_eq!(
        refusal(early),
        (Code::FailedPrecondition, "CAMPAIGN_NOT_APPROVED".into())
    );
    for decision in [CampaignDecision::Approve, CampaignDecision::Reject] {
        let own = decided(&mut client, "anna", decision).await;
        assert_eq!(
            refusal(own),
            (Code::FailedPrecondition, "SELF_APPROVAL".into())
        );
    }
    let nobody = decided(&mut client, "", CampaignDecision::Approve).await;
    assert_eq!(
        refusal(nobody),
        (Code::FailedPrecondition, "PERSON_REQUIRED".into())
    );
    decided(&mut client, "boris", CampaignDecision::Approve)
        .await
        .unwrap();

    let candidates: [&[&str]; 2] = [&["K-1", "K-2", "K-3"], &["K-4", "K-9"]];
    let (batches, list) = drawn(&mut client, &candidates).await.unwrap();
    assert_eq!(batches, [vec!["K-1".to_owned(), "K-2".to_owned()], vec![]]);
    assert_eq!((list.asked, list.allowed), (5, 2));
    let refused: Vec<_> = list
        .refused
        .iter()
        .map(|one| (one.reason(), one.customers))
        .collect();
    assert_eq!(
        refused,
        [
            (ReasonCode::CustomerUnknown, 1),
            (ReasonCode::Denied, 1),
            (ReasonCode::ApprovalRequired, 1)
        ]
    );
    assert_eq!(list.list_digest, Sha256::digest(b"K-1\nK-2\n").to_vec());

    let campaign = registered(&mut client).await;
    let position = list.receipt.unwrap().position;
    assert_eq!(
        (campaign.lists, campaign.drawings[0].position),
        (1, position)
    );
    assert_eq!(campaign.drawings[0].expires_at, list.expires_at);
    let day = list.expires_at.unwrap().seconds - now().seconds;
    assert!((24 * 3600 - 600..=24 * 3600 + 10).contains(&day), "{day} s");
}

#[tokio::test]
async fn f11_a_list_of_many_messages_is_drawn_and_counted_in_their_order() {
    let house = House::open().await;
    customers(&house).await;
    let mut client = client(&house);
    proposed(&mut client, plan()).await;
    (decided(&mut client, "boris", CampaignDecision::Approve).await).unwrap();
    // Long messages and short ones in turn: the short ones are looked up first.
    let long = ["K-2", "K-4", "K-3"].repeat(1_000);
    let candidates: Vec<&[&str]> = (0..20)
        .map(|turn| match turn % 2 {
            0 => long.as_slice(),
            _ => &["K-1", "K-9"],
        })
        .collect();
    let (batches, list) = drawn(&mut client, &candidates).await.unwrap();
    let wanted = |turn: usize| match turn % 2 {
        0 => vec!["K-2".to_owned(); 1_000],
        _ => vec!["K-1".to_owned()],
    };
    let wanted: Vec<_> = (0..20).map(wanted).collect();
    assert_eq!(batches, wanted);
    assert_eq!((list.asked, list.allowed), (30_020, 10_010));
    let text: String = wanted.concat().iter().map(|id| format!("{id}\n")).collect();
    assert_eq!(list.list_digest, Sha256::digest(text).to_vec());
}

#[tokio::test]
async fn r21_the_check_before_sending_knows_the_newest_word_and_the_end_of_the_campaign() {
    let house = House::open().await;
    customers(&house).await;
    let mut client = client(&house);
    proposed(&mut client, plan()).await;
    decided(&mut client, "boris", CampaignDecision::Approve)
        .await
        .unwrap();
    let (_, list) = drawn(&mut client, &[&["K-1", "K-2"]]).await.unwrap();
    let drawing = list.receipt.unwrap().position;

    assert!(check_send(&mut client, "K-1", Some(drawing)).await.allowed);
    let other = check_send(&mut client, "K-1", Some(drawing - 1)).await;
    assert_eq!(
        (other.allowed, other.stops().collect::<Vec<_>>()),
        (false, vec![SendStop::ListUnknown])
    );

    let notice = house.noticed("K-2").await;
    house
        .said("K-2", notice, vec![denial(everything())])
        .await
        .unwrap();
    let blocked = check_send(&mut client, "K-2", Some(drawing)).await;
    assert!(!blocked.allowed && blocked.stops.is_empty());
    assert_eq!(codes(&blocked.ruling.unwrap()), [ReasonCode::Denied]);

    let close = wire::CloseCampaignRequest {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        reason: "sold out".into(),
    };
    client.close_campaign(close).await.unwrap();
    let over = check_send(&mut client, "K-1", Some(drawing)).await;
    assert!(!over.allowed);
    assert!(over.stops().any(|stop| stop == SendStop::Closed));
    let late = drawn(&mut client, &[&["K-1"]]).await;
    assert_eq!(
        refusal(late),
        (Code::FailedPrecondition, "CAMPAIGN_NOT_APPROVED".into())
    );
}

#[tokio::test]
async fn f11_a_request_for_approval_is_sent_only_with_a_supervisors_approval() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let mut client = client(&house);
    let asking = wire::CampaignPlan {
        does: vec![CampaignAct::ApprovalRequest.into()],
        ..plan()
    };
    proposed(&mut client, asking).await;
    let sent = || wire::RecordRequestsSentRequest {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        customers: 1,
        text_digest: vec![4; 32],
    };
    let stopped = check_send(&mut client, "K-1", None).await;
    assert_eq!(stopped.stops().collect::<Vec<_>>(), [SendStop::NotApproved]);
    assert_eq!(
        refusal(client.record_requests_sent(sent()).await),
        (Code::FailedPrecondition, "CAMPAIGN_NOT_APPROVED".into())
    );
    decided(&mut client, "boris", CampaignDecision::Approve)
        .await
        .unwrap();
    let free = check_send(&mut client, "K-1", None).await;
    assert_eq!(
        (free.allowed, free.ruling),
        (true, None),
        "asking for approval uses no CPNI"
    );
    client.record_requests_sent(sent()).await.unwrap();
    assert_eq!(registered(&mut client).await.requests_sent, 1);
}

#[tokio::test]
async fn f10_a_proposal_is_checked_and_the_register_shows_it_as_it_was_proposed() {
    let house = House::open().await;
    let mut client = client(&house);
    let propose = |plan| wire::ProposeCampaignRequest {
        header: taken_by("anna"),
        campaign_id: "spring".into(),
        plan: Some(plan),
    };
    let unnamed = wire::CampaignPlan {
        recipient_kind: Affiliate.into(),
        ..plan()
    };
    let unknown = wire::CampaignPlan {
        entity: "acme".into(),
        ..unnamed.clone()
    };
    let undone = wire::CampaignPlan {
        does: Vec::new(),
        ..plan()
    };
    let strange = wire::CampaignPlan {
        does: vec![7],
        ..plan()
    };
    for (plan, code, reason) in [
        (unnamed, Code::InvalidArgument, "INVALID"),
        (unknown, Code::FailedPrecondition, "ENTITY_STATE"),
        (undone, Code::InvalidArgument, "INVALID"),
        (strange, Code::InvalidArgument, "INVALID"),
    ] {
        let refused = client.propose_campaign(propose(plan)).await;
        assert_eq!(refusal(refused), (code, reason.into()));
    }
    proposed(&mut client, plan()).await;
    let twice = client.propose_campaign(propose(plan())).await;
    assert_eq!(
        refusal(twice),
        (Code::AlreadyExists, "REGISTERED_ALREADY".into())
    );
    let before = wire::ListCampaignsRequest {
        until: in_hours(-2),
        ..wire::ListCampaignsRequest::default()
    };
    let before = client.list_campaigns(before).await.unwrap().into_inner();
    assert!(before.campaigns.is_empty(), "it begins later");
    let campaign = registered(&mut client).await;
    let shown = campaign.plan.unwrap();
    let asked = plan();
    assert_eq!(
        (shown.description, shown.classes, shown.products),
        (asked.description, asked.classes, asked.products)
    );
    assert_eq!(
        (
            campaign.proposer_token.len(),
            campaign.supervisor_token.len()
        ),
        (32, 0)
    );
}

#[tokio::test]
async fn r21_a_drawing_that_breaks_off_leaves_no_record() {
    let house = House::open().await;
    customers(&house).await;
    let mut client = client(&house);
    proposed(&mut client, plan()).await;
    decided(&mut client, "boris", CampaignDecision::Approve)
        .await
        .unwrap();
    let refused = drawn(&mut client, &[&["K-1"], &["K-2", ""]]).await;
    assert_eq!(refusal(refused), (Code::InvalidArgument, "INVALID".into()));
    assert_eq!(registered(&mut client).await.lists, 0);
}
