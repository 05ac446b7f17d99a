//! One bucket: its places, and the checksum that holds it together.

use crate::vault::{
    bytes::{Fields, crc},
    progress::Key,
};

pub(super) const BUCKET: usize = 256;
pub(super) const PLACES: usize = 10;
pub(super) const OFFSET_MAX: u64 = (1 << 56) - 1;
const PLACE: usize = 24;

/// Where a key is in a bucket, or could be.
pub(super) enum Found {
    /// In that place, leading to that offset.
    At(usize, u64),
    /// Not here and in no later bucket: this place is free.
    Free(usize),
    Full,
}

pub(super) fn empty(number: u64) -> [u8; BUCKET] {
    let mut bucket = [0; BUCKET];
    close(&mut bucket, number);
    bucket
}

pub(super) fn find(bucket: &[u8], key: &Key) -> Found {
    let (kind, random) = split(key);
    for (number, place) in bucket.chunks_exact(PLACE).take(PLACES).enumerate() {
        let Some((held, led)) = parse_place(place) else {
            return Found::Free(number);
        };
        if held == (kind, random) {
            return Found::At(number, led);
        }
    }
    Found::Full
}

pub(super) fn places(bucket: &[u8]) -> impl Iterator<Item = (Key, u64)> {
    let places = bucket.chunks_exact(PLACE).take(PLACES);
    places.map_while(parse_place).map(|((kind, random), led)| {
        let mut key = [kind; 17];
        let (_, rest) = key.split_at_mut(1);
        rest.copy_from_slice(&random);
        (key, led)
    })
}

/// A place's kind and key, and where it leads; `None` of a free one.
fn parse_place(place: &[u8]) -> Option<((u8, [u8; 16]), u64)> {
    let mut fields = Fields(place);
    let random = fields.array()?;
    let led = fields.u64()?;
    let kind = (led >> 56) as u8;
    (kind != 0).then_some(((kind, random), led & OFFSET_MAX))
}

pub(super) fn set(bucket: &mut [u8], number: u64, place: usize, key: &Key, offset: u64) {
    let (kind, random) = split(key);
    if let Some(bytes) = bucket.get_mut(place * PLACE..(place + 1) * PLACE) {
        let (to, led) = bytes.split_at_mut(16);
        to.copy_from_slice(&random);
        led.copy_from_slice(&(u64::from(kind) << 56 | offset).to_be_bytes());
    }
    close(bucket, number);
}

/// Renews a bucket's checksum.
pub(super) fn close(bucket: &mut [u8], number: u64) {
    let sum = bucket
        .split_last_chunk::<4>()
        .map(|(content, _)| checksum(content, number));
    if let (Some(sum), Some(place)) = (sum, bucket.last_chunk_mut()) {
        *place = sum;
    }
}

pub(super) fn is_whole(bucket: &[u8], number: u64) -> bool {
    bucket
        .split_last_chunk::<4>()
        .is_some_and(|(content, sum)| checksum(content, number) == *sum)
}

fn checksum(content: &[u8], number: u64) -> [u8; 4] {
    crc(&[&number.to_be_bytes(), content]).to_be_bytes()
}

pub(super) fn split(key: &Key) -> (u8, [u8; 16]) {
    let [kind, random @ ..] = *key;
    (kind, random)
}
