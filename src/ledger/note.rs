//! C2SP signed notes (<https://c2sp.org/signed-note>) with Ed25519, so that existing transparency-log tools read ours.

use std::fmt;

use data_encoding::{BASE64, HEXLOWER};
use ed25519_dalek::Signer;

use crate::ledger::hash::Hash;

/// The signature type of plain Ed25519 note signatures.
const ED25519: u8 = 0x01;
/// Notes with more signature lines are refused; the specification asks for 16 at least.
const SIGNATURES_MAX: usize = 64;
/// Longer notes are refused.
const NOTE_MAX: usize = 64 * 1024;

/// Why a note is not to be believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// Not the form of a signed note.
    #[error("not a signed note: {why}")]
    Malformed {
        /// What is wrong.
        why: &'static str,
    },
    /// No line is signed by the key that was asked for.
    #[error(
        "the note has no signature by {key}: it is from another log, or the key is not the right one"
    )]
    NotSigned {
        /// The key's name and id.
        key: String,
    },
    /// The key's signature does not fit the text.
    #[error("the signature by {key} does not fit the note's text: the note was altered or forged")]
    BadSignature {
        /// The key's name and id.
        key: String,
    },
    /// The text is not a checkpoint.
    #[error("the note's text is not a checkpoint: {why}")]
    NotCheckpoint {
        /// What is wrong.
        why: &'static str,
    },
    /// The text is not a signed document.
    #[error("the note's text is not one line of JSON: it is no signed document")]
    NotDocument,
    /// The checkpoint is another log's.
    #[error("the checkpoint is of the log \"{found}\", the key belongs to \"{expected}\"")]
    Origin {
        /// The key's name.
        expected: String,
        /// The checkpoint's origin.
        found: String,
    },
    /// A key that can't be read.
    #[error("not a note key: {why}; the form is name+hexid+base64")]
    Key {
        /// What is wrong.
        why: &'static str,
    },
}

/// A named Ed25519 key that signs notes. Wiped from memory when dropped; `Debug` shows the name only.
pub struct SigningKey {
    key: ed25519_dalek::SigningKey,
    verifying: VerifyingKey,
}

/// A named Ed25519 public key. Its text form is `name+hexid+base64(0x01 || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyingKey {
    name: String,
    key: ed25519_dalek::VerifyingKey,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032).
    ///
    /// # Errors
    /// [`NoteError::Key`] when `name` is empty or holds a space, a plus sign or a control character.
    pub fn new(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        let key = ed25519_dalek::SigningKey::from_bytes(seed);
        let verifying = VerifyingKey::new(name, key.verifying_key())?;
        Ok(Self { key, verifying })
    }

    /// The public half.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// A note: `text`, which ends in a newline and has no control characters, and one signature.
    pub(crate) fn sign_text(&self, text: &str) -> String {
        let mut signature = self.verifying.id().to_vec();
        signature.extend_from_slice(&self.key.sign(text.as_bytes()).to_bytes());
        format!(
            "{text}\n\u{2014} {} {}\n",
            self.verifying.name,
            BASE64.encode(&signature)
        )
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying)
    }
}

impl VerifyingKey {
    fn new(name: &str, key: ed25519_dalek::VerifyingKey) -> Result<Self, NoteError> {
        let unfit = |letter: char| letter == '+' || letter.is_whitespace() || letter.is_control();
        if name.is_empty() || name.contains(unfit) {
            return Err(NoteError::Key {
                why: "a name is not empty and has no spaces, plus signs or control characters",
            });
        }
        Ok(Self {
            name: name.to_owned(),
            key,
        })
    }

    /// Reads the text form.
    ///
    /// # Errors
    /// [`NoteError::Key`], also when the id does not belong to name and key.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let wrong = |why| NoteError::Key { why };
        let (name, rest) = text.split_once('+').ok_or(wrong("no plus sign"))?;
        let (id, key) = rest.split_once('+').ok_or(wrong("only one plus sign"))?;
        let bytes = BASE64
            .decode(key.as_bytes())
            .map_err(|_| wrong("the key is not standard base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(wrong("only Ed25519 keys (type 1) are supported"));
        };
        let key = key
            .try_into()
            .map_err(|_| wrong("an Ed25519 key has 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(key)
            .map_err(|_| wrong("not a point of Ed25519"))?;
        let key = Self::new(name, key)?;
        if id == HEXLOWER.encode(&key.id()) {
            Ok(key)
        } else {
            Err(wrong("the id is not that of name and key"))
        }
    }

    /// The key's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `SHA-256(name || 0x0A || 0x01 || key)[:4]`.
    pub fn id(&self) -> [u8; 4] {
        let mut input = self.name.clone().into_bytes();
        input.extend_from_slice(&[b'\n', ED25519]);
        input.extend_from_slice(self.key.as_bytes());
        let [a, b, c, d, ..] = Hash::of(&input).0;
        [a, b, c, d]
    }

    /// The text of a note, once this key's signature on it is verified. Lines by other keys are ignored.
    pub(crate) fn open_text<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = split_note(note)?;
        let shown = || format!("{}+{}", self.name, HEXLOWER.encode(&self.id()));
        let mut signed = false;
        for line in signatures.lines() {
            let (name, bytes) = signature_line(line)?;
            let Some((id, signature)) = bytes.split_first_chunk::<4>() else {
                return Err(NoteError::Malformed {
                    why: "a signature is shorter than its key id",
                });
            };
            if name != self.name || *id != self.id() {
                continue;
            }
            let fits = ed25519_dalek::Signature::from_slice(signature)
                .and_then(|signature| self.key.verify_strict(text.as_bytes(), &signature));
            fits.map_err(|_| NoteError::BadSignature { key: shown() })?;
            signed = true;
        }
        if signed {
            Ok(text)
        } else {
            Err(NoteError::NotSigned { key: shown() })
        }
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![ED25519];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            HEXLOWER.encode(&self.id()),
            BASE64.encode(&bytes)
        )
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifyingKey({self})")
    }
}

/// Text (with its last newline) and signature lines: the last empty line separates them.
fn split_note(note: &str) -> Result<(&str, &str), NoteError> {
    let malformed = |why| NoteError::Malformed { why };
    if note.len() > NOTE_MAX {
        return Err(malformed("it is longer than 65536 bytes"));
    }
    if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        return Err(malformed("it has control characters"));
    }
    let at = note
        .rfind("\n\n")
        .ok_or(malformed("no empty line before the signatures"))?;
    let (text, signatures) = (
        note.get(..=at).unwrap_or_default(),
        note.get(at + 2..).unwrap_or_default(),
    );
    if signatures.is_empty() || !signatures.ends_with('\n') {
        return Err(malformed("the last signature line does not end"));
    }
    if signatures.lines().count() > SIGNATURES_MAX {
        return Err(malformed("it has more than 64 signatures"));
    }
    Ok((text, signatures))
}

/// Name and decoded bytes of `— name base64`.
fn signature_line(line: &str) -> Result<(&str, Vec<u8>), NoteError> {
    let malformed = NoteError::Malformed {
        why: "a signature line is not: em dash, name, base64",
    };
    let (name, base64) = line
        .strip_prefix("\u{2014} ")
        .and_then(|rest| rest.split_once(' '))
        .filter(|(name, _)| !name.is_empty())
        .ok_or(malformed.clone())?;
    let bytes = BASE64.decode(base64.as_bytes()).map_err(|_| malformed)?;
    Ok((name, bytes))
}
