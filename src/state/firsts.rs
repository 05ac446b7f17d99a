//! The first record of each of some random names: PIC-freeze requests that were answered, about whatever customer, each of
//! which is usable once, for ever (R14); customers who were erased (E8).
//!
//! They are few beside all other records, and are never let go of: in memory only until they are written, and then in
//! sorted runs beside the customers.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::StateError;
use super::runs::{Merged, Runs};
use super::store::view;
use crate::domain::ids::{Position, RandomId, Token};

type Pending = HashMap<Token, Position, BuildHasherDefault<RandomId>>;

/// What is not durable yet.
#[derive(Default)]
struct Unwritten {
    /// Seen since the last write.
    recent: Pending,
    /// Being written.
    writing: Arc<Pending>,
}

/// Token and position, big-endian: of a token's entries the oldest comes first.
const ENTRY: usize = 24;

pub struct Firsts {
    unwritten: Mutex<Unwritten>,
    runs: RwLock<Runs<16, ENTRY>>,
}

/// What a write put into the runs, until it is durable.
pub struct Written {
    /// Names that were written.
    pub count: usize,
    merged: Merged,
}

impl Firsts {
    /// Those in the tree of that name.
    pub fn open(database: &sled::Db, tree: &str) -> Result<Self, StateError> {
        let tree = database.open_tree(tree);
        let runs = Runs::open(tree.map_err(|error| view(&error))?)?;
        Ok(Self {
            unwritten: Mutex::default(),
            runs: RwLock::new(runs),
        })
    }

    /// The first record of that name.
    pub fn find(&self, name: Token) -> Result<Option<Position>, StateError> {
        let unwritten = {
            let unwritten = self.unwritten();
            let found = [&unwritten.recent, unwritten.writing.as_ref()].map(|all| all.get(&name));
            found.into_iter().flatten().copied().min()
        };
        // After what is unwritten, which moves into the runs meanwhile.
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        let written = match runs.from(&name.0)?.next().transpose()? {
            Some(entry) => Some(read(&entry)).filter(|(found, _)| *found == name),
            None => None,
        };
        let written = written.map(|(_, position)| position);
        Ok(unwritten.into_iter().chain(written).min())
    }

    /// The names from that one on in their order, each with its first record: `limit` of those that are written, and those
    /// between them that aren't yet.
    pub fn page(&self, from: Token, limit: usize) -> Result<BTreeMap<Token, Position>, StateError> {
        let mut unwritten: Vec<(Token, Position)> = {
            let unwritten = self.unwritten();
            let all = unwritten.recent.iter().chain(unwritten.writing.iter());
            all.map(|(name, position)| (*name, *position)).collect()
        };
        let mut found: BTreeMap<Token, Position> = BTreeMap::new();
        let runs = self.runs.read().unwrap_or_else(PoisonError::into_inner);
        for entry in runs.from(&from.0)? {
            let (name, position) = read(&entry?);
            if found.len() >= limit && !found.contains_key(&name) {
                unwritten.retain(|(unwritten, _)| *unwritten < name);
                break;
            }
            // The oldest of a name comes first.
            found.entry(name).or_insert(position);
        }
        for (name, position) in unwritten.into_iter().filter(|(name, _)| *name >= from) {
            let first = found.entry(name).or_insert(position);
            *first = position.min(*first);
        }
        Ok(found)
    }

    /// Remembers names with a record of each; says how many of them were not waiting to be written already.
    pub fn remember(&self, names: impl Iterator<Item = (Token, Position)>) -> usize {
        let mut names = names.peekable();
        if names.peek().is_none() {
            return 0;
        }
        let mut unwritten = self.unwritten();
        let before = unwritten.recent.len();
        for (name, position) in names {
            let first = unwritten.recent.entry(name).or_insert(position);
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

fn entry((name, position): (&Token, &Position)) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..16].copy_from_slice(&name.0);
    entry[16..].copy_from_slice(&position.0.to_be_bytes());
    entry
}

fn read(entry: &[u8; ENTRY]) -> (Token, Position) {
    let (mut name, mut position) = ([0; 16], [0; 8]);
    name.copy_from_slice(&entry[..16]);
    position.copy_from_slice(&entry[16..]);
    (Token(name), Position(u64::from_be_bytes(position)))
}

#[cfg(test)]
mod tests {
    use super::super::store::Store;
    use super::super::{LedgerState, Options, States};
    use super::*;

