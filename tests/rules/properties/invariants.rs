//! What must hold whatever the answers are: only the customer widens, and nothing else depends on preferences.

use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::question::Question;
use consent_ledger::domain::retention::RetentionEvent;
use consent_ledger::domain::retention::erasure::{ErasureBasis, ErasureRequested};
use consent_ledger::domain::ruling::{ReasonCode, Ruling, State};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Play, Step, any_manner, asked, block, config, step, steps};
use crate::rules::books::{def, fcc};
use crate::rules::grounds;
use crate::rules::history::{History, on_ground};

fn questions_on_grounds() -> Vec<Question> {
    let rows: [(Ground, &str); 9] = [
        (grounds::invoice(), "COMPANY infotech; BILLING; BILLING"),
        (grounds::invoice(), "AGENT ag; BILLING + QUANTITY; BILLING"),
        (
            grounds::ticket(),
            "COMPANY infotech; TECHNICAL_CONFIGURATION; SERVICE",
        ),
        (grounds::ticket(), "AGENT ag; CALL_DETAIL; SERVICE"),
        (grounds::ticket(), "AFFILIATE acme; TYPE; SERVICE"),
        (
            grounds::court_order(),
            "LAW_ENFORCEMENT county-court; CALL_DETAIL; LEGAL",
        ),
        (
            grounds::fraud_case(),
            "CARRIER carrier-q; CALL_DETAIL; RIGHTS",
        ),
        (
            grounds::freeze_query("carrier-p", "1"),
            "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE",
        ),
        (
            grounds::freeze_query("carrier-p", "1"),
            "CARRIER carrier-p; TYPE; PIC_FREEZE",
        ),
    ];
    let rows = rows.into_iter();
    rows.map(|(ground, asked)| on_ground(ground, asked))
        .collect()
}

/// Yes or no, basis, reasons.
type Decided = (bool, Option<String>, Vec<(ReasonCode, Option<String>)>);

/// An answer without the state of the cells, which says what the customer approved and decides nothing here.
fn decided(ruling: Ruling) -> Decided {
    let reasons = ruling
        .reasons
        .iter()
        .map(|reason| (reason.code, reason.fact.as_deref().map(str::to_owned)));
    (
        ruling.allowed,
        ruling.basis.map(|basis| format!("{basis:?}")),
        reasons.collect(),
    )
}

