//! The view on disk: a sled database of checksummed entries and the position that they reflect.

use std::fs::{self, File};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::company::{self, Kept};
use super::{LedgerState, Options, StateError};
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::storage::opening;

/// Raised whenever the shape of an entry changes: an older view is then rebuilt.
pub const STATE_FORMAT: u32 = 21;
const META: &str = "meta";
const REFLECTS: &[u8] = b"reflects";
const SEGMENT_BYTES: usize = 8 << 20;

pub struct Store {
    database: sled::Db,
    customers: sled::Tree,
    company: sled::Tree,
    /// Where the company is that the newest entry of the position means.
    kept: Mutex<Kept>,
    meta: sled::Tree,
    file: File,
}

/// Up to where the view reflects the log.
#[derive(Serialize, Deserialize, Default)]
struct Reflects<L> {
    position: u64,
    /// The ledger's own state, but the company.
    ledger: L,
    company: Kept,
}

#[derive(Serialize, Deserialize, PartialEq, Debug)]
struct Identity {
    format: u32,
    ledger: [u8; 16],
}

impl Store {
    /// Opens the view, and deletes and recreates it when it is of another ledger or format, or can't be read.
    pub fn open(options: &Options, ledger: [u8; 16]) -> Result<Self, StateError> {
        match Self::try_open(options, ledger) {
            Ok(store) => Ok(store),
            Err(problem) => {
                if options.dir.exists() {
                    tracing::warn!(%problem, "the state view is rebuilt from the log");
                    fs::remove_dir_all(&options.dir).map_err(|error| view(&error))?;
                }
                Self::try_open(options, ledger)
            }
        }
    }

    fn try_open(options: &Options, ledger: [u8; 16]) -> Result<Self, StateError> {
        let database = open_sled(&options.dir, options.sled_cache_bytes)?;
        let store = Self {
            customers: database
                .open_tree("customers")
                .map_err(|error| view(&error))?,
            company: database
                .open_tree("company")
                .map_err(|error| view(&error))?,
            kept: Mutex::default(),
            meta: database.open_tree(META).map_err(|error| view(&error))?,
            file: File::open(options.dir.join("db")).map_err(|error| view(&error))?,
            database,
        };
        let identity = Identity {
            format: STATE_FORMAT,
            ledger,
        };
        match store.read::<Identity>(&store.meta, b"identity")? {
            Some(found) if found == identity => {}
            Some(_) => {
                return Err(StateError::View(
                    "it is of another ledger or format".to_owned(),
                ));
            }
            None if store.customers.is_empty() => {
                store.write(&store.meta, b"identity", &identity)?;
            }
            None => {
                return Err(StateError::View(
                    "it has entries and no identity".to_owned(),
                ));
            }
        }
        Ok(store)
    }

    pub fn database(&self) -> &sled::Db {
        &self.database
    }

    /// The position below which everything is reflected, and the ledger's own state there.
    pub fn reflects(&self) -> Result<(u64, LedgerState), StateError> {
        let Some(found) = self.read::<Reflects<LedgerState>>(&self.meta, REFLECTS)? else {
            return Ok((0, LedgerState::default()));
        };
        let (position, mut ledger, kept) = (found.position, found.ledger, found.company);
        let company = catch_unwind(AssertUnwindSafe(|| company::read(&self.company, kept)));
        ledger.company = Arc::new(company.map_err(|_| panicked())??);
        *self.kept() = kept;
        Ok((position, ledger))
    }

    /// Writes the company, where a record has changed it since it was written last. What the position means is still
    /// the one before, until [`Store::set_reflects`].
    pub fn set_company(&self, ledger: &LedgerState) -> Result<Kept, StateError> {
        company::write(&self.company, ledger, *self.kept())
    }

