//! Who may see CPNI, who was trained in what, and sanctions by reference (F21, 47 CFR 64.2009(b)).
//!
//! Persons are tokens: nobody's name or number is here, and none can be read from it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::register::{Document, ItemId, OwnWords, Step, happens_at, out_of_order, require_past};
use super::yearly::Yearly;
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::Token;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;

/// People whom the ledger keeps.
pub const PEOPLE_MAX: usize = 10_000;
/// Trainings, and sanctions, that are remembered of a person: the newest. All are on record.
pub const STEPS_MAX: usize = 8;

/// What can be asked about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingCommand {
    /// Somebody may see CPNI from now on.
    GiveAccess(AccessGiven),
    /// Somebody may no longer.
    TakeAccess(AccessTaken),
    /// Somebody completed a course.
    Train {
        /// Who.
        person: Token,
        /// The course, by the company's own id.
        course: ItemId,
        /// When; none: when the command says that it occurred. As far back as it was.
        completed_at: Option<Time>,
    },
    /// Somebody was sanctioned.
    Discipline(Disciplined),
}

/// What was recorded about people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrainingEvent {
    /// Somebody may see CPNI.
    AccessGiven(AccessGiven),
    /// Somebody may no longer.
    AccessTaken(AccessTaken),
    /// Somebody completed a course.
    Trained(Trained),
    /// Somebody was sanctioned.
    Disciplined(Disciplined),
}

/// Somebody may see CPNI from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessGiven {
    /// Who.
    pub person: Token,
    /// In which role, by the company's own id.
    pub role: ItemId,
}

/// Somebody may no longer see CPNI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessTaken {
    /// Who.
    pub person: Token,
}

/// Somebody completed a course.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// Who.
    pub person: Token,
    /// The course, by the company's own id.
    pub course: ItemId,
    /// When.
    pub completed_at: Time,
}

/// Somebody was sanctioned for what was done with CPNI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disciplined {
    /// Who.
    pub person: Token,
    /// What the sanction was, in the company's own words.
    pub measure: OwnWords,
    /// The file that holds the case.
    pub file: Document,
}

/// The people, by token.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Training {
    /// Shared with whoever reads while the next record is made.
    people: Arc<BTreeMap<Token, Person>>,
    /// All trainings, by the year of their completion, whoever is remembered (F12).
    trainings: Yearly,
    /// All sanctions, likewise.
    sanctions: Yearly,
}

/// A person.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// Since when the person may see CPNI; none: may not now.
    pub access: Option<Step>,
    /// The newest trainings, oldest record first.
    pub trainings: Vec<Step>,
    /// The newest sanctions, oldest record first.
    pub sanctions: Vec<Step>,
}

impl Training {
    /// Everybody whom the ledger keeps, in the order of the tokens.
    pub fn people(&self) -> impl Iterator<Item = (Token, &Person)> {
        self.people.iter().map(|(token, person)| (*token, person))
    }

    /// The person, where something is on record.
    pub fn person(&self, person: Token) -> Option<&Person> {
        self.people.get(&person)
    }

    /// All trainings, by year (F12).
    pub fn trainings(&self) -> &Yearly {
        &self.trainings
    }

    /// All sanctions, by year (F12).
    pub fn sanctions(&self) -> &Yearly {
        &self.sanctions
    }

    /// Who may see CPNI and was never trained (64.2009(b)).
    pub fn untrained(&self) -> impl Iterator<Item = (Token, Step)> {
        (self.people())
            .filter(|(_, person)| person.is_untrained())
            .filter_map(|(token, person)| Some((token, person.access?)))
    }

    pub(super) fn decide(
        &self,
        command: &TrainingCommand,
        context: &Context<'_>,
    ) -> Result<Vec<TrainingEvent>, Refusal> {
        let event = match command {
            TrainingCommand::GiveAccess(given) => {
                self.require_room(given.person)?;
                if self.has_access(given.person) {
                    return Err(out_of_order("person_id", "the person has access already"));
                }
                TrainingEvent::AccessGiven(given.clone())
            }
            TrainingCommand::TakeAccess(taken) => {
                if !self.has_access(taken.person) {
                    return Err(out_of_order("person_id", "the person has no access now"));
                }
                TrainingEvent::AccessTaken(taken.clone())
            }
            TrainingCommand::Train {
                person,
                course,
                completed_at,
            } => {
                self.require_room(*person)?;
                let completed_at = completed_at.unwrap_or_else(|| happens_at(context));
                require_past(completed_at, "trained.completed_at", context)?;
                TrainingEvent::Trained(Trained {
                    person: *person,
                    course: course.clone(),
                    completed_at,
                })
            }
            TrainingCommand::Discipline(disciplined) => {
                self.require_room(disciplined.person)?;
                TrainingEvent::Disciplined(disciplined.clone())
            }
        };
        Ok(vec![event])
    }

    fn has_access(&self, person: Token) -> bool {
        (self.person(person)).is_some_and(|person| person.access.is_some())
    }

