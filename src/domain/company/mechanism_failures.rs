//! Failures of the ways in which customers opt out (F13, 47 CFR 64.2009(f)).
//!
//! When they fail to a degree that is more than an anomaly, the FCC gets a letter within five business days, even where
//! other ways worked.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::register::{
    Document, Item, ItemId, OwnWords, Register, Step, happens_at, out_of_order, require_past,
};
use crate::domain::calendar;
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{Channel, closed_list};

/// Business days from the determination to the letter (64.2009(f)).
const NOTICE_BUSINESS_DAYS: u32 = 5;

closed_list! {
    /// What the letter to the FCC must contain (64.2009(f)(1)).
    LetterContent,
    /// A set of what the letter contains.
    LetterContents {
        /// The company's name.
        CarrierName = "carrier_name",
        /// A description of the way to opt out.
        Mechanism = "mechanism",
        /// The problem.
        Problem = "problem",
        /// The remedy, and when it will be or was in place.
        Remedy = "remedy",
        /// Whether the state commission was notified, and what it did.
        StateCommission = "state_commission",
        /// A copy of the notice to customers.
        CustomerNotice = "customer_notice",
        /// Whom to contact.
        Contact = "contact",
    }
}

/// What can be asked of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureCommand {
    /// A way to opt out failed.
    Detect(FailureDetected),
    /// It is more than an anomaly.
    Determine {
        /// The failure.
        failure: ItemId,
        /// Customers affected, as far as known.
        customers: u64,
        /// When it was determined; none: when the command says that it occurred. As far back as it was.
        determined_at: Option<Time>,
    },
    /// The letter was filed.
    FileLetter(LetterFiled),
    /// It is done with: remedied, or an anomaly.
    Close(FailureClosed),
}

/// What was recorded of failures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailureEvent {
    /// A way to opt out failed.
    Detected(FailureDetected),
    /// It is more than an anomaly.
    Determined(FailureDetermined),
    /// The letter was filed.
    LetterFiled(LetterFiled),
    /// It is done with.
    Closed(FailureClosed),
}

/// A way to opt out failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureDetected {
    /// The company's id of it.
    pub failure: ItemId,
    /// The way that failed.
    pub mechanism: Channel,
    /// What went wrong, in the company's own words.
    pub description: OwnWords,
}

/// The failure is more than an anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureDetermined {
    /// The failure.
    pub failure: ItemId,
    /// Customers affected, as far as known.
    pub customers: u64,
    /// When it was determined.
    pub determined_at: Time,
    /// The last instant at which the letter is in time.
    pub letter_by: Time,
}

/// The letter was filed with the FCC.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LetterFiled {
    /// The failure.
    pub failure: ItemId,
    /// What the letter contains.
    pub contents: LetterContents,
    /// The letter, by the filing's reference.
    pub letter: Document,
}

/// The failure is done with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailureClosed {
    /// The failure.
    pub failure: ItemId,
    /// The remedy, or why it was no more than an anomaly; in the company's own words.
    pub outcome: OwnWords,
}

/// A failure and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The way that failed.
    pub mechanism: Channel,
    /// What went wrong.
    pub description: OwnWords,
    /// Its detection.
    pub detected: Step,
    /// Its determination, and the last instant for the letter.
    pub determined: Option<(Step, Time)>,
    /// Customers affected, as far as known.
    pub customers: u64,
    /// The letter.
    pub letter: Option<Step>,
    /// It is done with.
    pub closed: Option<Step>,
}

/// The failures.
pub type Failures = Register<Failure>;

impl Item for Failure {
    const MOST: usize = 500;
    const NAME: &'static str = "failure";

    fn ended_at(&self) -> Option<Time> {
        self.closed.map(|step| step.at)
    }
}

impl Failures {
    pub(super) fn decide(
        &self,
        command: &FailureCommand,
        context: &Context<'_>,
    ) -> Result<Vec<FailureEvent>, Refusal> {
        let event = match command {
            FailureCommand::Detect(detected) => {
                self.require_room(&detected.failure, context.now)?;
                FailureEvent::Detected(detected.clone())
            }
            FailureCommand::Determine {
                failure,
                customers,
                determined_at,
            } => {
                if self.open(failure)?.determined.is_some() {
                    return Err(out_of_order("failure_id", "it was determined already"));
                }
                let determined_at = determined_at.unwrap_or_else(|| happens_at(context));
                require_past(determined_at, "determined.determined_at", context)?;
                FailureEvent::Determined(FailureDetermined {
                    failure: failure.clone(),
                    customers: *customers,
                    determined_at,
                    letter_by: calendar::business_days_after(determined_at, NOTICE_BUSINESS_DAYS),
                })
            }
            FailureCommand::FileLetter(filed) => {
                self.require_letter(filed)?;
                FailureEvent::LetterFiled(filed.clone())
            }
            FailureCommand::Close(closed) => {
                let failure = self.open(&closed.failure)?;
                if failure.determined.is_some() && failure.letter.is_none() {
                    return Err(out_of_order(
                        "failure_id",
                        "the letter to the FCC was not filed",
                    ));
                }
                FailureEvent::Closed(closed.clone())
            }
        };
        Ok(vec![event])
    }

    fn open(&self, id: &ItemId) -> Result<&Failure, Refusal> {
        let failure = self.registered(id)?;
        match failure.closed {
            None => Ok(failure),
            Some(_) => Err(out_of_order("failure_id", "it is closed already")),
        }
    }

    /// A letter that lacks what it must contain is no notice (64.2009(f)(1)).
    fn require_letter(&self, filed: &LetterFiled) -> Result<(), Refusal> {
        let failure = self.open(&filed.failure)?;
        if failure.determined.is_none() {
            return Err(out_of_order(
                "failure_id",
                "it is not determined to be more than an anomaly",
            ));
        }
        if failure.letter.is_some() {
            return Err(out_of_order("failure_id", "the letter was filed already"));
        }
        let lacking = (LetterContent::EVERY.iter()).find(|one| !filed.contents.contains(**one));
        match lacking {
            None => Ok(()),
            Some(content) => Err(Refusal::new(
                RefusalCode::ContentRequired,
                "letter_filed.contents",
                format!("the letter must contain this too: {content} (64.2009(f)(1))"),
            )),
        }
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, FailureEvent>) {
        let step = Step::of(placed);
        match placed.event {
            FailureEvent::Detected(event) => {
                let failure = Failure {
                    mechanism: event.mechanism,
                    description: event.description.clone(),
                    detected: step,
                    determined: None,
                    customers: 0,
                    letter: None,
                    closed: None,
                };
                self.enter(&event.failure, failure, placed.recorded_at);
            }
            FailureEvent::Determined(event) => self.change(&event.failure, |one| {
                let at = event.determined_at;
                one.determined = Some((Step { at, ..step }, event.letter_by));
                one.customers = event.customers;
            }),
            FailureEvent::LetterFiled(event) => {
                self.change(&event.failure, |one| one.letter = Some(step));
            }
            FailureEvent::Closed(event) => {
                self.change(&event.failure, |one| one.closed = Some(step));
            }
        }
    }
}
