//! Verifying on several cores: the caller's thread reads and joins, workers check runs of blocks or lines.

use std::{
    collections::BTreeMap,
    fmt::Display,
    io::{BufRead, Read},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use crate::ledger::{
    block::StoredBlock,
    record::LINE_MAX,
    verify::{
        Finding, Options, Verified,
        join::Joiner,
        span::{Checks, Span, Spanner},
    },
};

/// A run of blocks holds about this many bytes of lines: long enough that handing it over costs nothing.
const RUN_BYTES: usize = 512 * 1024;
/// Runs handed out and not yet joined, per worker. Bounds memory.
const RUNS_PER_WORKER: u64 = 3;

/// What one worker checks at a time, and why the source ended if it failed.
enum Run {
    Blocks(Vec<StoredBlock>, Option<String>),
    /// As [`Spanner::lines`] takes them.
    Lines(Vec<u8>, Option<String>),
}

/// Verifies stored blocks in order, as a journal gives them, with `threads` workers (0 and 1: on this thread alone).
/// `progress` is called with the number of records verified so far.
///
/// # Errors
/// The first problem, in the order of positions; a source that fails is one.
pub fn verify_blocks<E: Display>(
    blocks: impl IntoIterator<Item = Result<StoredBlock, E>>,
    options: Options,
    threads: usize,
    progress: &dyn Fn(u64),
) -> Result<Verified, Finding> {
    let mut blocks = blocks.into_iter();
    let runs = std::iter::from_fn(|| {
        let (mut run, mut raw_len) = (Vec::new(), 0);
        while raw_len < RUN_BYTES {
            match blocks.next() {
                Some(Ok(block)) => {
                    raw_len += block.raw_len();
                    run.push(block);
                }
                Some(Err(error)) => return Some(Run::Blocks(run, Some(error.to_string()))),
                None if run.is_empty() => return None,
                None => break,
            }
        }
        Some(Run::Blocks(run, None))
    });
    verify_runs(runs, options, threads, progress)
}

/// Verifies an export: one record a line, each with its newline.
///
/// # Errors
/// As [`verify_blocks`].
pub fn verify_lines(
    mut reader: impl BufRead,
    options: Options,
    threads: usize,
    progress: &dyn Fn(u64),
) -> Result<Verified, Finding> {
    let runs = std::iter::from_fn(|| {
        let mut run = Vec::with_capacity(RUN_BYTES + LINE_MAX);
        run.push(b'\n');
        while run.len() < RUN_BYTES {
            // Two more bytes than a line may have, so that a longer one shows and yet can't fill the memory.
            match reader
                .by_ref()
                .take(LINE_MAX as u64 + 2)
                .read_until(b'\n', &mut run)
            {
                Ok(0) if run.len() == 1 => return None,
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => return Some(Run::Lines(run, Some(error.to_string()))),
            }
        }
        Some(Run::Lines(run, None))
    });
    verify_runs(runs, options, threads, progress)
}

fn verify_runs(
    mut runs: impl Iterator<Item = Run>,
    options: Options,
    threads: usize,
    progress: &dyn Fn(u64),
) -> Result<Verified, Finding> {
    let (checks, mut joiner) = Joiner::new(options);
    if threads <= 1 {
        let mut spanner = Spanner::default();
        for run in runs {
            joiner.join(check(&mut spanner, &checks, run))?;
            progress(joiner.records());
        }
        return joiner.finish();
    }
    let (to_workers, queue) = mpsc::channel();
    let (to_joiner, spans) = mpsc::channel();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..threads {
            let (queue, checks, results) = (&queue, &checks, to_joiner.clone());
            scope.spawn(move || work(queue, checks, results));
        }
        drop(to_joiner);
        // On return the sender is dropped, which ends the workers before the scope does.
        join_in_order(
            &mut runs,
            to_workers,
            spans,
            threads as u64,
            &mut joiner,
            progress,
        )
    })?;
    joiner.finish()
}

/// Hands out runs and joins their spans in the order of the runs.
fn join_in_order(
    runs: &mut impl Iterator<Item = Run>,
    to_workers: Sender<(u64, Run)>,
    spans: Receiver<Option<(u64, Span)>>,
    threads: u64,
    joiner: &mut Joiner,
    progress: &dyn Fn(u64),
) -> Result<(), Finding> {
    let (mut sent, mut joined) = (0, 0);
    let mut early = BTreeMap::new();
    loop {
        while sent - joined < threads * RUNS_PER_WORKER {
            let Some(run) = runs.next() else { break };
            if to_workers.send((sent, run)).is_err() {
                break;
            }
            sent += 1;
        }
        if sent == joined {
            return Ok(());
        }
        // `None` or an error: a worker panicked, and the scope will pass that on.
        let Ok(Some((number, span))) = spans.recv() else {
            return Ok(());
        };
        early.insert(number, span);
        while let Some(span) = early.remove(&joined) {
            joiner.join(span)?;
            joined += 1;
            progress(joiner.records());
        }
    }
}

fn work(
    queue: &Mutex<Receiver<(u64, Run)>>,
    checks: &Checks,
    results: Sender<Option<(u64, Span)>>,
) {
    let results = LastWord(results);
    let mut spanner = Spanner::default();
    loop {
        // Only the wait for a run is under the lock; the others wait for the lock instead of the run.
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok((number, run)) = next else { return };
        let span = check(&mut spanner, checks, run);
        if results.0.send(Some((number, span))).is_err() {
            return;
        }
    }
}

/// Tells the joiner when its worker panics, which would otherwise wait for ever for the lost span.
struct LastWord(Sender<Option<(u64, Span)>>);

impl Drop for LastWord {
    fn drop(&mut self) {
        if thread::panicking() {
            // The joiner may be gone already; then nobody waits.
            let _ = self.0.send(None);
        }
    }
}

fn check(spanner: &mut Spanner, checks: &Checks, run: Run) -> Span {
    match run {
        Run::Blocks(blocks, unreadable) => spanner.blocks(checks, &blocks, unreadable.as_deref()),
        Run::Lines(text, unreadable) => spanner.lines(checks, text, unreadable.as_deref()),
    }
}
