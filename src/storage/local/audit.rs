//! Reading a log without touching it: an audit works on a copy.
//!
//! Opening a sled database changes its files, so the originals are never opened here. They are copied, bytes for bytes,
//! while the folder's lock is held, and the copy is looked at by the same rules as recovery. What those rules would
//! refuse is told as a doubt, and the blocks that are there are shown nevertheless.

use std::{
    fs, io,
    iter::Peekable,
    path::{Path, PathBuf},
    vec,
};

use super::{
    database::{self, Database},
    judge::judge,
    lock::Lock,
    open::{Layout, look_at_tail},
    refusal::OpenError,
    ring::Survey,
    tail,
};
use crate::{
    ledger::StoredBlock,
    storage::{ReadError, files},
};

/// Memory for the copy's cache.
const CACHE_BYTES: u64 = 64 << 20;

/// Why a log could not be copied and read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The log is open, not a log, or can't be read at all.
    #[error(transparent)]
    Refused(#[from] OpenError),
    /// The folder for the copy is not empty.
    #[error("{} is not empty; name a new folder for the copy", into.display())]
    NotEmpty {
        /// The folder.
        into: PathBuf,
    },
    /// The disk said no.
    #[error(transparent)]
    Disk(#[from] io::Error),
}

/// A copy of a log: every block in order of position, from the database and from the tail.
///
/// It yields what is there, each block once. Whether positions are missing or the chain breaks is for `verify` to say.
/// An error of the database ends its blocks; those that only the tail has still follow.
pub struct AuditCopy {
    /// The ledger, as the tail names it.
    pub ledger: Option<[u8; 16]>,
    /// What opening this log would be refused for. Empty for a sound log.
    pub doubts: Vec<OpenError>,
    in_tail: Peekable<vec::IntoIter<StoredBlock>>,
    in_database: Peekable<Rows>,
}

type Rows = Box<dyn Iterator<Item = Result<StoredBlock, ReadError>> + Send>;

impl Iterator for AuditCopy {
    type Item = Result<StoredBlock, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Some(tail) = self.in_tail.peek() else {
            return self.in_database.next();
        };
        match self.in_database.peek() {
            Some(Ok(kept)) if kept.first < tail.first => self.in_database.next(),
            Some(Ok(kept)) if kept.first == tail.first => {
                let same = kept.bytes == tail.bytes;
                let position = kept.first;
                self.in_tail.next();
                let block = self.in_database.next();
                if same {
                    return block;
                }
                Some(Err(ReadError::Damaged {
                    position,
                    problem: "it is not the same in the tail and in the database".into(),
                }))
            }
            Some(Err(_)) => self.in_database.next(),
            Some(Ok(_)) | None => self.in_tail.next().map(Ok),
        }
    }
}

impl super::Local {
    /// Copies the log in `dir` to the new folder `into` and reads the copy. The originals are only read.
    ///
    /// # Errors
    ///
    /// [`AuditError`]; in particular while a process has the log open.
    pub fn copy_for_audit(dir: &Path, into: &Path) -> Result<AuditCopy, AuditError> {
        let from = Layout::of(dir);
        if !from.tail.exists() && !from.blocks.exists() {
            return Err(OpenError::NoLog {
                dir: dir.to_owned(),
            }
            .into());
        }
        let lock = Lock::look(dir)?;
        copy(&from, into)?;
        drop(lock);
        read(&Layout::of(into))
    }

    /// Reads a copy that [`Local::copy_for_audit`](super::Local::copy_for_audit) made, once more from its start.
    ///
    /// # Errors
    ///
    /// [`AuditError`].
    pub fn read_copy(copy: &Path) -> Result<AuditCopy, AuditError> {
        read(&Layout::of(copy))
    }
}

fn copy(from: &Layout, into: &Path) -> Result<(), AuditError> {
    if into.exists() && fs::read_dir(into)?.next().is_some() {
        return Err(AuditError::NotEmpty {
            into: into.to_owned(),
        });
    }
    let to = Layout::of(into);
    fs::create_dir_all(&to.blocks)?;
    if from.tail.exists() {
        copy_file(&from.tail, &to.tail)?;
    }
    if from.blocks.exists() {
        for entry in fs::read_dir(&from.blocks)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                copy_file(&entry.path(), &to.blocks.join(entry.file_name()))?;
            }
        }
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    fs::copy(from, to)
        .map(drop)
        .map_err(|error| files::naming(from, "copy", &error))
}

fn read(copy: &Layout) -> Result<AuditCopy, AuditError> {
    let mut doubts = Vec::new();
    doubts.extend(database::check_no_blobs(&copy.blocks).err());
    let survey = match survey(copy) {
        Ok(survey) => Some(survey),
        Err(refusal) => {
            doubts.push(refusal);
            None
        }
    };
    let tail_from = survey.as_ref().map_or(0, Survey::reaches_back_to);
    let database = match Database::open(&copy.blocks, CACHE_BYTES, None) {
        Ok(database) => Some(database),
        Err(problem) => {
            doubts.push(OpenError::Database { problem, tail_from });
            None
        }
    };
    if let (Some(survey), Some(database)) = (&survey, &database) {
        doubts.extend(judge(survey, database, 0).err());
    }
    let in_tail: Vec<StoredBlock> = survey.iter().flat_map(Survey::blocks).cloned().collect();
    let in_database: Rows = match database {
        Some(database) => Box::new(database.into_blocks()),
        None => Box::new(std::iter::empty()),
    };
    Ok(AuditCopy {
        ledger: survey.and_then(|survey| survey.ledger),
        doubts,
        in_tail: in_tail.into_iter().peekable(),
        in_database: in_database.peekable(),
    })
}

fn survey(copy: &Layout) -> Result<Survey, OpenError> {
    if !copy.tail.exists() {
        return Err(OpenError::TailMissing {
            dir: copy.dir.clone(),
        });
    }
    look_at_tail(&tail::open_file(&copy.tail)?, &copy.tail, None)
}
