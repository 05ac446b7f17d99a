//! sled 0.34.7, with its edges covered.
//!
//! One key per block: its first position, big-endian, so that the block which contains a position is the last
//! one at or before it.
//!
//! - *Durability.* sled's flush (`sync_file_range`) does not reach past the disk's cache nor write the file's
//!   metadata. [`Database::settle`] adds the `fdatasync`, through a descriptor of our own.
//! - *Reuse.* sled believes its own flush: it overwrites a segment whose pages were rewritten elsewhere although
//!   the rewritten ones may not survive the power, and settled blocks would be lost with both. By its accounting
//!   (`SegmentAccountant::stabilize`) two whole segments, 16 MiB of log, lie between the rewriting and the reuse. So
//!   we settle more often than that: after [`SETTLE_BYTES`] of blocks, of which sled makes five times as much log.
//! - *Blobs.* A value above a quarter of a segment would go to a file of its own that is never synced. A leaf of 17
//!   stored blocks at their limit stays below that with segments of 8 MiB.
//! - *Memory.* sled's cache does not bound what it holds of leaves as large as these; `leaves.rs` does.
//! - *Opening.* sled 0.34 says where its pages are (a snapshot) only when it is opened, and reads all of its log since the
//!   last time. So it is closed and opened again after so many bytes of blocks ([`Database::reopen`]): what a start has
//!   to read of sled's log does not grow with it.
//! - *Panics.* sled panics where it finds its files damaged. Every call is caught and turned into an error.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    SEGMENT_BYTES,
    leaves::Leaves,
    observe::{Stage, SyncObserver},
    refusal::OpenError,
    tail::sync,
};
use crate::{
    ledger::StoredBlock,
    storage::{
        ReadError, files,
        opening::{self, caught},
    },
};

/// The most bytes of blocks that are inserted between two syncs.
pub(super) const SETTLE_BYTES: u64 = 2 << 20;

/// Beside the blocks, a tree for what the database remembers of the tail.
const MARKS: &str = "marks";
const OPENED: &str = "opened";

/// The blocks by first position.
pub(super) struct Database {
    /// `None` once sled could not be opened again.
    opened: RwLock<Option<Opened>>,
    file: File,
    dir: PathBuf,
    path: PathBuf,
    cache_bytes: u64,
    observer: Option<Arc<dyn SyncObserver>>,
    /// Bytes of blocks added since the last sync. Only one thread at a time adds.
    unsettled: AtomicU64,
    /// Bytes of blocks added since sled was opened.
    since_opened: AtomicU64,
}

struct Opened {
    sled: sled::Db,
    leaves: Leaves,
}

/// What recovery asks of a database, so that its rules can be tested without one.
pub(super) trait Blocks {
    /// The block with the greatest first position below `position`.
    fn before(&self, position: u64) -> Result<Option<StoredBlock>, ReadError>;

    /// The number of the tail's slot with which the log was last opened; `None` if it never was.
    fn opened(&self) -> Result<Option<u64>, ReadError>;

    /// The block that begins at `first`.
    fn beginning_at(&self, first: u64) -> Result<Option<StoredBlock>, ReadError> {
        let found = match first.checked_add(1) {
            Some(above) => self.before(above)?,
            None => None,
        };
        Ok(found.filter(|block| block.first == first))
    }
}

impl Database {
    /// Opens or creates the database in `dir`.
    ///
    /// # Errors
    ///
    /// What sled said, or what it panicked with.
    pub(super) fn open(
        dir: &Path,
        cache_bytes: u64,
        observer: Option<Arc<dyn SyncObserver>>,
    ) -> Result<Database, String> {
        let opened = Opened::open(dir, cache_bytes)?;
        let path = file_in(dir);
        let file =
            File::open(&path).map_err(|error| files::naming(&path, "open", &error).to_string())?;
        Ok(Database {
            opened: RwLock::new(Some(opened)),
            file,
            dir: dir.to_owned(),
            path,
            cache_bytes,
            observer,
            unsettled: AtomicU64::new(0),
            since_opened: AtomicU64::new(0),
        })
    }

    /// Bytes of blocks that were added since sled was opened.
    pub(super) fn since_opened(&self) -> u64 {
        self.since_opened.load(Relaxed)
    }

    /// Closes sled and opens it again, over files that are settled; readers wait.
    ///
    /// # Errors
    ///
    /// The database is closed then, and stays so.
    pub(super) fn reopen(&self) -> Result<(), String> {
        let mut opened = self.opened.write().unwrap_or_else(PoisonError::into_inner);
        caught(|| {
            drop(opened.take());
            Ok(())
        })?;
        *opened = Some(Opened::open(&self.dir, self.cache_bytes)?);
        self.since_opened.store(0, Relaxed);
        Ok(())
    }

    fn with<T>(&self, call: impl FnOnce(&Opened) -> Result<T, String>) -> Result<T, String> {
        let opened = self.opened.read().unwrap_or_else(PoisonError::into_inner);
        call(opened.as_ref().ok_or("it could not be opened again")?)
    }

    /// Adds a block. Not durable yet. Settles first what was added before, where the limit asks for it.
    pub(super) fn insert(&self, block: &StoredBlock) -> Result<(), String> {
        let length = block.bytes.len() as u64;
        if self.unsettled.load(Relaxed) + length > SETTLE_BYTES {
            self.settle()?;
        }
        self.unsettled.fetch_add(length, Relaxed);
        self.since_opened.fetch_add(length, Relaxed);
        let added = self.with(|opened| {
            caught(|| opened.sled.insert(block.first.to_be_bytes(), &*block.bytes))?;
            caught(|| opened.leaves.added(block))
        })?;
        self.unsettled.fetch_add(added, Relaxed);
        Ok(())
    }

