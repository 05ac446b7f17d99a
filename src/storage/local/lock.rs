//! One process, one folder.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::Duration,
};

use super::refusal::OpenError;
use crate::storage::files;

/// A lock just released is still held for a moment by a child process that its old holder was starting.
const TRIES: u32 = 20;

/// Held while a process has the folder open. The system releases it when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock of `dir`, or says who has it.
    pub(super) fn take(dir: &Path) -> Result<Lock, OpenError> {
        let path = dir.join("lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|error| files::naming(&path, "open", &error))?;
        let mut taken = file.try_lock();
        for _ in 0..TRIES {
            if !matches!(taken, Err(TryLockError::WouldBlock)) {
                break;
            }
            #[allow(
                clippy::disallowed_methods,
                reason = "a start waits for the process before it; nothing is served yet"
            )]
            thread::sleep(Duration::from_millis(10));
            taken = file.try_lock();
        }
        match taken {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(OpenError::Locked {
                    dir: dir.to_owned(),
                    pid: pid_in(&mut file),
                });
            }
            Err(TryLockError::Error(error)) => {
                return Err(files::naming(&path, "lock", &error).into());
            }
        }
        // The pid is for the message above only; the lock does not depend on it.
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(|error| files::naming(&path, "write", &error))?;
        Ok(Lock { _file: file })
    }

    /// Keeps every process out of `dir` while somebody only looks, and changes nothing in it. `None` where no
    /// process has ever been there.
    pub(super) fn look(dir: &Path) -> Result<Option<Lock>, OpenError> {
        let path = dir.join("lock");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(files::naming(&path, "open", &error).into()),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
                dir: dir.to_owned(),
                pid: pid_in(&mut file),
            }),
            Err(TryLockError::Error(error)) => Err(files::naming(&path, "lock", &error).into()),
        }
    }
}

fn pid_in(file: &mut File) -> Option<u32> {
    let mut text = String::new();
    let read: io::Result<usize> = file.take(16).read_to_string(&mut text);
    read.ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_has_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let first = Lock::take(folder.path()).unwrap();
        let Err(OpenError::Locked { dir, pid }) = Lock::take(folder.path()) else {
            panic!("locked twice");
        };
        assert_eq!(dir, folder.path());
        assert_eq!(pid, Some(std::process::id()));
        drop(first);
        Lock::take(folder.path()).unwrap();
    }
}
