//! The folder `vault/index`: where in the entries file a customer lies. A view, rebuilt when in doubt.
//!
//! ```text
//! table       the keys and where they lead (module `table`)
//! progress    up to which entry they are durable in the table, and what it must then hold
//! ```
//!
//! It must never be believed when it says *there is no such customer* unless it is known to be whole:
//! a forgotten mapping would forget a denial. A hit proves itself (the entry is read and compared); a
//! miss counts only after the keys were counted and summed at start and found to be those that the
//! entries gave. The count runs behind the start, and only misses wait for it.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use super::{
    VaultError,
    durable::Disk,
    filter::Filter,
    progress::{BATCH, CUSTOMER, Key, Learned, Progress, addend},
    table::Table,
};

/// The open index.
pub(super) struct Index {
    dir: PathBuf,
    entries_file: PathBuf,
    table: RwLock<Table>,
    disk: Disk,
    /// Durable entries that the table doesn't hold yet.
    pending: RwLock<HashMap<Key, u64>>,
    filter: Filter,
    /// The filter knows all that the entries ever gave.
    filled: AtomicBool,
    trust: Mutex<Trust>,
    settled: Condvar,
    stopping: AtomicBool,
    /// The table could not grow: it is tried again from so many keys on.
    grow_from: AtomicU64,
}

/// Whether a miss may be believed.
#[derive(Clone, Debug)]
enum Trust {
    Checking,
    Whole,
    /// It lost keys, or can't be read or written: rebuilt at the next start.
    Broken(String),
    /// It leads past the end of the entries file: that one lost durable entries.
    Ahead {
        own: u64,
        seen: u64,
    },
}

/// Why the keys were not all counted.
enum Uncounted {
    Closing,
    Unreadable(String),
}

impl From<String> for Uncounted {
    fn from(what: String) -> Self {
        Self::Unreadable(what)
    }
}

fn marker(dir: &Path) -> PathBuf {
    dir.with_extension("broken")
}

fn is_empty(dir: &Path) -> bool {
    fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_none())
}

/// Deletes the index folder, so that the next open rebuilds it.
pub(super) fn delete(dir: &Path, disk: &Disk) -> Result<(), VaultError> {
    let fail = |doing| VaultError::io(dir, doing);
    let absent_is_fine = |result: io::Result<()>| match result {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    };
    absent_is_fine(fs::remove_dir_all(dir)).map_err(fail("deleting"))?;
    absent_is_fine(fs::remove_file(marker(dir))).map_err(fail("deleting the marker of"))?;
    let parent = dir.parent().unwrap_or(Path::new("."));
    disk.sync_dir(parent).map_err(fail("syncing the parent of"))
}

