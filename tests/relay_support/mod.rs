//! A small world for the relay's tests: a log in memory that grows on demand, a relay in the background, and the question
//! each test ends with: does the stream hold every position once, in order, as the log has it?
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is the test's failure"
)]

use std::{sync::Arc, time::Duration};

use async_nats::jetstream::{self, consumer::pull::OrderedConfig};
use consent_ledger::{
    domain::{
        authentication::{
            change_notices::{AccountChange, DueNotice, Owing},
            of_record::{OfRecord, Reach, ReachKind},
        },
        ids::{Position, Pseudonym, Token},
        preferences::Preferences,
        time::Time,
    },
    ledger::{
        Actor, BlockBuilder, Hash, Part, Policy, Record, Sealed, Subject, Timestamp, leaf_hash,
    },
    relay::{Handle, Options, Relay, RelayError, Standing, Status, header},
    storage::{Journal, memory::Memory},
};
use futures_util::StreamExt;
use tokio::{sync::watch, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

pub const LEDGER: [u8; 16] = *b"one test ledger!";
pub const LEDGER_HEX: &str = "6f6e652074657374206c656467657221";

/// Nothing here takes that long: a test that waits longer hangs.
const PATIENCE: Duration = Duration::from_secs(120);

/// Longer than the duplicate window of all streams here: what NATS forgets of repeated ids after that, the relay must
/// know by itself.
pub async fn outlive_the_duplicate_window() {
    tokio::time::sleep(Duration::from_millis(300)).await;
}

/// Awaits what must happen.
pub async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future)
        .await
        .unwrap_or_else(|_| panic!("does not happen: {what}"))
}

/// A log in memory.
pub struct Log {
    pub journal: Arc<Memory>,
    committed: watch::Sender<u64>,
    /// Every line, by position.
    pub lines: Vec<Vec<u8>>,
    /// What the records say, so that two logs can differ.
    flavour: &'static str,
}

impl Log {
    pub fn new() -> Log {
        Log::with_flavour("tea")
    }

    pub fn with_flavour(flavour: &'static str) -> Log {
        let journal = Arc::new(Memory::new());
        Log {
            journal,
            committed: watch::Sender::new(0),
            lines: Vec::new(),
            flavour,
        }
    }

    /// A log of `count` records in blocks of `block`.
    pub fn filled(count: u64, block: u64) -> Log {
        let mut log = Log::new();
        log.grow(count, block);
        log
    }

    pub fn next(&self) -> u64 {
        self.lines.len() as u64
    }

    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.subscribe()
    }

    pub fn hash(&self, position: u64) -> Hash {
        leaf_hash(&self.lines[position as usize])
    }

    /// Commits `count` ordinary records in blocks of `block`.
    pub fn grow(&mut self, count: u64, block: u64) {
        let mut left = count;
        while left > 0 {
            let now = left.min(block);
            let records = (self.next()..)
                .take(now as usize)
                .map(|at| ordinary(at, self.flavour));
            self.commit(records.collect());
            left -= now;
        }
    }

    /// Commits records as one block; position and link are set here.
    pub fn commit(&mut self, records: Vec<Record>) {
        let prev = self
            .next()
            .checked_sub(1)
            .map_or(Hash::ZERO, |last| self.hash(last));
        let first = self.next();
        let mut builder = BlockBuilder::new(first, prev);
        for mut record in records {
            record.position = builder.next();
            record.prev = builder.last();
            let mut line = Vec::new();
            record.write_checked(&mut line).unwrap();
            builder.push(&line);
            self.lines.push(line);
        }
        self.journal.append(first, &builder.finish()).unwrap();
        self.committed.send_replace(self.next());
    }
}

