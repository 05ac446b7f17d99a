//! A whole record and the fact in it.

use serde::{Deserialize, Serialize};

use super::names::Digest;
use super::{DecodeError, EncodeError, decode, json, parse};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Personal, Position, Pseudonym};
use crate::domain::time::Time;
use crate::ledger::{Genesis, Record, Sealed, Subject};

/// The type of position 0.
pub const LEDGER_OPENED: &str = "ledger.opened.v1";
/// The type of a rulebook's taking force.
pub const RULEBOOK_ADOPTED: &str = "rulebook.adopted.v1";

/// What a record is about, decoded.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// An event about a customer.
    About(Pseudonym, Event),
    /// Position 0.
    LedgerOpened(Genesis),
    /// A rulebook took force (P17).
    RulebookAdopted(RulebookAdopted),
}

/// A rulebook that took force, by name, version and digest (P17).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulebookAdopted {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub digest: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulebookData {
    name: String,
    version: String,
    digest: Digest,
}

/// The `data` of a rulebook's taking force.
///
/// # Errors
/// When they can't be written as JSON.
pub fn encode_rulebook(adopted: &RulebookAdopted) -> Result<String, EncodeError> {
    Ok(json(&RulebookData {
        name: adopted.name.clone(),
        version: adopted.version.clone(),
        digest: Digest(adopted.digest),
    })?)
}

/// A record and the fact that it holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Decoded {
    /// The record as it is stored.
    pub record: Record,
    /// What it says.
    pub fact: Fact,
}

impl Decoded {
    /// The event in its place, for the rules; `None` for a record about the ledger itself.
    pub fn placed(&self) -> Option<(Pseudonym, Placed<'_>)> {
        let Fact::About(pseudonym, event) = &self.fact else {
            return None;
        };
        let record = &self.record;
        let before = u64::from(record.part.index.saturating_sub(1));
        let placed = Placed {
            position: Position(record.position),
            command: Position(record.position.saturating_sub(before)),
            recorded_at: Time(record.recorded_at.0),
            occurred_at: record.occurred_at.map(|at| Time(at.0)),
            event,
        };
        Some((*pseudonym, placed))
    }
}

/// Reads a line with its personal fields, as far as `open` gives them.
///
/// # Errors
/// When the line is no record of a type and shape that this release knows.
pub fn read(
    line: &[u8],
    open: &dyn Fn(Pseudonym, u64, &Sealed) -> Option<Personal>,
) -> Result<Decoded, DecodeError> {
    let record = Record::parse(line)?;
    let fact = match record.subject {
        Subject::Customer(id) => {
            let pseudonym = Pseudonym(id);
            let field = |name: &str| {
                let sealed = record.sealed.iter().find(|sealed| sealed.field == name)?;
                open(pseudonym, record.position, sealed)
            };
            Fact::About(pseudonym, decode(&record.kind, &record.data, &field)?)
        }
        Subject::Ledger => ledger_fact(&record)?,
    };
    Ok(Decoded { record, fact })
}

/// Reads a line without its personal fields: all that a replay needs.
///
/// # Errors
/// As [`read`].
pub fn read_facts(line: &[u8]) -> Result<Decoded, DecodeError> {
    read(line, &|_, _, _| None)
}

fn ledger_fact(record: &Record) -> Result<Fact, DecodeError> {
    match record.kind.as_str() {
        LEDGER_OPENED => Genesis::parse(&record.data)
            .map(Fact::LedgerOpened)
            .map_err(|problem| super::shape(&record.kind, problem.to_string())),
        RULEBOOK_ADOPTED => {
            let data: RulebookData = parse(&record.kind, &record.data)?;
            Ok(Fact::RulebookAdopted(RulebookAdopted {
                name: data.name,
                version: data.version,
                digest: data.digest.0,
            }))
        }
        _ => Err(DecodeError::UnknownType(record.kind.clone())),
    }
}
