//! Grants against blocks, cell by cell (V7-V15, V20, V21, V40, V42, V43).

use consent_ledger::domain::customer::rule;
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::ruling::Remedy;

use crate::rules::books::def;
use crate::rules::expect::{Reads, is_made};
use crate::rules::history::{History, clock};
use crate::rules::notation::question;

#[test]
fn v07_p3_r12_a_denial_of_one_affiliate_leaves_the_others_and_the_company() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let g1 = k.says("g(COMPANY + AFFILIATE; ALL; M)");
    let d2 = k.says("d(AFFILIATE acme; *; M)");
    k.answers("AFFILIATE acme; BILLING; M→CMRS", "no, denied", &[d2]);
    k.answers("AFFILIATE beta; BILLING; M→CMRS", "yes, granted", &[g1]);
    k.answers("AFFILIATE; BILLING; M→CMRS", "no, denied", &[d2]);
    k.answers("COMPANY; BILLING; M→CMRS", "yes, granted", &[g1]);
}

#[test]
fn v08_p3_r3_a_wider_grant_lifts_no_narrower_denial() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(AFFILIATE acme; *; M)");
    let g2 = k.says("g(AFFILIATE; ALL; M)");
    assert_eq!(k.still_blocked_by(g2), [d1]);
    let acme = k.ask("AFFILIATE acme; BILLING; M→CMRS");
    acme.reads("no, denied", &[d1]);
    assert!(
        acme.remedies.contains(&Remedy::Lift(vec![d1])),
        "C9: {acme:#?}"
    );
    k.answers("AFFILIATE beta; BILLING; M→CMRS", "yes, granted", &[g2]);
}

#[test]
fn v09_r3_a_grant_that_names_the_denial_lifts_it() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(AFFILIATE acme; *; M)");
    k.says("g(AFFILIATE; ALL; M)");
    let g3 = k.says_lifting("g(AFFILIATE; ALL; M)", &[d1]);
    assert_eq!(k.still_blocked_by(g3), []);
    k.answers("AFFILIATE acme; BILLING; M→CMRS", "yes, granted", &[g3]);
}

#[test]
fn v10_p3_a_later_narrower_grant_lifts_its_own_cells_only() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(*; *; *)");
    let g2 = k.says("g(COMPANY; BILLING; M)");
    assert_eq!(k.still_blocked_by(g2), []);
    k.answers("COMPANY; BILLING; M→CMRS", "yes, granted", &[g2]);
    k.answers("COMPANY; QUANTITY; M→CMRS", "no, denied", &[d1]);
    // R1: a question over several cells is yes only if each is.
    k.answers("COMPANY; BILLING + QUANTITY; M→CMRS", "no, denied", &[d1]);
}

#[test]
fn v11_r3_an_overlapping_grant_lifts_nothing() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(*; BILLING; M)");
    let g2 = k.says("g(AFFILIATE; ALL; M)");
    assert_eq!(k.still_blocked_by(g2), [d1]);
    k.answers("AFFILIATE beta; BILLING; M→CMRS", "no, denied", &[d1]);
    k.answers("AFFILIATE beta; TYPE; M→CMRS", "yes, granted", &[g2]);
}

#[test]
fn v12_p3_a_later_denial_of_everything_ends_the_permission() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; BILLING; M)");
    let d2 = k.says("d(*; *; *)");
    k.answers("COMPANY; BILLING; M→CMRS", "no, denied", &[d2]);
}

#[test]
fn v13_p3_r4_in_one_atomic_command_the_block_wins() {
    for (words, block) in [
        (["d(COMPANY; BILLING; M)", "g(COMPANY; BILLING; M)"], 0),
        (["g(COMPANY; BILLING; M)", "d(COMPANY; BILLING; M)"], 1),
    ] {
        let mut k = History::holding(def(), &["LOCAL"]);
        let said = k.says_all(&words);
        let asked = "COMPANY; BILLING; M→CMRS";
        k.answers(asked, "no, denied", &[said[block]]);
        assert_eq!(
            k.still_blocked_by(said[1 - block]),
            [said[block]],
            "{words:?}"
        );
    }
}

#[test]
fn v14_r4_position_decides_where_the_recorded_instant_is_the_same() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.at("10:00").says("d(COMPANY; BILLING; M)");
    let g2 = k.at("10:00").says("g(COMPANY; BILLING; M)");
    k.answers("COMPANY; BILLING; M→CMRS", "yes, granted", &[g2]);
}

