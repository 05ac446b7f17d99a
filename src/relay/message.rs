//! What one position looks like on the wire: a CloudEvents 1.0 event in binary mode (N2).
//!
//! Attributes are headers with the prefix `ce-`, the payload is the event's data (CloudEvents NATS binding §3.1). The
//! payload holds the record's published facts and nothing else: no sealed fields, no request digest, nobody's pseudonym
//! but the customer's, no link to the record before.
//!
//! A record under seal is published as a marker that is the same for all of them, position aside (N4). It carries no record
//! hash either: the rest of a record can be guessed, and a hash lets anyone try guesses.

use std::borrow::Cow;
use std::fmt;

use async_nats::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Deserializer, Serialize, de::IgnoredAny};
use serde_json::value::RawValue;

use super::notice::{self, Notice};
use super::{RelayError, Standing, subject};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::preferences::Preferences;
use crate::ledger::{Hash, LineError, Record, Subject, leaf_hash};

/// The headers that the relay writes. Attribute names of CloudEvents are lower-case letters and digits only.
pub mod header {
    /// CloudEvents' version, `1.0`.
    pub const SPECVERSION: &str = "ce-specversion";
    /// `<ledger>-<position>`: the same for ever, by which repeats are known.
    pub const ID: &str = "ce-id";
    /// `urn:consent-ledger:<ledger>`.
    pub const SOURCE: &str = "ce-source";
    /// The record's type; `consent.withheld.v1` for a marker.
    pub const TYPE: &str = "ce-type";
    /// The customer's pseudonym, or `ledger`. Absent in a marker.
    pub const SUBJECT: &str = "ce-subject";
    /// When the ledger recorded it. Absent in a marker.
    pub const TIME: &str = "ce-time";
    /// `application/json`.
    pub const DATACONTENTTYPE: &str = "ce-datacontenttype";
    /// The ledger position.
    pub const POSITION: &str = "ce-position";
    /// The subject's own sequence number: 1, 2, 3 … without a gap. Absent in a marker.
    pub const SUBJECT_VERSION: &str = "ce-subjectversion";
    /// The rulebook in force. Absent in a marker.
    pub const RULEBOOK: &str = "ce-rulebook";
    /// Its version. Absent in a marker.
    pub const RULEBOOK_VERSION: &str = "ce-rulebookversion";
    /// The record's hash in the chain, 64 hex digits. Absent in a marker.
    pub const RECORD_HASH: &str = "ce-recordhash";
}

/// Present and `true` on a message that may have been sent before, into a stream that no longer has it.
pub const REPLAY_HEADER: &str = "consent-replay";

/// The type of a marker.
pub const WITHHELD_TYPE: &str = "consent.withheld.v1";

/// One position, ready to be sent.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) position: u64,
    pub(super) subject: String,
    pub(super) headers: HeaderMap,
    pub(super) payload: Vec<u8>,
    /// What the notifier is told before (F16).
    pub(super) notice: Option<Box<Notice>>,
}

impl Message {
    /// The message of the line of the log at `position`.
    pub(super) fn of_line(
        ledger: &[u8; 16],
        position: u64,
        line: &[u8],
        standing: &dyn Standing,
    ) -> Result<Message, RelayError> {
        let unreadable = |problem| RelayError::Line { position, problem };
        let record = Record::parse(line).map_err(unreadable)?;
        if is_kept_in(&record.kind) || is_under_seal(&record.data) {
            let mut marker = Message::marker(ledger, record.position);
            marker.notice = due(ledger, &record, standing)?;
            return Ok(marker);
        }
        let preferences = match (record.subject, told(&record.kind)) {
            (Subject::Ledger, _) | (_, Told::Nothing) => None,
            (Subject::Customer(id), told) => {
                let now = standing
                    .preferences(Pseudonym(id))
                    .map_err(|problem| RelayError::Standing { position, problem })?;
                match told {
                    Told::Usable => now.map(Preferences::usable_only),
                    Told::All | Told::Nothing => now,
                }
            }
        };
        Message::open(ledger, &record, leaf_hash(line), preferences).map_err(unreadable)
    }

    fn open(
        ledger: &[u8; 16],
        record: &Record,
        hash: Hash,
        preferences: Option<Preferences>,
    ) -> Result<Message, LineError> {
        let mut headers = envelope(ledger, record.position, &record.kind);
        let subject = match record.subject {
            Subject::Ledger => subject::LEDGER.to_owned(),
            Subject::Customer(pseudonym) => Hex(&pseudonym).to_string(),
        };
        put_circumstances(&mut headers, record, subject);
        put(&mut headers, header::RECORD_HASH, hash.to_string());
        Ok(Message {
            position: record.position,
            subject: subject::of(ledger, &record.kind, &record.subject),
            headers,
            payload: payload(record, preferences)?,
            notice: None,
        })
    }

