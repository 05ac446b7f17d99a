//! Grants that cite a verification on record (R15, R19).

use super::*;
use crate::domain::authentication::exemption::{LegBegun, LegKind};
use crate::domain::consent::word::{CitedVerification, EndCall, Speak};
use crate::domain::refusal::Refusal;
use crate::domain::vocabulary::{AssuranceMethod, CpniClass, Medium, Speaker};

fn identified_for(purpose: VerifiedFor, caller: Caller) -> Identified {
    Identified {
        caller,
        ..identified(purpose)
    }
}

fn cited(authority: Authority) -> CitedVerification {
    match authority {
        Authority::Verification { record, call } => CitedVerification { record, call },
        other => panic!("no verification: {other:?}"),
    }
}

/// A grant whose speaker is verified by the cited record and by nothing else.
fn citing(story: &Story, verification: CitedVerification) -> Speak {
    let mut command = story.speaking(vec![granting(company(classes(&[CpniClass::Billing])))]);
    command.statement.assurance = None;
    command.statement.verification = Some(verification);
    command
}

fn granted(story: &Story, command: Speak) -> Result<(), Refusal> {
    story.clone().attempt(&Command::Speak(command)).map(drop)
}

#[track_caller]
fn unverified(refused: Result<(), Refusal>, field: &str) {
    let refusal = refused.unwrap_err();
    assert_eq!(
        (refusal.code, refusal.field.as_str()),
        (RefusalCode::VerificationRequired, field)
    );
}

const CITED: &str = "statement.verification";

#[test]
fn r15_a_grant_rests_on_a_verification_on_record_for_half_an_hour_of_its_call() {
    let mut story = aged();
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    let event = story
        .clone()
        .attempt(&Command::Speak(citing(&story, verification)))
        .unwrap();
    let [Event::Granted(granted_event)] = event.as_slice() else {
        panic!("{event:?}");
    };
    assert_eq!(granted_event.statement.verification, Some(verification));

    // The command comes a minute later.
    story.minutes(28);
    assert_eq!(granted(&story, citing(&story, verification)), Ok(()));
    story.minutes(1);
    unverified(granted(&story, citing(&story, verification)), CITED);
    let mut said_in_time = story.clone();
    said_in_time.occurred(story.now);
    assert_eq!(
        granted(&said_in_time, citing(&story, verification)),
        Ok(()),
        "it stood when the grant was said"
    );
}

#[test]
fn r15_r5_a_verification_carries_nothing_that_was_said_before_its_record() {
    let mut story = aged();
    let before = story.now;
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    story.occurred(before);
    unverified(granted(&story, citing(&story, verification)), CITED);
}

#[test]
fn r19_a_cited_verification_is_of_this_call_this_speaker_and_for_account_changes() {
    let mut story = aged();
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    let elsewhere = CitedVerification {
        call: Token([0xcb; 16]),
        ..verification
    };
    unverified(granted(&story, citing(&story, elsewhere)), CITED);
    let no_verification = CitedVerification {
        record: Position(1),
        ..verification
    };
    unverified(granted(&story, citing(&story, no_verification)), CITED);
    let mut other_speaker = citing(&story, verification);
    other_speaker.statement.speaker = Speaker::AdministrativeContact;
    unverified(granted(&story, other_speaker), CITED);
    let for_information = cited(story.call_back(VerifiedFor::AccountInformation));
    unverified(granted(&story, citing(&story, for_information)), CITED);

    story.act(Command::EndCall(EndCall { call: CALL }));
    unverified(granted(&story, citing(&story, verification)), CITED);
}

