//! A migrating company's history: asserted, never witnessed (V16-V18).

use consent_ledger::domain::asserted::Shortfall;
use consent_ledger::domain::customer::rule;
use consent_ledger::domain::hindsight::{self, Then};
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::ruling::{ReasonCode, State};
use consent_ledger::domain::time::Time;

use crate::rules::books::def;
use crate::rules::history::History;
use crate::rules::imports::{account, asserted, day, full, held, notice};
use crate::rules::ledger::placed;
use crate::rules::notation::question;

/// S of the vectors: a grant of it, and a question about it.
const GRANT: &str = "g(COMPANY; BILLING; M)";
const ASKED: &str = "COMPANY; BILLING; M→CMRS";

#[test]
fn v16_c2_r4_an_imported_grant_never_lifts_a_witnessed_denial() {
    let mut k = History::unknown(def());
    k.at("2024-05-01T09:00:00Z");
    k.imports(&account("2015-01-01"));
    k.imports(&held("LOCAL", "2015-01-01", None));
    k.imports(&notice("2020-01-01"));
    k.at("2024-06-01T09:00:00Z");
    let d4 = k.says("d(COMPANY; BILLING; M)");
    k.at("2026-11-01T09:00:00Z");
    let (g9, shortfalls) = k.imports(&asserted(GRANT, full("2025-01-01")));
    assert_eq!(
        shortfalls,
        [],
        "the evidence is full, and it is on record as that"
    );
    assert_eq!(k.import_blocked_by(g9), [d4]);
    k.answers(ASKED, "no, denied", &[d4]);
}

#[test]
fn v17_c2_p4_r15_an_imported_grant_without_evidence_digest_is_history() {
    let mut k = History::unknown(def());
    for fact in [
        account("2015-01-01"),
        held("LOCAL", "2015-01-01", None),
        notice("2020-01-01"),
    ] {
        assert_eq!(k.imports(&fact).1, []);
    }
    let mut bare = full("2025-01-01");
    bare.evidence_digest = None;
    let (_, shortfalls) = k.imports(&asserted(GRANT, bare));
    assert_eq!(shortfalls, [Shortfall::EvidenceMissing]);
    k.answers(ASKED, "no, unknown", &[]);
}

#[test]
fn v18_c4_r5_an_imported_grant_counts_from_its_import_and_makes_no_past_use_lawful() {
    let mut k = History::unknown(def());
    k.at("2026-11-01T09:00:00Z");
    for fact in [
        account("2015-01-01"),
        held("LOCAL", "2015-01-01", None),
        notice("2020-01-01"),
    ] {
        k.imports(&fact);
    }
    let (g, shortfalls) = k.imports(&asserted(GRANT, full("2025-01-01")));
    assert_eq!(shortfalls, []);
    k.answers(ASKED, "yes, granted", &[g]);
    let before = day("2026-10-01");
    // As of then: from what was recorded by then, which is nothing.
    let asked = question(ASKED);
    assert_eq!(k.ledger.replayed_to(Position(0)), None);
    let then = History::unknown(def()).ledger.ask_at(&asked, before);
    assert!(!then.allowed);
    assert_eq!(then.reasons[0].code, ReasonCode::CustomerUnknown);
    // With hindsight: from all records, where an account and a grant count from their records.
    let then = Then {
        at: before,
        through: None,
    };
    let records = k.ledger.records.iter().map(placed);
    assert_eq!(hindsight::customer(records, then), None);
    assert!(!k.ledger.ask_at(&asked, before).allowed);
}

#[test]
fn r5_c2_what_an_import_says_was_denied_counts_in_hindsight_from_its_own_date() {
    let mut k = History::unknown(def());
    k.at("2026-01-01T09:00:00Z");
    k.imports(&account("2015-01-01"));
    k.imports(&held("LOCAL", "2015-01-01", None));
    k.notice("ALL; ALL; ALL");
    k.at("2026-02-01T09:00:00Z");
    k.says(GRANT);
    k.at("2026-11-01T09:00:00Z");
    let denied = asserted("d(COMPANY; BILLING; M)", full("2026-03-01"));
    let (d, _) = k.imports(&denied);
    k.imports(&held("LOCAL", "2015-01-01", Some("2026-05-01")));
    let asked = question(ASKED);
    let in_hindsight = |day: Time| {
        let then = Then {
            at: day,
            through: None,
        };
        let customer = hindsight::customer(k.ledger.records.iter().map(placed), then);
        rule(customer.as_ref(), k.ledger.world(), &asked, day)
    };
    assert!(in_hindsight(day("2026-02-28")).allowed);
    let denied = in_hindsight(day("2026-03-01"));
    assert_eq!((denied.allowed, denied.state), (false, State::Denied));
    assert_eq!(denied.reasons[0].positions, [d]);
    assert_eq!(in_hindsight(day("2026-05-01")).state, State::Lapsed);
}
