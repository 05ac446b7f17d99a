//! What may be marketed without approval, to whom a no is never an error, and what closing services does
//! (V1-V6, V22, V24, V44).

use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::ruling::{Basis, ReasonCode, Remedy};
use consent_ledger::domain::vocabulary::CpniClass;

use crate::rules::books::{def, fcc};
use crate::rules::expect::{Reads, gives};
use crate::rules::history::{History, VALID, clock};
use crate::rules::notation::category;

#[test]
fn v01_p2_r7_a_category_held_may_be_marketed_without_approval() {
    let k = History::holding(def(), &["LOCAL"]);
    k.answers(
        "COMPANY; BILLING; M→LOCAL",
        "yes, unknown, HELD_CATEGORY",
        &[],
    );
}

#[test]
fn v02_p2_c9_another_category_needs_approval_and_the_answer_says_what_would_help() {
    let k = History::holding(def(), &["LOCAL"]);
    let ruling = k.ask("COMPANY; BILLING; M→INTEREXCHANGE");
    ruling.reads("no, unknown", &[]);
    assert!(
        ruling
            .remedies
            .contains(&Remedy::OpenService(category("INTEREXCHANGE")))
    );
    assert!(ruling.remedies.contains(&Remedy::OptIn));
}

#[test]
fn v03_p2_r6_closing_a_service_changes_the_answer_at_its_instant() {
    let asked = "COMPANY; BILLING; M→LOCAL";
    let mut k = History::holding(def(), &["LOCAL", "VOIP"]);
    // Recorded ahead: the end counts when it comes, and the answer before says until when it holds (R18).
    let t = clock("12:00");
    k.close_at("LOCAL", t);
    let before = k.ask_at(clock("11:59:59"), asked);
    before.reads("yes, unknown, HELD_CATEGORY", &[]);
    assert_eq!(before.valid_until, Some(t));
    k.answers_at(t, asked, "no, unknown", &[]);

    let mut k = History::holding(def(), &["LOCAL", "VOIP"]);
    k.at("11:59:59")
        .answers(asked, "yes, unknown, HELD_CATEGORY", &[]);
    k.at("12:00").close("LOCAL");
    k.answers(asked, "no, unknown", &[]);
}

#[test]
fn v04_p3_r16_an_unknown_customer_is_answered_no_and_never_an_error() {
    let k = History::unknown(def());
    for asked in [
        "COMPANY; BILLING; M→LOCAL",
        "AFFILIATE acme; CALL_DETAIL; M",
        "COMPANY; TELEPHONE_NUMBER; M",
        "COMPANY; BILLING; BILLING",
        "COMPANY; BILLING; COMPETITOR_TRACKING",
    ] {
        let ruling = k.ask(asked);
        ruling.reads("no, unknown, CUSTOMER_UNKNOWN", &[]);
        assert_eq!(ruling.valid_until, None, "{asked}");
    }
    let mut k = k;
    for said in ["d(*; *; *)", "g(COMPANY; BILLING; M)"] {
        k.refuses(VALID, said, RefusalCode::CustomerUnknown);
    }
}

#[test]
fn v05_p1_the_customers_own_number_is_not_cpni_and_needs_no_approval() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("d(*; *; *)");
    let ruling = k.ask("COMPANY; TELEPHONE_NUMBER; M→CMRS");
    assert!(ruling.allowed, "{ruling:#?}");
    assert_eq!(ruling.basis, Some(Basis::NotCpni));
    assert!(gives(&ruling, ReasonCode::NotCpni));
}

#[test]
fn v06_p1_r13_a_list_of_numbers_selected_by_use_is_cpni() {
    let k = History::holding(def(), &["LOCAL"]);
    let ruling = k.ask("COMPANY; TELEPHONE_NUMBER selected by AMOUNT_OF_USE; M→CMRS");
    ruling.reads("no, unknown", &[]);
    let classes: Vec<_> = ruling.cells.iter().map(|cell| cell.cell.class).collect();
    assert_eq!(classes, [CpniClass::AmountOfUse]);
}

#[test]
fn v22_r8_whether_a_block_reaches_held_categories_is_one_switch_of_the_rulebook() {
    let asked = "COMPANY; BILLING; M→LOCAL";
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(COMPANY; *; M)");
    k.answers(asked, "no, denied", &[d1]);

    let mut k = History::holding(fcc(), &["LOCAL"]);
    k.says("d(COMPANY; *; M)");
    k.answers(asked, "yes, denied, HELD_CATEGORY", &[]);
}

#[test]
fn v24_p6_r9_the_last_disconnection_ends_grants_and_lets_denials_sleep() {
    let mut k = History::holding(def(), &["LOCAL", "VOIP"]);
    let d3 = k.says("d(AFFILIATE; *; M)");
    let g4 = k.says("g(AGENT; ALL; M)");
    let (beta, agent) = (
        "AFFILIATE beta; BILLING; M→CMRS",
        "AGENT ag; BILLING; M→CMRS",
    );

    k.close("LOCAL");
    k.answers(beta, "no, denied", &[d3]);
    k.answers(agent, "yes, granted", &[g4]);

    k.close("VOIP");
    k.answers(beta, "no, lapsed", &[]);
    k.answers(agent, "no, lapsed", &[]);
    k.refuses(VALID, "g(AGENT; ALL; M)", RefusalCode::NoService);

    k.open("LOCAL");
    k.answers(beta, "no, denied", &[d3]);
    k.answers(agent, "no, unknown", &[]);
}

#[test]
fn v44_f1_nobody_may_spot_customers_who_call_competitors() {
    for book in [def(), fcc()] {
        let mut k = History::holding(book, &["LOCAL"]);
        k.says("g(COMPANY; ALL; *)");
        let ruling = k.ask("COMPANY; DESTINATION; COMPETITOR_TRACKING");
        assert!(!ruling.allowed, "{ruling:#?}");
        assert!(gives(&ruling, ReasonCode::Prohibited), "{ruling:#?}");
        assert!(
            !ruling.remedies.contains(&Remedy::OptIn),
            "nothing would make it yes: {ruling:#?}"
        );
    }
}
