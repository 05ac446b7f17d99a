//! One command in, one durable fact out: the way below the doors (C1, E1, P3).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::time::Duration;

use consent_ledger::audit::audit_folder;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::disclosures::{Disclose, Ground};
use consent_ledger::domain::ids::{EntityId, Position, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::ruling::ReasonCode;
use consent_ledger::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};
use consent_ledger::sequencer::{Answer, Outcome, SubmitError};
use engine::*;

#[tokio::test(flavor = "multi_thread")]
async fn c1_what_was_answered_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let question = question(RecipientKind::Company, "cmrs");
    let ledger = open(dir.path());
    let opened = submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    assert_eq!(
        (opened.first, opened.position, opened.version),
        (Position(1), Position(2), 2)
    );
    let notice = submit(&ledger, "K-1", give_notice()).await.unwrap();
    assert!(!allowed(&ledger, "K-1", &question));
    let granted = submit(
        &ledger,
        "K-1",
        grant(RecipientKind::Company, notice.position, ledger.views.now()),
    )
    .await
    .unwrap();
    assert_eq!(
        granted.outcome,
        Outcome::Spoken {
            still_blocked_by: Vec::new()
        }
    );
    assert!(allowed(&ledger, "K-1", &question));
    ledger.close().unwrap();

    let audited = audit_folder(dir.path(), true, &|_| {}).unwrap();
    assert_eq!(audited.verified.records, 5);
    assert_eq!(audited.checkpoint.unwrap().size, 5);

    let ledger = open(dir.path());
    assert!(allowed(&ledger, "K-1", &question));
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_the_same_request_twice_is_recorded_once_also_after_the_views_were_lost() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let request = intent("K-1", open_account(&["local", "voip"]));
    let first = ledger.handle.submit(request.clone()).await.unwrap();
    let again = ledger.handle.submit(request.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.position, first.position);
    ledger.close().unwrap();
    std::fs::remove_dir_all(dir.path().join("views")).unwrap();

    let ledger = open(dir.path());
    let rebuilt = ledger.handle.submit(request.clone()).await.unwrap();
    assert_eq!(rebuilt, again);
    let mut other = request;
    other.content[0] ^= 1;
    let refused = ledger.handle.submit(other).await.unwrap_err();
    assert!(matches!(refused, SubmitError::RequestIdReused(_)));
    assert_eq!(ledger.views.reached(), Position(4));
    ledger.close().unwrap();
}

/// A provider asks whether a PIC freeze stands, by the request id that it gave.
fn freeze_query(request: u8) -> Command {
    let provider = EntityId::parse("carrier-p").unwrap();
    let ground = Ground::PicFreeze {
        provider: Some(provider.clone()),
        request: Some(Token([request; 16])),
    };
    let question = Question {
        purpose: Purpose::PicFreeze,
        classes: CpniClasses::of(CpniClass::PicFreezeStatus),
        recipient: RecipientKind::Carrier,
        entity: Some(provider),
        target_categories: Vec::new(),
        ground: Some(ground),
        ..question(RecipientKind::Carrier, "local")
    };
    let seal = None;
    Command::Disclose(Disclose { question, seal })
}

fn is_reused(answer: Result<Answer, SubmitError>) -> bool {
    match answer.unwrap().outcome {
        Outcome::Disclosed { .. } => false,
        Outcome::DisclosureRefused { reasons } => {
            assert_eq!(reasons, [ReasonCode::RequestReused]);
            true
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r14_a_pic_freeze_request_is_answered_once_whatever_customer_restart_or_lost_view() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = open(dir.path());
    for customer in ["K-1", "K-2"] {
        let opened = submit(&ledger, customer, open_account(&["local"])).await;
        opened.unwrap();
    }
    assert!(!is_reused(submit(&ledger, "K-1", freeze_query(1)).await));
    assert!(is_reused(submit(&ledger, "K-2", freeze_query(1)).await));
    assert!(is_reused(submit(&ledger, "K-1", freeze_query(1)).await));

    // Two at once: in one block, or in one and the next.
    let both = ["K-1", "K-2"].map(|customer| intent(customer, freeze_query(2)));
    let answers = ledger.handle.submit_many(both.into()).await;
    let reused: Vec<_> = answers.into_iter().map(is_reused).collect();
    assert_eq!(reused, [false, true]);

    for round in 3..6 {
        ledger.close().unwrap();
        if round == 4 {
            std::fs::remove_dir_all(dir.path().join("views")).unwrap();
        }
        ledger = open(dir.path());
        for old in 1..round {
            assert!(is_reused(submit(&ledger, "K-2", freeze_query(old)).await));
        }
        assert!(!is_reused(
            submit(&ledger, "K-2", freeze_query(round)).await
        ));
    }
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c5_history_lists_a_customers_records_and_opens_what_was_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    let notice = submit(&ledger, "K-1", give_notice()).await.unwrap();
    submit(&ledger, "K-2", open_account(&["local"]))
        .await
        .unwrap();
    let grant = grant(RecipientKind::Agent, notice.position, ledger.views.now());
    let granted = submit(&ledger, "K-1", grant).await.unwrap();
    let views = &ledger.views;
    views
        .wait_for_history(granted.position, Duration::from_secs(10))
        .await
        .unwrap();
    let history = views
        .history(granted.customer.unwrap(), 0, 100, &|_| true)
        .unwrap();
    let kinds: Vec<_> = history.iter().map(|entry| entry.kind).collect();
    assert_eq!(
        kinds,
        [
            "account.opened.v1",
            "service.opened.v1",
            "notice.given.v1",
            "consent.granted.v1"
        ]
    );
    let entry = views.record(granted.position).unwrap().unwrap();
    assert!(format!("{:?}", entry.decoded.fact).contains("Personal(…)"));
    let line = views.line(granted.position).unwrap().unwrap();
    assert!(!String::from_utf8(line).unwrap().contains("recording-4711"));
    ledger.close().unwrap();
}
