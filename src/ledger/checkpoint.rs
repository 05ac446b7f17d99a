//! The checkpoint: how long the ledger is and what its root is, as a C2SP `tlog-checkpoint`
//! (<https://c2sp.org/tlog-checkpoint>) in a signed note. Whoever holds one can tell a shorter or a different ledger.

use data_encoding::BASE64;

use crate::ledger::{
    hash::Hash,
    note::{NoteError, SigningKey, VerifyingKey},
};

/// Size and root of one ledger at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The ledger's name, the same as its key's.
    pub origin: String,
    /// Records, from position 0.
    pub size: u64,
    /// The Merkle root over them.
    pub root: Hash,
}

impl Checkpoint {
    /// The note's text: origin, size and root on three lines.
    pub fn to_text(&self) -> String {
        format!(
            "{}\n{}\n{}\n",
            self.origin,
            self.size,
            BASE64.encode(&self.root.0)
        )
    }

    /// Reads a note's text. Extension lines are allowed and ignored.
    ///
    /// # Errors
    /// [`NoteError::NotCheckpoint`] names the line.
    pub fn from_text(text: &str) -> Result<Self, NoteError> {
        let wrong = |why| NoteError::NotCheckpoint { why };
        let body = text
            .strip_suffix('\n')
            .ok_or(wrong("it does not end in a newline"))?;
        let mut lines = body.split('\n');
        let origin = lines
            .next()
            .filter(|origin| !origin.is_empty())
            .ok_or(wrong("no origin"))?;
        let size = lines
            .next()
            .and_then(decimal)
            .ok_or(wrong("the second line is not a size"))?;
        let root = lines
            .next()
            .and_then(root)
            .ok_or(wrong("the third line is not a base64 root of 32 bytes"))?;
        if lines.any(str::is_empty) {
            return Err(wrong("an extension line is empty"));
        }
        Ok(Self {
            origin: origin.to_owned(),
            size,
            root,
        })
    }
}

/// Signs a checkpoint. `checkpoint.origin` is `key`'s name, or [`open`] will refuse the note.
pub fn sign(checkpoint: &Checkpoint, key: &SigningKey) -> String {
    key.sign_text(&checkpoint.to_text())
}

/// Reads a checkpoint once `key`'s signature on it is verified.
///
/// # Errors
/// [`NoteError`]: malformed, not signed by `key`, badly signed, or another log's.
pub fn open(note: &str, key: &VerifyingKey) -> Result<Checkpoint, NoteError> {
    let checkpoint = Checkpoint::from_text(key.open_text(note)?)?;
    if checkpoint.origin != key.name() {
        return Err(NoteError::Origin {
            expected: key.name().to_owned(),
            found: checkpoint.origin,
        });
    }
    Ok(checkpoint)
}

/// A decimal number without sign or leading zeros.
fn decimal(text: &str) -> Option<u64> {
    let number = text.parse().ok()?;
    (u64::to_string(&number) == text).then_some(number)
}

fn root(text: &str) -> Option<Hash> {
    BASE64
        .decode(text.as_bytes())
        .ok()?
        .try_into()
        .ok()
        .map(Hash)
}
