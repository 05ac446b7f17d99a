//! The list of contacts, told as stories (P9, P10, P15).

use super::*;
use crate::domain::authentication::AuthenticationCommand;
use crate::domain::authentication::change_notices::{NoticeTarget, SendChangeNotice};
use crate::domain::authentication::verification::{
    Caller, Identified, Means, OpenVerification, VerifiedFor,
};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::refusal::RefusalCode;
use crate::domain::testing::*;
use ContactPermission::{AccountInformation, Administrative, TechnicalSupport};

const BOSS: Token = Token([1; 16]);
const CLERK: Token = Token([2; 16]);
const OTHER: Token = Token([3; 16]);
const CALL: Token = Token([9; 16]);
const START: Basis = Basis::Caller(Authority::StartOfService);

fn named(person: Token, permissions: &[ContactPermission]) -> NewContact {
    NewContact {
        person,
        name: None,
        permissions: permissions.iter().copied().collect(),
    }
}

fn letter_by(medium: Channel) -> Basis {
    Basis::Letterhead {
        medium,
        digest: Sha256Digest([7; 32]),
    }
}

fn add(contact: NewContact, basis: Basis) -> Command {
    Command::Contacts(ContactCommand::Add { contact, basis })
}

fn remove(person: Token, basis: Basis) -> Command {
    Command::Contacts(ContactCommand::Remove { person, basis })
}

fn set(contacts: Vec<NewContact>, basis: Basis) -> Command {
    Command::Contacts(ContactCommand::Set { contacts, basis })
}

/// An account whose administrative contact is BOSS; the start of service is over.
fn begun() -> Story {
    let mut story = Story::begun();
    story.act(add(named(BOSS, &[Administrative]), START));
    story.minutes(2 * 24 * 60);
    story
}

impl Story {
    fn list(&self) -> &Contacts {
        self.state().contacts.as_ref().unwrap()
    }

    /// The caller verified for account changes by the online account.
    fn verified(&mut self, caller: Caller) -> Basis {
        let open = AuthenticationCommand::OpenVerification(OpenVerification {
            identified: Identified {
                caller,
                purpose: VerifiedFor::AccountChanges,
                call: CALL,
            },
            means: Means::OnlineAccount,
        });
        let record = Position(self.act(Command::Authentication(open)));
        Basis::Caller(Authority::Verification { record, call: CALL })
    }
}

#[test]
fn p9_an_account_has_a_list_or_an_open_request_or_is_reported() {
    let mut story = Story::begun();
    assert!(is_unasked(story.state()));
    story.act(Command::Contacts(ContactCommand::Request));
    assert!(!is_unasked(story.state()));
    assert!(story.list().requested.is_some());
    story.act(set(Vec::new(), START));
    assert!(story.list().is_listed() && story.list().requested.is_none());
    assert!(!is_unasked(story.state()), "an empty list is a list");
}

#[test]
fn p9_contacts_are_added_removed_and_replaced_each_with_its_permissions() {
    let mut story = begun();
    let holder = story.verified(Caller::AccountHolder);
    story.act(add(named(CLERK, &[TechnicalSupport]), holder));
    assert!(story.list().permits(CLERK, TechnicalSupport));
    assert!(!story.list().permits(CLERK, AccountInformation));
    assert!(!story.list().permits(OTHER, TechnicalSupport));
    story.act(add(named(CLERK, &[AccountInformation]), holder));
    assert!(
        !story.list().permits(CLERK, TechnicalSupport),
        "replaced, not joined"
    );
    let again = add(named(CLERK, &[AccountInformation]), holder);
    assert_eq!(story.refused(again), RefusalCode::ContactState);
    let list = vec![
        named(BOSS, &[Administrative]),
        named(OTHER, &[TechnicalSupport]),
    ];
    let given = story.attempt(&set(list, holder)).unwrap();
    assert!(matches!(
        given.as_slice(),
        [
            Event::Contacts(ContactEvent::ListGiven(_)),
            Event::Contacts(ContactEvent::Removed(removed)),
            Event::Contacts(ContactEvent::Listed(listed)),
        ] if removed.person == CLERK && listed.person == OTHER
    ));
    assert_eq!(
        story.refused(remove(CLERK, holder)),
        RefusalCode::ContactState
    );
    story.act(remove(OTHER, holder));
    assert_eq!(story.list().listed.len(), 1);
}

#[test]
fn p9_p11_at_the_start_of_service_the_first_list_is_given_and_none_changed() {
    let mut story = Story::begun();
    story.act(add(named(CLERK, &[TechnicalSupport]), START));
    let required = RefusalCode::VerificationRequired;
    for taken_over in [
        add(named(OTHER, &[Administrative]), START),
        add(named(CLERK, &[AccountInformation]), START),
        remove(CLERK, START),
        set(vec![named(OTHER, &[Administrative])], START),
    ] {
        assert_eq!(story.refused(taken_over), required);
    }
    let holder = story.verified(Caller::AccountHolder);
    story.act(add(named(OTHER, &[Administrative]), holder));
}

