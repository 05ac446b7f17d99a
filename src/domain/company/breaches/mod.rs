//! Breaches of CPNI: suspected, determined, told to the agencies, held back, told to the customers, closed
//! (F18, 47 CFR 64.2011).
//!
//! Two texts of the rule are known: that of 2007, in force, and that of 2023, adopted and delayed. The rulebook says which
//! counts when a breach is determined; the record keeps it with its due dates, so that a later switch changes none of them.

mod owed;
mod steps;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::register::{
    Item, ItemId, OwnWords, Register, Step, happens_at, invalid, out_of_order, require_past,
};
use crate::domain::calendar;
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::BreachText;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClasses;

pub use owed::Owed;
pub use steps::{
    AgencyNotified, AgencySaid, BreachClosed, BreachCommand, BreachDetermined, BreachEvent,
    BreachSuspected, CustomersNotified, Findings, NoticesHeld, SummaryFiled,
};

/// Years whose summary of small breaches is remembered.
pub const SUMMARIES_MAX: usize = 64;

/// The breaches, and the summaries of small ones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaches {
    /// The breaches.
    pub register: Register<Breach>,
    /// The yearly summaries that were filed, by year.
    pub summaries: Vec<(i16, Step)>,
}

/// A breach and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breach {
    /// What was seen.
    pub description: OwnWords,
    /// The CPNI that it is about.
    pub classes: CpniClasses,
    /// The suspicion.
    pub suspected: Step,
    /// The determination.
    pub determined: Option<Determination>,
    /// Law enforcement was notified.
    pub law_enforcement: Option<Step>,
    /// The Commission was notified.
    pub commission: Option<Step>,
    /// Until when an agency holds notices back, by the newest record.
    pub held: Option<(Step, Time)>,
    /// From this record on customers may be told at once.
    pub urgent: Option<Step>,
    /// Customers told.
    pub customers_told: u64,
    /// The first were told.
    pub first_told: Option<Step>,
    /// All were told.
    pub all_told: Option<Step>,
    /// It is done with.
    pub closed: Option<Step>,
}

/// What was determined.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Determination {
    /// The record, and when it was determined.
    pub step: Step,
    /// Customers affected.
    pub customers: u64,
    /// What is owed.
    pub owed: Owed,
}

impl Determination {
    /// Whether a yearly summary can mention the breach: one filed before its determination doesn't.
    pub fn is_in(&self, summary: &Step) -> bool {
        summary.position > self.step.position
    }
}

impl Item for Breach {
    const MOST: usize = 500;
    const NAME: &'static str = "breach";

    fn ended_at(&self) -> Option<Time> {
        self.closed.map(|step| step.at)
    }
}

/// When customers may be told of a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Release {
    /// From that instant on.
    From(Time),
    /// Not before this is done.
    After(&'static str),
}

impl Breach {
    /// When customers may be told (64.2011(b)); an agency's hold stands above an urgent need.
    pub fn release(&self) -> Release {
        let Some(determined) = &self.determined else {
            return Release::After("the breach is determined");
        };
        let owed = &determined.owed;
        let told = owed.agencies_by.is_none() || self.law_enforcement.is_some();
        let free = match (owed.text, self.law_enforcement, self.urgent) {
            // Nobody must be told of it, so nobody must wait either.
            (_, None, None) if told => determined.step.at,
            (_, None, _) => return Release::After("law enforcement is notified"),
            (BreachText::Of2023, ..) if self.commission.is_none() && owed.agencies_by.is_some() => {
                return Release::After("the Commission is notified");
            }
            (BreachText::Of2023, Some(notified), _) => notified.at,
            (BreachText::Of2007, Some(_), Some(urgent)) => urgent.at,
            (BreachText::Of2007, Some(notified), None) => {
                calendar::after_full_business_days(notified.at, owed.customers_after_business_days)
            }
        };
        Release::From(self.held.map_or(free, |(_, until)| free.max(until)))
    }

    /// By when all customers must be told: an agency's hold moves it (text of 2023). None: there is no date.
    pub fn customers_by(&self) -> Option<Time> {
        let by = self.determined.as_ref()?.owed.customers_by?;
        Some(self.held.map_or(by, |(_, until)| by.max(until)))
    }

    /// What must still be done before it can be closed.
    pub fn open_duty(&self, summaries: &[(i16, Step)]) -> Option<&'static str> {
        let determined = self.determined.as_ref()?;
        let owed = &determined.owed;
        let summed = |by| {
            (summaries.iter())
                .any(|(year, filed)| owed::is_due(*year, by) && determined.is_in(filed))
        };
        if owed.agencies_by.is_some() && self.law_enforcement.is_none() {
            return Some("law enforcement was not notified");
        }
        let commission = owed.text == BreachText::Of2023 && owed.agencies_by.is_some();
        if commission && self.commission.is_none() {
            return Some("the Commission was not notified");
        }
        if owed.customers && self.all_told.is_none() {
            return Some("not all customers were told");
        }
        match owed.summary_by {
            Some(by) if !summed(by) => Some("the year's summary was not filed"),
            _ => None,
        }
    }
}

