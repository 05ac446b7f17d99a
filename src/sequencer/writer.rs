//! The thread that owns the log's end.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{mpsc, watch};

use super::draft::{Draft, Drafted, Drafting, Registered};
use super::queue::{Batch, Queued, Sender, queue};
use super::{Answer, CustomerRef, Handle, Intent, Options, Parts, SubmitError};
use crate::clock::LedgerTime;
use crate::codec::{RULEBOOK_ADOPTED, RulebookAdopted, encode_rulebook};
use crate::domain::command::Command;
use crate::domain::services::VaultHead;
use crate::domain::time::Time;
use crate::ledger::{
    Actor, BlockBuilder, Frontier, Hash, Part, Policy, Record, SAFE_RAW, STORED_BLOCK_MAX,
    StoredBlock, Subject, Timestamp,
};
use crate::state::Applied;
use crate::storage::AppendError;
use crate::vault::VaultError;

/// The running writer; stopping it answers what is queued first.
pub struct Writer {
    queue: Sender,
    frontier: Arc<Mutex<Frontier>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the writer on a log whose head, states and frontier agree. A rulebook that is not the one in force takes
    /// force with a record of its own before the first command.
    ///
    /// # Errors
    /// When the rulebook can't take force (the clock, the disk), or no thread can be started.
    pub fn start(options: Options, parts: Parts) -> Result<(Self, Handle), SubmitError> {
        let (sender, batches) = queue(options.queue_commands, options.retry_after);
        let (committed, follow) = watch::channel(parts.journal.head().next);
        let frontier = Arc::new(Mutex::new(parts.frontier.clone()));
        let handle = Handle {
            queue: sender.clone(),
            vault: parts.vault.clone(),
            committed: follow,
        };
        let last = Time(parts.states.ledger().recorded_at);
        let mut running = Running {
            time: LedgerTime::new(Arc::clone(&parts.clock), last),
            policy: Policy {
                rulebook: parts.rulebook.name.clone(),
                version: parts.rulebook.version.clone(),
            },
            builder: BlockBuilder::new(parts.journal.head().next, parts.journal.head().last),
            frontier: Arc::clone(&frontier),
            raw_limit: SAFE_RAW,
            options,
            parts,
            committed,
        };
        running.adopt_rulebook()?;
        let thread = std::thread::Builder::new()
            .name("sequencer".to_owned())
            .spawn(move || running.run(batches))
            .map_err(|error| SubmitError::Failed(error.to_string()))?;
        Ok((
            Self {
                queue: sender,
                frontier,
                thread: Some(thread),
            },
            handle,
        ))
    }

