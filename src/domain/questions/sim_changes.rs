//! SIM changes: made only for who was securely authenticated, of an account that isn't locked, and after the customer was
//! told (F18; 64.2010(h)).

use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::authentication::AuthenticationEvent;
use crate::domain::authentication::authority::Authority;
use crate::domain::authentication::of_record::{Reach, ReachKind};
use crate::domain::authentication::sim_changes::{
    SimChange, SimChanges, SimStep, SimStepTaken, is_demanded,
};
use crate::domain::authentication::verification::VerifiedFor;
use crate::domain::event::Event;
use crate::domain::ids::Position;

pub(super) const UNAUTHENTICATED: StandingQuestion = StandingQuestion {
    name: "sim-changed-without-authentication",
    requirements: "F18, R19",
    clauses: "47 CFR 64.2010(h)",
    asks: "Which SIM changes were taken up or made without a live verification of who asked, while the rule demanded one?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let authority = match seen.placed.event {
            Event::Authentication(AuthenticationEvent::SimChangeRequested(asked)) => {
                asked.authority
            }
            _ => {
                let change = effected(seen)?;
                return (change.is_none_or(|change| change.authority.is_none()))
                    .then(|| "who asked for it was not verified, or nobody asked for it".into());
            }
        };
        let demanded = is_demanded(seen.world.rulebook, seen.placed.recorded_at);
        (demanded && !stood(seen, authority))
            .then(|| "no verification for account changes stood in that call".into())
    }),
};

pub(super) const LOCKED: StandingQuestion = StandingQuestion {
    name: "sim-changed-while-locked",
    requirements: "F18",
    clauses: "47 CFR 64.2010(h)",
    asks: "Which SIM changes were taken up or made while the customer had the account locked against them?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let goes_on = matches!(
            seen.placed.event,
            Event::Authentication(
                AuthenticationEvent::SimChangeRequested(_)
                    | AuthenticationEvent::SimStepTaken(SimStepTaken {
                        step: SimStep::Effected,
                        ..
                    })
            )
        );
        let lock = sim_of(seen)?.lock?;
        goes_on.then(|| format!("the lock of record {lock} stood"))
    }),
};

pub(super) const UNTOLD: StandingQuestion = StandingQuestion {
    name: "sim-changed-before-told",
    requirements: "F18",
    clauses: "47 CFR 64.2010(h)",
    asks: "Which SIM changes were made before the customer was told of the request, while the rule demanded it?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let change = effected(seen)??;
        (change
            .told_at
            .is_none_or(|told_at| seen.placed.happened_at() < told_at))
        .then(|| "the customer had not been told".into())
    }),
};

pub(super) const FOREIGN: StandingQuestion = StandingQuestion {
    name: "sim-changed-of-another-account",
    requirements: "F18, R19",
    clauses: "47 CFR 64.2010(h)",
    asks: "Which SIM changes were taken up for a number that didn't belong to the account, while the rule was in force?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::Authentication(AuthenticationEvent::SimChangeRequested(asked)) =
            seen.placed.event
        else {
            return None;
        };
        let at = seen.placed.recorded_at;
        let reach = Reach {
            kind: ReachKind::TelephoneNumber,
            value: asked.number,
        };
        let state = seen.before.and_then(|one| one.authentication.as_ref());
        let own = state.is_some_and(|state| state.belonging(reach, at).is_some());
        (is_demanded(seen.world.rulebook, at) && !own)
            .then(|| "the number is none of the account's".into())
    }),
};

fn sim_of<'a>(seen: &Seen<'a>) -> Option<&'a SimChanges> {
    seen.before?.authentication.as_ref()?.sim.as_deref()
}

/// The SIM change that the record says was made while the rule was in force; inside, none where none was asked for.
fn effected<'a>(seen: &Seen<'a>) -> Option<Option<&'a SimChange>> {
    let request: Position = match seen.placed.event {
        Event::Authentication(AuthenticationEvent::SimStepTaken(SimStepTaken {
            request,
            step: SimStep::Effected,
        })) => *request,
        _ => return None,
    };
    is_demanded(seen.world.rulebook, seen.placed.happened_at())
        .then(|| sim_of(seen).and_then(|sim| sim.asked_for(request)))
}

fn stood(seen: &Seen<'_>, authority: Option<Authority>) -> bool {
    let Some(Authority::Verification { record, call }) = authority else {
        return false;
    };
    let state = seen.before.and_then(|one| one.authentication.as_ref());
    let at = seen.placed.recorded_at;
    state
        .and_then(|state| state.standing(record, call, VerifiedFor::AccountChanges, at))
        .is_some_and(|one| !one.prompted)
}
