//! The file `vault/index/table`: a hash table that is read and written where it lies, one read a look-up.
//!
//! ```text
//! header, 256 bytes    magic | version u32 | log2 of the buckets u32 | zeros | crc32                     (big-endian)
//! bucket, 256 bytes    10 places of 24 bytes | zeros | crc32 of the bucket's number and of all before it
//! place, 24 bytes      16 bytes of the key | kind u8 (0: free) | offset u56
//! ```
//!
//! Keys are random, so a key's home is its own first bits, and who has no place at home lies in the next bucket that has
//! one. Nothing is ever taken out, so a bucket with a free place ends the search. A table that fills up is copied into one
//! of twice the size, in the order of its buckets, while the old one still answers.
//!
//! A bucket lies within one sector, so a loss of power leaves it as it was or as it was to be; other damage shows by its
//! checksum. A reader beside the writer may see half of a bucket: it looks again when the writer has let go of it.

mod bucket;
mod inserter;

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use self::{
    bucket::{BUCKET, Found, PLACES, close, empty, find, is_whole, places, split},
    inserter::Inserter,
};
use super::{bytes::Fields, durable::Disk, progress::Key};

const MAGIC: &[u8; 8] = b"CLINDEX1";
const VERSION: u32 = 1;
/// Bytes that are read and written together where keys come in the order of their homes, and where they are few.
const MANY: usize = 1 << 20;
const FEW: usize = 4 << 10;

/// The open table.
pub(super) struct Table {
    file: File,
    path: PathBuf,
    disk: Disk,
    /// A power of two.
    buckets: u64,
    /// Held while buckets are written.
    writing: Mutex<()>,
}

impl Table {
    /// Opens the table, or creates a small one; an `Err` text says why it can't be used.
    pub(super) fn open_or_create(path: &Path, disk: Disk) -> Result<Self, String> {
        let failed = |error: io::Error| format!("{}: {error}", path.display());
        if !path.try_exists().map_err(failed)? {
            return Self::stage(path, buckets_for(0), disk)?.put_in_place(path);
        }
        let file = open(path).map_err(failed)?;
        let mut header = [0; BUCKET];
        file.read_exact_at(&mut header, 0).map_err(failed)?;
        let buckets = parse_header(&header).ok_or("the index's header is damaged")?;
        let length = file.metadata().map_err(failed)?.len();
        if length != start_of(buckets) {
            return Err(format!(
                "the index has {length} bytes instead of {}",
                start_of(buckets)
            ));
        }
        Ok(Self::of(file, path.to_owned(), disk, buckets))
    }

    /// Where the key leads.
    pub(super) fn get(&self, key: &Key) -> Result<Option<u64>, String> {
        for number in self.search(key) {
            match find(&self.read(number)?, key) {
                Found::At(_, offset) => return Ok(Some(offset)),
                Found::Free(_) => return Ok(None),
                Found::Full => {}
            }
        }
        Ok(None)
    }

    /// Whether so many keys have room here.
    pub(super) fn has_room_for(&self, keys: u64) -> bool {
        buckets_for(keys) <= self.buckets
    }

    /// How many keys have a place here at most.
    pub(super) fn places(&self) -> u64 {
        self.buckets * PLACES as u64
    }

    /// A table with room for `keys` that holds what this one holds, durable and in its place. One thread at a time writes.
    /// Where it can't be made, nothing is left of it and this one stays as it is.
    pub(super) fn grown(&self, keys: u64) -> Result<Self, String> {
        let buckets = buckets_for(keys).max(self.buckets);
        self.copied_into(buckets).map_err(|what| {
            // What is left over is in nobody's way but the disk's: it is removed again before the next one is made.
            let _gone = fs::remove_file(Disk::beside(&self.path));
            format!("the index can't grow: {what}")
        })
    }

    fn copied_into(&self, buckets: u64) -> Result<Self, String> {
        let new = Self::stage(&self.path, buckets, self.disk.clone())?;
        let mut writer = Inserter::new(&new, MANY);
        self.visit(&mut |place| writer.insert(&place.key, place.offset).map(drop))?;
        writer.finish()?;
        new.put_in_place(&self.path)
    }

    /// Puts keys in, in the order of their homes. A key that led elsewhere leads to its new offset and is given back.
    pub(super) fn insert(&self, keys: &mut [(Key, u64)]) -> Result<Option<u64>, String> {
        keys.sort_unstable_by_key(|(key, _)| spread(key));
        let dense = keys.len() as u64 > self.buckets / 4;
        let mut writer = Inserter::new(self, if dense { MANY } else { FEW });
        let mut contradicted = None;
        for (key, offset) in keys.iter() {
            if writer.insert(key, *offset)? {
                contradicted = Some(*offset);
            }
        }
        writer.finish()?;
        Ok(contradicted)
    }

