//! Which records are about a customer and what they say, keyed by pseudonym and version: a page of history or a list of
//! disclosures reads only the blocks that it shows, and an answer from the past reads none (C4).
//!
//! A thread follows the log. What it has seen since the last write is in memory and shown at once; every now and then
//! it is written: entries of a fixed size as a sorted run, and what the records say, without personal fields, into a
//! *heap* of compressed chunks that the entries point into. Runs are merged, the heap is only added to. Of a customer
//! with many records the state is kept in the heap beside every so many of them, so that a past state costs few events
//! to replay. Two subjects are no customers: the ledger, whose records are those about the company and the rulebook,
//! and the clock, whose entries say from which position on `recorded_at` was what.
//!
//! What is written is durable before the runs are listed, and the list holds the position that they reflect. What a crash
//! leaves besides is dropped at the next start and written again. Every chunk has a checksum and a number, and a part that is
//! gone is noticed by whoever would read over it; the view is then marked, and rebuilt from the log at the next start.

mod entry;
mod heap;
mod snapshots;
mod told;
mod writer;

use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasherDefault;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::{Notify, watch};

use super::ViewError;
use crate::codec::Fact;
use crate::domain::customer::Customer;
use crate::domain::ids::{Position, Pseudonym, RandomId};
use crate::domain::time::Time;
use crate::state::{Fatal, Runs};
use crate::storage::Journal;
use told::{Known, Records};

pub use entry::HistoryEntry;
pub use told::Told;
use writer::Writer;

/// How the view is kept.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// Its folder; deleted and rebuilt when broken.
    pub dir: PathBuf,
    /// Bytes that sled may cache.
    pub sled_cache_bytes: u64,
    /// Longest time that a record stays unwritten.
    pub flush_every: Duration,
    /// Records that start a write at once; they bound the memory.
    pub flush_records: u64,
    /// Bytes of what they say that start a write at once; they bound the memory, too.
    pub flush_bytes: usize,
    /// Bytes of what records say that are compressed together: as many are read for one of them.
    pub chunk_bytes: usize,
    /// A customer's state is kept about every so many records: less than twice as many are replayed for a past one.
    pub snapshot_every: u64,
}

impl HistoryOptions {
    /// The defaults for a view in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            sled_cache_bytes: 8 << 20,
            flush_every: Duration::from_secs(2),
            flush_records: 200_000,
            flush_bytes: 16 << 20,
            chunk_bytes: 16 << 10,
            snapshot_every: 16,
        }
    }
}

/// The state of a customer who is in memory, as new as it is there.
pub type CurrentStates = Arc<dyn Fn(Pseudonym) -> Option<Arc<Customer>> + Send + Sync>;

/// The view's files, open, and nobody yet who follows the log.
pub struct OpenHistory(writer::Files);

/// A cheap handle to the view.
#[derive(Clone)]
pub struct History {
    written: Arc<RwLock<Written>>,
    heap: sled::Tree,
    meta: sled::Tree,
    unwritten: Arc<RwLock<Unwritten>>,
    reached: watch::Receiver<u64>,
    wanted: Arc<Notify>,
    running: Arc<Running>,
}

struct Running {
    stop: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// A record that is in memory: its entry, and its item of the heap.
#[derive(Clone)]
struct Kept {
    entry: HistoryEntry,
    item: Arc<[u8]>,
}

type Recent = HashMap<Pseudonym, Vec<Kept>, BuildHasherDefault<RandomId>>;
type Written = Runs<{ entry::KEY }, { entry::ENTRY }>;

/// What isn't durable in the view yet.
#[derive(Default)]
struct Unwritten {
    /// Being written.
    writing: Arc<Recent>,
    /// Seen since.
    recent: Recent,
}

impl History {
    /// Opens the view of ledger `ledger`, an empty one where there is none or it is broken.
    ///
    /// # Errors
    /// When the folder can't be used.
    pub fn open(
        options: &HistoryOptions,
        ledger: [u8; 16],
        journal: &Arc<dyn Journal>,
    ) -> Result<OpenHistory, ViewError> {
        let open = || writer::Files::open(options, ledger, journal).map(OpenHistory);
        open().or_else(|problem| {
            if options.dir.exists() {
                tracing::warn!(%problem, "the history view is rebuilt from the log");
                fs::remove_dir_all(&options.dir).map_err(|error| failed(&error))?;
            }
            open()
        })
    }

