//! Gag orders that stand, are over and are lifted.

use super::*;
use crate::domain::command::Command;
use crate::domain::disclosures::{Disclose, Ground};
use crate::domain::event::Event;
use crate::domain::testing::*;
use crate::domain::vocabulary::{CpniClass, Purpose, RecipientKind};

fn under(seal: Option<Seal>, reference: &str) -> Command {
    let ground = Ground::Legal {
        authority: told("court"),
        reference: told(reference),
        dated: Some("2025-12-30".into()),
        digest: Some([1; 32]),
    };
    let question = on_ground(
        ground,
        Purpose::Legal,
        RecipientKind::LawEnforcement,
        Some("court"),
        &[CpniClass::Billing],
    );
    Command::Disclose(Disclose { question, seal })
}

fn order(disclosure: u64) -> GagLifted {
    GagLifted {
        disclosure: Position(disclosure),
        authority: told("court"),
        reference: told("26-0042"),
        dated: "2025-12-31".into(),
    }
}

fn hides(story: &Story, disclosure: u64) -> bool {
    let gags = story.state().gags.as_ref().unwrap();
    gags.hide(Position(disclosure), story.now)
}

#[test]
fn p7_a_gag_order_without_a_date_hides_until_it_is_lifted() {
    let mut story = Story::begun();
    let (first, other) = (
        story.act(under(Some(Seal::UntilLifted), "26-cv-1")),
        story.act(under(Some(Seal::UntilLifted), "26-cv-2")),
    );
    story.minutes(60 * 24 * 3650);
    assert!(hides(&story, first) && hides(&story, other));
    story.act(Command::LiftGag(order(first)));
    assert!(!hides(&story, first));
    assert!(hides(&story, other), "each order is lifted by itself");
}

#[test]
fn p7_a_dated_gag_order_ends_on_its_date_and_may_be_lifted_before() {
    let mut story = Story::begun();
    let end = story.now.plus_hours(24);
    let (early, late) = (
        story.act(under(Some(Seal::Until(end)), "26-cv-1")),
        story.act(under(Some(Seal::Until(end)), "26-cv-2")),
    );
    story.act(Command::LiftGag(order(early)));
    assert!(!hides(&story, early) && hides(&story, late));
    story.minutes(60 * 24);
    assert!(!hides(&story, late));
    let refused = story.refused(Command::LiftGag(order(late)));
    assert_eq!(refused, RefusalCode::GagOrderState, "its date has passed");
}

#[test]
fn p7_what_came_under_a_gag_order_and_was_refused_is_hidden_and_lifted_likewise() {
    let mut story = Story::begun();
    let refused = story.act(under(Some(Seal::UntilLifted), " "));
    assert!(hides(&story, refused));
    story.act(Command::LiftGag(order(refused)));
    assert!(!hides(&story, refused));
}

#[test]
fn p7_only_an_order_that_stands_is_lifted() {
    let mut story = Story::begun();
    let open = story.act(under(None, "26-cv-1"));
    let hidden = story.act(under(Some(Seal::UntilLifted), "26-cv-2"));
    for other in [0, 1, open, hidden + 1] {
        let refusal = story.attempt(&Command::LiftGag(order(other))).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.as_str()),
            (RefusalCode::GagOrderState, "disclosure")
        );
    }
    story.act(Command::LiftGag(order(hidden)));
    let again = story.attempt(&Command::LiftGag(order(hidden))).unwrap_err();
    assert_eq!(again.code, RefusalCode::GagOrderState);
    assert!(again.message.contains("lifted before"), "{}", again.message);
}

/// A field, and what is wrong in it.
type Wrong = (&'static str, fn(&mut GagLifted));

#[test]
fn p7_who_lifts_names_an_order_with_its_date() {
    let mut story = Story::begun();
    let hidden = story.act(under(Some(Seal::UntilLifted), "26-cv-1"));
    let wrong: [Wrong; 5] = [
        ("authority", |order| order.authority = None),
        ("reference", |order| order.reference = told(" ")),
        ("dated", |order| order.dated = "2025-02-29".into()),
        ("dated", |order| order.dated = String::new()),
        ("dated", |order| order.dated = "2026-01-02".into()),
    ];
    for (field, change) in wrong {
        let mut order = order(hidden);
        change(&mut order);
        let refusal = story.attempt(&Command::LiftGag(order)).unwrap_err();
        assert_eq!(
            (refusal.code, refusal.field.as_str()),
            (RefusalCode::Invalid, field)
        );
    }
    assert!(hides(&story, hidden));
}

#[test]
fn p7_no_order_that_stands_is_forgotten_for_another() {
    let mut story = Story::begun();
    let sealed = under(Some(Seal::UntilLifted), "26-cv-1");
    let disclosures: Vec<_> = (0..GAG_ORDERS_MAX)
        .map(|_| story.act(sealed.clone()))
        .collect();
    assert_eq!(story.refused(sealed.clone()), RefusalCode::Limit);
    assert!(matches!(
        story.attempt(&under(None, "26-cv-2")).unwrap().as_slice(),
        [Event::DisclosureMade(_)]
    ));
    story.act(Command::LiftGag(order(disclosures[7])));
    let newest = story.act(sealed);
    assert!(hides(&story, newest) && !hides(&story, disclosures[7]));
    let standing = disclosures.iter().filter(|one| hides(&story, **one));
    assert_eq!(standing.count(), GAG_ORDERS_MAX - 1);
    let orders = &story.state().gags.as_ref().unwrap().orders;
    assert_eq!(orders.len(), GAG_ORDERS_MAX);
}

#[test]
fn p7_no_order_is_lifted_by_one_that_is_older_than_it() {
    let mut story = Story::begun();
    let hidden = story.act(under(Some(Seal::UntilLifted), "26-cv-1"));
    let mut lifting = order(hidden);
    lifting.dated = "2025-12-29".into();
    let refused = story.refused(Command::LiftGag(lifting.clone()));
    assert_eq!(refused, RefusalCode::GagOrderState);
    assert!(hides(&story, hidden));
    lifting.dated = "2025-12-30".into();
    story.act(Command::LiftGag(lifting));
    assert!(!hides(&story, hidden), "one of the same day lifts it");
}
