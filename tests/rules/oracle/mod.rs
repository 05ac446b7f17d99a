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
pub use cells::ENTITIES;
use cells::{Cell, world};
use facts::{Fact, What, ended_by_lapse, held, intervals};

mod cells;
mod clocks;
mod facts;
mod refusals;
mod register;

pub use refusals::Refusals;
pub use register::Register;

/// What the specification says of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Yes, no, or left open.
    pub allowed: Option<bool>,
    pub state: State,
    /// The state where a clock that runs for one of a kind is a state of the kind, though not all of it can be approved
    /// so: that is left open.
    pub or_state: State,
    /// What a yes may rest on.
    pub bases: Vec<Basis>,
}

/// All that is known of one customer.
#[derive(Clone, Debug, Default)]
pub struct Oracle {
    facts: Vec<Fact>,
    /// FCC: opt-out is enabled, a block doesn't reach held categories, agents and affiliates may market them (R7, R8).
    /// By the rulebook in force.
    pub fcc: bool,
    /// The rulebooks before it (R24).
    switches: Vec<Switch>,
    /// Who is what to the company (R12).
    pub register: Register,
}

/// Another rulebook took force.
#[derive(Clone, Copy, Debug)]
struct Switch {
    position: Position,
    at: Time,
    /// Whether the one before was the FCC's.
    was_fcc: bool,
}

impl Oracle {
    /// Another rulebook takes force.
    pub fn switch(&mut self, fcc: bool, at: Time, position: Position) {
        self.switches.push(Switch {
            position,
            at,
            was_fcc: self.fcc,
        });
        self.fcc = fcc;
    }

