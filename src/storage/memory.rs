//! The promise of [`Journal`] without a disk, for tests: it survives nothing, and fails on request.
//!
//! # Fault model
//!
//! A test asks for the outcome of the next append with [`Memory::fail_next`]. Each call can fail in both ways
//! that a real disk knows: *failed and not stored*, *failed but stored*. After an unknown outcome the journal is
//! poisoned as `local` is: every later append is `Unknown` until [`Memory::reopen`], which shows what was
//! really stored, as opening the folder again would. Reads never fail on their own: damage is a matter of disks.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
};

use super::{AppendError, Head, Journal, ReadError, check_follows};
use crate::ledger::StoredBlock;

/// How the next append fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `Unavailable`: nothing is stored, and the journal goes on.
    Unavailable,
    /// `Unknown`, and nothing was stored.
    UnknownNotStored,
    /// `Unknown`, and the block was stored.
    UnknownStored,
    /// `HeadMoved`: another writer stored a block at this position.
    HeadMoved {
        /// Where the other writer left the log.
        head: u64,
    },
}

/// A journal in memory.
#[derive(Debug, Default)]
pub struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Clone, Debug, Default)]
struct Inner {
    /// By first position.
    blocks: BTreeMap<u64, StoredBlock>,
    faults: VecDeque<Fault>,
    poisoned: Option<String>,
}

impl Memory {
    /// An empty journal.
    #[must_use]
    pub fn new() -> Memory {
        Memory::default()
    }

    /// Lets the next append end in `fault`. Several faults happen one after another.
    pub fn fail_next(&self, fault: Fault) {
        self.lock().faults.push_back(fault);
    }

    /// What opening the same journal again would find: all that was stored, no faults, no poison.
    #[must_use]
    pub fn reopen(&self) -> Memory {
        Memory {
            inner: Mutex::new(Inner {
                blocks: self.lock().blocks.clone(),
                ..Inner::default()
            }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn head(&self) -> Head {
        self.blocks
            .values()
            .next_back()
            .map_or(Head::EMPTY, Head::after)
    }

    fn poison(&mut self, why: &str) -> AppendError {
        self.poisoned = Some(why.to_owned());
        AppendError::Unknown(why.to_owned())
    }
}

impl Journal for Memory {
    fn append(&self, head: u64, block: &StoredBlock) -> Result<(), AppendError> {
        let mut inner = self.lock();
        if let Some(why) = &inner.poisoned {
            return Err(AppendError::Unknown(why.clone()));
        }
        check_follows(inner.head(), head, block)?;
        match inner.faults.pop_front() {
            None => {
                inner.blocks.insert(block.first, block.clone());
                Ok(())
            }
            Some(Fault::Unavailable) => Err(AppendError::Unavailable("a test asked for it".into())),
            Some(Fault::HeadMoved { head }) => Err(AppendError::HeadMoved { head }),
            Some(Fault::UnknownNotStored) => Err(inner.poison("a test asked for it: not stored")),
            Some(Fault::UnknownStored) => {
                inner.blocks.insert(block.first, block.clone());
                Err(inner.poison("a test asked for it: stored"))
            }
        }
    }

    fn read(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        let inner = self.lock();
        let found = inner.blocks.range(..=position).next_back();
        // A block past which the position lies is the last one: there are no gaps in memory.
        Ok(found
            .map(|(_, block)| block.clone())
            .filter(|block| position < block.next()))
    }

    fn head(&self) -> Head {
        self.lock().head()
    }
}
