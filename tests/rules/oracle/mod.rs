//! The naive oracle: keeps the plain list of all facts and recomputes every cell by brute force over explicit sets.
//!
//! Written from the readings R1-R15 alone. It shares no code with the rules, is slow on purpose, and says where the
//! specification leaves an answer open (`None`), so that a test compares only what is settled.

#![allow(dead_code, reason = "each test file uses its part")]

use std::collections::BTreeSet;

use consent_ledger::domain::consent::word::BlockKind;
use consent_ledger::domain::ids::{Category, Position};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::ruling::{Basis, State};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Purpose, RecipientKind};

use crate::rules::ledger::Record;
use cells::{Cell, ENTITIES, world};
use facts::{Fact, What, ended_by_lapse, held, intervals};

mod cells;
mod facts;
mod refusals;

pub use refusals::Refusals;

/// What the specification says of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Yes, no, or left open.
    pub allowed: Option<bool>,
    pub state: State,
    /// What a yes may rest on.
    pub bases: Vec<Basis>,
}

/// All that is known of one customer.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    facts: Vec<Fact>,
    /// FCC: a block doesn't reach held categories, an agent may market them (R7, R8).
    pub fcc: bool,
}

impl Oracle {
    /// Takes note of what was recorded.
    pub fn note(&mut self, record: &Record) {
        let Some(mut fact) = Fact::of(record) else {
            return;
        };
        if let What::Grant { cells, within, .. } = &mut fact.what {
            let older = self.facts.iter().filter(|block| match &block.what {
                What::Block { cells: blocked, .. } => cells.is_subset_of(blocked),
                _ => false,
            });
            within.extend(older.map(|block| block.position));
        }
        self.facts.push(fact);
    }

    /// R5: all that is known today, as it counts at `at`: what narrows from when it happened, what widens from when it
    /// was recorded. The end of a service carries its own date.
    pub fn in_hindsight(&self, at: Time) -> Self {
        let counts = |fact: &&Fact| match &fact.what {
            What::Block { .. } | What::CallEnded(_) => fact.said_at() <= at,
            What::Closed(..) => true,
            What::Opened(_) | What::Notice(_) | What::Grant { .. } | What::Once { .. } => {
                fact.recorded_at <= at
            }
        };
        Self {
            facts: self.facts.iter().filter(counts).cloned().collect(),
            fcc: self.fcc,
        }
    }

    /// The categories held.
    pub fn held(&self, at: Time) -> Vec<Category> {
        held(&self.facts, at)
    }

    /// Whether the category is held and no end of it is known.
    pub fn may_close(&self, category: &Category, at: Time) -> Option<Time> {
        let one = intervals(&self.facts)
            .into_iter()
            .rfind(|one| one.category == *category)?;
        (one.holds_at(at) && one.ends_at.is_none()).then_some(one.starts_at)
    }

    /// Whether the category can be opened: not held now.
    pub fn may_open(&self, category: &Category, at: Time) -> bool {
        !self.held(at).contains(category)
    }

    /// Every instant at which an answer can change without a new record (R18).
    pub fn turning_points(&self) -> Vec<Time> {
        let mut points = BTreeSet::new();
        for fact in &self.facts {
            match &fact.what {
                What::Closed(_, ends_at) | What::Once { ends_at, .. } => points.insert(*ends_at),
                _ => false,
            };
        }
        points.into_iter().collect()
    }

    /// R3: whether the block was lifted in the cell. A lift is for good, so the grant may have ended since.
    fn is_lifted(&self, block: &Fact, cell: Cell) -> bool {
        self.facts.iter().any(|fact| match &fact.what {
            What::Grant {
                cells,
                lifts,
                within,
            } => {
                let named = || lifts.iter().any(|lifted| self.names_block(*lifted, block));
                cells.has(cell)
                    && fact.is_later_than(block)
                    && (named() || within.contains(&block.position))
            }
            _ => false,
        })
    }

    /// Whether who names the block at `named` names `block`: itself, or one that it repeats.
    fn names_block(&self, named: Position, block: &Fact) -> bool {
        let repeats = |fact: &Fact| match (&fact.what, &block.what) {
            (What::Block { says, .. }, What::Block { says: said, .. }) => says == said,
            _ => false,
        };
        block.position == named
            || block.position < named
                && (self.facts.iter()).any(|fact| fact.position == named && repeats(fact))
    }

    /// Whether the block was said again later: the newest stands for its repeats.
    fn was_repeated(&self, block: Position) -> bool {
        let fact = self.facts.iter().find(|fact| fact.position == block);
        fact.is_some_and(|block| {
            let mut later = self
                .facts
                .iter()
                .filter(|fact| fact.position > block.position);
            later.any(|fact| self.names_block(fact.position, block))
        })
    }

    /// The unlifted blocks of a cell, and whether each only restricts.
    fn standing_blocks(&self, cell: Cell) -> Vec<(Position, bool)> {
        let standing = self.facts.iter().filter_map(|fact| match &fact.what {
            What::Block { cells, says } if cells.has(cell) && !self.is_lifted(fact, cell) => {
                Some((fact.position, says.kind == BlockKind::Restrict))
            }
            _ => None,
        });
        standing.collect()
    }

