//! How a log is read: past positions, many customers with little room, logs that can't be read.

use consent_ledger::audit::questions::{AskError, Asking};
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::ids::Pseudonym;
use consent_ledger::domain::questions::named;
use consent_ledger::domain::rulebook::Rulebook;

use crate::log::{Log, found};
use crate::rules::books::def;
use crate::rules::grounds::freeze_query;
use crate::rules::history::History;
use crate::rules::ledger::Ledger;

fn pseudonym(number: u8) -> Pseudonym {
    // As they are in a ledger: in no order.
    Pseudonym([number.wrapping_mul(151).wrapping_add(17); 16])
}

/// A log of 40 customers, every fourth with a use after a withdrawal; and where those are.
fn log_of_many() -> (Log, Vec<u64>) {
    let book: &'static Rulebook = def();
    let mut log = Log::opened();
    let (mut next, mut now) = (1, History::unknown(book).ledger.now);
    let mut violated = Vec::new();
    for number in 0..40 {
        let mut history = History::unknown(book);
        history.ledger = Ledger::starting_at(book, now, next);
        history.begins();
        history.open("LOCAL");
        history.notice("ALL; ALL; ALL");
        history.says("g(COMPANY; ALL; M)");
        let ground = || Ground::Approval { cites: None };
        let used = history.disclose(ground(), "COMPANY; BILLING; M→CMRS");
        history.says("w(COMPANY; ALL; M)");
        log.append_all(pseudonym(number), &history.ledger.records);
        now = history.ledger.now;
        if number % 4 == 0 {
            violated.push(log.forge(pseudonym(number), &used, now, None).0);
        }
        next = log.next();
    }
    (log, violated)
}

fn expected(positions: &[u64]) -> Vec<(u64, &'static str)> {
    (positions.iter())
        .map(|position| (*position, "approval-not-live"))
        .collect()
}

#[test]
fn e9_a_log_of_more_customers_than_there_is_room_for_is_read_in_several_passes() {
    let (log, violated) = log_of_many();
    let whole = log.ask();
    assert_eq!((whole.passes, whole.customers), (1, 40));
    assert_eq!(found(&whole), expected(&violated));
    for room in [1, 3, 7, 20, 39] {
        let asking = Asking {
            customers_at_once: room,
            ..Asking::default()
        };
        let answered = log.ask_with(&asking).unwrap();
        assert!(answered.passes > 1, "{room}");
        assert_eq!(answered.customers, 40, "{room}");
        assert_eq!(answered.findings, whole.findings, "{room}");
    }
}

#[test]
fn c4_the_questions_can_be_asked_of_any_past_position() {
    let (log, violated) = log_of_many();
    for (count, position) in violated.iter().enumerate() {
        for (to, expected_count) in [(position - 1, count), (*position, count + 1)] {
            let asking = Asking {
                to: Some(to),
                customers_at_once: 6,
                ..Asking::default()
            };
            let answered = log.ask_with(&asking).unwrap();
            assert_eq!(answered.to, to);
            assert_eq!(found(&answered), expected(&violated[..expected_count]));
        }
    }
    let asking = Asking {
        to: Some(log.next()),
        ..Asking::default()
    };
    let beyond = log.ask_with(&asking).unwrap_err();
    assert!(matches!(beyond, AskError::Beyond { .. }), "{beyond}");
}

#[test]
fn e9_a_single_question_finds_only_its_own() {
    let (log, violated) = log_of_many();
    for (name, positions) in [
        ("approval-not-live", &violated[..]),
        ("competitor-tracking", &[]),
    ] {
        let asking = Asking {
            questions: vec![named(name).unwrap()],
            threads: 1,
            ..Asking::default()
        };
        assert_eq!(found(&log.ask_with(&asking).unwrap()), expected(positions));
    }
}

#[test]
fn e9_a_record_that_is_missing_or_unreadable_is_an_error_and_no_answer() {
    let (log, _) = log_of_many();
    let file = tempfile::NamedTempFile::new().unwrap();
    log.export(file.path());
    let text = std::fs::read_to_string(file.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let without = |number: usize| {
        let mut lines = lines.clone();
        lines.remove(number);
        lines.join("\n") + "\n"
    };
    let damaged = text.replacen("consent.granted.v1", "consent.granted.v9", 1);
    for (text, says) in [
        (without(0), "position 0"),
        (without(5), "position 5"),
        (damaged, "line 5"),
    ] {
        std::fs::write(file.path(), text).unwrap();
        let asked =
            consent_ledger::audit::questions::ask_export(file.path(), &Asking::default(), &|_| {
                true
            });
        let error = asked.unwrap_err();
        assert!(matches!(error, AskError::Record { .. }), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn e9_who_wants_no_answer_any_more_stops_the_asking() {
    let (log, _) = log_of_many();
    let file = tempfile::NamedTempFile::new().unwrap();
    log.export(file.path());
    let asked =
        consent_ledger::audit::questions::ask_export(file.path(), &Asking::default(), &|_| false);
    assert!(matches!(asked, Err(AskError::Stopped)));
}

#[test]
fn e9_r14_a_freeze_request_that_was_answered_about_two_customers_is_found_in_any_pass() {
    let book: &'static Rulebook = def();
    let mut log = Log::opened();
    let (mut next, mut now) = (1, History::unknown(book).ledger.now);
    let mut reused = Vec::new();
    for number in 0..12 {
        let mut history = History::unknown(book);
        history.ledger = Ledger::starting_at(book, now, next);
        history.begins();
        history.open("LOCAL");
        let request = freeze_query("carrier-p", &(number / 2).to_string());
        history.disclose(request, "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE");
        log.append_all(pseudonym(number), &history.ledger.records);
        (next, now) = (log.next(), history.ledger.now);
        if number % 2 == 1 {
            reused.push((next - 1, "pic-freeze-request-reused"));
        }
    }
    for room in [1, 5, 100] {
        let asking = Asking {
            customers_at_once: room,
            ..Asking::default()
        };
        assert_eq!(found(&log.ask_with(&asking).unwrap()), reused, "{room}");
    }
}
