//! What is forged about the digests of one-time approvals' recordings, and what neglect leaves open.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::evidence::SupplyEvidence;
use consent_ledger::domain::consent::word::{GrantOnce, Statement};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Position, Sha256Digest};
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium};

use super::Forged::Said;
use super::{Forgery, next};
use crate::house::House;
use crate::rules::history::{Manner, VALID};
use crate::rules::notation::{Everything, call, scope};

pub const FORGERIES: &[Forgery] = &[
    (
        "evidence-not-owed",
        "the digest was supplied before",
        |house| {
            let approval = approved_once(house);
            let supplied = next(house.clone(), |house| {
                supply(house, approval);
            });
            supply(house, approval);
            Said(supplied)
        },
    ),
    ("evidence-not-owed", "it says another day", |house| {
        let approval = approved_once(house);
        let mut supplied = next(house.clone(), |house| {
            supply(house, approval);
        });
        if let Event::EvidenceSupplied(supplied) = &mut supplied {
            supplied.due_by = supplied.due_by.plus_hours(24);
        }
        Said(supplied)
    }),
];

/// The digest comes in the second month.
pub fn supplied_late(house: &mut House) -> Position {
    let approval = approved_once(house);
    house.days_pass(40);
    supply(house, approval)
}

/// It never comes.
pub fn not_supplied(house: &mut House) -> Position {
    let approval = approved_once(house);
    house.days_pass(40);
    house.notice("ALL; ALL; ALL");
    approval
}

fn approved_once(house: &mut House) -> Position {
    let manner = Manner {
        medium: Medium::Oral,
        verified: Some((AssuranceMethod::Password, 1)),
        ..VALID
    };
    let statement = Statement {
        evidence_digest: None,
        ..manner.statement(house.ledger.now, house.notice)
    };
    house.record(&Command::GrantOnce(GrantOnce {
        call: call("c7"),
        scope: scope("COMPANY; QUANTITY; M", Everything::Written),
        statement,
    }))
}

fn supply(house: &mut House, approval: Position) -> Position {
    house.record(&Command::SupplyEvidence(SupplyEvidence {
        approval,
        evidence_digest: Sha256Digest([4; 32]),
    }))
}
