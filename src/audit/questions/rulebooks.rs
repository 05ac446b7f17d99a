//! Rulebooks by their digest: a ledger keeps a copy of every one that ever was in force.

use std::path::{Path, PathBuf};

use super::AskError;
use crate::domain::rulebook::{DEFAULT_TEXT, Rulebook};
use crate::ledger::Hash;

/// Where a ledger's folder keeps them.
const FOLDER: &str = "rulebooks";

/// Where rulebooks are found.
#[derive(Clone, Debug, Default)]
pub struct Rulebooks {
    /// A folder of files named by their digest, as a ledger keeps it; the policy that ships with the program needs none.
    pub folder: Option<PathBuf>,
}

impl Rulebooks {
    /// The rulebooks of the ledger in `dir`.
    pub fn of(dir: &Path) -> Self {
        Self {
            folder: Some(dir.join(FOLDER)),
        }
    }

    /// The rulebook of that digest, which the record at `position` put in force.
    pub(super) fn find(&self, digest: [u8; 32], position: u64) -> Result<Rulebook, AskError> {
        let missing = |problem: String| AskError::Rulebook {
            digest: Hash(digest).to_string(),
            position,
            problem,
        };
        let text = if Hash::of(DEFAULT_TEXT.as_bytes()).0 == digest {
            DEFAULT_TEXT.to_owned()
        } else {
            let Some(folder) = &self.folder else {
                return Err(missing(
                    "it is not the one that ships with the program".into(),
                ));
            };
            let path = folder.join(format!("{}.toml", Hash(digest)));
            let read = std::fs::read_to_string(&path);
            read.map_err(|error| missing(format!("{}: {error}", path.display())))?
        };
        if Hash::of(text.as_bytes()).0 != digest {
            return Err(missing("the copy has other text than its name says".into()));
        }
        Rulebook::parse(&text, digest).map_err(|error| missing(error.to_string()))
    }
}
