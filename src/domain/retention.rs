//! How long records about a customer must be kept, and legal holds (F20, 64.2007(a)(3), 64.2008(a)(2), 64.2009(c)).
//!
//! Nothing about a customer is erased before its time: not while a service is held, not within the rulebook's period after
//! the newest record or the end of the last service, and not under a legal hold. Each bar names its rule.

use serde::{Deserialize, Serialize};

use super::customer::Customer;
use super::event::{Event, Placed};
use super::ids::{Personal, Position};
use super::refusal::{Refusal, RefusalCode};
use super::rulebook::Rulebook;
use super::time::Time;
use super::vocabulary::named_list;

/// Legal holds that may be on one customer at a time.
pub const HOLDS_MAX: usize = 256;

/// What can be asked about keeping records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionCommand {
    /// Puts a legal hold on the customer's records.
    Hold(HoldPlaced),
    /// Lifts one hold; others stay.
    Release(HoldReleased),
}

/// What was recorded about keeping records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RetentionEvent {
    /// A legal hold was placed.
    HoldPlaced(HoldPlaced),
    /// A legal hold was released.
    HoldReleased(HoldReleased),
}

/// A legal hold was placed. It stops erasure, and gives nobody a right to read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldPlaced {
    /// The matter's reference; sealed.
    #[serde(skip)]
    pub matter: Option<Personal>,
}

/// A legal hold was released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HoldReleased {
    /// The record that placed it.
    pub hold: Position,
}

named_list! {
    /// A rule by which records are kept.
    RetentionRule {
        /// The customer holds a service: what was approved and denied is in use.
        ServicesHeld = "SERVICES_HELD",
        /// The period after the end of approvals and the newest record is not over.
        Period = "PERIOD",
        /// A legal hold stands.
        LegalHold = "LEGAL_HOLD",
    }
}

/// Why a customer's records can't be erased now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bar {
    /// The rule.
    pub rule: RetentionRule,
    /// The first instant at which it no longer bars, where that is known.
    pub until: Option<Time>,
    /// The hold's record.
    pub hold: Option<Position>,
}

/// Events of a command about keeping records.
pub(super) fn decide(
    customer: &Customer,
    command: &RetentionCommand,
) -> Result<Vec<Event>, Refusal> {
    let event = match command {
        RetentionCommand::Hold(placed) => {
            let matter = placed.matter.as_ref();
            if matter.is_none_or(|matter| matter.expose().trim().is_empty()) {
                return Err(Refusal::new(
                    RefusalCode::Invalid,
                    "matter",
                    "a legal hold names the matter that it is for",
                ));
            }
            if customer.holds.len() >= HOLDS_MAX {
                return Err(Refusal::new(
                    RefusalCode::Limit,
                    "",
                    format!("{HOLDS_MAX} holds are on the customer; erasure is barred already"),
                ));
            }
            RetentionEvent::HoldPlaced(placed.clone())
        }
        RetentionCommand::Release(released) => {
            if !customer.holds.contains(&released.hold) {
                return Err(Refusal::new(
                    RefusalCode::HoldUnknown,
                    "hold",
                    format!("record {} is no hold that stands", released.hold),
                ));
            }
            RetentionEvent::HoldReleased(released.clone())
        }
    };
    Ok(vec![Event::Retention(event)])
}

/// The customer after an event about keeping records.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, RetentionEvent>) {
    match placed.event {
        RetentionEvent::HoldPlaced(_) => customer.holds.push(placed.position),
        RetentionEvent::HoldReleased(released) => {
            customer.holds.retain(|hold| *hold != released.hold);
        }
    }
}

/// Everything that bars erasing the customer's records at that instant; nothing: they may be erased.
pub fn bars(customer: &Customer, rulebook: &Rulebook, at: Time) -> Vec<Bar> {
    let mut bars = Vec::new();
    let services = &customer.services;
    if services
        .held
        .iter()
        .any(|service| service.ends_at.is_none_or(|end| end > at))
    {
        bars.push(Bar {
            rule: RetentionRule::ServicesHeld,
            until: services.all_end_at(),
            hold: None,
        });
    }
    let last_end = services
        .held
        .iter()
        .filter_map(|service| service.ends_at)
        .max();
    let newest = customer.last_at.max(last_end.unwrap_or(customer.last_at));
    let until = newest.plus_hours(rulebook.periods().retention_days.saturating_mul(24));
    if at < until {
        bars.push(Bar {
            rule: RetentionRule::Period,
            until: Some(until),
            hold: None,
        });
    }
    bars.extend(customer.holds.iter().map(|hold| Bar {
        rule: RetentionRule::LegalHold,
        until: None,
        hold: Some(*hold),
    }));
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::command::Command;
    use crate::domain::testing::Story;

    fn hold(matter: &str) -> Command {
        Command::Retention(RetentionCommand::Hold(HoldPlaced {
            matter: Some(Personal::new(matter)),
        }))
    }

    fn release(hold: u64) -> Command {
        Command::Retention(RetentionCommand::Release(HoldReleased {
            hold: Position(hold),
        }))
    }

    fn rules(story: &Story, at: Time) -> Vec<RetentionRule> {
        let bars = bars(story.state(), &story.rulebook, at);
        bars.iter().map(|bar| bar.rule).collect()
    }

    #[test]
    fn f20_nothing_is_erased_while_a_service_is_held() {
        let story = Story::begun();
        let far = story.now.plus_hours(24 * 5000);
        assert_eq!(rules(&story, far), [RetentionRule::ServicesHeld]);
    }

    #[test]
    fn f20_records_are_kept_for_the_period_after_the_end_of_the_last_service() {
        let mut story = Story::begun();
        story.close("local");
        let days = story.rulebook.periods().retention_days;
        let until = story.now.plus_hours(24 * days);
        assert!(days >= 365, "a year at least (64.2007(a)(3))");
        assert_eq!(rules(&story, Time(until.0 - 1)), [RetentionRule::Period]);
        assert_eq!(
            bars(story.state(), &story.rulebook, story.now)[0].until,
            Some(until)
        );
        assert!(rules(&story, until).is_empty());
    }

    #[test]
    fn f20_an_end_that_lies_ahead_bars_until_then_and_for_the_period_after() {
        let mut story = Story::begun();
        let end = story.now.plus_hours(1000);
        story.act(crate::domain::testing::change(&[], &[("local", Some(end))]));
        let now = bars(story.state(), &story.rulebook, story.now);
        assert_eq!(
            (now[0].rule, now[0].until),
            (RetentionRule::ServicesHeld, Some(end))
        );
        assert_eq!(rules(&story, end), [RetentionRule::Period]);
    }

    #[test]
    fn f20_a_legal_hold_bars_until_every_one_is_released() {
        let mut story = Story::begun();
        story.close("local");
        let first = story.act(hold("2:26-cv-00123"));
        let second = story.act(hold("2:26-cv-00456"));
        let far = story.now.plus_hours(24 * 5000);
        assert_eq!(rules(&story, far), [RetentionRule::LegalHold; 2]);
        story.act(release(first));
        let left = bars(story.state(), &story.rulebook, far);
        assert_eq!((left.len(), left[0].hold), (1, Some(Position(second))));
        assert_eq!(story.refused(release(first)), RefusalCode::HoldUnknown);
        story.act(release(second));
        assert!(rules(&story, far).is_empty());
    }

    #[test]
    fn f20_a_hold_names_its_matter() {
        let mut story = Story::begun();
        assert_eq!(story.refused(hold(" ")), RefusalCode::Invalid);
    }
}
