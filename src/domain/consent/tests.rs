//! Words and their precedence, told as stories.

use super::precedence::later;
use super::speak::{WORDS_MAX, WORDS_WITH_GRANT_MAX};
use super::word::{BlockKind, Said, SpokenWord, Word};
use crate::domain::command::Command;
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Position};
use crate::domain::refusal::RefusalCode;
use crate::domain::ruling::{Basis, ReasonCode, Remedy, State};
use crate::domain::scope::{NamedRecipient, Recipients, Scope};
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::{
    AmountOfUse, Billing, CallDetail, Destination, Quantity, Type,
};
use crate::domain::vocabulary::RecipientKind::{self, Affiliate, Agent, Company, Parent};
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, Medium, Purposes, RecipientKinds, Speaker,
};

const ALL: CpniClasses = CpniClasses::ALL;

/// May the affiliate of that name (none: any) market mobile service?
fn affiliate(story: &Story, name: Option<&str>) -> (bool, State, Vec<u64>) {
    answer(story, Affiliate, name, Billing)
}

fn answer(
    story: &Story,
    kind: RecipientKind,
    name: Option<&str>,
    class: CpniClass,
) -> (bool, State, Vec<u64>) {
    let ruling = story.ask(&market_by(kind, name, class, "cmrs"));
    let positions = ruling.cells[0].positions.iter().map(|one| one.0).collect();
    (ruling.allowed, ruling.state, positions)
}

#[test]
fn v7_a_block_on_one_affiliate_leaves_the_others_granted() {
    let mut story = Story::begun();
    let granted = story.grant(marketing(kinds(&[Company, Affiliate]), ALL));
    let denied = story.deny(marketing(named(Affiliate, "acme"), CpniClasses::NONE));
    assert_eq!(
        affiliate(&story, Some("acme")),
        (false, State::Denied, vec![denied])
    );
    assert_eq!(
        affiliate(&story, Some("beta")),
        (true, State::Granted, vec![granted])
    );
    assert_eq!(
        affiliate(&story, None),
        (false, State::Denied, vec![denied])
    );
    assert_eq!(
        answer(&story, Company, None, Billing),
        (true, State::Granted, vec![granted])
    );
}

#[test]
fn v8_v9_a_wider_grant_lifts_a_narrow_block_only_by_naming_it() {
    let mut story = Story::begun();
    let denied = story.deny(marketing(named(Affiliate, "acme"), CpniClasses::NONE));
    let wide = marketing(kinds(&[Affiliate]), ALL);
    assert_eq!(story.still_blocked_by(wide.clone()), [denied]);
    assert!(!affiliate(&story, Some("acme")).0);
    assert!(affiliate(&story, Some("beta")).0);
    let lifting = story.grant_lifting(wide, &[denied]);
    assert_eq!(
        affiliate(&story, Some("acme")),
        (true, State::Granted, vec![lifting])
    );
}

#[test]
fn v10_v11_v12_a_later_narrower_grant_lifts_and_an_overlapping_one_does_not() {
    let mut story = Story::begun();
    let all = story.deny(Scope {
        recipients: Recipients::default(),
        classes: CpniClasses::NONE,
        purposes: Purposes::NONE,
    });
    let narrow = story.grant(company(classes(&[Billing])));
    assert_eq!(
        answer(&story, Company, None, Billing),
        (true, State::Granted, vec![narrow])
    );
    assert_eq!(
        answer(&story, Company, None, Quantity),
        (false, State::Denied, vec![all])
    );
    let again = story.deny(Scope::everything());
    assert_eq!(
        answer(&story, Company, None, Billing),
        (false, State::Denied, vec![again])
    );

    let mut story = Story::begun();
    let denied = story.deny(marketing(Recipients::default(), classes(&[Billing])));
    let overlapping = story.grant(marketing(kinds(&[Affiliate]), ALL));
    assert_eq!(
        answer(&story, Affiliate, Some("beta"), Billing),
        (false, State::Denied, vec![denied])
    );
    assert_eq!(
        answer(&story, Affiliate, Some("beta"), Type),
        (true, State::Granted, vec![overlapping])
    );
}

