//! What is forged about notices: what they say, and to whom they went.

use consent_ledger::domain::company::campaigns::Outbound;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest};
use consent_ledger::domain::notices::send::{Delivery, NoticeSent};
use consent_ledger::domain::notices::{NoticeEvent, NoticeGiven, Shown};
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::vocabulary::{CpniClass, CpniClasses};

use super::Forged::Said;
use super::opt_out::{by_campaign, sent};
use super::{Forgery, next, noticed};
use crate::house::House;

pub const FORGERIES: &[Forgery] = &[
    (
        "notice-without-approved-template",
        "a template that nobody approved",
        |house| {
            Said(sending(house, |sent| {
                sent.template = EntityId::parse("flyer").unwrap()
            }))
        },
    ),
    (
        "notice-without-approved-template",
        "another text",
        |house| {
            Said(sending(house, |sent| {
                sent.text_digest = Sha256Digest([0; 32])
            }))
        },
    ),
    (
        "notice-without-approved-template",
        "another record approved it",
        |house| Said(sending(house, |sent| sent.approved = Position(1))),
    ),
    (
        "notice-without-approved-template",
        "a template for another form",
        |house| {
            Said(sending(house, |sent| {
                sent.delivery = Delivery::Post;
                sent.email_consent = None;
            }))
        },
    ),
    (
        "notice-without-approved-template",
        "given by a template that is none",
        |house| {
            Said(giving(house, |given| {
                given.shown = Some(Shown::Template(Position(1)))
            }))
        },
    ),
    (
        "notice-without-required-statements",
        "one is left out",
        |house| {
            Said(giving(house, |given| {
                let Some(Shown::Statements(all)) = given.shown else {
                    panic!("honest notices list their statements");
                };
                given.shown = Some(Shown::Statements(all.members().skip(1).collect()));
            }))
        },
    ),
    (
        "notice-to-selected-against-word",
        "the customer had denied it",
        |house| {
            *house = House::by_fcc(&["LOCAL"]);
            let amount = CpniClasses::of(CpniClass::AmountOfUse);
            house.campaigns_by("spring", Outbound::ApprovalRequest, amount);
            let notice = next(house.clone(), |house| {
                house.send(Delivery::Post, Scope::everything());
            });
            house.says("d(COMPANY; *; *)");
            Said(by_campaign(notice, Some("spring")))
        },
    ),
];

fn sending(house: &mut House, change: impl FnOnce(&mut NoticeSent)) -> Event {
    let mut notice = sent(house);
    if let Event::Notices(NoticeEvent::Sent(sent)) = &mut notice {
        change(sent);
    }
    notice
}

fn giving(house: &House, change: impl FnOnce(&mut NoticeGiven)) -> Event {
    let mut notice = noticed(house);
    if let Event::NoticeGiven(given) = &mut notice {
        change(given);
    }
    notice
}
