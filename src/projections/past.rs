//! Answers from the past (C4, R5): customers, company and rulebook as they were on record at a moment, or as hindsight
//! has them; from the history view, and without a block.

use std::sync::Arc;

use super::history::{HistoryEntry, Told};
use super::ledgers::{known_by, of_company};
use super::{ViewError, Views};
use crate::domain::company::Company;
use crate::domain::customer::{Customer, World};
use crate::domain::hindsight::{self, Folding, Learnt, Then, Use, VoidedUse};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;

/// Uses that are judged for one page of voided ones.
const JUDGED_MAX: usize = 100;
/// Records that are looked at for one such page, each as often as it is; at least one use is judged (T5).
const RECORDS_MAX: usize = 20_000;
/// What it costs to judge a use, in records that are read: a state is copied, and the rules are asked.
const JUDGED_AS: usize = 20;

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
    opt_out_since: Time,
    company: Arc<Company>,
    /// In hindsight: the company as it was known then.
    known: Option<Arc<Company>>,
    /// Everything up to there is reflected, whoever is asked about.
    position: Position,
}

impl Past {
    /// What the rules know besides the customer.
    pub fn world(&self) -> World<'_> {
        World {
            rulebook: &self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: self.known.as_deref(),
        }
    }

    /// The company as it was on record; in hindsight, as hindsight has it.
    pub fn company(&self) -> &Arc<Company> {
        &self.company
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

/// Some of a customer's uses that hindsight doesn't bear out.
#[derive(Clone, Debug, Default)]
pub struct VoidedUses {
    /// Oldest first.
    pub found: Vec<VoidedUse>,
    /// The rulebook that each answer follows, in the same order.
    pub rulebooks: Vec<Arc<Rulebook>>,
    /// The version up to which the customer's records were looked at, if there are more.
    pub more_after: Option<u64>,
    /// What it cost, in records: those that were read and followed, and so many for each use that was judged.
    pub read: usize,
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

    fn told_up_to(&self) -> Then {
        let reached = *self.history.reached().borrow();
        Then {
            at: self.now(),
            through: Some(Position(reached.saturating_sub(1))),
        }
    }

    /// The moment asked for, with what was on record beside the customers. Histories must reflect it.
    ///
    /// # Errors
    /// When it lies ahead of the clock or the log, its rulebook's text is gone, or the view can't be read.
    pub fn past(&self, as_of: AsOf, hindsight: bool) -> Result<Past, ViewError> {
        self.past_at(self.then(as_of)?, hindsight)
    }

    /// As [`Views::past`] without hindsight, pinned to the newest record that was there, so that it can be told: nothing
    /// is added to it any more. Histories must reflect it. Without a moment it is now, as far as histories have come.
    ///
    /// # Errors
    /// As [`Views::past`], and when there was no ledger then.
    pub fn pinned(&self, as_of: Option<AsOf>) -> Result<Past, ViewError> {
        let Some(as_of) = as_of else {
            return self.past_at(self.told_up_to(), false);
        };
        let then = self.then(as_of)?;
        let through = match then.through {
            Some(through) => through,
            None => self.newest_by(then.at)?,
        };
        let pinned = Then {
            through: Some(through),
            ..then
        };
        self.past_at(pinned, false)
    }

    /// The newest record that was made by then.
    fn newest_by(&self, at: Time) -> Result<Position, ViewError> {
        // Records are in the order of their times: those made by then come first.
        let (mut by_then, mut after) = (0, *self.history.reached().borrow());
        while by_then < after {
            let middle = by_then.midpoint(after);
            match self.history.recorded_at(Position(middle))? {
                Some(recorded_at) if recorded_at <= at => by_then = middle.saturating_add(1),
                _ => after = middle,
            }
        }
        let newest = by_then.checked_sub(1).map(Position);
        newest.map_or_else(|| Err(self.before(at)?), Ok)
    }

    fn before(&self, at: Time) -> Result<ViewError, ViewError> {
        let first = self.history.recorded_at(Position(0))?;
        Ok(ViewError::Before {
            asked: at.to_string(),
            first: first.map_or_else(String::new, |first| first.to_string()),
        })
    }

    /// As [`Views::past`], of a moment that is known.
    pub(super) fn past_at(&self, then: Then, hindsight: bool) -> Result<Past, ViewError> {
        let facts = self.ledgers.facts(&self.history)?;
        let ledger = self.ledgers.then(&facts, then, hindsight);
        Ok(Past {
            then,
            hindsight,
            rulebook: self.rulebook_of(&ledger.rulebook)?,
            opt_out_since: ledger.opt_out_since,
            company: ledger.company,
            known: hindsight.then(|| self.ledgers.then(&facts, then, false).company),
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

    /// Whether the question's PIC-freeze request was answered by then, whatever customer it was about (R14).
    ///
    /// # Errors
    /// When a view can't be read.
    pub fn pic_request_used_by(&self, question: &Question, then: Then) -> Result<bool, ViewError> {
        let Some(request) = question.pic_request() else {
            return Ok(false);
        };
        let Some(answered) = self.sources.states.answered(request)? else {
            return Ok(false);
        };
        let recorded_at = self.history.recorded_at(answered)?;
        Ok(recorded_at.is_some_and(|at| then.knew(answered, at)))
    }

    /// The customer's uses after a version that the records known at a moment answer no in hindsight, though they were
    /// made: after a denial, or on an approval that was void. Up to `limit`; `None` where the ledger knew no such customer.
    ///
    /// # Errors
    /// When a rulebook's text is gone, or the view can't be read.
    pub fn voided_uses(
        &self,
        pseudonym: Pseudonym,
        after_version: u64,
        limit: usize,
        known: Then,
    ) -> Result<Option<VoidedUses>, ViewError> {
        let told = self.history.told(pseudonym, &knew(known))?;
        if told.is_empty() {
            return Ok(None);
        }
        let facts = self.ledgers.facts(&self.history)?;
        let facts = known_by(&facts, known);
        let learnt = Learnt::of(told.iter().map(Told::placed), of_company(facts));
        let mut states = Folding::of(told.iter().map(Told::placed));
        let mut voided = VoidedUses::default();
        let (mut judged, mut records, mut version) = (0, 0, after_version);
        let after = told.partition_point(|record| record.version <= after_version);
        for record in told.iter().skip(after) {
            if voided.found.len() >= limit || judged >= JUDGED_MAX || records >= RECORDS_MAX {
                voided.more_after = Some(version);
                break;
            }
            version = record.version;
            records += 1;
            let Some(used) = Use::of(&record.placed()) else {
                continue;
            };
            // What was decided then holds, unless something was learnt since.
            if !used.is_dated && !learnt.since(&used) {
                continue;
            }
            let then = used.then();
            let looked_at = states.looked_at();
            let customer = states.at(then);
            let ledger = self.ledgers.then(facts, then, true);
            let rulebook = self.rulebook_of(&ledger.rulebook)?;
            let world = World {
                rulebook: &rulebook,
                opt_out_since: ledger.opt_out_since,
                // The request that a use was made on was unused until then.
                pic_request_used: false,
                company: &ledger.company,
                known: Some(&self.ledgers.then(facts, then, false).company),
            };
            if let Some(found) = used.judge(customer.as_deref(), world) {
                voided.found.push(found);
                voided.rulebooks.push(rulebook);
            }
            // The way to the first use is no part of the page: otherwise a long history would be one page for each use.
            if judged > 0 {
                records += states.looked_at().saturating_sub(looked_at);
            }
            judged += 1;
        }
        voided.read = told.len() + states.looked_at() + judged * JUDGED_AS;
        Ok(Some(voided))
    }

    pub(super) fn then(&self, as_of: AsOf) -> Result<Then, ViewError> {
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
