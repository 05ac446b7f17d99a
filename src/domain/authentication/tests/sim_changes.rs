//! SIM changes: what is demanded while the rule is in force, and nothing else (F18; 64.2010(h)).

use super::*;
use crate::domain::authentication::change_notices::{
    AccountChange, NoticeTarget, SendChangeNotice,
};
use crate::domain::authentication::sim_changes::{
    RequestSimChange, SIM_CHANGES_MAX, SimRefusal, SimStep, SimStepTaken, kept_until,
};
use crate::domain::rulebook::{DEFAULT_TEXT, Rulebook};
use crate::domain::time::Time;

const CHANGES: VerifiedFor = VerifiedFor::AccountChanges;

fn book(rule: &str) -> Rulebook {
    let delayed = "[rules.sim_change]\nstatus = \"adopted_delayed\"";
    let text = DEFAULT_TEXT.replace(delayed, &format!("[rules.sim_change]\n{rule}"));
    assert_ne!(text, DEFAULT_TEXT);
    Rulebook::parse(&text, [7; 32]).unwrap()
}

/// An account of forty days with a number of record, by that rulebook.
fn aged_by(rulebook: Rulebook) -> Story {
    let mut story = Story::begun_with(rulebook);
    story.ask_for(associate(number(NUMBER), None, Authority::StartOfService));
    story.minutes(40 * DAY);
    story
}

fn in_force() -> Story {
    aged_by(book("status = \"in_force\""))
}

fn change(authority: Option<Authority>) -> Asked {
    Asked::RequestSimChange(RequestSimChange {
        number: NUMBER,
        authority,
    })
}

fn step(request: u64, step: SimStep) -> Asked {
    let request = Position(request);
    Asked::TakeSimStep(SimStepTaken { request, step })
}

fn told(request: u64) -> Asked {
    Asked::SendChangeNotice(SendChangeNotice {
        change: Position(request),
        channel: Some(Channel::Text),
        to: NoticeTarget::OfRecord(number(NUMBER)),
    })
}

fn refusal(events: &[Done]) -> Option<SimRefusal> {
    match events {
        [Done::SimChangeRefused(refused)] => Some(refused.why),
        [Done::SimChangeRequested(_)] => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn f18_a_sim_is_changed_after_secure_authentication_and_word_to_the_customer() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    let request = story.ask_for(change(Some(authority)));
    let due = *story.authentication().due.last().unwrap();
    assert_eq!(
        (due.change, due.what),
        (Position(request), AccountChange::SimChange)
    );
    let effected = step(request, SimStep::Effected);
    assert_eq!(
        story.denied(effected.clone()),
        RefusalCode::SimChangeState,
        "the customer isn't told yet"
    );
    story.ask_for(told(request));
    story.ask_for(effected.clone());
    assert_eq!(story.denied(effected), RefusalCode::SimChangeState, "once");
    story.ask_for(step(request, SimStep::FraudReported));
    story.ask_for(step(request, SimStep::Remediated));
}

#[test]
fn f18_whom_nothing_but_available_data_verified_gets_no_sim_and_the_attempt_is_on_record() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    story.ask_for(establish(1, authority));
    let prompted = story.ask_for(Asked::Check(CheckSecret {
        identified: identified(CHANGES),
        compared: compared(1, true),
        prompted: true,
    }));
    let for_support = story.call_back(VerifiedFor::TechnicalSupport);
    let verified = |record| Authority::Verification {
        record: Position(record),
        call: CALL,
    };
    let fit = story.call_back(CHANGES);
    let Authority::Verification { record, .. } = fit else {
        panic!("{fit:?}");
    };
    let of_another_call = Authority::Verification {
        record,
        call: Token([0xcb; 16]),
    };
    let unfit = [
        None,
        Some(verified(prompted)),
        Some(for_support),
        Some(of_another_call),
        Some(Authority::StartOfService),
        Some(Authority::Challenge { call: CALL }),
    ];
    for authority in unfit {
        let events = story.asked(change(authority));
        let why = refusal(&events);
        assert_eq!(why, Some(SimRefusal::NotAuthenticated), "{authority:?}");
    }
    let sim = story.authentication().sim.as_ref().unwrap();
    assert_eq!((sim.refused, sim.changes.len()), (6, 0));
    assert_eq!(refusal(&story.asked(change(Some(fit)))), None);
}

