//! The promise kept on this machine's disk: a block that was acknowledged survives the process and the power.
//!
//! ```text
//!   append ── tail (ring of the newest blocks): write, fdatasync = the commit ── Ok
//!                └─ behind, one thread: the same block → database (sled) → flush, fdatasync = settled
//!   read   ── pending (not in the database yet) ── database
//!   open   ── look at the tail ── set segments aside ── open the database ── judge ── refill ── sync ── serve
//! ```
//!
//! sled alone can't promise this: its flush does not reach past the disk's cache, and opening a damaged database
//! makes a shorter one of it, without a word. So the tail holds each block until the database holds it durably, and
//! opening compares the two before anything is served (`judge`).
//!
//! Reading order: `page` (bytes), `tail` (writing), `behind` (settling), `reopen`, `ring` and `judge` (what a tail proves),
//! `open` (recovery, step by step), `audit` (reading a copy).
//!
//! What lies in the folder:
//!
//! ```text
//! lock        held while a process is here; its pid
//! tail        the ring, preallocated
//! blocks/     sled's files: db, conf, snap.*, blobs/ (always empty)
//! aside/      the newest segments as they were before sled was last opened after an unclean stop
//! aside.anew/ as they were before it was last opened anew
//! blocks.unreadable/   a young database that did not open and was not needed
//! ```
//!
//! It never repairs what it can't prove, never retries a failed sync, never writes into a folder that another
//! process has open.

mod audit;
mod behind;
mod database;
mod judge;
mod leaves;
mod lock;
mod observe;
mod open;
mod page;
mod refusal;
mod reopen;
mod ring;
mod segments;
mod tail;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool, atomic::Ordering::Relaxed},
    thread::JoinHandle,
    time::Duration,
};

pub use audit::{AuditCopy, AuditError};
pub use observe::{Stage, SyncObserver};
pub use refusal::OpenError;

use self::{
    behind::{Behind, NotSettled},
    lock::Lock,
    page::Kind,
    tail::{Entry, Tail},
};
use super::{AppendError, Head, Journal, ReadError, check_follows};
use crate::ledger::StoredBlock;

/// The unit of the tail.
const PAGE_BYTES: usize = 4096;
/// sled's segments: a value up to a quarter of one stays inside the file (see `database`).
const SEGMENT_BYTES: usize = 8 << 20;

/// Told why the log failed.
pub type OnFailure = Arc<dyn Fn(&str) + Send + Sync>;

/// How a log is kept.
#[derive(Clone)]
pub struct Options {
    /// The log's own folder. Nothing else may be kept in it.
    pub dir: PathBuf,
    /// The size of the tail where it is created: a multiple of 4096, 64 KiB at least. It bounds the memory for
    /// blocks under way, and how far the database may lag. An existing tail keeps its size.
    pub tail_bytes: u64,
    /// Memory for sled's cache.
    pub cache_bytes: u64,
    /// The database is settled after so long at the latest; sooner where much is written (see `database`).
    pub settle_every: Duration,
    /// After so many bytes of blocks the database is opened anew, so that a start has no more than some five times as
    /// much of sled's log to read (see `database`).
    pub reopen_after_bytes: u64,
    /// Below so many free bytes on the disk no block is taken: a database that can't grow is lost to this process.
    pub free_bytes_min: u64,
    /// How many bytes of the newest blocks are checked at opening, whatever the tail holds.
    pub check_bytes: u64,
    /// An append that has waited so long for room in the tail gives up; nothing is stored.
    pub room_timeout: Duration,
    /// Told once when the thread behind the log fails: every later append is [`AppendError::Unknown`], and old blocks may
    /// not be readable any more. The process is to end then, whether or not anybody appends.
    pub on_failure: Option<OnFailure>,
    /// Where tests stand.
    pub observer: Option<Arc<dyn SyncObserver>>,
}

impl Options {
    /// The defaults for production: a tail of 64 MiB, a cache of 64 MiB.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Options {
        Options {
            dir: dir.into(),
            tail_bytes: 64 << 20,
            cache_bytes: 64 << 20,
            settle_every: Duration::from_millis(500),
            reopen_after_bytes: 48 << 20,
            free_bytes_min: 256 << 20,
            check_bytes: 64 << 20,
            room_timeout: Duration::from_secs(30),
            on_failure: None,
            observer: None,
        }
    }
}

/// What opening found and did.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Where the log goes on.
    pub head: Head,
    /// The ledger that the log belongs to.
    pub ledger: [u8; 16],
    /// Whether the log was created by this opening.
    pub created: bool,
    /// Whether the last process closed the log in order.
    pub clean: bool,
    /// Blocks that the database lacked and the tail had.
    pub refilled: u64,
    /// What an operator should read, in order.
    pub notes: Vec<String>,
}

/// A log on this machine's disk, open. See [`Journal`] for what it promises.
///
/// [`Local::close`] ends it in order. Dropping it without that is like a crash: the next opening recovers. After an
/// unknown outcome neither may happen: sled flushes once more when it is dropped, over what nobody knows. Abort.
pub struct Local {
    behind: Arc<Behind>,
    thread: Option<JoinHandle<()>>,
    /// Held for a whole append: one write at a time is what recovery's argument rests on.
    writer: Mutex<Tail>,
    options: Options,
    /// The disk was too full at the last look.
    full: AtomicBool,
    appended: std::sync::atomic::AtomicU64,
    // Last: the folder is free only after everything else has let go of it.
    _lock: Lock,
}

