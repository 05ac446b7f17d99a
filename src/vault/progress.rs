//! What the index keeps: its keys, what a batch adds to them, and how far it has come.

use super::{
    Head,
    bytes::{Fields, crc},
    entries::{Batch, Mark},
    mac::Lookup,
};

/// What is looked up: a customer's digest, a pseudonym, or the batch that begins at a sequence.
pub(super) type Key = [u8; 17];

/// What kind of key: its first byte.
pub(super) const CUSTOMER: u8 = b'c';
pub(super) const PSEUDONYM: u8 = b'p';
pub(super) const BATCH: u8 = b'f';

/// How far the index reflects the entries, and what it must then hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) mark: Mark,
    /// Where the last batch before the mark begins.
    pub(super) last_batch: u64,
    pub(super) batches: u64,
    /// All keys, added up.
    pub(super) sum: u128,
}

/// What the index learns from durable batches that follow each other.
pub(super) struct Learned {
    pub(super) keys: Vec<(Key, u64)>,
    batches: u64,
    /// Where the last batch begins.
    last_batch: u64,
    /// The place after it.
    end: Mark,
}

pub(super) fn customer_key(lookup: &Lookup) -> Key {
    key(CUSTOMER, lookup.0.split_at(16).0)
}

pub(super) fn pseudonym_key(pseudonym: &[u8; 16]) -> Key {
    key(PSEUDONYM, pseudonym)
}

pub(super) fn batch_key(first: u64) -> Key {
    key(BATCH, &first.to_be_bytes())
}

fn key(kind: u8, bytes: &[u8]) -> Key {
    let mut key = [0; 17];
    let content = [kind].into_iter().chain(bytes.iter().copied());
    key.iter_mut()
        .zip(content)
        .for_each(|(to, from)| *to = from);
    key
}

/// What a key counts for in the sum: its last 16 bytes, random for all but batches.
pub(super) fn addend(key: &[u8]) -> u128 {
    let bytes = key.last_chunk::<16>().copied().unwrap_or_default();
    u128::from_be_bytes(bytes)
}

impl Learned {
    pub(super) fn of(batch: &Batch) -> Self {
        let mapped = batch
            .entries
            .iter()
            .map(|(offset, entry)| (&entry.lookup, &entry.pseudonym, *offset));
        Self::new(batch.first, batch.offset, mapped, batch.end)
    }

    pub(super) fn new<'a>(
        first: u64,
        offset: u64,
        mapped: impl Iterator<Item = (&'a Lookup, &'a [u8; 16], u64)>,
        end: Mark,
    ) -> Self {
        let mut keys = vec![(batch_key(first), offset)];
        for (lookup, pseudonym, at) in mapped {
            keys.push((customer_key(lookup), at));
            keys.push((pseudonym_key(pseudonym), at));
        }
        Self {
            keys,
            batches: 1,
            last_batch: offset,
            end,
        }
    }

    /// Adds what a following batch teaches.
    pub(super) fn extend(&mut self, next: Self) {
        self.keys.extend(next.keys);
        self.batches += next.batches;
        self.last_batch = next.last_batch;
        self.end = next.end;
    }
}

impl Progress {
    pub(super) fn start(mark: Mark) -> Self {
        Self {
            mark,
            last_batch: 0,
            batches: 0,
            sum: 0,
        }
    }

    /// How many keys the entries gave: two for each customer, and one for each batch.
    pub(super) fn keys(&self) -> u64 {
        let customers = self.mark.head.sequence;
        customers.saturating_mul(2).saturating_add(self.batches)
    }

    /// Counts what was learned in.
    pub(super) fn add(&mut self, learned: &Learned) {
        self.mark = learned.end;
        self.last_batch = learned.last_batch;
        self.batches += learned.batches;
        for (key, _) in &learned.keys {
            self.sum = self.sum.wrapping_add(addend(key));
        }
    }

    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(84);
        out.extend_from_slice(&self.mark.offset.to_be_bytes());
        out.extend_from_slice(&self.mark.head.sequence.to_be_bytes());
        out.extend_from_slice(&self.mark.head.hash);
        out.extend_from_slice(&self.last_batch.to_be_bytes());
        out.extend_from_slice(&self.batches.to_be_bytes());
        out.extend_from_slice(&self.sum.to_be_bytes());
        let checksum = crc(&[&out]);
        out.extend_from_slice(&checksum.to_be_bytes());
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        (crc(&[content]).to_be_bytes() == *checksum).then_some(())?;
        let mut fields = Fields(content);
        Some(Self {
            mark: Mark {
                offset: fields.u64()?,
                head: Head {
                    sequence: fields.u64()?,
                    hash: fields.array()?,
                },
            },
            last_batch: fields.u64()?,
            batches: fields.u64()?,
            sum: fields.array().map(u128::from_be_bytes)?,
        })
    }
}
