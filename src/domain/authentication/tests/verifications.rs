//! Verifications and what ends them (P11, F14, F17, R19), tickets (P14).

use super::*;
use crate::domain::authentication::exemption::{EndLeg, LegBegun, LegKind};
use crate::domain::authentication::tickets::{OpenTicket, TicketCondition};
use crate::domain::authentication::verification::{IssueMail, VERIFICATIONS_MAX};
use crate::domain::consent::word::EndCall;
use crate::domain::ids::Personal;

fn open(means: Means) -> Asked {
    Asked::OpenVerification(OpenVerification {
        identified: identified(VerifiedFor::AccountInformation),
        means,
    })
}

fn stands(story: &Story, authority: Authority, purpose: VerifiedFor) -> bool {
    let Authority::Verification { record, call } = authority else {
        return false;
    };
    let standing = story
        .authentication()
        .standing(record, call, purpose, story.now);
    standing.is_some_and(|one| one.is_good(story.state(), story.now, &story.rulebook))
}

#[test]
fn r19_a_verification_is_for_one_purpose_and_one_call_and_thirty_minutes() {
    let mut story = aged();
    let info = VerifiedFor::AccountInformation;
    let authority = story.call_back(info);
    assert!(stands(&story, authority, info));
    assert!(!stands(&story, authority, VerifiedFor::TechnicalSupport));
    let Authority::Verification { record, .. } = authority else {
        panic!("a verification");
    };
    let call = Token([0xcb; 16]);
    assert!(!stands(
        &story,
        Authority::Verification { record, call },
        info
    ));
    story.minutes(29);
    assert!(stands(&story, authority, info));
    story.minutes(1);
    assert!(!stands(&story, authority, info));
}

#[test]
fn r19_a_verification_ends_with_its_call_and_none_is_opened_in_it_again() {
    let mut story = aged();
    let authority = story.call_back(VerifiedFor::AccountInformation);
    story.act(Command::EndCall(EndCall { call: CALL }));
    assert!(!stands(&story, authority, VerifiedFor::AccountInformation));
    assert!(story.authentication().verifications.is_empty());
    let again = open(Means::OnlineAccount);
    assert_eq!(story.denied(again), RefusalCode::Call);
}

#[test]
fn p11_a_call_back_is_immediate_and_goes_to_a_number_of_record() {
    let mut story = aged();
    let (now, fresh) = (story.now, Token([0x12; 16]));
    let back = |number, asked_at| open(Means::CallBack { number, asked_at });
    story.minutes(14);
    assert_eq!(story.asked(back(NUMBER, now)).len(), 1);
    assert_eq!(
        story.denied(back(NUMBER, now)),
        RefusalCode::VerificationRequired,
        "sixteen minutes after the caller called"
    );
    let ahead = story.now.plus_minutes(60);
    assert_eq!(
        story.denied(back(NUMBER, ahead)),
        RefusalCode::VerificationRequired
    );

    let authority = story.call_back(VerifiedFor::AccountChanges);
    story.ask_for(associate(number(fresh), None, authority));
    story.minutes(29 * DAY);
    let now = story.now;
    assert_eq!(story.denied(back(fresh, now)), RefusalCode::OfRecordState);
    story.minutes(DAY);
    let now = story.now;
    assert_eq!(story.asked(back(fresh, now)).len(), 1);
    let unknown = back(Token([0x99; 16]), now);
    assert_eq!(story.denied(unknown), RefusalCode::OfRecordState);
}

#[test]
fn p11_mail_goes_to_an_address_of_record_and_opens_nothing_live() {
    let mut story = aged();
    let mailed = story.asked(Asked::IssueMail(IssueMail {
        address: postal(ADDRESS),
    }));
    assert!(matches!(mailed.as_slice(), [Done::MailIssued(_)]));
    assert!(story.authentication().verifications.is_empty());
    let elsewhere = Asked::IssueMail(IssueMail {
        address: postal(NUMBER),
    });
    assert_eq!(story.denied(elsewhere), RefusalCode::OfRecordState);
    let to_a_number = Asked::IssueMail(IssueMail {
        address: number(NUMBER),
    });
    assert_eq!(story.denied(to_a_number), RefusalCode::Invalid);
}

#[test]
fn f14_a_photo_id_verifies_only_if_it_is_valid_and_matches() {
    let mut story = aged();
    for (valid, matches) in [(false, true), (true, false), (false, false)] {
        let shown = open(Means::PhotoId { valid, matches });
        assert_eq!(story.denied(shown), RefusalCode::VerificationRequired);
    }
    let shown = open(Means::PhotoId {
        valid: true,
        matches: true,
    });
    assert_eq!(story.asked(shown).len(), 1);
}

#[test]
fn p9_only_a_contact_with_the_permission_is_verified_and_removal_ends_it_at_once() {
    let mut story = aged();
    let caller = Identified {
        caller: Caller::Contact(CONTACT),
        ..identified(VerifiedFor::AccountInformation)
    };
    let online = Asked::OpenVerification(OpenVerification {
        identified: caller,
        means: Means::OnlineAccount,
    });
    assert_eq!(story.denied(online.clone()), RefusalCode::ContactState);
    story.contact(CONTACT, &[ContactPermission::TechnicalSupport]);
    assert_eq!(story.denied(online), RefusalCode::ContactState);
    story.contact(CONTACT, &[ContactPermission::AccountInformation]);
    let authority = story.called_back(caller);
    assert!(stands(&story, authority, caller.purpose));
    story.act(Command::Contacts(ContactCommand::Remove {
        person: CONTACT,
        basis: letter(),
    }));
    assert!(!stands(&story, authority, caller.purpose));
    story.contact(CONTACT, &[ContactPermission::AccountInformation]);
    assert!(
        !stands(&story, authority, caller.purpose),
        "what ended doesn't come back with the contact"
    );
}

