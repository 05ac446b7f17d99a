//! What the chain needs of a line, read from both ends without looking at what is between.
//!
//! The fields before `actor` have fixed names, order and mostly fixed widths; `prev` is the last 64 digits. So a
//! verifier pays for some 200 bytes of a line, whatever its length, and hashing remains the larger cost. What lies
//! between is covered by the hash; only [`Record::parse`](crate::ledger::record::Record::parse) says whether it is
//! well formed.

use crate::ledger::{
    hash::{Hash, are_hex, parse_hex},
    record::{
        INTEGER_MAX, LINE_MAX, LineError, Part, Subject,
        json::{KIND_MAX, is_kind_byte},
    },
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

impl<'a> Envelope<'a> {
    /// Reads the outer fields of one line (without its newline).
    ///
    /// # Errors
    /// Where the line departs from the form, as far as it is looked at.
    pub fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        Links::parse(line)?.envelope(line)
    }
}

/// The outer fields of a line, those that the chain does not look at still as text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Links<'a> {
    pub position: u64,
    pub recorded_at: Timestamp,
    /// A customer's 32 digits; `None` for the ledger.
    subject: Option<&'a [u8; 32]>,
    version: u64,
    kind: &'a [u8],
    pub part: Part,
    /// The 64 digits of the hash of the line before.
    pub prev: &'a [u8; 64],
}

const SUFFIX_NAME: &[u8; 9] = b",\"prev\":\"";
const SUFFIX_LEN: usize = SUFFIX_NAME.len() + 64 + 2;

impl<'a> Links<'a> {
    /// As [`Envelope::parse`], without reading the digits of `prev`: whoever compares them knows what they have to be.
    pub(crate) fn parse(line: &'a [u8]) -> Result<Self, LineError> {
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
        at.literal(b"\",\"part\":[", ",\"part\":")?;
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

    /// The same with all fields read.
    pub(crate) fn envelope(&self, line: &[u8]) -> Result<Envelope<'a>, LineError> {
        let wrong = |field| LineError::Field { field };
        let subject = match self.subject {
            None => Subject::Ledger,
            Some(digits) => Subject::Customer(parse_hex(digits).ok_or(wrong("subject"))?),
        };
        Ok(Envelope {
            position: self.position,
            recorded_at: self.recorded_at,
            subject,
            version: self.version,
            // Its letters are ASCII by now.
            kind: std::str::from_utf8(self.kind).map_err(|_| wrong("type"))?,
            part: self.part,
            prev: Hash(parse_hex(self.prev).ok_or_else(|| bad_suffix(line))?),
        })
    }
}

fn bad_suffix(line: &[u8]) -> LineError {
    LineError::Expected {
        at: line.len().saturating_sub(SUFFIX_LEN),
        what: ",\"prev\": and 64 hex digits at the end",
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

    #[inline(always)]
    fn take<const N: usize>(&mut self, literal: &[u8; N]) -> bool {
        match self.rest.split_first_chunk::<N>() {
            Some((found, rest)) if found == literal => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn literal<const N: usize>(
        &mut self,
        literal: &[u8; N],
        what: &'static str,
    ) -> Result<(), LineError> {
        if self.take(literal) {
            Ok(())
        } else {
            Err(self.expected(what))
        }
    }

    #[inline(always)]
    fn integer(&mut self) -> Result<u64, LineError> {
        let (mut number, mut digits) = (0_u64, 0);
        // 2^53 has 16 digits; one more shows that a number is too big.
        for byte in self.rest.iter().take(17) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            number = number * 10 + u64::from(digit);
            digits += 1;
        }
        if digits == 0 || (digits > 1 && self.rest.first() == Some(&b'0')) {
            return Err(LineError::NotInteger {
                at: self.line.len() - self.rest.len(),
            });
        }
        if number > INTEGER_MAX {
            return Err(LineError::IntegerTooBig {
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

    fn subject(&mut self) -> Result<Option<&'a [u8; 32]>, LineError> {
        if self.take(b"ledger\"}") {
            return Ok(None);
        }
        self.literal(b"customer\",\"id\":\"", "ledger or customer")?;
        let digits = self
            .rest
            .split_first_chunk::<32>()
            .filter(|(digits, _)| are_hex(*digits));
        let (digits, rest) = digits.ok_or_else(|| self.expected("32 hex digits"))?;
        self.rest = rest;
        self.literal(b"\"}", "the end of the subject")?;
        Ok(Some(digits))
    }

    fn kind(&mut self) -> Result<&'a [u8], LineError> {
        let end = self.rest.iter().position(|byte| !is_kind_byte(*byte));
        let (kind, rest) = self.rest.split_at(end.unwrap_or_default());
        if kind.is_empty() || kind.len() > KIND_MAX {
            return Err(LineError::Field { field: "type" });
        }
        self.rest = rest;
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

    /// The digits of `prev` at the line's end, which must not overlap what has been read from its start.
    fn prev(&self) -> Result<&'a [u8; 64], LineError> {
        let suffix = self.rest.last_chunk::<SUFFIX_LEN>();
        suffix
            .and_then(|suffix| suffix.strip_prefix(SUFFIX_NAME))
            .and_then(|suffix| suffix.strip_suffix(b"\"}"))
            .and_then(|digits| digits.try_into().ok())
            .ok_or_else(|| bad_suffix(self.line))
    }
}
