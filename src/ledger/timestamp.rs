//! Instants as records write them: UTC, always six digits of a second, one text for one instant.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Microseconds since the Unix epoch, UTC. Leap seconds do not exist (POSIX time).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Why a text is not a timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a timestamp: write it as 2026-11-24T14:38:25.000000Z (UTC, six digits of a second, year 0001-9999)"
)]
pub struct TimestampError;

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;
/// Days from 0000-03-01 to 1970-01-01 in the proleptic Gregorian calendar.
const DAYS_TO_EPOCH: i64 = 719_468;

impl Timestamp {
    /// Bytes of the text form.
    pub const TEXT_LEN: usize = 27;
    /// 0001-01-01T00:00:00.000000Z, the first instant that has a text form.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800 * MICROS_PER_SECOND);
    /// 9999-12-31T23:59:59.999999Z, the last instant that has a text form.
    pub const MAX: Timestamp = Timestamp(253_402_300_800 * MICROS_PER_SECOND - 1);

    /// The text form, or `None` outside [`Timestamp::MIN`] to [`Timestamp::MAX`].
    pub fn to_text(self) -> Option<[u8; Self::TEXT_LEN]> {
        if !(Self::MIN..=Self::MAX).contains(&self) {
            return None;
        }
        let day = self.0.div_euclid(MICROS_PER_DAY);
        let in_day = self.0.rem_euclid(MICROS_PER_DAY);
        let (year, month, date) = civil_from_days(day);
        let (second, micros) = (in_day / MICROS_PER_SECOND, in_day % MICROS_PER_SECOND);
        let mut text = *b"0000-00-00T00:00:00.000000Z";
        let [y0, y1, y2, y3, _, m0, m1, _, d0, d1, _, rest @ ..] = &mut text;
        let [h0, h1, _, n0, n1, _, s0, s1, _, fraction @ .., _] = rest;
        (*y0, *y1) = two_digits(year / 100);
        (*y2, *y3) = two_digits(year % 100);
        (*m0, *m1) = two_digits(month);
        (*d0, *d1) = two_digits(date);
        (*h0, *h1) = two_digits(second / 3600);
        (*n0, *n1) = two_digits(second / 60 % 60);
        (*s0, *s1) = two_digits(second % 60);
        let mut left = micros;
        for digit in fraction.iter_mut().rev() {
            *digit = b'0' + (left % 10) as u8;
            left /= 10;
        }
        Some(text)
    }

    /// Reads exactly the form that [`fmt::Display`] writes.
    ///
    /// # Errors
    /// [`TimestampError`] for any other spelling of an instant, and for dates that do not exist.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let bytes = text.as_bytes().try_into().map_err(|_| TimestampError)?;
        Self::from_text(bytes).ok_or(TimestampError)
    }

    /// As [`Timestamp::parse`], from the bytes where they stand in a line.
    #[inline]
    pub(crate) fn from_text(text: &[u8; Self::TEXT_LEN]) -> Option<Self> {
        let [y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', rest @ ..] = *text else {
            return None;
        };
        let [
            h0,
            h1,
            b':',
            n0,
            n1,
            b':',
            s0,
            s1,
            b'.',
            f0,
            f1,
            f2,
            f3,
            f4,
            f5,
            b'Z',
        ] = rest
        else {
            return None;
        };
        let mut digits = Digits { all: true };
        let year = digits.pair(y0, y1) * 100 + digits.pair(y2, y3);
        let (month, date) = (digits.pair(m0, m1), digits.pair(d0, d1));
        let (hour, minute, second) = (
            digits.pair(h0, h1),
            digits.pair(n0, n1),
            digits.pair(s0, s1),
        );
        let micros = digits.pair(f0, f1) * 10_000 + digits.pair(f2, f3) * 100 + digits.pair(f4, f5);
        let exists = year >= 1
            && (1..=12).contains(&month)
            && date >= 1
            && (date <= 28 || date <= days_in_month(year, month))
            && hour < 24
            && minute < 60
            && second < 60;
        if !digits.all || !exists {
            return None;
        }
        let days = i64::from(days_from_civil(year, month, date)) - DAYS_TO_EPOCH;
        let seconds = days * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
        Some(Timestamp(seconds * MICROS_PER_SECOND + i64::from(micros)))
    }
}

