//! Given / when / then for the rules: a customer's story, told command by command.

mod notation;

use super::command::Command;
use super::company::entities::{EntityCommand, EntityJoined};
use super::company::templates::{ApproveTemplate, Statements, TemplateCommand};
use super::company::testing::{ASKING, campaigning, item};
use super::company::{self, Company, CompanyCommand, CompanyEvent};
use super::consent::word::{
    Assurance, BlockKind, EndCall, GrantOnce, Speak, SpokenWord, Statement,
};
use super::customer::{Context, Customer, World, decide, evolve, rule};
use super::disclosures::Disclose;
use super::event::{Event, Placed};
use super::ids::{Personal, Position, Sha256Digest, Token};
use super::notices::email::EmailAgreed;
use super::notices::send::{Delivery, Outcome, ReportDelivery, SendNotice};
use super::notices::{GiveNotice, NoticeCommand, NoticeText};
use super::question::Question;
use super::refusal::{Refusal, RefusalCode};
use super::rulebook::{DEFAULT_TEXT, FCC_TEXT, Rulebook};
use super::ruling::Ruling;
use super::scope::Scope;
use super::services::{ChangeServices, CloseService, OpenAccount, VaultHead};
use super::time::Time;
use super::vocabulary::*;

pub use notation::*;

/// 2026-01-01T00:00:00Z.
pub const START: Time = Time(1_767_225_600_000_000);

/// The default rulebook.
pub fn policy() -> Rulebook {
    Rulebook::parse(DEFAULT_TEXT, [0; 32]).unwrap()
}

/// The FCC baseline.
pub fn baseline() -> Rulebook {
    Rulebook::parse(FCC_TEXT, [1; 32]).unwrap()
}

/// The default rulebook with one line exchanged.
pub fn policy_with(line: &str, other: &str) -> Rulebook {
    assert!(DEFAULT_TEXT.contains(line), "no line {line}");
    Rulebook::parse(&DEFAULT_TEXT.replace(line, other), [0; 32]).unwrap()
}

/// One customer under one rulebook; each command is a minute after the last, at the next positions from 1.
#[derive(Clone)]
pub struct Story {
    pub rulebook: Rulebook,
    pub opt_out_since: Time,
    pub company: Company,
    pub customer: Option<Customer>,
    /// PIC-freeze requests that were answered, here or about other customers.
    pub answered: Vec<Token>,
    /// Who takes the commands.
    pub person: Option<Token>,
    pub now: Time,
    pub next: u64,
    pub occurred_at: Option<Time>,
    /// Positions of the events of the last command.
    pub last: Vec<Position>,
}

impl Story {
    pub fn new(rulebook: Rulebook) -> Self {
        Self {
            rulebook,
            opt_out_since: Time(0),
            company: Company::default(),
            customer: None,
            answered: Vec::new(),
            person: None,
            now: START,
            next: 1,
            occurred_at: None,
            last: Vec::new(),
        }
    }

    /// A customer who holds LOCAL and was given a notice of everything.
    pub fn begun() -> Self {
        Self::begun_with(policy())
    }

    pub fn begun_with(rulebook: Rulebook) -> Self {
        let mut story = Self::new(rulebook);
        story.account(&["local"]);
        story.notice(Scope::everything());
        story
    }

