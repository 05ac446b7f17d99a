//! Disclosures on each ground, told as stories.

use super::{Disclose, Ground, Seal};
use crate::domain::authentication::telling::Telling;
use crate::domain::command::Command;
use crate::domain::consent::word::Assurance;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Token};
use crate::domain::question::Question;
use crate::domain::refusal::RefusalCode;
use crate::domain::ruling::{Basis, ReasonCode, Remedy};
use crate::domain::scope::Scope;
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::{Billing, CallDetail, PicFreezeStatus, Type};
use crate::domain::vocabulary::RecipientKind::{
    Agent, AuthorizedContact, Carrier, Company, Customer, LawEnforcement, ThirdParty,
};
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClasses, NotCpni, NotCpniItems, Purpose, RecipientKind,
};

fn legal() -> Ground {
    Ground::Legal {
        authority: told("court"),
        reference: told("26-cv-1"),
        dated: Some("2026-01-02".into()),
        digest: Some([1; 32]),
    }
}

fn service(verification: Option<Assurance>) -> Ground {
    Ground::Service {
        ticket: told("T-1"),
        open: true,
        verification: verification.map(Telling::Stated),
    }
}

fn billing(verification: Option<Assurance>) -> Ground {
    Ground::Billing {
        invoice: told("I-1"),
        verification: verification.map(Telling::Stated),
    }
}

fn pic(request: u8) -> Ground {
    Ground::PicFreeze {
        provider: Some(entity("p")),
        request: Some(Token([request; 16])),
    }
}

fn verified(at: Time, method: AssuranceMethod) -> Option<Assurance> {
    Some(Assurance {
        method,
        reference: None,
        at,
    })
}

/// Why a disclosure is refused; nothing: it is made.
fn reasons(story: &mut Story, question: Question) -> Vec<ReasonCode> {
    match story.disclose(question) {
        Event::DisclosureMade(_) => Vec::new(),
        Event::DisclosureRefused(refused) => refused.reasons,
        other => panic!("{other:?}"),
    }
}

fn to_court(ground: Ground) -> Question {
    on_ground(
        ground,
        Purpose::Legal,
        LawEnforcement,
        Some("court"),
        &[Billing, CallDetail],
    )
}

#[test]
fn v38_v23_a_court_order_needs_all_its_facts_and_no_approval() {
    let mut story = Story::begun();
    story.deny(Scope::everything());
    assert_eq!(reasons(&mut story, to_court(legal())), []);
    for (ground, fact) in [
        (
            Ground::Legal {
                authority: None,
                reference: told("r"),
                dated: Some("2026-01-02".into()),
                digest: Some([0; 32]),
            },
            "authority",
        ),
        (
            Ground::Legal {
                authority: told("a"),
                reference: told(" "),
                dated: Some("2026-01-02".into()),
                digest: Some([0; 32]),
            },
            "reference",
        ),
        (
            Ground::Legal {
                authority: told("a"),
                reference: told("r"),
                dated: None,
                digest: Some([0; 32]),
            },
            "dated",
        ),
        (
            Ground::Legal {
                authority: told("a"),
                reference: told("r"),
                dated: Some("2026-01-02".into()),
                digest: None,
            },
            "digest",
        ),
    ] {
        let ruling = story.ask(&to_court(ground.clone()));
        assert_eq!(
            (ruling.allowed, ruling.reasons[0].fact.as_deref()),
            (false, Some(fact))
        );
        assert_eq!(ruling.remedies, [Remedy::SupplyFact(fact.into())]);
        assert_eq!(
            reasons(&mut story, to_court(ground)),
            [ReasonCode::FactsRequired]
        );
    }
}

