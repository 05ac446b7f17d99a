//! Pages of a customer's history: sizes, tokens, filters (C5).

use prost_types::Timestamp;

use super::convert::values::{at_most, optional_time};
use super::convert::{Malformed, Within};
use crate::domain::time::Time;
use crate::projections::HistoryEntry;

/// Records on a page where the caller names no number.
const SIZE: usize = 100;
/// Most records on a page.
pub const PAGE_MAX: usize = 500;
/// Most types in a filter.
const TYPES_MAX: usize = 16;

/// Where a page begins and how much it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Only records after this version of the customer.
    pub after_version: u64,
    /// Most records.
    pub size: usize,
}

impl Page {
    /// The page that a request asks for.
    ///
    /// # Errors
    /// When the size is out of range or the token isn't one of ours.
    pub fn parse(size: i32, token: &str) -> Result<Self, Malformed> {
        let size = match usize::try_from(size) {
            Ok(0) => SIZE,
            Ok(size) if size <= PAGE_MAX => size,
            _ => {
                let problem = format!("must be 1 to {PAGE_MAX}, or 0 for {SIZE}");
                return Err(Malformed::invalid("page_size", problem));
            }
        };
        let after_version = match token.strip_prefix('v') {
            None if token.is_empty() => Some(0),
            None => None,
            Some(version) => version.parse().ok(),
        };
        let after_version = after_version.ok_or_else(|| {
            Malformed::invalid(
                "page_token",
                "must be the `next_page_token` of an earlier answer",
            )
        })?;
        Ok(Self {
            after_version,
            size,
        })
    }
}

/// The token of the page after one of `size` records at most; empty where there is none.
pub fn next_page(found: &[HistoryEntry], size: usize) -> String {
    match found.last() {
        Some(last) if found.len() >= size => token(last.version),
        _ => String::new(),
    }
}

/// The token of the page after a version.
pub fn token(version: u64) -> String {
    format!("v{version}")
}

/// What of a history is asked for.
#[derive(Clone, Debug)]
pub struct Filter {
    types: Vec<String>,
    from: Option<Time>,
    until: Option<Time>,
}

impl Filter {
    /// The filter that a request asks for.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub fn parse(
        types: Vec<String>,
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Self, Malformed> {
        Ok(Self {
            types: record_types(types)?,
            from: optional_time("recorded_from", from.as_ref())?,
            until: optional_time("recorded_until", until.as_ref())?,
        })
    }

    /// Whether no type is asked for by name.
    pub fn any_type(&self) -> bool {
        self.types.is_empty()
    }

    /// Whether a record is asked for.
    pub fn wants(&self, record: &HistoryEntry) -> bool {
        is_of(record.kind, &self.types) && self.holds(record.recorded_at)
    }

    /// Whether an instant lies in the period.
    pub fn holds(&self, at: Time) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// Record types, or their beginnings up to a dot.
///
/// # Errors
/// When there are too many, or one can't be a type.
pub fn record_types(types: Vec<String>) -> Result<Vec<String>, Malformed> {
    at_most("types", types.len(), TYPES_MAX)?;
    let letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.');
    for (index, name) in types.iter().enumerate() {
        if name.is_empty() || name.len() > 64 || !name.bytes().all(letter) {
            let problem =
                "must be a record type such as `consent.granted.v1`, or its beginning up to a dot";
            return Err(Malformed::invalid("", problem)).within_item("types", index);
        }
    }
    Ok(types)
}

/// Whether a record type is one of `types` or begins with one of them up to a dot; no types: all.
pub fn is_of<T: AsRef<str>>(kind: &str, types: &[T]) -> bool {
    let begins = |name: &T| {
        kind.strip_prefix(name.as_ref())
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    types.is_empty() || types.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c5_pages_have_a_size_and_go_on_where_the_last_one_ended() {
        assert_eq!(
            Page::parse(0, ""),
            Ok(Page {
                after_version: 0,
                size: SIZE
            })
        );
        assert_eq!(
            Page::parse(7, &token(41)),
            Ok(Page {
                after_version: 41,
                size: 7
            })
        );
        for (size, token) in [(-1, ""), (501, ""), (1, "41"), (1, "vx"), (1, "v-1")] {
            assert!(Page::parse(size, token).is_err(), "{size} {token}");
        }
    }

    #[test]
    fn c5_a_type_is_named_whole_or_up_to_a_dot() {
        let types = |names: &[&str]| record_types(names.iter().map(ToString::to_string).collect());
        let consent = types(&["consent"]).unwrap();
        assert!(is_of("consent.granted.v1", &consent));
        assert!(!is_of("consents.granted.v1", &consent));
        assert!(is_of("call.ended.v1", &types(&["call.ended.v1"]).unwrap()));
        assert!(is_of::<&str>("anything", &[]));
        assert!(
            types(&["consent", ""])
                .unwrap_err()
                .to_string()
                .contains("`types[1]`")
        );
        assert!(types(&["Consent"]).is_err());
    }
}
