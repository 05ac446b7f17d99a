//! Which records are about a customer: keyed by pseudonym and version, with compact facts, so that a page of history
//! or a list of disclosures reads only the blocks that it shows.

use std::fs::{self, File};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::ViewError;
use crate::codec;
use crate::domain::disclosures::Seal;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;
use crate::ledger::{Envelope, StoredBlock, Subject};
use crate::state::{Fatal, open_sled};
use crate::storage::Journal;

/// Raised whenever the shape of an entry changes: an older view is then rebuilt.
const FORMAT: u8 = 1;
/// How often the thread looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const META: &str = "meta";

/// How the view is kept.
#[derive(Clone, Debug)]
pub struct HistoryOptions {
    /// Its folder; deleted and rebuilt when broken.
    pub dir: PathBuf,
    /// Bytes that sled may cache.
    pub sled_cache_bytes: u64,
    /// Longest time between two syncs.
    pub flush_every: Duration,
    /// Records after which a sync comes at once.
    pub flush_records: u64,
}

/// Whether a record is under a gag order (P7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gag {
    /// It is not.
    None,
    /// Hidden until that instant.
    Until(Time),
    /// Hidden until lifted.
    UntilLifted,
}

impl Gag {
    /// Whether the record is hidden at `now`.
    pub fn hides(self, now: Time) -> bool {
        match self {
            Self::None => false,
            Self::Until(until) => now < until,
            Self::UntilLifted => true,
        }
    }
}

/// A record about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The customer's version with it.
    pub version: u64,
    /// Where it is.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its type, e.g. `consent.granted.v1`.
    pub kind: &'static str,
    /// Whether it is hidden from the customer's accounting.
    pub gag: Gag,
}

/// A cheap handle to the view.
#[derive(Clone)]
pub struct History {
    entries: sled::Tree,
    reached: watch::Receiver<u64>,
    running: Arc<Running>,
}

struct Running {
    stop: AtomicBool,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Writer {
    options: HistoryOptions,
    database: sled::Db,
    entries: sled::Tree,
    meta: sled::Tree,
    file: File,
    journal: Arc<dyn Journal>,
    committed: watch::Receiver<u64>,
    reached: watch::Sender<u64>,
    runtime: tokio::runtime::Handle,
    next: u64,
}

impl History {
    /// Opens, inside a tokio runtime, the view of ledger `ledger` (an empty one where there is none or it is broken) and starts the thread that
    /// follows the log.
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
        let (mut writer, reached) = match open(&options, ledger, &journal, &committed) {
            Ok(opened) => opened,
            Err(problem) => {
                if options.dir.exists() {
                    tracing::warn!(%problem, "the history view is rebuilt from the log");
                    fs::remove_dir_all(&options.dir).map_err(|error| failed(&error))?;
                }
                open(&options, ledger, &journal, &committed)?
            }
        };
        let running = Arc::new(Running {
            stop: AtomicBool::new(false),
            thread: Mutex::default(),
        });
        let entries = writer.entries.clone();
        let stop = Arc::clone(&running);
        let thread = std::thread::Builder::new()
            .name("history-view".to_owned())
            .spawn(move || {
                if let Err(error) = writer.run(&stop.stop) {
                    fatal(&error.to_string());
                }
            })
            .map_err(|error| failed(&error))?;
        *running
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(Self {
            entries,
            reached,
            running,
        })
    }

    /// The position below which the view shows everything.
    pub fn reached(&self) -> watch::Receiver<u64> {
        self.reached.clone()
    }

    /// Ends the thread after a last sync.
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
        let from = key(pseudonym, after_version.saturating_add(1));
        let scan = AssertUnwindSafe(|| {
            let mut found = Vec::new();
            for item in self.entries.range(from..=key(pseudonym, u64::MAX)) {
                let (key, value) = item.map_err(|error| failed(&error))?;
                let entry = read(&key, &value)?;
                if wanted(&entry) {
                    found.push(entry);
                }
                if found.len() >= limit {
                    break;
                }
            }
            Ok(found)
        });
        catch_unwind(scan)
            .unwrap_or_else(|_| Err(ViewError::History("sled panicked while reading".to_owned())))
    }
}

type Opened = (Writer, watch::Receiver<u64>);

