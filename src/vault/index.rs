//! The folder `vault/index`: where in the entries file a customer lies. A view, rebuilt when in doubt.
//!
//! It must never be believed when it says *there is no such customer* unless it is known to be whole:
//! a forgotten mapping would forget a denial. A hit proves itself (the entry is read and compared); a
//! miss counts only after the keys were counted and summed at start and found to be those that the
//! entries gave. The count runs behind the start, and only misses wait for it.
//!
//! sled may panic on damaged files; each call is caught, and a broken index is deleted and rebuilt
//! when the vault is opened next.

use std::{
    collections::HashMap,
    fs::{self, File},
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{
        Condvar, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use super::{
    VaultError,
    durable::Disk,
    filter::Filter,
    progress::{BATCH, CUSTOMER, Key, Learned, PSEUDONYM, Progress, addend},
};

const PROGRESS: &[u8] = b"!progress";
const SEGMENT: usize = 8 << 20;
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The open index.
pub(super) struct Index {
    dir: PathBuf,
    entries_file: PathBuf,
    db: sled::Db,
    disk: Disk,
    /// Durable entries that sled doesn't hold yet.
    pending: RwLock<HashMap<Key, u64>>,
    filter: Filter,
    /// The filter knows all that the entries ever gave.
    filled: AtomicBool,
    trust: Mutex<Trust>,
    settled: Condvar,
    stopping: AtomicBool,
}

/// Whether a miss may be believed.
#[derive(Clone, Debug)]
enum Trust {
    Checking,
    Whole,
    /// It lost keys, or sled failed: rebuilt at the next start.
    Broken(String),
    /// It holds more customers than the entries file: that one lost durable entries.
    Ahead {
        own: u64,
        seen: u64,
    },
}

/// Runs a call into sled; its errors and its panics alike become a text.
fn caught<T>(call: impl FnOnce() -> sled::Result<T>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(format!("the index failed: {error}")),
        Err(_) => Err("the index is damaged: sled panicked".to_owned()),
    }
}

/// Opens sled. Its lock outlives a database that this process closed a moment ago (a background job
/// still holds it), and no other process can hold it while we hold the vault's: so it is waited for.
fn open_when_free(config: &sled::Config) -> Result<sled::Db, String> {
    let mut tries = 0;
    loop {
        match caught(|| config.open()) {
            Err(what) if what.contains("could not acquire lock") && tries < LOCK_TRIES => {
                tries += 1;
                #[allow(
                    clippy::disallowed_methods,
                    reason = "a start waits for sled's own lock; nothing is served yet"
                )]
                thread::sleep(LOCK_PAUSE);
            }
            opened => return opened,
        }
    }
}

fn marker(dir: &Path) -> PathBuf {
    dir.with_extension("broken")
}

