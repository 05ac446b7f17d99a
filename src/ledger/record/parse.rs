//! Reading a line back, strictly: only what [`Record::write_line`] writes is accepted.

use crate::ledger::{
    hash::Hash,
    record::{
        Actor, LineError, Part, Policy, Record, RecordRef, Sealed, Subject,
        json::{Scanner, is_kind, plain_text},
        names::Names,
    },
};

/// The bytes of a commitment.
const COMMITMENT_LEN: usize = 32;

impl Record {
    /// Reads one line (without its newline).
    ///
    /// # Errors
    /// The first byte where the line departs from the form; what is accepted is, written again, the same bytes.
    pub fn parse(line: &[u8]) -> Result<Record, LineError> {
        let RecordRef {
            position,
            recorded_at,
            occurred_at,
            subject,
            version,
            kind,
            part,
            actor,
            policy,
            data,
            sealed,
            request_mac,
            prev,
        } = RecordRef::parse(line)?;
        Ok(Record {
            position,
            recorded_at,
            occurred_at,
            subject,
            version,
            kind: kind.to_owned(),
            part,
            actor: actor.read(),
            policy: policy.read(),
            data: data.to_owned(),
            sealed: sealed.map_or(Ok(Vec::new()), SealedText::read)?,
            request_mac,
            prev,
        })
    }
}

impl<'a> RecordRef<'a> {
    /// Reads one line (without its newline), exactly as strictly as [`Record::parse`], and copies nothing.
    ///
    /// # Errors
    /// As [`Record::parse`].
    pub fn parse(line: &'a [u8]) -> Result<Self, LineError> {
        Self::parse_knowing(line, |_, _| None)
    }

    /// As [`RecordRef::parse`], for a reader who remembers what it has read: `known` gets the type and the text from
    /// `data` on, and gives the length of `data` where the very same text was accepted before.
    pub(crate) fn parse_knowing(
        line: &'a [u8],
        known: impl FnOnce(&str, &str) -> Option<usize>,
    ) -> Result<Self, LineError> {
        let mut at = Scanner::of_line(line)?;
        at.literal("{\"position\":")?;
        let position = at.integer(0)?;
        at.literal(",\"recorded_at\":")?;
        let recorded_at = at.timestamp()?;
        let occurred_at = if at.take(",\"occurred_at\":") {
            Some(at.timestamp()?)
        } else {
            None
        };
        at.literal(",\"subject\":")?;
        let subject = subject(&mut at)?;
        at.literal(",\"version\":")?;
        let version = at.integer(1)?;
        at.literal(",\"type\":")?;
        let kind = at.raw_string()?;
        if !is_kind(kind.as_bytes()) {
            return Err(LineError::Field { field: "type" });
        }
        at.literal(",\"part\":")?;
        let part = part(&mut at)?;
        at.literal(",\"actor\":")?;
        let actor = ActorText::scan(&mut at)?;
        at.literal(",\"policy\":")?;
        let policy = PolicyText::scan(&mut at)?;
        at.literal(",\"data\":")?;
        let data = match known(kind, at.rest_text()) {
            Some(len) => at.known_text(len),
            None => at.object_text()?,
        };
        let sealed = if at.take(",\"sealed\":") {
            Some(SealedText::scan(&mut at)?)
        } else {
            None
        };
        let request_mac = if at.take(",\"request_mac\":") {
            Some(at.hex("32 hex digits")?)
        } else {
            None
        };
        at.literal(",\"prev\":")?;
        let prev = Hash(at.hex("64 hex digits")?);
        at.literal("}")?;
        at.end()?;
        Ok(Self {
            position,
            recorded_at,
            occurred_at,
            subject,
            version,
            kind,
            part,
            actor,
            policy,
            data,
            sealed,
            request_mac,
            prev,
        })
    }
}

fn subject(at: &mut Scanner<'_>) -> Result<Subject, LineError> {
    if at.take("{\"kind\":\"ledger\"}") {
        return Ok(Subject::Ledger);
    }
    at.literal("{\"kind\":\"customer\",\"id\":")?;
    let id = at.hex("32 hex digits")?;
    at.literal("}")?;
    Ok(Subject::Customer(id))
}

