//! The register of entities (R12), and what all commands about the company have in common (C1).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::entity_service_client::EntityServiceClient;

use crate::house::*;

fn joined(entity: &str, kind: wire::RecipientKind) -> wire::RecordEntityJoinedRequest {
    wire::RecordEntityJoinedRequest {
        header: header(),
        entity: entity.into(),
        kind: kind.into(),
        communications_related: true,
    }
}

#[tokio::test]
async fn r12_entities_join_and_leave_and_are_listed_with_their_times() {
    let house = House::open().await;
    let mut entities = EntityServiceClient::new(house.channel.clone());
    let request = joined("acme", wire::RecipientKind::Affiliate);
    let receipt = entities
        .record_entity_joined(request.clone())
        .await
        .unwrap();
    let receipt = receipt.into_inner().receipt.unwrap();
    assert_eq!((receipt.position, receipt.customer_version), (1, 2));
    assert!(receipt.pseudonym.is_empty(), "it is about no customer");

    let again = entities.record_entity_joined(request).await.unwrap();
    let again = again.into_inner().receipt.unwrap();
    assert!(again.repeated);
    assert_eq!((again.position, again.customer_version), (1, 2));

    let left = wire::RecordEntityLeftRequest {
        header: header(),
        entity: "acme".into(),
        kind: wire::RecipientKind::Affiliate.into(),
        ends_at: None,
    };
    let left = entities
        .record_entity_left(left)
        .await
        .unwrap()
        .into_inner();
    let list = wire::ListEntitiesRequest {
        min_position: left.receipt.unwrap().position,
        ..wire::ListEntitiesRequest::default()
    };
    let list = entities.list_entities(list).await.unwrap().into_inner();
    assert_eq!(list.entities.len(), 1);
    let membership = &list.entities[0].memberships[0];
    assert_eq!(membership.position, 1);
    assert!(membership.starts_at.is_some() && membership.ends_at.is_some());
}

#[tokio::test]
async fn c1_a_command_about_the_company_is_refused_with_its_field_and_code() {
    let house = House::open().await;
    let mut entities = EntityServiceClient::new(house.channel.clone());
    let unspecified = joined("acme", wire::RecipientKind::Unspecified);
    let refused = entities.record_entity_joined(unspecified).await;
    assert_eq!(refusal(refused).0, Code::InvalidArgument);

    let agent = joined("acme", wire::RecipientKind::Agent);
    entities.record_entity_joined(agent.clone()).await.unwrap();
    let twice = wire::RecordEntityJoinedRequest {
        header: header(),
        ..agent.clone()
    };
    let refused = refusal(entities.record_entity_joined(twice).await);
    assert_eq!(refused, (Code::FailedPrecondition, "ENTITY_STATE".into()));

    let mut stale = joined("beta", wire::RecipientKind::Agent);
    stale.header.as_mut().unwrap().expected_version = Some(1);
    let refused = refusal(entities.record_entity_joined(stale).await);
    assert_eq!(refused, (Code::Aborted, "VERSION_MISMATCH".into()));
}

#[tokio::test]
async fn c5_a_watcher_sees_what_is_recorded_of_the_company() {
    let house = House::open().await;
    let mut entities = EntityServiceClient::new(house.channel.clone());
    let request = joined("acme", wire::RecipientKind::Agent);
    entities.record_entity_joined(request).await.unwrap();
    let watch = wire::WatchRequest {
        from_position: 1,
        ..wire::WatchRequest::default()
    };
    let mut seen = house.queries().watch(watch).await.unwrap().into_inner();
    let entry = seen.message().await.unwrap().unwrap().entry.unwrap();
    assert_eq!(entry.r#type, "entity.joined.v1");
    let Some(wire::entry::Event::EntityJoined(event)) = entry.event else {
        panic!("another event");
    };
    assert_eq!(
        (event.entity.as_str(), event.communications_related),
        ("acme", true)
    );
}
