//! Rules that have dates: an FCC rule is in force, adopted but delayed, or the policy's alone (P17, F5, F18).
//!
//! A delayed amendment is switched on by its status in the file, never by code. What each rule counts (days,
//! years) are its numbers; the lists of rules and numbers are the program's.

use std::ops::RangeInclusive;

use jiff::civil::Date;

use super::read::{Read, Reader};
use super::{Clause, source};
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

named_list! {
    /// The dated rules.
    RuleName {
        /// Opt-out approval: the wait, the third day after mailing, the notice every two years (64.2008(d), F5, F6).
        OptOut = "opt_out",
        /// Notification of breaches as in force since 2007 (64.2011, F18).
        Breach2007 = "breach_2007",
        /// The same as amended in 2023: adopted, its date not yet announced (F18).
        Breach2023 = "breach_2023",
        /// Changes of a SIM: adopted, compliance not yet required (64.2010(h)).
        SimChange = "sim_change",
    }
}

named_list! {
    /// Where a rule stands.
    RuleStatus {
        /// The FCC's rule is in force, within its dates.
        InForce = "in_force",
        /// Adopted; whatever its dates say, it isn't in force.
        AdoptedDelayed = "adopted_delayed",
        /// No rule of the FCC's: the policy alone sets it, within its dates.
        PolicyOnly = "policy_only",
    }
}

named_list! {
    /// What dated rules count.
    Number {
        /// Days that an opt-out notice must leave at least (64.2008(d)(1)).
        MinimumDays = "minimum_days",
        /// The day after mailing on which the period of a mailed notice begins (64.2008(d)(1)).
        PostBeginsDay = "post_begins_day",
        /// Years after which an opt-out notice must have been repeated (64.2008(d)(2)).
        RefreshYears = "refresh_years",
        /// Years for which records are kept.
        RecordYears = "record_years",
    }
}

impl RuleName {
    /// The numbers that the rule has; each must be given.
    pub const fn numbers(self) -> &'static [Number] {
        match self {
            Self::OptOut => &[
                Number::MinimumDays,
                Number::PostBeginsDay,
                Number::RefreshYears,
            ],
            Self::Breach2007 | Self::Breach2023 => &[],
            Self::SimChange => &[Number::RecordYears],
        }
    }

    /// Another version of the same rule, of which at most one is in force.
    const fn other_version(self) -> Option<Self> {
        match self {
            Self::Breach2007 => Some(Self::Breach2023),
            Self::Breach2023 => Some(Self::Breach2007),
            Self::OptOut | Self::SimChange => None,
        }
    }
}

impl Number {
    /// What it may be: no rulebook goes below the FCC's floors.
    fn range(self) -> RangeInclusive<u32> {
        match self {
            Self::MinimumDays => 30..=365,
            Self::PostBeginsDay => 3..=30,
            Self::RefreshYears => 1..=2,
            Self::RecordYears => 1..=10,
        }
    }
}

/// A rule with its dates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatedRule {
    /// Which rule.
    pub name: RuleName,
    /// Where it stands.
    pub status: RuleStatus,
    /// First instant: 00:00 in the rulebook's zone of the date given. None: always.
    pub effective_from: Option<Time>,
    /// First instant after it, likewise. None: no end is known.
    pub effective_to: Option<Time>,
    /// What it counts.
    numbers: Vec<(Number, u32)>,
    /// Where it stands.
    pub clauses: Vec<Clause>,
}

impl DatedRule {
    /// Whether the rule is in force at that instant.
    pub fn in_force(&self, at: Time) -> bool {
        self.status != RuleStatus::AdoptedDelayed
            && self.effective_from.is_none_or(|from| from <= at)
            && self.effective_to.is_none_or(|to| at < to)
    }

    /// Whether the rule was in force at that instant, or before it and no longer.
    pub fn has_begun(&self, at: Time) -> bool {
        self.status != RuleStatus::AdoptedDelayed
            && self.effective_from.is_none_or(|from| from <= at)
    }

    /// The instants at which it begins and ends (R18).
    pub fn turns(&self) -> impl Iterator<Item = Time> {
        self.effective_from.into_iter().chain(self.effective_to)
    }

