//! One day's request ids on disk: sorted runs, because an insert for each id costs more than its command.
//!
//! Every write behind adds a run. Eight runs of a level are merged into one of the next, so that a day has few however
//! often it is written to. A run is a row of chunks under `level ‖ number ‖ first id`; a crash while runs are merged leaves
//! ids in two of them, which says the same twice.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::super::StateError;
use super::super::store::view;
use super::{Repeat, RequestToken};

/// Ids of a chunk: some 26 KiB, far below what sled would put into a file of its own.
const CHUNK: usize = 1_024;
/// Runs of a level that become one of the next.
const MERGE: usize = 8;
const ENTRY: usize = 26;

pub struct Table {
    day: u32,
    tree: sled::Tree,
    /// The runs in the order of their keys.
    runs: Vec<Run>,
}

/// What a table is to consist of.
pub struct Prepared {
    runs: Vec<Run>,
    merged: Vec<Run>,
}

/// Runs that were merged into others.
#[derive(Default)]
pub struct Merged(Vec<Run>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    level: u8,
    number: u32,
}

impl Table {
    /// The table of `day`, with the runs that are in it.
    pub fn open(day: u32, tree: sled::Tree) -> Result<Self, StateError> {
        let mut runs = Vec::new();
        let mut from = Run {
            level: 0,
            number: 0,
        };
        while let Some(found) = tree.range(from.key([0; 8])..).next() {
            let (key, _) = found.map_err(|error| view(&error))?;
            let (run, _) = Run::of_key(&key).ok_or_else(broken)?;
            runs.push(run);
            let Some(next) = run.next() else { break };
            from = next;
        }
        Ok(Self { day, tree, runs })
    }

    /// The request of that id.
    pub fn find(&self, token: RequestToken) -> Result<Option<Repeat>, StateError> {
        for run in self.runs.iter().rev() {
            let chunk = self
                .tree
                .range(run.key([0; 8])..=run.key(token))
                .next_back();
            let Some(chunk) = chunk else { continue };
            let (key, value) = chunk.map_err(|error| view(&error))?;
            let entries = body(&key, &value)?;
            if let Some(entry) = search(entries, token) {
                return Ok(Some(read(entry, self.day)));
            }
        }
        Ok(None)
    }

    /// Writes a run, and merges those of a level that has enough of them; `sorted` is by id. Look-ups go on in the runs
    /// before, until [`Table::switch`].
    pub fn prepare(&self, sorted: &[Repeat]) -> Result<Prepared, StateError> {
        let (mut runs, mut merged) = (self.runs.clone(), Vec::new());
        let run = next_run(&runs, 0);
        for chunk in sorted.chunks(CHUNK) {
            let mut entries = Vec::with_capacity(chunk.len() * ENTRY + 4);
            chunk.iter().for_each(|repeat| write(repeat, &mut entries));
            self.insert(run, entries)?;
        }
        runs.push(run);
        for level in 0..u8::MAX {
            let of_level = |run: &&Run| run.level == level;
            let full: Vec<Run> = runs.iter().filter(of_level).copied().collect();
            if full.len() < MERGE {
                break;
            }
            let into = next_run(&runs, level + 1);
            self.merge_into(&full, into)?;
            runs.retain(|run| run.level != level);
            runs.push(into);
            merged.extend(full);
        }
        runs.sort_unstable();
        Ok(Prepared { runs, merged })
    }

    /// Looks into the prepared runs from now on; what is returned may be dropped once they are durable.
    pub fn switch(&mut self, prepared: Prepared) -> Merged {
        self.runs = prepared.runs;
        Merged(prepared.merged)
    }

    /// Lets go of runs that were merged, once what they were merged into is durable.
    pub fn drop_runs(&self, merged: &Merged) -> Result<(), StateError> {
        for run in &merged.0 {
            for key in self.tree.range(run.key([0; 8])..=run.key([0xff; 8])).keys() {
                let key = key.map_err(|error| view(&error))?;
                self.tree.remove(key).map_err(|error| view(&error))?;
            }
        }
        Ok(())
    }

    /// Every id in the table, some of them twice.
    pub fn ids(tree: &sled::Tree) -> impl Iterator<Item = Result<Vec<RequestToken>, StateError>> {
        tree.iter().map(|chunk| {
            let (key, value) = chunk.map_err(|error| view(&error))?;
            let entries = body(&key, &value)?.chunks_exact(ENTRY);
            Ok(entries.map(token_of).collect())
        })
    }

