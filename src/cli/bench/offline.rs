//! What is measured without a server: verification, replay, a plain file, plain SHA-256, bytes on disk.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::Failed;
use super::report::{Figure, Report};
use crate::app::Options;
use crate::ledger::{self, StoredBlock, verify_blocks};
use crate::state::{States, replay};
use crate::storage::Journal;
use crate::storage::local::Local;

/// Lines in a block of the plain file's ceiling.
const PLAIN_BLOCK: usize = 256;
/// Lines that the plain file is given at most: they are in memory meanwhile.
const PLAIN_LINES_MAX: usize = 1_000_000;

pub async fn measure(dir: &Path, report: &mut Report) -> Result<(), Failed> {
    let lines = line_bytes(dir)?;
    let stored = disk_bytes(&dir.join("log").join("blocks"))?;
    report.add(Figure::new(
        "disk_bytes_stream",
        "bytes per event",
        stored / lines.events,
        lines.bytes / lines.events,
    ));
    let (journal, _) = Local::open(Options::new(dir).log, None)?;
    let blocks = all_blocks(&journal)?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let hashed = sha256(&blocks, threads)?;

    let started = Instant::now();
    let verified = verify_blocks(
        Stored::of(&journal),
        ledger::Options::default(),
        threads,
        &|_| {},
    )?;
    let rate = verified.records as f64 / started.elapsed().as_secs_f64();
    report.add(Figure::new("verify", "records per second", rate, hashed));

    let scratch = tempfile::tempdir_in(dir)?;
    let options = Options::new(scratch.path());
    let states = States::open(options.state, [0; 16])?;
    let fatal = Arc::new(|problem: &str| tracing::error!(problem, "the view failed"));
    let flusher = states.write_behind(fatal)?;
    let started = Instant::now();
    let replayed = replay(&states, &journal, &|_, _| {})?;
    let rate = replayed.records as f64 / started.elapsed().as_secs_f64();
    report.add(Figure::new("replay", "records per second", rate, hashed));
    flusher.stop();
    drop(journal);
    Ok(())
}

/// Events and bytes of all lines.
pub struct Lines {
    pub events: f64,
    pub bytes: f64,
}

pub fn line_bytes(dir: &Path) -> Result<Lines, Failed> {
    let (journal, _) = Local::open(Options::new(dir).log, None)?;
    let (mut events, mut bytes) = (0.0, 0.0);
    for block in Stored::of(&journal) {
        let block = block?;
        events += f64::from(block.count);
        bytes += block.raw_len() as f64;
    }
    journal.close()?;
    Ok(Lines { events, bytes })
}

/// What the files under `dir` take on the disk.
pub fn disk_bytes(dir: &Path) -> Result<f64, Failed> {
    let mut bytes = 0.0;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() {
            disk_bytes(&entry.path())?
        } else {
            std::os::unix::fs::MetadataExt::blocks(&entry.metadata()?) as f64 * 512.0
        };
    }
    Ok(bytes)
}

/// The median of a 4 kB write and fdatasync into a preallocated file.
pub fn fdatasync(dir: &Path) -> Result<Duration, Failed> {
    let mut file = preallocated(dir, 4 << 20)?;
    let mut times: Vec<Duration> = (0..500)
        .map(|_| {
            let started = Instant::now();
            file.write_all(&[7; 4096])?;
            file.sync_data()?;
            Ok::<_, std::io::Error>(started.elapsed())
        })
        .collect::<Result<_, _>>()?;
    times.sort_unstable();
    Ok(times.get(times.len() / 2).copied().unwrap_or_default())
}

/// The ceiling of an append: the same lines as compressed blocks into a plain preallocated file. Events a second.
pub fn plain_file(journal: &dyn Journal, from: u64, dir: &Path) -> Result<f64, Failed> {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    for block in Stored::from(journal, from) {
        lines.extend(block?.open()?.iter().map(|(_, line)| line.to_vec()));
        if lines.len() >= PLAIN_LINES_MAX {
            break;
        }
    }
    let mut file = preallocated(dir, 256 << 20)?;
    let mut compressor = zstd::bulk::Compressor::new(1)?;
    let mut written = 0;
    let started = Instant::now();
    for block in lines.chunks(PLAIN_BLOCK) {
        let compressed = compressor.compress(&block.join(&b'\n'))?;
        if written + compressed.len() > 256 << 20 {
            file.seek(SeekFrom::Start(0))?;
            written = 0;
        }
        file.write_all(&compressed)?;
        file.sync_data()?;
        written += compressed.len();
    }
    Ok(lines.len() as f64 / started.elapsed().as_secs_f64())
}

fn preallocated(dir: &Path, bytes: usize) -> Result<File, Failed> {
    let mut file = tempfile::tempfile_in(dir)?;
    let zeros = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        file.write_all(&zeros)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// SHA-256 over the same lines on all cores, lines in memory. Lines a second.
fn sha256(blocks: &[StoredBlock], threads: usize) -> Result<f64, Failed> {
    let (mut hashed, mut elapsed) = (0, Duration::ZERO);
    // A part at a time, so that a large ledger needs no more memory.
    for part in blocks.chunks(2_048) {
        let open = part
            .iter()
            .map(StoredBlock::open)
            .collect::<Result<Vec<_>, _>>()?;
        let started = Instant::now();
        let each = open.len().div_ceil(threads).max(1);
        let counts = std::thread::scope(|scope| {
            let workers: Vec<_> = open
                .chunks(each)
                .map(|blocks| {
                    scope.spawn(move || {
                        let lines = blocks.iter().flat_map(|block| block.iter());
                        lines.fold(0, |count, (_, line)| {
                            std::hint::black_box(Sha256::digest(line));
                            count + 1
                        })
                    })
                })
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or(0))
                .sum::<usize>()
        });
        elapsed += started.elapsed();
        hashed += counts;
    }
    Ok(hashed as f64 / elapsed.as_secs_f64())
}

fn all_blocks(journal: &dyn Journal) -> Result<Vec<StoredBlock>, Failed> {
    Ok(Stored::of(journal).collect::<Result<_, _>>()?)
}

struct Stored<'a> {
    journal: &'a dyn Journal,
    next: u64,
}

impl<'a> Stored<'a> {
    fn of(journal: &'a dyn Journal) -> Self {
        Self::from(journal, 0)
    }

    fn from(journal: &'a dyn Journal, next: u64) -> Self {
        Self { journal, next }
    }
}

impl Iterator for Stored<'_> {
    type Item = Result<StoredBlock, crate::storage::ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.journal.read(self.next).transpose()?;
        self.next = block.as_ref().map_or(u64::MAX, StoredBlock::next);
        Some(block)
    }
}
