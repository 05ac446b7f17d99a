//! The block: consecutive lines as the journal stores them, compressed, with a checksum and both ends of its chain.
//!
//! ```text
//! offset  bytes
//!      0      4  magic "CLB1"
//!      4      8  position of the first line     (integers are little-endian)
//!     12      4  number of lines, at least 1
//!     16      4  bytes of the lines joined by newlines (no newline at the end)
//!     20     32  hash of the line before the first; zeros at position 0
//!     52     32  hash of the last line
//!     84      4  CRC-32 (IEEE) of all other bytes
//!     88      …  one zstd frame (RFC 8878): the lines joined by newlines
//! ```
//!
//! The checksum finds damage; it proves nothing. Proof is `verify`'s part.

mod frame;

use std::sync::Arc;

use self::frame::compress;
use crate::ledger::{
    hash::{Hash, leaf_hash},
    record::{INTEGER_MAX, LINE_MAX},
};

pub use self::frame::decompress;

/// The longest stored block, header and all: below the size at which sled would put a value into a file of its own.
pub const STORED_BLOCK_MAX: usize = 96 * 1024;

/// The most bytes of lines that a block may open to; bounds a reader's memory.
pub const RAW_BLOCK_MAX: usize = 1024 * 1024;

/// Lines of this many bytes fit a stored block even if they do not compress at all: zstd adds less than 1 KiB.
pub const SAFE_RAW: usize = STORED_BLOCK_MAX - HEADER_LEN - 1024;
const _: () = assert!(LINE_MAX <= SAFE_RAW, "any one line must fit a block");

const MAGIC: [u8; 4] = *b"CLB1";
const HEADER_LEN: usize = 88;
const CRC_AT: usize = 84;

/// Why bytes are not a block, or a block does not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// Fewer bytes than a header, or more than a block may have.
    #[error("a stored block has 89 to {STORED_BLOCK_MAX} bytes; this has {len}")]
    Length {
        /// Bytes given.
        len: usize,
    },
    /// Another file, or another format.
    #[error("a stored block starts with \"CLB1\"; this is another format, or the start is damaged")]
    Magic,
    /// The bytes changed since they were written.
    #[error(
        "the block's checksum is {stored:08x} and its bytes give {computed:08x}: it is damaged; restore it from a backup or the stream"
    )]
    Checksum {
        /// As stored.
        stored: u32,
        /// As computed.
        computed: u32,
    },
    /// Header fields that no writer would write, under a checksum that fits.
    #[error(
        "the block's header claims {count} lines and {raw_len} bytes from position {first}: out of range"
    )]
    Header {
        /// The position of the first line.
        first: u64,
        /// The number of lines.
        count: u32,
        /// Their length.
        raw_len: u32,
    },
    /// The compressed part does not open to the length in the header.
    #[error("the block's compressed part does not open to {raw_len} bytes")]
    Compressed {
        /// The length in the header.
        raw_len: u32,
    },
    /// The lines are not as many as the header says.
    #[error("the block holds {found} lines where its header says {count}")]
    Count {
        /// In the header.
        count: u32,
        /// In the text.
        found: usize,
    },
}

/// A block as it is stored. Only [`StoredBlock::parse`] and [`BlockBuilder::finish`] make one, so its header is sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlock {
    /// The position of the first line.
    pub first: u64,
    /// The number of lines.
    pub count: u32,
    /// Header and compressed lines.
    pub bytes: Arc<[u8]>,
    raw_len: u32,
    prev: Hash,
    last: Hash,
}

impl StoredBlock {
    /// Checks length, checksum and header.
    ///
    /// # Errors
    /// [`BlockError`] names the first thing that is wrong.
    pub fn parse(bytes: Arc<[u8]>) -> Result<StoredBlock, BlockError> {
        let len = bytes.len();
        let header = bytes
            .first_chunk::<HEADER_LEN>()
            .filter(|_| len > HEADER_LEN && len <= STORED_BLOCK_MAX);
        let header = header.ok_or(BlockError::Length { len })?;
        if !header.starts_with(&MAGIC) {
            return Err(BlockError::Magic);
        }
        let stored = u32::from_le_bytes(field(header, CRC_AT));
        let computed = checksum(&bytes);
        if stored != computed {
            return Err(BlockError::Checksum { stored, computed });
        }
        let first = u64::from_le_bytes(field(header, 4));
        let count = u32::from_le_bytes(field(header, 12));
        let raw_len = u32::from_le_bytes(field(header, 16));
        let (prev, last) = (Hash(field(header, 20)), Hash(field(header, 52)));
        let next = first
            .checked_add(u64::from(count))
            .filter(|next| *next <= INTEGER_MAX + 1);
        if count == 0 || next.is_none() || raw_len < count || raw_len as usize > RAW_BLOCK_MAX {
            return Err(BlockError::Header {
                first,
                count,
                raw_len,
            });
        }
        Ok(StoredBlock {
            first,
            count,
            bytes,
            raw_len,
            prev,
            last,
        })
    }

