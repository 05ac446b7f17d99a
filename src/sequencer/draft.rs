//! The block in the making: each command is decided against what is committed and what the draft already holds.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::answer::{Recorded, answer};
use super::records::{Place, record};
use super::{Answer, CustomerRef, Intent, Parts, SubmitError};
use crate::codec::{self, Fact};
use crate::domain::command::Command;
use crate::domain::customer::{Context, Customer, decide, evolve};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::services::VaultHead;
use crate::domain::time::Time;
use crate::ledger::{BlockBuilder, Hash, LINE_MAX, Part, Policy};
use crate::state::{Applied, LedgerState, Repeat, RequestToken};

/// Customers registered with the vault for this block, by account id.
pub type Registered = HashMap<String, (Pseudonym, VaultHead)>;

pub struct Draft<'a> {
    parts: &'a Parts,
    policy: &'a Policy,
    registered: Registered,
    now: Time,
    builder: &'a mut BlockBuilder,
    raw_limit: usize,
    customers: HashMap<Pseudonym, Option<Customer>>,
    repeats: HashMap<RequestToken, (Repeat, Answer)>,
    hashes: Vec<Hash>,
    ledger: LedgerState,
    line: Vec<u8>,
}

/// What a drafted block changes once it is durable.
pub struct Drafted {
    pub applied: Applied,
    pub hashes: Vec<Hash>,
}

/// A command's answer, or that the block must be committed before it can be decided.
pub enum Drafting {
    Answer(Box<Answer>),
    BlockFull,
}

impl<'a> Draft<'a> {
    pub fn new(
        parts: &'a Parts,
        policy: &'a Policy,
        registered: Registered,
        now: Time,
        builder: &'a mut BlockBuilder,
        raw_limit: usize,
    ) -> Self {
        let mut ledger = parts.states.ledger();
        ledger.recorded_at = now.0;
        Self {
            parts,
            policy,
            registered,
            now,
            builder,
            raw_limit,
            customers: HashMap::new(),
            repeats: HashMap::new(),
            hashes: Vec::new(),
            ledger,
            line: Vec::new(),
        }
    }

    /// Decides a command and adds its records; an error leaves the draft as it was.
    pub fn add(&mut self, intent: &Intent) -> Result<Drafting, SubmitError> {
        if intent
            .deadline
            .is_some_and(|deadline| deadline <= Instant::now())
        {
            return Err(SubmitError::DeadlinePassed);
        }
        let request = request_mac(self.parts, intent);
        if let Some(first) = self.answered_before(intent, request)? {
            return Ok(Drafting::Answer(Box::new(first)));
        }
        let (pseudonym, vault) = self.resolve(intent)?;
        let before = self.customer(pseudonym)?;
        let actual = before.as_ref().map_or(0, |customer| customer.version);
        if let Some(expected) = intent.expected_version
            && expected != actual
        {
            return Err(SubmitError::VersionMismatch { expected, actual });
        }
        let context = Context {
            now: self.now,
            occurred_at: intent.occurred_at,
            position: Position(self.builder.next()),
            rulebook: &self.parts.rulebook,
            vault,
        };
        let events =
            decide(before.as_ref(), &intent.command, &context).map_err(SubmitError::Refused)?;
        let lines = self.lines(intent, pseudonym, actual, &events, request)?;
        if !self.has_room(&lines) {
            return if self.builder.count() > 0 {
                Ok(Drafting::BlockFull)
            } else {
                Err(too_large())
            };
        }
        Ok(Drafting::Answer(Box::new(self.accept(
            intent, pseudonym, before, &events, lines, request,
        ))))
    }

    /// Ends the draft; what it says is true once the builder's block is durable.
    pub fn finish(self) -> Drafted {
        let mut ledger = self.ledger;
        ledger.hash = self.builder.last().0;
        let customers = self
            .customers
            .into_iter()
            .filter_map(|(pseudonym, customer)| Some((pseudonym, Arc::new(customer?))))
            .collect();
        Drafted {
            applied: Applied {
                next: self.builder.next(),
                customers,
                repeats: self
                    .repeats
                    .into_values()
                    .map(|(repeat, _)| repeat)
                    .collect(),
                ledger,
            },
            hashes: self.hashes,
        }
    }

