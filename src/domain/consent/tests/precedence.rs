//! Which word stands in which cell (R2-R4, R12, R13).

use super::*;

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
fn r13_a_grant_of_call_detail_that_reaches_beyond_what_its_parts_block_is_no_subset() {
    let mut story = Story::begun();
    let except = marketing(kinds(&[Affiliate]), classes(&[Destination]));
    let everybody = marketing(Recipients::default(), classes(&[Destination]));
    let restricted = story.restrict(everybody, &[except]);
    // The affiliates' call detail is not blocked along with their destinations: those are excepted.
    let both = marketing(kinds(&[Parent, Affiliate]), classes(&[CallDetail]));
    assert_eq!(story.still_blocked_by(both), [restricted]);
    let parent = marketing(kinds(&[Parent]), classes(&[CallDetail]));
    assert!(story.still_blocked_by(parent).is_empty());
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
