//! Customers who were erased, and of which of them the keys are not destroyed yet (E8): so that what was asked for is done
//! whatever crashes meanwhile, and is done again where an older vault was put back.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::StateError;
use super::firsts::{Firsts, Written};
use crate::domain::event::Event;
use crate::domain::ids::{Position, Pseudonym, Token};
use crate::domain::retention::RetentionEvent;

/// Customers that are looked at together.
const PAGE: usize = 1024;

/// A record of an erasure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErasureStep {
    /// Whom it is about.
    pub customer: Pseudonym,
    /// The record.
    pub position: Position,
    /// Whether the keys are destroyed by then; else it is asked for.
    pub completed: bool,
}

impl ErasureStep {
    /// The step that a record about the customer is, if it is one.
    pub fn of(customer: Pseudonym, position: Position, event: &Event) -> Option<Self> {
        let completed = match event {
            Event::Retention(RetentionEvent::ErasureRequested(_)) => false,
            Event::Retention(RetentionEvent::ErasureCompleted(_)) => true,
            _ => return None,
        };
        Some(Self {
            customer,
            position,
            completed,
        })
    }
}

pub struct Erasures {
    requested: Firsts,
    completed: Firsts,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    /// Whose keys are to be destroyed, with the record that asks for it.
    customers: BTreeMap<Pseudonym, Position>,
    /// Whoever waits for more is to look up.
    woken: bool,
}

/// What a write put into the runs, until it is durable.
pub struct WrittenErasures {
    requested: Written,
    completed: Written,
}

impl WrittenErasures {
    /// How many names were written.
    pub fn count(&self) -> usize {
        self.requested.count + self.completed.count
    }
}

impl Erasures {
    pub fn open(database: &sled::Db) -> Result<Self, StateError> {
        let erasures = Self {
            requested: Firsts::open(database, "erasures-requested")?,
            completed: Firsts::open(database, "erasures-completed")?,
            waiting: Mutex::default(),
            changed: Condvar::new(),
        };
        let mut from = Some(Token([0; 16]));
        while let Some(first) = from {
            let requested = erasures.requested.page(first, PAGE)?;
            // Nobody's is completed that wasn't requested: this page reaches as far.
            let completed = erasures.completed.page(first, PAGE)?;
            from = requested.keys().next_back().copied().and_then(after);
            let open = requested
                .into_iter()
                .filter(|(name, _)| !completed.contains_key(name));
            let open = open.map(|(name, position)| (Pseudonym(name.0), position));
            erasures.waiting().customers.extend(open);
        }
        Ok(erasures)
    }

    /// Remembers records of erasures; says how many of them were not waiting to be written already.
    pub fn remember(&self, steps: &[ErasureStep]) -> usize {
        if steps.is_empty() {
            return 0;
        }
        let mut waiting = self.waiting();
        for step in steps {
            match step.completed {
                true => {
                    waiting.customers.remove(&step.customer);
                }
                false => {
                    waiting.customers.insert(step.customer, step.position);
                }
            }
        }
        waiting.woken = true;
        self.changed.notify_all();
        drop(waiting);
        let of = |completed: bool| {
            (steps.iter())
                .filter(move |step| step.completed == completed)
                .map(|step| (Token(step.customer.0), step.position))
        };
        self.requested.remember(of(false)) + self.completed.remember(of(true))
    }

    /// Whose keys are to be destroyed: some of them, and how many there are in all.
    pub fn open_ones(&self, limit: usize) -> (Vec<(Pseudonym, Position)>, usize) {
        let waiting = self.waiting();
        let some = waiting.customers.iter().take(limit);
        (
            some.map(|(customer, position)| (*customer, *position))
                .collect(),
            waiting.customers.len(),
        )
    }

    /// Everybody who was erased, from that pseudonym on, page by page.
    pub fn page(&self, from: Pseudonym) -> Result<(Vec<Pseudonym>, Option<Pseudonym>), StateError> {
        let page = self.requested.page(Token(from.0), PAGE)?;
        let next = page.keys().next_back().copied().and_then(after);
        let erased = page.into_keys().map(|name| Pseudonym(name.0));
        Ok((erased.collect(), next.map(|name| Pseudonym(name.0))))
    }

    /// Waits until something has changed, or somebody wakes whoever waits.
    pub fn wait(&self, at_most: Option<Duration>) {
        let waiting = self.waiting();
        let mut waiting = match at_most {
            None => (self.changed)
                .wait_while(waiting, |waiting| !waiting.woken)
                .unwrap_or_else(PoisonError::into_inner),
            Some(at_most) => {
                (self.changed)
                    .wait_timeout_while(waiting, at_most, |waiting| !waiting.woken)
                    .unwrap_or_else(PoisonError::into_inner)
                    .0
            }
        };
        waiting.woken = false;
    }

    /// Wakes whoever waits.
    pub fn wake(&self) {
        self.waiting().woken = true;
        self.changed.notify_all();
    }

    /// As [`Firsts::write`].
    pub fn write(&self) -> Result<WrittenErasures, StateError> {
        // Nobody may be found completed and not requested: who is both by now is written as requested at least.
        let completed = self.completed.write()?;
        let requested = self.requested.write()?;
        Ok(WrittenErasures {
            requested,
            completed,
        })
    }

    /// As [`Firsts::list`].
    pub fn list(&self, written: &WrittenErasures) -> Result<(), StateError> {
        self.requested.list(&written.requested)?;
        self.completed.list(&written.completed)
    }

    /// As [`Firsts::stored`].
    pub fn stored(&self, written: &WrittenErasures) -> Result<(), StateError> {
        self.requested.stored(&written.requested)?;
        self.completed.stored(&written.completed)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The next name in the order of names.
fn after(name: Token) -> Option<Token> {
    let next = u128::from_be_bytes(name.0).checked_add(1)?;
    Some(Token(next.to_be_bytes()))
}
