//! sled's own notes of where its pages are (`snap.*`), looked at before sled opens them.
//!
//! sled 0.34.7 takes the newest for granted, also one that a crash left half-written (`….generating`), and does not open
//! a database whose newest is damaged. But it needs none: without one it reads all of its log. So one that is not whole
//! is removed.
//!
//! ```text
//! snap.LSN    what is noted | its length, u64 | crc32 of what is noted     (little-endian)
//! ```

use std::fs;
use std::io;
use std::path::Path;

use super::files;

/// Removes every snapshot in a database's folder that is not whole; tells the log of each.
///
/// # Errors
/// When the folder can't be listed, or a file not be read or removed.
pub fn remove_damaged(database: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(database) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| files::naming(database, "list", &error))?,
    };
    let mut removed = false;
    for entry in entries {
        let entry = entry?;
        let (name, path) = (entry.file_name(), entry.path());
        let name = name.to_string_lossy();
        if !name.starts_with("snap.") {
            continue;
        }
        let bytes = fs::read(&path).map_err(|error| files::naming(&path, "read", &error))?;
        if name.ends_with(".generating") || !is_whole(&bytes) {
            tracing::warn!(file = %path.display(), "a snapshot of sled's is not whole and is removed; all of its log is read instead");
            fs::remove_file(&path).map_err(|error| files::naming(&path, "remove", &error))?;
            removed = true;
        }
    }
    match removed {
        true => files::sync_dir(database),
        false => Ok(()),
    }
}

fn is_whole(snapshot: &[u8]) -> bool {
    let split = snapshot.split_last_chunk::<4>();
    let split = split.and_then(|(rest, sum)| Some((rest.split_last_chunk::<8>()?.0, sum)));
    split.is_some_and(|(noted, sum)| {
        !noted.is_empty() && crc32fast::hash(noted) == u32::from_le_bytes(*sum)
    })
}
