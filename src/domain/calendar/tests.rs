//! The calendar: vectors, the table against the law's own rule, and properties.

use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Time {
    let zone = TimeZone::get(FEDERAL_ZONE).unwrap();
    let local: jiff::civil::DateTime = text.parse().unwrap();
    Time(local.to_zoned(zone).unwrap().timestamp().as_microsecond())
}

/// A day of some year between 2024 and 2034, any instant of it.
fn instants() -> impl Strategy<Value = Time> {
    let (first, last) = (year_of_calendar(2024).0, year_of_calendar(2034).1);
    (first.0..=last.0).prop_map(Time)
}

#[test]
fn r17_five_business_days_after_a_thursday_before_independence_day_end_on_the_next_friday() {
    let due = business_days_after(at("2026-07-02T09:30"), 5);
    assert_eq!(day_text(due), "2026-07-10");
    assert_eq!(
        due.0 + 1,
        at("2026-07-11T00:00").0,
        "until the end of the day"
    );
}

#[test]
fn v46_customers_may_be_told_from_the_day_after_the_seventh_full_business_day() {
    let from = after_full_business_days(at("2026-06-01T16:00"), 7);
    assert_eq!(from, at("2026-06-11T00:00"));
}

#[test]
fn r17_the_day_of_the_trigger_is_day_0_from_its_first_to_its_last_instant() {
    for time in ["00:00", "23:59:59.999999"] {
        let due = business_days_after(at(&format!("2026-06-01T{time}")), 1);
        assert_eq!(day_text(due), "2026-06-02", "{time}");
    }
    // Late in the evening in Washington it is tomorrow in UTC already.
    assert_eq!(
        day_text(business_days_after(at("2026-06-01T22:00"), 0)),
        "2026-06-01"
    );
}

#[test]
fn r17_a_period_over_the_change_of_the_clocks_still_ends_with_the_day() {
    let due = days_after(at("2026-03-07T12:00"), 1);
    assert_eq!(due.0 + 1, at("2026-03-09T00:00").0);
    assert_eq!(due.0 + 1 - at("2026-03-08T00:00").0, 23 * 3_600_000_000);
}

#[test]
fn f12_the_certificate_of_a_year_is_due_by_the_end_of_march_1() {
    let due = end_of_day_next_year(2025, 3, 1);
    assert_eq!(due.0 + 1, at("2026-03-02T00:00").0);
    let (first, last) = year_of_calendar(2025);
    assert_eq!(
        (first, last.0 + 1),
        (at("2025-01-01T00:00"), at("2026-01-01T00:00").0)
    );
    assert_eq!((calendar_year(first), calendar_year(last)), (2025, 2025));
}

#[test]
fn r17_beyond_the_table_only_weekends_are_days_off_and_it_is_said() {
    assert!(holidays_known(at("2035-12-31T12:00")));
    assert!(!holidays_known(at("2036-01-01T12:00")));
    assert_eq!(
        day_text(business_days_after(at("2036-07-03T12:00"), 1)),
        "2036-07-04"
    );
}

#[test]
fn f19_two_years_before_the_known_holidays_end_it_is_said_and_what_it_means() {
    assert_eq!(holidays_known_until(), at("2036-01-01T00:00"));
    let reaches = [
        ("2026-11-27T14:00", HolidaysReach::Enough),
        ("2034-01-01T23:59", HolidaysReach::Enough),
        ("2034-01-02T00:00", HolidaysReach::RunningOut),
        ("2035-12-31T23:59", HolidaysReach::RunningOut),
        ("2036-01-01T00:00", HolidaysReach::Over),
    ];
    for (now, reach) in reaches {
        assert_eq!(holidays_reach(at(now)), reach, "{now}");
    }
    let warning = |reach| holidays_warning(reach, HOLIDAYS_KNOWN_THROUGH);
    assert_eq!(warning(HolidaysReach::Enough), None);
    for reach in [HolidaysReach::RunningOut, HolidaysReach::Over] {
        let said = warning(reach).unwrap();
        for part in ["2035-12-31", "too early", "later", "longer table"] {
            assert!(said.contains(part), "{said}");
        }
    }
}

