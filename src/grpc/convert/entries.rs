//! Records as readers see them (C5, P7).

use super::lists::{Listed, numbers as listed};
use super::questions::{hex, recorded};
use super::rulings::{Evaluated, rulebook_version, ruling};
use super::scopes::{wire_block, wire_grant, wire_scope, wire_statement};
use super::values::{numbers, timestamp};
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::disclosures::Seal;
use crate::domain::event::Event;
use crate::domain::ids::Token;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::domain::vocabulary::Channel;
use crate::projections::Entry;
use crate::proto::v1 as wire;

/// Who reads, and when: decides what is shown.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The reader's role.
    pub role: Role,
    /// The time of reading: gag orders end with time.
    pub now: Time,
}

impl Reader {
    /// Whether the reader may see the record at all (P7).
    pub fn may_see(&self, event: &Event) -> bool {
        self.role.has(Right::SealedDisclosures)
            || !seal_of(event).is_some_and(|seal| stands(seal, self.now))
    }

    /// Whether the reader may read texts that are sealed in records (T3).
    pub fn texts(&self) -> bool {
        self.role.has(Right::SealedTexts)
    }
}

/// Whether a gag order stands at that time.
pub fn stands(seal: Seal, now: Time) -> bool {
    match seal {
        Seal::Until(end) => now < end,
        Seal::UntilLifted => true,
    }
}

fn seal_of(event: &Event) -> Option<Seal> {
    match event {
        Event::DisclosureMade(made) => made.seal,
        Event::DisclosureRefused(refused) => refused.seal,
        Event::AccountOpened(_)
        | Event::ServiceOpened(_)
        | Event::ServiceClosed(_)
        | Event::NoticeGiven(_)
        | Event::Granted(_)
        | Event::Blocked(_)
        | Event::GrantedOnce(_)
        | Event::CallEnded(_)
        | Event::RulingRecorded(_) => None,
    }
}

/// The marker of a record that a reader may not see: the same whatever it is.
pub fn withheld(position: u64) -> wire::Entry {
    wire::Entry {
        position,
        event: Some(wire::entry::Event::Withheld(wire::WithheldEvent {})),
        ..wire::Entry::default()
    }
}

/// A record on the wire, or its marker.
pub fn entry(entry: &Entry, reader: &Reader, rulebook: &Rulebook) -> wire::Entry {
    if entry
        .event
        .as_ref()
        .is_some_and(|event| !reader.may_see(event))
    {
        return withheld(entry.position.0);
    }
    wire::Entry {
        position: entry.position.0,
        recorded_at: Some(timestamp(entry.recorded_at)),
        occurred_at: entry.occurred_at.map(timestamp),
        pseudonym: entry
            .customer
            .map(|customer| customer.to_string())
            .unwrap_or_default(),
        customer_version: entry.version,
        r#type: entry.kind.clone(),
        part_index: entry.part.0.into(),
        part_count: entry.part.1.into(),
        actor: Some(actor(entry)),
        rulebook: Some(rulebook_version(&entry.rulebook, &entry.rulebook_version)),
        event: entry
            .event
            .as_ref()
            .map(|event| wire_event(event, entry, reader, rulebook)),
    }
}

fn actor(entry: &Entry) -> wire::Actor {
    let channel = entry.channel.as_deref().and_then(Channel::parse);
    wire::Actor {
        service: entry.service.clone(),
        role: entry.role.clone(),
        channel: channel.map(Listed::number).unwrap_or_default(),
        person_token: hex(entry.person.map(Token)),
    }
}

fn wire_event(
    event: &Event,
    entry: &Entry,
    reader: &Reader,
    rulebook: &Rulebook,
) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    let texts = reader.texts();
    match event {
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
        Event::NoticeGiven(given) => Wire::NoticeGiven(wire::NoticeGivenEvent {
            notice_version: given.notice.version.clone(),
            text_digest: given.notice.text_digest.to_vec(),
            form: given.notice.form.number(),
            language: given.notice.language.clone(),
            covers: Some(wire_scope(&given.notice.covers)),
        }),
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
        Event::RulingRecorded(ruled) => {
            let evaluated = Evaluated {
                rulebook,
                at: entry.recorded_at,
                position: entry.position,
                texts: false,
            };
            Wire::RulingRecorded(wire::RulingRecordedEvent {
                question: Some(recorded(&ruled.question, texts)),
                ruling: Some(ruling(&ruled.ruling, &evaluated)),
            })
        }
    }
}

/// A disclosure for the accounting; `None` for any other record, and for one that the reader may not see (P8).
pub fn disclosure(entry: &Entry, reader: &Reader, texts: bool) -> Option<wire::Disclosure> {
    let event = entry.event.as_ref().filter(|event| reader.may_see(event))?;
    let (question, relied_on, refused_for, seal) = match event {
        Event::DisclosureMade(made) => (
            &made.question,
            numbers(&made.relied_on),
            Vec::new(),
            made.seal,
        ),
        Event::DisclosureRefused(refused) => {
            let reasons = listed(refused.reasons.iter().copied());
            (&refused.question, Vec::new(), reasons, refused.seal)
        }
        _ => return None,
    };
    Some(wire::Disclosure {
        position: entry.position.0,
        recorded_at: Some(timestamp(entry.recorded_at)),
        occurred_at: entry.occurred_at.map(timestamp),
        service: entry.service.clone(),
        question: Some(recorded(question, texts)),
        relied_on,
        refused_for,
        sealed: seal.is_some_and(|seal| stands(seal, reader.now)),
    })
}