    fn insert(&self, run: Run, mut entries: Vec<u8>) -> Result<(), StateError> {
        let Some(first) = entries.get(..ENTRY).map(token_of) else {
            return Ok(());
        };
        let key = run.key(first);
        let sum = checksum(&key, &entries);
        entries.extend_from_slice(&sum.to_le_bytes());
        self.tree
            .insert(key, entries)
            .map_err(|error| view(&error))?;
        Ok(())
    }

    fn merge_into(&self, runs: &[Run], into: Run) -> Result<(), StateError> {
        let mut readers: Vec<Reader> = runs
            .iter()
            .map(|run| Reader::of(&self.tree, *run))
            .collect();
        let mut heads = BinaryHeap::new();
        for (index, reader) in readers.iter_mut().enumerate() {
            if let Some(entry) = reader.next()? {
                heads.push(Reverse((entry, index)));
            }
        }
        let (mut chunk, mut last) = (Vec::new(), None);
        while let Some(Reverse((entry, index))) = heads.pop() {
            if last != Some(entry) {
                chunk.extend_from_slice(&entry);
                last = Some(entry);
            }
            if chunk.len() >= CHUNK * ENTRY {
                self.insert(into, std::mem::take(&mut chunk))?;
            }
            if let Some(reader) = readers.get_mut(index)
                && let Some(entry) = reader.next()?
            {
                heads.push(Reverse((entry, index)));
            }
        }
        self.insert(into, chunk)
    }
}

/// A number above those of the level's runs: half a run of a process that ended is never continued.
fn next_run(runs: &[Run], level: u8) -> Run {
    let of_level = runs.iter().filter(|run| run.level == level);
    let last = of_level.map(|run| run.number).max();
    Run {
        level,
        number: last.map_or(0, |last| last.saturating_add(1)),
    }
}

/// Reads a run's entries in order, a chunk at a time.
struct Reader {
    chunks: sled::Iter,
    entries: sled::IVec,
    at: usize,
}

impl Reader {
    fn of(tree: &sled::Tree, run: Run) -> Self {
        Self {
            chunks: tree.range(run.key([0; 8])..=run.key([0xff; 8])),
            entries: sled::IVec::default(),
            at: 0,
        }
    }

    fn next(&mut self) -> Result<Option<[u8; ENTRY]>, StateError> {
        loop {
            let end = self.entries.len().saturating_sub(4);
            let entries = self.entries.get(self.at..end).unwrap_or_default();
            if let Some(entry) = entries.first_chunk::<ENTRY>() {
                self.at += ENTRY;
                return Ok(Some(*entry));
            }
            let Some(chunk) = self.chunks.next() else {
                return Ok(None);
            };
            let (key, value) = chunk.map_err(|error| view(&error))?;
            body(&key, &value)?;
            (self.entries, self.at) = (value, 0);
        }
    }
}

impl Run {
    fn key(self, token: RequestToken) -> [u8; 13] {
        let mut key = [0; 13];
        key[0] = self.level;
        key[1..5].copy_from_slice(&self.number.to_be_bytes());
        key[5..].copy_from_slice(&token);
        key
    }

    fn of_key(key: &[u8]) -> Option<(Self, RequestToken)> {
        let (level, rest) = key.split_first()?;
        let (number, token) = rest.split_first_chunk::<4>()?;
        let run = Self {
            level: *level,
            number: u32::from_be_bytes(*number),
        };
        Some((run, token.try_into().ok()?))
    }

    fn next(self) -> Option<Self> {
        match self.number.checked_add(1) {
            Some(number) => Some(Self { number, ..self }),
            None => Some(Self {
                level: self.level.checked_add(1)?,
                number: 0,
            }),
        }
    }
}

/// Id, content, first position, number of records: integers big-endian, so that entries sort by id, then position.
fn write(repeat: &Repeat, to: &mut Vec<u8>) {
    to.extend_from_slice(&repeat.token);
    to.extend_from_slice(&repeat.content);
    to.extend_from_slice(&repeat.first.to_be_bytes());
    to.extend_from_slice(&repeat.of.to_be_bytes());
}

fn read(entry: &[u8], day: u32) -> Repeat {
    Repeat {
        token: field(entry, 0),
        content: field(entry, 8),
        first: u64::from_be_bytes(field(entry, 16)),
        of: u16::from_be_bytes(field(entry, 24)),
        day,
    }
}

