//! Rulebooks by their digest: a ledger keeps a copy of every one that ever was in force.

use std::path::{Path, PathBuf};

use super::AskError;
use crate::domain::rulebook::{Rulebook, SHIPPED};
use crate::ledger::Hash;

/// Where a ledger's folder keeps them.
const FOLDER: &str = "rulebooks";

/// Where rulebooks are found.
#[derive(Clone, Debug, Default)]
pub struct Rulebooks {
    /// A folder of files named by their digest, as a ledger keeps it; those that ship with the program need none.
    pub folder: Option<PathBuf>,
}

impl Rulebooks {
    /// The rulebooks of the ledger in `dir`.
    pub fn of(dir: &Path) -> Self {
        Self {
            folder: Some(dir.join(FOLDER)),
        }
    }

    /// The text of the rulebook of that digest.
    ///
    /// # Errors
    /// Why it isn't there.
    pub fn text(&self, digest: [u8; 32]) -> Result<String, String> {
        let shipped = |(_, text): &(&str, &str)| Hash::of(text.as_bytes()).0 == digest;
        let text = if let Some((_, text)) = SHIPPED.into_iter().find(shipped) {
            text.to_owned()
        } else {
            let folder =
                (self.folder.as_ref()).ok_or("it is none of those that ship with the program")?;
            let path = folder.join(format!("{}.toml", Hash(digest)));
            let read = std::fs::read_to_string(&path);
            read.map_err(|error| format!("{}: {error}", path.display()))?
        };
        match Hash::of(text.as_bytes()).0 == digest {
            true => Ok(text),
            false => Err("the copy has other text than its name says".to_owned()),
        }
    }

    /// The rulebook of that digest, which the record at `position` put in force.
    pub(super) fn find(&self, digest: [u8; 32], position: u64) -> Result<Rulebook, AskError> {
        let text = self.text(digest);
        let parsed = text
            .and_then(|text| Rulebook::parse(&text, digest).map_err(|problem| problem.to_string()));
        parsed.map_err(|problem| AskError::Rulebook {
            digest: Hash(digest).to_string(),
            position,
            problem,
        })
    }
}
