//! R24: one rulebook after another. What changes with it, and that no switch brings an approval back.

use consent_ledger::domain::ruling::{Basis, ReasonCode, State};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Book, Play, Step, asked, config, switch, switching};
use crate::rules::books::{def, fcc};

proptest! {
    #![proptest_config(config())]

    /// R24, R10: after every step and every switch, answers are the oracle's, now and at every turn of a clock ahead.
    #[test]
    fn r24_rules_and_oracle_agree_under_one_rulebook_after_another(
        by_fcc: bool,
        steps in switching(),
        questions in vec(asked(), 4),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let mut play = Play::new(book, by_fcc, &["LOCAL"]);
        for step in &steps {
            if let Some(outcome) = play.step(step) {
                let predicted = &outcome.predicted;
                let agree = match &outcome.result {
                    Ok(_) => predicted.codes.is_empty(),
                    Err(refusal) => predicted.codes.contains(&refusal.code),
                };
                prop_assert!(predicted.open || agree, "{step:?} {predicted:?} {:?}", outcome.result);
            }
            let now = play.ledger.now;
            let mut moments = play.oracle.turning_points();
            moments.retain(|at| *at > now);
            moments.truncate(4);
            moments.push(now);
            for question in &questions {
                for at in &moments {
                    let expected = play.oracle.ask(question, *at);
                    let ruling = play.ledger.ask_at(question, *at);
                    let context = || format!("{question:?} at {at}: {expected:?}\n{ruling:#?}");
                    let states = [expected.state, expected.or_state];
                    prop_assert!(states.contains(&ruling.state), "{}", context());
                    let agree = expected.allowed.is_none_or(|allowed| allowed == ruling.allowed);
                    prop_assert!(agree, "{}", context());
                }
            }
        }
    }

    /// R24: a switch turns a no into a yes by held categories alone (R7, R8); never by reviving an approval, and never, at
    /// any later time, by maturing a notice sent under another rulebook.
    #[test]
    fn r24_a_switch_revives_no_approval_and_matures_no_notice_of_another_rulebook(
        by_fcc: bool,
        steps in switching(),
        to in switch(),
        questions in vec(asked(), 8),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let before = Play::new(book, by_fcc, &["LOCAL"]).through(&steps);
        let mut after = before.clone();
        after.step(&to);
        let now = after.ledger.now;
        let mut moments = after.oracle.turning_points();
        moments.retain(|at| *at > now);
        moments.push(now);
        for question in &questions {
            for at in &moments {
                let (was, is) = (before.ledger.ask_at(question, *at), after.ledger.ask_at(question, *at));
                let context = || format!("{question:?} {to:?}\nat {at}: {was:#?}\n{is:#?}");
                let widened = is.allowed && !was.allowed;
                let by_held = || is.reasons.iter().any(|one| one.code == ReasonCode::HeldCategory);
                prop_assert!(!widened || by_held(), "{}", context());
                let approved = |state| state < State::Unknown || matches!(
                    state,
                    State::OptOutApproved | State::Waiting | State::RefreshOverdue
                );
                for (was, is) in was.cells.iter().zip(&is.cells) {
                    let revived = approved(is.state) && is.state != was.state;
                    prop_assert!(!revived, "{}", context());
                }
            }
        }
    }

    /// R24, R10: by the policy nothing is approved by silence; once it has been in force, nothing sent before ever is.
    #[test]
    fn r24_after_a_rulebook_without_opt_out_no_older_notice_counts(
        steps in switching(),
        questions in vec(asked(), 8),
        minutes in vec(1..1_500_000_u32, 4),
    ) {
        let mut play = Play::new(fcc(), true, &["LOCAL"]).through(&steps);
        for step in [Step::Switch(Book::Def), Step::Switch(Book::Fcc)] {
            play.step(&step);
            for question in &questions {
                for minutes in &minutes {
                    let ruling = play.ledger.ask_at(question, play.ledger.now.plus_minutes(*minutes));
                    prop_assert!(ruling.basis != Some(Basis::OptOut), "{question:?}\n{ruling:#?}");
                    prop_assert!(ruling.state != State::Waiting, "{question:?}\n{ruling:#?}");
                }
            }
        }
    }
}