    /// Starts the thread that follows the log. A state to be kept is taken from `current` where it is the one, and else
    /// made from the records.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        opened: OpenHistory,
        committed: watch::Receiver<u64>,
        current: CurrentStates,
        fatal: Fatal,
    ) -> Result<Self, ViewError> {
        let (mut writer, reached) = Writer::over(opened.0, committed, current);
        let running = Arc::new(Running {
            stop: AtomicBool::new(false),
            thread: Mutex::default(),
        });
        let (written, unwritten) = (writer.written(), writer.unwritten());
        let (heap, meta) = (writer.heap(), writer.meta());
        let wanted = writer.wanted();
        let stop = Arc::clone(&running);
        let thread = std::thread::Builder::new()
            .name("history-view".to_owned())
            .spawn(move || {
                let ended = catch_unwind(AssertUnwindSafe(|| writer.run(&stop.stop)));
                if let Err(error) = ended.unwrap_or_else(|_| Err(failed(&"its thread panicked"))) {
                    fatal(&error.to_string());
                }
            })
            .map_err(|error| failed(&error))?;
        *running
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Self {
            written,
            heap,
            meta,
            unwritten,
            reached,
            wanted,
            running,
        })
    }

    /// The position below which the view shows everything.
    pub fn reached(&self) -> watch::Receiver<u64> {
        self.reached.clone()
    }

    /// Asks for what was committed to be shown at once.
    pub(super) fn want(&self) {
        self.wanted.notify_one();
    }

    /// Ends the thread after a last write.
    pub fn stop(&self) {
        self.running.stop.store(true, Ordering::Release);
        let thread = self
            .running
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the thread of the history view panicked");
        }
    }

    pub(super) fn list(
        &self,
        pseudonym: Pseudonym,
        after_version: u64,
        limit: usize,
        wanted: &dyn Fn(&HistoryEntry) -> bool,
    ) -> Result<Vec<HistoryEntry>, ViewError> {
        let mut page = Page {
            after_version,
            limit,
            wanted,
            found: Vec::new(),
        };
        // The unwritten ones first: a run that is written meanwhile is seen twice, and never missed.
        let (writing, recent) = self.in_memory(pseudonym);
        self.reading(|| self.list_written(pseudonym, &mut page))?;
        let writing = writing.get(&pseudonym).into_iter().flatten();
        for kept in writing.chain(&recent) {
            if !page.take(&kept.entry) {
                break;
            }
        }
        Ok(page.found)
    }

    /// The customer's state after the last of the `known` records; `None` before the account was opened.
    pub(super) fn customer(
        &self,
        pseudonym: Pseudonym,
        known: Known<'_>,
    ) -> Result<Option<Customer>, ViewError> {
        if !entry::is_customer(pseudonym) {
            return Ok(None);
        }
        let records = self.records(pseudonym, known)?;
        self.reading(|| records.customer(&self.heap))
    }

    /// What the `known` records about a customer say, oldest first.
    pub(super) fn told(
        &self,
        pseudonym: Pseudonym,
        known: Known<'_>,
    ) -> Result<Vec<Told>, ViewError> {
        let records = self.records(pseudonym, known)?;
        self.reading(|| records.told(&self.heap))
    }

    /// What the records about the ledger after a version of it say, oldest first.
    pub(super) fn ledger_after(&self, version: u64) -> Result<Vec<Told<Fact>>, ViewError> {
        let records = self.add_to(Records::after(version), entry::LEDGER, &|_| true)?;
        self.reading(|| records.facts(&self.heap))
    }

    /// When the record at `position` was recorded, if the view has reached it.
    pub(super) fn recorded_at(&self, position: Position) -> Result<Option<Time>, ViewError> {
        let in_memory = {
            let unwritten = self
                .unwritten
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            // One for every instant at which something was recorded: not copied for each question.
            let Unwritten { writing, recent } = &*unwritten;
            let newest_first = [recent, writing.as_ref()].map(|all| all.get(&entry::CLOCK));
            let mut newest_first = (newest_first.into_iter().flatten())
                .flat_map(|all| all.iter().rev())
                .map(|kept| &kept.entry);
            newest_first
                .find(|entry| entry.position <= position)
                .map(|entry| entry.recorded_at)
        };
        if in_memory.is_some() {
            return Ok(in_memory);
        }
        let first = entry::key(entry::CLOCK, u64::MAX - position.0);
        self.reading(|| {
            let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
            let found = written.from(&first)?.next();
            found
                .map(|bytes| Ok(entry::read(&bytes?)?.1.recorded_at))
                .transpose()
        })
    }

    fn records(&self, subject: Pseudonym, known: Known<'_>) -> Result<Records, ViewError> {
        self.add_to(Records::default(), subject, known)
    }

    fn add_to(
        &self,
        mut records: Records,
        subject: Pseudonym,
        known: Known<'_>,
    ) -> Result<Records, ViewError> {
        // As in a list: the unwritten ones are taken first, and come last.
        let (writing, recent) = self.in_memory(subject);
        let more = self.reading(|| {
            let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
            records.add_written(&written, subject, known)
        })?;
        let writing = writing.get(&subject).into_iter().flatten();
        if more && records.add_unwritten(writing, known) {
            records.add_unwritten(recent.iter(), known);
        }
        Ok(records)
    }

    /// What isn't durable yet: what is being written, and what was seen of the subject since.
    fn in_memory(&self, subject: Pseudonym) -> (Arc<Recent>, Vec<Kept>) {
        let unwritten = self
            .unwritten
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        (
            Arc::clone(&unwritten.writing),
            unwritten.recent.get(&subject).cloned().unwrap_or_default(),
        )
    }

    fn list_written(&self, pseudonym: Pseudonym, page: &mut Page<'_>) -> Result<(), ViewError> {
        let first = entry::key(pseudonym, page.after_version.saturating_add(1));
        let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
        for bytes in written.from(&first)? {
            let (about, entry, _) = entry::read(&bytes?)?;
            if about != pseudonym || !page.take(&entry) {
                break;
            }
        }
        Ok(())
    }

    /// Reads from the files; where they are broken, the view is marked, so that the next start rebuilds it.
    fn reading<T>(&self, read: impl FnOnce() -> Result<T, ViewError>) -> Result<T, ViewError> {
        let read = catch_unwind(AssertUnwindSafe(read))
            .unwrap_or_else(|_| Err(ViewError::History("sled panicked while reading".to_owned())));
        if let Err(problem) = &read {
            tracing::error!(%problem, "the history view is marked to be rebuilt");
            writer::mark_broken(&self.meta);
        }
        read
    }
}

/// A page in the making: versions only rise.
struct Page<'a> {
    after_version: u64,
    limit: usize,
    wanted: &'a dyn Fn(&HistoryEntry) -> bool,
    found: Vec<HistoryEntry>,
}

impl Page<'_> {
    /// Takes the next entry; `false` when the page is full.
    fn take(&mut self, entry: &HistoryEntry) -> bool {
        if self.found.len() >= self.limit {
            return false;
        }
        if entry.version > self.after_version {
            self.after_version = entry.version;
            if (self.wanted)(entry) {
                self.found.push(*entry);
            }
        }
        true
    }
}

fn failed(error: &dyn std::fmt::Display) -> ViewError {
    ViewError::History(error.to_string())
}
