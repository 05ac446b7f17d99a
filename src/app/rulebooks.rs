//! The rulebook in force, and a copy of every one that ever was.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::{StartError, file};
use crate::domain::rulebook::Rulebook;
use crate::ledger::Hash;
use crate::storage::files;

/// Reads the rulebook and keeps a copy by its digest, so that its text can be shown for every position that cites it.
pub fn read_rulebook(path: Option<&Path>, dir: &Path) -> Result<Rulebook, StartError> {
    let (path, text) = match path {
        Some(path) => {
            let text = std::fs::read_to_string(path).map_err(|error| file(path, &error))?;
            (path.to_owned(), text)
        }
        None => (
            PathBuf::from("(built in)"),
            crate::domain::rulebook::DEFAULT_TEXT.to_owned(),
        ),
    };
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let rulebook =
        Rulebook::parse(&text, digest).map_err(|problem| StartError::Rulebook { path, problem })?;
    let kept = dir.join("rulebooks");
    files::create_dir_durable(&kept).map_err(|error| file(&kept, &error))?;
    let copy = kept.join(format!("{}.toml", Hash(digest)));
    if !copy.exists() {
        files::write_durable(&copy, text.as_bytes()).map_err(|error| file(&copy, &error))?;
    }
    Ok(rulebook)
}
