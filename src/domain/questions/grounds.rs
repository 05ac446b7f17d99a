//! What each ground demands and how far it reaches (P7, R14; CPNI policy, clause 3).

use super::callers::{call_detail_unfit, mailed_elsewhere, told_unverified};
use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::disclosures::{DisclosureMade, Ground};
use crate::domain::event::Event;
use crate::domain::question::Question;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKind};

pub(super) const FACTS_MISSING: StandingQuestion = StandingQuestion {
    name: "disclosure-without-its-facts",
    requirements: "P7, R14",
    clauses: "CPNI policy, clause 3; 47 CFR 64.2009(c)",
    asks: "Which disclosures lack a fact that their ground demands, or rest on a case, ticket or listing that says no?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let question = &made(seen)?.question;
        missing(seen, question)
    }),
};

pub(super) const BEYOND_REACH: StandingQuestion = StandingQuestion {
    name: "disclosure-beyond-its-ground",
    requirements: "P7, R14",
    clauses: "CPNI policy, clause 3",
    asks: "Which disclosures reach a purpose, recipient or class that their ground does not?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let question = &made(seen)?.question;
        // Marketing, tracking and PIC-freeze questions have questions of their own.
        let own = question.purpose.is_marketing()
            || question.purpose == Purpose::CompetitorTracking
            || matches!(question.ground, Some(Ground::PicFreeze { .. }));
        if own { None } else { beyond(seen, question) }
    }),
};

pub(super) const PIC_FREEZE_MORE_THAN_STATUS: StandingQuestion = StandingQuestion {
    name: "pic-freeze-more-than-status",
    requirements: "P7, R14",
    clauses: "CPNI policy, clause 3",
    asks: "Which answers to a PIC-freeze request gave more than the freeze's status, or went to another than the provider who asked?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let question = &made(seen)?.question;
        let Some(Ground::PicFreeze { provider, .. }) = &question.ground else {
            return None;
        };
        let asked = question.asked_classes();
        if asked != CpniClasses::of(CpniClass::PicFreezeStatus) || !question.not_cpni.is_empty() {
            return Some("more or other than the freeze's status left".into());
        }
        if question.entity.is_some() && question.entity != *provider {
            return Some("it went to another than the provider who asked".into());
        }
        beyond(seen, question)
    }),
};

pub(super) const PIC_FREEZE_REQUEST_REUSED: StandingQuestion = StandingQuestion {
    name: "pic-freeze-request-reused",
    requirements: "P7, R14",
    clauses: "CPNI policy, clause 3",
    asks: "Which PIC-freeze requests were answered more than once, about whatever customer?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        made(seen)?.question.pic_request()?;
        (seen.world.pic_request_used).then(|| "the request was answered before".into())
    }),
};

fn made<'a>(seen: &Seen<'a>) -> Option<&'a DisclosureMade> {
    match seen.placed.event {
        Event::DisclosureMade(made) => Some(made),
        _ => None,
    }
}

/// Everything that a ground other than approval may lack, for a yes that was put on record.
pub(super) fn lack(seen: &Seen<'_>, question: &Question) -> Option<String> {
    missing(seen, question)
        .or_else(|| beyond(seen, question))
        .or_else(|| told_unverified(seen, question))
        .or_else(|| call_detail_unfit(seen, question))
        .or_else(|| mailed_elsewhere(seen, question))
}

/// A fact that the ground demands and that isn't there, or that says no.
fn missing(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let Some(ground) = &question.ground else {
        return Some("no ground is named".into());
    };
    let rule = seen.world.rulebook.ground(ground.kind());
    if let Some(fact) = rule.facts.members().find(|fact| !ground.states(*fact)) {
        return Some(format!("the ground {} without its {fact}", ground.kind()));
    }
    match ground {
        Ground::Rights { open: false, .. } => Some("the case was not open".into()),
        Ground::Service { open: false, .. } => Some("the ticket or order was not open".into()),
        Ground::Directory {
            non_published: true,
            ..
        } => Some("the listing is non-published".into()),
        _ => None,
    }
}

/// A purpose, recipient or class that the ground doesn't reach.
fn beyond(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let ground = question.ground.as_ref()?;
    let rule = seen.world.rulebook.ground(ground.kind());
    let kind = ground.kind();
    if !rule.purposes.contains(question.purpose) {
        return Some(format!(
            "the ground {kind} does not serve {}",
            question.purpose
        ));
    }
    if !rule.recipients.contains(question.recipient) {
        return Some(format!(
            "the ground {kind} does not reach {}",
            question.recipient
        ));
    }
    if let (Some(named), Some(entity)) = (ground.recipient(), &question.entity)
        && named != entity
    {
        return Some(format!("the ground {kind} names another recipient"));
    }
    let classes = match question.recipient {
        RecipientKind::Customer => rule.classes.union(rule.classes_to_customer),
        _ => rule.classes,
    };
    let asked = question.asked_classes();
    if let Some(class) = asked.members().find(|class| !classes.contains(*class)) {
        return Some(format!(
            "the ground {kind} does not reach {class} for {}",
            question.recipient
        ));
    }
    let item = question
        .not_cpni
        .members()
        .find(|item| !rule.not_cpni.contains(*item))?;
    Some(format!("the ground {kind} does not reach {item}"))
}
