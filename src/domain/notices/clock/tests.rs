//! Clock tables, and what holds of every clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::domain::testing::utc;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

#[test]
fn f5_r10_a_notice_sent_electronically_ends_at_the_later_of_the_hours_and_the_wall_clock() {
    for (in_zone, sent, days, ends) in [
        // V28.
        (
            "America/Denver",
            "2026-01-01T15:00:00Z",
            30,
            "2026-01-31T15:00:00Z",
        ),
        // Summer time begins 2026-03-08: the wall clock would end an hour early, so that the hours count.
        (
            "America/Denver",
            "2026-02-20T15:00:00Z",
            30,
            "2026-03-22T15:00:00Z",
        ),
        // It ends 2026-11-01: the same wall clock comes an hour later.
        (
            "America/Denver",
            "2026-10-20T15:00:00Z",
            30,
            "2026-11-19T16:00:00Z",
        ),
        // The hour that happens twice: the later one.
        (
            "America/Denver",
            "2026-10-02T07:30:00Z",
            30,
            "2026-11-01T08:30:00Z",
        ),
        // The hour that doesn't happen, 02:30 on 2026-03-08: 03:30.
        (
            "America/Denver",
            "2026-02-06T09:30:00Z",
            30,
            "2026-03-08T09:30:00Z",
        ),
        // Over a leap day.
        (
            "America/Denver",
            "2028-02-10T12:00:00Z",
            30,
            "2028-03-11T12:00:00Z",
        ),
        ("UTC", "2026-12-31T23:59:59Z", 60, "2027-03-01T23:59:59Z"),
    ] {
        let ends_at = electronic_ends(utc(sent), days, &zone(in_zone));
        assert_eq!(ends_at, utc(ends), "{sent} in {in_zone}");
    }
}

#[test]
fn f5_r10_a_mailed_notice_begins_on_the_third_day_after_mailing_and_ends_at_midnight() {
    for (in_zone, mailed, days, ends) in [
        // V29: mailed 2026-01-01 local, at whatever hour.
        (
            "America/Denver",
            "2026-01-01T07:00:00Z",
            30,
            "2026-02-03T07:00:00Z",
        ),
        (
            "America/Denver",
            "2026-01-01T18:00:00Z",
            30,
            "2026-02-03T07:00:00Z",
        ),
        (
            "America/Denver",
            "2026-01-02T06:59:59Z",
            30,
            "2026-02-03T07:00:00Z",
        ),
        (
            "America/Denver",
            "2026-01-02T07:00:00Z",
            30,
            "2026-02-04T07:00:00Z",
        ),
        // Into summer time.
        (
            "America/Denver",
            "2026-02-10T18:00:00Z",
            30,
            "2026-03-15T06:00:00Z",
        ),
        // Midnight doesn't happen on 2026-03-29 in Beirut: 01:00 of that day.
        (
            "Asia/Beirut",
            "2026-02-24T10:00:00Z",
            30,
            "2026-03-28T22:00:00Z",
        ),
        // A leap day, and the last day of a year.
        (
            "America/Denver",
            "2028-01-28T18:00:00Z",
            30,
            "2028-03-01T07:00:00Z",
        ),
        ("UTC", "2026-11-28T00:00:00Z", 31, "2027-01-01T00:00:00Z"),
    ] {
        let ends_at = post_ends(utc(mailed), days, 3, &zone(in_zone));
        assert_eq!(ends_at, utc(ends), "{mailed} in {in_zone}");
    }
}

#[test]
fn f6_r10_the_next_notice_is_owed_two_years_after_the_day_of_sending() {
    for (in_zone, sent, due) in [
        // V33, V34.
        (
            "America/Denver",
            "2026-01-01T18:00:00Z",
            "2028-01-01T07:00:00Z",
        ),
        (
            "America/Denver",
            "2027-12-01T20:00:00Z",
            "2029-12-01T07:00:00Z",
        ),
        // The local day counts, not that of UTC.
        (
            "America/Denver",
            "2026-01-02T06:59:59Z",
            "2028-01-01T07:00:00Z",
        ),
        // 29 February becomes the 28th.
        (
            "America/Denver",
            "2028-02-29T18:00:00Z",
            "2030-02-28T07:00:00Z",
        ),
        (
            "America/Denver",
            "2026-07-04T18:00:00Z",
            "2028-07-04T06:00:00Z",
        ),
        // A midnight that doesn't happen: the first instant of the day.
        (
            "Asia/Beirut",
            "2024-03-29T10:00:00Z",
            "2026-03-28T22:00:00Z",
        ),
    ] {
        let overdue = refresh_due(utc(sent), 2, &zone(in_zone));
        assert_eq!(overdue, utc(due), "{sent} in {in_zone}");
    }
}