#[test]
fn r19_a_verification_lasts_from_when_the_caller_was_verified() {
    let mut story = aged();
    let earlier = story.now;
    story.minutes(20).occurred(earlier);
    let authority = story.ask_for(open(Means::OnlineAccount));
    let opened = &story.authentication().verifications[0];
    assert_eq!(opened.position, Position(authority));
    assert_eq!(opened.ends_at, earlier.plus_minutes(30));
    story.minutes(20).occurred(earlier);
    assert_eq!(
        story.denied(open(Means::OnlineAccount)),
        RefusalCode::VerificationRequired
    );
}

#[test]
fn r19_one_verification_too_many_ends_the_oldest() {
    let mut story = aged();
    let first = story.call_back(VerifiedFor::AccountInformation);
    for _ in 0..VERIFICATIONS_MAX {
        story.ask_for(open(Means::OnlineAccount));
    }
    assert_eq!(
        story.authentication().verifications.len(),
        VERIFICATIONS_MAX
    );
    assert!(!stands(&story, first, VerifiedFor::AccountInformation));
}

#[test]
fn f17_another_regime_takes_a_representative_and_a_contract_and_both_must_stand() {
    let mut story = aged();
    let representative = LegBegun {
        leg: LegKind::Representative,
        representative: Some(Token([7; 16])),
        contract: None,
        contract_digest: None,
        addresses_cpni: false,
        ends_at: None,
    };
    let contract = LegBegun {
        leg: LegKind::Contract,
        representative: None,
        contract: Some(Personal::new("MSA 12")),
        contract_digest: Some(Sha256Digest([3; 32])),
        addresses_cpni: true,
        ends_at: Some(story.now.plus_hours(24)),
    };
    let silent = LegBegun {
        addresses_cpni: false,
        ..contract.clone()
    };
    let regime = open(Means::BusinessContract);
    let required = RefusalCode::VerificationRequired;
    assert_eq!(story.denied(regime.clone()), required);
    story.ask_for(Asked::BeginLeg(contract));
    assert_eq!(story.denied(regime.clone()), required);
    assert_eq!(story.denied(Asked::BeginLeg(silent)), RefusalCode::Invalid);
    story.ask_for(Asked::BeginLeg(representative));
    let record = Position(story.ask_for(regime.clone()));
    let authority = Authority::Verification { record, call: CALL };
    assert!(stands(&story, authority, VerifiedFor::AccountInformation));
    let end = Asked::EndLeg(EndLeg {
        leg: LegKind::Representative,
    });
    story.ask_for(end.clone());
    assert!(!stands(&story, authority, VerifiedFor::AccountInformation));
    assert_eq!(story.denied(end), RefusalCode::ExemptionState);
    assert_eq!(story.denied(regime.clone()), required);

    let mut later = aged();
    later.rulebook = policy_with("business_contracts = true", "business_contracts = false");
    assert_eq!(later.denied(regime), required);
}

#[test]
fn f17_the_contracts_own_end_ends_the_regime() {
    let mut story = aged();
    let ends_at = story.now.plus_minutes(10);
    for leg in [LegKind::Representative, LegKind::Contract] {
        story.ask_for(Asked::BeginLeg(LegBegun {
            leg,
            representative: Some(Token([7; 16])),
            contract: None,
            contract_digest: Some(Sha256Digest([3; 32])),
            addresses_cpni: true,
            ends_at: Some(ends_at),
        }));
    }
    let record = Position(story.ask_for(open(Means::BusinessContract)));
    let authority = Authority::Verification { record, call: CALL };
    assert!(stands(&story, authority, VerifiedFor::AccountInformation));
    story.now = ends_at;
    assert!(!stands(&story, authority, VerifiedFor::AccountInformation));
}

#[test]
fn p14_an_out_of_service_ticket_needs_nothing_and_any_other_a_verified_caller() {
    let mut story = with_pin();
    let ticket = |condition, verification| {
        Asked::OpenTicket(OpenTicket {
            condition,
            ticket: Personal::new("T-9"),
            verification,
        })
    };
    let out = ticket(TicketCondition::OutOfService, None);
    story.ask_for(out.clone());
    let other = ticket(TicketCondition::Other, None);
    assert_eq!(story.denied(other), RefusalCode::VerificationRequired);
    let record = Position(story.ask_for(by_pin(VerifiedFor::TechnicalSupport, 1, true)));
    story.ask_for(ticket(TicketCondition::Other, Some((record, CALL))));
    for _ in 0..5 {
        story.ask_for(by_pin(VerifiedFor::TechnicalSupport, 1, false));
    }
    assert!(story.authentication().lock.is_some());
    story.ask_for(out);
    let other = ticket(TicketCondition::Other, Some((record, CALL)));
    assert_eq!(story.denied(other), RefusalCode::CredentialLocked);
}
