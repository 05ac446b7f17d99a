//! Records as readers see them (C5, P7).

use super::lists::{Listed, numbers as listed};
use super::questions::{hex, recorded};
use super::rulings::{Detail, Evaluated, rulebook_version, ruling};
use super::scopes::{text, wire_block, wire_grant, wire_scope, wire_statement};
use super::values::{numbers, timestamp};
use super::{
    caller_events, contacts, entities, imports, notices, policies, registers, retention, served,
};
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::asserted::AssertedEvent;
use crate::domain::company::CompanyEvent;
use crate::domain::disclosures::gag::GagLifted;
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Pseudonym, Token};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::domain::vocabulary::Channel;
use crate::grpc::pages::is_of;
use crate::ledger::{self, Subject};
use crate::projections::{Entry, Fact};
use crate::proto::v1 as wire;

/// How the types begin that every reader of histories sees. Whatever else there is, or will be, only those see who have
/// [`Right::WholeHistory`]: disclosures and rulings among it, so that a marker says of nothing that it is under a gag
/// order (P7, N4).
const SHOWN: [&str; 12] = [
    "account",
    "asserted",
    "call",
    "consent",
    "entity",
    "ledger",
    "notice",
    "policy",
    // Whoever keeps a copy of what a customer said must learn that nothing of it counts any more (E8).
    "retention.erasure_requested",
    "retention.erasure_completed",
    "rulebook",
    "service",
];

/// Whether a reader in that role sees records of that type.
pub fn sees(role: Role, kind: &str) -> bool {
    role.has(Right::WholeHistory) || is_of(kind, &SHOWN)
}

/// The marker of a record that a reader may not see: the same whatever it is.
pub fn withheld(position: u64) -> wire::Entry {
    wire::Entry {
        position,
        event: Some(wire::entry::Event::Withheld(wire::WithheldEvent {})),
        ..wire::Entry::default()
    }
}

/// A record on the wire, as a reader in that role sees it.
pub fn entry(entry: &Entry, role: Role, rulebook: &Rulebook) -> wire::Entry {
    let record = &entry.decoded.record;
    if !sees(role, &record.kind) {
        return withheld(record.position);
    }
    let event = match (&entry.decoded.fact, entry.decoded.placed()) {
        (_, Some((_, placed))) => Some(wire_event(&placed, role, rulebook)),
        (Fact::Company(event), None) => Some(of_company(event, record)),
        (_, None) => None,
    };
    wire::Entry {
        position: record.position,
        recorded_at: Some(timestamp(Time(record.recorded_at.0))),
        occurred_at: record.occurred_at.map(|at| timestamp(Time(at.0))),
        pseudonym: match record.subject {
            Subject::Ledger => String::new(),
            Subject::Customer(id) => Pseudonym(id).to_string(),
        },
        customer_version: match record.subject {
            Subject::Ledger => 0,
            Subject::Customer(_) => record.version,
        },
        r#type: record.kind.clone(),
        part_index: record.part.index.into(),
        part_count: record.part.of.into(),
        actor: Some(actor(&record.actor)),
        rulebook: Some(rulebook_version(
            &record.policy.rulebook,
            &record.policy.version,
        )),
        event,
    }
}

fn actor(actor: &ledger::Actor) -> wire::Actor {
    let channel = actor.channel.as_deref().and_then(Channel::parse);
    wire::Actor {
        service: actor.service.clone(),
        role: actor.role.clone(),
        channel: channel.map(Listed::number).unwrap_or_default(),
        person_token: hex(actor.person.map(Token)),
    }
}

