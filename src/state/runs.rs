//! Sorted runs: many small entries on disk, cheap to add and quick to find.
//!
//! An insert into sled for each entry costs more than the command that it comes from. Every write behind adds one run,
//! sorted, in chunks of some 24 KiB under `level ‖ number ‖ first key`. Eight runs of a level are merged into one of the
//! next, so that there are few however often is written. A crash while runs are merged leaves entries in two of them:
//! the same twice, which readers and the next merge see as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::marker::PhantomData;
use std::ops::Bound;

use super::StateError;
use super::store::{checksum, view};

/// Bytes of a chunk's entries, about: far below what sled would put into a file of its own.
const CHUNK_BYTES: usize = 24 << 10;
/// Runs of a level that become one of the next.
const MERGE: usize = 8;
/// The longest key of a chunk.
const KEY_MAX: usize = 32;

/// Entries of `N` bytes in the order of their bytes; the first `K` are the key.
pub struct Runs<const K: usize, const N: usize> {
    tree: sled::Tree,
    /// In the order of their keys on disk.
    runs: Vec<Run>,
}

/// What [`Runs`] are to consist of.
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

impl<const K: usize, const N: usize> Runs<K, N> {
    const CHUNK: usize = CHUNK_BYTES / N;
    const LOWEST: [u8; K] = [0; K];
    const HIGHEST: [u8; K] = [0xff; K];

    /// The runs that are in `tree`, which holds nothing else.
    ///
    /// # Errors
    /// When it can't be read, or holds something else.
    pub fn open(tree: sled::Tree) -> Result<Self, StateError> {
        const { assert!(K <= N && K + 5 <= KEY_MAX, "a key is part of its entry") };
        let (mut runs, mut level, mut number) = (Vec::new(), 0, 0);
        while let Some(found) = tree
            .range(key(Run { level, number }, &Self::LOWEST)..)
            .next()
        {
            let (key, _) = found.map_err(|error| view(&error))?;
            let run = run_of(&key).ok_or_else(broken)?;
            runs.push(run);
            (level, number) = match run.number.checked_add(1) {
                Some(number) => (run.level, number),
                None => (run.level.saturating_add(1), 0),
            };
        }
        Ok(Self { tree, runs })
    }

    /// An entry of that key.
    ///
    /// # Errors
    /// When a chunk can't be read or isn't what was written.
    pub fn find(&self, wanted: &[u8; K]) -> Result<Option<[u8; N]>, StateError> {
        for run in self.runs.iter().rev() {
            let mut reader = Reader::<K, N>::from(&self.tree, *run, wanted)?;
            if let Some(entry) = reader.next()?
                && entry.starts_with(wanted)
            {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// All entries from that key on, in order, each once. While they are read, the runs are borrowed: they can't be
    /// switched, and what was merged before can't be dropped under the reader.
    ///
    /// # Errors
    /// When a chunk can't be read or isn't what was written.
    pub fn from(&self, first: &[u8; K]) -> Result<Merge<'_, K, N>, StateError> {
        self.merge(&self.runs, first)
    }

    /// Every entry of a tree of runs, chunk by chunk, some of them twice.
    pub fn entries(tree: &sled::Tree) -> impl Iterator<Item = Result<Vec<[u8; N]>, StateError>> {
        tree.iter().map(|chunk| {
            let (key, value) = chunk.map_err(|error| view(&error))?;
            let (entries, _) = body::<N>(&key, &value)?.as_chunks::<N>();
            Ok(entries.to_vec())
        })
    }

    /// Writes a run of `sorted` entries, and merges those of a level that has enough of them. Look-ups go on in the runs
    /// before, until [`Runs::switch`].
    ///
    /// # Errors
    /// When the tree can't be read or written.
    pub fn prepare(
        &self,
        sorted: impl IntoIterator<Item = [u8; N]>,
    ) -> Result<Prepared, StateError> {
        let (mut runs, mut merged) = (self.runs.clone(), Vec::new());
        let run = next_run(&runs, 0);
        self.write(run, sorted.into_iter().map(Ok))?;
        runs.push(run);
        for level in 0..u8::MAX {
            let of_level = |run: &&Run| run.level == level;
            let full: Vec<Run> = runs.iter().filter(of_level).copied().collect();
            if full.len() < MERGE {
                break;
            }
            let into = next_run(&runs, level + 1);
            self.write(into, self.merge(&full, &Self::LOWEST)?)?;
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
    ///
    /// # Errors
    /// When the tree can't be written.
    pub fn drop_runs(&mut self, merged: &Merged) -> Result<(), StateError> {
        for run in &merged.0 {
            let of_run = key(*run, &Self::LOWEST)..=key(*run, &Self::HIGHEST);
            for key in self.tree.range(of_run).keys() {
                let key = key.map_err(|error| view(&error))?;
                self.tree.remove(key).map_err(|error| view(&error))?;
            }
        }
        Ok(())
    }

    fn merge(&self, runs: &[Run], first: &[u8; K]) -> Result<Merge<'_, K, N>, StateError> {
        let readers = runs.iter().map(|run| Reader::from(&self.tree, *run, first));
        let mut merge = Merge {
            readers: readers.collect::<Result<_, _>>()?,
            heads: BinaryHeap::new(),
            last: None,
            _runs: PhantomData,
        };
        for index in 0..merge.readers.len() {
            merge.advance(index)?;
        }
        Ok(merge)
    }

    fn write(
        &self,
        run: Run,
        entries: impl Iterator<Item = Result<[u8; N], StateError>>,
    ) -> Result<(), StateError> {
        let mut chunk = Vec::with_capacity(Self::CHUNK * N + 4);
        for entry in entries {
            chunk.extend_from_slice(&entry?);
            if chunk.len() >= Self::CHUNK * N {
                self.insert(run, &mut chunk)?;
            }
        }
        self.insert(run, &mut chunk)
    }

    fn insert(&self, run: Run, chunk: &mut Vec<u8>) -> Result<(), StateError> {
        let Some(first) = chunk.first_chunk::<K>() else {
            return Ok(());
        };
        let key = key(run, first);
        let sum = checksum(&key, chunk);
        chunk.extend_from_slice(&sum.to_le_bytes());
        self.tree
            .insert(key, chunk.as_slice())
            .map_err(|error| view(&error))?;
        chunk.clear();
        Ok(())
    }
}

/// Entries of several runs in one order, each once.
pub struct Merge<'r, const K: usize, const N: usize> {
    readers: Vec<Reader<K, N>>,
    heads: BinaryHeap<Reverse<([u8; N], usize)>>,
    last: Option<[u8; N]>,
    _runs: PhantomData<&'r Runs<K, N>>,
}

impl<const K: usize, const N: usize> Merge<'_, K, N> {
    fn advance(&mut self, index: usize) -> Result<(), StateError> {
        if let Some(reader) = self.readers.get_mut(index)
            && let Some(entry) = reader.next()?
        {
            self.heads.push(Reverse((entry, index)));
        }
        Ok(())
    }
}

impl<const K: usize, const N: usize> Iterator for Merge<'_, K, N> {
    type Item = Result<[u8; N], StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let Reverse((entry, index)) = self.heads.pop()?;
            if let Err(error) = self.advance(index) {
                self.heads.clear();
                return Some(Err(error));
            }
            if self.last != Some(entry) {
                self.last = Some(entry);
                return Some(Ok(entry));
            }
        }
    }
}

