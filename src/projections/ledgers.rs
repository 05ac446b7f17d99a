//! What was on record of the ledger itself at past moments: its company and its rulebook (C4).
//!
//! The records about it are few beside those about customers. They are decoded once and kept, and so are the states that
//! were asked about last; no lock is held while the disk is read or records are replayed (T5).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;

use super::history::{History, Told};
use super::{Fact, ViewError};
use crate::domain::company::{Company, CompanyEvent};
use crate::domain::event::Placed;
use crate::domain::hindsight::{self, Then};
use crate::domain::ids::Position;
use crate::domain::time::Time;

/// Ledgers of the past that are kept in memory: those asked about last.
const KEPT: usize = 8;

/// What was on record of the ledger itself.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The company.
    pub company: Arc<Company>,
    /// The digest of the rulebook in force.
    pub rulebook: [u8; 32],
    /// Since when rulebooks had enabled opt-out approval without a break, if that one did.
    pub opt_out_since: Time,
    /// The newest record about the ledger that was there.
    pub last: Position,
}

/// The records about the ledger, oldest first.
pub type Facts = Arc<Vec<Told<Fact>>>;

/// How many of the records were there then; for hindsight, also how many there are.
type Key = (usize, Option<usize>);

#[derive(Debug)]
struct Kept {
    facts: Facts,
    folded: Cache<Key, Ledger>,
}

/// A handle to the records about the ledger, and to the past states that were asked about last.
#[derive(Clone, Debug)]
pub struct Ledgers(Arc<Mutex<Kept>>);

impl Default for Ledgers {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Kept {
            facts: Facts::default(),
            folded: Cache::new(KEPT),
        })))
    }
}

impl Ledgers {
    /// All records about the ledger. Only those are read that came since the last question.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn facts(&self, history: &History) -> Result<Facts, ViewError> {
        let facts = Arc::clone(&self.kept().facts);
        let newer = history.ledger_after(version(&facts))?;
        if newer.is_empty() {
            return Ok(facts);
        }
        drop(facts);
        let mut kept = self.kept();
        // Somebody else may have read them, too.
        let seen = version(&kept.facts);
        let unseen = newer.into_iter().filter(|told| told.version > seen);
        Arc::make_mut(&mut kept.facts).extend(unseen);
        Ok(Arc::clone(&kept.facts))
    }

    /// What was on record then, or what hindsight has of then by all of `facts`, which are the first of all that there
    /// are.
    pub fn then(&self, facts: &[Told<Fact>], then: Then, in_hindsight: bool) -> Ledger {
        let known = known_by(facts, then).len();
        let key = (known, in_hindsight.then_some(facts.len()));
        let kept = self.kept().folded.get(&key).cloned();
        kept.unwrap_or_else(|| {
            let ledger = fold(facts, then, in_hindsight);
            self.kept().folded.insert(key, ledger.clone());
            ledger
        })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those of the records about the ledger that were there then.
pub fn known_by(facts: &[Told<Fact>], then: Then) -> &[Told<Fact>] {
    let known = facts.partition_point(|told| then.knew(told.position, told.recorded_at));
    facts.get(..known).unwrap_or(facts)
}

fn version(facts: &Facts) -> u64 {
    facts.last().map_or(0, |told| told.version)
}

/// The rulebook in force and the company, by the records about the ledger.
fn fold(facts: &[Told<Fact>], then: Then, in_hindsight: bool) -> Ledger {
    let mut ledger = Ledger::default();
    let known = facts.iter().filter(|told| {
        // Before the ledger began nobody was known; that too is answered by the rulebook that it began with (R16).
        let begins = matches!(told.event, Fact::LedgerOpened(_));
        begins || then.knew(told.position, told.recorded_at)
    });
    for told in known {
        ledger.last = told.position;
        match &told.event {
            Fact::LedgerOpened(genesis) => {
                ledger.rulebook = genesis.rulebook.digest.0;
                ledger.opt_out_since = told.recorded_at;
            }
            Fact::RulebookAdopted(adopted) => {
                ledger.rulebook = adopted.digest;
                ledger.opt_out_since =
                    adopted.opt_out_since(ledger.opt_out_since, told.recorded_at);
            }
            Fact::Company(event) if !in_hindsight => {
                Arc::make_mut(&mut ledger.company).follow(&told.placed().of(event));
            }
            Fact::Company(_) | Fact::About(..) => {}
        }
    }
    if in_hindsight {
        ledger.company = Arc::new(hindsight::company(of_company(facts), then));
    }
    ledger
}

/// The records about the company.
pub fn of_company(facts: &[Told<Fact>]) -> impl Iterator<Item = Placed<'_, CompanyEvent>> {
    facts.iter().filter_map(|told| match &told.event {
        Fact::Company(event) => Some(told.placed().of(event)),
        _ => None,
    })
}
