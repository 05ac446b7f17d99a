//! Sorted runs: many small entries on disk, cheap to add and quick to find.
//!
//! An insert into sled for each entry costs more than the command that it comes from. Every write behind adds one run,
//! sorted, in chunks of some 24 KiB under `level ‖ number ‖ first key`. Eight runs of a level are merged into one of the
//! next, so that there are few however often is written.
//!
//! The *list* says which runs there are and how many chunks each has, with a note of its owner's that holds for just
//! these runs; it is written, in one piece, when they are durable. A run that it doesn't name was left behind by a crash and is dropped when the tree is opened: what was in it is written again. Each
//! chunk has its number in its run: one that is gone, at either end or in the middle, is noticed before anything is read
//! over it, and never taken for an entry that was not there.

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
/// The key of the list, after those of all chunks.
const LIST: [u8; 1] = [0xff];
/// Level, number and chunks of a run in the list.
const LISTED: usize = 9;

/// Entries of `N` bytes in the order of their bytes; the first `K` are the key.
pub struct Runs<const K: usize, const N: usize> {
    tree: sled::Tree,
    /// In the order of their keys on disk.
    runs: Vec<Run>,
    /// What the list said besides when it was read.
    note: Box<[u8]>,
}

/// What [`Runs`] are to consist of.
pub struct Prepared {
    runs: Vec<Run>,
    merged: Vec<Run>,
}

/// Runs that were merged into others.
#[derive(Default)]
pub struct Merged(Vec<Run>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    level: u8,
    number: u32,
    chunks: u32,
}

impl<const K: usize, const N: usize> Runs<K, N> {
    const CHUNK: usize = CHUNK_BYTES / N;
    const LOWEST: [u8; K] = [0; K];
    const HIGHEST: [u8; K] = [0xff; K];

    /// The listed runs in `tree`, which holds nothing else; what a crash left beside them is dropped.
    ///
    /// # Errors
    /// When it can't be read, a listed run lacks its first or last chunk, or something else is in the tree.
    pub fn open(tree: sled::Tree) -> Result<Self, StateError> {
        const { assert!(K <= N && K + 5 <= KEY_MAX, "a key is part of its entry") };
        let listed = listed(&tree)?;
        let is_new = listed.is_none();
        let (listed, note) = listed.unwrap_or_default();
        let runs = Self {
            runs: listed,
            tree,
            note,
        };
        let found = runs.found()?;
        if is_new {
            // The list is there before any run: runs without one have lost it.
            return match found.is_empty() {
                true => runs.list(&[]).map(|()| runs),
                false => Err(broken()),
            };
        }
        for found in found {
            let is_listed = |run: &&Run| (run.level, run.number) == (found.level, found.number);
            if !runs.runs.iter().any(|run| is_listed(&run)) {
                runs.remove(found)?;
            }
        }
        runs.runs
            .iter()
            .try_for_each(|run| runs.require_ends(*run))?;
        Ok(runs)
    }

    /// The runs of which there are chunks, whether they are listed or not; how many each has is not looked at.
    fn found(&self) -> Result<Vec<Run>, StateError> {
        let (mut found, mut from) = (Vec::new(), Run::default());
        while let Some(chunk) = self
            .tree
            .range(key(from, &Self::LOWEST)..LIST.to_vec())
            .next()
        {
            let (key, _) = chunk.map_err(|error| view(&error))?;
            let run = run_of(&key).ok_or_else(broken)?;
            found.push(run);
            (from.level, from.number) = match run.number.checked_add(1) {
                Some(number) => (run.level, number),
                None => (run.level.saturating_add(1), 0),
            };
        }
        Ok(found)
    }