#[test]
fn v13_v14_in_one_breath_the_block_wins_and_in_two_the_position_decides() {
    let scope = company(classes(&[Billing]));
    for grant_first in [true, false] {
        let mut story = Story::begun();
        let mut words = vec![
            granting(scope.clone()),
            blocking(BlockKind::Deny, scope.clone(), &[]),
        ];
        if !grant_first {
            words.reverse();
        }
        let command = story.speaking(words);
        let events = story.attempt(&Command::Speak(command)).unwrap();
        let block = story.last[usize::from(grant_first)];
        let granted = events.iter().find_map(|event| match event {
            Event::Granted(granted) => Some(granted.still_blocked_by.clone()),
            _ => None,
        });
        assert_eq!(granted.unwrap(), [block]);
        assert_eq!(
            answer(&story, Company, None, Billing),
            (false, State::Denied, vec![block.0])
        );
    }
    let mut story = Story::begun();
    story.deny(scope.clone());
    // The grant is recorded at the very microsecond of the denial.
    story.now = Time(story.now.0 - 60_000_000);
    let granted = story.grant(scope);
    assert_eq!(
        answer(&story, Company, None, Billing),
        (true, State::Granted, vec![granted])
    );
}

#[test]
fn v15_a_grant_recorded_first_and_said_later_does_not_lift() {
    let scope = company(classes(&[Billing]));
    let mut story = Story::begun();
    story.minutes(10);
    let early = story.now;
    let late = story.minutes(1).now;
    story.occurred(late);
    story.grant(scope.clone());
    story.occurred(early);
    let denied = story.deny(scope);
    assert_eq!(
        answer(&story, Company, None, Billing),
        (false, State::Denied, vec![denied])
    );
}

#[test]
fn r4_asserted_words_are_ordered_by_what_they_assert_and_never_lift_a_witnessed_block() {
    let word = |position: u64, witnessed: bool, said_at: i64| Word {
        position: Position(position),
        command: Position(position),
        recorded_at: Time(100),
        occurred_at: Some(Time(said_at)),
        witnessed,
        said: Said::Grant {
            scope: Scope::everything(),
            lifts: Box::default(),
        },
        repeats: Box::default(),
        widened: false,
    };
    assert!(
        later(&word(1, false, 11), &word(2, false, 10)),
        "position doesn't count"
    );
    assert!(!later(&word(2, false, 10), &word(1, false, 10)), "strictly");
    assert!(!later(&word(9, false, 99), &word(1, true, 10)));
    assert!(later(&word(2, true, 11), &word(1, false, 10)));
    assert!(!later(&word(2, true, 10), &word(1, false, 10)));
    assert!(!later(&word(1, true, 11), &word(2, false, 10)));
}

#[test]
fn v20_v21_a_restriction_blocks_its_scope_less_its_exceptions_and_grants_nothing() {
    let except = company(classes(&[Billing]));
    let mut story = Story::begun();
    let granted = story.grant(company(ALL));
    let restricted = story.restrict(company(ALL), std::slice::from_ref(&except));
    assert_eq!(
        answer(&story, Company, None, Billing),
        (true, State::Granted, vec![granted])
    );
    assert_eq!(
        answer(&story, Company, None, Quantity),
        (false, State::Restricted, vec![restricted])
    );

    let mut story = Story::begun();
    story.restrict(company(ALL), &[except]);
    assert_eq!(
        answer(&story, Company, None, Billing),
        (false, State::Unknown, vec![])
    );
}

#[test]
fn v40_call_detail_is_granted_by_name_or_by_all_and_blocked_with_its_parts() {
    let mut story = Story::begun();
    story.grant(company(classes(&[AmountOfUse, Destination])));
    assert_eq!(answer(&story, Company, None, CallDetail).1, State::Unknown);
    story.grant(company(ALL));
    assert!(answer(&story, Company, None, CallDetail).0);
    let denied = story.deny(company(classes(&[Destination])));
    assert_eq!(
        answer(&story, Company, None, CallDetail),
        (false, State::Denied, vec![denied])
    );
}

#[test]
fn r13_an_exception_for_call_detail_is_void_while_its_parts_are_restricted() {
    let except = company(classes(&[CallDetail]));
    let mut story = Story::begun();
    story.grant(company(ALL));
    let restricted = story.restrict(company(ALL), std::slice::from_ref(&except));
    let expected = (false, State::Restricted, vec![restricted]);
    assert_eq!(answer(&story, Company, None, CallDetail), expected);
    // Equal in cells to the restriction, for all that its words except.
    let lifting = story.grant(company(ALL));
    assert_eq!(
        answer(&story, Company, None, CallDetail),
        (true, State::Granted, vec![lifting])
    );
}

