//! A decided block on its way to the disk, and what those who decide the next one must know of it.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::Instant;

use super::queue::Batch;
use super::{Answer, SubmitError};
use crate::domain::customer::Customer;
use crate::domain::ids::{Pseudonym, RandomId, Token};
use crate::ledger::{BlockBuilder, Hash};
use crate::state::{Answered, Applied, ErasureStep, LedgerState, Repeat, RequestToken};

/// A decided block that is not durable yet. Nobody has been answered.
pub struct Flight {
    /// Its lines; none where every command was refused.
    pub block: BlockBuilder,
    /// What it changes.
    pub applied: Applied,
    /// The hashes of its lines.
    pub hashes: Vec<Hash>,
    /// Who is answered what once it is durable.
    pub decided: Vec<Decided>,
    /// When its first command was decided.
    pub started: Instant,
}

/// How neighbouring commands of a batch were decided.
pub struct Decided {
    pub batch: Arc<Batch>,
    /// The first of them.
    pub from: usize,
    pub answers: Vec<Result<Answer, SubmitError>>,
}

impl Decided {
    /// Adds the answer to the `index`-th command of `batch`.
    pub fn add(
        decided: &mut Vec<Self>,
        batch: &Arc<Batch>,
        index: usize,
        answer: Result<Answer, SubmitError>,
    ) {
        match decided.last_mut() {
            Some(last)
                if Arc::ptr_eq(&last.batch, batch) && last.from + last.answers.len() == index =>
            {
                last.answers.push(answer);
            }
            _ => decided.push(Self {
                batch: Arc::clone(batch),
                from: index,
                answers: vec![answer],
            }),
        }
    }
}

/// The block under way, as the next one sees it.
pub struct Aloft {
    pub changes: Changes,
    /// Its first position, and the hash before it: where the log goes on if it is not stored.
    pub after: (u64, Hash),
}

/// The memory of a block that has landed, empty.
pub struct Spare {
    pub block: BlockBuilder,
    pub changes: Changes,
}

impl Default for Spare {
    fn default() -> Self {
        Self {
            block: BlockBuilder::new(0, Hash::ZERO),
            changes: Changes::default(),
        }
    }
}

/// What a block changes, for the commands after it.
#[derive(Default)]
pub struct Changes {
    customers: HashMap<Pseudonym, Arc<Customer>, BuildHasherDefault<RandomId>>,
    requests: HashSet<RequestToken, BuildHasherDefault<RandomId>>,
    /// PIC-freeze requests that it answers.
    answered: Vec<Answered>,
    /// Customers whom it erases, or whose keys it says are destroyed.
    erasures: Vec<ErasureStep>,
}

impl Changes {
    /// The customer as the block leaves it, if it changes the customer.
    pub fn customer(&self, pseudonym: Pseudonym) -> Option<Arc<Customer>> {
        self.customers.get(&pseudonym).cloned()
    }

    pub fn set(&mut self, pseudonym: Pseudonym, customer: Arc<Customer>) {
        self.customers.insert(pseudonym, customer);
    }

    pub fn forget(&mut self, pseudonym: Pseudonym) {
        self.customers.remove(&pseudonym);
    }

    /// Whether the block answers that request.
    pub fn has_request(&self, token: RequestToken) -> bool {
        self.requests.contains(&token)
    }

    pub fn add_request(&mut self, token: RequestToken) {
        self.requests.insert(token);
    }

    /// Whether the block answers that PIC-freeze request.
    pub fn answers(&self, request: Token) -> bool {
        self.answered.iter().any(|one| one.request == request)
    }

    pub fn add_answered(&mut self, answered: Answered) {
        self.answered.push(answered);
    }

    pub fn add_erasure(&mut self, step: Option<ErasureStep>) {
        self.erasures.extend(step);
    }

    /// The same, for those who read customers once the block is durable.
    pub fn applied(&self, next: u64, repeats: Vec<Repeat>, ledger: LedgerState) -> Applied {
        let customers = self.customers.iter();
        Applied {
            next,
            customers: customers
                .map(|(pseudonym, customer)| (*pseudonym, Arc::clone(customer)))
                .collect(),
            repeats,
            answered: self.answered.clone(),
            erasures: self.erasures.clone(),
            ledger,
        }
    }

    /// Empty again, with its memory.
    pub fn cleared(mut self) -> Self {
        self.customers.clear();
        self.requests.clear();
        self.answered.clear();
        self.erasures.clear();
        self
    }
}
