//! The naive oracle: keeps the plain list of all facts and recomputes every cell by brute force over explicit sets.
//!
//! Written from the readings R1-R15 alone. It shares no code with the rules, is slow on purpose, and says where the
//! specification leaves an answer open (`None`), so that a test compares only what is settled.

use std::collections::BTreeSet;

use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::{Block, BlockKind, SpokenWord, Statement};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Category, EntityId, Position, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::ruling::{Basis, State};
use consent_ledger::domain::scope::{Recipients, Scope};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    AssuranceMethod, CpniClass, Medium, Purpose, RecipientKind, Speaker,
};

use super::ledger::Record;

/// The entities of the small world, each with the kind that it is named in. Beside them there is somebody else.
pub const ENTITIES: [(&str, RecipientKind); 5] = [
    ("acme", RecipientKind::Affiliate),
    ("beta", RecipientKind::Affiliate),
    ("ag", RecipientKind::Agent),
    ("mom", RecipientKind::Parent),
    ("jv", RecipientKind::PartnerOrContractor),
];

/// One cell: who gets which class for what. `who` counts [`ENTITIES`]; `None` is somebody else of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cell {
    kind: RecipientKind,
    who: Option<usize>,
    class: CpniClass,
    purpose: Purpose,
}

/// Every cell of the small world, in a fixed order.
fn world() -> impl Iterator<Item = Cell> {
    let who = || std::iter::once(None).chain((0..ENTITIES.len()).map(Some));
    RecipientKind::EVERY.iter().flat_map(move |kind| {
        who().flat_map(move |who| {
            CpniClass::EVERY.iter().flat_map(move |class| {
                Purpose::EVERY.iter().map(move |purpose| Cell {
                    kind: *kind,
                    who,
                    class: *class,
                    purpose: *purpose,
                })
            })
        })
    })
}

impl Cell {
    /// Its place in [`world`].
    fn index(self) -> usize {
        let who = self.who.map_or(0, |who| who + 1);
        let kind_and_who = self.kind as usize * (ENTITIES.len() + 1) + who;
        let with_class = kind_and_who * CpniClass::EVERY.len() + self.class as usize;
        with_class * Purpose::EVERY.len() + self.purpose as usize
    }

    /// The cells whose block also blocks this one: a parent is an affiliate (R12), call detail shows place and
    /// amount (R13).
    fn blocked_with(self) -> Vec<Cell> {
        let mut kinds = vec![self.kind];
        if self.kind == RecipientKind::Parent {
            kinds.push(RecipientKind::Affiliate);
        }
        let mut classes = vec![self.class];
        if self.class == CpniClass::CallDetail {
            classes.extend([
                CpniClass::Destination,
                CpniClass::Location,
                CpniClass::AmountOfUse,
            ]);
        }
        let mut cells = Vec::new();
        for kind in kinds {
            cells.extend(classes.iter().map(|class| Cell {
                kind,
                class: *class,
                ..self
            }));
        }
        cells
    }

    /// Whether it is a cell of an entity in the kind it is named in, or of somebody else.
    fn is_natural(self) -> bool {
        self.who.is_none_or(|who| ENTITIES[who].1 == self.kind)
    }
}

/// A set of cells, one flag for each of [`world`].
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cells(Vec<bool>);

impl Cells {
    fn of(belongs: impl Fn(Cell) -> bool) -> Self {
        Self(world().map(belongs).collect())
    }

    fn has(&self, cell: Cell) -> bool {
        self.0[cell.index()]
    }

    fn is_empty(&self) -> bool {
        !self.0.contains(&true)
    }

    fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, two)| !one || *two)
    }
}

fn is(who: Option<usize>, entity: &EntityId) -> bool {
    who.is_some_and(|who| ENTITIES[who].0 == entity.as_str())
}

/// What a grant, a notice or an exception covers: just what it names.
fn named_exactly(scope: &Scope, cell: Cell) -> bool {
    let recipients = &scope.recipients;
    let by_name = recipients.named.iter();
    let by_name = by_name
        .filter(|named| named.kind == cell.kind)
        .any(|named| is(cell.who, &named.entity));
    (recipients.kinds.contains(cell.kind) || by_name)
        && scope.classes.contains(cell.class)
        && scope.purposes.contains(cell.purpose)
}

