//! The single writer: what happens to a command until it is a durable fact.
//!
//! Commands wait in a bounded queue. One thread takes them in their order, decides each against the customer's state,
//! makes records and links them to a block. A second thread makes the block durable: that sync is the only wait on
//! disk, shared by everybody whose command is in it. Then the state is published, every caller is answered, and who
//! follows the log is woken. Meanwhile the first thread decides the next block, over what the one under way will have
//! changed; if that one is not stored, everything decided since is decided again.
//!
//! Nothing is visible before it is durable. A commit whose outcome is unknown ends the process: it comes back from
//! what is on disk.

mod adoption;
mod answer;
mod commit;
mod draft;
mod erasing;
mod flight;
mod queue;
mod records;
mod repeat;
mod secrets;
mod subject;
mod writer;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use uuid::Uuid;

use crate::clock::{Clock, ClockError};
use crate::domain::asserted::Shortfall;
use crate::domain::authentication::sim_changes::SimRefusal;
use crate::domain::command::Command;
use crate::domain::ids::{Position, Pseudonym, Token};
use crate::domain::notices::send::OptOutClock;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::retention::Bar;
use crate::domain::rulebook::Rulebook;
use crate::domain::ruling::{ReasonCode, Ruling};
use crate::domain::time::Time;
use crate::domain::vocabulary::Channel;
use crate::ledger::Frontier;
use crate::state::{Fatal, StateError, States};
use crate::storage::Journal;
use crate::vault::{Vault, VaultError};

pub use erasing::Eraser;
use queue::Queued;
pub use writer::{Writer, own_actor};

/// How the writer works.
#[derive(Clone, Debug)]
pub struct Options {
    /// Commands that may wait or be in work; more are refused (T5).
    pub queue_commands: usize,
    /// Records of one block at most.
    pub block_records: u32,
    /// What a refused caller is told to wait.
    pub retry_after: Duration,
    /// Secrets that are hashed or compared at a time: each takes a core for a while, and memory.
    pub secrets_at_once: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_commands: 8_192,
            block_records: 1_024,
            retry_after: Duration::from_millis(50),
            secrets_at_once: 1,
        }
    }
}

/// Who calls, as the door knows it; never what the request says (T2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The calling service.
    pub service: String,
    /// The role in which it calls.
    pub role: String,
}

/// What a command is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubjectRef {
    /// A customer, by the company's own id of the account.
    Id(String),
    /// A customer, by the ledger's pseudonym.
    Pseudonym(Pseudonym),
    /// The company itself.
    Company,
}

/// A command with everything around it (C1).
#[derive(Clone, Debug)]
pub struct Intent {
    /// The caller's id of this request: the same id again gives the first answer.
    pub request_id: Uuid,
    /// Who calls.
    pub caller: Arc<Caller>,
    /// How the command reached the company.
    pub channel: Channel,
    /// The person who took it, as a token.
    pub person: Option<Token>,
    /// What it is about.
    pub subject: SubjectRef,
    /// When it happened, by the caller's word.
    pub occurred_at: Option<Time>,
    /// The subject's version that the caller has seen.
    pub expected_version: Option<u64>,
    /// After this the caller no longer waits: the command is dropped before it is sequenced, never after.
    pub deadline: Option<Instant>,
    /// SHA-256 of the request without its id.
    pub content: [u8; 32],
    /// What is wanted.
    pub command: Command,
}