#[test]
fn f18_a_locked_account_gets_no_sim_until_the_customer_lifts_the_lock() {
    // Whether or not the rule is in force: it is the customer's own word.
    for mut story in [in_force(), aged()] {
        let authority = story.call_back(CHANGES);
        let open = story.ask_for(change(Some(authority)));
        story.ask_for(Asked::LockSim(authority));
        assert_eq!(
            story.denied(Asked::LockSim(authority)),
            RefusalCode::SimChangeState
        );
        let events = story.asked(change(Some(authority)));
        assert_eq!(refusal(&events), Some(SimRefusal::Locked));
        assert_eq!(
            story.denied(step(open, SimStep::Effected)),
            RefusalCode::SimLocked
        );
        assert_eq!(
            story.denied(Asked::LiftSimLock(Authority::StartOfService)),
            RefusalCode::VerificationRequired
        );
        story.ask_for(Asked::LiftSimLock(authority));
        assert_eq!(
            story.denied(Asked::LiftSimLock(authority)),
            RefusalCode::SimChangeState
        );
        assert_eq!(refusal(&story.asked(change(Some(authority)))), None);
    }
}

#[test]
fn f18_a_lock_is_set_also_where_too_many_passwords_were_wrong_and_lifted_only_after() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    story.ask_for(establish(1, authority));
    for _ in 0..5 {
        story.asked(by_pin(CHANGES, 1, false));
    }
    assert!(story.authentication().lock.is_some());
    story.ask_for(Asked::LockSim(authority));
    assert_eq!(
        story.denied(Asked::LiftSimLock(authority)),
        RefusalCode::CredentialLocked
    );
    let events = story.asked(change(Some(authority)));
    assert_eq!(refusal(&events), Some(SimRefusal::Locked));
}

#[test]
fn f18_where_the_rule_is_not_in_force_a_sim_change_is_recorded_and_nothing_is_demanded() {
    let tomorrow = book("status = \"in_force\"\neffective_from = \"2999-01-01\"");
    for mut story in [aged(), aged_by(tomorrow)] {
        let events = story.asked(change(None));
        let [Done::SimChangeRequested(asked)] = events.as_slice() else {
            panic!("{events:?}");
        };
        assert_eq!((asked.authority, asked.notice_due_at), (None, None));
        let request = story.state().last.0;
        assert!(story.authentication().due.is_empty());
        story.ask_for(step(request, SimStep::Effected));
        assert_eq!(kept_until(story.state(), &story.rulebook), None);
    }
}

#[test]
fn f18_what_was_asked_for_before_the_rule_began_is_asked_for_anew() {
    let mut story = aged();
    let request = story.ask_for(change(None));
    story.adopt(book("status = \"in_force\""));
    let effected = step(request, SimStep::Effected);
    assert_eq!(story.denied(effected), RefusalCode::VerificationRequired);
    story.ask_for(step(request, SimStep::Withdrawn));
    let gone = step(request, SimStep::TurnedDown);
    assert_eq!(story.denied(gone), RefusalCode::SimChangeState);
}

#[test]
fn f18_an_account_without_a_number_gets_no_sim_however_well_its_holder_is_known() {
    let mut story = Story::begun_with(book("status = \"in_force\""));
    story.minutes(40 * DAY);
    let shown = Asked::OpenVerification(OpenVerification {
        identified: identified(CHANGES),
        means: Means::PhotoId {
            valid: true,
            matches: true,
        },
    });
    let record = Position(story.ask_for(shown));
    let authority = Authority::Verification { record, call: CALL };
    let events = story.asked(change(Some(authority)));
    assert_eq!(refusal(&events), Some(SimRefusal::NotOfAccount));
}

