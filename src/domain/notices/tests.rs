//! Notices that were given: it is known of each that every required statement is in it (F4, 64.2008(c)).

use super::*;
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::templates::{ApproveTemplate, Statement, TemplateCommand};
use crate::domain::ids::Sha256Digest;
use crate::domain::testing::{Story, call, classes, company, granting, notice, policy, template};
use crate::domain::vocabulary::CpniClass::{Billing, Quantity};
use crate::domain::vocabulary::CpniClasses;

fn approve(story: &mut Story, command: ApproveTemplate) -> Position {
    story.person = Some(call(3));
    let command = CompanyCommand::Templates(TemplateCommand::Approve(command));
    story.company(&command).unwrap();
    story.last[0]
}

/// A notice as `notice` gives it, changed.
fn given(change: impl FnOnce(&mut GiveNotice)) -> Command {
    let Command::GiveNotice(mut given) = notice(company(classes(&[Billing]))) else {
        panic!("a notice");
    };
    change(&mut given);
    Command::GiveNotice(given)
}

/// By the template of that version, whatever it says of itself.
fn by_template(version: &str, change: impl FnOnce(&mut NoticeText)) -> Command {
    given(|given| {
        given.statements = None;
        given.notice.version = version.to_owned();
        change(&mut given.notice);
    })
}

#[test]
fn f4_a_notice_given_without_a_template_holds_each_required_statement_or_is_refused_by_its_name() {
    let mut story = Story::begun();
    let opt_in =
        (Statements::ALL.without(Statement::WaitingPeriod)).without(Statement::NoCostMethod);
    for statement in opt_in.members() {
        let lacking = given(|it| it.statements = Some(opt_in.without(statement)));
        let refusal = story.attempt(&lacking).unwrap_err();
        assert_eq!(
            (refusal.code, &*refusal.field),
            (RefusalCode::NoticeTemplate, "statements")
        );
        assert!(refusal.message.contains(statement.name()), "{refusal:?}");
    }
    let none = given(|it| it.statements = Some(Statements::NONE));
    assert_eq!(story.refused(none), RefusalCode::NoticeTemplate);
    story.act(given(|it| it.statements = Some(opt_in)));
    // What is said is not legible.
    story.act(given(|it| {
        it.notice.form = Medium::Oral;
        it.statements = Some(opt_in.without(Statement::Legible));
    }));
    assert!(story.state().notices.iter().all(|notice| notice.complete));
}

#[test]
fn f4_a_notice_given_by_a_template_says_what_was_approved() {
    let mut story = Story::begun();
    let mut narrow = template("v2", Medium::Written, None);
    narrow.covers = company(classes(&[Billing]));
    let approved = approve(&mut story, narrow);
    approve(&mut story, template("opt-out", Medium::Written, Some(30)));
    let wrong: [(Command, &str); 6] = [
        (by_template("nowhere", |_| {}), "template_version"),
        (by_template("opt-out", |_| {}), "template_version"),
        (
            by_template("v2", |it| it.text_digest = [8; 32]),
            "text_digest",
        ),
        (by_template("v2", |it| it.form = Medium::Oral), "form"),
        (
            by_template("v2", |it| it.language = "es".into()),
            "language",
        ),
        (
            by_template("v2", |it| it.covers = company(classes(&[Quantity]))),
            "covers",
        ),
    ];
    for (command, field) in wrong {
        let refusal = story.attempt(&command).unwrap_err();
        let expected = (RefusalCode::NoticeTemplate, field);
        assert_eq!((refusal.code, &*refusal.field), expected, "{refusal:?}");
    }
    let before = story.now.minus_hours(1);
    let early = story.occurred(before).attempt(&by_template("v2", |_| {}));
    assert_eq!(
        early.unwrap_err().field,
        "template_version",
        "approved after"
    );
    let events = story.attempt(&by_template("v2", |_| {})).unwrap();
    match events.as_slice() {
        [Event::NoticeGiven(given)] => {
            assert_eq!(given.shown, Some(Shown::Template(approved)));
            assert_eq!(
                Sha256Digest(given.notice.text_digest),
                Sha256Digest([7; 32])
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn f4_no_grant_answers_a_notice_from_before_its_statements_were_asked_for() {
    let mut story = Story::new(policy());
    story.account(&["local"]);
    let scope = company(CpniClasses::ALL);
    story.notice(scope.clone());
    story.customer.as_mut().unwrap().notices[0].complete = false;
    let grant = Command::Speak(story.speaking(vec![granting(scope.clone())]));
    let refusal = story.attempt(&grant).unwrap_err();
    assert_eq!(refusal.code, RefusalCode::NoticeRequired);
    assert!(
        refusal.message.contains("required statement"),
        "{refusal:?}"
    );
    story.notice(scope.clone());
    let grant = Command::Speak(story.speaking(vec![granting(scope)]));
    story.act(grant);
}

#[test]
fn f4_a_notice_is_complete_only_if_its_record_shows_it() {
    let mut notices = Vec::new();
    let text = NoticeText {
        version: "v1".into(),
        text_digest: [7; 32],
        form: Medium::Written,
        language: "en".into(),
        covers: Scope::everything(),
    };
    let statements = Shown::Statements(Statements::ALL);
    for shown in [None, Some(Shown::Template(Position(4))), Some(statements)] {
        let given = NoticeGiven {
            notice: text.clone(),
            shown,
        };
        let placed = Placed {
            position: Position(5),
            command: Position(5),
            recorded_at: Time(0),
            occurred_at: None,
            event: &Event::NoticeGiven(given.clone()),
        };
        evolve(&mut notices, &given, &placed);
    }
    let complete: Vec<_> = notices.iter().map(|notice| notice.complete).collect();
    assert_eq!(complete, [false, true, true]);
}
