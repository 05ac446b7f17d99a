//! The only place where events become stored bytes, and stored bytes events.
//!
//! A released event type never changes: its name carries a version, and a new shape is a new version that old
//! ones are read into. What may identify a person leaves an event through `seal` and comes back through `open`, so
//! the data that is hashed holds nothing readable about anybody. Golden files under `tests/golden` guard the bytes.
//!
//! It must never decide anything, and never read a clock or a key.

mod accounts;
mod areas;
mod asked;
mod asserted;
mod authentication;
mod company;
mod contacts;
mod facts;
mod grounds;
mod names;
mod notices;
mod record;
mod retention;
mod rulings;
mod said;
mod scopes;
mod served;

use serde::{Deserialize, Serialize};

use areas::decode_by_area;

use crate::domain::event::Event;
use crate::domain::ids::Personal;

pub use company::{KINDS as COMPANY_KINDS, decode as decode_company, encode as encode_company};
pub use facts::FactReader;
pub use record::{
    Decoded, Fact, FactOnly, LEDGER_OPENED, Outline, RULEBOOK_ADOPTED, RulebookAdopted,
    decode_ledger, encode_rulebook, read, read_facts,
};

/// Takes a personal field out of an event, to be sealed under that name.
pub type Seal<'a> = &'a mut dyn FnMut(&'static str, &Personal);

/// Gives a sealed field's text back, or `None` where its key is not there (or not asked for).
pub type Open<'a> = &'a dyn Fn(&str) -> Option<Personal>;

/// An event's stored form without its sealed fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The versioned type name, e.g. `consent.granted.v1`.
    pub kind: &'static str,
    /// The `data` member: one compact JSON object.
    pub data: String,
}

/// Why stored data are not an event.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// A reader that meets a type it doesn't know stops: it can't tell what it would miss.
    #[error("record type `{0}` is unknown to this release: use a newer one to read this ledger")]
    UnknownType(String),
    /// The data don't have the shape of their type.
    #[error("data of `{kind}` are not of its shape: {problem}")]
    Shape {
        /// The type.
        kind: String,
        /// What is wrong.
        problem: String,
    },
    /// The line is no record.
    #[error(transparent)]
    Line(#[from] crate::ledger::LineError),
}

/// Why an event can't be stored; a defect of this program, never of its input.
#[derive(Debug, thiserror::Error)]
#[error("an event can't be written as JSON: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// The stored form of `event`; personal fields go to `seal`.
///
/// # Errors
/// When the event can't be written as JSON.
pub fn encode(event: &Event, seal: Seal<'_>) -> Result<Encoded, EncodeError> {
    let (kind, data) = match event {
        Event::Retention(event) => return retention::encode(event, seal),
        Event::Contacts(event) => return contacts::encode(event, seal),
        Event::Authentication(event) => return authentication::encode(event, seal),
        Event::Notices(event) => return notices::encode(event, seal),
        Event::Affiliates(event) => return served::encode(event, seal),
        Event::AccountOpened(event) => (accounts::OPENED, json(&accounts::Opened::from(event))?),
        Event::ServiceOpened(event) => (
            accounts::SERVICE_OPENED,
            json(&accounts::ServiceOpenedData::from(event))?,
        ),
        Event::ServiceClosed(event) => (
            accounts::SERVICE_CLOSED,
            json(&accounts::ServiceClosedData::from(event))?,
        ),
        Event::NoticeGiven(event) => (said::NOTICE, json(&said::Notice::from(event))?),
        Event::Granted(event) => (said::GRANTED, json(&said::Grant::new(event, seal))?),
        Event::Blocked(event) => (
            said::blocked_kind(event.block.kind),
            json(&said::BlockData::new(event, seal))?,
        ),
        Event::GrantedOnce(event) => (said::GRANTED_ONCE, json(&said::Once::new(event, seal))?),
        Event::EvidenceSupplied(event) => (said::EVIDENCE_SUPPLIED, json(event)?),
        Event::CallEnded(event) => (said::CALL_ENDED, json(&said::CallEndedData::from(event))?),
        Event::DisclosureMade(made) => (asked::kind(event), json(&asked::Made::new(made, seal))?),
        Event::DisclosureRefused(refused) => (
            asked::kind(event),
            json(&asked::Refused::new(refused, seal))?,
        ),
        Event::GagLifted(lifted) => (asked::GAG_LIFTED, json(&asked::Lifted::new(lifted, seal))?),
        Event::RulingRecorded(ruled) => {
            (asked::kind(event), json(&asked::Ruled::new(ruled, seal))?)
        }
        Event::Asserted(event) => return asserted::encode(event, seal),
    };
    Ok(Encoded { kind, data })
}

