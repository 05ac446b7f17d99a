//! The record: one line of strict JSON, the same for ever.
//!
//! A reader in ten years has `jq` and SHA-256, not this code; so the line is plain JSON. A hash needs one text for one
//! record; so the JSON is strict: fields in a fixed order, no whitespace, no floats, integers below 2^53, one way to
//! escape a string. `write` and `parse` are each other's inverse; `envelope` reads only what the chain needs, without
//! looking at the data. `docs/format.md` is the specification for other languages.

mod envelope;
mod error;
pub(crate) mod json;
mod names;
mod parse;
pub(crate) mod write;

pub use envelope::Envelope;
pub(crate) use envelope::Links;
pub use error::LineError;
pub use json::check_object as check_data;

use crate::ledger::{hash::Hash, timestamp::Timestamp};

/// The largest integer that every JSON reader keeps exact: 2^53 - 1.
pub const INTEGER_MAX: u64 = (1 << 53) - 1;

/// The longest line, in bytes without the newline. One line always fits a stored block, however badly it compresses.
pub const LINE_MAX: usize = 64 * 1024;

/// One entry of the ledger. The field order here is the order in the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// 0, 1, 2 … without a gap; the leaf's index in the tree.
    pub position: u64,
    /// The server's clock, never earlier than in the record before.
    pub recorded_at: Timestamp,
    /// When it happened by the caller's word, where the caller said so.
    pub occurred_at: Option<Timestamp>,
    /// Whom it is about.
    pub subject: Subject,
    /// 1, 2, 3 … without a gap, for each subject.
    pub version: u64,
    /// The event's versioned name (`type` in the line): 1 to 128 of `a-z 0-9 . _ -`.
    pub kind: String,
    /// Which of how many records of one command.
    pub part: Part,
    /// Who asked for it.
    pub actor: Actor,
    /// The policy in force.
    pub policy: Policy,
    /// The event's own fields: a JSON object in the same strict form ([`check_data`]).
    pub data: String,
    /// Fields that only a key opens, in the order written.
    pub sealed: Vec<Sealed>,
    /// A keyed digest of the request's content, by which a repeat is known.
    pub request_mac: Option<[u8; 16]>,
    /// The hash of the line before; [`Hash::ZERO`] at position 0.
    pub prev: Hash,
}

/// A record that borrows its line: what a replay reads, which has no use for the rest.
#[derive(Clone, Copy, Debug)]
pub struct RecordRef<'a> {
    /// As [`Record::position`].
    pub position: u64,
    /// As [`Record::recorded_at`].
    pub recorded_at: Timestamp,
    /// As [`Record::occurred_at`].
    pub occurred_at: Option<Timestamp>,
    /// As [`Record::subject`].
    pub subject: Subject,
    /// As [`Record::version`].
    pub version: u64,
    /// As [`Record::kind`].
    pub kind: &'a str,
    /// As [`Record::part`].
    pub part: Part,
    /// As [`Record::data`].
    pub data: &'a str,
    /// As [`Record::request_mac`].
    pub request_mac: Option<[u8; 16]>,
    /// As [`Record::prev`].
    pub prev: Hash,
    actor: parse::ActorText<'a>,
    policy: parse::PolicyText<'a>,
    sealed: Option<parse::SealedText<'a>>,
}

/// Whom a record is about. Other kinds will be added; a reader that meets an unknown one stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The ledger itself.
    Ledger,
    /// A customer, by pseudonym.
    Customer([u8; 16]),
}

/// The place of a record among the records of one command, which share a block: `index` of `of`, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// 1 to `of`.
    pub index: u16,
    /// How many there are.
    pub of: u16,
}

impl Part {
    /// The only record of its command.
    pub const WHOLE: Part = Part { index: 1, of: 1 };

    /// Whether this is the last record of its command.
    pub fn is_last(self) -> bool {
        self.index == self.of
    }

    /// Whether `next` may follow this record.
    pub fn precedes(self, next: Part) -> bool {
        if self.is_last() {
            next.index == 1
        } else {
            next.of == self.of && self.index.checked_add(1) == Some(next.index)
        }
    }
}

/// Who asked: the calling service, its role, and what is known of the person behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The calling service as it authenticated itself.
    pub service: String,
    /// The role in which it called.
    pub role: String,
    /// Where the request came from, if stated.
    pub channel: Option<String>,
    /// The person, only as a pseudonym.
    pub person: Option<[u8; 16]>,
}

/// The rulebook in force when the record was made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub rulebook: String,
    /// Its version.
    pub version: String,
}

/// A field whose content only a key opens; the commitment lets one field be opened for an auditor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The field's name, unique in its record.
    pub field: String,
    /// Salted digest of the content.
    pub commitment: [u8; 32],
    /// The encrypted content.
    pub ciphertext: Vec<u8>,
}

impl Record {
    /// Whether [`Record::write_line`] would write a line that [`Record::parse`] accepts. A writer calls it before it
    /// commits a record: a line that can't be read again would stop the ledger for good.
    ///
    /// # Errors
    /// The first field that has no valid text.
    pub fn check(&self) -> Result<(), LineError> {
        let range = |field: &'static str, ok: bool| {
            if ok {
                Ok(())
            } else {
                Err(LineError::Field { field })
            }
        };
        let has_text = |time: Timestamp| (Timestamp::MIN..=Timestamp::MAX).contains(&time);
        range("position", self.position <= INTEGER_MAX)?;
        range("recorded_at", has_text(self.recorded_at))?;
        range("occurred_at", self.occurred_at.is_none_or(has_text))?;
        range("version", (1..=INTEGER_MAX).contains(&self.version))?;
        range("type", json::is_kind(self.kind.as_bytes()))?;
        range("part", (1..=self.part.of).contains(&self.part.index))?;
        check_data(&self.data)?;
        let mut names: Vec<&str> = self
            .sealed
            .iter()
            .map(|sealed| sealed.field.as_str())
            .collect();
        names.sort_unstable();
        range("sealed", names.windows(2).all(|pair| pair[0] != pair[1]))?;
        Ok(())
    }

    /// [`Record::check`] and [`Record::write_line`] in one: what it appends can be read back.
    ///
    /// # Errors
    /// As [`Record::check`], and [`LineError::TooLong`] beyond [`LINE_MAX`]; `out` is unchanged then.
    pub fn write_checked(&self, out: &mut Vec<u8>) -> Result<(), LineError> {
        self.check()?;
        let start = out.len();
        self.write_line(out);
        let len = out.len() - start;
        if len > LINE_MAX {
            out.truncate(start);
            return Err(LineError::TooLong { len });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