#[test]
fn r15_p10_an_administrative_contact_grants_while_the_list_permits_it() {
    let mut story = aged();
    let administrator = [ContactPermission::Administrative];
    let other = Token([0x44; 16]);
    for person in [CONTACT, other] {
        story.contact(person, &administrator);
    }
    let caller = Caller::Contact(CONTACT);
    let who = identified_for(VerifiedFor::AccountChanges, caller);
    let verification = cited(story.called_back(who));
    let speaks = |story: &Story, speaker| {
        let mut command = citing(story, verification);
        command.statement.speaker = speaker;
        granted(story, command)
    };
    assert_eq!(speaks(&story, Speaker::AdministrativeContact), Ok(()));
    unverified(speaks(&story, Speaker::AccountHolder), CITED);
    unverified(speaks(&story, Speaker::Other), "statement.speaker");
    story.act(Command::Contacts(ContactCommand::Remove {
        person: CONTACT,
        basis: letter(),
    }));
    unverified(speaks(&story, Speaker::AdministrativeContact), CITED);
}

#[test]
fn r15_a_way_that_is_not_enough_for_a_grant_carries_none() {
    let mut story = aged();
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    let methods = policy().grant_methods();
    assert!(methods.contains(AssuranceMethod::CallBack));
    let mut prompted = with_pin();
    let asked = Asked::Check(CheckSecret {
        identified: identified(VerifiedFor::AccountChanges),
        compared: compared(1, true),
        prompted: true,
    });
    let record = Position(prompted.ask_for(asked));
    let by_prompted = CitedVerification {
        record,
        ..verification
    };
    unverified(granted(&prompted, citing(&prompted, by_prompted)), CITED);

    for leg in [LegKind::Representative, LegKind::Contract] {
        story.ask_for(Asked::BeginLeg(LegBegun {
            leg,
            representative: Some(Token([7; 16])),
            contract: None,
            contract_digest: Some(Sha256Digest([3; 32])),
            addresses_cpni: true,
            ends_at: None,
        }));
    }
    let by_contract = Asked::OpenVerification(OpenVerification {
        identified: identified(VerifiedFor::AccountChanges),
        means: Means::BusinessContract,
    });
    let record = Position(story.ask_for(by_contract));
    let by_contract = CitedVerification {
        record,
        ..verification
    };
    unverified(granted(&story, citing(&story, by_contract)), CITED);
}

#[test]
fn r15_who_cites_a_verification_and_states_one_needs_both_to_hold() {
    let mut story = aged();
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    let mut both = citing(&story, verification);
    both.statement.assurance = story.statement().assurance;
    assert_eq!(granted(&story, both.clone()), Ok(()));
    let stated = both.statement.assurance.as_mut().unwrap();
    stated.method = AssuranceMethod::Mail;
    unverified(granted(&story, both.clone()), "statement.assurance");
    both.statement.assurance = story.statement().assurance;
    both.statement.verification = Some(CitedVerification {
        record: Position(1),
        ..verification
    });
    unverified(granted(&story, both), CITED);
}

#[test]
fn r11_r19_a_one_time_approval_rests_on_a_verification_of_its_own_call() {
    let mut story = aged();
    let verification = cited(story.call_back(VerifiedFor::AccountChanges));
    let once = |story: &Story, call| {
        let scope = company(classes(&[CpniClass::Billing]));
        let mut command = story.once(call, scope);
        let Command::GrantOnce(grant) = &mut command else {
            panic!("{command:?}");
        };
        assert_eq!(grant.statement.medium, Medium::Oral);
        grant.statement.assurance = None;
        grant.statement.verification = Some(verification);
        story.clone().attempt(&command).map(drop)
    };
    assert_eq!(once(&story, CALL), Ok(()));
    unverified(once(&story, Token([0xcb; 16])), CITED);
}

#[test]
fn p3_a_denial_is_taken_whatever_it_cites() {
    let story = aged();
    let mut command = story.speaking(vec![blocking(
        crate::domain::consent::word::BlockKind::Deny,
        company(classes(&[CpniClass::Billing])),
        &[],
    )]);
    command.statement.assurance = None;
    command.statement.verification = Some(CitedVerification {
        record: Position(1),
        call: CALL,
    });
    assert_eq!(granted(&story, command), Ok(()));
}
