//! Erasing customers: their data keys become unreadable, in this vault and in every copy of the ledger (E8).
//!
//! A data key lies wrapped under its shard's key, in an append-only file that forgets nothing; so the *shard's* key is
//! replaced, and the keys of all the others are wrapped anew:
//!
//! 1. the others' data keys, under the next key, into a file beside `rewrapped-SS`; sync; read back;
//! 2. the next key into the shard's empty slot; sync;
//! 3. the new file into its place; sync. It also says who was erased;
//! 4. zeros over the old slot; sync; read back. From here on the erased keys are gone.
//!
//! Registrations wait from the last look at the entries before 1 to the end of 4, so that no entry is under a key that
//! goes away. A crash before 3 is undone by the next start, a crash after it is finished by it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::path::PathBuf;
use std::sync::PoisonError;

use super::{
    Vault, VaultError,
    durable::Disk,
    entries::{self, Batch, Entries, Mark},
    keys::{Keys, Secret},
    mappings::Mappings,
    register::Writer,
    rewrapped::{self, Kept, Rewrapped},
    shards::{ShardKey, Shards},
};
use crate::domain::ids::Pseudonym;

/// Shards whose customers are gathered in one reading of the entries: 1/16 of all, 64 bytes each.
const SHARDS_AT_ONCE: usize = 16;

/// Where an erasure writes.
pub(super) struct Files {
    pub(super) dir: PathBuf,
    pub(super) shards: PathBuf,
    pub(super) disk: Disk,
}

impl Files {
    fn rewrapped(&self, shard: u8) -> PathBuf {
        self.dir.join(rewrapped::name(shard))
    }

    fn open_shards(&self) -> Result<File, VaultError> {
        let opened = OpenOptions::new().read(true).write(true).open(&self.shards);
        opened.map_err(VaultError::io(&self.shards, "opening"))
    }
}

/// The keys by which data keys are unwrapped, and where those lie.
pub(super) struct Held {
    pub(super) shards: Shards,
    /// By shard; none where nobody was erased from it.
    pub(super) rewrapped: Vec<Option<Rewrapped>>,
}

impl Held {
    pub(super) fn of(&self, shard: u8) -> Option<&Rewrapped> {
        self.rewrapped.get(usize::from(shard))?.as_ref()
    }

    pub(super) fn erased(&self) -> BTreeSet<Pseudonym> {
        let files = self.rewrapped.iter().flatten();
        let erased = files.flat_map(Rewrapped::erased);
        erased.map(|pseudonym| Pseudonym(*pseudonym)).collect()
    }

    pub(super) fn is_erased(&self, pseudonym: &[u8; 16]) -> bool {
        let [shard, ..] = *pseudonym;
        self.of(shard)
            .is_some_and(|file| file.erased().contains(pseudonym))
    }
}

/// Finishes what a crash left of an erasure, or undoes it, and opens the files of rewrapped keys.
pub(super) fn settle(
    files: &Files,
    keys: &Keys,
    mut shards: Shards,
    notes: &mut Vec<String>,
) -> Result<Held, VaultError> {
    let mut rewrapped = Vec::new();
    for shard in 0..=u8::MAX {
        let path = files.rewrapped(shard);
        let made_for = rewrapped::generation_of(&path, keys.vault, shard)?;
        let damaged = |what: String| VaultError::damaged(&path, 16, what);
        let (newest, before) = shards.generations(shard);
        let in_force = match (made_for, before) {
            (Some(made_for), _) if made_for == newest => newest,
            // It was under way, and nothing depends on its key yet.
            (made_for, Some(before)) if made_for.unwrap_or(1) == before => before,
            (None, None) if newest == 1 => newest,
            (None, _) => {
                return Err(VaultError::Missing {
                    file: path,
                    witness: "a key of a shard that customers were erased from",
                });
            }
            (Some(made_for), _) => {
                return Err(damaged(format!(
                    "it is of generation {made_for} of shard {shard}, whose key is of generation {newest}"
                )));
            }
        };
        let finished = made_for == Some(newest);
        // A slot that can't be read may still hold the old key's bytes.
        if before.is_some()
            || finished && shards.has_remains(shard, &files.open_shards()?, files)?
        {
            // The file's name may not be durable yet: the old key must not go before it is.
            (files.disk.sync_dir(&files.dir)).map_err(VaultError::io(&files.dir, "syncing"))?;
            shards.keep_only(shard, in_force, &files.open_shards()?, files)?;
            let end = match (before.is_some(), finished) {
                (true, true) => "was interrupted and is finished",
                (true, false) => "was interrupted and is undone; it is tried again",
                (false, _) => "left a slot of keys that can't be read; it is overwritten",
            };
            notes.push(format!(
                "{}: an erasure in shard {shard} {end}",
                files.shards.display()
            ));
        }
        let key = shards.newest(shard);
        rewrapped.push(match (made_for, key) {
            (Some(_), Some((_, key))) => Some(Rewrapped::open(&path, keys.vault, shard, key)?),
            _ => None,
        });
    }
    Ok(Held { shards, rewrapped })
}

