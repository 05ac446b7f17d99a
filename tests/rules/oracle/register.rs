//! Who is what to the company, as plain stretches of time (R12).

use std::collections::BTreeSet;

use consent_ledger::domain::ids::Position;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::RecipientKind;

use super::cells::Cell;
use super::facts::Fact;

/// One entity in one kind, by its number in the small world.
#[derive(Clone, Debug)]
struct Stretch {
    who: usize,
    kind: RecipientKind,
    communications: bool,
    from: Time,
    /// No fact recorded before it has this position.
    begins: Position,
    until: Option<Time>,
}

/// Everything that was registered.
#[derive(Clone, Debug, Default)]
pub struct Register(Vec<Stretch>, Vec<End>);

/// An end, as it was registered.
#[derive(Clone, Copy, Debug)]
struct End {
    who: usize,
    kind: RecipientKind,
    until: Time,
    recorded_at: Time,
}

impl Register {
    pub fn join(
        &mut self,
        who: usize,
        kind: RecipientKind,
        communications: bool,
        (from, begins): (Time, Position),
    ) {
        let until = None;
        self.0.push(Stretch {
            who,
            kind,
            communications,
            from,
            begins,
            until,
        });
    }

    /// Who had joined by then, with every end that is known today (R5).
    pub(super) fn joined_by(&self, at: Time) -> Self {
        let joined = self.0.iter().filter(|one| one.from <= at);
        Self(joined.cloned().collect(), self.1.clone())
    }

    /// What was registered by then, as if nothing more had been.
    pub(super) fn known_at(&self, at: Time) -> Self {
        let joined = self.0.iter().filter(|one| one.from <= at);
        let until = None;
        let joined = joined.map(|one| Stretch {
            until,
            ..one.clone()
        });
        let mut known = Self(joined.collect(), Vec::new());
        for end in self.1.iter().filter(|end| end.recorded_at <= at) {
            known.end(*end);
        }
        known
    }

    /// It is so no longer from `until` on; an end on record is never put off.
    pub fn leave(&mut self, who: usize, kind: RecipientKind, until: Time, now: Time) {
        self.end(End {
            who,
            kind,
            until,
            recorded_at: now,
        });
    }

    fn end(&mut self, end: End) {
        let End {
            who,
            kind,
            until,
            recorded_at: now,
        } = end;
        self.1.push(end);
        for one in &mut self.0 {
            if one.who == who && one.kind == kind && one.lasts(now) {
                one.until = Some(one.until.map_or(until, |known| known.min(until)));
            }
        }
    }

    /// Whether it is registered in the kind with no end known.
    pub fn is_open(&self, who: usize, kind: RecipientKind, now: Time) -> bool {
        let mut all = self.0.iter();
        all.any(|one| one.who == who && one.kind == kind && one.lasts(now) && one.until.is_none())
    }

    /// Whether an end can be registered: it is of the kind, and no end as early is on record.
    pub fn may_leave(&self, who: usize, kind: RecipientKind, until: Time, now: Time) -> bool {
        let mut all = self.0.iter();
        all.any(|one| {
            let is_later = one.until.is_none_or(|known| until < known);
            one.who == who && one.kind == kind && one.lasts(now) && is_later
        })
    }

    /// Whether it was ever registered: otherwise it is what the caller says.
    pub(super) fn knows(&self, who: usize) -> bool {
        self.0.iter().any(|one| one.who == who)
    }

    /// Whether it is registered in the kind. A contractor is no agent.
    pub fn has(&self, who: usize, kind: RecipientKind, at: Time) -> bool {
        let is = |kind| {
            let mut all = self.0.iter();
            all.any(|one| one.who == who && one.kind == kind && one.lasts(at))
        };
        is(kind) && !(kind == RecipientKind::Agent && is(RecipientKind::PartnerOrContractor))
    }

    /// The cells of the other kinds that the recipient has.
    pub(super) fn others(&self, cell: Cell, at: Time) -> Vec<Cell> {
        let kinds = RecipientKind::EVERY.iter().copied();
        let others = kinds.filter(|kind| {
            *kind != cell.kind && cell.who.is_some_and(|who| self.has(who, *kind, at))
        });
        others.map(|kind| Cell { kind, ..cell }).collect()
    }

    /// Whether what was recorded then holds: the recipient fits, and never lost the kind in between.
    pub(super) fn kept(&self, cell: Cell, from: Time, at: Time) -> bool {
        let Some(who) = cell.who.filter(|who| self.knows(*who)) else {
            return true;
        };
        // At one instant it is not known which came first.
        let from = Time(from.0 - 1);
        let mut instants = BTreeSet::from([from, at]);
        for one in &self.0 {
            instants.extend([one.from].into_iter().chain(one.until));
        }
        let had = instants
            .into_iter()
            .filter(|instant| from <= *instant && *instant <= at)
            .map(|instant| self.has(who, cell.kind, instant));
        let had: Vec<bool> = had.collect();
        had.last() == Some(&true) && !had.windows(2).any(|pair| pair == [true, false])
    }

    /// Whether who receives provides communications-related services; every entity of the kind where none is named.
    pub(super) fn provides(&self, cell: Cell, at: Time) -> bool {
        let mut of_kind = self.0.iter().filter(|one| {
            one.kind == cell.kind
                && one.lasts(at)
                && self.has(one.who, cell.kind, at)
                && cell.who.is_none_or(|who| who == one.who)
        });
        let first = of_kind.next();
        first.is_some_and(|first| first.communications) && of_kind.all(|one| one.communications)
    }

    /// The same when something was recorded: who joins later was not asked for (R5, R10).
    pub(super) fn provided(&self, cell: Cell, fact: &Fact, at: Time) -> bool {
        let from = fact.recorded_at;
        let now = (self.0.iter()).filter(|one| {
            one.kind == cell.kind
                && self.has(one.who, cell.kind, at)
                && cell.who.is_none_or(|who| who == one.who)
        });
        let who: BTreeSet<usize> = now.map(|one| one.who).collect();
        let provided = |who: usize| {
            let mut then = self.0.iter().filter(|one| {
                one.who == who
                    && one.kind == cell.kind
                    && one.lasts(from)
                    && one.begins <= fact.position
            });
            let first = then.next();
            self.has(who, cell.kind, from)
                && first.is_some_and(|first| first.communications)
                && then.all(|one| one.communications)
        };
        who.into_iter().all(provided)
    }

    /// Every end.
    pub(super) fn ends(&self) -> impl Iterator<Item = Time> {
        self.0.iter().filter_map(|one| one.until)
    }
}

impl Stretch {
    fn lasts(&self, at: Time) -> bool {
        self.from <= at && self.until.is_none_or(|until| at < until)
    }
}