    /// A run begins with its first chunk and ends with its last; what is between is looked at when it is read.
    fn require_ends(&self, run: Run) -> Result<(), StateError> {
        let mut chunks = self
            .tree
            .range(key(run, &Self::LOWEST)..=key(run, &Self::HIGHEST));
        let (first, last) = (chunks.next(), chunks.next_back());
        let last = last.or_else(|| first.clone());
        for (chunk, number) in [(first, 0), (last, run.chunks.saturating_sub(1))] {
            let (key, value) = chunk.ok_or_else(broken)?.map_err(|error| view(&error))?;
            if body::<N>(&key, &value)?.number != number {
                return Err(broken());
            }
        }
        Ok(())
    }

    /// The note that was listed with the runs when they were opened.
    pub fn note(&self) -> &[u8] {
        &self.note
    }

    /// Lists the runs, once they are durable, with a note: the next opening finds these.
    ///
    /// # Errors
    /// When the tree can't be written.
    pub fn list(&self, note: &[u8]) -> Result<(), StateError> {
        let count = u32::try_from(self.runs.len()).map_err(|error| view(&error))?;
        let mut list = Vec::with_capacity(self.runs.len() * LISTED + note.len() + 8);
        list.extend_from_slice(&count.to_be_bytes());
        for run in &self.runs {
            list.push(run.level);
            list.extend_from_slice(&run.number.to_be_bytes());
            list.extend_from_slice(&run.chunks.to_be_bytes());
        }
        list.extend_from_slice(note);
        let sum = checksum(&LIST, &list);
        list.extend_from_slice(&sum.to_le_bytes());
        (self.tree.insert(LIST, list)).map_err(|error| view(&error))?;
        Ok(())
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
        tree.range(..LIST.to_vec()).map(|chunk| {
            let (key, value) = chunk.map_err(|error| view(&error))?;
            let (entries, _) = body::<N>(&key, &value)?.entries.as_chunks::<N>();
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
        sorted: impl IntoIterator<Item = Result<[u8; N], StateError>>,
    ) -> Result<Prepared, StateError> {
        let (mut runs, mut merged) = (self.runs.clone(), Vec::new());
        let run = self.write(next_run(&runs, 0), sorted.into_iter())?;
        runs.extend(run);
        for level in 0..LIST[0] - 1 {
            let of_level = |run: &&Run| run.level == level;
            let full: Vec<Run> = runs.iter().filter(of_level).copied().collect();
            if full.len() < MERGE {
                break;
            }
            let into = self.write(
                next_run(&runs, level + 1),
                self.merge(&full, &Self::LOWEST)?,
            )?;
            runs.retain(|run| run.level != level);
            runs.extend(into);
            merged.extend(full);
        }
        runs.sort_unstable();
        Ok(Prepared { runs, merged })
    }

    /// Looks into the prepared runs from now on; what is returned may be dropped once they are durable and listed.
    pub fn switch(&mut self, prepared: Prepared) -> Merged {
        self.runs = prepared.runs;
        Merged(prepared.merged)
    }

    /// Lets go of runs that were merged, once what they were merged into is durable and listed.
    ///
    /// # Errors
    /// When the tree can't be written.
    pub fn drop_runs(&mut self, merged: &Merged) -> Result<(), StateError> {
        merged.0.iter().try_for_each(|run| self.remove(*run))
    }

    fn remove(&self, run: Run) -> Result<(), StateError> {
        let of_run = key(run, &Self::LOWEST)..=key(run, &Self::HIGHEST);
        for key in self.tree.range(of_run).keys() {
            let key = key.map_err(|error| view(&error))?;
            self.tree.remove(key).map_err(|error| view(&error))?;
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

    /// Writes a run; none where there are no entries.
    fn write(
        &self,
        mut run: Run,
        entries: impl Iterator<Item = Result<[u8; N], StateError>>,
    ) -> Result<Option<Run>, StateError> {
        let mut chunk = Vec::with_capacity(Self::CHUNK * N + 8);
        for entry in entries {
            chunk.extend_from_slice(&entry?);
            if chunk.len() >= Self::CHUNK * N {
                self.insert(&mut run, &mut chunk)?;
            }
        }
        self.insert(&mut run, &mut chunk)?;
        Ok((run.chunks > 0).then_some(run))
    }

    fn insert(&self, run: &mut Run, chunk: &mut Vec<u8>) -> Result<(), StateError> {
        let Some(first) = chunk.first_chunk::<K>() else {
            return Ok(());
        };
        let key = key(*run, first);
        chunk.extend_from_slice(&run.chunks.to_le_bytes());
        let sum = checksum(&key, chunk);
        chunk.extend_from_slice(&sum.to_le_bytes());
        self.tree
            .insert(key, chunk.as_slice())
            .map_err(|error| view(&error))?;
        chunk.clear();
        run.chunks += 1;
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
    /// Numbers of the chunk that comes next, and of the one after the last.
    next: u32,
    end: u32,
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
            next: 0,
            end: run.chunks,
        };
        if let Some(chunk) = chunk {
            let (chunk_key, value) = chunk.map_err(|error| view(&error))?;
            let body = body::<N>(&chunk_key, &value)?;
            let (entries, _) = body.entries.as_chunks::<N>();
            reader.at = N * entries.partition_point(|entry| entry[..K] < first[..]);
            reader.next = body.number.saturating_add(1);
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
            let end = self.chunk.len().saturating_sub(8);
            let entries = self.chunk.get(self.at..end).unwrap_or_default();
            if let Some(entry) = entries.first_chunk::<N>() {
                self.at += N;
                return Ok(Some(*entry));
            }
            let Some(chunk) = self.chunks.next() else {
                return match self.next == self.end {
                    true => Ok(None),
                    false => Err(broken()),
                };
            };
            let (key, value) = chunk.map_err(|error| view(&error))?;
            if body::<N>(&key, &value)?.number != self.next {
                return Err(broken());
            }
            (self.chunk, self.at) = (value, 0);
            self.next = self.next.saturating_add(1);
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
        chunks: 0,
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
        chunks: 0,
    })
}

/// Runs, and the note that holds for them.
type Listed = (Vec<Run>, Box<[u8]>);

/// The runs and the note that the list in `tree` names, where there is one.
fn listed(tree: &sled::Tree) -> Result<Option<Listed>, StateError> {
    let Some(list) = tree.get(LIST).map_err(|error| view(&error))? else {
        return Ok(None);
    };
    parse_list(&list).map(Some).ok_or_else(broken)
}

fn parse_list(list: &[u8]) -> Option<Listed> {
    let (body, sum) = list.split_last_chunk::<4>()?;
    if checksum(&LIST, body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let (count, body) = body.split_first_chunk::<4>()?;
    let count = usize::try_from(u32::from_be_bytes(*count)).ok()?;
    let (runs, note) = body.split_at_checked(count.checked_mul(LISTED)?)?;
    let (runs, _) = runs.as_chunks::<LISTED>();
    let run = |bytes: &[u8; LISTED]| {
        let (run, chunks) = bytes.split_last_chunk::<4>()?;
        let chunks = u32::from_be_bytes(*chunks);
        Some(Run {
            chunks,
            ..run_of(run)?
        })
    };
    Some((runs.iter().map(run).collect::<Option<_>>()?, note.into()))
}

/// A chunk as it was written.
struct Body<'a> {
    entries: &'a [u8],
    /// Its number in its run.
    number: u32,
}

/// A chunk, if it is what was written.
fn body<'a, const N: usize>(key: &[u8], value: &'a [u8]) -> Result<Body<'a>, StateError> {
    let (body, sum) = value.split_last_chunk::<4>().ok_or_else(broken)?;
    let (entries, number) = body.split_last_chunk::<4>().ok_or_else(broken)?;
    if checksum(key, body) != u32::from_le_bytes(*sum) || entries.len() % N != 0 {
        return Err(broken());
    }
    Ok(Body {
        entries,
        number: u32::from_le_bytes(*number),
    })
}

fn broken() -> StateError {
    StateError::View("a sorted run is broken or a part of it is gone".to_owned())
}

#[cfg(test)]
mod tests;
