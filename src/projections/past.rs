//! Answers from the past (C4, R5): customers, company and rulebook as they were on record at a moment, or as hindsight
//! has them; from the history view, and without a block.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;

use super::history::{HistoryEntry, Told};
use super::{Fact, ViewError, Views};
use crate::domain::company::{Company, CompanyEvent};
use crate::domain::customer::{Customer, World};
use crate::domain::event::Placed;
use crate::domain::hindsight::{
    self, Then, Use, VoidedUse, is_learnt_later, is_learnt_later_of_company,
};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;

/// Companies of the past that are kept in memory: those asked about last.
const KEPT: NonZeroUsize = NonZeroUsize::new(8).unwrap();
/// Uses that are judged for one page of voided ones.
const JUDGED_MAX: usize = 100;

/// The moment that a question is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// From what was recorded by then, with the clock at then.
    Time(Time),
    /// From the records up to and with that one, with the clock at its `recorded_at`.
    Position(Position),
}

/// A moment of the past, and what was on record beside the customers.
#[derive(Clone, Debug)]
pub struct Past {
    /// The moment.
    pub then: Then,
    /// Whether today's records count, as hindsight counts them.
    pub hindsight: bool,
    /// The rulebook in force then (R24).
    pub rulebook: Arc<Rulebook>,
    company: Arc<Company>,
    /// Everything up to there is reflected, whoever is asked about.
    position: Position,
}

impl Past {
    /// What the rules know besides the customer.
    pub fn world(&self) -> World<'_> {
        World {
            rulebook: &self.rulebook,
            company: &self.company,
        }
    }

    /// The newest record that an answer about the customer reflects.
    pub fn position(&self, customer: Option<&Customer>) -> Position {
        match (self.then.through, self.hindsight) {
            (Some(through), false) => through,
            (_, true) => self.position,
            (None, false) => customer.map_or(self.position, |one| one.last.max(self.position)),
        }
    }
}

/// What was on record of the ledger itself.
#[derive(Clone, Debug, Default)]
struct Ledger {
    company: Arc<Company>,
    rulebook: [u8; 32],
    last: Position,
}

/// Ledgers of the past: by the ledger's version, or by the moment that hindsight is for.
type Key = (u64, Option<Then>);

/// A handle to the ledgers that were asked about last.
#[derive(Clone, Debug)]
pub struct Ledgers(Arc<Mutex<LruCache<Key, Ledger>>>);

impl Default for Ledgers {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(LruCache::new(KEPT))))
    }
}

impl Ledgers {
    fn get(
        &self,
        key: Key,
        fold: impl FnOnce() -> Result<Ledger, ViewError>,
    ) -> Result<Ledger, ViewError> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ledger) = kept.get(&key) {
            return Ok(ledger.clone());
        }
        let ledger = fold()?;
        kept.put(key, ledger.clone());
        Ok(ledger)
    }
}

/// Some of a customer's uses that hindsight doesn't bear out.
#[derive(Clone, Debug)]
pub struct VoidedUses {
    /// Oldest first.
    pub found: Vec<VoidedUse>,
    /// The rulebook that each answer follows, in the same order.
    pub rulebooks: Vec<Arc<Rulebook>>,
    /// The version up to which the customer's records were looked at, if there are more.
    pub more_after: Option<u64>,
}

