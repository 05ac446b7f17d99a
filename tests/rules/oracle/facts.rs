//! The facts, plainly, and the stretches of time in which services are held.

use consent_ledger::domain::company::templates::{Statement, Statements};
use consent_ledger::domain::consent::word::Block;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Category, Position, Token};
use consent_ledger::domain::notices::send::Delivery;
use consent_ledger::domain::notices::{NoticeEvent, NoticeGiven, Shown};
use consent_ledger::domain::served::AffiliateEvent;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Medium, RecipientKind};

use super::cells::{
    Cells, block_cells, by_kind, grant_cells, names, names_blocked, number, written_out,
};
use crate::rules::ledger::Record;

/// 64.2008(c), in the order of its paragraphs: what a notice must say and how. The one on type is none for what is said.
const DEMANDED: [Statement; 13] = [
    Statement::RightAndDuty,
    Statement::CpniTypes,
    Statement::Entities,
    Statement::Purposes,
    Statement::RightToDeny,
    Statement::Steps,
    Statement::NoEffectOnService,
    Statement::Comprehensible,
    Statement::Legible,
    Statement::FullyTranslated,
    Statement::NoFreezeEncouragement,
    Statement::ValidUntilRevoked,
    Statement::ProximateSolicitation,
];

/// F4: whether each required statement is in the notice.
pub(super) fn says_all(found: Statements, form: Medium) -> bool {
    let demanded = DEMANDED.iter();
    let mut demanded = demanded.filter(|one| form != Medium::Oral || **one != Statement::Legible);
    demanded.all(|one| found.contains(*one))
}

/// F4: whether a record of it shows that. A template was approved only because it does.
fn is_valid(given: &NoticeGiven) -> bool {
    match given.shown {
        Some(Shown::Template(_)) => true,
        Some(Shown::Statements(found)) => says_all(found, given.notice.form),
        None => false,
    }
}

#[derive(Clone, Debug)]
pub(super) enum What {
    Opened(Category),
    Closed(Category, Time),
    Notice(Cells),
    /// A notice that asks for opt-out approval.
    OptOut {
        cells: Cells,
        delivery: Delivery,
        days: i64,
    },
    /// That notice bounced or came back.
    Failed(Position),
    /// Consent to notices by e-mail, given and taken back.
    EmailAgreed,
    EmailRevoked,
    /// An affiliate serves the customer itself, and no longer does.
    Served(usize),
    ServedNoMore(usize, Time),
    Grant {
        cells: Cells,
        lifts: Vec<Position>,
        /// The older blocks of which the grant is a subset.
        within: Vec<Position>,
    },
    Block {
        cells: Cells,
        /// What it blocks by whole kinds only: so a block on one kind of an entity reaches it in another (R12).
        by_kind: Cells,
        says: Block,
    },
    Once {
        call: Token,
        cells: Cells,
        ends_at: Time,
    },
    CallEnded(Token),
}

#[derive(Clone, Debug)]
pub(super) struct Fact {
    pub(super) position: Position,
    pub(super) command: Position,
    pub(super) recorded_at: Time,
    pub(super) occurred_at: Option<Time>,
    pub(super) names: Vec<(RecipientKind, usize)>,
    pub(super) what: What,
}

