//! Behind the tail: the thread that carries blocks into the database and settles them there.
//!
//! Ownership: the writer (under its own lock, in `mod.rs`) adds blocks with [`Behind::accept`]; the thread alone takes
//! them out, inserts them and moves `settled`. A block is in `pending` until it is in the database, so a reader that
//! looks first here and then there always finds it. The queue needs no limit of its own: a block in it still has
//! its pages in the ring, and pages are not reused before they are settled.
//!
//! A failure here is final. A failed sync may have lost what was written before it, and asking again would be
//! answered with success: the journal is poisoned, the process is to end, and recovery looks at what is on disk.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    OnFailure,
    database::{Blocks, Database},
    reopen::Reopening,
};
use crate::{
    ledger::StoredBlock,
    storage::{Head, ReadError},
};

/// Blocks inserted in one go before the lock is taken again.
const BATCH: usize = 64;

/// When to settle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rhythm {
    /// After so many bytes of blocks.
    pub bytes: u64,
    /// After so long at the latest.
    pub every: Duration,
}

/// What the writer, the readers and the thread share.
pub(super) struct Behind {
    database: Database,
    rhythm: Rhythm,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    head: Head,
    /// Blocks that are not in the database yet, by first position.
    pending: BTreeMap<u64, StoredBlock>,
    /// The database holds everything before this position, durably.
    settled: u64,
    /// Somebody waits for `settled`.
    hurry: bool,
    stop: Stop,
    failure: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    No,
    /// Settle everything, then end.
    Orderly,
    /// End now.
    AtOnce,
}

/// Why waiting for `settled` ended without it.
#[derive(Debug)]
pub(super) enum NotSettled {
    /// The database is too slow (or stuck).
    TimedOut,
    /// The journal is poisoned.
    Failed(String),
}

impl Behind {
    /// Starts the thread over a database that holds everything up to `head`, durably.
    pub(super) fn start(
        database: Database,
        head: Head,
        rhythm: Rhythm,
        reopening: Reopening,
        on_failure: Option<OnFailure>,
    ) -> std::io::Result<(Arc<Behind>, JoinHandle<()>)> {
        let behind = Arc::new(Behind {
            database,
            rhythm,
            state: Mutex::new(State {
                head,
                pending: BTreeMap::new(),
                settled: head.next,
                hurry: false,
                stop: Stop::No,
                failure: None,
            }),
            changed: Condvar::new(),
        });
        let thread = thread::Builder::new().name("log-behind".into()).spawn({
            let behind = Arc::clone(&behind);
            move || {
                // A panic of ours is a failure like any other: blocks wait for this thread.
                let ran = catch_unwind(AssertUnwindSafe(|| behind.run(reopening)));
                let panicked = |_| Err("the thread behind the log panicked".to_owned());
                if let Err(problem) = ran.unwrap_or_else(panicked) {
                    behind.poison(problem.clone());
                    on_failure.inspect(|told| told(&problem));
                }
            }
        })?;
        Ok((behind, thread))
    }

    pub(super) fn head(&self) -> Head {
        self.lock().head
    }

    pub(super) fn settled(&self) -> u64 {
        self.lock().settled
    }

    pub(super) fn failure(&self) -> Option<String> {
        self.lock().failure.clone()
    }

    /// Takes over a block that was committed to the tail.
    pub(super) fn accept(&self, block: &StoredBlock) {
        let mut state = self.lock();
        state.head = Head::after(block);
        state.pending.insert(block.first, block.clone());
        drop(state);
        self.changed.notify_all();
    }