#[test]
fn r3_a_grant_that_reaches_into_an_exception_is_no_subset() {
    let acme = marketing(named(Affiliate, "acme"), ALL);
    let mut story = Story::begun();
    let restricted = story.restrict(marketing(kinds(&[Affiliate]), ALL), &[acme]);
    assert_eq!(
        story.still_blocked_by(marketing(kinds(&[Affiliate]), ALL)),
        [restricted]
    );
    assert_eq!(affiliate(&story, Some("beta")).1, State::Restricted);
    assert!(affiliate(&story, Some("acme")).0);
    story.grant(marketing(named(Affiliate, "beta"), ALL));
    assert!(affiliate(&story, Some("beta")).0);
}

#[test]
fn v42_a_block_on_affiliates_reaches_the_parent_and_a_grant_does_not() {
    let mut story = Story::begun();
    story.grant(marketing(kinds(&[Affiliate, Parent]), ALL));
    let denied = story.deny(marketing(kinds(&[Affiliate]), CpniClasses::NONE));
    assert_eq!(
        answer(&story, Parent, Some("holding"), Billing),
        (false, State::Denied, vec![denied])
    );
    let mut story = Story::begun();
    story.grant(marketing(kinds(&[Affiliate]), ALL));
    assert_eq!(
        answer(&story, Parent, Some("holding"), Billing).1,
        State::Unknown
    );
}

#[test]
fn r12_a_named_block_follows_the_entity_whatever_it_is_asked_as() {
    let mut story = Story::begun();
    story.grant(marketing(kinds(&[Affiliate, Agent]), ALL));
    let denied = story.deny(marketing(named(Affiliate, "acme"), CpniClasses::NONE));
    assert_eq!(
        answer(&story, Agent, Some("acme"), Billing),
        (false, State::Denied, vec![denied])
    );
    assert!(
        answer(&story, Agent, None, Billing).0,
        "the block names an affiliate"
    );
}

#[test]
fn r3_a_lift_is_for_good_and_a_withdrawal_says_so() {
    let scope = company(classes(&[Billing]));
    let mut story = Story::begun();
    story.deny(scope.clone());
    story.grant(scope.clone());
    let withdrawn = story.withdraw(scope);
    let ruling = story.ask(&market(Billing, "cmrs"));
    assert_eq!(ruling.state, State::Denied);
    let [reason] = ruling.reasons.as_slice() else {
        panic!("{:?}", ruling.reasons)
    };
    assert_eq!(
        (reason.code, &*reason.positions),
        (ReasonCode::Withdrawn, &[Position(withdrawn)][..])
    );
    assert_eq!(ruling.remedies, [Remedy::Lift(vec![Position(withdrawn)])]);
}

#[test]
fn r15_a_block_needs_nothing_and_a_grant_says_what_it_lacks() {
    let scope = company(classes(&[Billing]));
    let words = vec![granting(scope.clone())];
    let mut story = Story::begun();
    let refused = |story: &mut Story, change: &dyn Fn(&mut super::word::Speak)| {
        let mut command = story.speaking(words.clone());
        change(&mut command);
        let refused = story.refused(Command::Speak(command.clone()));
        command.words = vec![blocking(BlockKind::Deny, scope.clone(), &[])];
        story.clone().act(Command::Speak(command));
        refused
    };
    assert_eq!(
        refused(&mut story, &|c| c.statement.assurance = None),
        RefusalCode::VerificationRequired
    );
    assert_eq!(
        refused(&mut story, &|c| c.statement.speaker = Speaker::Other),
        RefusalCode::VerificationRequired
    );
    let by_mail = |c: &mut super::word::Speak| {
        c.statement.assurance.as_mut().unwrap().method = AssuranceMethod::Mail;
    };
    assert_eq!(
        refused(&mut story, &by_mail),
        RefusalCode::VerificationRequired
    );
    let long_ago = |c: &mut super::word::Speak| {
        let at = &mut c.statement.assurance.as_mut().unwrap().at;
        // The command comes a minute later: half an hour has then passed.
        *at = Time(at.0 - 29 * 60_000_000);
    };
    assert_eq!(
        refused(&mut story, &long_ago),
        RefusalCode::VerificationRequired
    );
    assert_eq!(
        refused(&mut story, &|c| c.statement.medium = Medium::Oral),
        RefusalCode::EvidenceRequired
    );
    assert_eq!(
        refused(&mut story, &|c| c.statement.notice = None),
        RefusalCode::NoticeRequired
    );
    assert_eq!(
        refused(&mut story, &|c| c.statement.notice = Some(Position(1))),
        RefusalCode::NoticeRequired
    );
    story.minutes(60).close("local");
    assert_eq!(refused(&mut story, &|_| {}), RefusalCode::NoService);
}

