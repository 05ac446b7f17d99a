//! The thread that follows the log.

use std::fs::File;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::sync::{Notify, watch};

use super::entry::{self, HistoryEntry};
use super::heap::{self, Filling, Item};
use super::snapshots::{Row, Snapshots};
use super::{CurrentStates, HistoryOptions, Kept, Unwritten, ViewError, Written, failed};
use crate::codec;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;
use crate::ledger::{RecordRef, Subject};
use crate::state::{STATE_FORMAT, StateError, open_sled};
use crate::storage::Journal;

/// Raised whenever the shape of a run or of the heap changes: an older view is then rebuilt. A change of the state's
/// shape rebuilds it, too.
const FORMAT: u8 = 5;
const BROKEN: &[u8] = b"broken";
/// How often the thread looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long it lets blocks gather.
const GATHER: Duration = Duration::from_millis(5);

/// The view's files, open, and up to where they reflect the log.
pub struct Files {
    options: HistoryOptions,
    database: sled::Db,
    written: Arc<RwLock<Written>>,
    heap: sled::Tree,
    meta: sled::Tree,
    file: File,
    journal: Arc<dyn Journal>,
    next: u64,
    /// The heap's next chunk.
    chunk: u32,
}

pub struct Writer {
    view: Files,
    unwritten: Arc<RwLock<Unwritten>>,
    committed: watch::Receiver<u64>,
    current: CurrentStates,
    reached: watch::Sender<u64>,
    /// Somebody waits for what was committed.
    wanted: Arc<Notify>,
    /// Everything below is durable in the view.
    durable: u64,
    /// Bytes of what is not.
    bytes: usize,
    /// When the newest record was recorded.
    recorded_at: Option<Time>,
    written_at: Instant,
}

impl Files {
    /// Opens the view's files, or says why they are not this view's.
    pub fn open(
        options: &HistoryOptions,
        ledger: [u8; 16],
        journal: &Arc<dyn Journal>,
    ) -> Result<Self, ViewError> {
        let database = open_sled(&options.dir, options.sled_cache_bytes)?;
        let tree = |name| database.open_tree(name).map_err(|error| failed(&error));
        let (runs, heap, meta) = (tree("runs")?, tree("heap")?, tree("meta")?);
        let identity = [&[FORMAT], &STATE_FORMAT.to_le_bytes()[..], &ledger[..]].concat();
        match meta.get("identity").map_err(|error| failed(&error))? {
            Some(found) if *found == *identity => {}
            None if runs.is_empty() && heap.is_empty() => {
                meta.insert("identity", identity)
                    .map_err(|error| failed(&error))?;
            }
            _ => {
                return Err(ViewError::History(
                    "it is of another ledger or format".to_owned(),
                ));
            }
        }
        if meta.contains_key(BROKEN).map_err(|error| failed(&error))? {
            return Err(ViewError::History("a part of it is gone".to_owned()));
        }
        let written = Written::open(runs)?;
        let (next, chunk) = reflects(written.note())?;
        if next > journal.head().next {
            return Err(ViewError::History("it is ahead of the log".to_owned()));
        }
        heap::drop_from(&heap, chunk)?;
        Ok(Self {
            file: File::open(options.dir.join("db")).map_err(|error| failed(&error))?,
            options: options.clone(),
            journal: Arc::clone(journal),
            database,
            written: Arc::new(RwLock::new(written)),
            heap,
            meta,
            next,
            chunk,
        })
    }
}

/// Up to where the view reflects the log, and the heap's next chunk: as they are noted in the list of runs.
fn reflects(note: &[u8]) -> Result<(u64, u32), ViewError> {
    let parse = || {
        let (next, chunk) = note.split_first_chunk::<8>()?;
        let chunk = u32::from_le_bytes(chunk.try_into().ok()?);
        Some((u64::from_le_bytes(*next), chunk))
    };
    match note {
        [] => Ok((0, 0)),
        _ => parse().ok_or_else(|| ViewError::History("its position is broken".to_owned())),
    }
}

/// Notes that the view can't be trusted; the next start rebuilds it.
pub fn mark_broken(meta: &sled::Tree) {
    let marked = meta.insert(BROKEN, &[]).and_then(|_| meta.flush());
    if let Err(error) = marked {
        tracing::error!(%error, "the history view can't be marked");
    }
}

impl Writer {
    pub fn over(
        view: Files,
        committed: watch::Receiver<u64>,
        current: CurrentStates,
    ) -> (Self, watch::Receiver<u64>) {
        let (reached, follow) = watch::channel(view.next);
        let writer = Self {
            unwritten: Arc::default(),
            committed,
            current,
            reached,
            wanted: Arc::default(),
            durable: view.next,
            bytes: 0,
            recorded_at: None,
            written_at: Instant::now(),
            view,
        };
        (writer, follow)
    }

    pub fn heap(&self) -> sled::Tree {
        self.view.heap.clone()
    }

    pub fn meta(&self) -> sled::Tree {
        self.view.meta.clone()
    }

    pub fn written(&self) -> Arc<RwLock<Written>> {
        Arc::clone(&self.view.written)
    }

    pub fn wanted(&self) -> Arc<Notify> {
        Arc::clone(&self.wanted)
    }

    pub fn unwritten(&self) -> Arc<RwLock<Unwritten>> {
        Arc::clone(&self.unwritten)
    }