    /// The Merkle tree's edge at some committed position.
    pub fn frontier(&self) -> Arc<Mutex<Frontier>> {
        Arc::clone(&self.frontier)
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

struct Running {
    options: Options,
    parts: Parts,
    policy: Policy,
    time: LedgerTime,
    builder: BlockBuilder,
    /// Bytes of lines that the next block may hold; follows how well the newest ones compressed.
    raw_limit: usize,
    frontier: Arc<Mutex<Frontier>>,
    committed: watch::Sender<u64>,
}

/// The most bytes of lines in a block that the writer makes: a reader opens a whole block for one record.
const RAW_LIMIT_MAX: usize = 384 << 10;

/// Answers of one batch as they come.
type Answers = Vec<Option<Result<Answer, SubmitError>>>;

impl Running {
    fn run(mut self, mut batches: mpsc::UnboundedReceiver<Queued>) {
        let mut stopping = false;
        loop {
            let first = match if stopping {
                batches.try_recv().ok()
            } else {
                batches.blocking_recv()
            } {
                Some(Queued::Batch(batch)) => batch,
                Some(Queued::Stop) => {
                    stopping = true;
                    continue;
                }
                None => return,
            };
            let mut waiting = vec![first];
            let mut commands = waiting
                .iter()
                .map(|batch| batch.intents.len())
                .sum::<usize>();
            while commands < self.options.block_records as usize {
                match batches.try_recv() {
                    Ok(Queued::Batch(batch)) => {
                        commands += batch.intents.len();
                        waiting.push(batch);
                    }
                    Ok(Queued::Stop) => stopping = true,
                    Err(_) => break,
                }
            }
            metrics::gauge!("consent_queue_waiting").set(commands as f64);
            if !self.work(waiting) {
                return;
            }
        }
    }

    /// Decides and commits all of `batches`, in as many blocks as they need; `false` when nothing more may be written.
    fn work(&mut self, batches: Vec<Batch>) -> bool {
        let span = tracing::debug_span!("commit", commands = tracing::field::Empty).entered();
        if !span.is_disabled() {
            batches.iter().for_each(|batch| {
                span.follows_from(&batch.span);
            });
        }
        let mut answers: Vec<Answers> = batches
            .iter()
            .map(|batch| batch.intents.iter().map(|_| None).collect())
            .collect();
        let commands: Vec<(usize, usize)> = batches
            .iter()
            .enumerate()
            .flat_map(|(at, batch)| (0..batch.intents.len()).map(move |index| (at, index)))
            .collect();
        span.record("commands", commands.len());
        let mut done = 0;
        while done < commands.len() {
            let rest = &commands[done..];
            let Some(taken) = self.one_block(&batches, rest, &mut answers) else {
                return false;
            };
            done += taken;
        }
        for (batch, answers) in batches.into_iter().zip(answers) {
            let answers = answers
                .into_iter()
                .map(|answer| answer.unwrap_or(Err(SubmitError::Stopping)));
            // Whoever asked may have gone; the command is recorded all the same.
            let _ = batch.reply.send(answers.collect());
        }
        true
    }

    /// One block of the commands at `rest`: how many were decided, or `None` when the outcome is unknown.
    fn one_block(
        &mut self,
        batches: &[Batch],
        rest: &[(usize, usize)],
        answers: &mut [Answers],
    ) -> Option<usize> {
        let started = Instant::now();
        let intent = |(batch, index): (usize, usize)| &batches[batch].intents[index];
        let mut refuse_all = |error: &SubmitError| {
            for &(batch, index) in rest {
                answers[batch][index] = Some(Err(error.clone()));
            }
            Some(rest.len())
        };
        let now = match self.time.now() {
            Ok(now) => now,
            Err(error) => return refuse_all(&SubmitError::Clock(error)),
        };
        let registered = match self.register(rest.iter().map(|at| intent(*at))) {
            Ok(registered) => registered,
            Err(error @ VaultError::Unknown { .. }) => {
                (self.parts.fatal)(&error.to_string());
                return None;
            }
            Err(error) => return refuse_all(&SubmitError::from(error)),
        };
        let before = BlockBuilder::new(self.builder.next(), self.builder.last());
        let mut draft = Draft::new(
            &self.parts,
            &self.policy,
            registered,
            now,
            &mut self.builder,
            self.raw_limit,
        );
        let (mut taken, mut accepted) = (0, Vec::new());
        for &(batch, index) in rest {
            if taken >= self.options.block_records as usize {
                break;
            }
            match draft.add(intent((batch, index))) {
                Ok(Drafting::BlockFull) => break,
                Ok(Drafting::Answer(answer)) => {
                    accepted.push((batch, index));
                    answers[batch][index] = Some(Ok(*answer));
                }
                Err(error) => answers[batch][index] = Some(Err(error)),
            }
            taken += 1;
        }
        let drafted = draft.finish();
        if drafted.hashes.is_empty() {
            return Some(taken);
        }
        let block = self.builder.finish();
        if block.bytes.len() > STORED_BLOCK_MAX {
            // It compressed worse than the ones before; decided again, it surely fits.
            self.builder = before;
            self.raw_limit = SAFE_RAW;
            return Some(0);
        }
        self.learn(&block);
        match self.commit(&block, drafted, started) {
            Ok(()) => Some(taken),
            Err(AppendError::Unavailable(problem)) => {
                tracing::warn!(%problem, "a block was not stored");
                self.builder = before;
                for (batch, index) in accepted {
                    answers[batch][index] = Some(Err(SubmitError::Unavailable(problem.clone())));
                }
                Some(taken)
            }
            Err(error @ (AppendError::HeadMoved { .. } | AppendError::Unknown(_))) => {
                (self.parts.fatal)(&error.to_string());
                None
            }
        }
    }

    /// Makes the drafted block durable, then visible.
    fn commit(
        &mut self,
        block: &StoredBlock,
        drafted: Drafted,
        started: Instant,
    ) -> Result<(), AppendError> {
        // A crash before this returns leaves the block whole or not at all, and nobody was answered.
        self.parts.journal.append(block.first, block)?;
        // From here on the block is a fact: a crash recovers it from the log.
        self.builder.start_next();
        {
            let mut frontier = self.frontier.lock().unwrap_or_else(PoisonError::into_inner);
            drafted.hashes.iter().for_each(|hash| frontier.push(*hash));
        }
        let next = drafted.applied.next;
        self.parts.states.publish(drafted.applied);
        self.committed.send_replace(next);
        metrics::histogram!("consent_commit_seconds").record(started.elapsed().as_secs_f64());
        metrics::histogram!("consent_block_records").record(f64::from(block.count));
        metrics::histogram!("consent_block_bytes").record(block.bytes.len() as f64);
        metrics::gauge!("consent_log_position").set(next as f64);
        tracing::debug!(first = block.first, count = block.count, "block committed");
        Ok(())
    }

    /// How much the next block may hold so that it fits, by how well this one compressed.
    fn learn(&mut self, block: &StoredBlock) {
        let (raw, stored) = (block.raw_len(), block.bytes.len());
        // A small block says little of how a large one compresses.
        if raw >= SAFE_RAW / 2 {
            let fits = STORED_BLOCK_MAX * 3 / 4 * raw / stored.max(1);
            self.raw_limit = fits.clamp(SAFE_RAW, RAW_LIMIT_MAX);
        }
    }

    /// Registers the accounts that the commands open, with one sync for all, before any block cites them.
    fn register<'i>(
        &self,
        intents: impl Iterator<Item = &'i Intent>,
    ) -> Result<Registered, VaultError> {
        let ids: HashSet<&str> = intents
            .filter(|intent| matches!(intent.command, Command::OpenAccount(_)))
            .filter_map(|intent| match &intent.customer {
                CustomerRef::Id(id) => Some(id.as_str()),
                CustomerRef::Pseudonym(_) => None,
            })
            .collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let ids: Vec<&str> = ids.into_iter().collect();
        let registrations = self.parts.vault.register(&ids)?;
        Ok(ids
            .into_iter()
            .zip(registrations)
            .map(|(id, registration)| {
                let head = VaultHead {
                    sequence: registration.head.sequence,
                    hash: registration.head.hash,
                };
                (id.to_owned(), (registration.pseudonym, head))
            })
            .collect())
    }

    /// Records that the configured rulebook takes force, where another was (P17).
    fn adopt_rulebook(&mut self) -> Result<(), SubmitError> {
        let mut ledger = self.parts.states.ledger();
        let rulebook = Arc::clone(&self.parts.rulebook);
        if ledger.rulebook.2 == rulebook.digest {
            return Ok(());
        }
        let now = self.time.now()?;
        let adopted = RulebookAdopted {
            name: rulebook.name.clone(),
            version: rulebook.version.clone(),
            digest: rulebook.digest,
        };
        let record = Record {
            position: self.builder.next(),
            recorded_at: Timestamp(now.0),
            occurred_at: None,
            subject: Subject::Ledger,
            version: ledger.version + 1,
            kind: RULEBOOK_ADOPTED.to_owned(),
            part: Part { index: 1, of: 1 },
            actor: own_actor(),
            policy: self.policy.clone(),
            data: encode_rulebook(&adopted)
                .map_err(|error| SubmitError::Failed(error.to_string()))?,
            sealed: Vec::new(),
            request_mac: None,
            prev: self.builder.last(),
        };
        let mut line = Vec::new();
        record
            .write_checked(&mut line)
            .map_err(|error| SubmitError::Failed(error.to_string()))?;
        let hash: Hash = self.builder.push(&line);
        ledger.version = record.version;
        ledger.last = record.position;
        ledger.rulebook = (adopted.name, adopted.version, adopted.digest);
        ledger.recorded_at = now.0;
        ledger.hash = hash.0;
        let applied = Applied {
            next: self.builder.next(),
            ledger,
            ..Applied::default()
        };
        let drafted = Drafted {
            applied,
            hashes: vec![hash],
        };
        let block = self.builder.finish();
        self.commit(&block, drafted, Instant::now())
            .map_err(|error| SubmitError::Failed(error.to_string()))
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
