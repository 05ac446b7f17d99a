//! The tail: a ring of the newest blocks in one preallocated file, where a write and one `fdatasync` are the commit.
//!
//! A slot is a run of whole pages that holds one block (or a mark: opened, closed). Slots follow one another; one
//! that does not fit before the end of the file begins at page 0. The file never grows, so a commit never
//! changes the file system's own records, and a full disk can't refuse it.
//!
//! Two rules keep the ring honest. *Nothing unsettled is overwritten*: [`Tail::obstacle`] tells which position must be
//! durable in the database first. *One write at a time*: a slot is synced before the next one is begun, so a crash can
//! leave at most the newest slot unfinished. What recovery concludes from that is in `ring.rs`.
//!
//! What we assume of the disk: a sector of 512 bytes is written whole or not at all, a write does not damage
//! sectors beside it, and `fdatasync` returns after the bytes are where the power cannot reach them.

use std::{
    collections::VecDeque,
    fs::{self, File, OpenOptions},
    io,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    PAGE_BYTES,
    observe::{Stage, SyncObserver},
    page::{Kind, PAYLOAD_BYTES, PageHeader, pages_for, write_page},
};
use crate::storage::files;

/// What a slot is to hold.
pub(super) struct Entry<'a> {
    pub kind: Kind,
    pub first: u64,
    /// The position after the slot's last one.
    pub next: u64,
    pub payload: &'a [u8],
    /// What the database is known to hold, at this moment.
    pub settled: u64,
}

/// Where the next slot goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    /// The page after the newest slot; equal to the ring's pages when that slot ends the file.
    pub page: u64,
    /// The sequence of the next slot.
    pub sequence: u64,
}

/// The ring, open for writing.
pub(super) struct Tail {
    file: File,
    path: PathBuf,
    observer: Option<Arc<dyn SyncObserver>>,
    ledger: [u8; 16],
    /// Pages in the file.
    ring: u64,
    /// Counts pages over all laps, skipped ones too: `line % ring` is the page in the file.
    line: u64,
    sequence: u64,
    /// Slots that may still be needed, oldest first: where each begins on the line, and the position that must
    /// be settled before it may go.
    live: VecDeque<(u64, u64)>,
    buffer: Vec<u8>,
}

impl Tail {
    /// Takes over a ring whose blocks are all settled, to write on at `cursor`.
    pub(super) fn resume(
        file: File,
        path: PathBuf,
        observer: Option<Arc<dyn SyncObserver>>,
        ledger: [u8; 16],
        ring: u64,
        cursor: Cursor,
    ) -> Tail {
        Tail {
            file,
            path,
            observer,
            ledger,
            ring,
            line: cursor.page,
            sequence: cursor.sequence,
            live: VecDeque::new(),
            buffer: Vec::new(),
        }
    }

    /// Whether a payload of `length` bytes fits into the ring at all.
    pub(super) fn can_hold(&self, length: usize) -> bool {
        pages_for(length) as u64 <= self.ring
    }

    /// The position up to which everything must be settled before a slot for `length` bytes may be written.
    /// `None`: at once.
    pub(super) fn obstacle(&self, length: usize) -> Option<u64> {
        let count = pages_for(length) as u64;
        let end = self.place(count) + count;
        let in_the_way = self
            .live
            .iter()
            .take_while(|(begin, _)| begin + self.ring < end);
        in_the_way.last().map(|(_, next)| *next)
    }

    /// Writes a slot and makes it durable. [`Tail::obstacle`] has been asked and heeded.
    ///
    /// # Errors
    ///
    /// Then nobody knows what the file holds: the ring must not be written again by this process.
    pub(super) fn write(&mut self, entry: &Entry<'_>) -> io::Result<()> {
        let count = pages_for(entry.payload.len()) as u64;
        let begin = self.place(count);
        self.fill_buffer(entry, count);
        self.file
            .write_all_at(&self.buffer, begin % self.ring * PAGE_BYTES as u64)
            .map_err(|error| files::naming(&self.path, "write", &error))?;
        sync(
            &self.file,
            &self.path,
            Stage::Tail,
            self.observer.as_deref(),
        )?;
        while self
            .live
            .front()
            .is_some_and(|(old, _)| old + self.ring < begin + count)
        {
            self.live.pop_front();
        }
        self.live.push_back((begin, entry.next));
        self.line = begin + count;
        self.sequence += 1;
        Ok(())
    }

    /// Where on the line a slot of `count` pages begins: here, or at the next lap's page 0.
    fn place(&self, count: u64) -> u64 {
        let page = self.line % self.ring;
        if page + count > self.ring {
            self.line - page + self.ring
        } else {
            self.line
        }
    }