/// A durable command.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whom it is about; none: the company.
    pub customer: Option<Pseudonym>,
    /// The command's first record.
    pub first: Position,
    /// The command's last record: reads that wait for it see the command.
    pub position: Position,
    /// The subject's version after the command.
    pub version: u64,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Whether this is the answer to the same request sent before.
    pub repeated: bool,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It was recorded.
    Done,
    /// Words were recorded; grants among them may still be blocked by these (R3).
    Spoken {
        /// Blocks that stand in some cell of a grant.
        still_blocked_by: Vec<Position>,
    },
    /// A notice was recorded that was sent by an approved template.
    NoticeSent {
        /// Its clock, where it asks for opt-out approval (R10).
        clock: Option<OptOutClock>,
    },
    /// What became of a notice was recorded.
    NoticeReported {
        /// Since when approvals rested on it that never were (R10).
        voids_since: Option<Time>,
    },
    /// The disclosure may be made, and is on record.
    Disclosed {
        /// The approvals it rests on.
        relied_on: Vec<Position>,
    },
    /// The disclosure may not be made, and that is on record.
    DisclosureRefused {
        /// Why.
        reasons: Vec<ReasonCode>,
    },
    /// The customer is erased from that record on.
    Erased {
        /// The last instant at which it is in time to have destroyed the keys.
        due_by: Time,
    },
    /// The customer may not be erased, and that is on record.
    ErasureRefused {
        /// Each rule that bars it.
        bars: Vec<Bar>,
    },
    /// The ruling is on record.
    Ruled(Box<Ruling>),
    /// What an import asserts is on record.
    Asserted {
        /// Why it is history only; empty: it counts.
        shortfalls: Vec<Shortfall>,
        /// Blocks that stand in some cell of a grant.
        still_blocked_by: Vec<Position>,
    },
    /// A SIM change that was asked for is on record, taken up or refused.
    SimChangeAsked {
        /// Why it isn't made; none: it may go on.
        refused: Option<SimRefusal>,
    },
    /// A caller was verified, a secret was compared or set, or not; either is on record.
    Attempted {
        /// Whether it succeeded.
        succeeded: bool,
        /// Whether the account is locked by it.
        locked: bool,
        /// Until when, at the latest, what was opened stands.
        ends_at: Option<Time>,
    },
}

/// Why a command was not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The rules refuse it.
    #[error("{}", .0.message)]
    Refused(Refusal),
    /// The request id was used for another content.
    #[error("request id {0} was used before for a request of other content: use a new id")]
    RequestIdReused(Uuid),
    /// A version 7 id older than the window: whether it was answered can't be known any more.
    #[error(
        "request id {id} is older than the {window_days} days for which ids are remembered: look whether it was recorded, then use a new id"
    )]
    RequestIdTooOld {
        /// The id.
        id: Uuid,
        /// The window.
        window_days: u32,
    },
    /// The customer, or the company, changed since the caller looked.
    #[error("the subject is at version {actual}, not {expected}: read again and decide again")]
    VersionMismatch {
        /// What the caller expected.
        expected: u64,
        /// What is.
        actual: u64,
    },
    /// As many commands as the queue holds are waiting.
    #[error("the queue is full: try again in {} ms", .retry_after.as_millis())]
    QueueFull {
        /// When to try again.
        retry_after: Duration,
    },
    /// The deadline passed before the command's turn; nothing was recorded.
    #[error("the deadline passed before the command was sequenced; nothing was recorded")]
    DeadlinePassed,
    /// The clock can't be believed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// Nothing was stored; the caller may try again.
    #[error("nothing was stored, try again: {0}")]
    Unavailable(String),
    /// The ledger is stopping.
    #[error("the ledger is stopping; nothing was recorded")]
    Stopping,
    /// A part of the ledger failed; nothing was recorded.
    #[error("{0}; nothing was recorded")]
    Failed(String),
}

