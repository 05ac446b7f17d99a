//! The block in the making: each command is decided against what is committed and what the draft already holds.

use std::sync::Arc;
use std::time::Instant;

use super::answer::{Recorded, answer};
use super::flight::{Aloft, Changes, Decided, Flight, Spare};
use super::queue::{Batch, Queued};
use super::records::{Place, Said, record};
use super::repeat::{FirstAnswers, answered_before, first_sending};
use super::subject::{Registered, opening, resolve, unregistered};
use super::{Answer, Intent, Parts, SubmitError};
use crate::domain::command::Command;
use crate::domain::company::{self, CompanyCommand};
use crate::domain::customer::{Context, Customer, decide, evolve};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::services::VaultHead;
use crate::domain::time::Time;
use crate::ledger::{BlockBuilder, Hash, LINE_MAX, Part, Policy, SAFE_RAW};
use crate::state::{Answered, ErasureStep, LedgerState, Repeat, day_of};

/// What commands are decided with.
pub struct Desk<'a> {
    pub parts: &'a Parts,
    pub policy: &'a Policy,
    pub registered: &'a Registered,
    pub now: Time,
    /// The same for deadlines.
    pub instant: Instant,
    /// When the registered accounts were asked for.
    pub registered_at: Instant,
    /// Bytes of lines that a block may hold.
    pub raw_limit: usize,
    /// Commands that a block may decide.
    pub commands_max: usize,
    /// The block before this one, while it is not durable yet.
    pub aloft: Option<&'a Aloft>,
}

/// A block in the making.
pub struct Draft {
    builder: BlockBuilder,
    changes: Changes,
    repeats: Vec<Repeat>,
    hashes: Vec<Hash>,
    ledger: LedgerState,
    decided: Vec<Decided>,
    commands: usize,
    started: Instant,
    line: Vec<u8>,
    first_answers: FirstAnswers,
}

/// What became of a command that was shown to the draft.
pub enum Taken {
    /// It is decided.
    Decided,
    /// This block must go before it can be decided.
    NextBlock,
    /// It is the same request as one that is not durable yet: once that is, the log answers it.
    AfterLanding,
}

type Lines = Vec<(usize, Hash)>;

impl Draft {
    /// An empty draft after everything that is in `builder`'s past and in `ledger`.
    pub fn new(builder: BlockBuilder, ledger: LedgerState) -> Self {
        Self {
            builder,
            changes: Changes::default(),
            repeats: Vec::new(),
            hashes: Vec::new(),
            ledger,
            decided: Vec::new(),
            commands: 0,
            started: Instant::now(),
            line: Vec::new(),
            first_answers: FirstAnswers::default(),
        }
    }

    /// Whether no command was decided in it yet.
    pub fn is_empty(&self) -> bool {
        self.commands == 0
    }

    /// Its first position, and the hash before it.
    pub fn after(&self) -> (u64, Hash) {
        (self.builder.first(), self.builder.prev())
    }

    /// How many commands were decided in it.
    pub fn commands(&self) -> usize {
        self.commands
    }

    /// Decides a command of `batch` and adds its records; a refusal leaves the block as it was.
    pub fn take(&mut self, desk: &Desk<'_>, batch: &Arc<Batch>, index: usize) -> Taken {
        let Some(command) = batch.commands.get(index) else {
            return Taken::Decided;
        };
        if self.commands >= desk.commands_max {
            return Taken::NextBlock;
        }
        let answer = match self.decide(desk, command) {
            Ok(Step::Answer(answer)) => Ok(answer),
            Ok(Step::NextBlock) => return Taken::NextBlock,
            Ok(Step::AfterLanding) => return Taken::AfterLanding,
            Err(error) => Err(error),
        };
        self.settle(batch, index, answer);
        Taken::Decided
    }

    /// Notes how a command was decided: it is told when everything before it is durable.
    pub fn settle(
        &mut self,
        batch: &Arc<Batch>,
        index: usize,
        answer: Result<Answer, SubmitError>,
    ) {
        if self.commands == 0 {
            self.started = Instant::now();
        }
        self.commands += 1;
        Decided::add(&mut self.decided, batch, index, answer);
    }

