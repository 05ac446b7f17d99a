//! Breaches, told as stories (F18, V46).

use super::*;
use crate::domain::company::testing::*;
use crate::domain::company::{CompanyCommand, CompanyEvent};
use crate::domain::ids::EntityId;
use crate::domain::testing::policy_with;
use crate::domain::vocabulary::CpniClass;

fn breaches(command: BreachCommand) -> CompanyCommand {
    CompanyCommand::Breaches(command)
}

fn suspect() -> CompanyCommand {
    breaches(BreachCommand::Suspect(BreachSuspected {
        breach: item("b-1"),
        description: words("an account was opened from abroad"),
        classes: CpniClasses::NONE,
    }))
}

fn findings() -> Findings {
    Findings {
        breach: item("b-1"),
        classes: CpniClasses::of(CpniClass::CallDetail),
        customers: 800,
        intentional: true,
        harmless: false,
        circumstances: words("a stolen password"),
    }
}

fn determine(found: Findings) -> CompanyCommand {
    breaches(BreachCommand::Determine {
        found,
        determined_at: None,
    })
}

fn notified() -> AgencyNotified {
    AgencyNotified {
        breach: item("b-1"),
        notice: document("CPNI-2026-00417"),
    }
}

fn law_enforcement() -> CompanyCommand {
    breaches(BreachCommand::NotifyLawEnforcement(notified()))
}

fn commission() -> CompanyCommand {
    breaches(BreachCommand::NotifyCommission(notified()))
}

fn said(of: fn(AgencySaid) -> BreachCommand) -> CompanyCommand {
    breaches(of(AgencySaid {
        breach: item("b-1"),
        agency: EntityId::parse("fbi").unwrap(),
        writing: document("letter 12"),
    }))
}

fn hold(until: &str) -> CompanyCommand {
    breaches(BreachCommand::Hold(NoticesHeld {
        breach: item("b-1"),
        agency: EntityId::parse("fbi").unwrap(),
        writing: document("letter 11"),
        until: washington(until),
    }))
}

fn tell(customers: u64, complete: bool) -> CompanyCommand {
    breaches(BreachCommand::NotifyCustomers(CustomersNotified {
        breach: item("b-1"),
        customers,
        complete,
        notice: document("letter to customers, v3"),
    }))
}

fn close() -> CompanyCommand {
    breaches(BreachCommand::Close(BreachClosed {
        breach: item("b-1"),
        outcome: words("the account was locked"),
    }))
}

/// A breach that was determined, as findings say, on Friday, 2026-05-29.
fn determined_with(mut office: Office, found: Findings) -> Office {
    office.at("2026-05-29T10:00").act(suspect());
    office.act(determine(found));
    office
}

fn determined() -> Office {
    determined_with(Office::new(), findings())
}

/// An office under the text of 2023.
fn amended() -> Office {
    let (shipped, switched) = (
        "[rules.breach_2007]\nstatus = \"in_force\"\neffective_from = \"2007-12-08\"\nclauses = [\"cfr-2011\"]\n\n[rules.breach_2023]\nstatus = \"adopted_delayed\"",
        "[rules.breach_2007]\nstatus = \"adopted_delayed\"\nclauses = [\"cfr-2011\"]\n\n[rules.breach_2023]\nstatus = \"in_force\"",
    );
    Office::with(policy_with(shipped, switched))
}

fn owed(office: &Office) -> Owed {
    let breach = office.company.breaches.register.get(&item("b-1")).unwrap();
    breach.determined.unwrap().owed
}

fn release(office: &Office) -> Release {
    office
        .company
        .breaches
        .register
        .get(&item("b-1"))
        .unwrap()
        .release()
}

fn day(at: Option<Time>) -> String {
    at.map_or_else(String::new, calendar::day_text)
}

#[test]
fn v46_f18_customers_may_be_told_after_seven_full_business_days_and_not_before() {
    let mut office = determined();
    office.at("2026-06-01T16:00").act(law_enforcement());
    let from = washington("2026-06-11T00:00");
    assert_eq!(release(&office), Release::From(from));
    office.at("2026-06-10T23:58");
    assert_eq!(office.refused(tell(800, true)), RefusalCode::NoticeHeld);
    office.now = Time(from.0 - 60_000_000);
    office.act(tell(800, true));
    assert_eq!(office.now, from);
}

#[test]
fn f18_law_enforcement_is_due_seven_business_days_after_the_determination() {
    let owed = owed(&determined());
    assert_eq!(owed.text, BreachText::Of2007);
    assert_eq!(day(owed.agencies_by), "2026-06-09");
    assert_eq!(
        (owed.customers, owed.customers_by, owed.summary_by),
        (true, None, None)
    );
}