    /// The position after the last line.
    pub fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The hash of the line before the first, as the header says.
    pub fn prev(&self) -> Hash {
        self.prev
    }

    /// The hash of the last line, as the header says.
    pub fn last(&self) -> Hash {
        self.last
    }

    /// The bytes of the lines, joined by newlines.
    pub fn raw_len(&self) -> usize {
        self.raw_len as usize
    }

    /// Decompresses the lines. They are as many as the header says; nothing else is checked.
    ///
    /// # Errors
    /// [`BlockError::Compressed`] or [`BlockError::Count`].
    pub fn open(&self) -> Result<Block, BlockError> {
        let mut block = Block::default();
        self.open_into(&mut block)?;
        Ok(block)
    }

    /// As [`StoredBlock::open`], into a block whose buffers are used again; it is empty after an error.
    ///
    /// # Errors
    /// As [`StoredBlock::open`].
    pub fn open_into(&self, block: &mut Block) -> Result<(), BlockError> {
        let compressed = self.bytes.get(HEADER_LEN..).unwrap_or_default();
        let raw_len = self.raw_len as usize;
        let opened = block.fill(self.first, raw_len, |text| decompress(compressed, text));
        let found = block.count();
        if !opened {
            block.clear();
            return Err(BlockError::Compressed {
                raw_len: self.raw_len,
            });
        }
        if found != self.count as usize {
            block.clear();
            return Err(BlockError::Count {
                count: self.count,
                found,
            });
        }
        Ok(())
    }
}

/// An opened block: its lines, by position.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    first: u64,
    /// Each line behind one zero byte: the input of its hash, so that hashing copies nothing.
    leaves: Vec<u8>,
    /// Where each line ends in `leaves`.
    ends: Vec<u32>,
}

impl Block {
    /// The position of the first line.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number of lines.
    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// The lines with their positions, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let lines = self.leaves().map(|leaf| leaf.get(1..).unwrap_or_default());
        (self.first..).zip(lines)
    }

    /// The line at a position; `None` if it lies in another block.
    pub fn line(&self, position: u64) -> Option<&[u8]> {
        let index = usize::try_from(position.checked_sub(self.first)?).ok()?;
        let end = *self.ends.get(index)? as usize;
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.leaves.get(start + 1..end)
    }

    /// Each line behind its `0x00`: what [`leaf_hash`] hashes.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let leaf = self.leaves.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            leaf
        })
    }

    /// Takes lines joined by newlines, `len` bytes that `write` provides; `false` if it could not.
    fn fill(&mut self, first: u64, len: usize, write: impl FnOnce(&mut [u8]) -> bool) -> bool {
        self.first = first;
        self.leaves.resize(len + 1, 0);
        let text = self.leaves.get_mut(1..).unwrap_or_default();
        if !write(text) {
            return false;
        }
        self.split();
        self.ends.push(len as u32 + 1);
        true
    }

    /// Takes lines that each end in a newline, behind one byte of any value; returns what follows the last newline.
    pub(crate) fn adopt(&mut self, text: Vec<u8>) -> &[u8] {
        self.first = 0;
        self.leaves = text;
        self.split();
        let end = self.ends.last().map_or(0, |end| *end as usize);
        self.leaves.get(end + 1..).unwrap_or_default()
    }

    /// Finds the newlines and puts the zero of the next line in the place of each.
    fn split(&mut self) {
        let (ends, leaves) = (&mut self.ends, &mut self.leaves);
        leaves.iter_mut().take(1).for_each(|before| *before = 0);
        ends.clear();
        ends.extend(memchr::memchr_iter(b'\n', leaves).map(|at| at as u32));
        for end in ends {
            if let Some(newline) = leaves.get_mut(*end as usize) {
                *newline = 0;
            }
        }
    }

    fn clear(&mut self) {
        self.ends.clear();
        self.leaves.clear();
    }
}

