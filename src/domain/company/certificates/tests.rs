//! The yearly certificate, told as a story (F12).

use super::*;
use crate::domain::company::CompanyCommand;
use crate::domain::company::CompanyEvent;
use crate::domain::company::complaints::{ComplaintCommand, ComplaintResolved};
use crate::domain::company::register::ItemId;
use crate::domain::company::testing::*;
use crate::domain::company::training::{AccessGiven, Disciplined, STEPS_MAX, TrainingCommand};

fn certificates(command: CertificateCommand) -> CompanyCommand {
    CompanyCommand::Certificates(command)
}

fn draft(contents: StatementContents) -> CompanyCommand {
    certificates(CertificateCommand::Draft {
        year: 2026,
        statement: document("statement of 2026"),
        contents,
    })
}

fn sign(personal_knowledge: bool) -> CompanyCommand {
    certificates(CertificateCommand::Sign {
        year: 2026,
        personal_knowledge,
    })
}

fn file() -> CompanyCommand {
    certificates(CertificateCommand::File(CertificateFiled {
        year: 2026,
        filing: document("06-36 2027-02-12"),
    }))
}

fn complain(id: &ItemId, category: ComplaintCategory, received: &str) -> CompanyCommand {
    CompanyCommand::Complaints(ComplaintCommand::Receive {
        complaint: id.clone(),
        category,
        received_at: Some(washington(received)),
    })
}

/// January 2027, with three complaints of 2026, one of 2025, an untrained person.
fn office() -> Office {
    let mut office = Office::new();
    office.at("2027-01-11T09:00");
    for (number, received) in [
        (1, "2026-01-01T00:00"),
        (2, "2026-12-31T23:59"),
        (3, "2025-12-31T23:59"),
        (4, "2027-01-01T00:00"),
    ] {
        let category = match number {
            1 => ComplaintCategory::Pretexting,
            _ => ComplaintCategory::EmployeeAccess,
        };
        office.act(complain(&item(&format!("c-{number}")), category, received));
    }
    office.act(CompanyCommand::Complaints(ComplaintCommand::Resolve(
        ComplaintResolved {
            complaint: item("c-1"),
            substantiated: true,
            outcome: words("so it was"),
        },
    )));
    office.act(CompanyCommand::Training(TrainingCommand::GiveAccess(
        AccessGiven {
            person: somebody(7),
            role: item("care-agent"),
        },
    )));
    office
}

fn figure(figures: &[Figure], counted: Counted, kind: Option<&str>) -> (u64, Vec<u64>) {
    let figure = figures
        .iter()
        .find(|one| one.counted == counted && one.kind == kind)
        .unwrap();
    (
        figure.count,
        figure.positions.iter().map(|at| at.0).collect(),
    )
}

#[test]
fn f12_each_figure_of_a_year_names_the_records_that_it_counts() {
    let office = office();
    let figures = office.company.figures(2026, office.now);
    let of = |counted, kind| figure(&figures, counted, kind);
    assert_eq!(of(Counted::Complaints, Some("pretexting")), (1, vec![1]));
    assert_eq!(
        of(Counted::Complaints, Some("employee_access")),
        (1, vec![2])
    );
    assert_eq!(of(Counted::Complaints, Some("online_access")), (0, vec![]));
    assert_eq!(of(Counted::ComplaintsSubstantiated, None), (1, vec![1]));
    assert_eq!(of(Counted::Untrained, None), (1, vec![6]));
    assert_eq!(of(Counted::Breaches, None), (0, vec![]));
    for counted in Counted::EVERY {
        assert!(
            figures.iter().any(|one| one.counted == *counted),
            "{counted}"
        );
    }
}

