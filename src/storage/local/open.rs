//! Recovery, step by step. Nothing is opened before it has been looked at, nothing is served before it is durable.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Mutex, atomic::AtomicBool, atomic::AtomicU64},
};

use rustix::fs::{Advice, fadvise};

use super::{
    Local, Options, PAGE_BYTES, Recovery,
    behind::{Behind, Rhythm},
    database::{self, Blocks, Database},
    judge::{Findings, judge},
    lock::Lock,
    observe::{Stage, SyncObserver},
    page::Kind,
    refusal::OpenError,
    reopen::Reopening,
    ring::{Survey, hex},
    segments,
    tail::{self, Entry, Tail, sync},
};
use crate::{
    ledger::StoredBlock,
    storage::{ReadError, files},
};

const TAIL_BYTES_MIN: u64 = 64 << 10;
const TAIL_BYTES_MAX: u64 = 4 << 30;

/// The paths in a log's folder.
pub(super) struct Layout {
    pub dir: PathBuf,
    pub tail: PathBuf,
    pub blocks: PathBuf,
    pub aside: PathBuf,
    pub aside_anew: PathBuf,
    pub unreadable: PathBuf,
}

impl Layout {
    pub(super) fn of(dir: &Path) -> Layout {
        Layout {
            dir: dir.to_owned(),
            tail: dir.join("tail"),
            blocks: dir.join("blocks"),
            aside: dir.join("aside"),
            aside_anew: dir.join("aside.anew"),
            unreadable: dir.join("blocks.unreadable"),
        }
    }

    pub(super) fn database_file(&self) -> PathBuf {
        database::file_in(&self.blocks)
    }
}

/// See [`Local::open`].
pub(super) fn open(
    options: Options,
    asked: Option<[u8; 16]>,
) -> Result<(Local, Recovery), OpenError> {
    check(&options)?;
    let layout = Layout::of(&options.dir);
    let created = create_if_new(&layout, &options, asked)?;
    let lock = Lock::take(&layout.dir)?;
    let observer = options.observer.as_deref();

    let tail_file = tail::open_file(&layout.tail)?;
    let survey = look_at_tail(&tail_file, &layout.tail, observer)?;
    let ledger = ledger_of(&survey, asked, &layout)?;
    let clean = created || survey.closed_in_order();
    let set_aside = look_at_database(&layout, &survey, &options, clean)?;

    let (database, anew) = open_database(&layout, &options, &survey)?;
    let mut findings = judge(&survey, &database, options.check_bytes)?;
    findings.notes.extend(anew);
    if set_aside {
        findings.notes.push(format!(
            "the last stop was not an orderly one; the database's newest segments were first copied to {}",
            layout.aside.display()
        ));
    }
    settle_everything(&layout, &database, &findings, observer)?;

    // From here on everything before the head is durable in the database, and the tail is free to be written.
    let mut tail = Tail::resume(
        tail_file,
        layout.tail.clone(),
        options.observer.clone(),
        ledger,
        survey.ring(),
        findings.cursor,
    );
    let head = findings.head;
    tail.write(&Entry {
        kind: Kind::Opened,
        first: head.next,
        next: head.next,
        payload: &head.last.0,
        settled: head.next,
    })?;
    database
        .mark_opened(findings.cursor.sequence)
        .and_then(|()| database.settle())
        .map_err(database_failed)?;
    for aside in [&layout.aside, &layout.aside_anew] {
        segments::accept_aside(aside)?;
    }
    let recovery = Recovery {
        head,
        ledger,
        created,
        clean,
        refilled: findings.refill.len() as u64,
        notes: findings.notes,
    };
    let rhythm = Rhythm {
        bytes: database::SETTLE_BYTES.min(survey.ring() * PAGE_BYTES as u64 / 4),
        every: options.settle_every,
    };
    let reopening = Reopening {
        layout,
        every: options.reopen_after_bytes,
        due: options.reopen_after_bytes,
        observer: options.observer.clone(),
        opened_at: (findings.refill.first()).map_or(head.next, |block| block.first),
    };
    let failed = options.on_failure.clone();
    let (behind, thread) = Behind::start(database, head, rhythm, reopening, failed)?;
    let local = Local {
        behind,
        thread: Some(thread),
        writer: Mutex::new(tail),
        options,
        full: AtomicBool::new(false),
        appended: AtomicU64::new(0),
        _lock: lock,
    };
    Ok((local, recovery))
}

fn check(options: &Options) -> Result<(), OpenError> {
    let bytes = options.tail_bytes;
    if !(TAIL_BYTES_MIN..=TAIL_BYTES_MAX).contains(&bytes)
        || !bytes.is_multiple_of(PAGE_BYTES as u64)
    {
        return Err(OpenError::Options(format!(
            "tail_bytes is {bytes}; give a multiple of {PAGE_BYTES} from {TAIL_BYTES_MIN} to {TAIL_BYTES_MAX}"
        )));
    }
    Ok(())
}

/// Creates the folder and the tail where there is nothing yet. The tail comes first and is whole once it has its
/// name, so a database without one was not left by a crash.
fn create_if_new(
    layout: &Layout,
    options: &Options,
    asked: Option<[u8; 16]>,
) -> Result<bool, OpenError> {
    if layout.tail.exists() {
        return Ok(false);
    }
    if layout.database_file().exists() {
        return Err(OpenError::TailMissing {
            dir: layout.dir.clone(),
        });
    }
    if asked.is_none() {
        return Err(OpenError::NoLog {
            dir: layout.dir.clone(),
        });
    }
    files::create_dir_durable(&layout.dir)?;
    let _lock = Lock::take(&layout.dir)?;
    tail::create(
        &layout.tail,
        options.tail_bytes,
        options.observer.as_deref(),
    )?;
    Ok(true)
}