/// Collects lines into a block.
#[derive(Clone, Debug)]
pub struct BlockBuilder {
    first: u64,
    count: u32,
    prev: Hash,
    last: Hash,
    /// The lines joined by newlines.
    lines: Vec<u8>,
}

impl BlockBuilder {
    /// An empty block that starts at `first`; `prev` is the hash of the line before.
    pub fn new(first: u64, prev: Hash) -> Self {
        Self {
            first,
            count: 0,
            prev,
            last: prev,
            lines: Vec::new(),
        }
    }

    /// Appends a line (from [`Record::write_checked`](crate::ledger::record::Record::write_checked): it holds no
    /// newline and is not empty) and returns its hash, which is the next line's `prev`.
    pub fn push(&mut self, line: &[u8]) -> Hash {
        let hash = leaf_hash(line);
        self.push_hashed(line, hash);
        hash
    }

    /// Appends a line whose hash the caller has computed already: a writer needs it for the next line's `prev`.
    pub fn push_hashed(&mut self, line: &[u8], hash: Hash) {
        if self.count > 0 {
            self.lines.push(b'\n');
        }
        self.lines.extend_from_slice(line);
        self.count = self.count.saturating_add(1);
        self.last = hash;
    }

    /// The bytes of the lines so far, joined by newlines.
    pub fn raw_len(&self) -> usize {
        self.lines.len()
    }

    /// The number of lines so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The position of its first line.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The hash of the line before its first.
    pub fn prev(&self) -> Hash {
        self.prev
    }

    /// The position that the next line will have.
    pub fn next(&self) -> u64 {
        self.first.saturating_add(u64::from(self.count))
    }

    /// The hash that the next line carries in `prev`.
    pub fn last(&self) -> Hash {
        self.last
    }

    /// Whether `more` further bytes of lines, with their newlines, surely fit: the stored block then stays within
    /// [`STORED_BLOCK_MAX`] however badly it compresses.
    pub fn has_room(&self, more: usize) -> bool {
        more.saturating_add(self.lines.len()).saturating_add(1) <= SAFE_RAW
    }

    /// Compresses the lines into a stored block. Storage refuses one without lines or beyond [`STORED_BLOCK_MAX`].
    pub fn finish(&self) -> StoredBlock {
        let raw_len = u32::try_from(self.lines.len()).unwrap_or(u32::MAX);
        let mut bytes = Vec::with_capacity(STORED_BLOCK_MAX);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.first.to_le_bytes());
        bytes.extend_from_slice(&self.count.to_le_bytes());
        bytes.extend_from_slice(&raw_len.to_le_bytes());
        bytes.extend_from_slice(&self.prev.0);
        bytes.extend_from_slice(&self.last.0);
        bytes.extend_from_slice(&[0; 4]);
        compress(&self.lines, &mut bytes);
        let crc = checksum(&bytes).to_le_bytes();
        if let Some(place) = bytes.get_mut(CRC_AT..HEADER_LEN) {
            place.copy_from_slice(&crc);
        }
        StoredBlock {
            first: self.first,
            count: self.count,
            bytes: bytes.into(),
            raw_len,
            prev: self.prev,
            last: self.last,
        }
    }

    /// The block that follows, in the memory of `spent`.
    pub fn following(&self, mut spent: Self) -> Self {
        spent.lines.clear();
        Self {
            first: self.next(),
            count: 0,
            prev: self.last,
            last: self.last,
            lines: spent.lines,
        }
    }
}

/// `N` bytes of the header; zeros beyond its end, which no caller asks for.
fn field<const N: usize>(header: &[u8; HEADER_LEN], at: usize) -> [u8; N] {
    header
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .copied()
        .unwrap_or([0; N])
}

/// CRC-32 of everything but the checksum's own four bytes.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(bytes.get(..CRC_AT).unwrap_or_default());
    crc.update(bytes.get(HEADER_LEN..).unwrap_or_default());
    crc.finalize()
}

#[cfg(test)]
mod tests;
