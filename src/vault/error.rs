//! What the vault says when it can't do what was asked.

use std::{
    io,
    path::{Path, PathBuf},
};

use super::Head;
use crate::domain::ids::Pseudonym;

/// Why the vault refused or failed. No message carries a customer id, a key or a plaintext (T3).
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The customer id breaks a rule of its form; the id itself is not repeated here.
    #[error("the customer id {rule}; give 1 to 128 bytes of UTF-8 without control characters")]
    CustomerId {
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The name of a sealed field breaks a rule of its form.
    #[error("a sealed field's name must have 1 to 64 bytes, and this one has {bytes}")]
    FieldName {
        /// Its length.
        bytes: usize,
    },
    /// No entry maps this pseudonym.
    #[error(
        "the vault has no entry for pseudonym {0}; check the pseudonym, and that vault and ledger belong together"
    )]
    UnknownPseudonym(Pseudonym),
    /// The customer was erased: the key of everything that was sealed for him is gone (E8).
    #[error(
        "the customer of pseudonym {0} was erased: nothing that was sealed for him can be read"
    )]
    Erased(Pseudonym),
    /// A sealed field doesn't open, or opens to something else than its commitment says.
    #[error(
        "field `{field}` of the record at position {position} does not open: {what}; verify the ledger, and check that vault and ledger belong together"
    )]
    Unsealing {
        /// The record's position.
        position: u64,
        /// The field's name.
        field: String,
        /// What failed.
        what: &'static str,
    },
    /// A call to the operating system failed; nothing was changed.
    #[error("{}: {doing} failed: {source}; see to the file system, then start again", file.display())]
    Io {
        /// The file.
        file: PathBuf,
        /// What was tried.
        doing: &'static str,
        /// The system's answer.
        source: io::Error,
    },
    /// The new entries could not be written, and the file is as before; the caller may try again.
    #[error("{}: the new entries were not stored: {source}; make room on the disk, then try again", file.display())]
    NotStored {
        /// The file.
        file: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// It can't be known whether the entries were stored. The process has to stop and look again from disk.
    #[error("{}: it is unknown whether the last entries are durable: {what}; stop this process and start it again", file.display())]
    Unknown {
        /// The file.
        file: PathBuf,
        /// What happened.
        what: String,
    },
    /// A file holds other bytes than were written to it.
    #[error("{}: damaged at byte {offset}: {what}; restore the vault from a backup (the ledger alone can't be served without it)", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// Where the damage begins, in bytes from the file's start.
        offset: u64,
        /// What is wrong there.
        what: String,
    },
    /// A file of the vault is gone while others are there.
    #[error("{}: missing, though this vault holds {witness}; restore the vault from a backup (the ledger alone can't be served without it)", file.display())]
    Missing {
        /// The missing file.
        file: PathBuf,
        /// What shows that it was there.
        witness: &'static str,
    },
    /// Entries that were durable once are gone from the end of the file.
    #[error("{}: ends at entry {own}, but the index has seen {seen}: durable entries are lost; restore the vault from a backup; if this is that backup, delete the folder {} and start again", file.display(), index.display())]
    Lost {
        /// The entries file.
        file: PathBuf,
        /// The index folder.
        index: PathBuf,
        /// Entries in the file.
        own: u64,
        /// Entries that the index has seen.
        seen: u64,
    },
    /// The ledger cites entries that this vault doesn't have.
    #[error("the ledger cites vault entry {}, but this vault ends at {}: restore the vault from a backup taken after that entry was made (serving now would forget customers and their denials)", cited.sequence, own.sequence)]
    Behind {
        /// What the ledger cites.
        cited: Head,
        /// What this vault holds.
        own: Head,
    },
    /// The ledger cites a vault of another history.
    #[error(
        "the ledger cites vault entry {sequence} with another hash than this vault has there: they do not belong together; restore the vault that belongs to this ledger"
    )]
    Differs {
        /// The cited sequence.
        sequence: u64,
    },
    /// Another process has this vault open.
    #[error("{}: another process has this vault open; stop it first", dir.display())]
    Locked {
        /// The vault's folder.
        dir: PathBuf,
    },
    /// The file was written by a newer release.
    #[error("{}: {what}, which this release does not know; start the newer release that wrote it", file.display())]
    Unsupported {
        /// The file.
        file: PathBuf,
        /// What is unknown.
        what: String,
    },
    /// The index can't answer; it is rebuilt from the entries when the vault is opened again.
    #[error("{}: {what}; start the process again: the index is then rebuilt from the entries", dir.display())]
    Index {
        /// The index folder.
        dir: PathBuf,
        /// What happened.
        what: String,
    },
    /// A secret can't be hashed.
    #[error("a secret can't be hashed: {0}")]
    Hashing(String),
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}; nothing was registered")]
    Random(getrandom::Error),
}

impl VaultError {
    pub(super) fn io(file: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        let file = file.to_owned();
        move |source| Self::Io {
            file,
            doing,
            source,
        }
    }

    pub(super) fn damaged(file: &Path, offset: u64, what: impl Into<String>) -> Self {
        Self::Damaged {
            file: file.to_owned(),
            offset,
            what: what.into(),
        }
    }
}
