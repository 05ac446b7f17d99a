//! Services opened and closed, told as stories.

use crate::domain::command::Command;
use crate::domain::ids::Position;
use crate::domain::refusal::RefusalCode;
use crate::domain::ruling::{Basis, Remedy, State};
use crate::domain::services::OpenAccount;
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::Billing;
use crate::domain::vocabulary::RecipientKind::{Affiliate, Agent};
use crate::domain::vocabulary::{CpniClasses, RecipientKind};

#[test]
fn v1_v2_v3_marketing_follows_the_services_held_at_that_instant() {
    let mut story = Story::begun();
    let ruling = story.ask(&market(Billing, "local"));
    assert_eq!(
        (ruling.allowed, ruling.state, ruling.basis),
        (true, State::Unknown, Some(Basis::HeldCategory))
    );
    assert_eq!(ruling.reasons[0].positions, [Position(2)]);
    let ruling = story.ask(&market(Billing, "interexchange"));
    assert_eq!((ruling.allowed, ruling.state), (false, State::Unknown));
    assert_eq!(
        ruling.remedies,
        [
            Remedy::OpenService(category("interexchange")),
            Remedy::OptIn
        ]
    );

    story.open("voip");
    story.close("local");
    let end = story.now;
    let before = story.ask_at(&market(Billing, "local"), Time(end.0 - 1));
    assert_eq!((before.allowed, before.valid_until), (true, Some(end)));
    assert!(!story.ask_at(&market(Billing, "local"), end).allowed);
    assert!(story.ask(&market(Billing, "voip")).allowed);
}

#[test]
fn r6_an_offering_over_several_categories_needs_all_of_them() {
    let mut story = Story::begun();
    let mut question = market(Billing, "local");
    question.target_categories.push(category("voip"));
    assert_eq!(
        story.ask(&question).remedies[0],
        Remedy::OpenService(category("voip"))
    );
    story.open("voip");
    assert!(story.ask(&question).allowed);
    question.source_category = Some(category("cmrs"));
    assert!(
        !story.ask(&question).allowed,
        "CPNI of a service that isn't held"
    );
}

/// State of affiliate Beta's and agent Ag's cells.
fn states(story: &Story) -> (State, State) {
    let of = |kind: RecipientKind, name| {
        story
            .ask(&market_by(kind, Some(name), Billing, "cmrs"))
            .state
    };
    (of(Affiliate, "beta"), of(Agent, "ag"))
}

#[test]
fn v24_the_last_service_closed_ends_grants_and_puts_blocks_to_sleep() {
    let mut story = Story::begun();
    story.open("voip");
    let denied = story.deny(marketing(kinds(&[Affiliate]), CpniClasses::NONE));
    story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
    story.close("local");
    assert_eq!(states(&story), (State::Denied, State::Granted));
    story.close("voip");
    assert_eq!(states(&story), (State::Lapsed, State::Lapsed));
    assert_eq!(
        story.ask(&market(Billing, "cmrs")).state,
        State::Unknown,
        "never spoken of"
    );
    story.deny(marketing(named(Agent, "other"), CpniClasses::ALL));
    story.open("local");
    assert_eq!(states(&story), (State::Denied, State::Unknown));
    let beta = story.ask(&market_by(Affiliate, Some("beta"), Billing, "cmrs"));
    assert_eq!(beta.cells[0].positions, [Position(denied)]);
}

#[test]
fn r9_closing_and_opening_in_one_command_is_no_lapse_and_in_two_is_one() {
    let granted = |story: &Story| states(story).1 == State::Granted;
    let mut story = Story::begun();
    story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
    story.act(change(&["voip"], &[("local", None)]));
    assert!(granted(&story));
    story.act(change(&["voip"], &[("voip", None)]));
    assert!(granted(&story));
    story.close("voip");
    story.open("voip");
    assert!(!granted(&story));
}

#[test]
fn r6_r18_a_planned_end_counts_when_it_comes() {
    let mut story = Story::begun();
    story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
    let end = story.now.plus_hours(48);
    story.act(change(&[], &[("local", Some(end))]));
    let agent = market_by(Agent, Some("ag"), Billing, "cmrs");
    let ruling = story.ask(&agent);
    assert_eq!((ruling.allowed, ruling.valid_until), (true, Some(end)));
    assert_eq!(story.ask_at(&agent, end).state, State::Lapsed);
    let no = story.ask(&market(Billing, "cmrs"));
    assert_eq!((no.allowed, no.valid_until), (false, None));

    let mut kept = story.clone();
    kept.open("local");
    assert_eq!(kept.ask(&agent).valid_until, None, "the end was called off");

    story.minutes(48 * 60).open("local");
    assert_eq!(story.ask(&agent).state, State::Unknown);
}

#[test]
fn r9_a_grant_said_before_a_lapse_and_recorded_after_it_is_refused() {
    let mut story = Story::begun();
    story.minutes(60);
    let said = story.now;
    story.close("local");
    story.open("local");
    story.occurred(said);
    let command = story.speaking(vec![granting(company(CpniClasses::ALL))]);
    assert_eq!(
        story.refused(Command::Speak(command)),
        RefusalCode::NoService
    );
}

#[test]
fn r5_r9_an_end_stated_for_the_past_may_show_a_lapse_before_the_next_opening() {
    for (ago, granted) in [(1, true), (3, false)] {
        let mut story = Story::begun();
        story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
        story.minutes(60).open("voip");
        // VOIP has counted for two minutes when the end is recorded.
        story.minutes(1);
        let ended = Time(story.now.0 + 60_000_000 - ago * 60_000_000);
        story.act(change(&[], &[("local", Some(ended))]));
        assert_eq!(states(&story).1 == State::Granted, granted, "{ago} min ago");
    }
}

#[test]
fn p6_while_no_service_is_held_blocks_are_taken_and_grants_refused() {
    let mut story = Story::begun();
    story.close("local");
    let command = story.speaking(vec![granting(company(CpniClasses::ALL))]);
    assert_eq!(
        story.refused(Command::Speak(command)),
        RefusalCode::NoService
    );
    story.deny(company(CpniClasses::ALL));
    assert_eq!(story.ask(&market(Billing, "local")).state, State::Lapsed);
}

#[test]
fn r6_services_are_opened_and_closed_once_and_known() {
    let mut story = Story::begun();
    for (command, code) in [
        (change(&["local"], &[]), RefusalCode::ServiceState),
        (change(&[], &[("voip", None)]), RefusalCode::ServiceState),
        (change(&["telex"], &[]), RefusalCode::CategoryUnknown),
        (change(&["voip", "voip"], &[]), RefusalCode::Invalid),
        (change(&[], &[]), RefusalCode::Invalid),
        (
            change(&[], &[("local", Some(story.now.minus_hours(25)))]),
            RefusalCode::OccurredAt,
        ),
    ] {
        assert_eq!(story.refused(command), code);
    }
    let again = Command::OpenAccount(OpenAccount {
        legal_entity: entity("infotech"),
        services: Vec::new(),
    });
    assert_eq!(story.refused(again.clone()), RefusalCode::CustomerExists);
    let mut nobody = Story::new(policy());
    assert_eq!(
        nobody.refused(change(&["local"], &[])),
        RefusalCode::CustomerUnknown
    );
    nobody.act(again);
    assert_eq!(nobody.state().version, 1);
}