    fn fill_buffer(&mut self, entry: &Entry<'_>, count: u64) {
        let mut header = PageHeader {
            kind: entry.kind,
            ledger: self.ledger,
            ring: self.ring as u32,
            sequence: self.sequence,
            first: entry.first,
            length: entry.payload.len() as u32,
            index: 0,
            count: count as u16,
            settled: entry.settled,
        };
        self.buffer.clear();
        self.buffer.resize(count as usize * PAGE_BYTES, 0);
        let mut payload = entry.payload.chunks(PAYLOAD_BYTES);
        for page in self.buffer.chunks_exact_mut(PAGE_BYTES) {
            write_page(&header, payload.next().unwrap_or(&[]), page);
            header.index += 1;
        }
    }
}

/// `fdatasync`, seen by the observer.
pub(super) fn sync(
    file: &File,
    path: &Path,
    stage: Stage,
    observer: Option<&dyn SyncObserver>,
) -> io::Result<()> {
    if let Some(observer) = observer {
        observer
            .before(path, stage)
            .map_err(|error| files::naming(path, "sync", &error))?;
    }
    file.sync_data()
        .map_err(|error| files::naming(path, "sync", &error))?;
    if let Some(observer) = observer {
        observer.synced(path, stage);
    }
    Ok(())
}

/// Creates the ring with `bytes` zeros really written (a sparse file would have to grow at a commit), durable under
/// its name: a file that is there is whole.
pub(super) fn create(
    path: &Path,
    bytes: u64,
    observer: Option<&dyn SyncObserver>,
) -> io::Result<()> {
    let unfinished = path.with_extension("new");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)
        .map_err(|error| files::naming(&unfinished, "create", &error))?;
    let zeros = vec![0; 1 << 20];
    let mut at = 0;
    while at < bytes {
        let chunk = (bytes - at).min(zeros.len() as u64);
        let chunk = zeros.get(..chunk as usize).unwrap_or(&zeros);
        file.write_all_at(chunk, at)
            .map_err(|error| files::naming(&unfinished, "write", &error))?;
        at += chunk.len() as u64;
    }
    file.sync_all()
        .and_then(|()| fs::rename(&unfinished, path))
        .map_err(|error| files::naming(path, "create", &error))?;
    files::sync_dir(path.parent().unwrap_or(Path::new(".")))?;
    if let Some(observer) = observer {
        observer.synced(path, Stage::TailCreated);
    }
    Ok(())
}

/// Opens the ring that is there, for reading and writing.
pub(super) fn open_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .open(path)
        .map_err(|error| files::naming(path, "open", &error))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(pages: u64) -> (tempfile::TempDir, Tail) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tail");
        create(&path, pages * PAGE_BYTES as u64, None).unwrap();
        let file = open_file(&path).unwrap();
        let start = Cursor {
            page: 0,
            sequence: 0,
        };
        let tail = Tail::resume(file, path, None, [7; 16], pages, start);
        (folder, tail)
    }

    fn put(tail: &mut Tail, position: u64, pages: usize) -> Option<u64> {
        let payload = vec![1; pages * PAYLOAD_BYTES];
        let obstacle = tail.obstacle(payload.len());
        tail.write(&Entry {
            kind: Kind::Block,
            first: position,
            next: position + 1,
            payload: &payload,
            settled: 0,
        })
        .unwrap();
        obstacle
    }

    #[test]
    fn a_slot_that_is_still_needed_stands_in_the_way() {
        let (_folder, mut tail) = ring(4);
        assert_eq!(put(&mut tail, 0, 2), None); // pages 0-1
        assert_eq!(put(&mut tail, 1, 1), None); // page 2
        assert_eq!(put(&mut tail, 2, 1), None); // page 3
        assert_eq!(put(&mut tail, 3, 1), Some(1)); // page 0, over position 0
        assert_eq!(put(&mut tail, 4, 2), Some(2)); // pages 1-2, over position 1
        assert_eq!(put(&mut tail, 5, 2), Some(5)); // page 3 is skipped; pages 0-1, over positions 3 and 4
        assert_eq!(put(&mut tail, 6, 4), Some(6)); // the whole file
    }

    #[test]
    fn the_file_keeps_its_size() {
        let (folder, mut tail) = ring(4);
        for position in 0..30 {
            put(&mut tail, position, 1 + position as usize % 3);
        }
        let length = fs::metadata(folder.path().join("tail")).unwrap().len();
        assert_eq!(length, 4 * PAGE_BYTES as u64);
    }
}
