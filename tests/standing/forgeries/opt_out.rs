//! What is forged about opt-out: notices, their clocks, what rests on them.

use consent_ledger::domain::company::campaigns::Outbound;
use consent_ledger::domain::company::register::ItemId;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position};
use consent_ledger::domain::notices::NoticeEvent;
use consent_ledger::domain::notices::send::{Delivery, Outcome};
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Purpose, RecipientKind};

use super::Forged::{Said, SaidToOccur};
use super::{Forgery, approved, changed, made, next};
use crate::house::House;
use crate::rules::books::{def, fcc};
use crate::rules::company::ASKING;

pub const FORGERIES: &[Forgery] = &[
    ("opt-out-after-bounce", "it came back", |house| {
        let (notice, used) = opted_out(house);
        house.fails(notice, Outcome::Returned);
        Said(used)
    }),
    (
        "opt-out-after-bounce",
        "e-mailed again after a bounce",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            let bounced = house.send(Delivery::Email, Scope::everything());
            let mut unaware = house.clone();
            house.fails(bounced, Outcome::Bounced);
            let again = house.send(Delivery::Email, Scope::everything());
            house.days_pass(60);
            unaware.days_pass(60);
            Said(changed(use_opt_out(&unaware), |made| {
                made.relied_on = vec![again]
            }))
        },
    ),
    (
        "opt-out-younger-than-its-period",
        "after 20 days",
        |house| {
            let (_, used) = opted_out(house);
            *house = House::by_fcc(&["LOCAL"]);
            house.send(Delivery::Post, Scope::everything());
            house.days_pass(20);
            Said(used)
        },
    ),
    (
        "opt-out-younger-than-its-period",
        "an older notice ended with the last service",
        |house| {
            let (_, used) = opted_out(house);
            house.switch(&["LOCAL"], &[]);
            house.open("LOCAL");
            let again = house.send(Delivery::Post, Scope::everything());
            house.days_pass(10);
            Said(changed(used, |made| made.relied_on = vec![again]))
        },
    ),
    (
        "opt-out-younger-than-its-period",
        "an older e-mail was barred by a bounce",
        |house| {
            let (_, used) = opted_out(house);
            *house = House::by_fcc(&["LOCAL"]);
            let bounced = house.send(Delivery::Email, Scope::everything());
            house.fails(bounced, Outcome::Bounced);
            house.send(Delivery::Email, Scope::everything());
            house.days_pass(60);
            let posted = house.send(Delivery::Post, Scope::everything());
            house.days_pass(10);
            Said(changed(used, |made| made.relied_on = vec![posted]))
        },
    ),
    (
        "opt-out-younger-than-its-period",
        "an older notice was sent while opt-out was not enabled",
        |house| {
            let (_, used) = opted_out(house);
            *house = House::by_fcc(&["LOCAL"]);
            house.ledger.book = def();
            house.send(Delivery::Post, Scope::everything());
            house.ledger.book = fcc();
            house.days_pass(60);
            let again = house.send(Delivery::Post, Scope::everything());
            house.days_pass(10);
            Said(changed(used, |made| made.relied_on = vec![again]))
        },
    ),
    (
        "opt-out-refresh-overdue",
        "after two years and a day",
        |house| {
            let (_, used) = opted_out(house);
            house.days_pass(700);
            Said(used)
        },
    ),
    ("opt-out-beyond-its-reach", "a third party", |house| {
        let (_, used) = opted_out(house);
        Said(changed(used, |made| {
            made.question.recipient = RecipientKind::ThirdParty;
            made.question.entity = EntityId::parse("beta");
        }))
    }),
    ("opt-out-beyond-its-reach", "another purpose", |house| {
        let (_, used) = opted_out(house);
        Said(changed(used, |made| {
            made.question.purpose = Purpose::OtherApproved
        }))
    }),
    ("opt-out-period-too-short", "20 days", |house| {
        let mut notice = sent(house);
        if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
            sent.opt_out.as_mut().unwrap().days = 20;
        }
        Said(notice)
    }),
    ("opt-out-period-too-short", "it matures at once", |house| {
        let mut notice = sent(house);
        if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
            sent.opt_out.as_mut().unwrap().matures_at = house.ledger.now;
        }
        Said(notice)
    }),
    ("opt-out-notice-unfit", "by voice", |house| {
        let mut notice = sent(house);
        if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
            sent.delivery = Delivery::Oral;
        }
        Said(notice)
    }),
    (
        "opt-out-notice-unfit",
        "by e-mail without consent",
        |house| {
            let mut notice = sent(house);
            if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
                sent.email_consent = None;
            }
            Said(notice)
        },
    ),
    ("notice-of-unapproved-campaign", "it names none", |house| {
        Said(by_campaign(sent(house), None))
    }),
    (
        "notice-of-unapproved-campaign",
        "one that draws a list",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            house.campaigns("spring", Outbound::List);
            let notice = next(house.clone(), |house| {
                house.send(Delivery::Post, Scope::everything());
            });
            Said(by_campaign(notice, Some("spring")))
        },
    ),
    (
        "notice-of-unapproved-campaign",
        "it was sent before the approval",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            let notice = next(house.clone(), |house| {
                house.send(Delivery::Post, Scope::everything());
            });
            let campaigns = &house.ledger.company.campaigns;
            let asking = campaigns.get(&ItemId::parse(ASKING).unwrap()).unwrap();
            let before = Time(asking.approved_since.unwrap().0 - 1);
            SaidToOccur(notice, before)
        },
    ),
    ("approval-not-live", "the customer opted out", |house| {
        let (_, used) = opted_out(house);
        house.says("d(COMPANY; *; *)");
        Said(used)
    }),
    (
        "approval-not-live",
        "the opt-out ended with the last service",
        |house| {
            let (_, used) = opted_out(house);
            house.switch(&["LOCAL"], &[]);
            house.open("LOCAL");
            Said(used)
        },
    ),
];

/// A customer by the FCC baseline whom a mailed notice approved for, and a disclosure that rests on it.
fn opted_out(house: &mut House) -> (Position, Event) {
    *house = House::by_fcc(&["LOCAL"]);
    let notice = house.send(Delivery::Post, Scope::everything());
    house.days_pass(60);
    (notice, use_opt_out(house))
}

/// A disclosure that rests on opt-out.
fn use_opt_out(house: &House) -> Event {
    let used = approved(house, "COMPANY; BILLING; M→VOIP");
    assert!(!made(&used).relied_on.is_empty());
    used
}

/// An opt-out notice as it would be e-mailed.
pub fn sent(house: &mut House) -> Event {
    *house = House::by_fcc(&["LOCAL"]);
    next(house.clone(), |house| {
        house.send(Delivery::Email, Scope::everything());
    })
}

pub fn by_campaign(mut notice: Event, campaign: Option<&str>) -> Event {
    if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
        sent.campaign = campaign.map(|id| ItemId::parse(id).unwrap());
    }
    notice
}
