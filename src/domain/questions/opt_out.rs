//! Opt-out approval: what may rest on a notice to which nobody objected, and when (F3 to F7, R10; 64.2007(b), 64.2008(d)).

use super::live::{cells, holds_what_is_marketed, state};
use super::trail::Asked;
use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::company::standing::Standing;
use crate::domain::event::Event;
use crate::domain::ids::Position;
use crate::domain::notices::NoticeEvent;
use crate::domain::notices::send::{Delivery, NoticeSent};
use crate::domain::question::Question;
use crate::domain::rulebook::{Number, RuleName};
use crate::domain::ruling::{ReasonCode, State};
use crate::domain::scope::CellRef;
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, Medium, Purpose, RecipientKind};

pub(super) const AFTER_BOUNCE: StandingQuestion = StandingQuestion {
    name: "opt-out-after-bounce",
    requirements: "F7, R10",
    clauses: "47 CFR 64.2008(d)(3)(iii)",
    asks: "Which uses rest on an opt-out notice that had bounced or come back, or on an e-mail sent after one had bounced?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let failed = relied_on(seen).find_map(|notice| Some((notice.position, notice.failed_by?)));
        if let Some((notice, failed_by)) = failed {
            return Some(format!("notice {notice} failed by record {failed_by}"));
        }
        let barred = |cell: &CellRef<'_>| {
            let mut covering = relied_on(seen).filter(|notice| notice.covers.covers(*cell));
            covering.all(|notice| is_barred(seen, notice, *cell))
        };
        let cell = resting(seen).find(barred)?;
        let (class, kind) = (cell.class, cell.kind);
        Some(format!(
            "{class} for {kind} rests on an e-mail sent after one had bounced"
        ))
    }),
};

/// Whether the notice was e-mailed after another e-mail for the cell had failed: then only another form starts a clock.
fn is_barred(seen: &Seen<'_>, notice: &Asked, cell: CellRef<'_>) -> bool {
    notice.delivery == Delivery::Email
        && (seen.trail.all_asked().iter()).any(|earlier| {
            earlier.position < notice.position
                && earlier.failed_by.is_some()
                && earlier.delivery == Delivery::Email
                && earlier.covers.covers(cell)
        })
}

pub(super) const YOUNGER_THAN_PERIOD: StandingQuestion = StandingQuestion {
    name: "opt-out-younger-than-its-period",
    requirements: "F5, R10",
    clauses: "47 CFR 64.2008(d)(1)",
    asks: "Which uses rest on an opt-out notice whose period had not ended?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let at = seen.placed.recorded_at;
        clocks(seen).find_map(|(cell, clock)| {
            (at < clock.approved_from).then(|| {
                let from = clock.approved_from;
                format!(
                    "{} for {} is approved from {from} on only",
                    cell.class, cell.kind
                )
            })
        })
    }),
};

pub(super) const REFRESH_OVERDUE: StandingQuestion = StandingQuestion {
    name: "opt-out-refresh-overdue",
    requirements: "F6, R10",
    clauses: "47 CFR 64.2008(d)(2)",
    asks: "Which uses rest on an opt-out notice that was not repeated within two years?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let at = seen.placed.recorded_at;
        clocks(seen).find_map(|(cell, clock)| {
            (at >= clock.overdue_from).then(|| {
                let from = clock.overdue_from;
                format!(
                    "{} for {} is overdue for a new notice since {from}",
                    cell.class, cell.kind
                )
            })
        })
    }),
};

pub(super) const BEYOND_REACH: StandingQuestion = StandingQuestion {
    name: "opt-out-beyond-its-reach",
    requirements: "F3, R10",
    clauses: "47 CFR 64.2007(b); 47 USC 222(f)",
    asks: "Which uses by third parties, for other purposes or of a location rest on opt-out alone, or on one that was not enabled?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| beyond_reach(seen, asked_in(seen)?)),
};

pub(super) const PERIOD_TOO_SHORT: StandingQuestion = StandingQuestion {
    name: "opt-out-period-too-short",
    requirements: "F5, R10",
    clauses: "47 CFR 64.2008(d)(1)",
    asks: "Which opt-out notices leave the customer less time than the rule demands?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let clock = sent(seen)?.opt_out?;
        let minimum = seen
            .world
            .rulebook
            .rule(RuleName::OptOut)
            .number(Number::MinimumDays);
        if clock.days < minimum {
            return Some(format!(
                "{} days, where {minimum} are the least",
                clock.days
            ));
        }
        let earliest = seen.placed.recorded_at.plus_hours(24 * minimum);
        (clock.matures_at < earliest).then(|| {
            format!(
                "it matures at {}, before {minimum} days have passed",
                clock.matures_at
            )
        })
    }),
};

pub(super) const NOTICE_UNFIT: StandingQuestion = StandingQuestion {
    name: "opt-out-notice-unfit",
    requirements: "F4, F7",
    clauses: "47 CFR 64.2008(d), (d)(3)(i)",
    asks: "Which opt-out notices were oral, or e-mailed to a customer who had not agreed to e-mail?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let sent = sent(seen)?;
        sent.opt_out?;
        if sent.delivery.form() == Medium::Oral || sent.delivery == Delivery::InPerson {
            return Some(format!("given {}", sent.delivery));
        }
        let opt_out = seen.before.and_then(|customer| customer.opt_out.as_deref());
        let consent = opt_out.and_then(|opt_out| opt_out.email);
        let agreed = consent.is_some_and(|consent| {
            Some(consent.position) == sent.email_consent
                && consent.recorded_at <= seen.placed.happened_at()
        });
        (sent.delivery == Delivery::Email && !agreed)
            .then(|| "e-mailed without a consent to e-mail that stood".into())
    }),
};