#[test]
fn r17_years_after_a_leap_day_end_with_february() {
    let zone = TimeZone::get(FEDERAL_ZONE).unwrap();
    let after = |day: &str, years| after_years_in(at(day), years, &zone);
    assert_eq!(after("2028-02-29T12:00", 3), at("2031-03-01T00:00"));
    assert_eq!(after("2026-11-27T23:59", 3), at("2029-11-28T00:00"));
}

#[test]
fn r17_what_no_calendar_reaches_is_due_at_once_and_never_allowed() {
    assert_eq!(business_days_after(NEVER, 5), NEVER);
    assert_eq!(after_full_business_days(Time(i64::MIN), 7), NEVER);
    assert_eq!(day_text(NEVER), "");
}

/// The holidays of a year by 5 USC 6103, as observed.
fn by_statute(year: i16) -> Vec<Date> {
    let nth = |month, nth: i8, weekday| {
        (Date::new(year, month, 1).unwrap())
            .nth_weekday_of_month(nth, weekday)
            .unwrap()
    };
    let fixed = |month, day| {
        let date = Date::new(year, month, day).unwrap();
        match date.weekday() {
            Weekday::Saturday => date.yesterday().unwrap(),
            Weekday::Sunday => date.tomorrow().unwrap(),
            _ => date,
        }
    };
    vec![
        fixed(1, 1),
        nth(1, 3, Weekday::Monday),
        nth(2, 3, Weekday::Monday),
        nth(5, -1, Weekday::Monday),
        fixed(6, 19),
        fixed(7, 4),
        nth(9, 1, Weekday::Monday),
        nth(10, 2, Weekday::Monday),
        fixed(11, 11),
        nth(11, 4, Weekday::Thursday),
        fixed(12, 25),
    ]
}

#[test]
fn r17_the_table_holds_what_the_statute_says_and_nothing_else() {
    let table: Vec<Date> = holidays().map(|day| day.parse().unwrap()).collect();
    let statute: Vec<Date> = (2024..=2035).flat_map(by_statute).collect();
    assert_eq!(table, statute);
}

proptest! {
    #[test]
    fn r17_what_is_due_later_in_business_days_is_due_later(trigger in instants(), days in 1_u32..40) {
        let due = business_days_after(trigger, days);
        prop_assert!(business_days_after(trigger, days + 1) > due);
        prop_assert!(is_business_day(day_of(due).unwrap()));
        prop_assert!(day_of(due).unwrap() > day_of(trigger).unwrap());
        prop_assert!(due >= days_after(trigger, days), "a business day is a day");
        // Allowed begins where due ends.
        prop_assert_eq!(after_full_business_days(trigger, days).0, due.0 + 1);
    }

    #[test]
    fn r17_exactly_so_many_business_days_lie_between(trigger in instants(), days in 0_u32..40) {
        let (mut day, last) = (day_of(trigger).unwrap(), day_of(business_days_after(trigger, days)).unwrap());
        let mut counted = 0;
        while day < last {
            day = day.tomorrow().unwrap();
            counted += u32::from(is_business_day(day));
        }
        prop_assert_eq!(counted, days);
    }

    #[test]
    fn r17_a_later_trigger_is_never_due_earlier(one in instants(), other in instants(), days in 0_u32..20) {
        let (early, late) = (one.min(other), one.max(other));
        prop_assert!(business_days_after(early, days) <= business_days_after(late, days));
    }
}

#[test]
fn r17_where_holidays_are_not_known_customers_are_told_later_and_never_earlier() {
    let day = |trigger: &str| {
        let noon: Timestamp = format!("{trigger}T17:00:00Z").parse().unwrap();
        let allowed = after_full_business_days(Time(noon.as_microsecond()), 7);
        day_text(allowed)
    };
    // Veterans Day is between.
    assert_eq!(day("2026-11-02"), "2026-11-13");
    // Seven business days and three more.
    assert_eq!(day("2040-11-05"), "2040-11-20");
    // The last of them is in a year whose holidays aren't known.
    assert_eq!(day("2035-12-28"), "2036-01-12");
}