#[test]
fn f18_a_determination_may_lie_back_and_makes_everything_due_earlier() {
    let mut office = Office::new();
    office.at("2026-05-29T10:00").act(suspect());
    let ahead = breaches(BreachCommand::Determine {
        found: findings(),
        determined_at: Some(washington("2026-06-02T10:00")),
    });
    assert_eq!(office.refused(ahead), RefusalCode::OccurredAt);
    office.act(breaches(BreachCommand::Determine {
        found: findings(),
        determined_at: Some(washington("2026-05-18T10:00")),
    }));
    // 25 May is Memorial Day.
    assert_eq!(day(owed(&office).agencies_by), "2026-05-28");
}

#[test]
fn f18_customers_are_not_told_before_law_enforcement_not_even_in_an_urgent_case() {
    let mut office = determined();
    assert_eq!(
        release(&office),
        Release::After("law enforcement is notified")
    );
    assert_eq!(office.refused(tell(800, true)), RefusalCode::NoticeHeld);
    assert_eq!(
        office.refused(said(BreachCommand::AgreeUrgency)),
        RefusalCode::StepOrder
    );
}

#[test]
fn f18_an_urgent_need_agreed_with_the_agency_ends_the_days_of_waiting_from_its_record_on() {
    let mut office = determined();
    office.at("2026-06-01T16:00").act(law_enforcement());
    office.act(said(BreachCommand::AgreeUrgency));
    assert_eq!(release(&office), Release::From(office.now));
    office.act(tell(800, true));
}

#[test]
fn f18_an_agencys_hold_stands_above_an_urgent_need_until_it_is_released() {
    let mut office = determined();
    office.at("2026-06-01T16:00").act(law_enforcement());
    assert_eq!(
        office.refused(said(BreachCommand::Release)),
        RefusalCode::StepOrder
    );
    office.act(hold("2026-06-20T00:00"));
    office.act(said(BreachCommand::AgreeUrgency));
    assert_eq!(office.refused(tell(800, true)), RefusalCode::NoticeHeld);
    office.act(said(BreachCommand::Release));
    office.act(tell(800, true));
}

#[test]
fn f18_a_release_does_not_shorten_the_seven_days() {
    let mut office = determined();
    office.at("2026-06-01T16:00").act(law_enforcement());
    office.act(hold("2026-06-30T00:00"));
    office.act(said(BreachCommand::Release));
    assert_eq!(
        release(&office),
        Release::From(washington("2026-06-11T00:00"))
    );
}

#[test]
fn f18_a_first_hold_is_thirty_days_at_most_and_an_extension_is_never_shorter() {
    let mut office = determined();
    office.at("2026-06-01T16:00").act(law_enforcement());
    assert_eq!(
        office.refused(hold("2026-07-05T00:00")),
        RefusalCode::Invalid
    );
    assert_eq!(
        office.refused(hold("2026-06-01T12:00")),
        RefusalCode::Invalid
    );
    office.act(hold("2026-06-30T00:00"));
    assert_eq!(
        office.refused(hold("2026-06-29T00:00")),
        RefusalCode::Invalid
    );
    office.act(hold("2026-08-30T00:00"));
    assert_eq!(
        release(&office),
        Release::From(washington("2026-08-30T00:00"))
    );
}

#[test]
fn f18_by_the_text_of_2007_what_nobody_did_on_purpose_demands_nothing() {
    let mut found = findings();
    found.intentional = false;
    let mut office = determined_with(Office::new(), found);
    let owed = owed(&office);
    assert_eq!((owed.agencies_by, owed.customers), (None, false));
    office.act(tell(800, true));
    office.act(close());
}

#[test]
fn f18_by_the_text_of_2023_the_commission_is_told_too_and_customers_within_thirty_days() {
    let mut found = findings();
    found.intentional = false;
    let mut office = determined_with(amended(), found);
    let owed = owed(&office);
    assert_eq!(day(owed.agencies_by), "2026-06-09");
    assert_eq!(day(owed.customers_by), "2026-06-28");
    office.act(law_enforcement());
    assert_eq!(office.refused(tell(800, true)), RefusalCode::NoticeHeld);
    office.act(commission());
    office.act(tell(800, true));
}

#[test]
fn f18_by_the_text_of_2007_the_commission_gets_no_notice() {
    let mut office = determined();
    assert_eq!(office.refused(commission()), RefusalCode::StepOrder);
}

