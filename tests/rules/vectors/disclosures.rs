//! Disclosures and their grounds (V23, V36-V39, V47, V48).

use consent_ledger::domain::disclosures::{Ground, Seal};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::ruling::ReasonCode;
use consent_ledger::domain::vocabulary::AssuranceMethod;

use crate::rules::books::{def, def_of_version, fcc};
use crate::rules::expect::{is_made, is_refused};
use crate::rules::grounds;
use crate::rules::history::{History, clock};
use crate::rules::notation::utc;

#[test]
fn v23_p5_r14_a_denial_has_no_effect_on_service_billing_or_the_law() {
    for book in [def(), fcc()] {
        let mut without = History::holding(book, &["LOCAL"]);
        let mut with = History::holding(book, &["LOCAL"]);
        with.says("d(COMPANY; *; M)");
        with.says("d(*; *; *)");
        for (ground, asked) in [
            (
                grounds::invoice(),
                "COMPANY infotech; BILLING + TYPE; BILLING",
            ),
            (
                grounds::ticket(),
                "COMPANY infotech; TECHNICAL_CONFIGURATION; SERVICE",
            ),
            (
                grounds::freeze_query("carrier-p", "12"),
                "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE",
            ),
            (
                grounds::court_order(),
                "LAW_ENFORCEMENT county-court; CALL_DETAIL; LEGAL",
            ),
        ] {
            let (one, other) = (
                without.ask_on(ground.clone(), asked),
                with.ask_on(ground.clone(), asked),
            );
            assert!(one.allowed && other.allowed, "{asked}: {one:#?} {other:#?}");
            assert_eq!(
                (one.basis, one.reasons),
                (other.basis, other.reasons),
                "{asked}"
            );
            is_made(&without.disclose(ground.clone(), asked));
            is_made(&with.disclose(ground, asked));
        }
    }
}

#[test]
fn v36_p7_marketing_never_rests_on_service() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let made = k.disclose(grounds::ticket(), "AGENT ag; BILLING; M");
    is_refused(&made, &[ReasonCode::PurposeNotCovered]);
}

#[test]
fn v37_p7_a_freeze_query_gets_the_freeze_status_once_and_nothing_else() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let asked = "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE";
    let more = "CARRIER carrier-p; PIC_FREEZE_STATUS + TYPE; PIC_FREEZE";
    is_made(&k.disclose(grounds::freeze_query("carrier-p", "12"), asked));
    let refused = k.disclose(grounds::freeze_query("carrier-p", "13"), more);
    is_refused(&refused, &[ReasonCode::ClassNotCovered]);
    let again = k.disclose(grounds::freeze_query("carrier-p", "12"), asked);
    is_refused(&again, &[ReasonCode::RequestReused]);
}

#[test]
fn v38_p7_a_court_order_needs_its_reference_and_no_approval() {
    let asked = "LAW_ENFORCEMENT county-court; CALL_DETAIL; LEGAL";
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("d(*; *; *)");
    is_made(&k.disclose(grounds::court_order(), asked));
    let Ground::Legal {
        authority,
        dated,
        digest,
        ..
    } = grounds::court_order()
    else {
        unreachable!()
    };
    let vague = Ground::Legal {
        authority,
        reference: None,
        dated,
        digest,
    };
    is_refused(&k.disclose(vague, asked), &[ReasonCode::FactsRequired]);
}

#[test]
fn v39_p16_staying_on_after_a_policy_change_is_no_approval() {
    let asked = "COMPANY infotech; BILLING; M→CMRS";
    for denied in [true, false] {
        let mut k = History::holding(def(), &["LOCAL"]);
        let before = k.notice.unwrap();
        let blocks: Vec<_> = denied.then(|| k.says("d(*; *; *)")).into_iter().collect();
        k.ledger.book = def_of_version("2026-03-02");
        k.days_pass(400);
        let (expected, code) = match denied {
            true => ("no, denied", ReasonCode::Denied),
            false => ("no, unknown", ReasonCode::ApprovalRequired),
        };
        k.answers(asked, expected, &blocks);
        // The acceptance is derived, so what is cited can only be some record that is no approval, or none of ours.
        for cited in [before, Position(0), Position(10_000)] {
            let deemed = Ground::Approval { cites: Some(cited) };
            is_refused(
                &k.disclose(deemed, asked),
                &[ReasonCode::ApprovalNotLive, code],
            );
        }
        is_refused(
            &k.disclose(Ground::Approval { cites: None }, asked),
            &[code],
        );
    }
}

#[test]
fn v47_p7_the_record_of_a_disclosure_carries_its_seal() {
    let until = Some(Seal::Until(utc("2027-01-01T07:00:00Z")));
    let asked = "LAW_ENFORCEMENT county-court; CALL_DETAIL; LEGAL";
    let mut k = History::holding(def(), &["LOCAL"]);
    match k.disclose_sealed(grounds::court_order(), asked, until) {
        Event::DisclosureMade(made) => assert_eq!(made.seal, until),
        other => panic!("{other:#?}"),
    }
    let vague = Ground::Legal {
        authority: None,
        reference: None,
        dated: None,
        digest: None,
    };
    match k.disclose_sealed(vague, asked, until) {
        Event::DisclosureRefused(refused) => assert_eq!(refused.seal, until),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn v48_p11_r19_a_verification_is_over_after_half_an_hour() {
    let asked = "CUSTOMER; BILLING; BILLING";
    let mut k = History::holding(def(), &["LOCAL"]);
    let ground = |minutes, now| Ground::Billing {
        invoice: grounds::some("invoice 2026-02"),
        verification: Some(grounds::verified(AssuranceMethod::Password, minutes, now)),
    };
    let late = k.at("11:00").disclose(ground(31, clock("11:00")), asked);
    is_refused(&late, &[ReasonCode::VerificationRequired]);
    is_made(&k.at("11:00").disclose(ground(29, clock("11:00")), asked));
}
