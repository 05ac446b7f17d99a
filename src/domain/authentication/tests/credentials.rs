//! The password or PIN, its locks, and what is done when it is forgotten (P11–P13, F15, R22).

use super::*;
use crate::domain::authentication::challenge::{AnswerChallenge, SetChallenge};
use crate::domain::authentication::credentials::{Attempt, LiftLock};
use crate::domain::authentication::verification::{IssueMail, VerifiedBy};
use crate::domain::consent::word::{EndCall, Speak};
use crate::domain::ids::EntityId;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::CpniClasses;

const CHANGES: VerifiedFor = VerifiedFor::AccountChanges;

fn refused_secret(authority: Authority) -> Asked {
    Asked::Establish(EstablishCredential {
        kind: CredentialKind::Pin,
        authority,
        weighed: Some(Weighed {
            checks: Checks {
                telephone_number: Verdict::Fail,
                ..PASSED
            },
            place: None,
        }),
    })
}

fn questions(ids: &[&str], authority: Authority) -> Asked {
    Asked::SetChallenge(SetChallenge {
        questions: ids.iter().map(|id| EntityId::parse(id).unwrap()).collect(),
        place: Some(place(2)),
        authority,
    })
}

fn answered(right: bool) -> Asked {
    Asked::AnswerChallenge(AnswerChallenge {
        caller: Caller::AccountHolder,
        call: CALL,
        compared: compared(2, right),
    })
}

/// An account with a PIN and two back-up questions.
fn with_questions() -> Story {
    let mut story = with_pin();
    let authority = story.call_back(CHANGES);
    story.ask_for(questions(&["first_job_town", "first_concert"], authority));
    story.minutes(DAY);
    story
}

#[test]
fn p11_the_right_pin_opens_a_verification_and_a_wrong_one_is_recorded() {
    let mut story = with_pin();
    let info = VerifiedFor::AccountInformation;
    let wrong = story.asked(by_pin(info, 1, false));
    assert!(matches!(wrong.as_slice(), [Done::CheckFailed(_)]));
    let right = story.asked(by_pin(info, 1, true));
    assert!(
        matches!(right.as_slice(), [Done::VerificationOpened(event)] if event.by == VerifiedBy::Password)
    );
    assert_eq!(
        story.authentication().failures.checks,
        0,
        "the row is broken"
    );
    assert_eq!(
        story.denied(by_pin(info, 3, true)),
        RefusalCode::CredentialState,
        "a verdict on another hash counts for nothing"
    );
    assert_eq!(
        aged().denied(by_pin(info, 1, true)),
        RefusalCode::CredentialState
    );
}

#[test]
fn p13_too_many_wrong_attempts_lock_and_only_another_method_lifts_the_lock() {
    let mut story = with_pin();
    let before = story.ask_for(by_pin(CHANGES, 1, true));
    for _ in 0..4 {
        story.ask_for(by_pin(CHANGES, 1, false));
    }
    let fifth = story.asked(by_pin(CHANGES, 1, false));
    assert!(
        matches!(fifth.as_slice(), [Done::CheckFailed(_), Done::Locked(lock)] if lock.after == Attempt::Check)
    );
    let locked = RefusalCode::CredentialLocked;
    assert_eq!(
        story.denied(by_pin(CHANGES, 1, true)),
        locked,
        "right, too late"
    );
    let by_password = Authority::Verification {
        record: Position(before),
        call: CALL,
    };
    let lift = |authority| Asked::LiftLock(LiftLock { authority });
    let required = RefusalCode::VerificationRequired;
    assert_eq!(story.denied(lift(by_password)), required);
    assert_eq!(story.denied(lift(Authority::StartOfService)), required);
    assert_eq!(
        story.denied(establish(3, Authority::StartOfService)),
        locked
    );
    let called_back = story.call_back(CHANGES);
    assert_eq!(story.denied(establish(3, called_back)), locked);
    let moved = associate(number(Token([0x13; 16])), None, called_back);
    assert_eq!(
        story.denied(moved),
        locked,
        "nothing is changed under a lock"
    );
    story.ask_for(lift(called_back));
    assert!(story.authentication().lock.is_none());
    assert_eq!(story.asked(by_pin(CHANGES, 1, true)).len(), 1);
    assert_eq!(
        story.denied(lift(called_back)),
        RefusalCode::CredentialState
    );
}

#[test]
fn p12_a_secret_that_fails_a_check_is_recorded_and_attempts_are_capped() {
    let mut story = with_pin();
    let authority = story.call_back(CHANGES);
    for _ in 0..4 {
        let refused = story.asked(refused_secret(authority));
        assert!(matches!(refused.as_slice(), [Done::EstablishRefused(_)]));
    }
    assert_eq!(story.authentication().credential.unwrap().place, place(1));
    let fifth = story.asked(refused_secret(authority));
    assert!(
        matches!(fifth.as_slice(), [Done::EstablishRefused(_), Done::Locked(lock)] if lock.after == Attempt::Establish)
    );
    assert_eq!(
        story.denied(refused_secret(authority)),
        RefusalCode::CredentialLocked
    );
}

