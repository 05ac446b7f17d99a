//! R14 as a table: each ground with all its facts is recorded as made, each step outside of it as refused.

use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::EntityId;
use consent_ledger::domain::ruling::ReasonCode;
use consent_ledger::domain::vocabulary::AssuranceMethod;

use crate::rules::books::{def, fcc};
use crate::rules::expect::{is_made, is_refused};
use crate::rules::grounds::{
    court_order, directory, fraud_case, freeze_query, invoice, some, ticket, verified,
};
use crate::rules::history::{History, clock};

/// Verified a minute ago, seen from 12:00.
fn just_verified() -> Option<Telling> {
    Some(verified(AssuranceMethod::CallBack, 1, clock("12:00")))
}

fn ticket_told(verification: Option<Telling>) -> Ground {
    let (ticket, open) = (some("ticket 5"), true);
    Ground::Service {
        ticket,
        open,
        verification,
    }
}

fn invoice_told(verification: Option<Telling>) -> Ground {
    let invoice = some("run 2026-02");
    Ground::Billing {
        invoice,
        verification,
    }
}

#[test]
fn r14_a_ground_with_its_facts_is_met_whatever_was_denied() {
    let rows = [
        (
            court_order(),
            "LAW_ENFORCEMENT county-court; CALL_DETAIL + LOCATION; LEGAL",
        ),
        (fraud_case(), "CARRIER carrier-q; CALL_DETAIL; RIGHTS"),
        (
            freeze_query("carrier-p", "1"),
            "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE",
        ),
        (
            directory("pages"),
            "THIRD_PARTY pages; TELEPHONE_NUMBER; DIRECTORY",
        ),
        (ticket(), "AGENT ag; TECHNICAL_CONFIGURATION; SERVICE"),
        (
            ticket_told(just_verified()),
            "CUSTOMER; TECHNICAL_CONFIGURATION; SERVICE",
        ),
        (
            ticket_told(just_verified()),
            "AUTHORIZED_CONTACT; TYPE; SERVICE",
        ),
        (invoice(), "AGENT ag; BILLING + TYPE + QUANTITY; BILLING"),
        (
            invoice_told(just_verified()),
            "CUSTOMER; BILLING + CALL_DETAIL; BILLING",
        ),
    ];
    for book in [def(), fcc()] {
        let mut k = History::holding(book, &["LOCAL"]);
        k.says("d(*; *; *)");
        for (ground, asked) in rows.clone() {
            k.at("12:00");
            let event = k.disclose(ground, asked);
            println!("{asked}");
            is_made(&event);
        }
    }
}

#[test]
fn r14_grounds_work_while_no_service_is_held() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("d(*; *; *)");
    k.close("LOCAL");
    is_made(&k.disclose(
        court_order(),
        "LAW_ENFORCEMENT county-court; CALL_DETAIL; LEGAL",
    ));
    is_made(&k.disclose(invoice(), "AGENT ag; BILLING; BILLING"));
}

#[test]
fn r14_one_step_outside_a_ground_is_refused_and_recorded() {
    use ReasonCode::{
        ClassNotCovered, FactsRequired, NonPublished, NotOpen, RecipientNotCovered,
        RecipientRequired, VerificationRequired,
    };
    let provider = EntityId::parse("carrier-p");
    let nobodys_query = Ground::PicFreeze {
        provider,
        request: None,
    };
    let non_published = Ground::Directory {
        publisher: EntityId::parse("pages"),
        non_published: true,
    };
    let closed_case = Ground::Rights {
        case: some("case 4"),
        open: false,
        protected_party: some("carrier-q"),
    };
    let no_case = Ground::Rights {
        case: None,
        open: true,
        protected_party: some("carrier-q"),
    };
    let closed_ticket = Ground::Service {
        ticket: some("ticket 5"),
        open: false,
        verification: None,
    };
    let no_ticket = Ground::Service {
        ticket: None,
        open: true,
        verification: None,
    };
    let no_invoice = Ground::Billing {
        invoice: None,
        verification: None,
    };
    let rows = [
        (
            court_order(),
            "LAW_ENFORCEMENT; BILLING; LEGAL",
            RecipientRequired,
        ),
        (
            no_case,
            "CARRIER carrier-q; CALL_DETAIL; RIGHTS",
            FactsRequired,
        ),
        (
            closed_case,
            "CARRIER carrier-q; CALL_DETAIL; RIGHTS",
            NotOpen,
        ),
        (
            nobodys_query,
            "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE",
            FactsRequired,
        ),
        (
            freeze_query("carrier-p", "9"),
            "CARRIER carrier-z; PIC_FREEZE_STATUS; PIC_FREEZE",
            RecipientNotCovered,
        ),
        (
            directory("pages"),
            "THIRD_PARTY pages; BILLING; DIRECTORY",
            ClassNotCovered,
        ),
        (
            directory("pages"),
            "THIRD_PARTY other; TELEPHONE_NUMBER; DIRECTORY",
            RecipientNotCovered,
        ),
        (
            non_published,
            "THIRD_PARTY pages; TELEPHONE_NUMBER; DIRECTORY",
            NonPublished,
        ),
        (no_ticket, "AGENT ag; TYPE; SERVICE", FactsRequired),
        (closed_ticket, "AGENT ag; TYPE; SERVICE", NotOpen),
        (ticket(), "AGENT; TYPE; SERVICE", RecipientRequired),
        (
            ticket(),
            "AFFILIATE acme; TYPE; SERVICE",
            RecipientNotCovered,
        ),
        (ticket(), "CUSTOMER; TYPE; SERVICE", VerificationRequired),
        (no_invoice, "AGENT ag; BILLING; BILLING", FactsRequired),
        (invoice(), "AGENT ag; LOCATION; BILLING", ClassNotCovered),
        (invoice(), "AGENT ag; CALL_DETAIL; BILLING", ClassNotCovered),
        (
            invoice(),
            "THIRD_PARTY bureau; BILLING; BILLING",
            RecipientNotCovered,
        ),
        (
            invoice(),
            "AUTHORIZED_CONTACT; BILLING; BILLING",
            VerificationRequired,
        ),
    ];
    let mut k = History::holding(def(), &["LOCAL"]);
    // What was granted makes no ground wider: the caller claims this ground, not the approval.
    k.says("g(COMPANY + AGENT + AFFILIATE; ALL; ALL)");
    let mut faults = Vec::new();
    for (ground, asked, code) in rows {
        k.at("12:00");
        let event = k.disclose(ground, asked);
        let refused = matches!(&event, Event::DisclosureRefused(r) if r.reasons.contains(&code));
        if !refused {
            faults.push(format!("{asked}: expected {code:?}: {event:?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn r14_marketing_rests_on_no_ground_but_approval() {
    let mut k = History::holding(def(), &["LOCAL"]);
    for purpose in ["M", "MARKETING_OTHER"] {
        for (ground, to) in [
            (court_order(), "LAW_ENFORCEMENT county-court"),
            (fraud_case(), "CARRIER carrier-q"),
            (freeze_query("carrier-p", "1"), "CARRIER carrier-p"),
            (ticket(), "AGENT ag"),
            (invoice(), "AGENT ag"),
        ] {
            let event = k.disclose(ground, &format!("{to}; BILLING; {purpose}"));
            println!("{to} {purpose}");
            is_refused(&event, &[ReasonCode::PurposeNotCovered]);
        }
    }
}
