//! What a subscriber learns from the real house's stream: the resulting state with its times (N3, R18), and nothing of
//! denials where it reads only of services (N4).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    dead_code,
    reason = "what fails here fails the test; the house is shared with other tests"
)]

#[path = "grpc/house.rs"]
mod house;
mod nats;
mod relay_support;

use consent_ledger::grpc;
use consent_ledger::proto::v1 as wire;
use consent_ledger::relay;
use house::*;
use nats::NatsServer;
use relay_support::{STREAM, jetstream, messages, options, soon};
use serde_json::Value;
use wire::RecipientKind::{Affiliate, Company};

/// The payloads of the first `count` positions, once they are out.
async fn published(house: &House, server: &NatsServer, count: u64) -> Vec<Value> {
    let mut relay = house.running.relay.clone().unwrap();
    soon("publication", relay.wait(|status| status.next >= count)).await;
    let messages = messages(&jetstream(&server.url()).await, STREAM, count).await;
    let payloads = messages.iter().map(|message| &message.payload);
    payloads
        .map(|payload| serde_json::from_slice(payload).unwrap())
        .collect()
}

fn of_type<'a>(payloads: &'a [Value], kind: &str) -> &'a Value {
    payloads
        .iter()
        .find(|payload| payload["type"] == kind)
        .unwrap()
}

async fn publishing(server: &NatsServer) -> House {
    House::publishing(
        grpc::Options::default(),
        Some(relay::Options {
            stream: Some(STREAM.into()),
            ..options(&server.url())
        }),
    )
    .await
}

async fn close(
    house: &House,
    id: &str,
    category: &str,
    ends_at: Option<prost_types::Timestamp>,
) -> u64 {
    let close = wire::CloseService {
        category: category.into(),
        ends_at,
    };
    let request = wire::ChangeServicesRequest {
        header: header(),
        customer: customer(id),
        open: Vec::new(),
        close: vec![close],
    };
    let response = house.accounts().change_services(request).await.unwrap();
    response.into_inner().receipt.unwrap().position
}

#[tokio::test]
async fn n3_a_message_carries_the_resulting_cells_with_their_times() {
    let server = NatsServer::start();
    let house = publishing(&server).await;
    house.opened("K-1", &["local"]).await;
    // The end is planned first, so that it is known when the grant is published.
    let mut end = now();
    end.seconds += 86_400;
    close(&house, "K-1", "local", Some(end)).await;
    let notice = house.noticed("K-1").await;
    let granted = house
        .said(
            "K-1",
            notice,
            vec![grant(marketing_by(&[Company, Affiliate]))],
        )
        .await;
    let granted = granted.unwrap().receipt.unwrap().position;
    let acme = marketing_by_named(Affiliate, "acme");
    let denied = house.said("K-1", notice, vec![denial(acme)]).await;
    let denied = denied.unwrap().receipt.unwrap().position;

    let payloads = published(&house, &server, denied + 1).await;
    let preferences = &payloads[denied as usize]["preferences"];
    let cells = preferences["cells"].as_array().unwrap();
    let usable = cells
        .iter()
        .find(|cell| cell["recipient"] == "company" && cell["state"] == "granted");
    let usable = usable.unwrap();
    assert_eq!(usable["positions"], serde_json::json!([granted]));
    assert!(usable["usable_from"].is_string());
    assert!(
        usable["usable_until"].is_string(),
        "the service's planned end"
    );
    let blocked = cells.iter().find(|cell| cell["entity"] == "acme").unwrap();
    assert_eq!(
        blocked["positions"],
        serde_json::json!([denied]),
        "what still blocks"
    );
    assert!(blocked.get("usable_from").is_none());
    assert!(preferences["version"].as_u64() >= payloads[denied as usize]["version"].as_u64());
}

#[tokio::test]
async fn n4_a_reader_of_services_learns_nothing_of_denials() {
    let server = NatsServer::start();
    let house = publishing(&server).await;
    house.opened("K-1", &["local", "cmrs"]).await;
    let notice = house.noticed("K-1").await;
    house
        .said("K-1", notice, vec![denial(everything())])
        .await
        .unwrap();
    let last = close(&house, "K-1", "cmrs", None).await;

    let payloads = published(&house, &server, last + 1).await;
    let denied = of_type(&payloads, "consent.denied.v1");
    assert!(denied["preferences"].to_string().contains("denied"));
    let closed = of_type(&payloads, "service.closed.v1");
    assert_eq!(
        closed["preferences"]["services"],
        serde_json::json!(["local"])
    );
    assert_eq!(closed["preferences"]["cells"], serde_json::json!([]));
    assert!(!closed.to_string().contains("denied"));
}

#[tokio::test]
async fn n3_what_changes_of_the_company_is_published_too() {
    let server = NatsServer::start();
    let house = publishing(&server).await;
    let joined = wire::RecordEntityJoinedRequest {
        header: header(),
        entity: "acme".into(),
        kind: Affiliate.into(),
        communications_related: true,
    };
    let mut entities = wire::entity_service_client::EntityServiceClient::new(house.channel.clone());
    entities.record_entity_joined(joined).await.unwrap();
    let payloads = published(&house, &server, 2).await;
    let joined = of_type(&payloads, "entity.joined.v1");
    assert_eq!(joined["subject"]["kind"], "ledger");
    assert_eq!(joined["data"]["entity"], "acme");
    assert!(joined.get("preferences").is_none());
}