    /// What it counts; 0 where it counts no such thing.
    pub fn number(&self, number: Number) -> u32 {
        let mut numbers = self.numbers.iter();
        (numbers.find(|(name, _)| *name == number)).map_or(0, |(_, count)| *count)
    }

    /// Everything that it counts, in the order of the file.
    pub fn numbers(&self) -> &[(Number, u32)] {
        &self.numbers
    }

    fn overlaps(&self, other: &Self) -> bool {
        let delayed = |rule: &Self| rule.status == RuleStatus::AdoptedDelayed;
        let before = |one: Option<Time>, other: Option<Time>| {
            one.zip(other).is_some_and(|(end, start)| end <= start)
        };
        !delayed(self)
            && !delayed(other)
            && !before(self.effective_to, other.effective_from)
            && !before(other.effective_to, self.effective_from)
    }
}

impl Reader<'_> {
    /// The dated rules: each there, its dates in order, no two versions of one in force at once.
    pub(super) fn dated(&self) -> Read<Vec<DatedRule>> {
        let table = &self.source.rules;
        let rules = self.each(
            table,
            "rules",
            RuleName::EVERY,
            RuleName::name,
            |name, rule| self.dated_rule(name, rule),
        )?;
        // The newer version is at fault: it is the one that is being switched on.
        for rule in rules.iter().rev() {
            let other = rule.name.other_version();
            let other = other.and_then(|other| rules.get(other as usize));
            if other.is_some_and(|other| rule.overlaps(other)) {
                let status = (table.get_ref().iter())
                    .find(|(key, _)| key.get_ref() == rule.name.name())
                    .map_or(table.span(), |(_, rule)| rule.status.span());
                return self.fault(
                    status,
                    "two versions of the rule are in force at once; date or delay one",
                );
            }
        }
        Ok(rules)
    }

    fn dated_rule(&self, name: RuleName, rule: &source::Dated) -> Read<DatedRule> {
        let Some(status) = RuleStatus::parse(rule.status.get_ref()) else {
            let message = format!(
                "no status \"{}\"; it takes in_force, adopted_delayed, policy_only",
                rule.status.get_ref()
            );
            return self.fault(rule.status.span(), message);
        };
        let (from, to) = (
            self.date(rule.effective_from.as_ref())?,
            self.date(rule.effective_to.as_ref())?,
        );
        if let Some(end) = &rule.effective_to
            && from.zip(to).is_some_and(|(from, to)| to <= from)
        {
            return self.fault(end.span(), "the rule ends before it begins");
        }
        Ok(DatedRule {
            name,
            status,
            effective_from: from,
            effective_to: to,
            numbers: self.numbers(name, rule)?,
            clauses: self.cited(&rule.clauses)?,
        })
    }

    fn numbers(&self, name: RuleName, rule: &source::Dated) -> Read<Vec<(Number, u32)>> {
        let path = format!("rules.{name}.numbers");
        let Some(numbers) = &rule.numbers else {
            return match name.numbers() {
                [] => Ok(Vec::new()),
                [first, ..] => {
                    let message = format!("the rule counts {first} and has no numbers");
                    self.fault(rule.status.span(), message)
                }
            };
        };
        self.each(
            numbers,
            &path,
            name.numbers(),
            Number::name,
            |number, count| Ok((number, self.within(count, number.range(), "")?)),
        )
    }

    fn date(&self, date: Option<&source::Name>) -> Read<Option<Time>> {
        let Some(date) = date else { return Ok(None) };
        let parsed = (date.get_ref().parse::<Date>().ok())
            .filter(|parsed| parsed.to_string() == *date.get_ref())
            .and_then(|parsed| parsed.to_zoned(self.zone().ok()?).ok());
        match parsed {
            Some(start) => Ok(Some(Time(start.timestamp().as_microsecond()))),
            None => {
                let message = format!(
                    "\"{}\" is no day of the calendar; write it as YYYY-MM-DD",
                    date.get_ref()
                );
                self.fault(date.span(), message)
            }
        }
    }
}
