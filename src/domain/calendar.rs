//! Business days and the days by which the FCC is owed something (R17, 47 CFR 1.4): pure, from a table of holidays.
//!
//! Federal deadlines run in Washington's time. The day of the trigger is day 0, and what is due is in time until the end
//! of the last day. A date that can't be reckoned errs on the safe side: due at once, allowed never.

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::time::Time;
use super::vocabulary::named_list;

/// The zone of federal deadlines (R17).
pub const FEDERAL_ZONE: &str = "America/New_York";

/// The last day whose holidays the table holds. Beyond it only weekends count as days off, so that what is owed is owed
/// early, and what must not be done too early is allowed late ([`after_full_business_days`]); a later release brings a
/// longer table.
pub const HOLIDAYS_KNOWN_THROUGH: &str = "2035-12-31";

const FEDERAL_HOLIDAYS: &str = include_str!("calendar/federal_holidays.txt");

/// Never, as an instant.
const NEVER: Time = Time(i64::MAX);

/// The last instant of the `days`-th business day after the day of `trigger`: due until then.
pub fn business_days_after(trigger: Time, days: u32) -> Time {
    let reckoned = day_of(trigger)
        .and_then(|day| nth_business_day(day, days))
        .and_then(end_of);
    reckoned.unwrap_or(trigger)
}

/// Business days that holidays may take from any two weeks, where they are not known: two by statute, one proclaimed.
const UNKNOWN_HOLIDAYS: u32 = 3;

/// The first instant after `days` full business days that follow the day of `trigger`: allowed from then on (64.2011(b)).
/// Where the holidays aren't known any more it is reckoned later: too early is what must not be (R17).
pub fn after_full_business_days(trigger: Time, days: u32) -> Time {
    let last = |days| day_of(trigger).and_then(|day| nth_business_day(day, days));
    let is_known = |day: &Date| end_of(*day).is_some_and(holidays_known);
    let spare = days.div_ceil(10).saturating_mul(UNKNOWN_HOLIDAYS);
    let reckoned = last(days)
        .filter(is_known)
        .or_else(|| last(days.saturating_add(spare)))
        .and_then(|last| last.tomorrow().ok())
        .and_then(start_of);
    reckoned.unwrap_or(NEVER)
}

/// The last instant of the `days`-th day after the day of `trigger`, business day or not: due until then.
pub fn days_after(trigger: Time, days: u32) -> Time {
    let reckoned = day_of(trigger)
        .and_then(|day| day.checked_add(i64::from(days).days()).ok())
        .and_then(end_of);
    reckoned.unwrap_or(trigger)
}

/// The same by the days of a customer's zone (R17).
pub fn days_after_in(trigger: Time, days: u32, zone: &TimeZone) -> Time {
    let reckoned = day_in(trigger, zone)
        .and_then(|day| day.checked_add(i64::from(days).days()).ok())
        .and_then(|day| end_in(day, zone));
    reckoned.unwrap_or(trigger)
}

/// The first instant after the same day `years` years on, by the days of a customer's zone; after 28 February where
/// that year has no 29th.
pub fn after_years_in(trigger: Time, years: u32, zone: &TimeZone) -> Time {
    let same_day = years_after_in(trigger, years, zone).and_then(|start| day_in(start, zone));
    let reckoned = same_day.and_then(|day| start_in(day.tomorrow().ok()?, zone));
    reckoned.unwrap_or(NEVER)
}

/// The first instant of the same day `years` years on, or of 28 February.
fn years_after_in(trigger: Time, years: u32, zone: &TimeZone) -> Option<Time> {
    let day = day_in(trigger, zone)?;
    start_in(day.checked_add(i64::from(years).years()).ok()?, zone)
}

/// The last instant of that day of the year after `year`; of the year's own last day where there is no such day.
pub fn end_of_day_next_year(year: i16, month: i8, day: i8) -> Time {
    let reckoned = Date::new(year.saturating_add(1), month, day)
        .ok()
        .and_then(end_of);
    reckoned.unwrap_or_else(|| year_of_calendar(year).1)
}

/// The calendar year in which the instant lies.
pub fn calendar_year(at: Time) -> i16 {
    day_of(at).map_or(0, Date::year)
}

/// First and last instant of a calendar year.
pub fn year_of_calendar(year: i16) -> (Time, Time) {
    let bound = |month, day, edge: fn(Date) -> Option<Time>| {
        Date::new(year, month, day).ok().and_then(edge)
    };
    (
        bound(1, 1, start_of).unwrap_or(NEVER),
        bound(12, 31, end_of).unwrap_or(NEVER),
    )
}