#[test]
fn v27_a_notice_comes_before_the_grant_and_covers_it() {
    let mut story = Story::new(policy());
    story.account(&["local"]);
    let before = story.minutes(5).now;
    story.notice(company(classes(&[Billing])));
    story.occurred(before);
    let early = story.speaking(vec![granting(company(classes(&[Billing])))]);
    assert_eq!(
        story.refused(Command::Speak(early)),
        RefusalCode::NoticeRequired
    );
    let wide = story.speaking(vec![granting(company(classes(&[Billing, Type])))]);
    assert_eq!(
        story.refused(Command::Speak(wide)),
        RefusalCode::NoticeRequired
    );
    story.grant(company(classes(&[Billing])));
}

#[test]
fn r2_r12_a_grant_names_its_scope_and_its_third_parties() {
    let mut story = Story::begun();
    for scope in [
        company(CpniClasses::NONE),
        marketing(Recipients::default(), ALL),
        Scope {
            purposes: Purposes::NONE,
            ..company(ALL)
        },
        marketing(kinds(&[RecipientKind::ThirdParty]), ALL),
        marketing(Recipients::of(RecipientKinds::ALL), ALL),
    ] {
        let command = story.speaking(vec![granting(scope)]);
        assert_eq!(
            story.refused(Command::Speak(command)),
            RefusalCode::ScopeRequired
        );
    }
    story.grant(marketing(named(RecipientKind::ThirdParty, "paper"), ALL));
}

#[test]
fn r5_words_occurred_within_a_day_and_never_ahead() {
    let mut story = Story::begun();
    story.minutes(3 * 24 * 60);
    let deny = |story: &Story| {
        Command::Speak(story.speaking(vec![blocking(BlockKind::Deny, Scope::everything(), &[])]))
    };
    let then = story.now.plus_minutes(1);
    for (at, accepted) in [
        (then, true),
        (Time(then.0 + 1), false),
        (then.minus_hours(24), true),
        (Time(then.minus_hours(24).0 - 1), false),
    ] {
        let mut story = story.clone();
        let command = deny(&story);
        let outcome = story.occurred(at).attempt(&command);
        assert_eq!(outcome.is_ok(), accepted);
        if let Err(refusal) = outcome {
            assert_eq!(refusal.code, RefusalCode::OccurredAt);
        }
    }
}

#[test]
fn r2_a_repeated_block_takes_the_older_ones_place_and_its_name_lifts_both() {
    let scope = marketing(named(Affiliate, "acme"), ALL);
    let mut story = Story::begun();
    let first = story.deny(scope.clone());
    let said = story.now;
    let second = story.deny(scope.clone());
    assert_eq!(story.state().words.len(), 1);
    // Said before both: it can't stand for them, nor they for it.
    story.occurred(Time(said.0 - 1));
    let third = story.deny(scope.clone());
    assert_eq!(story.state().words.len(), 2);
    let wide = marketing(kinds(&[Affiliate]), ALL);
    let mut naming_first = story.clone();
    naming_first.grant_lifting(wide.clone(), &[first]);
    assert_eq!(affiliate(&naming_first, Some("acme")).2, [second, third]);
    let none = story.speaking(vec![SpokenWord::Grant {
        scope: wide.clone(),
        lifts: vec![Position(2)],
    }]);
    assert_eq!(
        story.refused(Command::Speak(none)),
        RefusalCode::BlockUnknown
    );
    story.grant_lifting(wide, &[third]);
    assert!(
        affiliate(&story, Some("acme")).0,
        "{third} names its repeats"
    );
}

#[test]
fn r2_blocks_are_taken_beyond_every_limit_and_then_stand_for_everything() {
    let one = |number: usize| marketing(named(Affiliate, &format!("affiliate-{number}")), ALL);
    let mut story = Story::begun();
    story.grant(company(classes(&[Billing])));
    for number in story.state().words.len()..WORDS_MAX {
        story.deny(one(number));
    }
    assert!(story.state().words.len() > WORDS_WITH_GRANT_MAX);
    let command = story.speaking(vec![granting(company(ALL))]);
    assert_eq!(story.refused(Command::Speak(command)), RefusalCode::Limit);
    assert!(answer(&story, Company, None, Billing).0);
    for number in 0..20 {
        story.deny(one(1000 + number));
    }
    assert_eq!(story.state().words.len(), WORDS_MAX + 1);
    assert_eq!(answer(&story, Company, None, Billing).1, State::Denied);
}

