//! A small world for the storage tests: chains of blocks, logs in temporary folders, and the question that each
//! test ends with: is every acknowledged block there, byte for byte, and does the chain link?
#![allow(dead_code, reason = "each test file uses its part")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use consent_ledger::{
    ledger::{BlockBuilder, Hash, StoredBlock},
    storage::{
        Head, Journal, ReadError,
        local::{Local, OpenError, Options, Recovery},
    },
};

/// A temporary folder, in memory where the system has such a place: these tests sync thousands of times.
pub fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

/// The ledger of all these tests.
pub const LEDGER: [u8; 16] = *b"one test ledger.";

/// A source of blocks that follow one another, different in each run of the same length only by their seed.
pub struct Chain {
    head: Head,
    seed: u64,
}

impl Chain {
    pub fn new(seed: u64) -> Chain {
        Chain::after(Head::EMPTY, seed)
    }

    pub fn after(head: Head, seed: u64) -> Chain {
        Chain {
            head,
            seed: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
        }
    }

    /// A block of `records` records of `bytes` bytes that do not compress.
    pub fn block(&mut self, records: u32, bytes: usize) -> StoredBlock {
        let mut builder = BlockBuilder::new(self.head.next, self.head.last);
        for _ in 0..records {
            let line: Vec<u8> = (0..bytes).map(|_| self.printable()).collect();
            builder.push(&line);
        }
        let block = builder.finish();
        self.head = Head::after(&block);
        block
    }

    /// A block near the limit of stored bytes.
    pub fn large_block(&mut self) -> StoredBlock {
        let mut builder = BlockBuilder::new(self.head.next, self.head.last);
        let mut line = Vec::new();
        while line.len() < 94_000 {
            let random = self.random().to_le_bytes();
            line.extend(random.iter().take(6).filter(|byte| **byte != b'\n'));
        }
        builder.push(&line);
        let block = builder.finish();
        self.head = Head::after(&block);
        block
    }

    /// A block of an unremarkable, varying size: 1 to 6 records, 1 to 3 pages of the tail.
    pub fn any_block(&mut self) -> StoredBlock {
        let records = 1 + self.random() % 6;
        let bytes = 50 + self.random() % 1500;
        self.block(records as u32, bytes as usize)
    }

    /// A number of a fixed sequence (xorshift).
    pub fn random(&mut self) -> u64 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        self.seed >> 11
    }

    fn printable(&mut self) -> u8 {
        b'!' + (self.random() % 90) as u8
    }
}

/// A small log that is quick to open: a tail of 64 KiB.
pub fn small(dir: &Path) -> Options {
    Options {
        tail_bytes: 64 << 10,
        cache_bytes: 16 << 20,
        settle_every: Duration::from_millis(20),
        free_bytes_min: 0,
        ..Options::new(dir)
    }
}

/// A small log whose database is not settled unless the tail needs it.
pub fn lagging(dir: &Path) -> Options {
    Options {
        settle_every: Duration::from_secs(3600),
        ..small(dir)
    }
}

/// A small log whose database is opened anew again and again.
pub fn reopening(dir: &Path) -> Options {
    Options {
        reopen_after_bytes: 16 << 10,
        ..small(dir)
    }
}

pub fn open(options: Options) -> (Local, Recovery) {
    Local::open(options, Some(LEDGER)).unwrap()
}

/// Appends `count` blocks and returns them.
pub fn fill(journal: &dyn Journal, chain: &mut Chain, count: usize) -> Vec<StoredBlock> {
    (0..count)
        .map(|_| {
            let block = chain.any_block();
            journal.append(block.first, &block).unwrap();
            block
        })
        .collect()
}

/// Every acknowledged block is there, byte for byte, and all of the log links from position 0 to its head.
pub fn check(journal: &dyn Journal, acknowledged: &[StoredBlock]) {
    if let Err(lost) = look(journal, acknowledged) {
        panic!("{lost}");
    }
}

/// As [`check`], as an answer.
pub fn look(journal: &dyn Journal, acknowledged: &[StoredBlock]) -> Result<(), Lost> {
    let head = journal.head();
    let mut position = 0;
    let mut last = Hash::ZERO;
    let mut acknowledged = acknowledged.iter();
    while position < head.next {
        let block = journal.read(position).map_err(Lost::Loudly)?;
        let block = block.ok_or(Lost::Silently(position))?;
        if block.first != position || block.prev() != last {
            return Err(Lost::Silently(position));
        }
        if let Some(expected) = acknowledged.next()
            && (expected.first != position || expected.bytes != block.bytes)
        {
            return Err(Lost::Silently(position));
        }
        position = block.next();
        last = block.last();
    }
    if head.last != last || !matches!(journal.read(head.next), Ok(None)) {
        return Err(Lost::Silently(position));
    }
    match acknowledged.next() {
        Some(missing) => Err(Lost::Silently(missing.first)),
        None => Ok(()),
    }
}

/// How an acknowledged position can be missing.
#[derive(Debug)]
pub enum Lost {
    /// The journal says so when asked.
    Loudly(ReadError),
    /// It does not: the one thing that must never happen.
    Silently(u64),
}

impl std::fmt::Display for Lost {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Lost::Loudly(error) => write!(out, "{error}"),
            Lost::Silently(position) => write!(out, "position {position} was lost silently"),
        }
    }
}

/// Copies a log's folder.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Changes one byte of a file.
pub fn flip(path: &Path, at: u64, mask: u8) {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::options()
        .read(true)
        .write(true)
        .open(path)
        .unwrap();
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).unwrap();
    file.write_all_at(&[byte[0] ^ mask], at).unwrap();
}

pub fn database_file(dir: &Path) -> PathBuf {
    dir.join("blocks").join("db")
}

/// Whether a refusal says which positions are in doubt.
pub fn names_positions(refusal: &OpenError) -> bool {
    let text = refusal.to_string();
    let numbered = |word: &str| {
        let mut places = text.match_indices(word);
        places
            .any(|(at, _)| text[at + word.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    (numbered("position ") || numbered("positions ")) && text.contains("Ways back")
}
