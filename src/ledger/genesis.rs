//! What position 0 (`ledger.opened.v1`) says in its `data`: which ledger this is and what checks it.

use crate::ledger::{
    hash::Hash,
    note::{NoteError, VerifyingKey},
    record::{
        LineError,
        json::Scanner,
        write::{push_integer, push_quoted_hex, push_string},
    },
};

/// The data of the record at position 0. The JSON has the fields in this order, with `hash` after `format`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Genesis {
    /// The ledger's random id.
    pub ledger: [u8; 16],
    /// The origin of its checkpoints, which is their key's name.
    pub origin: String,
    /// The version of the record format: 1.
    pub format: u32,
    /// The public key of its checkpoints, in note form ([`VerifyingKey`]).
    pub checkpoint_key: String,
    /// The rulebook in force from the start.
    pub rulebook: Rulebook,
}

/// A rulebook by name, version and the digest of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rulebook {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its text.
    pub digest: Hash,
}

/// Why a ledger can't be read from its first record on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// Not the fixed form.
    #[error("the data of ledger.opened.v1 is malformed: {0}")]
    Malformed(#[from] LineError),
    /// A later format.
    #[error("the ledger has format {found}, this program reads format 1: use a newer program")]
    Format {
        /// The ledger's format.
        found: u64,
    },
    /// A key that can't be read.
    #[error("the checkpoint key of ledger.opened.v1: {0}")]
    Key(#[from] NoteError),
    /// A key of another name.
    #[error(
        "the checkpoint key is named \"{key}\", the ledger's origin is \"{origin}\": they must be the same"
    )]
    KeyName {
        /// The key's name.
        key: String,
        /// The origin.
        origin: String,
    },
}

impl Genesis {
    /// The event's name.
    pub const KIND: &'static str = "ledger.opened.v1";
    /// The format that this code reads and writes.
    pub const FORMAT: u32 = 1;

    /// The `data` of the record.
    pub fn to_json(&self) -> String {
        let mut out = b"{\"ledger\":".to_vec();
        push_quoted_hex(&self.ledger, &mut out);
        out.extend_from_slice(b",\"origin\":");
        push_string(&self.origin, &mut out);
        out.extend_from_slice(b",\"format\":");
        push_integer(u64::from(self.format), &mut out);
        out.extend_from_slice(b",\"hash\":\"sha256\",\"checkpoint_key\":");
        push_string(&self.checkpoint_key, &mut out);
        out.extend_from_slice(b",\"rulebook\":{\"name\":");
        push_string(&self.rulebook.name, &mut out);
        out.extend_from_slice(b",\"version\":");
        push_string(&self.rulebook.version, &mut out);
        out.extend_from_slice(b",\"digest\":");
        push_quoted_hex(&self.rulebook.digest.0, &mut out);
        out.extend_from_slice(b"}}");
        String::from_utf8_lossy(&out).into_owned()
    }

    /// Reads the `data` of the record, strictly.
    ///
    /// # Errors
    /// [`GenesisError`]; a later format is told apart, so that the message can say so.
    pub fn parse(data: &str) -> Result<Self, GenesisError> {
        let mut at = Scanner::new(data);
        at.literal("{\"ledger\":")?;
        let ledger = at.hex("32 hex digits")?;
        at.literal(",\"origin\":")?;
        let origin = at.string()?.into_owned();
        at.literal(",\"format\":")?;
        let found = at.integer(1)?;
        if found != u64::from(Self::FORMAT) {
            return Err(GenesisError::Format { found });
        }
        at.literal(",\"hash\":\"sha256\",\"checkpoint_key\":")?;
        let checkpoint_key = at.string()?.into_owned();
        at.literal(",\"rulebook\":{\"name\":")?;
        let name = at.string()?.into_owned();
        at.literal(",\"version\":")?;
        let version = at.string()?.into_owned();
        at.literal(",\"digest\":")?;
        let digest = Hash(at.hex("64 hex digits")?);
        at.literal("}}")?;
        at.end()?;
        let key = VerifyingKey::parse(&checkpoint_key)?;
        if key.name() != origin {
            return Err(GenesisError::KeyName {
                key: key.name().to_owned(),
                origin,
            });
        }
        let rulebook = Rulebook {
            name,
            version,
            digest,
        };
        Ok(Self {
            ledger,
            origin,
            format: Self::FORMAT,
            checkpoint_key,
            rulebook,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixture::genesis;

    #[test]
    fn e1_the_opening_survives_its_json() {
        let genesis = genesis();
        let json = genesis.to_json();
        assert_eq!(crate::ledger::check_data(&json), Ok(()));
        assert_eq!(Genesis::parse(&json), Ok(genesis));
        assert!(json.starts_with(r#"{"ledger":"abababababababababababababababab","origin":"ledger.example/consent","format":1,"hash":"sha256","checkpoint_key":"ledger.example/consent+"#));
    }

    #[test]
    fn e1_an_opening_that_can_not_be_relied_on_is_refused() {
        let json = genesis().to_json();
        let refusal = |from: &str, to: &str| {
            assert!(json.contains(from));
            Genesis::parse(&json.replacen(from, to, 1)).unwrap_err()
        };
        assert_eq!(
            refusal("\"format\":1", "\"format\":2"),
            GenesisError::Format { found: 2 }
        );
        assert!(matches!(
            refusal("sha256", "sha512"),
            GenesisError::Malformed(_)
        ));
        assert!(matches!(
            refusal("}}", "},\"more\":1}"),
            GenesisError::Malformed(_)
        ));
        assert!(matches!(
            refusal("abab", "ABAB"),
            GenesisError::Malformed(_)
        ));
        assert!(matches!(
            refusal("\"checkpoint_key\":\"ledger", "\"checkpoint_key\":\"edger"),
            GenesisError::Key(_)
        ));
        assert!(matches!(
            refusal("\"origin\":\"l", "\"origin\":\"L"),
            GenesisError::KeyName { .. }
        ));
    }
}
