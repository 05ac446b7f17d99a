//! Where blocks become durable.
//!
//! The part of the house that may say "this is kept". It knows blocks and positions and nothing of what is in
//! them: no consent, no customers, no time of day. It never answers `Ok` for a block that the promise of
//! [`Journal`] does not hold for, and it never repairs silently: what recovery did is in its notes, and what it
//! may not decide alone is a refusal.
//!
//! Reading order: [`Journal`] (the promise), [`memory`] (the promise without a disk, with faults for tests),
//! [`local`] (the promise kept on this machine's disk), [`files`] (small files that must survive the power),
//! [`opening`] (sled's databases).

pub mod files;
pub mod local;
pub mod memory;
pub mod opening;

use crate::ledger::{Hash, StoredBlock};

/// Where blocks become durable. One writer at a time; any number of readers.
///
/// ```text
///  position   0 ........................ settled ............ head.next ......
///             | in the database, durable |  durable, elsewhere |  not written
///             |<---------- every position here is readable -->|  read = None
/// ```
///
/// When [`append`](Journal::append) returns `Ok`, the block survives the loss of what this journal promises to
/// survive (`memory`: nothing; `local`: the process and the power). A block is stored whole or not at all, and it
/// can be read at once. Positions have no gaps: a journal that cannot show a position below its head answers
/// with an error that names it, never with silence.
pub trait Journal: Send + Sync {
    /// Adds `block` directly after `head`, the position that the caller believes to be the next one
    /// (`block.first`). Blocks the calling thread until the block is durable.
    ///
    /// # Errors
    ///
    /// The three outcomes of a write that did not succeed; see [`AppendError`] for what the caller must do.
    fn append(&self, head: u64, block: &StoredBlock) -> Result<(), AppendError>;

    /// The block that contains `position`, or `None` at or past the head.
    ///
    /// # Errors
    ///
    /// [`ReadError`] when a position below the head cannot be shown. It is never `None`.
    fn read(&self, position: u64) -> Result<Option<StoredBlock>, ReadError>;

    /// Where the next block goes, and the hash it must link to.
    fn head(&self) -> Head;
}

/// The end of the log as its journal knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The position that the next record will get: 0 for an empty log.
    pub next: u64,
    /// The hash of the last record, 32 zero bytes for an empty log.
    pub last: Hash,
}

impl Head {
    /// The head of a log that holds nothing yet.
    pub const EMPTY: Head = Head {
        next: 0,
        last: Hash::ZERO,
    };

    /// The head after `block`.
    #[must_use]
    pub fn after(block: &StoredBlock) -> Head {
        Head {
            next: block.next(),
            last: block.last(),
        }
    }
}

/// Why a block was not acknowledged. The three outcomes differ in what the caller may do next.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Nothing was stored; the callers may try again, or be told to.
    #[error("the block was not stored: {0}")]
    Unavailable(String),
    /// Another writer got there first; this one must stop.
    #[error(
        "the block was not stored: the log goes on at position {head}; another writer was here, stop this one"
    )]
    HeadMoved {
        /// The position at which the log really goes on.
        head: u64,
    },
    /// Nobody can know whether it was stored. Stop the process (do not flush, do not retry), open again, and look.
    #[error(
        "it is unknown whether the block was stored: {0}; stop this process and open the log again"
    )]
    Unknown(String),
}

/// Why a position below the head could not be shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Positions that the log must hold are not there.
    #[error(
        "positions {from} to {} are missing from the log (asked for {position}); run `verify` and restore them from a backup or the stream",
        .to.saturating_sub(1)
    )]
    Hole {
        /// The position asked for.
        position: u64,
        /// The first missing position.
        from: u64,
        /// The position after the last one known to be missing.
        to: u64,
    },
    /// A block is there and its bytes are not what was stored.
    #[error(
        "the block with position {position} is damaged: {problem}; run `verify` and restore it from a backup or the stream"
    )]
    Damaged {
        /// The position asked for.
        position: u64,
        /// What is wrong with the bytes.
        problem: String,
    },
    /// The store itself failed while looking.
    #[error(
        "position {position} could not be read: {problem}; check the disk and the system's log, then run `verify`"
    )]
    Store {
        /// The position asked for.
        position: u64,
        /// What the store said.
        problem: String,
    },
}

/// What every implementation asks of a block before it touches anything. `Ok` means: directly after `head`,
/// linked to it, not empty, and small enough for every store.
pub(crate) fn check_follows(
    head: Head,
    expected: u64,
    block: &StoredBlock,
) -> Result<(), AppendError> {
    if expected != head.next || block.first != head.next {
        return Err(AppendError::HeadMoved { head: head.next });
    }
    if block.count == 0 {
        return Err(AppendError::Unavailable(format!(
            "the block at position {expected} holds no records"
        )));
    }
    if block.prev() != head.last {
        return Err(AppendError::Unavailable(format!(
            "the block at position {expected} links to hash {} and the log ends in {}; build it again from the head",
            block.prev(),
            head.last
        )));
    }
    if block.bytes.len() > crate::ledger::STORED_BLOCK_MAX {
        return Err(AppendError::Unavailable(format!(
            "the block at position {expected} has {} bytes, the limit is {}; put fewer records into it",
            block.bytes.len(),
            crate::ledger::STORED_BLOCK_MAX
        )));
    }
    Ok(())
}