/// Whether the holidays of that day are known, so that a date reckoned up to it is exact.
pub fn holidays_known(at: Time) -> bool {
    let last = HOLIDAYS_KNOWN_THROUGH.parse::<Date>().ok();
    matches!((day_of(at), last), (Some(day), Some(last)) if day <= last)
}

/// The first instant whose holidays are not known.
pub fn holidays_known_until() -> Time {
    let last = HOLIDAYS_KNOWN_THROUGH.parse::<Date>().ok();
    last.and_then(|last| start_of(last.tomorrow().ok()?))
        .unwrap_or_default()
}

/// Years of known holidays that there should be ahead (F19).
const HOLIDAY_YEARS_AHEAD: u32 = 2;

named_list! {
    /// How far the holidays that are known reach.
    HolidaysReach {
        /// Two years ahead or more.
        Enough = "enough",
        /// Less: a longer table is needed.
        RunningOut = "running_out",
        /// Not even to the day itself.
        Over = "over",
    }
}

/// How far the holidays that are known reach, as seen from that instant (F19).
pub fn holidays_reach(now: Time) -> HolidaysReach {
    let until = holidays_known_until();
    let wanted = TimeZone::get(FEDERAL_ZONE)
        .ok()
        .and_then(|zone| years_after_in(now, HOLIDAY_YEARS_AHEAD, &zone));
    match wanted {
        _ if until <= now => HolidaysReach::Over,
        Some(wanted) if wanted <= until => HolidaysReach::Enough,
        _ => HolidaysReach::RunningOut,
    }
}

/// What dates beyond the known holidays are worth, in words.
pub const BEYOND_HOLIDAYS: &str = "beyond the known holidays only weekends count as days off: what is owed within business days may be shown as due too early, and what is allowed after full business days is reckoned later, by three business days for each ten or part of them";

/// What to do about holidays that reach no further; none while they reach far enough (F19).
pub fn holidays_warning(reach: HolidaysReach, known_through: &str) -> Option<String> {
    let state = match reach {
        HolidaysReach::Enough => return None,
        HolidaysReach::RunningOut => "fewer than two years of federal holidays are known",
        HolidaysReach::Over => "the federal holidays that are known are over",
    };
    Some(format!(
        "{state} (through {known_through}): install a release with a longer table; {BEYOND_HOLIDAYS}"
    ))
}

/// The day in Washington, as `2026-07-10`; empty where the calendar doesn't reach.
pub fn day_text(at: Time) -> String {
    day_of(at).map_or_else(String::new, |day| day.to_string())
}

/// The day in a customer's zone, likewise.
pub fn day_text_in(at: Time, zone: &TimeZone) -> String {
    day_in(at, zone).map_or_else(String::new, |day| day.to_string())
}

fn is_business_day(day: Date) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    !weekend && !is_holiday(day)
}

fn is_holiday(day: Date) -> bool {
    let day = day.to_string();
    holidays().any(|holiday| holiday == day)
}

fn holidays() -> impl Iterator<Item = &'static str> {
    (FEDERAL_HOLIDAYS.lines())
        .filter(|line| !line.starts_with('#'))
        .flat_map(str::split_whitespace)
}

fn nth_business_day(mut day: Date, days: u32) -> Option<Date> {
    for _ in 0..days {
        day = day.tomorrow().ok()?;
        while !is_business_day(day) {
            day = day.tomorrow().ok()?;
        }
    }
    Some(day)
}

fn day_of(at: Time) -> Option<Date> {
    day_in(at, &TimeZone::get(FEDERAL_ZONE).ok()?)
}

fn day_in(at: Time, zone: &TimeZone) -> Option<Date> {
    let at = Timestamp::from_microsecond(at.0).ok()?;
    Some(at.to_zoned(zone.clone()).date())
}

fn start_of(day: Date) -> Option<Time> {
    start_in(day, &TimeZone::get(FEDERAL_ZONE).ok()?)
}

fn start_in(day: Date, zone: &TimeZone) -> Option<Time> {
    let start = day.to_zoned(zone.clone()).ok()?;
    Some(Time(start.timestamp().as_microsecond()))
}

fn end_of(day: Date) -> Option<Time> {
    end_in(day, &TimeZone::get(FEDERAL_ZONE).ok()?)
}

fn end_in(day: Date, zone: &TimeZone) -> Option<Time> {
    let next = start_in(day.tomorrow().ok()?, zone)?;
    Some(Time(next.0.saturating_sub(1)))
}

#[cfg(test)]
mod tests;
