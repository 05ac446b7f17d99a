//! What a yearly certificate counts of people, year by year: a figure of a year stays as it was, however much comes
//! after it (F12).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::register::Step;
use super::training::PEOPLE_MAX;
use crate::domain::calendar;
use crate::domain::ids::Position;

/// Years of which the records are named: a certificate is due in the year after, and late ones follow. Of the years
/// before, the numbers stay.
pub const YEARS_NAMED: usize = 4;
/// Records of a year that are named. Whatever comes on top is counted only; all are on record.
pub const NAMED_MAX: usize = 2 * PEOPLE_MAX;

/// Steps by the calendar year of their instant, in the federal zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Yearly(BTreeMap<i16, Arc<Year>>);

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Year {
    count: u64,
    named: Vec<Position>,
}

impl Yearly {
    /// Counts a step in its year.
    pub(super) fn count(&mut self, step: Step) {
        let year = self.0.entry(calendar::calendar_year(step.at)).or_default();
        let year = Arc::make_mut(year);
        year.count = year.count.saturating_add(1);
        if year.named.len() < NAMED_MAX {
            year.named.push(step.position);
        }
        for year in self.0.values_mut().rev().skip(YEARS_NAMED) {
            if !year.named.is_empty() {
                Arc::make_mut(year).named = Vec::new();
            }
        }
    }

    /// How many steps a year had, and their records as far as they are named, in their order.
    pub fn of(&self, year: i16) -> (u64, &[Position]) {
        let year = self.0.get(&year);
        year.map_or((0, &[]), |year| (year.count, &year.named))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::testing::washington;

    fn step(local: &str, position: u64) -> Step {
        Step {
            at: washington(local),
            position: Position(position),
        }
    }

    #[test]
    fn f12_a_year_ends_at_midnight_in_washington() {
        let mut yearly = Yearly::default();
        yearly.count(step("2025-12-31T23:59", 1));
        yearly.count(step("2026-01-01T00:00", 2));
        assert_eq!(yearly.of(2025), (1, &[Position(1)][..]));
        assert_eq!(yearly.of(2026), (1, &[Position(2)][..]));
        assert_eq!(yearly.of(2027), (0, &[][..]));
    }

    #[test]
    fn f12_what_is_not_named_any_more_is_still_counted() {
        let mut yearly = Yearly::default();
        let many = NAMED_MAX as u64 + 1;
        for position in 0..many {
            yearly.count(step("2026-05-04T09:00", position));
        }
        assert_eq!(yearly.of(2026).0, many);
        assert_eq!(yearly.of(2026).1.len(), NAMED_MAX);
        for (position, year) in (2027..).take(YEARS_NAMED).enumerate() {
            yearly.count(step(&format!("{year}-05-04T09:00"), position as u64));
        }
        assert_eq!(yearly.of(2026), (many, &[][..]));
        assert_eq!(yearly.of(2027).1.len(), 1);
    }
}
