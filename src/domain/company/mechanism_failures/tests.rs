//! Failures of ways to opt out, told as stories (F13).

use super::*;
use crate::domain::company::CompanyCommand;
use crate::domain::company::testing::*;

fn failures(command: FailureCommand) -> CompanyCommand {
    CompanyCommand::Failures(command)
}

fn detect() -> CompanyCommand {
    failures(FailureCommand::Detect(FailureDetected {
        failure: item("f-1"),
        mechanism: Channel::Ivr,
        description: words("the menu hung up"),
    }))
}

fn determine() -> CompanyCommand {
    failures(FailureCommand::Determine {
        failure: item("f-1"),
        customers: 120,
        determined_at: None,
    })
}

fn file(contents: LetterContents) -> CompanyCommand {
    failures(FailureCommand::FileLetter(LetterFiled {
        failure: item("f-1"),
        contents,
        letter: document("EB-06-36 117"),
    }))
}

fn close() -> CompanyCommand {
    failures(FailureCommand::Close(FailureClosed {
        failure: item("f-1"),
        outcome: words("the menu was mended"),
    }))
}

#[test]
fn f13_the_letter_is_due_five_business_days_after_the_determination() {
    let mut office = Office::new();
    office.at("2026-07-02T09:30").act(detect());
    office.act(determine());
    let failure = office.company.failures.get(&item("f-1")).unwrap();
    let (_, letter_by) = failure.determined.unwrap();
    assert_eq!(calendar::day_text(letter_by), "2026-07-10");
}

#[test]
fn f13_a_letter_that_lacks_any_required_content_is_no_notice() {
    let mut office = Office::new();
    office.act(detect());
    assert_eq!(
        office.refused(file(LetterContents::ALL)),
        RefusalCode::StepOrder
    );
    office.act(determine());
    for content in LetterContent::EVERY {
        let contents: LetterContents = LetterContent::EVERY.iter().copied().collect();
        let lacking = file(contents.without(*content));
        assert_eq!(
            office.refused(lacking),
            RefusalCode::ContentRequired,
            "{content}"
        );
    }
    office.act(file(LetterContent::EVERY.iter().copied().collect()));
    assert_eq!(
        office.refused(file(LetterContents::ALL)),
        RefusalCode::StepOrder
    );
}

#[test]
fn f13_a_failure_beyond_an_anomaly_is_not_closed_before_its_letter_is_filed() {
    let mut office = Office::new();
    office.act(detect());
    office.act(determine());
    assert_eq!(office.refused(determine()), RefusalCode::StepOrder);
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
    office.act(file(LetterContents::ALL));
    office.act(close());
    assert_eq!(office.refused(close()), RefusalCode::StepOrder);
}

#[test]
fn f13_an_anomaly_is_closed_without_a_letter() {
    let mut office = Office::new();
    office.act(detect());
    office.act(close());
    assert_eq!(office.refused(determine()), RefusalCode::StepOrder);
}
