//! Random histories: what callers may send, in small words, and a ledger and an oracle that live through it together.

#![allow(dead_code, reason = "each test file uses its part")]

use std::fmt;

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::templates::Statements;
use consent_ledger::domain::consent::word::{Block, EndCall, GrantOnce, Speak, SpokenWord};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position};
use consent_ledger::domain::notices::send::{Delivery, Outcome as Became};
use consent_ledger::domain::notices::{NoticeCommand, NoticeGiven, NoticeText};
use consent_ledger::domain::refusal::Refusal;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::served::AffiliateCommand;
use consent_ledger::domain::services::{ChangeServices, CloseService, OpenAccount};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Medium, RecipientKind};

use crate::oracle::{ENTITIES, Oracle, Refusals};
use crate::rules::books::{def, fcc, fcc_again};
use crate::rules::company;
use crate::rules::history::{Manner, VALID, clock, giving};
use crate::rules::ledger::{Ledger, Record};
use crate::rules::notation::{Everything, call, category, scope, written};

mod desk;
mod random;

pub use desk::*;
pub use random::*;

/// One thing that may happen.
#[derive(Clone)]
pub enum Step {
    /// Minutes pass.
    Wait(u32),
    /// A category is opened, unless it is held.
    Open(&'static str),
    /// A category is closed, unless its end is known: now, some minutes ahead, or some minutes ago.
    Close(&'static str, When),
    /// One category is closed and another, or the same, is opened in one command.
    Replace(&'static str, &'static str),
    /// A notice is given, in which those statements are; none: on record from before anybody asked for them.
    Notice(Scope, Option<Statements>),
    /// Words of one command, said now or some minutes ago.
    Speak(Vec<Said>, Manner, Option<u32>),
    /// A block that is left out of the count by which grants name blocks.
    Extra(Block),
    /// A one-time approval in a call.
    Once(&'static str, Scope, Manner),
    /// A call ends.
    EndCall(&'static str),
    /// A notice that asks for opt-out approval is sent, by that campaign or by none, now or some minutes ago.
    AskOptOut(Delivery, Scope, Option<&'static str>, Option<u32>),
    /// One of those notices, by its number among all of them, bounces or comes back.
    Fail(usize),
    /// An entity, by its number in the small world, joins in a kind: whether it provides communications-related services.
    Join(usize, RecipientKind, bool),
    /// An entity leaves a kind.
    Leave(usize, RecipientKind, When),
    /// An affiliate serves the customer itself.
    Serve(usize),
    /// It no longer does.
    ServeNoMore(usize, When),
    /// The customer consents to notices by e-mail, or takes that back, now or some minutes ago.
    Email(bool, Option<u32>),
    /// Another rulebook takes force.
    Switch(Book),
    /// Something about contacts and callers.
    Desk(Desk),
}

/// A rulebook that may take force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Book {
    Def,
    Fcc,
    /// A later version of the baseline, with the same rules.
    FccAgain,
}

impl Book {
    pub fn rulebook(self) -> &'static Rulebook {
        match self {
            Self::Def => def(),
            Self::Fcc => fcc(),
            Self::FccAgain => fcc_again(),
        }
    }
}

/// When a service ends, in minutes from now.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Now,
    Ahead(u32),
    Ago(u32),
}

impl When {
    pub fn from(self, now: Time) -> Time {
        match self {
            Self::Now => now,
            Self::Ahead(minutes) => now.plus_minutes(minutes),
            Self::Ago(minutes) => Time(now.0 - i64::from(minutes) * 60_000_000),
        }
    }
}

/// A word; a grant names blocks by their number among all that were said (beyond the last: one that doesn't exist).
#[derive(Clone)]
pub enum Said {
    Grant(Scope, Vec<usize>),
    Block(Block),
}

impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Wait(minutes) => write!(f, "{minutes} min pass"),
            Self::Open(category) => write!(f, "open({category})"),
            Self::Close(category, when) => write!(f, "close({category}) {when:?}"),
            Self::Replace(closed, opened) => write!(f, "close({closed}), open({opened}) together"),
            Self::Notice(covers, Some(Statements::ALL)) => {
                write!(f, "notice({})", written(covers))
            }
            Self::Notice(covers, says) => write!(f, "notice({}) saying {says:?}", written(covers)),
            Self::Speak(words, manner, ago) if format!("{manner:?}") == format!("{VALID:?}") => {
                write!(f, "{words:?} said {ago:?} min ago")
            }
            Self::Speak(words, manner, ago) => {
                write!(f, "{words:?} said {ago:?} min ago {manner:?}")
            }
            Self::Extra(block) => write!(f, "extra {:?}", Said::Block(block.clone())),
            Self::Once(call, covers, _) => write!(f, "one-time({}) in {call}", written(covers)),
            Self::EndCall(call) => write!(f, "{call} ends"),
            Self::AskOptOut(delivery, covers, campaign, ago) => {
                let covers = written(covers);
                write!(
                    f,
                    "opt-out by {delivery}({covers}) {campaign:?} sent {ago:?} min ago"
                )
            }
            Self::Fail(number) => write!(f, "opt-out notice {number} fails"),
            Self::Join(who, kind, communications) => {
                write!(f, "{} joins as {kind}, {communications}", ENTITIES[*who].0)
            }
            Self::Leave(who, kind, when) => {
                write!(f, "{} leaves as {kind} {when:?}", ENTITIES[*who].0)
            }
            Self::Serve(who) => write!(f, "{} serves the customer", ENTITIES[*who].0),
            Self::ServeNoMore(who, when) => {
                write!(f, "{} serves no more {when:?}", ENTITIES[*who].0)
            }
            Self::Email(true, ago) => write!(f, "consents to e-mail {ago:?} min ago"),
            Self::Email(false, ago) => write!(f, "no e-mail since {ago:?} min ago"),
            Self::Switch(book) => write!(f, "{book:?} takes force"),
            Self::Desk(desk) => write!(f, "{desk:?}"),
        }
    }
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Grant(scope, lifts) => write!(f, "g({}) lifting {lifts:?}", written(scope)),
            Self::Block(block) => {
                let except: Vec<_> = block.except.iter().map(written).collect();
                write!(
                    f,
                    "{:?}({}) except {except:?}",
                    block.kind,
                    written(&block.scope)
                )
            }
        }
    }
}