impl Breaches {
    pub(super) fn decide(
        &self,
        command: &BreachCommand,
        context: &Context<'_>,
    ) -> Result<Vec<BreachEvent>, Refusal> {
        let event = match command {
            BreachCommand::Suspect(suspected) => {
                self.register.require_room(&suspected.breach, context.now)?;
                BreachEvent::Suspected(suspected.clone())
            }
            BreachCommand::Determine {
                found,
                determined_at,
            } => BreachEvent::Determined(self.determine(found, *determined_at, context)?),
            BreachCommand::NotifyLawEnforcement(notified) => {
                let breach = self.determined(&notified.breach)?;
                once(
                    breach.law_enforcement,
                    "law enforcement was notified already",
                )?;
                BreachEvent::LawEnforcementNotified(notified.clone())
            }
            BreachCommand::NotifyCommission(notified) => {
                self.require_commission(&notified.breach)?;
                BreachEvent::CommissionNotified(notified.clone())
            }
            BreachCommand::Hold(held) => {
                self.require_hold(held, context)?;
                BreachEvent::NoticesHeld(held.clone())
            }
            BreachCommand::Release(said) => {
                let held = self.determined(&said.breach)?.held;
                if held.is_none_or(|(_, until)| until <= context.now) {
                    return Err(out_of_order(
                        "breach_id",
                        "no agency holds notices back now",
                    ));
                }
                BreachEvent::NoticesReleased(said.clone())
            }
            BreachCommand::AgreeUrgency(said) => {
                let breach = self.determined(&said.breach)?;
                once(breach.urgent, "the agency was consulted already")?;
                if breach.law_enforcement.is_none() {
                    return Err(out_of_order("breach_id", "notify law enforcement first"));
                }
                BreachEvent::UrgencyAgreed(said.clone())
            }
            BreachCommand::NotifyCustomers(told) => {
                self.require_released(told, context)?;
                BreachEvent::CustomersNotified(told.clone())
            }
            BreachCommand::FileSummary(filed) => {
                self.require_summary(filed, context)?;
                BreachEvent::SummaryFiled(filed.clone())
            }
            BreachCommand::Close(closed) => {
                let breach = self.open(&closed.breach)?;
                if let Some(duty) = breach.open_duty(&self.summaries) {
                    return Err(out_of_order(
                        "breach_id",
                        format!("it can't be closed: {duty}"),
                    ));
                }
                BreachEvent::Closed(closed.clone())
            }
        };
        Ok(vec![event])
    }

    fn open(&self, id: &ItemId) -> Result<&Breach, Refusal> {
        let breach = self.register.registered(id)?;
        match breach.closed {
            None => Ok(breach),
            Some(_) => Err(out_of_order("breach_id", "it is closed already")),
        }
    }

    fn determined(&self, id: &ItemId) -> Result<&Breach, Refusal> {
        let breach = self.open(id)?;
        match breach.determined {
            Some(_) => Ok(breach),
            None => Err(out_of_order("breach_id", "it is not determined yet")),
        }
    }

    fn determine(
        &self,
        found: &Findings,
        determined_at: Option<Time>,
        context: &Context<'_>,
    ) -> Result<BreachDetermined, Refusal> {
        let breach = self.open(&found.breach)?;
        if breach.determined.is_some() {
            return Err(out_of_order("breach_id", "it was determined already"));
        }
        if found.classes.is_empty() {
            return Err(invalid(
                "determined.classes",
                "a breach is of some CPNI; name its classes",
            ));
        }
        let determined_at = determined_at.unwrap_or_else(|| happens_at(context));
        require_past(determined_at, "determined.determined_at", context)?;
        Ok(BreachDetermined {
            found: found.clone(),
            determined_at,
            owed: Owed::of(
                found,
                determined_at,
                &context.rulebook.breaches(determined_at),
            ),
        })
    }

    fn require_commission(&self, id: &ItemId) -> Result<(), Refusal> {
        let breach = self.determined(id)?;
        once(breach.commission, "the Commission was notified already")?;
        match &breach.determined {
            Some(determined) if determined.owed.text == BreachText::Of2023 => Ok(()),
            _ => Err(out_of_order(
                "breach_id",
                "it was determined under the text of 2007, by which the Commission gets no notice",
            )),
        }
    }

    /// A hold lies ahead; the first one lasts no longer than the rule lets it (64.2011(b)(3)).
    fn require_hold(&self, held: &NoticesHeld, context: &Context<'_>) -> Result<(), Refusal> {
        let breach = self.determined(&held.breach)?;
        if held.until <= context.now {
            return Err(invalid(
                "notices_held.until",
                "it takes an instant that lies ahead",
            ));
        }
        let days = context.rulebook.breaches(context.now).hold_days;
        let longest = happens_at(context).plus_hours(days.saturating_mul(24));
        if breach.held.is_none() && held.until > longest {
            let why = format!("an agency first holds notices back for {days} days at most");
            return Err(invalid("notices_held.until", why));
        }
        match breach.held {
            Some((_, until)) if held.until < until => Err(invalid(
                "notices_held.until",
                format!("notices are held until {until} already; an earlier end is a release"),
            )),
            _ => Ok(()),
        }
    }

