//! Keeping records, legal holds, and erasing (F20, E8, R16).

use std::sync::Arc;

use consent_ledger::access::Role;
use consent_ledger::clock::Manual;
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::{Code, Status};
use wire::RetentionRule::{LegalHold, Period, ServicesHeld};
use wire::contact_service_client::ContactServiceClient;
use wire::entry::Event;
use wire::import_service_client::ImportServiceClient;
use wire::retention_service_client::RetentionServiceClient;

use crate::house::*;

async fn bars(house: &House, after: u64) -> Vec<wire::RetentionBar> {
    let request = wire::GetRetentionRequest {
        customer: customer("K-1"),
        min_position: after,
        as_of: None,
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

/// A year and more after they left.
pub const LATER: i64 = 400 * 86_400_000_000;

pub async fn erase(house: &House, id: &str) -> Result<wire::EraseCustomerResponse, Status> {
    let mut retention = RetentionServiceClient::new(house.channel.clone());
    let request = wire::EraseCustomerRequest {
        header: dated(),
        customer: customer(id),
        basis: wire::ErasureBasis::StatePrivacyLaw.into(),
        reference: "DSR-2031".into(),
    };
    let response = retention.erase_customer(request).await?;
    Ok(response.into_inner())
}

async fn retention(house: &House, id: &str) -> wire::GetRetentionResponse {
    let request = wire::GetRetentionRequest {
        customer: customer(id),
        ..wire::GetRetentionRequest::default()
    };
    let mut retention = RetentionServiceClient::new(house.channel.clone());
    retention.get_retention(request).await.unwrap().into_inner()
}

/// Waits for the record that the keys are destroyed; what a watcher saw from the request on.
pub async fn watched(house: &House, from_position: u64) -> Vec<wire::Entry> {
    let request = wire::WatchRequest {
        from_position,
        ..wire::WatchRequest::default()
    };
    let mut watch = house.queries().watch(request).await.unwrap().into_inner();
    let mut seen = Vec::new();
    while let Some(message) = watch.message().await.unwrap() {
        seen.extend(message.entry);
        let last = seen
            .last()
            .and_then(|entry: &wire::Entry| entry.event.as_ref());
        if let Some(Event::ErasureCompleted(_)) = last {
            return seen;
        }
    }
    panic!("the stream ended");
}

pub fn order() -> wire::Question {
    let ground = wire::LegalGround {
        authority: "District Court".into(),
        reference: "26-0042".into(),
        dated: "2025-12-02".into(),
        digest: vec![5; 32],
    };
    wire::Question {
        purpose: wire::Purpose::Legal.into(),
        classes: vec![wire::CpniClass::CallDetail.into()],
        recipient_kind: wire::RecipientKind::LawEnforcement.into(),
        entity: "district-court".into(),
        ground: Some(wire::question::Ground::Legal(ground)),
        ..wire::Question::default()
    }
}

/// Someone who granted, about whom something left for a court, and who left. The position of the disclosure.
pub async fn left(house: &House, id: &str) -> u64 {
    let mut opening = open_account(id, &["local"]);
    opening.header = dated();
    house.accounts().open_account(opening).await.unwrap();
    let disclosure = wire::DiscloseRequest {
        header: dated(),
        customer: customer(id),
        question: Some(order()),
        seal: None,
    };
    let disclosed = house.disclosures().disclose(disclosure).await.unwrap();
    let close = wire::ChangeServicesRequest {
        header: dated(),
        customer: customer(id),
        close: vec![wire::CloseService {
            category: "local".into(),
            ends_at: None,
        }],
        ..wire::ChangeServicesRequest::default()
    };
    house.accounts().change_services(close).await.unwrap();
    disclosed.into_inner().receipt.unwrap().position
}

async fn disclosures(house: &House, id: &str) -> Vec<wire::Disclosure> {
    let request = wire::ListDisclosuresRequest {
        customer: customer(id),
        ..wire::ListDisclosuresRequest::default()
    };
    let response = house.disclosures().list_disclosures(request).await.unwrap();
    response.into_inner().disclosures
}

fn reference_of(disclosure: &wire::Disclosure) -> String {
    let recorded = disclosure.question.as_ref().unwrap();
    match recorded.question.as_ref().unwrap().ground.as_ref().unwrap() {
        wire::question::Ground::Legal(legal) => legal.reference.clone(),
        other => panic!("{other:?}"),
    }
}

fn erased<T: std::fmt::Debug>(answer: Result<T, Status>) {
    assert_eq!(
        refusal(answer),
        (Code::FailedPrecondition, "CUSTOMER_ERASED".into())
    );
}

#[tokio::test]
async fn f20_an_erasure_that_something_bars_is_an_answer_on_record_with_each_rule() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let answer = erase(&house, "K-1").await.unwrap();
    let Some(wire::erase_customer_response::Outcome::Refused(refused)) = answer.outcome else {
        panic!("{answer:?}");
    };
    let rules: Vec<_> = refused.bars.iter().map(|bar| bar.rule()).collect();
    assert_eq!(rules, [ServicesHeld, Period]);
    let position = answer.receipt.unwrap().position;
    let record = history(&house).await.pop().unwrap();
    assert_eq!(record.position, position);
    let Some(Event::ErasureRefused(event)) = record.event else {
        panic!("no refusal on record");
    };
    assert_eq!(
        (event.bars, event.reference.as_str()),
        (refused.bars, "DSR-2031")
    );
    let after = retention(&house, "K-1").await;
    assert_eq!((after.bars.len(), after.erasure), (2, None));
    let unknown = refusal(erase(&house, "nobody").await);
    assert_eq!(unknown, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
}

#[tokio::test]
async fn e8_r16_an_erased_customer_is_a_no_for_ever_and_only_auditors_see_what_is_left() {
    let clock = Arc::new(Manual::at(Time(1_767_225_600_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    let disclosed = left(&house, "K-1").await;
    clock.pass(LATER);
    assert_eq!(
        reference_of(&disclosures(&house, "K-1").await[0]),
        "26-0042"
    );
    let answer = erase(&house, "K-1").await.unwrap();
    let Some(wire::erase_customer_response::Outcome::Accepted(accepted)) = answer.outcome else {
        panic!("{answer:?}");
    };
    let receipt = answer.receipt.unwrap();
    let seen = watched(&house, receipt.position).await;
    let types: Vec<_> = seen.iter().map(|entry| entry.r#type.as_str()).collect();
    assert_eq!(
        types,
        [
            "retention.erasure_requested.v1",
            "retention.erasure_completed.v1"
        ]
    );
    let said = retention(&house, "K-1").await;
    let erasure = said.erasure.unwrap();
    assert_eq!(erasure.requested_position, receipt.position);
    assert_eq!(erasure.completed_position, seen[1].position);
    assert_eq!((erasure.due_by, said.bars.len()), (accepted.due_by, 0));

    every_answer_is_no(&house, disclosed, &receipt).await;
    nothing_more_is_taken(&house).await;
    nothing_more_is_told(&house).await;

    let left = disclosures(&house, "K-1").await;
    assert_eq!((left.len(), reference_of(&left[0])), (1, String::new()));
    let history = history(&house).await;
    assert_eq!(history.len() as u64, receipt.customer_version + 1);
    let Some(Event::ErasureRequested(event)) = &history[history.len() - 2].event else {
        panic!("{history:?}");
    };
    assert_eq!(event.reference, "", "it went with the keys");
}

/// A decision reader's answer about K-1 as of a record.
async fn read_as_of(house: &House, position: u64) -> Result<wire::Ruling, Status> {
    let request = wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(order()),
        as_of: Some(wire::AsOf {
            moment: Some(wire::as_of::Moment::Position(position)),
        }),
        ..wire::CheckUseRequest::default()
    };
    let answer = house.checks().check_use(request).await?;
    Ok(answer.into_inner().ruling.unwrap())
}

#[tokio::test]
async fn e8_n4_what_an_erased_customer_said_is_told_to_auditors_alone() {
    let clock = Arc::new(Manual::at(Time(1_767_225_600_000_000)));
    let house = House::at(Arc::clone(&clock)).await;
    let before = left(&house, "K-1").await;
    left(&house, "K-2").await;
    clock.pass(LATER);
    let house = house.reopen_for(Role::DecisionReader, &clock).await;
    assert!(read_as_of(&house, before).await.unwrap().allowed);
    let house = house.reopen_for(Role::Administrator, &clock).await;
    let answer = erase(&house, "K-1").await.unwrap();
    let requested = answer.receipt.unwrap().position;
    watched(&house, requested).await;
    assert!(read_as_of(&house, before).await.unwrap().allowed);
    let whole = watched(&house, 0).await;

    let house = house.reopen_for(Role::DecisionReader, &clock).await;
    erased(read_as_of(&house, before).await);
    // Nor when the customer came: a no before that would say so.
    erased(read_as_of(&house, 0).await);
    assert_eq!(
        codes(&read_as_of(&house, requested).await.unwrap()),
        [wire::ReasonCode::Erased]
    );
    let asked = wire::BulkCheckUseRequest {
        customer: customer("K-1"),
        question: Some(order()),
        as_of: Some(wire::AsOf {
            moment: Some(wire::as_of::Moment::Position(before)),
        }),
        ..wire::BulkCheckUseRequest::default()
    };
    let asked = tokio_stream::iter(vec![asked]);
    let answers = house.checks().bulk_check_use(asked).await.unwrap();
    match answers
        .into_inner()
        .message()
        .await
        .unwrap()
        .unwrap()
        .answer
    {
        Some(wire::bulk_check_use_response::Answer::Refused(status)) => {
            assert_eq!(Code::from(status.code), Code::FailedPrecondition);
        }
        other => panic!("{other:?}"),
    }

    let seen = watched(&house, 0).await;
    assert_eq!(seen.len(), whole.len(), "a watcher finds no gap");
    let who = &whole[requested as usize].pseudonym;
    for (seen, whole) in seen.iter().zip(&whole) {
        let (of_erased, tells) = (whole.pseudonym == *who, whole.position >= requested);
        match of_erased && !tells {
            true => assert!(matches!(seen.event, Some(Event::Withheld(_))), "{seen:?}"),
            false => assert_eq!(seen.position, whole.position),
        }
        assert!(seen.pseudonym != *who || tells, "{seen:?}");
    }
    let others = seen.iter().filter(|entry| !entry.pseudonym.is_empty());
    assert!(others.count() > 3, "K-2's are shown");
}

/// Now, in hindsight, and as of any moment at or after the request.
async fn every_answer_is_no(house: &House, before: u64, request: &wire::CommandReceipt) {
    let ask = |as_of: Option<u64>, hindsight| wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(order()),
        as_of: as_of.map(|position| wire::AsOf {
            moment: Some(wire::as_of::Moment::Position(position)),
        }),
        hindsight,
        ..wire::CheckUseRequest::default()
    };
    for (as_of, hindsight, expected) in [
        (None, false, wire::ReasonCode::Erased),
        (Some(request.position), false, wire::ReasonCode::Erased),
        (Some(request.position), true, wire::ReasonCode::Erased),
        // What was asked then was rightly answered then.
        (Some(before), false, wire::ReasonCode::GroundMet),
    ] {
        let ruled = house
            .checks()
            .check_use(ask(as_of, hindsight))
            .await
            .unwrap();
        let ruling = ruled.into_inner().ruling.unwrap();
        assert_eq!(codes(&ruling), [expected], "{as_of:?}");
        assert_eq!(ruling.allowed, as_of == Some(before));
    }
    let stream = vec![wire::BulkCheckUseRequest {
        customer: customer("K-1"),
        question: Some(order()),
        ..wire::BulkCheckUseRequest::default()
    }];
    let stream = tokio_stream::iter(stream);
    let mut answers = house
        .checks()
        .bulk_check_use(stream)
        .await
        .unwrap()
        .into_inner();
    match answers.message().await.unwrap().unwrap().answer.unwrap() {
        wire::bulk_check_use_response::Answer::Ruling(ruling) => {
            assert_eq!(codes(&ruling), [wire::ReasonCode::Erased]);
        }
        other => panic!("{other:?}"),
    }
}

async fn nothing_more_is_taken(house: &House) {
    let mut opening = open_account("K-1", &["local"]);
    opening.header = dated();
    erased(house.accounts().open_account(opening).await);
    let mut denial_of_all = consent("K-1", None, vec![denial(everything())]);
    denial_of_all.header = dated();
    erased(house.consents().record_consent(denial_of_all).await);
    erased(erase(house, "K-1").await);
    let disclosure = wire::DiscloseRequest {
        header: dated(),
        customer: customer("K-1"),
        question: Some(order()),
        seal: None,
    };
    erased(house.disclosures().disclose(disclosure).await);
    let account = wire::AssertedAccount {
        legal_entity: "infotech".into(),
        opened_at: Some(prost_types::Timestamp::default()),
        ..wire::AssertedAccount::default()
    };
    let line = wire::ImportRequest {
        import_name: "crm".into(),
        line: 1,
        customer_id: "K-1".into(),
        fact: Some(wire::AssertedFact {
            fact: Some(wire::asserted_fact::Fact::Account(account)),
        }),
    };
    let mut imports = ImportServiceClient::new(house.channel.clone());
    let answers = imports
        .import(tokio_stream::iter(vec![line]))
        .await
        .unwrap();
    let answer = answers.into_inner().message().await.unwrap().unwrap();
    match answer.outcome.unwrap() {
        wire::import_response::Outcome::Refused(status) => {
            assert_eq!(Code::from(status.code), Code::FailedPrecondition);
        }
        other => panic!("{other:?}"),
    }
}

async fn nothing_more_is_told(house: &House) {
    let preferences = wire::GetPreferencesRequest {
        customer: customer("K-1"),
        ..wire::GetPreferencesRequest::default()
    };
    erased(house.queries().get_preferences(preferences).await);
    let contacts = wire::GetContactsRequest {
        customer: customer("K-1"),
        ..wire::GetContactsRequest::default()
    };
    let mut client = ContactServiceClient::new(house.channel.clone());
    erased(client.get_contacts(contacts).await);
    let request = wire::ResolvePseudonymsRequest {
        pseudonym: history(house).await[0].pseudonym.clone(),
    };
    let stream = tokio_stream::iter(vec![request]);
    let resolved = house.queries().resolve_pseudonyms(stream).await.unwrap();
    let resolved = resolved.into_inner().message().await.unwrap().unwrap();
    assert_eq!(resolved.customer_id, "");
}

async fn history(house: &House) -> Vec<wire::Entry> {
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    history.into_inner().entries
}