impl Fact {
    /// What the record says, if it bears on any answer.
    pub(super) fn of(record: &Record) -> Option<Self> {
        let (what, names) = match &record.event {
            Event::ServiceOpened(opened) => (What::Opened(opened.category.clone()), vec![]),
            Event::ServiceClosed(closed) => (
                What::Closed(closed.category.clone(), closed.ends_at),
                vec![],
            ),
            Event::NoticeGiven(given) if is_valid(given) => {
                (What::Notice(grant_cells(&given.notice.covers)), vec![])
            }
            Event::Granted(granted) => (
                What::Grant {
                    cells: grant_cells(&granted.scope),
                    lifts: granted.lifts.clone(),
                    within: vec![],
                },
                names(&granted.scope),
            ),
            Event::Blocked(blocked) => {
                let block = &blocked.block;
                (
                    What::Block {
                        cells: block_cells(block),
                        by_kind: by_kind(block),
                        says: written_out(block),
                    },
                    names_blocked(&block.scope),
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
            Event::Notices(NoticeEvent::Sent(sent)) => match &sent.opt_out {
                Some(clock) => (
                    What::OptOut {
                        cells: grant_cells(&sent.covers),
                        delivery: sent.delivery,
                        days: clock.days.into(),
                    },
                    names(&sent.covers),
                ),
                None => (What::Notice(grant_cells(&sent.covers)), vec![]),
            },
            Event::Notices(NoticeEvent::Failed(failed)) => (What::Failed(failed.notice), vec![]),
            Event::Notices(NoticeEvent::EmailAgreed(_)) => (What::EmailAgreed, vec![]),
            Event::Notices(NoticeEvent::EmailRevoked(_)) => (What::EmailRevoked, vec![]),
            Event::Affiliates(AffiliateEvent::Began(began)) => {
                (What::Served(number(&began.affiliate)), vec![])
            }
            Event::Affiliates(AffiliateEvent::Ended(ended)) => {
                let who = number(&ended.affiliate);
                (What::ServedNoMore(who, ended.ends_at), vec![])
            }
            Event::CallEnded(ended) => (What::CallEnded(ended.call), vec![]),
            _ => return None,
        };
        Some(Self {
            position: record.position,
            command: record.command,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            names,
            what,
        })
    }

    /// R4, among witnessed words.
    pub(super) fn is_later_than(&self, other: &Self) -> bool {
        let stated = self.occurred_at.is_some() || other.occurred_at.is_some();
        self.position > other.position
            && self.command != other.command
            && (!stated || self.said_at() > other.said_at())
    }

    pub(super) fn said_at(&self) -> Time {
        self.occurred_at.unwrap_or(self.recorded_at)
    }
}

/// One stretch of time in which a category is held.
#[derive(Clone, Debug)]
pub(super) struct Interval {
    pub(super) category: Category,
    pub(super) starts_at: Time,
    pub(super) ends_at: Option<Time>,
    pub(super) opened_by: Position,
    pub(super) closed_by: Option<Position>,
}

impl Interval {
    pub(super) fn holds_at(&self, at: Time) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

pub(super) fn intervals(facts: &[Fact]) -> Vec<Interval> {
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
                    .rfind(|interval| interval.category == *category && interval.ends_at.is_none());
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

pub(super) fn held(facts: &[Fact], at: Time) -> Vec<Category> {
    let held = intervals(facts).into_iter().filter(|one| one.holds_at(at));
    held.map(|one| one.category).collect()
}

/// R9: whether all services ended between the fact and `at`. Ends count from when they came, openings from their
/// recording (R5); closing and opening in one command leaves no gap.
pub(super) fn ended_by_lapse(facts: &[Fact], fact: &Fact, at: Time) -> bool {
    let none_held_after = |known: usize, at: Time| held(&facts[..known], at).is_empty();
    if none_held_after(facts.len(), at) {
        return true;
    }
    for (index, other) in facts.iter().enumerate() {
        if other.position <= fact.position || other.recorded_at > at {
            continue;
        }
        let first = index == 0 || facts[index - 1].command != other.command;
        let last = facts
            .get(index + 1)
            .is_none_or(|next| next.command != other.command);
        if first && none_held_after(index, other.recorded_at)
            || last && none_held_after(index + 1, other.recorded_at)
        {
            return true;
        }
    }
    gap_after(facts, fact, at)
}

/// Whether, with what is known now, nothing was held at some instant from the fact until `at`.
pub(super) fn gap_after(facts: &[Fact], fact: &Fact, at: Time) -> bool {
    let intervals = intervals(facts);
    intervals.iter().any(|ended| {
        let Some(end) = ended.ends_at.filter(|end| *end <= at) else {
            return false;
        };
        let held_on = intervals.iter().any(|one| one.holds_at(end));
        let replaced = intervals
            .iter()
            .any(|one| one.starts_at >= end && Some(one.opened_by) == ended.closed_by);
        let later = intervals.iter().filter(|one| one.starts_at > end);
        let next = later.min_by_key(|one| (one.starts_at, one.opened_by));
        // At one instant the order is by position.
        let before =
            |next: &Interval| (fact.recorded_at, fact.position) < (next.starts_at, next.opened_by);
        !held_on && !replaced && next.is_none_or(before)
    })
}