impl fmt::Display for Timestamp {
    /// The text form; an instant that has none is shown as its number, which [`Timestamp::parse`] refuses.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to_text() {
            Some(text) => text
                .iter()
                .try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte))),
            None => write!(f, "{}us", self.0),
        }
    }
}

/// Reads decimal digits and remembers whether all of them were digits.
struct Digits {
    all: bool,
}

impl Digits {
    fn pair(&mut self, tens: u8, ones: u8) -> u32 {
        let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
        self.all &= (tens < 10) & (ones < 10);
        u32::from(tens) * 10 + u32::from(ones)
    }
}

/// The two digits of a number below 100.
fn two_digits(number: i64) -> (u8, u8) {
    (b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8)
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 0000-03-01, for years from 1. Years are counted from March, so that the leap day is the last of its year.
fn days_from_civil(year: u32, month: u32, date: u32) -> u32 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let day_of_year = (153 * month + 2) / 5 + date - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year
}

/// Year, month and date of a day since 1970-01-01: the inverse of [`days_from_civil`], in eras of 400 years, which all
/// have the same length.
fn civil_from_days(day: i64) -> (i64, i64, i64) {
    let day = day + DAYS_TO_EPOCH;
    let era = day.div_euclid(146_097);
    let day_of_era = day.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let date = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_with_six_digits_and_read_back() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_795_531_105_000_000, "2026-11-24T14:38:25.000000Z"),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z"),
            (Timestamp::MIN.0, "0001-01-01T00:00:00.000000Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), text);
            assert_eq!(Timestamp::parse(text), Ok(Timestamp(micros)));
        }
    }

    #[test]
    fn any_other_spelling_of_an_instant_is_refused() {
        for text in [
            "",
            "2026-11-24T14:38:25Z",
            "2026-11-24T14:38:25.000Z",
            "2026-11-24t14:38:25.000000Z",
            "2026-11-24 14:38:25.000000Z",
            "2026-11-24T14:38:25.000000z",
            "2026-11-24T14:38:25.000000+",
            "2026-11-24T14:38:60.000000Z",
            "2026-11-24T24:00:00.000000Z",
            "2026-02-29T00:00:00.000000Z",
            "1900-02-29T00:00:00.000000Z",
            "2026-13-01T00:00:00.000000Z",
            "2026-00-01T00:00:00.000000Z",
            "2026-04-31T00:00:00.000000Z",
            "0000-01-01T00:00:00.000000Z",
            "202x-01-01T00:00:00.000000Z",
            "2026-01-01T00:00:00.00000:Z",
        ] {
            assert_eq!(Timestamp::parse(text), Err(TimestampError), "{text}");
        }
    }

    #[test]
    fn an_instant_without_a_text_form_is_shown_and_not_parsed() {
        for micros in [
            i64::MIN,
            i64::MAX,
            Timestamp::MIN.0 - 1,
            Timestamp::MAX.0 + 1,
        ] {
            let shown = Timestamp(micros).to_string();
            assert_eq!(Timestamp(micros).to_text(), None);
            assert_eq!(Timestamp::parse(&shown), Err(TimestampError));
        }
    }

    proptest::proptest! {
        #[test]
        fn every_instant_survives_its_text(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let text = Timestamp(micros).to_string();
            proptest::prop_assert_eq!(Timestamp::parse(&text), Ok(Timestamp(micros)));
        }

        #[test]
        fn texts_sort_as_the_instants_do(a in Timestamp::MIN.0..=Timestamp::MAX.0, b in Timestamp::MIN.0..=Timestamp::MAX.0) {
            proptest::prop_assert_eq!(a.cmp(&b), Timestamp(a).to_string().cmp(&Timestamp(b).to_string()));
        }
    }
}
