//! Notices by template, and what is kept of them (F4, T5).

use super::*;

#[test]
fn f4_a_notice_says_what_its_template_says() {
    let mut story = story();
    for (command, field) in [
        (
            send("nowhere", Delivery::Post, Scope::everything()),
            "template_version",
        ),
        (
            send("online-30", Delivery::Post, Scope::everything()),
            "delivery",
        ),
        (
            send("online-30", Delivery::Oral, Scope::everything()),
            "delivery",
        ),
        (
            send("post-30", Delivery::InPerson, Scope::everything()),
            "delivery",
        ),
    ] {
        let refusal = story.attempt(&command).unwrap_err();
        assert_eq!(
            (refusal.code, &*refusal.field),
            (RefusalCode::NoticeTemplate, field)
        );
    }
    let mut narrow = template("narrow", Medium::Electronic, Some(30));
    narrow.covers = company(CpniClasses::ALL);
    let approve = crate::domain::company::templates::TemplateCommand::Approve(narrow);
    (story.company(&crate::domain::company::CompanyCommand::Templates(approve))).unwrap();
    let wide = send("narrow", Delivery::Electronic, Scope::everything());
    assert_eq!(story.attempt(&wide).unwrap_err().field, "covers");
    story.act(send(
        "narrow",
        Delivery::Electronic,
        company(classes(&[Billing])),
    ));
    let before = story.now.minus_hours(1);
    let early = story.occurred(before).attempt(&send(
        "narrow",
        Delivery::Electronic,
        company(classes(&[Billing])),
    ));
    assert_eq!(
        early.unwrap_err().field,
        "template_version",
        "approved after it was sent"
    );
}

#[test]
fn f4_a_notice_by_template_is_one_that_a_grant_may_answer() {
    let mut story = story();
    let notice = story.act(send("opt-in", Delivery::Electronic, Scope::everything()));
    assert!(story.state().opt_out.is_none(), "it asks for opt-in");
    let mut grant = story.speaking(vec![granting(company(CpniClasses::ALL))]);
    assert_eq!(grant.statement.notice, Some(Position(notice)));
    grant.statement.medium = Medium::Electronic;
    story.act(Command::Speak(grant));
    assert_eq!(story.ask(&cmrs()).state, State::Granted);
}

#[test]
fn what_is_kept_of_notices_is_bounded_and_a_full_list_fails_safe() {
    let mut story = story();
    story.act(agree_to_email());
    for _ in 0..FAILED_MAX + 1 {
        let notice = story.act(send(
            "online-30",
            Delivery::Email,
            company(classes(&[Type])),
        ));
        story.report(notice, Outcome::Bounced);
    }
    let opt_out = story.state().opt_out.as_ref().unwrap();
    assert_eq!((opt_out.failed.len(), opt_out.asked.len()), (1, 0));
    // Too many to know the cells of: no e-mail starts a clock anywhere.
    story.act(send(
        "online-30",
        Delivery::Email,
        company(classes(&[Billing])),
    ));
    let later = story.now.plus_hours(24 * 31);
    assert_eq!(story.ask_at(&cmrs(), later).state, State::Unknown);
    for _ in 0..ASKED_MAX + 1 {
        story.act(send(
            "online-30",
            Delivery::Electronic,
            company(classes(&[Billing])),
        ));
    }
    assert_eq!(
        story.state().opt_out.as_ref().unwrap().asked.len(),
        ASKED_MAX
    );
}