impl Local {
    /// Opens the log in `options.dir`, or creates it there. `ledger` is needed to create; where it is given for an
    /// existing log, it must be that log's.
    ///
    /// # Errors
    ///
    /// [`OpenError`]: a refusal names the positions in doubt and the ways back.
    pub fn open(
        options: Options,
        ledger: Option<[u8; 16]>,
    ) -> Result<(Local, Recovery), OpenError> {
        open::open(options, ledger)
    }

    /// Everything before this position is durable in the database too.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.behind.settled()
    }

    /// Why every append is unknown, if it is. The process must stop then; see [`AppendError::Unknown`].
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        self.behind.failure()
    }

    /// Ends in order: everything is settled, and the tail says so.
    ///
    /// # Errors
    ///
    /// `Unknown` where the journal is poisoned or becomes so. The files are then as a crash would leave them.
    pub fn close(mut self) -> Result<(), AppendError> {
        self.end(true);
        if let Some(why) = self.behind.failure() {
            return Err(AppendError::Unknown(why));
        }
        let head = self.behind.head();
        let mut tail = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        // Twice, so that damage to one page does not raise the doubt whether a block was there.
        for _ in 0..2 {
            tail.write(&Entry {
                kind: Kind::Closed,
                first: head.next,
                next: head.next,
                payload: &head.last.0,
                settled: head.next,
            })
            .map_err(|error| AppendError::Unknown(error.to_string()))?;
        }
        Ok(())
    }

    fn end(&mut self, orderly: bool) {
        if let Some(thread) = self.thread.take() {
            self.behind.stop(orderly);
            if thread.join().is_err() {
                self.behind
                    .poison("the thread behind the log panicked".into());
            }
        }
    }

    /// Waits until the pages for a block may be overwritten.
    fn make_room(&self, tail: &Tail, length: usize) -> Result<(), AppendError> {
        let Some(position) = tail.obstacle(length) else {
            return Ok(());
        };
        match self
            .behind
            .wait_settled(position, self.options.room_timeout)
        {
            Ok(()) => Ok(()),
            Err(NotSettled::Failed(why)) => Err(AppendError::Unknown(why)),
            Err(NotSettled::TimedOut) => Err(AppendError::Unavailable(format!(
                "the tail is full and the database did not settle position {position} within {} s; the disk is too slow or stuck",
                self.options.room_timeout.as_secs()
            ))),
        }
    }

    /// Refuses blocks while the disk is nearly full, so that the database never meets a full one. Looked at every
    /// few MiB, and at each append while it is full, so that it ends by itself when room is made.
    fn check_free_space(&self, length: usize) -> Result<(), AppendError> {
        const LOOK_EVERY: u64 = 4 << 20;
        let length = length as u64;
        let before = self.appended.fetch_add(length, Relaxed);
        let due = before == 0 || before / LOOK_EVERY != (before + length) / LOOK_EVERY;
        if !due && !self.full.load(Relaxed) {
            return Ok(());
        }
        let observed = self.options.observer.as_ref();
        let free = match observed.and_then(|observer| observer.free_bytes()) {
            Some(free) => free,
            None => match rustix::fs::statvfs(&self.options.dir) {
                Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
                // A disk that can't be asked is not known to be full.
                Err(_) => u64::MAX,
            },
        };
        let full = free < self.options.free_bytes_min;
        self.full.store(full, Relaxed);
        if full {
            return Err(AppendError::Unavailable(format!(
                "the disk of {} has {free} free bytes and must keep {}; make room, the log goes on by itself",
                self.options.dir.display(),
                self.options.free_bytes_min
            )));
        }
        Ok(())
    }
}

impl Journal for Local {
    fn append(&self, head: u64, block: &StoredBlock) -> Result<(), AppendError> {
        let mut tail = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(why) = self.behind.failure() {
            return Err(AppendError::Unknown(why));
        }
        check_follows(self.behind.head(), head, block)?;
        if !tail.can_hold(block.bytes.len()) {
            return Err(AppendError::Unavailable(format!(
                "the block at position {head} has {} bytes and the whole tail is smaller; create the log with a larger tail",
                block.bytes.len()
            )));
        }
        self.check_free_space(block.bytes.len())?;
        self.make_room(&tail, block.bytes.len())?;
        // A crash before the end of this write leaves a slot that recovery drops, or keeps if it is whole: the
        // caller has not been answered.
        tail.write(&Entry {
            kind: Kind::Block,
            first: block.first,
            next: block.next(),
            payload: &block.bytes,
            settled: self.behind.settled(),
        })
        .map_err(|error| {
            self.behind.poison(error.to_string());
            AppendError::Unknown(error.to_string())
        })?;
        // Committed. A crash from here on is healed from the tail.
        self.behind.accept(block);
        Ok(())
    }

    fn read(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        self.behind.read(position)
    }

    fn head(&self) -> Head {
        self.behind.head()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end(false);
    }
}
