//! Opt-out, naively: each notice's clock by calendar and by hours, and which of them count in a cell (R9, R10, R17).

use std::collections::BTreeSet;

use consent_ledger::domain::ids::Position;
use consent_ledger::domain::notices::send::Delivery;
use consent_ledger::domain::ruling::State;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{CpniClass, Purpose, RecipientKind};
use jiff::{Timestamp, ToSpan, Zoned};

use super::Oracle;
use super::cells::{Cell, world};
use super::facts::{Fact, What, ended_by_lapse, gap_after, intervals};

/// When a notice's period ends, and when the next one is overdue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    matures: Time,
    overdue: Time,
}

impl Clock {
    pub(super) fn turns(self) -> [Time; 2] {
        [self.matures, self.overdue]
    }
}

fn in_denver(at: Time) -> Zoned {
    let at = Timestamp::from_microsecond(at.0).unwrap();
    at.in_tz("America/Denver").unwrap()
}

fn instant(at: &Zoned) -> Time {
    Time(at.timestamp().as_microsecond())
}

impl Oracle {
    /// R10, R17: the zone is Denver's, whose clock never changes at midnight.
    pub(super) fn clock(&self, fact: &Fact) -> Clock {
        let What::OptOut { delivery, days, .. } = fact.what else {
            panic!("no opt-out notice: {fact:?}");
        };
        let start = in_denver(fact.recorded_at);
        let matures = if delivery == Delivery::Post {
            let end = start.date().checked_add((3 + days).days()).unwrap();
            instant(&end.in_tz("America/Denver").unwrap())
        } else {
            let by_hours = Time(fact.recorded_at.0 + days * 24 * 3_600_000_000);
            // Sent at minutes at which no clock changes, but for the hour that doesn't come: jiff goes to the later.
            by_hours.max(instant(&start.checked_add(days.days()).unwrap()))
        };
        let sent = in_denver(fact.said_at()).date();
        let overdue = sent.checked_add(2.years()).unwrap();
        Clock {
            matures,
            overdue: instant(&overdue.in_tz("America/Denver").unwrap()),
        }
    }

    /// What opt-out makes of a cell without a grant and without a block; `None`: nothing.
    pub(super) fn by_opt_out(&self, cell: Cell, at: Time) -> Option<State> {
        let Clock { matures, overdue } = self.clock_of(cell, at)?;
        Some(match at {
            at if at >= overdue => State::RefreshOverdue,
            at if at >= matures => State::OptOutApproved,
            _ => State::Waiting,
        })
    }

    /// F6: from when on some notice must have been repeated, for every cell that silence decides: the company's, and that
    /// of each agent and affiliate by itself.
    pub fn repeats_owed(&self, at: Time) -> BTreeSet<Time> {
        use RecipientKind::{Affiliate, Agent, Company};
        use State::{OptOutApproved, RefreshOverdue, Waiting};
        let single = |cell: &Cell| match cell.kind {
            Company => cell.who.is_none(),
            Agent | Affiliate => cell.who.is_some(),
            _ => false,
        };
        let by_silence = |cell: &Cell| {
            cell.purpose == Purpose::MarketingComms
                && matches!(
                    self.state(*cell, at),
                    Waiting | OptOutApproved | RefreshOverdue
                )
        };
        (world().filter(single))
            .filter(by_silence)
            .filter_map(|cell| Some(self.clock_of(cell, at)?.overdue))
            .collect()
    }

    /// The clock of a cell by all notices that count in it.
    fn clock_of(&self, cell: Cell, at: Time) -> Option<Clock> {
        let counting: Vec<&Fact> = (self.facts.iter())
            .filter(|fact| self.counts(fact, cell, at) && !ended_by_lapse(&self.facts, fact, at))
            .collect();
        // The newest notice that came while no older one was fresh any more begins anew.
        let begins = (0..counting.len()).rfind(|index| {
            let sent = counting[*index].recorded_at;
            counting[..*index]
                .iter()
                .all(|older| self.clock(older).overdue <= sent)
        })?;
        let clocks: Vec<Clock> = (counting[begins..].iter())
            .map(|fact| self.clock(fact))
            .collect();
        Some(Clock {
            matures: clocks.iter().map(|clock| clock.matures).min()?,
            overdue: clocks.iter().map(|clock| clock.overdue).max()?,
        })
    }