/// Erases customers (see [`Vault::erase`]).
pub(super) fn erase(vault: &Vault, pseudonyms: &[Pseudonym]) -> Result<(), VaultError> {
    let inner = &vault.0;
    // One after the other: each must know whom the one before has erased.
    let _alone = (inner.erasing.lock()).unwrap_or_else(PoisonError::into_inner);
    let mut by_shard: BTreeMap<u8, BTreeSet<[u8; 16]>> = BTreeMap::new();
    // What fails for one shard keeps no other's keys. After an unknown outcome everything fails with that.
    let mut problem = None;
    for pseudonym in pseudonyms {
        if inner.is_erased(*pseudonym) {
            continue;
        }
        let unreadable = match inner.entry_of(*pseudonym) {
            Ok(Some(_)) => None,
            Ok(None) => Some(VaultError::UnknownPseudonym(*pseudonym)),
            Err(error) => Some(error),
        };
        if unreadable.is_some() {
            problem = unreadable;
            continue;
        }
        let [shard, ..] = pseudonym.0;
        by_shard.entry(shard).or_default().insert(pseudonym.0);
    }
    let mut rest = by_shard.into_iter().peekable();
    while rest.peek().is_some() {
        let together = rest.by_ref().take(SHARDS_AT_ONCE);
        let erasures = together.map(|(shard, erased)| Erasure::new(inner, shard, erased));
        let erased = erase_from(inner, erasures.collect::<Result<_, _>>()?);
        problem = erased.err().or(problem);
    }
    problem.map_or(Ok(()), Err)
}

fn erase_from(inner: &Mappings, mut erasures: Vec<Erasure>) -> Result<(), VaultError> {
    let until = inner.lock_writer()?.end;
    let start = entries::start(inner.keys.vault);
    gather(inner, start, until, &mut erasures)?;
    let mut problem = None;
    for erasure in &mut erasures {
        let mut writer = inner.lock_writer()?;
        let erased = gather(inner, until, writer.end, std::slice::from_mut(erasure))
            .and_then(|()| erasure.finish(inner, &mut writer));
        problem = erased.err().or(problem);
    }
    problem.map_or(Ok(()), Err)
}

/// Takes the data keys of whoever stays, from the entries between two places.
fn gather(
    inner: &Mappings,
    from: Mark,
    to: Mark,
    erasures: &mut [Erasure],
) -> Result<(), VaultError> {
    each_batch(&inner.entries, from, to, |batch| {
        for (offset, entry) in &batch.entries {
            let of_shard = |one: &&mut Erasure| one.shard == entry.shard;
            let Some(erasure) = erasures.iter_mut().find(of_shard) else {
                continue;
            };
            if erasure.erased.contains(&entry.pseudonym) {
                continue;
            }
            let data_key = inner.data_key(*offset, entry)?;
            let place = (erasure.shard, erasure.next.generation);
            let vault = inner.keys.vault;
            let kept = rewrapped::wrap(vault, place, &erasure.next.key, entry.pseudonym, &data_key);
            erasure.kept.push(kept);
        }
        Ok(())
    })
}