fn wire_event(placed: &Placed<'_>, role: Role, rulebook: &Rulebook) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    let texts = role.has(Right::SealedTexts);
    match placed.event {
        Event::AccountOpened(opened) => Wire::AccountOpened(wire::AccountOpenedEvent {
            legal_entity: opened.legal_entity.to_string(),
        }),
        Event::ServiceOpened(opened) => Wire::ServiceOpened(wire::ServiceOpenedEvent {
            category: opened.category.to_string(),
        }),
        Event::ServiceClosed(closed) => Wire::ServiceClosed(wire::ServiceClosedEvent {
            category: closed.category.to_string(),
            ends_at: Some(timestamp(closed.ends_at)),
        }),
        Event::NoticeGiven(given) => Wire::NoticeGiven(notices::wire_given(given)),
        Event::Granted(granted) => Wire::WordSpoken(wire::WordSpokenEvent {
            word: Some(wire_grant(&granted.scope, &granted.lifts)),
            statement: Some(wire_statement(&granted.statement, texts)),
            still_blocked_by: numbers(&granted.still_blocked_by),
        }),
        Event::Blocked(blocked) => Wire::WordSpoken(wire::WordSpokenEvent {
            word: Some(wire_block(&blocked.block)),
            statement: Some(wire_statement(&blocked.statement, texts)),
            still_blocked_by: Vec::new(),
        }),
        Event::GrantedOnce(granted) => Wire::OnceGranted(wire::OnceGrantedEvent {
            call_token: granted.grant.call.to_string(),
            scope: Some(wire_scope(&granted.grant.scope)),
            statement: Some(wire_statement(&granted.grant.statement, texts)),
            ends_at: Some(timestamp(granted.ends_at)),
            evidence_due_by: granted.evidence_due_by.map(timestamp),
        }),
        Event::EvidenceSupplied(supplied) => Wire::EvidenceSupplied(wire::EvidenceSuppliedEvent {
            approval_position: supplied.approval.0,
            evidence_digest: supplied.evidence_digest.0.to_vec(),
            due_by: Some(timestamp(supplied.due_by)),
        }),
        Event::CallEnded(ended) => Wire::CallEnded(wire::CallEndedEvent {
            call_token: ended.call.to_string(),
        }),
        Event::DisclosureMade(made) => Wire::DisclosureMade(wire::DisclosureMadeEvent {
            question: Some(recorded(&made.question, texts)),
            relied_on: numbers(&made.relied_on),
            sealed: made.seal.is_some(),
        }),
        Event::DisclosureRefused(refused) => {
            Wire::DisclosureRefused(wire::DisclosureRefusedEvent {
                question: Some(recorded(&refused.question, texts)),
                reasons: listed(refused.reasons.iter().copied()),
                sealed: refused.seal.is_some(),
            })
        }
        Event::GagLifted(lifted) => Wire::GagOrderLifted(gag_lifted(lifted, texts)),
        Event::Retention(event) => retention::wire_event(event, texts),
        Event::Contacts(event) => Wire::Contact(contacts::wire_event(event, texts)),
        Event::Authentication(event) => {
            Wire::Authentication(caller_events::wire_event(event, texts))
        }
        Event::Notices(event) => notices::wire_event(event),
        Event::Affiliates(event) => served::wire_event(event),
        Event::RulingRecorded(ruled) => {
            let evaluated = Evaluated {
                rulebook,
                at: placed.recorded_at,
                position: placed.position,
                detail: Detail::Clauses,
            };
            Wire::RulingRecorded(wire::RulingRecordedEvent {
                question: Some(recorded(&ruled.question, texts)),
                ruling: Some(ruling(&ruled.ruling, &evaluated)),
            })
        }
        Event::Asserted(event) => Wire::Asserted(imports::wire_event(event, texts)),
    }
}

fn gag_lifted(lifted: &GagLifted, texts: bool) -> wire::GagOrderLiftedEvent {
    wire::GagOrderLiftedEvent {
        disclosure_position: lifted.disclosure.0,
        authority: text(lifted.authority.as_ref(), texts),
        reference: text(lifted.reference.as_ref(), texts),
        dated: lifted.dated.clone(),
    }
}

fn of_company(event: &CompanyEvent, record: &ledger::Record) -> wire::entry::Event {
    match event {
        CompanyEvent::Entities(event) => entities::wire_event(event),
        CompanyEvent::Policies(event) => policies::wire_event(event),
        CompanyEvent::Campaigns(_)
        | CompanyEvent::Breaches(_)
        | CompanyEvent::Failures(_)
        | CompanyEvent::Complaints(_)
        | CompanyEvent::Training(_)
        | CompanyEvent::Certificates(_) => registers::event(record),
        CompanyEvent::Templates(event) => notices::wire_template_event(event),
    }
}

/// A disclosure for the accounting, under a gag order now or not; `None` for any other record (P8).
pub fn disclosure(entry: &Entry, sealed: bool, texts: bool) -> Option<wire::Disclosure> {
    let (_, placed) = entry.decoded.placed()?;
    let question;
    let mut occurred_at = placed.occurred_at;
    let (question, relied_on, refused_for) = match placed.event {
        Event::DisclosureMade(made) => (&made.question, numbers(&made.relied_on), Vec::new()),
        Event::DisclosureRefused(refused) => {
            let reasons = listed(refused.reasons.iter().copied());
            (&refused.question, Vec::new(), reasons)
        }
        Event::Asserted(AssertedEvent::Disclosed(event)) => {
            occurred_at = Some(event.fact.made_at);
            question = event.fact.question(event.reference.as_ref());
            (&question, Vec::new(), Vec::new())
        }
        _ => return None,
    };
    Some(wire::Disclosure {
        position: placed.position.0,
        recorded_at: Some(timestamp(placed.recorded_at)),
        occurred_at: occurred_at.map(timestamp),
        asserted: matches!(placed.event, Event::Asserted(_)),
        service: entry.decoded.record.actor.service.clone(),
        question: Some(recorded(question, texts)),
        relied_on,
        refused_for,
        sealed,
        actor: Some(actor(&entry.decoded.record.actor)),
    })
}
