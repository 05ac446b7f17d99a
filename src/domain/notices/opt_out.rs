//! Opt-out approval: what notices make of a cell in which nothing is granted and nothing blocks (F5 to F7, R10).
//!
//! Nothing happens when a period ends: the state keeps each notice with the two instants of its clock, and a question
//! looks at them. Only marketing of communications-related services is ever approved so, by the company, and by agents
//! and affiliates that provide such services (64.2007(b)); never the location of mobile or VoIP users (47 USC 222(f)).

use serde::{Deserialize, Serialize};

use super::NOTICES_MAX;
use super::email::EmailConsent;
use super::send::{Delivery, NoticeSent, OptOutClock};
use crate::domain::company::standing::Standing;
use crate::domain::consent::precedence::free_before;
use crate::domain::customer::{Customer, World};
use crate::domain::event::Placed;
use crate::domain::ids::{Category, Position};
use crate::domain::ruling::State;
use crate::domain::scope::{CellRef, Scope};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind, RecipientKinds};

/// Notices asking for opt-out approval that a customer's state keeps: the newest. With an older one goes what it alone
/// approved.
pub const ASKED_MAX: usize = 32;
/// E-mailed notices that failed and are kept apart; with one more, e-mail starts no clock in any cell.
pub const FAILED_MAX: usize = 32;

/// E-mailed notices that a report may still reach though they left `asked`: as many as the kept notices leave room for.
const DISPLACED_MAX: usize = NOTICES_MAX - ASKED_MAX;

/// Who may rely on opt-out approval (64.2007(b)).
const RECIPIENTS: RecipientKinds = RecipientKinds::of(RecipientKind::Company)
    .with(RecipientKind::Agent)
    .with(RecipientKind::Affiliate);

/// Classes that tell where a user is. Call detail has the place of each call (R13).
const PLACES: CpniClasses = CpniClasses::of(CpniClass::Location).with(CpniClass::CallDetail);

/// What the ledger knows of a customer's opt-out notices; few customers have any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OptOut {
    /// Notices that asked for opt-out approval, but those that failed; oldest first, bounded.
    asked: Vec<Asked>,
    /// E-mailed ones that failed: in their cells no later e-mail starts a clock (64.2008(d)(3)(iii)). Bounded.
    failed: Vec<FailedEmail>,
    /// E-mailed ones that gave way to newer notices and may still be reported on, oldest first; bounded.
    displaced: Vec<Position>,
    /// The consent to e-mail, while it stands.
    pub email: Option<EmailConsent>,
}

/// A notice that asks for opt-out approval.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Its record.
    pub position: Position,
    /// When the ledger recorded it: the start of its clock.
    pub recorded_at: Time,
    /// Whether it was sent by e-mail.
    pub by_email: bool,
    /// Its clock.
    pub clock: OptOutClock,
    /// What it covers.
    pub covers: Scope,
}

impl Asked {
    /// Whether opt-out was enabled when the notice was sent, and has been ever since: a rulebook that enables it again
    /// brings nothing back (R10, R24).
    pub fn was_enabled(&self, world: World<'_>) -> bool {
        self.clock.enabled && world.opt_out_since <= self.recorded_at
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FailedEmail {
    position: Position,
    covers: Scope,
}

/// A cell, and what matters of the customer and the world around it.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The customer.
    pub customer: &'a Customer,
    /// The rulebook and the company.
    pub world: World<'a>,
    /// The recipient as the register knows it.
    pub standing: Standing<'a>,
    /// The cell.
    pub cell: CellRef<'a>,
    /// The category whose CPNI is used, where the question says so.
    pub source: Option<&'a Category>,
    /// When.
    pub at: Time,
}

/// What opt-out notices make of the cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// None bears on it.
    #[default]
    None,
    /// Notices ask for it, but the rulebook does not enable opt-out, or did not when they were sent.
    NotEnabled,
    /// Notices ask for what only opt-in approves (F3).
    OptInOnly,
    /// An e-mailed notice failed: only another form starts a clock (F7).
    AnotherForm,
    /// A clock runs, ran out, or is overdue: waiting, opt-out approved or refresh overdue, by these records.
    Clock(State, Vec<Position>),
}

