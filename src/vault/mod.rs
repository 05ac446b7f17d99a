//! What must be erasable: who is who, and the keys of what is sealed.
//!
//! The ledger is for ever and may be copied to an auditor; nothing in it may identify a person. The
//! vault is the other half: it maps customer ids to the pseudonyms that records carry, and keeps each
//! customer's data key, from which sealed fields get theirs. Destroy a customer's key, and all copies
//! of the ledger are unreadable for that customer, with every proof intact (E8).
//!
//! ```text
//! customer id ──HMAC──▶ lookup digest ──index──▶ entry ──▶ pseudonym
//!                                                  └─▶ wrapped data key ──shard key──▶ data key ──HKDF──▶ a field's key
//! vault/keys      root secrets, written once          vault/shards   256 wrapping keys, what an erasure destroys
//! vault/entries   append-only, the source of truth    vault/index    a view: deleted and rebuilt when in doubt
//! vault/rewrapped-SS   the data keys of a shard from which somebody was erased
//! vault/secrets   append-only, hashes of passwords, PINs and answers, each sealed under its customer's key
//! ```
//!
//! Reading order: `error`, `keys`, `shards`, `entry`, `entries`, `progress`, `filter`, `table`, `index`,
//! `catch_up`, `behind`, `open`, `mappings`, `register`, `seal`, `hashing`, `secrets`, `rewrapped`, `erasing`.
//!
//! Invariants:
//! - A mapping is durable before anybody hears its pseudonym, so it is durable before the block that
//!   cites it. The ledger records the vault's [`Head`]; a vault behind it is refused ([`Vault::check_not_behind`]).
//! - A known customer is never registered a second time: a second pseudonym would forget a denial. So
//!   *not found* is said only by an index known to be whole, and damaged files refuse instead of guessing.
//! - Who was erased stays known as erased, by pseudonym and by lookup digest, and is never registered anew.
//! - A hash of a secret is durable before the record that cites it, by place and digest. Nobody learns a hash from here,
//!   only whether a secret is the one.
//! - No secret and no customer id leaves through `Debug`, an error, a log line or a file in the clear (T3).
//! - Memory follows [`Options`], not the number of customers; but 16 bytes for each who was erased, and while one is
//!   erased, 64 bytes for each other customer of up to 16 of the 256 shards.
//! - The vault knows nothing of the ledger, of consent, or of time.

mod behind;
mod bytes;
mod cache;
mod catch_up;
mod durable;
mod entries;
mod entry;
mod erasing;
mod error;
mod filter;
mod hashing;
mod index;
mod keys;
mod mac;
mod mappings;
mod open;
mod progress;
mod register;
mod rewrapped;
mod seal;
mod secrets;
mod shards;
mod table;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use zeroize::Zeroizing;

use self::{
    cache::Cache, durable::Disk, entry::CUSTOMER_ID_MAX, keys::Secret, mac::Macs,
    mappings::Mappings, progress::batch_key, register::Writer,
};
pub use self::{
    durable::SyncHook,
    error::VaultError,
    hashing::{HashCost, HashedSecret},
    seal::{OpenedField, SealedParts},
};
use crate::domain::authentication::credentials::SecretPlace;
use crate::domain::ids::{Pseudonym, Token};

const FIELD_NAME_MAX: usize = 64;

/// How a vault is opened.
#[derive(Clone)]
pub struct Options {
    /// The vault's folder; created (mode 0700) if it isn't there.
    pub dir: PathBuf,
    /// Customers whose pseudonym and key are kept in memory (some 300 bytes each).
    pub cache_entries: usize,
    /// What hashing a new secret costs.
    pub hash_cost: HashCost,
    /// Called after each sync with what it made durable; for tests of crashes.
    pub after_sync: Option<SyncHook>,
}

impl Options {
    /// Defaults for the vault in `dir`: 100,000 customers in memory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_entries: 100_000,
            hash_cost: HashCost::default(),
            after_sync: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("dir", &self.dir)
            .field("cache_entries", &self.cache_entries)
            .field("hash_cost", &self.hash_cost)
            .finish_non_exhaustive()
    }
}

/// How many entries a vault has, and the running hash over them: what the ledger cites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Entries so far.
    pub sequence: u64,
    /// SHA-256(0x03 ‖ hash before ‖ entry), from the file's header on.
    pub hash: [u8; 32],
}

/// What opening a vault found.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The last durable entry.
    pub head: Head,
    /// There was no vault before.
    pub created: bool,
    /// What an operator should know: a torn batch, a rebuilt index, a file that others can read.
    pub notes: Vec<String>,
}

/// A customer's mapping, durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The customer as records name one.
    pub pseudonym: Pseudonym,
    /// A head that covers the mapping, for the block that uses it first.
    pub head: Head,
}

