//! A customer's states in hindsight at one moment after another: each record is followed once, however many are asked
//! for.

use std::borrow::Cow;

use super::{Counts, Then, counts, follow_later};
use crate::domain::customer::{Customer, evolve};
use crate::domain::event::Placed;

/// The records about a customer, and how far they are followed.
#[derive(Clone, Debug)]
pub struct Folding<'a> {
    records: Vec<Placed<'a>>,
    /// Those that may narrow what was before them, each with its place among the records.
    narrowing: Vec<(usize, Counts)>,
    followed: usize,
    /// The customer with those that are followed.
    known: Option<Customer>,
    looked_at: usize,
}

impl<'a> Folding<'a> {
    /// Over all records about the customer, oldest first.
    pub fn of(records: impl IntoIterator<Item = Placed<'a>>) -> Self {
        let records: Vec<_> = records.into_iter().collect();
        let places = records.iter().map(counts).enumerate();
        let narrowing = places.filter(|(_, counts)| !matches!(counts, Counts::Recorded));
        Self {
            narrowing: narrowing.collect(),
            records,
            followed: 0,
            known: None,
            looked_at: 0,
        }
    }

    /// The customer's state in hindsight: for answers at `then.at` and no other time. `None`: the ledger didn't know
    /// the customer then. Moments that rise are cheap.
    pub fn at(&mut self, then: Then) -> Option<Cow<'_, Customer>> {
        let known = self.records.partition_point(|placed| then.has(placed));
        if known < self.followed {
            (self.followed, self.known) = (0, None);
        }
        for placed in self.records.iter().take(known).skip(self.followed) {
            self.known = evolve(self.known.take(), placed);
            self.looked_at += 1;
        }
        self.followed = known;
        let mut customer = Cow::Borrowed(self.known.as_ref()?);
        let later = self.narrowing.partition_point(|(place, _)| *place < known);
        for (place, counts) in self.narrowing.iter().skip(later) {
            self.looked_at += 1;
            let counts = match counts {
                Counts::Recorded => false,
                Counts::Happened(happened_at) => *happened_at <= then.at,
                // One that lies ahead counts, too: which opening it ended depends on all the ends before it.
                Counts::Dated(_) => true,
            };
            if let Some(placed) = self.records.get(*place).filter(|_| counts) {
                follow_later(customer.to_mut(), placed);
            }
        }
        Some(customer)
    }

    /// How many records were looked at so far, each as often as it was.
    pub fn looked_at(&self) -> usize {
        self.looked_at
    }
}
