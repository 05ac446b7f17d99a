//! Marketing within the categories that the customer holds: it needs no approval (P2, R6, R7).

use super::rule::Case;
use crate::domain::company::standing::Standing;
use crate::domain::customer::Customer;
use crate::domain::ids::{Category, Position};
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::domain::served::serving;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Purpose, RecipientKind};

/// Whether an offering lies within what the customer holds.
pub enum Held {
    /// It does; these records opened the categories.
    Within(Vec<Position>),
    /// It would, if these categories were opened.
    Outside(Vec<Category>),
    /// Opening a service wouldn't help.
    NotByServices,
}

/// Looks at the question's offering and its target categories.
pub(super) fn held(case: Case<'_>, standing: &Standing<'_>, at: Time) -> Held {
    let Case {
        customer,
        world,
        question,
        ..
    } = case;
    let rulebook = world.rulebook;
    if question.purpose != Purpose::MarketingComms || !may_market(case, standing, at) {
        return Held::NotByServices;
    }
    let services = &customer.services;
    let source_held = (question.source_category.as_ref())
        .is_none_or(|source| services.holding(source, at).is_some());
    if !source_held {
        return Held::NotByServices;
    }
    let targets = &question.target_categories;
    if targets.is_empty() {
        // A listed exception says for itself what must be held; it never stands in for a category that is stated.
        return match excepted(customer, rulebook, question, at) {
            Some(positions) => Held::Within(positions),
            None => Held::NotByServices,
        };
    }
    let mut opened = Vec::with_capacity(targets.len());
    for target in targets {
        match services.holding(target, at) {
            Some(service) => opened.push(service.opened),
            None => return outside(customer, rulebook, targets, at),
        }
    }
    Held::Within(opened)
}

/// Whether the recipient may market within held categories at all (R7). An agent that is named must be registered so;
/// an affiliate must be named, serve the customer itself, and the customer hold two categories from the company (F1).
fn may_market(case: Case<'_>, standing: &Standing<'_>, at: Time) -> bool {
    let (customer, question) = (case.customer, case.question);
    let recipients = case.world.rulebook.held_category_recipients();
    let serves = || {
        (question.entity.as_ref()).is_some_and(|entity| serving(customer, entity, at).is_some())
            && customer.services.count_held(at) >= 2
    };
    recipients.contains(question.recipient)
        && standing.is_confirmed()
        && (question.recipient != RecipientKind::Affiliate || serves())
}

fn outside(customer: &Customer, rulebook: &Rulebook, targets: &[Category], at: Time) -> Held {
    if !targets.iter().all(|target| rulebook.knows(target)) {
        return Held::NotByServices;
    }
    let missing = (targets.iter())
        .filter(|target| customer.services.holding(target, at).is_none())
        .cloned()
        .collect();
    Held::Outside(missing)
}

/// The listed exceptions of 64.2005(b)(1), where the rulebook switches them on.
fn excepted(
    customer: &Customer,
    rulebook: &Rulebook,
    question: &Question,
    at: Time,
) -> Option<Vec<Position>> {
    let offering = question.offering.as_deref()?;
    let held: Vec<_> = (rulebook.exception(offering)?.when_held.iter())
        .filter_map(|category| customer.services.holding(category, at))
        .map(|service| service.opened)
        .collect();
    (!held.is_empty()).then_some(held)
}
