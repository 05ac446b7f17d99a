//! Opt-out, its clocks and whom it reaches: V19, V28 to V34, V45; entities that change: V41, V42 (F3 to F7, R7, R10, R12).

use consent_ledger::domain::notices::send::{Delivery, Outcome};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::rulebook::ClauseSource;
use consent_ledger::domain::ruling::{Basis, ReasonCode};

use crate::rules::books::{def, fcc};
use crate::rules::expect::{Reads, gives};
use crate::rules::history::History;
use crate::rules::notation::{question, utc};

/// The scope that the vectors leave open, asked in a category that isn't held.
const S: &str = "COMPANY; BILLING; M→CMRS";
const COVERS: &str = "COMPANY; BILLING; M";

/// LOCAL is held, and it is a while before the first notice.
fn k(book: &'static consent_ledger::domain::rulebook::Rulebook) -> History {
    let mut k = History::unknown(book);
    k.at("2025-12-01T12:00:00Z");
    k.opens_account(&["LOCAL"]);
    k.notice("ALL; ALL; ALL");
    k
}

#[test]
fn r12_a_notice_that_failed_makes_nobody_one_of_a_kind() {
    let mut k = k(fcc());
    let n1 = k.asks_opt_out(Delivery::Email, "AGENT acme; BILLING; M");
    k.says("g(AGENT; ALL; M)");
    let d2 = k.says("d(AFFILIATE acme; *; M)");
    let agents = "AGENT; BILLING; M→CMRS";
    k.answers(agents, "yes, granted", &[]);
    k.fails(n1, Outcome::Bounced);
    k.answers(agents, "yes, granted", &[]);
    // A block that names an entity follows it whatever it becomes.
    k.joins("AGENT acme");
    k.answers(agents, "no, denied", &[d2]);
}

#[test]
fn v19_f5_silence_after_an_opt_out_notice_lifts_no_withdrawal() {
    let mut k = k(fcc());
    k.says("g(COMPANY; BILLING; M)");
    let w2 = k.says("w(COMPANY; BILLING; M)");
    k.at("2026-01-01T15:00:00Z");
    k.asks_opt_out(Delivery::Post, COVERS);
    k.answers_at(
        utc("2026-03-05T00:00:00Z"),
        S,
        "no, denied, WITHDRAWN",
        &[w2],
    );
}

#[test]
fn v28_f5_an_e_mailed_notice_matures_after_its_days_and_nothing_is_appended() {
    let mut k = k(fcc());
    k.at("2026-01-01T15:00:00Z");
    let n = k.asks_opt_out(Delivery::Email, COVERS);
    let records = k.ledger.records.len();
    let before = k.ask_at(utc("2026-01-31T14:59:59Z"), S);
    before.reads("no, waiting", &[n]);
    assert_eq!(before.valid_until, Some(utc("2026-01-31T15:00:00Z")));
    k.answers_at(
        utc("2026-01-31T15:00:00Z"),
        S,
        "yes, opt_out_approved",
        &[n],
    );
    assert_eq!(k.ledger.records.len(), records);
}

#[test]
fn v29_f5_a_mailed_notice_begins_on_the_third_day() {
    let mut k = k(fcc());
    k.at("2026-01-01T19:00:00Z");
    let n = k.asks_opt_out(Delivery::Post, COVERS);
    k.answers_at(utc("2026-02-03T06:59:59Z"), S, "no, waiting", &[n]);
    k.answers_at(
        utc("2026-02-03T07:00:00Z"),
        S,
        "yes, opt_out_approved",
        &[n],
    );
}

#[test]
fn v30_f7_after_a_bounce_only_another_form_starts_a_clock() {
    let mut k = k(fcc());
    k.at("2026-01-01T15:00:00Z");
    let n = k.asks_opt_out(Delivery::Email, COVERS);
    k.at("2026-01-11T15:00:00Z").fails(n, Outcome::Bounced);
    k.at("2026-01-12T15:00:00Z");
    k.asks_opt_out(Delivery::Email, COVERS);
    let day_60 = utc("2026-03-02T15:00:00Z");
    k.answers_at(day_60, S, "no, unknown, ANOTHER_FORM_REQUIRED", &[]);
    k.at("2026-01-13T15:00:00Z");
    let mailed = k.asks_opt_out(Delivery::Post, COVERS);
    k.answers_at(day_60, S, "yes, opt_out_approved", &[mailed]);
}