#[test]
fn p9_a_list_names_everybody_once_and_for_something() {
    let mut story = begun();
    let twice = vec![
        named(CLERK, &[TechnicalSupport]),
        named(CLERK, &[AccountInformation]),
    ];
    assert_eq!(
        story.refused(set(twice, letter_by(Channel::Post))),
        RefusalCode::Invalid
    );
    let nothing = vec![named(CLERK, &[])];
    assert_eq!(
        story.refused(set(nothing, letter_by(Channel::Post))),
        RefusalCode::Invalid
    );
    let many = (0..=CONTACTS_MAX as u8).map(|n| named(Token([n + 100; 16]), &[TechnicalSupport]));
    let many = set(many.collect(), letter_by(Channel::Post));
    assert_eq!(story.refused(many), RefusalCode::Limit);
}

#[test]
fn p9_nobody_unverified_changes_the_list() {
    let mut story = begun();
    let required = RefusalCode::VerificationRequired;
    let contact = named(CLERK, &[TechnicalSupport]);
    assert_eq!(story.refused(add(contact.clone(), START)), required);
    let basis = story.verified(Caller::AccountHolder);
    story.minutes(30);
    assert_eq!(story.refused(add(contact, basis)), required);
}

#[test]
fn p10_the_administrative_contact_changes_on_letterhead_by_email_or_post_only() {
    let mut story = begun();
    let holder = story.verified(Caller::AccountHolder);
    let boss = story.verified(Caller::Contact(BOSS));
    let required = RefusalCode::LetterheadRequired;
    let other = || named(OTHER, &[Administrative]);
    for basis in [holder, boss].into_iter().chain(
        [
            Channel::Phone,
            Channel::Web,
            Channel::InStore,
            Channel::Text,
        ]
        .map(letter_by),
    ) {
        assert_eq!(story.refused(add(other(), basis)), required, "a second one");
        assert_eq!(story.refused(remove(BOSS, basis)), required);
        assert_eq!(story.refused(set(vec![other()], basis)), required);
        assert_eq!(story.refused(set(Vec::new(), basis)), required);
        let demoted = add(named(BOSS, &[TechnicalSupport]), basis);
        assert_eq!(story.refused(demoted), required);
        let renamed = NewContact {
            name: told("Somebody else"),
            ..named(BOSS, &[Administrative])
        };
        assert_eq!(story.refused(add(renamed, basis)), required, "another name");
    }
    story.act(set(vec![other()], letter_by(Channel::Email)));
    assert!(story.list().permits(OTHER, Administrative) && story.list().get(BOSS).is_none());
    story.act(add(
        named(CLERK, &[Administrative]),
        letter_by(Channel::Post),
    ));
}

#[test]
fn p10_an_account_that_had_an_administrative_contact_is_never_without() {
    let mut story = begun();
    let letter = letter_by(Channel::Email);
    let required = RefusalCode::AdministratorRequired;
    assert_eq!(story.refused(remove(BOSS, letter)), required);
    assert_eq!(story.refused(set(Vec::new(), letter)), required);
    assert_eq!(
        story.refused(set(vec![named(CLERK, &[TechnicalSupport])], letter)),
        required
    );
    assert_eq!(
        story.refused(add(named(BOSS, &[TechnicalSupport]), letter)),
        required
    );
    story.act(add(named(OTHER, &[Administrative]), letter));
    story.act(remove(BOSS, letter));
    assert_eq!(story.refused(remove(OTHER, letter)), required);
}

#[test]
fn p10_the_old_administrative_contact_is_owed_a_notification() {
    let mut story = begun();
    let letter = letter_by(Channel::Email);
    story.act(set(vec![named(OTHER, &[Administrative])], letter));
    let due = story.state().authentication.as_ref().unwrap().due[0];
    assert_eq!(
        (due.what, due.contact),
        (AccountChange::AdministrativeContact, Some(BOSS))
    );
    assert_eq!(due.due_at, story.now.plus_minutes(5));
    let sent = |to| {
        Command::Authentication(AuthenticationCommand::SendChangeNotice(SendChangeNotice {
            change: due.change,
            channel: Some(Channel::Email),
            to,
        }))
    };
    let wrong = sent(NoticeTarget::Contact(OTHER));
    assert_eq!(
        story.refused(wrong),
        RefusalCode::OfRecordState,
        "the new one"
    );
    story.act(sent(NoticeTarget::Contact(BOSS)));
    assert!(
        story
            .state()
            .authentication
            .as_ref()
            .unwrap()
            .due
            .is_empty()
    );
    story.act(add(named(CLERK, &[Administrative]), letter));
    story.act(add(named(OTHER, &[TechnicalSupport]), letter));
    let due = story.state().authentication.as_ref().unwrap().due[0];
    assert_eq!(due.contact, Some(OTHER), "demoted");
}

#[test]
fn p15_a_notice_that_did_not_arrive_is_recorded_against_the_version_of_the_list() {
    let mut story = begun();
    let first = story.list().version().unwrap();
    let unreachable = |list| {
        Command::Contacts(ContactCommand::Unreachable(ContactUnreachable {
            person: BOSS,
            list,
            channel: Channel::Email,
            notice: told("N-1"),
        }))
    };
    story.act(unreachable(first));
    assert_eq!(story.list().unreached, 1);
    story.act(add(
        named(CLERK, &[TechnicalSupport]),
        letter_by(Channel::Post),
    ));
    let second = story.list().version().unwrap();
    assert!(second > first);
    assert_eq!(story.list().unreached, 0, "a new list");
    story.act(unreachable(first));
    let unknown = unreachable(Position(second.0 + 1));
    assert_eq!(story.refused(unknown), RefusalCode::ContactState);
}
