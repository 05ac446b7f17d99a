//! One customer's current state: a bounded cache over a view that can be rebuilt from the log.
//!
//! The sequencer publishes what it committed; readers get it at once. What was published and is not yet in the view
//! is *dirty* and stays in memory; a thread of its own writes it behind (`flusher`), entries first and durable, the
//! view's position after, so that a replay from that position is always enough. A view that is lost or broken is
//! deleted and rebuilt.
//!
//! It is never a source of truth, and never says what the log doesn't.

mod company;
mod erasures;
mod firsts;
mod flusher;
mod ledger_state;
mod repeats;
mod replay;
mod runs;
mod shards;
mod store;
mod walk;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::domain::company::Company;
use crate::domain::customer::Customer;
use crate::domain::ids::{Position, Pseudonym, Token};
use crate::domain::time::Time;

pub use erasures::ErasureStep;
pub use ledger_state::LedgerState;
pub use repeats::{Repeat, RequestToken, day_of};
pub use replay::{Replayed, replay};

use erasures::Erasures;
use firsts::Firsts;
use repeats::Repeats;
pub use runs::{Merged, Runs};
use shards::Shards;
use store::Store;
pub use store::{STATE_FORMAT, checksum, open_sled};
pub use walk::{CHUNK_CUSTOMERS, CustomerChunk, CustomerWalk};

/// What is done when a file can't be trusted any more: report it, and end the process without another write.
pub type Fatal = Arc<dyn Fn(&str) + Send + Sync>;

/// How the view is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The view's folder; deleted and rebuilt when broken.
    pub dir: PathBuf,
    /// Customers kept in memory beside the dirty ones.
    pub cache_customers: usize,
    /// Bytes that sled may cache.
    pub sled_cache_bytes: u64,
    /// Longest time that a change stays unwritten.
    pub flush_every: Duration,
    /// Dirty customers that start a write at once, eight request ids as much as one; twice as many make the writer wait.
    pub flush_dirty: usize,
    /// Days for which a request id is remembered (C1).
    pub request_window_days: u32,
}

impl Options {
    /// The defaults for a view in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            cache_customers: 100_000,
            sled_cache_bytes: 8 << 20,
            flush_every: Duration::from_secs(2),
            flush_dirty: 150_000,
            request_window_days: 30,
        }
    }
}

/// Why the view can't answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StateError {
    /// The view's files can't be read or written.
    #[error("the state view can't be used ({0}): it is rebuilt from the log at the next start")]
    View(String),
    /// The log can't be read or decoded.
    #[error("the log can't be replayed: {0}")]
    Log(String),
}

/// A PIC-freeze request that a record answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered {
    /// Provider and id.
    pub request: Token,
    /// The record.
    pub position: Position,
}

/// What one block changed.
#[derive(Debug, Default)]
pub struct Applied {
    /// The position after the block.
    pub next: u64,
    /// Customers as they are now.
    pub customers: Vec<(Pseudonym, Arc<Customer>)>,
    /// Request ids that were answered.
    pub repeats: Vec<Repeat>,
    /// PIC-freeze requests that were answered.
    pub answered: Vec<Answered>,
    /// Customers who were erased, or whose keys were destroyed.
    pub erasures: Vec<ErasureStep>,
    /// The ledger's own state now.
    pub ledger: LedgerState,
}

/// The customers' current state; a cheap handle.
#[derive(Clone)]
pub struct States(Arc<Inner>);

struct Inner {
    options: Options,
    shards: Shards,
    store: Store,
    repeats: Repeats,
    answered: Firsts,
    erasures: Erasures,
    ledger: Mutex<LedgerState>,
    /// The ledger's company, for those who rule: they don't wait for who writes the ledger's state.
    company: RwLock<Arc<Company>>,
    /// Everything below is in the shards or the store.
    applied: AtomicU64,
    /// The newest record's time: rulings are never earlier.
    recorded_at: AtomicI64,
    /// As in the ledger's own state.
    opt_out_since: AtomicI64,
    /// Everything below is durable in the store.
    stored: AtomicU64,
    signal: flusher::Signal,
}

