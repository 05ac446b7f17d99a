//! Limits and refusals of the writer: explicit, and nothing recorded (C1, T4, T5).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::sync::Arc;
use std::time::{Duration, Instant};

use consent_ledger::clock::{Clock, ClockError, Manual};
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::sequencer::SubmitError;
use engine::*;
use uuid::Uuid;

const NOON: Time = Time(1_790_000_000_000_000);
const SECOND: i64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_command_for_another_version_changes_nothing_and_says_both() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    let mut stale = intent("K-1", deny(RecipientKind::Agent));
    stale.expected_version = Some(1);
    let refused = ledger.handle.submit(stale).await.unwrap_err();
    assert!(matches!(
        refused,
        SubmitError::VersionMismatch {
            expected: 1,
            actual: 2
        }
    ));
    let mut fresh = intent("K-1", deny(RecipientKind::Agent));
    fresh.expected_version = Some(2);
    assert_eq!(ledger.handle.submit(fresh).await.unwrap().version, 3);
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_passed_deadline_drops_the_command_before_it_is_sequenced() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let mut late = intent("K-1", open_account(&["local"]));
    late.deadline = Some(Instant::now() - Duration::from_millis(1));
    let refused = ledger.handle.submit(late).await.unwrap_err();
    assert!(matches!(refused, SubmitError::DeadlinePassed));
    assert_eq!(ledger.views.reached(), Position(1));
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_a_full_queue_refuses_at_once_and_recovers_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let mut small = options(dir.path());
    small.sequencer.queue_commands = 4;
    let ledger = try_open(small).unwrap();
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    let (mut done, mut refused) = (0, 0);
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let handle = ledger.handle.clone();
            let intent = intent("K-1", deny(RecipientKind::Agent));
            tokio::spawn(async move { handle.submit(intent).await })
        })
        .collect();
    for call in calls {
        match call.await.unwrap() {
            Ok(_) => done += 1,
            Err(SubmitError::QueueFull { retry_after }) => {
                assert!(retry_after > Duration::ZERO);
                refused += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(done + refused, 200);
    assert!(done > 0);
    assert!(
        submit(&ledger, "K-1", deny(RecipientKind::Agent))
            .await
            .is_ok()
    );
    assert_eq!(ledger.views.reached(), Position(3 + done + 1));
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r16_a_command_about_an_unknown_customer_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    match submit(&ledger, "K-404", deny(RecipientKind::Agent))
        .await
        .unwrap_err()
    {
        SubmitError::Refused(refusal) => assert_eq!(refusal.code, RefusalCode::CustomerUnknown),
        other => panic!("{other}"),
    }
    assert!(!allowed(
        &ledger,
        "K-404",
        &question(RecipientKind::Company, "local")
    ));
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_the_writer_refuses_while_the_clock_is_behind_or_has_jumped_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Manual::at(NOON));
    let ledger = open_at(options(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();

    clock.jump(Time(NOON.0 - 60 * SECOND));
    let refused = submit(&ledger, "K-1", deny(RecipientKind::Agent))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, SubmitError::Clock(ClockError::Behind { .. })),
        "{refused}"
    );
    clock.jump(Time(NOON.0 + 86_400 * SECOND));
    let refused = submit(&ledger, "K-1", deny(RecipientKind::Agent))
        .await
        .unwrap_err();
    assert!(
        matches!(refused, SubmitError::Clock(ClockError::Ahead { .. })),
        "{refused}"
    );
    clock.jump(NOON);
    clock.pass(SECOND);
    let answer = submit(&ledger, "K-1", deny(RecipientKind::Agent))
        .await
        .unwrap();
    assert_eq!(answer.recorded_at, Time(NOON.0 + SECOND));
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_request_id_is_remembered_for_its_window_and_then_refused_by_its_own_time() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Manual::at(NOON));
    let ledger = open_at(options(dir.path()), Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let mut request = intent("K-1", open_account(&["local"]));
    let seconds = u64::try_from(NOON.0 / SECOND).unwrap();
    request.request_id = Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
    let first = ledger.handle.submit(request.clone()).await.unwrap();
    clock.pass(29 * 86_400 * SECOND);
    // Time that really passed is believed, also a month of it.
    let again = ledger.handle.submit(request.clone()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(again.position, first.position);
    clock.pass(3 * 86_400 * SECOND);
    let refused = ledger.handle.submit(request).await.unwrap_err();
    assert!(
        matches!(
            refused,
            SubmitError::RequestIdTooOld {
                window_days: 30,
                ..
            }
        ),
        "{refused}"
    );
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_another_rulebook_takes_force_with_a_record_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    ledger.close().unwrap();

    let other = dir.path().join("other.toml");
    let text = consent_ledger::domain::rulebook::DEFAULT_TEXT;
    let changed = format!("# another digest\n{text}");
    std::fs::File::create(&other)
        .and_then(|mut file| std::io::Write::write_all(&mut file, changed.as_bytes()))
        .unwrap();
    let mut with_other = options(dir.path());
    with_other.rulebook = Some(other);
    let ledger = try_open(with_other.clone()).unwrap();
    assert_eq!(ledger.views.reached(), Position(4));
    let line = ledger.views.line(Position(3)).unwrap().unwrap();
    assert!(
        String::from_utf8(line)
            .unwrap()
            .contains("rulebook.adopted.v1")
    );
    ledger.close().unwrap();
    let again = try_open(with_other).unwrap();
    assert_eq!(again.views.reached(), Position(4), "it takes force once");
    again.close().unwrap();
}