    fn answered_before(
        &self,
        intent: &Intent,
        request: [u8; 16],
    ) -> Result<Option<Answer>, SubmitError> {
        let (token, content) = split(request);
        if let Some((repeat, answer)) = self.repeats.get(&token) {
            return same(intent, repeat.content == content).map(|()| {
                Some(Answer {
                    repeated: true,
                    ..answer.clone()
                })
            });
        }
        let window_days = self.parts.states.request_window_days();
        let today = day_of(self.now);
        let oldest = today.saturating_sub(window_days);
        let since = match day_of_id(intent.request_id) {
            Some(day) if day < oldest => {
                return Err(SubmitError::RequestIdTooOld {
                    id: intent.request_id,
                    window_days,
                });
            }
            // An id's own clock may be a day ahead of ours; no record of it is older than that.
            Some(day) => day.saturating_sub(1).min(today).max(oldest),
            None => oldest,
        };
        let Some(repeat) = self.parts.states.repeat(token, since..=today)? else {
            return Ok(None);
        };
        same(intent, repeat.content == content)?;
        self.answer_again(&repeat).map(Some)
    }

    /// The first answer, read back from the records.
    fn answer_again(&self, repeat: &Repeat) -> Result<Answer, SubmitError> {
        let failed = |problem: String| SubmitError::Failed(problem);
        let block = self
            .parts
            .journal
            .read(repeat.first)
            .map_err(|error| failed(error.to_string()))?
            .ok_or_else(|| failed(format!("position {} is not in the log", repeat.first)))?;
        let open = block.open().map_err(|error| failed(error.to_string()))?;
        let (mut events, mut newest) = (Vec::new(), None);
        for position in repeat.first..repeat.first.saturating_add(u64::from(repeat.of)) {
            let line = open
                .line(position)
                .ok_or_else(|| failed(format!("position {position} is not in its block")))?;
            let decoded = codec::read_facts(line).map_err(|error| failed(error.to_string()))?;
            if let Fact::About(customer, event) = decoded.fact {
                events.push(event);
                newest = Some((customer, decoded.record.version, decoded.record.recorded_at));
            }
        }
        let (customer, version, recorded_at) =
            newest.ok_or_else(|| failed("a request's records are not there".to_owned()))?;
        let recorded_at = Time(recorded_at.0);
        let recorded = Recorded {
            customer,
            first: repeat.first,
            version,
            recorded_at,
            events: &events,
        };
        Ok(answer(&recorded, true))
    }

    fn resolve(&self, intent: &Intent) -> Result<(Pseudonym, VaultHead), SubmitError> {
        match &intent.customer {
            CustomerRef::Pseudonym(pseudonym) => Ok((*pseudonym, VaultHead::default())),
            CustomerRef::Id(id) if matches!(intent.command, Command::OpenAccount(_)) => self
                .registered
                .get(id)
                .copied()
                .ok_or_else(|| SubmitError::Failed("the vault did not register it".to_owned())),
            CustomerRef::Id(id) => self
                .parts
                .vault
                .find(id)?
                .map(|pseudonym| (pseudonym, VaultHead::default()))
                .ok_or_else(|| SubmitError::Refused(unknown_customer())),
        }
    }

    fn customer(&self, pseudonym: Pseudonym) -> Result<Option<Customer>, SubmitError> {
        if let Some(drafted) = self.customers.get(&pseudonym) {
            return Ok(drafted.clone());
        }
        Ok(self
            .parts
            .states
            .get(pseudonym)?
            .map(|customer| Customer::clone(&customer)))
    }

    fn lines(
        &mut self,
        intent: &Intent,
        pseudonym: Pseudonym,
        version: u64,
        events: &[Event],
        request: [u8; 16],
    ) -> Result<Vec<(usize, Hash)>, SubmitError> {
        let of = u16::try_from(events.len()).map_err(|_| too_large())?;
        let (mut position, mut prev) = (self.builder.next(), self.builder.last());
        let mut ends = Vec::with_capacity(events.len());
        self.line.clear();
        for (index, event) in (1..=of).zip(events) {
            let place = Place {
                position,
                prev,
                version: version + u64::from(index),
                part: Part { index, of },
                recorded_at: self.now,
            };
            let request = (index == 1).then_some(request);
            let record = record(
                &self.parts.vault,
                self.policy,
                intent,
                pseudonym,
                event,
                &place,
                request,
            )?;
            let start = self.line.len();
            record
                .write_checked(&mut self.line)
                .map_err(|error| SubmitError::Failed(error.to_string()))?;
            if self.line.len() - start > LINE_MAX {
                return Err(too_large());
            }
            prev = crate::ledger::leaf_hash(self.line.get(start..).unwrap_or_default());
            position += 1;
            ends.push((self.line.len(), prev));
        }
        Ok(ends)
    }

