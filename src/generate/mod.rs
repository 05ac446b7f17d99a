//! Customers who never lived: histories as a migrating company would bring them, from a seed.
//!
//! For tests, benches, demonstrations and trial migrations. The same seed gives the same facts, byte for byte, on every
//! machine and in every release; customer 7 of a million is customer 7 of ten. One customer is made at a time, so that
//! millions need no more memory than one. What the mix is made of stands in `life.rs`, and in `docs/import.md`.
//!
//! It reads no clock: every life ends before [`END`], so that nothing in it lies in a server's future. What customers do
//! after that, one-time approvals of a call among it, are [`Deed`]s: commands to be witnessed, at whatever time they are sent.

mod deeds;
mod life;
mod seeded;

use crate::proto::v1 as wire;

pub use deeds::{Deed, Moment, STATEMENTS};
pub use life::{AFFILIATES, AGENTS, END, LEGAL_ENTITY, NEW_NOTICE, OLD_NOTICE};

/// One customer with what a migrating company asserts: the account, then services, notices, words, disclosures.
#[derive(Clone, Debug, PartialEq)]
pub struct Customer {
    /// The account's id, such as `G-00000007`.
    pub id: String,
    /// The facts, in the order in which they are imported.
    pub facts: Vec<wire::AssertedFact>,
    /// What the customer does once the ledger is there to witness it: a notice first, where there is anything.
    pub deeds: Vec<Deed>,
}

/// The id of the account of that number, from 1: `G-00000007`.
pub fn customer_id(number: u64) -> String {
    format!("G-{number:08}")
}

/// The customers of a seed, one after the other and without end.
#[derive(Clone, Debug)]
pub struct Customers {
    seed: u64,
    next: u64,
}

impl Customers {
    /// The customers of `seed`, from the first on; take as many as are wanted.
    pub fn of(seed: u64) -> Self {
        Self { seed, next: 1 }
    }

    /// The customer of that number: 1, 2, 3 …
    pub fn at(seed: u64, number: u64) -> Customer {
        let mut life = life::life(seed, number);
        Customer {
            id: customer_id(number),
            deeds: deeds::deeds(&mut life, seed, number),
            facts: life.facts,
        }
    }
}

impl Iterator for Customers {
    type Item = Customer;

    fn next(&mut self) -> Option<Customer> {
        let number = self.next;
        self.next = number.checked_add(1)?;
        Some(Self::at(self.seed, number))
    }
}

#[cfg(test)]
mod tests;
