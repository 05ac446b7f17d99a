//! What a yes rested on was there at that very position (P3, P7, R3, R9; 64.2009(a)).

use super::one_time::over;
use super::trail::Given;
use super::{Kind, Look, Seen, StandingQuestion};
use super::{grounds, opt_out};
use crate::domain::company::standing::Standing;
use crate::domain::consent::block::with_parents;
use crate::domain::consent::precedence::weigh;
use crate::domain::consent::word::Said;
use crate::domain::customer::Customer;
use crate::domain::disclosures::{DisclosureMade, Ground};
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Position};
use crate::domain::question::Question;
use crate::domain::ruling::State;
use crate::domain::scope::CellRef;
use crate::domain::served::serving;
use crate::domain::vocabulary::{CpniClass, Purpose, RecipientKind, RecipientKinds};

pub(super) const APPROVAL_NOT_LIVE: StandingQuestion = StandingQuestion {
    name: "approval-not-live",
    requirements: "P3, P7, R3, R9",
    clauses: "CPNI policy, clause 3; 47 CFR 64.2009(a)",
    asks: "Which disclosures rest on an approval that was not live at that position, or did not cover what left?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::DisclosureMade(made) = seen.placed.event else {
            return None;
        };
        match &made.question.ground {
            None | Some(Ground::Approval { .. }) => not_live(seen, made),
            Some(Ground::WrittenRequest { .. }) => against_block(seen, &made.question),
            Some(_) => None,
        }
    }),
};

pub(super) const RULING_AGAINST_RECORD: StandingQuestion = StandingQuestion {
    name: "ruling-against-the-record",
    requirements: "C3, P2, P3, F9",
    clauses: "47 CFR 64.2009(a)",
    asks: "Which recorded rulings say yes though what was recorded before says no?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::RulingRecorded(ruled) = seen.placed.event else {
            return None;
        };
        let question = &ruled.question;
        if !ruled.ruling.allowed || question.purpose == Purpose::CompetitorTracking {
            return None;
        }
        match &question.ground {
            None | Some(Ground::Approval { .. }) => unsupported(seen, question, |given| {
                over(given, seen, question).is_none()
            }),
            Some(Ground::WrittenRequest { .. }) => {
                against_block(seen, question).or_else(|| grounds::lack(seen, question))
            }
            Some(_) if question.purpose.is_marketing() => {
                Some("marketing on a ground other than approval".into())
            }
            Some(_) => grounds::lack(seen, question),
        }
    }),
};

/// What is wrong with the approvals that a disclosure names.
fn not_live(seen: &Seen<'_>, made: &DisclosureMade) -> Option<String> {
    let customer = seen.before?;
    let at = seen.placed.recorded_at;
    let dead = |position: &&Position| {
        // One-time approvals and opt-out notices have questions of their own.
        seen.trail.one_time(**position).is_none()
            && seen.trail.asked(**position).is_none()
            && !is_live_grant(seen, customer, **position, &made.question)
    };
    if let Some(dead) = made.relied_on.iter().find(dead) {
        return Some(format!(
            "record {dead} is no approval of this customer that was live for it"
        ));
    }
    let services = &customer.services;
    if let Some(ended) = opt_out::relied_on(seen)
        .find(|asked| services.lapsed(at) || asked.position < services.grants_end_before)
    {
        return Some(format!(
            "notice {} ended with the last service",
            ended.position
        ));
    }
    unsupported(seen, &made.question, |given| {
        made.relied_on.contains(&given.approval.position)
    })
}

/// Whether the record is a grant that has not ended, whose recipient has kept its kind since (R12), and that covers some
/// of what is asked.
fn is_live_grant(
    seen: &Seen<'_>,
    customer: &Customer,
    record: Position,
    question: &Question,
) -> bool {
    let at = seen.placed.recorded_at;
    let (company, entity) = (seen.world.company, question.entity.as_ref());
    let standing = Standing::of(company, question.recipient, entity, at);
    (customer.words.iter()).any(|word| {
        word.records().any(|one| one == record)
            && word.recorded_at <= at
            && record >= customer.services.grants_end_before
            && standing.holds_since(word.said_at())
            && standing.holds_since_record(record)
            && matches!(&word.said, Said::Grant { scope, .. }
                if cells(question).any(|cell| scope.covers(cell)))
    })
}

