//! What the company's registers have in common on the wire.

use super::Malformed;
use super::Within;
use super::values::{digest, timestamp};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::register::{Document, ItemId, OwnWords, Reference, Step};
use crate::domain::ids::Sha256Digest;
use crate::ledger::Record;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// A command about the company.
pub fn about(command: CompanyCommand) -> (SubjectRef, Command) {
    (SubjectRef::Company, Command::Company(command))
}

/// The company's own id of an item.
///
/// # Errors
/// When it isn't an identifier.
pub fn item(field: &str, text: &str) -> Result<ItemId, Malformed> {
    ItemId::parse(text)
        .ok_or_else(|| Malformed::invalid(field, "must be 1 to 64 of `a-z 0-9 . _ -`"))
}

/// An id to look for, or none where the text is empty.
///
/// # Errors
/// When it isn't an identifier.
pub fn optional_item(field: &str, text: &str) -> Result<Option<ItemId>, Malformed> {
    (!text.is_empty()).then(|| item(field, text)).transpose()
}

/// A description in the company's own words.
///
/// # Errors
/// When it is missing, too long, or holds control characters.
pub fn words(field: &str, text: &str) -> Result<OwnWords, Malformed> {
    OwnWords::parse(text).ok_or_else(|| {
        Malformed::invalid(
            field,
            "must be 1 to 500 characters without control characters",
        )
    })
}

/// A description, or none where the text is empty.
///
/// # Errors
/// As [`words`].
pub fn optional_words(field: &str, text: &str) -> Result<Option<OwnWords>, Malformed> {
    (!text.is_empty()).then(|| words(field, text)).transpose()
}

/// A document.
///
/// # Errors
/// When it is missing, its digest isn't one, or its reference isn't printable ASCII.
pub fn document(field: &str, given: Option<wire::DocumentRef>) -> Result<Document, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing(field))?;
    let read = || {
        Ok(Document {
            digest: Sha256Digest(digest("digest", &given.digest)?),
            reference: Reference::parse(&given.reference).ok_or_else(|| {
                Malformed::invalid("reference", "must be 1 to 128 printable ASCII characters")
            })?,
        })
    };
    read().within(field)
}

/// A calendar year.
///
/// # Errors
/// When no calendar has it; whether it is over is the domain's to say.
pub fn year(field: &str, year: u32) -> Result<i16, Malformed> {
    let year = i16::try_from(year)
        .ok()
        .filter(|year| (1..=9998).contains(year));
    year.ok_or_else(|| Malformed::invalid(field, "must be a calendar year"))
}

/// A step on the wire.
pub fn step(step: Step) -> wire::RegisterStep {
    wire::RegisterStep {
        position: step.position.0,
        at: Some(timestamp(step.at)),
    }
}

/// A record of a register on the wire.
pub fn event(record: &Record) -> wire::entry::Event {
    wire::entry::Event::Register(wire::RegisterEvent {
        data: record.data.clone(),
    })
}
