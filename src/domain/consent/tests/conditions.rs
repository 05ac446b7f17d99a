//! What a word needs to be taken, and what is kept of it (R2, R5, R11, R15).

use super::*;

#[test]
fn r15_a_block_needs_nothing_and_a_grant_says_what_it_lacks() {
    let scope = company(classes(&[Billing]));
    let words = vec![granting(scope.clone())];
    let mut story = Story::begun();
    let refused = |story: &mut Story, change: &dyn Fn(&mut crate::domain::consent::word::Speak)| {
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
    let by_mail = |c: &mut crate::domain::consent::word::Speak| {
        c.statement.assurance.as_mut().unwrap().method = AssuranceMethod::Mail;
    };
    assert_eq!(
        refused(&mut story, &by_mail),
        RefusalCode::VerificationRequired
    );
    let long_ago = |c: &mut crate::domain::consent::word::Speak| {
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
    story.deny(one(5));
    assert_eq!(story.state().words.len(), WORDS_MAX + 1, "it repeats one");
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
            (|c| c.statement.medium = Medium::Written)
                as fn(&mut crate::domain::consent::word::GrantOnce),
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
