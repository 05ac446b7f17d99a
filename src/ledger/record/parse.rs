//! Reading a line back, strictly: only what [`Record::write_line`] writes is accepted.

use crate::ledger::{
    hash::Hash,
    record::{
        Actor, LineError, Part, Policy, Record, Sealed, Subject,
        json::{Names, Scanner, is_kind},
    },
};

impl Record {
    /// Reads one line (without its newline).
    ///
    /// # Errors
    /// The first byte where the line departs from the form; what is accepted is, written again, the same bytes.
    pub fn parse(line: &[u8]) -> Result<Record, LineError> {
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
        let kind = at.string()?.into_owned();
        if !is_kind(kind.as_bytes()) {
            return Err(LineError::Field { field: "type" });
        }
        at.literal(",\"part\":")?;
        let part = part(&mut at)?;
        at.literal(",\"actor\":")?;
        let actor = actor(&mut at)?;
        at.literal(",\"policy\":")?;
        let policy = policy(&mut at)?;
        at.literal(",\"data\":")?;
        let data = at.object_text()?.to_owned();
        let sealed = if at.take(",\"sealed\":") {
            sealed(&mut at)?
        } else {
            Vec::new()
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
        Ok(Record {
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

fn actor(at: &mut Scanner<'_>) -> Result<Actor, LineError> {
    at.literal("{\"service\":")?;
    let service = at.string()?.into_owned();
    at.literal(",\"role\":")?;
    let role = at.string()?.into_owned();
    let channel = if at.take(",\"channel\":") {
        Some(at.string()?.into_owned())
    } else {
        None
    };
    let person = if at.take(",\"person\":") {
        Some(at.hex("32 hex digits")?)
    } else {
        None
    };
    at.literal("}")?;
    Ok(Actor {
        service,
        role,
        channel,
        person,
    })
}

fn policy(at: &mut Scanner<'_>) -> Result<Policy, LineError> {
    at.literal("{\"rulebook\":")?;
    let rulebook = at.string()?.into_owned();
    at.literal(",\"version\":")?;
    let version = at.string()?.into_owned();
    at.literal("}")?;
    Ok(Policy { rulebook, version })
}

fn sealed(at: &mut Scanner<'_>) -> Result<Vec<Sealed>, LineError> {
    at.literal("{")?;
    let mut fields: Vec<Sealed> = Vec::new();
    loop {
        let field = at.string()?.into_owned();
        at.literal(":[")?;
        let commitment = at.base64()?;
        at.literal(",")?;
        let ciphertext = at.base64()?;
        at.literal("]")?;
        let commitment = commitment
            .try_into()
            .map_err(|_| LineError::Field { field: "sealed" })?;
        fields.push(Sealed {
            field,
            commitment,
            ciphertext,
        });
        if at.take("}") {
            break;
        }
        at.literal(",")?;
    }
    let mut names = Names::default();
    fields.iter().for_each(|sealed| names.add(&sealed.field));
    names.distinct(at.offset())?;
    Ok(fields)
}
