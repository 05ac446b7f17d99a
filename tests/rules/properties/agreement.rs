//! Rules and oracle agree: answers, refusals, and what a grant is answered to be blocked by.

use std::collections::BTreeSet;

use consent_ledger::domain::company::deadlines::Standing;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::owed::{CustomerDuty, Horizon, owed};
use consent_ledger::domain::time::Time;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Asked, Outcome, Play, Step, asked, config, steps};
use crate::rules::books::{def, fcc};

/// How long after the newest record the questions are asked.
const MINUTES_LATER: [u32; 5] = [0, 4, 3_000, 46_000, 1_060_000];

fn agree_on_answers(play: &Play, questions: &[Asked]) -> Result<(), TestCaseError> {
    for question in questions {
        for minutes in MINUTES_LATER {
            let at = play.ledger.now.plus_minutes(minutes);
            let expected = play.oracle.ask(question, at);
            let ruling = play.ledger.ask_at(question, at);
            let context = || format!("{question:?}\nat +{minutes} min: {expected:?}\n{ruling:#?}");
            let states = [expected.state, expected.or_state];
            prop_assert!(states.contains(&ruling.state), "{}", context());
            if let Some(allowed) = expected.allowed {
                prop_assert_eq!(ruling.allowed, allowed, "{}", context());
            }
            if ruling.allowed {
                let basis = ruling.basis.unwrap();
                prop_assert!(expected.bases.contains(&basis), "{}", context());
            } else {
                prop_assert_eq!(ruling.basis, None, "{}", context());
            }
            prop_assert!(!ruling.reasons.is_empty(), "{}", context());
        }
    }
    Ok(())
}

fn agree_on_outcome(play: &Play, step: &Step, outcome: &Outcome) -> Result<(), TestCaseError> {
    let predicted = &outcome.predicted;
    let context = || format!("{step:?}\n{predicted:?}\n{:?}", outcome.result);
    match &outcome.result {
        Err(_) if predicted.open => {}
        Err(refusal) => prop_assert!(predicted.codes.contains(&refusal.code), "{}", context()),
        Ok(records) => {
            prop_assert!(
                predicted.open || predicted.codes.is_empty(),
                "{}",
                context()
            );
            for record in records {
                if let Event::Granted(granted) = &record.event {
                    let [least, most] = play.oracle.still_blocked_by(record.position);
                    let answered = granted.still_blocked_by.iter().copied().collect();
                    prop_assert!(
                        least.is_subset(&answered),
                        "{least:?}..{most:?}\n{}",
                        context()
                    );
                    prop_assert!(
                        most.is_superset(&answered),
                        "{least:?}..{most:?}\n{}",
                        context()
                    );
                }
            }
        }
    }
    Ok(())
}

/// R18, of what an answer says: yes or no, the state, and the basis.
fn agree_on_valid_until(play: &Play, question: &Asked) -> Result<(), TestCaseError> {
    let now = play.ledger.now;
    let ruling = play.ledger.ask(question);
    let answer = |at: Time| {
        let ruling = play.ledger.ask_at(question, at);
        (ruling.allowed, ruling.state, ruling.basis)
    };
    let ahead = play.oracle.turning_points().into_iter();
    let ahead: Vec<_> = ahead.filter(|point| *point > now).collect();
    let first_change = (ahead.iter().copied()).find(|point| answer(*point) != answer(now));
    let context = || format!("{question:?} {ahead:?}\n{ruling:#?}");
    prop_assert_eq!(ruling.valid_until, first_change, "{}", context());
    for point in &ahead {
        let before = Time(point.0 - 1);
        let unchanged = first_change.is_none_or(|change| before < change);
        prop_assert!(!unchanged || answer(before) == answer(now), "{}", context());
    }
    Ok(())
}

/// F6: by when notices are to be repeated, in all that silence decides.
fn agree_on_repeats(play: &Play) -> Result<(), TestCaseError> {
    let horizon = Horizon {
        duties: vec![CustomerDuty::OptOutRepeat],
        ..Horizon::open(Time(i64::MAX))
    };
    let Some(customer) = &play.ledger.customer else {
        return Ok(());
    };
    for minutes in MINUTES_LATER {
        let at = play.ledger.now.plus_minutes(minutes);
        let listed = owed(customer, play.ledger.world(), at, &horizon);
        let found: BTreeSet<_> = listed.iter().map(|one| Time(one.due_by.0 + 1)).collect();
        let expected = play.oracle.repeats_owed(at);
        prop_assert_eq!(&found, &expected, "at +{} min: {:#?}", minutes, listed);
        for one in &listed {
            let late = one.standing == Standing::Late;
            prop_assert_eq!(late, one.due_by < at, "at +{} min: {:#?}", minutes, one);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// F6, F19: the list of what is owed, against a reckoning of every cell.
    #[test]
    fn f6_f19_the_list_of_notices_due_is_what_the_oracle_reckons(by_fcc: bool, steps in steps()) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL"]).through(&steps);
        agree_on_repeats(&play)?;
    }

    /// R1-R13, R15: after every step, on every question.
    #[test]
    fn r03_rules_and_oracle_agree_after_every_step(
        by_fcc: bool,
        steps in steps(),
        questions in vec(asked(), 6),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let mut play = Play::new(book, by_fcc, &["LOCAL"]);
        for step in &steps {
            if let Some(outcome) = play.step(step) {
                agree_on_outcome(&play, step, &outcome)?;
            }
            agree_on_answers(&play, &questions)?;
        }
    }

    /// R18: nothing changes before `valid_until`, and where nothing can change it is unset.
    #[test]
    fn r18_valid_until_is_the_first_instant_at_which_the_answer_can_change(
        by_fcc: bool,
        steps in steps(),
        questions in vec(asked(), 8),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL", "VOIP"]).through(&steps);
        for question in &questions {
            agree_on_valid_until(&play, question)?;
        }
    }
}
