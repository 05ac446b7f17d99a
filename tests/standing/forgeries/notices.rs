//! What is forged about notices: what they say, and to whom they went.

use consent_ledger::domain::company::campaigns::Outbound;
use consent_ledger::domain::company::templates::{Statement, Statements};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest, Token};
use consent_ledger::domain::notices::send::{Delivery, NoticeSent};
use consent_ledger::domain::notices::{NoticeEvent, NoticeGiven, Shown};
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::vocabulary::{CpniClass, CpniClasses, Medium};

use super::Forged::Said;
use super::opt_out::{by_campaign, sent};
use super::{Forgery, next, noticed, once, said, with_statement};
use crate::house::House;
use crate::rules::notation::call;

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
        "grant-without-notice",
        "a standing one on a notice for one call",
        |house| {
            let grant = said(house, |_| {});
            let notice = for_one_call(house);
            Said(with_statement(grant, |said| said.notice = Some(notice)))
        },
    ),
    (
        "notice-without-required-statements",
        "one for one call, and the call is not named",
        |house| Said(giving(house, |given| shorten(given, None))),
    ),
    (
        "grant-without-notice",
        "a one-time one in another call than the notice's",
        |house| {
            let notice = given_in(house, "c8");
            let grant = once(house, |_| {});
            Said(with_statement(grant, |said| said.notice = Some(notice)))
        },
    ),
    (
        "grant-without-notice",
        "a second one-time one on a notice for one use",
        |house| {
            let grant = once(house, |_| {});
            let notice = for_one_call(house);
            let grant = with_statement(grant, |said| said.notice = Some(notice));
            house.ledger.now = house.ledger.now.plus_minutes(1);
            house.ledger.take_as_it_is(grant);
            let again = once(house, |_| {});
            Said(with_statement(again, |said| said.notice = Some(notice)))
        },
    ),
    (
        "grant-without-notice",
        "a one-time one, the call of whose notice was over",
        |house| {
            let notice = for_one_call(house);
            house.days_pass(1);
            let grant = once(house, |_| {});
            Said(with_statement(grant, |said| said.notice = Some(notice)))
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

/// A notice of this instant that leaves out what an approval for its call may do without.
/// The record of a notice for call c7 alone.
fn for_one_call(house: &mut House) -> Position {
    given_in(house, "c7")
}

fn given_in(house: &mut House, in_call: &str) -> Position {
    let notice = giving(house, |given| shorten(given, Some(call(in_call))));
    house.ledger.take_as_it_is(notice).position
}

fn shorten(given: &mut NoticeGiven, call: Option<Token>) {
    let all = Statements::ALL.without(Statement::Entities);
    given.notice.form = Medium::Oral;
    given.shown = Some(Shown::Statements(all));
    given.call = call;
}

fn giving(house: &House, change: impl FnOnce(&mut NoticeGiven)) -> Event {
    let mut notice = noticed(house);
    if let Event::NoticeGiven(given) = &mut notice {
        change(given);
    }
    notice
}
