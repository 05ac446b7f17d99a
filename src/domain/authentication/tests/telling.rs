//! When the customer or a contact may be told (P9, P11, F14, R19, R22; V48).

use super::*;
use crate::domain::authentication::telling::Telling;
use crate::domain::consent::word::{Assurance, EndCall};
use crate::domain::disclosures::Ground;
use crate::domain::question::Question;
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::CpniClass::{Billing, CallDetail, Type};
use crate::domain::vocabulary::RecipientKind::{self, AuthorizedContact, Customer};
use crate::domain::vocabulary::{AssuranceMethod, CpniClass, Purpose};

const INFO: VerifiedFor = VerifiedFor::AccountInformation;

fn bill(telling: Telling, recipient: RecipientKind, classes: &[CpniClass]) -> Question {
    let ground = Ground::Billing {
        invoice: told("I-1"),
        verification: Some(telling),
    };
    Question {
        call: Some(CALL),
        ..on_ground(ground, Purpose::Billing, recipient, None, classes)
    }
}

fn cited(record: u64) -> Telling {
    Telling::OnRecord {
        record: Position(record),
        cited_by_caller: false,
    }
}

/// Why not; nothing: the recipient may be told. The same for the check and for the record.
fn facts(story: &mut Story, question: Question) -> Vec<String> {
    let ruling = story.ask(&question);
    let made = matches!(story.disclose(question), Event::DisclosureMade(_));
    assert_eq!(made, ruling.allowed);
    (ruling.reasons.iter())
        .filter(|reason| reason.code == ReasonCode::VerificationRequired)
        .filter_map(|reason| reason.fact.as_deref().map(str::to_owned))
        .collect()
}

#[test]
fn v48_a_verification_of_31_minutes_ago_opens_nothing_and_the_refusal_is_recorded() {
    let mut story = with_pin();
    let record = story.ask_for(by_pin(INFO, 1, true));
    let question = bill(cited(record), Customer, &[Billing]);
    assert!(story.ask(&question).allowed);
    assert_eq!(
        story.ask(&question).valid_until,
        Some(story.now.plus_minutes(30))
    );
    story.minutes(30);
    let Event::DisclosureRefused(refused) = story.disclose(question) else {
        panic!("31 minutes later");
    };
    assert_eq!(refused.reasons, [ReasonCode::VerificationRequired]);
}

#[test]
fn r19_a_disclosure_cites_the_verification_of_its_own_call_purpose_and_caller() {
    let mut story = with_pin();
    let record = story.ask_for(by_pin(INFO, 1, true));
    assert_eq!(
        facts(&mut story, bill(cited(record), Customer, &[Billing])),
        [""; 0]
    );
    let missing = ["verification"];
    let elsewhere = Question {
        call: Some(Token([0xcb; 16])),
        ..bill(cited(record), Customer, &[Billing])
    };
    assert_eq!(facts(&mut story, elsewhere), missing);
    let nowhere = Question {
        call: None,
        ..bill(cited(record), Customer, &[Billing])
    };
    assert_eq!(facts(&mut story, nowhere), missing);
    let another = bill(cited(record), AuthorizedContact, &[Billing]);
    assert_eq!(
        facts(&mut story, another),
        missing,
        "the holder was verified"
    );
    let support = Ground::Service {
        ticket: told("T-1"),
        open: true,
        verification: Some(cited(record)),
    };
    let support = Question {
        call: Some(CALL),
        ..on_ground(support, Purpose::Service, Customer, None, &[Type])
    };
    assert_eq!(
        facts(&mut story, support),
        missing,
        "for account information"
    );
    assert_eq!(
        facts(&mut story, bill(cited(1), Customer, &[Billing])),
        missing
    );
    story.act(Command::EndCall(EndCall { call: CALL }));
    assert_eq!(
        facts(&mut story, bill(cited(record), Customer, &[Billing])),
        missing
    );
}

#[test]
fn f14_call_detail_takes_a_password_that_nothing_prompted_or_a_call_back() {
    let mut story = with_pin();
    let detail = |record| bill(cited(record), Customer, &[CallDetail]);
    let free = story.ask_for(by_pin(INFO, 1, true));
    assert_eq!(facts(&mut story, detail(free)), [""; 0]);
    let prompted = story.ask_for(Asked::Check(CheckSecret {
        identified: identified(INFO),
        compared: compared(1, true),
        prompted: true,
    }));
    assert_eq!(
        facts(&mut story, detail(prompted)),
        ["verification.call_detail"]
    );
    let bills = bill(cited(prompted), Customer, &[Billing]);
    assert_eq!(facts(&mut story, bills), [""; 0], "no call detail");
    let named = Telling::OnRecord {
        record: Position(prompted),
        cited_by_caller: true,
    };
    assert_eq!(
        facts(&mut story, bill(named, Customer, &[CallDetail])),
        [""; 0]
    );
    let Authority::Verification { record, .. } = story.call_back(INFO) else {
        panic!("a verification");
    };
    assert_eq!(facts(&mut story, detail(record.0)), [""; 0]);
}

