//! What is due, told as stories (F19).

use super::*;
use crate::domain::company::CompanyCommand;
use crate::domain::company::breaches::{
    AgencyNotified, BreachCommand, BreachSuspected, CustomersNotified, Findings,
};
use crate::domain::company::mechanism_failures::{
    FailureCommand, FailureDetected, LetterContents, LetterFiled,
};
use crate::domain::company::testing::*;
use crate::domain::vocabulary::{Channel, CpniClass, CpniClasses};

fn breaches(command: BreachCommand) -> CompanyCommand {
    CompanyCommand::Breaches(command)
}

fn notify() -> CompanyCommand {
    breaches(BreachCommand::NotifyLawEnforcement(AgencyNotified {
        breach: item("b-1"),
        notice: document("CPNI-2026-00417"),
    }))
}

/// A breach that was determined on Friday, 2026-05-29.
fn breached() -> Office {
    let mut office = Office::new();
    let suspected = BreachSuspected {
        breach: item("b-1"),
        description: words("an account was opened from abroad"),
        classes: CpniClasses::NONE,
    };
    office
        .at("2026-05-29T10:00")
        .act(breaches(BreachCommand::Suspect(suspected)));
    office.act(breaches(BreachCommand::Determine {
        found: Findings {
            breach: item("b-1"),
            classes: CpniClasses::of(CpniClass::CallDetail),
            customers: 800,
            intentional: true,
            harmless: false,
            circumstances: words("a stolen password"),
        },
        determined_at: None,
    }));
    office
}

fn standing(office: &Office, duty: Duty, local: &str) -> Standing {
    of(office, duty, local).standing
}

fn of(office: &Office, duty: Duty, local: &str) -> Deadline {
    let deadlines = office.company.deadlines(washington(local));
    deadlines.into_iter().find(|one| one.duty == duty).unwrap()
}

#[test]
fn f19_a_company_without_records_owes_nothing_yet() {
    assert!(
        Office::new()
            .company
            .deadlines(washington("2026-05-29T10:00"))
            .is_empty()
    );
}

#[test]
fn f19_a_duty_is_due_until_the_end_of_its_day_and_late_after_it() {
    let office = breached();
    let duty = Duty::LawEnforcementNotice;
    assert_eq!(
        standing(&office, duty, "2026-06-09T23:59:59"),
        Standing::Due
    );
    assert_eq!(standing(&office, duty, "2026-06-10T00:00"), Standing::Late);
    let deadline = of(&office, duty, "2026-06-09T12:00");
    assert_eq!(deadline.about, "b-1");
    assert_eq!(deadline.caused_by, Some(Position(2)));
    assert_eq!(deadline.duty.rule(), "47 CFR 64.2011(b)");
    assert!(deadline.holidays_known());
}

#[test]
fn f19_what_was_done_says_when_by_which_record_and_whether_in_time() {
    for (day, expected) in [
        ("2026-06-09T12:00", Standing::Done),
        ("2026-06-10T12:00", Standing::DoneLate),
    ] {
        let mut office = breached();
        office.at(day).act(notify());
        let deadline = of(&office, Duty::LawEnforcementNotice, "2026-07-01T12:00");
        assert_eq!(deadline.standing, expected);
        assert_eq!(deadline.done.unwrap().position, Position(3));
    }
}

#[test]
fn f19_customers_wait_for_law_enforcement_then_for_the_days_and_are_then_due_without_a_date() {
    let mut office = breached();
    let duty = Duty::CustomerNotice;
    let waiting = of(&office, duty, "2026-06-01T12:00");
    assert_eq!(waiting.standing, Standing::NotYet);
    assert_eq!(waiting.waits_for, Some("law enforcement is notified"));
    office.at("2026-06-01T16:00").act(notify());
    assert_eq!(
        standing(&office, duty, "2026-06-10T23:59"),
        Standing::NotYet
    );
    let due = of(&office, duty, "2026-06-11T00:00");
    assert_eq!((due.standing, due.due_by), (Standing::Due, None));
    office
        .at("2026-06-11T09:00")
        .act(breaches(BreachCommand::NotifyCustomers(
            CustomersNotified {
                breach: item("b-1"),
                customers: 800,
                complete: true,
                notice: document("letter"),
            },
        )));
    assert_eq!(standing(&office, duty, "2026-06-12T00:00"), Standing::Done);
}

#[test]
fn f19_the_letter_about_a_failed_way_to_opt_out_is_listed() {
    let failures = CompanyCommand::Failures;
    let mut office = Office::new();
    office
        .at("2026-07-02T09:30")
        .act(failures(FailureCommand::Detect(FailureDetected {
            failure: item("f-1"),
            mechanism: Channel::Web,
            description: words("the form was lost"),
        })));
    assert!(
        office
            .company
            .deadlines(office.now)
            .iter()
            .all(|one| one.duty != Duty::FailureLetter)
    );
    office.act(failures(FailureCommand::Determine {
        failure: item("f-1"),
        customers: 120,
        determined_at: None,
    }));
    assert_eq!(
        standing(&office, Duty::FailureLetter, "2026-07-11T00:00"),
        Standing::Late
    );
    office
        .at("2026-07-08T09:30")
        .act(failures(FailureCommand::FileLetter(LetterFiled {
            failure: item("f-1"),
            contents: LetterContents::ALL,
            letter: document("letter"),
        })));
    assert_eq!(
        standing(&office, Duty::FailureLetter, "2026-07-11T00:00"),
        Standing::Done
    );
}

#[test]
fn f12_f19_a_certificate_is_due_by_march_1_for_each_year_since_the_first_record() {
    let office = breached();
    let certificates = |local: &str| {
        let deadlines = office.company.deadlines(washington(local));
        let certificates = deadlines
            .into_iter()
            .filter(|one| one.duty == Duty::Certificate);
        certificates
            .map(|one| (one.about, one.standing))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        certificates("2026-06-01T12:00"),
        [("2026".to_owned(), Standing::NotYet)]
    );
    assert_eq!(
        certificates("2027-03-01T23:59"),
        [
            ("2026".to_owned(), Standing::Due),
            ("2027".to_owned(), Standing::NotYet)
        ]
    );
    assert_eq!(certificates("2027-03-02T00:00")[0].1, Standing::Late);
}

#[test]
fn f19_deadlines_come_by_their_dates_and_those_without_one_last() {
    let mut office = breached();
    office.at("2026-06-01T16:00").act(notify());
    let deadlines = office.company.deadlines(washington("2026-06-12T12:00"));
    let duties: Vec<_> = deadlines.iter().map(|one| one.duty).collect();
    assert_eq!(
        duties,
        [
            Duty::LawEnforcementNotice,
            Duty::Certificate,
            Duty::CustomerNotice
        ]
    );
}