    /// Ends the draft, and starts the next one with what memory `spare` has.
    pub fn take_off(&mut self, spare: Spare) -> (Flight, Changes) {
        let mut ledger = self.ledger.clone();
        ledger.hash = self.builder.last().0;
        let next = self.builder.following(spare.block);
        let changes = std::mem::replace(&mut self.changes, spare.changes);
        let flight = Flight {
            applied: changes.applied(
                self.builder.next(),
                std::mem::take(&mut self.repeats),
                ledger,
            ),
            block: std::mem::replace(&mut self.builder, next),
            hashes: std::mem::take(&mut self.hashes),
            decided: std::mem::take(&mut self.decided),
            started: self.started,
        };
        self.commands = 0;
        (flight, changes)
    }

    /// Gives everything up: the commands are to be decided again, over `ledger` and after `builder`.
    pub fn abandon(&mut self, builder: BlockBuilder, ledger: LedgerState) -> Vec<Decided> {
        let given_up = std::mem::replace(self, Self::new(builder, ledger));
        given_up.decided
    }

    /// Whether a command that opens an account would be accepted for a customer of whom nothing is known.
    pub fn would_open(&self, desk: &Desk<'_>, command: &Queued) -> bool {
        require_in_time(desk, command).is_ok()
            && !self.is_under_way(desk, command)
            && first_sending(desk, command).is_ok()
            && self.require_opens(desk, &command.intent).is_ok()
    }

    fn require_opens(&self, desk: &Desk<'_>, intent: &Intent) -> Result<(), SubmitError> {
        require_version(intent, 0)?;
        let context = self.context(desk, intent, VaultHead::default());
        let opened = decide(None, &intent.command, &context);
        opened.map(drop).map_err(SubmitError::Refused)
    }

    fn decide(&mut self, desk: &Desk<'_>, command: &Queued) -> Result<Step, SubmitError> {
        let intent = &command.intent;
        require_in_time(desk, command)?;
        if self.is_under_way(desk, command) {
            return Ok(Step::AfterLanding);
        }
        if let Some(first) = answered_before(desk, command, &mut self.first_answers)? {
            return Ok(Step::Answer(first));
        }
        if let Command::Company(about) = &intent.command {
            return self.decide_of_company(desk, command, about);
        }
        let Some((pseudonym, vault)) = resolve(desk.parts, desk.registered, command)? else {
            let refused = self.require_opens(desk, intent).err();
            return Err(refused.unwrap_or_else(unregistered));
        };
        let before = self.customer(desk, pseudonym)?;
        let actual = before.as_ref().map_or(0, |customer| customer.version);
        require_version(intent, actual)?;
        let context = Context {
            pic_request_used: self.is_answered(desk, &intent.command)?,
            ..self.context(desk, intent, vault)
        };
        let events =
            decide(before.as_deref(), &intent.command, &context).map_err(SubmitError::Refused)?;
        let lines = self.lines(desk, command, actual, Said::Of(pseudonym, &events))?;
        if self.has_no_room(&lines, desk)? {
            return Ok(Step::NextBlock);
        }
        let answer = self.accept(desk, command, pseudonym, before, &events, lines);
        Ok(Step::Answer(answer))
    }

    fn decide_of_company(
        &mut self,
        desk: &Desk<'_>,
        command: &Queued,
        about: &CompanyCommand,
    ) -> Result<Step, SubmitError> {
        let intent = &command.intent;
        let actual = self.ledger.version;
        require_version(intent, actual)?;
        let context = self.context(desk, intent, VaultHead::default());
        let events = company::decide(about, &context).map_err(SubmitError::Refused)?;
        let lines = self.lines(desk, command, actual, Said::OfCompany(&events))?;
        if self.has_no_room(&lines, desk)? {
            return Ok(Step::NextBlock);
        }
        let first = self.builder.next();
        let company = Arc::make_mut(&mut self.ledger.company);
        for (position, event) in (first..).zip(&events) {
            company.follow(&placed(desk, command, first, position, event));
            self.ledger.version += 1;
            self.ledger.last = position;
        }
        self.push(lines);
        let version = self.ledger.version;
        Ok(Step::Answer(self.answer(
            desk,
            command,
            None,
            version,
            events.len(),
            &[],
        )))
    }

