//! Questions and answers, told as stories.

use super::question::Question;
use super::ruling::{Basis, ReasonCode, Remedy, State};
use crate::domain::command::Command;
use crate::domain::disclosures::Ground;
use crate::domain::event::Event;
use crate::domain::ids::Position;
use crate::domain::refusal::RefusalCode;
use crate::domain::scope::Scope;
use crate::domain::testing::*;
use crate::domain::vocabulary::CpniClass::{AmountOfUse, Billing, Type};
use crate::domain::vocabulary::RecipientKind::{
    Affiliate, Agent, Carrier, Company, PartnerOrContractor, ThirdParty,
};
use crate::domain::vocabulary::{CpniClass, CpniClasses, NotCpni, NotCpniItems, Purpose, Purposes};

fn number() -> Question {
    let mut question = market(Billing, "cmrs");
    question.classes = CpniClasses::NONE;
    question.not_cpni = NotCpniItems::of(NotCpni::TelephoneNumber);
    question
}

#[test]
fn v4_an_unknown_customer_is_a_no_and_never_an_error() {
    let nobody = Story::new(policy());
    for question in [market(Billing, "local"), number()] {
        let ruling = nobody.ask(&question);
        assert_eq!((ruling.allowed, ruling.state), (false, State::Unknown));
        assert_eq!(ruling.reasons[0].code, ReasonCode::CustomerUnknown);
    }
}

#[test]
fn v5_v6_what_is_not_cpni_needs_no_approval_unless_it_was_selected_by_cpni() {
    let mut story = Story::begun();
    story.deny(Scope::everything());
    let ruling = story.ask(&number());
    assert_eq!((ruling.allowed, ruling.basis), (true, Some(Basis::NotCpni)));
    assert!(ruling.cells.is_empty());

    let story = Story::begun();
    let mut selected = number();
    selected.selected_by = CpniClasses::of(AmountOfUse);
    let ruling = story.ask(&selected);
    assert_eq!((ruling.allowed, ruling.state), (false, State::Unknown));
    assert_eq!(ruling.cells[0].cell.class, AmountOfUse);
}

#[test]
fn v22_r8_one_switch_says_whether_a_block_reaches_held_categories() {
    let other = policy_with(
        "block_reaches_held_categories = true",
        "block_reaches_held_categories = false",
    );
    for (rulebook, allowed) in [(policy(), false), (other, true)] {
        let mut story = Story::begun_with(rulebook);
        story.deny(company(CpniClasses::NONE));
        let ruling = story.ask(&market(Billing, "local"));
        assert_eq!((ruling.allowed, ruling.state), (allowed, State::Denied));
        assert_eq!(ruling.basis, allowed.then_some(Basis::HeldCategory));
    }
}

#[test]
fn r7_only_the_recipients_of_the_rulebook_market_held_categories() {
    let agents = policy_with(
        "held_category_recipients = [\"company\"]",
        "held_category_recipients = [\"company\", \"agent\"]",
    );
    for (rulebook, allowed) in [(policy(), false), (agents, true)] {
        let mut story = Story::begun_with(rulebook);
        let by_name = market_by(Agent, Some("ag"), Billing, "local");
        // Nobody registered it: a doubt is answered no.
        assert!(!story.ask(&by_name).allowed);
        story.join("ag", Agent, false);
        assert_eq!(story.ask(&by_name).allowed, allowed);
        assert_eq!(
            story.ask(&market_by(Agent, None, Billing, "local")).allowed,
            allowed
        );
        story.leave("ag", Agent, None);
        assert!(!story.ask(&by_name).allowed);
    }
    let mut other = market(Billing, "local");
    other.purpose = Purpose::MarketingOther;
    assert!(!Story::begun().ask(&other).allowed);
}

#[test]
fn r7_exceptions_count_only_where_they_are_switched_on() {
    let exception = "[exceptions.voice_mail]\nwhen_held = [\"local\"]\nclauses = [\"cfr-2005-b\"]\n\n[categories.local]";
    let text = crate::domain::rulebook::DEFAULT_TEXT.replace("[categories.local]", exception);
    let mut question = market(Billing, "cmrs");
    question.target_categories.clear();
    question.offering = Some("voice_mail".into());
    for (switch, allowed) in [("exceptions = false", false), ("exceptions = true", true)] {
        let text = text.replace("exceptions = false", switch);
        let rulebook = crate::domain::rulebook::Rulebook::parse(&text, [0; 32]).unwrap();
        assert_eq!(Story::begun_with(rulebook).ask(&question).allowed, allowed);
    }
}

