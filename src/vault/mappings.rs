//! From a customer id or a pseudonym to what the vault knows: cache first, then index, then the entry itself.

use std::{
    fs::File,
    sync::{Arc, Mutex},
};

use super::{
    Head, VaultError,
    behind::Behind,
    cache::Cache,
    entries::Entries,
    entry::Entry,
    hashing::HashCost,
    index::Index,
    keys::Keys,
    mac::{Lookup, Macs},
    progress::{customer_key, pseudonym_key},
    register::Writer,
    seal::Root,
    secrets::Secrets,
    shards::Shards,
};
use crate::domain::ids::Pseudonym;

/// The parts of an open vault.
pub(super) struct Mappings {
    pub(super) keys: Keys,
    pub(super) shards: Shards,
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
        let root = self.unwrap(offset, &entry)?;
        let pseudonym = Pseudonym(entry.pseudonym);
        self.known.put(lookup.short(), pseudonym);
        self.roots.put(entry.pseudonym, root);
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
        if let Some(root) = self.roots.get(&pseudonym.0) {
            return Ok(root);
        }
        let found = self.entry_of(pseudonym)?;
        let (offset, entry) = found.ok_or(VaultError::UnknownPseudonym(pseudonym))?;
        let root = self.unwrap(offset, &entry)?;
        self.roots.put(pseudonym.0, Arc::clone(&root));
        Ok(root)
    }

    /// Opens the entry's data key, which also proves that the mapping is the one that was written.
    pub(super) fn unwrap(&self, offset: u64, entry: &Entry) -> Result<Arc<Root>, VaultError> {
        let damaged = |what| VaultError::damaged(self.entries.path(), offset, what);
        let shard_key = self.shards.of_generation(entry.shard, entry.generation).ok_or_else(|| {
            damaged(format!("the entry needs generation {} of shard {}, which the shards file does not hold", entry.generation, entry.shard))
        })?;
        let data_key = entry.data_key(self.keys.vault, shard_key);
        let data_key = data_key.ok_or_else(|| {
            damaged("the entry's key does not open under its shard's key".to_owned())
        })?;
        Ok(Arc::new(Root::of_data_key(&data_key)))
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
