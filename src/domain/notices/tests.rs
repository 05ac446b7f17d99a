//! Notices that were given: it is known of each that every required statement is in it (F4, 64.2008(c)). Notices that were
//! sent: a supervisor had approved it (F11, R21, 64.2009(d)).

use super::*;
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::campaigns::{CampaignCommand, CampaignTurned, Outbound, Outbounds};
use crate::domain::company::templates::{ApproveTemplate, Statement, TemplateCommand};
use crate::domain::company::testing::{ASKING, campaigning, item};
use crate::domain::notices::send::Delivery;
use crate::domain::testing::{
    Story, call, classes, company, granting, notice, policy, send, template,
};
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
    let one_call = [Statement::LimitedToOneUse, Statement::DenialForCall];
    let demanded = |statement: &Statement| !one_call.contains(statement);
    for statement in opt_in.members().filter(demanded) {
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
    assert!(story.state().notices.iter().all(GivenNotice::is_whole));
}

#[test]
fn f8_an_oral_notice_may_leave_out_what_an_approval_for_its_call_can_do_without() {
    let opt_in =
        (Statements::ALL.without(Statement::WaitingPeriod)).without(Statement::NoCostMethod);
    let call = Token([7; 16]);
    let oral = |statements: Statements| {
        given(move |it| {
            it.notice.form = Medium::Oral;
            it.statements = Some(statements);
            it.call = Some(call);
        })
    };
    let instead = [
        (Statement::RightToDeny, Statement::LimitedToOneUse),
        (Statement::Steps, Statement::DenialForCall),
    ];
    for (spared, instead) in instead {
        let mut story = Story::begun();
        story.act(oral(opt_in.without(spared)));
        let refused = story.refused(oral(opt_in.without(spared).without(instead)));
        assert_eq!(refused, RefusalCode::NoticeTemplate, "{spared}");
    }
    let mut story = Story::begun();
    story.act(oral(opt_in.without(Statement::Entities)));
    assert!(story.state().notices.last().unwrap().is_for_one_call());
    for statement in [Statement::CpniTypes, Statement::NoEffectOnService] {
        let refused = story.refused(oral(opt_in.without(statement)));
        assert_eq!(refused, RefusalCode::NoticeTemplate, "{statement}");
    }
    let nowhere = given(|it| {
        it.notice.form = Medium::Oral;
        it.statements = Some(opt_in.without(Statement::Entities));
    });
    let refusal = story.attempt(&nowhere).unwrap_err();
    assert_eq!(
        (refusal.code, &*refusal.field),
        (RefusalCode::Invalid, "call")
    );
}

#[test]
fn f8_no_record_of_a_shortened_notice_that_names_no_call_can_be_answered() {
    let mut given = NoticeGiven {
        notice: NoticeText {
            version: "v1".into(),
            text_digest: [7; 32],
            form: Medium::Oral,
            language: "en".into(),
            covers: Scope::everything(),
        },
        shown: Some(Shown::Statements(
            Statements::ALL.without(Statement::Entities),
        )),
        call: None,
    };
    assert_eq!(Contents::of(&given), Contents::Unknown);
    given.call = Some(Token([7; 16]));
    assert!(matches!(Contents::of(&given), Contents::ForOneCall(_)));
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
            assert_eq!(given.notice.version, "v2");
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
    story.customer.as_mut().unwrap().notices[0].contents = one_call::Contents::Unknown;
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
            call: None,
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
    let complete: Vec<_> = notices.iter().map(GivenNotice::is_whole).collect();
    assert_eq!(complete, [false, true, true]);
}

/// A customer who holds LOCAL, templates that ask for opt-in in writing and online, and an approved campaign.
fn asking() -> Story {
    let mut story = Story::begun();
    story.template("letter", Medium::Written, None);
    story.template("online", Medium::Electronic, None);
    story.template("spoken", Medium::Oral, None);
    story
}

fn sent_by(campaign: Option<&str>, delivery: Delivery) -> Command {
    let template = match delivery.form() {
        Medium::Written => "letter",
        Medium::Electronic => "online",
        Medium::Oral => "spoken",
    };
    match send(template, delivery, company(classes(&[Billing]))) {
        Command::Notices(NoticeCommand::Send(sent)) => {
            Command::Notices(NoticeCommand::Send(super::send::SendNotice {
                campaign: campaign.map(item),
                ..sent
            }))
        }
        other => panic!("{other:?}"),
    }
}