impl States {
    /// Opens the view of ledger `ledger`, or starts an empty one where there is none or it is broken.
    /// Afterwards the log must be replayed from [`States::applied`].
    ///
    /// # Errors
    /// When the folder can't be used at all.
    pub fn open(options: Options, ledger: [u8; 16]) -> Result<Self, StateError> {
        let Opened {
            store,
            repeats,
            answered,
            erasures,
            position,
            ledger,
        } = open_files(&options, ledger)?;
        Ok(Self(Arc::new(Inner {
            shards: Shards::new(options.cache_customers),
            repeats,
            answered,
            erasures,
            recorded_at: AtomicI64::new(ledger.recorded_at),
            opt_out_since: AtomicI64::new(ledger.opt_out_since.0),
            company: RwLock::new(Arc::clone(&ledger.company)),
            ledger: Mutex::new(ledger),
            applied: AtomicU64::new(position),
            stored: AtomicU64::new(position),
            signal: flusher::Signal::default(),
            store,
            options,
        })))
    }

    /// The customer's state now; `None` where the ledger has no record of one.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn get(&self, pseudonym: Pseudonym) -> Result<Option<Arc<Customer>>, StateError> {
        self.0
            .shards
            .get(pseudonym, || self.stored_customer(pseudonym))
    }

    /// The customer as the view has one.
    fn stored_customer(&self, pseudonym: Pseudonym) -> Result<Option<Customer>, StateError> {
        let found = self.0.store.customer(pseudonym);
        found.inspect_err(|error| self.mark_if_broken(error))
    }

    /// A customer who is in memory: never reads the disk.
    pub fn in_memory(&self, pseudonym: Pseudonym) -> Option<Arc<Customer>> {
        self.0.shards.in_memory(pseudonym)
    }

    /// The request that carried this id, where it was answered within the window.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn repeat(
        &self,
        token: RequestToken,
        days: std::ops::RangeInclusive<u32>,
    ) -> Result<Option<Repeat>, StateError> {
        let found = self.0.repeats.find(token, days);
        found.inspect_err(|error| self.mark_if_broken(error))
    }

    /// The first record that answered that PIC-freeze request, whatever customer it was about (R14).
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn answered(&self, request: Token) -> Result<Option<Position>, StateError> {
        let found = self.0.answered.find(request);
        found.inspect_err(|error| self.mark_if_broken(error))
    }

    /// Erased customers whose keys are not destroyed yet, some of them, with the record that asks for it; and how many there
    /// are in all (E8).
    pub fn open_erasures(&self, limit: usize) -> (Vec<(Pseudonym, Position)>, usize) {
        self.0.erasures.open_ones(limit)
    }

    /// Some of all customers who were erased, from that pseudonym on, and where to go on (E8).
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn erased(
        &self,
        from: Pseudonym,
    ) -> Result<(Vec<Pseudonym>, Option<Pseudonym>), StateError> {
        let page = self.0.erasures.page(from);
        page.inspect_err(|error| self.mark_if_broken(error))
    }

    /// Notes that a part of the view is gone which an opening doesn't read, so that the next start rebuilds it.
    fn mark_if_broken(&self, error: &StateError) {
        let StateError::View(_) = error else { return };
        let dir = &self.0.options.dir;
        // That it is there says all.
        let marked = std::fs::File::create(broken_mark(&self.0.options))
            .and_then(|_| std::fs::File::open(dir)?.sync_all());
        if let Err(problem) = marked {
            tracing::error!(%problem, "the state view can't be marked as broken");
        }
    }

    /// Waits until another customer is erased, or somebody wakes whoever waits.
    pub fn wait_for_erasures(&self, at_most: Option<Duration>) {
        self.0.erasures.wait(at_most);
    }

    /// Wakes whoever waits for erasures.
    pub fn wake_for_erasures(&self) {
        self.0.erasures.wake();
    }

    /// How many days request ids are remembered.
    pub fn request_window_days(&self) -> u32 {
        self.0.options.request_window_days
    }

    /// The ledger's own state.
    pub fn ledger(&self) -> LedgerState {
        self.0
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// What is recorded of the company.
    pub fn company(&self) -> Arc<Company> {
        let company = self.0.company.read();
        Arc::clone(&company.unwrap_or_else(PoisonError::into_inner))
    }

    /// The newest record's time, microseconds.
    pub fn ledger_recorded_at(&self) -> i64 {
        self.0.recorded_at.load(Ordering::Acquire)
    }

    /// Since when rulebooks have enabled opt-out approval without a break, if the one in force does.
    pub fn opt_out_since(&self) -> Time {
        Time(self.0.opt_out_since.load(Ordering::Acquire))
    }

    /// The ledger's own state and the position that it and the customers reflect, of one instant.
    fn snapshot(&self) -> (u64, LedgerState) {
        let ledger = self.0.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        (self.applied(), ledger.clone())
    }

    /// Everything below that position is visible here.
    pub fn applied(&self) -> u64 {
        self.0.applied.load(Ordering::Acquire)
    }

    /// Everything below that position is durable in the view.
    pub fn stored(&self) -> u64 {
        self.0.stored.load(Ordering::Acquire)
    }

    /// Makes a committed block visible.
    pub fn publish(&self, applied: Applied) {
        let inner = &self.0;
        let requests = inner.repeats.remember(applied.repeats);
        let answered = applied.answered.iter();
        let answered = answered.map(|one| (one.request, one.position));
        let requests = requests + inner.answered.remember(answered);
        let customers = inner.shards.publish(applied.customers);
        // After the customers: whoever is told of an erasure finds nobody any more.
        let requests = requests + inner.erasures.remember(&applied.erasures);
        {
            let mut ledger = inner.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            inner
                .recorded_at
                .store(applied.ledger.recorded_at, Ordering::Release);
            (inner.opt_out_since).store(applied.ledger.opt_out_since.0, Ordering::Release);
            if !Arc::ptr_eq(&ledger.company, &applied.ledger.company) {
                let mut company = (inner.company.write()).unwrap_or_else(PoisonError::into_inner);
                *company = Arc::clone(&applied.ledger.company);
            }
            *ledger = applied.ledger;
            inner.applied.store(applied.next, Ordering::Release);
        }
        (inner.signal).changed(customers, requests, inner.options.flush_dirty);
    }

    /// Waits while too much is unwritten, so that memory stays bounded.
    pub fn wait_for_room(&self) {
        self.0.signal.wait(self.0.options.flush_dirty);
    }

    /// Starts the thread that writes behind; it ends when the returned handle is stopped or dropped.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn write_behind(&self, fatal: Fatal) -> Result<Flusher, StateError> {
        Flusher::start(self.clone(), fatal)
    }
}

/// The view's files, and what they reflect.
struct Opened {
    store: Store,
    repeats: Repeats,
    answered: Firsts,
    erasures: Erasures,
    position: u64,
    ledger: LedgerState,
}

fn broken_mark(options: &Options) -> PathBuf {
    options.dir.join("broken")
}

/// Opens the view's files; one of which a part is gone is rebuilt with all the rest.
fn open_files(options: &Options, ledger: [u8; 16]) -> Result<Opened, StateError> {
    let open = || {
        if broken_mark(options).exists() {
            return Err(StateError::View("a part of it is gone".to_owned()));
        }
        let store = Store::open(options, ledger)?;
        let (position, ledger) = store.reflects()?;
        Ok(Opened {
            repeats: Repeats::open(store.database(), options.request_window_days)?,
            answered: Firsts::open(store.database(), "answered-requests")?,
            erasures: Erasures::open(store.database())?,
            store,
            position,
            ledger,
        })
    };
    open().or_else(|problem: StateError| {
        tracing::warn!(%problem, "the state view is rebuilt from the log");
        std::fs::remove_dir_all(&options.dir).map_err(|error| store::view(&error))?;
        open()
    })
}

pub use flusher::Flusher;