/// What a notice owes: that it is repeated before its years are over (F6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repeat {
    /// From when on the notice must have been repeated.
    pub overdue_at: Time,
    /// The notice.
    pub notice: Position,
    /// Since when it is owed: since the notice was recorded.
    pub since: Time,
    /// The notice that repeated it, in time or late, and when that was recorded.
    pub by: Option<(Position, Time)>,
}

impl OptOut {
    pub(super) fn ask(&mut self, placed: &Placed<'_, NoticeSent>, clock: &OptOutClock) {
        self.asked.push(Asked {
            position: placed.position,
            recorded_at: placed.recorded_at,
            by_email: placed.event.delivery == Delivery::Email,
            clock: *clock,
            covers: placed.event.covers.clone(),
        });
        if self.asked.len() > ASKED_MAX {
            let oldest = self.asked.remove(0);
            self.displaced
                .extend(oldest.by_email.then_some(oldest.position));
        }
        if self.displaced.len() > DISPLACED_MAX {
            self.displaced.remove(0);
        }
    }

    /// The notice of that record, unless it failed.
    pub fn asked(&self, position: Position) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.position == position)
    }

    /// Since when approvals may have rested on the notice: since its period ended, or since it kept up what another
    /// one's two years would have ended.
    pub(super) fn relied_on_since(&self, position: Position, now: Time) -> Option<Time> {
        let asked = self.asked(position).filter(|asked| asked.clock.enabled)?;
        let kept_up = (self.asked.iter())
            .filter(|other| other.position < position)
            .map(|other| other.clock.refresh_at)
            .filter(|overdue| *overdue >= asked.recorded_at);
        (kept_up.chain([asked.clock.matures_at]))
            .filter(|since| *since <= now)
            .min()
    }

    /// The customer took the consent to e-mail back then: what was e-mailed since had none, as if it had failed (R5, F7).
    pub(super) fn revoke_email(&mut self, happened_at: Time) {
        self.email = None;
        let since: Vec<_> = (self.asked.iter())
            .filter(|asked| asked.by_email && asked.recorded_at >= happened_at)
            .map(|asked| asked.position)
            .collect();
        for position in since {
            self.fail(position);
        }
    }

    /// The notice failed, whenever that becomes known: no clock ever ran by it.
    pub(super) fn fail(&mut self, position: Position) {
        let Some(index) = (self.asked.iter()).position(|asked| asked.position == position) else {
            // What it covered is no longer known: it may be any cell.
            if self.displaced.contains(&position) {
                self.bar_email();
            }
            return;
        };
        let asked = self.asked.remove(index);
        if !asked.by_email {
            return;
        }
        if self.failed.len() >= FAILED_MAX {
            return self.bar_email();
        }
        self.failed.push(FailedEmail {
            position,
            covers: asked.covers,
        });
    }

    /// From here on, and for what was e-mailed before, e-mail starts no clock in any cell.
    fn bar_email(&mut self) {
        self.failed = vec![FailedEmail {
            position: Position(0),
            covers: Scope::everything(),
        }];
    }

    /// The notices that didn't fail, oldest first.
    pub fn all(&self) -> &[Asked] {
        &self.asked
    }

    /// The e-mailed ones that failed, with what they covered.
    pub fn failed(&self) -> impl Iterator<Item = (Position, &Scope)> {
        (self.failed.iter()).map(|failed| (failed.position, &failed.covers))
    }

    /// What the notices cover that didn't fail.
    pub fn covers(&self) -> impl Iterator<Item = &Scope> {
        self.asked.iter().map(|asked| &asked.covers)
    }

    /// The instants at which a clock turns (R18).
    pub fn turns(&self) -> impl Iterator<Item = Time> {
        (self.asked.iter()).flat_map(|asked| [asked.clock.matures_at, asked.clock.refresh_at])
    }

    /// Whether some notice, failed ones aside, must be or have been repeated by then.
    pub(super) fn any_overdue_by(&self, until: Time) -> bool {
        (self.asked.iter()).any(|asked| asked.clock.refresh_at <= until)
    }

    /// What the notices owe in a cell that they decide, oldest first: what is still owed comes last (F6).
    pub(super) fn repeats(&self, look: Look<'_>) -> Vec<Repeat> {
        if !look.may_be_approved() || !look.world.rulebook.opt_out(look.at) {
            return Vec::new();
        }
        let counting = (self.asked.iter()).filter(|asked| {
            asked.recorded_at <= look.at
                && asked.covers.covers(look.cell)
                && self.counts(asked, &look)
        });
        let mut repeats: Vec<Repeat> = Vec::new();
        for asked in counting {
            let overdue_at = asked.clock.refresh_at;
            if let Some(last) = repeats.last_mut() {
                // One that leaves the date where it was repeats nothing.
                if asked.recorded_at < last.overdue_at && overdue_at <= last.overdue_at {
                    continue;
                }
                last.by = Some((asked.position, asked.recorded_at));
            }
            repeats.push(Repeat {
                overdue_at,
                notice: asked.position,
                since: asked.recorded_at,
                by: None,
            });
        }
        repeats
    }

    /// What the notices make of the cell.
    pub fn read(&self, look: Look<'_>) -> Reading {
        let covered = |covers: &Scope| covers.covers(look.cell);
        let failed = self.failed.iter().any(|failed| covered(&failed.covers));
        let mut asked = (self.asked.iter())
            .filter(|asked| asked.recorded_at <= look.at && covered(&asked.covers))
            .peekable();
        if asked.peek().is_none() && !failed {
            return Reading::None;
        }
        if !look.may_be_approved() {
            return Reading::OptInOnly;
        }
        if !look.world.rulebook.opt_out(look.at) {
            return Reading::NotEnabled;
        }
        let counting: Vec<_> = asked.filter(|asked| self.counts(asked, &look)).collect();
        match run(&counting, look.at) {
            Some((state, positions)) => Reading::Clock(state, positions),
            None if failed => Reading::AnotherForm,
            None => match (self.asked.iter())
                .any(|asked| !asked.was_enabled(look.world) && covered(&asked.covers))
            {
                true => Reading::NotEnabled,
                false => Reading::None,
            },
        }
    }

    /// Whether the notice's clock runs in the cell at all. It doesn't where opt-out wasn't enabled, no service was held,
    /// a block stood or came since, the entity joined or left since, or an e-mail for the cell had failed before.
    fn counts(&self, asked: &Asked, look: &Look<'_>) -> bool {
        let services = &look.customer.services;
        let barred = asked.by_email
            && (self.failed.iter())
                .any(|failed| failed.position < asked.position && failed.covers.covers(look.cell));
        asked.was_enabled(look.world)
            && !barred
            && services.held_ever_since(asked.recorded_at, asked.position, look.at)
            && look.standing.holds_since(asked.recorded_at)
            && look.standing.provided_communications(
                look.world.company,
                asked.recorded_at,
                asked.position,
            )
            && free_before(
                &look.customer.words,
                look.cell,
                &look.standing,
                asked.position,
            )
    }
}

