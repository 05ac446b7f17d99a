//! Instants as the rules see them: given, never read from a clock.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An instant in UTC: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

impl Time {
    /// The instant `minutes` later.
    pub const fn plus_minutes(self, minutes: u32) -> Self {
        Self(self.0.saturating_add(minutes as i64 * 60_000_000))
    }

    /// The instant `hours` later.
    pub const fn plus_hours(self, hours: u32) -> Self {
        self.plus_minutes(hours.saturating_mul(60))
    }

    /// The instant `hours` earlier.
    pub const fn minus_hours(self, hours: u32) -> Self {
        Self(self.0.saturating_sub(hours as i64 * 3_600_000_000))
    }
}

/// As records write it: `2026-11-24T14:38:25.000000Z`.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(at) => write!(f, "{at:.6}"),
            Err(_) => write!(f, "{} µs", self.0),
        }
    }
}

/// Text where a person may read it, a number in views.
impl Serialize for Time {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match out.is_human_readable() {
            true => out.collect_str(self),
            false => out.serialize_i64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        if !input.is_human_readable() {
            return i64::deserialize(input).map(Self);
        }
        let text = String::deserialize(input)?;
        let at: jiff::Timestamp = text.parse().map_err(D::Error::custom)?;
        let time = Self(at.as_microsecond());
        // One text an instant: a record that says the same in other bytes is another record.
        match time.to_string() == text {
            true => Ok(time),
            false => Err(D::Error::custom(format!(
                "`{text}` is not written like {time}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_text_for_people_and_a_number_in_views() {
        let at = Time(1_767_225_600_000_001);
        let text = serde_json::to_string(&at).unwrap();
        assert_eq!(text, "\"2026-01-01T00:00:00.000001Z\"");
        assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), at);
        let bytes = postcard::to_stdvec(&at).unwrap();
        assert_eq!(postcard::from_bytes::<Time>(&bytes).unwrap(), at);
        assert_eq!(bytes, postcard::to_stdvec(&at.0).unwrap());
        for other in [
            "\"2026-01-01T00:00:00Z\"",
            "\"2026-01-01T01:00:00.000001+01:00\"",
            "\"today\"",
        ] {
            assert!(serde_json::from_str::<Time>(other).is_err(), "{other}");
        }
    }
}