    fn answered(request: u8, position: u64) -> (Token, Position) {
        (Token([request; 16]), Position(position))
    }

    fn remember<const N: usize>(requests: &Firsts, answered: [(Token, Position); N]) -> usize {
        requests.remember(answered.into_iter())
    }

    fn write(requests: &Firsts) -> usize {
        let written = requests.write().unwrap();
        requests.list(&written).unwrap();
        requests.stored(&written).unwrap();
        written.count
    }

    #[test]
    fn r14_an_answered_request_is_found_before_and_after_it_is_written_and_after_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let database = crate::state::open_sled(dir.path(), 1 << 20).unwrap();
        let requests = Firsts::open(&database, "answered-requests").unwrap();
        let find = |requests: &Firsts, one: u8| requests.find(Token([one; 16])).unwrap();
        assert_eq!(remember(&requests, [answered(1, 7), answered(3, 9)]), 2);
        assert_eq!(remember(&requests, [answered(1, 12)]), 0);
        assert_eq!(find(&requests, 1), Some(Position(7)), "the first answer");
        assert_eq!(write(&requests), 2);
        for round in 0..20 {
            remember(&requests, [answered(100 + round, 20 + u64::from(round))]);
            assert_eq!(write(&requests), 1);
        }
        assert_eq!(write(&requests), 0);
        // A replay after a crash tells again what is written already.
        assert_eq!(remember(&requests, [answered(1, 7), answered(3, 9)]), 2);
        write(&requests);
        drop(requests);
        let requests = Firsts::open(&database, "answered-requests").unwrap();
        let found = [1, 2, 3, 110, 255].map(|one| find(&requests, one));
        let positions = [Some(7), None, Some(9), Some(30), None];
        assert_eq!(found, positions.map(|position| position.map(Position)));
    }

    #[test]
    fn t4_a_view_that_turns_out_to_lack_a_part_is_rebuilt_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let options = Options::new(dir.path());
        let name = |number: u64| {
            let mut name = [0; 16];
            name[..8].copy_from_slice(&number.to_be_bytes());
            Token(name)
        };
        let store = Store::open(&options, [7; 16]).unwrap();
        let requests = Firsts::open(store.database(), "answered-requests").unwrap();
        requests.remember((0..4_000).map(|number| (name(number), Position(number))));
        assert_eq!(write(&requests), 4_000);
        let ledger = LedgerState::default();
        let company = store.set_company(&ledger).unwrap();
        store.set_reflects(4_000, &ledger, company).unwrap();
        let chunks = store.database().open_tree("answered-requests").unwrap();
        let (second, _) = chunks.iter().nth(1).unwrap().unwrap();
        chunks.remove(second).unwrap();
        store.sync().unwrap();
        drop((chunks, requests, store));

        let states = States::open(options.clone(), [7; 16]).unwrap();
        assert_eq!(states.applied(), 4_000, "its ends are there");
        assert_eq!(states.answered(name(0)).unwrap(), Some(Position(0)));
        let gone = (0..4_000).filter(|number| states.answered(name(*number)).is_err());
        assert!(gone.count() > 0);
        drop(states);
        let states = States::open(options, [7; 16]).unwrap();
        assert_eq!(states.applied(), 0, "everything is replayed from the log");
    }

    #[test]
    fn e8_names_are_told_page_by_page_each_once_whether_written_or_not() {
        let dir = tempfile::tempdir().unwrap();
        let database = crate::state::open_sled(dir.path(), 1 << 20).unwrap();
        let names = Firsts::open(&database, "erased").unwrap();
        for round in 0..12 {
            remember(&names, [answered(round * 3, 7), answered(round * 3 + 1, 8)]);
            write(&names);
        }
        remember(&names, [answered(2, 9), answered(3, 9), answered(200, 9)]);
        let (mut from, mut told) = (0, Vec::new());
        loop {
            let page = names.page(Token([from; 16]), 5).unwrap();
            told.extend(page.keys().map(|name| name.0[0]));
            match told.last() {
                Some(last) if !page.is_empty() => from = last + 1,
                _ => break,
            }
        }
        let written = (0..12).flat_map(|round| [round * 3, round * 3 + 1]);
        let mut all: Vec<u8> = written.chain([2, 200]).collect();
        all.sort_unstable();
        assert_eq!(told, all);
    }
}
