//! Uses that hindsight doesn't bear out: made after a denial, or on an approval that was void (C4, R5).

use super::Then;
use crate::domain::checks::rule::{rule, rule_disclosure};
use crate::domain::customer::{Customer, World};
use crate::domain::disclosures::Ground;
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Personal, Position};
use crate::domain::question::Question;
use crate::domain::ruling::{ReasonCode, Ruling};
use crate::domain::time::Time;

/// What the ledger answered yes to, and has on record: a disclosure that was made, or a ruling.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// The record.
    pub position: Position,
    /// When it happened: as stated, else when it was recorded.
    pub happened_at: Time,
    /// Whether that was stated.
    pub is_dated: bool,
    question: &'a Question,
    disclosing: bool,
}

/// Why a use is not borne out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A block stood, though it was recorded later.
    AfterDenial,
    /// What it rested on was void: the service had ended, the call was over, the recipient was another.
    VoidedApproval,
}

/// A use that hindsight answers no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoidedUse {
    /// Its record.
    pub position: Position,
    /// When it happened.
    pub happened_at: Time,
    /// Why.
    pub cause: Cause,
    /// The answer in hindsight.
    pub ruling: Ruling,
}

impl<'a> Use<'a> {
    /// The use that a record is, if it is one.
    pub fn of(placed: &Placed<'a>) -> Option<Self> {
        let (question, disclosing) = match placed.event {
            Event::DisclosureMade(made) => (&made.question, true),
            Event::RulingRecorded(recorded) if recorded.ruling.allowed => {
                (&recorded.question, false)
            }
            _ => return None,
        };
        Some(Self {
            position: placed.position,
            happened_at: placed.happened_at(),
            is_dated: placed.occurred_at.is_some(),
            question,
            disclosing,
        })
    }

    /// The moment to judge it at: when it happened, by the records before its own.
    pub fn then(&self) -> Then {
        Then {
            at: self.happened_at,
            through: Some(Position(self.position.0.saturating_sub(1))),
        }
    }

    /// Judges it by what hindsight knows of the moment; `None`: it is borne out.
    pub fn judge(&self, customer: Option<&Customer>, world: World<'_>) -> Option<VoidedUse> {
        let question = as_stated(self.question);
        let ruling = match customer {
            Some(customer) if self.disclosing => {
                rule_disclosure(customer, world, &question, self.happened_at)
            }
            customer => rule(customer, world, &question, self.happened_at),
        };
        if ruling.allowed {
            return None;
        }
        let blocks = [
            ReasonCode::Denied,
            ReasonCode::Withdrawn,
            ReasonCode::Restricted,
        ];
        let blocked = (ruling.reasons.iter()).any(|reason| blocks.contains(&reason.code));
        Some(VoidedUse {
            position: self.position,
            happened_at: self.happened_at,
            cause: match blocked {
                true => Cause::AfterDenial,
                false => Cause::VoidedApproval,
            },
            // What was over then can't change any more.
            ruling: Ruling {
                valid_until: None,
                ..ruling
            },
        })
    }
}

/// The question with its sealed facts: they were there when the answer was yes, and here they are not read.
fn as_stated(question: &Question) -> Question {
    let mut question = question.clone();
    let state = |fact: &mut Option<Personal>| {
        fact.get_or_insert_with(|| Personal::new("sealed"));
    };
    match &mut question.ground {
        Some(Ground::Legal {
            authority,
            reference,
            ..
        }) => {
            state(authority);
            state(reference);
        }
        Some(Ground::Rights {
            case,
            protected_party,
            ..
        }) => {
            state(case);
            state(protected_party);
        }
        Some(Ground::Service { ticket, .. }) => state(ticket),
        Some(Ground::Billing { invoice, .. }) => state(invoice),
        Some(
            Ground::Approval { .. }
            | Ground::WrittenRequest { .. }
            | Ground::PicFreeze { .. }
            | Ground::Directory { .. },
        )
        | None => {}
    }
    question
}
