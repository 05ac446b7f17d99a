//! The clocks of opt-out notices: pure arithmetic of instants, days and zones (F5, F6, R10, R17).
//!
//! Where a local time happens twice or never, the later reading counts for what creates an approval, and the earlier
//! for what the company owes. Beyond the calendar's end nothing matures, and everything is overdue.

use jiff::civil::{Date, DateTime, Time as WallClock};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

use crate::domain::time::Time;

/// The end of the period of a notice sent electronically: the later of `days` times 24 hours on, and the same wall-clock
/// time `days` days on (64.2008(d)(1)).
pub fn electronic_ends(sent: Time, days: u32, zone: &TimeZone) -> Time {
    let by_hours = sent.plus_hours(days.saturating_mul(24));
    let same_wall_clock = || {
        let start = local(sent, zone)?;
        later(days_on(start.date(), days)?.to_datetime(start.time()), zone)
    };
    same_wall_clock().map_or(NEVER, |end| end.max(by_hours))
}

/// The end of the period of a notice sent by post: the mailing's local day is day 0, the period begins at 00:00 of day
/// `begins_day` and ends at 00:00, `days` days later (64.2008(d)(1)).
pub fn post_ends(mailed: Time, days: u32, begins_day: u32, zone: &TimeZone) -> Time {
    let end = || {
        let day = local(mailed, zone)?.date();
        let ends = days_on(day, begins_day.saturating_add(days))?;
        later(ends.to_datetime(WallClock::midnight()), zone)
    };
    end().unwrap_or(NEVER)
}

/// From when on a notice must have been repeated: the first instant of the local day `years` years after it was sent;
/// of 28 February where that year has no 29th (64.2008(d)(2)).
pub fn refresh_due(sent: Time, years: u32, zone: &TimeZone) -> Time {
    let due = || {
        let day = local(sent, zone)?.date();
        let due = day.checked_add(Span::new().try_years(years).ok()?).ok()?;
        Some(due.to_zoned(zone.clone()).ok()?.timestamp())
    };
    due().map_or(sent, instant)
}

/// The end of a period that never ends.
const NEVER: Time = Time(i64::MAX);

fn local(at: Time, zone: &TimeZone) -> Option<DateTime> {
    Some(zone.to_datetime(Timestamp::from_microsecond(at.0).ok()?))
}

fn days_on(day: Date, days: u32) -> Option<Date> {
    day.checked_add(Span::new().try_days(days).ok()?).ok()
}

fn later(wall_clock: DateTime, zone: &TimeZone) -> Option<Time> {
    (zone.to_ambiguous_timestamp(wall_clock).later().ok()).map(instant)
}

fn instant(at: Timestamp) -> Time {
    Time(at.as_microsecond())
}

#[cfg(test)]
mod tests;