#[test]
fn v31_r10_under_the_policy_no_notice_matures_and_the_policy_is_cited() {
    let mut k = k(def());
    k.at("2026-01-01T15:00:00Z");
    k.asks_opt_out(Delivery::Electronic, COVERS);
    let ruling = k.ask_at(utc("2026-03-05T00:00:00Z"), S);
    ruling.reads("no, unknown, OPT_OUT_NOT_ENABLED", &[]);
    let clauses = def().clauses(ReasonCode::OptOutNotEnabled);
    assert!(clauses.iter().any(|one| one.source == ClauseSource::Policy));
}

#[test]
fn v32_f3_a_joint_venture_partner_takes_opt_in() {
    let mut k = k(fcc());
    k.joins("PARTNER_OR_CONTRACTOR jv");
    k.at("2026-01-01T15:00:00Z");
    k.asks_opt_out(Delivery::Electronic, "PARTNER_OR_CONTRACTOR jv; ALL; M");
    let asked = "PARTNER_OR_CONTRACTOR jv; BILLING; M→CMRS";
    k.answers_at(
        utc("2026-03-05T00:00:00Z"),
        asked,
        "no, unknown, OPT_IN_REQUIRED",
        &[],
    );
}

#[test]
fn v33_f6_a_notice_after_two_years_waits_again() {
    let mut k = k(fcc());
    k.at("2026-01-01T19:00:00Z");
    let n1 = k.asks_opt_out(Delivery::Post, COVERS);
    k.answers_at(
        utc("2028-01-01T06:59:59Z"),
        S,
        "yes, opt_out_approved",
        &[n1],
    );
    k.answers_at(utc("2028-01-01T07:00:00Z"), S, "no, refresh_overdue", &[n1]);
    k.at("2028-02-01T15:00:00Z");
    let n2 = k.asks_opt_out(Delivery::Email, COVERS);
    k.answers_at(utc("2028-02-10T00:00:00Z"), S, "no, waiting", &[n2]);
    k.answers_at(
        utc("2028-03-03T00:00:00Z"),
        S,
        "yes, opt_out_approved",
        &[n2],
    );
}

#[test]
fn v34_f6_a_timely_notice_goes_on_without_a_break() {
    let mut k = k(fcc());
    k.at("2026-01-01T19:00:00Z");
    k.asks_opt_out(Delivery::Post, COVERS);
    k.at("2027-12-01T20:00:00Z");
    let n2 = k.asks_opt_out(Delivery::Email, COVERS);
    for at in ["2027-12-15T00:00:00Z", "2028-01-15T00:00:00Z"] {
        k.answers_at(utc(at), S, "yes, opt_out_approved", &[n2]);
    }
    let ruling = k.ask_at(utc("2028-01-15T00:00:00Z"), S);
    assert_eq!(ruling.valid_until, Some(utc("2029-12-01T07:00:00Z")));
    k.answers_at(
        utc("2029-12-01T06:59:59Z"),
        S,
        "yes, opt_out_approved",
        &[n2],
    );
    k.answers_at(utc("2029-12-01T07:00:00Z"), S, "no, refresh_overdue", &[]);
}

#[test]
fn v45_f3_the_location_of_a_mobile_user_takes_opt_in() {
    let mut k = k(fcc());
    k.open("CMRS");
    k.at("2026-01-01T15:00:00Z");
    let n = k.asks_opt_out(Delivery::Electronic, "COMPANY; ALL; M");
    let later = utc("2026-03-05T00:00:00Z");
    let rows = [
        ("LOCATION", "no, unknown, OPT_IN_REQUIRED", vec![]),
        ("CALL_DETAIL", "no, unknown, OPT_IN_REQUIRED", vec![]),
        ("BILLING", "yes, opt_out_approved", vec![n]),
    ];
    for (class, expected, on) in rows {
        let asked = format!("COMPANY; {class}; M→VOIP");
        k.answers_at(later, &asked, expected, &on);
    }
}