    /// Every key that lies in the table, in the order of the buckets, until `visit` fails. After a loss of power a key may
    /// lie in it twice, of which a search reaches one ([`Place::is_reached`]).
    pub(super) fn visit<E: From<String>>(
        &self,
        visit: &mut dyn FnMut(&Place<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut bytes = Vec::new();
        let mut next = 0;
        while next < self.buckets {
            self.fill(&mut bytes, next, MANY)?;
            for (number, bucket) in (next..).zip(bytes.chunks_exact(BUCKET)) {
                let again;
                let bucket = if is_whole(bucket, number) {
                    bucket
                } else {
                    again = self.read(number)?;
                    &again
                };
                for (key, offset) in places(bucket) {
                    visit(&Place {
                        key,
                        offset,
                        bucket: number,
                        table: self,
                    })?;
                }
            }
            next += (bytes.len() / BUCKET) as u64;
        }
        Ok(())
    }

    /// Makes all that was put in durable.
    pub(super) fn sync(&self) -> Result<(), String> {
        self.disk
            .sync(&self.file, &self.path)
            .map_err(|error| format!("syncing the index failed: {error}"))
    }

    /// An empty table beside its place.
    fn stage(path: &Path, buckets: u64, disk: Disk) -> Result<Self, String> {
        let (file, beside) = disk
            .create_beside(path)
            .map_err(|error| error.to_string())?;
        let table = Self::of(file, beside, disk, buckets);
        table.write(&header(buckets), 0)?;
        let mut bytes = Vec::with_capacity(MANY);
        for number in 0..buckets {
            bytes.extend_from_slice(&empty(number));
            if bytes.len() == MANY || number + 1 == buckets {
                let first = number + 1 - (bytes.len() / BUCKET) as u64;
                table.write(&bytes, start_of(first))?;
                bytes.clear();
            }
        }
        Ok(table)
    }

    /// Takes the place that a staged table is for.
    fn put_in_place(self, path: &Path) -> Result<Self, String> {
        self.sync()?;
        let placed = self.disk.put_in_place(&self.path, path);
        placed.map_err(|error| error.to_string())?;
        Ok(Self::of(
            self.file,
            path.to_owned(),
            self.disk,
            self.buckets,
        ))
    }

    fn of(file: File, path: PathBuf, disk: Disk, buckets: u64) -> Self {
        Self {
            file,
            path,
            disk,
            buckets,
            writing: Mutex::default(),
        }
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), String> {
        self.disk
            .write_at(&self.file, bytes, at)
            .map_err(|error| format!("the index can't be written: {error}"))
    }

    /// The buckets in which a key may lie, its home first.
    fn search(&self, key: &Key) -> impl Iterator<Item = u64> + use<> {
        let (home, buckets) = (self.home(key), self.buckets);
        (home..buckets).chain(0..home)
    }

    fn home(&self, key: &Key) -> u64 {
        ((u128::from(spread(key)) * u128::from(self.buckets)) >> 64) as u64
    }

    fn read(&self, number: u64) -> Result<[u8; BUCKET], String> {
        let mut bucket = [0; BUCKET];
        let read = |bucket: &mut [u8]| {
            let read = self.file.read_exact_at(bucket, start_of(number));
            read.map_err(unreadable)
        };
        read(&mut bucket)?;
        if !is_whole(&bucket, number) {
            let _nobody_writes = self.lock();
            read(&mut bucket)?;
            if !is_whole(&bucket, number) {
                return Err(format!("bucket {number} of the index is damaged"));
            }
        }
        Ok(bucket)
    }

    /// Reads up to `length` bytes of buckets from `number` on.
    fn fill(&self, bytes: &mut Vec<u8>, number: u64, length: usize) -> Result<(), String> {
        let left = (self.buckets - number).min((length / BUCKET) as u64);
        bytes.resize(left as usize * BUCKET, 0);
        self.file
            .read_exact_at(bytes, start_of(number))
            .map_err(unreadable)
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A key where it lies.
pub(super) struct Place<'a> {
    pub(super) key: Key,
    pub(super) offset: u64,
    bucket: u64,
    table: &'a Table,
}

impl Place<'_> {
    /// Whether a search for the key ends here. It does not where only a part of the writes survived a loss of power: a
    /// bucket that was full when the key went past it may have room again, and the key may be given a place there.
    pub(super) fn is_reached(&self) -> Result<bool, String> {
        for number in self.table.search(&self.key) {
            if number == self.bucket {
                return Ok(true);
            }
            match find(&self.table.read(number)?, &self.key) {
                Found::Full => {}
                Found::At(..) | Found::Free(_) => return Ok(false),
            }
        }
        Ok(false)
    }
}

/// What a key's home follows: digests and pseudonyms are random, the numbers of batches are not.
fn spread(key: &Key) -> u64 {
    let (_, [a, b, c, d, e, f, g, h, ..]) = split(key);
    u64::from_be_bytes([a, b, c, d, e, f, g, h]).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Buckets of which seven in ten places are taken at most.
fn buckets_for(keys: u64) -> u64 {
    (keys / 7 + 1).max(64).next_power_of_two()
}

fn start_of(number: u64) -> u64 {
    (number + 1) * BUCKET as u64
}

fn header(buckets: u64) -> [u8; BUCKET] {
    let mut header = [0; BUCKET];
    let fields = [
        &MAGIC[..],
        &VERSION.to_be_bytes(),
        &buckets.trailing_zeros().to_be_bytes(),
    ];
    let bytes = fields.concat();
    header
        .iter_mut()
        .zip(bytes)
        .for_each(|(to, from)| *to = from);
    close(&mut header, u64::MAX);
    header
}

fn parse_header(bytes: &[u8]) -> Option<u64> {
    is_whole(bytes, u64::MAX).then_some(())?;
    let mut fields = Fields(bytes);
    (fields.array() == Some(*MAGIC) && fields.u32() == Some(VERSION)).then_some(())?;
    1u64.checked_shl(fields.u32()?)
        .filter(|buckets| *buckets <= 1 << 40)
}

fn open(path: &Path) -> io::Result<File> {
    File::options().read(true).write(true).open(path)
}

fn unreadable(error: io::Error) -> String {
    format!("the index can't be read: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::progress::{batch_key, pseudonym_key};

    fn keys(from: u128, to: u128) -> Vec<(Key, u64)> {
        let random = |number: u128| {
            let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            pseudonym_key(&(spread ^ spread >> 67).to_be_bytes())
        };
        (from..to)
            .map(|number| (random(number), number as u64))
            .collect()
    }

    fn held(table: &Table) -> Vec<(Key, u64)> {
        let mut all = Vec::new();
        let mut keep = |place: &Place<'_>| {
            all.push((place.key, place.offset));
            Ok::<(), String>(())
        };
        table.visit(&mut keep).unwrap();
        all.sort_unstable();
        all
    }

    #[test]
    fn t4_what_was_put_in_is_found_before_and_after_the_table_grew_and_was_opened_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        let open = || Table::open_or_create(&path, Disk::default()).unwrap();
        let table = open();
        let (mut some, mut others) = (keys(0, 440), keys(440, 100_000));
        others.extend((0..3_000).map(|number| (batch_key(number), number)));
        assert!(table.has_room_for(440) && !table.has_room_for(440 + others.len() as u64));
        assert_eq!(table.insert(&mut some), Ok(None));
        let grown = table.grown(103_000).unwrap();
        assert_eq!(held(&grown), held(&table));
        assert_eq!(grown.insert(&mut others), Ok(None));
        grown.sync().unwrap();
        drop((table, grown));
        let table = open();
        assert_eq!(held(&table).len(), 103_000);
        for (key, led) in some.iter().chain(&others) {
            assert_eq!(table.get(key), Ok(Some(*led)));
        }
        for (key, _) in keys(200_000, 210_000) {
            assert_eq!(table.get(&key), Ok(None));
        }
    }

    #[test]
    fn t4_a_table_is_full_only_when_every_place_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let table = Table::open_or_create(&dir.path().join("table"), Disk::default()).unwrap();
        let mut all = keys(0, 64 * PLACES as u128);
        assert_eq!(table.insert(&mut all), Ok(None));
        assert!(
            all.iter()
                .all(|(key, led)| table.get(key) == Ok(Some(*led)))
        );
        let (unknown, _) = keys(9_000, 9_001)[0];
        assert_eq!(table.get(&unknown), Ok(None));
        assert!(table.insert(&mut [(unknown, 1)]).is_err());
    }