    /// Follows the log until `stop`, then writes what is left.
    pub fn run(&mut self, stop: &AtomicBool) -> Result<(), ViewError> {
        // Its own: it outlives the one that serves.
        let timers = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .map_err(|error| failed(&error))?;
        loop {
            let head = *self.committed.borrow_and_update();
            while self.view.next < head && !stop.load(Ordering::Acquire) {
                self.take_block()?;
                if self.view.next - self.durable >= self.view.options.flush_records
                    || self.bytes >= self.view.options.flush_bytes
                {
                    self.write()?;
                }
            }
            let stopping = stop.load(Ordering::Acquire);
            if self.view.next > self.durable
                && (stopping || self.written_at.elapsed() >= self.view.options.flush_every)
            {
                self.write()?;
            }
            if stopping {
                return Ok(());
            }
            self.wait(&timers);
        }
    }

    /// Until the log has grown, or it is time to look around. Commits that follow each other closely are taken together,
    /// so that this thread is not woken beside each of them; who waits for it does not wait for that.
    fn wait(&mut self, timers: &Runtime) {
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
        timers.block_on(next);
    }

    fn take_block(&mut self) -> Result<(), ViewError> {
        let Some(block) = self.view.journal.read(self.view.next)? else {
            return Err(ViewError::History(format!(
                "position {} is not in the log",
                self.view.next
            )));
        };
        let open = super::super::open(&block)?;
        let mut kept = Vec::new();
        for (position, line) in open.iter() {
            let problem = |problem| ViewError::Record { position, problem };
            let (subject, record) = keep(line).map_err(problem)?;
            self.bytes += record.item.len();
            if self.recorded_at != Some(record.entry.recorded_at) {
                self.recorded_at = Some(record.entry.recorded_at);
                kept.push((entry::CLOCK, of_the_clock(&record.entry)));
            }
            kept.push((subject, record));
        }
        {
            let mut unwritten = self
                .unwritten
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            for (subject, record) in kept {
                unwritten.recent.entry(subject).or_default().push(record);
            }
        }
        self.view.next = block.next();
        self.reached.send_replace(self.view.next);
        metrics::gauge!("consent_projection_position", "view" => "history")
            .set(self.view.next as f64);
        Ok(())
    }

    fn written_mut(&self) -> RwLockWriteGuard<'_, Written> {
        self.view
            .written
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Heap and run durable first, then the list of runs with the position that promises them, in one piece. A crash in
    /// between leaves what the next start drops and writes again; only then what was merged is let go of.
    fn write(&mut self) -> Result<(), ViewError> {
        let writing = {
            let mut unwritten = self
                .unwritten
                .write()
                .unwrap_or_else(PoisonError::into_inner);
            unwritten.writing = Arc::new(std::mem::take(&mut unwritten.recent));
            Arc::clone(&unwritten.writing)
        };
        let mut subjects: Vec<_> = writing.iter().collect();
        subjects.sort_unstable_by_key(|(subject, _)| **subject);
        let mut filling = Filling::new(
            &self.view.heap,
            self.view.options.chunk_bytes,
            self.view.chunk,
        )?;
        let prepared = {
            let written = self
                .view
                .written
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            let every = self.view.options.snapshot_every;
            let mut snapshots = Snapshots::new(&written, &self.view.heap, &self.current, every);
            let rows = (subjects.iter()).flat_map(|(subject, kept)| Row::of(**subject, kept));
            let entries = rows.map(|row| {
                let mut place = || {
                    let snapshot = snapshots.after(&row)?;
                    filling.add(&row.kept.item, snapshot.as_deref())
                };
                let place = place().map_err(|error| StateError::View(error.to_string()))?;
                Ok(entry::write(row.subject, &row.kept.entry, place))
            });
            written.prepare(entries)?
        };
        let chunk = filling.finish()?;
        self.sync()?;
        let merged = self.written_mut().switch(prepared);
        let note = [&self.view.next.to_le_bytes()[..], &chunk.to_le_bytes()[..]].concat();
        (self.view.written.read())
            .unwrap_or_else(PoisonError::into_inner)
            .list(&note)?;
        self.sync()?;
        self.unwritten
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .writing = Arc::default();
        self.written_mut().drop_runs(&merged)?;
        (self.durable, self.written_at) = (self.view.next, Instant::now());
        (self.view.chunk, self.bytes) = (chunk, 0);
        Ok(())
    }

    fn sync(&self) -> Result<(), ViewError> {
        self.view.database.flush().map_err(|error| failed(&error))?;
        self.view.file.sync_data().map_err(|error| failed(&error))
    }
}

/// What the view keeps of a record, and about whom it is.
fn keep(line: &[u8]) -> Result<(Pseudonym, Kept), String> {
    let record = RecordRef::parse(line).map_err(|error| error.to_string())?;
    let (subject, kind) = match record.subject {
        Subject::Ledger => (entry::LEDGER, ""),
        Subject::Customer(id) => {
            let kind = codec::number_of(record.kind).and_then(codec::name_of);
            let kind = kind.ok_or_else(|| format!("type `{}` is unknown", record.kind))?;
            (Pseudonym(id), kind)
        }
    };
    let entry = HistoryEntry {
        version: record.version,
        position: Position(record.position),
        recorded_at: Time(record.recorded_at.0),
        kind,
    };
    let before = record.part.index.saturating_sub(1);
    let occurred_at = record.occurred_at.map(|at| Time(at.0));
    let of_the_ledger = if kind.is_empty() { record.kind } else { "" };
    let item = Item::write(before, occurred_at, of_the_ledger, record.data).into();
    Ok((subject, Kept { entry, item }))
}

/// From that record on the clock stood there.
fn of_the_clock(record: &HistoryEntry) -> Kept {
    let entry = HistoryEntry {
        version: u64::MAX - record.position.0,
        position: record.position,
        recorded_at: record.recorded_at,
        kind: "",
    };
    let item = Arc::default();
    Kept { entry, item }
}
