//! A walk over all customers, for reports and lists that look at each of them.
//!
//! The view on disk is read in the order of its keys, and what is dirty in memory is laid over it. Each customer who was
//! there when the walk began comes exactly once, in some state that the ledger held at or after that moment: not
//! all of them in the state of one instant, but none older than the beginning. A customer who is opened
//! meanwhile may come or not.
//!
//! Nobody waits for a walk: it holds a shard's lock only while it copies handles of what is dirty there, and no lock
//! while it reads the disk or while its chunks are worked on. Its memory is one chunk and those handles.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use super::{StateError, States};
use crate::domain::customer::Customer;
use crate::domain::ids::{Position, Pseudonym};

/// Customers that one step of a walk yields at most.
pub const CHUNK_CUSTOMERS: usize = 1024;

/// Some customers, in the order of their pseudonyms.
pub type CustomerChunk = Vec<(Pseudonym, Arc<Customer>)>;

/// A walk over all customers, chunk by chunk; dropping it ends it.
///
/// Each step may read the disk: async callers take it to a thread that may block. After an error the walk is over.
pub struct CustomerWalk {
    states: States,
    began: Position,
    expected: u64,
    seen: u64,
    /// What is left to walk; the pseudonyms of one first byte at a time, which all lie in one shard.
    rest: Option<Span>,
}

/// The pseudonyms that share their first byte, from `from` on.
struct Span {
    from: Pseudonym,
    /// The dirty ones among them, as they were before the first of the span was read from disk.
    dirty: Peekable<IntoIter<(Pseudonym, Arc<Customer>)>>,
}

impl States {
    /// Starts a walk over all customers.
    pub fn walk(&self) -> CustomerWalk {
        let (next, ledger) = self.snapshot();
        CustomerWalk {
            states: self.clone(),
            began: Position(next),
            expected: ledger.customers,
            seen: 0,
            rest: Some(self.span(0)),
        }
    }

    /// Dirty first, disk after: a customer who is written behind in between is then found on the disk, since an entry
    /// is there before it is taken off the dirty ones.
    fn span(&self, first_byte: u8) -> Span {
        let mut dirty = self.0.shards.dirty_with(first_byte);
        dirty.sort_unstable_by_key(|(pseudonym, _)| *pseudonym);
        let mut from = Pseudonym([0; 16]);
        from.0[0] = first_byte;
        Span {
            from,
            dirty: dirty.into_iter().peekable(),
        }
    }
}

impl CustomerWalk {
    /// Every state that comes reflects all records below this position.
    pub fn began(&self) -> Position {
        self.began
    }

    /// How many customers there were when the walk began.
    pub fn expected(&self) -> u64 {
        self.expected
    }

    /// How many have come.
    pub fn seen(&self) -> u64 {
        self.seen
    }

    fn step(&mut self) -> Result<CustomerChunk, StateError> {
        let mut chunk = Vec::new();
        while let Some(span) = &mut self.rest {
            let room = CHUNK_CUSTOMERS.saturating_sub(chunk.len());
            if room == 0 {
                break;
            }
            let first_byte = span.from.0[0];
            let next = span.fill(&self.states, room, &mut chunk)?;
            match (next, first_byte.checked_add(1)) {
                (Some(from), _) => span.from = from,
                (None, Some(byte)) => self.rest = Some(self.states.span(byte)),
                (None, None) => self.rest = None,
            }
        }
        self.seen = self.seen.saturating_add(chunk.len() as u64);
        Ok(chunk)
    }
}

impl Iterator for CustomerWalk {
    type Item = Result<CustomerChunk, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.step() {
            Ok(chunk) if chunk.is_empty() => None,
            Ok(chunk) => Some(Ok(chunk)),
            Err(error) => {
                self.rest = None;
                self.states.mark_if_broken(&error);
                Some(Err(error))
            }
        }
    }
}

impl Span {
    /// Adds up to `room` customers; says where to go on, or `None` at the span's end.
    fn fill(
        &mut self,
        states: &States,
        room: usize,
        chunk: &mut CustomerChunk,
    ) -> Result<Option<Pseudonym>, StateError> {
        let until = chunk.len().saturating_add(room);
        let mut last = Pseudonym([0xff; 16]);
        last.0[0] = self.from.0[0];
        let mut stored = states.0.store.customers(self.from..=last).peekable();
        loop {
            let on_disk = match stored.peek() {
                Some(Ok((pseudonym, _))) => Some(*pseudonym),
                Some(Err(error)) => return Err(error.clone()),
                None => None,
            };
            let in_memory = self.dirty.peek().map(|(pseudonym, _)| *pseudonym);
            let Some(next) = on_disk.into_iter().chain(in_memory).min() else {
                return Ok(None);
            };
            if chunk.len() >= until {
                return Ok(Some(next));
            }
            let older = match on_disk == Some(next) {
                true => stored.next(),
                false => None,
            };
            match (self.dirty.next_if(|(one, _)| *one == next), older) {
                (Some(dirty), _) => chunk.push(dirty),
                (None, Some(stored)) => {
                    let (pseudonym, customer) = stored?;
                    chunk.push((pseudonym, Arc::new(customer)));
                }
                (None, None) => {}
            }
        }
    }
}