    /// Everything below `position` is in the view, durably, with that company.
    pub fn set_reflects(
        &self,
        position: u64,
        ledger: &LedgerState,
        company: Kept,
    ) -> Result<(), StateError> {
        let reflects = Reflects {
            position,
            ledger,
            company,
        };
        self.write(&self.meta, REFLECTS, &reflects)?;
        self.database.flush().map_err(|error| view(&error))?;
        let before = std::mem::replace(&mut *self.kept(), company);
        if before != company {
            company::forget_others(&self.company, company)?;
        }
        Ok(())
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn customer(&self, pseudonym: Pseudonym) -> Result<Option<Customer>, StateError> {
        self.read(&self.customers, &pseudonym.0)
    }

    /// The customers from one key to another, in the order of their keys.
    pub fn customers(
        &self,
        keys: RangeInclusive<Pseudonym>,
    ) -> impl Iterator<Item = Result<(Pseudonym, Customer), StateError>> {
        let mut found = self.customers.range(keys.start().0..=keys.end().0);
        std::iter::from_fn(move || {
            let next = catch_unwind(AssertUnwindSafe(|| found.next())).map_err(|_| panicked());
            match next {
                Ok(next) => next.map(|entry| customer(&entry.map_err(|error| view(&error))?)),
                Err(panicked) => Some(Err(panicked)),
            }
        })
    }

    pub fn set_customer(
        &self,
        pseudonym: Pseudonym,
        customer: &Customer,
    ) -> Result<(), StateError> {
        self.write(&self.customers, &pseudonym.0, customer)
    }

    /// Makes everything written so far survive the power.
    pub fn sync(&self) -> Result<(), StateError> {
        self.database.flush().map_err(|error| view(&error))?;
        self.file.sync_data().map_err(|error| view(&error))
    }

    fn read<T: DeserializeOwned>(
        &self,
        tree: &sled::Tree,
        key: &[u8],
    ) -> Result<Option<T>, StateError> {
        let found = catch_unwind(AssertUnwindSafe(|| tree.get(key)))
            .map_err(|_| panicked())?
            .map_err(|error| view(&error))?;
        found.map(|bytes| checked(key, &bytes)).transpose()
    }

    fn write<T: Serialize>(
        &self,
        tree: &sled::Tree,
        key: &[u8],
        value: &T,
    ) -> Result<(), StateError> {
        let mut bytes = postcard::to_stdvec(value).map_err(|error| view(&error))?;
        let sum = checksum(key, &bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        // Plain inserts: batches leak disk without bound in this release of sled.
        tree.insert(key, bytes).map_err(|error| view(&error))?;
        Ok(())
    }
}

/// What an entry says, once its checksum is right.
fn checked<T: DeserializeOwned>(key: &[u8], entry: &[u8]) -> Result<T, StateError> {
    let Some((body, sum)) = entry.split_last_chunk::<4>() else {
        return Err(StateError::View("an entry is cut off".to_owned()));
    };
    if checksum(key, body) != u32::from_le_bytes(*sum) {
        return Err(StateError::View("an entry's checksum is wrong".to_owned()));
    }
    postcard::from_bytes(body).map_err(|error| view(&error))
}

fn customer((key, entry): &(sled::IVec, sled::IVec)) -> Result<(Pseudonym, Customer), StateError> {
    let pseudonym = <[u8; 16]>::try_from(key.as_ref())
        .map_err(|_| StateError::View("a customer's key is not of 16 bytes".to_owned()))?;
    Ok((Pseudonym(pseudonym), checked(key, entry)?))
}

/// Opens a view's database; a panic of sled over broken files is an error here.
pub fn open_sled(dir: &Path, cache_bytes: u64) -> Result<sled::Db, StateError> {
    let config = sled::Config::new()
        .segment_size(SEGMENT_BYTES)
        .cache_capacity(cache_bytes)
        .flush_every_ms(None);
    opening::open(dir, config).map_err(StateError::View)
}

/// CRC-32 of an entry under its key: an entry that strayed to another key is found, too.
pub fn checksum(key: &[u8], body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(key);
    hasher.update(body);
    hasher.finalize()
}

fn panicked() -> StateError {
    StateError::View("sled panicked while reading".to_owned())
}

pub fn view(error: &dyn std::fmt::Display) -> StateError {
    StateError::View(error.to_string())
}
