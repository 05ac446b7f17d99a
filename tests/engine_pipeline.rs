//! What happens between a decision and the disk: the next block is decided while one is made durable, and rests on
//! nothing that is not stored (C1, E1, T5).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use consent_ledger::clock::System;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::ids::Personal;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::rulebook::{DEFAULT_TEXT, Rulebook};
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::ledger::{Frontier, StoredBlock};
use consent_ledger::sequencer::{Answer, Handle, Parts, SubmitError, Writer};
use consent_ledger::state::{self, Flusher, States};
use consent_ledger::storage::memory::{Fault, Memory};
use consent_ledger::storage::{AppendError, Head, Journal, ReadError};
use consent_ledger::vault::Vault;
use engine::{deny, intent, open_account, options};

/// A journal in memory whose appends wait while its gate is closed.
#[derive(Default)]
struct Gated {
    memory: Memory,
    closed: Mutex<bool>,
    changed: Condvar,
    /// Appends that have come to the gate.
    came: Mutex<usize>,
}

impl Gated {
    fn set_closed(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
        self.changed.notify_all();
    }

    /// Waits until `count` appends have come to the gate.
    async fn came(&self, count: usize) {
        while *self.came.lock().unwrap() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Appends that came so far.
    fn appends(&self) -> usize {
        *self.came.lock().unwrap()
    }
}

impl Journal for Gated {
    fn append(&self, head: u64, block: &StoredBlock) -> Result<(), AppendError> {
        *self.came.lock().unwrap() += 1;
        let closed = self.closed.lock().unwrap();
        drop(self.changed.wait_while(closed, |closed| *closed).unwrap());
        self.memory.append(head, block)
    }

    fn read(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        self.memory.read(position)
    }

