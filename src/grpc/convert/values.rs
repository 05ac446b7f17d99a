//! Single values: instants, digests, identifiers, texts, customers.

use std::str::FromStr;

use prost_types::Timestamp;
use uuid::Uuid;

use super::{Malformed, Within};
use crate::domain::ids::{Category, EntityId, Personal, Position, Pseudonym, Sha256Digest};
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// Longest customer id, call id, person and request id of a provider, in bytes.
pub const ID_BYTES_MAX: usize = 128;
/// Longest reference to an order, a case, a ticket, evidence, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 256;
/// Longest BCP 47 tag that the registry's rules make necessary.
const LANGUAGE_BYTES_MAX: usize = 35;

const IDENTIFIER: &str = "must be 1 to 64 of `a-z 0-9 . _ -`";
/// 0001-01-01 and 9999-12-31T23:59:59, what records can hold.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The instant, cut to microseconds.
///
/// # Errors
/// When it is outside of the years 1 to 9999 or its nanoseconds are out of range.
pub fn time(field: &str, at: &Timestamp) -> Result<Time, Malformed> {
    if !SECONDS.contains(&at.seconds) || !(0..1_000_000_000).contains(&at.nanos) {
        return Err(Malformed::invalid(
            field,
            "must be an instant of the years 1 to 9999 with 0 to 999999999 nanos",
        ));
    }
    Ok(Time(at.seconds * 1_000_000 + i64::from(at.nanos / 1000)))
}

/// The instant, if there is one.
///
/// # Errors
/// As [`time`].
pub fn optional_time(field: &str, at: Option<&Timestamp>) -> Result<Option<Time>, Malformed> {
    at.map(|at| time(field, at)).transpose()
}

/// The instant, which must be there.
///
/// # Errors
/// When it is missing, or as [`time`].
pub fn required_time(field: &str, at: Option<&Timestamp>) -> Result<Time, Malformed> {
    optional_time(field, at)?.ok_or_else(|| Malformed::missing(field))
}

/// The instant on the wire.
pub fn timestamp(at: Time) -> Timestamp {
    let micros = i32::try_from(at.0.rem_euclid(1_000_000)).unwrap_or_default();
    Timestamp {
        seconds: at.0.div_euclid(1_000_000),
        nanos: micros * 1000,
    }
}

/// A SHA-256 digest, or nothing where nothing was given.
///
/// # Errors
/// When it has another length.
pub fn optional_digest(field: &str, bytes: &[u8]) -> Result<Option<[u8; 32]>, Malformed> {
    if bytes.is_empty() {
        return Ok(None);
    }
    let digest = bytes
        .try_into()
        .map_err(|_| Malformed::invalid(field, "must be a SHA-256 digest of 32 bytes"))?;
    Ok(Some(digest))
}

/// A SHA-256 digest.
///
/// # Errors
/// When it is missing or has another length.
pub fn digest(field: &str, bytes: &[u8]) -> Result<[u8; 32], Malformed> {
    optional_digest(field, bytes)?.ok_or_else(|| Malformed::missing(field))
}

/// A SHA-256 digest as records write it, or nothing where nothing was given.
///
/// # Errors
/// When it has another length.
pub fn digest_of(field: &str, bytes: &[u8]) -> Result<Option<Sha256Digest>, Malformed> {
    Ok(optional_digest(field, bytes)?.map(Sha256Digest))
}

/// A named entity.
///
/// # Errors
/// When it isn't an identifier.
pub fn entity(field: &str, text: &str) -> Result<EntityId, Malformed> {
    EntityId::parse(text).ok_or_else(|| Malformed::invalid(field, IDENTIFIER))
}

/// A named entity, or none where the text is empty.
///
/// # Errors
/// When it isn't an identifier.
pub fn optional_entity(field: &str, text: &str) -> Result<Option<EntityId>, Malformed> {
    (!text.is_empty()).then(|| entity(field, text)).transpose()
}

/// A service category; whether the rulebook knows it is the domain's to say.
///
/// # Errors
/// When it isn't an identifier.
pub fn category(field: &str, text: &str) -> Result<Category, Malformed> {
    Category::parse(text).ok_or_else(|| Malformed::invalid(field, IDENTIFIER))
}

