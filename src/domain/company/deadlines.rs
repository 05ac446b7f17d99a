//! What is due, when, by which rule, and what was done (F19): a projection over the company's registers, and nothing that
//! anybody records.
//!
//! Due dates that a record fixed are taken from it; the others are reckoned by the calendar. A duty without a date is due
//! as soon as it may be done.

use super::Company;
use super::breaches::{Breach, Determination, Release};
use super::mechanism_failures::Failure;
use super::register::{ItemId, Step};
use crate::domain::calendar;
use crate::domain::ids::Position;
use crate::domain::rulebook::BreachText;
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

/// Years back for which certificates are listed.
const CERTIFICATE_YEARS: i16 = 5;

named_list! {
    /// What the company owes by a date.
    Duty {
        /// Law enforcement is told of a breach.
        LawEnforcementNotice = "law_enforcement_notice",
        /// The Commission is told of a breach.
        CommissionNotice = "commission_notice",
        /// Customers are told of a breach.
        CustomerNotice = "customer_notice",
        /// A year's small breaches are summed up.
        BreachSummary = "breach_summary",
        /// The Commission gets a letter about a failed way to opt out.
        FailureLetter = "failure_letter",
        /// The yearly certificate is filed.
        Certificate = "certificate",
    }
}

impl Duty {
    /// The rule that it stands in.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::LawEnforcementNotice => "47 CFR 64.2011(b)",
            Self::CommissionNotice | Self::BreachSummary => "47 CFR 64.2011(a), as amended in 2023",
            Self::CustomerNotice => "47 CFR 64.2011(c)",
            Self::FailureLetter => "47 CFR 64.2009(f)",
            Self::Certificate => "47 CFR 64.2009(e)",
        }
    }
}

named_list! {
    /// Where a duty stands.
    Standing {
        /// It can't, or may not, be done yet.
        NotYet = "not_yet",
        /// It is to be done.
        Due = "due",
        /// Its date is over, and it isn't done.
        Late = "late",
        /// It was done in time.
        Done = "done",
        /// It was done, after its date.
        DoneLate = "done_late",
    }
}

impl Standing {
    /// Where a duty stands that was done then, or isn't done. `waits`: it can't, or may not, be done yet.
    pub fn of(due_by: Option<Time>, done_at: Option<Time>, waits: bool, now: Time) -> Self {
        let past = |at: Time| due_by.is_some_and(|by| at > by);
        match done_at {
            Some(at) if past(at) => Self::DoneLate,
            Some(_) => Self::Done,
            None if past(now) => Self::Late,
            None if waits => Self::NotYet,
            None => Self::Due,
        }
    }

    /// Whether it is still to be done.
    pub fn is_open(self) -> bool {
        !matches!(self, Self::Done | Self::DoneLate)
    }
}

/// A duty about one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What is owed.
    pub duty: Duty,
    /// About what: a breach's or failure's id, or a year.
    pub about: String,
    /// The first instant at which it may be done, where there is one.
    pub from: Option<Time>,
    /// The last instant at which it is in time; none: as soon as it may be done.
    pub due_by: Option<Time>,
    /// What must be done before, where something must.
    pub waits_for: Option<&'static str>,
    /// Where it stands.
    pub standing: Standing,
    /// The record that made it due; none: the calendar did.
    pub caused_by: Option<Position>,
    /// When it was done, and by which record.
    pub done: Option<Step>,
}

impl Company {
    /// Every duty that the registers know, the earliest first; those without a date after those with one (F19).
    pub fn deadlines(&self, now: Time) -> Vec<Deadline> {
        let mut deadlines = Vec::new();
        for (id, breach) in self.breaches.register.all() {
            self.breach_duties(id, breach, now, &mut deadlines);
        }
        for (id, failure) in self.failures.all() {
            deadlines.extend(failure_letter(id, failure, now));
        }
        self.certificates_due(now, &mut deadlines);
        deadlines.sort_by(|one, other| {
            let key =
                |deadline: &Deadline| (deadline.due_by.unwrap_or(Time(i64::MAX)), deadline.duty);
            (key(one).cmp(&key(other))).then_with(|| one.about.cmp(&other.about))
        });
        deadlines
    }

    fn breach_duties(&self, id: &ItemId, breach: &Breach, now: Time, all: &mut Vec<Deadline>) {
        let Some(determined) = &breach.determined else {
            return;
        };
        let owed = &determined.owed;
        let duty = |duty, due_by, done| Deadline {
            caused_by: Some(determined.step.position),
            due_by,
            ..Deadline::new(duty, id.to_string(), done)
        };
        if let Some(by) = owed.agencies_by {
            all.push(
                duty(Duty::LawEnforcementNotice, Some(by), breach.law_enforcement).standing(now),
            );
            if owed.text == BreachText::Of2023 {
                all.push(duty(Duty::CommissionNotice, Some(by), breach.commission).standing(now));
            }
        }
        if owed.customers {
            let mut told = duty(Duty::CustomerNotice, breach.customers_by(), breach.all_told);
            match breach.release() {
                Release::From(at) => told.from = Some(at),
                Release::After(what) => told.waits_for = Some(what),
            }
            all.push(told.standing(now));
        }
        if let Some(by) = owed.summary_by {
            let summary = self.summary_of(determined);
            all.push(duty(Duty::BreachSummary, Some(by), summary).standing(now));
        }
    }

    fn summary_of(&self, determined: &Determination) -> Option<Step> {
        let year = calendar::calendar_year(determined.step.at);
        let filed = (self.breaches.summaries.iter())
            .find(|(filed, step)| *filed == year && determined.is_in(step));
        filed.map(|(_, step)| *step)
    }

    /// A certificate is due for each year since the company's first record (64.2009(e)).
    fn certificates_due(&self, now: Time, all: &mut Vec<Deadline>) {
        let (Some(since), year) = (self.since, calendar::calendar_year(now)) else {
            return;
        };
        let first = calendar::calendar_year(since).max(year.saturating_sub(CERTIFICATE_YEARS));
        for year in first..=year {
            let filed = self.certificates.of(year).and_then(|one| one.filed);
            let certificate = Deadline {
                from: Some(calendar::year_of_calendar(year.saturating_add(1)).0),
                due_by: Some(super::certificates::due_by(year)),
                ..Deadline::new(Duty::Certificate, year.to_string(), filed)
            };
            all.push(certificate.standing(now));
        }
    }
}

fn failure_letter(id: &ItemId, failure: &Failure, now: Time) -> Option<Deadline> {
    let (determined, by) = failure.determined?;
    let letter = Deadline {
        caused_by: Some(determined.position),
        due_by: Some(by),
        ..Deadline::new(Duty::FailureLetter, id.to_string(), failure.letter)
    };
    Some(letter.standing(now))
}

impl Deadline {
    fn new(duty: Duty, about: String, done: Option<Step>) -> Self {
        Self {
            duty,
            about,
            from: None,
            due_by: None,
            waits_for: None,
            standing: Standing::Due,
            caused_by: None,
            done,
        }
    }

    fn standing(self, now: Time) -> Self {
        let waits = self.waits_for.is_some() || self.from.is_some_and(|from| now < from);
        let done_at = self.done.map(|step| step.at);
        let standing = Standing::of(self.due_by, done_at, waits, now);
        Self { standing, ..self }
    }

    /// Whether every holiday until the due date is in the calendar's table.
    pub fn holidays_known(&self) -> bool {
        self.due_by.is_none_or(calendar::holidays_known)
    }
}

#[cfg(test)]
mod tests;
