//! A ledger of one customer without a disk: `decide`, then `evolve`, each event one position.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::{self, Company, CompanyCommand, CompanyEvent};
use consent_ledger::domain::customer::{Context, Customer, World, decide, evolve, rule};
use consent_ledger::domain::event::{Event, Placed};
use consent_ledger::domain::ids::{Position, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::refusal::Refusal;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::ruling::Ruling;
use consent_ledger::domain::services::VaultHead;
use consent_ledger::domain::time::Time;

/// A record as the tests look at it.
#[derive(Clone, Debug)]
pub struct Record {
    pub position: Position,
    /// The first position of its command.
    pub command: Position,
    pub recorded_at: Time,
    pub occurred_at: Option<Time>,
    pub event: Event,
}

/// A record about the company.
#[derive(Clone, Debug)]
pub struct OfCompany {
    pub position: Position,
    /// The first position of its command.
    pub command: Position,
    pub recorded_at: Time,
    pub event: CompanyEvent,
}

impl OfCompany {
    /// The record's event in its place.
    pub fn placed(&self) -> Placed<'_, CompanyEvent> {
        Placed {
            position: self.position,
            command: self.command,
            recorded_at: self.recorded_at,
            occurred_at: None,
            event: &self.event,
        }
    }
}

/// A rulebook that is in force from a record on.
#[derive(Clone, Copy, Debug)]
pub struct Adopted {
    pub position: Position,
    pub recorded_at: Time,
    pub book: &'static Rulebook,
    /// As in [`World`].
    pub opt_out_since: Time,
}

/// One customer's records, the state that follows from them, and a clock that the test sets.
#[derive(Clone, Debug)]
pub struct Ledger {
    pub book: &'static Rulebook,
    pub opt_out_since: Time,
    /// The rulebooks since the beginning, the one in force last.
    pub adopted: Vec<Adopted>,
    pub company: Company,
    /// What was recorded of the company by [`Ledger::submit_company`].
    pub of_company: Vec<OfCompany>,
    pub now: Time,
    pub customer: Option<Customer>,
    pub records: Vec<Record>,
    /// The next position; a test that lets several ledgers take turns in one log moves it.
    pub next: u64,
}

impl Ledger {
    /// A ledger that knows nobody. Position 0 is the genesis record.
    pub fn new(book: &'static Rulebook, now: Time) -> Self {
        Self::starting_at(book, now, 1)
    }

    /// A ledger of a customer whose first record comes after those of others.
    pub fn starting_at(book: &'static Rulebook, now: Time, next: u64) -> Self {
        Self {
            book,
            opt_out_since: Time(0),
            adopted: vec![Adopted {
                position: Position(0),
                recorded_at: Time(0),
                book,
                opt_out_since: Time(0),
            }],
            company: Company::default(),
            of_company: Vec::new(),
            now,
            customer: None,
            records: Vec::new(),
            next,
        }
    }

    /// Decides and, unless refused, records; answers with the new records.
    pub fn submit(
        &mut self,
        command: &Command,
        occurred_at: Option<Time>,
    ) -> Result<Vec<Record>, Refusal> {
        let first = Position(self.next);
        let events = decide(
            self.customer.as_ref(),
            command,
            &Context {
                now: self.now,
                occurred_at,
                position: first,
                rulebook: self.book,
                opt_out_since: self.opt_out_since,
                pic_request_used: self.is_answered(command.pic_request()),
                company: &self.company,
                person: None,
                vault: VaultHead::default(),
            },
        )?;
        let records = events.into_iter();
        let records = records.map(|event| self.take(first, event, occurred_at));
        Ok(records.collect())
    }

    /// Records an event that nobody decides here, as of an earlier release.
    pub fn take_as_it_is(&mut self, event: Event) -> Record {
        self.take(Position(self.next), event, None)
    }

    fn take(&mut self, command: Position, event: Event, occurred_at: Option<Time>) -> Record {
        let record = Record {
            position: Position(self.next),
            command,
            recorded_at: self.now,
            occurred_at,
            event,
        };
        self.next += 1;
        self.customer = evolve(self.customer.take(), &placed(&record));
        self.records.push(record.clone());
        record
    }

    /// The position that the next record takes.
    pub fn next_position(&self) -> Position {
        Position(self.next)
    }

    /// Takes a position for a record about the company.
    pub fn take_position(&mut self) -> Position {
        self.next += 1;
        Position(self.next - 1)
    }

    /// Decides about the company and, unless refused, records.
    pub fn submit_company(&mut self, command: &CompanyCommand) -> Result<Position, Refusal> {
        self.submit_company_by(Token([6; 16]), command)
    }

    /// The same, taken by a person.
    pub fn submit_company_by(
        &mut self,
        person: Token,
        command: &CompanyCommand,
    ) -> Result<Position, Refusal> {
        let position = Position(self.next);
        let events = company::decide(
            command,
            &Context {
                now: self.now,
                occurred_at: None,
                position,
                rulebook: self.book,
                opt_out_since: self.opt_out_since,
                pic_request_used: false,
                company: &self.company,
                person: Some(person),
                vault: VaultHead::default(),
            },
        )?;
        for event in events {
            let record = OfCompany {
                position: self.take_position(),
                command: position,
                recorded_at: self.now,
                event,
            };
            self.company.follow(&record.placed());
            self.of_company.push(record);
        }
        Ok(position)
    }

    /// Another rulebook takes force, or the same again (R24).
    pub fn adopt(&mut self, book: &'static Rulebook) {
        let kept = book.keeps_opt_out_of(self.book, self.now);
        self.opt_out_since = Rulebook::opt_out_since(kept.then_some(self.opt_out_since), self.now);
        self.book = book;
        let adopted = Adopted {
            position: self.take_position(),
            recorded_at: self.now,
            book,
            opt_out_since: self.opt_out_since,
        };
        self.adopted.push(adopted);
    }

    /// What the rules know besides the customer.
    pub fn world(&self) -> World<'_> {
        World {
            rulebook: self.book,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: None,
        }
    }

    /// The answer now.
    pub fn ask(&self, question: &Question) -> Ruling {
        self.ask_at(question, self.now)
    }

    /// The answer at `at` if nothing more is recorded until then.
    pub fn ask_at(&self, question: &Question, at: Time) -> Ruling {
        let world = World {
            pic_request_used: self.is_answered(question.pic_request()),
            ..self.world()
        };
        rule(self.customer.as_ref(), world, question, at)
    }

    /// Whether a PIC-freeze request was answered (R14).
    fn is_answered(&self, request: Option<Token>) -> bool {
        let answered = |record: &Record| record.event.answers_pic_request() == request;
        request.is_some() && self.records.iter().any(answered)
    }

    /// The state as it follows from the records up to `position` alone.
    pub fn replayed_to(&self, position: Position) -> Option<Customer> {
        self.records
            .iter()
            .filter(|record| record.position <= position)
            .fold(None, |customer, record| evolve(customer, &placed(record)))
    }
}

/// The record's event in its place.
pub fn placed(record: &Record) -> Placed<'_> {
    Placed {
        position: record.position,
        command: record.command,
        recorded_at: record.recorded_at,
        occurred_at: record.occurred_at,
        event: &record.event,
    }
}
