//! What is forged about erasures: before their time, records after them, and those that nobody completed.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::campaigns::Outbound;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Personal, Position};
use consent_ledger::domain::retention::erasure::{
    Erase, ErasureBasis, ErasureCompleted, ErasureRequested,
};
use consent_ledger::domain::retention::{HoldPlaced, RetentionCommand, RetentionEvent};

use super::Forged::Said;
use super::callers::Neglect;
use super::{Forgery, listed, next};
use crate::house::House;

pub const FORGERIES: &[Forgery] = &[
    ("erased-before-its-time", "a service is held", |house| {
        Said(requested(house))
    }),
    ("erased-before-its-time", "a year has not passed", |house| {
        house.close("LOCAL");
        house.days_pass(364);
        Said(requested(house))
    }),
    ("erased-before-its-time", "a legal hold stands", |house| {
        house.close("LOCAL");
        house.record(&Command::Retention(RetentionCommand::Hold(HoldPlaced {
            matter: Some(Personal::new("2:26-cv-00123")),
        })));
        house.days_pass(900);
        Said(requested(house))
    }),
    (
        "erased-before-its-time",
        "the rulebook gives no right to it",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            house.close("LOCAL");
            house.days_pass(900);
            Said(requested(house))
        },
    ),
    ("record-after-erasure", "a denial", |house| {
        let denied = next(house.clone(), |house| {
            house.says("d(*; *; *)");
        });
        erased(house);
        Said(denied)
    }),
    ("record-after-erasure", "something leaves", |house| {
        let left = listed(house);
        erased(house);
        Said(left)
    }),
    ("record-after-erasure", "it is asked for again", |house| {
        erased(house);
        Said(requested(house))
    }),
    (
        "record-after-erasure",
        "the keys are destroyed twice",
        |house| {
            let record = erased(house);
            complete(house, record);
            Said(completed(record))
        },
    ),
    (
        "record-after-erasure",
        "another erasure is completed",
        |house| {
            let record = erased(house);
            Said(completed(Position(record.0 - 1)))
        },
    ),
    ("record-after-erasure", "nobody asked for it", |_| {
        Said(completed(Position(1)))
    }),
];

/// What is left open or done late.
pub const NEGLECTS: &[Neglect] = &[
    ("erasure-not-completed", |house| {
        let record = erased(house);
        house.days_pass(46);
        house.campaigns("later", Outbound::ApprovalRequest);
        record
    }),
    ("erasure-not-completed", |house| {
        let record = erased(house);
        house.days_pass(46);
        complete(house, record);
        record
    }),
];

fn requested(house: &House) -> Event {
    Event::Retention(RetentionEvent::ErasureRequested(ErasureRequested {
        basis: ErasureBasis::StatePrivacyLaw,
        due_by: house.ledger.now.plus_hours(45 * 24),
        reference: Some(Personal::new("DSR-7")),
    }))
}

fn completed(requested: Position) -> Event {
    Event::Retention(RetentionEvent::ErasureCompleted(ErasureCompleted {
        requested,
    }))
}

/// The customer leaves, and is erased when nothing bars it any more.
pub fn erased(house: &mut House) -> Position {
    house.close("LOCAL");
    house.days_pass(367);
    let record = house.record(&Command::Retention(RetentionCommand::Erase(Erase {
        basis: ErasureBasis::StatePrivacyLaw,
        reference: Some(Personal::new("DSR-7")),
    })));
    let customer = house.ledger.customer.as_ref().unwrap();
    assert!(customer.erased.is_some());
    record
}

pub fn complete(house: &mut House, requested: Position) {
    let command = RetentionCommand::CompleteErasure(ErasureCompleted { requested });
    house.record(&Command::Retention(command));
}
