//! Given / when / then for the company's registers: what an office tells the ledger, command by command.

use super::campaigns::{
    CampaignDecided, CampaignEvent, CampaignProposed, Outbound, Outbounds, Plan,
};
use super::register::{Document, ItemId, OwnWords, Reference};
use super::{Company, CompanyCommand, CompanyEvent, decide};
use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Sha256Digest, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::Rulebook;
use crate::domain::services::VaultHead;
use crate::domain::testing::{START, category, policy, utc};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};

/// A company and who speaks for it; each command is a minute after the last, at the next positions from 1.
pub struct Office {
    pub rulebook: Rulebook,
    pub company: Company,
    pub now: Time,
    pub next: u64,
    /// Who takes the commands.
    pub person: Option<Token>,
}

impl Office {
    /// On 2026-05-04, a Monday, with somebody at the desk.
    pub fn new() -> Self {
        Self::with(policy())
    }

    pub fn with(rulebook: Rulebook) -> Self {
        Self {
            rulebook,
            company: Company::default(),
            now: washington("2026-05-04T09:00"),
            next: 1,
            person: Some(somebody(1)),
        }
    }

    /// Goes on at that hour in Washington.
    pub fn at(&mut self, local: &str) -> &mut Self {
        self.now = washington(local);
        self
    }

    /// Another person speaks from now on.
    pub fn by(&mut self, number: u8) -> &mut Self {
        self.person = Some(somebody(number));
        self
    }

    pub fn attempt(&mut self, command: &CompanyCommand) -> Result<Vec<CompanyEvent>, Refusal> {
        self.now = self.now.plus_minutes(1);
        let context = Context {
            now: self.now,
            occurred_at: None,
            position: Position(self.next),
            rulebook: &self.rulebook,
            opt_out_since: Time(0),
            pic_request_used: false,
            company: &self.company,
            person: self.person,
            vault: VaultHead::default(),
        };
        let events = decide(command, &context)?;
        let command = context.position;
        for event in &events {
            self.company.follow(&Placed {
                position: Position(self.next),
                command,
                recorded_at: self.now,
                occurred_at: None,
                event,
            });
            self.next += 1;
        }
        // The state is kept as bytes, too.
        let bytes = postcard::to_stdvec(&self.company).unwrap();
        assert_eq!(
            postcard::from_bytes::<Company>(&bytes).unwrap(),
            self.company
        );
        Ok(events)
    }

    /// Does it, and gives back its one event.
    pub fn act(&mut self, command: CompanyCommand) -> CompanyEvent {
        self.attempt(&command).unwrap().remove(0)
    }

    pub fn refused(&mut self, command: CompanyCommand) -> RefusalCode {
        let before = self.company.clone();
        let refusal = self.attempt(&command).unwrap_err();
        assert_eq!(self.company, before);
        assert!(!refusal.message.is_empty());
        refusal.code
    }
}

/// An hour in Washington, `2026-06-01T16:00`.
pub fn washington(local: &str) -> Time {
    let zone = jiff::tz::TimeZone::get(crate::domain::calendar::FEDERAL_ZONE).unwrap();
    let local: jiff::civil::DateTime = local.parse().unwrap();
    Time(local.to_zoned(zone).unwrap().timestamp().as_microsecond())
}

pub fn item(id: &str) -> ItemId {
    ItemId::parse(id).unwrap()
}

pub fn words(text: &str) -> OwnWords {
    OwnWords::parse(text).unwrap()
}

pub fn document(reference: &str) -> Document {
    Document {
        digest: Sha256Digest([5; 32]),
        reference: Reference::parse(reference).unwrap(),
    }
}

pub fn somebody(number: u8) -> Token {
    Token([number; 16])
}

/// The campaign by which notices are sent.
pub const ASKING: &str = "asking";

/// An approved campaign that asks for approval, from the beginning and for long; changed.
pub fn campaigning(company: &mut Company, id: &str, change: impl FnOnce(&mut Plan)) {
    let campaign = item(id);
    if company.campaigns.get(&campaign).is_some() {
        return;
    }
    let mut plan = Plan {
        description: words("Ask for approval"),
        does: Outbounds::of(Outbound::ApprovalRequest),
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::NONE,
        recipient: RecipientKind::Company,
        entity: None,
        target_categories: vec![category("cmrs")],
        products: vec![item("mobile")],
        starts_at: START,
        ends_at: utc("2199-01-01T00:00:00Z"),
    };
    change(&mut plan);
    let proposed = CampaignEvent::Proposed(CampaignProposed {
        campaign: campaign.clone(),
        plan: Box::new(plan),
        proposer: somebody(9),
    });
    let approved = CampaignEvent::Approved(CampaignDecided {
        campaign,
        supervisor: somebody(8),
        reason: None,
    });
    for event in [proposed, approved] {
        company.follow(&Placed {
            position: Position(0),
            command: Position(0),
            recorded_at: START,
            occurred_at: None,
            event: &CompanyEvent::Campaigns(event),
        });
    }
}
