//! Legal holds, and what bars erasing (F20).

use super::commands::command_requests;
use super::values::{self, optional_personal, timestamp};
use super::{Malformed, Tokens, answers};
use crate::domain::command::Command;
use crate::domain::ids::Position;
use crate::domain::retention::{
    Bar, HoldPlaced, HoldReleased, RetentionCommand, RetentionEvent, RetentionRule,
};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    PlaceLegalHoldRequest => PlaceLegalHoldResponse = "/consent.v1.RetentionService/PlaceLegalHold":
        place, answers::legal_hold_placed;
    ReleaseLegalHoldRequest => ReleaseLegalHoldResponse = "/consent.v1.RetentionService/ReleaseLegalHold":
        release, answers::legal_hold_released;
}

fn place(
    given: wire::PlaceLegalHoldRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let matter = optional_personal("matter", given.matter)?;
    if matter.is_none() {
        return Err(Malformed::missing("matter"));
    }
    let hold = RetentionCommand::Hold(HoldPlaced { matter });
    Ok((customer, Command::Retention(hold)))
}

fn release(
    given: wire::ReleaseLegalHoldRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let release = RetentionCommand::Release(HoldReleased {
        hold: Position(given.hold_position),
    });
    Ok((customer, Command::Retention(release)))
}

/// A rule that bars erasing, on the wire.
pub fn wire_bar(bar: &Bar) -> wire::RetentionBar {
    let rule = match bar.rule {
        RetentionRule::ServicesHeld => wire::RetentionRule::ServicesHeld,
        RetentionRule::Period => wire::RetentionRule::Period,
        RetentionRule::LegalHold => wire::RetentionRule::LegalHold,
    };
    wire::RetentionBar {
        rule: rule.into(),
        until: bar.until.map(timestamp),
        hold_position: bar.hold.map(|hold| hold.0).unwrap_or_default(),
    }
}

/// An event about keeping records on the wire; sealed texts where `texts`.
pub fn wire_event(event: &RetentionEvent, texts: bool) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    match event {
        RetentionEvent::HoldPlaced(placed) => {
            let matter = placed.matter.as_ref().filter(|_| texts);
            Wire::LegalHoldPlaced(wire::LegalHoldPlacedEvent {
                matter: matter
                    .map(|text| text.expose().to_owned())
                    .unwrap_or_default(),
            })
        }
        RetentionEvent::HoldReleased(released) => {
            Wire::LegalHoldReleased(wire::LegalHoldReleasedEvent {
                hold_position: released.hold.0,
            })
        }
    }
}
