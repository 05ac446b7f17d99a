//! The same request again: whether it was answered before, and what (C1).

use uuid::Uuid;

use super::answer::{Recorded, answer};
use super::draft::Desk;
use super::queue::Queued;
use super::{Answer, Parts, SubmitError};
use crate::codec::{self, Fact};
use crate::domain::time::Time;
use crate::ledger::Block;
use crate::state::{Repeat, day_of};

/// Reads first answers back from the log. It keeps the block that it read last: requests that are sent again, an import
/// that is run again above all, come in the order in which they came, hundreds to a block.
#[derive(Default)]
pub struct FirstAnswers {
    block: Block,
}

/// The first answer to the same request, read back from the log.
pub fn answered_before(
    desk: &Desk<'_>,
    command: &Queued,
    first_answers: &mut FirstAnswers,
) -> Result<Option<Answer>, SubmitError> {
    match first_sending(desk, command)? {
        None => Ok(None),
        Some(repeat) => first_answers.read(desk.parts, &repeat).map(Some),
    }
}

/// Where the same request was answered before.
///
/// # Errors
/// When its id is too old to tell, or was used for another.
pub fn first_sending(desk: &Desk<'_>, command: &Queued) -> Result<Option<Repeat>, SubmitError> {
    let id = command.intent.request_id;
    let window_days = desk.parts.states.request_window_days();
    let today = day_of(desk.now.0);
    let oldest = today.saturating_sub(window_days);
    let since = match day_of_id(id) {
        Some(day) if day < oldest => {
            return Err(SubmitError::RequestIdTooOld { id, window_days });
        }
        // An id's own clock may be a day ahead of ours; no record of it is older than that.
        Some(day) => day.saturating_sub(1).min(today).max(oldest),
        None => oldest,
    };
    let Some(repeat) = desk.parts.states.repeat(command.token, since..=today)? else {
        return Ok(None);
    };
    if repeat.content != command.content {
        return Err(SubmitError::RequestIdReused(id));
    }
    Ok(Some(repeat))
}

impl FirstAnswers {
    /// What the records of a request say came of it.
    fn read(&mut self, parts: &Parts, repeat: &Repeat) -> Result<Answer, SubmitError> {
        if self.block.line(repeat.first).is_none() {
            let stored = (parts.journal.read(repeat.first))
                .map_err(|error| failed(error.to_string()))?
                .ok_or_else(|| failed(format!("position {} is not in the log", repeat.first)))?;
            (stored.open_into(&mut self.block)).map_err(|error| failed(error.to_string()))?;
        }
        answer_in(&self.block, repeat)
    }
}

fn failed(problem: String) -> SubmitError {
    SubmitError::Failed(problem)
}

fn answer_in(block: &Block, repeat: &Repeat) -> Result<Answer, SubmitError> {
    let (mut events, mut newest) = (Vec::new(), None);
    for position in repeat.first..repeat.first.saturating_add(u64::from(repeat.of)) {
        let line = block
            .line(position)
            .ok_or_else(|| failed(format!("position {position} is not in its block")))?;
        let decoded = codec::read_facts(line).map_err(|error| failed(error.to_string()))?;
        let customer = match decoded.fact {
            Fact::About(customer, event) => {
                events.push(event);
                Some(customer)
            }
            Fact::Company(_) | Fact::LedgerOpened(_) | Fact::RulebookAdopted(_) => None,
        };
        newest = Some((customer, decoded.record.version, decoded.record.recorded_at));
    }
    let (customer, version, recorded_at) =
        newest.ok_or_else(|| failed("a request's records are not there".to_owned()))?;
    let recorded = Recorded {
        customer,
        first: repeat.first,
        count: usize::from(repeat.of),
        version,
        recorded_at: Time(recorded_at.0),
        events: &events,
    };
    Ok(answer(&recorded, true))
}

/// The day in a version 7 id; other versions carry no time.
fn day_of_id(id: Uuid) -> Option<u32> {
    let stamp = (id.get_version_num() == 7)
        .then(|| id.get_timestamp())
        .flatten()?;
    u32::try_from(stamp.to_unix().0 / 86_400).ok()
}
