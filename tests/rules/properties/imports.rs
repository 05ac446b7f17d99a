//! Imports against the invariant: they never create or widen an approval beyond grants that count, never lift what the
//! ledger witnessed, and change nothing when they are brought twice (C2, R4, R15).

use consent_ledger::domain::asserted::{Asserted, AssertedEvent, Circumstances};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::ruling::State;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Medium, Speaker};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::histories::{Play, asked, config, steps};
use crate::rules::books::{def, fcc};
use crate::rules::imports::{account, asserted, day, full, held, line, notice};
use crate::rules::ledger::Ledger;

/// Before, and after, the histories that the ledger witnesses, which play in March 2026.
const DAYS: [&str; 7] = [
    "2015-01-01",
    "2017-01-01",
    "2019-01-01",
    "2021-01-01",
    "2023-01-01",
    "2026-06-01",
    "2027-01-01",
];

/// When everything is imported.
fn now() -> Time {
    day("2028-01-01")
}

fn a_day() -> impl Strategy<Value = &'static str> {
    select(DAYS.to_vec())
}

fn how() -> impl Strategy<Value = Circumstances> {
    (
        prop::option::weighted(0.8, a_day()),
        prop::option::weighted(0.8, select(Medium::EVERY.to_vec())),
        prop::option::weighted(0.9, select(Speaker::EVERY.to_vec())),
        any::<bool>(),
    )
        .prop_map(|(day, method, speaker, evidence)| {
            let all = full(day.unwrap_or(DAYS[0]));
            Circumstances {
                said_at: day.and(all.said_at),
                method,
                speaker,
                notice_version: all.notice_version,
                evidence_digest: all.evidence_digest.filter(|_| evidence),
            }
        })
}

const WORDS: [&str; 8] = [
    "g(COMPANY; BILLING; M)",
    "g(COMPANY + AFFILIATE; ALL; M)",
    "g(AFFILIATE acme; BILLING; M)",
    "d(*; *; *)",
    "d(AFFILIATE acme; *; M)",
    "w(COMPANY; BILLING; M)",
    "r(COMPANY; ALL except BILLING; M)",
    "d(*; BILLING; M)",
];

fn fact() -> impl Strategy<Value = Asserted> {
    let service = (
        select(vec!["LOCAL", "VOIP", "CMRS"]),
        0..DAYS.len(),
        prop::option::of(1..DAYS.len()),
    )
        .prop_map(|(name, opened, length)| {
            let closed = length.and_then(|length| DAYS.get(opened + length));
            held(name, DAYS[opened], closed.copied())
        });
    let whole = (select(WORDS.to_vec()), a_day()).prop_map(|(said, day)| asserted(said, full(day)));
    let word = (select(WORDS.to_vec()), how()).prop_map(|(said, how)| asserted(said, how));
    prop_oneof![
        1 => a_day().prop_map(account),
        3 => service,
        1 => a_day().prop_map(notice),
        4 => whole,
        3 => word,
    ]
}

/// An account with a service and a notice, and whatever else.
fn facts() -> impl Strategy<Value = Vec<Asserted>> {
    vec(fact(), 1..30).prop_map(|mut facts| {
        let first = DAYS[0];
        let begun = [account(first), held("LOCAL", first, None), notice(first)];
        facts.splice(0..0, begun);
        facts
    })
}

fn import(ledger: &mut Ledger, facts: &[Asserted]) {
    for (number, fact) in (1..).zip(facts) {
        ledger.now = ledger.now.plus_minutes(1);
        // Some are refused on purpose; a refusal changes nothing.
        let _ = ledger.submit(&line(number, fact), None);
    }
}

/// The same import without the grants that count.
fn without_counted(ledger: &Ledger) -> Ledger {
    let mut without = ledger.clone();
    for record in &mut without.records {
        if let Event::Asserted(AssertedEvent::Granted(event)) = &mut record.event {
            event.shortfalls = vec![consent_ledger::domain::asserted::Shortfall::EvidenceMissing];
        }
    }
    let last = without.records.last().map(|record| record.position);
    without.customer = last.and_then(|last| without.replayed_to(last));
    without
}

proptest! {
    #![proptest_config(config())]

    /// C2, R15: where an import approves, it does by a grant that counts: a cell that is granted is granted by its record.
    #[test]
    fn c2_an_import_creates_no_approval_but_by_a_grant_that_counts(
        by_fcc: bool,
        facts in facts(),
        questions in vec(asked(), 8),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let mut ledger = Ledger::new(book, now());
        import(&mut ledger, &facts);
        let counted = |position| ledger.records.iter().any(|record| match &record.event {
            Event::Asserted(AssertedEvent::Granted(event)) => {
                record.position == position && event.counts()
            }
            _ => false,
        });
        let without = without_counted(&ledger);
        for question in &questions {
            let ruling = ledger.ask(question);
            for cell in ruling.cells.iter().filter(|cell| cell.state == State::Granted) {
                prop_assert!(cell.positions.iter().all(|position| counted(*position)));
            }
            let bare = without.ask(question);
            prop_assert!(bare.cells.iter().all(|cell| cell.state != State::Granted), "{question:?}");
        }
    }

    /// C2, R4: whatever is imported after it, what the ledger witnessed as denied is denied, or lapsed.
    #[test]
    fn c2_a_witnessed_denial_stands_whatever_is_imported_after(
        steps in steps(),
        facts in facts(),
        questions in vec(asked(), 8),
    ) {
        let mut ledger = Play::new(def(), false, &["LOCAL"]).through(&steps).ledger;
        ledger.now = now();
        let denied = questions.iter().filter(|question| {
            matches!(ledger.ask(question).state, State::Denied | State::Restricted)
        });
        let denied: Vec<_> = denied.collect();
        import(&mut ledger, &facts);
        for question in denied {
            let state = ledger.ask(question).state;
            prop_assert!(matches!(state, State::Denied | State::Restricted | State::Lapsed), "{state:?}");
        }
    }

    /// C2: brought twice, the same facts are on record once, and the state is the same.
    #[test]
    fn c2_importing_twice_changes_nothing(facts in facts()) {
        let mut ledger = Ledger::new(def(), now());
        import(&mut ledger, &facts);
        let (state, records) = (ledger.customer.clone(), ledger.records.len());
        for (number, fact) in (1_000..).zip(&facts) {
            ledger.now = ledger.now.plus_minutes(1);
            // What was refused the first time may be taken now that more is known; what was recorded is not.
            let recorded = ledger.records.iter().take(records).any(|record| match &record.event {
                Event::Asserted(event) => is(event, fact),
                _ => false,
            });
            if recorded {
                let again = ledger.submit(&line(number, fact), None).unwrap_err();
                prop_assert_eq!(again.code, RefusalCode::AlreadyAsserted);
            }
        }
        prop_assert_eq!(ledger.customer, state);
        prop_assert_eq!(ledger.records.len(), records);
    }

    /// E1: the state follows from the records alone, imported or not.
    #[test]
    fn e1_a_replay_of_an_import_gives_the_same_state(steps in steps(), facts in facts()) {
        let mut ledger = Play::new(def(), false, &["LOCAL"]).through(&steps).ledger;
        ledger.now = now();
        import(&mut ledger, &facts);
        let last = ledger.records.last().unwrap().position;
        prop_assert_eq!(ledger.replayed_to(last), ledger.customer);
    }
}

fn is(event: &AssertedEvent, fact: &Asserted) -> bool {
    let line = line(1, fact);
    let consent_ledger::domain::command::Command::Assert(line) = line else {
        return false;
    };
    event.source().key == line.source.key
}
