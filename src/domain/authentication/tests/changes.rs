//! Numbers and addresses of record, and what is owed after a change (F14, F16).

use super::*;
use crate::domain::asserted::{Assert, Asserted, AssertedAccount, Source};
use crate::domain::authentication::challenge::SetChallenge;
use crate::domain::authentication::change_notices::{
    AccountChange, DUE_MAX, NoticeTarget, SendChangeNotice,
};
use crate::domain::authentication::of_record::{Dissociate, OF_RECORD_MAX};
use crate::domain::ids::EntityId;
use crate::domain::time::Time;

const CHANGES: VerifiedFor = VerifiedFor::AccountChanges;
const NEW: Token = Token([0x12; 16]);

fn sent(change: u64, channel: Channel, reach: Reach) -> Asked {
    Asked::SendChangeNotice(SendChangeNotice {
        change: Position(change),
        channel: Some(channel),
        to: NoticeTarget::OfRecord(reach),
    })
}

#[test]
fn f16_every_change_is_owed_a_notification_at_once_and_none_at_the_start_of_service() {
    let mut story = aged();
    assert!(
        story.authentication().due.is_empty(),
        "set at the start of service"
    );
    let authority = story.call_back(CHANGES);
    let set_questions = Asked::SetChallenge(SetChallenge {
        questions: ["first_concert", "first_job_town"]
            .map(|id| EntityId::parse(id).unwrap())
            .into(),
        place: Some(place(2)),
        authority,
    });
    let changes = [
        (establish(1, authority), AccountChange::Credential),
        (set_questions, AccountChange::BackUpAnswer),
        (
            Asked::ChangeOnlineAccount(authority),
            AccountChange::OnlineAccount,
        ),
        (
            associate(number(NEW), Some(NUMBER), authority),
            AccountChange::NumberOfRecord,
        ),
        (
            associate(postal(NEW), None, authority),
            AccountChange::AddressOfRecord,
        ),
        (
            Asked::Dissociate(Dissociate {
                reach: postal(NEW),
                authority,
            }),
            AccountChange::AddressOfRecord,
        ),
    ];
    for (asked, what) in changes {
        let record = story.ask_for(asked);
        let due = *story.authentication().due.last().unwrap();
        assert_eq!((due.change, due.what), (Position(record), what));
        assert_eq!(due.due_at, story.now.plus_minutes(5));
    }
    assert_eq!(story.authentication().due.len(), 6);
}

#[test]
fn f16_a_notification_goes_to_what_was_of_record_and_never_to_what_is_new() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    let change = story.ask_for(associate(number(NEW), Some(NUMBER), authority));
    let wrong = RefusalCode::OfRecordState;
    assert_eq!(
        story.denied(sent(change, Channel::Text, number(NEW))),
        wrong
    );
    let by_post = sent(change, Channel::Post, number(NUMBER));
    assert_eq!(story.denied(by_post), RefusalCode::Invalid);

    let later = story.ask_for(establish(1, authority));
    assert_eq!(
        story.denied(sent(later, Channel::Text, number(NEW))),
        wrong,
        "a number that is minutes old is not of record for the next change either"
    );
    assert_eq!(
        story.denied(sent(later, Channel::Text, number(NUMBER))),
        wrong,
        "gone before"
    );
    story.ask_for(sent(later, Channel::Post, postal(ADDRESS)));
    story.ask_for(sent(change, Channel::Text, number(NUMBER)));
    assert!(story.authentication().due.is_empty());
    let again = sent(change, Channel::Text, number(NUMBER));
    assert_eq!(story.denied(again), RefusalCode::NoticeState);
    assert_eq!(
        story.denied(sent(1, Channel::Text, number(NUMBER))),
        RefusalCode::NoticeState
    );
}

#[test]
fn f16_on_a_young_account_the_oldest_that_it_had_is_told() {
    let mut story = Story::begun();
    story.ask_for(associate(number(NUMBER), None, Authority::StartOfService));
    story.minutes(2 * DAY);
    let authority = story.online(CHANGES);
    story.ask_for(associate(number(NEW), Some(NUMBER), authority));
    let change = story.ask_for(establish(1, authority));
    let wrong = RefusalCode::OfRecordState;
    assert_eq!(
        story.denied(sent(change, Channel::Text, number(NEW))),
        wrong
    );
    story.ask_for(sent(change, Channel::Text, number(NUMBER)));
}

#[test]
fn f16_where_nothing_was_of_record_the_new_is_no_target_all_the_same() {
    let mut story = Story::begun();
    story.minutes(2 * DAY);
    let authority = story.online(CHANGES);
    let change = story.ask_for(associate(number(NEW), None, authority));
    let state = story.authentication();
    assert!(state.targets(&state.due[0], 30).is_empty());
    let to_the_new = sent(change, Channel::Text, number(NEW));
    assert_eq!(story.denied(to_the_new), RefusalCode::OfRecordState);
    assert_eq!(story.authentication().due.len(), 1, "it stays owed");
}

