//! The thread that owns the log's end: it takes commands in their order, decides them block by block, and sends each
//! block off as soon as the one before has landed.

use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::commit::{Commit, Landing, Runway};
use super::draft::{Desk, Draft, Taken};
use super::flight::{Aloft, Decided, Spare};
use super::queue::{Batch, Event, Queued, Sender, queue};
use super::secrets::Seats;
use super::subject::{Registered, opening};
use super::{Handle, Options, Parts, SubmitError, adoption};
use crate::clock::LedgerTime;
use crate::domain::services::VaultHead;
use crate::domain::time::Time;
use crate::ledger::{Actor, BlockBuilder, GrowingTree, Policy, SAFE_RAW, STORED_BLOCK_MAX};
use crate::vault::VaultError;

/// The running writer; stopping it answers what is queued first.
pub struct Writer {
    queue: Sender,
    tree: Arc<Mutex<GrowingTree>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer on a log whose head, states and frontier agree. A rulebook that is not the one in force takes
    /// force with a record of its own before the first command.
    ///
    /// # Errors
    /// When the rulebook can't take force (the clock, the disk), or no thread can be started.
    pub fn start(options: Options, parts: Parts) -> Result<(Self, Handle), SubmitError> {
        let failed = |error: std::io::Error| SubmitError::Failed(error.to_string());
        let (sender, events) = queue(options.queue_commands, options.retry_after);
        let (committed, follow) = watch::channel(parts.journal.head().next);
        let tree = GrowingTree::new(parts.frontier.clone());
        let tree = Arc::new(Mutex::new(tree));
        let handle = Handle {
            queue: sender.clone(),
            vault: parts.vault.clone(),
            committed: follow,
            secrets: Seats::new(options.secrets_at_once, options.retry_after),
        };
        let commit = Arc::new(Commit {
            journal: Arc::clone(&parts.journal),
            states: parts.states.clone(),
            tree: Arc::clone(&tree),
            committed,
            fatal: Arc::clone(&parts.fatal),
        });
        let last = Time(parts.states.ledger().recorded_at);
        let mut time = LedgerTime::new(Arc::clone(&parts.clock), last);
        adopt_rulebook(&parts, &commit, &mut time)?;
        let runway = Runway::start(Arc::clone(&commit), sender.clone()).map_err(failed)?;
        let fatal = Arc::clone(&parts.fatal);
        let sequencer = Sequencer::new(options, parts, time, commit, runway);
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || {
                if catch_unwind(AssertUnwindSafe(|| sequencer.run(events))).is_err() {
                    fatal("the sequencer panicked");
                }
            })
            .map_err(failed)?;
        Ok((
            Self {
                queue: sender,
                tree,
                thread: Some(thread),
            },
            handle,
        ))
    }

    /// The Merkle tree at some committed position.
    pub fn tree(&self) -> Arc<Mutex<GrowingTree>> {
        Arc::clone(&self.tree)
    }

    /// Takes no further command, answers those that are queued, and ends.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.queue.close();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the sequencer's thread panicked");
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Records that the configured rulebook takes force, where another was (P17).
fn adopt_rulebook(
    parts: &Parts,
    commit: &Commit,
    time: &mut LedgerTime,
) -> Result<(), SubmitError> {
    let ledger = parts.states.ledger();
    if !adoption::is_due(parts, &ledger) {
        return Ok(());
    }
    let head = parts.journal.head();
    let block = BlockBuilder::new(head.next, head.last);
    match commit.land(adoption::adopt(parts, ledger, time.now()?, block)?) {
        Landing::Durable { .. } => Ok(()),
        Landing::NotStored | Landing::TooLarge(_) | Landing::Over => Err(SubmitError::Failed(
            "the record that the rulebook takes force was not stored".to_owned(),
        )),
    }
}

struct Sequencer {
    options: Options,
    parts: Parts,
    policy: Policy,
    time: LedgerTime,
    commit: Arc<Commit>,
    runway: Runway,
    /// Commands that are not decided, in their order.
    waiting: VecDeque<Waiting>,
    registered: Registered,
    registered_at: Instant,
    /// The vault refused the newest registration.
    unregistrable: bool,
    draft: Draft,
    /// Why the next command can't be decided now.
    held_up: Option<HeldUp>,
    aloft: Option<Aloft>,
    spare: Spare,
    /// Bytes of lines that the next block may hold; follows how well the newest ones compressed.
    raw_limit: usize,
    stopping: bool,
}

/// Commands `next..end` of a batch.
struct Waiting {
    batch: Arc<Batch>,
    next: usize,
    end: usize,
}

impl Waiting {
    /// Whether the vault must be asked about the account that the next of them opens.
    fn is_unregistered(
        &self,
        registered: &Registered,
        would_open: impl FnOnce(&Queued) -> bool,
    ) -> bool {
        let next = self.batch.commands.get(self.next);
        let Some((id, command)) = next.and_then(opening) else {
            return false;
        };
        match registered.get(id) {
            None => true,
            Some(Ok(None)) => would_open(command),
            Some(_) => false,
        }
    }

