//! Where a log comes from: a data folder, an export, a running journal. Each can be read from its start as often as needed.

use std::cell::RefCell;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::iter::Peekable;
use std::path::Path;
use std::sync::Arc;

use super::decoding::Run;
use super::{Answered, AskError, Asking, Rulebooks, ask};
use crate::audit::folder::{AuditError, LOG, copy, file};
use crate::domain::questions::StandingQuestion;
use crate::ledger::{LINE_MAX, StoredBlock};
use crate::storage::local::{AuditCopy, Local};
use crate::storage::{Journal, ReadError};

/// Bytes of an export that one thread decodes at a time, about.
const RUN_BYTES: usize = 256 * 1024;

pub(super) type Runs<'a> = Box<dyn Iterator<Item = Result<Run, AskError>> + 'a>;

/// A log that can be read from its start.
pub(super) trait Log {
    /// Its records from position 0 on, at least up to `to`.
    fn runs(&self, to: Option<u64>) -> Result<Runs<'_>, AskError>;
}

/// Asks the questions of the ledger in `dir`, on a copy of its files.
///
/// # Errors
/// [`AskError`]; in particular while a process has the folder open.
pub fn ask_folder(
    dir: &Path,
    asking: &Asking,
    progress: &dyn Fn(u64) -> bool,
) -> Result<Answered, AskError> {
    let copied = copy(dir)?;
    if let Some(doubt) = copied.doubt {
        return Err(AuditError::Doubt(doubt).into());
    }
    let folder = Folder {
        blocks: RefCell::new(Some(copied.blocks)),
        copy: copied.folder,
    };
    ask(&folder, asking, progress)
}

/// Asks the questions of an export.
///
/// # Errors
/// [`AskError`].
pub fn ask_export(
    export: &Path,
    asking: &Asking,
    progress: &dyn Fn(u64) -> bool,
) -> Result<Answered, AskError> {
    ask(&Export { path: export }, asking, progress)
}

/// A running ledger, to be asked without stopping it; a cheap handle.
#[derive(Clone)]
pub struct Questioner {
    journal: Arc<dyn Journal>,
    rulebooks: Rulebooks,
}

impl Questioner {
    /// Asks the ledger of this journal, whose rulebooks are kept in `rulebooks`.
    pub fn new(journal: Arc<dyn Journal>, rulebooks: Rulebooks) -> Self {
        Self { journal, rulebooks }
    }

    /// Asks the questions of what the ledger holds at the call, or up to an earlier position. Blocks its thread for as
    /// long as the log is read, and decodes on one more: the others are the ledger's own.
    ///
    /// # Errors
    /// [`AskError`].
    pub fn ask(
        &self,
        questions: Vec<&'static StandingQuestion>,
        to: Option<u64>,
        progress: &dyn Fn(u64) -> bool,
    ) -> Result<Answered, AskError> {
        let last = self.journal.head().next.saturating_sub(1);
        let to = to.unwrap_or(last);
        if to > last {
            return Err(AskError::Beyond { to, last });
        }
        let asking = Asking {
            questions,
            to: Some(to),
            rulebooks: self.rulebooks.clone(),
            threads: 1,
            ..Asking::default()
        };
        let journal = self.journal.as_ref();
        ask(&Running { journal }, &asking, progress)
    }
}

struct Folder {
    /// The copy as it was opened, until it is read.
    blocks: RefCell<Option<Peekable<AuditCopy>>>,
    copy: tempfile::TempDir,
}

impl Log for Folder {
    fn runs(&self, _to: Option<u64>) -> Result<Runs<'_>, AskError> {
        let opened = self.blocks.borrow_mut().take();
        let blocks = match opened {
            Some(blocks) => blocks,
            None => Local::read_copy(&self.copy.path().join(LOG))
                .map_err(|error| AuditError::Refused(error.to_string()))?
                .peekable(),
        };
        Ok(Box::new(blocks.map(|block| Ok(Run::Block(block?)))))
    }
}

struct Running<'a> {
    journal: &'a dyn Journal,
}

impl Log for Running<'_> {
    fn runs(&self, to: Option<u64>) -> Result<Runs<'_>, AskError> {
        let mut next = 0;
        Ok(Box::new(std::iter::from_fn(move || {
            if to.is_some_and(|to| next > to) {
                return None;
            }
            let block: Result<StoredBlock, ReadError> = self.journal.read(next).transpose()?;
            if let Ok(block) = &block {
                next = block.next();
            }
            Some(block.map(Run::Block).map_err(AskError::from))
        })))
    }
}

struct Export<'a> {
    path: &'a Path,
}

impl Log for Export<'_> {
    fn runs(&self, _to: Option<u64>) -> Result<Runs<'_>, AskError> {
        let failed = |error: std::io::Error| AskError::from(file(self.path, &error));
        let opened = File::open(self.path).map_err(failed)?;
        let mut reader = BufReader::with_capacity(1 << 20, opened);
        let mut number = 1;
        Ok(Box::new(std::iter::from_fn(move || {
            let (first, mut run) = (number, Vec::with_capacity(RUN_BYTES + LINE_MAX));
            while run.len() < RUN_BYTES {
                // Two more bytes than a line may have, so that a longer one shows and yet can't fill the memory.
                let mut line = reader.by_ref().take(LINE_MAX as u64 + 2);
                match line.read_until(b'\n', &mut run) {
                    Ok(0) => break,
                    Ok(_) => number += 1,
                    Err(error) => return Some(Err(failed(error))),
                }
            }
            (!run.is_empty()).then_some(Ok(Run::Lines(first, run)))
        })))
    }
}