/// An ordinary record: the ledger's opening at position 0, then customers' grants.
pub fn ordinary(position: u64, flavour: &str) -> Record {
    let (subject, kind) = match position {
        0 => (Subject::Ledger, "ledger.opened.v1"),
        _ => (
            Subject::Customer([(position % 97) as u8; 16]),
            "consent.granted.v1",
        ),
    };
    Record {
        position,
        recorded_at: Timestamp(1_790_000_000_000_000 + position as i64),
        occurred_at: None,
        subject,
        version: 1 + position / 97,
        kind: kind.to_owned(),
        part: Part::WHOLE,
        actor: Actor {
            service: "crm".into(),
            role: "consent-writer".into(),
            channel: None,
            person: Some([9; 16]),
        },
        policy: Policy {
            rulebook: "cpni".into(),
            version: "2026-10".into(),
        },
        data: format!(r#"{{"purpose":"marketing","drink":"{flavour}"}}"#),
        sealed: vec![Sealed {
            field: "reference".into(),
            commitment: [1; 32],
            ciphertext: vec![2; 40],
        }],
        request_mac: Some([3; 16]),
        prev: Hash::ZERO,
    }
}

/// Options for a server at `url`, with short pauses so that tests do not wait.
pub fn options(url: &str) -> Options {
    Options {
        servers: vec![url.parse().unwrap()],
        duplicate_window: Duration::from_millis(100),
        retry_first: Duration::from_millis(5),
        retry_longest: Duration::from_millis(100),
        ack_timeout: Duration::from_secs(2),
        check_interval: Duration::from_millis(50),
        ..Options::default()
    }
}

/// The lines of these logs are made up: nobody has a state, and every account change is owed word to one number.
struct Nobody;

impl Standing for Nobody {
    fn preferences(&self, _: Pseudonym) -> Result<Option<Preferences>, String> {
        Ok(None)
    }

    fn owing(&self, _: Pseudonym, change: Position) -> Result<Option<Owing>, String> {
        let at = |minutes| Time(1_790_000_000_000_000).plus_minutes(minutes);
        Ok(Some(Owing {
            due: DueNotice {
                change,
                what: AccountChange::Credential,
                contact: None,
                changed_at: at(0),
                due_at: at(5),
            },
            targets: vec![OfRecord {
                reach: Reach {
                    kind: ReachKind::TelephoneNumber,
                    value: Token([0x11; 16]),
                },
                position: Position(1),
                since: Time(0),
                until: None,
            }],
        }))
    }
}

/// An account change that the customer must be told of.
pub fn account_change(position: u64) -> Record {
    Record {
        kind: "credential.established.v1".into(),
        data: r#"{"kind":"pin","notice_due_at":"2026-09-21T14:18:20.000000Z"}"#.into(),
        ..ordinary(position, "tea")
    }
}

/// A relay that runs in the background.
pub struct Running {
    pub handle: Handle,
    cancel: CancellationToken,
    task: JoinHandle<Result<(), RelayError>>,
}

impl Running {
    pub fn start(options: Options, log: &Log) -> Running {
        let relay = Relay::new(
            options,
            LEDGER,
            log.journal.clone(),
            Arc::new(Nobody),
            log.committed(),
        )
        .unwrap();
        let (handle, cancel) = (relay.handle(), CancellationToken::new());
        let task = tokio::spawn(relay.run(cancel.clone()));
        Running {
            handle,
            cancel,
            task,
        }
    }

    /// Waits until the stream holds everything below `next`.
    pub async fn published_up_to(&mut self, next: u64) {
        let status = self
            .until("publication", |status| {
                status.next >= next || status.stopped
            })
            .await;
        assert!(status.next >= next, "{status:?}");
    }

    pub async fn until(&mut self, what: &str, condition: impl FnMut(&Status) -> bool) -> Status {
        soon(what, self.handle.wait(condition)).await
    }

    /// Ends it in order.
    pub async fn stop(self) {
        self.cancel.cancel();
        soon("the relay ends", self.task).await.unwrap().unwrap();
    }

    /// Ends it as a crash would: in the middle of whatever it does.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Waits until it stops by itself and says why.
    pub async fn refusal(self) -> RelayError {
        soon("the relay refuses", self.task)
            .await
            .unwrap()
            .unwrap_err()
    }
}

/// A subscriber's connection.
pub async fn jetstream(url: &str) -> jetstream::Context {
    jetstream::new(
        soon("a connection", async_nats::connect(url))
            .await
            .unwrap(),
    )
}

/// The first `count` messages of a stream, in order.
pub async fn messages(
    context: &jetstream::Context,
    stream: &str,
    count: u64,
) -> Vec<jetstream::Message> {
    let stream = context.get_stream(stream).await.unwrap();
    let consumer = stream
        .create_consumer(OrderedConfig::default())
        .await
        .unwrap();
    let messages = consumer.messages().await.unwrap().take(count as usize);
    soon("all messages", messages.map(Result::unwrap).collect()).await
}

/// How many messages were ever stored, and how many are there.
pub async fn size(context: &jetstream::Context, stream: &str) -> (u64, u64) {
    let stream = context.get_stream(stream).await.unwrap();
    let state = &stream.cached_info().state;
    (state.last_sequence, state.messages)
}

pub fn get<'a>(message: &'a jetstream::Message, name: &str) -> Option<&'a str> {
    message
        .headers
        .as_ref()?
        .get(name)
        .map(|value| value.as_str())
}

/// The promise of N1: the stream is the log, record by record: no gap, no repeat, no other order, the same hashes.
pub async fn assert_stream_is_the_log(url: &str, stream: &str, log: &Log) {
    let context = jetstream(url).await;
    assert_eq!(
        size(&context, stream).await,
        (log.next(), log.next()),
        "last sequence and messages"
    );
    let messages = messages(&context, stream, log.next()).await;
    assert_eq!(messages.len() as u64, log.next());
    for (position, message) in (0..).zip(&messages) {
        assert_eq!(message.info().unwrap().stream_sequence, position + 1);
        let id = format!("{LEDGER_HEX}-{position}");
        assert_eq!(get(message, header::ID), Some(id.as_str()));
        assert_eq!(
            get(message, header::POSITION),
            Some(position.to_string().as_str())
        );
        assert_eq!(
            get(message, header::RECORD_HASH),
            Some(log.hash(position).to_string().as_str())
        );
    }
}

/// The stream's name by default.
pub const STREAM: &str = "CONSENT_6F6E6520";
