//! Instants as the rules see them: given, never read from a clock.

use serde::{Deserialize, Serialize};

/// An instant in UTC: microseconds since the Unix epoch.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
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