fn sent_to_nobody(change: u64, channel: Option<Channel>) -> Asked {
    Asked::SendChangeNotice(SendChangeNotice {
        change: Position(change),
        channel,
        to: NoticeTarget::Nobody,
    })
}

#[test]
fn f16_p13_a_notification_that_can_go_to_nobody_is_recorded_so_and_owed_no_more() {
    let mut story = Story::begun();
    story.minutes(2 * DAY);
    for _ in 0..DUE_MAX {
        let authority = story.online(CHANGES);
        story.ask_for(Asked::ChangeOnlineAccount(authority));
    }
    let authority = story.online(CHANGES);
    let added = || associate(number(NEW), None, authority);
    assert_eq!(story.denied(added()), RefusalCode::Limit);
    let oldest = story.authentication().due[0].change.0;
    let by_text = sent_to_nobody(oldest, Some(Channel::Text));
    assert_eq!(story.denied(by_text), RefusalCode::Invalid);
    story.ask_for(sent_to_nobody(oldest, None));
    let again = sent_to_nobody(oldest, None);
    assert_eq!(story.denied(again), RefusalCode::NoticeState);
    story.ask_for(added());
}

#[test]
fn f16_a_notification_that_can_go_somewhere_goes_there_and_not_to_nobody() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    let change = story.ask_for(establish(1, authority));
    let nobody = sent_to_nobody(change, None);
    assert_eq!(story.denied(nobody), RefusalCode::OfRecordState);
    let by_nothing = Asked::SendChangeNotice(SendChangeNotice {
        change: Position(change),
        channel: None,
        to: NoticeTarget::OfRecord(number(NUMBER)),
    });
    assert_eq!(story.denied(by_nothing), RefusalCode::Invalid);
    assert_eq!(story.authentication().due.len(), 1, "it stays owed");
}

#[test]
fn f16_no_notification_went_out_before_the_change_of_which_it_tells() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    let change = story.ask_for(establish(1, authority));
    let changed_at = story.authentication().due[0].changed_at;
    story.minutes(60);
    let told = || sent(change, Channel::Text, number(NUMBER));
    story.occurred(Time(changed_at.0 - 1));
    assert_eq!(story.denied(told()), RefusalCode::OccurredAt);
    story.occurred(changed_at);
    story.ask_for(told());
}

#[test]
fn p11_p13_at_the_start_of_service_the_first_is_set_and_nothing_replaced_or_removed() {
    let start = Authority::StartOfService;
    let required = RefusalCode::VerificationRequired;
    let mut story = Story::begun();
    story.ask_for(associate(number(NUMBER), None, start));
    story.ask_for(associate(postal(ADDRESS), None, start));
    story.ask_for(Asked::ChangeOnlineAccount(start));
    let removed = || {
        Asked::Dissociate(Dissociate {
            reach: number(NUMBER),
            authority: start,
        })
    };
    for taken_over in [
        associate(number(NEW), None, start),
        associate(number(NEW), Some(NUMBER), start),
        removed(),
        Asked::ChangeOnlineAccount(start),
    ] {
        assert_eq!(story.denied(taken_over), required);
    }
    let authority = story.online(CHANGES);
    let own = associate(number(NEW), Some(NUMBER), authority);
    story.ask_for(own);

    let mut story = Story::begun();
    story.online(VerifiedFor::AccountInformation);
    let known = Asked::ChangeOnlineAccount(start);
    assert_eq!(story.denied(known), required, "there is one already");
}

#[test]
fn p11_once_a_secret_is_set_the_start_of_service_carries_nothing() {
    let start = Authority::StartOfService;
    let required = RefusalCode::VerificationRequired;
    let mut story = Story::begun();
    story.ask_for(establish(1, start));
    for taken_over in [
        associate(number(NEW), None, start),
        Asked::ChangeOnlineAccount(start),
    ] {
        assert_eq!(story.denied(taken_over), required);
    }
    let record = Position(story.ask_for(by_pin(CHANGES, 1, true)));
    let authority = Authority::Verification { record, call: CALL };
    story.ask_for(associate(number(NEW), None, authority));
    assert!(
        story.authentication().due.is_empty(),
        "nothing is owed at the start of service"
    );
}

#[test]
fn f16_p11_an_imported_account_is_at_no_start_of_service() {
    let mut story = imported();
    let start = Authority::StartOfService;
    let required = RefusalCode::VerificationRequired;
    for taken_over in [
        establish(1, start),
        associate(number(NEW), None, start),
        Asked::ChangeOnlineAccount(start),
    ] {
        assert_eq!(story.denied(taken_over), required);
    }
    let authority = story.online(CHANGES);
    story.ask_for(establish(1, authority));
    assert_eq!(story.authentication().due.len(), 1, "owed from the first");
}

