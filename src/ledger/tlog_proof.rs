//! Inclusion proofs as files: C2SP `tlog-proof` (<https://c2sp.org/tlog-proof>), which programs of others read.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! index 4
//! <a hash of the path in base64, a line each>
//!
//! <the signed checkpoint, as it is>
//! ```

use data_encoding::BASE64;

use super::checkpoint::{Checkpoint, open};
use super::hash::{Hash, leaf_hash};
use super::note::{NoteError, VerifyingKey};
use super::proof::InclusionProof;

const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// The longest path of a tree of 2^63 leaves.
const PATH_MAX: usize = 63;

/// Why a `tlog-proof` proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The text isn't one.
    #[error("not a tlog-proof: {why}")]
    Malformed {
        /// What is wrong.
        why: &'static str,
    },
    /// Its checkpoint isn't the ledger's.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// The record isn't at that position of that ledger.
    #[error("the record is not at position {index} of the ledger that the checkpoint signs")]
    NotIncluded {
        /// The position that the proof is for.
        index: u64,
    },
}

/// Writes the proof; `checkpoint` is the signed note for the proof's size.
pub fn write_tlog_proof(proof: &InclusionProof, checkpoint: &str) -> String {
    let mut text = format!("{HEADER}\nindex {}\n", proof.index);
    for hash in &proof.path {
        text.push_str(&BASE64.encode(&hash.0));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint);
    text
}

/// Checks a `tlog-proof` of the record whose exact line this is: gives its position and the checkpoint that covers it.
///
/// # Errors
/// [`ProofError`]: malformed, not signed by `key`, or of another record.
pub fn open_tlog_proof(
    text: &str,
    line: &[u8],
    key: &VerifyingKey,
) -> Result<(u64, Checkpoint), ProofError> {
    let malformed = |why| ProofError::Malformed { why };
    let (head, note) = text
        .split_once("\n\n")
        .ok_or_else(|| malformed("it has no empty line before the checkpoint"))?;
    let mut lines = head.split('\n').peekable();
    if lines.next() != Some(HEADER) {
        return Err(malformed("the first line isn't `c2sp.org/tlog-proof@v1`"));
    }
    // Extra data are nothing that the proof vouches for.
    let _extra = lines.next_if(|line| line.starts_with("extra "));
    let index = lines
        .next()
        .and_then(|line| line.strip_prefix("index "))
        .and_then(|number| {
            number
                .parse()
                .ok()
                .filter(|index: &u64| index.to_string() == number)
        })
        .ok_or_else(|| malformed("it names no index"))?;
    let path = lines.map(hash).collect::<Option<Vec<_>>>();
    let path = path
        .filter(|path| path.len() <= PATH_MAX)
        .ok_or_else(|| malformed("a line of its path isn't a hash of 32 bytes in base64"))?;
    let checkpoint = open(note, key)?;
    let proof = InclusionProof {
        index,
        size: checkpoint.size,
        path,
    };
    match proof.root(leaf_hash(line)) {
        Some(root) if root == checkpoint.root => Ok((index, checkpoint)),
        _ => Err(ProofError::NotIncluded { index }),
    }
}

fn hash(text: &str) -> Option<Hash> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok().map(Hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::checkpoint::sign;
    use crate::ledger::fixture::{ORIGIN, signing_key};
    use crate::ledger::hash::node_hash;

    fn two_records() -> (String, [&'static [u8]; 2]) {
        let lines: [&[u8]; 2] = [b"first", b"second"];
        let leaves = lines.map(leaf_hash);
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: 2,
            root: node_hash(&leaves[0], &leaves[1]),
        };
        let proof = InclusionProof {
            index: 1,
            size: 2,
            path: vec![leaves[0]],
        };
        let text = write_tlog_proof(&proof, &sign(&checkpoint, &signing_key()));
        (text, lines)
    }

    #[test]
    fn e3_a_tlog_proof_is_read_back_and_proves_its_record_alone() {
        let (text, [first, second]) = two_records();
        let key = signing_key();
        let begin = "c2sp.org/tlog-proof@v1\nindex 1\n";
        assert!(text.starts_with(begin), "{text}");
        let (index, checkpoint) = open_tlog_proof(&text, second, key.verifying_key()).unwrap();
        assert_eq!((index, checkpoint.size), (1, 2));
        let other = open_tlog_proof(&text, first, key.verifying_key());
        assert_eq!(other, Err(ProofError::NotIncluded { index: 1 }));
        let extra = text.replace("index", "extra aGk=\nindex");
        assert!(open_tlog_proof(&extra, second, key.verifying_key()).is_ok());
    }

    #[test]
    fn e3_an_altered_tlog_proof_proves_nothing() {
        let (text, [_, second]) = two_records();
        let key = signing_key();
        for at in 0..text.len() {
            for bit in [1, 0x20] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= bit;
                let Ok(altered) = String::from_utf8(bytes) else {
                    continue;
                };
                let found = open_tlog_proof(&altered, second, key.verifying_key());
                assert!(found.is_err(), "byte {at}: {altered}");
            }
        }
        for cut in 0..text.len() {
            let cut = text.get(..cut).unwrap_or_default();
            assert!(open_tlog_proof(cut, second, key.verifying_key()).is_err());
        }
    }
}
