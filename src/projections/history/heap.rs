//! What the records say, compressed in chunks that are written once and never moved: a merge of the runs that point into
//! them costs no more than before.

use super::entry::Place;
use super::{ViewError, failed};
use crate::domain::time::Time;
use crate::ledger::block::decompress;
use crate::state::checksum;

/// Bytes of a chunk that its length and checksum take.
const FRAME: usize = 8;
/// Longer states are not kept between records: more records are replayed instead.
const SNAPSHOT_MAX: usize = 64 << 10;
const NOT_STATED: i64 = i64::MIN;

/// What the rules need of a record besides its entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item<'a> {
    /// Records of the same command before this one.
    pub before: u16,
    /// When it happened, where that was stated.
    pub occurred_at: Option<Time>,
    /// For a record about the ledger, its type and a blank, then its `data`.
    pub data: &'a str,
    /// The customer's state after it, where it is kept.
    pub snapshot: &'a [u8],
}

impl<'a> Item<'a> {
    /// The item's bytes, without a state.
    pub fn write(before: u16, occurred_at: Option<Time>, kind: &str, data: &str) -> Box<[u8]> {
        let text = kind.len() + usize::from(!kind.is_empty()) + data.len();
        let mut bytes = Vec::with_capacity(14 + text);
        bytes.extend_from_slice(&before.to_le_bytes());
        bytes.extend_from_slice(&occurred_at.map_or(NOT_STATED, |at| at.0).to_le_bytes());
        bytes.extend_from_slice(&u32::try_from(text).unwrap_or(u32::MAX).to_le_bytes());
        if !kind.is_empty() {
            bytes.extend_from_slice(kind.as_bytes());
            bytes.push(b' ');
        }
        bytes.extend_from_slice(data.as_bytes());
        bytes.into_boxed_slice()
    }

    /// The item in these bytes.
    ///
    /// # Errors
    /// When they aren't what was written.
    pub fn read(bytes: &'a [u8]) -> Result<Self, ViewError> {
        Self::parse(bytes).ok_or_else(|| failed(&"what a record says is broken"))
    }

    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (before, rest) = bytes.split_first_chunk::<2>()?;
        let (occurred_at, rest) = rest.split_first_chunk::<8>()?;
        let (text, rest) = rest.split_first_chunk::<4>()?;
        let text = usize::try_from(u32::from_le_bytes(*text)).ok()?;
        let (data, snapshot) = rest.split_at_checked(text)?;
        Some(Self {
            before: u16::from_le_bytes(*before),
            occurred_at: match i64::from_le_bytes(*occurred_at) {
                NOT_STATED => None,
                at => Some(Time(at)),
            },
            data: std::str::from_utf8(data).ok()?,
            snapshot,
        })
    }
}

/// Fills chunks, from a number on.
pub struct Filling<'a> {
    tree: &'a sled::Tree,
    chunk_bytes: usize,
    number: u32,
    raw: Vec<u8>,
    packer: zstd::bulk::Compressor<'static>,
}

impl<'a> Filling<'a> {
    /// The first chunk will have that number.
    ///
    /// # Errors
    /// When nothing can be compressed.
    pub fn new(tree: &'a sled::Tree, chunk_bytes: usize, number: u32) -> Result<Self, ViewError> {
        Ok(Self {
            tree,
            // The place of an item in a chunk is a number of sixteen bits.
            chunk_bytes: chunk_bytes.clamp(1, usize::from(u16::MAX)),
            number,
            raw: Vec::new(),
            packer: zstd::bulk::Compressor::new(1).map_err(|error| failed(&error))?,
        })
    }

    /// Adds an item and the state after it, and says where they will be.
    ///
    /// # Errors
    /// When a full chunk can't be written.
    pub fn add(&mut self, item: &[u8], snapshot: Option<&[u8]>) -> Result<Place, ViewError> {
        if self.raw.len() >= self.chunk_bytes {
            self.write()?;
        }
        let start = self.raw.len();
        self.raw.extend_from_slice(item);
        let snapshot = snapshot.filter(|state| state.len() <= SNAPSHOT_MAX);
        self.raw.extend_from_slice(snapshot.unwrap_or_default());
        let len = self.raw.len() - start;
        Ok(Place {
            chunk: self.number,
            start: u16::try_from(start).map_err(|error| failed(&error))?,
            len: u32::try_from(len).map_err(|error| failed(&error))?,
            snapshot: snapshot.is_some(),
        })
    }

