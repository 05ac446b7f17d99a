//! Which records are about a customer: compact facts keyed by pseudonym and version, so that a page of history or a list
//! of disclosures reads only the blocks that it shows.
//!
//! A thread follows the log. What it has seen since the last write is in memory and shown at once; every now and then
//! it is written as a sorted run.

mod entry;
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
use crate::domain::ids::{Pseudonym, RandomId};
use crate::state::{Fatal, Runs};
use crate::storage::Journal;

pub use entry::{Gag, HistoryEntry};

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
}

/// A cheap handle to the view.
#[derive(Clone)]
pub struct History {
    written: Arc<RwLock<Written>>,
    unwritten: Arc<RwLock<Unwritten>>,
    reached: watch::Receiver<u64>,
    wanted: Arc<Notify>,
    running: Arc<Running>,
}

struct Running {
    stop: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

type Recent = HashMap<Pseudonym, Vec<HistoryEntry>, BuildHasherDefault<RandomId>>;
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
    /// Opens the view of ledger `ledger`, an empty one where there is none or it is broken, and starts the thread that
    /// follows the log. Must run inside a tokio runtime.
    ///
    /// # Errors
    /// When the folder can't be used or no thread be started.
    pub fn start(
        options: HistoryOptions,
        ledger: [u8; 16],
        journal: Arc<dyn Journal>,
        committed: watch::Receiver<u64>,
        fatal: Fatal,
    ) -> Result<Self, ViewError> {
        let opened = match writer::open(&options, ledger, &journal, &committed) {
            Ok(opened) => opened,
            Err(problem) => {
                if options.dir.exists() {
                    tracing::warn!(%problem, "the history view is rebuilt from the log");
                    fs::remove_dir_all(&options.dir).map_err(|error| failed(&error))?;
                }
                writer::open(&options, ledger, &journal, &committed)?
            }
        };
        let (mut writer, reached) = opened;
        let running = Arc::new(Running {
            stop: AtomicBool::new(false),
            thread: Mutex::default(),
        });
        let (written, unwritten) = (writer.written(), writer.unwritten());
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
        let (writing, recent) = {
            let unwritten = self
                .unwritten
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            (
                Arc::clone(&unwritten.writing),
                unwritten.recent.get(&pseudonym).cloned(),
            )
        };
        let scan = AssertUnwindSafe(|| self.written(pseudonym, &mut page));
        catch_unwind(scan).unwrap_or_else(|_| {
            Err(ViewError::History("sled panicked while reading".to_owned()))
        })?;
        let writing = writing.get(&pseudonym).into_iter().flatten();
        for entry in writing.chain(recent.iter().flatten()) {
            if !page.take(entry) {
                break;
            }
        }
        Ok(page.found)
    }

    fn written(&self, pseudonym: Pseudonym, page: &mut Page<'_>) -> Result<(), ViewError> {
        let first = entry::key(pseudonym, page.after_version.saturating_add(1));
        let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
        for bytes in written.from(&first)? {
            let (about, entry) = entry::read(&bytes?)?;
            if about != pseudonym || !page.take(&entry) {
                break;
            }
        }
        Ok(())
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
