//! Keeping records, and legal holds (F20).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::RetentionRule::{LegalHold, Period, ServicesHeld};
use wire::retention_service_client::RetentionServiceClient;

use crate::house::*;

async fn bars(house: &House, after: u64) -> Vec<wire::RetentionBar> {
    let request = wire::GetRetentionRequest {
        customer: customer("K-1"),
        min_position: after,
    };
    let mut retention = RetentionServiceClient::new(house.channel.clone());
    retention
        .get_retention(request)
        .await
        .unwrap()
        .into_inner()
        .bars
}

#[tokio::test]
async fn f20_what_bars_erasing_is_said_with_its_rule_and_its_end() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let rules: Vec<_> = bars(&house, 0).await.iter().map(|bar| bar.rule()).collect();
    assert_eq!(rules, [ServicesHeld, Period]);

    let mut retention = RetentionServiceClient::new(house.channel.clone());
    let hold = wire::PlaceLegalHoldRequest {
        header: header(),
        customer: customer("K-1"),
        matter: "2:26-cv-00123".into(),
    };
    let placed = retention.place_legal_hold(hold).await.unwrap().into_inner();
    let hold_position = placed.receipt.unwrap().position;
    let held = bars(&house, hold_position).await;
    assert_eq!(
        (held[2].rule(), held[2].hold_position),
        (LegalHold, hold_position)
    );
    assert!(held[1].until.is_some());

    let release = wire::ReleaseLegalHoldRequest {
        header: header(),
        customer: customer("K-1"),
        hold_position,
    };
    let released = retention.release_legal_hold(release.clone()).await.unwrap();
    let released = released.into_inner().receipt.unwrap().position;
    assert_eq!(bars(&house, released).await.len(), 2);
    let again = wire::ReleaseLegalHoldRequest {
        header: header(),
        ..release
    };
    let refused = refusal(retention.release_legal_hold(again).await);
    assert_eq!(refused, (Code::FailedPrecondition, "HOLD_UNKNOWN".into()));
}