#[test]
fn v41_r12_a_grant_to_affiliates_ends_for_an_entity_that_leaves_and_does_not_come_back() {
    let acme = "AFFILIATE acme; BILLING; M→CMRS";
    let mut k = k(def());
    k.at("2026-01-02T00:00:00Z").joins("AFFILIATE acme");
    k.at("2026-01-15T00:00:00Z");
    let g1 = k.says("g(AFFILIATE; ALL; M)");
    k.at("2026-06-01T00:00:00Z").leaves("AFFILIATE acme");
    k.joins("THIRD_PARTY acme");
    let before = k.ask_at(utc("2026-05-31T00:00:00Z"), acme);
    before.reads("yes, granted", &[g1]);
    assert_eq!(before.valid_until, Some(utc("2026-06-01T00:00:00Z")));
    let gone = utc("2026-06-02T00:00:00Z");
    k.answers_at(gone, acme, "no, unknown, RECIPIENT_NOT_COVERED", &[]);
    k.answers_at(
        gone,
        "THIRD_PARTY acme; BILLING; M→CMRS",
        "no, unknown",
        &[],
    );
    k.answers_at(
        gone,
        "AFFILIATE beta; BILLING; M→CMRS",
        "yes, granted",
        &[g1],
    );

    k.at("2026-07-01T00:00:00Z").joins("AFFILIATE acme");
    let back = utc("2026-07-02T00:00:00Z");
    k.answers_at(back, acme, "no, unknown", &[]);
    // Every entity of the kind: one of them has no approval.
    k.answers_at(back, "AFFILIATE; BILLING; M→CMRS", "no, unknown", &[]);
    k.at("2026-07-03T00:00:00Z");
    let g2 = k.says("g(AFFILIATE; ALL; M)");
    k.answers_at(utc("2026-07-04T00:00:00Z"), acme, "yes, granted", &[g2]);
}

#[test]
fn r12_who_joins_later_is_covered_by_a_grant_to_the_kind() {
    let mut k = k(def());
    let g1 = k.says("g(AFFILIATE; ALL; M)");
    k.at("2026-02-01T00:00:00Z").joins("AFFILIATE acme");
    k.answers_at(
        utc("2026-02-02T00:00:00Z"),
        "AFFILIATE acme; BILLING; M",
        "yes, granted",
        &[g1],
    );
}

#[test]
fn r12_a_named_block_follows_the_entity_and_a_block_on_any_kind_that_it_has_blocks_it() {
    let later = utc("2026-06-02T00:00:00Z");
    let mut k = k(def());
    k.joins("AFFILIATE acme");
    let d1 = k.says("d(AFFILIATE acme; *; M)");
    let everything = "g(AGENT + AFFILIATE; ALL; M)";
    k.says(everything);
    k.at("2026-05-01T00:00:00Z").leaves("AFFILIATE acme");
    k.joins("AGENT acme");
    k.joins("AGENT ag");
    k.answers_at(later, "AGENT acme; BILLING; M→CMRS", "no, denied", &[d1]);
    k.answers_at(later, "AGENT; BILLING; M→CMRS", "no, denied", &[d1]);
    k.answers_at(later, "AGENT ag; BILLING; M→CMRS", "yes, granted", &[]);
    // It is no affiliate any more, so that the other affiliates are none of its.
    k.answers_at(later, "AFFILIATE; BILLING; M→CMRS", "yes, granted", &[]);

    let mut k = self::k(def());
    k.joins("AFFILIATE both");
    k.joins("AGENT both");
    let d1 = k.says("d(AGENT; *; M)");
    k.says("g(AFFILIATE; ALL; M)");
    k.answers_at(
        later,
        "AFFILIATE both; BILLING; M→CMRS",
        "no, denied",
        &[d1],
    );
    k.answers_at(
        later,
        "AFFILIATE beta; BILLING; M→CMRS",
        "yes, granted",
        &[],
    );
    // Every affiliate, and this one is one.
    k.answers_at(later, "AFFILIATE; BILLING; M→CMRS", "no, denied", &[d1]);
    k.says("g(AGENT; ALL; M)");
    k.answers_at(
        later,
        "AFFILIATE both; BILLING; M→CMRS",
        "yes, granted",
        &[],
    );
}

