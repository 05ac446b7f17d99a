//! How long records are kept, and erasing (F20, E8, R16).

use super::erasure::{Erase, ErasureBasis, ErasureCompleted};
use super::*;
use crate::domain::checks::question::Question;
use crate::domain::command::Command;
use crate::domain::disclosures::Ground;
use crate::domain::event::Event;
use crate::domain::ids::Personal;
use crate::domain::preferences::Preferences;
use crate::domain::ruling::{ReasonCode, State};
use crate::domain::scope::Scope;
use crate::domain::testing::{Story, baseline, policy_with, told};
use crate::domain::testing::{agree_to_email, change, company, entity, granting, market, notice};
use crate::domain::vocabulary::{CpniClass, CpniClasses};

fn hold(matter: &str) -> Command {
    Command::Retention(RetentionCommand::Hold(HoldPlaced {
        matter: Some(Personal::new(matter)),
    }))
}

fn release(hold: u64) -> Command {
    Command::Retention(RetentionCommand::Release(HoldReleased {
        hold: Position(hold),
    }))
}

fn rules(story: &Story, at: Time) -> Vec<RetentionRule> {
    let bars = bars(story.state(), &story.rulebook, at);
    bars.iter().map(|bar| bar.rule).collect()
}

#[test]
fn f20_nothing_is_erased_while_a_service_is_held() {
    let story = Story::begun();
    let far = story.now.plus_hours(24 * 5000);
    assert_eq!(rules(&story, far), [RetentionRule::ServicesHeld]);
}

#[test]
fn f20_records_are_kept_for_the_period_after_the_end_of_the_last_service() {
    let mut story = Story::begun();
    story.close("local");
    let days = story.rulebook.periods().retention_days;
    let until = story.now.plus_hours(24 * days);
    assert!(days >= 365, "a year at least (64.2007(a)(3))");
    assert_eq!(rules(&story, Time(until.0 - 1)), [RetentionRule::Period]);
    assert_eq!(
        bars(story.state(), &story.rulebook, story.now)[0].until,
        Some(until)
    );
    assert!(rules(&story, until).is_empty());
}

#[test]
fn f20_an_end_that_lies_ahead_bars_until_then_and_for_the_period_after() {
    let mut story = Story::begun();
    let end = story.now.plus_hours(1000);
    story.act(crate::domain::testing::change(&[], &[("local", Some(end))]));
    let now = bars(story.state(), &story.rulebook, story.now);
    assert_eq!(
        (now[0].rule, now[0].until),
        (RetentionRule::ServicesHeld, Some(end))
    );
    assert_eq!(rules(&story, end), [RetentionRule::Period]);
}

#[test]
fn f20_a_legal_hold_bars_until_every_one_is_released() {
    let mut story = Story::begun();
    story.close("local");
    let first = story.act(hold("2:26-cv-00123"));
    let second = story.act(hold("2:26-cv-00456"));
    let far = story.now.plus_hours(24 * 5000);
    assert_eq!(rules(&story, far), [RetentionRule::LegalHold; 2]);
    story.act(release(first));
    let left = bars(story.state(), &story.rulebook, far);
    assert_eq!((left.len(), left[0].hold), (1, Some(Position(second))));
    assert_eq!(story.refused(release(first)), RefusalCode::HoldUnknown);
    story.act(release(second));
    assert!(rules(&story, far).is_empty());
}

#[test]
fn f20_a_hold_names_its_matter() {
    let mut story = Story::begun();
    assert_eq!(story.refused(hold(" ")), RefusalCode::Invalid);
}

fn erase() -> Command {
    Command::Retention(RetentionCommand::Erase(Erase {
        basis: ErasureBasis::StatePrivacyLaw,
        reference: Some(Personal::new("DSR-2031")),
    }))
}

fn complete(requested: u64) -> Command {
    Command::Retention(RetentionCommand::CompleteErasure(ErasureCompleted {
        requested: Position(requested),
    }))
}