/// Lets the clocks of notices run, oldest first: the first to end approves, a timely one goes on without a break, a
/// late one waits again.
fn run(counting: &[&Asked], at: Time) -> Option<(State, Vec<Position>)> {
    let mut counting = counting.iter();
    let first = counting.next()?;
    let (mut approved, mut overdue) = (first.clock.matures_at, first.clock.refresh_at);
    let (mut matures_by, mut newest) = (first.position, first.position);
    for next in counting {
        let timely = next.recorded_at < overdue;
        if !timely || next.clock.matures_at < approved {
            (approved, matures_by) = (next.clock.matures_at, next.position);
        }
        overdue = match timely {
            true => overdue.max(next.clock.refresh_at),
            false => next.clock.refresh_at,
        };
        newest = next.position;
    }
    let state = if at >= overdue {
        State::RefreshOverdue
    } else if at >= approved {
        State::OptOutApproved
    } else {
        State::Waiting
    };
    let mut positions = vec![matures_by];
    if newest != matures_by {
        positions.push(newest);
    }
    positions.sort_unstable();
    Some((state, positions))
}

impl Look<'_> {
    /// Whether opt-out can approve the cell (F3, 64.2007(b), 47 USC 222(f)).
    fn may_be_approved(&self) -> bool {
        let rulebook = self.world.rulebook;
        let located = || {
            let held = self
                .customer
                .services
                .held
                .iter()
                .map(|held| &held.category);
            (held.chain(self.source)).any(|category| rulebook.location_by_opt_in(category))
        };
        self.cell.purpose == Purpose::MarketingComms
            && RECIPIENTS.contains(self.cell.kind)
            && self.standing.is_confirmed()
            && self.standing.provides_communications(self.world.company)
            && !(PLACES.contains(self.cell.class) && located())
    }
}

#[cfg(test)]
mod tests;
