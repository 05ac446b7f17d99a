//! SHA-256 as RFC 6962 uses it: leaves and inner nodes can't be taken for one another, because each hashes under its
//! own first byte. A record's hash in the chain and its leaf in the tree are the same number, computed once.

use std::fmt;

use sha2::{Digest, Sha256};

/// A SHA-256 digest; shown and read as 64 lower-case hex digits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash(pub [u8; 32]);

const LEAF_PREFIX: u8 = 0x00;
const NODE_PREFIX: u8 = 0x01;

impl Hash {
    /// What the record at position 0 carries in `prev`.
    pub const ZERO: Hash = Hash([0; 32]);

    /// SHA-256 of `bytes` as they are, without a prefix: digests of files, and the root of an empty tree.
    pub fn of(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }

    /// Reads 64 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Hash> {
        let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
        parse_hex(digits).map(Hash)
    }

    /// The 64 hex digits as bytes.
    pub fn to_hex(&self) -> [u8; 64] {
        let mut digits = [0; 64];
        fill_hex(&self.0, &mut digits);
        digits
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_hex()
            .iter()
            .try_for_each(|digit| fmt::Write::write_char(f, char::from(*digit)))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

/// `SHA-256(0x00 || line)`: a record's hash in the chain, and its leaf in the tree (RFC 6962 §2.1).
pub fn leaf_hash(line: &[u8]) -> Hash {
    Hash(
        Sha256::new()
            .chain_update([LEAF_PREFIX])
            .chain_update(line)
            .finalize()
            .into(),
    )
}

/// `SHA-256(0x01 || left || right)`: an inner node of the tree (RFC 6962 §2.1).
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut input = [NODE_PREFIX; 65];
    let [_, rest @ ..] = &mut input;
    rest[..32].copy_from_slice(&left.0);
    rest[32..].copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

/// Writes `bytes` as lower-case hex digits; `digits` has room for two a byte. No table, so that it vectorises.
pub(crate) fn fill_hex(bytes: &[u8], digits: &mut [u8]) {
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        if let [high, low] = pair {
            *high = hex_digit(byte >> 4);
            *low = hex_digit(byte & 15);
        }
    }
}

/// Appends `bytes` as lower-case hex digits.
pub(crate) fn push_hex(bytes: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + 2 * bytes.len(), 0);
    fill_hex(bytes, &mut out[start..]);
}

/// Reads `2 * N` lower-case hex digits, `N` a multiple of 4; `None` for any other length, case or letter.
pub(crate) fn parse_hex<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let (groups, rest) = digits.as_chunks::<8>();
    if groups.len() * 4 != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    let mut wrong = 0;
    for (four, group) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(groups) {
        let (value, difference) = eight_digits(u64::from_le_bytes(*group));
        *four = value.to_le_bytes();
        wrong |= difference;
    }
    (wrong == 0).then_some(bytes)
}

fn hex_digit(nibble: u8) -> u8 {
    nibble + b'0' + if nibble > 9 { b'a' - b'0' - 10 } else { 0 }
}

/// Four bytes from eight hex digits, all at once in the lanes of a word, and zero if the digits were what writing the
/// bytes again would give. Every line of a ledger carries a hundred such digits.
fn eight_digits(text: u64) -> (u32, u64) {
    const ONES: u64 = 0x0101_0101_0101_0101;
    // A letter has bit 6 set and the low bits 1 to 6, a digit has its value in the low bits.
    let letters = (text >> 6) & ONES;
    let nibbles = (text & (0x0f * ONES)) + 9 * letters;
    let above_nine = ((nibbles + 6 * ONES) >> 4) & ONES;
    let again = nibbles + u64::from(b'0') * ONES + 0x27 * above_nine;
    let wrong = (nibbles & (0xf0 * ONES)) | (again ^ text);
    // The first digit of a pair is the high half of its byte and stands in the lower lane.
    let pairs = ((nibbles << 4) | (nibbles >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs | (pairs >> 8)) & 0x0000_ffff_0000_ffff;
    ((fours | (fours >> 16)) as u32, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_and_nodes_hash_as_in_rfc_6962() {
        assert_eq!(
            leaf_hash(b"").to_string(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
        );
        assert_eq!(
            leaf_hash(b"L123456").to_string(),
            "395aa064aa4c29f7010acfe3f25db9485bbd4b91897b6ad7ad547639252b4d56"
        );
        let (left, right) = (Hash::of(b"N123"), Hash::of(b"N456"));
        let mut input = vec![1];
        input.extend_from_slice(&left.0);
        input.extend_from_slice(&right.0);
        assert_eq!(node_hash(&left, &right), Hash::of(&input));
    }

    #[test]
    fn hex_is_read_back_and_only_in_lower_case() {
        let hash = Hash::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert_eq!(Hash::parse(text), Some(hash));
        assert_eq!(Hash::parse(&text.to_uppercase()), None);
        assert_eq!(Hash::parse(&text[1..]), None);
        for at in 0..64 {
            for letter in ["/", ":", "@", "G", "`", "g"] {
                let mut wrong = text.to_owned();
                wrong.replace_range(at..=at, letter);
                assert_eq!(Hash::parse(&wrong), None, "{wrong}");
            }
        }
    }
}
