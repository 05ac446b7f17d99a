//! What an import asserts: it counts only with full evidence, and an asserted opt-out never (C2, R15).

use super::{Kind, Look, StandingQuestion};
use crate::domain::asserted::{AssertedEvent, AssertedGrant};
use crate::domain::customer::Customer;
use crate::domain::event::Event;
use crate::domain::time::Time;
use crate::domain::vocabulary::Speaker;

pub(super) const GRANT_WITHOUT_EVIDENCE: StandingQuestion = StandingQuestion {
    name: "asserted-grant-without-evidence",
    requirements: "C2, R15",
    clauses: "47 CFR 64.2007(a)(1), 64.2008(a)",
    asks: "Which grants of an import count without date, method, speaker, evidence and a notice given by then?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::Asserted(AssertedEvent::Granted(grant)) if grant.counts() => {
            lacking(&grant.fact).or_else(|| unnoticed(seen.before?, &grant.fact))
        }
        _ => None,
    }),
};

pub(super) const OPT_OUT_COUNTED: StandingQuestion = StandingQuestion {
    name: "asserted-opt-out-counted",
    requirements: "C2, R15",
    clauses: "47 CFR 64.2008(d)",
    asks: "Which notices of an import count though they took silence for approval?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::Asserted(AssertedEvent::Notice(notice))
            if notice.counts() && notice.fact.opt_out =>
        {
            Some("the notice asked for an opt-out, and counts".into())
        }
        _ => None,
    }),
};

pub(super) const DATE_AHEAD: StandingQuestion = StandingQuestion {
    name: "asserted-date-ahead",
    requirements: "C2, R5",
    clauses: "47 CFR 64.2007(a)",
    asks: "Which facts of an import lie ahead of their recording?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::Asserted(asserted) = seen.placed.event else {
            return None;
        };
        let ahead = |at: Time| at > seen.placed.recorded_at;
        dates(asserted)
            .into_iter()
            .flatten()
            .any(ahead)
            .then(|| "it is said to have happened after it was recorded".into())
    }),
};

/// What a grant that counts lacks of its evidence.
fn lacking(grant: &AssertedGrant) -> Option<String> {
    let said = &grant.said;
    let lacks = [
        (said.said_at.is_none(), "date"),
        (said.method.is_none(), "method"),
        (said.notice_version.is_none(), "notice version"),
        (said.evidence_digest.is_none(), "evidence digest"),
        (
            !matches!(
                said.speaker,
                Some(Speaker::AccountHolder | Speaker::AdministrativeContact)
            ),
            "speaker who may grant",
        ),
    ];
    let lacks = lacks.into_iter().find(|(lacks, _)| *lacks);
    lacks.map(|(_, what)| format!("it counts, and has no {what}"))
}

/// Whether no notice of its version, given by then, covers the grant.
fn unnoticed(customer: &Customer, grant: &AssertedGrant) -> Option<String> {
    let (at, version) = (grant.said.said_at?, grant.said.notice_version.as_deref()?);
    let witnessed = (customer.notices.iter())
        .filter(|notice| *notice.version == *version && notice.occurred_at <= at)
        .map(|notice| &notice.covers);
    let asserted = (customer
        .imported
        .iter()
        .flat_map(|imported| &imported.notices))
    .filter(|notice| *notice.version == *version && notice.given_at <= at)
    .map(|notice| &notice.covers);
    let covered = witnessed
        .chain(asserted)
        .any(|covers| covers.covers_all(&grant.scope));
    (!covered).then(|| format!("it counts, and no notice {version} given by then covers it"))
}

/// When it is said to have happened.
fn dates(asserted: &AssertedEvent) -> [Option<Time>; 2] {
    match asserted {
        AssertedEvent::Account(event) => [Some(event.fact.opened_at), event.fact.closed_at],
        AssertedEvent::Service(event) => [Some(event.fact.opened_at), event.fact.closed_at],
        AssertedEvent::Notice(event) => [Some(event.fact.given_at), None],
        AssertedEvent::Granted(event) => [event.fact.said.said_at, None],
        AssertedEvent::Blocked(event) => [event.fact.said.said_at, None],
        AssertedEvent::Disclosed(event) => [Some(event.fact.made_at), None],
    }
}