#[test]
fn r10_beyond_the_calendar_nothing_matures_and_everything_is_overdue() {
    let denver = zone("America/Denver");
    for at in [Time(i64::MAX), Time(i64::MIN), Time(i64::MAX - 1)] {
        assert_eq!(electronic_ends(at, 30, &denver), NEVER);
        assert_eq!(post_ends(at, 30, 3, &denver), NEVER);
        assert_eq!(refresh_due(at, 2, &denver), at);
    }
    let late = utc("9998-12-31T00:00:00Z");
    assert_eq!(post_ends(late, u32::MAX, 3, &denver), NEVER);
}

fn zones() -> impl Strategy<Value = TimeZone> {
    prop::sample::select(vec![
        zone("America/Denver"),
        zone("America/New_York"),
        zone("Asia/Beirut"),
        zone("Australia/Lord_Howe"),
        zone("America/Sao_Paulo"),
        zone("UTC"),
    ])
}

/// Instants from 1990 to 2037, with the rules of the zones as they were and are.
fn instants() -> impl Strategy<Value = Time> {
    (631_152_000..2_114_380_800_i64).prop_map(|seconds| Time(seconds * 1_000_000))
}

const DAY: i64 = 86_400_000_000;

proptest! {
    /// No period is shorter than its days, and none is longer by more than a change of the clock.
    #[test]
    fn f5_an_electronic_period_is_never_short(sent in instants(), days in 30..365_u32, zone in zones()) {
        let lasted = electronic_ends(sent, days, &zone).0 - sent.0;
        prop_assert!(lasted >= i64::from(days) * DAY);
        prop_assert!(lasted <= i64::from(days) * DAY + DAY / 8);
    }

    /// A second later is never earlier, for each clock.
    #[test]
    fn f5_a_later_notice_never_ends_earlier(
        sent in instants(),
        later in 0..10 * DAY,
        days in 30..365_u32,
        zone in zones(),
    ) {
        let next = Time(sent.0 + later);
        prop_assert!(electronic_ends(sent, days, &zone) <= Time(electronic_ends(next, days, &zone).0 + DAY / 8));
        prop_assert!(post_ends(sent, days, 3, &zone) <= post_ends(next, days, 3, &zone));
        prop_assert!(refresh_due(sent, 2, &zone) <= refresh_due(next, 2, &zone));
    }

    /// A mailed period begins on the third local day, at the first instant of which the clock says its date, and ends so.
    #[test]
    fn f5_a_mailed_period_ends_as_its_day_begins(mailed in instants(), days in 30..365_u32, zone in zones()) {
        let ends = post_ends(mailed, days, 3, &zone);
        let date = |at: Time| zone.to_datetime(Timestamp::from_microsecond(at.0).unwrap()).date();
        let from = date(mailed);
        let passed = from.until((jiff::Unit::Day, date(ends))).unwrap().get_days();
        prop_assert_eq!(i64::from(passed), i64::from(days) + 3);
        // One day less wasn't over a moment before, but for a midnight that happens twice.
        let before = from.until((jiff::Unit::Day, date(Time(ends.0 - 3_600_000_001)))).unwrap().get_days();
        prop_assert_eq!(i64::from(before), i64::from(days) + 2);
    }

    /// Overdue is the first instant of its day.
    #[test]
    fn f6_overdue_begins_with_its_day(sent in instants(), zone in zones()) {
        let due = refresh_due(sent, 2, &zone);
        let date = |at: Time| zone.to_datetime(Timestamp::from_microsecond(at.0).unwrap()).date();
        prop_assert_eq!(date(due), date(sent).checked_add(jiff::Span::new().years(2)).unwrap());
        prop_assert!(date(Time(due.0 - 1)) < date(due));
    }
}
