//! Signed documents: one line of JSON in a C2SP signed note, by the ledger's checkpoint key.
//!
//! What is signed are the exact bytes of the line and its newline, so that there is no canonical form to get wrong: whoever
//! checks it takes the bytes before the empty line. A document begins with `{` and is one line; a checkpoint has three and
//! names its origin first, so that neither passes for the other.

use super::note::{NoteError, SigningKey, VerifyingKey};

/// Signs a document: `json` on one line, without control characters.
///
/// # Errors
/// [`NoteError::NotDocument`] when it isn't.
pub fn sign_document(json: &str, key: &SigningKey) -> Result<String, NoteError> {
    require_document(json)?;
    Ok(key.sign_text(&format!("{json}\n")))
}

/// The JSON of a signed document, once `key`'s signature on it is verified.
///
/// # Errors
/// [`NoteError`]: malformed, not signed by `key`, badly signed, or no document.
pub fn open_document<'a>(note: &'a str, key: &VerifyingKey) -> Result<&'a str, NoteError> {
    let text = key.open_text(note)?;
    let json = text.strip_suffix('\n').unwrap_or(text);
    require_document(json)?;
    Ok(json)
}

fn require_document(json: &str) -> Result<(), NoteError> {
    let one_line = !json.contains(|letter: char| letter.is_control());
    match one_line && json.starts_with('{') && json.ends_with('}') {
        true => Ok(()),
        false => Err(NoteError::NotDocument),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fixture::{ORIGIN, signing_key};
    use crate::ledger::{Checkpoint, Hash, open, sign};

    #[test]
    fn c8_a_signed_document_is_read_back_and_any_altered_byte_is_found() {
        let key = signing_key();
        let json = "{\"purpose\":\"marketing \u{2014} local\"}";
        let note = sign_document(json, &key).unwrap();
        assert_eq!(open_document(&note, key.verifying_key()), Ok(json));
        for at in 0..json.len() {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1;
            if let Ok(altered) = String::from_utf8(bytes) {
                assert!(
                    open_document(&altered, key.verifying_key()).is_err(),
                    "{at}"
                );
            }
        }
    }

    #[test]
    fn c8_a_checkpoint_is_no_document_and_a_document_no_checkpoint() {
        let key = signing_key();
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 7,
            root: Hash::of(b"root"),
        };
        let note = sign(&checkpoint, &key);
        assert_eq!(
            open_document(&note, key.verifying_key()),
            Err(NoteError::NotDocument)
        );
        let document = sign_document("{}", &key).unwrap();
        assert!(open(&document, key.verifying_key()).is_err());
        for text in ["", "[]", "{\n}", "{}\n", "{\t}", "name"] {
            assert_eq!(
                sign_document(text, &key),
                Err(NoteError::NotDocument),
                "{text:?}"
            );
        }
    }
}