    #[test]
    fn t4_a_key_that_led_elsewhere_is_told_and_leads_where_it_should() {
        let dir = tempfile::tempdir().unwrap();
        let table = Table::open_or_create(&dir.path().join("table"), Disk::default()).unwrap();
        let [mut one] = *keys(7, 8) else { panic!() };
        assert_eq!(table.insert(&mut [one]), Ok(None));
        assert_eq!(table.insert(&mut [one]), Ok(None));
        one.1 = 70;
        assert_eq!(table.insert(&mut [one]), Ok(Some(70)));
        assert_eq!(held(&table), [one]);
    }

    #[test]
    fn t4_each_flipped_byte_of_a_table_is_found_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table");
        let table = Table::open_or_create(&path, Disk::default()).unwrap();
        table.insert(&mut keys(0, 300)).unwrap();
        drop(table);
        let whole = std::fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let file = open(&path).unwrap();
            file.write_all_at(&[whole[at] ^ 0x10], at as u64).unwrap();
            let visit = &mut |_: &Place<'_>| Ok::<(), String>(());
            let found =
                Table::open_or_create(&path, Disk::default()).and_then(|table| table.visit(visit));
            assert!(found.is_err(), "byte {at}");
            file.write_all_at(&[whole[at]], at as u64).unwrap();
        }
    }

    #[test]
    fn t4_a_reader_beside_the_writer_finds_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let small = Table::open_or_create(&dir.path().join("table"), Disk::default()).unwrap();
        let table = small.grown(60_000).unwrap();
        let mut first = keys(0, 1_000);
        table.insert(&mut first).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for from in (1_000..60_000).step_by(1_000) {
                    table.insert(&mut keys(from, from + 1_000)).unwrap();
                }
            });
            for (key, led) in first.iter().cycle().take(60_000) {
                assert_eq!(table.get(key), Ok(Some(*led)));
            }
        });
    }
}