/// Deletes the index folder, so that the next open rebuilds it.
pub(super) fn delete(dir: &Path, disk: &Disk) -> Result<(), VaultError> {
    let fail = |doing| VaultError::io(dir, doing);
    let absent_is_fine = |result: std::io::Result<()>| match result {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
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
        cache_bytes: u64,
        disk: Disk,
    ) -> Result<(Self, Option<Progress>), String> {
        if let Ok(why) = fs::read_to_string(marker(dir)) {
            return Err(why);
        }
        let config = sled::Config::new()
            .path(dir)
            .segment_size(SEGMENT)
            .cache_capacity(cache_bytes)
            .flush_every_ms(None);
        let db = open_when_free(&config)?;
        let progress = match caught(|| db.get(PROGRESS))? {
            None => None,
            Some(bytes) => Some(Progress::parse(&bytes).ok_or("the index's progress is damaged")?),
        };
        let index = Self {
            dir: dir.to_owned(),
            entries_file: entries_file.to_owned(),
            db,
            disk,
            pending: RwLock::default(),
            filter: Filter::new(),
            filled: AtomicBool::new(false),
            trust: Mutex::new(Trust::Checking),
            settled: Condvar::new(),
            stopping: AtomicBool::new(false),
        };
        Ok((index, progress))
    }

    /// Where the entry (or batch) of `key` lies. A miss waits until the index is known to be whole.
    pub(super) fn get(&self, key: &Key) -> Result<Option<u64>, VaultError> {
        // Pending first: a key leaves it only after sled has it.
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
        let found = match caught(|| self.db.get(key)) {
            Ok(found) => found,
            Err(what) => {
                self.broken(what);
                None
            }
        };
        match found {
            Some(value) => match <[u8; 8]>::try_from(value.as_ref()) {
                Ok(offset) => Ok(Some(u64::from_be_bytes(offset))),
                Err(_) => {
                    self.broken("a value of the index is damaged".to_owned());
                    self.miss()
                }
            },
            None => self.miss(),
        }
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

    /// Makes durable mappings findable at once; sled learns them behind.
    pub(super) fn expect(&self, learned: &Learned) {
        learned
            .keys
            .iter()
            .for_each(|(key, _)| self.filter.add(key));
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        pending.extend(learned.keys.iter().copied());
    }

    /// Puts keys into sled. Repeats are harmless; a key that led elsewhere is given back by its new offset.
    pub(super) fn learn(
        &self,
        mut learned: Learned,
        progress: &mut Progress,
    ) -> Result<Option<u64>, String> {
        let mut contradicted = None;
        // In order, so that a page of sled is touched once for all its keys.
        learned.keys.sort_unstable();
        for (key, offset) in &learned.keys {
            self.filter.add(key);
            let value = offset.to_be_bytes();
            let before = caught(|| self.db.insert(key, &value))?;
            if before.is_some_and(|before| *before != value) {
                contradicted = Some(*offset);
            }
        }
        progress.add(&learned);
        let mut pending = self.pending.write().unwrap_or_else(PoisonError::into_inner);
        if !pending.is_empty() {
            for (key, _) in &learned.keys {
                pending.remove(key);
            }
        }
        Ok(contradicted)
    }

    /// Makes the keys durable first, then the progress that promises them.
    pub(super) fn save(&self, progress: &Progress) -> Result<(), String> {
        caught(|| self.db.flush())?;
        let file = self.dir.join("db");
        File::open(&file)
            .and_then(|db| self.disk.sync(&db, &file))
            .map_err(|error| format!("syncing the index failed: {error}"))?;
        caught(|| self.db.insert(PROGRESS, progress.to_bytes()))?;
        caught(|| self.db.flush()).map(|_| ())
    }

    /// Counts and sums the keys; from then on misses are believed, or never.
    pub(super) fn check(&self, progress: &Progress) {
        let counted = caught(|| {
            let (mut customers, mut others, mut sum) = (0u64, 0u64, 0u128);
            for pair in self.db.iter() {
                let (key, _) = pair?;
                if self.stopping.load(Ordering::Relaxed) {
                    return Ok(None);
                }
                match key.first() {
                    Some(&CUSTOMER) => customers += 1,
                    Some(&(PSEUDONYM | BATCH)) => others += 1,
                    _ => continue,
                }
                sum = sum.wrapping_add(addend(&key));
                if let Ok(key) = Key::try_from(key.as_ref()) {
                    self.filter.add(&key);
                }
            }
            Ok(Some((customers, others, sum)))
        });
        let own = progress.mark.head.sequence;
        match counted {
            Err(what) => self.broken(what),
            // Closing: misses that still wait must not be answered.
            Ok(None) => self.settle(Trust::Broken("the vault was closed".to_owned())),
            Ok(Some((seen, _, _))) if seen > own => self.settle(Trust::Ahead { own, seen }),
            Ok(Some(found))
                if found == (own, own.saturating_add(progress.batches), progress.sum) =>
            {
                self.settle(Trust::Whole);
            }
            Ok(Some((seen, _, _))) => self.broken(format!(
                "the index does not hold what the entries gave it ({seen} customers of {own})"
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
