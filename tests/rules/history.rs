//! A customer's history, told in the vectors' notation, and what is expected of the answers.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::templates::Statements;
use consent_ledger::domain::consent::word::{
    Assurance, EndCall, GrantOnce, Speak, SpokenWord, Statement,
};
use consent_ledger::domain::disclosures::{Disclose, Ground, Seal};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Personal, Position};
use consent_ledger::domain::notices::{GiveNotice, NoticeText};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::ruling::Ruling;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::services::{ChangeServices, CloseService, OpenAccount};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium, Speaker};

use super::ledger::{Ledger, Record};
use super::notation::{self, Everything, category, question, scope, utc, word};

/// The day on which the vectors play unless they say otherwise.
pub const DAY: &str = "2026-03-02";

/// An instant of [`DAY`], e.g. `10:02` or `10:02:30`, or a whole one, `2026-03-03T10:00:00Z`.
pub fn clock(text: &str) -> Time {
    match (text.contains('T'), text.len()) {
        (true, _) => utc(text),
        (false, 5) => utc(&format!("{DAY}T{text}:00Z")),
        (false, _) => utc(&format!("{DAY}T{text}Z")),
    }
}

/// The circumstances in which words are said.
#[derive(Clone, Copy, Debug)]
pub struct Manner {
    pub medium: Medium,
    pub speaker: Speaker,
    /// Method, and how many minutes before the words were said.
    pub verified: Option<(AssuranceMethod, u32)>,
    pub evidence: bool,
}

/// In the online account, by the holder, logged in: enough for a grant (R15).
pub const VALID: Manner = Manner {
    medium: Medium::Electronic,
    speaker: Speaker::AccountHolder,
    verified: Some((AssuranceMethod::OnlineAccount, 1)),
    evidence: true,
};

impl Manner {
    /// What goes on record of it.
    pub fn statement(self, said_at: Time, notice: Option<Position>) -> Statement {
        Statement {
            medium: self.medium,
            speaker: self.speaker,
            assurance: self.verified.map(|(method, minutes)| Assurance {
                method,
                reference: Some(Personal::new("verification 7")),
                at: Time(said_at.0 - i64::from(minutes) * 60_000_000),
            }),
            verification: None,
            notice,
            evidence_digest: self.evidence.then_some([7; 32]),
            evidence_reference: self.evidence.then(|| Personal::new("recording 7")),
        }
    }
}

/// One customer and what happened so far. The clock moves a minute with each command unless it is held.
#[derive(Clone, Debug)]
pub struct History {
    pub ledger: Ledger,
    /// The newest notice given.
    pub notice: Option<Position>,
    held: bool,
}

impl History {
    /// A customer unknown to the ledger, at 09:00 of [`DAY`].
    pub fn unknown(book: &'static Rulebook) -> Self {
        Self {
            ledger: Ledger::new(book, clock("09:00")),
            notice: None,
            held: false,
        }
    }

    /// An account without services and without a notice.
    pub fn account(book: &'static Rulebook) -> Self {
        let mut history = Self::unknown(book);
        history.begins();
        history
    }

    /// The account is opened, without services.
    pub fn begins(&mut self) {
        self.record(
            &Command::OpenAccount(OpenAccount {
                legal_entity: EntityId::parse("infotech").unwrap(),
                services: Vec::new(),
            }),
            None,
        );
    }

    /// A customer who holds the categories and was given a notice that covers everything.
    pub fn holding(book: &'static Rulebook, categories: &[&str]) -> Self {
        let mut history = Self::account(book);
        for category in categories {
            history.open(category);
        }
        history.notice("ALL; ALL; ALL");
        history
    }

    /// Lets time pass.
    pub fn days_pass(&mut self, days: u32) {
        self.ledger.now = self.ledger.now.plus_hours(24 * days);
    }

    pub fn record(&mut self, command: &Command, occurred_at: Option<Time>) -> Vec<Record> {
        self.try_record(command, occurred_at)
            .unwrap_or_else(|code| panic!("refused with {code:?}: {command:?}"))
    }

    /// Submits at the clock, which has moved a minute since the command before unless the test set it.
    pub fn try_record(
        &mut self,
        command: &Command,
        occurred_at: Option<Time>,
    ) -> Result<Vec<Record>, RefusalCode> {
        if !self.held {
            self.ledger.now = self.ledger.now.plus_minutes(1);
        }
        self.held = false;
        self.ledger
            .submit(command, occurred_at)
            .map_err(|refusal| refusal.code)
    }

    /// `open(X)`.
    pub fn open(&mut self, opened: &str) {
        self.switch(&[], &[opened]);
    }