/// Reads a run in order, a chunk at a time.
struct Reader<const K: usize, const N: usize> {
    chunks: sled::Iter,
    chunk: sled::IVec,
    at: usize,
}

impl<const K: usize, const N: usize> Reader<K, N> {
    /// From the first entry whose key is at least `first`.
    fn from(tree: &sled::Tree, run: Run, first: &[u8; K]) -> Result<Self, StateError> {
        let lowest = key(run, &Runs::<K, N>::LOWEST);
        let highest = key(run, &Runs::<K, N>::HIGHEST);
        let chunk = tree.range(lowest.clone()..=key(run, first)).next_back();
        let mut reader = Self {
            chunks: tree.range(lowest..=highest.clone()),
            chunk: sled::IVec::default(),
            at: 0,
        };
        if let Some(chunk) = chunk {
            let (chunk_key, value) = chunk.map_err(|error| view(&error))?;
            let (entries, _) = body::<N>(&chunk_key, &value)?.as_chunks::<N>();
            reader.at = N * entries.partition_point(|entry| entry[..K] < first[..]);
            reader.chunk = value;
            let rest = (
                Bound::Excluded(chunk_key.to_vec()),
                Bound::Included(highest),
            );
            reader.chunks = tree.range::<Vec<u8>, _>(rest);
        }
        Ok(reader)
    }

    fn next(&mut self) -> Result<Option<[u8; N]>, StateError> {
        loop {
            let end = self.chunk.len().saturating_sub(4);
            let entries = self.chunk.get(self.at..end).unwrap_or_default();
            if let Some(entry) = entries.first_chunk::<N>() {
                self.at += N;
                return Ok(Some(*entry));
            }
            let Some(chunk) = self.chunks.next() else {
                return Ok(None);
            };
            let (key, value) = chunk.map_err(|error| view(&error))?;
            body::<N>(&key, &value)?;
            (self.chunk, self.at) = (value, 0);
        }
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

fn key(run: Run, first: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(KEY_MAX);
    key.push(run.level);
    key.extend_from_slice(&run.number.to_be_bytes());
    key.extend_from_slice(first);
    key
}

fn run_of(key: &[u8]) -> Option<Run> {
    let (level, rest) = key.split_first()?;
    let (number, _) = rest.split_first_chunk::<4>()?;
    Some(Run {
        level: *level,
        number: u32::from_be_bytes(*number),
    })
}

/// A chunk's entries, if they are what was written.
fn body<'a, const N: usize>(key: &[u8], value: &'a [u8]) -> Result<&'a [u8], StateError> {
    let (entries, sum) = value.split_last_chunk::<4>().ok_or_else(broken)?;
    if checksum(key, entries) != u32::from_le_bytes(*sum) || entries.len() % N != 0 {
        return Err(broken());
    }
    Ok(entries)
}