    pub fn world(&self) -> World<'_> {
        World {
            rulebook: &self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            known: None,
        }
    }

    fn is_answered(&self, request: Option<Token>) -> bool {
        request.is_some_and(|request| self.answered.contains(&request))
    }

    /// Another rulebook takes force.
    pub fn adopt(&mut self, rulebook: Rulebook) {
        let kept = rulebook.keeps_opt_out_of(&self.rulebook, self.now);
        let since = kept.then_some(self.opt_out_since);
        self.opt_out_since = Rulebook::opt_out_since(since, self.now);
        self.rulebook = rulebook;
    }

    /// Records something about the company.
    pub fn company(&mut self, command: &CompanyCommand) -> Result<Vec<CompanyEvent>, Refusal> {
        self.minutes(1);
        let occurred_at = self.occurred_at.take();
        let context = Context {
            now: self.now,
            occurred_at,
            position: Position(self.next),
            rulebook: &self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: false,
            company: &self.company,
            person: self.person,
            vault: VaultHead::default(),
        };
        let events = company::decide(command, &context)?;
        let command = context.position;
        self.last.clear();
        for event in &events {
            self.company.follow(&Placed {
                position: Position(self.next),
                command,
                recorded_at: self.now,
                occurred_at,
                event,
            });
            self.last.push(Position(self.next));
            self.next += 1;
        }
        Ok(events)
    }

    /// Registers that an entity is of a kind from now on, and whether it provides communications-related services.
    pub fn join(&mut self, name: &str, kind: RecipientKind, communications_related: bool) {
        let joined = EntityJoined {
            entity: entity(name),
            kind,
            communications_related,
        };
        let command = CompanyCommand::Entities(EntityCommand::Join(joined));
        self.company(&command).unwrap();
    }

    /// Registers that an entity is no longer of a kind, from an instant or from now on.
    pub fn leave(&mut self, name: &str, kind: RecipientKind, ends_at: Option<Time>) {
        let command = CompanyCommand::Entities(EntityCommand::Leave {
            entity: entity(name),
            kind,
            ends_at,
        });
        self.company(&command).unwrap();
    }

    /// Approves a template that covers everything and says all that a notice must say; a campaign asks for approval.
    pub fn template(&mut self, version: &str, form: Medium, opt_out_days: Option<u32>) {
        campaigning(&mut self.company, ASKING, |_| {});
        self.person = Some(call(9));
        let command = template(version, form, opt_out_days);
        let command = CompanyCommand::Templates(TemplateCommand::Approve(command));
        self.company(&command).unwrap();
    }

    /// Sends a notice by a template at that instant.
    pub fn send_at(&mut self, at: Time, template: &str, delivery: Delivery, covers: Scope) -> u64 {
        self.now = Time(at.0 - 60_000_000);
        self.act(send(template, delivery, covers))
    }

    pub fn report(&mut self, notice: u64, outcome: Outcome) -> Vec<Event> {
        self.attempt(&report(notice, outcome)).unwrap()
    }

    pub fn state(&self) -> &Customer {
        self.customer.as_ref().unwrap()
    }

    pub fn minutes(&mut self, minutes: u32) -> &mut Self {
        self.now = self.now.plus_minutes(minutes);
        self
    }

    /// Says of the next command when it occurred.
    pub fn occurred(&mut self, at: Time) -> &mut Self {
        self.occurred_at = Some(at);
        self
    }

    pub fn attempt(&mut self, command: &Command) -> Result<Vec<Event>, Refusal> {
        self.minutes(1);
        let occurred_at = self.occurred_at.take();
        let context = Context {
            now: self.now,
            occurred_at,
            position: Position(self.next),
            rulebook: &self.rulebook,
            opt_out_since: self.opt_out_since,
            pic_request_used: self.is_answered(command.pic_request()),
            company: &self.company,
            person: self.person,
            vault: VaultHead::default(),
        };
        let events = decide(self.customer.as_ref(), command, &context)?;
        self.last.clear();
        for event in &events {
            let placed = Placed {
                position: Position(self.next),
                command: context.position,
                recorded_at: self.now,
                occurred_at,
                event,
            };
            self.customer = evolve(self.customer.take(), &placed);
            self.answered.extend(event.answers_pic_request());
            self.last.push(placed.position);
            self.next += 1;
        }
        Ok(events)
    }

    /// Does it, and gives back the position of its first record.
    pub fn act(&mut self, command: Command) -> u64 {
        self.attempt(&command).unwrap();
        self.last[0].0
    }

    pub fn refused(&mut self, command: Command) -> RefusalCode {
        let before = self.customer.clone();
        let refusal = self.attempt(&command).unwrap_err();
        assert_eq!(self.customer, before);
        assert!(!refusal.message.is_empty());
        refusal.code
    }

    pub fn account(&mut self, services: &[&str]) -> u64 {
        self.act(Command::OpenAccount(OpenAccount {
            legal_entity: entity("infotech"),
            services: services.iter().map(|name| category(name)).collect(),
        }))
    }

    pub fn open(&mut self, name: &str) -> u64 {
        self.act(change(&[name], &[]))
    }

    pub fn close(&mut self, name: &str) -> u64 {
        self.act(change(&[], &[(name, None)]))
    }

    pub fn notice(&mut self, covers: Scope) -> u64 {
        self.act(notice(covers))
    }

    /// A command of these words, written, by the verified account holder, on the newest notice.
    pub fn speaking(&self, words: Vec<SpokenWord>) -> Speak {
        Speak {
            words,
            statement: self.statement(),
        }
    }

    pub fn statement(&self) -> Statement {
        let notices = self.customer.as_ref().map(|customer| &customer.notices);
        Statement {
            medium: Medium::Written,
            speaker: Speaker::AccountHolder,
            assurance: Some(Assurance {
                method: AssuranceMethod::Password,
                reference: None,
                at: self.occurred_at.unwrap_or(self.now),
            }),
            verification: None,
            notice: notices.and_then(|all| all.last()).map(|one| one.position),
            evidence_digest: None,
            evidence_reference: None,
        }
    }

    pub fn speak(&mut self, words: Vec<SpokenWord>) -> u64 {
        let command = self.speaking(words);
        self.act(Command::Speak(command))
    }

    pub fn grant(&mut self, scope: Scope) -> u64 {
        self.speak(vec![granting(scope)])
    }

    pub fn grant_lifting(&mut self, scope: Scope, lifts: &[u64]) -> u64 {
        let lifts = lifts.iter().copied().map(Position).collect();
        self.speak(vec![SpokenWord::Grant { scope, lifts }])
    }

    /// The blocks that the last grant's answer lists.
    pub fn still_blocked_by(&mut self, scope: Scope) -> Vec<u64> {
        let command = self.speaking(vec![granting(scope)]);
        match self.attempt(&Command::Speak(command)).unwrap().as_slice() {
            [Event::Granted(granted)] => granted
                .still_blocked_by
                .iter()
                .map(|position| position.0)
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    pub fn deny(&mut self, scope: Scope) -> u64 {
        self.speak(vec![blocking(BlockKind::Deny, scope, &[])])
    }

    pub fn withdraw(&mut self, scope: Scope) -> u64 {
        self.speak(vec![blocking(BlockKind::Withdraw, scope, &[])])
    }

    pub fn restrict(&mut self, scope: Scope, except: &[Scope]) -> u64 {
        self.speak(vec![blocking(BlockKind::Restrict, scope, except)])
    }

    /// A one-time approval, oral, with a recording.
    pub fn once(&self, call: Token, scope: Scope) -> Command {
        let mut statement = self.statement();
        statement.medium = Medium::Oral;
        statement.evidence_reference = Some(Personal::new("recording"));
        Command::GrantOnce(GrantOnce {
            call,
            scope,
            statement,
        })
    }

    pub fn end_call(&mut self, call: Token) -> u64 {
        self.act(Command::EndCall(EndCall { call }))
    }

    pub fn disclose(&mut self, question: Question) -> Event {
        let command = Command::Disclose(Disclose {
            question,
            seal: None,
        });
        self.attempt(&command).unwrap().remove(0)
    }

    /// Asks a minute later.
    pub fn ask(&self, question: &Question) -> Ruling {
        self.ask_at(question, self.now.plus_minutes(1))
    }

    pub fn ask_at(&self, question: &Question, at: Time) -> Ruling {
        let world = World {
            pic_request_used: self.is_answered(question.pic_request()),
            ..self.world()
        };
        rule(self.customer.as_ref(), world, question, at)
    }
}

pub fn template(version: &str, form: Medium, opt_out_days: Option<u32>) -> ApproveTemplate {
    ApproveTemplate {
        version: entity(version),
        form,
        language: "en".into(),
        text_digest: Sha256Digest([7; 32]),
        covers: Scope::everything(),
        statements: Statements::ALL,
        opt_out_days,
    }
}

pub fn send(template: &str, delivery: Delivery, covers: Scope) -> Command {
    Command::Notices(NoticeCommand::Send(SendNotice {
        template: entity(template),
        text_digest: Sha256Digest([7; 32]),
        delivery,
        covers,
        campaign: Some(item(ASKING)),
    }))
}

pub fn report(notice: u64, outcome: Outcome) -> Command {
    Command::Notices(NoticeCommand::Report(ReportDelivery {
        notice: Position(notice),
        outcome,
    }))
}

/// Consent to e-mail by the account holder, electronically.
pub fn agree_to_email() -> Command {
    Command::Notices(NoticeCommand::AgreeToEmail(EmailAgreed {
        medium: Medium::Electronic,
        speaker: Speaker::AccountHolder,
        evidence_digest: Sha256Digest([8; 32]),
    }))
}

pub fn notice(covers: Scope) -> Command {
    Command::GiveNotice(GiveNotice {
        notice: NoticeText {
            version: "2024-05-29".into(),
            text_digest: [7; 32],
            form: Medium::Written,
            language: "en".into(),
            covers,
        },
        statements: Some(Statements::ALL),
        call: None,
    })
}

pub fn change(open: &[&str], close: &[(&str, Option<Time>)]) -> Command {
    Command::ChangeServices(ChangeServices {
        open: open.iter().map(|name| category(name)).collect(),
        close: (close.iter())
            .map(|(name, ends_at)| CloseService {
                category: category(name),
                ends_at: *ends_at,
            })
            .collect(),
    })
}