impl Index {
    /// Opens or creates the index; an `Err` text says why it has to be rebuilt.
    pub(super) fn open(
        dir: &Path,
        entries_file: &Path,
        disk: Disk,
    ) -> Result<(Self, Option<Progress>), String> {
        if let Ok(why) = fs::read_to_string(marker(dir)) {
            return Err(why);
        }
        let path = dir.join("table");
        if !dir.exists() {
            disk.create_dir(dir).map_err(|error| error.to_string())?;
        } else if !path.exists() && !is_empty(dir) {
            return Err("it has no table".to_owned());
        }
        let table = Table::open_or_create(&path, disk.clone())?;
        let progress = match fs::read(dir.join("progress")) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(format!("its progress can't be read: {error}")),
            Ok(bytes) => Some(Progress::parse(&bytes).ok_or("the index's progress is damaged")?),
        };
        let index = Self {
            dir: dir.to_owned(),
            entries_file: entries_file.to_owned(),
            table: RwLock::new(table),
            disk,
            pending: RwLock::default(),
            filter: Filter::new(),
            filled: AtomicBool::new(false),
            trust: Mutex::new(Trust::Checking),
            settled: Condvar::new(),
            stopping: AtomicBool::new(false),
            grow_from: AtomicU64::new(0),
        };
        Ok((index, progress))
    }

    /// Where the entry (or batch) of `key` lies. A miss waits until the index is known to be whole.
    pub(super) fn get(&self, key: &Key) -> Result<Option<u64>, VaultError> {
        // Pending first: a key leaves it only after the table has it.
        let pending = self
            .pending
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(key)
            .copied();
        if pending.is_some() {
            return Ok(pending);
        }
        if self.surely_unknown(key) {
            return self.miss();
        }
        let found = self.table().get(key).unwrap_or_else(|what| {
            self.broken(what);
            None
        });
        found.map_or_else(|| self.miss(), |offset| Ok(Some(offset)))
    }

    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Batches are found by their sequence and are few: the filter knows only what is random.
    fn surely_unknown(&self, key: &Key) -> bool {
        key.first() != Some(&BATCH)
            && self.filled.load(Ordering::Acquire)
            && !self.filter.may_hold(key)
    }

    fn miss(&self) -> Result<Option<u64>, VaultError> {
        let mut trust = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*trust {
                Trust::Whole => return Ok(None),
                Trust::Checking => {
                    trust = self
                        .settled
                        .wait(trust)
                        .unwrap_or_else(PoisonError::into_inner)
                }
                Trust::Broken(what) => {
                    return Err(VaultError::Index {
                        dir: self.dir.clone(),
                        what: what.clone(),
                    });
                }
                Trust::Ahead { own, seen } => return Err(self.lost(*own, *seen)),
            }
        }
    }

    pub(super) fn lost(&self, own: u64, seen: u64) -> VaultError {
        VaultError::Lost {
            file: self.entries_file.clone(),
            index: self.dir.clone(),
            own,
            seen,
        }
    }

    /// Makes durable mappings findable at once; the table learns them behind.
    pub(super) fn expect(&self, learned: &Learned) {
        learned
            .keys
            .iter()
            .for_each(|(key, _)| self.filter.add(key));
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.extend(learned.keys.iter().copied());
    }

    /// Puts keys into the table. Repeats are harmless; a key that led elsewhere is given back by its new offset. One
    /// thread at a time learns.
    pub(super) fn learn(
        &self,
        mut learned: Learned,
        progress: &mut Progress,
    ) -> Result<Option<u64>, String> {
        progress.add(&learned);
        self.make_room(progress.keys())?;
        for (key, _) in &learned.keys {
            self.filter.add(key);
        }
        let contradicted = self.table().insert(&mut learned.keys)?;
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        if !pending.is_empty() {
            for (key, _) in &learned.keys {
                pending.remove(key);
            }
        }
        Ok(contradicted)
    }

    /// Lets the table grow where `keys` crowd it. Where it can't, on a full disk, it goes on crowded and tries again when
    /// there are some more, as long as there is a place for each.
    fn make_room(&self, keys: u64) -> Result<(), String> {
        if self.table().has_room_for(keys) || keys < self.grow_from.load(Ordering::Relaxed) {
            return Ok(());
        }
        let grown = self.table().grown(keys);
        match grown {
            Ok(grown) => {
                *self.table.write().unwrap_or_else(PoisonError::into_inner) = grown;
                Ok(())
            }
            Err(what) => {
                let places = self.table().places();
                // A search among so few free places reads bucket after bucket.
                if keys > places - places / 32 {
                    return Err(what);
                }
                tracing::warn!(index = %self.dir.display(), what, "the vault's index is crowded; make room on the disk");
                self.grow_from.store(keys + places / 32, Ordering::Relaxed);
                Ok(())
            }
        }
    }

    /// Makes the keys durable first, then the progress that promises them.
    pub(super) fn save(&self, progress: &Progress) -> Result<(), String> {
        self.table().sync()?;
        self.disk
            .replace(&self.dir.join("progress"), &progress.to_bytes())
            .map_err(|error| error.to_string())
    }

    /// Counts and sums the keys that a search finds; from then on misses are believed, or never.
    pub(super) fn check(&self, progress: &Progress) {
        let (mut customers, mut others, mut sum) = (0u64, 0u64, 0u128);
        let mut beyond = 0;
        let counted = self.table().visit(&mut |place| {
            if self.stopping.load(Ordering::Relaxed) {
                return Err(Uncounted::Closing);
            }
            let is_customer = place.key.first() == Some(&CUSTOMER);
            beyond += u64::from(is_customer && place.offset >= progress.mark.offset);
            if !place.is_reached()? {
                return Ok(());
            }
            *(if is_customer {
                &mut customers
            } else {
                &mut others
            }) += 1;
            sum = sum.wrapping_add(addend(&place.key));
            self.filter.add(&place.key);
            Ok(())
        });
        let own = progress.mark.head.sequence;
        match counted {
            Err(Uncounted::Unreadable(what)) => self.broken(what),
            // Misses that still wait must not be answered.
            Err(Uncounted::Closing) => {
                self.settle(Trust::Broken("the vault was closed".to_owned()));
            }
            // An entry is durable before its key comes here.
            Ok(()) if beyond > 0 => self.settle(Trust::Ahead {
                own,
                seen: own + beyond,
            }),
            Ok(()) if customers + others == progress.keys() && sum == progress.sum => {
                self.settle(Trust::Whole);
            }
            Ok(()) => self.broken(format!(
                "the index does not hold what the entries gave it ({customers} customers of {own})"
            )),
        }
    }

    /// The index was filled from the entries just now.
    pub(super) fn trust(&self) {
        self.settle(Trust::Whole);
    }

    fn settle(&self, trust: Trust) {
        let mut held = self.trust.lock().unwrap_or_else(PoisonError::into_inner);
        // Once lost, trust never comes back while the process runs.
        if matches!(*held, Trust::Checking | Trust::Whole) {
            if matches!(trust, Trust::Whole) {
                self.filled.store(true, Ordering::Release);
            }
            *held = trust;
        }
        self.settled.notify_all();
    }

    /// Distrusts the index and leaves a marker, so that the next start rebuilds it.
    pub(super) fn broken(&self, what: String) {
        let known = self
            .trust
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if matches!(known, Trust::Broken(_) | Trust::Ahead { .. }) {
            return;
        }
        tracing::error!(index = %self.dir.display(), what, "the vault's index is broken; it is rebuilt at the next start");
        if let Err(error) = self.disk.replace(&marker(&self.dir), what.as_bytes()) {
            tracing::error!(%error, "the index could not be marked as broken");
        }
        self.settle(Trust::Broken(what));
    }

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Ends a running check early.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}
