//! What is forged about SIM changes, while the rule on them is in force.

use consent_ledger::domain::authentication::AuthenticationCommand as Asked;
use consent_ledger::domain::authentication::AuthenticationEvent as Done;
use consent_ledger::domain::authentication::authority::Authority;
use consent_ledger::domain::authentication::sim_changes::{
    RequestSimChange, SimStep, SimStepTaken,
};
use consent_ledger::domain::authentication::verification::VerifiedFor;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::Position;

use super::Forged::Said;
use super::callers::{CALL, associate, authentication, number, tell, verified};
use super::{Forgery, next};
use crate::house::House;
use crate::rules::books::sim;
use crate::rules::notation::call;

pub const FORGERIES: &[Forgery] = &[
    (
        "sim-changed-without-authentication",
        "nobody was verified",
        |house| {
            let authority = begins(house);
            let mut asked = next(house.clone(), |house| {
                ask(house, authority);
            });
            if let Event::Authentication(Done::SimChangeRequested(asked)) = &mut asked {
                asked.authority = None;
            }
            Said(asked)
        },
    ),
    (
        "sim-changed-without-authentication",
        "a verification of another call",
        |house| {
            let authority = begins(house);
            let mut asked = next(house.clone(), |house| {
                ask(house, authority);
            });
            if let Event::Authentication(Done::SimChangeRequested(asked)) = &mut asked
                && let Some(Authority::Verification { call: cited, .. }) = &mut asked.authority
            {
                *cited = call("c8");
            }
            Said(asked)
        },
    ),
    (
        "sim-changed-without-authentication",
        "nobody asked for it",
        |house| {
            begins(house);
            Said(effected(Position(1)))
        },
    ),
    (
        "sim-changed-of-another-account",
        "a number that nobody associated with it",
        |house| {
            let authority = begins(house);
            let mut asked = next(house.clone(), |house| {
                ask(house, authority);
            });
            if let Event::Authentication(Done::SimChangeRequested(asked)) = &mut asked {
                asked.number = number(9).value;
            }
            Said(asked)
        },
    ),
    ("sim-changed-before-told", "told nothing", |house| {
        let authority = begins(house);
        Said(effected(ask(house, authority)))
    }),
    ("sim-changed-while-locked", "the lock stands", |house| {
        let authority = begins(house);
        let request = ask(house, authority);
        tell(house, request, number(1));
        authentication(house, Asked::LockSim(authority));
        Said(effected(request))
    }),
];

/// The customer of a company to which the rule applies, with a number of record, and verified for changes.
fn begins(house: &mut House) -> Authority {
    *house = House::holding(sim(), &["LOCAL"]);
    associate(house, number(1), Authority::StartOfService);
    house.days_pass(40);
    Authority::Verification {
        record: verified(house, VerifiedFor::AccountChanges),
        call: call(CALL),
    }
}

fn ask(house: &mut House, authority: Authority) -> Position {
    let asked = RequestSimChange {
        number: number(1).value,
        authority: Some(authority),
    };
    authentication(house, Asked::RequestSimChange(asked))
}

fn effected(request: Position) -> Event {
    let step = SimStep::Effected;
    Event::Authentication(Done::SimStepTaken(SimStepTaken { request, step }))
}