impl From<StateError> for SubmitError {
    fn from(error: StateError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<VaultError> for SubmitError {
    fn from(error: VaultError) -> Self {
        match error {
            // The keys went while the command was on its way.
            VaultError::Erased(_) => Self::Refused(Refusal::new(
                RefusalCode::CustomerErased,
                "customer",
                "the customer was erased",
            )),
            error => Self::Failed(error.to_string()),
        }
    }
}

/// What the writer works with.
pub struct Parts {
    /// Where blocks become durable.
    pub journal: Arc<dyn Journal>,
    /// Customers' current state, caught up to the journal's head.
    pub states: States,
    /// Pseudonyms, keys, digests.
    pub vault: Vault,
    /// The rulebook in force.
    pub rulebook: Arc<Rulebook>,
    /// Every rulebook whose text is kept, by its digest.
    pub rulebooks: Arc<HashMap<[u8; 32], Arc<Rulebook>>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The Merkle tree's edge at the journal's head.
    pub frontier: Frontier,
    /// What is done when the outcome of a commit is unknown.
    pub fatal: Fatal,
}

/// A cheap handle to the running writer.
#[derive(Clone)]
pub struct Handle {
    queue: queue::Sender,
    vault: Vault,
    committed: watch::Receiver<u64>,
    secrets: secrets::Seats,
}

impl Handle {
    /// Records a command.
    ///
    /// # Errors
    /// Why it was not recorded; see [`SubmitError`].
    pub async fn submit(&self, intent: Intent) -> Result<Answer, SubmitError> {
        let mut answers = self
            .queue
            .offer(vec![self.queued(intent)])?
            .await
            .map_err(|_| SubmitError::Stopping)?;
        answers.pop().unwrap_or(Err(SubmitError::Stopping))
    }

    /// Records commands in their order, waiting for room in the queue instead of refusing: for streams, whose callers
    /// are held back by not being read.
    pub async fn submit_many(&self, intents: Vec<Intent>) -> Vec<Result<Answer, SubmitError>> {
        if intents.is_empty() {
            return Vec::new();
        }
        let count = intents.len();
        let commands = intents.into_iter().map(|intent| self.queued(intent));
        match self.queue.wait_and_offer(commands.collect()).await {
            Ok(answers) => answers.await.unwrap_or_else(|_| stopping(count)),
            Err(_) => stopping(count),
        }
    }

    /// As [`Handle::submit_many`], for a thread of its own that waits for the answers.
    fn submit_and_block(
        &self,
        intents: Vec<Intent>,
    ) -> Result<Vec<Result<Answer, SubmitError>>, SubmitError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .map_err(|error| SubmitError::Failed(error.to_string()))?;
        Ok(runtime.block_on(self.submit_many(intents)))
    }

    fn queued(&self, intent: Intent) -> Queued {
        let caller = &intent.caller.service;
        let request = self.vault.request_mac(caller, &intent.content);
        let mut content = [0; 8];
        content.copy_from_slice(request.split_at(8).0);
        Queued {
            token: self
                .vault
                .request_token(caller, intent.request_id.as_bytes()),
            content,
            known: self.known(&intent),
            intent,
        }
    }

    /// Whom a command is about, if that can be told without waiting; else the vault is asked when it is decided.
    fn known(&self, intent: &Intent) -> Option<Pseudonym> {
        match &intent.subject {
            SubjectRef::Company => None,
            SubjectRef::Pseudonym(pseudonym) => Some(*pseudonym),
            SubjectRef::Id(_) if intent.command.opens_account() => None,
            SubjectRef::Id(id) => self.vault.find_hot(id),
        }
    }

    /// The token of an identifier from outside: comparable, not readable.
    pub fn pseudonymise(&self, kind: &'static str, value: &str) -> Token {
        self.vault.token(kind, value)
    }

    /// The pseudonym of an account id, where the vault has one.
    ///
    /// # Errors
    /// When the id is malformed or the vault can't be read.
    pub fn find(&self, customer_id: &str) -> Result<Option<Pseudonym>, VaultError> {
        self.vault.find(customer_id)
    }

    /// The position after the newest durable record; changes with every commit.
    pub fn committed(&self) -> watch::Receiver<u64> {
        self.committed.clone()
    }

    /// Commands waiting or in work.
    pub fn waiting(&self) -> usize {
        self.queue.waiting()
    }
}

fn stopping(count: usize) -> Vec<Result<Answer, SubmitError>> {
    (0..count).map(|_| Err(SubmitError::Stopping)).collect()
}