/// Service categories.
///
/// # Errors
/// When there are more than `max`, or one isn't an identifier.
pub fn categories(field: &str, texts: &[String], max: usize) -> Result<Vec<Category>, Malformed> {
    at_most(field, texts.len(), max)?;
    let parse = |(index, text): (usize, &String)| category("", text).within_item(field, index);
    texts.iter().enumerate().map(parse).collect()
}

/// An identifier that is neither entity nor category, such as a notice version.
///
/// # Errors
/// When it isn't an identifier.
pub fn identifier(field: &str, text: String) -> Result<String, Malformed> {
    match EntityId::parse(&text) {
        Some(_) => Ok(text),
        None => Err(Malformed::invalid(field, IDENTIFIER)),
    }
}

/// A BCP 47 tag, by its alphabet and length.
///
/// # Errors
/// When it can't be one.
pub fn language(field: &str, text: String) -> Result<String, Malformed> {
    let subtag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    if text.len() <= LANGUAGE_BYTES_MAX && text.split('-').all(subtag) {
        Ok(text)
    } else {
        Err(Malformed::invalid(
            field,
            "must be a BCP 47 tag such as `en-US`",
        ))
    }
}

/// A calendar date `YYYY-MM-DD`, or none where the text is empty.
///
/// # Errors
/// When there is no such day.
pub fn optional_date(field: &str, text: String) -> Result<Option<String>, Malformed> {
    if text.is_empty() {
        return Ok(None);
    }
    let day = jiff::civil::Date::from_str(&text).ok();
    match day.filter(|day| day.to_string() == text) {
        Some(_) => Ok(Some(text)),
        None => Err(Malformed::invalid(field, "must be a date `YYYY-MM-DD`")),
    }
}

/// A text that may be personal, or none where it is empty.
///
/// # Errors
/// When it is longer than a reference may be.
pub fn optional_personal(field: &str, text: String) -> Result<Option<Personal>, Malformed> {
    if text.len() > REFERENCE_BYTES_MAX {
        return Err(too_long(field, REFERENCE_BYTES_MAX));
    }
    Ok((!text.is_empty()).then(|| Personal::new(text)))
}

/// An identifier from the caller's systems: no alphabet but a length, and no control characters.
///
/// # Errors
/// When it is empty, too long or holds control characters.
pub fn outside_id<'a>(field: &str, text: &'a str) -> Result<&'a str, Malformed> {
    if text.is_empty() {
        return Err(Malformed::missing(field));
    }
    if text.len() > ID_BYTES_MAX {
        return Err(too_long(field, ID_BYTES_MAX));
    }
    if text.chars().any(char::is_control) {
        return Err(Malformed::invalid(
            field,
            "must not hold control characters",
        ));
    }
    Ok(text)
}

/// A command's or request's id.
///
/// # Errors
/// When it isn't a UUID in its usual form.
pub fn request_id(field: &str, text: &str) -> Result<Uuid, Malformed> {
    match Uuid::try_parse(text) {
        // One spelling only, so that everybody finds the id in his own logs.
        Ok(id) if text.len() == 36 && !id.is_nil() => Ok(id),
        _ if text.is_empty() => Err(Malformed::missing(field)),
        _ => Err(Malformed::invalid(
            field,
            "must be a UUID of 36 characters, such as 019324c0-7d1e-7c3a-8f5e-2b1d6a9c4e70",
        )),
    }
}

/// The customer that a request names.
///
/// # Errors
/// When none is named or the name has the wrong shape.
pub fn customer(reference: Option<wire::CustomerRef>) -> Result<SubjectRef, Malformed> {
    use wire::customer_ref::Customer;

    match reference.and_then(|reference| reference.customer) {
        None => Err(Malformed::invalid(
            "customer",
            "must name an id or a pseudonym",
        )),
        Some(Customer::Id(id)) => {
            outside_id("customer.id", &id)?;
            Ok(SubjectRef::Id(id))
        }
        Some(Customer::Pseudonym(text)) => {
            pseudonym("customer.pseudonym", &text).map(SubjectRef::Pseudonym)
        }
    }
}