impl Views {
    /// Whether histories hold all that an answer as of the moment needs, so that nobody has to wait for what is newer.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn is_past(&self, as_of: AsOf, hindsight: bool) -> Result<bool, ViewError> {
        let reached = *self.history.reached().borrow();
        let Some(newest) = reached.checked_sub(1).filter(|_| !hindsight) else {
            return Ok(false);
        };
        match as_of {
            AsOf::Position(position) => Ok(position.0 <= newest),
            AsOf::Time(at) => {
                let recorded_at = self.history.recorded_at(Position(newest))?;
                Ok(recorded_at.is_some_and(|newest| newest > at))
            }
        }
    }

    /// The moment asked for, with what was on record beside the customers. Histories must reflect it.
    ///
    /// # Errors
    /// When it lies ahead of the clock or the log, its rulebook's text is gone, or the view can't be read.
    pub fn past(&self, as_of: AsOf, hindsight: bool) -> Result<Past, ViewError> {
        let then = self.then(as_of)?;
        let ledger = self.ledger_then(then, hindsight)?;
        Ok(Past {
            then,
            hindsight,
            rulebook: self.rulebook_of(&ledger.rulebook)?,
            company: ledger.company,
            position: match hindsight {
                true => Position(self.reached().0.saturating_sub(1)),
                false => ledger.last,
            },
        })
    }

    /// The customer's state at that moment; `None` where the ledger knew none.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn past_customer(
        &self,
        pseudonym: Pseudonym,
        past: &Past,
    ) -> Result<Option<Customer>, ViewError> {
        if past.hindsight {
            let told = self.history.told(pseudonym, &|_| true)?;
            return Ok(hindsight::customer(
                told.iter().map(Told::placed),
                past.then,
            ));
        }
        self.history.customer(pseudonym, &knew(past.then))
    }

    /// The customer's uses after a version that hindsight answers no, though they were made: after a denial, or on an
    /// approval that was void. Up to `limit`.
    ///
    /// # Errors
    /// When a rulebook's text is gone, or the view can't be read.
    pub fn voided_uses(
        &self,
        pseudonym: Pseudonym,
        after_version: u64,
        limit: usize,
    ) -> Result<VoidedUses, ViewError> {
        let told = self.history.told(pseudonym, &|_| true)?;
        let facts = self.history.ledger(&|_| true)?;
        let mut voided = VoidedUses {
            found: Vec::new(),
            rulebooks: Vec::new(),
            more_after: None,
        };
        let (mut judged, mut version) = (0, after_version);
        let after = told.iter().filter(|record| record.version > after_version);
        for record in after {
            if voided.found.len() >= limit || judged >= JUDGED_MAX {
                voided.more_after = Some(version);
                break;
            }
            version = record.version;
            let Some(used) = Use::of(&record.placed()) else {
                continue;
            };
            let then = used.then();
            // What was decided then holds, unless something was learnt since.
            let is_borne_out = !used.is_dated
                && !told.iter().any(|one| is_learnt_later(&one.placed(), then))
                && !of_company(&facts).any(|one| is_learnt_later_of_company(&one, then));
            if is_borne_out {
                continue;
            }
            judged += 1;
            let customer = hindsight::customer(told.iter().map(Told::placed), then);
            let ledger = fold(&facts, then, true);
            let rulebook = self.rulebook_of(&ledger.rulebook)?;
            let world = World {
                rulebook: &rulebook,
                company: &ledger.company,
            };
            if let Some(found) = used.judge(customer.as_ref(), world) {
                voided.found.push(found);
                voided.rulebooks.push(rulebook);
            }
        }
        Ok(voided)
    }

    fn then(&self, as_of: AsOf) -> Result<Then, ViewError> {
        match as_of {
            AsOf::Time(at) if at > self.now() => Err(ViewError::Ahead {
                asked: at.to_string(),
                newest: self.now().to_string(),
            }),
            AsOf::Time(at) => Ok(Then { at, through: None }),
            AsOf::Position(position) if position >= self.reached() => Err(ViewError::Ahead {
                asked: format!("position {position}"),
                newest: format!("position {}", self.reached().0.saturating_sub(1)),
            }),
            AsOf::Position(position) => {
                let recorded_at = self.history.recorded_at(position)?;
                let at = recorded_at.ok_or_else(|| self.not_reached(position))?;
                Ok(Then {
                    at,
                    through: Some(position),
                })
            }
        }
    }

    fn not_reached(&self, position: Position) -> ViewError {
        ViewError::NotReached {
            wanted: position.0,
            reached: *self.history.reached().borrow(),
        }
    }

    fn ledger_then(&self, then: Then, hindsight: bool) -> Result<Ledger, ViewError> {
        if hindsight {
            // A leaving may be recorded between two questions: what is kept is of the same records only.
            let version = self.history.ledger_version(&|_| true)?;
            return self.ledgers.get((version, Some(then)), || {
                Ok(fold(&self.history.ledger(&|_| true)?, then, true))
            });
        }
        let known = knew(then);
        let version = self.history.ledger_version(&known)?;
        self.ledgers.get((version, None), || {
            Ok(fold(&self.history.ledger(&known)?, then, false))
        })
    }

    fn rulebook_of(&self, digest: &[u8; 32]) -> Result<Arc<Rulebook>, ViewError> {
        let current = &self.sources.rulebook;
        if current.digest == *digest {
            return Ok(Arc::clone(current));
        }
        let kept = self.sources.rulebooks.get(digest);
        kept.cloned()
            .ok_or_else(|| ViewError::RulebookMissing(crate::ledger::Hash(*digest).to_string()))
    }
}

fn knew(then: Then) -> impl Fn(&HistoryEntry) -> bool {
    move |entry| then.knew(entry.position, entry.recorded_at)
}

/// The rulebook in force and the company, by the records about the ledger.
fn fold(facts: &[Told<Fact>], then: Then, in_hindsight: bool) -> Ledger {
    let mut ledger = Ledger::default();
    let known = (facts.iter()).filter(|told| then.knew(told.position, told.recorded_at));
    for told in known {
        ledger.last = told.position;
        match &told.event {
            Fact::LedgerOpened(genesis) => ledger.rulebook = genesis.rulebook.digest.0,
            Fact::RulebookAdopted(adopted) => ledger.rulebook = adopted.digest,
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

fn of_company(facts: &[Told<Fact>]) -> impl Iterator<Item = Placed<'_, CompanyEvent>> {
    facts.iter().filter_map(|told| match &told.event {
        Fact::Company(event) => Some(told.placed().of(event)),
        _ => None,
    })
}
