//! What is forged about callers, contacts and changes to an account; and what neglect leaves open.

use consent_ledger::domain::authentication::AuthenticationCommand;
use consent_ledger::domain::authentication::AuthenticationEvent;
use consent_ledger::domain::authentication::authority::Authority;
use consent_ledger::domain::authentication::change_notices::{NoticeTarget, SendChangeNotice};
use consent_ledger::domain::authentication::credentials::{
    CheckSecret, Compared, CredentialKind, EstablishCredential, SecretPlace, Weighed,
};
use consent_ledger::domain::authentication::of_record::{Associate, Reach, ReachKind};
use consent_ledger::domain::authentication::portions::{Checks, Verdict};
use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::authentication::verification::{
    Caller, Identified, Means, OpenVerification, VerifiedFor,
};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::contacts::{
    Basis, ContactCommand, ContactEvent, ContactPermission, ContactPermissions, NewContact,
};
use consent_ledger::domain::disclosures::{Disclose, Ground};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{Position, Sha256Digest, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::questions::named;
use consent_ledger::domain::vocabulary::{Channel, RecipientKind};

use super::Forged::Said;
use super::{Forgery, changed, erasures, evidence, honest, next, recorded};
use crate::house::House;
use crate::log::{Log, asking, found};
use crate::rules::grounds::some;
use crate::rules::notation::{call, question};

pub const FORGERIES: &[Forgery] = &[
    (
        "told-without-verification",
        "a verification of another call",
        |house| {
            let told = told_on_record(house, "CUSTOMER; BILLING; BILLING");
            Said(changed(told, |made| made.question.call = Some(call("c8"))))
        },
    ),
    (
        "told-without-verification",
        "no verification is cited",
        |house| {
            let told = told_on_record(house, "CUSTOMER; BILLING; BILLING");
            Said(changed(told, |made| cite(&mut made.question, Position(1))))
        },
    ),
    ("told-without-verification", "a contact is told", |house| {
        let told = told_on_record(house, "CUSTOMER; BILLING; BILLING");
        Said(changed(told, |made| {
            made.question.recipient = RecipientKind::AuthorizedContact;
        }))
    }),
    (
        "call-detail-by-unfit-method",
        "a prompted password",
        |house| {
            let told = told_on_record(house, "CUSTOMER; CALL_DETAIL; BILLING");
            set_password(house);
            let prompted = by_password(house, true);
            Said(changed(told, |made| cite(&mut made.question, prompted)))
        },
    ),
    (
        "mailed-to-no-address-of-record",
        "an address of yesterday",
        |house| {
            let young = house.clone();
            associate(house, address(), Authority::StartOfService);
            house.days_pass(31);
            let mailed = mailed(house);
            *house = young;
            associate(house, address(), Authority::StartOfService);
            house.days_pass(1);
            Said(mailed)
        },
    ),
    ("mailed-to-no-address-of-record", "to a contact", |house| {
        associate(house, address(), Authority::StartOfService);
        house.days_pass(31);
        Said(changed(mailed(house), |made| {
            made.question.recipient = RecipientKind::AuthorizedContact;
        }))
    }),
    (
        "administrative-contact-without-letterhead",
        "by a caller",
        |house| {
            contact(
                house,
                ContactCommand::Set {
                    contacts: vec![administrative(1)],
                    basis: letter(),
                },
            );
            let added = next(house.clone(), |house| {
                contact(
                    house,
                    ContactCommand::Add {
                        contact: administrative(2),
                        basis: letter(),
                    },
                );
            });
            let Event::Contacts(ContactEvent::Listed(mut listed)) = added else {
                panic!("not listed");
            };
            listed.basis = Basis::Caller(Authority::StartOfService);
            Said(Event::Contacts(ContactEvent::Listed(listed)))
        },
    ),
    (
        "account-change-told-to-the-new",
        "to the new number",
        |house| {
            let change = number_changed(house);
            let mut sent = next(house.clone(), |house| {
                tell(house, change, number(1));
            });
            if let Event::Authentication(AuthenticationEvent::ChangeNoticeSent(sent)) = &mut sent {
                sent.to = NoticeTarget::OfRecord(number(2));
            }
            Said(sent)
        },
    ),
];

/// What neglect leaves open: the honest records, and the one at fault.
pub type Neglect = (&'static str, fn(&mut House) -> Position);

/// For each duty what leaves it open.
pub const NEGLECTS: &[Neglect] = &[
    ("account-change-told-late", |house| {
        let change = number_changed(house);
        house.days_pass(1);
        tell(house, change, number(1))
    }),
    ("account-change-not-told", |house| {
        let change = number_changed(house);
        house.days_pass(1);
        house.notice("ALL; ALL; ALL");
        change
    }),
    ("evidence-supplied-late", evidence::supplied_late),
    ("evidence-not-supplied", evidence::not_supplied),
    ("account-without-contacts", |house| {
        house.ledger.records.last().unwrap().position
    }),
];

pub(super) const CALL: &str = "c7";

pub(super) fn authentication(house: &mut House, command: AuthenticationCommand) -> Position {
    let recorded = house.try_record(&Command::Authentication(command), None);
    recorded.unwrap()[0].position
}

fn contact(house: &mut House, command: ContactCommand) {
    house.try_record(&Command::Contacts(command), None).unwrap();
}

fn holder(purpose: VerifiedFor) -> Identified {
    Identified {
        caller: Caller::AccountHolder,
        purpose,
        call: call(CALL),
    }
}

/// The holder shows a photo ID.
pub(super) fn verified(house: &mut House, purpose: VerifiedFor) -> Position {
    let opening = OpenVerification {
        identified: holder(purpose),
        means: Means::PhotoId {
            valid: true,
            matches: true,
        },
    };
    authentication(house, AuthenticationCommand::OpenVerification(opening))
}

const PASSED: Checks = Checks {
    form: Verdict::Pass,
    social_security_number: Verdict::Pass,
    mothers_maiden_name: Verdict::NotPerformed,
    telephone_number: Verdict::Pass,
    pet_name: Verdict::NotPerformed,
};

const PLACE: SecretPlace = SecretPlace {
    slot: 1,
    digest: Sha256Digest([5; 32]),
};

fn set_password(house: &mut House) {
    let new = EstablishCredential {
        kind: CredentialKind::Pin,
        authority: Authority::StartOfService,
        weighed: Some(Weighed {
            checks: PASSED,
            place: Some(PLACE),
        }),
    };
    authentication(house, AuthenticationCommand::Establish(new));
}

/// The holder is verified by password.
fn by_password(house: &mut House, prompted: bool) -> Position {
    let check = CheckSecret {
        identified: holder(VerifiedFor::AccountInformation),
        compared: Some(Compared {
            place: PLACE,
            right: true,
        }),
        prompted,
    };
    authentication(house, AuthenticationCommand::Check(check))
}

/// The holder is told on a verification on record.
fn told_on_record(house: &mut House, asked: &str) -> Event {
    let record = verified(house, VerifiedFor::AccountInformation);
    told(
        house,
        asked,
        Telling::OnRecord {
            record,
            cited_by_caller: false,
        },
    )
}

fn mailed(house: &House) -> Event {
    let address = address().value;
    told(
        house,
        "CUSTOMER; BILLING; BILLING",
        Telling::Mailed { address },
    )
}

fn told(house: &House, asked: &str, telling: Telling) -> Event {
    let question = Question {
        call: Some(call(CALL)),
        ground: Some(Ground::Billing {
            invoice: some("run 7"),
            verification: Some(telling),
        }),
        ..question(asked)
    };
    let told = recorded(
        house.clone(),
        &Command::Disclose(Disclose {
            question,
            seal: None,
        }),
    );
    assert!(matches!(told, Event::DisclosureMade(_)), "{told:?}");
    told
}

/// Cites another verification.
fn cite(question: &mut Question, cited: Position) {
    match &mut question.ground {
        Some(Ground::Billing {
            verification: Some(Telling::OnRecord { record, .. }),
            ..
        }) => *record = cited,
        other => panic!("another ground: {other:?}"),
    }
}

fn address() -> Reach {
    Reach {
        kind: ReachKind::PostalAddress,
        value: Token([0xa; 16]),
    }
}

pub(super) fn number(digit: u8) -> Reach {
    Reach {
        kind: ReachKind::TelephoneNumber,
        value: Token([digit; 16]),
    }
}

pub(super) fn associate(house: &mut House, reach: Reach, authority: Authority) -> Position {
    let associate = Associate {
        reach,
        text: None,
        replaces: None,
        authority,
    };
    authentication(house, AuthenticationCommand::Associate(associate))
}

/// Number 1 has been of record for long when number 2 is associated: a notification is due.
fn number_changed(house: &mut House) -> Position {
    associate(house, number(1), Authority::StartOfService);
    house.days_pass(60);
    let record = verified(house, VerifiedFor::AccountChanges);
    let authority = Authority::Verification {
        record,
        call: call(CALL),
    };
    associate(house, number(2), authority)
}

pub(super) fn tell(house: &mut House, change: Position, to: Reach) -> Position {
    let notice = SendChangeNotice {
        change,
        channel: Some(Channel::Text),
        to: NoticeTarget::OfRecord(to),
    };
    authentication(house, AuthenticationCommand::SendChangeNotice(notice))
}

fn administrative(person: u8) -> NewContact {
    NewContact {
        person: Token([person; 16]),
        name: None,
        permissions: ContactPermissions::of(ContactPermission::Administrative),
    }
}

fn letter() -> Basis {
    Basis::Letterhead {
        medium: Channel::Post,
        digest: Sha256Digest([6; 32]),
    }
}

#[test]
fn f19_a_duty_that_is_left_open_or_done_late_is_found_where_it_is_asked_for() {
    for (name, neglect) in NEGLECTS.iter().chain(erasures::NEGLECTS) {
        let mut house = honest();
        let position = neglect(&mut house);
        let log = Log::of_house(&house);
        assert_eq!(found(&log.ask()), [], "{name}: no rule was broken");
        let asked = log.ask_with(&asking([named(name).unwrap()])).unwrap();
        assert_eq!(found(&asked), [(position.0, *name)], "{name}");
    }
}

#[test]
fn f19_a_duty_done_in_time_is_not_found() {
    let mut house = honest();
    contact(&mut house, ContactCommand::Request);
    let change = number_changed(&mut house);
    tell(&mut house, change, number(1));
    let log = Log::of_house(&house);
    let all = consent_ledger::domain::questions::ALL.iter();
    assert_eq!(found(&log.ask_with(&asking(all)).unwrap()), []);
}