fn broken() -> StateError {
    StateError::View("a sorted run is broken".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    type Numbers = Runs<8, 12>;

    /// Scattered keys, so that runs overlap.
    fn entry(number: u32) -> [u8; 12] {
        let mut entry = [0; 12];
        let key = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        entry[..8].copy_from_slice(&key.to_be_bytes());
        entry[8..].copy_from_slice(&number.to_be_bytes());
        entry
    }

    fn key_of(number: u32) -> [u8; 8] {
        *entry(number).first_chunk().unwrap()
    }

    fn sorted(numbers: std::ops::Range<u32>) -> Vec<[u8; 12]> {
        let mut entries: Vec<_> = numbers.map(entry).collect();
        entries.sort_unstable();
        entries
    }

    fn add(runs: &mut Numbers, numbers: std::ops::Range<u32>) -> Merged {
        let prepared = runs.prepare(sorted(numbers)).unwrap();
        runs.switch(prepared)
    }

    fn tree() -> (sled::Db, sled::Tree) {
        let database = sled::Config::new().temporary(true).open().unwrap();
        let tree = database.open_tree("runs").unwrap();
        (database, tree)
    }

    #[test]
    fn every_entry_is_found_again_however_runs_were_merged() {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        for turn in 0..100 {
            let merged = add(&mut runs, turn * 60..(turn + 1) * 60);
            runs.drop_runs(&merged).unwrap();
        }
        // 100 = 1 * 64 + 4 * 8 + 4.
        assert_eq!(runs.runs.len(), 9);
        let reopened = Numbers::open(tree.clone()).unwrap();
        assert_eq!(reopened.runs, runs.runs);
        let all = sorted(0..6_000);
        for runs in [runs, reopened] {
            for number in 0..6_000 {
                assert_eq!(runs.find(&key_of(number)).unwrap(), Some(entry(number)));
            }
            assert_eq!(runs.find(&key_of(6_000)).unwrap(), None);
            let middle = all[4_321].first_chunk().unwrap();
            let rest: Result<Vec<_>, _> = runs.from(middle).unwrap().collect();
            assert_eq!(rest.unwrap(), all[4_321..]);
        }
        let entries: usize = Numbers::entries(&tree)
            .map(|chunk| chunk.unwrap().len())
            .sum();
        assert_eq!(entries, 6_000);
    }

    #[test]
    fn a_crash_between_merging_and_letting_go_loses_nothing() {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        for turn in 0..8 {
            add(&mut runs, turn * 10..(turn + 1) * 10);
        }
        assert_eq!(runs.runs.len(), 1);
        // The process ends here; what was merged is still there, and is merged once more.
        let mut runs = Numbers::open(tree.clone()).unwrap();
        assert_eq!(runs.runs.len(), 9);
        let merged = add(&mut runs, 80..90);
        runs.drop_runs(&merged).unwrap();
        assert_eq!(Numbers::open(tree).unwrap().runs, runs.runs);
        let all: Result<Vec<_>, _> = runs.from(&[0; 8]).unwrap().collect();
        assert_eq!(all.unwrap(), sorted(0..90), "each once");
    }

    #[test]
    fn a_reader_who_began_before_a_merge_was_let_go_reads_on() {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        // Several chunks a run.
        for turn in 0..7 {
            add(&mut runs, turn * 5_000..(turn + 1) * 5_000);
        }
        let prepared = runs.prepare(sorted(35_000..40_000)).unwrap();
        let mut reader = runs.from(&[0; 8]).unwrap();
        assert_eq!(reader.by_ref().take(100).count(), 100);
        // Neither `switch` nor `drop_runs` can be called while the reader is there: they would not compile.
        assert_eq!(reader.count(), 34_900);
        let merged = runs.switch(prepared);
        runs.drop_runs(&merged).unwrap();
        assert_eq!(runs.from(&[0; 8]).unwrap().count(), 40_000);
    }

    #[test]
    fn a_damaged_chunk_is_found_and_never_read() {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        add(&mut runs, 0..10);
        let (key, value) = tree.first().unwrap().unwrap();
        let mut changed = value.to_vec();
        changed[9] ^= 1;
        tree.insert(key, changed).unwrap();
        assert!(runs.find(&key_of(3)).is_err());
        assert!(runs.from(&[0; 8]).is_err());
    }
}