/// The event that `data` of type `kind` hold. Without its key a personal field is absent.
///
/// # Errors
/// An unknown type, or data that are not of the type's shape.
pub fn decode(kind: &str, data: &str, open: Open<'_>) -> Result<Event, DecodeError> {
    Ok(match kind {
        accounts::OPENED => accounts::Opened::event(parse(kind, data)?),
        accounts::SERVICE_OPENED => accounts::ServiceOpenedData::event(parse(kind, data)?),
        accounts::SERVICE_CLOSED => accounts::ServiceClosedData::event(parse(kind, data)?),
        said::NOTICE => said::Notice::event(parse(kind, data)?),
        said::GRANTED => said::Grant::event(parse(kind, data)?, open),
        said::DENIED | said::WITHDRAWN | said::RESTRICTED => {
            said::BlockData::event(parse(kind, data)?, kind, open)
        }
        said::GRANTED_ONCE => said::Once::event(parse(kind, data)?, open),
        said::EVIDENCE_SUPPLIED => Event::EvidenceSupplied(parse(kind, data)?),
        said::CALL_ENDED => said::CallEndedData::event(parse(kind, data)?),
        asked::MADE | asked::MADE_TELLING => {
            asked::of_kind(kind, asked::Made::event(parse(kind, data)?, open))?
        }
        asked::REFUSED | asked::REFUSED_TELLING => {
            asked::of_kind(kind, asked::Refused::event(parse(kind, data)?, open))?
        }
        asked::RULED | asked::RULED_TELLING => {
            asked::of_kind(kind, asked::Ruled::event(parse(kind, data)?, open))?
        }
        asked::GAG_LIFTED => asked::Lifted::event(parse(kind, data)?, open),
        _ => return decode_area(kind, data, open),
    })
}

/// The event of an area that has a file of its own.
fn decode_area(kind: &str, data: &str, open: Open<'_>) -> Result<Event, DecodeError> {
    decode_by_area! { kind, data, open;
        retention => Event::Retention,
        contacts => Event::Contacts,
        authentication => Event::Authentication,
        asserted => Event::Asserted,
        notices => Event::Notices,
        served => Event::Affiliates,
    }
}

/// The event types of customers, area by area: an area's place and the place in it make a type's number. Append only.
const AREAS: &[&[&str]] = &[
    SPINE,
    notices::KINDS,
    contacts::KINDS,
    authentication::KINDS,
    asserted::KINDS,
    retention::KINDS,
    served::KINDS,
];

/// Types that one area may have.
const AREA: usize = 32;

/// Accounts, services, what was said and asked.
const SPINE: &[&str] = &[
    accounts::OPENED,
    accounts::SERVICE_OPENED,
    accounts::SERVICE_CLOSED,
    said::NOTICE,
    said::GRANTED,
    said::DENIED,
    said::WITHDRAWN,
    said::RESTRICTED,
    said::GRANTED_ONCE,
    said::CALL_ENDED,
    asked::MADE,
    asked::REFUSED,
    asked::RULED,
    asked::MADE_TELLING,
    asked::REFUSED_TELLING,
    asked::RULED_TELLING,
    asked::GAG_LIFTED,
    said::EVIDENCE_SUPPLIED,
];

/// Every event type of customers.
pub fn customer_kinds() -> impl Iterator<Item = &'static str> {
    AREAS.iter().copied().flatten().copied()
}

/// The number of an event type, for compact views.
pub fn number_of(kind: &str) -> Option<u8> {
    AREAS.iter().enumerate().find_map(|(area, kinds)| {
        let place = kinds.iter().position(|known| *known == kind)?;
        u8::try_from(area * AREA + place).ok()
    })
}

/// The event type of that number.
pub fn name_of(number: u8) -> Option<&'static str> {
    let (area, place) = (usize::from(number) / AREA, usize::from(number) % AREA);
    AREAS.get(area)?.get(place).copied()
}

fn json(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(data)
}

fn parse<'de, T: Deserialize<'de>>(kind: &str, data: &'de str) -> Result<T, DecodeError> {
    serde_json::from_str(data).map_err(|problem| shape(kind, problem.to_string()))
}

fn shape(kind: &str, problem: String) -> DecodeError {
    DecodeError::Shape {
        kind: kind.to_owned(),
        problem,
    }
}