    /// R9: whether a notice ran in the cell when the last service ended.
    pub(super) fn ran_when_services_ended(&self, cell: Cell, at: Time) -> bool {
        let ended = intervals(&self.facts)
            .iter()
            .filter_map(|one| one.ends_at)
            .max();
        let opened = self
            .facts
            .iter()
            .rposition(|fact| matches!(fact.what, What::Opened(_)));
        let (Some(ended), Some(opened)) = (ended, opened) else {
            return false;
        };
        let (known, reopened) = (&self.facts[..=opened], &self.facts[opened]);
        self.facts.iter().any(|fact| {
            let before = fact.position < reopened.position;
            self.counts(fact, cell, at)
                && fact.recorded_at < ended
                && !(before && ended_by_lapse(known, fact, reopened.recorded_at))
                && !gap_after(&self.facts, fact, Time(ended.0 - 1))
        })
    }

    /// Whether the notice is none, whenever that became known: it bounced or came back, or was e-mailed after the consent
    /// to that had been taken back (F7, R5, R10).
    pub(super) fn failed(&self, position: Position) -> bool {
        let notice = self.facts.iter().find(|fact| fact.position == position);
        let by_email = |notice: &Fact| {
            matches!(
                notice.what,
                What::OptOut {
                    delivery: Delivery::Email,
                    ..
                }
            )
        };
        self.facts.iter().any(|fact| match fact.what {
            What::Failed(failed) => failed == position,
            What::EmailRevoked => notice.is_some_and(|notice| {
                by_email(notice) && position < fact.position && fact.said_at() <= notice.recorded_at
            }),
            _ => false,
        })
    }

    /// Whether the fact is a notice whose clock runs in the cell at all.
    fn counts(&self, fact: &Fact, cell: Cell, at: Time) -> bool {
        let What::OptOut {
            cells, delivery, ..
        } = &fact.what
        else {
            return false;
        };
        let email_failed_before = || {
            self.facts.iter().any(|older| match &older.what {
                What::OptOut {
                    cells,
                    delivery: Delivery::Email,
                    ..
                } => {
                    older.position < fact.position && self.failed(older.position) && cells.has(cell)
                }
                _ => false,
            })
        };
        self.enabled_since(fact)
            && cells.has(cell)
            && fact.recorded_at <= at
            && self.can_be_opt_out(cell, at)
            && !self.failed(fact.position)
            && !(*delivery == Delivery::Email && email_failed_before())
            && !self.held(fact.recorded_at).is_empty()
            && self.register.kept(cell, fact.recorded_at, at)
            && (cell.kind == RecipientKind::Company || self.register.provided(cell, fact, at))
            && self
                .facts
                .iter()
                .all(|block| self.leaves_alone(block, fact, cell, at))
    }

    /// Whether the block, said before or after the notice, was lifted before it in all cells that matter.
    fn leaves_alone(&self, block: &Fact, notice: &Fact, cell: Cell, at: Time) -> bool {
        let reached = self.reached(block, cell, at);
        let mut reached = reached.iter();
        reached.all(|cell| self.is_lifted_before(block, *cell, notice.position))
    }

    /// F3: marketing of communications-related services, by those who provide them; never where a mobile or VoIP user is.
    fn can_be_opt_out(&self, cell: Cell, at: Time) -> bool {
        let who = match cell.kind {
            RecipientKind::Company => true,
            RecipientKind::Agent | RecipientKind::Affiliate => self.register.provides(cell, at),
            _ => false,
        };
        let place = matches!(cell.class, CpniClass::Location | CpniClass::CallDetail);
        let moves = intervals(&self.facts)
            .iter()
            .any(|one| matches!(one.category.as_str(), "cmrs" | "voip"));
        who && cell.purpose == Purpose::MarketingComms && !(place && moves)
    }
}
