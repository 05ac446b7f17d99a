//! Writing that survives the power: sync, whole small files, and the hook that lets tests shadow it.

use std::{
    fmt,
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use zeroize::Zeroizing;

use super::VaultError;

/// Called with a file's (or folder's) path each time its bytes have become durable.
///
/// Tests copy the file then: the copies are what a loss of power at any later moment leaves.
pub type SyncHook = Arc<dyn Fn(&Path) + Send + Sync>;

/// The disk as the vault uses it: each sync goes through here.
#[derive(Clone, Default)]
pub(super) struct Disk {
    hook: Option<SyncHook>,
    #[cfg(test)]
    pub(super) faults: Arc<Faults>,
}

/// Failures that a test can order.
#[cfg(test)]
#[derive(Default)]
pub(super) struct Faults {
    pub(super) next_sync: std::sync::atomic::AtomicBool,
    pub(super) next_write: std::sync::atomic::AtomicBool,
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disk")
    }
}

impl Disk {
    pub(super) fn new(hook: Option<SyncHook>) -> Self {
        Self {
            hook,
            #[cfg(test)]
            faults: Arc::default(),
        }
    }

    /// Makes a file's bytes and length durable.
    pub(super) fn sync(&self, file: &File, path: &Path) -> io::Result<()> {
        #[cfg(test)]
        if self
            .faults
            .next_sync
            .swap(false, std::sync::atomic::Ordering::SeqCst)
        {
            return Err(io::Error::other("injected: sync failed"));
        }
        file.sync_data()?;
        if let Some(hook) = &self.hook {
            hook(path);
        }
        Ok(())
    }

    /// Makes a folder's names durable.
    pub(super) fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.sync(&File::open(dir)?, dir)
    }

    /// Writes `bytes` at `offset`; on an error the file may hold a part of them.
    pub(super) fn write_at(&self, file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        #[cfg(test)]
        if self
            .faults
            .next_write
            .swap(false, std::sync::atomic::Ordering::SeqCst)
        {
            file.write_all_at(bytes.get(..bytes.len() / 2).unwrap_or_default(), offset)?;
            return Err(io::Error::from_raw_os_error(28));
        }
        file.write_all_at(bytes, offset)
    }

    /// Puts a whole small file in place: after a crash there is the old one or the new one, never a mixture.
    pub(super) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), VaultError> {
        let beside = self.stage(path, bytes)?;
        self.put_in_place(&beside, path)
    }

    /// Writes a whole small file beside its place; durable on return, but for its name.
    pub(super) fn stage(&self, path: &Path, bytes: &[u8]) -> Result<PathBuf, VaultError> {
        let (mut file, beside) = self.create_beside(path)?;
        let fail = |doing| VaultError::io(path, doing);
        file.write_all(bytes).map_err(fail("writing"))?;
        self.sync(&file, &beside).map_err(fail("syncing"))?;
        Ok(beside)
    }

    /// Where a file is written that is to take the place of another.
    pub(super) fn beside(path: &Path) -> PathBuf {
        path.with_extension("new")
    }

    /// A new empty file beside the place of another, for its owner alone.
    pub(super) fn create_beside(&self, path: &Path) -> Result<(File, PathBuf), VaultError> {
        let beside = Self::beside(path);
        let fail = |doing| VaultError::io(path, doing);
        // A leftover of a crash; its mode may be another, so it is not reused.
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(fail("removing a leftover")(error));
            }
            _ => {}
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&beside)
            .map_err(fail("creating"))?;
        Ok((file, beside))
    }

    /// A folder for its owner alone; its name is durable on return.
    pub(super) fn create_dir(&self, dir: &Path) -> Result<(), VaultError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(VaultError::io(dir, "creating"))?;
        let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
        self.sync_dir(parent.unwrap_or(Path::new(".")))
            .map_err(VaultError::io(dir, "syncing the parent of"))
    }

    /// Gives a file its place; durable on return.
    pub(super) fn put_in_place(&self, beside: &Path, path: &Path) -> Result<(), VaultError> {
        let dir = path.parent().unwrap_or(Path::new("."));
        let fail = |doing| VaultError::io(path, doing);
        fs::rename(beside, path).map_err(fail("renaming into place"))?;
        self.sync_dir(dir).map_err(fail("syncing the folder"))
    }
}

/// Reads a small file of exactly `length` bytes; another length is damage.
pub(super) fn read_exactly(path: &Path, length: usize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let fail = |doing| VaultError::io(path, doing);
    let file = File::open(path).map_err(fail("opening"))?;
    // Room for one byte more than allowed, so that secrets are never copied by a growing buffer.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + 1));
    file.take(length as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(fail("reading"))?;
    if bytes.len() > length {
        let what = format!("it must have {length} bytes and has more");
        return Err(VaultError::damaged(path, length as u64, what));
    }
    if bytes.len() < length {
        let what = format!("it must have {length} bytes and ends here");
        return Err(VaultError::damaged(path, bytes.len() as u64, what));
    }
    Ok(bytes)
}