#[test]
fn f16_a_number_that_is_exchanged_when_all_places_are_taken_is_told() {
    let mut story = aged();
    for value in 0..OF_RECORD_MAX as u8 - 2 {
        let authority = story.call_back(CHANGES);
        let passing = number(Token([value + 0x40; 16]));
        for asked in [
            associate(passing, None, authority),
            Asked::Dissociate(Dissociate {
                reach: passing,
                authority,
            }),
        ] {
            let change = story.ask_for(asked);
            story.ask_for(sent(change, Channel::Post, postal(ADDRESS)));
        }
    }
    assert_eq!(story.authentication().of_record.len(), OF_RECORD_MAX);
    let authority = story.call_back(CHANGES);
    let change = story.ask_for(associate(number(NEW), Some(NUMBER), authority));
    assert_eq!(story.authentication().of_record.len(), OF_RECORD_MAX);
    story.ask_for(sent(change, Channel::Text, number(NUMBER)));
}

#[test]
fn f16_while_too_many_notifications_are_owed_no_change_is_taken() {
    let mut story = aged();
    for _ in 0..DUE_MAX {
        let authority = story.call_back(CHANGES);
        story.ask_for(Asked::ChangeOnlineAccount(authority));
    }
    let authority = story.call_back(CHANGES);
    assert_eq!(story.denied(establish(1, authority)), RefusalCode::Limit);
    let oldest = story.authentication().due[0].change;
    story.ask_for(sent(oldest.0, Channel::Post, postal(ADDRESS)));
    story.ask_for(establish(1, authority));
}

#[test]
fn f14_what_belongs_to_the_account_is_not_added_again_and_what_does_not_is_not_replaced() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    let state = RefusalCode::OfRecordState;
    assert_eq!(
        story.denied(associate(number(NUMBER), None, authority)),
        state
    );
    assert_eq!(
        story.denied(associate(number(NEW), Some(ADDRESS), authority)),
        state
    );
    let gone = Asked::Dissociate(Dissociate {
        reach: number(NEW),
        authority,
    });
    assert_eq!(story.denied(gone), state);
    assert_eq!(
        story.denied(associate(number(NEW), None, Authority::StartOfService)),
        RefusalCode::VerificationRequired
    );
}

#[test]
fn f14_a_number_that_comes_back_is_as_new_as_any() {
    let mut story = aged();
    let authority = story.call_back(CHANGES);
    story.ask_for(associate(number(NEW), Some(NUMBER), authority));
    story.ask_for(associate(number(NUMBER), Some(NEW), authority));
    let one = *story
        .authentication()
        .belonging(number(NUMBER), story.now)
        .unwrap();
    assert!(!one.is_of_record(story.now, 30));
    assert!(one.is_of_record(story.now.plus_hours(30 * 24), 30));
    let past = story.authentication().of_record[0];
    assert!(past.reach == number(NUMBER) && past.until.is_some());
    assert!(
        !past.is_of_record(story.now, 30),
        "it belongs to the account no more"
    );
}

#[test]
fn f14_past_numbers_make_room_once_nothing_can_be_owed_to_them() {
    let mut story = aged();
    let mut latest = NUMBER;
    for value in 0..OF_RECORD_MAX as u8 {
        let authority = story.call_back_on(CHANGES, latest);
        let next = Token([value + 0x40; 16]);
        let change = story.ask_for(associate(number(next), Some(latest), authority));
        story.ask_for(sent(change, Channel::Post, postal(ADDRESS)));
        latest = next;
        story.minutes(31 * DAY);
    }
    assert_eq!(story.authentication().of_record.len(), OF_RECORD_MAX);
    assert!(
        story
            .authentication()
            .belonging(postal(ADDRESS), story.now)
            .is_some()
    );
}

/// An account that an import brought minutes ago.
fn imported() -> Story {
    let mut story = Story::new(policy());
    story.act(Command::Assert(Assert {
        source: Source {
            import: entity("crm-2026"),
            line: 1,
            key: Token([1; 16]),
        },
        fact: Asserted::Account(AssertedAccount {
            legal_entity: entity("infotech"),
            opened_at: story.now.minus_hours(20 * 365 * 24),
            closed_at: None,
        }),
        reference: None,
    }));
    story
}

impl Story {
    /// Verified by the online account, in the call.
    fn online(&mut self, purpose: VerifiedFor) -> Authority {
        let record = self.ask_for(Asked::OpenVerification(OpenVerification {
            identified: identified(purpose),
            means: Means::OnlineAccount,
        }));
        Authority::Verification {
            record: Position(record),
            call: CALL,
        }
    }

    fn call_back_on(&mut self, purpose: VerifiedFor, number: Token) -> Authority {
        let asked_at = self.now;
        let record = self.ask_for(Asked::OpenVerification(OpenVerification {
            identified: identified(purpose),
            means: Means::CallBack { number, asked_at },
        }));
        Authority::Verification {
            record: Position(record),
            call: CALL,
        }
    }
}