#[test]
fn f3_r12_contractor_beats_agent() {
    let later = utc("2026-06-02T00:00:00Z");
    let asked = "AGENT jv; BILLING; M→CMRS";
    let mut k = k(def());
    k.joins("AGENT jv");
    let g1 = k.says("g(AGENT; ALL; M)");
    k.answers_at(later, asked, "yes, granted", &[g1]);
    k.joins("PARTNER_OR_CONTRACTOR jv");
    k.answers_at(later, asked, "no, unknown, RECIPIENT_NOT_COVERED", &[]);
    k.at("2026-05-01T00:00:00Z")
        .leaves("PARTNER_OR_CONTRACTOR jv");
    k.answers_at(later, asked, "no, unknown", &[]);
    let g2 = k.says("g(AGENT; ALL; M)");
    k.answers_at(later, asked, "yes, granted", &[g2]);
}

#[test]
fn r7_f1_who_may_market_held_categories_without_approval() {
    let later = utc("2026-06-02T00:00:00Z");
    let served = |book| {
        let mut k = self::k(book);
        for who in ["AFFILIATE acme", "AFFILIATE beta", "AGENT ag"] {
            k.joins(who);
        }
        k.is_served_by("acme");
        k
    };
    let held = |k: &History, who: &str| {
        let ruling = k.ask_at(later, &format!("{who}; BILLING; M→LOCAL"));
        ruling.basis == Some(Basis::HeldCategory)
    };
    let mut k = served(fcc());
    for (who, expected) in [
        ("COMPANY", true),
        ("AGENT ag", true),
        ("AGENT", true),
        ("AGENT stranger", false),
        // One category only.
        ("AFFILIATE acme", false),
        ("AFFILIATE beta", false),
        ("PARENT", false),
        ("PARTNER_OR_CONTRACTOR jv", false),
    ] {
        assert_eq!(held(&k, who), expected, "{who}");
    }
    k.open("VOIP");
    assert!(held(&k, "AFFILIATE acme"), "it serves the customer itself");
    assert!(!held(&k, "AFFILIATE beta"), "it doesn't");
    assert!(!held(&k, "AFFILIATE"), "not each of them does");
    k.close("VOIP");
    assert!(!held(&k, "AFFILIATE acme"), "one category again");

    let mut k = served(def());
    k.open("VOIP");
    for (who, expected) in [
        ("COMPANY", true),
        ("AGENT ag", false),
        ("AFFILIATE acme", false),
    ] {
        assert_eq!(held(&k, who), expected, "{who}");
    }
}

#[test]
fn r7_the_exceptions_of_64_2005_b_1_are_on_in_the_baseline_and_off_in_the_policy() {
    let offered = |offering: &str| Question {
        offering: Some(offering.to_owned()),
        ..question("COMPANY; BILLING; M")
    };
    for (book, voice_mail) in [(fcc(), true), (def(), false)] {
        let k = k(book);
        for (offering, expected) in [
            ("voice_mail", voice_mail),
            ("cpe", voice_mail),
            // Mobile only.
            ("information_services", false),
            ("motor_cars", false),
        ] {
            let ruling = k.ledger.ask(&offered(offering));
            assert_eq!(ruling.allowed, expected, "{offering}");
        }
    }
}

#[test]
fn r14_a_registered_entity_gets_nothing_as_what_it_is_not_on_any_ground() {
    use crate::rules::grounds;
    let mut k = k(def());
    k.joins("AGENT field");
    let asked = "AGENT field; TECHNICAL_CONFIGURATION; SERVICE";
    assert!(k.ask_on(grounds::ticket(), asked).allowed);
    k.leaves("AGENT field");
    let ruling = k.ask_on(grounds::ticket(), asked);
    assert!(!ruling.allowed && gives(&ruling, ReasonCode::RecipientNotCovered));
}
