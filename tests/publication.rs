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

use std::sync::Arc;

use consent_ledger::clock::{Clock, Manual, System};
use consent_ledger::grpc;
use consent_ledger::proto::v1 as wire;
use consent_ledger::relay;
use house::*;
use nats::NatsServer;
use relay_support::{STREAM, jetstream, messages, options, size, soon};
use serde_json::Value;
use wire::RecipientKind::{Affiliate, Company};
use wire::authentication_service_client::AuthenticationServiceClient;
use wire::authority::Authority;
use wire::open_verification_request::Means;

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
    House::publishing(grpc::Options::default(), Some(to(server))).await
}

fn to(server: &NatsServer) -> relay::Options {
    relay::Options {
        stream: Some(STREAM.into()),
        ..options(&server.url())
    }
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

const NOTIFIER: &str = "CONSENT_NOTIFIER";
const OLD: &str = "801-210-1651";
const NEW: &str = "801-555-0147";

/// The account's number is set, or another takes its place.
async fn number_set(house: &House, value: &str, replaces: &str, authority: Authority) -> u64 {
    let request = wire::AssociateReachRequest {
        header: dated(),
        customer: customer("K-1"),
        reach: Some(wire::Reach {
            kind: wire::ReachKind::TelephoneNumber.into(),
            value: value.into(),
        }),
        keep_text: true,
        replaces: replaces.into(),
        authority: Some(wire::Authority {
            authority: Some(authority),
        }),
    };
    let mut callers = AuthenticationServiceClient::new(house.channel.clone());
    let set = callers.associate_reach(request).await.unwrap();
    set.into_inner().receipt.unwrap().position
}

/// A verification of the holder for account changes, in the call.
async fn verified(house: &House, call: &str) -> Authority {
    let request = wire::OpenVerificationRequest {
        header: dated(),
        customer: customer("K-1"),
        identified: Some(wire::Identified {
            caller: Some(wire::Caller {
                caller: Some(wire::caller::Caller::AccountHolder(true)),
            }),
            purpose: wire::VerificationPurpose::AccountChanges.into(),
            call_id: call.into(),
        }),
        means: Some(Means::OnlineAccount(true)),
    };
    let mut callers = AuthenticationServiceClient::new(house.channel.clone());
    let opened = callers.open_verification(request).await.unwrap();
    Authority::Verification(wire::VerificationAuthority {
        position: opened.into_inner().receipt.unwrap().position,
        call_id: call.into(),
    })
}

#[tokio::test]
async fn f16_n4_the_notifier_is_told_of_a_change_where_word_may_go_and_nothing_of_the_new() {
    let server = NatsServer::start();
    let clock = Arc::new(Manual::at(System::default().wall()));
    let relay = relay::Options {
        stream: Some(STREAM.into()),
        notifier_stream: Some(NOTIFIER.into()),
        ..options(&server.url())
    };
    let by = Arc::clone(&clock) as Arc<dyn Clock>;
    let house = House::publishing_at(grpc::Options::default(), Some(relay), by).await;
    house.opened("K-1", &["local"]).await;
    let first = number_set(&house, OLD, "", Authority::StartOfService(true)).await;
    clock.pass(40 * 24 * 3_600_000_000);
    let authority = verified(&house, "c-1").await;
    let change = number_set(&house, NEW, OLD, authority).await;

    let payloads = published(&house, &server, change + 1).await;
    assert_eq!(payloads[change as usize]["type"], "withheld.v1");
    let context = jetstream(&server.url()).await;
    let (told, _) = size(&context, NOTIFIER).await;
    assert_eq!(told, 1, "at the start of service nothing is due");
    let notice = &messages(&context, NOTIFIER, 1).await[0];
    let payload: Value = serde_json::from_slice(&notice.payload).unwrap();
    assert_eq!(payload["position"], change);
    assert_eq!(payload["data"]["change"], "number_of_record");
    let targets = payload["data"]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["position"], first, "the number before");

    // What is new is in none of its tokens, nor in clear.
    let status = wire::GetAuthenticationRequest {
        customer: customer("K-1"),
        min_position: change,
        as_of: None,
    };
    let mut callers = AuthenticationServiceClient::new(house.channel.clone());
    let status = callers.get_authentication(status).await.unwrap();
    let new = &status.into_inner().reaches[0];
    assert_eq!(new.position, change);
    let text = payload.to_string();
    assert!(!text.contains(&new.value_token));
    assert!(!text.contains("5550147") && !text.contains(NEW) && !text.contains(OLD));
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

#[tokio::test]
async fn n3_p17_another_rulebook_reaches_subscribers_as_an_event_of_the_ledger() {
    let server = NatsServer::start();
    let house = publishing(&server).await;
    house.opened("K-1", &["local"]).await;
    let house = House::run_in(
        house.close().await,
        grpc::Options::default(),
        Some(to(&server)),
        Some("fcc".into()),
        Arc::new(System::default()),
    )
    .await;
    let opened = house.opened("K-2", &["local"]).await;
    let payloads = published(&house, &server, opened.position + 1).await;
    let adopted = of_type(&payloads, "rulebook.adopted.v1");
    assert_eq!(adopted["subject"]["kind"], "ledger");
    assert_eq!(adopted["data"]["name"], "fcc-cpni");
    assert!(adopted.get("preferences").is_none());
    // What comes after it says by which rulebook it was reckoned.
    let before = payloads.iter().position(|one| one == adopted).unwrap();
    let named = |payload: &Value| payload["policy"]["rulebook"].as_str().map(str::to_owned);
    assert_eq!(named(&payloads[before + 1]).as_deref(), Some("fcc-cpni"));
}