#[test]
fn f20_records_about_sim_changes_are_kept_for_the_rules_years() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    story.ask_for(change(Some(authority)));
    let (state, rulebook) = (story.state(), &story.rulebook);
    let until = kept_until(state, rulebook).unwrap();
    let three_years = story.now.plus_hours(3 * 365 * 24);
    assert!(three_years < until && until <= three_years.plus_hours(2 * 24 + 1));
    let bars = |at| crate::domain::retention::bars(state, rulebook, at);
    let rules = |at| bars(at).into_iter().map(|bar| bar.rule);
    let wanted = crate::domain::retention::RetentionRule::SimChangeRecords;
    assert!(rules(Time(until.0 - 1)).any(|rule| rule == wanted));
    assert!(!rules(until).any(|rule| rule == wanted));
}

#[test]
fn f18_the_newest_sim_changes_are_remembered_and_open_ones_are_never_forgotten() {
    let mut story = aged();
    for _ in 0..SIM_CHANGES_MAX {
        story.ask_for(change(None));
    }
    assert_eq!(story.denied(change(None)), RefusalCode::Limit);
    let first = story.authentication().sim.as_ref().unwrap().changes[0].request;
    story.ask_for(step(first.0, SimStep::TurnedDown));
    story.ask_for(change(None));
    let sim = story.authentication().sim.as_ref().unwrap();
    assert_eq!(sim.changes.len(), SIM_CHANGES_MAX);
    assert!(sim.asked_for(first).is_none());
}

#[test]
fn f18_a_number_of_another_account_gets_no_sim_on_this_ones_verification() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    let foreign = Asked::RequestSimChange(RequestSimChange {
        number: Token([77; 16]),
        authority: Some(authority),
    });
    let events = story.asked(foreign);
    assert_eq!(refusal(&events), Some(SimRefusal::NotOfAccount));
}

#[test]
fn f18_what_was_asked_for_before_a_lock_is_asked_for_anew() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    let request = story.ask_for(change(Some(authority)));
    story.ask_for(told(request));
    story.ask_for(Asked::LockSim(authority));
    story.ask_for(Asked::LiftSimLock(authority));
    let early = story.denied(step(request, SimStep::Effected));
    assert_eq!(early, RefusalCode::SimChangeState);
    story.ask_for(step(request, SimStep::Withdrawn));
}

#[test]
fn p11_f18_a_number_whose_sim_was_changed_lately_verifies_nobody_and_is_told_nothing() {
    let mut story = in_force();
    let authority = story.call_back(CHANGES);
    let request = story.ask_for(change(Some(authority)));
    story.ask_for(told(request));
    assert!(!swapped(&story));
    story.ask_for(step(request, SimStep::Effected));
    assert!(swapped(&story));
    story.minutes(31 * DAY);
    assert!(
        !swapped(&story),
        "it has been the customer's for thirty days"
    );
    story.ask_for(step(request, SimStep::FraudReported));
    assert!(swapped(&story), "whoever answers is the thief");
    story.ask_for(step(request, SimStep::Remediated));
    assert!(!swapped(&story));
}

fn swapped(story: &Story) -> bool {
    story
        .authentication()
        .is_swapped(number(NUMBER), story.now, 30)
}

#[test]
fn f18_a_fraud_that_is_not_put_right_is_not_forgotten_before_what_is_over() {
    let mut story = aged();
    let requests: Vec<_> = (0..SIM_CHANGES_MAX)
        .map(|_| story.ask_for(change(None)))
        .collect();
    story.ask_for(step(requests[0], SimStep::Effected));
    story.ask_for(step(requests[0], SimStep::FraudReported));
    story.ask_for(step(requests[1], SimStep::Effected));
    story.ask_for(step(requests[2], SimStep::Withdrawn));
    story.ask_for(change(None));
    let sim = story.authentication().sim.as_ref().unwrap();
    let kept = |request| sim.asked_for(Position(request)).is_some();
    assert_eq!(
        [kept(requests[0]), kept(requests[1]), kept(requests[2])],
        [true, true, false]
    );
    story.ask_for(change(None));
    let sim = story.authentication().sim.as_ref().unwrap();
    assert!(sim.asked_for(Position(requests[0])).is_some());
}
