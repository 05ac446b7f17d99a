//! Versions of the policy, and acceptance by staying, which is never an approval (P16; R23).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::RecipientKind::{Affiliate, Company};
use wire::policy_service_client::PolicyServiceClient;
use wire::{CellState, ReasonCode};

use crate::house::*;

fn publish(version: &str) -> wire::PublishPolicyRequest {
    wire::PublishPolicyRequest {
        header: header(),
        version: version.into(),
        text_digest: vec![7; 32],
        effective_at: Some(now()),
        posting: Some(posting()),
    }
}

fn posting() -> wire::PolicyPosting {
    let mut posted_at = now();
    posted_at.seconds -= 3600;
    wire::PolicyPosting {
        place: "https://infotech.example/policy".into(),
        posted_at: Some(posted_at),
        capture_digest: vec![8; 32],
    }
}

#[tokio::test]
async fn p16_a_version_is_published_posted_again_and_listed_as_in_force() {
    let house = House::open().await;
    let mut policies = PolicyServiceClient::new(house.channel.clone());
    policies.publish_policy(publish("v2")).await.unwrap();
    let posted = wire::RecordPolicyPostedRequest {
        header: header(),
        version: "v2".into(),
        posting: Some(wire::PolicyPosting {
            place: "the monthly bill".into(),
            ..posting()
        }),
    };
    policies.record_policy_posted(posted).await.unwrap();
    let list = wire::ListPolicyVersionsRequest {
        min_position: 2,
        as_of: None,
    };
    let list = policies.list_policy_versions(list).await.unwrap();
    let versions = list.into_inner().versions;
    assert_eq!((versions.len(), versions[0].postings.len()), (1, 2));
    assert!(versions[0].in_force);
    assert_eq!(versions[0].position, 1);

    let mut early = publish("v3");
    early.effective_at.as_mut().unwrap().seconds -= 7200;
    let refused = refusal(policies.publish_policy(early).await);
    assert_eq!(refused, (Code::FailedPrecondition, "POLICY_STATE".into()));
}

#[tokio::test]
async fn v39_who_stays_is_deemed_to_accept_the_text_and_no_cell_changes_by_it() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let denial = house.said("K-1", notice, vec![denial(everything())]).await;
    let denied = denial.unwrap().receipt.unwrap().position;

    let mut policies = PolicyServiceClient::new(house.channel.clone());
    let published = policies.publish_policy(publish("v2")).await.unwrap();
    let published = published.into_inner().receipt.unwrap().position;

    for (id, state) in [("K-1", CellState::Denied), ("K-2", CellState::Unknown)] {
        let preferences = wire::GetPreferencesRequest {
            customer: customer(id),
            ..wire::GetPreferencesRequest::default()
        };
        let shown = house.queries().get_preferences(preferences).await.unwrap();
        let deemed = shown.into_inner().deemed_acceptances;
        assert_eq!((deemed.len(), deemed[0].position), (1, published));

        let ruling = house.check(id, market(Company, "cmrs")).await;
        assert_eq!((ruling.allowed, ruling.state()), (false, state));

        // Its record is no approval that a disclosure could cite.
        let approval = wire::ApprovalGround {
            cites: Some(published),
        };
        let question = wire::Question {
            entity: "acme".into(),
            ground: Some(wire::question::Ground::Approval(approval)),
            ..market(Affiliate, "cmrs")
        };
        let disclose = wire::DiscloseRequest {
            header: header(),
            customer: customer(id),
            question: Some(question),
            ..wire::DiscloseRequest::default()
        };
        let answer = house.disclosures().disclose(disclose).await.unwrap();
        let Some(wire::disclose_response::Outcome::Refused(refused)) = answer.into_inner().outcome
        else {
            panic!("disclosed on a deemed acceptance");
        };
        let codes: Vec<_> = refused.reasons.iter().map(|reason| reason.code()).collect();
        assert!(codes.contains(&ReasonCode::ApprovalNotLive), "{codes:?}");
    }
    let ruling = house.check("K-1", market(Company, "cmrs")).await;
    assert_eq!(ruling.reasons[0].positions, [denied]);
}
