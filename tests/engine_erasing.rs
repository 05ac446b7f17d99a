//! Erasing under the doors: a crash at any point of it converges, and an older vault brings nobody back (E8, F20).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consent_ledger::app::{Ledger, StartError};
use consent_ledger::audit::audit_folder;
use consent_ledger::clock::{Clock, Manual};
use consent_ledger::codec::Fact;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Personal, Position, Pseudonym};
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::retention::erasure::{Erase, ErasureBasis};
use consent_ledger::domain::retention::{HoldPlaced, RetentionCommand, RetentionEvent};
use consent_ledger::domain::services::{ChangeServices, CloseService};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::RecipientKind::Company;
use consent_ledger::ledger::Frontier;
use consent_ledger::sequencer::{Outcome, Parts, SubmitError, Writer};
use consent_ledger::state::{States, replay};
use consent_ledger::storage::Journal;
use consent_ledger::storage::local::Local;
use consent_ledger::vault::Vault;
use engine::*;

const DAY: i64 = 86_400_000_000;

fn clock() -> Arc<Manual> {
    Arc::new(Manual::at(Time(1_767_225_600_000_000)))
}

fn opened(dir: &Path, clock: &Arc<Manual>) -> Ledger {
    open_at(options(dir), Arc::clone(clock) as Arc<dyn Clock>).unwrap()
}

/// As its test needs it: an id that carries no time, where the clock is set by hand.
async fn say(ledger: &Ledger, customer: &str, command: Command) -> Result<Outcome, SubmitError> {
    let mut intent = intent(customer, command);
    intent.request_id = uuid::Uuid::new_v4();
    ledger
        .handle
        .submit(intent)
        .await
        .map(|answer| answer.outcome)
}

/// Someone who denied, was held and let go, and left more than a year ago.
async fn left(ledger: &Ledger, customer: &str) {
    let hold = Command::Retention(RetentionCommand::Hold(HoldPlaced {
        matter: Some(Personal::new("2:26-cv-00123")),
    }));
    let close = Command::ChangeServices(ChangeServices {
        open: Vec::new(),
        close: vec![CloseService {
            category: consent_ledger::domain::ids::Category::parse("local").unwrap(),
            ends_at: None,
        }],
    });
    for command in [open_account(&["local"]), deny(Company), close] {
        say(ledger, customer, command).await.unwrap();
    }
    if customer == "held" {
        say(ledger, customer, hold).await.unwrap();
    }
}

fn erase() -> Command {
    Command::Retention(RetentionCommand::Erase(Erase {
        basis: ErasureBasis::StatePrivacyLaw,
        reference: Some(Personal::new("DSR-2031")),
    }))
}

fn pseudonym(ledger: &Ledger, customer: &str) -> Pseudonym {
    ledger.views.find(customer).unwrap().unwrap()
}

/// Waits for the record that the keys are destroyed, which the ledger makes by itself.
async fn completed(ledger: &Ledger, customer: &str) -> Position {
    let pseudonym = pseudonym(ledger, customer);
    let mut committed = ledger.handle.committed();
    loop {
        let state = ledger.views.customer(pseudonym).unwrap().unwrap();
        if let Some(step) = state.erased.as_deref().unwrap().completed {
            return step.position;
        }
        committed.changed().await.unwrap();
    }
}

/// The sealed field of the request, where it can still be read.
fn reference(ledger: &Ledger, customer: &str) -> Option<Personal> {
    let state = ledger.views.customer(pseudonym(ledger, customer)).unwrap();
    let requested = state.unwrap().erased.as_deref().unwrap().requested;
    let entry = ledger.views.record(requested).unwrap().unwrap();
    match entry.decoded.fact {
        Fact::About(_, Event::Retention(RetentionEvent::ErasureRequested(requested))) => {
            requested.reference
        }
        other => panic!("{other:?}"),
    }
}

/// As long as it stands, no key of the customer's shard can be replaced.
fn obstacle(dir: &Path, who: Pseudonym) -> PathBuf {
    dir.join("vault")
        .join(format!("rewrapped-{:02x}.new", who.0[0]))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => {
                fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
            }
        }
    }
}

fn verified(dir: &Path) -> u64 {
    audit_folder(dir, true, &|_| {})
        .unwrap()
        .verified
        .frontier
        .size()
}