#[test]
fn v15_r4_a_grant_must_be_later_in_position_and_in_stated_time() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.at("10:03").said(clock("10:02"), "g(COMPANY; BILLING; M)");
    let d6 = k.at("10:05").said(clock("10:00"), "d(COMPANY; BILLING; M)");
    let ruling = k.ask_at(clock("11:00"), "COMPANY; BILLING; M→CMRS");
    ruling.reads("no, denied", &[d6]);

    // The other way round: recorded after the denial, said before it.
    let mut k = History::holding(def(), &["LOCAL"]);
    let d = k.at("10:00").says("d(COMPANY; BILLING; M)");
    let g = k.at("10:05").said(clock("09:58"), "g(COMPANY; BILLING; M)");
    assert_eq!(k.still_blocked_by(g), [d]);
    k.answers("COMPANY; BILLING; M→CMRS", "no, denied", &[d]);

    // An equal stated time isn't strictly later.
    let mut k = History::holding(def(), &["LOCAL"]);
    let d = k.at("10:00").says("d(COMPANY; BILLING; M)");
    k.at("10:05").said(clock("10:00"), "g(COMPANY; BILLING; M)");
    k.answers("COMPANY; BILLING; M→CMRS", "no, denied", &[d]);
}

#[test]
fn v20_p3_r2_a_restriction_leaves_its_exception_as_it_was() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let g1 = k.says("g(COMPANY; ALL; M)");
    let r2 = k.says("r(COMPANY; ALL except BILLING; M)");
    k.answers("COMPANY; BILLING; M→CMRS", "yes, granted", &[g1]);
    let quantity = k.ask("COMPANY; QUANTITY; M→CMRS");
    quantity.reads("no, restricted", &[r2]);
}

#[test]
fn v21_r2_a_restriction_grants_nothing() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("r(COMPANY; ALL except BILLING; M)");
    let ruling = k.ask("COMPANY; BILLING; M→CMRS");
    ruling.reads("no, unknown", &[]);
}

#[test]
fn v40_r13_call_detail_is_a_class_of_its_own() {
    let asked = "COMPANY; CALL_DETAIL; M→CMRS";
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; AMOUNT_OF_USE + DESTINATION; M)");
    k.answers(asked, "no, unknown", &[]);

    let mut k = History::holding(def(), &["LOCAL"]);
    let g1 = k.says("g(COMPANY; ALL; M)");
    k.answers(asked, "yes, granted", &[g1]);
    let d2 = k.says("d(COMPANY; DESTINATION; M)");
    k.answers(asked, "no, denied", &[d2]);
}

#[test]
fn v42_r12_a_parent_is_an_affiliate_for_a_denial_and_not_for_a_grant() {
    let asked = "PARENT mom; BILLING; M→CMRS";
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(AFFILIATE + PARENT; ALL; M)");
    let d2 = k.says("d(AFFILIATE; *; M)");
    k.answers(asked, "no, denied", &[d2]);
    k.answers("PARENT; BILLING; M→CMRS", "no, denied", &[d2]);

    let mut another = History::holding(def(), &["LOCAL"]);
    another.says("g(AFFILIATE; ALL; M)");
    another.answers(asked, "no, unknown", &[]);
}

#[test]
fn v43_c4_r5_as_of_an_earlier_instant_a_later_denial_is_not_known_yet() {
    // The part of the vector that a replay shows; hindsight and the report need the views.
    let asked = question("COMPANY infotech; BILLING; M→CMRS");
    let mut k = History::holding(def(), &["LOCAL"]);
    let g1 = k.at("09:30").says("g(COMPANY; ALL; M)");
    is_made(&k.at("11:00").disclose(
        Ground::Approval { cites: Some(g1) },
        "COMPANY infotech; BILLING; M→CMRS",
    ));
    let known_then = k.ledger.records.last().unwrap().position;
    let d3 = k.at("12:00").said(clock("10:00"), "d(COMPANY; *; M)");
    let then = k.ledger.replayed_to(known_then);
    let ruling = rule(then.as_ref(), k.ledger.world(), &asked, clock("11:00"));
    ruling.reads("yes, granted", &[g1]);
    k.ledger.ask(&asked).reads("no, denied", &[d3]);
}