    fn context<'a>(&'a self, desk: &'a Desk<'_>, intent: &Intent, vault: VaultHead) -> Context<'a> {
        Context {
            now: desk.now,
            occurred_at: intent.occurred_at,
            position: Position(self.builder.next()),
            rulebook: &desk.parts.rulebook,
            opt_out_since: self.ledger.opt_out_since,
            pic_request_used: false,
            company: &self.ledger.company,
            person: intent.person,
            vault,
        }
    }

    /// Whether the command's lines must wait for the next block.
    fn has_no_room(&self, lines: &Lines, desk: &Desk<'_>) -> Result<bool, SubmitError> {
        let length = self.line.len() + lines.len();
        // The same limit for a command whatever else is in its block, and however that compresses.
        if length > SAFE_RAW {
            return Err(too_large());
        }
        Ok(self.builder.count() > 0 && self.builder.raw_len() + length > desk.raw_limit)
    }

    fn is_under_way(&self, desk: &Desk<'_>, command: &Queued) -> bool {
        self.changes.has_request(command.token)
            || desk
                .aloft
                .is_some_and(|aloft| aloft.changes.has_request(command.token))
    }

    /// Whether the command claims a PIC-freeze request that was answered: in the log, in the block under way, or in this
    /// one (R14).
    fn is_answered(&self, desk: &Desk<'_>, command: &Command) -> Result<bool, SubmitError> {
        let Some(request) = command.pic_request() else {
            return Ok(false);
        };
        let aloft = desk.aloft.map(|aloft| &aloft.changes);
        let drafted = aloft.into_iter().chain([&self.changes]);
        Ok(drafted.into_iter().any(|changes| changes.answers(request))
            || desk.parts.states.answered(request)?.is_some())
    }

    fn customer(
        &self,
        desk: &Desk<'_>,
        pseudonym: Pseudonym,
    ) -> Result<Option<Arc<Customer>>, SubmitError> {
        let drafted = self.changes.customer(pseudonym);
        let drafted = drafted.or_else(|| desk.aloft?.changes.customer(pseudonym));
        match drafted {
            Some(customer) => Ok(Some(customer)),
            None => Ok(desk.parts.states.get(pseudonym)?),
        }
    }

    fn lines(
        &mut self,
        desk: &Desk<'_>,
        command: &Queued,
        version: u64,
        said: Said<'_>,
    ) -> Result<Lines, SubmitError> {
        let of = u16::try_from(said.count()).map_err(|_| too_large())?;
        let (mut position, mut prev) = (self.builder.next(), self.builder.last());
        let mut ends = Vec::with_capacity(said.count());
        self.line.clear();
        for index in 1..=of {
            let place = Place {
                position,
                prev,
                version: version + u64::from(index),
                part: Part { index, of },
                recorded_at: desk.now,
            };
            let request = (index == 1).then(|| request_mac(command));
            let record = record(
                &desk.parts.vault,
                desk.policy,
                &command.intent,
                &said,
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

    fn accept(
        &mut self,
        desk: &Desk<'_>,
        command: &Queued,
        pseudonym: Pseudonym,
        before: Option<Arc<Customer>>,
        events: &[Event],
        lines: Lines,
    ) -> Answer {
        let first = self.builder.next();
        // The draft's own state of the customer goes, so that it need not be copied to be changed.
        self.changes.forget(pseudonym);
        let mut customer = before.map(Arc::unwrap_or_clone);
        for (position, event) in (first..).zip(events) {
            self.note(pseudonym, event, Position(position));
            customer = evolve(customer, &placed(desk, command, first, position, event));
        }
        self.push(lines);
        let version = customer.as_ref().map_or(0, |customer| customer.version);
        if let Some(customer) = customer {
            self.changes.set(pseudonym, Arc::new(customer));
        }
        self.answer(
            desk,
            command,
            Some(pseudonym),
            version,
            events.len(),
            events,
        )
    }

    /// Adds the lines of a command to the block.
    fn push(&mut self, lines: Lines) {
        let mut start = 0;
        for (end, hash) in lines {
            self.builder
                .push_hashed(self.line.get(start..end).unwrap_or_default(), hash);
            self.hashes.push(hash);
            start = end;
        }
    }

    /// Notes the request as answered, and answers it; its records are the newest of the block.
    fn answer(
        &mut self,
        desk: &Desk<'_>,
        command: &Queued,
        customer: Option<Pseudonym>,
        version: u64,
        count: usize,
        events: &[Event],
    ) -> Answer {
        let first = self.builder.next().saturating_sub(count as u64);
        self.ledger.recorded_at = desk.now.0;
        self.changes.add_request(command.token);
        self.repeats.push(Repeat {
            token: command.token,
            content: command.content,
            first,
            of: u16::try_from(count).unwrap_or(u16::MAX),
            day: day_of(desk.now.0),
        });
        let recorded = Recorded {
            customer,
            first,
            count,
            version,
            recorded_at: desk.now,
            events,
        };
        answer(&recorded, false)
    }

    /// Keeps the ledger's own state in step, as a replay of the same records would.
    fn note(&mut self, customer: Pseudonym, event: &Event, position: Position) {
        if let Some(request) = event.answers_pic_request() {
            self.changes.add_answered(Answered { request, position });
        }
        (self.changes).add_erasure(ErasureStep::of(customer, position, event));
        if let Event::Authentication(event) = event {
            self.ledger.cite(event);
        }
        if let Event::AccountOpened(opened) = event {
            self.ledger.customers += 1;
            self.ledger.last_account = position.0;
            if opened.vault.sequence > self.ledger.vault.0 {
                self.ledger.vault = (opened.vault.sequence, opened.vault.hash);
            }
        }
    }
}

fn placed<'a, E>(
    desk: &Desk<'_>,
    command: &Queued,
    first: u64,
    position: u64,
    event: &'a E,
) -> Placed<'a, E> {
    Placed {
        position: Position(position),
        command: Position(first),
        recorded_at: desk.now,
        occurred_at: command.intent.occurred_at,
        event,
    }
}

