//! The thread that writes dirty state behind: entries, made durable, then the position that they reflect.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::repeats::day_of;
use super::shards::Shards;
use super::{Fatal, StateError, States};

#[derive(Default)]
pub struct Signal {
    state: Mutex<Pending>,
    wake: Condvar,
    room: Condvar,
}

/// Request ids that take as much memory as a customer, and far less time to write: were each as much as a customer,
/// they would make those be written again and again who are changed often.
const REQUESTS_A_CUSTOMER: isize = 8;

#[derive(Default)]
struct Pending {
    /// Customers; below zero while the thread has written what is not counted yet.
    customers: isize,
    /// Request ids; below zero likewise.
    requests: isize,
    wanted: bool,
    stop: bool,
    stopped: bool,
}

impl Pending {
    fn reaches(&self, limit: usize) -> bool {
        let dirty = (self.customers).saturating_add(self.requests / REQUESTS_A_CUSTOMER);
        usize::try_from(dirty).is_ok_and(|dirty| dirty >= limit)
    }
}

impl Signal {
    /// Some customers became dirty, some requests were answered.
    pub fn changed(&self, customers: usize, requests: usize, limit: usize) {
        let mut pending = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        pending.customers = pending.customers.saturating_add_unsigned(customers);
        pending.requests = pending.requests.saturating_add_unsigned(requests);
        if pending.reaches(limit) {
            self.wake.notify_one();
        }
    }

    /// Waits while twice the limit is unwritten.
    pub fn wait(&self, limit: usize) {
        let mut pending = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while pending.reaches(limit.saturating_mul(2)) && !pending.stopped {
            pending = self
                .room
                .wait(pending)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn cleaned(&self, customers: usize, requests: usize) {
        let mut pending = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        pending.customers = pending.customers.saturating_sub_unsigned(customers);
        pending.requests = pending.requests.saturating_sub_unsigned(requests);
        self.room.notify_all();
    }
}

/// The running thread; stopping it writes what is dirty first.
pub struct Flusher {
    states: States,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    pub(super) fn start(states: States, fatal: Fatal) -> Result<Self, StateError> {
        let running = states.clone();
        let thread = std::thread::Builder::new()
            .name("state-view".to_owned())
            .spawn(move || run(&running, &fatal))
            .map_err(|error| StateError::View(error.to_string()))?;
        states
            .0
            .signal
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stopped = false;
        Ok(Self {
            states,
            thread: Some(thread),
        })
    }

    /// Asks for a write now, without waiting for it.
    pub fn hurry(&self) {
        let signal = &self.states.0.signal;
        signal
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .wanted = true;
        signal.wake.notify_one();
    }

    /// Writes what is dirty and ends the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let signal = &self.states.0.signal;
        signal
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .stop = true;
        signal.wake.notify_one();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the state view panicked");
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.end();
    }
}

fn run(states: &States, fatal: &Fatal) {
    let inner = &states.0;
    let mut stopping = false;
    while !stopping {
        let pending = inner
            .signal
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let limit = inner.options.flush_dirty;
        let (mut pending, _) = inner
            .signal
            .wake
            .wait_timeout_while(pending, inner.options.flush_every, |pending| {
                // What a replay has changed can be written once it is published.
                let due = pending.reaches(limit) && states.applied() != states.stored();
                !due && !pending.stop && !pending.wanted
            })
            .unwrap_or_else(PoisonError::into_inner);
        pending.wanted = false;
        stopping = pending.stop;
        drop(pending);
        if states.applied() == states.stored() {
            continue;
        }
        let written = catch_unwind(AssertUnwindSafe(|| write(states)))
            .unwrap_or_else(|_| Err(StateError::View("writing it panicked".to_owned())));
        if let Err(error) = written {
            states.mark_if_broken(&error);
            fatal(&format!("state view: {error}"));
            break;
        }
    }
    let mut pending = inner
        .signal
        .state
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    pending.stop = false;
    pending.stopped = true;
    inner.signal.room.notify_all();
}

/// One round. A crash at any point leaves entries that are at least as new as the stored position says.
fn write(states: &States) -> Result<(), StateError> {
    let inner = &states.0;
    let started = std::time::Instant::now();
    let (position, ledger) = states.snapshot();
    let mut written = 0;
    for shard in 0..Shards::count() {
        let mut customers = inner.shards.dirty(shard);
        // Neighbours in the view are written one after the other: its pages are then touched once.
        customers.sort_unstable_by_key(|(pseudonym, _)| *pseudonym);
        for (pseudonym, customer) in &customers {
            inner.store.set_customer(*pseudonym, customer)?;
        }
        written += customers.len();
        // Clean customers may be read back from sled at once: it shows its own writes before they are durable.
        let cleaned = inner.shards.stored(customers);
        inner.signal.cleaned(cleaned, 0);
    }
    let repeats = inner.repeats.write()?;
    let answered = inner.answered.write()?;
    let erasures = inner.erasures.write()?;
    let company = inner.store.set_company(&ledger)?;
    inner.store.sync()?;
    inner.repeats.list(&repeats)?;
    inner.answered.list(&answered)?;
    inner.erasures.list(&erasures)?;
    inner.store.set_reflects(position, &ledger, company)?;
    let requests = repeats.count + answered.count + erasures.count();
    inner.signal.cleaned(0, requests);
    inner.repeats.stored(repeats)?;
    inner.answered.stored(&answered)?;
    inner.erasures.stored(&erasures)?;
    inner.repeats.forget_before(day_of(ledger.recorded_at))?;
    inner.stored.store(position, Ordering::Release);
    metrics::histogram!("consent_state_view_write_seconds").record(started.elapsed().as_secs_f64());
    tracing::debug!(position, written, "state view written");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t5_a_write_is_due_by_customers_and_by_eight_times_as_many_request_ids() {
        let due = |customers, requests| {
            let pending = Pending {
                customers,
                requests,
                ..Pending::default()
            };
            pending.reaches(100)
        };
        assert!(due(100, 0) && due(0, 800) && due(50, 400));
        assert!(!due(99, 7) && !due(0, 799) && !due(-50, 800));
    }
}
