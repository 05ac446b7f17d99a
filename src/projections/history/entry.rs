//! A run: consecutive records about one customer, as one value under the pseudonym and the first version.

use super::ViewError;
use crate::codec;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;

/// A record about a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The customer's version with it.
    pub version: u64,
    /// Where it is.
    pub position: Position,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Its type, e.g. `consent.granted.v1`; empty for one about the ledger.
    pub kind: &'static str,
}

/// About whom the records are that are about the ledger and its company.
pub const LEDGER: Pseudonym = Pseudonym([0; 16]);
/// About whom the entries are that say from which position on the clock stood at an instant. Their version counts down
/// from the highest with the position, so that the newest one up to a position is the next to be found.
pub const CLOCK: Pseudonym = Pseudonym([0xff; 16]);

/// Whether records about `subject` are about a customer.
pub fn is_customer(subject: Pseudonym) -> bool {
    subject != LEDGER && subject != CLOCK
}

/// Where what a record says lies in the heap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The chunk.
    pub chunk: u32,
    /// The first byte in it.
    pub start: u16,
    /// How many.
    pub len: u32,
    /// Whether the customer's state after the record follows.
    pub snapshot: bool,
}

/// Pseudonym and version: the key of a stored entry.
pub const KEY: usize = 24;
/// The key, position, time, type, place in the heap. Key and position are big-endian, so that entries sort as
/// they came.
pub const ENTRY: usize = 51;
const SNAPSHOT: u32 = 1 << 31;

/// The key of a customer's record with `version`.
pub fn key(pseudonym: Pseudonym, version: u64) -> [u8; KEY] {
    let mut key = [0; KEY];
    key[..16].copy_from_slice(&pseudonym.0);
    key[16..].copy_from_slice(&version.to_be_bytes());
    key
}

/// The stored form of a record about `pseudonym`.
pub fn write(pseudonym: Pseudonym, entry: &HistoryEntry, place: Place) -> [u8; ENTRY] {
    let snapshot = if place.snapshot { SNAPSHOT } else { 0 };
    let mut bytes = [0; ENTRY];
    bytes[..24].copy_from_slice(&key(pseudonym, entry.version));
    bytes[24..32].copy_from_slice(&entry.position.0.to_be_bytes());
    bytes[32..40].copy_from_slice(&entry.recorded_at.0.to_be_bytes());
    bytes[40] = codec::number_of(entry.kind).unwrap_or_default();
    bytes[41..45].copy_from_slice(&place.chunk.to_be_bytes());
    bytes[45..47].copy_from_slice(&place.start.to_be_bytes());
    bytes[47..].copy_from_slice(&(place.len | snapshot).to_be_bytes());
    bytes
}

/// Whom a stored entry is about, what it says, and where the rest is.
///
/// # Errors
/// When it isn't what was written.
pub fn read(bytes: &[u8; ENTRY]) -> Result<(Pseudonym, HistoryEntry, Place), ViewError> {
    parse(bytes).ok_or_else(|| ViewError::History("an entry is broken".to_owned()))
}

fn parse(bytes: &[u8]) -> Option<(Pseudonym, HistoryEntry, Place)> {
    let (pseudonym, rest) = bytes.split_first_chunk::<16>()?;
    let (version, rest) = rest.split_first_chunk::<8>()?;
    let (position, rest) = rest.split_first_chunk::<8>()?;
    let (recorded_at, rest) = rest.split_first_chunk::<8>()?;
    let (kind, rest) = rest.split_first()?;
    let (chunk, rest) = rest.split_first_chunk::<4>()?;
    let (start, len) = rest.split_first_chunk::<2>()?;
    let len = u32::from_be_bytes(len.try_into().ok()?);
    let entry = HistoryEntry {
        version: u64::from_be_bytes(*version),
        position: Position(u64::from_be_bytes(*position)),
        recorded_at: Time(i64::from_be_bytes(*recorded_at)),
        kind: match is_customer(Pseudonym(*pseudonym)) {
            true => codec::name_of(*kind)?,
            false => "",
        },
    };
    let place = Place {
        chunk: u32::from_be_bytes(*chunk),
        start: u16::from_be_bytes(*start),
        len: len & !SNAPSHOT,
        snapshot: len & SNAPSHOT != 0,
    };
    Some((Pseudonym(*pseudonym), entry, place))
}
