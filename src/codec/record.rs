//! A whole record and the fact in it.

use serde::{Deserialize, Serialize};

use super::names::Digest;
use super::{DecodeError, EncodeError, FactReader, decode, json, parse};
use crate::domain::company::CompanyEvent;
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Personal, Position, Pseudonym};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::{Genesis, Part, Record, Sealed, Subject, Timestamp};

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
    /// An event about the company.
    Company(CompanyEvent),
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
    /// Whether opt-out approval, which the one before enabled until then, stays enabled: what customers were asked goes on
    /// (R10, R24).
    pub opt_out_kept: bool,
}

impl RulebookAdopted {
    /// Since when opt-out approval has been enabled, if it is, where it had been since `before` and this one takes force
    /// `at` that instant (R24).
    pub fn opt_out_since(&self, before: Time, at: Time) -> Time {
        Rulebook::opt_out_since(self.opt_out_kept.then_some(before), at)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RulebookData {
    name: String,
    version: String,
    digest: Digest,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    opt_out_kept: bool,
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
        opt_out_kept: adopted.opt_out_kept,
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
        self.outline().place_of_customer(&self.fact)
    }

    /// What a replay needs of the record.
    pub fn outline(&self) -> Outline {
        let record = &self.record;
        Outline {
            position: record.position,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            version: record.version,
            part: record.part,
            request_mac: record.request_mac,
        }
    }
}

/// What a replay needs of the record around a fact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// As [`Record::position`].
    pub position: u64,
    /// As [`Record::recorded_at`].
    pub recorded_at: Timestamp,
    /// As [`Record::occurred_at`].
    pub occurred_at: Option<Timestamp>,
    /// As [`Record::version`].
    pub version: u64,
    /// As [`Record::part`].
    pub part: Part,
    /// As [`Record::request_mac`].
    pub request_mac: Option<[u8; 16]>,
}

impl Outline {
    /// The event in the place of the record around it.
    pub fn place<'a, E>(&self, event: &'a E) -> Placed<'a, E> {
        let before = u64::from(self.part.index.saturating_sub(1));
        Placed {
            position: Position(self.position),
            command: Position(self.position.saturating_sub(before)),
            recorded_at: Time(self.recorded_at.0),
            occurred_at: self.occurred_at.map(|at| Time(at.0)),
            event,
        }
    }

    fn place_of_customer<'a>(&self, fact: &'a Fact) -> Option<(Pseudonym, Placed<'a>)> {
        match fact {
            Fact::About(pseudonym, event) => Some((*pseudonym, self.place(event))),
            Fact::LedgerOpened(_) | Fact::RulebookAdopted(_) | Fact::Company(_) => None,
        }
    }
}

/// A fact without personal fields, and the outline of its record.
#[derive(Clone, Debug, PartialEq)]
pub struct FactOnly {
    /// The record's outline.
    pub record: Outline,
    /// What it says.
    pub fact: Fact,
}

impl FactOnly {
    /// As [`Decoded::placed`].
    pub fn placed(&self) -> Option<(Pseudonym, Placed<'_>)> {
        self.record.place_of_customer(&self.fact)
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
        Subject::Ledger => decode_ledger(&record.kind, &record.data)?,
    };
    Ok(Decoded { record, fact })
}

/// Reads a line without its personal fields: all that a replay needs. It is as strict as [`read`].
///
/// # Errors
/// As [`read`].
pub fn read_facts(line: &[u8]) -> Result<FactOnly, DecodeError> {
    FactReader::default().read(line)
}

/// The fact about the ledger or its company that `data` of type `kind` hold.
///
/// # Errors
/// An unknown type, or data that are not of the type's shape.
pub fn decode_ledger(kind: &str, data: &str) -> Result<Fact, DecodeError> {
    match kind {
        LEDGER_OPENED => Genesis::parse(data)
            .map(Fact::LedgerOpened)
            .map_err(|problem| super::shape(kind, problem.to_string())),
        RULEBOOK_ADOPTED => {
            let data: RulebookData = parse(kind, data)?;
            Ok(Fact::RulebookAdopted(RulebookAdopted {
                name: data.name,
                version: data.version,
                digest: data.digest.0,
                opt_out_kept: data.opt_out_kept,
            }))
        }
        _ => super::company::decode(kind, data).map(Fact::Company),
    }
}
