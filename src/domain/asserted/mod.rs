//! History that a migrating company brings along: asserted, not witnessed (C2, R4, R5, R15).
//!
//! Each fact carries its own date, any time back, and is marked for good as what another record says. The lines that it
//! must not cross:
//!
//! - An asserted grant counts only with notice version, date, method and evidence digest, within what a notice given by
//!   then covers, from the holder or the administrative contact, and if some service was held from then until today.
//!   Else it is history and its cells stay as they are; the answer says why.
//! - It never lifts a block that the ledger witnessed (R4), and names none to lift: that takes a verified customer.
//! - An asserted block counts in any case; without a date it was said now.
//! - An asserted notice that asked for an opt-out starts no clock and never matures; and no witnessed grant answers an
//!   asserted notice, for nobody here gave it.
//! - The same fact about a customer is recorded once, whichever import or line brings it again.

pub mod facts;
pub mod services;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::consent::speak::{self, WORDS_WITH_GRANT_MAX};
use super::consent::word::{Said, Word};
use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::Token;
use super::refusal::{Refusal, RefusalCode};
use super::scope::Scope;
use super::services::{OpenAccount, open_account, require_known};
use super::time::Time;

use facts::Verdict;

pub use facts::{
    Assert, Asserted, AssertedAccount, AssertedBlock, AssertedDisclosure, AssertedEvent,
    AssertedGrant, AssertedNotice, AssertedService, Circumstances, OnRecord, Shortfall, Source,
};

/// Facts that a customer's state knows to be recorded; of more the newest. An older one that is brought again is
/// recorded again, which changes no answer.
pub const KEYS_MAX: usize = 1024;
/// Asserted notices that a customer's state keeps; of more the latest given. A grant that answers another is history.
pub const NOTICES_MAX: usize = 64;

/// What a customer's state remembers of imports, besides words and services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// The facts recorded, by eight bytes of their keys, in the order of the records.
    pub keys: Vec<u64>,
    /// Notices asserted to have been given, by their dates.
    pub notices: Vec<ImportedNotice>,
    /// When the account was left, where that is asserted.
    pub closed_at: Option<Time>,
}

/// An asserted notice as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedNotice {
    /// The version.
    pub version: Box<str>,
    /// When it was given, by the import's word.
    pub given_at: Time,
    /// What it covers.
    pub covers: Scope,
}

/// The event of an asserted fact, with what it falls short of. The account of a customer whom the ledger doesn't know is
/// opened by it.
pub(super) fn decide(
    customer: Option<&Customer>,
    command: &Assert,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    command.source.require()?;
    command.fact.require(context)?;
    let Some(customer) = customer else {
        return open(command, context);
    };
    if customer.knows(command.source.key) {
        return Err(Refusal::new(
            RefusalCode::AlreadyAsserted,
            "",
            "the very same fact of this customer is on record already: nothing to do",
        ));
    }
    let verdict = match &command.fact {
        Asserted::Account(account) => customer.weigh_account(account, context)?,
        Asserted::Service(service) => customer.weigh_service(service, context)?,
        Asserted::Notice(notice) if notice.opt_out => vec![Shortfall::OptOut].into(),
        Asserted::Notice(_) | Asserted::Block(_) | Asserted::Disclosure(_) => Verdict::default(),
        Asserted::Grant(grant) => customer.weigh_grant(grant, context),
    };
    Ok(vec![Event::Asserted(command.event(verdict))])
}

fn open(command: &Assert, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let Asserted::Account(account) = &command.fact else {
        return Err(Refusal::new(
            RefusalCode::CustomerUnknown,
            "customer",
            "the ledger knows no such customer; import the account first",
        ));
    };
    let here = OpenAccount {
        legal_entity: account.legal_entity.clone(),
        services: Vec::new(),
    };
    let mut events = open_account(&here, context)?;
    events.push(Event::Asserted(command.event(Verdict::default())));
    Ok(events)
}

impl Customer {
    fn knows(&self, key: Token) -> bool {
        (self.imported.as_ref()).is_some_and(|imported| imported.keys.contains(&short(key)))
    }

    /// An account is left by its services; one that holds some was not.
    fn weigh_account(
        &self,
        account: &AssertedAccount,
        context: &Context<'_>,
    ) -> Result<Verdict, Refusal> {
        if account.legal_entity != self.legal_entity {
            return Err(Refusal::new(
                RefusalCode::Invalid,
                "account.legal_entity",
                "the account is on record with another legal entity; it keeps that for good",
            ));
        }
        if account.closed_at.is_some() && self.services.any_held(context.now) {
            return Err(Refusal::new(
                RefusalCode::ServiceState,
                "account.closed_at",
                "services are held; import the end of each, or import the account first",
            ));
        }
        Ok(Verdict::default())
    }