#[test]
fn f18_by_the_text_of_2023_a_small_breach_that_harms_nobody_goes_into_the_yearly_summary() {
    let file = |year| {
        breaches(BreachCommand::FileSummary(SummaryFiled {
            year,
            summary: document("summary"),
        }))
    };
    for (customers, harmless, agencies, told, summary) in [
        (499, true, false, false, "2027-02-01"),
        (500, true, true, false, ""),
        (499, false, true, true, ""),
    ] {
        let mut found = findings();
        (found.customers, found.harmless) = (customers, harmless);
        let owed = owed(&determined_with(amended(), found));
        assert_eq!(
            (owed.agencies_by.is_some(), owed.customers),
            (agencies, told)
        );
        assert_eq!(day(owed.summary_by), summary);
    }
    let mut found = findings();
    (found.customers, found.harmless) = (20, true);
    let mut office = determined_with(amended(), found);
    assert_eq!(office.refused(file(2026)), RefusalCode::Invalid);
    office.at("2027-01-20T09:00");
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
    office.act(file(2026));
    assert_eq!(office.refused(file(2026)), RefusalCode::StepOrder);
    office.act(close());
}

#[test]
fn f18_by_the_text_of_2023_an_agencys_hold_moves_the_customers_date() {
    let mut office = determined_with(amended(), findings());
    office.act(law_enforcement());
    office.act(commission());
    office.act(hold("2026-06-27T00:00"));
    let breach = |office: &Office| {
        office
            .company
            .breaches
            .register
            .get(&item("b-1"))
            .unwrap()
            .clone()
    };
    assert_eq!(day(breach(&office).customers_by()), "2026-06-28");
    office.act(hold("2026-07-15T00:00"));
    assert_eq!(
        breach(&office).customers_by(),
        Some(washington("2026-07-15T00:00"))
    );
}

#[test]
fn p17_a_switch_of_the_text_changes_no_breach_that_was_determined_before() {
    let mut office = determined();
    let before = owed(&office);
    office.rulebook = amended().rulebook;
    office.act(law_enforcement());
    assert_eq!(owed(&office), before);
    assert!(matches!(release(&office), Release::From(_)));
}

#[test]
fn f18_each_step_is_taken_once_and_in_its_order() {
    let mut office = Office::new();
    assert_eq!(
        office.refused(determine(findings())),
        RefusalCode::NotRegistered
    );
    office.at("2026-05-29T10:00").act(suspect());
    assert_eq!(office.refused(suspect()), RefusalCode::RegisteredAlready);
    assert_eq!(office.refused(law_enforcement()), RefusalCode::StepOrder);
    let mut nothing = findings();
    nothing.classes = CpniClasses::NONE;
    assert_eq!(office.refused(determine(nothing)), RefusalCode::Invalid);
    office.act(determine(findings()));
    assert_eq!(
        office.refused(determine(findings())),
        RefusalCode::StepOrder
    );
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
    office.at("2026-06-01T16:00").act(law_enforcement());
    assert_eq!(office.refused(law_enforcement()), RefusalCode::StepOrder);
    office.at("2026-06-11T09:00").act(tell(300, false));
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
    assert_eq!(office.refused(tell(0, true)), RefusalCode::Invalid);
    office.act(tell(500, true));
    assert_eq!(office.refused(tell(1, true)), RefusalCode::StepOrder);
    match office.act(close()) {
        CompanyEvent::Breaches(BreachEvent::Closed(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(
        office.refused(hold("2026-06-20T00:00")),
        RefusalCode::StepOrder
    );
    let breach = office.company.breaches.register.get(&item("b-1")).unwrap();
    assert_eq!(
        (breach.customers_told, breach.closed.is_some()),
        (800, true)
    );
}

#[test]
fn f18_a_suspicion_that_was_none_is_closed_with_its_reason() {
    let mut office = Office::new();
    office.act(suspect());
    office.act(close());
}

#[test]
fn f18_a_summary_filed_before_the_determination_does_not_mention_the_breach() {
    let file = || {
        breaches(BreachCommand::FileSummary(SummaryFiled {
            year: 2026,
            summary: document("summary"),
        }))
    };
    let mut office = amended();
    office.at("2027-01-20T09:00");
    office.act(file());
    assert_eq!(office.refused(file()), RefusalCode::StepOrder);
    let mut found = findings();
    (found.customers, found.harmless) = (20, true);
    office.act(suspect());
    office.act(breaches(BreachCommand::Determine {
        found,
        determined_at: Some(washington("2026-12-30T09:00")),
    }));
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
    office.act(file());
    office.act(close());
    assert_eq!(office.refused(file()), RefusalCode::StepOrder);
}

#[test]
fn f18_not_all_customers_are_told_while_fewer_were_told_than_are_affected() {
    let mut office = determined();
    office.act(law_enforcement());
    office.at("2026-08-20T09:00");
    assert_eq!(office.refused(tell(1, true)), RefusalCode::Invalid);
    office.act(tell(1, false));
    let affected = office.company.breaches.register.all().next();
    let affected = affected.and_then(|(_, breach)| breach.determined.as_ref());
    let left = affected.unwrap().customers - 1;
    office.act(tell(left, true));
}