    /// Those of them that open accounts, with the accounts.
    fn opening(&self) -> impl Iterator<Item = (&str, &Queued)> {
        let commands = self.batch.commands.get(self.next..self.end);
        commands.unwrap_or_default().iter().filter_map(opening)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum HeldUp {
    /// The draft is full.
    Full,
    /// The command's first sending is not durable yet.
    Repeat,
}

/// The most bytes of lines in a block that the writer makes: a reader opens a whole block for one record.
const RAW_LIMIT_MAX: usize = 384 << 10;
/// Commands that are decided before the writer looks up: whether a block has landed, whether more came.
const AT_ONCE: usize = 64;

impl Sequencer {
    fn new(
        options: Options,
        parts: Parts,
        time: LedgerTime,
        commit: Arc<Commit>,
        runway: Runway,
    ) -> Self {
        let head = parts.journal.head();
        Self {
            policy: adoption::policy_of(&parts),
            draft: Draft::new(
                BlockBuilder::new(head.next, head.last),
                parts.states.ledger(),
            ),
            waiting: VecDeque::new(),
            registered: Registered::new(),
            registered_at: Instant::now(),
            unregistrable: false,
            held_up: None,
            aloft: None,
            spare: Spare::default(),
            raw_limit: SAFE_RAW,
            stopping: false,
            options,
            parts,
            time,
            commit,
            runway,
        }
    }

    fn run(mut self, mut events: mpsc::UnboundedReceiver<Event>) {
        loop {
            while let Ok(event) = events.try_recv() {
                self.note(event);
            }
            if let Some(landing) = self.aloft.as_ref().and_then(|_| self.runway.landed())
                && !self.land(landing)
            {
                return;
            }
            if !self.waiting.is_empty() && self.held_up.is_none() && !self.decide() {
                return;
            }
            let ready = self.waiting.is_empty() || self.held_up.is_some();
            let done = match (&self.aloft, ready) {
                (_, false) => true,
                (None, true) if !self.draft.is_empty() => self.take_off(),
                (Some(_), true) if self.held_up.is_some() => {
                    let landing = self.runway.wait();
                    self.land(landing)
                }
                (None, true) if self.stopping => false,
                (_, true) => match events.blocking_recv() {
                    Some(event) => {
                        self.note(event);
                        true
                    }
                    None => false,
                },
            };
            if !done {
                return;
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Batch(batch) => self.waiting.push_back(Waiting {
                next: 0,
                end: batch.commands.len(),
                batch,
            }),
            Event::Stop => self.stopping = true,
            Event::Landed => {}
        }
    }

    /// Decides some of the waiting commands; `false` when nothing more may be written.
    fn decide(&mut self) -> bool {
        let now = match self.time.now() {
            Ok(now) => now,
            Err(error) => {
                self.refuse_waiting(&SubmitError::Clock(error));
                return true;
            }
        };
        let instant = Instant::now();
        if !self.register(now, instant) {
            return false;
        }
        let desk = Desk {
            parts: &self.parts,
            policy: &self.policy,
            registered: &self.registered,
            now,
            instant,
            registered_at: self.registered_at,
            raw_limit: self.raw_limit,
            commands_max: self.options.block_records as usize,
            aloft: self.aloft.as_ref(),
        };
        for _ in 0..AT_ONCE {
            let Some(first) = self.waiting.front_mut() else {
                break;
            };
            let draft = &self.draft;
            if first.is_unregistered(desk.registered, |command| draft.would_open(&desk, command)) {
                break;
            }
            match self.draft.take(&desk, &first.batch, first.next) {
                Taken::Decided => first.next += 1,
                Taken::NextBlock => {
                    self.held_up = Some(HeldUp::Full);
                    break;
                }
                Taken::AfterLanding => {
                    self.held_up = Some(HeldUp::Repeat);
                    break;
                }
            }
            if first.next >= first.end {
                self.waiting.pop_front();
            }
        }
        if self.waiting.is_empty() || self.unregistrable {
            // What failed for these commands is tried again for the next.
            self.registered.clear();
            self.unregistrable = false;
        }
        true
    }

    /// Registers the accounts that the waiting commands open, with one sync for all, before any block cites them. An account
    /// that none of them would open is not registered: the vault keeps no id of whom no record is about (E8), but where
    /// something comes between the two: the process ends, a block is not stored, a rule changes, a request id is used twice.
    /// `false` when nothing more may be written.
    fn register(&mut self, now: Time, instant: Instant) -> bool {
        let nobody = Registered::new();
        let desk = Desk {
            parts: &self.parts,
            policy: &self.policy,
            registered: &nobody,
            now,
            instant,
            registered_at: instant,
            raw_limit: self.raw_limit,
            commands_max: self.options.block_records as usize,
            aloft: self.aloft.as_ref(),
        };
        let would_open = |command: &Queued| self.draft.would_open(&desk, command);
        let first = self.waiting.front();
        if !first.is_some_and(|first| first.is_unregistered(&self.registered, would_open)) {
            return true;
        }
        self.registered.clear();
        self.registered_at = instant;
        let mut asked: BTreeMap<&str, bool> = BTreeMap::new();
        let opening = self.waiting.iter().flat_map(Waiting::opening);
        for (id, command) in opening.take(desk.commands_max) {
            let wanted = asked.entry(id).or_default();
            *wanted = *wanted || would_open(command);
        }
        let mut ids: Vec<&str> = Vec::with_capacity(asked.len());
        for (id, wanted) in asked {
            // Of one who is known already the command may say more.
            let known = match wanted {
                true => Ok(true),
                false => self.parts.vault.find(id).map(|found| found.is_some()),
            };
            match known {
                Ok(true) => ids.push(id),
                Ok(false) => {
                    self.registered.insert(id.to_owned(), Ok(None));
                }
                Err(error) => {
                    let error = Err(SubmitError::from(error));
                    self.registered.insert(id.to_owned(), error);
                }
            }
        }
        if ids.is_empty() {
            return true;
        }
        match self.parts.vault.register(&ids) {
            Ok(registrations) => {
                for (id, registration) in ids.iter().zip(registrations) {
                    let head = VaultHead {
                        sequence: registration.head.sequence,
                        hash: registration.head.hash,
                    };
                    let found = Ok(Some((registration.pseudonym, head)));
                    self.registered.insert((*id).to_owned(), found);
                }
            }
            Err(error) => {
                if matches!(error, VaultError::Unknown { .. }) {
                    (self.parts.fatal)(&error.to_string());
                    return false;
                }
                let error = SubmitError::from(error);
                self.unregistrable = true;
                for id in &ids {
                    self.registered.insert((*id).to_owned(), Err(error.clone()));
                }
            }
        }
        true
    }

    fn refuse_waiting(&mut self, error: &SubmitError) {
        for waiting in self.waiting.drain(..) {
            for index in waiting.next..waiting.end {
                self.draft.settle(&waiting.batch, index, Err(error.clone()));
            }
        }
    }

    /// Sends the draft off; `false` when nothing more may be written.
    fn take_off(&mut self) -> bool {
        let after = self.draft.after();
        let alone = self.draft.commands() == 1 && self.waiting.is_empty();
        metrics::gauge!("consent_queue_waiting").set(self.draft.commands() as f64);
        let (flight, changes) = self.draft.take_off(std::mem::take(&mut self.spare));
        if self.held_up == Some(HeldUp::Full) {
            self.held_up = None;
        }
        self.aloft = Some(Aloft { changes, after });
        if alone {
            // Handing one command to another thread would cost more than nobody else gains by it.
            let landing = self.commit.land(flight);
            return self.land(landing);
        }
        self.runway.send(flight);
        true
    }

    /// Takes note of how the block under way ended; `false` when nothing more may be written.
    fn land(&mut self, landing: Landing) -> bool {
        let Some(aloft) = self.aloft.take() else {
            return true;
        };
        self.held_up = None;
        match landing {
            Landing::Durable { raw, stored, spent } => {
                self.learn(raw, stored);
                self.spare = Spare {
                    block: spent,
                    changes: aloft.changes.cleared(),
                };
            }
            Landing::NotStored => self.go_back(aloft.after, Vec::new()),
            Landing::TooLarge(decided) => {
                self.raw_limit = SAFE_RAW;
                self.go_back(aloft.after, decided);
            }
            Landing::Over => return false,
        }
        true
    }

    /// What was decided since rests on a block that is not there: it is decided again, after `undecided`.
    fn go_back(&mut self, after: (u64, crate::ledger::Hash), mut undecided: Vec<Decided>) {
        let builder = BlockBuilder::new(after.0, after.1);
        undecided.extend(self.draft.abandon(builder, self.parts.states.ledger()));
        for decided in undecided.into_iter().rev() {
            self.waiting.push_front(Waiting {
                end: decided.from + decided.answers.len(),
                next: decided.from,
                batch: decided.batch,
            });
        }
    }

    /// How much the next block may hold so that it fits, by how well this one compressed.
    fn learn(&mut self, raw: usize, stored: usize) {
        // A small block says little of how a large one compresses.
        if raw >= SAFE_RAW / 2 {
            let fits = STORED_BLOCK_MAX * 3 / 4 * raw / stored.max(1);
            self.raw_limit = fits.clamp(SAFE_RAW, RAW_LIMIT_MAX);
        }
    }
}

/// The ledger as the actor of its own records.
pub fn own_actor() -> Actor {
    Actor {
        service: "consent-ledger".to_owned(),
        role: "ledger".to_owned(),
        channel: None,
        person: None,
    }
}
