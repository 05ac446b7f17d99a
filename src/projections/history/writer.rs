//! The thread that follows the log.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::entry::{self, HistoryEntry};
use super::{HistoryOptions, Unwritten, ViewError, Written, failed};
use crate::codec;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;
use crate::ledger::{Envelope, Subject};
use crate::state::open_sled;
use crate::storage::Journal;

/// Raised whenever the shape of a run changes: an older view is then rebuilt.
const FORMAT: u8 = 3;
/// How often the thread looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it lets blocks gather.
const GATHER: Duration = Duration::from_millis(5);

pub struct Writer {
    options: HistoryOptions,
    database: sled::Db,
    written: Arc<RwLock<Written>>,
    meta: sled::Tree,
    file: File,
    unwritten: Arc<RwLock<Unwritten>>,
    journal: Arc<dyn Journal>,
    committed: watch::Receiver<u64>,
    reached: watch::Sender<u64>,
    /// Somebody waits for what was committed.
    wanted: Arc<Notify>,
    runtime: tokio::runtime::Handle,
    next: u64,
    /// Everything below is durable in the view.
    durable: u64,
    written_at: Instant,
}

/// Opens the view's files, or says why they are not this view's.
pub fn open(
    options: &HistoryOptions,
    ledger: [u8; 16],
    journal: &Arc<dyn Journal>,
    committed: &watch::Receiver<u64>,
) -> Result<(Writer, watch::Receiver<u64>), ViewError> {
    let database = open_sled(&options.dir, options.sled_cache_bytes)?;
    let runs = database.open_tree("runs").map_err(|error| failed(&error))?;
    let meta = database.open_tree("meta").map_err(|error| failed(&error))?;
    let identity = [&[FORMAT], &ledger[..]].concat();
    match meta.get("identity").map_err(|error| failed(&error))? {
        Some(found) if *found == *identity => {}
        None if runs.is_empty() => {
            meta.insert("identity", identity)
                .map_err(|error| failed(&error))?;
        }
        _ => {
            return Err(ViewError::History(
                "it is of another ledger or format".to_owned(),
            ));
        }
    }
    let next = match meta.get("reflects").map_err(|error| failed(&error))? {
        None => 0,
        Some(bytes) => bytes
            .as_ref()
            .try_into()
            .map(u64::from_le_bytes)
            .map_err(|_| ViewError::History("its position is broken".to_owned()))?,
    };
    if next > journal.head().next {
        return Err(ViewError::History("it is ahead of the log".to_owned()));
    }
    let (reached, follow) = watch::channel(next);
    let writer = Writer {
        file: File::open(options.dir.join("db")).map_err(|error| failed(&error))?,
        options: options.clone(),
        unwritten: Arc::default(),
        journal: Arc::clone(journal),
        committed: committed.clone(),
        database,
        written: Arc::new(RwLock::new(Written::open(runs)?)),
        meta,
        reached,
        wanted: Arc::default(),
        runtime: tokio::runtime::Handle::current(),
        next,
        durable: next,
        written_at: Instant::now(),
    };
    Ok((writer, follow))
}

impl Writer {
    pub fn written(&self) -> Arc<RwLock<Written>> {
        Arc::clone(&self.written)
    }

    pub fn wanted(&self) -> Arc<Notify> {
        Arc::clone(&self.wanted)
    }

    pub fn unwritten(&self) -> Arc<RwLock<Unwritten>> {
        Arc::clone(&self.unwritten)
    }