    fn weigh_service(
        &self,
        service: &AssertedService,
        context: &Context<'_>,
    ) -> Result<Verdict, Refusal> {
        require_known(&service.category, "service.category", context)?;
        let left = self
            .imported
            .as_ref()
            .and_then(|imported| imported.closed_at);
        let ends = service.closed_at.unwrap_or(Time(i64::MAX));
        if left.is_some_and(|left| service.opened_at < left && left < ends) {
            return Err(Refusal::new(
                RefusalCode::ServiceState,
                "service.closed_at",
                "the account was left before, by its own line; give an end not later than that",
            ));
        }
        let goes_on = service.closed_at.is_none();
        let held = self
            .services
            .holding(&service.category, context.now)
            .is_some();
        Ok(
            match goes_on && !held && !self.services.would_hold(service) {
                true => vec![Shortfall::ClosedSince].into(),
                false => Verdict::default(),
            },
        )
    }

    /// What the grant falls short of, and the blocks that stand in some cell of it.
    fn weigh_grant(&self, grant: &AssertedGrant, context: &Context<'_>) -> Verdict {
        let mut shortfalls = grant.said.shortfalls();
        if let (Some(at), Some(version)) = (grant.said.said_at, &grant.said.notice_version) {
            let given: Vec<_> = self.scopes_of_notices(version, at).collect();
            if given.is_empty() {
                shortfalls.push(Shortfall::NoticeNotGiven);
            } else if !given.iter().any(|covers| covers.covers_all(&grant.scope)) {
                shortfalls.push(Shortfall::NoticeTooNarrow);
            }
            if !self.services.held_without_break(at, context.now) {
                shortfalls.push(Shortfall::NoService);
            }
        }
        let mut words = self.words.clone();
        let placed = Placed {
            position: context.position,
            command: context.position,
            recorded_at: context.now,
            occurred_at: None,
            event: grant,
        };
        speak::remember(&mut words, word(grant.said(), grant.said.said_at, &placed));
        if words.len() > WORDS_WITH_GRANT_MAX {
            shortfalls.push(Shortfall::TooManyWords);
        }
        let still_blocked_by = speak::still_blocked_by(&words, &grant.scope, context.now);
        Verdict {
            shortfalls,
            still_blocked_by,
        }
    }

    /// What the notices of that version covered that the customer had by then.
    fn scopes_of_notices<'a>(
        &'a self,
        version: &'a str,
        at: Time,
    ) -> impl Iterator<Item = &'a Scope> {
        let witnessed = (self.notices.iter())
            .filter(move |notice| *notice.version == *version && notice.given_by(at))
            .map(|notice| &notice.covers);
        let asserted = (self.imported.iter().flat_map(|imported| &imported.notices))
            .filter(move |notice| *notice.version == *version && notice.given_at <= at)
            .map(|notice| &notice.covers);
        witnessed.chain(asserted)
    }
}

/// The customer after an asserted fact: whether it counts was decided when it was recorded.
pub(super) fn follow(customer: &mut Customer, placed: &Placed<'_, AssertedEvent>) {
    match placed.event {
        AssertedEvent::Account(event) => {
            let imported = customer.remember_import(&event.source);
            imported.closed_at = event.fact.closed_at.or(imported.closed_at);
        }
        AssertedEvent::Service(event) => {
            customer.remember_import(&event.source);
            customer
                .services
                .assert(&event.fact, &placed.of(&event.fact));
        }
        AssertedEvent::Notice(event) => {
            let imported = customer.remember_import(&event.source);
            if event.counts() {
                imported.give(&event.fact);
            }
        }
        AssertedEvent::Granted(event) => {
            customer.remember_import(&event.source);
            if event.counts() {
                let word = word(event.fact.said(), event.fact.said.said_at, placed);
                speak::hold(customer, word);
            }
        }
        AssertedEvent::Blocked(event) => {
            customer.remember_import(&event.source);
            let said = Said::Block(event.fact.block.written_out());
            speak::hold(customer, word(said, event.fact.said.said_at, placed));
        }
        AssertedEvent::Disclosed(event) => {
            customer.remember_import(&event.source);
        }
    }
}

fn word<E>(said: Said, said_at: Option<Time>, placed: &Placed<'_, E>) -> Word {
    Word {
        position: placed.position,
        command: placed.command,
        recorded_at: placed.recorded_at,
        occurred_at: said_at,
        witnessed: false,
        said,
        repeats: Box::default(),
        widened: false,
    }
}

impl Customer {
    fn remember_import(&mut self, source: &Source) -> &mut Imported {
        let imported = self.imported.get_or_insert_default();
        if imported.keys.len() >= KEYS_MAX {
            imported.keys.remove(0);
        }
        imported.keys.push(short(source.key));
        imported
    }
}

impl Imported {
    fn give(&mut self, notice: &AssertedNotice) {
        let given = ImportedNotice {
            version: notice.version.as_str().into(),
            given_at: notice.given_at,
            covers: notice.covers.in_order(),
        };
        let place = (self.notices).partition_point(|known| known.given_at <= given.given_at);
        self.notices.insert(place, given);
        if self.notices.len() > NOTICES_MAX {
            self.notices.remove(0);
        }
    }
}

/// Eight bytes of a keyed digest: enough to tell a customer's facts apart, and nobody outside can choose them.
fn short(key: Token) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = key.0;
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}
