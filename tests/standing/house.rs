//! A customer's history beside the company's: what is recorded of the company, at positions between the customer's.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ops::{Deref, DerefMut};

use consent_ledger::domain::company::{self, CompanyCommand, CompanyEvent};
use consent_ledger::domain::customer::Context;
use consent_ledger::domain::event::Placed;
use consent_ledger::domain::ids::{Position, Token};
use consent_ledger::domain::refusal::Refusal;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::services::VaultHead;
use consent_ledger::domain::time::Time;

use crate::rules::history::History;

/// A record about the company.
#[derive(Clone, Debug)]
pub struct CompanyRecord {
    pub position: Position,
    /// The first position of its command.
    pub command: Position,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
    pub person: Token,
    pub event: CompanyEvent,
}

/// One customer's history, and the company's.
#[derive(Clone, Debug)]
pub struct House {
    pub history: History,
    pub company: Vec<CompanyRecord>,
}

/// Who takes commands unless said otherwise.
pub const CLERK: Token = Token([9; 16]);

impl House {
    /// A customer who holds the categories and was given a notice that covers everything.
    pub fn holding(book: &'static Rulebook, categories: &[&str]) -> Self {
        Self {
            history: History::holding(book, categories),
            company: Vec::new(),
        }
    }

    /// Records something about the company, a minute later.
    pub fn told(&mut self, command: &CompanyCommand) -> Position {
        self.told_by(CLERK, command).unwrap()
    }

    /// The same by a person of one's own.
    pub fn told_by(
        &mut self,
        person: Token,
        command: &CompanyCommand,
    ) -> Result<Position, Refusal> {
        let ledger = &mut self.history.ledger;
        ledger.now = ledger.now.plus_minutes(1);
        let first = ledger.next_position();
        let events = company::decide(
            command,
            &Context {
                now: ledger.now,
                occurred_at: None,
                position: first,
                rulebook: ledger.book,
                company: &ledger.company,
                person: Some(person),
                vault: VaultHead::default(),
            },
        )?;
        for event in events {
            let position = ledger.take_position();
            ledger.company.follow(&Placed {
                position,
                command: first,
                recorded_at: ledger.now,
                occurred_at: None,
                event: &event,
            });
            self.company.push(CompanyRecord {
                position,
                command: first,
                recorded_at: ledger.now,
                occurred_at: None,
                person,
                event,
            });
        }
        Ok(first)
    }
}

impl Deref for House {
    type Target = History;

    fn deref(&self) -> &History {
        &self.history
    }
}

impl DerefMut for House {
    fn deref_mut(&mut self) -> &mut History {
        &mut self.history
    }
}
