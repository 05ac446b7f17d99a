//! What the ledger knows, and the evidence for it (C5, C6, E4, N4).

use std::time::Duration;

use consent_ledger::grpc;
use consent_ledger::ledger;
use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::RecipientKind::{Affiliate, Company};
use wire::entry::Event;

use crate::house::*;

/// A customer who was asked, granted and denied.
async fn spoken() -> House {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let words = vec![grant(marketing_by(&[Company, Affiliate]))];
    house.said("K-1", notice, words).await.unwrap();
    let acme = marketing_by_named(Affiliate, "acme");
    house.said("K-1", notice, vec![denial(acme)]).await.unwrap();
    house
}

#[tokio::test]
async fn c5_preferences_are_words_and_the_states_that_follow() {
    let house = spoken().await;
    let request = wire::GetPreferencesRequest {
        customer: customer("K-1"),
        ..wire::GetPreferencesRequest::default()
    };
    let known = house
        .queries()
        .get_preferences(request)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (
            known.customer_version,
            known.words.len(),
            known.notices.len()
        ),
        (5, 2, 1)
    );
    assert!(known.services[0].held && known.services[0].category == "local");
    let denied = known.words[1].position;
    assert_eq!(known.standing_blocks, [denied]);

    let state = |kind: wire::RecipientKind, entity: &str| {
        let cell = known.cells.iter().find(|group| {
            group.recipient_kind() == kind
                && group.entity == entity
                && group
                    .classes()
                    .any(|class| class == wire::CpniClass::Billing)
                && group
                    .purposes()
                    .any(|purpose| purpose == wire::Purpose::MarketingComms)
        });
        cell.unwrap().state()
    };
    assert_eq!(state(Company, ""), wire::CellState::Granted);
    assert_eq!(state(Affiliate, "acme"), wire::CellState::Denied);

    let scopes = wire::GetPreferencesRequest {
        customer: customer("K-1"),
        scopes: vec![wire::Scope {
            classes: vec![wire::CpniClass::Location.into()],
            ..marketing_by(&[wire::RecipientKind::Agent])
        }],
        ..wire::GetPreferencesRequest::default()
    };
    let refused = refusal(house.queries().get_preferences(scopes).await);
    assert_eq!(
        refused.0,
        Code::InvalidArgument,
        "all classes and one class"
    );

    let unknown = wire::GetPreferencesRequest {
        customer: customer("K-9"),
        ..wire::GetPreferencesRequest::default()
    };
    assert_eq!(
        refusal(house.queries().get_preferences(unknown).await).0,
        Code::NotFound
    );
}

#[tokio::test]
async fn c5_c6_a_history_shows_what_was_just_written_by_pages_and_types() {
    let house = spoken().await;
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        page_size: 3,
        ..wire::GetHistoryRequest::default()
    };
    let first = house
        .queries()
        .get_history(request.clone())
        .await
        .unwrap()
        .into_inner();
    let versions = |page: &wire::GetHistoryResponse| -> Vec<u64> {
        page.entries
            .iter()
            .map(|entry| entry.customer_version)
            .collect()
    };
    assert_eq!(versions(&first), [1, 2, 3]);
    assert_eq!(
        first.entries[0].part_count, 2,
        "account and service in one command"
    );
    let actor = first.entries[0].actor.as_ref().unwrap();
    assert_eq!(
        (actor.service.as_str(), actor.role.as_str()),
        ("loopback", "administrator")
    );
    assert_eq!(actor.person_token.len(), 32);
    let rest = wire::GetHistoryRequest {
        page_token: first.next_page_token,
        ..request.clone()
    };
    let rest = house
        .queries()
        .get_history(rest)
        .await
        .unwrap()
        .into_inner();
    assert_eq!(versions(&rest), [4, 5]);

    let words = wire::GetHistoryRequest {
        types: vec!["consent".into()],
        page_size: 0,
        ..request
    };
    let words = house
        .queries()
        .get_history(words)
        .await
        .unwrap()
        .into_inner();
    let types: Vec<_> = words
        .entries
        .iter()
        .map(|entry| entry.r#type.as_str())
        .collect();
    assert_eq!(types, ["consent.granted.v1", "consent.denied.v1"]);
    let Some(Event::WordSpoken(spoken)) = &words.entries[0].event else {
        panic!("a word");
    };
    assert_eq!(
        spoken.statement.as_ref().unwrap().evidence_reference,
        "form 9"
    );
}