proptest! {
    #![proptest_config(config())]

    /// The invariant above all: no history without a grant makes a denied cell anything but denied or lapsed.
    #[test]
    fn p3_only_the_customer_lifts_a_denial(
        before in steps(),
        after in vec(step(), 1..20),
        question in asked(),
    ) {
        let mut play = Play::new(def(), false, &["LOCAL"]).through(&before);
        let mut denied = false;
        // Who is of a kind is the company's to register: a denial of a kind reaches whoever is of it then (R12).
        let registers = |step: &&Step| matches!(step, Step::Join(..) | Step::Leave(..));
        for step in after.iter().filter(|step| !step.grants() && !registers(step)) {
            play.step(step);
            let state = play.ledger.ask(&question).state;
            prop_assert!(!denied || matches!(state, State::Denied | State::Lapsed), "{state:?}");
            denied |= state == State::Denied;
        }
    }

    /// The invariant above all: time alone turns no no into a yes, but where an opt-out notice was waiting (F5); and no
    /// denial ever.
    #[test]
    fn p3_time_turns_no_no_into_a_yes_but_the_end_of_an_opt_out_period(
        by_fcc: bool,
        steps in steps(),
        questions in vec(asked(), 8),
        minutes in vec(1..100_000_u32, 4),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL"]).through(&steps);
        for question in &questions {
            let now = play.ledger.ask(question);
            for minutes in &minutes {
                let later = play.ledger.now.plus_minutes(*minutes);
                let turned = !now.allowed && play.ledger.ask_at(question, later).allowed;
                let waited = by_fcc && now.state == State::Waiting;
                prop_assert!(!turned || waited, "{question:?}\n{now:#?}");
            }
        }
    }

    /// R3: one block more, said at any moment, turns no no into a yes.
    #[test]
    fn p3_another_block_turns_no_no_into_a_yes(
        by_fcc: bool,
        mut steps in steps(),
        extra in block(),
        place: prop::sample::Index,
        questions in vec(asked(), 8),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let start = Play::new(book, by_fcc, &["LOCAL"]);
        let without = start.clone().through(&steps);
        steps.insert(place.index(steps.len() + 1), Step::Extra(extra));
        let with = start.through(&steps);
        for question in &questions {
            let before = without.ledger.ask(question).allowed;
            let after = with.ledger.ask(question);
            prop_assert!(before || !after.allowed, "{question:?}\n{after:#?}");
        }
    }

    /// P5: preferences change no ruling on service, billing, the law, rights or a freeze, and no service command.
    #[test]
    fn p5_preferences_have_no_effect_on_services_and_grounds(by_fcc: bool, steps in steps()) {
        let book = || if by_fcc { fcc() } else { def() };
        let mut with = Play::new(book(), by_fcc, &["LOCAL"]);
        let mut without = Play::new(book(), by_fcc, &["LOCAL"]);
        for step in &steps {
            let spoken = with.step(step);
            if step.is_preference() {
                continue;
            }
            let silent = without.step(step);
            let accepted = |outcome: Option<crate::histories::Outcome>| {
                outcome.map(|outcome| outcome.result.map(|records| records.len()).map_err(|r| r.code))
            };
            prop_assert_eq!(accepted(spoken), accepted(silent), "{:?}", step);
        }
        for question in questions_on_grounds() {
            let one = decided(with.ledger.ask(&question));
            let other = decided(without.ledger.ask(&question));
            prop_assert_eq!(one, other, "{:?}", question);
        }
    }

    /// P3, R2, R9: a well-formed block is accepted from anybody, without proof, with or without a service.
    #[test]
    fn p3_a_block_is_always_accepted(
        steps in steps(),
        blocks in vec(block(), 1..4),
        manner in any_manner(),
    ) {
        use crate::histories::Said;
        let mut play = Play::new(def(), false, &["LOCAL"]).through(&steps);
        let words = blocks.into_iter().map(Said::Block).collect();
        let outcome = play.step(&Step::Speak(words, manner, None)).unwrap();
        prop_assert!(outcome.result.is_ok() || outcome.predicted.open, "{:?}", outcome.result);
    }

    /// R16: nobody knows the customer, so the answer is no, whatever is asked.
    #[test]
    fn p3_r16_an_unknown_customer_is_always_no(by_fcc: bool, question in asked()) {
        let nobody = History::unknown(if by_fcc { fcc() } else { def() });
        let ruling = nobody.ledger.ask(&question);
        prop_assert!(!ruling.allowed);
        prop_assert_eq!(ruling.valid_until, None);
        prop_assert_eq!(decided(ruling).2, vec![(ReasonCode::CustomerUnknown, None)]);
        for question in questions_on_grounds() {
            prop_assert!(!nobody.ledger.ask(&question).allowed, "{question:?}");
        }
    }

    /// E8, R16: whoever was erased is a no for ever, whatever was said before and is tried, or stands in the log, after.
    #[test]
    fn e8_r16_an_erased_customer_is_always_no_whatever_comes_after(
        by_fcc: bool,
        before in steps(),
        after in vec(step(), 1..20),
        questions in vec(asked(), 4),
        minutes in 0..5_000_000_u32,
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let mut play = Play::new(book, by_fcc, &["LOCAL"]).through(&before);
        let due_by = play.ledger.now.plus_hours(45 * 24);
        let requested = play.ledger.take_as_it_is(Event::Retention(RetentionEvent::ErasureRequested(
            ErasureRequested { basis: ErasureBasis::StatePrivacyLaw, due_by, reference: None },
        )));
        for step in &after {
            play.step(step);
            let questions = questions.iter().map(|one| &**one);
            for question in questions.chain(&questions_on_grounds()) {
                let ruling = play.ledger.ask_at(question, play.ledger.now.plus_minutes(minutes));
                prop_assert!(!ruling.allowed && ruling.valid_until.is_none(), "{ruling:#?}");
                prop_assert_eq!(&ruling.reasons[0].positions, &vec![requested.position]);
                prop_assert_eq!(decided(ruling).2, vec![(ReasonCode::Erased, None)]);
            }
        }
        let customer = play.ledger.customer.as_ref().unwrap();
        prop_assert!(customer.words.is_empty() && customer.services.held.is_empty());
    }

    /// C4: the state is what its records make of it, and nothing else.
    #[test]
    fn c4_a_replay_of_the_records_is_the_state(steps in steps()) {
        let play = Play::new(def(), false, &["LOCAL"]).through(&steps);
        let last = play.ledger.records.last().unwrap().position;
        prop_assert_eq!(play.ledger.replayed_to(last), play.ledger.customer);
    }
}