/// The vault alone, without the log, which would say so anyway.
fn assert_keys_destroyed(dir: &Path, who: Pseudonym) {
    let (vault, _) = Vault::create_or_open(options(dir).vault).unwrap();
    assert!(vault.is_erased(who));
    assert_eq!(vault.customer_id(who).unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_an_erasure_completes_by_itself_and_the_chain_verifies_before_and_after() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ledger = opened(dir.path(), &clock);
    left(&ledger, "K-1").await;
    left(&ledger, "held").await;
    clock.pass(400 * DAY);
    let refused = say(&ledger, "held", erase()).await.unwrap();
    assert!(matches!(refused, Outcome::ErasureRefused { bars } if bars.len() == 1));
    let accepted = say(&ledger, "K-1", erase()).await.unwrap();
    assert!(matches!(accepted, Outcome::Erased { .. }));
    completed(&ledger, "K-1").await;
    assert_eq!(
        reference(&ledger, "K-1"),
        None,
        "nobody can read it any more"
    );
    assert!(!allowed(&ledger, "K-1", &question(Company, "local")));
    for command in [open_account(&["local"]), deny(Company), erase()] {
        let refused = say(&ledger, "K-1", command).await.unwrap_err();
        assert!(
            matches!(&refused, SubmitError::Refused(refusal) if refusal.code == RefusalCode::CustomerErased),
            "{refused}"
        );
    }
    let who = pseudonym(&ledger, "K-1");
    ledger.close().unwrap();
    assert_keys_destroyed(dir.path(), who);
    let size = verified(dir.path());
    let ledger = opened(dir.path(), &clock);
    assert_eq!(ledger.views.reached(), Position(size));
    let again = say(&ledger, "K-1", open_account(&[])).await.unwrap_err();
    assert!(matches!(again, SubmitError::Refused(_)), "{again}");
    ledger.close().unwrap();
}

/// The writer alone, as if the process ended before the keys were destroyed: records the request and is gone.
async fn requested_and_crashed(dir: &Path, clock: &Arc<Manual>, customer: &str) {
    let options = options(dir);
    let (vault, _) = Vault::create_or_open(options.vault.clone()).unwrap();
    let (local, recovery) = Local::open(options.log.clone(), None).unwrap();
    let journal: Arc<dyn Journal> = Arc::new(local);
    let states = States::open(options.state.clone(), recovery.ledger).unwrap();
    replay(&states, &*journal, &|_, _| {}).unwrap();
    let rulebook = consent_ledger::domain::rulebook::Rulebook::parse(
        consent_ledger::domain::rulebook::DEFAULT_TEXT,
        states.ledger().rulebook.2,
    );
    let parts = Parts {
        journal: Arc::clone(&journal),
        states: states.clone(),
        vault,
        rulebook: Arc::new(rulebook.unwrap()),
        rulebooks: Arc::default(),
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        frontier: Frontier::default(),
        fatal: Arc::new(|problem: &str| panic!("fatal: {problem}")),
    };
    let (writer, handle) = Writer::start(options.sequencer.clone(), parts).unwrap();
    let mut intent = intent(customer, erase());
    intent.request_id = uuid::Uuid::new_v4();
    let answer = handle.submit(intent).await.unwrap();
    assert!(matches!(answer.outcome, Outcome::Erased { .. }));
    assert_eq!(states.open_erasures(9).1, 1);
    writer.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_an_erasure_that_a_crash_interrupted_is_completed_after_the_next_start() {
    for keys_were_destroyed in [false, true] {
        let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
        let ledger = opened(dir.path(), &clock);
        left(&ledger, "K-1").await;
        let who = pseudonym(&ledger, "K-1");
        ledger.close().unwrap();
        clock.pass(400 * DAY);
        requested_and_crashed(dir.path(), &clock, "K-1").await;
        if keys_were_destroyed {
            let (vault, _) = Vault::create_or_open(options(dir.path()).vault).unwrap();
            vault.erase(&[who]).unwrap();
        }
        let ledger = opened(dir.path(), &clock);
        let record = completed(&ledger, "K-1").await;
        assert_eq!(reference(&ledger, "K-1"), None);
        ledger.close().unwrap();
        verified(dir.path());
        let ledger = opened(dir.path(), &clock);
        assert_eq!(completed(&ledger, "K-1").await, record, "once");
        assert_eq!(ledger.views.reached().0, record.0 + 1);
        ledger.close().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_a_vault_put_back_from_an_older_copy_has_the_keys_destroyed_again_before_anything_is_served()
 {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ledger = opened(dir.path(), &clock);
    left(&ledger, "K-1").await;
    ledger.close().unwrap();
    let (vault, older) = (dir.path().join("vault"), dir.path().join("older"));
    copy(&vault, &older);
    clock.pass(400 * DAY);
    let ledger = opened(dir.path(), &clock);
    say(&ledger, "K-1", erase()).await.unwrap();
    let record = completed(&ledger, "K-1").await;
    ledger.close().unwrap();

    fs::remove_dir_all(&vault).unwrap();
    copy(&older, &vault);
    for lost_view in [false, true] {
        if lost_view {
            fs::remove_dir_all(dir.path().join("views")).unwrap();
            fs::remove_dir_all(&vault).unwrap();
            copy(&older, &vault);
        }
        let ledger = opened(dir.path(), &clock);
        assert_eq!(reference(&ledger, "K-1"), None);
        assert_eq!(completed(&ledger, "K-1").await, record);
        assert_eq!(ledger.views.reached().0, record.0 + 1, "no further record");
        let who = pseudonym(&ledger, "K-1");
        ledger.close().unwrap();
        assert_keys_destroyed(dir.path(), who);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2_e8_a_log_that_is_older_than_its_vault_is_refused_and_an_older_pair_is_not() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ledger = opened(dir.path(), &clock);
    left(&ledger, "K-1").await;
    let who = pseudonym(&ledger, "K-1");
    ledger.close().unwrap();
    let older = tempfile::tempdir().unwrap();
    copy(dir.path(), older.path());
    clock.pass(400 * DAY);
    let ledger = opened(dir.path(), &clock);
    say(&ledger, "K-1", erase()).await.unwrap();
    completed(&ledger, "K-1").await;
    ledger.close().unwrap();

    // Everything but the vault is put back, so that no checkpoint tells of it.
    let mixed = tempfile::tempdir().unwrap();
    copy(older.path(), mixed.path());
    fs::remove_dir_all(mixed.path().join("vault")).unwrap();
    copy(&dir.path().join("vault"), &mixed.path().join("vault"));
    let now = Arc::clone(&clock) as Arc<dyn Clock>;
    let Err(refused) = open_at(options(mixed.path()), now) else {
        panic!("the erased customer would live again");
    };
    let text = refused.to_string();
    assert!(
        matches!(refused, StartError::LogBehindVault { customers: 1, example } if example == who),
        "{text}"
    );
    assert!(text.contains("restore the newest log"), "{text}");

    let ledger = opened(older.path(), &clock);
    say(&ledger, "K-1", erase()).await.unwrap();
    completed(&ledger, "K-1").await;
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_of_an_account_that_was_never_opened_the_vault_keeps_nothing() {
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ledger = opened(dir.path(), &clock);
    let say_at = |customer: &str, command, ahead| {
        let mut intent = intent(customer, command);
        intent.request_id = uuid::Uuid::new_v4();
        intent.occurred_at = ahead;
        intent
    };
    let ahead = Some(Time(clock.wall().0 + 9 * DAY));
    let open = |ahead| say_at("K-1", open_account(&["local"]), ahead);
    let mut late = open(None);
    late.deadline = Some(std::time::Instant::now());
    let mut of_version = open(None);
    of_version.expected_version = Some(3);
    let mut old = open(None);
    let long_ago = uuid::Timestamp::from_unix(uuid::NoContext, 1_600_000_000, 0);
    old.request_id = uuid::Uuid::new_v7(long_ago);
    let mut again = open(None);
    again.request_id = say_at("K-0", open_account(&[]), None).request_id;
    let mut first = say_at("K-0", open_account(&["local"]), None);
    first.request_id = again.request_id;
    ledger.handle.submit(first).await.unwrap();
    for refused in [open(ahead), late, of_version, old, again] {
        assert!(ledger.handle.submit(refused).await.is_err());
        assert_eq!(ledger.views.find("K-1").unwrap(), None);
    }
    // Together with one that opens it, before and after.
    let answers = [ahead, None, ahead].map(open).into();
    let answers = ledger.handle.submit_many(answers).await;
    let accepted: Vec<_> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(accepted, [false, true, false]);
    let refused = ledger.handle.submit(open(None)).await.unwrap_err();
    assert!(
        matches!(&refused, SubmitError::Refused(refusal) if refusal.code == RefusalCode::CustomerExists),
        "{refused}"
    );
    let elsewhere = say_at("K-2", open_account(&["local"]), ahead);
    assert!(ledger.handle.submit(elsewhere).await.is_err());
    ledger.close().unwrap();
    let (vault, _) = Vault::create_or_open(options(dir.path()).vault).unwrap();
    assert_eq!(vault.head().sequence, 2, "K-0 and K-1");
    assert_eq!(vault.find("K-2").unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn e8_what_was_sealed_stays_closed_while_the_keys_can_not_be_destroyed_and_it_is_tried_again()
{
    let (dir, clock) = (tempfile::tempdir().unwrap(), clock());
    let ledger = opened(dir.path(), &clock);
    let others = ["K-2", "K-3", "K-4", "K-5"];
    for customer in others.iter().chain(&["K-1"]) {
        left(&ledger, customer).await;
    }
    let who = pseudonym(&ledger, "K-1");
    let elsewhere = |other: &&&str| pseudonym(&ledger, other).0[0] != who.0[0];
    let elsewhere: Vec<_> = others.iter().filter(elsewhere).collect();
    assert!(!elsewhere.is_empty(), "all in one shard of 256");
    fs::create_dir(obstacle(dir.path(), who)).unwrap();
    clock.pass(400 * DAY);
    say(&ledger, "K-1", erase()).await.unwrap();
    for other in &elsewhere {
        say(&ledger, other, erase()).await.unwrap();
        completed(&ledger, other).await;
    }
    let closed = |ledger: &Ledger| {
        let state = ledger.views.customer(who).unwrap().unwrap();
        assert_eq!(state.erased.as_deref().unwrap().completed, None);
        assert_eq!(reference(ledger, "K-1"), None, "though its key is there");
    };
    closed(&ledger);
    ledger.close().unwrap();
    let ledger = opened(dir.path(), &clock);
    closed(&ledger);
    fs::remove_dir(obstacle(dir.path(), who)).unwrap();
    completed(&ledger, "K-1").await;
    ledger.close().unwrap();
    verified(dir.path());
}