#[test]
fn f14_a_stated_password_opens_no_call_detail_for_nobody_says_that_nothing_prompted_it() {
    let mut story = Story::begun();
    let mut stated = |method, classes: &[CpniClass]| {
        let assurance = Assurance {
            method,
            reference: None,
            at: story.now,
        };
        let question = bill(Telling::Stated(assurance), Customer, classes);
        facts(&mut story, question)
    };
    let detail = [Billing, CallDetail];
    let prompted = ["verification.call_detail"];
    assert_eq!(stated(AssuranceMethod::Password, &detail), prompted);
    assert_eq!(stated(AssuranceMethod::Password, &[Billing]), [""; 0]);
    assert_eq!(stated(AssuranceMethod::CallBack, &detail), [""; 0]);
    assert_eq!(stated(AssuranceMethod::PhotoId, &detail), [""; 0]);
}

#[test]
fn f14_mail_to_an_address_of_record_tells_call_detail_and_no_lock_stops_it() {
    let mut story = with_pin();
    let mailed = |address| bill(Telling::Mailed { address }, Customer, &[CallDetail]);
    assert_eq!(facts(&mut story, mailed(ADDRESS)), [""; 0]);
    assert_eq!(facts(&mut story, mailed(NUMBER)), ["verification"]);
    let contact = bill(
        Telling::Mailed { address: ADDRESS },
        AuthorizedContact,
        &[Billing],
    );
    assert_eq!(facts(&mut story, contact), ["verification"]);
    for _ in 0..5 {
        story.ask_for(by_pin(INFO, 1, false));
    }
    assert!(story.authentication().is_suspended());
    assert_eq!(facts(&mut story, mailed(ADDRESS)), [""; 0]);
}

#[test]
fn f14_an_address_tells_once_it_is_of_record_and_the_answer_says_when() {
    let mut story = Story::begun();
    story.ask_for(associate(postal(ADDRESS), None, Authority::StartOfService));
    let question = bill(Telling::Mailed { address: ADDRESS }, Customer, &[Billing]);
    let ruling = story.ask(&question);
    let matures = story.now.plus_hours(30 * 24);
    assert_eq!((ruling.allowed, ruling.valid_until), (false, Some(matures)));
    assert!(story.ask_at(&question, matures).allowed);
}

#[test]
fn r22_under_a_lock_or_a_reset_nobody_is_told_by_whatever_verification() {
    let mut story = with_pin();
    let called_back = story.call_back(INFO);
    for _ in 0..5 {
        story.ask_for(by_pin(INFO, 1, false));
    }
    let Authority::Verification { record, .. } = called_back else {
        panic!("a verification");
    };
    let missing = ["verification"];
    assert_eq!(
        facts(&mut story, bill(cited(record.0), Customer, &[Billing])),
        missing
    );
    let at = story.now;
    let stated = Telling::Stated(Assurance {
        method: AssuranceMethod::PhotoId,
        reference: None,
        at,
    });
    assert_eq!(
        facts(&mut story, bill(stated, Customer, &[Billing])),
        missing
    );
}

#[test]
fn p9_once_the_list_is_known_a_contact_is_told_on_a_verification_on_record_only() {
    let mut story = with_pin();
    let stated = |at| {
        Telling::Stated(Assurance {
            method: AssuranceMethod::Password,
            reference: None,
            at,
        })
    };
    let at = story.now;
    let unlisted = bill(stated(at), AuthorizedContact, &[Billing]);
    assert_eq!(
        facts(&mut story, unlisted),
        [""; 0],
        "the ledger has no list"
    );
    story.contact(CONTACT, &[ContactPermission::AccountInformation]);
    let at = story.now;
    let listed = bill(stated(at), AuthorizedContact, &[Billing]);
    assert_eq!(facts(&mut story, listed), ["verification"]);
    let caller = Identified {
        caller: Caller::Contact(CONTACT),
        ..identified(INFO)
    };
    let Authority::Verification { record, .. } = story.called_back(caller) else {
        panic!("a verification");
    };
    assert_eq!(
        facts(
            &mut story,
            bill(cited(record.0), AuthorizedContact, &[Billing])
        ),
        [""; 0]
    );
    story.contact(CONTACT, &[ContactPermission::TechnicalSupport]);
    assert_eq!(
        facts(
            &mut story,
            bill(cited(record.0), AuthorizedContact, &[Billing])
        ),
        ["verification"],
        "the permission went"
    );
}

#[test]
fn p11_a_rulebook_may_take_no_stated_verification() {
    let mut story = with_pin();
    story.rulebook = policy_with(
        "stated_verifications = true",
        "stated_verifications = false",
    );
    let at = story.now;
    let stated = Telling::Stated(Assurance {
        method: AssuranceMethod::Password,
        reference: None,
        at,
    });
    assert_eq!(
        facts(&mut story, bill(stated, Customer, &[Billing])),
        ["verification"]
    );
    let record = story.ask_for(by_pin(INFO, 1, true));
    assert_eq!(
        facts(&mut story, bill(cited(record), Customer, &[Billing])),
        [""; 0]
    );
}
