//! What the chain needs of a line, read from both ends without looking at what is between.
//!
//! The fields before `actor` have fixed names, order and mostly fixed widths; `prev` is the last 64 digits. So a
//! verifier pays for some 200 bytes of a line, whatever its length, and hashing remains the larger cost. What lies
//! between is covered by the hash; only [`Record::parse`](crate::ledger::record::Record::parse) says whether it is
//! well formed.

use crate::ledger::{
    hash::{Hash, parse_hex},
    record::{INTEGER_MAX, LINE_MAX, LineError, Part, Subject, json::is_kind},
    timestamp::Timestamp,
};

/// The outer fields of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The record's position.
    pub position: u64,
    /// The server's clock.
    pub recorded_at: Timestamp,
    /// Whom it is about.
    pub subject: Subject,
    /// The subject's version.
    pub version: u64,
    /// The event's name (`type`).
    pub kind: &'a str,
    /// Which of how many records of one command.
    pub part: Part,
    /// The hash of the line before.
    pub prev: Hash,
}

const SUFFIX_NAME: &[u8] = b",\"prev\":\"";
const SUFFIX_LEN: usize = SUFFIX_NAME.len() + 64 + 2;

impl<'a> Envelope<'a> {
    /// Reads the outer fields of one line (without its newline).
    ///
    /// # Errors
    /// Where the line departs from the form, as far as it is looked at.
    pub fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        if line.len() > LINE_MAX {
            return Err(LineError::TooLong { len: line.len() });
        }
        let mut at = Cursor { line, rest: line };
        at.literal(b"{\"position\":", "{\"position\":")?;
        let position = at.integer()?;
        at.literal(b",\"recorded_at\":\"", ",\"recorded_at\":")?;
        let recorded_at = at.timestamp()?;
        if at.take(b"\",\"occurred_at\":\"") {
            at.timestamp()?;
        }
        at.literal(b"\",\"subject\":{\"kind\":\"", ",\"subject\":")?;
        let subject = at.subject()?;
        at.literal(b",\"version\":", ",\"version\":")?;
        let version = at.integer()?;
        if version == 0 {
            return Err(LineError::Field { field: "version" });
        }
        at.literal(b",\"type\":\"", ",\"type\":")?;
        let kind = at.kind()?;
        at.literal(b",\"part\":[", ",\"part\":")?;
        let part = at.part()?;
        at.literal(b"],\"actor\":{", ",\"actor\":{")?;
        let prev = at.prev()?;
        Ok(Self {
            position,
            recorded_at,
            subject,
            version,
            kind,
            part,
            prev,
        })
    }
}

struct Cursor<'a> {
    line: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[cold]
    fn expected(&self, what: &'static str) -> LineError {
        LineError::Expected {
            at: self.line.len() - self.rest.len(),
            what,
        }
    }

    fn take(&mut self, literal: &[u8]) -> bool {
        match self.rest.strip_prefix(literal) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn literal(&mut self, literal: &[u8], what: &'static str) -> Result<(), LineError> {
        if self.take(literal) {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    fn integer(&mut self) -> Result<u64, LineError> {
        let mut number = 0_u64;
        let mut digits = 0;
        for byte in self.rest {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number * 10 + u64::from(digit);
            digits += 1;
            if number > INTEGER_MAX {
                return Err(LineError::IntegerTooBig {
                    at: self.line.len() - self.rest.len(),
                });
            }
        }
        if digits == 0 || (digits > 1 && self.rest.first() == Some(&b'0')) {
            return Err(LineError::NotInteger {
                at: self.line.len() - self.rest.len(),
            });
        }
        self.rest = self.rest.get(digits..).unwrap_or_default();
        Ok(number)
    }

    fn timestamp(&mut self) -> Result<Timestamp, LineError> {
        let parsed = self
            .rest
            .split_first_chunk()
            .and_then(|(text, rest)| Timestamp::from_text(text).map(|time| (time, rest)));
        let (time, rest) =
            parsed.ok_or_else(|| self.expected("a time such as 2026-11-24T14:38:25.000000Z"))?;
        self.rest = rest;
        Ok(time)
    }

    fn subject(&mut self) -> Result<Subject, LineError> {
        if self.take(b"ledger\"}") {
            return Ok(Subject::Ledger);
        }
        self.literal(b"customer\",\"id\":\"", "ledger or customer")?;
        let parsed = self
            .rest
            .split_first_chunk::<32>()
            .and_then(|(digits, rest)| parse_hex::<16>(digits).map(|id| (id, rest)));
        let (id, rest) = parsed.ok_or_else(|| self.expected("32 hex digits"))?;
        self.rest = rest;
        self.literal(b"\"}", "the end of the subject")?;
        Ok(Subject::Customer(id))
    }

    fn kind(&mut self) -> Result<&'a str, LineError> {
        let len = self.rest.iter().position(|byte| *byte == b'"');
        let kind = len
            .and_then(|len| self.rest.get(..len))
            .filter(|kind| is_kind(kind));
        let Some(kind) = kind.and_then(|kind| std::str::from_utf8(kind).ok()) else {
            return Err(LineError::Field { field: "type" });
        };
        self.rest = self.rest.get(kind.len() + 1..).unwrap_or_default();
        Ok(kind)
    }

    fn part(&mut self) -> Result<Part, LineError> {
        let index = self.integer()?;
        self.literal(b",", "a comma")?;
        let of = self.integer()?;
        match (u16::try_from(index), u16::try_from(of)) {
            (Ok(index), Ok(of)) if (1..=of).contains(&index) => Ok(Part { index, of }),
            _ => Err(LineError::Field { field: "part" }),
        }
    }

    /// `prev` from the line's end, which must not overlap what has been read from its start.
    fn prev(&self) -> Result<Hash, LineError> {
        let suffix = self.rest.last_chunk::<SUFFIX_LEN>();
        suffix
            .and_then(|suffix| suffix.strip_prefix(SUFFIX_NAME))
            .and_then(|suffix| suffix.strip_suffix(b"\"}"))
            .and_then(parse_hex::<32>)
            .map(Hash)
            .ok_or_else(|| LineError::Expected {
                at: self.line.len().saturating_sub(SUFFIX_LEN),
                what: ",\"prev\": and 64 hex digits at the end",
            })
    }
}