/// A pseudonym.
///
/// # Errors
/// When it isn't 32 lower-case hexadecimal digits.
pub fn pseudonym(field: &str, text: &str) -> Result<Pseudonym, Malformed> {
    Pseudonym::parse(text)
        .ok_or_else(|| Malformed::invalid(field, "must be 32 lower-case hexadecimal digits"))
}

/// Positions as the domain names them.
pub fn positions(numbers: Vec<u64>) -> Vec<Position> {
    numbers.into_iter().map(Position).collect()
}

/// Positions on the wire.
pub fn numbers<'a>(positions: impl IntoIterator<Item = &'a Position>) -> Vec<u64> {
    positions.into_iter().map(|position| position.0).collect()
}

/// Checks the length of a list.
///
/// # Errors
/// When it is longer than `max`.
pub fn at_most(field: &str, len: usize, max: usize) -> Result<(), Malformed> {
    if len > max {
        return Err(Malformed::invalid(
            field,
            format!("must have {max} items at most, and has {len}"),
        ));
    }
    Ok(())
}

fn too_long(field: &str, max: usize) -> Malformed {
    Malformed::invalid(field, format!("must be {max} bytes at most"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn r5_instants_keep_their_microseconds_and_come_back() {
        for micros in [0, 1, -1, 999_999, -1_000_001, 1_795_530_000_123_456] {
            assert_eq!(time("at", &timestamp(Time(micros))), Ok(Time(micros)));
        }
        let fine = Timestamp {
            seconds: 1,
            nanos: 1_999,
        };
        assert_eq!(time("at", &fine), Ok(Time(1_000_001)));
    }

    #[test]
    fn c7_instants_out_of_range_are_refused_by_name() {
        let wrong = [
            (253_402_300_800, 0),
            (-62_135_596_801, 0),
            (0, -1),
            (0, 1_000_000_000),
            (i64::MAX, i32::MAX),
        ];
        for (seconds, nanos) in wrong {
            let refused = time("as_of.time", &Timestamp { seconds, nanos });
            assert!(refused.is_err_and(|malformed| malformed.to_string().contains("`as_of.time`")));
        }
    }

    #[test]
    fn c7_texts_of_the_wrong_shape_are_refused() {
        let long = "x".repeat(300);
        assert!(entity("e", "Acme").is_err());
        assert!(entity("e", "").is_err());
        assert_eq!(optional_entity("e", ""), Ok(None));
        assert!(categories("open", &["local".into(), "b c".into()], 4).is_err());
        assert!(categories("open", &["a".into(), "b".into()], 1).is_err());
        assert!(outside_id("customer.id", "").is_err());
        assert!(outside_id("customer.id", "a\nb").is_err());
        assert!(outside_id("customer.id", &long).is_err());
        assert!(optional_personal("ticket", long.clone()).is_err());
        assert_eq!(optional_personal("ticket", String::new()), Ok(None));
        assert!(digest("digest", &[1; 31]).is_err());
        assert!(digest("digest", &[]).is_err());
        assert!(language("language", "english language".into()).is_err());
        assert!(language("language", String::new()).is_err());
        assert!(language("language", "es-US".into()).is_ok());
        assert!(optional_date("dated", "2026-02-29".into()).is_err());
        assert!(optional_date("dated", "20260228".into()).is_err());
        assert!(optional_date("dated", "2026-02-28".into()).is_ok());
        assert!(pseudonym("pseudonym", "ABCDEF00ABCDEF00ABCDEF00ABCDEF00").is_err());
    }

    #[test]
    fn c1_a_request_id_is_a_uuid_in_one_spelling() {
        assert!(request_id("id", "019324c0-7d1e-7c3a-8f5e-2b1d6a9c4e70").is_ok());
        for wrong in [
            "",
            "1",
            "019324c07d1e7c3a8f5e2b1d6a9c4e70",
            "00000000-0000-0000-0000-000000000000",
        ] {
            assert!(request_id("id", wrong).is_err(), "{wrong}");
        }
    }
}
