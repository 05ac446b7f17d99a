//! Creating and opening a vault: what must be there, and in which order it came to be.
//!
//! Creation writes shards, then entries, then keys, each durable before the next. So keys without
//! the others are a loss, and the others without keys are a creation that a crash cut short: no
//! customer can be in it yet, and it starts over. Entries with customers and no keys are a loss.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    Opened, Options, VaultError,
    behind::Behind,
    durable::Disk,
    entries::{self, Entries, Mark},
    index::{self, Index, Learned, Progress},
    keys::Keys,
    shards::Shards,
};

/// The names in the vault's folder.
struct Names {
    dir: PathBuf,
    keys: PathBuf,
    shards: PathBuf,
    entries: PathBuf,
    index: PathBuf,
    lock: PathBuf,
}

/// All that a running vault is made of.
pub(super) struct Parts {
    pub(super) keys: Keys,
    pub(super) shards: Shards,
    pub(super) entries: Entries,
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
    let entries = Entries::open(&names.entries, keys.vault, disk.clone())?;
    let (index, progress, fresh) =
        open_index(options, &names, disk, &entries, &mut notes, keys.vault)?;
    let (progress, torn) = catch_up(&index, &entries, progress)?;
    let end = progress.mark;
    if torn > 0 {
        notes.push(format!(
            "{}: the {torn} bytes after byte {} are not a whole batch, as a crash in the middle of a registration leaves them; \
             they are cut off at the next registration, and entry {} is the last",
            names.entries.display(),
            end.offset,
            end.head.sequence
        ));
    }
    if fresh {
        index.trust();
    }
    let index = Arc::new(index);
    let behind = Behind::start(Arc::clone(&index), progress, !fresh)
        .map_err(VaultError::io(&names.index, "starting the thread of"))?;
    let opened = Opened {
        head: end.head,
        created,
        notes,
    };
    let parts = Parts {
        keys,
        shards,
        entries,
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
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&names.dir)
            .map_err(VaultError::io(&names.dir, "creating"))?;
        let parent = names
            .dir
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        disk.sync_dir(parent.unwrap_or(Path::new(".")))
            .map_err(VaultError::io(&names.dir, "syncing the parent of"))?;
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

/// The index and how far it reflects the entries; `true` when it starts empty.
fn open_index(
    options: &Options,
    names: &Names,
    disk: &Disk,
    entries: &Entries,
    notes: &mut Vec<String>,
    vault: super::keys::VaultId,
) -> Result<(Index, Progress, bool), VaultError> {
    let start = Progress::start(entries::start(vault));
    let open = || {
        Index::open(
            &names.index,
            &names.entries,
            options.index_cache_bytes,
            disk.clone(),
        )
    };
    let is_new = !exists(&names.index)?;
    let why = match open() {
        Ok((index, None)) if is_new => return Ok((index, start, true)),
        // A crash before the first save: what it holds is counted after the replay.
        Ok((index, None)) => return Ok((index, start, false)),
        Ok((index, Some(progress))) => {
            if seen_by_index(entries, &index, &progress, start.mark)? {
                return Ok((index, progress, false));
            }
            "it reflects another history than the entries file's".to_owned()
        }
        Err(what) => what,
    };
    notes.push(format!(
        "{}: {why}; it was deleted and rebuilt from the entries",
        names.index.display()
    ));
    index::delete(&names.index, disk)?;
    match open() {
        Ok((index, _)) => Ok((index, start, true)),
        Err(what) => Err(VaultError::Index {
            dir: names.index.clone(),
            what,
        }),
    }
}

/// Whether the entries file still holds what the index has seen of it; `false` for another history.
fn seen_by_index(
    entries: &Entries,
    index: &Index,
    progress: &Progress,
    start: Mark,
) -> Result<bool, VaultError> {
    if progress.mark == start {
        return Ok(true);
    }
    let length = entries.length()?;
    if length < progress.mark.offset {
        let own = entries.replay(start, &mut |_| Ok(()))?.0.head.sequence;
        return Err(index.lost(own, progress.mark.head.sequence));
    }
    match entries.read_batch(progress.last_batch)? {
        Ok(batch) => Ok(batch.end == progress.mark),
        Err(what) => Err(VaultError::damaged(
            entries.path(),
            progress.last_batch,
            what,
        )),
    }
}

/// Teaches the index what it has not seen.
fn catch_up(
    index: &Index,
    entries: &Entries,
    from: Progress,
) -> Result<(Progress, u64), VaultError> {
    let mut progress = from;
    let broken = |what| VaultError::Index {
        dir: index.dir().to_owned(),
        what,
    };
    let mut told = from.mark.head.sequence;
    let (_, torn) = entries.replay(from.mark, &mut |batch| {
        index
            .learn(&Learned::of(&batch), &mut progress)
            .map_err(broken)?;
        if progress.mark.head.sequence - told >= 1_000_000 {
            told = progress.mark.head.sequence;
            tracing::info!(entries = told, "filling the vault's index");
        }
        Ok(())
    })?;
    if progress != from {
        index.save(&progress).map_err(broken)?;
    }
    Ok((progress, torn))
}