#[test]
fn p12_a_secret_without_a_place_in_the_vault_is_never_in_force() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    let nowhere = Asked::Establish(EstablishCredential {
        kind: CredentialKind::Password,
        authority,
        weighed: Some(Weighed {
            checks: PASSED,
            place: None,
        }),
    });
    story.ask_for(nowhere);
    assert_eq!(story.authentication().credential, None);
}

#[test]
fn p12_what_was_not_weighed_or_compared_is_neither_taken_nor_counted() {
    let mut story = with_questions();
    let authority = story.call_back(CHANGES);
    let state = RefusalCode::CredentialState;
    let unweighed = Asked::Establish(EstablishCredential {
        kind: CredentialKind::Pin,
        authority,
        weighed: None,
    });
    assert_eq!(story.denied(unweighed), state);
    let uncompared = Asked::Check(CheckSecret {
        identified: identified(CHANGES),
        compared: None,
        prompted: false,
    });
    assert_eq!(story.denied(uncompared), state);
    let unasked = Asked::AnswerChallenge(AnswerChallenge {
        caller: Caller::AccountHolder,
        call: CALL,
        compared: None,
    });
    assert_eq!(story.denied(unasked), state);
    let unhashed = Asked::SetChallenge(SetChallenge {
        questions: ["first_concert", "first_job_town"]
            .map(|id| EntityId::parse(id).unwrap())
            .into(),
        place: None,
        authority,
    });
    assert_eq!(story.denied(unhashed), state);
}

#[test]
fn f15_a_secret_is_set_only_by_whom_nothing_biographical_verified() {
    let mut story = aged();
    let required = RefusalCode::VerificationRequired;
    let late = establish(1, Authority::StartOfService);
    assert_eq!(story.denied(late), required, "the start of service is over");
    let info = story.call_back(VerifiedFor::AccountInformation);
    assert_eq!(
        story.denied(establish(1, info)),
        required,
        "another purpose"
    );
    let unknown = Authority::Verification {
        record: Position(1),
        call: CALL,
    };
    assert_eq!(story.denied(establish(1, unknown)), required);
    let changes = story.call_back(CHANGES);
    story.ask_for(establish(1, changes));
    let prompted = Asked::Check(CheckSecret {
        identified: identified(CHANGES),
        compared: compared(1, true),
        prompted: true,
    });
    let record = Position(story.ask_for(prompted));
    let prompted = Authority::Verification { record, call: CALL };
    assert_eq!(story.denied(establish(2, prompted)), required);
}

#[test]
fn f15_at_the_start_of_service_one_secret_is_set_and_no_second() {
    let mut story = Story::begun();
    story.ask_for(establish(1, Authority::StartOfService));
    assert_eq!(
        story.denied(establish(2, Authority::StartOfService)),
        RefusalCode::VerificationRequired
    );
    assert_eq!(story.authentication().credential.unwrap().version, 1);
}

#[test]
fn p11_p13_at_the_start_of_service_questions_and_secret_take_nothing_over() {
    let start = Authority::StartOfService;
    let required = RefusalCode::VerificationRequired;
    let ids = ["first_job_town", "first_concert"];
    let mut story = Story::begun();
    story.ask_for(establish(1, start));
    assert_eq!(story.denied(questions(&ids, start)), required);
    let record = Position(story.ask_for(by_pin(CHANGES, 1, true)));
    let verified = Authority::Verification { record, call: CALL };
    story.ask_for(questions(&ids, verified));

    let mut story = Story::begun();
    story.ask_for(questions(&ids, start));
    assert_eq!(story.denied(questions(&ids, start)), required);
    assert_eq!(story.denied(establish(1, start)), required);
    story.ask_for(answered(true));
    story.ask_for(establish(1, Authority::Challenge { call: CALL }));
}

#[test]
fn p12_secrets_that_are_taken_in_between_buy_no_more_guesses() {
    let mut story = with_pin();
    let authority = story.call_back(CHANGES);
    for attempt in 1..=4 {
        story.ask_for(refused_secret(authority));
        story.ask_for(establish(attempt + 1, authority));
    }
    story.minutes(DAY);
    let authority = story.call_back(CHANGES);
    let fifth = story.asked(refused_secret(authority));
    assert!(
        matches!(fifth.as_slice(), [Done::EstablishRefused(_), Done::Locked(lock)] if lock.after == Attempt::Establish && lock.attempts == 5)
    );
    story.ask_for(Asked::LiftLock(LiftLock { authority }));
    assert_eq!(story.asked(refused_secret(authority)).len(), 1, "anew");
}

#[test]
fn p13_back_up_questions_are_two_at_least_distinct_and_never_biographical() {
    let mut story = with_pin();
    let authority = story.call_back(CHANGES);
    let not_allowed = RefusalCode::QuestionNotAllowed;
    for ids in [
        &["first_concert"] as &[&str],
        &[],
        &["first_concert", "first_concert"],
        &["first_concert", "date_of_birth"],
        &["first_concert", "ssn_last_4"],
        &["first_concert", "a_question_nobody_knows"],
    ] {
        assert_eq!(
            story.denied(questions(ids, authority)),
            not_allowed,
            "{ids:?}"
        );
    }
    story.ask_for(questions(&["first_job_town", "first_concert"], authority));
    let set = story.authentication().challenge.as_ref().unwrap();
    let ids: Vec<_> = set.questions.iter().map(EntityId::as_str).collect();
    assert_eq!(ids, ["first_concert", "first_job_town"]);
}

