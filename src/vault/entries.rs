//! The file `vault/entries`: append-only, the only source of truth of who is who.
//!
//! What a reader may find at the end of the file, and what it means:
//!
//! | bytes after the last whole batch | meaning | answer |
//! | --- | --- | --- |
//! | none | closed well, or stopped between batches | go on |
//! | no batch begins in them any more | a batch that never became durable | cut off, with a note |
//! | a later batch begins in them | durable bytes were altered | refusal |
//!
//! A durable last batch that was altered looks like a torn one from here; the index (if it has seen
//! that batch) and the ledger (which cites the head, see `Vault::check_not_behind`) tell them apart.
//! So nothing is cut before the next registration: a refused start leaves the evidence.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use super::{
    Head, VaultError,
    bytes::{Fields, crc},
    durable::Disk,
    entry::{
        BATCH_BYTES_MAX, BATCH_HEADER, BATCH_MAGIC, BatchHeader, ENTRY_MAX, Entry, Flaw, running,
    },
    keys::VaultId,
};

const MAGIC: &[u8; 8] = b"CLVENTR1";
const VERSION: u32 = 1;
/// Bytes of the file's header.
pub(super) const HEADER: usize = 64;
/// A multiple of every page size: only whole pages are dropped from the cache.
const PAGES: u64 = 64 << 10;
const SCAN_WINDOW: usize = 1 << 20;

/// The open file.
#[derive(Debug)]
pub(super) struct Entries {
    file: File,
    path: PathBuf,
    vault: VaultId,
    disk: Disk,
}

/// A place between two batches: what lies before it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Bytes before it.
    pub(super) offset: u64,
    /// Entries before it, and their running hash.
    pub(super) head: Head,
}

/// A whole batch as read back.
pub(super) struct Batch {
    pub(super) offset: u64,
    pub(super) first: u64,
    pub(super) before: [u8; 32],
    /// Each entry with its offset in the file.
    pub(super) entries: Vec<(u64, Entry)>,
    /// The place after it.
    pub(super) end: Mark,
}

/// The header of a new file.
pub(super) fn header_bytes(vault: VaultId) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&VERSION.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&vault.0);
    out.resize(HEADER - 4, 0);
    let checksum = crc(&[&out]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out
}

/// The place before the first batch. Its hash covers the header, so that two vaults never share a head.
pub(super) fn start(vault: VaultId) -> Mark {
    Mark {
        offset: HEADER as u64,
        head: Head {
            sequence: 0,
            hash: running(&[0; 32], &header_bytes(vault)),
        },
    }
}

