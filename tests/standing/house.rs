//! A customer's history beside the company's: what is recorded of the company, at positions between the customer's.
#![allow(dead_code, reason = "each test file uses its part")]

use std::ops::{Deref, DerefMut};

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::campaigns::{CampaignCommand, Outbound, Outbounds};
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::company::register::ItemId;
use consent_ledger::domain::company::templates::{ApproveTemplate, Statements, TemplateCommand};
use consent_ledger::domain::company::{self, CompanyCommand, CompanyEvent};
use consent_ledger::domain::customer::Context;
use consent_ledger::domain::event::Placed;
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest, Token};
use consent_ledger::domain::notices::NoticeCommand;
use consent_ledger::domain::notices::email::EmailAgreed;
use consent_ledger::domain::notices::send::{Delivery, Outcome, ReportDelivery, SendNotice};
use consent_ledger::domain::refusal::Refusal;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::services::VaultHead;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{CpniClasses, Medium, RecipientKind, Speaker};

use crate::rules::books::fcc;
use crate::rules::company::{ASKING, asking_plan};
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
                opt_out_since: Time(0),
                pic_request_used: false,
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

/// Opt-out notices, under the FCC baseline (F5 to F7).
impl House {
    /// A customer of a company by the FCC baseline, with a communications affiliate and templates for post and e-mail.
    pub fn by_fcc(categories: &[&str]) -> Self {
        let mut house = Self::holding(fcc(), categories);
        house.told(&CompanyCommand::Entities(EntityCommand::Join(
            EntityJoined {
                entity: EntityId::parse("acme").unwrap(),
                kind: RecipientKind::Affiliate,
                communications_related: true,
            },
        )));
        for (version, form) in [("post", Medium::Written), ("e-mail", Medium::Electronic)] {
            house.told(&CompanyCommand::Templates(TemplateCommand::Approve(
                ApproveTemplate {
                    version: EntityId::parse(version).unwrap(),
                    form,
                    language: "en".to_owned(),
                    text_digest: Sha256Digest([6; 32]),
                    covers: Scope::everything(),
                    statements: Statements::ALL,
                    opt_out_days: Some(30),
                },
            )));
        }
        house.campaigns(ASKING, Outbound::ApprovalRequest);
        house.record(&Command::Notices(NoticeCommand::AgreeToEmail(
            EmailAgreed {
                medium: Medium::Electronic,
                speaker: Speaker::AccountHolder,
                evidence_digest: Sha256Digest([2; 32]),
            },
        )));
        house
    }

    /// A campaign that does that, proposed by the clerk and approved by another person.
    pub fn campaigns(&mut self, id: &str, does: Outbound) {
        self.campaigns_by(id, does, CpniClasses::NONE);
    }

    /// One that selects customers by such CPNI.
    pub fn campaigns_by(&mut self, id: &str, does: Outbound, selected_by: CpniClasses) {
        let campaign = ItemId::parse(id).unwrap();
        let mut plan = asking_plan(self.history.ledger.now);
        plan.does = Outbounds::of(does);
        plan.selected_by = selected_by;
        self.told(&CompanyCommand::Campaigns(CampaignCommand::Propose {
            campaign: campaign.clone(),
            plan,
        }));
        let decide = CompanyCommand::Campaigns(CampaignCommand::Decide {
            campaign,
            approve: true,
            reason: None,
        });
        self.told_by(Token([8; 16]), &decide).unwrap();
    }

    /// Records something about the customer.
    pub fn record(&mut self, command: &Command) -> Position {
        let recorded = self.history.try_record(command, None);
        recorded.unwrap_or_else(|code| panic!("{code:?}: {command:?}"))[0].position
    }

    /// Sends a notice that asks for opt-out approval.
    pub fn send(&mut self, delivery: Delivery, covers: Scope) -> Position {
        let template = match delivery {
            Delivery::Post => "post",
            _ => "e-mail",
        };
        self.record(&Command::Notices(NoticeCommand::Send(SendNotice {
            template: EntityId::parse(template).unwrap(),
            text_digest: Sha256Digest([6; 32]),
            delivery,
            covers,
            campaign: ItemId::parse(ASKING),
        })))
    }

    /// A notice bounced or came back.
    pub fn fails(&mut self, notice: Position, outcome: Outcome) -> Position {
        let report = ReportDelivery { notice, outcome };
        self.record(&Command::Notices(NoticeCommand::Report(report)))
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
