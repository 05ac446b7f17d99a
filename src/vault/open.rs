//! Creating and opening a vault: what must be there, and in which order it came to be.
//!
//! Creation writes shards, then entries, then keys, each durable before the next. So keys without
//! the others are a loss, and the others without keys are a creation that a crash cut short: no
//! customer can be in it yet, and it starts over. Entries with customers and no keys are a loss.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Opened, Options, VaultError,
    behind::Behind,
    catch_up::{self, IndexPlace},
    durable::Disk,
    entries::{self, Entries, Mark},
    erasing::{self, Files, Held},
    index::{self, Index},
    keys::Keys,
    secrets::Secrets,
    shards::Shards,
};

/// The names in the vault's folder.
struct Names {
    dir: PathBuf,
    keys: PathBuf,
    shards: PathBuf,
    entries: PathBuf,
    secrets: PathBuf,
    index: PathBuf,
    lock: PathBuf,
}

/// All that a running vault is made of.
pub(super) struct Parts {
    pub(super) keys: Keys,
    pub(super) held: Held,
    pub(super) files: Files,
    pub(super) entries: Entries,
    pub(super) secrets: Secrets,
    pub(super) index: Arc<Index>,
    pub(super) behind: Behind,
    pub(super) end: Mark,
    /// Bytes of a torn batch after `end`, to be cut before the next one is written.
    pub(super) torn: u64,
    pub(super) lock: File,
}

impl Names {
    fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            keys: dir.join("keys"),
            shards: dir.join("shards"),
            entries: dir.join("entries"),
            secrets: dir.join("secrets"),
            index: dir.join("index"),
            lock: dir.join("lock"),
        }
    }
}

pub(super) fn open(options: &Options, disk: &Disk) -> Result<(Parts, Opened), VaultError> {
    let names = Names::new(&options.dir);
    let lock = lock(&names, disk)?;
    let mut notes = Vec::new();
    let created = !exists(&names.keys)?;
    if created {
        create(&names, disk)?;
    }
    let keys = Keys::read(&names.keys)?;
    note_open_modes(&names, &mut notes)?;
    require(&names.shards)?;
    require(&names.entries)?;
    let (shards, harmless) = Shards::read(&names.shards, keys.vault, &keys.wrapping)?;
    notes.extend(harmless);
    let files = Files {
        dir: names.dir.clone(),
        shards: names.shards.clone(),
        disk: disk.clone(),
    };
    let held = erasing::settle(&files, &keys, shards, &mut notes)?;
    let entries = Entries::open(&names.entries, keys.vault, disk.clone())?;
    let secrets = Secrets::open(&names.secrets, keys.vault, disk.clone())?;
    let ready = catch_up::ready(&IndexPlace {
        dir: &names.index,
        entries: &entries,
        start: entries::start(keys.vault),
        disk,
    })?;
    notes.extend(ready.note);
    let (end, torn) = (ready.progress.mark, ready.torn);
    if torn > 0 {
        notes.push(format!(
            "{}: the {torn} bytes after byte {} are not a whole batch, as a crash in the middle of a registration leaves them; \
             they are cut off at the next registration, and entry {} is the last",
            names.entries.display(),
            end.offset,
            end.head.sequence
        ));
    }
    let index = Arc::new(ready.index);
    let behind = Behind::start(Arc::clone(&index), ready.progress, !ready.fresh)
        .map_err(VaultError::io(&names.index, "starting the thread of"))?;
    let opened = Opened {
        head: end.head,
        created,
        notes,
    };
    let parts = Parts {
        keys,
        held,
        files,
        entries,
        secrets,
        index,
        behind,
        end,
        torn,
        lock,
    };
    Ok((parts, opened))
}

/// One process at a time: two would append over each other.
fn lock(names: &Names, disk: &Disk) -> Result<File, VaultError> {
    if !exists(&names.dir)? {
        disk.create_dir(&names.dir)?;
    }
    let lock = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&names.lock)
        .map_err(VaultError::io(&names.lock, "opening"))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(VaultError::Locked {
            dir: names.dir.clone(),
        }),
        Err(TryLockError::Error(error)) => Err(VaultError::io(&names.lock, "locking")(error)),
    }
}

fn exists(path: &Path) -> Result<bool, VaultError> {
    path.try_exists()
        .map_err(VaultError::io(path, "looking for"))
}

fn require(path: &Path) -> Result<(), VaultError> {
    if exists(path)? {
        return Ok(());
    }
    Err(VaultError::Missing {
        file: path.to_owned(),
        witness: "its keys",
    })
}

fn create(names: &Names, disk: &Disk) -> Result<(), VaultError> {
    if exists(&names.entries)? {
        let metadata = fs::metadata(&names.entries);
        let length = metadata
            .map_err(VaultError::io(&names.entries, "measuring"))?
            .len();
        if length > entries::HEADER as u64 {
            return Err(VaultError::Missing {
                file: names.keys.clone(),
                witness: "entries of customers",
            });
        }
    }
    index::delete(&names.index, disk)?;
    let keys = Keys::generate()?;
    disk.replace(
        &names.shards,
        &Shards::generate(keys.vault, &keys.wrapping)?,
    )?;
    disk.replace(&names.entries, &entries::header_bytes(keys.vault))?;
    // From here on the vault exists.
    disk.replace(&names.keys, &keys.to_bytes())
}

/// Secrets that others may read are told of, not refused: volume managers widen modes on their own.
fn note_open_modes(names: &Names, notes: &mut Vec<String>) -> Result<(), VaultError> {
    for path in [&names.keys, &names.shards] {
        let Ok(metadata) = fs::metadata(path) else {
            continue;
        };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            notes.push(format!(
                "{}: its mode is {mode:o}; only its owner should read it: chmod 600",
                path.display()
            ));
        }
    }
    Ok(())
}
