//! From a customer id or a pseudonym to what the vault knows: cache first, then index, then the entry itself.

use std::{
    fs::File,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard},
};

use super::{
    Head, VaultError,
    behind::Behind,
    cache::Cache,
    entries::Entries,
    entry::Entry,
    erasing::{self, Files, Held},
    hashing::HashCost,
    index::Index,
    keys::{Keys, Secret},
    mac::{Lookup, Macs},
    progress::{customer_key, pseudonym_key},
    register::Writer,
    rewrapped::Rewrapped,
    seal::Root,
    secrets::Secrets,
    shards::ShardKey,
};
use crate::domain::ids::Pseudonym;

/// The parts of an open vault.
pub(super) struct Mappings {
    pub(super) keys: Keys,
    /// Written by erasures only.
    pub(super) held: RwLock<Held>,
    /// Held while erasing.
    pub(super) erasing: Mutex<()>,
    /// Where erasures write.
    pub(super) files: Files,
    pub(super) macs: Macs,
    pub(super) entries: Entries,
    pub(super) secrets: Secrets,
    pub(super) hash_cost: HashCost,
    pub(super) index: Arc<Index>,
    pub(super) behind: Behind,
    /// Held while registering, sync included.
    pub(super) writer: Mutex<Writer>,
    /// The writer's head, for readers who don't wait for a sync.
    pub(super) head: Mutex<Head>,
    /// By the first half of the lookup digest.
    pub(super) known: Cache<Pseudonym>,
    /// By pseudonym; wiped on eviction.
    pub(super) roots: Cache<Arc<Root>>,
    /// Held for the life of the vault.
    pub(super) _lock: File,
}

impl Mappings {
    /// The customer of a lookup digest.
    pub(super) fn find_by(&self, lookup: &Lookup) -> Result<Option<Pseudonym>, VaultError> {
        if let Some(pseudonym) = self.known.get(&lookup.short()) {
            return Ok(Some(pseudonym));
        }
        let Some(offset) = self.index.get(&customer_key(lookup))? else {
            return Ok(None);
        };
        let entry = self.entries.read_entry(offset)?;
        if entry.lookup != *lookup {
            return Err(self.misled(offset));
        }
        let pseudonym = Pseudonym(entry.pseudonym);
        match self.unwrap(offset, &entry) {
            Ok(root) => drop(self.keep_root(pseudonym, root)),
            // The mapping stays: who was erased is never registered anew.
            Err(VaultError::Erased(_)) => {}
            Err(error) => return Err(error),
        }
        self.known.put(lookup.short(), pseudonym);
        Ok(Some(pseudonym))
    }

    /// The entry of a pseudonym and where it lies.
    pub(super) fn entry_of(
        &self,
        pseudonym: Pseudonym,
    ) -> Result<Option<(u64, Entry)>, VaultError> {
        let Some(offset) = self.index.get(&pseudonym_key(&pseudonym.0))? else {
            return Ok(None);
        };
        let entry = self.entries.read_entry(offset)?;
        if entry.pseudonym != pseudonym.0 {
            return Err(self.misled(offset));
        }
        Ok(Some((offset, entry)))
    }

    /// From which the customer's field keys are derived.
    pub(super) fn root_of(&self, pseudonym: Pseudonym) -> Result<Arc<Root>, VaultError> {
        if self.is_erased(pseudonym) {
            self.roots.forget(&pseudonym.0);
            return Err(VaultError::Erased(pseudonym));
        }
        if let Some(root) = self.roots.get(&pseudonym.0) {
            return Ok(root);
        }
        let found = self.entry_of(pseudonym)?;
        let (offset, entry) = found.ok_or(VaultError::UnknownPseudonym(pseudonym))?;
        let root = self.unwrap(offset, &entry)?;
        self.keep_root(pseudonym, root)
    }

    /// Keeps a root that was just read, unless the customer was erased meanwhile: an erasure forgets only what is there.
    fn keep_root(&self, pseudonym: Pseudonym, root: Arc<Root>) -> Result<Arc<Root>, VaultError> {
        self.roots.put(pseudonym.0, Arc::clone(&root));
        if self.is_erased(pseudonym) {
            self.roots.forget(&pseudonym.0);
            return Err(VaultError::Erased(pseudonym));
        }
        Ok(root)
    }

    /// Opens the entry's data key, which also proves that the mapping is the one that was written.
    pub(super) fn unwrap(&self, offset: u64, entry: &Entry) -> Result<Arc<Root>, VaultError> {
        let data_key = self.data_key(offset, entry)?;
        Ok(Arc::new(Root::of_data_key(&data_key)))
    }

    /// The entry's data key: from itself, or from where an erasure among its neighbours put it.
    pub(super) fn data_key(&self, offset: u64, entry: &Entry) -> Result<Secret, VaultError> {
        let held = self.held();
        if held.is_erased(&entry.pseudonym) {
            return Err(VaultError::Erased(Pseudonym(entry.pseudonym)));
        }
        let damaged = |what| VaultError::damaged(self.entries.path(), offset, what);
        let Some(shard_key) = held.shards.of_generation(entry.shard, entry.generation) else {
            let rewrapped = erasing::rewrapped_key(&held, &entry.pseudonym)?;
            return rewrapped.ok_or_else(|| {
                damaged(format!("the entry needs generation {} of shard {}, which the shards file does not hold", entry.generation, entry.shard))
            });
        };
        let data_key = entry.data_key(self.keys.vault, shard_key);
        data_key.ok_or_else(|| {
            damaged("the entry's key does not open under its shard's key".to_owned())
        })
    }

    pub(super) fn held(&self) -> RwLockReadGuard<'_, Held> {
        self.held.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_erased(&self, pseudonym: Pseudonym) -> bool {
        self.held().is_erased(&pseudonym.0)
    }

    /// A shard's key and file are these from now on.
    pub(super) fn install(&self, shard: u8, key: ShardKey, rewrapped: Rewrapped) {
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        held.shards.install(shard, key);
        if let Some(place) = held.rewrapped.get_mut(usize::from(shard)) {
            *place = Some(rewrapped);
        }
    }

    /// The index led to an entry of somebody else.
    pub(super) fn misled(&self, offset: u64) -> VaultError {
        let what =
            format!("the index led to byte {offset} of the entries, where another entry lies");
        self.index.broken(what.clone());
        VaultError::Index {
            dir: self.index.dir().to_owned(),
            what,
        }
    }
}
