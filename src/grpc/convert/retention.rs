//! Legal holds, what bars erasing, and erasing (F20, E8).

use super::commands::command_requests;
use super::lists::{Listed, member};
use super::scopes::text;
use super::values::{self, optional_personal, timestamp};
use super::{Malformed, Tokens, answers};
use crate::domain::command::Command;
use crate::domain::ids::Position;
use crate::domain::retention::erasure::{Erase, Erasure};
use crate::domain::retention::{Bar, HoldPlaced, HoldReleased, RetentionCommand, RetentionEvent};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, Outcome, SubjectRef};

command_requests! {
    PlaceLegalHoldRequest => PlaceLegalHoldResponse = "/consent.v1.RetentionService/PlaceLegalHold":
        place, answers::legal_hold_placed;
    ReleaseLegalHoldRequest => ReleaseLegalHoldResponse = "/consent.v1.RetentionService/ReleaseLegalHold":
        release, answers::legal_hold_released;
    EraseCustomerRequest => EraseCustomerResponse = "/consent.v1.RetentionService/EraseCustomer":
        erase, erased;
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

fn erase(
    given: wire::EraseCustomerRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let basis = member("basis", given.basis)?;
    let reference = optional_personal("reference", given.reference)?;
    if reference.is_none() {
        return Err(Malformed::missing("reference"));
    }
    let erase = RetentionCommand::Erase(Erase { basis, reference });
    Ok((customer, Command::Retention(erase)))
}

fn erased(answer: &Answer, _: &Rulebook, _: bool) -> Option<wire::EraseCustomerResponse> {
    use wire::erase_customer_response::Outcome as Wire;

    let outcome = match &answer.outcome {
        Outcome::Erased { due_by } => Wire::Accepted(wire::ErasureAccepted {
            due_by: Some(timestamp(*due_by)),
        }),
        Outcome::ErasureRefused { bars } => Wire::Refused(wire::ErasureDenied {
            bars: bars.iter().map(wire_bar).collect(),
        }),
        _ => return None,
    };
    Some(wire::EraseCustomerResponse {
        receipt: answers::receipt(answer),
        outcome: Some(outcome),
    })
}

/// An erasure on the wire.
pub fn wire_erasure(erasure: &Erasure) -> wire::Erasure {
    let completed = erasure.completed;
    wire::Erasure {
        requested_position: erasure.requested.0,
        requested_at: Some(timestamp(erasure.requested_at)),
        due_by: Some(timestamp(erasure.due_by)),
        completed_position: completed.map(|step| step.position.0).unwrap_or_default(),
        completed_at: completed.map(|step| timestamp(step.at)),
    }
}

/// A rule that bars erasing, on the wire.
pub fn wire_bar(bar: &Bar) -> wire::RetentionBar {
    wire::RetentionBar {
        rule: bar.rule.number(),
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
        RetentionEvent::ErasureRequested(requested) => {
            Wire::ErasureRequested(wire::ErasureRequestedEvent {
                basis: requested.basis.number(),
                due_by: Some(timestamp(requested.due_by)),
                reference: text(requested.reference.as_ref(), texts),
            })
        }
        RetentionEvent::ErasureRefused(refused) => {
            Wire::ErasureRefused(wire::ErasureRefusedEvent {
                basis: refused.basis.number(),
                bars: refused.bars.iter().map(wire_bar).collect(),
                reference: text(refused.reference.as_ref(), texts),
            })
        }
        RetentionEvent::ErasureCompleted(completed) => {
            Wire::ErasureCompleted(wire::ErasureCompletedEvent {
                requested_position: completed.requested.0,
            })
        }
    }
}
