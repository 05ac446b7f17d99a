//! Comparisons, told as stories: what each customer is in, and what then changes for how many.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Comparison, Difference, Report, questions};
use crate::domain::company::Company;
use crate::domain::customer::{World, rule};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::Pseudonym;
use crate::domain::notices::send::Delivery;
use crate::domain::rulebook::Rulebook;
use crate::domain::ruling::{Basis, ReasonCode, State};
use crate::domain::scope::{Recipients, Scope};
use crate::domain::testing::*;
use crate::domain::time::Time;
use crate::domain::vocabulary::CpniClass::{Billing, Type};
use crate::domain::vocabulary::RecipientKind::{Affiliate, Agent, Company as TheCompany};
use crate::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, Medium, Purpose, Purposes, RecipientKinds,
};

/// A block doesn't reach held categories, and agents market within them, too.
fn looser() -> Rulebook {
    let text = crate::domain::rulebook::DEFAULT_TEXT
        .replace(
            "block_reaches_held_categories = true",
            "block_reaches_held_categories = false",
        )
        .replace(
            "held_category_recipients = [\"company\"]",
            "held_category_recipients = [\"company\", \"agent\"]",
        );
    Rulebook::parse(&text, [1; 32]).unwrap()
}

fn comparison(after: Rulebook, at: Time) -> Comparison {
    let (before, company) = (Arc::new(policy()), Arc::new(Company::default()));
    Comparison::new(before, Arc::new(after), Time(0), company, at, 2)
}

fn pseudonym(number: u8) -> Pseudonym {
    let mut bytes = [0x5a; 16];
    bytes[15] = number;
    Pseudonym(bytes)
}

/// Compares these customers' stories.
fn compared(after: Rulebook, stories: &[Story]) -> Report {
    let at = stories.iter().map(|story| story.now).max().unwrap();
    let mut comparison = comparison(after, at);
    for (number, story) in (0..).zip(stories) {
        comparison.take(pseudonym(number), story.state());
    }
    comparison.finish()
}

fn silent() -> Story {
    Story::begun()
}

fn denying() -> Story {
    let mut story = Story::begun();
    story.deny(company(CpniClasses::NONE));
    story
}

#[test]
fn p17_a_rulebook_compared_with_itself_changes_nothing() {
    let report = compared(policy(), &[silent(), denying()]);
    assert_eq!((report.customers, report.changed), (2, 0));
    assert!(report.differences.is_empty());
    assert!(report.questions > 0);
}

#[test]
fn p17_a_comparison_says_which_answers_change_for_how_many_with_examples() {
    let stories = [silent(), denying(), denying(), denying(), silent()];
    let report = compared(looser(), &stories);
    assert_eq!((report.customers, report.changed), (5, 5));
    assert_eq!(report.kinds_of_customer, 2);

    // Silent or not: agents now market within what is held. One line for all classes.
    let agents = line(&report, Agent);
    assert_eq!(agents.customers, 5);
    assert!(
        CpniClass::EVERY
            .iter()
            .all(|class| agents.asked.classes.contains(*class))
    );
    assert_eq!(agents.asked.purposes, Purposes::of(Purpose::MarketingComms));
    assert_eq!(agents.asked.targets, [category("local")]);
    assert_eq!((agents.before.allowed, agents.after.allowed), (false, true));
    assert_eq!(agents.after.reasons, [ReasonCode::HeldCategory]);
    assert_eq!(agents.examples, [pseudonym(0), pseudonym(4)]);

    // Only those who deny: the block of the company's marketing no longer reaches held categories (R8).
    let company = line(&report, TheCompany);
    assert_eq!(company.customers, 3);
    assert_eq!(
        (company.before.state, company.after.state),
        (State::Denied, State::Denied)
    );
    assert_eq!(company.before.reasons, [ReasonCode::Denied]);
    assert_eq!(company.examples, [pseudonym(1), pseudonym(2)]);
    assert_eq!(report.differences.len(), 2);
}