    fn has_room(&self, lines: &[(usize, Hash)]) -> bool {
        self.builder.raw_len() + self.line.len() + lines.len() <= self.raw_limit
    }

    fn accept(
        &mut self,
        intent: &Intent,
        pseudonym: Pseudonym,
        mut customer: Option<Customer>,
        events: &[Event],
        lines: Vec<(usize, Hash)>,
        request: [u8; 16],
    ) -> Answer {
        let first = self.builder.next();
        let mut start = 0;
        for ((end, hash), event) in lines.into_iter().zip(events) {
            let placed = Placed {
                position: Position(self.builder.next()),
                command: Position(first),
                recorded_at: self.now,
                occurred_at: intent.occurred_at,
                event,
            };
            self.builder
                .push_hashed(self.line.get(start..end).unwrap_or_default(), hash);
            self.hashes.push(hash);
            start = end;
            self.note(event, placed.position);
            customer = evolve(customer, &placed);
        }
        let version = customer.as_ref().map_or(0, |customer| customer.version);
        self.customers.insert(pseudonym, customer);
        let recorded = Recorded {
            customer: pseudonym,
            first,
            version,
            recorded_at: self.now,
            events,
        };
        let answer = answer(&recorded, false);
        let (token, content) = split(request);
        let of = u16::try_from(events.len()).unwrap_or(u16::MAX);
        let repeat = Repeat {
            token,
            content,
            first,
            of,
            day: day_of(self.now),
        };
        self.repeats.insert(token, (repeat, answer.clone()));
        answer
    }

    /// Keeps the ledger's own state in step, as a replay of the same records would.
    fn note(&mut self, event: &Event, position: Position) {
        if let Event::AccountOpened(opened) = event {
            self.ledger.customers += 1;
            self.ledger.last_account = position.0;
            if opened.vault.sequence > self.ledger.vault.0 {
                self.ledger.vault = (opened.vault.sequence, opened.vault.hash);
            }
        }
    }
}

/// Eight bytes that know the request's id and caller, eight that know its content.
fn request_mac(parts: &Parts, intent: &Intent) -> [u8; 16] {
    let id = parts
        .vault
        .request_token(&intent.caller.service, intent.request_id.as_bytes());
    let content = parts
        .vault
        .request_mac(&intent.caller.service, &intent.content);
    let mut mac = [0; 16];
    mac[..8].copy_from_slice(&id);
    mac[8..].copy_from_slice(&content[..8]);
    mac
}

fn split(request: [u8; 16]) -> (RequestToken, [u8; 8]) {
    let (mut token, mut content) = ([0; 8], [0; 8]);
    token.copy_from_slice(&request[..8]);
    content.copy_from_slice(&request[8..]);
    (token, content)
}

fn same(intent: &Intent, same: bool) -> Result<(), SubmitError> {
    if same {
        Ok(())
    } else {
        Err(SubmitError::RequestIdReused(intent.request_id))
    }
}

fn day_of(time: Time) -> u32 {
    crate::state::day_of(time.0)
}

/// The day in a version 7 id; other versions carry no time.
fn day_of_id(id: Uuid) -> Option<u32> {
    let stamp = (id.get_version_num() == 7)
        .then(|| id.get_timestamp())
        .flatten()?;
    u32::try_from(stamp.to_unix().0 / 86_400).ok()
}

fn unknown_customer() -> Refusal {
    Refusal::new(
        RefusalCode::CustomerUnknown,
        "customer",
        "the ledger knows no such customer: open the account first",
    )
}

fn too_large() -> SubmitError {
    SubmitError::Refused(Refusal::new(
        RefusalCode::Limit,
        "",
        "the command's records are larger than a block: send it in parts",
    ))
}