fn token_of(entry: &[u8]) -> RequestToken {
    field(entry, 0)
}

/// `N` bytes of an entry, which has them.
fn field<const N: usize>(entry: &[u8], at: usize) -> [u8; N] {
    let field = entry.get(at..).and_then(|rest| rest.first_chunk());
    field.copied().unwrap_or([0; N])
}

fn search(entries: &[u8], token: RequestToken) -> Option<&[u8]> {
    let entry = |index: usize| entries.get(index * ENTRY..(index + 1) * ENTRY);
    let (mut low, mut high) = (0, entries.len() / ENTRY);
    while low < high {
        let middle = usize::midpoint(low, high);
        if token_of(entry(middle)?) < token {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    entry(low).filter(|entry| token_of(entry) == token)
}

/// A chunk's entries, if they are what was written.
fn body<'a>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], StateError> {
    let (entries, sum) = value.split_last_chunk::<4>().ok_or_else(broken)?;
    if checksum(key, entries) != u32::from_le_bytes(*sum) || entries.len() % ENTRY != 0 {
        return Err(broken());
    }
    Ok(entries)
}

fn broken() -> StateError {
    StateError::View("a run of request ids is broken".to_owned())
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repeat(number: u64) -> Repeat {
        let token = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
        Repeat {
            token,
            content: [7; 8],
            first: number,
            of: 3,
            day: 20_000,
        }
    }

    fn run(numbers: std::ops::Range<u64>) -> Vec<Repeat> {
        let mut repeats: Vec<Repeat> = numbers.map(repeat).collect();
        repeats.sort_unstable_by_key(|repeat| repeat.token);
        repeats
    }

    fn tree() -> (sled::Db, sled::Tree) {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = database.open_tree("day").unwrap();
        (database, tree)
    }

    #[test]
    fn c1_every_id_is_found_again_however_runs_were_merged() {
        let (_database, tree) = tree();
        let mut table = Table::open(20_000, tree.clone()).unwrap();
        for turn in 0..100 {
            let prepared = table.prepare(&run(turn * 60..(turn + 1) * 60)).unwrap();
            let merged = table.switch(prepared);
            table.drop_runs(&merged).unwrap();
        }
        // 100 = 1 * 64 + 4 * 8 + 4.
        assert_eq!(table.runs.len(), 9);
        let reopened = Table::open(20_000, tree.clone()).unwrap();
        assert_eq!(reopened.runs, table.runs);
        for table in [table, reopened] {
            for number in 0..6_000 {
                let wanted = repeat(number);
                assert_eq!(table.find(wanted.token).unwrap(), Some(wanted));
            }
            assert_eq!(table.find(repeat(6_000).token).unwrap(), None);
        }
        let ids: usize = Table::ids(&tree).map(|ids| ids.unwrap().len()).sum();
        assert_eq!(ids, 6_000);
    }

    #[test]
    fn c1_a_crash_between_merging_and_letting_go_loses_nothing() {
        let (_database, tree) = tree();
        let mut table = Table::open(20_000, tree.clone()).unwrap();
        for turn in 0..8 {
            let prepared = table.prepare(&run(turn * 10..(turn + 1) * 10)).unwrap();
            table.switch(prepared);
        }
        assert_eq!(table.runs.len(), 1);
        // The process ends here; what was merged is still there, and is merged once more.
        let mut table = Table::open(20_000, tree.clone()).unwrap();
        assert_eq!(table.runs.len(), 9);
        let prepared = table.prepare(&run(80..90)).unwrap();
        let merged = table.switch(prepared);
        table.drop_runs(&merged).unwrap();
        assert_eq!(Table::open(20_000, tree.clone()).unwrap().runs, table.runs);
        for number in 0..90 {
            let wanted = repeat(number);
            assert_eq!(table.find(wanted.token).unwrap(), Some(wanted));
        }
    }

    #[test]
    fn e4_a_damaged_chunk_is_found_and_never_read() {
        let (_database, tree) = tree();
        let mut table = Table::open(20_000, tree.clone()).unwrap();
        let prepared = table.prepare(&run(0..10)).unwrap();
        table.switch(prepared);
        let (key, value) = tree.first().unwrap().unwrap();
        let mut changed = value.to_vec();
        changed[9] ^= 1;
        tree.insert(key, changed).unwrap();
        assert!(table.find(repeat(3).token).is_err());
    }
}
