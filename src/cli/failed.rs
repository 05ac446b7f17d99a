//! How a command fails, and the files that several commands read and write.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use tempfile::NamedTempFile;

use super::Ended;
use crate::ledger::VerifyingKey;

/// How a command failed, and what there is to say.
pub struct Failed(pub Ended, pub String);

impl Failed {
    /// Something could not be reached, read or written.
    pub fn unreachable(problem: impl ToString) -> Self {
        Self(Ended::Unreachable, problem.to_string())
    }

    /// What was looked at is wrong.
    pub fn wrong(problem: impl ToString) -> Self {
        Self(Ended::Wrong, problem.to_string())
    }
}

impl From<tonic::Status> for Failed {
    fn from(status: tonic::Status) -> Self {
        use tonic::Code::{InvalidArgument, NotFound, OutOfRange};
        let asked_wrongly = matches!(status.code(), InvalidArgument | NotFound | OutOfRange);
        let ended = if asked_wrongly {
            Ended::Usage
        } else {
            Ended::Unreachable
        };
        Self(ended, status.message().to_owned())
    }
}

/// A key, given as it is or as a file that holds it.
pub fn key_of(given: &str) -> Result<VerifyingKey, Failed> {
    let text = std::fs::read_to_string(given).unwrap_or_else(|_| given.to_owned());
    VerifyingKey::parse(text.trim()).map_err(|error| Failed(Ended::Usage, error.to_string()))
}

/// The bytes of a file.
pub fn read(path: &Path) -> Result<Vec<u8>, Failed> {
    std::fs::read(path).map_err(of_file(path))
}

/// The folder in which a file or folder of that name is made.
pub fn folder_of(path: &Path) -> &Path {
    let folder = path.parent();
    let named = folder.filter(|folder| !folder.as_os_str().is_empty());
    named.unwrap_or(Path::new("."))
}

/// Puts a file in place of another whole or not at all.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let placed = NamedTempFile::new_in(folder_of(path)).and_then(|mut beside| {
        beside.write_all(bytes)?;
        beside.persist(path).map_err(|error| error.error)
    });
    placed.map(drop).map_err(of_file(path))
}

/// Writes a file.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes));
    written.map_err(of_file(path))
}

fn of_file(path: &Path) -> impl Fn(io::Error) -> Failed {
    move |error| Failed::unreachable(format!("{}: {error}", path.display()))
}