impl Step {
    /// Whether it may make something allowed by the customer's word.
    pub fn grants(&self) -> bool {
        match self {
            Self::Speak(words, ..) => words.iter().any(|word| matches!(word, Said::Grant(..))),
            Self::Once(..) => true,
            _ => false,
        }
    }

    /// Whether the customer speaks.
    pub fn is_preference(&self) -> bool {
        matches!(self, Self::Speak(..) | Self::Extra(_) | Self::Once(..))
    }

    /// Whether the company does it, for all customers at once: who is of a kind, and by which rulebook it goes.
    pub fn is_of_company(&self) -> bool {
        matches!(self, Self::Join(..) | Self::Leave(..) | Self::Switch(_))
    }
}

/// A ledger and an oracle that live through the same history.
#[derive(Clone, Debug)]
pub struct Play {
    pub ledger: Ledger,
    pub oracle: Oracle,
    notice: Option<Position>,
    blocks: Vec<Position>,
    /// Notices that asked for opt-out approval and haven't failed.
    asked: Vec<Position>,
}

/// What came of one step.
pub struct Outcome {
    pub predicted: Refusals,
    pub result: Result<Vec<Record>, Refusal>,
}

impl Play {
    /// Nobody yet; the next record takes that position.
    pub fn nobody(book: &'static Rulebook, next: u64) -> Self {
        let mut ledger = Ledger::new(book, clock("09:00"));
        ledger.next = next;
        Self {
            ledger,
            oracle: Oracle::default(),
            notice: None,
            blocks: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// A customer with an account, the categories, and a notice that covers everything.
    pub fn new(book: &'static Rulebook, fcc: bool, held: &[&str]) -> Self {
        let mut play = Self::nobody(book, 1);
        play.oracle.fcc = fcc;
        company::campaign(&mut play.ledger, company::ASKING, true);
        company::campaign(&mut play.ledger, company::UNAPPROVED, false);
        for form in [Medium::Written, Medium::Electronic] {
            company::approve(&mut play.ledger, form, Some(30));
        }
        let account = Command::OpenAccount(OpenAccount {
            legal_entity: EntityId::parse("infotech").unwrap(),
            services: held.iter().map(|held| category(held)).collect(),
        });
        play.submit(&account, None).result.unwrap();
        play.submit(&company::agreeing_to_email(), None)
            .result
            .unwrap();
        play.step(&noticed(scope("ALL; ALL; ALL", Everything::Written)));
        play.step(&Step::Wait(1));
        play
    }

    /// Lives through the steps.
    pub fn through(mut self, steps: &[Step]) -> Self {
        for step in steps {
            self.step(step);
        }
        self
    }

    /// Lives through one step; `None` where it has no command, because time passes or it would make no sense.
    pub fn step(&mut self, step: &Step) -> Option<Outcome> {
        let (command, occurred_at) = self.command(step)?;
        Some(self.live_through(step, &command, occurred_at))
    }

    /// Lives through a step whose command is known.
    pub fn live_through(
        &mut self,
        step: &Step,
        command: &Command,
        occurred_at: Option<Time>,
    ) -> Outcome {
        let outcome = self.submit(command, occurred_at);
        if let Ok(records) = &outcome.result {
            match step {
                Step::Notice(..) => self.notice = Some(records[0].position),
                Step::AskOptOut(..) => self.asked.push(records[0].position),
                Step::Fail(number) => {
                    self.asked.remove(number % self.asked.len());
                }
                Step::Speak(words, ..) => {
                    for (word, record) in words.iter().zip(records) {
                        if matches!(word, Said::Block(_)) {
                            self.blocks.push(record.position);
                        }
                    }
                }
                _ => {}
            }
        }
        outcome
    }

    /// Submits a command that is no step.
    pub fn submit(&mut self, command: &Command, occurred_at: Option<Time>) -> Outcome {
        let predicted = self.oracle.refusals(command, self.ledger.now, occurred_at);
        let result = self.ledger.submit(command, occurred_at);
        for record in result.iter().flatten() {
            self.oracle.note(record);
        }
        Outcome { predicted, result }
    }

    /// The step's command, and when it is said to have occurred; `None` as in [`Play::step`].
    pub fn command(&mut self, step: &Step) -> Option<(Command, Option<Time>)> {
        let now = self.ledger.now;
        let ago = |minutes: u32| Time(now.0 - i64::from(minutes) * 60_000_000);
        let end = |when: When| when.from(now);
        Some(match step {
            Step::AskOptOut(delivery, covers, campaign, minutes) => {
                // The templates and campaigns are no older than the history.
                let sent = minutes.map(ago).filter(|sent| *sent >= clock("09:00"));
                let asking = company::sending_by(*campaign, *delivery, Some(30), covers.clone());
                (asking, sent)
            }
            Step::Fail(number) => {
                let notice = *self.asked.get(number % self.asked.len().max(1))?;
                (company::reporting(notice, Became::Bounced), None)
            }
            Step::Join(who, kind, communications) => {
                if !self.oracle.register.is_open(*who, *kind, now) {
                    let recipient = format!("{} {}", kind.name(), ENTITIES[*who].0);
                    let begins = (now, Position(self.ledger.next));
                    company::join(&mut self.ledger, &recipient, *communications);
                    (self.oracle.register).join(*who, *kind, *communications, begins);
                }
                return None;
            }
            Step::Leave(who, kind, when) => {
                let end = end(*when);
                if self.oracle.register.may_leave(*who, *kind, end, now) {
                    let recipient = format!("{} {}", kind.name(), ENTITIES[*who].0);
                    company::leave(&mut self.ledger, &recipient, Some(end));
                    self.oracle.register.leave(*who, *kind, end, now);
                }
                return None;
            }
            Step::Serve(who) => {
                let affiliate = EntityId::parse(ENTITIES[*who].0).unwrap();
                let begin = AffiliateCommand::Begin(affiliate);
                (Command::Affiliates(begin), None)
            }
            Step::ServeNoMore(who, when) => {
                let affiliate = EntityId::parse(ENTITIES[*who].0).unwrap();
                let ends_at = Some(end(*when));
                let end = AffiliateCommand::End { affiliate, ends_at };
                (Command::Affiliates(end), None)
            }
            Step::Email(true, minutes) => (company::agreeing_to_email(), minutes.map(ago)),
            Step::Email(false, minutes) => (
                Command::Notices(NoticeCommand::RevokeEmail),
                minutes.map(ago),
            ),
            Step::Switch(book) => {
                let fcc = *book != Book::Def;
                (self.oracle).switch(fcc, now, Position(self.ledger.next));
                self.ledger.adopt(book.rulebook());
                return None;
            }
            Step::Desk(desk) => (desk.command(self.ledger.customer.as_ref()?, now), None),
            Step::Wait(minutes) => {
                self.ledger.now = now.plus_minutes(*minutes);
                return None;
            }
            Step::Open(name) => {
                let category = category(name);
                if !self.oracle.may_open(&category, now) {
                    return None;
                }
                (change(vec![category], vec![]), None)
            }
            Step::Close(name, when) => {
                let category = category(name);
                let since = self.oracle.may_close(&category, now)?;
                let (ends_at, occurred_at) = match when {
                    When::Now => (None, None),
                    When::Ahead(minutes) => (Some(now.plus_minutes(*minutes)), None),
                    When::Ago(minutes) => (None, Some(ago(*minutes)).filter(|end| *end > since)),
                };
                let close = CloseService { category, ends_at };
                (change(vec![], vec![close]), occurred_at)
            }
            Step::Replace(closed, opened) => {
                let (closed, opened) = (category(closed), category(opened));
                self.oracle.may_close(&closed, now)?;
                if closed != opened && !self.oracle.may_open(&opened, now) {
                    return None;
                }
                let close = CloseService {
                    category: closed,
                    ends_at: None,
                };
                (change(vec![opened], vec![close]), None)
            }
            Step::Notice(covers, Some(says)) => (giving(covers.clone(), *says), None),
            Step::Notice(covers, None) => {
                let record = self.ledger.take_as_it_is(given_before(covers.clone()));
                self.oracle.note(&record);
                self.notice = Some(record.position);
                return None;
            }
            Step::Speak(words, manner, minutes) => {
                let occurred_at = minutes.map(ago);
                let statement = manner.statement(occurred_at.unwrap_or(now), self.notice);
                let words = words.iter().map(|word| self.spoken(word)).collect();
                (Command::Speak(Speak { words, statement }), occurred_at)
            }
            Step::Extra(block) => {
                let statement = VALID.statement(now, self.notice);
                let words = vec![SpokenWord::Block(block.clone())];
                (Command::Speak(Speak { words, statement }), None)
            }
            Step::Once(name, scope, manner) => (
                Command::GrantOnce(GrantOnce {
                    call: call(name),
                    scope: scope.clone(),
                    statement: manner.statement(now, self.notice),
                }),
                None,
            ),
            Step::EndCall(name) => (Command::EndCall(EndCall { call: call(name) }), None),
        })
    }

    fn spoken(&self, word: &Said) -> SpokenWord {
        match word {
            Said::Block(block) => SpokenWord::Block(block.clone()),
            Said::Grant(scope, lifts) => {
                let named = lifts.iter().filter(|_| !self.blocks.is_empty());
                let named = named.map(|number| {
                    let number = number % (self.blocks.len() + 1);
                    self.blocks.get(number).copied().unwrap_or(Position(9_999))
                });
                SpokenWord::Grant {
                    scope: scope.clone(),
                    lifts: named.collect(),
                }
            }
        }
    }
}

/// A notice of every statement is given.
pub fn noticed(covers: Scope) -> Step {
    Step::Notice(covers, Some(Statements::ALL))
}

/// A notice as it was put on record before anybody asked for its statements.
fn given_before(covers: Scope) -> Event {
    Event::NoticeGiven(NoticeGiven {
        notice: NoticeText {
            version: "2023-01-01".to_owned(),
            text_digest: [5; 32],
            form: Medium::Electronic,
            language: "en-US".to_owned(),
            covers,
        },
        shown: None,
        call: None,
    })
}

fn change(open: Vec<consent_ledger::domain::ids::Category>, close: Vec<CloseService>) -> Command {
    Command::ChangeServices(ChangeServices { open, close })
}