    fn marker(ledger: &[u8; 16], position: u64) -> Message {
        Message {
            position,
            subject: subject::withheld(ledger),
            headers: envelope(ledger, position, WITHHELD_TYPE),
            payload: format!(r#"{{"position":{position},"type":"withheld.v1"}}"#).into_bytes(),
            notice: None,
        }
    }

    /// Marks the message as one that may have been sent before.
    pub(super) fn mark_replay(&mut self) {
        mark_replay(&mut self.headers);
        if let Some(notice) = &mut self.notice {
            notice.mark_replay();
        }
    }
}

/// What the notifier is told of the record, where a notification is owed for it.
fn due(
    ledger: &[u8; 16],
    record: &Record,
    standing: &dyn Standing,
) -> Result<Option<Box<Notice>>, RelayError> {
    let position = record.position;
    let Subject::Customer(id) = record.subject else {
        return Ok(None);
    };
    if !notice::may_be_due(record) {
        return Ok(None);
    }
    let owing = standing
        .owing(Pseudonym(id), Position(position))
        .map_err(|problem| RelayError::Standing { position, problem })?;
    let notice = owing.map(|owing| Notice::of(ledger, record, &id, &owing).map(Box::new));
    (notice.transpose()).map_err(|problem| RelayError::Line { position, problem })
}

/// Marks a message as one that may have been sent before.
pub(super) fn mark_replay(headers: &mut HeaderMap) {
    put(headers, REPLAY_HEADER, "true".to_owned());
}

/// The headers that every message has.
fn envelope(ledger: &[u8; 16], position: u64, kind: &str) -> HeaderMap {
    let id = format!("{}-{position}", Hex(ledger));
    let mut headers = attributes(ledger, position, kind, &id);
    // The stream's last sequence is that of the position before, which is this position's number.
    let expected = HeaderValue::from(position);
    headers.insert(async_nats::header::NATS_EXPECTED_LAST_SEQUENCE, expected);
    headers
}

/// The attributes that every message of any stream has, and the id by which repeats are known.
pub(super) fn attributes(ledger: &[u8; 16], position: u64, kind: &str, id: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(async_nats::header::NATS_MESSAGE_ID, HeaderValue::from(id));
    put(&mut headers, header::SPECVERSION, "1.0".to_owned());
    put(&mut headers, header::ID, id.to_owned());
    put(&mut headers, header::SOURCE, source(ledger));
    put(&mut headers, header::TYPE, kind.to_owned());
    put(
        &mut headers,
        header::DATACONTENTTYPE,
        "application/json".to_owned(),
    );
    put(&mut headers, header::POSITION, position.to_string());
    headers
}

/// Whom and when the record is about, and the rulebook in force.
pub(super) fn put_circumstances(headers: &mut HeaderMap, record: &Record, subject: String) {
    put(headers, header::SUBJECT, subject);
    put(headers, header::TIME, record.recorded_at.to_string());
    put(headers, header::SUBJECT_VERSION, record.version.to_string());
    put(
        headers,
        header::RULEBOOK,
        percent_encoded(&record.policy.rulebook),
    );
    put(
        headers,
        header::RULEBOOK_VERSION,
        percent_encoded(&record.policy.version),
    );
}

/// The position that a message of this ledger's is about; `Err` says what is wrong with it.
pub(super) fn position_of(headers: &HeaderMap, ledger: &[u8; 16]) -> Result<u64, String> {
    let get =
        |name: &'static str| (headers.get(HeaderName::from_static(name))).map(HeaderValue::as_str);
    match get(header::SOURCE) {
        Some(found) if found == source(ledger) => {}
        other => return Err(format!("`{}` is {other:?}", header::SOURCE)),
    }
    let position = get(header::POSITION);
    (position.and_then(|digits| digits.parse().ok()))
        .ok_or_else(|| format!("`{}` is {position:?}", header::POSITION))
}

fn source(ledger: &[u8; 16]) -> String {
    format!("urn:consent-ledger:{}", Hex(ledger))
}

fn put(headers: &mut HeaderMap, name: &'static str, value: String) {
    headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
}

/// What a message says about its place, read back from the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The record's hash; `None` for a withheld position.
    pub(super) hash: Option<Hash>,
}

impl Mark {
    /// Reads the headers of the message that must hold `position` of `ledger`; `Err` says what is wrong with them.
    pub(super) fn read(
        headers: &HeaderMap,
        ledger: &[u8; 16],
        position: u64,
    ) -> Result<Mark, String> {
        let get = |name: &'static str| {
            headers
                .get(HeaderName::from_static(name))
                .map(HeaderValue::as_str)
        };
        let must_be = |name, wanted: String| match get(name) {
            Some(found) if found == wanted => Ok(()),
            Some(found) => Err(format!("`{name}` is {found:?} and should be {wanted:?}")),
            None => Err(format!("it has no header `{name}`")),
        };
        must_be(header::SOURCE, source(ledger))?;
        must_be(header::POSITION, position.to_string())?;
        let withheld = get(header::TYPE) == Some(WITHHELD_TYPE);
        let hash = match get(header::RECORD_HASH) {
            Some(digits) => {
                Some(Hash::parse(digits).ok_or_else(|| format!("its record hash is {digits:?}"))?)
            }
            None if withheld => None,
            None => return Err(format!("it has no header `{}`", header::RECORD_HASH)),
        };
        Ok(Mark { hash })
    }
}

