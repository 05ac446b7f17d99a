//! Records of a log in order, decoded by several threads ahead of who looks at them.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::sync::{Mutex, PoisonError};

use super::AskError;
use crate::codec::{self, Decoded};
use crate::domain::ids::Personal;
use crate::ledger::StoredBlock;

/// Runs of records that are decoded ahead.
const AHEAD: usize = 16;

/// Records that stand together.
pub(super) enum Run {
    /// A stored block.
    Block(StoredBlock),
    /// Lines of an export, each with its newline, from that line number on.
    Lines(u64, Vec<u8>),
}

type Records = Result<Vec<Decoded>, AskError>;
type Job = (Run, Sender<Records>);

/// Gives the records of `runs` to `take`, run by run and in order, until it says that it wants no more.
pub(super) fn each(
    mut runs: impl Iterator<Item = Result<Run, AskError>>,
    threads: usize,
    take: &mut dyn FnMut(Vec<Decoded>) -> Result<bool, AskError>,
) -> Result<(), AskError> {
    let (jobs, queue) = sync_channel::<Job>(AHEAD);
    let queue = Mutex::new(queue);
    std::thread::scope(|scope| {
        // Dropped before the scope waits for the threads, which end when there is nothing more to decode.
        let jobs = jobs;
        for _ in 0..threads.clamp(1, 8) {
            scope.spawn(|| decode_jobs(&queue));
        }
        let mut waiting: VecDeque<Receiver<Records>> = VecDeque::new();
        let mut at_end = false;
        loop {
            if !at_end && waiting.len() < AHEAD {
                let Some(run) = runs.next() else {
                    at_end = true;
                    continue;
                };
                let (done, result) = channel();
                jobs.send((run?, done)).map_err(|_| stopped())?;
                waiting.push_back(result);
            } else if let Some(result) = waiting.pop_front() {
                let records = result.recv().map_err(|_| stopped())??;
                if !take(records)? {
                    return Ok(());
                }
            } else {
                return Ok(());
            }
        }
    })
}

fn stopped() -> AskError {
    AskError::Record {
        place: "the log".into(),
        problem: "no thread decodes it any more".into(),
    }
}

fn decode_jobs(queue: &Mutex<Receiver<Job>>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((run, done)) = job else { return };
        // Whoever asked may have given up; then nobody wants the answer.
        let _ = done.send(decode(&run));
    }
}

fn decode(run: &Run) -> Records {
    match run {
        Run::Block(stored) => {
            let open = stored.open().map_err(|error| AskError::Record {
                place: format!("the block at position {}", stored.first),
                problem: error.to_string(),
            })?;
            (open.iter())
                .map(|(position, line)| read(line, || format!("position {position}")))
                .collect()
        }
        Run::Lines(first, lines) => {
            let lines = lines.strip_suffix(b"\n").unwrap_or(lines);
            (lines.split(|byte| *byte == b'\n').zip(*first..))
                .map(|(line, number)| read(line, || format!("line {number}")))
                .collect()
        }
    }
}

/// Reads a line. What is sealed in it stays closed, but that it is there is a fact: it reads as a text that says so.
fn read(line: &[u8], place: impl Fn() -> String) -> Result<Decoded, AskError> {
    let closed = |_, _, _: &_| Some(Personal::new("(sealed)"));
    codec::read(line, &closed).map_err(|error| AskError::Record {
        place: place(),
        problem: error.to_string(),
    })
}
