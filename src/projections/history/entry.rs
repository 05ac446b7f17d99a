//! A run: consecutive records about one customer, as one value under the pseudonym and the first version.

use super::ViewError;
use crate::codec;
use crate::domain::disclosures::Seal;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;

/// Whether a record is under a gag order (P7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gag {
    /// It is not.
    None,
    /// Hidden until that instant.
    Until(Time),
    /// Hidden until lifted.
    UntilLifted,
}

impl Gag {
    /// Whether the record is hidden at `now`.
    pub fn hides(self, now: Time) -> bool {
        match self {
            Self::None => false,
            Self::Until(until) => now < until,
            Self::UntilLifted => true,
        }
    }
}

impl From<Option<Seal>> for Gag {
    fn from(seal: Option<Seal>) -> Self {
        match seal {
            None => Self::None,
            Some(Seal::Until(at)) => Self::Until(at),
            Some(Seal::UntilLifted) => Self::UntilLifted,
        }
    }
}

/// A record about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The customer's version with it.
    pub version: u64,
    /// Where it is.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its type, e.g. `consent.granted.v1`.
    pub kind: &'static str,
    /// Whether it is hidden from the customer's accounting.
    pub gag: Gag,
}

const ENTRY_BYTES: usize = 25;
const NO_GAG: i64 = i64::MIN;

/// The key of a customer's run that begins with `version`.
pub fn key(pseudonym: Pseudonym, version: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(&pseudonym.0);
    key[16..].copy_from_slice(&version.to_be_bytes());
    key
}

/// The stored form of a run.
pub fn write(key: &[u8; 24], run: &[HistoryEntry]) -> Vec<u8> {
    let mut value = Vec::with_capacity(run.len() * ENTRY_BYTES + 4);
    for entry in run {
        let gag = match entry.gag {
            Gag::None => NO_GAG,
            Gag::Until(at) => at.0,
            Gag::UntilLifted => i64::MAX,
        };
        value.extend_from_slice(&entry.position.0.to_le_bytes());
        value.extend_from_slice(&entry.recorded_at.0.to_le_bytes());
        value.push(codec::number_of(entry.kind).unwrap_or(u8::MAX));
        value.extend_from_slice(&gag.to_le_bytes());
    }
    let sum = checksum(key, &value);
    value.extend_from_slice(&sum.to_le_bytes());
    value
}

/// The run under `key`.
///
/// # Errors
/// When it isn't what was written.
pub fn read(key: &[u8], value: &[u8]) -> Result<Vec<HistoryEntry>, ViewError> {
    let broken = || ViewError::History("a run of records is broken".to_owned());
    let (_, first) = key.split_last_chunk::<8>().ok_or_else(broken)?;
    let (body, sum) = value.split_last_chunk::<4>().ok_or_else(broken)?;
    if checksum(key, body) != u32::from_le_bytes(*sum) || body.len() % ENTRY_BYTES != 0 {
        return Err(broken());
    }
    let first = u64::from_be_bytes(*first);
    body.chunks_exact(ENTRY_BYTES)
        .zip(first..)
        .map(|(bytes, version)| read_one(bytes, version).ok_or_else(broken))
        .collect()
}

fn read_one(bytes: &[u8], version: u64) -> Option<HistoryEntry> {
    let (position, rest) = bytes.split_first_chunk::<8>()?;
    let (recorded_at, rest) = rest.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    Some(HistoryEntry {
        version,
        position: Position(u64::from_le_bytes(*position)),
        recorded_at: Time(i64::from_le_bytes(*recorded_at)),
        kind: codec::name_of(*kind)?,
        gag: match i64::from_le_bytes(rest.try_into().ok()?) {
            NO_GAG => Gag::None,
            i64::MAX => Gag::UntilLifted,
            until => Gag::Until(Time(until)),
        },
    })
}

fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}