/// The first class asked for that nothing supports: no grant that stands, no category held, none of the one-time
/// approvals that `counts`, and no opt-out notice that the record rests on. Those notices have questions of their own.
fn unsupported(
    seen: &Seen<'_>,
    question: &Question,
    counts: impl Fn(&Given) -> bool,
) -> Option<String> {
    let customer = seen.before?;
    let rulebook = seen.world.rulebook;
    let held = holds_what_is_marketed(seen, question);
    cells(question).find_map(|cell| {
        let state = state(seen, customer, cell);
        let blocked = matches!(state, State::Denied | State::Restricted);
        let held = held && !(blocked && rulebook.block_reaches_held_categories());
        let once = || {
            (seen.trail.all_one_time().iter())
                .any(|given| given.approval.scope.covers(cell) && counts(given))
        };
        let opted_out = || {
            state == State::Unknown
                && (opt_out::relied_on(seen)).any(|asked| asked.covers.covers(cell))
        };
        (state != State::Granted && !held && !once() && !opted_out()).then(|| {
            let state = state_name(state);
            format!(
                "{} for {} is {state}, and nothing else allows it",
                cell.class, cell.kind
            )
        })
    })
}

/// A written request is a form of approval: a block stands against it, and so does a lapse (R14).
fn against_block(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let customer = seen.before?;
    let at = seen.placed.recorded_at;
    if !customer.services.any_held(at) {
        return Some("no service was held".into());
    }
    cells(question).find_map(|cell| {
        let state = state(seen, customer, cell);
        matches!(state, State::Denied | State::Restricted)
            .then(|| format!("{} for {} is {}", cell.class, cell.kind, state_name(state)))
    })
}

/// The cell's state: where no entity is named, the worst of the kind's, of those that blocks name, and of those that
/// are several things to the company (R12). What opt-out notices make of it is not looked at.
pub(super) fn state(seen: &Seen<'_>, customer: &Customer, cell: CellRef<'_>) -> State {
    let (at, entities) = (seen.placed.recorded_at, &seen.world.company.entities);
    let weighed = |cell: CellRef<'_>| {
        let standing = Standing::of(seen.world.company, cell.kind, cell.entity, at);
        let (words, services) = (&customer.words, &customer.services);
        weigh(words, services, cell, &standing, at).state
    };
    let whole = weighed(cell);
    if cell.entity.is_some() {
        return whole;
    }
    let of_kind = |id: &EntityId, named_as: RecipientKinds| {
        let kinds = entities.get(id).map(|entity| entity.kinds(at));
        kinds.unwrap_or(named_as).contains(cell.kind)
    };
    let blocked = (customer.words.iter()).filter_map(|word| match &word.said {
        Said::Block(block) => Some(&block.scope.recipients.named),
        Said::Grant { .. } => None,
    });
    let blocked = blocked
        .flatten()
        .filter(|named| of_kind(&named.entity, with_parents(RecipientKinds::of(named.kind))))
        .map(|named| &named.entity);
    let several = (entities.several())
        .map(|entity| &entity.id)
        .filter(|id| of_kind(id, RecipientKinds::NONE));
    blocked.chain(several).fold(whole, |worst, entity| {
        let named = CellRef {
            entity: Some(entity),
            ..cell
        };
        worst.max(weighed(named))
    })
}

/// Whether the offering lies within what the customer holds, and its recipient may market there (R6, R7).
pub(super) fn holds_what_is_marketed(seen: &Seen<'_>, question: &Question) -> bool {
    let Some(customer) = seen.before else {
        return false;
    };
    let (rulebook, at) = (seen.world.rulebook, seen.placed.recorded_at);
    let held = |category| {
        (customer.services)
            .holding(category, seen.placed.recorded_at)
            .is_some()
    };
    let excepted = || {
        let exception = question
            .offering
            .as_deref()
            .and_then(|name| rulebook.exception(name));
        exception.is_some_and(|exception| exception.when_held.iter().any(held))
    };
    let targets = &question.target_categories;
    // An affiliate must serve the customer itself, who has two categories from the company (F1, 64.2005(a)).
    let serves = || {
        let serving = |entity| serving(customer, entity, at).is_some();
        question.entity.as_ref().is_some_and(serving) && customer.services.count_held(at) >= 2
    };
    let recipient = question.recipient;
    let standing = Standing::of(seen.world.company, recipient, question.entity.as_ref(), at);
    question.purpose == Purpose::MarketingComms
        && standing.is_confirmed()
        && (recipient != RecipientKind::Affiliate || serves())
        && rulebook
            .held_category_recipients()
            .contains(question.recipient)
        && question.source_category.as_ref().is_none_or(held)
        && (!targets.is_empty() || excepted())
        && targets.iter().all(held)
}

pub(super) fn cells(question: &Question) -> impl Iterator<Item = CellRef<'_>> {
    (question.asked_classes().members()).map(|class: CpniClass| CellRef {
        kind: question.recipient,
        entity: question.entity.as_ref(),
        class,
        purpose: question.purpose,
    })
}

fn state_name(state: State) -> &'static str {
    match state {
        State::Granted => "granted",
        State::OptOutApproved => "approved by opt-out",
        State::Unknown => "unknown",
        State::Waiting => "waiting",
        State::RefreshOverdue => "overdue for a new notice",
        State::Lapsed => "lapsed",
        State::Restricted => "restricted",
        State::Denied => "denied",
    }
}
