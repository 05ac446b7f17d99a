//! Opening sled, with its edges covered: its snapshots are looked at first, its lock is waited for, its panics are caught.
//!
//! sled 0.34.7 takes its newest note of where its pages are (`snap.*`) for granted, also one that a crash left half-written
//! (`….generating`), and does not open a database whose newest is damaged. But it needs none: without one it reads all of
//! its log. So one that is not whole is removed.
//!
//! ```text
//! snap.LSN    what is noted | its length, u64 | crc32 of what is noted     (little-endian)
//! ```

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::files;

/// How long the lock of a database that this process has just closed is waited for: sled's own threads may still be at
/// work on its file. Nobody else is there, our own lock file says.
const LOCK_WAIT: Duration = Duration::from_secs(120);
/// After so long an operator is told.
const LOCK_TOLD: Duration = Duration::from_secs(5);

/// Opens or creates the database in `dir`.
///
/// # Errors
/// What sled said, or what it panicked with.
pub fn open(dir: &Path, config: sled::Config) -> Result<sled::Db, String> {
    remove_damaged(dir).map_err(|error| error.to_string())?;
    let config = config.path(dir);
    let started = Instant::now();
    let mut told = false;
    loop {
        match caught(|| config.open()) {
            Err(problem)
                if problem.contains("could not acquire lock") && started.elapsed() < LOCK_WAIT =>
            {
                if !told && started.elapsed() >= LOCK_TOLD {
                    tracing::warn!(dir = %dir.display(), "waiting for sled to let go of a database that was just closed");
                    told = true;
                }
                #[allow(clippy::disallowed_methods, reason = "opening is blocking work anyway")]
                thread::sleep(Duration::from_millis(10));
            }
            opened => return opened,
        }
    }
}

/// Calls sled; a panic of it is an error here.
///
/// # Errors
/// What sled said, or what it panicked with.
pub fn caught<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("sled: {error}")),
        Err(panic) => {
            let said = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("no message");
            Err(format!("sled panicked: {said}"))
        }
    }
}

/// Removes every snapshot in a database's folder that is not whole; tells the log of each.
fn remove_damaged(database: &Path) -> io::Result<()> {
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
