//! Why a ledger is not opened: each error says which positions or files are meant, and the ways back.

use std::path::{Path, PathBuf};

use crate::audit::CheckpointError;
use crate::clock::ClockError;
use crate::domain::ids::Pseudonym;
use crate::domain::rulebook::RulebookError;
use crate::ledger::Finding;
use crate::projections::ViewError;
use crate::sequencer;
use crate::state::StateError;
use crate::storage::AppendError;
use crate::storage::local::OpenError;
use crate::vault::VaultError;

/// Why a ledger is not opened.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A file or folder can't be used.
    #[error("{path}: {problem}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The log is in doubt.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// The vault is in doubt.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The log has records and there is no vault.
    #[error(
        "there is a log in {dir} and no vault: restore the vault from its backup; without it nobody's denial could be found",
        dir = dir.display()
    )]
    VaultMissing {
        /// The data folder.
        dir: PathBuf,
    },
    /// The checkpoint is not this ledger's.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The log is shorter than a checkpoint says.
    #[error(
        "the log ends before position {log}, but its checkpoint says {checkpoint}: positions {log} to {last} are missing, the log was rolled back; restore the newest backup, or refill it from the stream",
        last = .checkpoint.saturating_sub(1)
    )]
    RolledBack {
        /// The position after the log's last record.
        log: u64,
        /// The checkpoint's size.
        checkpoint: u64,
    },
    /// The vault has destroyed keys of which the log knows nothing.
    #[error(
        "the vault has destroyed the keys of {customers} erased customers of whose erasure the log holds no record, {example} among them: the log is older than its vault, and records that were acknowledged are missing; restore the newest log, or, where none is left, the vault that was saved with this one, and erase them again"
    )]
    LogBehindVault {
        /// How many they are.
        customers: usize,
        /// One of them.
        example: Pseudonym,
    },
    /// The log's newest part doesn't verify.
    #[error("the log doesn't verify: {0}; run `consent-ledger verify` on it and restore a backup")]
    Finding(#[from] Finding),
    /// Position 0 can't be read.
    #[error("position 0 can't be read: {0}; restore the log from a backup")]
    Genesis(String),
    /// The log is of a key that the vault doesn't hold.
    #[error(
        "the log's checkpoints are signed by {log} and this vault holds {vault}: log and vault are of two ledgers; put the right ones together"
    )]
    OtherKey {
        /// The key named at position 0.
        log: String,
        /// The key in the vault.
        vault: String,
    },
    /// The rulebook is not valid.
    #[error("rulebook {path}: {problem}", path = path.display())]
    Rulebook {
        /// Where it was read from.
        path: PathBuf,
        /// What is wrong.
        problem: RulebookError,
    },
    /// The state view can't be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The history view can't be used.
    #[error(transparent)]
    View(#[from] ViewError),
    /// A new ledger's first record can't be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The writer can't start.
    #[error("the writer can't start: {0}")]
    Writer(#[from] sequencer::SubmitError),
    /// The clock can't be believed.
    #[error(transparent)]
    Clock(#[from] ClockError),
    /// The signing key is not usable.
    #[error("the checkpoint key can't be used: {0}")]
    Key(String),
}

/// That a file or folder can't be used.
pub fn file(path: &Path, problem: &dyn std::fmt::Display) -> StartError {
    StartError::File {
        path: path.to_owned(),
        problem: problem.to_string(),
    }
}
