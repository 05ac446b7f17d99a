//! sled's segments, looked at before sled opens them.
//!
//! Opening a database overwrites everything in a segment after the first bad message, and zeroes segments after
//! a tear: a damaged database opens as a shorter one, and the evidence is gone. So after an unclean stop the newest
//! two segments are first set aside as a copy. Only the header of sled 0.34.7's segments is read here:
//!
//! ```text
//! segment header, 20 bytes: (crc32 of the rest) xor ffffffff | lsn xor 7fff… | stable lsn xor 7fff…   (little-endian)
//! ```

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

use super::SEGMENT_BYTES;
use crate::storage::files;

const HEADER_BYTES: usize = 20;
/// How many segments are set aside: the newest may have only just begun.
const SET_ASIDE: usize = 2;
/// In `aside/`: the log was opened after this copy was made, so a later stop may replace it.
const ACCEPTED: &str = "accepted";

/// A segment whose header is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Where it is in the file, in bytes.
    pub offset: u64,
    /// Its place in sled's log: the newest segment has the greatest.
    pub lsn: i64,
}

/// The segments of a database file with a whole header, newest first.
pub(super) fn newest_first(file: &File) -> io::Result<Vec<Segment>> {
    let length = file.metadata()?.len();
    let mut found = Vec::new();
    let mut offset = 0;
    while offset + HEADER_BYTES as u64 <= length {
        let mut header = [0; HEADER_BYTES];
        file.read_exact_at(&mut header, offset)?;
        found.extend(lsn_of(&header).map(|lsn| Segment { offset, lsn }));
        offset += SEGMENT_BYTES as u64;
    }
    found.sort_by_key(|segment| std::cmp::Reverse(segment.lsn));
    Ok(found)
}

fn lsn_of(header: &[u8; HEADER_BYTES]) -> Option<i64> {
    let (crc, rest) = header.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*crc) ^ u32::MAX != crc32fast::hash(rest) {
        return None;
    }
    let (lsn, _) = rest.split_first_chunk::<8>()?;
    Some(i64::from_le_bytes(*lsn) ^ i64::MAX)
}

/// Copies the newest segments of `database` to the folder `aside`, durably. A copy that no successful opening
/// followed is kept: it is the evidence of a refusal, and the refused opening may have changed the database since.
///
/// Returns whether a copy was made.
pub(super) fn set_aside(database: &Path, aside: &Path) -> io::Result<bool> {
    if aside.exists() && !aside.join(ACCEPTED).exists() {
        return Ok(false);
    }
    let file = File::open(database).map_err(|error| files::naming(database, "open", &error))?;
    let unfinished = aside.with_extension("new");
    remove_if_there(&unfinished)?;
    files::create_dir_durable(&unfinished)?;
    for segment in newest_first(&file)?.into_iter().take(SET_ASIDE) {
        let mut bytes = vec![0; SEGMENT_BYTES];
        let read = read_up_to(&file, &mut bytes, segment.offset)?;
        bytes.truncate(read);
        let name = format!("segment-{:016x}-at-{}", segment.lsn, segment.offset);
        files::write_durable(&unfinished.join(name), &bytes)?;
    }
    remove_if_there(aside)?;
    fs::rename(&unfinished, aside).map_err(|error| files::naming(aside, "create", &error))?;
    files::sync_dir(aside.parent().unwrap_or(Path::new(".")))?;
    Ok(true)
}

/// Lets the next copy replace this one: the log was opened.
pub(super) fn accept_aside(aside: &Path) -> io::Result<()> {
    if !aside.exists() || aside.join(ACCEPTED).exists() {
        return Ok(());
    }
    files::write_durable(&aside.join(ACCEPTED), b"")
}

/// Removes a folder and what is in it, if it is there.
pub(super) fn remove_if_there(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(files::naming(folder, "remove", &error))
        }
        _ => Ok(()),
    }
}

fn read_up_to(file: &File, into: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut read = 0;
    while let Some(rest) = into.get_mut(read..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + read as u64) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}
