//! What a rulebook must be, and how its faults are told.

use super::{DEFAULT_TEXT, Rulebook};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::vocabulary::{CpniClass, NotCpni, Purpose, RecipientKind};

#[test]
fn p17_the_shipped_policy_is_read_and_speaks_of_every_member_of_the_lists() {
    let rulebook = Rulebook::parse(DEFAULT_TEXT, [9; 32]).unwrap();
    assert_eq!(
        (&*rulebook.name, &*rulebook.version),
        ("infotech-cpni", "2024-05-29")
    );
    assert_eq!(
        (rulebook.digest, rulebook.zone()),
        ([9; 32], "America/Denver")
    );
    assert_eq!(rulebook.periods().occurred_back_hours, 24);
    assert_eq!(rulebook.classes().len(), CpniClass::EVERY.len());
    assert!(
        NotCpni::EVERY
            .iter()
            .all(|item| !rulebook.not_cpni_clauses(*item).is_empty())
    );
    for ground in GroundKind::EVERY {
        assert_eq!(rulebook.ground(*ground).ground, *ground);
    }
    assert!(
        rulebook
            .held_category_recipients()
            .contains(RecipientKind::Company)
    );
    assert!(rulebook.has_ground_for(Purpose::Service));
    assert!(!rulebook.has_ground_for(Purpose::OtherApproved));
}

#[test]
fn p17_a_fault_names_its_line_and_its_rule() {
    for (line, other, rule, says) in [
        (
            "opt_out = false",
            "opt_out = false\nfoo = 1",
            "switches.foo",
            "unknown field `foo`",
        ),
        (
            "text = \"2007\"",
            "text = \"2024\"",
            "breaches.text",
            "it takes 2007, 2023",
        ),
        (
            "list_hours = 24",
            "list_hours = 0",
            "campaigns.list_hours",
            "out of range",
        ),
        (
            "opt_out = false",
            "opt_out = true",
            "switches.opt_out",
            "false",
        ),
        (
            "opt_out = false",
            "opt_out = 3",
            "switches.opt_out",
            "invalid type",
        ),
        (
            "[classes.quantity]",
            "[classes.weight]",
            "classes.weight",
            "\"weight\" is not one of classes",
        ),
        (
            "DENIED = [",
            "DENIES = [",
            "reasons.DENIES",
            "not one of reasons",
        ),
        (
            "NOT_OPEN = [",
            "# NOT_OPEN = [",
            "reasons.NOT_OPEN",
            "missing",
        ),
        (
            "LAPSED = [\"policy-2-valid\"]",
            "LAPSED = []",
            "reasons.LAPSED",
            "no clause",
        ),
        (
            "LAPSED = [\"policy-2-valid\"]",
            "LAPSED = [\"policy-9\"]",
            "reasons.LAPSED",
            "policy-9",
        ),
        (
            "verification_minutes = 30",
            "verification_minutes = 90",
            "periods.verification_minutes",
            "1 to 60 minutes",
        ),
        (
            "zone = \"America/Denver\"",
            "zone = \"America/Nowhere\"",
            "zone",
            "America/Nowhere",
        ),
        (
            "purposes = [\"billing\"]",
            "purposes = [\"billing\", \"marketing_comms\"]",
            "grounds.billing.purposes",
            "approval",
        ),
        (
            "purposes = [\"billing\"]",
            "purposes = [\"bills\"]",
            "grounds.billing.purposes",
            "bills",
        ),
        (
            "facts = [\"invoice\"]",
            "facts = [\"ticket\"]",
            "grounds.billing.facts",
            "it has invoice",
        ),
        (
            "[categories.voip]",
            "[categories.VoIP]",
            "categories.VoIP",
            "a-z",
        ),
        (
            "[clauses.usc-222-f]\nsource = \"usc\"",
            "[clauses.usc-222-f]\nsource = \"law\"",
            "clauses.usc-222-f.source",
            "law",
        ),
        (
            "attempts_max = 5",
            "attempts_max = 50",
            "authentication.attempts_max",
            "1 to 10",
        ),
        (
            "of_record_days = 30",
            "of_record_days = 29",
            "authentication.of_record_days",
            "30 to 365",
        ),
        (
            "questions = [\"first_concert\"",
            "questions = [\"date_of_birth\"",
            "authentication.questions",
            "biographical",
        ),
        ("version = \"2024-05-29\"", "version = ", "version", ""),
    ] {
        assert!(DEFAULT_TEXT.contains(line), "{line}");
        let text = DEFAULT_TEXT.replacen(line, other, 1);
        let fault = Rulebook::parse(&text, [0; 32]).unwrap_err();
        assert_eq!(fault.rule, rule, "{fault}");
        assert!(fault.message.contains(says), "{fault}");
        if !says.contains("missing") {
            let start = DEFAULT_TEXT.find(line).unwrap();
            let before = DEFAULT_TEXT[..start].lines().count();
            assert_eq!(fault.line, before + other.lines().count(), "{fault}");
        }
    }
}