#[test]
fn p13_after_a_passed_challenge_only_a_new_pin_may_be_set_and_the_old_is_dead() {
    let mut story = with_questions();
    let changes = story.call_back(CHANGES);
    let passed = story.asked(answered(true));
    assert!(matches!(passed.as_slice(), [Done::ChallengePassed(_)]));
    let reset = RefusalCode::ResetRequired;
    assert_eq!(story.denied(by_pin(CHANGES, 1, true)), reset);
    assert!(story.authentication().verifications.is_empty());
    let required = RefusalCode::VerificationRequired;
    assert_eq!(
        story.denied(establish(3, changes)),
        required,
        "ended by the challenge"
    );
    let challenge = Authority::Challenge { call: CALL };
    assert_eq!(
        story.denied(associate(number(Token([5; 16])), None, challenge)),
        reset
    );
    assert_eq!(story.denied(Asked::ChangeOnlineAccount(challenge)), reset);
    let elsewhere = Authority::Challenge {
        call: Token([0xcb; 16]),
    };
    assert_eq!(story.denied(establish(3, elsewhere)), required);
    story.ask_for(establish(3, challenge));
    assert_eq!(story.authentication().reset, None);
    assert_eq!(story.asked(by_pin(CHANGES, 3, true)).len(), 1);
    assert_eq!(
        story.denied(establish(4, challenge)),
        required,
        "good for one"
    );
}

#[test]
fn r22_who_hangs_up_after_the_challenge_leaves_the_account_waiting_for_a_new_pin() {
    let mut story = with_questions();
    story.ask_for(answered(true));
    story.act(Command::EndCall(EndCall { call: CALL }));
    let challenge = Authority::Challenge { call: CALL };
    let required = RefusalCode::VerificationRequired;
    assert_eq!(story.denied(establish(3, challenge)), required);
    assert_eq!(
        story.denied(by_pin(CHANGES, 1, true)),
        RefusalCode::Call,
        "the call has ended"
    );
    let next_call = Identified {
        call: Token([0xcc; 16]),
        ..identified(CHANGES)
    };
    let authority = story.called_back(next_call);
    story.ask_for(establish(3, authority));
    assert!(!story.authentication().is_suspended());
}

#[test]
fn r22_the_right_to_set_a_new_pin_ends_after_thirty_minutes() {
    let mut story = with_questions();
    story.ask_for(answered(true));
    story.minutes(30);
    let challenge = Authority::Challenge { call: CALL };
    assert_eq!(
        story.denied(establish(3, challenge)),
        RefusalCode::VerificationRequired
    );
    assert!(story.authentication().is_suspended());
}

#[test]
fn r22_reset_required_and_locked_never_stop_a_block_or_mail_and_stop_a_grant() {
    let suspend: [&dyn Fn(&mut Story); 2] = [
        &|story| {
            story.ask_for(answered(true));
        },
        &|story| {
            for _ in 0..5 {
                story.ask_for(answered(false));
            }
        },
    ];
    for suspend in suspend {
        let mut story = with_questions();
        suspend(&mut story);
        assert!(story.authentication().is_suspended());
        story.deny(Scope::everything());
        story.ask_for(Asked::IssueMail(IssueMail {
            address: postal(ADDRESS),
        }));
        let grant: Speak = story.speaking(vec![granting(company(CpniClasses::ALL))]);
        assert_eq!(
            story.refused(Command::Speak(grant)),
            RefusalCode::VerificationRequired
        );
    }
}

#[test]
fn p13_wrong_answers_are_recorded_counted_and_lock() {
    let mut story = with_questions();
    for _ in 0..4 {
        let wrong = story.asked(answered(false));
        assert!(matches!(wrong.as_slice(), [Done::ChallengeFailed(_)]));
    }
    let fifth = story.asked(answered(false));
    assert!(
        matches!(fifth.as_slice(), [Done::ChallengeFailed(_), Done::Locked(lock)] if lock.after == Attempt::Challenge)
    );
    assert_eq!(story.denied(answered(true)), RefusalCode::CredentialLocked);
    assert_eq!(
        with_pin().denied(answered(true)),
        RefusalCode::CredentialState,
        "no questions"
    );
}

#[test]
fn p13_only_a_contact_who_may_change_the_account_is_asked_the_questions() {
    let mut story = with_questions();
    let asked = |caller| {
        Asked::AnswerChallenge(AnswerChallenge {
            caller,
            call: CALL,
            compared: compared(2, true),
        })
    };
    story.contact(CONTACT, &[ContactPermission::AccountInformation]);
    assert_eq!(
        story.denied(asked(Caller::Contact(CONTACT))),
        RefusalCode::ContactState
    );
}
