//! One pass over the log: the state of as many customers as there is room for, and what the questions find.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasherDefault;

use super::found::Found;
use super::{AskError, Asking};
use crate::codec::{Decoded, Fact};
use crate::domain::company::Company;
use crate::domain::customer::World;
use crate::domain::ids::{Position, Pseudonym, RandomId, Token};
use crate::domain::questions::{Finding, Followed, StandingQuestion, ask_company};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::Record;

/// The rulebook in force, and since when rulebooks have enabled opt-out approval without a break if it does.
struct Adopted {
    rulebook: Rulebook,
    opt_out_since: Time,
}

/// One pass.
pub(super) struct Pass<'a> {
    asking: &'a Asking,
    /// The rulebook in force; none before position 0.
    adopted: Option<Adopted>,
    company: Company,
    /// Customers from this pseudonym on are looked at …
    first: Pseudonym,
    /// … up to and without this one.
    below: Option<Pseudonym>,
    followed: HashMap<Pseudonym, Followed, BuildHasherDefault<RandomId>>,
    found: Found,
    /// PIC-freeze requests that were answered, about whatever customer: each is usable once (R14).
    pic_requests: HashSet<Token, BuildHasherDefault<RandomId>>,
    records: u64,
    /// When the last of them was recorded.
    last_at: Time,
}

impl<'a> Pass<'a> {
    /// A pass over the customers from `first` on. The first pass of all also looks at the company.
    pub(super) fn new(asking: &'a Asking, first: Pseudonym) -> Self {
        Self {
            asking,
            adopted: None,
            company: Company::default(),
            first,
            below: None,
            followed: HashMap::default(),
            found: Found::default(),
            pic_requests: HashSet::default(),
            records: 0,
            last_at: Time::default(),
        }
    }

    /// Looks at the next record.
    pub(super) fn look(&mut self, decoded: &Decoded) -> Result<(), AskError> {
        let record = &decoded.record;
        if record.position != self.records {
            return Err(AskError::Record {
                place: format!("position {}", self.records),
                problem: format!("position {} stands in its place", record.position),
            });
        }
        self.records += 1;
        self.last_at = self.last_at.max(Time(record.recorded_at.0));
        match &decoded.fact {
            Fact::LedgerOpened(genesis) => {
                self.adopt(genesis.rulebook.digest.0, record)?;
            }
            Fact::RulebookAdopted(adopted) => self.adopt(adopted.digest, record)?,
            Fact::Company(event) => {
                let placed = decoded.outline().place(event);
                let world = world(&self.adopted, &self.company)?;
                if self.first == Pseudonym([0; 16]) {
                    let found = &mut self.found;
                    let person = record.actor.person.map(Token);
                    let questions = &self.asking.questions;
                    ask_company(questions, placed, world, person, |question, wrong| {
                        found.add(finding(question, placed.position, None, wrong));
                    });
                }
                self.company.follow(&placed);
            }
            Fact::About(pseudonym, _) => self.look_at_customer(*pseudonym, decoded)?,
        }
        Ok(())
    }

    fn look_at_customer(
        &mut self,
        pseudonym: Pseudonym,
        decoded: &Decoded,
    ) -> Result<(), AskError> {
        let pic_request_used = self.answers_again(decoded);
        if pseudonym < self.first || self.below.is_some_and(|below| pseudonym >= below) {
            return Ok(());
        }
        let Some((_, placed)) = decoded.placed() else {
            return Ok(());
        };
        let world = World {
            pic_request_used,
            ..world(&self.adopted, &self.company)?
        };
        let person = decoded.record.actor.person.map(Token);
        let found = &mut self.found;
        let followed = self.followed.entry(pseudonym).or_default();
        followed.ask(
            &self.asking.questions,
            placed,
            world,
            person,
            |question, wrong| {
                found.add(finding(question, placed.position, Some(pseudonym), wrong));
            },
        );
        if self.followed.len() > self.asking.customers_at_once.max(1) {
            self.leave_half_for_later();
        }
        Ok(())
    }

    /// Whether the record answers a PIC-freeze request that was answered before.
    fn answers_again(&mut self, decoded: &Decoded) -> bool {
        let answered = decoded
            .placed()
            .and_then(|(_, placed)| placed.event.answers_pic_request());
        answered.is_some_and(|request| !self.pic_requests.insert(request))
    }

    /// Whether opt-out approval went on is worked out here, whatever the record says of it (R24).
    fn adopt(&mut self, digest: [u8; 32], record: &Record) -> Result<(), AskError> {
        let rulebook = self.asking.rulebooks.find(digest, record.position)?;
        let at = Time(record.recorded_at.0);
        let opt_out_since = match self.adopted.take() {
            // The ledger begins.
            None => at,
            Some(before) => {
                let kept = rulebook.keeps_opt_out_of(&before.rulebook, at);
                Rulebook::opt_out_since(kept.then_some(before.opt_out_since), at)
            }
        };
        self.adopted = Some(Adopted {
            rulebook,
            opt_out_since,
        });
        Ok(())
    }

    /// Makes room: the customers with the larger pseudonyms are looked at in a later pass.
    fn leave_half_for_later(&mut self) {
        let mut known: Vec<_> = self.followed.keys().copied().collect();
        let middle = known.len() / 2;
        let (_, below, _) = known.select_nth_unstable(middle);
        let below = *below;
        self.below = Some(below);
        self.followed.retain(|pseudonym, _| *pseudonym < below);
        self.followed.shrink_to(self.asking.customers_at_once);
        self.found.keep_below(below);
    }

    /// Asks what can only be asked at the end, of every customer of this pass.
    pub(super) fn end(&mut self) {
        let found = &mut self.found;
        for (pseudonym, followed) in &self.followed {
            let questions = &self.asking.questions;
            followed.ask_at_end(questions, self.last_at, |question, position, wrong| {
                found.add(finding(question, position, Some(*pseudonym), wrong));
            });
        }
    }

    /// Records read.
    pub(super) fn records(&self) -> u64 {
        self.records
    }

    /// Customers looked at.
    pub(super) fn customers(&self) -> u64 {
        self.followed.len() as u64
    }

    /// The first pseudonym that the next pass looks at, where one is needed.
    pub(super) fn rest(&self) -> Option<Pseudonym> {
        self.below
    }

    /// What was found.
    pub(super) fn into_found(self) -> Found {
        self.found
    }
}

fn world<'w>(adopted: &'w Option<Adopted>, company: &'w Company) -> Result<World<'w>, AskError> {
    match adopted {
        Some(adopted) => Ok(World {
            rulebook: &adopted.rulebook,
            opt_out_since: adopted.opt_out_since,
            pic_request_used: false,
            company,
            known: None,
        }),
        None => Err(AskError::Record {
            place: "position 0".into(),
            problem: "it does not open a ledger".into(),
        }),
    }
}

fn finding(
    question: &'static StandingQuestion,
    position: Position,
    pseudonym: Option<Pseudonym>,
    wrong: String,
) -> Finding {
    Finding {
        position,
        question: question.name,
        pseudonym,
        wrong,
    }
}
