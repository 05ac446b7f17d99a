//! Checkpoints beside the database: a signed statement of size and root (C2SP tlog-checkpoint), and the tree's edge
//! from which the next start goes on.
//!
//! The note is written before the edge: the edge is never ahead of what was signed, so a start that goes on from it
//! always recomputes the signed root.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::ledger::{
    Checkpoint, Frontier, GrowingTree, Hash, NoteError, SigningKey, Start, StoredBlock, Timestamp,
    VerifyingKey, open, sign, sign_document,
};
use crate::storage::{Journal, files};

const NOTE: &str = "checkpoint";
const EDGE: &str = "frontier";
const EDGE_MAGIC: &[u8; 4] = b"CLF1";

/// Why checkpoints can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file can't be read or written.
    #[error("checkpoint file {path}: {problem}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The note isn't signed by this ledger's key.
    #[error(
        "the checkpoint {path} is not this ledger's ({problem}): it was altered, or the folder holds parts of two ledgers; restore it from a backup, or compare with a published checkpoint before you remove it",
        path = path.display()
    )]
    Note {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: NoteError,
    },
}

/// Where the newest checkpoint of the ledger in `dir` is.
pub fn checkpoint_path(dir: &Path) -> PathBuf {
    dir.join(NOTE)
}

/// What a start finds beside the database.
#[derive(Debug, Default)]
pub struct Kept {
    /// The newest signed checkpoint.
    pub checkpoint: Option<Checkpoint>,
    /// The edge from which the tree goes on; position 0 where it is missing or broken.
    pub start: Start,
}

/// Reads what the last process left in `dir`.
///
/// # Errors
/// When the note is there and isn't the key's.
pub fn read_kept(dir: &Path, key: &VerifyingKey) -> Result<Kept, CheckpointError> {
    let path = checkpoint_path(dir);
    let checkpoint = match std::fs::read_to_string(&path) {
        Ok(note) => {
            Some(open(&note, key).map_err(|problem| CheckpointError::Note { path, problem })?)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(CheckpointError::File {
                path,
                problem: error.to_string(),
            });
        }
    };
    let edge = std::fs::read(dir.join(EDGE))
        .ok()
        .and_then(|bytes| read_edge(&bytes));
    let start = match (&checkpoint, edge) {
        // An edge without the checkpoint that covers it proves nothing.
        (Some(checkpoint), Some(edge)) if edge.frontier.size() <= checkpoint.size => edge,
        _ => Start::default(),
    };
    Ok(Kept { checkpoint, start })
}

fn write_edge(edge: &Start) -> Vec<u8> {
    let mut bytes = EDGE_MAGIC.to_vec();
    bytes.extend_from_slice(&edge.prev.0);
    bytes.extend_from_slice(&edge.recorded_at.0.to_le_bytes());
    bytes.extend_from_slice(&edge.frontier.to_bytes());
    let sum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn read_edge(bytes: &[u8]) -> Option<Start> {
    let (body, sum) = bytes.split_last_chunk::<4>()?;
    if crc32fast::hash(body) != u32::from_le_bytes(*sum) {
        return None;
    }
    let rest = body.strip_prefix(EDGE_MAGIC)?;
    let (prev, rest) = rest.split_first_chunk::<32>()?;
    let (recorded_at, rest) = rest.split_first_chunk::<8>()?;
    Some(Start {
        prev: Hash(*prev),
        recorded_at: Timestamp(i64::from_le_bytes(*recorded_at)),
        frontier: Frontier::from_bytes(rest).ok()?,
    })
}

/// Signs a document, JSON on one line, as [`sign_document`] does.
pub type DocumentSigner = Arc<dyn Fn(&str) -> Result<String, NoteError> + Send + Sync>;

/// The thread that signs a checkpoint now and then, and a last one when it is stopped.
pub struct Checkpointer {
    work: Arc<Work>,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct Work {
    dir: PathBuf,
    key: SigningKey,
    tree: Arc<Mutex<GrowingTree>>,
    journal: Arc<dyn Journal>,
    written: Mutex<u64>,
}

impl Checkpointer {
    /// Starts signing for the ledger in `dir`, at most once every `every`.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        dir: PathBuf,
        key: SigningKey,
        tree: Arc<Mutex<GrowingTree>>,
        journal: Arc<dyn Journal>,
        every: Duration,
    ) -> Result<Self, std::io::Error> {
        let work = Arc::new(Work {
            dir,
            key,
            tree,
            journal,
            written: Mutex::new(0),
        });
        let (stop, stopped) = channel::<()>();
        let running = Arc::clone(&work);
        let thread = std::thread::Builder::new()
            .name("checkpoints".to_owned())
            .spawn(move || {
                while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                    running.write_or_report();
                }
                running.write_or_report();
            })?;
        Ok(Self {
            work,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// The newest checkpoint as a signed note, of the log as it is now.
    pub fn note(&self) -> String {
        self.work.note().0
    }

    /// Something that signs the newest checkpoint on demand.
    pub fn signer(&self) -> Arc<dyn Fn() -> String + Send + Sync> {
        let work = Arc::clone(&self.work);
        Arc::new(move || work.note().0)
    }

    /// Something that signs documents for whoever keeps one, such as receipts.
    pub fn document_signer(&self) -> DocumentSigner {
        let work = Arc::clone(&self.work);
        Arc::new(move |json| sign_document(json, &work.key))
    }

    /// Writes a last checkpoint and ends the thread.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread of the checkpoints panicked");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.end();
    }
}

impl Work {
    fn note(&self) -> (String, Frontier) {
        let tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let frontier = tree.frontier().clone();
        drop(tree);
        let checkpoint = Checkpoint {
            origin: self.key.verifying_key().name().to_owned(),
            size: frontier.size(),
            root: frontier.root(),
        };
        (sign(&checkpoint, &self.key), frontier)
    }

    fn write_or_report(&self) {
        // A checkpoint that can't be written now is written next time; the log doesn't rest on it.
        if let Err(error) = self.write() {
            tracing::error!(%error, "a checkpoint was not written");
        }
    }

    fn write(&self) -> Result<(), CheckpointError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let (note, frontier) = self.note();
        let size = frontier.size();
        if size == *written || size == 0 {
            return Ok(());
        }
        let file = |path: PathBuf, bytes: &[u8]| {
            files::write_durable(&path, bytes).map_err(|error| CheckpointError::File {
                path,
                problem: error.to_string(),
            })
        };
        file(checkpoint_path(&self.dir), note.as_bytes())?;
        if let Some(edge) = self.edge(frontier) {
            file(self.dir.join(EDGE), &write_edge(&edge))?;
        }
        *written = size;
        metrics::gauge!("consent_checkpoint_size").set(size as f64);
        Ok(())
    }

    /// The edge with the hash and time of the record before it.
    fn edge(&self, frontier: Frontier) -> Option<Start> {
        let last = frontier.size().checked_sub(1)?;
        let block: StoredBlock = self.journal.read(last).ok()??;
        let open = block.open().ok()?;
        let line = open.line(last)?;
        let envelope = crate::ledger::Envelope::parse(line).ok()?;
        Some(Start {
            prev: crate::ledger::leaf_hash(line),
            recorded_at: envelope.recorded_at,
            frontier,
        })
    }
}