    /// Nobody is told before the agencies are, and the days after that, or an agency's hold, are over (64.2011(b)).
    fn require_released(
        &self,
        told: &CustomersNotified,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let breach = self.open(&told.breach)?;
        once(breach.all_told, "all customers were told already")?;
        if told.customers == 0 {
            return Err(invalid(
                "customers_notified.customers",
                "it says how many were told; at least 1",
            ));
        }
        let affected = breach
            .determined
            .as_ref()
            .map_or(0, |found| found.customers);
        let all = breach.customers_told.saturating_add(told.customers);
        if told.complete && all < affected {
            return Err(invalid(
                "customers_notified.complete",
                format!("{all} of {affected} customers are told; say so when all are"),
            ));
        }
        let refuse = |why: String| Err(Refusal::new(RefusalCode::NoticeHeld, "breach_id", why));
        match breach.release() {
            Release::From(at) if happens_at(context) >= at => Ok(()),
            Release::From(at) => refuse(format!("customers may be told from {at} on")),
            Release::After(what) => refuse(format!("customers may not be told before {what}")),
        }
    }

    fn require_summary(&self, filed: &SummaryFiled, context: &Context<'_>) -> Result<(), Refusal> {
        let over = calendar::year_of_calendar(filed.year).1 < context.now;
        if !over || filed.year < 2007 {
            return Err(invalid(
                "year",
                "a summary is of a calendar year that is over",
            ));
        }
        let newest = self.summaries.iter().rfind(|(year, _)| *year == filed.year);
        let Some((_, newest)) = newest else {
            return Ok(());
        };
        // What was determined since takes a supplement.
        let missing = self.register.all().any(|(_, breach)| {
            (breach.determined.as_ref()).is_some_and(|determined| {
                let due = determined.owed.summary_by;
                due.is_some_and(|by| owed::is_due(filed.year, by)) && !determined.is_in(newest)
            })
        });
        match missing {
            true => Ok(()),
            false => Err(out_of_order("year", "the year's summary was filed already")),
        }
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, BreachEvent>) {
        let step = Step::of(placed);
        let register = &mut self.register;
        match placed.event {
            BreachEvent::Suspected(event) => {
                register.enter(&event.breach, Breach::new(event, step), placed.recorded_at);
            }
            BreachEvent::Determined(event) => register.change(&event.found.breach, |one| {
                one.classes = event.found.classes;
                one.determined = Some(Determination {
                    step: Step {
                        at: event.determined_at,
                        ..step
                    },
                    customers: event.found.customers,
                    owed: event.owed,
                });
            }),
            BreachEvent::LawEnforcementNotified(event) => {
                register.change(&event.breach, |one| one.law_enforcement = Some(step));
            }
            BreachEvent::CommissionNotified(event) => {
                register.change(&event.breach, |one| one.commission = Some(step));
            }
            BreachEvent::NoticesHeld(event) => {
                register.change(&event.breach, |one| one.held = Some((step, event.until)));
            }
            BreachEvent::NoticesReleased(event) => register.change(&event.breach, |one| {
                // What widens counts from its record (R5).
                one.held = Some((step, placed.recorded_at));
            }),
            BreachEvent::UrgencyAgreed(event) => register.change(&event.breach, |one| {
                let at = placed.recorded_at;
                one.urgent = Some(Step { at, ..step });
            }),
            BreachEvent::CustomersNotified(event) => register.change(&event.breach, |one| {
                one.customers_told = one.customers_told.saturating_add(event.customers);
                one.first_told = one.first_told.or(Some(step));
                if event.complete {
                    one.all_told = Some(step);
                }
            }),
            BreachEvent::SummaryFiled(event) => {
                if self.summaries.len() >= SUMMARIES_MAX {
                    self.summaries.remove(0);
                }
                self.summaries.push((event.year, step));
            }
            BreachEvent::Closed(event) => {
                register.change(&event.breach, |one| one.closed = Some(step));
            }
        }
    }
}

fn once(step: Option<Step>, already: &str) -> Result<(), Refusal> {
    match step {
        None => Ok(()),
        Some(step) => {
            let why = format!("{already}, by record {}", step.position);
            Err(out_of_order("breach_id", why))
        }
    }
}

impl Breach {
    fn new(event: &BreachSuspected, step: Step) -> Self {
        Self {
            description: event.description.clone(),
            classes: event.classes,
            suspected: step,
            determined: None,
            law_enforcement: None,
            commission: None,
            held: None,
            urgent: None,
            customers_told: 0,
            first_told: None,
            all_told: None,
            closed: None,
        }
    }
}
