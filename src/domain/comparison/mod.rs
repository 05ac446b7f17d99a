//! Two rulebooks compared over customers: which answers would change, and for how many (P17).
//!
//! A closed set of questions (`questions`) is put to both rulebooks for every customer, at one instant. What counts is the
//! verdict: an answer that stays yes, or stays no, for another reason is no change. Customers who are alike in all that
//! the rules read (`essence`) are ruled on once, so that a million customers cost about as much as the few thousand
//! states that they are in. Nothing is recorded, and nothing is decided here: a rulebook takes force by its own command.

mod essence;
mod questions;
mod report;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use essence::{Essence, Landmarks};

use super::company::Company;
use super::customer::{Customer, World, rule};
use super::ids::Pseudonym;
use super::question::Question;
use super::rulebook::Rulebook;
use super::ruling::{Basis, ReasonCode, Ruling, State};
use super::time::Time;

pub use report::{Difference, Questions, Report};

/// Customers' states that are remembered at once; beyond it the count so far is added up and remembering starts anew.
const ESSENCES_MAX: usize = 200_000;
/// Sets of changes that are remembered at once.
const SETS_MAX: usize = 1_024;

/// An answer without its positions, which differ from customer to customer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Verdict {
    /// Yes or no.
    pub allowed: bool,
    /// The most blocking state among the cells (R1).
    pub state: State,
    /// What a yes rests on.
    pub basis: Option<Basis>,
    /// Each reason, in the order of the list.
    pub reasons: Vec<ReasonCode>,
}

impl Verdict {
    fn of(ruling: &Ruling) -> Self {
        let mut reasons: Vec<_> = ruling.reasons.iter().map(|reason| reason.code).collect();
        reasons.sort_unstable();
        reasons.dedup();
        Self {
            allowed: ruling.allowed,
            state: ruling.state,
            basis: ruling.basis,
            reasons,
        }
    }
}

/// A question, by its place, with the answers before and after, by theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Change {
    question: u32,
    answers: u32,
}

/// Customers whom the same changes meet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Tally {
    customers: u64,
    /// The sum of their pseudonyms: these are random, so that equal sums and numbers mean the same customers.
    who: u128,
    examples: Vec<Pseudonym>,
}

impl Tally {
    fn count(&mut self, customer: Pseudonym, examples_max: usize) {
        self.customers = self.customers.saturating_add(1);
        self.who = self.who.wrapping_add(u128::from_be_bytes(customer.0));
        if self.examples.len() < examples_max {
            self.examples.push(customer);
        }
    }

    fn add(&mut self, other: &Self, examples_max: usize) {
        self.customers = self.customers.saturating_add(other.customers);
        self.who = self.who.wrapping_add(other.who);
        let room = examples_max.saturating_sub(self.examples.len());
        (self.examples).extend(other.examples.iter().take(room));
    }
}

struct ChangeSet {
    changes: Arc<[Change]>,
    tally: Tally,
}

/// A comparison under way: customers come in, the differences are counted.
pub struct Comparison {
    before: Arc<Rulebook>,
    after: Arc<Rulebook>,
    /// Since when opt-out approval has been enabled: under the one before, and were the other one to take force now.
    opt_out_since: (Time, Time),
    company: Arc<Company>,
    at: Time,
    landmarks: Landmarks,
    examples_max: usize,
    questions: Vec<Question>,
    /// Answers before and after, each pair once, and where each stands.
    answers: Vec<(Verdict, Verdict)>,
    places: HashMap<(Verdict, Verdict), u32>,
    known: HashMap<Essence, usize>,
    sets: Vec<ChangeSet>,
    set_of: HashMap<Arc<[Change]>, usize>,
    counted: HashMap<Change, Tally>,
    customers: u64,
    changed: u64,
    ruled: u64,
}