    fn head(&self) -> Head {
        self.memory.head()
    }
}

struct Running {
    journal: Arc<Gated>,
    handle: Handle,
    states: States,
    _writer: Writer,
    _flusher: Flusher,
}

fn start(dir: &Path) -> Running {
    let journal = Arc::new(Gated::default());
    let fatal: state::Fatal = Arc::new(|problem: &str| panic!("fatal: {problem}"));
    let options = options(dir);
    let (vault, _) = Vault::create_or_open(options.vault).unwrap();
    let states = States::open(options.state, [7; 16]).unwrap();
    let flusher = states.write_behind(Arc::clone(&fatal)).unwrap();
    let parts = Parts {
        journal: Arc::clone(&journal) as Arc<dyn Journal>,
        states: states.clone(),
        vault,
        rulebook: Arc::new(Rulebook::parse(DEFAULT_TEXT, [9; 32]).unwrap()),
        rulebooks: Arc::default(),
        clock: Arc::new(System::default()),
        frontier: Frontier::default(),
        fatal,
    };
    let (writer, handle) = Writer::start(options.sequencer, parts).unwrap();
    Running {
        journal,
        handle,
        states,
        _writer: writer,
        _flusher: flusher,
    }
}

type Sent = tokio::task::JoinHandle<Vec<Result<Answer, SubmitError>>>;

/// Closes the gate, and sends two commands whose block then waits before it.
async fn hold_at_the_gate(running: &Running) -> Sent {
    let before = running.journal.appends();
    running.journal.set_closed(true);
    let sent = send(
        running,
        vec![
            ("K-1", open_account(&["local"])),
            ("K-1", deny(RecipientKind::Agent)),
        ],
    );
    running.journal.came(before + 1).await;
    sent
}

/// Sends commands as one batch, so that their block is committed beside the deciding thread.
fn send(running: &Running, commands: Vec<(&str, Command)>) -> Sent {
    let intents = commands
        .into_iter()
        .map(|(customer, command)| intent(customer, command))
        .collect();
    let handle = running.handle.clone();
    tokio::spawn(async move { handle.submit_many(intents).await })
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_what_comes_while_a_block_is_made_durable_shares_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path());
    let before = running.journal.appends();
    let first = hold_at_the_gate(&running).await;
    let later: Vec<_> = (0..50)
        .map(|_| send(&running, vec![("K-1", deny(RecipientKind::Affiliate))]))
        .collect();
    while running.handle.waiting() < 52 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Whatever is decided meanwhile, nobody sees it.
    assert!(!first.is_finished());
    running.journal.set_closed(false);
    let versions: Vec<u64> = first
        .await
        .unwrap()
        .into_iter()
        .map(|answer| answer.unwrap().version)
        .collect();
    assert_eq!(versions, [2, 3], "opening is two records");
    let mut versions = Vec::new();
    for answers in later {
        versions.push(answers.await.unwrap().pop().unwrap().unwrap().version);
    }
    versions.sort_unstable();
    assert_eq!(versions, (4..54).collect::<Vec<_>>());
    assert!(running.journal.appends() - before < 10, "blocks are shared");
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_what_was_decided_over_a_block_that_is_not_stored_is_decided_again() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path());
    running.journal.memory.fail_next(Fault::Unavailable);
    let lost = hold_at_the_gate(&running).await;
    let over_it = send(
        &running,
        vec![
            ("K-1", deny(RecipientKind::Affiliate)),
            ("K-2", open_account(&["local"])),
        ],
    );
    while running.handle.waiting() < 4 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.journal.set_closed(false);

    for answer in lost.await.unwrap() {
        assert!(matches!(answer, Err(SubmitError::Unavailable(_))));
    }
    let mut answers = over_it.await.unwrap().into_iter();
    match answers.next().unwrap() {
        Err(SubmitError::Refused(refusal)) => {
            assert_eq!(refusal.code, RefusalCode::CustomerUnknown);
        }
        other => panic!("the account was never opened, and yet {other:?}"),
    }
    let opened = answers.next().unwrap().unwrap();
    assert_eq!(opened.version, 2);
    assert_eq!(
        opened.first.0,
        running.states.applied() - 2,
        "the lost block left no gap"
    );
    // The next command links to what is stored.
    let next = running
        .handle
        .submit(intent("K-2", deny(RecipientKind::Agent)))
        .await
        .unwrap();
    assert_eq!(next.position.0, opened.position.0 + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_the_same_request_while_the_first_is_under_way_gets_its_answer() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path());
    let before = running.journal.appends();
    running.journal.set_closed(true);
    let request = intent("K-1", open_account(&["local"]));
    let other = intent("K-2", open_account(&["local"]));
    let twice = vec![request.clone(), other, request.clone()];
    let handle = running.handle.clone();
    let first = tokio::spawn(async move { handle.submit_many(twice).await });
    running.journal.came(before + 1).await;
    let handle = running.handle.clone();
    let (again, mut changed) = (request.clone(), request);
    changed.content = [9; 32];
    let again = tokio::spawn(async move { handle.submit(again).await });
    let handle = running.handle.clone();
    let changed = tokio::spawn(async move { handle.submit(changed).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    running.journal.set_closed(false);

    let first: Vec<_> = first
        .await
        .unwrap()
        .into_iter()
        .map(|answer| answer.unwrap())
        .collect();
    assert!(!first[0].repeated);
    assert!(first[2].repeated);
    assert_eq!(first[2].position, first[0].position);
    let again = again.await.unwrap().unwrap();
    assert!(again.repeated);
    assert_eq!(
        (again.first, again.version),
        (first[0].first, first[0].version)
    );
    assert!(matches!(
        changed.await.unwrap(),
        Err(SubmitError::RequestIdReused(_))
    ));
    assert_eq!(running.states.applied(), 1 + 4, "each account once");
}

#[tokio::test(flavor = "multi_thread")]
async fn e1_a_block_that_compresses_worse_than_expected_is_decided_again_in_smaller_ones() {
    let dir = tempfile::tempdir().unwrap();
    let running = start(dir.path());
    let mut sent = vec![("K-1", open_account(&["local"]))];
    // Alike, and many: the writer learns that much fits a block.
    sent.extend((0..2_000).map(|_| ("K-1", deny(RecipientKind::Agent))));
    for answer in send(&running, sent).await.unwrap() {
        answer.unwrap();
    }
    // Sealed texts don't compress.
    let long = (0..2_000).map(|number| {
        let mut command = deny(RecipientKind::Agent);
        if let Command::Speak(speak) = &mut command {
            let reference = format!("{number:0>200}");
            speak.statement.evidence_reference = Some(Personal::new(reference));
        }
        ("K-1", command)
    });
    let mut version = 2_002;
    for answer in send(&running, long.collect()).await.unwrap() {
        version += 1;
        assert_eq!(answer.unwrap().version, version);
    }
    assert_eq!(running.states.applied(), 1 + 2 + 4_000);
}
