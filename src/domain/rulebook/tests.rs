//! What a rulebook must be, and how its faults are told.

use super::{BreachText, ClauseSource, DEFAULT_TEXT, FCC_TEXT, RuleName, Rulebook, SHIPPED};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ruling::ReasonCode;
use crate::domain::testing::{START, policy};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, NotCpni, Purpose, RecipientKind, RecipientKinds};

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
            "list_hours = 24",
            "list_hours = 0",
            "campaigns.list_hours",
            "out of range",
        ),
        (
            "refresh_years = 2",
            "refresh_years = 3",
            "rules.opt_out.numbers.refresh_years",
            "1 to 2",
        ),
        (
            "effective_from = \"2007-12-08\"",
            "effective_from = \"2007-13-08\"",
            "rules.breach_2007.effective_from",
            "no day of the calendar",
        ),
        (
            "effective_from = \"2007-12-08\"",
            "effective_from = \"2007-12-08\"\neffective_to = \"2007-12-08\"",
            "rules.breach_2007.effective_to",
            "ends before it begins",
        ),
        (
            "[rules.breach_2023]\nstatus = \"adopted_delayed\"",
            "[rules.breach_2023]\nstatus = \"in_force\"",
            "rules.breach_2023.status",
            "in force at once",
        ),
        (
            "record_years = 3",
            "record_year = 3",
            "rules.sim_change.numbers.record_year",
            "not one of",
        ),
        (
            "[rules.breach_2023]",
            "[rules.breach_2022]",
            "rules.breach_2022",
            "not one of rules",
        ),
        (
            "[rules.sim_change]\nstatus = \"adopted_delayed\"",
            "[rules.sim_change]\nstatus = \"delayed\"",
            "rules.sim_change.status",
            "adopted_delayed",
        ),
        (
            "held_category_recipients = [\"company\"]",
            "held_category_recipients = [\"parent\"]",
            "switches.held_category_recipients",
            "company, agent, affiliate",
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
            "title = \"Mobile service\"\nlocation_by_opt_in = true",
            "title = \"Mobile service\"\nlocation_by_opt_in = false",
            "categories.cmrs.location_by_opt_in",
            "222(f)",
        ),
        (
            "title = \"Interconnected VoIP service\"\nlocation_by_opt_in = true",
            "title = \"Interconnected VoIP service\"\nlocation_by_opt_in = false",
            "categories.voip.location_by_opt_in",
            "222(f)",
        ),
        (
            "title = \"Local exchange service\"\nlocation_by_opt_in = false",
            "title = \"Local exchange service\"",
            "categories.local",
            "missing field `location_by_opt_in`",
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

#[test]
fn p17_both_rulebooks_that_ship_are_read_under_names_of_their_own() {
    let books: Vec<_> = (SHIPPED.iter())
        .map(|(_, text)| Rulebook::parse(text, [0; 32]).unwrap())
        .collect();
    assert_ne!(books[0].name, books[1].name);
    let at = START;
    assert!(!books[0].opt_out(at) && books[1].opt_out(at));
    assert!(books[0].block_reaches_held_categories());
    assert!(!books[1].block_reaches_held_categories());
    assert!(books[0].exception("voice_mail").is_none());
    assert!(books[1].exception("voice_mail").is_some());
    assert_eq!(
        books[1].held_category_recipients(),
        RecipientKinds::of(RecipientKind::Company)
            .with(RecipientKind::Agent)
            .with(RecipientKind::Affiliate)
    );
}

#[test]
fn r20_the_baseline_cites_the_fcc_and_the_statute_alone_and_the_policy_itself_where_it_says_no() {
    let cites = |text: &str, code, source| {
        let rulebook = Rulebook::parse(text, [0; 32]).unwrap();
        (rulebook.clauses(code).iter()).any(|clause| clause.source == source)
    };
    for code in ReasonCode::EVERY {
        assert!(!cites(FCC_TEXT, *code, ClauseSource::Policy), "{code}");
    }
    assert!(cites(
        DEFAULT_TEXT,
        ReasonCode::OptOutNotEnabled,
        ClauseSource::Policy
    ));
    assert!(cites(
        DEFAULT_TEXT,
        ReasonCode::OptInRequired,
        ClauseSource::Cfr
    ));
}

#[test]
fn p17_f18_a_delayed_rule_is_switched_on_by_its_status_and_its_dates() {
    let at = |text: &str| Time(text.parse::<jiff::Timestamp>().unwrap().as_microsecond());
    let today = at("2026-03-02T12:00:00Z");
    let shipped = policy();
    assert!(shipped.rule(RuleName::Breach2007).in_force(today));
    assert!(!shipped.rule(RuleName::Breach2023).in_force(today));
    assert!(!shipped.rule(RuleName::SimChange).in_force(today));
    assert_eq!(shipped.rules().len(), RuleName::EVERY.len());
    assert_eq!(shipped.breaches(today).text, BreachText::Of2007);

    let switched = DEFAULT_TEXT
        .replace(
            "effective_from = \"2007-12-08\"",
            "effective_from = \"2007-12-08\"\neffective_to = \"2027-01-01\"",
        )
        .replace(
            "[rules.breach_2023]\nstatus = \"adopted_delayed\"",
            "[rules.breach_2023]\nstatus = \"in_force\"\neffective_from = \"2027-01-01\"",
        );
    let switched = Rulebook::parse(&switched, [0; 32]).unwrap();
    for (instant, old, new) in [
        ("2027-01-01T06:59:59Z", true, false),
        ("2027-01-01T07:00:00Z", false, true),
    ] {
        let rule = |name| switched.rule(name).in_force(at(instant));
        assert_eq!(rule(RuleName::Breach2007), old, "{instant}");
        assert_eq!(rule(RuleName::Breach2023), new, "{instant}");
        let amended = switched.breaches(at(instant)).text == BreachText::Of2023;
        assert_eq!(amended, new, "{instant}");
    }
}