    /// Writes what is left, and gives the number of the chunk that would come next.
    ///
    /// # Errors
    /// When the chunk can't be written.
    pub fn finish(mut self) -> Result<u32, ViewError> {
        self.write()?;
        Ok(self.number)
    }

    fn write(&mut self) -> Result<(), ViewError> {
        if self.raw.is_empty() {
            return Ok(());
        }
        let key = self.number.to_be_bytes();
        let packed = self
            .packer
            .compress(&self.raw)
            .map_err(|error| failed(&error))?;
        let raw_len = u32::try_from(self.raw.len()).map_err(|error| failed(&error))?;
        let mut chunk = Vec::with_capacity(packed.len() + FRAME);
        chunk.extend_from_slice(&raw_len.to_le_bytes());
        chunk.extend_from_slice(&packed);
        let sum = checksum(&key, &chunk);
        chunk.extend_from_slice(&sum.to_le_bytes());
        self.tree
            .insert(key, chunk)
            .map_err(|error| failed(&error))?;
        self.raw.clear();
        let next = self.number.checked_add(1);
        self.number = next.ok_or_else(|| failed(&"the heap is full"))?;
        Ok(())
    }
}

/// Opens chunks; the last one stays open, since what is about one customer lies together.
pub struct Chunks<'a> {
    tree: &'a sled::Tree,
    open: Option<u32>,
    raw: Vec<u8>,
}

impl<'a> Chunks<'a> {
    /// None is open.
    pub fn new(tree: &'a sled::Tree) -> Self {
        Self {
            tree,
            open: None,
            raw: Vec::new(),
        }
    }

    /// What lies at `place`.
    ///
    /// # Errors
    /// When its chunk is gone or isn't what was written.
    pub fn at(&mut self, place: Place) -> Result<&[u8], ViewError> {
        if self.open != Some(place.chunk) {
            self.open = None;
            self.raw = self.read(place.chunk)?;
            self.open = Some(place.chunk);
        }
        let start = usize::from(place.start);
        let end = usize::try_from(place.len).map(|len| start.saturating_add(len));
        let at = end.ok().and_then(|end| self.raw.get(start..end));
        at.ok_or_else(|| failed(&"an entry points past its chunk"))
    }

    fn read(&self, number: u32) -> Result<Vec<u8>, ViewError> {
        let key = number.to_be_bytes();
        let broken = || failed(&format!("chunk {number} of what the records say is broken"));
        let found = self.tree.get(key).map_err(|error| failed(&error))?;
        let Some(chunk) = found else {
            return Err(failed(&format!(
                "chunk {number} of what the records say is gone"
            )));
        };
        let (chunk, sum) = chunk.split_last_chunk::<4>().ok_or_else(broken)?;
        if checksum(&key, chunk) != u32::from_le_bytes(*sum) {
            return Err(broken());
        }
        let (raw_len, packed) = chunk.split_first_chunk::<4>().ok_or_else(broken)?;
        let raw_len = usize::try_from(u32::from_le_bytes(*raw_len)).map_err(|_| broken())?;
        let mut raw = vec![0; raw_len];
        match decompress(packed, &mut raw) {
            true => Ok(raw),
            false => Err(broken()),
        }
    }
}

/// Drops the chunks from `next` on, which a crash left behind.
///
/// # Errors
/// When the tree can't be read or written.
pub fn drop_from(tree: &sled::Tree, next: u32) -> Result<(), ViewError> {
    for key in tree.range(next.to_be_bytes()..).keys() {
        let key = key.map_err(|error| failed(&error))?;
        tree.remove(key).map_err(|error| failed(&error))?;
    }
    Ok(())
}
