//! What makes a decided block durable, then visible: on a thread of its own, while the next block is decided.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::SubmitError;
use super::flight::{Decided, Flight};
use super::queue::Sender;
use crate::ledger::{BlockBuilder, GrowingTree, Hash, STORED_BLOCK_MAX, StoredBlock};
use crate::state::{Applied, Fatal, States};
use crate::storage::{AppendError, Journal};

/// How a flight ended.
pub enum Landing {
    /// Durable, visible, answered.
    Durable {
        /// Bytes of the block's lines.
        raw: usize,
        /// Bytes of the stored block.
        stored: usize,
        /// The block's memory, for another.
        spent: BlockBuilder,
    },
    /// Nothing was stored, and its callers know.
    NotStored,
    /// It compressed worse than the blocks before, and a block so large can't be stored: decided again in smaller
    /// blocks, its commands surely fit.
    TooLarge(Vec<Decided>),
    /// Nothing more may be written.
    Over,
}

/// The one way to the disk.
pub struct Commit {
    pub journal: Arc<dyn Journal>,
    pub states: States,
    pub tree: Arc<Mutex<GrowingTree>>,
    pub committed: watch::Sender<u64>,
    pub fatal: Fatal,
}

impl Commit {
    /// Makes the block durable, then visible, and answers. A panic on the way leaves nobody who knows what is stored.
    pub fn land(&self, flight: Flight) -> Landing {
        catch_unwind(AssertUnwindSafe(|| self.try_land(flight))).unwrap_or_else(|_| {
            (self.fatal)("the commit of a block panicked");
            Landing::Over
        })
    }

    fn try_land(&self, flight: Flight) -> Landing {
        let span = tracing::debug_span!("commit", records = flight.hashes.len()).entered();
        if !span.is_disabled() {
            flight.decided.iter().for_each(|decided| {
                span.follows_from(&decided.batch.span);
            });
        }
        if flight.block.count() == 0 {
            answer(flight.decided);
            return Landing::Durable {
                raw: 0,
                stored: 0,
                spent: flight.block,
            };
        }
        let block = flight.block.finish();
        if block.bytes.len() > STORED_BLOCK_MAX {
            return Landing::TooLarge(flight.decided);
        }
        // A crash before this returns leaves the block whole or not at all, and nobody was answered.
        match self.journal.append(block.first, &block) {
            Ok(()) => {
                self.publish(&block, flight.applied, flight.decided, &flight.hashes);
                let elapsed = flight.started.elapsed().as_secs_f64();
                metrics::histogram!("consent_commit_seconds").record(elapsed);
                self.states.wait_for_room();
                Landing::Durable {
                    raw: block.raw_len(),
                    stored: block.bytes.len(),
                    spent: flight.block,
                }
            }
            Err(AppendError::Unavailable(problem)) => {
                tracing::warn!(%problem, "a block was not stored");
                refuse(flight.decided, &SubmitError::Unavailable(problem));
                Landing::NotStored
            }
            Err(error @ (AppendError::HeadMoved { .. } | AppendError::Unknown(_))) => {
                (self.fatal)(&error.to_string());
                Landing::Over
            }
        }
    }

    /// The block is a fact: a crash recovers it from the log.
    fn publish(
        &self,
        block: &StoredBlock,
        applied: Applied,
        decided: Vec<Decided>,
        hashes: &[Hash],
    ) {
        {
            let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
            hashes.iter().for_each(|hash| tree.push(*hash));
        }
        let next = applied.next;
        self.states.publish(applied);
        answer(decided);
        // Callers first: those who follow the log can wait.
        self.committed.send_replace(next);
        metrics::histogram!("consent_block_records").record(f64::from(block.count));
        metrics::histogram!("consent_block_bytes").record(block.bytes.len() as f64);
        metrics::gauge!("consent_log_position").set(next as f64);
        tracing::debug!(first = block.first, count = block.count, "block committed");
    }
}

fn answer(decided: Vec<Decided>) {
    for decided in decided {
        decided.batch.answer(decided.from, decided.answers);
    }
}

/// Whatever was decided rested on what is not stored.
fn refuse(decided: Vec<Decided>, error: &SubmitError) {
    for decided in decided {
        let answers = decided.answers.iter().map(|_| Err(error.clone()));
        decided.batch.answer(decided.from, answers);
    }
}

/// The thread that lands flights, one after the other.
pub struct Runway {
    flights: Option<SyncSender<Flight>>,
    landings: Receiver<Landing>,
    thread: Option<JoinHandle<()>>,
}

impl Runway {
    /// Starts the thread; `queue` is told of each landing.
    pub fn start(commit: Arc<Commit>, queue: Sender) -> std::io::Result<Self> {
        let (flights, taken) = sync_channel::<Flight>(1);
        let (landed, landings) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("commit".to_owned())
            .spawn(move || {
                while let Ok(flight) = taken.recv() {
                    if landed.send(commit.land(flight)).is_err() {
                        return;
                    }
                    queue.landed();
                }
            })?;
        Ok(Self {
            flights: Some(flights),
            landings,
            thread: Some(thread),
        })
    }

    /// Sends a flight; the one before must have landed.
    pub fn send(&self, flight: Flight) {
        if let Some(flights) = &self.flights {
            // A thread that is gone is found out at the landing.
            let _ = flights.send(flight);
        }
    }

    /// How the flight under way ended, if it has.
    pub fn landed(&self) -> Option<Landing> {
        use std::sync::mpsc::TryRecvError;
        match self.landings.try_recv() {
            Ok(landing) => Some(landing),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Landing::Over),
        }
    }

    /// Waits for it.
    pub fn wait(&self) -> Landing {
        self.landings.recv().unwrap_or(Landing::Over)
    }
}

impl Drop for Runway {
    fn drop(&mut self) {
        self.flights = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the committing thread panicked");
        }
    }
}