    fn state(&self, cell: Cell, at: Time) -> State {
        // It fell to zero: where nothing was ever held, nothing lapsed.
        if self.held(at).is_empty() && !intervals(&self.facts).is_empty() {
            let spoken = self.facts.iter().any(|fact| match &fact.what {
                What::Grant { cells, .. } | What::Block { cells, .. } => cells.has(cell),
                _ => false,
            });
            return if spoken {
                State::Lapsed
            } else {
                State::Unknown
            };
        }
        let standing = self.standing_blocks(cell);
        if standing.iter().any(|(_, restricts)| !restricts) {
            return State::Denied;
        }
        if !standing.is_empty() {
            return State::Restricted;
        }
        let granted = self.facts.iter().any(|fact| match &fact.what {
            What::Grant { cells, .. } => cells.has(cell) && !ended_by_lapse(&self.facts, fact, at),
            _ => false,
        });
        if granted {
            State::Granted
        } else {
            State::Unknown
        }
    }

    /// The cells of a question: every entity of the kind where none is named (R12).
    fn cells(&self, question: &Question) -> Vec<Cell> {
        let who: Vec<Option<usize>> = match &question.entity {
            Some(entity) => {
                vec![
                    ENTITIES
                        .iter()
                        .position(|(name, _)| *name == entity.as_str()),
                ]
            }
            None => {
                let named = self.facts.iter().flat_map(|fact| &fact.names);
                let named = named.filter(|(kind, _)| *kind == question.recipient);
                std::iter::once(None)
                    .chain(named.map(|(_, who)| Some(*who)))
                    .collect()
            }
        };
        let classes = question.classes.union(question.selected_by);
        who.iter()
            .flat_map(|who| {
                classes.members().map(|class| Cell {
                    kind: question.recipient,
                    who: *who,
                    class,
                    purpose: question.purpose,
                })
            })
            .collect()
    }

    /// The answer to a question without a ground.
    pub fn ask(&self, question: &Question, at: Time) -> Answer {
        let mut answer = Answer {
            allowed: Some(true),
            state: State::Granted,
            bases: Vec::new(),
        };
        for cell in self.cells(question) {
            let state = self.state(cell, at);
            answer.state = answer.state.max(state);
            let mut bases = Vec::new();
            if state == State::Granted {
                bases.push(Basis::Grant);
            }
            if self.is_held_category(question, cell, at) {
                bases.push(Basis::HeldCategory);
            }
            let once = self.once(question, cell, at);
            if once != Some(false) {
                bases.push(Basis::OneTime);
            }
            let allowed = match bases.as_slice() {
                _ if question.purpose == Purpose::CompetitorTracking => Some(false),
                [] => Some(false),
                [Basis::OneTime] => once,
                _ => Some(true),
            };
            answer.allowed = match (answer.allowed, allowed) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (None, _) | (_, None) => None,
                _ => Some(true),
            };
            answer.bases.extend(bases);
        }
        answer
    }

    /// R6-R8.
    fn is_held_category(&self, question: &Question, cell: Cell, at: Time) -> bool {
        let may =
            cell.kind == RecipientKind::Company || self.fcc && cell.kind == RecipientKind::Agent;
        let held = self.held(at);
        let targets = &question.target_categories;
        may && cell.purpose == Purpose::MarketingComms
            && !targets.is_empty()
            && targets.iter().all(|target| held.contains(target))
            && (self.fcc || self.standing_blocks(cell).is_empty())
    }

    /// R11. Left open: whether a later block elsewhere, or one said to be older, ends the approval.
    fn once(&self, question: &Question, cell: Cell, at: Time) -> Option<bool> {
        let mut verdict = Some(false);
        for fact in &self.facts {
            let What::Once {
                call,
                cells,
                ends_at,
            } = &fact.what
            else {
                continue;
            };
            let over = self.facts.iter().any(|other| match &other.what {
                What::CallEnded(ended) => ended == call && other.position > fact.position,
                _ => false,
            });
            let asked = question.call.as_ref() == Some(call) && cells.has(cell);
            if !asked || over || at >= *ends_at || ended_by_lapse(&self.facts, fact, at) {
                continue;
            }
            let later = self
                .facts
                .iter()
                .filter(|other| other.position > fact.position);
            let mut live = Some(true);
            for other in later {
                let What::Block { cells, .. } = &other.what else {
                    continue;
                };
                let older = other
                    .occurred_at
                    .is_some_and(|said| said <= fact.recorded_at);
                if cells.has(cell) && !older {
                    live = Some(false);
                } else if live == Some(true) {
                    live = None;
                }
            }
            verdict = match (verdict, live) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (None, _) | (_, None) => None,
                _ => Some(false),
            };
        }
        verdict
    }

    /// The blocks that stand in some cell of the grant at `position`: at least these, at most those. They differ
    /// where a block names an entity that the grant reaches in another kind only, and where a block was repeated.
    pub fn still_blocked_by(&self, position: Position) -> [BTreeSet<Position>; 2] {
        let grant = self.facts.iter().find(|fact| fact.position == position);
        let Some(What::Grant { cells, .. }) = grant.map(|fact| &fact.what) else {
            panic!("no grant at {position}");
        };
        let standing = |natural: bool| {
            world()
                .filter(|cell| cells.has(*cell) && (!natural || cell.is_natural()))
                .flat_map(|cell| self.standing_blocks(cell))
                .map(|(block, _)| block)
                .filter(|block| !natural || !self.was_repeated(*block))
                .collect()
        };
        [standing(true), standing(false)]
    }
}
