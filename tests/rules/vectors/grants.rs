//! What a grant needs, and what no grant can come from (V25-V27, V31, V35).

use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::ruling::{ReasonCode, State};
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium};

use crate::rules::books::def;
use crate::rules::expect::gives;
use crate::rules::history::{History, Manner, VALID, clock};
use crate::rules::notation::word;

#[test]
fn v25_p3_r15_a_denial_needs_no_verification_a_grant_does() {
    let unverified = Manner {
        verified: None,
        ..VALID
    };
    let mut k = History::holding(def(), &["LOCAL"]);
    k.refuses(
        unverified,
        "g(COMPANY; BILLING; M)",
        RefusalCode::VerificationRequired,
    );
    let d = k.tries(unverified, "d(COMPANY; BILLING; M)").unwrap();
    k.answers("COMPANY; BILLING; M→CMRS", "no, denied", &[d]);
}

#[test]
fn v26_p4_an_oral_denial_needs_no_evidence_an_oral_grant_does() {
    let oral = Manner {
        medium: Medium::Oral,
        verified: Some((AssuranceMethod::Password, 1)),
        evidence: false,
        ..VALID
    };
    let mut k = History::holding(def(), &["LOCAL"]);
    k.refuses(
        oral,
        "g(COMPANY; BILLING; M)",
        RefusalCode::EvidenceRequired,
    );
    k.tries(oral, "d(COMPANY; BILLING; M)").unwrap();
    k.tries(
        Manner {
            evidence: true,
            ..oral
        },
        "g(COMPANY; BILLING; M)",
    )
    .unwrap();
}

#[test]
fn v27_f4_r15_a_grant_needs_a_notice_given_before_it() {
    let grant = || vec![word("g(COMPANY; BILLING; M)")];
    let mut k = History::account(def());
    k.open("LOCAL");
    let early = k.at("10:00").speak(VALID, None, grant());
    assert_eq!(early, Err(RefusalCode::NoticeRequired));
    k.at("10:01").notice("ALL; ALL; ALL");
    let said_before = k.at("10:05").speak(VALID, Some(clock("10:00")), grant());
    assert_eq!(said_before, Err(RefusalCode::NoticeRequired));
    k.at("10:05").speak(VALID, None, grant()).unwrap();

    // R5: a notice widens, so it counts from its recording, whenever it is said to have been given.
    let mut k = History::account(def());
    k.open("LOCAL");
    k.at("10:01")
        .notice_of("ALL; ALL; ALL", Some(clock("09:50")));
    let said_between = k.at("10:05").speak(VALID, Some(clock("10:00")), grant());
    assert_eq!(said_between, Err(RefusalCode::NoticeRequired));
}

#[test]
fn v31_r10_silence_after_a_notice_is_no_approval() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.days_pass(60);
    let ruling = k.ask("COMPANY; BILLING; M→CMRS");
    assert!(!ruling.allowed);
    assert_eq!(ruling.state, State::Unknown);
    let codes = [ReasonCode::OptOutNotEnabled, ReasonCode::ApprovalRequired];
    assert!(
        codes.iter().any(|code| gives(&ruling, *code)),
        "{ruling:#?}"
    );
    assert_eq!(ruling.valid_until, None, "no clock runs");
}

#[test]
fn v35_f8_r11_a_one_time_approval_is_for_its_call_only() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d1 = k.says("d(COMPANY; *; M)");
    let once = k.once("c7", "COMPANY; BILLING; M").unwrap();
    let asked = "COMPANY; BILLING; M→CMRS";
    k.answers_in_call("c7", asked, "yes, denied, ONE_TIME", &[once]);
    k.answers(asked, "no, denied", &[d1]);
    k.answers_in_call("c8", asked, "no, denied", &[d1]);
    k.call_ends("c7");
    k.answers_in_call("c7", asked, "no, denied", &[d1]);
    assert_eq!(k.once("c7", "COMPANY; BILLING; M"), Err(RefusalCode::Call));
}