    /// R10, R24: whether opt-out was enabled when the notice was sent, when it was recorded, and ever since: what a
    /// rulebook ended, another one doesn't bring back. At the very instant it is not known which came first.
    fn enabled_since(&self, notice: &Fact) -> bool {
        let mut since = (self.switches.iter())
            .filter(|one| one.position > notice.position || one.at >= notice.said_at());
        self.fcc && since.all(|one| one.was_fcc)
    }

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
            // A notice that failed was never given (R10).
            What::Closed(..) | What::ServedNoMore(..) | What::Failed(_) => true,
            What::EmailRevoked => fact.said_at() <= at,
            What::Opened(_)
            | What::Notice(_)
            | What::OptOut { .. }
            | What::EmailAgreed
            | What::Served(_)
            | What::Grant { .. }
            | What::Once { .. } => fact.recorded_at <= at,
        };
        // The rulebook is the one in force then (R24).
        let (before, after) = (self.switches.iter()).partition(|switch| switch.at <= at);
        let (before, after): (Vec<Switch>, Vec<Switch>) = (before, after);
        Self {
            facts: self.facts.iter().filter(counts).cloned().collect(),
            fcc: after.first().map_or(self.fcc, |next| next.was_fcc),
            switches: before,
            register: self.register.joined_by(at),
        }
    }

    /// The same with the register as it was known then: a yes must hold by both.
    pub fn in_hindsight_as_known(&self, at: Time) -> Self {
        Self {
            register: self.register.known_at(at),
            ..self.in_hindsight(at)
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
                What::Closed(_, ends_at)
                | What::ServedNoMore(_, ends_at)
                | What::Once { ends_at, .. } => {
                    points.insert(*ends_at);
                }
                What::OptOut { .. } => points.extend(self.clock(fact).turns()),
                _ => {}
            }
        }
        points.extend(self.register.ends());
        points.into_iter().collect()
    }

    /// R3: whether the block was lifted in the cell. A lift is for good, so the grant may have ended since.
    fn is_lifted(&self, block: &Fact, cell: Cell) -> bool {
        self.is_lifted_before(block, cell, Position(u64::MAX))
    }

    /// The same by grants recorded before a position only.
    fn is_lifted_before(&self, block: &Fact, cell: Cell, before: Position) -> bool {
        let mut facts = self.facts.iter().filter(|fact| fact.position < before);
        facts.any(|fact| match &fact.what {
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
    fn standing_blocks(&self, cell: Cell, at: Time) -> Vec<(Position, bool)> {
        let standing = self.facts.iter().filter_map(|fact| match &fact.what {
            What::Block { says, .. } if self.stands(fact, cell, at) => {
                Some((fact.position, says.kind == BlockKind::Restrict))
            }
            _ => None,
        });
        standing.collect()
    }

    /// Whether the block stands against the cell: in it, or in a cell of another kind that the entity has (R12).
    fn stands(&self, fact: &Fact, cell: Cell, at: Time) -> bool {
        let reached = self.reached(fact, cell, at);
        reached.iter().any(|cell| !self.is_lifted(fact, *cell))
    }

    /// The cells in which the block must have been lifted.
    fn reached(&self, fact: &Fact, cell: Cell, at: Time) -> Vec<Cell> {
        let What::Block { cells, by_kind, .. } = &fact.what else {
            return vec![];
        };
        let mut reached: Vec<_> = self.register.others(cell, at);
        reached.retain(|other| by_kind.has(*other));
        if cells.has(cell) {
            reached.push(cell);
        }
        reached
    }

    fn state(&self, cell: Cell, at: Time) -> State {
        // It fell to zero: where nothing was ever held, nothing lapsed.
        if self.held(at).is_empty() && !intervals(&self.facts).is_empty() {
            let spoken = self.facts.iter().any(|fact| match &fact.what {
                What::Grant { cells, .. } => cells.has(cell),
                What::Block { .. } => !self.reached(fact, cell, at).is_empty(),
                _ => false,
            });
            let spoken = spoken || self.ran_when_services_ended(cell, at);
            return if spoken {
                State::Lapsed
            } else {
                State::Unknown
            };
        }
        let standing = self.standing_blocks(cell, at);
        if standing.iter().any(|(_, restricts)| !restricts) {
            return State::Denied;
        }
        if !standing.is_empty() {
            return State::Restricted;
        }
        let granted = self.facts.iter().any(|fact| match &fact.what {
            What::Grant { cells, .. } => {
                cells.has(cell)
                    && !ended_by_lapse(&self.facts, fact, at)
                    && self.register.kept(cell, fact.said_at(), at)
            }
            _ => false,
        });
        if granted {
            State::Granted
        } else {
            self.by_opt_out(cell, at).unwrap_or(State::Unknown)
        }
    }

    /// The cells of a question: every entity of the kind where none is named (R12).
    fn cells(&self, question: &Question, at: Time) -> Vec<Cell> {
        let who: Vec<Option<usize>> = match &question.entity {
            Some(entity) => {
                vec![
                    ENTITIES
                        .iter()
                        .position(|(name, _)| *name == entity.as_str()),
                ]
            }
            None => {
                // A block keeps the whole kind from a yes; a lapse is told of all that was spoken of.
                let lapsed = self.held(at).is_empty();
                let is_block = |fact: &Fact| matches!(fact.what, What::Block { .. });
                let spoken = |fact: &Fact| lapsed && !self.failed(fact.position);
                let matters = |fact: &&Fact| is_block(fact) || spoken(fact);
                let named = self.facts.iter().filter(matters);
                let named = named.flat_map(|fact| &fact.names);
                let unregistered = named
                    .filter(|(kind, who)| *kind == question.recipient && !self.register.knows(*who))
                    .map(|(_, who)| *who);
                let registered = (0..ENTITIES.len())
                    .filter(|who| self.register.has(*who, question.recipient, at));
                std::iter::once(None)
                    .chain(unregistered.chain(registered).map(Some))
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
            or_state: State::Granted,
            bases: Vec::new(),
        };
        for cell in self.cells(question, at) {
            let state = self.state(cell, at);
            let by_clock = matches!(
                state,
                State::Waiting | State::RefreshOverdue | State::OptOutApproved
            );
            let of_one = by_clock
                && question.entity.is_none()
                && self.by_opt_out(Cell { who: None, ..cell }, at).is_none();
            let counted = if of_one { State::Unknown } else { state };
            answer.state = answer.state.max(counted);
            answer.or_state = answer.or_state.max(state);
            let mut bases = Vec::new();
            if state == State::Granted {
                bases.push(Basis::Grant);
            }
            if state == State::OptOutApproved {
                bases.push(Basis::OptOut);
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
                [Basis::OptOut] if of_one => None,
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
        let held = self.held(at);
        let of_kind = cell
            .who
            .is_some_and(|who| self.register.has(who, cell.kind, at));
        let serves = || {
            let served = cell.who.and_then(|who| self.served(who, at));
            question.entity.is_some() && of_kind && held.len() >= 2 && served.is_some()
        };
        let may = match cell.kind {
            RecipientKind::Company => true,
            RecipientKind::Agent => self.fcc && (of_kind || question.entity.is_none()),
            RecipientKind::Affiliate => self.fcc && serves(),
            _ => false,
        };
        let targets = &question.target_categories;
        may && cell.purpose == Purpose::MarketingComms
            && !targets.is_empty()
            && targets.iter().all(|target| held.contains(target))
            && (self.fcc || self.standing_blocks(cell, at).is_empty())
    }

    /// Whether the affiliate serves the customer then, and if so until when.
    fn served(&self, who: usize, at: Time) -> Option<Option<Time>> {
        let newest = (self.facts.iter()).rfind(
            |fact| matches!(fact.what, What::Served(one) if one == who && fact.recorded_at <= at),
        )?;
        let later = self
            .facts
            .iter()
            .filter(|fact| fact.position > newest.position);
        let ends = later.filter_map(|fact| match fact.what {
            What::ServedNoMore(one, ends_at) if one == who => Some(ends_at),
            _ => None,
        });
        let end = ends.min();
        end.is_none_or(|end| at < end).then_some(end)
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

    /// The blocks that stand in the very cell.
    fn standing_in(&self, cell: Cell) -> Vec<Position> {
        let standing = self.facts.iter().filter(|fact| match &fact.what {
            What::Block { cells, .. } => cells.has(cell) && !self.is_lifted(fact, cell),
            _ => false,
        });
        standing.map(|fact| fact.position).collect()
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
                .flat_map(|cell| self.standing_in(cell))
                .filter(|block| !natural || !self.was_repeated(*block))
                .collect()
        };
        [standing(true), standing(false)]
    }
}
