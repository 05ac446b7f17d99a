//! SHA-256 as RFC 6962 uses it: leaves and inner nodes can't be taken for one another, because each hashes under its
//! own first byte. A record's hash in the chain and its leaf in the tree are the same number, computed once.

use std::fmt;

use sha2::{Digest, Sha256, compress256};

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
    Hash(Sha256::digest(node_input(left, right)).into())
}

/// The hashes of two inputs (prefix included, unlike in [`leaf_hash`]).
///
/// One SHA-256 block has to wait for the one before it, so that a core is idle half the time. Taking the blocks of two
/// inputs in turn fills the gaps.
pub(crate) fn hash_two(a: &[u8], b: &[u8]) -> [Hash; 2] {
    let (full_a, rest_a) = a.as_chunks::<64>();
    let (full_b, rest_b) = b.as_chunks::<64>();
    let (mut state_a, mut state_b) = (INITIAL, INITIAL);
    let both = full_a.len().min(full_b.len());
    for (block_a, block_b) in full_a.iter().zip(full_b) {
        compress(&mut state_a, block_a);
        compress(&mut state_b, block_b);
    }
    full_a
        .iter()
        .skip(both)
        .for_each(|block| compress(&mut state_a, block));
    full_b
        .iter()
        .skip(both)
        .for_each(|block| compress(&mut state_b, block));
    let ([first_a, second_a], long_a) = padded(rest_a, a.len());
    let ([first_b, second_b], long_b) = padded(rest_b, b.len());
    compress(&mut state_a, &first_a);
    compress(&mut state_b, &first_b);
    if long_a {
        compress(&mut state_a, &second_a);
    }
    if long_b {
        compress(&mut state_b, &second_b);
    }
    [digest(&state_a), digest(&state_b)]
}

/// [`node_hash`] of two pairs.
pub(crate) fn node_hash_two(a: [&Hash; 2], b: [&Hash; 2]) -> [Hash; 2] {
    let (input_a, input_b) = (node_input(a[0], a[1]), node_input(b[0], b[1]));
    hash_two(&input_a, &input_b)
}

fn node_input(left: &Hash, right: &Hash) -> [u8; 65] {
    let mut input = [NODE_PREFIX; 65];
    let [_, rest @ ..] = &mut input;
    rest[..32].copy_from_slice(&left.0);
    rest[32..].copy_from_slice(&right.0);
    input
}

/// The state before the first block (FIPS 180-4 §5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    compress256(state, std::slice::from_ref(block.into()));
}

/// The end of an input of `len` bytes, of which `rest` (less than 64) are left: padding and length in bits (FIPS 180-4
/// §5.1.1), and whether they take two blocks.
fn padded(rest: &[u8], len: usize) -> ([[u8; 64]; 2], bool) {
    let mut blocks = [[0; 64]; 2];
    let long = rest.len() >= 56;
    let bytes = blocks.as_flattened_mut();
    bytes[..rest.len()].copy_from_slice(rest);
    bytes[rest.len()] = 0x80;
    let end = if long { 128 } else { 64 };
    bytes[end - 8..end].copy_from_slice(&(len as u64 * 8).to_be_bytes());
    (blocks, long)
}

fn digest(state: &[u32; 8]) -> Hash {
    let mut hash = Hash::ZERO;
    for (bytes, word) in hash.0.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
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

/// Whether all bytes are lower-case hex digits. Looks at each, so that it vectorises.
pub(crate) fn are_hex(digits: &[u8]) -> bool {
    digits.iter().fold(true, |all, digit| {
        all & (digit.is_ascii_digit() | matches!(digit, b'a'..=b'f'))
    })
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
    // No lane reaches 256, so that nothing is carried into the next and nothing wraps.
    let nibbles = (text & (0x0f * ONES)).wrapping_add(letters.wrapping_mul(9));
    let above_nine = (nibbles.wrapping_add(6 * ONES) >> 4) & ONES;
    let digits = nibbles.wrapping_add(0x30 * ONES);
    let again = digits.wrapping_add(above_nine.wrapping_mul(0x27));
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

    #[test]
    fn two_at_a_time_hash_as_one_at_a_time() {
        let bytes: Vec<u8> = (0..400).map(|n| n as u8).collect();
        for len in 0..200 {
            for other in [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 128, 399] {
                let (a, b) = (&bytes[..len], &bytes[1..=other]);
                assert_eq!(hash_two(a, b), [Hash::of(a), Hash::of(b)], "{len} {other}");
            }
        }
        let [a, b, c, d] = [b"a", b"b", b"c", b"d"].map(|text| Hash::of(text));
        assert_eq!(
            node_hash_two([&a, &b], [&c, &d]),
            [node_hash(&a, &b), node_hash(&c, &d)]
        );
    }
}
