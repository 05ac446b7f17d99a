//! Templates are approved whole, by a person, or not at all.

use super::*;
use crate::domain::company::CompanyCommand;
use crate::domain::testing::{Story, baseline, call, company, policy, template};
use crate::domain::vocabulary::CpniClasses;

fn approve(story: &mut Story, command: ApproveTemplate) -> Result<TemplateApproved, Refusal> {
    use crate::domain::company::CompanyEvent;
    let command = CompanyCommand::Templates(TemplateCommand::Approve(command));
    let events = story.company(&command)?;
    match events.as_slice() {
        [CompanyEvent::Templates(TemplateEvent::Approved(approved))] => Ok(approved.clone()),
        other => panic!("{other:?}"),
    }
}

fn reviewing() -> Story {
    let mut story = Story::new(baseline());
    story.person = Some(call(3));
    story
}

#[test]
fn f4_a_template_is_approved_by_a_named_person_and_kept() {
    let mut story = Story::new(policy());
    let nobody = approve(&mut story, template("v1", Medium::Written, None)).unwrap_err();
    assert_eq!(
        (nobody.code, &*nobody.field),
        (RefusalCode::Invalid, "taken_by")
    );
    story.person = Some(call(3));
    let approved = approve(&mut story, template("v1", Medium::Written, None)).unwrap();
    assert_eq!(approved.reviewer, call(3));
    let kept = (story.company.templates.get(&approved.version)).unwrap();
    assert_eq!((&kept.approved, kept.approved_at), (&approved, story.now));
    let again = approve(&mut story, template("v1", Medium::Written, None)).unwrap_err();
    assert_eq!(again.code, RefusalCode::NoticeTemplate);
    assert_eq!(story.company.templates.all().len(), 1);
}

#[test]
fn f4_a_template_that_lacks_a_required_statement_is_refused_and_the_refusal_names_it() {
    let one_call = [Statement::LimitedToOneUse, Statement::DenialForCall];
    let demanded = |statement: &&Statement| !one_call.contains(statement);
    for statement in Statement::EVERY.iter().filter(demanded) {
        let mut lacking = template("v1", Medium::Electronic, Some(30));
        lacking.statements = every().without(*statement);
        let refusal = approve(&mut reviewing(), lacking).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::NoticeTemplate, "{statement}");
        assert!(refusal.message.contains(statement.name()), "{refusal:?}");
    }
}

#[test]
fn f4_what_only_opt_out_demands_is_not_asked_of_an_opt_in_notice_nor_legibility_of_an_oral_one() {
    let opt_out_only = (every().without(Statement::WaitingPeriod)).without(Statement::NoCostMethod);
    let mut written = template("v1", Medium::Written, None);
    written.statements = opt_out_only;
    approve(&mut reviewing(), written).unwrap();
    let mut oral = template("v2", Medium::Oral, None);
    oral.statements = opt_out_only.without(Statement::Legible);
    approve(&mut reviewing(), oral.clone()).unwrap();
    oral.form = Medium::Written;
    assert!(approve(&mut reviewing(), oral).is_err());
}

#[test]
fn r10_a_period_of_fewer_than_thirty_days_and_an_oral_opt_out_notice_are_refused() {
    for (form, days, field) in [
        (Medium::Electronic, 29, "opt_out_days"),
        (Medium::Electronic, 0, "opt_out_days"),
        (Medium::Written, OPT_OUT_DAYS_MAX + 1, "opt_out_days"),
        (Medium::Oral, 30, "form"),
    ] {
        let refusal = approve(&mut reviewing(), template("v1", form, Some(days))).unwrap_err();
        assert_eq!(refusal.code, RefusalCode::NoticeTemplate);
        assert_eq!(refusal.field, field, "{refusal:?}");
    }
    approve(&mut reviewing(), template("v1", Medium::Written, Some(30))).unwrap();
}

#[test]
fn f4_a_template_says_what_it_covers_and_in_which_language() {
    let mut nothing = template("v1", Medium::Written, None);
    nothing.covers = company(CpniClasses::NONE);
    let refusal = approve(&mut reviewing(), nothing).unwrap_err();
    assert_eq!(
        (refusal.code, &*refusal.field),
        (RefusalCode::Invalid, "covers.classes")
    );
    let mut language = template("v1", Medium::Written, None);
    language.language = "english!".into();
    let refusal = approve(&mut reviewing(), language).unwrap_err();
    assert_eq!(
        (refusal.code, &*refusal.field),
        (RefusalCode::Invalid, "language")
    );
}

fn every() -> Statements {
    Statement::EVERY.iter().copied().collect()
}