/// The clock of a cell by all notices that cover it.
struct Clock {
    approved_from: Time,
    overdue_from: Time,
}

/// The question of a disclosure that was made, or of a ruling that says yes.
fn asked_in<'a>(seen: &Seen<'a>) -> Option<&'a Question> {
    match seen.placed.event {
        Event::DisclosureMade(made) => Some(&made.question),
        Event::RulingRecorded(ruled) if ruled.ruling.allowed => Some(&ruled.question),
        _ => None,
    }
}

/// The opt-out notices that a disclosure or a recorded yes names as what it rests on.
pub(super) fn relied_on<'a>(seen: &Seen<'a>) -> impl Iterator<Item = &'a Asked> {
    let mut named: Vec<Position> = Vec::new();
    match seen.placed.event {
        Event::DisclosureMade(made) => named.clone_from(&made.relied_on),
        Event::RulingRecorded(ruled) if ruled.ruling.allowed => {
            let reasons = ruled.ruling.reasons.iter();
            let opt_outs = reasons.filter(|reason| reason.code == ReasonCode::OptOutApproved);
            named.extend(opt_outs.flat_map(|reason| &reason.positions));
        }
        _ => {}
    }
    let trail = seen.trail;
    named
        .into_iter()
        .filter_map(|position| trail.asked(position))
}

pub(super) fn sent<'a>(seen: &Seen<'a>) -> Option<&'a NoticeSent> {
    match seen.placed.event {
        Event::Notices(NoticeEvent::Sent(sent)) => Some(sent),
        _ => None,
    }
}

/// The cells asked for that rest on opt-out: a notice relied on covers them, and neither a grant nor a held category
/// allows them.
fn resting<'a>(seen: &Seen<'a>) -> impl Iterator<Item = CellRef<'a>> {
    let relied: Vec<_> = relied_on(seen).collect();
    let question = asked_in(seen)
        .filter(|question| !relied.is_empty() && !holds_what_is_marketed(seen, question));
    let (seen, customer) = (*seen, seen.before);
    question.into_iter().flat_map(cells).filter(move |cell| {
        relied.iter().any(|asked| asked.covers.covers(*cell))
            && customer.is_some_and(|customer| state(&seen, customer, *cell) != State::Granted)
    })
}

/// The clocks of those cells. The first to end approves; a timely notice goes on without a break, a late one waits again.
/// A clock that never ran counts for nothing: opt-out was not enabled, the notice failed, or a failed e-mail barred it.
/// One from before a lapse has ended with the last service.
fn clocks<'a>(seen: &Seen<'a>) -> impl Iterator<Item = (CellRef<'a>, Clock)> {
    let trail = seen.trail;
    resting(seen).filter_map(move |cell| {
        let counting = (trail.all_asked().iter()).filter(|asked| {
            asked.failed_by.is_none()
                && asked.clock.enabled
                && seen.world.opt_out_since <= asked.recorded_at
                && asked.covers.covers(cell)
                && outlived(seen, asked)
                && !is_barred(seen, asked, cell)
        });
        let mut clock: Option<Clock> = None;
        for asked in counting {
            let (approved_from, overdue_from) = (asked.clock.matures_at, asked.clock.refresh_at);
            clock = Some(match clock {
                Some(before) if asked.recorded_at < before.overdue_from => Clock {
                    approved_from: before.approved_from.min(approved_from),
                    overdue_from: before.overdue_from.max(overdue_from),
                },
                _ => Clock {
                    approved_from,
                    overdue_from,
                },
            });
        }
        Some((cell, clock?))
    })
}

/// Whether a service was held without a break since the notice: what was asked before a lapse ended with it (R9).
fn outlived(seen: &Seen<'_>, asked: &Asked) -> bool {
    seen.before.is_some_and(|customer| {
        let services = &customer.services;
        asked.position >= services.grants_end_before && asked.recorded_at >= services.held_since
    })
}

fn beyond_reach(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let cell = resting(seen).next()?;
    let (at, world) = (seen.placed.recorded_at, seen.world);
    let enabled = relied_on(seen)
        .all(|asked| asked.clock.enabled && world.opt_out_since <= asked.recorded_at);
    if !enabled || !world.rulebook.opt_out(at) {
        return Some("opt-out approval is not enabled, or was not when the notice was sent".into());
    }
    let standing = Standing::of(world.company, cell.kind, cell.entity, at);
    let reached = matches!(
        cell.kind,
        RecipientKind::Company | RecipientKind::Agent | RecipientKind::Affiliate
    );
    if !reached || !standing.is_confirmed() || !standing.provides_communications(world.company) {
        return Some(format!("to {}, whom opt-out does not reach", cell.kind));
    }
    let joined_later = relied_on(seen).find(|asked| {
        !standing.provided_communications(world.company, asked.recorded_at, asked.position)
    });
    if let Some(asked) = joined_later {
        return Some(format!(
            "to {}, who provided no communications-related services when notice {} was given",
            cell.kind, asked.position
        ));
    }
    if cell.purpose != Purpose::MarketingComms {
        return Some(format!(
            "for {}, which opt-out does not serve",
            cell.purpose
        ));
    }
    let services = seen
        .before
        .map(|customer| customer.services.held.as_slice());
    let held = services
        .unwrap_or_default()
        .iter()
        .map(|held| &held.category);
    let located = (held.chain(&question.source_category))
        .any(|category| world.rulebook.location_by_opt_in(category));
    let place = |cell: &CellRef<'_>| {
        matches!(cell.class, CpniClass::Location | CpniClass::CallDetail) && located
    };
    resting(seen)
        .find(place)
        .map(|cell| format!("{} tells where a user is", cell.class))
}