    /// Remembers with which slot the log was opened, so that a tail from before does not pass for this one. Not durable
    /// yet.
    pub(super) fn mark_opened(&self, sequence: u64) -> Result<(), String> {
        self.with(|opened| {
            caught(|| {
                let marks = opened.sled.open_tree(MARKS)?;
                marks.insert(OPENED, &sequence.to_be_bytes()).map(drop)
            })
        })
    }

    /// The first position at or after `position` that a block begins at.
    pub(super) fn first_from(&self, position: u64) -> Result<Option<u64>, ReadError> {
        let found = self.with(|opened| {
            let mut range = opened.sled.range(position.to_be_bytes()..);
            caught(|| range.next().transpose())
        });
        match found {
            Ok(found) => Ok(found.and_then(|(key, _)| {
                let key = <[u8; 8]>::try_from(&*key).ok()?;
                Some(u64::from_be_bytes(key))
            })),
            Err(problem) => Err(ReadError::Store { position, problem }),
        }
    }

    /// Makes everything inserted so far durable.
    pub(super) fn settle(&self) -> Result<(), String> {
        self.with(|opened| caught(|| opened.sled.flush()))?;
        self.unsettled.store(0, Relaxed);
        sync(
            &self.file,
            &self.path,
            Stage::Database,
            self.observer.as_deref(),
        )
        .map_err(|error| error.to_string())
    }

    /// Every block in order of position, as the bytes are; stops after the first error.
    pub(super) fn into_blocks(self) -> impl Iterator<Item = Result<StoredBlock, ReadError>> {
        let opened = self.opened.into_inner();
        let opened = opened.unwrap_or_else(PoisonError::into_inner);
        let mut rows = opened.as_ref().map(|opened| opened.sled.iter());
        let mut reached = 0;
        std::iter::from_fn(move || {
            let found = match caught(|| rows.as_mut().and_then(Iterator::next).transpose()) {
                Ok(None) => return None,
                Ok(Some((key, value))) => parse(&key, &value, reached),
                Err(problem) => Err(ReadError::Store {
                    position: reached,
                    problem,
                }),
            };
            match (&found, &opened) {
                (Ok(block), Some(opened)) => {
                    reached = block.next();
                    let_go(&opened.leaves, block);
                }
                _ => rows = None,
            }
            Some(found)
        })
    }
}

impl Opened {
    fn open(dir: &Path, cache_bytes: u64) -> Result<Opened, String> {
        let config = sled::Config::new()
            .segment_size(SEGMENT_BYTES)
            .flush_every_ms(None)
            .use_compression(false)
            .cache_capacity(cache_bytes);
        let sled = opening::open(dir, config)?;
        Ok(Opened {
            leaves: Leaves::new(sled.clone(), cache_bytes),
            sled,
        })
    }
}

impl Blocks for Database {
    fn before(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        let asked = position.saturating_sub(1);
        let found = self.with(|opened| {
            let found = caught(|| opened.sled.get_lt(position.to_be_bytes()))?;
            let Some((key, value)) = found else {
                return Ok(None);
            };
            let block = parse(&key, &value, asked);
            if let Ok(block) = &block {
                let added = let_go(&opened.leaves, block);
                self.unsettled.fetch_add(added, Relaxed);
            }
            Ok(Some(block))
        });
        match found {
            Ok(block) => block.transpose(),
            Err(problem) => Err(ReadError::Store {
                position: asked,
                problem,
            }),
        }
    }

    fn opened(&self) -> Result<Option<u64>, ReadError> {
        let failed = |problem| ReadError::Store {
            position: 0,
            problem,
        };
        let found = self.with(|opened| caught(|| opened.sled.open_tree(MARKS)?.get(OPENED)));
        found
            .map_err(failed)?
            .map(|bytes| match <[u8; 8]>::try_from(&*bytes) {
                Ok(bytes) => Ok(u64::from_be_bytes(bytes)),
                Err(_) => Err(failed("its mark of the last opening has no 8 bytes".into())),
            })
            .transpose()
    }
}

/// The one file of the database in `dir` that holds blocks.
pub(super) fn file_in(dir: &Path) -> PathBuf {
    dir.join("db")
}

/// Refuses a database with blob files.
pub(super) fn check_no_blobs(dir: &Path) -> Result<(), OpenError> {
    let blobs = dir.join("blobs");
    if !blobs.exists() {
        return Ok(());
    }
    let mut entries =
        fs::read_dir(&blobs).map_err(|error| files::naming(&blobs, "list", &error))?;
    match entries.next() {
        None => Ok(()),
        Some(entry) => Err(OpenError::Blobs {
            name: entry?.file_name().to_string_lossy().into_owned(),
            dir: blobs,
        }),
    }
}

/// What goes wrong beside a block that was read well is no reason to withhold it.
fn let_go(leaves: &Leaves, read: &StoredBlock) -> u64 {
    caught(|| leaves.read(read)).unwrap_or_else(|problem| {
        tracing::warn!(problem, "blocks stay in memory longer than configured");
        0
    })
}

fn parse(key: &[u8], value: &[u8], asked: u64) -> Result<StoredBlock, ReadError> {
    let damaged = |problem: String| ReadError::Damaged {
        position: asked,
        problem,
    };
    let key = <[u8; 8]>::try_from(key).map_err(|_| damaged("its key is no position".into()))?;
    let first = u64::from_be_bytes(key);
    let block = StoredBlock::parse(Arc::from(value)).map_err(|error| damaged(error.to_string()))?;
    if block.first != first {
        return Err(damaged(format!(
            "it is kept at position {first} and says that it begins at {}",
            block.first
        )));
    }
    Ok(block)
}