#[test]
fn v36_v39_marketing_rests_on_approval_and_on_no_other_ground() {
    let mut story = Story::begun();
    let question = on_ground(
        service(None),
        Purpose::MarketingComms,
        Agent,
        Some("ag"),
        &[Billing],
    );
    assert_eq!(
        reasons(&mut story, question),
        [ReasonCode::PurposeNotCovered]
    );
    let cited = |at| {
        on_ground(
            Ground::Approval {
                cites: Some(Position(at)),
            },
            Purpose::MarketingComms,
            Agent,
            Some("ag"),
            &[Billing],
        )
    };
    assert_eq!(
        reasons(&mut story, cited(3)),
        [ReasonCode::ApprovalRequired, ReasonCode::ApprovalNotLive]
    );
    let first = story.grant(marketing(kinds(&[Agent]), classes(&[Billing])));
    let second = story.grant(marketing(kinds(&[Agent]), CpniClasses::ALL));
    assert_eq!(reasons(&mut story, cited(3)), [ReasonCode::ApprovalNotLive]);
    match story.disclose(cited(first)) {
        Event::DisclosureMade(made) => {
            assert_eq!(made.relied_on, [Position(first), Position(second)])
        }
        other => panic!("{other:?}"),
    }
    story.deny(marketing(kinds(&[Agent]), CpniClasses::ALL));
    assert_eq!(
        reasons(&mut story, cited(second)),
        [ReasonCode::Denied, ReasonCode::ApprovalNotLive]
    );
}

#[test]
fn v37_a_pic_freeze_answer_is_the_status_once_to_that_provider() {
    let mut story = Story::begun();
    let ask = |request, name, asked: &[_]| {
        on_ground(pic(request), Purpose::PicFreeze, Carrier, name, asked)
    };
    assert_eq!(
        reasons(&mut story, ask(12, None, &[PicFreezeStatus, Type])),
        [ReasonCode::ClassNotCovered]
    );
    assert_eq!(
        reasons(&mut story, ask(12, Some("q"), &[PicFreezeStatus])),
        [ReasonCode::RecipientNotCovered]
    );
    assert_eq!(
        reasons(&mut story, ask(12, Some("p"), &[PicFreezeStatus])),
        []
    );
    assert_eq!(
        reasons(&mut story, ask(12, Some("p"), &[PicFreezeStatus])),
        [ReasonCode::RequestReused]
    );
    let mut with_number = ask(13, None, &[PicFreezeStatus]);
    with_number.not_cpni = NotCpniItems::of(NotCpni::TelephoneNumber);
    assert_eq!(
        reasons(&mut story, with_number),
        [ReasonCode::ClassNotCovered]
    );
    // It was answered about another customer.
    story.answered.push(Token([14; 16]));
    assert_eq!(
        reasons(&mut story, ask(14, None, &[PicFreezeStatus])),
        [ReasonCode::RequestReused]
    );
    let ruling = story.ask(&ask(14, None, &[PicFreezeStatus]));
    assert_eq!(ruling.reasons[0].code, ReasonCode::RequestReused);
}

#[test]
fn v48_r19_the_customer_is_told_after_a_live_verification() {
    let mut story = Story::begun();
    story.minutes(120);
    let ask = |story: &Story, ago: u32, method| {
        let at = Time(story.now.0 + 60_000_000 - i64::from(ago) * 60_000_000);
        on_ground(
            billing(verified(at, method)),
            Purpose::Billing,
            Customer,
            None,
            &[Billing],
        )
    };
    let required = [ReasonCode::VerificationRequired];
    for (ago, method, expected) in [
        (31, AssuranceMethod::Password, &required[..]),
        (30, AssuranceMethod::Password, &required[..]),
        (29, AssuranceMethod::Password, &[]),
        (1, AssuranceMethod::Mail, &required[..]),
        (0, AssuranceMethod::CallBack, &[]),
    ] {
        let question = ask(&story, ago, method);
        assert_eq!(
            reasons(&mut story, question),
            expected,
            "{ago} min, {method}"
        );
    }
    let ruling = story.ask(&ask(&story, 5, AssuranceMethod::Password));
    assert_eq!(
        ruling.valid_until,
        Some(Time(story.now.0 + 26 * 60_000_000))
    );
    let contact = on_ground(
        billing(verified(story.now, AssuranceMethod::CallBack)),
        Purpose::Billing,
        AuthorizedContact,
        None,
        &[CallDetail],
    );
    assert_eq!(reasons(&mut story, contact), [ReasonCode::ClassNotCovered]);
}