#[test]
fn p2_r6_r7_a_listed_exception_stands_in_for_no_category_that_is_stated() {
    let story = Story::begun_with(baseline());
    for (targets, allowed) in [
        (&[] as &[&str], true),
        (&["local"], true),
        (&["cmrs"], false),
        (&["local", "cmrs"], false),
    ] {
        let mut question = market(Billing, "local");
        question.target_categories = targets.iter().map(|target| category(target)).collect();
        question.offering = Some("cpe".into());
        let ruling = story.ask(&question);
        assert_eq!(ruling.allowed, allowed, "{targets:?}");
        let opens = Remedy::OpenService(category("cmrs"));
        assert_eq!(ruling.remedies.contains(&opens), !allowed, "{targets:?}");
    }
}

#[test]
fn r12_r14_a_grant_that_ended_when_the_entity_left_is_cited_no_longer() {
    let mut story = Story::begun();
    story.join("acme", Affiliate, true);
    let to = |recipients| marketing(recipients, CpniClasses::ALL);
    let dead = story.grant(to(kinds(&[Affiliate])));
    story.minutes(1).leave("acme", Affiliate, None);
    story.minutes(1).join("acme", Affiliate, true);
    story.minutes(1);
    let live = story.grant(to(named(Affiliate, "acme")));
    let citing = |position| Question {
        ground: Some(Ground::Approval {
            cites: Some(Position(position)),
        }),
        ..market_by(Affiliate, Some("acme"), Billing, "cmrs")
    };
    assert!(story.ask(&citing(live)).allowed);
    let ruling = story.ask(&citing(dead));
    assert!(!ruling.allowed);
    let code = ReasonCode::ApprovalNotLive;
    assert!(ruling.reasons.iter().any(|reason| reason.code == code));
    assert!(matches!(
        story.disclose(citing(dead)),
        Event::DisclosureRefused(_)
    ));
}

#[test]
fn r12_r14_a_grant_said_again_after_the_return_is_live_by_its_newest_record_only() {
    let mut story = Story::begun();
    story.join("acme", Affiliate, true);
    let grant = |story: &mut Story| story.grant(marketing(kinds(&[Affiliate]), CpniClasses::ALL));
    let before = grant(&mut story);
    story.minutes(1).leave("acme", Affiliate, None);
    story.minutes(1).join("acme", Affiliate, true);
    story.minutes(1);
    let after = grant(&mut story);
    for (cites, allowed) in [(before, false), (after, true)] {
        let question = Question {
            ground: Some(Ground::Approval {
                cites: Some(Position(cites)),
            }),
            ..market_by(Affiliate, Some("acme"), Billing, "cmrs")
        };
        assert_eq!(story.ask(&question).allowed, allowed);
    }
}

#[test]
fn r12_r14_a_grant_to_an_agent_who_was_a_contractor_in_between_is_cited_by_its_newest_record_only()
{
    let mut story = Story::begun();
    story.join("ag", Agent, true);
    let grant = |story: &mut Story| story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
    let before = grant(&mut story);
    story.minutes(1).join("ag", PartnerOrContractor, true);
    story.minutes(1).leave("ag", PartnerOrContractor, None);
    story.minutes(1);
    let after = grant(&mut story);
    for (cites, allowed) in [(before, false), (after, true)] {
        let question = Question {
            ground: Some(Ground::Approval {
                cites: Some(Position(cites)),
            }),
            ..market_by(Agent, Some("ag"), Billing, "cmrs")
        };
        assert_eq!(story.ask(&question).allowed, allowed);
    }
}

#[test]
fn r18_the_end_of_who_is_blocked_by_name_bounds_the_no_for_the_whole_kind() {
    let mut story = Story::begun();
    story.join("acme", Affiliate, true);
    story.grant(marketing(kinds(&[Affiliate]), CpniClasses::ALL));
    story.deny(marketing(named(Affiliate, "acme"), CpniClasses::ALL));
    let end = story.now.plus_hours(24);
    story.leave("acme", Affiliate, Some(end));
    let question = market_by(Affiliate, None, Billing, "cmrs");
    let ruling = story.ask(&question);
    assert_eq!((ruling.allowed, ruling.valid_until), (false, Some(end)));
    assert!(story.ask_at(&question, end).allowed);
}