fn each_batch(
    entries: &Entries,
    from: Mark,
    to: Mark,
    mut visit: impl FnMut(&Batch) -> Result<(), VaultError>,
) -> Result<(), VaultError> {
    let mut mark = from;
    while mark.offset < to.offset {
        let batch = entries.read_batch(mark.offset)?;
        let batch = batch.and_then(|batch| match batch.before == mark.head.hash {
            true => Ok(batch),
            false => Err("the batch does not follow the one before"),
        });
        let damaged = |what: &str| VaultError::damaged(entries.path(), mark.offset, what);
        let batch = batch.map_err(damaged)?;
        visit(&batch)?;
        mark = batch.end;
    }
    Ok(())
}

/// Customers to be erased from one shard, and everybody else in it.
struct Erasure {
    shard: u8,
    next: ShardKey,
    /// All that were ever erased from the shard, those of this time among them.
    erased: BTreeSet<[u8; 16]>,
    kept: Vec<Kept>,
}

impl Erasure {
    fn new(
        inner: &Mappings,
        shard: u8,
        mut erased: BTreeSet<[u8; 16]>,
    ) -> Result<Self, VaultError> {
        let held = inner.held();
        erased.extend(held.of(shard).into_iter().flat_map(Rewrapped::erased));
        Ok(Self {
            shard,
            next: held.shards.next(shard)?,
            erased,
            kept: Vec::new(),
        })
    }

    /// The steps on the disk. After the first of them a failure leaves it open which key is in force: registrations stop.
    fn finish(&mut self, inner: &Mappings, writer: &mut Writer) -> Result<(), VaultError> {
        let (files, vault) = (&inner.files, inner.keys.vault);
        self.kept.sort_unstable();
        let erased: Vec<_> = self.erased.iter().copied().collect();
        let (place, key) = ((self.shard, self.next.generation), &self.next.key);
        let bytes = rewrapped::to_bytes(vault, place, key, &self.kept, &erased);
        let path = files.rewrapped(self.shard);
        let beside = files.disk.stage(&path, &bytes)?;
        Rewrapped::open(&beside, vault, self.shard, key)?;
        let shards = files.open_shards()?;
        let slot = (self.next).slot(vault, &inner.keys.wrapping, self.shard)?;
        let replace = || {
            slot.write(&shards, files)?;
            files.disk.put_in_place(&beside, &path)?;
            let rewrapped = Rewrapped::open(&path, vault, self.shard, key)?;
            self.next.other_slot(self.shard).write(&shards, files)?;
            Ok(rewrapped)
        };
        let rewrapped = replace().map_err(|error: VaultError| {
            writer.stopped = Some(error.to_string());
            VaultError::Unknown {
                file: files.shards.clone(),
                what: error.to_string(),
            }
        })?;
        inner.install(self.shard, self.next.clone(), rewrapped);
        for pseudonym in &self.erased {
            inner.roots.forget(pseudonym);
        }
        Ok(())
    }
}

/// A data key from the place where it lies now.
pub(super) fn rewrapped_key(
    held: &Held,
    pseudonym: &[u8; 16],
) -> Result<Option<Secret>, VaultError> {
    let [shard, ..] = *pseudonym;
    match held.of(shard).zip(held.shards.newest(shard)) {
        Some((file, (generation, key))) if file.generation() == generation => {
            file.data_key(key, pseudonym)
        }
        _ => Ok(None),
    }
}

impl Mappings {
    /// The writer, unless nothing may be written any more.
    fn lock_writer(&self) -> Result<std::sync::MutexGuard<'_, Writer>, VaultError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        match &writer.stopped {
            None => Ok(writer),
            Some(what) => Err(VaultError::Unknown {
                file: self.entries.path().to_owned(),
                what: what.clone(),
            }),
        }
    }
}