#[test]
fn f12_the_draft_states_the_figures_as_the_records_before_it_make_them() {
    let mut office = office();
    let expected: Vec<_> = (office.company.figures(2026, office.now).iter())
        .map(Figure::stated)
        .collect();
    match office.act(draft(StatementContents::ALL)) {
        CompanyEvent::Certificates(CertificateEvent::Drafted(drafted)) => {
            assert_eq!(drafted.figures, expected);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn f12_a_certificate_is_of_a_year_that_is_over_and_says_everything_that_it_must() {
    let mut office = office();
    office.at("2026-12-31T23:00");
    assert_eq!(
        office.refused(draft(StatementContents::ALL)),
        RefusalCode::Invalid
    );
    office.at("2027-01-12T09:00");
    for content in StatementContent::EVERY {
        let contents = StatementContents::ALL.without(*content);
        assert_eq!(
            office.refused(draft(contents)),
            RefusalCode::ContentRequired
        );
    }
}

#[test]
fn f12_an_officer_signs_by_personal_knowledge_and_a_new_draft_is_signed_anew() {
    let mut office = office();
    assert_eq!(office.refused(sign(true)), RefusalCode::StepOrder);
    office.act(draft(StatementContents::ALL));
    assert_eq!(office.refused(file()), RefusalCode::StepOrder);
    assert_eq!(office.refused(sign(false)), RefusalCode::ContentRequired);
    office.person = None;
    assert_eq!(office.refused(sign(true)), RefusalCode::PersonRequired);
    office.by(3).act(sign(true));
    assert_eq!(office.refused(sign(true)), RefusalCode::StepOrder);
    office.act(draft(StatementContents::ALL));
    assert_eq!(office.refused(file()), RefusalCode::StepOrder);
    office.act(sign(true));
    office.act(file());
    assert_eq!(office.refused(file()), RefusalCode::StepOrder);
    assert_eq!(
        office.refused(draft(StatementContents::ALL)),
        RefusalCode::StepOrder
    );
}

#[test]
fn f12_a_duty_that_was_late_is_a_figure_of_the_year_of_its_date() {
    let office = office();
    let late = |local: &str, year| {
        figure(
            &office.company.figures(year, washington(local)),
            Counted::LateDuties,
            None,
        )
        .0
    };
    // The first record is of 2027: its certificate is due on March 1, 2028.
    assert_eq!(late("2028-03-01T12:00", 2028), 0);
    assert_eq!(late("2028-03-02T12:00", 2028), 1);
    assert_eq!(late("2028-03-02T12:00", 2027), 0);
}

fn train(completed_at: &str) -> CompanyCommand {
    CompanyCommand::Training(TrainingCommand::Train {
        person: somebody(7),
        course: item("cpni"),
        completed_at: Some(washington(completed_at)),
    })
}

fn discipline() -> CompanyCommand {
    CompanyCommand::Training(TrainingCommand::Discipline(Disciplined {
        person: somebody(7),
        measure: words("written warning"),
        file: document("hr-2026-14"),
    }))
}

#[test]
fn f12_trainings_and_sanctions_of_a_year_stay_its_figure_whatever_comes_after() {
    let mut office = Office::new();
    let many = STEPS_MAX as u64 + 3;
    office.at("2026-12-30T09:00");
    for _ in 0..many {
        office.act(train("2026-06-01T09:00"));
        office.act(discipline());
    }
    let expected = [
        (many, (1..=many).map(|nth| 2 * nth - 1).collect::<Vec<_>>()),
        (many, (1..=many).map(|nth| 2 * nth).collect()),
    ];
    let figures = |office: &Office| {
        let figures = office.company.figures(2026, office.now);
        [Counted::Trainings, Counted::Sanctions].map(|counted| figure(&figures, counted, None))
    };
    assert_eq!(figures(&office), expected);
    office.at("2027-02-01T09:00");
    for _ in 0..many {
        office.act(train("2027-01-15T09:00"));
        office.act(discipline());
    }
    assert_eq!(figures(&office), expected);
    // One that was completed in the year and is recorded late still counts in it.
    office.act(train("2026-12-31T23:59"));
    assert_eq!(figures(&office)[0].0, many + 1);
}