impl Comparison {
    /// Starts comparing the answers under `before`, which has enabled opt-out since `opt_out_since` if it does, with those
    /// under `after` as if it took force at `at`; with up to `examples_max` customers as examples of each difference.
    pub fn new(
        before: Arc<Rulebook>,
        after: Arc<Rulebook>,
        opt_out_since: Time,
        company: Arc<Company>,
        at: Time,
        examples_max: usize,
    ) -> Self {
        let kept = after.keeps_opt_out_of(&before, at);
        let since_after = Rulebook::opt_out_since(kept.then_some(opt_out_since), at);
        let opt_out_since = (opt_out_since, since_after);
        Self {
            questions: questions::all(&before, &after, at),
            landmarks: Landmarks::of(&company, opt_out_since.0, at),
            opt_out_since,
            before,
            after,
            company,
            at,
            examples_max,
            answers: Vec::new(),
            places: HashMap::new(),
            known: HashMap::new(),
            sets: Vec::new(),
            set_of: HashMap::new(),
            counted: HashMap::new(),
            customers: 0,
            changed: 0,
            ruled: 0,
        }
    }

    /// The instant of all answers.
    pub fn at(&self) -> Time {
        self.at
    }

    /// Customers taken so far.
    pub fn customers(&self) -> u64 {
        self.customers
    }

    /// Compares the answers about one customer.
    pub fn take(&mut self, pseudonym: Pseudonym, customer: &Customer) {
        let essence = Essence::of(customer, &self.landmarks);
        let set = match self.known.get(&essence) {
            Some(set) => *set,
            None => self.learn(essence, customer),
        };
        self.customers = self.customers.saturating_add(1);
        if let Some(set) = self.sets.get_mut(set)
            && !set.changes.is_empty()
        {
            self.changed = self.changed.saturating_add(1);
            set.tally.count(pseudonym, self.examples_max);
        }
    }

    /// Rules on a customer of a kind not met so far, and says by which set of changes.
    fn learn(&mut self, essence: Essence, customer: &Customer) -> usize {
        if self.known.len() >= ESSENCES_MAX || self.sets.len() >= SETS_MAX {
            self.add_up();
        }
        let changes: Arc<[Change]> = self.changes(customer).into();
        let next = self.sets.len();
        let set = *(self.set_of.entry(Arc::clone(&changes))).or_insert(next);
        if set == next {
            self.sets.push(ChangeSet {
                changes,
                tally: Tally::default(),
            });
        }
        self.known.insert(essence, set);
        self.ruled = self.ruled.saturating_add(1);
        set
    }

    fn changes(&mut self, customer: &Customer) -> Vec<Change> {
        let company = Arc::clone(&self.company);
        let (before, after) = (Arc::clone(&self.before), Arc::clone(&self.after));
        let world = |rulebook, opt_out_since| World {
            rulebook,
            opt_out_since,
            pic_request_used: false,
            company: &company,
            known: None,
        };
        let (since_before, since_after) = self.opt_out_since;
        let mut changes = Vec::new();
        for (place, question) in (0..).zip(&self.questions) {
            let old = rule(
                Some(customer),
                world(&before, since_before),
                question,
                self.at,
            );
            let new = rule(
                Some(customer),
                world(&after, since_after),
                question,
                self.at,
            );
            if old.allowed != new.allowed {
                let pair = (Verdict::of(&old), Verdict::of(&new));
                let next = self.answers.len() as u32;
                let answers = *self.places.entry(pair.clone()).or_insert(next);
                if answers == next {
                    self.answers.push(pair);
                }
                changes.push(Change {
                    question: place,
                    answers,
                });
            }
        }
        changes
    }

    /// Adds what was counted by sets to what is counted by changes, and forgets the sets.
    fn add_up(&mut self) {
        for set in self.sets.drain(..) {
            for change in set.changes.iter() {
                let tally = self.counted.entry(*change).or_default();
                tally.add(&set.tally, self.examples_max);
            }
        }
        self.set_of.clear();
        self.known.clear();
    }

    /// What was found.
    pub fn finish(mut self) -> Report {
        self.add_up();
        let found = self.counted.into_iter().filter_map(|(change, tally)| {
            let question = self.questions.get(change.question as usize)?;
            Some((question, change.answers, tally))
        });
        Report {
            at: self.at,
            customers: self.customers,
            changed: self.changed,
            kinds_of_customer: self.ruled,
            questions: self.questions.len() as u64,
            differences: report::differences(found, &self.answers),
        }
    }
}