#[tokio::test]
async fn c6_a_read_that_waits_for_a_position_that_never_comes_is_told_so() {
    let house = House::with(grpc::Options {
        wait_max: Duration::from_millis(50),
        ..grpc::Options::default()
    })
    .await;
    let request = wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(market(Company, "cmrs")),
        min_position: 1_000,
        ..wire::CheckUseRequest::default()
    };
    let refused = refusal(house.checks().check_use(request).await);
    assert_eq!(
        refused,
        (Code::DeadlineExceeded, "POSITION_NOT_REACHED".into())
    );
}

#[tokio::test]
async fn c6_a_read_waits_for_its_position() {
    let house = spoken().await;
    let waiting = {
        let mut checks = house.checks();
        tokio::spawn(async move {
            let request = wire::CheckUseRequest {
                customer: customer("K-2"),
                question: Some(market(Company, "local")),
                min_position: 7,
                ..wire::CheckUseRequest::default()
            };
            checks.check_use(request).await
        })
    };
    assert_eq!(house.opened("K-2", &["local"]).await.position, 7);
    let ruling = waiting.await.unwrap().unwrap().into_inner().ruling.unwrap();
    assert!(ruling.allowed && ruling.position >= 7);
}

#[tokio::test]
async fn e4_exported_lines_are_a_chain_from_the_first_record_on() {
    let house = spoken().await;
    let request = wire::ExportRecordsRequest::default();
    let mut blocks = house
        .audit()
        .export_records(request)
        .await
        .unwrap()
        .into_inner();
    let mut lines = Vec::new();
    while let Some(block) = blocks.message().await.unwrap() {
        assert_eq!(block.first_position, lines.len() as u64);
        lines.extend(block.lines);
    }
    assert_eq!(lines.len(), 6);
    for (before, line) in lines.iter().zip(&lines[1..]) {
        let prev = ledger::leaf_hash(before).to_string();
        assert!(String::from_utf8_lossy(line).ends_with(&format!("\"prev\":\"{prev}\"}}")));
    }
    let one = wire::GetRecordRequest { position: 4 };
    let one = house.audit().get_record(one).await.unwrap().into_inner();
    assert_eq!(one.line, lines[4]);
    let none = house
        .audit()
        .get_record(wire::GetRecordRequest { position: 6 })
        .await;
    assert_eq!(refusal(none), (Code::NotFound, "RECORD_UNKNOWN".into()));

    let signed = house
        .audit()
        .get_checkpoint(wire::GetCheckpointRequest {})
        .await;
    let signed = signed.unwrap().into_inner();
    let key = ledger::VerifyingKey::parse(&signed.verifier_key).unwrap();
    let checkpoint = ledger::open(&signed.note, &key).unwrap();
    assert!(checkpoint.size >= 6);
}

#[tokio::test]
async fn n4_pseudonyms_resolve_in_order_and_an_unknown_one_to_nothing() {
    let house = House::open().await;
    let known = house.opened("K-1", &[]).await.pseudonym;
    let unknown = "0".repeat(32);
    let asked = [known.clone(), unknown.clone()];
    let requests = asked.map(|pseudonym| wire::ResolvePseudonymsRequest { pseudonym });
    let requests = tokio_stream::iter(requests);
    let mut answers = house
        .queries()
        .resolve_pseudonyms(requests)
        .await
        .unwrap()
        .into_inner();
    let mut resolved = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        resolved.push((answer.pseudonym, answer.customer_id));
    }
    assert_eq!(resolved, [(known, "K-1".into()), (unknown, String::new())]);
}
