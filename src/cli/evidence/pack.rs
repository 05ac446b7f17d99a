//! The pack as a folder.
//!
//! ```text
//! README.md       what this is, and how to check it by hand
//! evidence.json   what it is about: customer, moment, question and answer, and what was on record then
//! records.ndjson  the exact lines
//! proofs/N.tlog-proof   that record N is in the ledger of the checkpoint
//! openings.ndjson       sealed fields, opened
//! checkpoint, key       the signed checkpoint, and the key that verifies it
//! rulebook.toml         the rulebook in force
//! verify.py             checks all of it but the answer, without any code of ours
//! ```

use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use serde_json::{Value, json};

use crate::cli::failed::{Failed, folder_of, read, write};

/// The version of the pack's form.
pub const FORMAT: &str = "consent-ledger-evidence-1";

const README: &str = include_str!("README.md");
const VERIFIER: &str = include_str!("verify.py");

/// What a pack holds.
pub struct Pack {
    /// What it is about; see [`FORMAT`].
    pub about: Value,
    /// The exact lines, in the order of positions.
    pub lines: Vec<Vec<u8>>,
    /// A `tlog-proof` for each line.
    pub proofs: Vec<(u64, String)>,
    /// The opened fields.
    pub openings: Vec<Opening>,
    /// The signed checkpoint.
    pub checkpoint: String,
    /// Its key, in its text form.
    pub key: String,
    /// The rulebook's text.
    pub rulebook: String,
}

/// A sealed field, opened.
pub struct Opening {
    /// The record.
    pub position: u64,
    /// The field's name.
    pub field: String,
    /// What was sealed.
    pub text: String,
    /// The salt of its commitment.
    pub salt: [u8; 32],
}

impl Opening {
    fn to_json(&self) -> Value {
        json!({
            "position": self.position, "field": self.field, "text": self.text,
            "salt": HEXLOWER.encode(&self.salt),
        })
    }

    fn from_json(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str();
        Some(Self {
            position: value.get("position")?.as_u64()?,
            field: text("field")?.to_owned(),
            text: text("text")?.to_owned(),
            // Exactly so long: what is moved between salt and text has the same commitment.
            salt: HEXLOWER
                .decode(text("salt")?.as_bytes())
                .ok()?
                .try_into()
                .ok()?,
        })
    }
}

impl Pack {
    /// Writes the pack into a new folder, for its owner alone; it has its name only when it is whole.
    pub fn write(&self, dir: &Path) -> Result<(), Failed> {
        let unmade = |error| Failed::unreachable(format!("{}: {error}", dir.display()));
        let beside = tempfile::Builder::new()
            .prefix(".evidence-")
            .tempdir_in(folder_of(dir))
            .map_err(unmade)?;
        self.write_into(beside.path())?;
        std::fs::rename(beside.path(), dir).map_err(unmade)?;
        // It has another name now: there is nothing to remove.
        let _renamed = beside.keep();
        Ok(())
    }

    fn write_into(&self, dir: &Path) -> Result<(), Failed> {
        let unmade = |error| Failed::unreachable(format!("{}: {error}", dir.display()));
        std::fs::create_dir(dir.join("proofs")).map_err(unmade)?;
        let mut lines = self.lines.join(&b'\n');
        lines.push(b'\n');
        write(&dir.join("records.ndjson"), &lines)?;
        for (position, proof) in &self.proofs {
            write(&proof_file(dir, *position), proof.as_bytes())?;
        }
        let openings = self.openings.iter();
        let openings: String = openings
            .map(|opening| format!("{}\n", opening.to_json()))
            .collect();
        for (name, text) in [
            ("openings.ndjson", openings.as_str()),
            ("checkpoint", &self.checkpoint),
            ("key", &format!("{}\n", self.key)),
            ("rulebook.toml", &self.rulebook),
            ("README.md", README),
            ("verify.py", VERIFIER),
            ("evidence.json", &format!("{:#}\n", self.about)),
        ] {
            write(&dir.join(name), text.as_bytes())?;
        }
        Ok(())
    }

    /// Reads a pack; nothing of it is checked but that it has its form.
    pub fn read(dir: &Path) -> Result<Self, Failed> {
        let text = |name: &str| {
            let bytes = read(&dir.join(name))?;
            String::from_utf8(bytes).map_err(|error| Failed::wrong(format!("{name}: {error}")))
        };
        let about: Value = serde_json::from_str(&text("evidence.json")?)
            .map_err(|error| Failed::wrong(format!("evidence.json: {error}")))?;
        if about.get("format").and_then(Value::as_str) != Some(FORMAT) {
            return Err(Failed::wrong(format!(
                "evidence.json is not of the form {FORMAT}"
            )));
        }
        let records = read(&dir.join("records.ndjson"))?;
        let lines = records.strip_suffix(b"\n").unwrap_or(&records);
        let lines: Vec<Vec<u8>> = lines
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        let mut proofs = Vec::with_capacity(lines.len());
        for line in &lines {
            let envelope = crate::ledger::Envelope::parse(line)
                .map_err(|error| Failed::wrong(format!("records.ndjson: {error}")))?;
            let file = proof_file(dir, envelope.position);
            let proof = String::from_utf8(read(&file)?);
            let proof =
                proof.map_err(|error| Failed::wrong(format!("{}: {error}", file.display())))?;
            proofs.push((envelope.position, proof));
        }
        let openings = text("openings.ndjson")?;
        let openings = (openings.split('\n').filter(|line| !line.is_empty()))
            .map(|line| Opening::from_json(&serde_json::from_str(line).ok()?))
            .collect::<Option<_>>()
            .ok_or_else(|| Failed::wrong("openings.ndjson: a line is no opening"))?;
        Ok(Self {
            about,
            lines,
            proofs,
            openings,
            checkpoint: text("checkpoint")?,
            key: text("key")?.trim().to_owned(),
            rulebook: text("rulebook.toml")?,
        })
    }
}

fn proof_file(dir: &Path, position: u64) -> PathBuf {
    dir.join("proofs").join(format!("{position}.tlog-proof"))
}