fn part(at: &mut Scanner<'_>) -> Result<Part, LineError> {
    at.literal("[")?;
    let index = at.integer(1)?;
    at.literal(",")?;
    let of = at.integer(index)?;
    at.literal("]")?;
    match (u16::try_from(index), u16::try_from(of)) {
        (Ok(index), Ok(of)) => Ok(Part { index, of }),
        _ => Err(LineError::Field { field: "part" }),
    }
}

/// An [`Actor`] as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActorText<'a> {
    service: &'a str,
    role: &'a str,
    channel: Option<&'a str>,
    person: Option<[u8; 16]>,
}

impl<'a> ActorText<'a> {
    fn scan(at: &mut Scanner<'a>) -> Result<Self, LineError> {
        at.literal("{\"service\":")?;
        let service = at.raw_string()?;
        at.literal(",\"role\":")?;
        let role = at.raw_string()?;
        let channel = if at.take(",\"channel\":") {
            Some(at.raw_string()?)
        } else {
            None
        };
        let person = if at.take(",\"person\":") {
            Some(at.hex("32 hex digits")?)
        } else {
            None
        };
        at.literal("}")?;
        Ok(Self {
            service,
            role,
            channel,
            person,
        })
    }

    fn read(self) -> Actor {
        Actor {
            service: plain_text(self.service).into_owned(),
            role: plain_text(self.role).into_owned(),
            channel: self.channel.map(|text| plain_text(text).into_owned()),
            person: self.person,
        }
    }
}

/// A [`Policy`] as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct PolicyText<'a> {
    rulebook: &'a str,
    version: &'a str,
}

impl<'a> PolicyText<'a> {
    fn scan(at: &mut Scanner<'a>) -> Result<Self, LineError> {
        at.literal("{\"rulebook\":")?;
        let rulebook = at.raw_string()?;
        at.literal(",\"version\":")?;
        let version = at.raw_string()?;
        at.literal("}")?;
        Ok(Self { rulebook, version })
    }

    fn read(self) -> Policy {
        Policy {
            rulebook: plain_text(self.rulebook).into_owned(),
            version: plain_text(self.version).into_owned(),
        }
    }
}

/// The object of sealed fields as it is written, known to be well formed.
#[derive(Clone, Copy, Debug)]
pub(super) struct SealedText<'a>(&'a str);

impl<'a> SealedText<'a> {
    fn scan(at: &mut Scanner<'a>) -> Result<Self, LineError> {
        let (start, mut names) = (at.offset(), Names::default());
        sealed_fields(at, |name, _, _| {
            names.add(name);
            Ok(())
        })?;
        names.distinct(at.offset())?;
        Ok(Self(at.since(start)))
    }

    fn read(self) -> Result<Vec<Sealed>, LineError> {
        let wrong = LineError::Field { field: "sealed" };
        let decode = |text: &str| data_encoding::BASE64.decode(text.as_bytes());
        let mut fields = Vec::new();
        sealed_fields(&mut Scanner::new(self.0), |name, commitment, ciphertext| {
            let commitment = decode(commitment).ok().and_then(|it| it.try_into().ok());
            fields.push(Sealed {
                field: plain_text(name).into_owned(),
                commitment: commitment.ok_or_else(|| wrong.clone())?,
                ciphertext: decode(ciphertext).map_err(|_| wrong.clone())?,
            });
            Ok(())
        })?;
        Ok(fields)
    }
}

/// Calls `take` with each field's raw name, commitment and ciphertext.
fn sealed_fields<'a>(
    at: &mut Scanner<'a>,
    mut take: impl FnMut(&'a str, &'a str, &'a str) -> Result<(), LineError>,
) -> Result<(), LineError> {
    at.literal("{")?;
    loop {
        let name = at.raw_string()?;
        at.literal(":[")?;
        let (commitment, len) = at.base64()?;
        at.literal(",")?;
        let (ciphertext, _) = at.base64()?;
        at.literal("]")?;
        if len != COMMITMENT_LEN {
            return Err(LineError::Field { field: "sealed" });
        }
        take(name, commitment, ciphertext)?;
        if at.take("}") {
            return Ok(());
        }
        at.literal(",")?;
    }
}
