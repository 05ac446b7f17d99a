//! What is done in the company's office, in any order: campaigns, breaches, complaints, training.

use consent_ledger::domain::company::CompanyCommand;
use consent_ledger::domain::company::breaches::{
    AgencyNotified, AgencySaid, BreachCommand, BreachSuspected, CustomersNotified, Findings,
    NoticesHeld,
};
use consent_ledger::domain::company::campaigns::{
    CampaignCommand, CampaignTurned, DrawnList, Outbounds, Plan, RequestsSent,
};
use consent_ledger::domain::company::complaints::{
    ComplaintCategory, ComplaintCommand, ComplaintResolved,
};
use consent_ledger::domain::company::register::{Document, ItemId, OwnWords, Reference};
use consent_ledger::domain::company::training::{AccessGiven, AccessTaken, TrainingCommand};
use consent_ledger::domain::ids::{EntityId, Sha256Digest, Token};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};
use proptest::prelude::*;
use proptest::sample::select;

/// Who takes commands in the office.
const PEOPLE: [Token; 2] = [Token([9; 16]), Token([10; 16])];

/// One command, by one of two people.
#[derive(Clone, Copy, Debug)]
pub struct Office {
    act: Act,
    by: Token,
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Propose,
    Decide(bool),
    Start,
    Close,
    /// A list, drawn so many hours ago, whose answers hold for so many hours.
    Draw(u32, Option<u32>),
    SendRequests,
    Suspect,
    Determine,
    NotifyLawEnforcement,
    NotifyCommission,
    /// For so many days.
    Hold(u32),
    Release,
    AgreeUrgency,
    NotifyCustomers(bool),
    Complaint,
    Resolve,
    GiveAccess,
    TakeAccess,
    Train,
}

/// Anything that may be done.
pub fn office() -> impl Strategy<Value = Office> {
    let act = prop_oneof![
        3 => Just(Act::Propose),
        3 => prop::bool::weighted(0.8).prop_map(Act::Decide),
        1 => Just(Act::Start),
        1 => Just(Act::Close),
        4 => (select(vec![0_u32, 1, 30]), select(vec![None, Some(1), Some(40)]))
            .prop_map(|(ago, hours)| Act::Draw(ago, hours)),
        2 => Just(Act::SendRequests),
        4 => Just(Act::Suspect),
        4 => Just(Act::Determine),
        4 => Just(Act::NotifyLawEnforcement),
        1 => Just(Act::NotifyCommission),
        1 => select(vec![5_u32, 29]).prop_map(Act::Hold),
        1 => Just(Act::Release),
        1 => Just(Act::AgreeUrgency),
        6 => any::<bool>().prop_map(Act::NotifyCustomers),
        1 => Just(Act::Complaint),
        1 => Just(Act::Resolve),
        1 => Just(Act::GiveAccess),
        1 => Just(Act::TakeAccess),
        1 => Just(Act::Train),
    ];
    (act, select(PEOPLE.to_vec())).prop_map(|(act, by)| Office { act, by })
}

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

impl Office {
    /// Who does it.
    pub fn by(self) -> Token {
        self.by
    }

    /// What is asked of the ledger.
    pub fn command(self, now: Time) -> CompanyCommand {
        match self.act {
            Act::Propose
            | Act::Decide(_)
            | Act::Start
            | Act::Close
            | Act::Draw(..)
            | Act::SendRequests => CompanyCommand::Campaigns(self.act.of_campaign(now)),
            Act::Complaint => CompanyCommand::Complaints(ComplaintCommand::Receive {
                complaint: item("c-1"),
                category: ComplaintCategory::EmployeeAccess,
                received_at: None,
            }),
            Act::Resolve => {
                CompanyCommand::Complaints(ComplaintCommand::Resolve(ComplaintResolved {
                    complaint: item("c-1"),
                    substantiated: false,
                    outcome: words("nobody had looked"),
                }))
            }
            Act::GiveAccess | Act::TakeAccess | Act::Train => {
                CompanyCommand::Training(self.act.of_training())
            }
            _ => CompanyCommand::Breaches(self.act.of_breach(now)),
        }
    }
}

impl Act {
    fn of_campaign(self, now: Time) -> CampaignCommand {
        let campaign = item("spring");
        let turned = || CampaignTurned {
            campaign: item("spring"),
            reason: None,
        };
        match self {
            Self::Propose => CampaignCommand::Propose {
                campaign,
                plan: Box::new(plan(now)),
            },
            Self::Decide(approve) => CampaignCommand::Decide {
                campaign,
                approve,
                reason: (!approve).then(|| words("not now")),
            },
            Self::Start => CampaignCommand::Start(turned()),
            Self::Draw(ago, hours) => CampaignCommand::Draw(DrawnList {
                campaign,
                drawn_at: now.minus_hours(ago),
                asked: 3,
                allowed: 3,
                refused: Vec::new(),
                digest: Sha256Digest([1; 32]),
                valid_until: hours.map(|hours| now.plus_hours(hours)),
            }),
            Self::SendRequests => CampaignCommand::SendRequests(RequestsSent {
                campaign,
                customers: 9,
                text_digest: Sha256Digest([5; 32]),
            }),
            _ => CampaignCommand::Close(turned()),
        }
    }

    fn of_training(self) -> TrainingCommand {
        let person = Token([11; 16]);
        match self {
            Self::GiveAccess => TrainingCommand::GiveAccess(AccessGiven {
                person,
                role: item("agent"),
            }),
            Self::TakeAccess => TrainingCommand::TakeAccess(AccessTaken { person }),
            _ => TrainingCommand::Train {
                person,
                course: item("cpni-2026"),
                completed_at: None,
            },
        }
    }

    fn of_breach(self, now: Time) -> BreachCommand {
        let breach = item("b-1");
        let notified = || AgencyNotified {
            breach: item("b-1"),
            notice: document(),
        };
        let said = || AgencySaid {
            breach: item("b-1"),
            agency: EntityId::parse("fbi").unwrap(),
            writing: document(),
        };
        match self {
            Self::Suspect => BreachCommand::Suspect(BreachSuspected {
                breach,
                description: words("a list was found outside"),
                classes: CpniClasses::of(CpniClass::Billing),
            }),
            Self::Determine => BreachCommand::Determine {
                found: Findings {
                    breach,
                    classes: CpniClasses::of(CpniClass::Billing),
                    customers: 4,
                    intentional: true,
                    harmless: false,
                    circumstances: words("an employee sold it"),
                },
                determined_at: None,
            },
            Self::NotifyLawEnforcement => BreachCommand::NotifyLawEnforcement(notified()),
            Self::NotifyCommission => BreachCommand::NotifyCommission(notified()),
            Self::Hold(days) => BreachCommand::Hold(NoticesHeld {
                breach,
                agency: EntityId::parse("fbi").unwrap(),
                writing: document(),
                until: now.plus_hours(24 * days),
            }),
            Self::Release => BreachCommand::Release(said()),
            Self::AgreeUrgency => BreachCommand::AgreeUrgency(said()),
            Self::NotifyCustomers(complete) => BreachCommand::NotifyCustomers(CustomersNotified {
                breach,
                customers: 2,
                complete,
                notice: document(),
            }),
            _ => BreachCommand::Suspect(BreachSuspected {
                breach: item("b-2"),
                description: words("a letter came back open"),
                classes: CpniClasses::of(CpniClass::Type),
            }),
        }
    }
}

fn plan(now: Time) -> Plan {
    Plan {
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
    }
}
