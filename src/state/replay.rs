//! The way from the log to the state: the same `evolve` that the writer uses, with the decoding spread over the cores.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::repeats::{Repeat, day_of};
use super::{Answered, Applied, ErasureStep, StateError, States};
use crate::codec::{FactOnly, FactReader};
use crate::ledger::{Block, Hash, StoredBlock};
use crate::storage::Journal;

/// Records that are applied before they are published together.
const CHUNK_RECORDS: usize = 16_384;
/// Blocks being decoded at once.
const BLOCKS_AHEAD: usize = 32;

/// What a replay did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// Records applied.
    pub records: u64,
    /// The position after the last one.
    pub next: u64,
}

/// What a block's records say, and the hash of its last one.
type Facts = Result<(Vec<FactOnly>, Hash), StateError>;
type Job = (StoredBlock, Sender<Facts>);

/// Brings `states` from the position that it reflects up to the head of `journal`.
///
/// # Errors
/// When the log can't be read or decoded, or the view not be used.
pub fn replay(
    states: &States,
    journal: &dyn Journal,
    progress: &dyn Fn(u64, u64),
) -> Result<Replayed, StateError> {
    let (from, to) = (states.applied(), journal.head().next);
    let workers = std::thread::available_parallelism()
        .map_or(2, usize::from)
        .clamp(1, 8);
    let (jobs, queue) = sync_channel::<Job>(BLOCKS_AHEAD);
    let queue = Mutex::new(queue);
    // An empty view has nobody to look up.
    let kept = (from > 0).then_some(states);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| decode_jobs(&queue, kept));
        }
        let mut chunk = Chunk::new(states, from);
        let mut waiting: VecDeque<Receiver<Facts>> = VecDeque::new();
        let mut next = from;
        while next < to || !waiting.is_empty() {
            if next < to && waiting.len() < BLOCKS_AHEAD {
                let block = read_block(journal, next)?;
                next = block.next();
                let (done, result) = channel();
                if jobs.send((block, done)).is_err() {
                    return Err(StateError::Log("no thread decodes".to_owned()));
                }
                waiting.push_back(result);
            } else if let Some(result) = waiting.pop_front() {
                let block = result
                    .recv()
                    .map_err(|_| StateError::Log("decoding stopped".to_owned()))??;
                chunk.take(block)?;
                progress(chunk.next - from, to - from);
            }
        }
        chunk.publish();
        drop(jobs);
        Ok(Replayed {
            records: to - from,
            next: to,
        })
    })
}

fn read_block(journal: &dyn Journal, position: u64) -> Result<StoredBlock, StateError> {
    journal
        .read(position)
        .map_err(|error| StateError::Log(error.to_string()))?
        .ok_or_else(|| StateError::Log(format!("no block holds position {position}")))
}

fn decode_jobs(queue: &Mutex<Receiver<Job>>, kept: Option<&States>) {
    let (mut reader, mut opened) = (FactReader::default(), Block::default());
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((block, done)) = job else { return };
        let facts = decode(&block, &mut opened, &mut reader);
        if let (Some(states), Ok((facts, _))) = (kept, &facts) {
            look_up(states, facts);
        }
        // Whoever asked may have given up; then nobody wants the answer.
        let _ = done.send(facts);
    }
}

/// Has in memory whom the records are about, so that whoever applies them waits for no disk.
fn look_up(states: &States, facts: &[FactOnly]) {
    for (pseudonym, _) in facts.iter().filter_map(FactOnly::placed) {
        if states.get(pseudonym).is_err() {
            // Whoever applies the record meets the error, too, and says it.
            return;
        }
    }
}

fn decode(stored: &StoredBlock, opened: &mut Block, reader: &mut FactReader) -> Facts {
    stored
        .open_into(opened)
        .map_err(|error| StateError::Log(error.to_string()))?;
    let mut facts = Vec::with_capacity(opened.count());
    for (position, line) in opened.iter() {
        let fact = reader
            .read(line)
            .map_err(|error| StateError::Log(format!("position {position}: {error}")))?;
        facts.push(fact);
    }
    Ok((facts, stored.last()))
}

struct Chunk<'a> {
    states: &'a States,
    applied: Applied,
    records: usize,
    next: u64,
}

impl<'a> Chunk<'a> {
    fn new(states: &'a States, next: u64) -> Self {
        let applied = Applied {
            ledger: states.ledger(),
            ..Applied::default()
        };
        Self {
            states,
            applied,
            records: 0,
            next,
        }
    }

    fn take(&mut self, (block, last): (Vec<FactOnly>, Hash)) -> Result<(), StateError> {
        for decoded in &block {
            self.apply(decoded)?;
        }
        self.applied.ledger.hash = last.0;
        // Whole blocks only: no reader may see half a command.
        if self.records >= CHUNK_RECORDS {
            self.publish();
        }
        Ok(())
    }

    fn apply(&mut self, decoded: &FactOnly) -> Result<(), StateError> {
        let record = &decoded.record;
        self.next = record.position + 1;
        self.records += 1;
        self.applied.ledger.take(decoded);
        if let Some(repeat) = repeat_of(decoded) {
            self.applied.repeats.push(repeat);
        }
        let Some((pseudonym, placed)) = decoded.placed() else {
            return Ok(());
        };
        if let Some(request) = placed.event.answers_pic_request() {
            self.applied.answered.push(Answered {
                request,
                position: placed.position,
            });
        }
        let step = ErasureStep::of(pseudonym, placed.position, placed.event);
        self.applied.erasures.extend(step);
        let inner = &self.states.0;
        // In place: the view may be newer than the position that it promises, and nobody reads it yet.
        let load = || self.states.stored_customer(pseudonym);
        if inner.shards.evolve(pseudonym, &placed, load)? {
            inner.signal.changed(1, 0, inner.options.flush_dirty);
        }
        Ok(())
    }

    fn publish(&mut self) {
        let ledger = self.applied.ledger.clone();
        let mut applied = std::mem::replace(
            &mut self.applied,
            Applied {
                ledger,
                ..Applied::default()
            },
        );
        applied.next = self.next;
        self.states.publish(applied);
        self.states.wait_for_room();
        self.records = 0;
    }
}

/// The request that a record answered, where it is the first of its command.
fn repeat_of(decoded: &FactOnly) -> Option<Repeat> {
    let record = &decoded.record;
    let mac = record.request_mac?;
    let (token, content) = mac.split_first_chunk::<8>()?;
    Some(Repeat {
        token: *token,
        content: content.try_into().ok()?,
        first: record.position,
        of: record.part.of,
        day: day_of(record.recorded_at.0),
    })
}
