//! Why a log was not opened. Each says what was found, where, and what to do next.

use std::{io, path::PathBuf};

use crate::{ledger::Hash, storage::ReadError};

/// Said at the end of every refusal that rests on what the files hold.
const WAYS_BACK: &str = "Nothing was changed in the tail. Ways back: restore the whole log folder from a backup and \
let the stream's records follow; or, if those positions exist nowhere, accept the loss explicitly, which begins a new ledger id";

/// Why [`Local::open`](super::Local::open) refused. A refusal leaves the files as evidence: look before you repair.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The options can't work.
    #[error("the log's options are wrong: {0}")]
    Options(String),
    /// Another process has this folder open.
    #[error("the log folder {} is in use by {}; two processes never open one log: stop the other one first", dir.display(), holder(*.pid))]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// The process that holds it, where it said so.
        pid: Option<u32>,
    },
    /// There is no log here, and no ledger id was given to begin one.
    #[error("there is no log in {}; give the right folder, or create a ledger there", dir.display())]
    NoLog {
        /// The folder.
        dir: PathBuf,
    },
    /// The files belong to another ledger than the one asked for.
    #[error(
        "the tail belongs to ledger {found} and not to {expected}: this is another ledger's folder, or parts of two; put the right files together"
    )]
    OtherLedger {
        /// The id in the tail, hex.
        found: String,
        /// The id asked for (or seen in other pages), hex.
        expected: String,
    },
    /// A database without its tail.
    #[error("the database in {} is there and its tail is not: the newest acknowledged positions may be missing. {WAYS_BACK}", dir.display())]
    TailMissing {
        /// The folder.
        dir: PathBuf,
    },
    /// The tail's file has another size than when it was written.
    #[error(
        "the tail holds {found} pages and was written with {expected}: it was cut or stretched, and what was acknowledged from position {position} on is in doubt. {WAYS_BACK}"
    )]
    TailResized {
        /// Pages that its own headers speak of.
        expected: u64,
        /// Pages in the file.
        found: u64,
        /// What was known to be durable in the database, by what is left.
        position: u64,
    },
    /// The tail has no readable slot, and it is not a new one.
    #[error(
        "nothing in the tail can be read ({bad} damaged pages) and the database goes to position {database}: what was acknowledged after it is unknown. {WAYS_BACK}"
    )]
    TailUnreadable {
        /// Pages that validate as nothing.
        bad: u64,
        /// The database's next position.
        database: u64,
    },
    /// A damaged page where the newest block may have been.
    #[error(
        "page {page} of the tail is damaged, just where the block that begins at position {position} would be, and the database does not hold that position: it may have been acknowledged. {WAYS_BACK}"
    )]
    Doubt {
        /// The position that may have been acknowledged.
        position: u64,
        /// The damaged page of the tail.
        page: u64,
    },
    /// Positions that were acknowledged are nowhere.
    #[error("positions {from} to {} are missing: they are neither in the database nor in the tail. {WAYS_BACK}", .to.saturating_sub(1))]
    Gap {
        /// The first missing position.
        from: u64,
        /// The position after the last missing one.
        to: u64,
    },
    /// The tail ends before the database does: it is not the newest tail.
    #[error(
        "the tail ends at position {tail} and the database goes on to {database}: the tail is an older copy, and what was acknowledged after {database} is unknown. {WAYS_BACK}"
    )]
    TailBehind {
        /// The tail's next position.
        tail: u64,
        /// The database's next position.
        database: u64,
    },
    /// The tail is from before the log was last opened.
    #[error(
        "the tail ends with slot {slot} and the log was last opened with slot {opened}: the tail is an older copy, and what was acknowledged from position {position} on is unknown. {WAYS_BACK}"
    )]
    TailOlder {
        /// The tail's newest slot.
        slot: u64,
        /// The slot that the database remembers.
        opened: u64,
        /// The tail's next position.
        position: u64,
    },
    /// Two different blocks for one position.
    #[error(
        "the block at position {position} is not the same in the tail and in the database: one of them was altered. {WAYS_BACK}"
    )]
    Differs {
        /// The block's first position.
        position: u64,
    },
    /// The chain is broken between two blocks.
    #[error(
        "the block at position {position} links to hash {expected} and the record before it has {found}. {WAYS_BACK}"
    )]
    Unlinked {
        /// The first position of the later block.
        position: u64,
        /// What the later block (or the tail's mark) says.
        expected: Hash,
        /// What the earlier block says.
        found: Hash,
    },
    /// Slots of the tail contradict one another.
    #[error("the tail contradicts itself at position {position}: {problem}. {WAYS_BACK}")]
    Contradiction {
        /// Where.
        position: u64,
        /// How.
        problem: String,
    },
    /// A block in the database cannot be read.
    #[error("the database is damaged: {0}. {WAYS_BACK}")]
    Damaged(#[from] ReadError),
    /// The database did not open. It holds what is no longer in the tail.
    #[error("the database did not open, so positions 0 to {} can't be shown (later ones are in the tail): {problem}. {WAYS_BACK}", .tail_from.saturating_sub(1))]
    Database {
        /// What the database said.
        problem: String,
        /// The first position that the tail still holds.
        tail_from: u64,
    },
    /// sled spilled a value into a file of its own, which it never syncs.
    #[error("there are blob files under {} (such as {name}): such values are never synced; this log was written with other limits. {WAYS_BACK}", dir.display())]
    Blobs {
        /// The folder.
        dir: PathBuf,
        /// One of the files.
        name: String,
    },
    /// The disk said no.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}