#[test]
fn r14_each_ground_reaches_its_recipients_and_names_them() {
    let mut story = Story::begun();
    let ask =
        |kind: RecipientKind, name| on_ground(service(None), Purpose::Service, kind, name, &[Type]);
    assert_eq!(reasons(&mut story, ask(Company, None)), []);
    assert_eq!(
        reasons(&mut story, ask(Agent, None)),
        [ReasonCode::RecipientRequired]
    );
    assert_eq!(reasons(&mut story, ask(Agent, Some("ag"))), []);
    assert_eq!(
        reasons(&mut story, ask(ThirdParty, Some("x"))),
        [ReasonCode::RecipientNotCovered]
    );
    let closed = Ground::Service {
        ticket: told("T"),
        open: false,
        verification: None,
    };
    assert_eq!(
        reasons(
            &mut story,
            on_ground(closed, Purpose::Service, Company, None, &[Type])
        ),
        [ReasonCode::NotOpen]
    );
    let rights = Ground::Rights {
        case: told("C"),
        open: true,
        protected_party: None,
    };
    assert_eq!(
        reasons(
            &mut story,
            on_ground(rights, Purpose::Rights, Carrier, Some("p"), &[CallDetail])
        ),
        [ReasonCode::FactsRequired]
    );
}

#[test]
fn r14_a_directory_gets_name_address_and_number_and_never_a_non_published_one() {
    let mut story = Story::begun();
    let ask = |non_published, items: NotCpniItems, asked: &[_]| {
        let ground = Ground::Directory {
            publisher: Some(entity("book")),
            non_published,
        };
        let mut question = on_ground(ground, Purpose::Directory, ThirdParty, None, asked);
        question.not_cpni = items;
        question
    };
    let number = NotCpniItems::of(NotCpni::TelephoneNumber);
    assert_eq!(reasons(&mut story, ask(false, number, &[])), []);
    assert_eq!(
        reasons(&mut story, ask(true, number, &[])),
        [ReasonCode::NonPublished]
    );
    assert_eq!(
        reasons(&mut story, ask(false, number, &[Type])),
        [ReasonCode::ClassNotCovered]
    );
    assert_eq!(
        reasons(
            &mut story,
            ask(false, number.with(NotCpni::InternetAccess), &[])
        ),
        [ReasonCode::ClassNotCovered]
    );
}

#[test]
fn r14_a_written_request_is_a_form_of_approval() {
    let mut story = Story::begun();
    let ask = |digest| {
        on_ground(
            Ground::WrittenRequest { digest },
            Purpose::OtherApproved,
            ThirdParty,
            Some("advisor"),
            &[Billing],
        )
    };
    assert_eq!(reasons(&mut story, ask(None)), [ReasonCode::FactsRequired]);
    let ruling = story.ask(&ask(Some([1; 32])));
    assert_eq!((ruling.allowed, ruling.basis), (true, Some(Basis::Ground)));
    story.deny(Scope::everything());
    assert_eq!(
        reasons(&mut story, ask(Some([1; 32]))),
        [ReasonCode::Denied]
    );
    story.close("local");
    assert_eq!(
        reasons(&mut story, ask(Some([1; 32]))),
        [ReasonCode::Lapsed]
    );
}

#[test]
fn p6_billing_legal_and_service_grounds_work_without_a_service() {
    let mut story = Story::begun();
    story.deny(Scope::everything());
    story.close("local");
    assert_eq!(reasons(&mut story, to_court(legal())), []);
    let bill = on_ground(billing(None), Purpose::Billing, Company, None, &[Billing]);
    assert_eq!(reasons(&mut story, bill), []);
}

#[test]
fn r14_a_malformed_disclosure_leaves_no_record() {
    let mut story = Story::begun();
    let mut bad_date = to_court(legal());
    if let Some(Ground::Legal { dated, .. }) = &mut bad_date.ground {
        *dated = Some("2026-02-30".into());
    }
    let nothing = on_ground(legal(), Purpose::Legal, LawEnforcement, None, &[]);
    let no_ground = market(Billing, "local");
    let ends = story.now;
    for (question, seal) in [
        (bad_date, None),
        (nothing, None),
        (no_ground, None),
        (to_court(legal()), Some(Seal::Until(ends))),
        (
            on_ground(service(None), Purpose::Service, Company, None, &[Type]),
            Some(Seal::UntilLifted),
        ),
    ] {
        assert_eq!(
            story.refused(Command::Disclose(Disclose { question, seal })),
            RefusalCode::Invalid
        );
    }
}
