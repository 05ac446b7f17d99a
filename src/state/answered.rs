//! PIC-freeze requests that were answered, about whatever customer: each is usable once, for ever (R14).
//!
//! They are few beside all other records, and are never let go of: in memory only until they are written, and then in
//! sorted runs beside the customers.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::StateError;
use super::runs::{Merged, Runs};
use super::store::view;
use crate::domain::ids::{Position, RandomId, Token};

/// A request that a record answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Provider and id.
    pub request: Token,
    /// The record.
    pub position: Position,
}

type Pending = HashMap<Token, Position, BuildHasherDefault<RandomId>>;

/// What is not durable yet.
#[derive(Default)]
struct Unwritten {
    /// Answered since the last write.
    recent: Pending,
    /// Being written.
    writing: Arc<Pending>,
}

/// Token and position, big-endian: of a token's entries the oldest comes first.
const ENTRY: usize = 24;

pub struct AnsweredRequests {
    unwritten: Mutex<Unwritten>,
    runs: RwLock<Runs<16, ENTRY>>,
}

/// What a write put into the runs, until it is durable.
pub struct Written {
    /// Requests that were written.
    pub count: usize,
    merged: Merged,
}

impl AnsweredRequests {
    pub fn open(database: &sled::Db) -> Result<Self, StateError> {
        let tree = database.open_tree("answered-requests");
        let runs = Runs::open(tree.map_err(|error| view(&error))?)?;
        Ok(Self {
            unwritten: Mutex::default(),
            runs: RwLock::new(runs),
        })
    }

    /// The first record that answered the request.
    pub fn find(&self, request: Token) -> Result<Option<Position>, StateError> {
        let unwritten = {
            let unwritten = self.unwritten();
            let found =
                [&unwritten.recent, unwritten.writing.as_ref()].map(|all| all.get(&request));
            found.into_iter().flatten().copied().min()
        };
        // After what is unwritten, which moves into the runs meanwhile.
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        let written = match runs.from(&request.0)?.next().transpose()? {
            Some(entry) => position_of(request, &entry),
            None => None,
        };
        Ok(unwritten.into_iter().chain(written).min())
    }

    /// Remembers requests that were answered; says how many of them were not waiting to be written already.
    pub fn remember(&self, answered: Vec<Answered>) -> usize {
        if answered.is_empty() {
            return 0;
        }
        let mut unwritten = self.unwritten();
        let before = unwritten.recent.len();
        for Answered { request, position } in answered {
            let first = unwritten.recent.entry(request).or_insert(position);
            *first = position.min(*first);
        }
        unwritten.recent.len() - before
    }

    /// Writes the pending ones; they stay findable all the time.
    pub fn write(&self) -> Result<Written, StateError> {
        let writing = {
            let mut unwritten = self.unwritten();
            unwritten.writing = Arc::new(std::mem::take(&mut unwritten.recent));
            Arc::clone(&unwritten.writing)
        };
        if writing.is_empty() {
            return Ok(Written {
                count: 0,
                merged: Merged::default(),
            });
        }
        let mut sorted: Vec<_> = writing.iter().map(entry).collect();
        sorted.sort_unstable();
        let prepared = {
            let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
            runs.prepare(sorted.iter().copied().map(Ok))?
        };
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        Ok(Written {
            count: sorted.len(),
            merged: runs.switch(prepared),
        })
    }

    /// What was written is durable: the runs are listed, before the view promises it.
    pub fn list(&self, written: &Written) -> Result<(), StateError> {
        match written.count {
            0 => Ok(()),
            _ => (self.runs.read())
                .unwrap_or_else(PoisonError::into_inner)
                .list(&[]),
        }
    }

    /// What was written is promised: memory lets go of it, and the runs of what was merged.
    pub fn stored(&self, written: &Written) -> Result<(), StateError> {
        self.unwritten().writing = Arc::default();
        let mut runs = self.runs.write().unwrap_or_else(PoisonError::into_inner);
        runs.drop_runs(&written.merged)
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        (self.unwritten.lock()).unwrap_or_else(PoisonError::into_inner)
    }
}

fn entry((request, position): (&Token, &Position)) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(&request.0);
    entry[16..].copy_from_slice(&position.0.to_be_bytes());
    entry
}

fn position_of(request: Token, entry: &[u8; ENTRY]) -> Option<Position> {
    let (found, position) = entry.split_first_chunk::<16>()?;
    let position = u64::from_be_bytes(position.try_into().ok()?);
    (*found == request.0).then_some(Position(position))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(request: u8, position: u64) -> Answered {
        Answered {
            request: Token([request; 16]),
            position: Position(position),
        }
    }

    fn write(requests: &AnsweredRequests) -> usize {
        let written = requests.write().unwrap();
        requests.list(&written).unwrap();
        requests.stored(&written).unwrap();
        written.count
    }

    #[test]
    fn r14_an_answered_request_is_found_before_and_after_it_is_written_and_after_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let database = crate::state::open_sled(dir.path(), 1 << 20).unwrap();
        let requests = AnsweredRequests::open(&database).unwrap();
        let find = |requests: &AnsweredRequests, one: u8| requests.find(Token([one; 16])).unwrap();
        assert_eq!(requests.remember(vec![answered(1, 7), answered(3, 9)]), 2);
        assert_eq!(requests.remember(vec![answered(1, 12)]), 0);
        assert_eq!(find(&requests, 1), Some(Position(7)), "the first answer");
        assert_eq!(write(&requests), 2);
        for round in 0..20 {
            requests.remember(vec![answered(100 + round, 20 + u64::from(round))]);
            assert_eq!(write(&requests), 1);
        }
        assert_eq!(write(&requests), 0);
        // A replay after a crash tells again what is written already.
        assert_eq!(requests.remember(vec![answered(1, 7), answered(3, 9)]), 2);
        write(&requests);
        drop(requests);
        let requests = AnsweredRequests::open(&database).unwrap();
        let found = [1, 2, 3, 110, 255].map(|one| find(&requests, one));
        let positions = [Some(7), None, Some(9), Some(30), None];
        assert_eq!(found, positions.map(|position| position.map(Position)));
    }
}