impl Entries {
    /// Opens the file and makes durable what a killed process may have left in the page cache.
    pub(super) fn open(path: &Path, vault: VaultId, disk: Disk) -> Result<Self, VaultError> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .map_err(VaultError::io(path, "opening"))?;
        disk.sync(&file, path)
            .map_err(VaultError::io(path, "syncing"))?;
        let entries = Self {
            file,
            path: path.to_owned(),
            vault,
            disk,
        };
        entries.check_header(vault)?;
        Ok(entries)
    }

    fn check_header(&self, vault: VaultId) -> Result<(), VaultError> {
        let header = self.read_up_to(0, HEADER)?;
        let damaged = |offset, what: &str| Err(VaultError::damaged(&self.path, offset, what));
        let whole = header
            .split_last_chunk::<4>()
            .is_some_and(|(content, checksum)| crc(&[content]).to_be_bytes() == *checksum);
        if header.len() < HEADER || !whole {
            return damaged(0, "the header's checksum does not match its bytes");
        }
        let mut fields = Fields(&header);
        if fields.array() != Some(*MAGIC) {
            return damaged(0, "it does not begin like an entries file");
        }
        let version = fields.u32().unwrap_or(0);
        if version != VERSION {
            return Err(self.unsupported(format!("version {version} of the entries file")));
        }
        fields.take(4);
        if fields.array() != Some(vault.0) {
            return damaged(16, "it belongs to another vault than the keys file");
        }
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> Result<u64, VaultError> {
        let metadata = self.file.metadata();
        Ok(metadata
            .map_err(VaultError::io(&self.path, "measuring"))?
            .len())
    }

    /// Visits each whole batch from `from` on; gives the place after the last, and what follows it in bytes.
    pub(super) fn replay<E: From<VaultError>>(
        &self,
        from: Mark,
        visit: &mut dyn FnMut(Batch) -> Result<(), E>,
    ) -> Result<(Mark, u64), E> {
        self.forget_cached(from.offset)?;
        let length = self.length()?;
        let mut mark = from;
        while mark.offset < length {
            match self.read_batch(mark.offset)? {
                Ok(batch) => {
                    if batch.first != mark.head.sequence || batch.before != mark.head.hash {
                        let what =
                            format!("the batch does not follow entry {}", mark.head.sequence);
                        return Err(VaultError::damaged(&self.path, mark.offset, what).into());
                    }
                    mark = batch.end;
                    visit(batch)?;
                }
                Err(what) => {
                    if let Some(later) = self.batch_begins_after(mark.offset)? {
                        let what = format!("{what}, though another batch follows at byte {later}");
                        return Err(VaultError::damaged(&self.path, mark.offset, what).into());
                    }
                    return Ok((mark, length - mark.offset));
                }
            }
        }
        Ok((mark, 0))
    }

    /// Drops what the page cache holds from `offset` on: after a failed sync it may differ from the disk.
    fn forget_cached(&self, offset: u64) -> Result<(), VaultError> {
        let whole_pages = offset / PAGES * PAGES;
        rustix::fs::fadvise(&self.file, whole_pages, None, rustix::fs::Advice::DontNeed)
            .map_err(|error| VaultError::io(&self.path, "dropping cached pages of")(error.into()))
    }

    /// The batch that begins at `offset`, or why there is none.
    pub(super) fn read_batch(
        &self,
        offset: u64,
    ) -> Result<Result<Batch, &'static str>, VaultError> {
        let read = || -> Result<Result<Batch, Flaw>, VaultError> {
            let header = self.read_up_to(offset, BATCH_HEADER)?;
            let header = match BatchHeader::parse(self.vault, &header) {
                Ok(header) => header,
                Err(flaw) => return Ok(Err(flaw)),
            };
            let body = offset.saturating_add(BATCH_HEADER as u64);
            let bytes = self.read_up_to(body, header.length as usize)?;
            Ok(header.entries(&bytes).map(|(entries, hash)| Batch {
                offset,
                first: header.first,
                before: header.before,
                end: Mark {
                    offset: body + u64::from(header.length),
                    head: Head {
                        sequence: header.first.saturating_add(u64::from(header.count)),
                        hash,
                    },
                },
                entries: entries
                    .into_iter()
                    .map(|(at, entry)| (body + at as u64, entry))
                    .collect(),
            }))
        };
        match read()? {
            Ok(batch) => Ok(Ok(batch)),
            Err(Flaw::Bad(what)) => Ok(Err(what)),
            Err(Flaw::Unknown(what)) => Err(self.unsupported(format!("at byte {offset}: {what}"))),
        }
    }

    /// The entry at `offset`, which the index gave us.
    pub(super) fn read_entry(&self, offset: u64) -> Result<Entry, VaultError> {
        let bytes = self.read_up_to(offset, ENTRY_MAX)?;
        match Entry::parse(&bytes) {
            Ok((entry, _)) => Ok(entry),
            Err(Flaw::Bad(what)) => Err(VaultError::damaged(&self.path, offset, what)),
            Err(Flaw::Unknown(what)) => Err(self.unsupported(format!("at byte {offset}: {what}"))),
        }
    }

    /// Stores a batch at the end, durable on return. `NotStored`: the file is as before. `Unknown`: nobody knows.
    pub(super) fn append(
        &self,
        offset: u64,
        header: BatchHeader,
        entries: &[u8],
    ) -> Result<(), VaultError> {
        let mut bytes = Vec::with_capacity(BATCH_HEADER + entries.len());
        bytes.extend_from_slice(&header.to_bytes(self.vault));
        bytes.extend_from_slice(entries);
        if let Err(source) = self.disk.write_at(&self.file, &bytes, offset) {
            // A half-written batch must not lie under the next one.
            self.file.set_len(offset).map_err(|error| {
                self.unknown(format!(
                    "writing failed ({source}), then cutting failed ({error})"
                ))
            })?;
            return Err(VaultError::NotStored {
                file: self.path.clone(),
                source,
            });
        }
        // A failed sync may have dropped the pages and forgotten so: asking again would lie.
        self.disk
            .sync(&self.file, &self.path)
            .map_err(|error| self.unknown(format!("syncing failed ({error})")))
    }

    /// Cuts the file to `offset`, durably.
    pub(super) fn cut(&self, offset: u64) -> Result<(), VaultError> {
        self.file
            .set_len(offset)
            .and_then(|()| self.disk.sync(&self.file, &self.path))
            .map_err(|error| self.unknown(format!("cutting off a torn batch failed ({error})")))
    }

    /// Where the next batch header after `offset` lies, if any does. Customers' bytes are all encrypted, so none can pose as one.
    fn batch_begins_after(&self, offset: u64) -> Result<Option<u64>, VaultError> {
        let mut window_start = offset + 1;
        loop {
            let window = self.read_up_to(window_start, SCAN_WINDOW)?;
            let found = window
                .windows(BATCH_HEADER)
                .position(|bytes| bytes.starts_with(BATCH_MAGIC) && self.is_header(bytes));
            if let Some(at) = found {
                return Ok(Some(window_start + at as u64));
            }
            if window.len() < SCAN_WINDOW {
                return Ok(None);
            }
            window_start += (SCAN_WINDOW - BATCH_HEADER) as u64;
        }
    }

    fn is_header(&self, bytes: &[u8]) -> bool {
        !matches!(BatchHeader::parse(self.vault, bytes), Err(Flaw::Bad(_)))
    }

    /// Up to `length` bytes; fewer only where the file ends.
    fn read_up_to(&self, offset: u64, length: usize) -> Result<Vec<u8>, VaultError> {
        let mut bytes = vec![0; length.min(BATCH_BYTES_MAX.max(SCAN_WINDOW))];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self
                .file
                .read_at(rest, offset.saturating_add(filled as u64))
            {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(VaultError::io(&self.path, "reading")(error)),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    fn unsupported(&self, what: String) -> VaultError {
        VaultError::Unsupported {
            file: self.path.clone(),
            what,
        }
    }

    fn unknown(&self, what: String) -> VaultError {
        VaultError::Unknown {
            file: self.path.clone(),
            what,
        }
    }
}
