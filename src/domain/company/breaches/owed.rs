//! What a determined breach demands, by the text that counts when it is determined (64.2011).

use serde::{Deserialize, Serialize};

use super::Findings;
use crate::domain::calendar;
use crate::domain::rulebook::{BreachRules, BreachText};
use crate::domain::time::Time;

/// What is owed for a breach, with the last instant of each due date. The date of the customers' notice may move later,
/// by an agency's hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owed {
    /// The text of 64.2011 that counts.
    pub text: BreachText,
    /// Law enforcement, and by the text of 2023 the Commission, is notified until then.
    pub agencies_by: Option<Time>,
    /// Whether customers are told.
    pub customers: bool,
    /// All customers are told until then (text of 2023).
    pub customers_by: Option<Time>,
    /// Full business days between law enforcement's notice and the customers' (text of 2007).
    pub customers_after_business_days: u32,
    /// The yearly summary that mentions it is filed until then (text of 2023).
    pub summary_by: Option<Time>,
}

impl Owed {
    /// What these findings demand when they are determined then.
    pub(super) fn of(found: &Findings, determined_at: Time, rules: &BreachRules) -> Self {
        let agencies_by =
            calendar::business_days_after(determined_at, rules.agencies_business_days);
        let owed = Self {
            text: rules.text,
            agencies_by: Some(agencies_by),
            customers: true,
            customers_by: None,
            customers_after_business_days: rules.customers_after_business_days,
            summary_by: None,
        };
        match rules.text {
            // Only what was done on purpose is a breach.
            BreachText::Of2007 if !found.intentional => Self {
                agencies_by: None,
                customers: false,
                ..owed
            },
            BreachText::Of2007 => owed,
            BreachText::Of2023 => Self::amended(found, determined_at, rules, owed),
        }
    }

    fn amended(found: &Findings, determined_at: Time, rules: &BreachRules, owed: Self) -> Self {
        let small = found.customers < u64::from(rules.summary_below_customers);
        let year = calendar::calendar_year(determined_at);
        let within = calendar::days_after(determined_at, rules.customers_within_days);
        Self {
            customers: !found.harmless,
            customers_by: (!found.harmless).then_some(within),
            customers_after_business_days: 0,
            agencies_by: owed.agencies_by.filter(|_| !(small && found.harmless)),
            summary_by: (small && found.harmless).then(|| summary_by(year)),
            ..owed
        }
    }
}

/// A year's summary is due by February 1 of the next.
fn summary_by(year: i16) -> Time {
    calendar::end_of_day_next_year(year, 2, 1)
}

/// Whether the summary of that year is the one that is due then.
pub(super) fn is_due(year: i16, by: Time) -> bool {
    summary_by(year) == by
}