/// What a block's scope covers by its own words: what is left empty means all (R2), a name follows the entity (R12).
fn named_by_block(scope: &Scope, cell: Cell) -> bool {
    let Recipients { kinds, named } = &scope.recipients;
    let anybody = kinds.is_empty() && named.is_empty();
    let by_name = named.iter().any(|named| is(cell.who, &named.entity));
    (anybody || kinds.contains(cell.kind) || by_name)
        && (scope.classes.is_empty() || scope.classes.contains(cell.class))
        && (scope.purposes.is_empty() || scope.purposes.contains(cell.purpose))
}

fn grant_cells(scope: &Scope) -> Cells {
    Cells::of(|cell| named_exactly(scope, cell))
}

/// Scope minus exceptions, then what is blocked along with it.
fn block_cells(block: &Block) -> Cells {
    let by_itself = |cell: Cell| {
        named_by_block(&block.scope, cell)
            && !block
                .except
                .iter()
                .any(|except| named_exactly(except, cell))
    };
    Cells::of(|cell| cell.blocked_with().into_iter().any(by_itself))
}

/// Which kinds a word names an entity in: (kind, who).
fn names(scopes: &[&Scope]) -> Vec<(RecipientKind, usize)> {
    let named = scopes.iter().flat_map(|scope| &scope.recipients.named);
    named
        .filter_map(|named| {
            let who = ENTITIES
                .iter()
                .position(|entity| entity.0 == named.entity.as_str());
            who.map(|who| (named.kind, who))
        })
        .collect()
}

#[derive(Clone, Debug)]
enum What {
    Opened(Category),
    Closed(Category, Time),
    Notice(Cells),
    Grant {
        cells: Cells,
        lifts: Vec<Position>,
    },
    Block {
        cells: Cells,
        restricts: bool,
    },
    Once {
        call: Token,
        cells: Cells,
        ends_at: Time,
    },
    CallEnded(Token),
}

#[derive(Clone, Debug)]
struct Fact {
    position: Position,
    command: Position,
    recorded_at: Time,
    occurred_at: Option<Time>,
    names: Vec<(RecipientKind, usize)>,
    what: What,
}

impl Fact {
    /// R4, among witnessed words.
    fn is_later_than(&self, other: &Self) -> bool {
        let stated = self.occurred_at.is_some() || other.occurred_at.is_some();
        self.position > other.position
            && self.command != other.command
            && (!stated || self.said_at() > other.said_at())
    }

    fn said_at(&self) -> Time {
        self.occurred_at.unwrap_or(self.recorded_at)
    }
}

/// One stretch of time in which a category is held.
#[derive(Clone, Debug)]
struct Interval {
    category: Category,
    starts_at: Time,
    ends_at: Option<Time>,
    opened_by: Position,
    closed_by: Option<Position>,
}

impl Interval {
    fn holds_at(&self, at: Time) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

fn intervals(facts: &[Fact]) -> Vec<Interval> {
    let mut intervals: Vec<Interval> = Vec::new();
    for fact in facts {
        match &fact.what {
            What::Opened(category) => intervals.push(Interval {
                category: category.clone(),
                starts_at: fact.recorded_at,
                ends_at: None,
                opened_by: fact.command,
                closed_by: None,
            }),
            What::Closed(category, ends_at) => {
                let newest = intervals
                    .iter_mut()
                    .filter(|interval| interval.category == *category && interval.ends_at.is_none())
                    .next_back();
                if let Some(open) = newest {
                    open.ends_at = Some(*ends_at);
                    open.closed_by = Some(fact.command);
                }
            }
            _ => {}
        }
    }
    intervals
}

fn held(facts: &[Fact], at: Time) -> Vec<Category> {
    let held = intervals(facts).into_iter().filter(|one| one.holds_at(at));
    held.map(|one| one.category).collect()
}

/// What the specification says of a question.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Yes, no, or left open.
    pub allowed: Option<bool>,
    pub state: State,
    /// What a yes may rest on.
    pub bases: Vec<Basis>,
}

