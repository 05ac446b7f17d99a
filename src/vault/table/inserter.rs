//! Putting keys in: a window of buckets is changed in memory and written as one.

use super::{
    Table,
    bucket::{BUCKET, Found, OFFSET_MAX, find, is_whole, set},
    start_of,
};
use crate::vault::progress::Key;

/// Puts keys in, over a window of buckets in memory: keys in the order of their homes move it on and seldom back.
pub(super) struct Inserter<'a> {
    table: &'a Table,
    /// Bytes of a window.
    length: usize,
    /// The first bucket in memory.
    first: u64,
    bytes: Vec<u8>,
    changed: bool,
}

impl<'a> Inserter<'a> {
    /// `length`: bytes of a window.
    pub(super) fn new(table: &'a Table, length: usize) -> Self {
        Self {
            table,
            length,
            first: 0,
            bytes: Vec::new(),
            changed: false,
        }
    }

    /// Whether the key led elsewhere before.
    pub(super) fn insert(&mut self, key: &Key, offset: u64) -> Result<bool, String> {
        if offset > OFFSET_MAX {
            return Err(format!("byte {offset} is past what the index can lead to"));
        }
        for number in self.table.search(key) {
            let bucket = self.bucket(number)?;
            let (place, contradicts) = match find(bucket, key) {
                Found::At(_, before) if before == offset => return Ok(false),
                Found::At(place, _) => (place, true),
                Found::Free(place) => (place, false),
                Found::Full => continue,
            };
            set(bucket, number, place, key, offset);
            self.changed = true;
            return Ok(contradicts);
        }
        Err("the index is full".to_owned())
    }

    fn bucket(&mut self, number: u64) -> Result<&mut [u8], String> {
        let reaches = self.first + (self.bytes.len() / BUCKET) as u64;
        if !(self.first..reaches).contains(&number) {
            self.write()?;
            let in_window = (self.length / BUCKET) as u64;
            self.first = number / in_window * in_window;
            self.table.fill(&mut self.bytes, self.first, self.length)?;
        }
        let at = (number - self.first) as usize * BUCKET;
        let bucket = self.bytes.get_mut(at..at + BUCKET);
        bucket
            .filter(|bucket| is_whole(bucket, number))
            .ok_or_else(|| format!("bucket {number} of the index is damaged"))
    }

    fn write(&mut self) -> Result<(), String> {
        if std::mem::take(&mut self.changed) {
            let _for_readers = self.table.lock();
            self.table.write(&self.bytes, start_of(self.first))?;
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<(), String> {
        self.write()
    }
}
