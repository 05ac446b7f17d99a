//! The audit of a data folder or an export, offline: the same `verify` as everywhere, on a copy of the files.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::audit::checkpoints::{CheckpointError, checkpoint_path};
use crate::ledger::{
    Checkpoint, Finding, Genesis, Options, Record, StoredBlock, Verified, VerifyingKey, open,
    verify_blocks, verify_lines,
};
use crate::storage::local::{AuditCopy, Local};

/// The log's folder in a copy.
pub(super) const LOG: &str = "log";

/// Why an audit found something wrong, or could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The chain, tree or checkpoint doesn't hold.
    #[error("{0}")]
    Finding(#[from] Finding),
    /// The files of the log are in doubt.
    #[error("{0}")]
    Doubt(String),
    /// The log is in use, or can't be copied.
    #[error("{0}")]
    Refused(String),
    /// The checkpoint isn't this ledger's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// Something could not be read or written.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// A sound log.
#[derive(Clone, Debug)]
pub struct Audited {
    /// What was verified.
    pub verified: Verified,
    /// The checkpoint that it was held against.
    pub checkpoint: Option<Checkpoint>,
    /// Position 0.
    pub genesis: Option<Genesis>,
}

/// Verifies the ledger in `dir` on a copy of its files, against the checkpoint beside it.
///
/// # Errors
/// The first thing that is wrong, with its position, or why nothing could be looked at.
pub fn audit_folder(dir: &Path, deep: bool, progress: &dyn Fn(u64)) -> Result<Audited, AuditError> {
    let copied = copy(dir)?;
    let genesis = copied.genesis.clone();
    let checkpoint = checkpoint_of(dir, genesis.as_ref())?;
    let options = Options {
        start: None,
        checkpoints: checkpoint.iter().cloned().collect(),
        deep,
    };
    let verified = verify_blocks(copied.blocks, options, threads(), progress);
    match (verified, copied.doubt) {
        (Ok(verified), None) => Ok(Audited {
            verified,
            checkpoint,
            genesis,
        }),
        (Err(finding), _) => Err(finding.into()),
        (Ok(_), Some(doubt)) => Err(AuditError::Doubt(doubt)),
    }
}

/// Verifies an export, against a checkpoint note where one is given.
///
/// # Errors
/// As [`audit_folder`].
pub fn audit_export(
    export: &Path,
    note: Option<&Path>,
    deep: bool,
    progress: &dyn Fn(u64),
) -> Result<Audited, AuditError> {
    let failed = |error: std::io::Error| file(export, &error);
    let mut reader = BufReader::with_capacity(1 << 20, File::open(export).map_err(failed)?);
    let mut first = Vec::new();
    reader
        .by_ref()
        .take(crate::ledger::LINE_MAX as u64 + 1)
        .read_until(b'\n', &mut first)
        .map_err(failed)?;
    reader.rewind().map_err(failed)?;
    let genesis = genesis_of(first.strip_suffix(b"\n").unwrap_or(&first));
    let checkpoint = match note {
        Some(path) => read_note(path, genesis.as_ref())?,
        None => None,
    };
    let options = Options {
        start: None,
        checkpoints: checkpoint.iter().cloned().collect(),
        deep,
    };
    let verified = verify_lines(reader, options, threads(), progress)?;
    Ok(Audited {
        verified,
        checkpoint,
        genesis,
    })
}

/// Every line of the ledger in `dir`, from a copy of its files. Verifies nothing.
///
/// # Errors
/// When a file can't be read, or a block not be opened.
pub fn lines_of_folder(dir: &Path, mut take: impl FnMut(&[u8])) -> Result<(), AuditError> {
    for block in copy(dir)?.blocks {
        let block: StoredBlock = block.map_err(|error| file(dir, &error))?;
        let open = block.open().map_err(|error| file(dir, &error))?;
        open.iter().for_each(|(_, line)| take(line));
    }
    Ok(())
}

/// Writes the ledger in `dir` to `out`, one record a line, the exact hashed bytes; and the checkpoint and its public
/// key beside it. Verifies nothing.
///
/// # Errors
/// When a file can't be read or written, or a block not be opened.
pub fn export_folder(dir: &Path, out: &Path, progress: &dyn Fn(u64)) -> Result<u64, AuditError> {
    let copied = copy(dir)?;
    if let Some(doubt) = copied.doubt {
        return Err(AuditError::Doubt(doubt));
    }
    let beside = |suffix: &str| {
        let mut name = out.as_os_str().to_owned();
        name.push(suffix);
        PathBuf::from(name)
    };
    let mut lines = BufWriter::with_capacity(1 << 20, create(out)?);
    let mut records = 0;
    for block in copied.blocks {
        let block: StoredBlock = block.map_err(|error| file(dir, &error))?;
        let open = block.open().map_err(|error| file(dir, &error))?;
        for (_, line) in open.iter() {
            lines
                .write_all(line)
                .and_then(|()| lines.write_all(b"\n"))
                .map_err(|error| file(out, &error))?;
        }
        records = block.next();
        progress(records);
    }
    lines.flush().map_err(|error| file(out, &error))?;
    lines
        .get_ref()
        .sync_all()
        .map_err(|error| file(out, &error))?;
    let note = checkpoint_path(dir);
    if note.exists() {
        fs::copy(&note, beside(".checkpoint")).map_err(|error| file(&note, &error))?;
    }
    if let Some(genesis) = copied.genesis {
        let mut key = create(&beside(".key"))?;
        writeln!(key, "{}", genesis.checkpoint_key).map_err(|error| file(out, &error))?;
    }
    Ok(records)
}

/// A copy of a data folder's log.
pub(super) struct Copied {
    pub(super) blocks: std::iter::Peekable<AuditCopy>,
    pub(super) doubt: Option<String>,
    genesis: Option<Genesis>,
    /// The copy lasts as long as its blocks are read.
    pub(super) folder: tempfile::TempDir,
}

pub(super) fn copy(dir: &Path) -> Result<Copied, AuditError> {
    let folder = tempfile::Builder::new()
        .prefix("consent-ledger-audit-")
        .tempdir()
        .map_err(|error| file(dir, &error))?;
    let blocks = Local::copy_for_audit(&dir.join("log"), &folder.path().join(LOG))
        .map_err(|error| AuditError::Refused(error.to_string()))?;
    let doubt = blocks.doubts.first().map(ToString::to_string);
    let mut blocks = blocks.peekable();
    let genesis = match blocks.peek() {
        Some(Ok(block)) => block.open().ok().and_then(|open| genesis_of(open.line(0)?)),
        _ => None,
    };
    Ok(Copied {
        blocks,
        doubt,
        genesis,
        folder,
    })
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn genesis_of(line: &[u8]) -> Option<Genesis> {
    Genesis::parse(&Record::parse(line).ok()?.data).ok()
}

fn checkpoint_of(dir: &Path, genesis: Option<&Genesis>) -> Result<Option<Checkpoint>, AuditError> {
    let path = checkpoint_path(dir);
    if path.exists() {
        read_note(&path, genesis)
    } else {
        Ok(None)
    }
}

fn read_note(path: &Path, genesis: Option<&Genesis>) -> Result<Option<Checkpoint>, AuditError> {
    // Without a readable position 0 there is no key; the verification says that position 0 is wrong.
    let Some(genesis) = genesis else {
        return Ok(None);
    };
    let note = fs::read_to_string(path).map_err(|error| file(path, &error))?;
    let key = VerifyingKey::parse(&genesis.checkpoint_key).map_err(|error| file(path, &error))?;
    let checkpoint = open(&note, &key).map_err(|problem| CheckpointError::Note {
        path: path.to_owned(),
        problem,
    })?;
    Ok(Some(checkpoint))
}

fn create(path: &Path) -> Result<File, AuditError> {
    File::create(path).map_err(|error| file(path, &error))
}

pub(super) fn file(path: &Path, problem: &dyn std::fmt::Display) -> AuditError {
    AuditError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}