/// The published facts, in the order of the record.
#[derive(Serialize)]
struct Payload<'a> {
    position: u64,
    recorded_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    occurred_at: Option<String>,
    subject: SubjectFacts,
    version: u64,
    #[serde(rename = "type")]
    kind: &'a str,
    part: [u16; 2],
    policy: PolicyFacts<'a>,
    data: &'a RawValue,
    /// What the customer's words come to, this record and perhaps later ones among them (N3).
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<Preferences>,
}

/// Whom a message is about.
#[derive(Serialize)]
pub(super) struct SubjectFacts {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

impl SubjectFacts {
    pub(super) fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Ledger => Self {
                kind: "ledger",
                id: None,
            },
            Subject::Customer(id) => Self {
                kind: "customer",
                id: Some(Hex(id).to_string()),
            },
        }
    }
}

/// The rulebook that was in force.
#[derive(Serialize)]
pub(super) struct PolicyFacts<'a> {
    rulebook: &'a str,
    version: &'a str,
}

impl<'a> PolicyFacts<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        Self {
            rulebook: &record.policy.rulebook,
            version: &record.policy.version,
        }
    }
}

fn payload(record: &Record, preferences: Option<Preferences>) -> Result<Vec<u8>, LineError> {
    let data = shown(record).map_err(|_| LineError::Field { field: "data" })?;
    let facts = Payload {
        position: record.position,
        recorded_at: record.recorded_at.to_string(),
        occurred_at: record.occurred_at.map(|time| time.to_string()),
        subject: SubjectFacts::of(&record.subject),
        version: record.version,
        kind: &record.kind,
        part: [record.part.index, record.part.of],
        policy: PolicyFacts::of(record),
        data: &data,
        preferences,
    };
    serde_json::to_vec(&facts).map_err(|_| LineError::Field { field: "data" })
}

/// What the record says, without the verification that a statement cites: subscribers know nothing of how callers are
/// verified, and a marker must not be told from another by it (N4).
fn shown(record: &Record) -> Result<Cow<'_, RawValue>, serde_json::Error> {
    const CITED: &str = "verification";
    if record.data.contains(CITED) {
        let mut data: serde_json::Value = serde_json::from_str(&record.data)?;
        let statement = data.get_mut("statement").and_then(|it| it.as_object_mut());
        if statement.is_some_and(|statement| statement.remove(CITED).is_some()) {
            return serde_json::value::to_raw_value(&data).map(Cow::Owned);
        }
    }
    serde_json::from_str(&record.data).map(Cow::Borrowed)
}

/// What of the resulting state is told with records of that type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Everything: who reads what customers say may know what it comes to.
    All,
    /// What may be used: who reads of services and calls learns nothing of denials (N4).
    Usable,
    Nothing,
}

fn told(kind: &str) -> Told {
    match kind.split_once('.').map_or(kind, |(area, _)| area) {
        "asserted" | "consent" | "notice" => Told::All,
        // That nothing may be used any more is for everybody who gets the record.
        "account" | "call" | "retention" | "service" => Told::Usable,
        _ => Told::Nothing,
    }
}

/// How the types begin that are published. Everything else is no subscriber's business until somebody decides otherwise:
/// the company's registers, legal holds, erasures that were refused, how callers are verified, by what and for whom (N4).
const PUBLISHED: &[&str] = &[
    "account.",
    "asserted.",
    "call.",
    "consent.",
    "disclosure.",
    "entity.",
    "ledger.",
    "notice.",
    "policy.",
    "retention.erasure_completed.",
    "retention.erasure_requested.",
    "rulebook.",
    "ruling.",
    "service.",
];

fn is_kept_in(kind: &str) -> bool {
    !PUBLISHED.iter().any(|area| kind.starts_with(area))
}

/// Whether the record's data has a member `seal`, whatever its value. Data that can't be read counts as sealed.
fn is_under_seal(data: &str) -> bool {
    #[derive(Deserialize)]
    struct Seal {
        #[serde(default, deserialize_with = "present")]
        seal: bool,
    }
    fn present<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
        IgnoredAny::deserialize(value).map(|_| true)
    }
    serde_json::from_str::<Seal>(data).map_or(true, |data| data.seal)
}

/// A header value as the CloudEvents binding wants it: printable ASCII, all else (and `"`, `%`, space) as `%XX`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'"' | b'%' => encoded.push_str(&format!("%{byte:02X}")),
            0x21..=0x7e => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// An id as lower-case hex digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8; 16]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
