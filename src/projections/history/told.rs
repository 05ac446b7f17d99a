//! What was recorded of one customer, or of the company, up to some record: read from the view alone.

use std::sync::Arc;

use super::entry::{self, HistoryEntry, Place};
use super::heap::{Chunks, Item};
use super::{Kept, ViewError, Written, failed};
use crate::codec::{self, Fact};
use crate::domain::customer::{Customer, evolve};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;

/// An event and what the rules need of the record around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<E = Event> {
    /// The customer's version with it, or the ledger's.
    pub version: u64,
    /// The record.
    pub position: Position,
    /// The first record of its command.
    pub command: Position,
    /// When it was recorded.
    pub recorded_at: Time,
    /// When it happened, where that was stated.
    pub occurred_at: Option<Time>,
    /// What it says; personal fields are absent.
    pub event: E,
}

impl<E> Told<E> {
    fn new(entry: &HistoryEntry, item: &Item<'_>, event: E) -> Self {
        let before = u64::from(item.before);
        Self {
            version: entry.version,
            position: entry.position,
            command: Position(entry.position.0.saturating_sub(before)),
            recorded_at: entry.recorded_at,
            occurred_at: item.occurred_at,
            event,
        }
    }

    /// The event in its place.
    pub fn placed(&self) -> Placed<'_, E> {
        Placed {
            position: self.position,
            command: self.command,
            recorded_at: self.recorded_at,
            occurred_at: self.occurred_at,
            event: &self.event,
        }
    }
}

/// Which of a subject's records are looked at: all up to the first that is not wanted.
pub type Known<'a> = &'a dyn Fn(&HistoryEntry) -> bool;

/// A record of the view, and where what it says is.
enum Text {
    Unwritten(Arc<[u8]>),
    Written(Place),
}

/// A subject's records after a version, oldest first, each once.
#[derive(Default)]
pub struct Records {
    after_version: u64,
    found: Vec<(HistoryEntry, Text)>,
}

impl Records {
    /// Only those after that version.
    pub fn after(after_version: u64) -> Self {
        Self {
            after_version,
            found: Vec::new(),
        }
    }

    /// Adds the written ones that are `known`. Says whether more may be.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn add_written(
        &mut self,
        written: &Written,
        subject: Pseudonym,
        known: Known<'_>,
    ) -> Result<bool, ViewError> {
        for bytes in written.from(&entry::key(subject, self.next_version()))? {
            let (about, entry, place) = entry::read(&bytes?)?;
            if about != subject {
                break;
            }
            if !known(&entry) {
                return Ok(false);
            }
            self.add(entry, Text::Written(place));
        }
        Ok(true)
    }

    /// Adds the unwritten ones that are `known`. Says whether more may be.
    pub fn add_unwritten<'a>(
        &mut self,
        kept: impl Iterator<Item = &'a Kept>,
        known: Known<'_>,
    ) -> bool {
        for kept in kept {
            if !known(&kept.entry) {
                return false;
            }
            self.add(kept.entry, Text::Unwritten(Arc::clone(&kept.item)));
        }
        true
    }

    /// Versions only rise; a record that was written twice is one.
    fn add(&mut self, entry: HistoryEntry, text: Text) {
        if entry.version >= self.next_version() {
            self.found.push((entry, text));
        }
    }

    fn next_version(&self) -> u64 {
        let last = (self.found.last()).map_or(self.after_version, |(entry, _)| entry.version);
        last.saturating_add(1)
    }

    /// The customer's state after the last of the records; only what follows the last state that was kept is replayed.
    ///
    /// # Errors
    /// When the view can't be read, or a record is missing.
    pub fn customer(&self, heap: &sled::Tree) -> Result<Option<Customer>, ViewError> {
        let is_kept = |text: &Text| matches!(text, Text::Written(place) if place.snapshot);
        let from = (self.found.iter()).rposition(|(_, text)| is_kept(text));
        let (mut customer, mut chunks) = (None, Chunks::new(heap));
        for (entry, text) in self.found.iter().skip(from.unwrap_or(0)) {
            let item = text.item(&mut chunks)?;
            if customer.is_none() && !item.snapshot.is_empty() {
                customer = Some(read_state(item.snapshot)?);
            } else {
                customer = evolve(customer, &told(entry, &item)?.placed());
            }
            let version = customer.as_ref().map(|customer| customer.version);
            if version != Some(entry.version) {
                return Err(failed(&format!(
                    "the record before version {} is missing",
                    entry.version
                )));
            }
        }
        Ok(customer)
    }

    /// What each of the records says.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn told(&self, heap: &sled::Tree) -> Result<Vec<Told>, ViewError> {
        let mut chunks = Chunks::new(heap);
        let each = |(entry, text): &(HistoryEntry, Text)| told(entry, &text.item(&mut chunks)?);
        self.found.iter().map(each).collect()
    }

    /// What each of the records about the ledger says.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn facts(&self, heap: &sled::Tree) -> Result<Vec<Told<Fact>>, ViewError> {
        let mut chunks = Chunks::new(heap);
        let each = |(entry, text): &(HistoryEntry, Text)| {
            let item = text.item(&mut chunks)?;
            let (kind, data) = item.data.split_once(' ').unwrap_or_default();
            let fact = codec::decode_ledger(kind, data).map_err(|error| broken(entry, &error))?;
            Ok(Told::new(entry, &item, fact))
        };
        self.found.iter().map(each).collect()
    }
}

impl Text {
    fn item<'a>(&'a self, chunks: &'a mut Chunks<'_>) -> Result<Item<'a>, ViewError> {
        match self {
            Self::Unwritten(item) => Item::read(item),
            Self::Written(place) => Item::read(chunks.at(*place)?),
        }
    }
}

/// What a record about a customer says.
///
/// # Errors
/// When it can't be decoded.
pub fn told(entry: &HistoryEntry, item: &Item<'_>) -> Result<Told, ViewError> {
    let event = codec::decode(entry.kind, item.data, &|_| None);
    let event = event.map_err(|error| broken(entry, &error))?;
    Ok(Told::new(entry, item, event))
}

/// A state as it is kept beside a record.
///
/// # Errors
/// When it can't be written.
pub fn write_state(customer: &Customer) -> Result<Vec<u8>, ViewError> {
    postcard::to_stdvec(customer).map_err(|error| failed(&error))
}

fn read_state(bytes: &[u8]) -> Result<Customer, ViewError> {
    postcard::from_bytes(bytes).map_err(|error| failed(&error))
}

fn broken(entry: &HistoryEntry, error: &dyn std::fmt::Display) -> ViewError {
    failed(&format!("position {}: {error}", entry.position))
}