fn open(
    options: &HistoryOptions,
    ledger: [u8; 16],
    journal: &Arc<dyn Journal>,
    committed: &watch::Receiver<u64>,
) -> Result<Opened, ViewError> {
    let database = open_sled(&options.dir, options.sled_cache_bytes)?;
    let entries = database
        .open_tree("records")
        .map_err(|error| failed(&error))?;
    let meta = database.open_tree(META).map_err(|error| failed(&error))?;
    let identity = [&[FORMAT], &ledger[..]].concat();
    match meta.get("identity").map_err(|error| failed(&error))? {
        Some(found) if *found == *identity => {}
        None if entries.is_empty() => {
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
        journal: Arc::clone(journal),
        committed: committed.clone(),
        database,
        entries,
        meta,
        reached,
        runtime: tokio::runtime::Handle::current(),
        next,
    };
    Ok((writer, follow))
}

impl Writer {
    fn run(&mut self, stop: &AtomicBool) -> Result<(), ViewError> {
        let (mut synced, mut at) = (self.next, Instant::now());
        loop {
            let head = *self.committed.borrow_and_update();
            let stopping = stop.load(Ordering::Acquire);
            while self.next < head {
                self.take_block()?;
                if self.next - synced >= self.options.flush_records {
                    self.sync()?;
                    (synced, at) = (self.next, Instant::now());
                }
                if stop.load(Ordering::Acquire) {
                    break;
                }
            }
            if self.next > synced && (stopping || at.elapsed() >= self.options.flush_every) {
                self.sync()?;
                (synced, at) = (self.next, Instant::now());
            }
            if stopping {
                return Ok(());
            }
            let committed = &mut self.committed;
            let changed = async { tokio::time::timeout(LOOK_EVERY, committed.changed()).await };
            if let Ok(Err(_)) = self.runtime.block_on(changed) {
                // The writer has ended; only the stop is waited for.
                #[allow(
                    clippy::disallowed_methods,
                    reason = "a thread of its own, that no task waits for"
                )]
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }

    fn take_block(&mut self) -> Result<(), ViewError> {
        let Some(block) = self.journal.read(self.next)? else {
            return Err(ViewError::History(format!(
                "position {} is not in the log",
                self.next
            )));
        };
        self.insert(&block)?;
        self.next = block.next();
        self.reached.send_replace(self.next);
        metrics::gauge!("consent_projection_position", "view" => "history").set(self.next as f64);
        Ok(())
    }

    fn insert(&self, block: &StoredBlock) -> Result<(), ViewError> {
        for (position, line) in super::open(block)?.iter() {
            let broken = |problem: String| ViewError::Record { position, problem };
            let envelope = Envelope::parse(line).map_err(|error| broken(error.to_string()))?;
            let Subject::Customer(id) = envelope.subject else {
                continue;
            };
            let kind = codec::number_of(envelope.kind)
                .ok_or_else(|| broken(format!("type `{}` is unknown", envelope.kind)))?;
            let gag = if codec::is_disclosure(envelope.kind) {
                let decoded = codec::read_facts(line).map_err(|error| broken(error.to_string()))?;
                codec::gag_order(&decoded.fact)
            } else {
                None
            };
            let key = key(Pseudonym(id), envelope.version);
            let value = write(&key, position, envelope.recorded_at.0, kind, gag);
            self.entries
                .insert(key, &value[..])
                .map_err(|error| failed(&error))?;
        }
        Ok(())
    }

    /// Entries durable first, then the position that promises them.
    fn sync(&self) -> Result<(), ViewError> {
        self.database.flush().map_err(|error| failed(&error))?;
        self.file.sync_data().map_err(|error| failed(&error))?;
        self.meta
            .insert("reflects", &self.next.to_le_bytes())
            .map_err(|error| failed(&error))?;
        self.database.flush().map_err(|error| failed(&error))?;
        Ok(())
    }
}

fn key(pseudonym: Pseudonym, version: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&pseudonym.0);
    key[16..].copy_from_slice(&version.to_be_bytes());
    key
}

const NO_GAG: i64 = i64::MIN;

fn write(key: &[u8; 24], position: u64, recorded_at: i64, kind: u8, gag: Option<Seal>) -> [u8; 29] {
    let gag = match gag {
        None => NO_GAG,
        Some(Seal::Until(at)) => at.0,
        Some(Seal::UntilLifted) => i64::MAX,
    };
    let mut value = [0; 29];
    value[..8].copy_from_slice(&position.to_le_bytes());
    value[8..16].copy_from_slice(&recorded_at.to_le_bytes());
    value[16] = kind;
    value[17..25].copy_from_slice(&gag.to_le_bytes());
    let sum = checksum(key, &value[..25]);
    value[25..].copy_from_slice(&sum.to_le_bytes());
    value
}

fn read(key: &[u8], value: &[u8]) -> Result<HistoryEntry, ViewError> {
    let broken = || ViewError::History("an entry is broken".to_owned());
    let (_, version) = key.split_last_chunk::<8>().ok_or_else(broken)?;
    let (body, sum) = value.split_last_chunk::<4>().ok_or_else(broken)?;
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(broken());
    }
    let (position, rest) = body.split_first_chunk::<8>().ok_or_else(broken)?;
    let (recorded_at, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let (kind, rest) = rest.split_first().ok_or_else(broken)?;
    let gag = i64::from_le_bytes(rest.try_into().map_err(|_| broken())?);
    Ok(HistoryEntry {
        version: u64::from_be_bytes(*version),
        position: Position(u64::from_le_bytes(*position)),
        recorded_at: Time(i64::from_le_bytes(*recorded_at)),
        kind: codec::name_of(*kind).ok_or_else(broken)?,
        gag: match gag {
            NO_GAG => Gag::None,
            i64::MAX => Gag::UntilLifted,
            until => Gag::Until(Time(until)),
        },
    })
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

fn failed(error: &dyn std::fmt::Display) -> ViewError {
    ViewError::History(error.to_string())
}
