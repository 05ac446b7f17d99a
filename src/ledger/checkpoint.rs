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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixture::{ORIGIN, signing_key};

    fn checkpoint() -> Checkpoint {
        Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 20_852_163,
            root: Hash::of(b"root"),
        }
    }

    #[test]
    fn e2_a_checkpoint_survives_its_note() {
        let (key, checkpoint) = (signing_key(), checkpoint());
        let note = sign(&checkpoint, &key);
        assert!(
            note.starts_with("ledger.example/consent\n20852163\nSBNJT"),
            "{note}"
        );
        assert!(note.contains("=\n\n\u{2014} ledger.example/consent "));
        assert_eq!(open(&note, key.verifying_key()), Ok(checkpoint));
    }

    #[test]
    fn e2_a_key_is_read_back_from_its_text() {
        let key = signing_key();
        let text = key.verifying_key().to_string();
        assert_eq!(VerifyingKey::parse(&text).as_ref(), Ok(key.verifying_key()));
        for wrong in [
            text.replace("consent", "other"),
            text.replace('+', " "),
            text.to_uppercase(),
            text[..text.len() - 1].to_owned(),
            text.replacen('+', "+0", 1),
            "name".to_owned(),
            "name+00000000+AQ==".to_owned(),
            String::new(),
        ] {
            assert!(
                matches!(VerifyingKey::parse(&wrong), Err(NoteError::Key { .. })),
                "{wrong}"
            );
        }
        assert!(!format!("{key:?}").contains("0707"));
        for name in ["", "a b", "a+b", "a\nb", "a\u{a0}b"] {
            assert!(SigningKey::new(name, &[7; 32]).is_err());
        }
    }

    /// The key and signature of the examples in golang.org/x/mod/sumdb/note, which defined the format.
    #[test]
    fn e2_notes_are_signed_as_other_implementations_sign_them() {
        let seed = BASE64
            .decode(b"AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")
            .unwrap();
        let key = SigningKey::new("PeterNeumann", &seed[1..].try_into().unwrap()).unwrap();
        let shown = key.verifying_key().to_string();
        assert_eq!(
            shown,
            "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        );
        let text = "If you think cryptography is the answer to your problem,\n\
                    then you don't know what your problem is.\n";
        let note = key.sign_text(text);
        let signature = "\u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        assert_eq!(note, format!("{text}\n{signature}"));
        assert_eq!(key.verifying_key().open_text(&note), Ok(text));
    }

    #[test]
    fn e2_any_altered_byte_of_a_note_is_found() {
        let key = signing_key();
        let note = sign(&checkpoint(), &key);
        for at in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[at] ^= 1 << bit;
                if let Ok(altered) = String::from_utf8(bytes) {
                    assert!(
                        open(&altered, key.verifying_key()).is_err(),
                        "byte {at}, bit {bit}"
                    );
                }
            }
            if note.is_char_boundary(at) {
                assert!(
                    open(&note[..at], key.verifying_key()).is_err(),
                    "cut at {at}"
                );
            }
        }
    }

    #[test]
    fn e6_signatures_by_unknown_keys_are_ignored_but_never_enough() {
        let key = signing_key();
        let witness = SigningKey::new("witness.example/w1", &[9; 32]).unwrap();
        let same_name = SigningKey::new(ORIGIN, &[8; 32]).unwrap();
        let checkpoint = checkpoint();
        let mut note = sign(&checkpoint, &witness);
        let unsigned = open(&note, key.verifying_key());
        assert!(matches!(unsigned, Err(NoteError::NotSigned { .. })));
        for signer in [&same_name, &key] {
            let signed = sign(&checkpoint, signer);
            note.push_str(signed.rsplit("\n\n").next().unwrap());
        }
        assert_eq!(open(&note, key.verifying_key()), Ok(checkpoint));
    }

    #[test]
    fn e2_what_is_signed_and_yet_no_checkpoint_of_ours_is_refused() {
        let key = signing_key();
        let root = BASE64.encode(&[1; 32]);
        for (text, fits) in [
            (format!("{ORIGIN}\n0\n{root}\n"), true),
            (format!("{ORIGIN}\n5\n{root}\nextension\n"), true),
            (format!("other.example\n5\n{root}\n"), false),
            (format!("\n5\n{root}\n"), false),
            (format!("{ORIGIN}\n05\n{root}\n"), false),
            (format!("{ORIGIN}\n+5\n{root}\n"), false),
            (format!("{ORIGIN}\n-5\n{root}\n"), false),
            (format!("{ORIGIN}\n18446744073709551616\n{root}\n"), false),
            (
                format!("{ORIGIN}\n5\n{}\n", root.trim_end_matches('=')),
                false,
            ),
            (format!("{ORIGIN}\n5\n{}\n", BASE64.encode(&[1; 31])), false),
            (format!("{ORIGIN}\n5\n"), false),
            (format!("{ORIGIN}\n5\n{root}\n\nextension\n"), false),
        ] {
            let opened = open(&key.sign_text(&text), key.verifying_key());
            assert_eq!(opened.is_ok(), fits, "{text} {opened:?}");
        }
    }

    #[test]
    fn e2_a_note_with_too_much_in_it_is_refused() {
        let key = signing_key();
        let note = sign(&checkpoint(), &key);
        let line = note.rsplit("\n\n").next().unwrap();
        let crowded = note.clone() + &line.repeat(64);
        assert!(matches!(
            open(&crowded, key.verifying_key()),
            Err(NoteError::Malformed { .. })
        ));
        let long = "x".repeat(70_000) + &note;
        assert!(matches!(
            open(&long, key.verifying_key()),
            Err(NoteError::Malformed { .. })
        ));
        for bad in [
            "\u{2014} name\n",
            "- name AAAAAAAA\n",
            "\u{2014} name AAA=\n",
            "\u{2014}  AAAAAAAA\n",
            "no line",
        ] {
            assert!(
                open(&(note.clone() + bad), key.verifying_key()).is_err(),
                "{bad}"
            );
        }
    }
}
