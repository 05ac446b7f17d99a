//! Which states are kept beside the records, so that a past one costs few of them to replay.

use std::sync::Arc;

use super::entry::{self, HistoryEntry};
use super::heap::Item;
use super::told::{Records, told, write_state};
use super::{CurrentStates, Kept, ViewError, Written};
use crate::domain::customer::{Customer, evolve};
use crate::domain::ids::Pseudonym;

/// A record that is being written.
pub struct Row<'a> {
    /// About whom.
    pub subject: Pseudonym,
    /// The record.
    pub kept: &'a Kept,
    /// The versions written of the subject.
    versions: (u64, u64),
}

impl<'a> Row<'a> {
    /// A subject's records in the order of their versions.
    pub fn of(subject: Pseudonym, kept: &'a [Kept]) -> impl Iterator<Item = Self> {
        let version = |kept: Option<&Kept>| kept.map_or(0, |kept| kept.entry.version);
        let versions = (version(kept.first()), version(kept.last()));
        let backwards = subject == entry::CLOCK;
        (0..kept.len())
            .filter_map(move |at| kept.get(if backwards { kept.len() - 1 - at } else { at }))
            .map(move |kept| Self {
                subject,
                kept,
                versions,
            })
    }

    fn is_first(&self) -> bool {
        self.kept.entry.version == self.versions.0
    }

    fn is_last(&self) -> bool {
        self.kept.entry.version == self.versions.1
    }

    /// Whether some state of the subject is to be kept.
    fn has_due(&self, every: u64) -> bool {
        let (first, last) = self.versions;
        last / every > first.saturating_sub(1) / every
    }
}

/// Follows one customer after the other through the records that are written.
pub struct Snapshots<'a> {
    written: &'a Written,
    heap: &'a sled::Tree,
    current: &'a CurrentStates,
    every: u64,
    following: Option<(Pseudonym, Option<Customer>)>,
    /// The state of the customer whose records are being written, if it is the one after the last of them.
    after_last: Option<Arc<Customer>>,
}

impl<'a> Snapshots<'a> {
    /// A state about every so many records; what was written before is in `written` and `heap`.
    pub fn new(
        written: &'a Written,
        heap: &'a sled::Tree,
        current: &'a CurrentStates,
        every: u64,
    ) -> Self {
        Self {
            written,
            heap,
            current,
            every: every.max(1),
            following: None,
            after_last: None,
        }
    }

    /// The state to be kept beside the record, if one is.
    ///
    /// # Errors
    /// When the records before can't be read.
    pub fn after(&mut self, row: &Row<'_>) -> Result<Option<Vec<u8>>, ViewError> {
        let subject = row.subject;
        if !entry::is_customer(subject) || !row.has_due(self.every) {
            return Ok(None);
        }
        if row.is_first() {
            self.after_last = self.current_after(row);
        }
        if let Some(customer) = &self.after_last {
            return row.is_last().then(|| write_state(customer)).transpose();
        }
        let before = match self.following.take() {
            Some((following, customer)) if following == subject => customer,
            _ => self.before(row)?,
        };
        let item = Item::read(&row.kept.item)?;
        let customer = evolve(before, &told(&row.kept.entry, &item)?.placed());
        let is_due = row.kept.entry.version.is_multiple_of(self.every);
        let state = match &customer {
            Some(customer) if is_due => Some(write_state(customer)?),
            _ => None,
        };
        self.following = Some((subject, customer));
        Ok(state)
    }

    /// The state as it is now, if that is after the last of a few records: keeping it there spares reading those that were
    /// written before.
    fn current_after(&self, row: &Row<'_>) -> Option<Arc<Customer>> {
        let (first, last) = row.versions;
        let few = last.saturating_sub(first) < self.every;
        let customer = few.then(|| (self.current)(row.subject))??;
        (customer.version == last).then_some(customer)
    }

    fn before(&self, row: &Row<'_>) -> Result<Option<Customer>, ViewError> {
        let (first, _) = row.versions;
        let is_before = |entry: &HistoryEntry| entry.version < first;
        let mut records = Records::default();
        records.add_written(self.written, row.subject, &is_before)?;
        records.customer(self.heap)
    }
}