#[test]
fn r2_a_malformed_block_is_refused_and_not_guessed_at() {
    let mut story = Story::begun();
    let nothing = Scope {
        recipients: Recipients::default(),
        classes: CpniClasses::NONE,
        purposes: Purposes::NONE,
    };
    let many = Recipients::new(
        RecipientKinds::NONE,
        (0..65).map(|number| NamedRecipient {
            kind: Affiliate,
            entity: EntityId::parse(&format!("a{number}")).unwrap(),
        }),
    );
    for word in [
        blocking(BlockKind::Deny, company(ALL), &[company(ALL)]),
        blocking(
            BlockKind::Restrict,
            company(ALL),
            std::slice::from_ref(&nothing),
        ),
        blocking(BlockKind::Deny, marketing(many, ALL), &[]),
    ] {
        let command = story.speaking(vec![word]);
        assert_eq!(story.refused(Command::Speak(command)), RefusalCode::Invalid);
    }
    let none = story.speaking(Vec::new());
    assert_eq!(story.refused(Command::Speak(none)), RefusalCode::Invalid);
}

#[test]
fn v35_a_one_time_approval_lasts_for_its_call_and_lifts_nothing() {
    let mut story = Story::begun();
    let denied = story.deny(company(CpniClasses::NONE));
    let approve = story.once(call(7), company(classes(&[Billing])));
    let once = story.act(approve.clone());
    let mut question = market(Billing, "cmrs");
    assert_eq!(
        answer(&story, Company, None, Billing),
        (false, State::Denied, vec![denied])
    );
    question.call = Some(call(7));
    let ruling = story.ask(&question);
    assert_eq!(
        (ruling.allowed, ruling.basis, ruling.state),
        (true, Some(Basis::OneTime), State::Denied)
    );
    assert_eq!(ruling.reasons[0].positions, [Position(once)]);
    assert_eq!(ruling.valid_until, Some(story.now.plus_hours(4)));
    assert!(!story.ask_at(&question, story.now.plus_hours(4)).allowed);
    question.call = Some(call(8));
    assert!(!story.ask(&question).allowed);
    story.end_call(call(7));
    question.call = Some(call(7));
    assert_eq!(story.ask(&question).cells[0].positions, [Position(denied)]);
    assert_eq!(story.refused(approve), RefusalCode::Call);
}

#[test]
fn f8_a_block_given_during_the_call_ends_the_approval() {
    let mut question = market(Billing, "cmrs");
    question.call = Some(call(7));
    let mut story = Story::begun();
    story.act(story.once(call(7), company(classes(&[Billing, Type]))));
    story.deny(marketing(kinds(&[Affiliate]), ALL));
    assert!(story.ask(&question).allowed, "another recipient's");
    story.deny(company(classes(&[Type])));
    assert!(!story.ask(&question).allowed, "it ends as a whole");
    // Said before the block, recorded after it.
    let said = Time(story.now.0 - 1);
    story.occurred(said);
    let approve = story.once(call(7), company(classes(&[Billing, Type])));
    assert_eq!(story.refused(approve), RefusalCode::Call);
}

#[test]
fn r11_a_one_time_approval_is_oral_recorded_and_by_class() {
    let mut story = Story::begun();
    for (change, code) in [
        (
            (|c| c.statement.medium = Medium::Written) as fn(&mut super::word::GrantOnce),
            RefusalCode::Invalid,
        ),
        (
            |c| c.statement.evidence_reference = None,
            RefusalCode::EvidenceRequired,
        ),
        (
            |c| c.scope.classes = CpniClasses::ALL,
            RefusalCode::ScopeRequired,
        ),
        (
            |c| c.scope.classes = CpniClasses::NONE,
            RefusalCode::ScopeRequired,
        ),
        (
            |c| c.statement.assurance = None,
            RefusalCode::VerificationRequired,
        ),
    ] {
        let Command::GrantOnce(mut command) = story.once(call(1), company(classes(&[Billing])))
        else {
            unreachable!()
        };
        change(&mut command);
        assert_eq!(story.refused(Command::GrantOnce(command)), code);
    }
    for number in 0..8 {
        story.act(story.once(call(number), company(classes(&[Billing]))));
    }
    let ninth = story.once(call(9), company(classes(&[Billing])));
    assert_eq!(story.refused(ninth), RefusalCode::Limit);
    story.minutes(4 * 60);
    story.act(story.once(call(9), company(classes(&[Billing]))));
    assert_eq!(story.state().one_time.len(), 1, "ended ones are forgotten");
}