fn require_in_time(desk: &Desk<'_>, command: &Queued) -> Result<(), SubmitError> {
    let Some(deadline) = command.intent.deadline else {
        return Ok(());
    };
    // One that was in time when its account was registered stays so.
    let registered = opening(command).and_then(|(id, _)| desk.registered.get(id));
    let instant = match registered {
        Some(Ok(Some(_))) => desk.registered_at,
        _ => desk.instant,
    };
    match deadline <= instant {
        true => Err(SubmitError::DeadlinePassed),
        false => Ok(()),
    }
}

fn require_version(intent: &Intent, actual: u64) -> Result<(), SubmitError> {
    match intent.expected_version {
        Some(expected) if expected != actual => {
            Err(SubmitError::VersionMismatch { expected, actual })
        }
        _ => Ok(()),
    }
}

enum Step {
    Answer(Answer),
    NextBlock,
    AfterLanding,
}

/// As a record carries it: eight bytes that know the request's id and caller, eight that know its content.
fn request_mac(command: &Queued) -> [u8; 16] {
    let mut mac = [0; 16];
    mac[..8].copy_from_slice(&command.token);
    mac[8..].copy_from_slice(&command.content);
    mac
}

fn too_large() -> SubmitError {
    SubmitError::Refused(Refusal::new(
        RefusalCode::Limit,
        "",
        "the command's records are larger than a block: send it in parts",
    ))
}