fn line(report: &Report, kind: crate::domain::vocabulary::RecipientKind) -> &Difference {
    let mut lines = report.differences.iter();
    lines
        .find(|one| one.asked.recipients == RecipientKinds::of(kind))
        .unwrap()
}

#[test]
fn p17_a_ground_that_reaches_further_is_found_with_its_facts_met() {
    let text = crate::domain::rulebook::DEFAULT_TEXT;
    let narrower = text.replace(
        "classes_to_customer = [\"call_detail\"]",
        "classes_to_customer = []",
    );
    assert_ne!(narrower, text);
    let narrower = Rulebook::parse(&narrower, [1; 32]).unwrap();
    let report = compared(narrower, &[silent(), denying()]);
    assert_eq!(report.differences.len(), 1);
    let billing = &report.differences[0];
    assert_eq!(billing.asked.ground, Some(GroundKind::Billing));
    assert_eq!(billing.customers, 2, "a denial doesn't matter to a ground");
    assert_eq!(
        (billing.before.allowed, billing.after.allowed),
        (true, false)
    );
    assert_eq!(billing.after.reasons, [ReasonCode::ClassNotCovered]);
    let live = policy().live_methods().without(AssuranceMethod::Password);
    assert_eq!(
        billing.asked.verified_by, live,
        "a stated password tells no call detail"
    );
}

/// Whatever customers said, and in whatever order: those who are ruled on as like another get that other's answers.
#[test]
fn p17_customers_alike_in_what_the_rules_read_get_the_same_verdicts() {
    let stories = [
        story(|_| ()),
        story(|story| {
            story.deny(company(CpniClasses::NONE));
        }),
        // The same words in the other order are another state, and positions alone are none.
        story(|story| {
            story.grant(company(classes(&[Billing, Type])));
            story.deny(company(CpniClasses::NONE));
        }),
        story(|story| {
            story.deny(company(CpniClasses::NONE));
            story.grant(company(classes(&[Billing, Type])));
        }),
        story(|story| {
            story.minutes(7).notice(Scope::everything());
            story.deny(company(CpniClasses::NONE));
            story.minutes(90).grant(company(classes(&[Billing, Type])));
        }),
        story(|story| {
            let denied = story.deny(Scope::everything());
            story.grant_lifting(company(classes(&[Billing])), &[denied]);
        }),
        story(|story| {
            story.deny(Scope::everything());
            story.grant(company(classes(&[Billing])));
        }),
        story(|story| {
            story.grant(marketing(
                Recipients::of(RecipientKinds::of(Affiliate)),
                CpniClasses::ALL,
            ));
            story.deny(marketing(named(Affiliate, "acme"), CpniClasses::NONE));
        }),
        story(|story| {
            story.deny(company(CpniClasses::NONE));
            story.close("local");
        }),
        story(|story| {
            story.grant(company(CpniClasses::ALL));
            story.close("local");
            story.open("cmrs");
        }),
    ];
    let last = stories.iter().map(|story| story.now).max().unwrap();
    let at = last.plus_minutes(1);
    let all = questions::all(&policy(), &looser(), at);
    let mut counted = comparison(looser(), at);
    let mut one_by_one = 0;
    for (number, story) in (0..).zip(&stories) {
        counted.take(pseudonym(number), story.state());
        let answer = |rulebook: &Rulebook, question| {
            let company = Company::default();
            let world = World {
                rulebook,
                opt_out_since: Time(0),
                pic_request_used: false,
                company: &company,
                known: None,
            };
            rule(Some(story.state()), world, question, at).allowed
        };
        let (before, after) = (policy(), looser());
        let changes =
            (all.iter()).filter(|question| answer(&before, question) != answer(&after, question));
        one_by_one += changes.count();
    }
    let report = counted.finish();
    let counted: u64 = (report.differences.iter())
        .map(|one| one.customers * combinations(one))
        .sum();
    assert_eq!(counted, one_by_one as u64);
    assert_eq!(
        report.kinds_of_customer, 9,
        "two of ten differ in positions and times only"
    );
}