    /// Ends the journal's life: every later append is unknown. The first reason is the one that stays.
    pub(super) fn poison(&self, why: String) {
        let mut state = self.lock();
        if state.failure.is_none() {
            tracing::error!(reason = %why, "the log failed and takes no more blocks; stop this process");
            state.failure = Some(why);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until everything before `position` is settled.
    pub(super) fn wait_settled(&self, position: u64, limit: Duration) -> Result<(), NotSettled> {
        let deadline = Instant::now() + limit;
        let mut state = self.lock();
        while state.settled < position {
            if let Some(why) = &state.failure {
                return Err(NotSettled::Failed(why.clone()));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(NotSettled::TimedOut);
            }
            state.hurry = true;
            self.changed.notify_all();
            state = self.wait(state, left);
        }
        Ok(())
    }

    /// Lets the thread settle everything (or drop it all), and end.
    pub(super) fn stop(&self, orderly: bool) {
        let mut state = self.lock();
        state.stop = if orderly { Stop::Orderly } else { Stop::AtOnce };
        drop(state);
        self.changed.notify_all();
    }

    /// The block that contains `position`.
    pub(super) fn read(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        let state = self.lock();
        if position >= state.head.next {
            return Ok(None);
        }
        let pending = state.pending.range(..=position).next_back();
        if let Some((_, block)) = pending.filter(|(_, block)| position < block.next()) {
            return Ok(Some(block.clone()));
        }
        let pending_from = state.pending.keys().next().copied();
        let pending_from = pending_from.unwrap_or(state.head.next);
        drop(state);
        // It left `pending` after it had come into the database.
        let found = self.database.before(position + 1)?;
        let reached = found.as_ref().map_or(0, StoredBlock::next);
        match found {
            Some(block) if position < reached => Ok(Some(block)),
            _ => Err(ReadError::Hole {
                position,
                from: reached,
                to: self.database.first_from(position)?.unwrap_or(pending_from),
            }),
        }
    }

    fn run(&self, mut reopening: Reopening) -> Result<(), String> {
        let mut unsettled = Unsettled::default();
        while let Some(task) = self.next_task(&unsettled) {
            match task {
                Task::Insert(blocks) => self.insert(&blocks, &mut unsettled)?,
                Task::Settle => {
                    let settled = self.settle(&mut unsettled)?;
                    if !self.is_stopping() {
                        reopening.when_due(&self.database, settled)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The next opening comes soon anyway.
    fn is_stopping(&self) -> bool {
        self.lock().stop != Stop::No
    }

    /// Waits for something to do. `None`: end.
    fn next_task(&self, unsettled: &Unsettled) -> Option<Task> {
        let mut state = self.lock();
        loop {
            if state.stop == Stop::AtOnce || state.failure.is_some() {
                return None;
            }
            let due = unsettled
                .since
                .map(|since| (since + self.rhythm.every).saturating_duration_since(Instant::now()));
            let full = unsettled.bytes >= self.rhythm.bytes;
            if due.is_some_and(|left| full || state.hurry || left.is_zero()) {
                return Some(Task::Settle);
            }
            if !state.pending.is_empty() {
                let mut room = self.rhythm.bytes.saturating_sub(unsettled.bytes);
                let fitting = state.pending.values().take_while(|block| {
                    let fits = room > 0;
                    room = room.saturating_sub(block.bytes.len() as u64);
                    fits
                });
                return Some(Task::Insert(fitting.take(BATCH).cloned().collect()));
            }
            match (state.stop, due) {
                (Stop::Orderly, Some(_)) => return Some(Task::Settle),
                (Stop::Orderly, None) => return None,
                (_, Some(left)) => state = self.wait(state, left),
                (_, None) => {
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    fn insert(&self, blocks: &[StoredBlock], unsettled: &mut Unsettled) -> Result<(), String> {
        for block in blocks {
            self.database.insert(block)?;
            unsettled.since.get_or_insert_with(Instant::now);
            unsettled.bytes += block.bytes.len() as u64;
            unsettled.up_to = block.next();
        }
        let mut state = self.lock();
        for block in blocks {
            state.pending.remove(&block.first);
        }
        Ok(())
    }

    /// Gives the position before which everything is settled.
    fn settle(&self, unsettled: &mut Unsettled) -> Result<u64, String> {
        self.database.settle()?;
        let mut state = self.lock();
        state.settled = state.settled.max(unsettled.up_to);
        state.hurry = false;
        let settled = state.settled;
        drop(state);
        self.changed.notify_all();
        *unsettled = Unsettled::default();
        Ok(settled)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        self.changed
            .wait_timeout(state, limit)
            .unwrap_or_else(PoisonError::into_inner)
            .0
    }

    /// Nothing panics while it holds this lock; if something did, the state would still be whole.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Task {
    Insert(Vec<StoredBlock>),
    Settle,
}

/// What was inserted and is not settled.
#[derive(Default)]
struct Unsettled {
    since: Option<Instant>,
    bytes: u64,
    up_to: u64,
}
