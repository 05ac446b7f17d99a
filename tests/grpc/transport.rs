//! The door itself: health, reflection, limits, what is not there yet, and how it closes (C7, O1, T1, T5).

use std::time::Duration;

use consent_ledger::access::Role;
use consent_ledger::access::table::METHODS;
use consent_ledger::grpc;
use consent_ledger::proto::v1 as wire;
use tokio_stream::StreamExt;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use wire::RecipientKind::Company;

use crate::house::*;

#[tokio::test]
async fn c7_health_and_reflection_name_every_service() {
    let house = House::open().await;
    let list = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut reflection = ServerReflectionClient::new(house.channel.clone());
    let answers = reflection
        .server_reflection_info(tokio_stream::iter([list]))
        .await;
    let answer = answers
        .unwrap()
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap();
    let Some(MessageResponse::ListServicesResponse(listed)) = answer.message_response else {
        panic!("a list of services");
    };
    let mut contract: Vec<_> = listed
        .service
        .into_iter()
        .map(|service| service.name)
        .collect();
    contract.retain(|name| name.starts_with("consent.v1."));
    assert!(contract.contains(&"consent.v1.EntityService".to_owned()));

    let mut health = HealthClient::new(house.channel.clone());
    for service in contract.into_iter().chain([String::new()]) {
        let health = health.check(HealthCheckRequest { service }).await.unwrap();
        assert_eq!(health.into_inner().status(), ServingStatus::Serving);
    }
}

#[tokio::test]
async fn c7_what_this_release_does_not_answer_is_unimplemented_and_not_ignored() {
    let house = House::open().await;
    let request = wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(market(Company, "local")),
        receipt: true,
        ..wire::CheckUseRequest::default()
    };
    let refused = refusal(house.checks().check_use(request).await);
    assert_eq!(refused, (Code::Unimplemented, "NOT_YET_SUPPORTED".into()));
}

#[tokio::test]
async fn c3_a_check_is_recorded_when_that_is_asked_for() {
    let house = House::open().await;
    let opened = house.opened("K-1", &["local"]).await;
    let request = wire::CheckUseRequest {
        header: header(),
        customer: customer("K-1"),
        question: Some(market(Company, "local")),
        record: true,
        omit_clause_texts: true,
        ..wire::CheckUseRequest::default()
    };
    let answer = house
        .checks()
        .check_use(request)
        .await
        .unwrap()
        .into_inner();
    let (ruling, receipt) = (answer.ruling.unwrap(), answer.receipt.unwrap());
    assert!(ruling.allowed);
    assert_eq!(receipt.position, opened.position + 1);
    assert_eq!(ruling.evaluated_at, receipt.recorded_at);
    assert!(
        ruling.reasons[0]
            .clauses
            .iter()
            .all(|clause| clause.text.is_empty())
    );
}

#[tokio::test]
async fn t5_a_message_that_is_too_large_is_refused_before_it_is_read() {
    let house = House::with(grpc::Options {
        message_bytes_max: 1024,
        ..grpc::Options::default()
    })
    .await;
    let huge = open_account(&"x".repeat(2_000), &[]);
    let refused = house.accounts().open_account(huge).await.unwrap_err();
    assert_eq!(refused.code(), Code::OutOfRange);
    house.opened("K-1", &[]).await;
}

#[tokio::test]
async fn o1_when_the_house_closes_streams_end_and_nothing_acknowledged_is_lost() {
    let house = House::open().await;
    let opened = house.opened("K-1", &["local"]).await;
    let mut watched = house
        .queries()
        .watch(wire::WatchRequest::default())
        .await
        .unwrap()
        .into_inner();
    for _ in 0..=opened.position {
        watched.message().await.unwrap().unwrap();
    }
    let (send, sent) = tokio::sync::mpsc::channel(4);
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut answers = house.intake().submit(sent).await.unwrap().into_inner();
    send.send(wire::SubmitRequest {
        command: Some(wire::submit_request::Command::OpenAccount(open_account(
            "K-2",
            &[],
        ))),
    })
    .await
    .unwrap();
    assert!(answers.next().await.unwrap().is_ok());

    let closing = tokio::time::timeout(Duration::from_secs(20), house.running.close());
    let (closed, watched, answered) =
        tokio::join!(closing, watched_to_end(watched), answers.next());
    closed.expect("streams without an end are ended").unwrap();
    assert_eq!(watched, Some(Code::Unavailable));
    assert_eq!(answered.unwrap().unwrap_err().code(), Code::Unavailable);
    drop(send);
}

/// How the stream ended.
async fn watched_to_end(mut watched: tonic::Streaming<wire::WatchResponse>) -> Option<Code> {
    loop {
        match watched.message().await {
            Ok(Some(_)) => {}
            Ok(None) => return None,
            Err(status) => return Some(status.code()),
        }
    }
}

/// What the door says to an empty message, before or after the method has looked at it.
async fn knock(house: &House, method: &str) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(house.channel.clone());
    client.ready().await.unwrap();
    let path = PathAndQuery::try_from(method).unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = client.server_streaming(Request::new(()), path, codec).await;
    answer.map(drop)
}

#[tokio::test]
async fn t2_each_role_may_call_what_the_table_says_and_nothing_else() {
    for role in Role::EVERY {
        let house = House::with(for_callers_in(role)).await;
        for (method, allowed) in METHODS {
            let denied = matches!(knock(&house, method).await, Err(status) if status.code() == Code::PermissionDenied);
            assert_eq!(denied, !allowed.contains(&role), "{role} {method}");
        }
    }
}
