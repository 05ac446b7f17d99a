//! Small files that must survive the power: checkpoints, keys, settings.
//!
//! A reader of such a file sees the old content or the new one, never a mixture and never nothing, whatever
//! happened in between. Not for data that grows.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// The mode of files written here: they may hold keys, and nothing in a data folder is for other users.
const OWNER_ONLY: u32 = 0o600;

/// Replaces the content of `path` by `bytes`, durably: a temporary file beside it is written and fsynced, then
/// renamed over it, then the folder is fsynced.
///
/// # Errors
///
/// What the file system said, with the path. On an error the old content is still there, or the new one is
/// there and may not survive the power: treat it as not written.
pub fn write_durable(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let temporary = temporary_beside(path)?;
    let written = (|| {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(OWNER_ONLY)
            .open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    })();
    if let Err(error) = written {
        // Best effort: a left-over temporary file is never read and is truncated by the next write.
        let _ = fs::remove_file(&temporary);
        return Err(naming(path, "write", &error));
    }
    sync_dir(folder)
}

/// Makes the names in `folder` durable: a file that was created, renamed or removed in it stays so.
///
/// # Errors
///
/// What the file system said, with the path.
pub fn sync_dir(folder: &Path) -> io::Result<()> {
    File::open(folder)
        .and_then(|open| open.sync_all())
        .map_err(|error| naming(folder, "sync folder", &error))
}

/// Creates `folder` and what is missing above it, and makes all of their names durable.
///
/// # Errors
///
/// What the file system said, with the path.
pub fn create_dir_durable(folder: &Path) -> io::Result<()> {
    let mut fresh = Vec::new();
    let mut above = folder;
    while !above.as_os_str().is_empty() && !above.exists() {
        fresh.push(above);
        above = folder_of(above);
    }
    fs::create_dir_all(folder).map_err(|error| naming(folder, "create folder", &error))?;
    for created in fresh {
        sync_dir(created)?;
        sync_dir(folder_of(created))?;
    }
    Ok(())
}

/// An error that says which path and what was tried.
pub(crate) fn naming(path: &Path, tried: &str, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("cannot {tried} {}: {error}", path.display()),
    )
}

/// The folder that holds `path`; the current one for a bare name.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn temporary_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} names no file", path.display()),
        )
    })?;
    let mut name = name.to_os_string();
    name.push(".new");
    Ok(path.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_no_temporary_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        write_durable(&path, b"one").unwrap();
        write_durable(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_left_over_of_an_interrupted_write_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        write_durable(&path, b"one").unwrap();
        fs::write(
            folder.path().join("checkpoint.new"),
            b"a longer half-written file",
        )
        .unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"one");
        write_durable(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
    }

    #[test]
    fn an_error_names_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing").join("checkpoint");
        let error = write_durable(&path, b"one").unwrap_err();
        assert!(error.to_string().contains("missing/checkpoint"), "{error}");
    }

    #[test]
    fn folders_are_created_down_to_the_last() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a").join("b");
        create_dir_durable(&deep).unwrap();
        create_dir_durable(&deep).unwrap();
        assert!(deep.is_dir());
    }
}