/// The open vault. Cloning is cheap; the last one dropped saves the index and releases the files.
#[derive(Clone)]
pub struct Vault(Arc<Mappings>);

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// Opens the vault, or creates it where there is none.
    ///
    /// Afterwards, and before anything is registered, compare it with the ledger: [`Vault::check_not_behind`].
    pub fn create_or_open(options: Options) -> Result<(Self, Opened), VaultError> {
        let disk = Disk::new(options.after_sync.clone());
        Self::open_on(&options, &disk)
    }

    fn open_on(options: &Options, disk: &Disk) -> Result<(Self, Opened), VaultError> {
        let (parts, opened) = open::open(options, disk)?;
        for note in &opened.notes {
            tracing::warn!(note, "vault");
        }
        let vault = Self(Arc::new(Mappings {
            macs: Macs::new(&parts.keys),
            keys: parts.keys,
            held: RwLock::new(parts.held),
            files: parts.files,
            erasing: Mutex::default(),
            entries: parts.entries,
            secrets: parts.secrets,
            hash_cost: options.hash_cost,
            index: parts.index,
            behind: parts.behind,
            writer: Mutex::new(Writer {
                end: parts.end,
                torn: parts.torn,
                stopped: None,
            }),
            head: Mutex::new(parts.end.head),
            known: Cache::new(options.cache_entries),
            roots: Cache::new(options.cache_entries),
            _lock: parts.lock,
        }));
        Ok((vault, opened))
    }

    /// The customer's pseudonym; `None` when no such customer was ever registered.
    pub fn find(&self, customer_id: &str) -> Result<Option<Pseudonym>, VaultError> {
        self.0.find_by(&self.0.macs.lookup(checked(customer_id)?))
    }

    /// The customer's pseudonym if it is in memory: never waits, and knows nothing of customers who are not hot.
    pub fn find_hot(&self, customer_id: &str) -> Option<Pseudonym> {
        let lookup = self.0.macs.lookup(checked(customer_id).ok()?);
        self.0.known.get(&lookup.short())
    }

    /// The customer id behind a pseudonym, for callers who may see it; `None` for one that is unknown or erased.
    pub fn customer_id(&self, pseudonym: Pseudonym) -> Result<Option<String>, VaultError> {
        let inner = &self.0;
        let Some((offset, entry)) = inner.entry_of(pseudonym)? else {
            return Ok(None);
        };
        let root = match inner.unwrap(offset, &entry) {
            Err(VaultError::Erased(_)) => return Ok(None),
            root => root?,
        };
        let id = entry.customer_id(&root);
        let what = "the customer id does not open under the customer's key";
        id.map(Some)
            .ok_or_else(|| VaultError::damaged(inner.entries.path(), offset, what))
    }

    /// Maps customers to pseudonyms, in the order given; durable on return.
    ///
    /// New customers get a random pseudonym and a data key, known ones (and repeats) the pseudonym they
    /// have. All new ones become durable by one sync (one for each 16,384). After
    /// [`VaultError::Unknown`] the process must stop; after [`VaultError::NotStored`] it may try again.
    pub fn register(&self, customer_ids: &[&str]) -> Result<Vec<Registration>, VaultError> {
        register::register(self, customer_ids)
    }

    /// The last durable entry.
    pub fn head(&self) -> Head {
        *self.0.head.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Refuses a vault that lacks an entry the ledger cites, or has another one there.
    pub fn check_not_behind(&self, cited: Head) -> Result<(), VaultError> {
        let inner = &self.0;
        let own = self.head();
        let differs = VaultError::Differs {
            sequence: cited.sequence,
        };
        if cited.sequence > own.sequence {
            return Err(VaultError::Behind { cited, own });
        }
        let here = if cited.sequence == own.sequence {
            own.hash
        } else {
            // A cited head lies between two batches, and the later one carries the hash before it.
            let Some(offset) = inner.index.get(&batch_key(cited.sequence))? else {
                return Err(differs);
            };
            let batch = inner.entries.read_batch(offset)?;
            let batch =
                batch.map_err(|what| VaultError::damaged(inner.entries.path(), offset, what))?;
            if batch.first != cited.sequence {
                return Err(inner.misled(offset));
            }
            batch.before
        };
        if here == cited.hash {
            Ok(())
        } else {
            Err(differs)
        }
    }

    /// A keyed digest of an outside identifier: the same for the same kind and value, unreadable without the vault.
    pub fn token(&self, kind: &str, value: &str) -> Token {
        Token(self.0.macs.token(kind, value))
    }

    /// A keyed digest of caller and request id: by it a repeated request is found, also after a rebuild (C1).
    pub fn request_token(&self, caller: &str, request_id: &[u8; 16]) -> [u8; 8] {
        self.0.macs.request_token(caller, request_id)
    }

    /// What a record keeps of the request that made it: tells a repeat from another request under the same id.
    pub fn request_mac(&self, actor: &str, content: &[u8; 32]) -> [u8; 16] {
        self.0.macs.request(actor, content)
    }

    /// Seals a field of the record at `position` for this customer (module `seal` has the construction).
    pub fn seal(
        &self,
        pseudonym: Pseudonym,
        position: u64,
        field: &str,
        plaintext: &[u8],
    ) -> Result<SealedParts, VaultError> {
        named(field)?;
        Ok(self.0.root_of(pseudonym)?.seal(position, field, plaintext))
    }

    /// Opens a sealed field and checks its commitment.
    pub fn open_sealed(
        &self,
        pseudonym: Pseudonym,
        position: u64,
        field: &str,
        sealed: &SealedParts,
    ) -> Result<OpenedField, VaultError> {
        named(field)?;
        let root = self.0.root_of(pseudonym)?;
        root.open(position, field, sealed)
            .map_err(|what| VaultError::Unsealing {
                position,
                field: field.to_owned(),
                what,
            })
    }

    /// Destroys the customers' data keys: nothing that was sealed for them can be read any more, here or in a copy of the
    /// ledger, and they stay known as erased (E8). Durable on return; who is erased already is passed over.
    ///
    /// Reads all entries, once for every 16 shards, and takes some time: away from threads that others wait for. Registrations wait for the last
    /// part of it. After [`VaultError::Unknown`] the process must stop; after another error nothing has changed of those
    /// who are not reported erased, and it may try again: one who is unknown, or whose shard can't be written, keeps
    /// nobody else's keys.
    pub fn erase(&self, pseudonyms: &[Pseudonym]) -> Result<(), VaultError> {
        erasing::erase(self, pseudonyms)
    }

    /// Whether the customer was erased; also false for an unknown pseudonym.
    pub fn is_erased(&self, pseudonym: Pseudonym) -> bool {
        self.0.is_erased(pseudonym)
    }

    /// Everybody who was ever erased.
    pub fn erased(&self) -> BTreeSet<Pseudonym> {
        self.0.held().erased()
    }

    /// Hashes a password, a PIN or answers. Takes tens of milliseconds and [`HashCost::memory_kib`]: away from threads that
    /// others wait for.
    pub fn hash_secret(&self, secret: &[u8]) -> Result<HashedSecret, VaultError> {
        HashedSecret::of(secret, self.0.hash_cost)
    }

    /// Keeps a hash for this customer; durable on return. Then, and not before, a record may cite its place.
    pub fn keep_secret(
        &self,
        pseudonym: Pseudonym,
        hashed: &HashedSecret,
    ) -> Result<SecretPlace, VaultError> {
        let root = self.0.root_of(pseudonym)?;
        self.0.secrets.append(&root, pseudonym, hashed)
    }

    /// Whether the secret is the one whose hash lies at the place that a record of this customer cites. As slow as
    /// [`Vault::hash_secret`].
    pub fn secret_matches(
        &self,
        pseudonym: Pseudonym,
        place: SecretPlace,
        secret: &[u8],
    ) -> Result<bool, VaultError> {
        let root = self.0.root_of(pseudonym)?;
        self.0.secrets.read(&root, pseudonym, place)?.is_of(secret)
    }

    /// Refuses a vault that lacks a secret which the ledger cites, or has another one there.
    pub fn check_has_secret(&self, place: SecretPlace) -> Result<(), VaultError> {
        self.0.secrets.slot(place).map(drop)
    }

    /// The Ed25519 seed that signs checkpoints.
    pub fn signing_key(&self) -> Zeroizing<[u8; 32]> {
        Secret::clone(&self.0.keys.checkpoint_seed)
    }

    /// Reads every entry from the disk and opens it; gives the head. For audits and after a restore.
    pub fn verify(&self) -> Result<Head, VaultError> {
        let inner = &self.0;
        let own = self.head();
        let mut reached = entries::start(inner.keys.vault);
        let visit = &mut |batch: entries::Batch| -> Result<(), VaultError> {
            for (offset, entry) in &batch.entries {
                match inner.data_key(*offset, entry) {
                    Ok(_) | Err(VaultError::Erased(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            reached = batch.end;
            Ok(())
        };
        inner
            .entries
            .replay(entries::start(inner.keys.vault), visit)?;
        if reached.head.sequence < own.sequence {
            return Err(inner.index.lost(reached.head.sequence, own.sequence));
        }
        Ok(reached.head)
    }

    /// Waits until the index is saved up to the last registration, so that the next start replays nothing.
    pub fn save(&self) -> Result<(), VaultError> {
        self.0.behind.save().map_err(|what| VaultError::Index {
            dir: self.0.index.dir().to_owned(),
            what,
        })
    }
}

/// The customer id, if its form is one that we keep.
fn checked(customer_id: &str) -> Result<&str, VaultError> {
    let rule = if customer_id.is_empty() {
        "is empty"
    } else if customer_id.len() > CUSTOMER_ID_MAX {
        "is longer than 128 bytes"
    } else if customer_id.chars().any(char::is_control) {
        "holds a control character"
    } else {
        return Ok(customer_id);
    };
    Err(VaultError::CustomerId { rule })
}

fn named(field: &str) -> Result<(), VaultError> {
    if (1..=FIELD_NAME_MAX).contains(&field.len()) {
        return Ok(());
    }
    Err(VaultError::FieldName { bytes: field.len() })
}