/// What the specification says of a command that grants.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Refusals {
    /// The codes that apply; none: it is accepted.
    pub codes: BTreeSet<RefusalCode>,
    /// The specification leaves open whether it is accepted.
    pub open: bool,
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
        let (what, names) = match &record.event {
            Event::ServiceOpened(opened) => (What::Opened(opened.category.clone()), vec![]),
            Event::ServiceClosed(closed) => (
                What::Closed(closed.category.clone(), closed.ends_at),
                vec![],
            ),
            Event::NoticeGiven(given) => (What::Notice(grant_cells(&given.notice.covers)), vec![]),
            Event::Granted(granted) => (
                What::Grant {
                    cells: grant_cells(&granted.scope),
                    lifts: granted.lifts.clone(),
                },
                names(&[&granted.scope]),
            ),
            Event::Blocked(blocked) => {
                let block = &blocked.block;
                let scopes: Vec<_> = std::iter::once(&block.scope).chain(&block.except).collect();
                (
                    What::Block {
                        cells: block_cells(block),
                        restricts: block.kind == BlockKind::Restrict,
                    },
                    names(&scopes),
                )
            }
            Event::GrantedOnce(once) => (
                What::Once {
                    call: once.grant.call,
                    cells: grant_cells(&once.grant.scope),
                    ends_at: once.ends_at,
                },
                vec![],
            ),
            Event::CallEnded(ended) => (What::CallEnded(ended.call), vec![]),
            _ => return,
        };
        self.facts.push(Fact {
            position: record.position,
            command: record.command,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            names,
            what,
        });
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

    /// R9: whether all services ended between the fact and `at`. Ends count from when they came, openings from their
    /// recording (R5); closing and opening in one command leaves no gap.
    fn ended_by_lapse(&self, fact: &Fact, at: Time) -> bool {
        let none_held_after = |known: usize, at: Time| held(&self.facts[..known], at).is_empty();
        if none_held_after(self.facts.len(), at) {
            return true;
        }
        for (index, other) in self.facts.iter().enumerate() {
            if other.position <= fact.position {
                continue;
            }
            let first = index == 0 || self.facts[index - 1].command != other.command;
            let last = self
                .facts
                .get(index + 1)
                .is_none_or(|next| next.command != other.command);
            if first && none_held_after(index, other.recorded_at)
                || last && none_held_after(index + 1, other.recorded_at)
            {
                return true;
            }
        }
        self.gap_after(fact.recorded_at, at)
    }

    /// Whether, with what is known now, nothing was held at some instant from `since` until `at`.
    fn gap_after(&self, since: Time, at: Time) -> bool {
        let intervals = intervals(&self.facts);
        intervals.iter().any(|ended| {
            let Some(end) = ended.ends_at.filter(|end| *end <= at) else {
                return false;
            };
            let held_on = intervals.iter().any(|one| one.holds_at(end));
            let replaced = intervals
                .iter()
                .any(|one| one.starts_at >= end && Some(one.opened_by) == ended.closed_by);
            let starts = intervals.iter().map(|one| one.starts_at);
            let next = starts.filter(|start| *start > end).min();
            !held_on && !replaced && next.is_none_or(|next| since < next)
        })
    }

    /// R3: whether the block was lifted in the cell. A lift is for good, so the grant may have ended since.
    fn is_lifted(&self, block: &Fact, block_cells: &Cells, cell: Cell) -> bool {
        self.facts.iter().any(|fact| match &fact.what {
            What::Grant { cells, lifts } => {
                cells.has(cell)
                    && fact.is_later_than(block)
                    && (lifts.contains(&block.position) || cells.is_subset_of(block_cells))
            }
            _ => false,
        })
    }

    /// The unlifted blocks of a cell, and whether each only restricts.
    fn standing_blocks(&self, cell: Cell) -> Vec<(Position, bool)> {
        let standing = self.facts.iter().filter_map(|fact| match &fact.what {
            What::Block { cells, restricts }
                if cells.has(cell) && !self.is_lifted(fact, cells, cell) =>
            {
                Some((fact.position, *restricts))
            }
            _ => None,
        });
        standing.collect()
    }

    fn state(&self, cell: Cell, at: Time) -> State {
        if self.held(at).is_empty() {
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
            What::Grant { cells, .. } => cells.has(cell) && !self.ended_by_lapse(fact, at),
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

    /// Whether the specification leaves open which entities an unnamed parent stands for.
    pub fn leaves_open(&self, question: &Question) -> bool {
        let named = self.facts.iter().flat_map(|fact| &fact.names);
        question.recipient == RecipientKind::Parent
            && question.entity.is_none()
            && named
                .into_iter()
                .any(|(kind, _)| *kind == RecipientKind::Affiliate)
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
            if !asked || over || at >= *ends_at || self.ended_by_lapse(fact, at) {
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
    /// where a block names an entity that the grant reaches in another kind only.
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
                .collect()
        };
        [standing(true), standing(false)]
    }

    /// Why the command is refused, as far as it grants something (R2, R3, R9, R11, R15, R19).
    pub fn refusals(&self, command: &Command, now: Time, occurred_at: Option<Time>) -> Refusals {
        let mut refusals = Refusals::default();
        match command {
            Command::Speak(speak) => {
                for word in &speak.words {
                    match word {
                        SpokenWord::Grant { scope, lifts } => {
                            self.refuse_grant(
                                &mut refusals,
                                scope,
                                &speak.statement,
                                now,
                                occurred_at,
                            );
                            if speak.statement.medium == Medium::Oral
                                && speak.statement.evidence_digest.is_none()
                            {
                                refusals.codes.insert(RefusalCode::EvidenceRequired);
                            }
                            if !lifts.iter().all(|block| self.is_block(*block)) {
                                refusals.codes.insert(RefusalCode::BlockUnknown);
                            }
                        }
                        // A restriction that excepts all it restricts says nothing.
                        SpokenWord::Block(block) => refusals.open |= block_cells(block).is_empty(),
                    }
                }
            }
            Command::GrantOnce(once) => {
                self.refuse_grant(
                    &mut refusals,
                    &once.scope,
                    &once.statement,
                    now,
                    occurred_at,
                );
                if once.statement.evidence_reference.is_none() {
                    refusals.codes.insert(RefusalCode::EvidenceRequired);
                }
                for fact in &self.facts {
                    match &fact.what {
                        What::CallEnded(call) if *call == once.call => {
                            refusals.codes.insert(RefusalCode::Call);
                        }
                        What::Once { call, ends_at, .. } if *call == once.call => {
                            refusals.open |= *ends_at <= now;
                        }
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        refusals
    }

    fn is_block(&self, position: Position) -> bool {
        let mut facts = self.facts.iter();
        facts.any(|fact| fact.position == position && matches!(fact.what, What::Block { .. }))
    }

    fn refuse_grant(
        &self,
        refusals: &mut Refusals,
        scope: &Scope,
        statement: &Statement,
        now: Time,
        occurred_at: Option<Time>,
    ) {
        let said_at = occurred_at.unwrap_or(now);
        let recipients = &scope.recipients;
        if recipients.kinds.is_empty() && recipients.named.is_empty()
            || scope.classes.is_empty()
            || scope.purposes.is_empty()
        {
            refusals.codes.insert(RefusalCode::ScopeRequired);
        }
        if self.held(now).is_empty() {
            refusals.codes.insert(RefusalCode::NoService);
        }
        // Whether the service must have been held when the grant was said, too, is left open.
        refusals.open |= occurred_at.is_some()
            && (self.held(said_at).is_empty() || self.gap_after(said_at, now));
        let cells = grant_cells(scope);
        let answered = self.facts.iter().any(|fact| match &fact.what {
            What::Notice(covers) => {
                statement.notice == Some(fact.position)
                    && fact.recorded_at <= said_at
                    && cells.is_subset_of(covers)
            }
            _ => false,
        });
        if !answered {
            refusals.codes.insert(RefusalCode::NoticeRequired);
        }
        let verified = statement.assurance.as_ref().is_some_and(|assurance| {
            assurance.method != AssuranceMethod::Mail
                && assurance.at <= said_at
                && said_at < assurance.at.plus_minutes(30)
        });
        if !verified || statement.speaker == Speaker::Other {
            refusals.codes.insert(RefusalCode::VerificationRequired);
        }
    }
}