    /// Follows the log until `stop`, then writes what is left.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), ViewError> {
        loop {
            let head = *self.committed.borrow_and_update();
            while self.next < head && !stop.load(Ordering::Acquire) {
                self.take_block()?;
                if self.next - self.durable >= self.options.flush_records {
                    self.write()?;
                }
            }
            let stopping = stop.load(Ordering::Acquire);
            if self.next > self.durable
                && (stopping || self.written_at.elapsed() >= self.options.flush_every)
            {
                self.write()?;
            }
            if stopping {
                return Ok(());
            }
            self.wait();
        }
    }

    /// Until the log has grown, or it is time to look around. Commits that follow each other closely are taken together,
    /// so that this thread is not woken beside each of them; who waits for it does not wait for that.
    fn wait(&mut self) {
        let (committed, wanted) = (&mut self.committed, &self.wanted);
        let next = async {
            match tokio::time::timeout(LOOK_EVERY, committed.changed()).await {
                Ok(Ok(())) => {
                    let _ = tokio::time::timeout(GATHER, wanted.notified()).await;
                }
                Ok(Err(_)) => tokio::time::sleep(LOOK_EVERY).await,
                Err(_) => {}
            }
        };
        self.runtime.block_on(next);
    }

    fn take_block(&mut self) -> Result<(), ViewError> {
        let Some(block) = self.journal.read(self.next)? else {
            return Err(ViewError::History(format!(
                "position {} is not in the log",
                self.next
            )));
        };
        let open = super::super::open(&block)?;
        let entries = open
            .iter()
            .filter_map(|(position, line)| {
                entry_of(line)
                    .map_err(|problem| ViewError::Record { position, problem })
                    .transpose()
            })
            .collect::<Result<Vec<_>, _>>()?;
        {
            let mut unwritten = self
                .unwritten
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for (pseudonym, entry) in entries {
                unwritten.recent.entry(pseudonym).or_default().push(entry);
            }
        }
        self.next = block.next();
        self.reached.send_replace(self.next);
        metrics::gauge!("consent_projection_position", "view" => "history").set(self.next as f64);
        Ok(())
    }

    fn written_mut(&self) -> RwLockWriteGuard<'_, Written> {
        self.written.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The run durable first, then the position that promises it. A crash in between leaves entries that the next start
    /// writes again: the same twice, which is read as one.
    fn write(&mut self) -> Result<(), ViewError> {
        let writing = {
            let mut unwritten = self
                .unwritten
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            unwritten.writing = Arc::new(std::mem::take(&mut unwritten.recent));
            Arc::clone(&unwritten.writing)
        };
        let mut sorted: Vec<_> = writing.iter().collect();
        sorted.sort_unstable_by_key(|(pseudonym, _)| **pseudonym);
        let sorted = sorted.into_iter().flat_map(|(pseudonym, entries)| {
            entries.iter().map(|entry| entry::write(*pseudonym, entry))
        });
        let prepared = {
            let written = self.written.read().unwrap_or_else(PoisonError::into_inner);
            written.prepare(sorted)?
        };
        self.database.flush().map_err(|error| failed(&error))?;
        self.file.sync_data().map_err(|error| failed(&error))?;
        self.meta
            .insert("reflects", &self.next.to_le_bytes())
            .map_err(|error| failed(&error))?;
        self.database.flush().map_err(|error| failed(&error))?;
        let merged = self.written_mut().switch(prepared);
        self.unwritten
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .writing = Arc::default();
        self.written_mut().drop_runs(&merged)?;
        (self.durable, self.written_at) = (self.next, Instant::now());
        Ok(())
    }
}

/// What the view keeps of a record; nothing of one about the ledger itself.
fn entry_of(line: &[u8]) -> Result<Option<(Pseudonym, HistoryEntry)>, String> {
    let envelope = Envelope::parse(line).map_err(|error| error.to_string())?;
    let Subject::Customer(id) = envelope.subject else {
        return Ok(None);
    };
    let kind = codec::number_of(envelope.kind)
        .and_then(codec::name_of)
        .ok_or_else(|| format!("type `{}` is unknown", envelope.kind))?;
    let gag = if codec::is_disclosure(kind) && names_a_seal(line) {
        let decoded = codec::read_facts(line).map_err(|error| error.to_string())?;
        codec::gag_order(&decoded.fact)
    } else {
        None
    };
    let entry = HistoryEntry {
        version: envelope.version,
        position: Position(envelope.position),
        recorded_at: Time(envelope.recorded_at.0),
        kind,
        gag: gag.into(),
    };
    Ok(Some((Pseudonym(id), entry)))
}

/// Whether the line may hold a gag order: most don't, and are not decoded for it.
fn names_a_seal(line: &[u8]) -> bool {
    memchr::memmem::find(line, b"\"seal\":").is_some()
}