/// The code with which it is refused, and that the refusal is about the campaign.
#[track_caller]
fn refused_by_campaign(story: &mut Story, command: &Command) -> (RefusalCode, String) {
    let refusal = story.attempt(command).unwrap_err();
    assert_eq!(refusal.field, "campaign_id", "{refusal:?}");
    (refusal.code, refusal.message)
}

fn tell(story: &mut Story, person: u8, command: CampaignCommand) {
    story.person = Some(call(person));
    (story.company(&CompanyCommand::Campaigns(command))).unwrap();
}

fn turned(id: &str) -> CampaignTurned {
    CampaignTurned {
        campaign: item(id),
        reason: None,
    }
}

#[test]
fn f11_what_goes_out_names_an_approved_campaign_and_what_is_handed_over_or_said_may() {
    use Delivery::{Electronic, Email, InPerson, Oral, Post};

    let mut story = asking();
    for delivery in [Post, Email, Electronic] {
        let unnamed = sent_by(None, delivery);
        let (code, _) = refused_by_campaign(&mut story, &unnamed);
        assert_eq!(code, RefusalCode::CampaignNotApproved, "{delivery}");
        story.act(sent_by(Some(ASKING), delivery));
    }
    for delivery in [InPerson, Oral] {
        story.act(sent_by(None, delivery));
        let unknown = sent_by(Some("nowhere"), delivery);
        let (code, _) = refused_by_campaign(&mut story, &unknown);
        assert_eq!(code, RefusalCode::NotRegistered, "{delivery}");
        story.act(sent_by(Some(ASKING), delivery));
    }
}

#[test]
fn f11_r21_the_campaign_was_approved_and_running_when_the_notice_was_sent() {
    let mut story = asking();
    let plan = story.company.campaigns.get(&item(ASKING)).unwrap();
    let plan = plan.plan.clone();
    let campaign = item("spring");
    tell(
        &mut story,
        9,
        CampaignCommand::Propose {
            campaign: campaign.clone(),
            plan,
        },
    );
    let by_spring = sent_by(Some("spring"), Delivery::Post);
    let (code, message) = refused_by_campaign(&mut story, &by_spring);
    assert_eq!(code, RefusalCode::CampaignNotApproved);
    assert!(message.contains("NOT_APPROVED"), "{message}");
    let before = story.now;
    let approve = CampaignCommand::Decide {
        campaign,
        approve: true,
        reason: None,
    };
    // The template's reviewer is the proposer; the supervisor is another person.
    tell(&mut story, 8, approve);
    story.occurred(before);
    let (code, _) = refused_by_campaign(&mut story, &by_spring);
    assert_eq!(code, RefusalCode::CampaignNotApproved, "sent before that");
    story.act(by_spring.clone());
    let open = story.now;
    tell(&mut story, 9, CampaignCommand::Close(turned("spring")));
    let (code, message) = refused_by_campaign(&mut story, &by_spring);
    assert_eq!(code, RefusalCode::CampaignNotApproved);
    assert!(message.contains("CLOSED"), "{message}");
    // Sent while it ran, and recorded after its end.
    story.occurred(open).act(by_spring);
}

#[test]
fn f11_r21_a_refusal_says_each_thing_that_the_campaign_lacks() {
    let mut story = asking();
    campaigning(&mut story.company, "over", |plan| {
        plan.ends_at = plan.starts_at.plus_minutes(1)
    });
    campaigning(&mut story.company, "list", |plan| {
        plan.does = Outbounds::of(Outbound::List);
        plan.ends_at = plan.starts_at.plus_minutes(1);
    });
    let over = sent_by(Some("over"), Delivery::Post);
    let (code, _) = refused_by_campaign(&mut story, &over);
    assert_eq!(code, RefusalCode::CampaignDates);
    let list = sent_by(Some("list"), Delivery::Post);
    let (_, message) = refused_by_campaign(&mut story, &list);
    for stop in ["OUTSIDE_DATES", "NOT_PLANNED"] {
        assert!(message.contains(stop), "{message}");
    }
}

#[test]
fn f11_r13_customers_are_selected_by_cpni_only_where_it_may_be_used() {
    let mut story = asking();
    campaigning(&mut story.company, "selecting", |plan| {
        plan.selected_by = classes(&[Quantity])
    });
    let selected = sent_by(Some("selecting"), Delivery::Post);
    let (code, message) = refused_by_campaign(&mut story, &selected);
    assert_eq!(code, RefusalCode::SelectionNotAllowed);
    assert!(message.contains("APPROVAL_REQUIRED"), "{message}");
    story.notice(company(CpniClasses::ALL));
    story.grant(company(classes(&[Quantity])));
    story.act(selected);
}
