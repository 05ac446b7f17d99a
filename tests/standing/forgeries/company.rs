//! What is forged about the company: its policy, campaigns, breaches.

use consent_ledger::domain::company::breaches::{
    AgencyNotified, BreachCommand, BreachEvent, BreachSuspected, CustomersNotified, Findings,
};
use consent_ledger::domain::company::campaigns::{
    CampaignCommand, CampaignDecided, CampaignEvent, CampaignTurned, ListDrawn, Outbounds, Plan,
    RequestsSent,
};
use consent_ledger::domain::company::policies::{PolicyEvent, PolicyPublished, Posting};
use consent_ledger::domain::company::register::{Document, ItemId, OwnWords, Reference};
use consent_ledger::domain::company::{CompanyCommand, CompanyEvent};
use consent_ledger::domain::ids::{Sha256Digest, Token};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};

use super::Forged::{OfCompany, OfCompanyBy};
use super::Forgery;
use crate::house::{CLERK, House};

/// Who approves what the clerk proposed.
const SUPERVISOR: Token = Token([10; 16]);

pub const FORGERIES: &[Forgery] = &[
    (
        "policy-in-force-before-posted",
        "it was posted a day later",
        |house| {
            let now = house.ledger.now;
            let published = PolicyPublished {
                version: "2026-03-01".to_owned(),
                text_digest: Sha256Digest([4; 32]),
                effective_at: now.minus_hours(24),
                posting: Posting {
                    place: "https://www.example.com/cpni".to_owned(),
                    posted_at: now,
                    capture_digest: None,
                },
            };
            OfCompany(CompanyEvent::Policies(PolicyEvent::Published(published)))
        },
    ),
    ("campaign-self-approved", "by its proposer", |house| {
        proposed(house);
        OfCompanyBy(CLERK, approved(CLERK))
    }),
    (
        "campaign-self-approved",
        "in a supervisor's name",
        |house| {
            proposed(house);
            OfCompanyBy(CLERK, approved(SUPERVISOR))
        },
    ),
    (
        "list-of-unapproved-campaign",
        "nobody approved it",
        |house| {
            proposed(house);
            OfCompany(drawn(house.ledger.now, 1))
        },
    ),
    (
        "list-of-unapproved-campaign",
        "requests for approval are sent",
        |house| {
            proposed(house);
            OfCompany(CompanyEvent::Campaigns(CampaignEvent::RequestsSent(
                RequestsSent {
                    campaign: item("spring"),
                    customers: 9,
                    text_digest: Sha256Digest([5; 32]),
                },
            )))
        },
    ),
    ("list-of-unapproved-campaign", "it is closed", |house| {
        proposed_and_approved(house);
        let closing = CampaignTurned {
            campaign: item("spring"),
            reason: None,
        };
        house.told(&CompanyCommand::Campaigns(CampaignCommand::Close(closing)));
        OfCompany(drawn(house.ledger.now, 1))
    }),
    ("list-kept-too-long", "for a week", |house| {
        proposed_and_approved(house);
        OfCompany(drawn(house.ledger.now, 7 * 24))
    }),
    (
        "breach-customers-told-too-early",
        "before law enforcement",
        |house| {
            breached(house);
            OfCompany(customers_told())
        },
    ),
    ("breach-customers-told-too-early", "the next day", |house| {
        breached(house);
        let notified = AgencyNotified {
            breach: item("b-1"),
            notice: document(),
        };
        let command = BreachCommand::NotifyLawEnforcement(notified);
        house.told(&CompanyCommand::Breaches(command));
        house.days_pass(1);
        OfCompany(customers_told())
    }),
];

fn item(id: &str) -> ItemId {
    ItemId::parse(id).unwrap()
}

fn words(text: &str) -> OwnWords {
    OwnWords::parse(text).unwrap()
}

fn document() -> Document {
    Document {
        digest: Sha256Digest([8; 32]),
        reference: Reference::parse("facility 77").unwrap(),
    }
}

/// The clerk proposes a campaign.
fn proposed(house: &mut House) {
    let now = house.ledger.now;
    let plan = Plan {
        description: words("mobile service for those who hold local service"),
        does: Outbounds::ALL,
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::NONE,
        recipient: RecipientKind::Company,
        entity: None,
        target_categories: Vec::new(),
        products: vec![item("mobile-20")],
        starts_at: now,
        ends_at: now.plus_hours(60 * 24),
    };
    house.told(&CompanyCommand::Campaigns(CampaignCommand::Propose {
        campaign: item("spring"),
        plan: Box::new(plan),
    }));
}

fn proposed_and_approved(house: &mut House) {
    proposed(house);
    let approval = CampaignCommand::Decide {
        campaign: item("spring"),
        approve: true,
        reason: None,
    };
    house
        .told_by(SUPERVISOR, &CompanyCommand::Campaigns(approval))
        .unwrap();
}

fn approved(supervisor: Token) -> CompanyEvent {
    CompanyEvent::Campaigns(CampaignEvent::Approved(CampaignDecided {
        campaign: item("spring"),
        supervisor,
        reason: None,
    }))
}

fn drawn(drawn_at: Time, hours: u32) -> CompanyEvent {
    CompanyEvent::Campaigns(CampaignEvent::ListDrawn(ListDrawn {
        campaign: item("spring"),
        drawn_at,
        asked: 3,
        allowed: 3,
        refused: Vec::new(),
        digest: Sha256Digest([1; 32]),
        expires_at: drawn_at.plus_hours(hours),
    }))
}

/// A breach that was determined.
fn breached(house: &mut House) {
    let suspected = BreachSuspected {
        breach: item("b-1"),
        description: words("a list was found outside"),
        classes: CpniClasses::of(CpniClass::Billing),
    };
    house.told(&CompanyCommand::Breaches(BreachCommand::Suspect(suspected)));
    house.told(&CompanyCommand::Breaches(BreachCommand::Determine {
        found: Findings {
            breach: item("b-1"),
            classes: CpniClasses::of(CpniClass::Billing),
            customers: 4,
            intentional: true,
            harmless: false,
            circumstances: words("an employee sold it"),
        },
        determined_at: None,
    }));
}

fn customers_told() -> CompanyEvent {
    CompanyEvent::Breaches(BreachEvent::CustomersNotified(CustomersNotified {
        breach: item("b-1"),
        customers: 4,
        complete: true,
        notice: document(),
    }))
}
