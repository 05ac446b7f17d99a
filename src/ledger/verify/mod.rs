//! The one verification: recovery, audit, command line and tests all call it, so that none believes less than another.
//!
//! Of every line it checks: the fixed form of its outer fields, its position (the one before plus 1), its `prev` (the
//! hash of the line before), its time (never earlier than before), its part (1 to n, within a block); and of the whole,
//! the Merkle root at each checkpoint given. `Options::deep` also parses every line strictly, reads the first record
//! as a genesis, and follows each subject's versions, for which it holds one number per subject in memory.
//!
//! ```text
//! blocks or lines ── runs ──▶ span  (any core: open, hash, compare neighbours, reduce to subtrees)
//!                               │
//!                               ▼  in order
//!                             join  (one thread: compare the ends, merge subtrees, compare roots)
//! ```
//!
//! It stops at the first problem and says where. What a chain can't show by itself is a suffix that was rewritten as a
//! whole, or cut off: only a checkpoint kept elsewhere does, so give it all there are.

mod join;
mod parallel;
mod span;

use std::fmt;

pub use join::Verifier;
pub use parallel::{verify_blocks, verify_lines};

use crate::ledger::{
    block::BlockError,
    checkpoint::Checkpoint,
    genesis::GenesisError,
    hash::Hash,
    merkle::Frontier,
    record::{LineError, Part, Subject},
    timestamp::Timestamp,
};

/// What to check, and from where on.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Where to start, for records whose beginning was verified before; `None` is position 0.
    pub start: Option<Start>,
    /// Checkpoints, with signatures already verified. Those before the start are passed over.
    pub checkpoints: Vec<Checkpoint>,
    /// Also parse every line strictly and follow each subject's versions.
    pub deep: bool,
}

/// The trusted end of what was verified before; its position is the frontier's size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The tree over all records before.
    pub frontier: Frontier,
    /// The hash of the last record before; [`Hash::ZERO`] if there is none.
    pub prev: Hash,
    /// Its time; [`Timestamp::MIN`] if there is none.
    pub recorded_at: Timestamp,
}

impl Default for Start {
    fn default() -> Self {
        Self {
            frontier: Frontier::new(),
            prev: Hash::ZERO,
            recorded_at: Timestamp::MIN,
        }
    }
}

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Records from position 0, those before the start included; also the next position.
    pub records: u64,
    /// The Merkle root over them.
    pub root: Hash,
    /// The hash of the last record; [`Hash::ZERO`] if there is none.
    pub last: Hash,
    /// The time of the last record; [`Timestamp::MIN`] if there is none.
    pub recorded_at: Timestamp,
    /// The tree, to go on from here.
    pub frontier: Frontier,
}

impl Verified {
    /// A start for what comes after.
    pub fn into_start(self) -> Start {
        Start {
            frontier: self.frontier,
            prev: self.last,
            recorded_at: self.recorded_at,
        }
    }
}

/// The first thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The position of the record that is wrong, or where one is missing.
    pub position: u64,
    /// What is wrong.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "position {}: {}", self.position, self.problem)
    }
}

impl std::error::Error for Finding {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.problem)
    }
}

/// What can be wrong with a ledger.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The source failed.
    #[error("could not be read: {0}")]
    Unreadable(String),
    /// A stored block is damaged.
    #[error("the stored block that starts here can't be opened: {0}")]
    Block(BlockError),
    /// A stored block's header says something else than its lines.
    #[error("the header of the stored block that starts here does not agree with its lines")]
    Header,
    /// A line does not have the fixed form.
    #[error("not a record: {0}")]
    Line(LineError),
    /// A text that does not end with a newline: it was cut off.
    #[error("the line has no newline at its end: the file was cut off here")]
    CutOff,
    /// The wrong position: records are missing, repeated or out of place.
    #[error("here stands position {found}: {}", out_of_place(*expected, *found))]
    Position {
        /// The position that comes next.
        expected: u64,
        /// The position in the line or the block's header.
        found: u64,
    },
    /// The record's hash is not the one that its successor, or its block's header, cites.
    #[error("the record was altered: its hash is {computed}, what follows cites {cited}")]
    Altered {
        /// As computed from the line.
        computed: Hash,
        /// As cited.
        cited: Hash,
    },
    /// The record does not cite the record before it, whose own hash is cited rightly elsewhere or trusted.
    #[error(
        "the record's link was altered: `prev` is {cited}, the record before has the hash {computed}"
    )]
    Link {
        /// The hash of the record before.
        computed: Hash,
        /// As cited.
        cited: Hash,
    },
    /// Time runs backwards.
    #[error("back-dated: recorded at {found}, the record before at {previous}")]
    BackDated {
        /// The time of the record before.
        previous: Timestamp,
        /// The record's time.
        found: Timestamp,
    },
    /// The records of one command are not together and in order.
    #[error("part {} of {} can't follow part {} of {}: records of one command are missing or out of place", found.index, found.of, previous.index, previous.of)]
    Part {
        /// Of the record before.
        previous: Part,
        /// Of this record.
        found: Part,
    },
    /// A block or the ledger ends inside a command; the position is that of the first missing record.
    #[error("after part {} of {} the block or the ledger ends: the other records of the command are missing", found.index, found.of)]
    Unfinished {
        /// Of the last record.
        found: Part,
    },
    /// A gap or a repetition in a subject's versions.
    #[error(
        "version {found} of its subject, {expected} comes next: records of this subject are missing or repeated"
    )]
    Version {
        /// Whose.
        subject: Subject,
        /// The version that comes next.
        expected: u64,
        /// The version in the line.
        found: u64,
    },
    /// The first record does not open a ledger.
    #[error(
        "the first record is of type {kind}; a ledger begins with ledger.opened.v1 about itself"
    )]
    NotOpened {
        /// Its type.
        kind: String,
    },
    /// The first record opens a ledger in a way that can't be read.
    #[error("{0}")]
    Genesis(GenesisError),
    /// Fewer records than a checkpoint covers.
    #[error("the ledger ends here, a checkpoint covers {size} records: the rest was cut off")]
    Shorter {
        /// The checkpoint's size.
        size: u64,
    },
    /// Another root than a checkpoint states.
    #[error(
        "the root over {size} records is {computed}, the checkpoint states {stated}: records up to here were rewritten since it was signed, or it is another ledger's"
    )]
    Root {
        /// The checkpoint's size.
        size: u64,
        /// As computed.
        computed: Hash,
        /// As stated.
        stated: Hash,
    },
}

fn out_of_place(expected: u64, found: u64) -> &'static str {
    if found > expected {
        "records are missing"
    } else {
        "a record is repeated or out of place"
    }
}

#[cfg(test)]
mod tests;