    /// Who left makes room for who comes: the person whose newest record is the oldest.
    fn require_room(&self, person: Token) -> Result<(), Refusal> {
        let known = self.people.contains_key(&person);
        if known || self.people.len() < PEOPLE_MAX || self.oldest_without_access().is_some() {
            return Ok(());
        }
        let why = format!("the ledger keeps {PEOPLE_MAX} people; take access from who left");
        Err(Refusal::new(RefusalCode::Limit, "person_id", why))
    }

    fn oldest_without_access(&self) -> Option<Token> {
        let newest = |person: &Person| {
            let newest = [person.trainings.last(), person.sanctions.last()];
            newest.into_iter().flatten().map(|step| step.position).max()
        };
        (self.people())
            .filter(|(_, person)| person.access.is_none())
            .min_by_key(|(_, person)| newest(person))
            .map(|(token, _)| token)
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, TrainingEvent>) {
        let step = Step::of(placed);
        match placed.event {
            TrainingEvent::AccessGiven(event) => {
                self.change(event.person, |person| person.access = Some(step));
            }
            TrainingEvent::AccessTaken(event) => {
                self.change(event.person, |person| person.access = None);
            }
            TrainingEvent::Trained(event) => {
                let at = event.completed_at;
                let step = Step { at, ..step };
                self.trainings.count(step);
                self.change(event.person, |person| {
                    push_newest(&mut person.trainings, step);
                });
            }
            TrainingEvent::Disciplined(event) => {
                self.sanctions.count(step);
                self.change(event.person, |person| {
                    push_newest(&mut person.sanctions, step);
                });
            }
        }
    }

    fn change(&mut self, token: Token, change: impl FnOnce(&mut Person)) {
        let full = self.people.len() >= PEOPLE_MAX && !self.people.contains_key(&token);
        let leaving = full.then(|| self.oldest_without_access()).flatten();
        let people = Arc::make_mut(&mut self.people);
        if let Some(oldest) = leaving {
            people.remove(&oldest);
        }
        change(people.entry(token).or_default());
    }
}

impl Person {
    /// Whether the person may see CPNI now and was never trained.
    pub fn is_untrained(&self) -> bool {
        self.access.is_some() && self.trainings.is_empty()
    }
}

fn push_newest(steps: &mut Vec<Step>, step: Step) {
    if steps.len() >= STEPS_MAX {
        steps.remove(0);
    }
    steps.push(step);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::CompanyCommand;
    use crate::domain::company::testing::*;

    fn give(number: u8) -> CompanyCommand {
        CompanyCommand::Training(TrainingCommand::GiveAccess(AccessGiven {
            person: somebody(number),
            role: item("care-agent"),
        }))
    }

    fn take(number: u8) -> CompanyCommand {
        let person = somebody(number);
        CompanyCommand::Training(TrainingCommand::TakeAccess(AccessTaken { person }))
    }

    fn train(number: u8, completed_at: Option<Time>) -> CompanyCommand {
        CompanyCommand::Training(TrainingCommand::Train {
            person: somebody(number),
            course: item("cpni-2026"),
            completed_at,
        })
    }

    fn untrained(office: &Office) -> Vec<Token> {
        let untrained = office.company.training.untrained();
        untrained.map(|(person, _)| person).collect()
    }

    #[test]
    fn f21_who_has_access_and_no_training_is_a_report() {
        let mut office = Office::new();
        office.act(give(1));
        office.act(give(2));
        office.act(train(2, None));
        office.act(train(3, None));
        assert_eq!(untrained(&office), [somebody(1)]);
        office.act(train(1, Some(office.now.minus_hours(400))));
        assert!(untrained(&office).is_empty());
        office.act(give(4));
        office.act(take(4));
        assert!(
            untrained(&office).is_empty(),
            "without access nobody needs it"
        );
    }

    #[test]
    fn f21_access_is_given_once_and_taken_once() {
        let mut office = Office::new();
        assert_eq!(office.refused(take(1)), RefusalCode::StepOrder);
        office.act(give(1));
        assert_eq!(office.refused(give(1)), RefusalCode::StepOrder);
        office.act(take(1));
        office.act(give(1));
    }

    #[test]
    fn f21_a_sanction_is_kept_by_reference_and_training_never_lies_ahead() {
        let mut office = Office::new();
        let measure = words("written warning");
        office.act(CompanyCommand::Training(TrainingCommand::Discipline(
            Disciplined {
                person: somebody(1),
                measure,
                file: document("hr-2026-14"),
            },
        )));
        let person = office.company.training.person(somebody(1)).unwrap();
        assert_eq!((person.sanctions.len(), person.access), (1, None));
        let ahead = office.now.plus_hours(1);
        assert_eq!(
            office.refused(train(1, Some(ahead))),
            RefusalCode::OccurredAt
        );
    }

    #[test]
    fn f21_only_the_newest_trainings_of_a_person_are_remembered() {
        let mut office = Office::new();
        for _ in 0..STEPS_MAX + 3 {
            office.act(train(1, None));
        }
        let person = office.company.training.person(somebody(1)).unwrap();
        assert_eq!(person.trainings.len(), STEPS_MAX);
        assert_eq!(person.trainings.last().unwrap().position.0, 11);
    }
}