#[test]
fn r18_the_end_of_who_is_named_by_the_ground_alone_bounds_the_answer() {
    let mut story = Story::begun();
    story.join("other-carrier", Carrier, true);
    let end = story.now.plus_hours(24);
    story.leave("other-carrier", Carrier, Some(end));
    let ground = Ground::PicFreeze {
        provider: Some(entity("other-carrier")),
        request: Some(call(4)),
    };
    let asked = [CpniClass::PicFreezeStatus];
    let question = on_ground(ground, Purpose::PicFreeze, Carrier, None, &asked);
    let ruling = story.ask(&question);
    assert_eq!((ruling.allowed, ruling.valid_until), (true, Some(end)));
    assert!(!story.ask_at(&question, end).allowed);
}

#[test]
fn v44_tracking_calls_to_competitors_is_never_allowed() {
    let mut story = Story::begun();
    story.grant(Scope {
        purposes: Purposes::ALL,
        ..company(CpniClasses::ALL)
    });
    let mut question = market(Billing, "local");
    question.purpose = Purpose::CompetitorTracking;
    for classes in [CpniClasses::of(Billing), CpniClasses::NONE] {
        question.classes = classes;
        question.not_cpni = NotCpniItems::ALL;
        let ruling = story.ask(&question);
        assert!(!ruling.allowed);
        assert_eq!(ruling.reasons[0].code, ReasonCode::Prohibited);
    }
}

#[test]
fn r1_a_question_over_several_classes_is_yes_only_if_each_is() {
    let mut story = Story::begun();
    story.grant(company(classes(&[Billing, Type])));
    let mut question = market(Billing, "cmrs");
    question.classes = classes(&[Billing, Type]);
    assert!(story.ask(&question).allowed);
    question.selected_by = classes(&[AmountOfUse]);
    let ruling = story.ask(&question);
    assert_eq!(
        (ruling.allowed, ruling.state, ruling.cells.len()),
        (false, State::Unknown, 3)
    );
    let denied = story.deny(company(classes(&[Type])));
    assert_eq!(story.ask(&question).state, State::Denied);
    assert!(
        story
            .ask(&question)
            .remedies
            .iter()
            .any(|remedy| matches!(remedy, Remedy::Lift(at) if at[0].0 == denied))
    );
    question.classes = CpniClasses::ALL;
    assert_eq!(story.ask(&question).cells.len(), CpniClass::EVERY.len());
}

#[test]
fn c3_other_purposes_take_their_ground_even_for_a_check() {
    let mut story = Story::begun();
    let mut question = market(Billing, "local");
    question.purpose = Purpose::Service;
    let ruling = story.ask(&question);
    assert!(!ruling.allowed);
    assert!(
        ruling
            .remedies
            .contains(&Remedy::SupplyFact("ground".into()))
    );
    question.purpose = Purpose::OtherApproved;
    question.recipient = ThirdParty;
    question.entity = Some(entity("advisor"));
    assert!(!story.ask(&question).allowed);
    story.grant(Scope {
        purposes: Purposes::of(Purpose::OtherApproved),
        ..marketing(named(ThirdParty, "advisor"), classes(&[Billing]))
    });
    assert!(story.ask(&question).allowed);
    question.recipient = Company;
    assert!(!story.ask(&question).allowed);
}

#[test]
fn c3_a_ruling_goes_on_record_as_it_was_given() {
    let mut story = Story::begun();
    let question = market(Billing, "local");
    let expected = story.ask(&question);
    match story
        .attempt(&Command::RecordRuling(question))
        .unwrap()
        .as_slice()
    {
        [Event::RulingRecorded(recorded)] => assert_eq!(recorded.ruling, expected),
        other => panic!("{other:?}"),
    }
    let mut nothing = market(Billing, "local");
    nothing.classes = CpniClasses::NONE;
    assert!(!story.ask(&nothing).allowed);
    assert_eq!(
        story.refused(Command::RecordRuling(nothing)),
        RefusalCode::Invalid
    );
}

#[test]
fn c9_every_answer_gives_a_reason_and_every_reason_a_clause() {
    let rulebook = policy();
    for reason in ReasonCode::EVERY {
        assert!(!rulebook.clauses(*reason).is_empty(), "{reason}");
    }
}
