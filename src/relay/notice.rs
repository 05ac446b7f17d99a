//! What a notifier is told of an account change that the customer must be told of (F16, F18; 64.2010(f), (h); N2, N4).
//!
//! It says that something was changed, by when the customer must know, and where word of it may go: what was of record
//! before. What it is now is not in it, and neither is who changed it, nor on what. In the main stream the record is a
//! marker like every other that subscribers may not see.

use async_nats::{HeaderMap, HeaderValue};
use serde::Serialize;

use super::message::{self, Hex, PolicyFacts, SubjectFacts, header};
use super::subject;
use crate::domain::authentication::change_notices::Owing;
use crate::domain::authentication::of_record::OfRecord;
use crate::ledger::{LineError, Record, Subject};

/// The type of what a notifier is told.
pub const DUE_TYPE: &str = "change_notice.due.v1";

/// What a notifier is told of one position, ready to be sent.
#[derive(Debug)]
pub(super) struct Notice {
    pub(super) position: u64,
    pub(super) subject: String,
    pub(super) headers: HeaderMap,
    pub(super) payload: Vec<u8>,
}

/// Whether records of that kind and data may make a notification due. Only then is the customer looked at.
pub(super) fn may_be_due(record: &Record) -> bool {
    record.data.contains("\"notice_due_at\"")
}

impl Notice {
    pub(super) fn of(
        ledger: &[u8; 16],
        record: &Record,
        pseudonym: &[u8; 16],
        owing: &Owing,
    ) -> Result<Notice, LineError> {
        let id = format!("{}-{}-notice", Hex(ledger), record.position);
        let mut headers = message::attributes(ledger, record.position, DUE_TYPE, &id);
        message::put_circumstances(&mut headers, record, Hex(pseudonym).to_string());
        Ok(Notice {
            position: record.position,
            subject: subject::notice(ledger, DUE_TYPE, pseudonym),
            headers,
            payload: payload(record, owing)?,
        })
    }

    /// Marks the message as one that may have been sent before.
    pub(super) fn mark_replay(&mut self) {
        message::mark_replay(&mut self.headers);
    }

    /// The position that a message in the notifier's stream is about; `Err` says what is wrong with it.
    pub(super) fn position_of(headers: &HeaderMap, ledger: &[u8; 16]) -> Result<u64, String> {
        let kind = headers.get(header::TYPE).map(HeaderValue::as_str);
        if kind != Some(DUE_TYPE) {
            return Err(format!("`{}` is {kind:?}", header::TYPE));
        }
        message::position_of(headers, ledger)
    }
}

/// Whom and which instant a notice is about. A hash would tell its record from another's as well, but by it whoever reads the
/// stream could try out what the record says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct About {
    subject: Option<String>,
    recorded_at: Option<String>,
}

impl About {
    /// What a record is about.
    pub(super) fn of(record: &Record) -> Self {
        let subject = match &record.subject {
            Subject::Ledger => None,
            Subject::Customer(pseudonym) => Some(Hex(pseudonym).to_string()),
        };
        Self {
            subject,
            recorded_at: Some(record.recorded_at.to_string()),
        }
    }

    /// What a message says that it is about.
    pub(super) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &'static str| headers.get(name).map(ToString::to_string);
        Self {
            subject: text(header::SUBJECT),
            recorded_at: text(header::TIME),
        }
    }
}

#[derive(Serialize)]
struct Payload<'a> {
    position: u64,
    recorded_at: String,
    subject: SubjectFacts,
    version: u64,
    #[serde(rename = "type")]
    kind: &'static str,
    policy: PolicyFacts<'a>,
    data: Due,
}

#[derive(Serialize)]
struct Due {
    change: &'static str,
    due_at: String,
    targets: Vec<Target>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contact: Option<String>,
}

/// A number or an address by its keyed digest and by the record that brought it.
#[derive(Serialize)]
struct Target {
    kind: &'static str,
    value: String,
    position: u64,
}

impl Target {
    fn of(one: &OfRecord) -> Self {
        Self {
            kind: one.reach.kind.name(),
            value: one.reach.value.to_string(),
            position: one.position.0,
        }
    }
}

fn payload(record: &Record, owing: &Owing) -> Result<Vec<u8>, LineError> {
    let facts = Payload {
        position: record.position,
        recorded_at: record.recorded_at.to_string(),
        subject: SubjectFacts::of(&record.subject),
        version: record.version,
        kind: DUE_TYPE,
        policy: PolicyFacts::of(record),
        data: Due {
            change: owing.due.what.name(),
            due_at: owing.due.due_at.to_string(),
            targets: owing.targets.iter().map(Target::of).collect(),
            contact: owing.due.contact.map(|person| person.to_string()),
        },
    };
    serde_json::to_vec(&facts).map_err(|_| LineError::Field { field: "data" })
}
