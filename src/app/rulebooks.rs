//! The rulebook in force, and a copy of every one that ever was.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::error::{StartError, file};
use crate::domain::rulebook::{DEFAULT_TEXT, Rulebook, SHIPPED};
use crate::ledger::Hash;
use crate::storage::files;

/// Reads the rulebook and keeps a copy by its digest, so that its text can be shown for every position that cites it.
/// The name of one that ships with the program (`default`, `fcc`) is that one; anything else is a file.
pub fn read(path: Option<&Path>, dir: &Path) -> Result<Rulebook, StartError> {
    let shipped = |name: &Path| (SHIPPED.iter()).find(|(known, _)| name.as_os_str() == *known);
    let (path, text) = match path {
        None => (PathBuf::from("(built in)"), DEFAULT_TEXT.to_owned()),
        Some(path) => match shipped(path) {
            Some((_, text)) => (path.to_owned(), (*text).to_owned()),
            None => {
                let text = std::fs::read_to_string(path).map_err(|error| file(path, &error))?;
                (path.to_owned(), text)
            }
        },
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

/// Every rulebook that is kept in `dir`, by its digest: answers from the past follow the one in force then (R24). One that
/// can't be read is left out and told of: only questions about its time are refused.
pub fn read_kept(
    dir: &Path,
    notes: &mut Vec<String>,
) -> Result<HashMap<[u8; 32], Arc<Rulebook>>, StartError> {
    let kept = dir.join("rulebooks");
    let mut rulebooks = HashMap::new();
    for entry in std::fs::read_dir(&kept).map_err(|error| file(&kept, &error))? {
        let path = entry.map_err(|error| file(&kept, &error))?.path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).map_err(|error| file(&path, &error))?;
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let named = path.file_stem().and_then(|name| name.to_str());
        let problem = match Rulebook::parse(&text, digest) {
            _ if named != Some(Hash(digest).to_string().as_str()) => {
                "its text is not the one that its name says".to_owned()
            }
            Err(problem) => problem.to_string(),
            Ok(rulebook) => {
                rulebooks.insert(digest, Arc::new(rulebook));
                continue;
            }
        };
        notes.push(format!(
            "{}: {problem}; questions about the time when it was in force are refused",
            path.display()
        ));
    }
    Ok(rulebooks)
}