/// Reads the whole tail as the disk has it: what a crash left in the page cache is written out first, and then
/// the cache is dropped, because after a failed write it may show bytes that the disk does not have.
pub(super) fn look_at_tail(
    file: &File,
    path: &Path,
    observer: Option<&dyn SyncObserver>,
) -> Result<Survey, OpenError> {
    sync(file, path, Stage::Recovery, observer)?;
    drop_cache(file);
    let length = file
        .metadata()
        .map_err(|error| files::naming(path, "look at", &error))?
        .len();
    if length > TAIL_BYTES_MAX {
        return Err(OpenError::Contradiction {
            position: 0,
            problem: format!("its file has {length} bytes, the limit is {TAIL_BYTES_MAX}"),
        });
    }
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, 0)
        .map_err(|error| files::naming(path, "read", &error))?;
    Survey::of(&bytes)
}

fn drop_cache(file: &File) {
    // Advice: a system that does not take it reads from its cache, and is right unless a write failed before.
    let _ = fadvise(file, 0, None, Advice::DontNeed);
}

fn ledger_of(
    survey: &Survey,
    asked: Option<[u8; 16]>,
    layout: &Layout,
) -> Result<[u8; 16], OpenError> {
    match (survey.ledger, asked) {
        (Some(found), Some(expected)) if found != expected => Err(OpenError::OtherLedger {
            found: hex(&found),
            expected: hex(&expected),
        }),
        (Some(found), _) => Ok(found),
        (None, Some(asked)) => Ok(asked),
        (None, None) => Err(OpenError::NoLog {
            dir: layout.dir.clone(),
        }),
    }
}

/// Before the database is opened: no blob files, its bytes on the disk, its newest segments aside. A tail that needs a
/// database which is not there is refused here, before an empty one is made.
fn look_at_database(
    layout: &Layout,
    survey: &Survey,
    options: &Options,
    clean: bool,
) -> Result<bool, OpenError> {
    database::check_no_blobs(&layout.blocks)?;
    let path = layout.database_file();
    if !path.exists() {
        judge(survey, &NoBlocks, options.check_bytes)?;
        return Ok(false);
    }
    let file = File::open(&path).map_err(|error| files::naming(&path, "open", &error))?;
    sync(&file, &path, Stage::Recovery, options.observer.as_deref())?;
    drop_cache(&file);
    if clean {
        return Ok(false);
    }
    Ok(segments::set_aside(&path, &layout.aside)?)
}

struct NoBlocks;

impl Blocks for NoBlocks {
    fn before(&self, _: u64) -> Result<Option<StoredBlock>, ReadError> {
        Ok(None)
    }

    fn opened(&self) -> Result<Option<u64>, ReadError> {
        Ok(None)
    }
}

/// Opens the database. One that does not open is needed for what the tail no longer holds; where the tail still
/// holds everything from position 0 (the power went while the log was being created), it is set aside and made anew.
fn open_database(
    layout: &Layout,
    options: &Options,
    survey: &Survey,
) -> Result<(Database, Option<String>), OpenError> {
    files::create_dir_durable(&layout.blocks)?;
    let open = || {
        Database::open(
            &layout.blocks,
            options.cache_bytes,
            options.observer.clone(),
        )
    };
    let tail_from = survey.reaches_back_to();
    let problem = match open() {
        Ok(database) => return Ok((database, None)),
        Err(problem) => problem,
    };
    if judge(survey, &NoBlocks, options.check_bytes).is_err() {
        return Err(OpenError::Database { problem, tail_from });
    }
    segments::remove_if_there(&layout.unreadable)?;
    fs::rename(&layout.blocks, &layout.unreadable)?;
    files::sync_dir(&layout.dir)?;
    files::create_dir_durable(&layout.blocks)?;
    let database = open().map_err(|problem| OpenError::Database { problem, tail_from })?;
    let note = format!(
        "the database did not open ({problem}); the tail holds all of the log, so the database was moved to {} and made anew",
        layout.unreadable.display()
    );
    Ok((database, Some(note)))
}

fn database_failed(problem: String) -> OpenError {
    OpenError::Disk(io::Error::other(problem))
}

/// Fills the database up from the tail and makes all of it durable, new files' names too.
fn settle_everything(
    layout: &Layout,
    database: &Database,
    findings: &Findings,
    observer: Option<&dyn SyncObserver>,
) -> Result<(), OpenError> {
    for block in &findings.refill {
        database.insert(block).map_err(database_failed)?;
    }
    settle_files(layout, database, observer)
}

/// Makes durable what is in the database's files, and their names.
pub(super) fn settle_files(
    layout: &Layout,
    database: &Database,
    observer: Option<&dyn SyncObserver>,
) -> Result<(), OpenError> {
    database.settle().map_err(database_failed)?;
    database::check_no_blobs(&layout.blocks)?;
    // sled syncs neither its settings nor the names of its files.
    for entry in fs::read_dir(&layout.blocks)? {
        let path = entry?.path();
        if path.is_file() {
            sync(&File::open(&path)?, &path, Stage::Folders, observer)?;
        }
    }
    for folder in [&layout.blocks, &layout.dir] {
        files::sync_dir(folder)?;
        if let Some(observer) = observer {
            observer.synced(folder, Stage::Folders);
        }
    }
    Ok(())
}