fn story(tell: impl Fn(&mut Story)) -> Story {
    let mut story = Story::begun();
    tell(&mut story);
    story
}

/// How many questions a line stands for.
fn combinations(line: &Difference) -> u64 {
    let asked = &line.asked;
    let members = [
        asked.classes.members().count() + asked.not_cpni.members().count(),
        asked.recipients.members().count(),
        asked.targets.len(),
        asked.offerings.len(),
        asked.purposes.members().count(),
        asked.verified_by.members().count(),
    ];
    members
        .into_iter()
        .map(|count| count.max(1) as u64)
        .product()
}

#[test]
fn p17_no_question_is_asked_twice_and_none_names_a_call_or_a_record() {
    let at = START;
    let all = questions::all(&policy(), &looser(), at);
    let mut asked = HashSet::new();
    for question in &all {
        assert!(question.asks_something());
        assert!(question.call.is_none());
        assert!(asked.insert(format!("{question:?}")), "{question:?}");
    }
}

/// Wherever opt-out clocks stand: who is ruled on as like another gets that other's answers, and dates alone are no
/// difference.
#[test]
fn p17_r10_customers_whose_opt_out_clocks_stand_alike_are_one_kind() {
    let mut base = Story::begun_with(baseline());
    base.template("online-30", Medium::Electronic, Some(30));
    base.join("acme", Affiliate, true);
    let at = utc("2026-06-01T12:00:00Z");
    let sent = |story: &mut Story, day: &str| {
        let (by, covers) = (Delivery::Electronic, Scope::everything());
        story.send_at(utc(day), "online-30", by, covers);
    };
    let tell = |tell: &dyn Fn(&mut Story)| {
        let mut story = base.clone();
        tell(&mut story);
        story
    };
    let stories = [
        tell(&|_| ()),
        // Approved, on whatever day.
        tell(&|story| sent(story, "2026-01-05T15:00:00Z")),
        tell(&|story| sent(story, "2026-02-07T09:30:00Z")),
        // Waiting.
        tell(&|story| sent(story, "2026-05-20T15:00:00Z")),
        // Approved, and kept up.
        tell(&|story| {
            sent(story, "2026-01-05T15:00:00Z");
            sent(story, "2026-05-20T15:00:00Z");
        }),
        // Blocked after, and blocked before.
        tell(&|story| {
            sent(story, "2026-01-05T15:00:00Z");
            story.deny(company(classes(&[Billing])));
        }),
        tell(&|story| {
            story.deny(company(classes(&[Billing])));
            sent(story, "2026-01-05T15:00:00Z");
        }),
    ];
    let (before, after) = (Arc::new(baseline()), Arc::new(policy()));
    let company = Arc::new(base.company.clone());
    let all = questions::all(&before, &after, at);
    let mut counted = Comparison::new(
        before.clone(),
        after.clone(),
        Time(0),
        company.clone(),
        at,
        2,
    );
    let mut one_by_one = 0;
    for (number, story) in (0..).zip(&stories) {
        counted.take(pseudonym(number), story.state());
        let answer = |rulebook: &Rulebook, question| {
            let world = World {
                rulebook,
                opt_out_since: Time(0),
                pic_request_used: false,
                company: &company,
                known: None,
            };
            rule(Some(story.state()), world, question, at).allowed
        };
        let changes =
            (all.iter()).filter(|question| answer(&before, question) != answer(&after, question));
        one_by_one += changes.count() as u64;
    }
    let report = counted.finish();
    let lost = (report.differences.iter())
        .find(|one| one.before.basis == Some(Basis::OptOut))
        .unwrap();
    assert!(!lost.after.allowed && lost.customers >= 3);
    let counted: u64 = (report.differences.iter())
        .map(|one| one.customers * combinations(one))
        .sum();
    assert_eq!(counted, one_by_one);
    assert_eq!(report.kinds_of_customer, 6, "two differ in dates only");
}