/// The rules that the refusal names.
fn barred(story: &mut Story) -> Vec<RetentionRule> {
    match story.attempt(&erase()).unwrap().as_slice() {
        [Event::Retention(RetentionEvent::ErasureRefused(refused))] => {
            refused.bars.iter().map(|bar| bar.rule).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// A customer who granted and denied, left, and may be erased now.
fn over() -> Story {
    let mut story = Story::begun();
    story.grant(company(CpniClasses::ALL));
    story.close("local");
    let days = story.rulebook.periods().retention_days;
    story.now = story.now.plus_hours(24 * days);
    story
}

#[test]
fn f20_an_erasure_before_its_time_is_refused_on_record_with_each_bar_and_changes_nothing() {
    let mut story = Story::begun();
    story.act(hold("2:26-cv-00123"));
    let before = story.state().clone();
    assert_eq!(
        barred(&mut story),
        [
            RetentionRule::ServicesHeld,
            RetentionRule::Period,
            RetentionRule::LegalHold
        ]
    );
    let after = story.state();
    assert_eq!(after.version, before.version + 1, "it is on record");
    let as_before = Customer {
        version: before.version,
        last: before.last,
        ..after.clone()
    };
    assert_eq!(as_before, before, "and the period runs as it did");
}

#[test]
fn f20_a_rulebook_that_gives_no_right_to_it_bars_every_erasure() {
    assert!(!baseline().erasure().enabled, "47 CFR Part 64 gives none");
    let mut story = over();
    story.rulebook = policy_with("[erasure]\nenabled = true", "[erasure]\nenabled = false");
    assert_eq!(barred(&mut story), [RetentionRule::NotProvided]);
}

#[test]
fn f20_an_erasure_names_what_it_answers() {
    let command = Command::Retention(RetentionCommand::Erase(Erase {
        basis: ErasureBasis::CourtOrder,
        reference: told(" "),
    }));
    assert_eq!(over().refused(command), RefusalCode::Invalid);
}

#[test]
fn e8_an_erased_customer_is_a_tombstone_and_every_answer_is_no_for_ever() {
    let mut story = over();
    let version = story.state().version;
    let requested = story.act(erase());
    let state = story.state();
    assert_eq!(state.version, version + 1);
    assert!(state.words.is_empty() && state.services.held.is_empty() && state.notices.is_empty());
    let days = story.rulebook.erasure().within_days;
    let erasure = state.erased.as_deref().unwrap();
    assert_eq!(erasure.requested, Position(requested));
    assert_eq!(erasure.due_by, story.now.plus_hours(24 * days));
    assert_eq!(erasure.completed, None);
    let question = Question {
        ground: Some(Ground::Directory {
            publisher: None,
            non_published: false,
        }),
        ..market(CpniClass::Billing, "cmrs")
    };
    for question in [
        question.clone(),
        Question {
            ground: None,
            ..question
        },
    ] {
        for hours in [0, 1, 24 * 5000] {
            let ruling = story.ask_at(&question, story.now.plus_hours(hours));
            assert!(!ruling.allowed);
            assert_eq!(ruling.state, State::Denied);
            let codes: Vec<_> = ruling.reasons.iter().map(|reason| reason.code).collect();
            assert_eq!(codes, [ReasonCode::Erased]);
            assert_eq!((ruling.valid_until, ruling.remedies.len()), (None, 0));
        }
    }
    let preferences = Preferences::of(story.state(), story.world(), story.now);
    assert!(preferences.erased && preferences.cells.is_empty());
    let text = serde_json::to_string(&preferences.clone().usable_only()).unwrap();
    assert!(text.contains("\"cells\":[],\"erased\":true"), "{text}");
    assert_eq!(preferences.version, version + 1);
}

#[test]
fn r16_nothing_more_can_be_said_or_done_about_an_erased_customer_but_that_the_keys_are_destroyed() {
    let mut story = over();
    let requested = story.act(erase());
    let commands = [
        erase(),
        hold("2:26-cv-00123"),
        change(&["local"], &[]),
        notice(Scope::everything()),
        agree_to_email(),
        complete(requested - 1),
    ];
    let speak = Command::Speak(story.speaking(vec![granting(Scope::everything())]));
    for command in commands.into_iter().chain([speak]) {
        assert_eq!(story.refused(command), RefusalCode::CustomerErased);
    }
    let opens = Command::OpenAccount(crate::domain::services::OpenAccount {
        legal_entity: entity("infotech"),
        services: Vec::new(),
    });
    assert_eq!(story.refused(opens.clone()), RefusalCode::CustomerErased);
    let completed = story.act(complete(requested));
    let step = story.state().erased.as_deref().unwrap().completed.unwrap();
    assert_eq!((step.position, step.at), (Position(completed), story.now));
    assert_eq!(
        story.refused(complete(requested)),
        RefusalCode::CustomerErased
    );
    assert_eq!(story.refused(opens), RefusalCode::CustomerErased);
}

#[test]
fn f20_nobody_completes_what_nobody_asked_for() {
    let mut story = over();
    assert_eq!(story.refused(complete(1)), RefusalCode::StepOrder);
}

#[test]
fn e8_what_a_log_holds_after_an_erasure_brings_nothing_back() {
    let mut story = over();
    let before = story.clone();
    story.act(erase());
    let mut more = before;
    let granted = more.attempt(&change(&["local"], &[])).unwrap();
    let mut state = story.state().clone();
    let erased = state.erased.clone();
    state.follow(&Placed {
        position: Position(story.next),
        command: Position(story.next),
        recorded_at: story.now,
        occurred_at: None,
        event: &granted[0],
    });
    assert!(state.services.held.is_empty());
    assert_eq!(state.erased, erased);
}