    /// `close(X)`.
    pub fn close(&mut self, closed: &str) {
        self.switch(&[closed], &[]);
    }

    /// Closes and opens in one atomic command.
    pub fn switch(&mut self, closed: &[&str], opened: &[&str]) {
        self.record(&change(closed, opened), None);
    }

    /// A notice that covers the scope.
    pub fn notice(&mut self, covers: &str) -> Position {
        self.notice_of(covers, None)
    }

    /// A notice said to have been given at `occurred_at`.
    pub fn notice_of(&mut self, covers: &str, occurred_at: Option<Time>) -> Position {
        let records = self.record(
            &giving(scope(covers, Everything::Written), Statements::ALL),
            occurred_at,
        );
        self.notice = Some(records[0].position);
        records[0].position
    }

    /// One word, valid under R15; its position.
    pub fn says(&mut self, said: &str) -> Position {
        self.says_all(&[said])[0]
    }

    /// Words of one atomic command.
    pub fn says_all(&mut self, said: &[&str]) -> Vec<Position> {
        self.speak(VALID, None, said.iter().map(|said| word(said)).collect())
            .unwrap_or_else(|code| panic!("{said:?}: refused with {code:?}"))
    }

    /// Words with all their circumstances.
    pub fn speak(
        &mut self,
        manner: Manner,
        occurred_at: Option<Time>,
        words: Vec<SpokenWord>,
    ) -> Result<Vec<Position>, RefusalCode> {
        let said_at = occurred_at.unwrap_or(self.ledger.now);
        let statement = manner.statement(said_at, self.notice);
        let records = self.try_record(&Command::Speak(Speak { words, statement }), occurred_at)?;
        Ok(records.iter().map(|record| record.position).collect())
    }

    /// A one-time oral approval in a call, on a recording.
    pub fn once(&mut self, call: &str, covers: &str) -> Result<Position, RefusalCode> {
        let manner = Manner {
            medium: Medium::Oral,
            verified: Some((AssuranceMethod::Password, 1)),
            ..VALID
        };
        self.once_in(manner, call, covers)
    }

    /// The same in a manner of one's own.
    pub fn once_in(
        &mut self,
        manner: Manner,
        call: &str,
        covers: &str,
    ) -> Result<Position, RefusalCode> {
        let command = Command::GrantOnce(GrantOnce {
            call: notation::call(call),
            scope: scope(covers, Everything::Written),
            statement: manner.statement(self.ledger.now, self.notice),
        });
        self.try_record(&command, None)
            .map(|records| records[0].position)
    }

    /// The call is over.
    pub fn call_ends(&mut self, call: &str) {
        let call = notation::call(call);
        self.record(&Command::EndCall(EndCall { call }), None);
    }

    /// The answer now.
    pub fn ask(&self, asked: &str) -> Ruling {
        self.ledger.ask(&question(asked))
    }

    /// Asks for a disclosure; it is recorded, made or refused.
    pub fn disclose(&mut self, ground: Ground, asked: &str) -> Event {
        self.disclose_sealed(ground, asked, None)
    }

    /// The same under a gag order.
    pub fn disclose_sealed(&mut self, ground: Ground, asked: &str, seal: Option<Seal>) -> Event {
        let question = on_ground(ground, asked);
        let records = self.record(&Command::Disclose(Disclose { question, seal }), None);
        assert_eq!(records.len(), 1, "a disclosure is one record");
        records[0].event.clone()
    }
}

/// A question asked in a call.
pub fn in_call(call: &str, asked: &str) -> Question {
    Question {
        call: Some(notation::call(call)),
        ..question(asked)
    }
}

/// A question that claims a ground.
pub fn on_ground(ground: Ground, asked: &str) -> Question {
    Question {
        ground: Some(ground),
        ..question(asked)
    }
}

/// Gives a notice in which those statements are.
pub fn giving(covers: Scope, statements: Statements) -> Command {
    Command::GiveNotice(GiveNotice {
        notice: NoticeText {
            version: "2024-05-29".to_owned(),
            text_digest: [5; 32],
            form: Medium::Electronic,
            language: "en-US".to_owned(),
            covers,
        },
        statements: Some(statements),
        call: None,
    })
}

/// A command that closes and opens.
pub fn change(closed: &[&str], opened: &[&str]) -> Command {
    let close = closed.iter().map(|closed| CloseService {
        category: category(closed),
        ends_at: None,
    });
    Command::ChangeServices(ChangeServices {
        open: opened.iter().map(|opened| category(opened)).collect(),
        close: close.collect(),
    })
}
