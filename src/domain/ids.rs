//! Identities that the rules handle: positions, pseudonyms, tokens, named entities, personal text.

use std::fmt;
use std::hash::Hasher;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroize;

/// A place in the ledger: 0 is the genesis record, each record takes the next number (C1, E1).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Position(pub u64);

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A customer as the ledger knows one: 16 random bytes, mapped to the account only by the vault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub [u8; 16]);

/// A keyed digest of an identifier from outside (a call, a person, a request): comparable, not readable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub [u8; 16]);

/// Hashes ids that are random, or keyed digests: eight of their own bytes are as good as any hash of them, and nobody
/// outside can choose them.
#[derive(Clone, Debug, Default)]
pub struct RandomId(u64);

impl Hasher for RandomId {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(last) = bytes.last_chunk::<8>() {
            self.0 ^= u64::from_le_bytes(*last);
        }
    }

    fn write_usize(&mut self, _length: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// How many of `total` random ids each of `parts` has to hold, so that no part is too small for those that fall to it: four
/// standard deviations above its share.
pub fn room_of_part(total: usize, parts: usize) -> usize {
    let share = total.div_ceil(parts.max(1));
    share.saturating_add(share.isqrt().saturating_mul(4))
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// A SHA-256 digest of something outside the ledger: a document, a recording, a list.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest(pub [u8; 32]);

macro_rules! bytes_as_hex {
    ($name:ident, $bytes:literal, $digits:literal) => {
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut digits = [0; $digits];
                for (pair, byte) in digits.as_chunks_mut::<2>().0.iter_mut().zip(self.0) {
                    *pair = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                }
                f.pad(std::str::from_utf8(&digits).unwrap_or_default())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl $name {
            /// Reads lower-case hex digits, two a byte; `None` for anything else.
            pub fn parse(text: &str) -> Option<Self> {
                let digits: &[u8; $digits] = text.as_bytes().try_into().ok()?;
                let mut bytes = [0; $bytes];
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
                }
                Some(Self(bytes))
            }
        }

        /// Hex where a person may read it, bytes in views.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
                match out.is_human_readable() {
                    true => out.collect_str(self),
                    false => self.0.serialize(out),
                }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                if !input.is_human_readable() {
                    return Deserialize::deserialize(input).map(Self);
                }
                let text = String::deserialize(input)?;
                Self::parse(&text).ok_or_else(|| {
                    serde::de::Error::custom(concat!("not ", $digits, " lower-case hex digits"))
                })
            }
        }
    };
}

bytes_as_hex!(Pseudonym, 16, 32);
bytes_as_hex!(Token, 16, 32);
bytes_as_hex!(Sha256Digest, 32, 64);

fn hex_digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

/// A legal entity named in a scope, a question or a disclosure: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct EntityId(Box<str>);

impl EntityId {
    /// The entity's identifier, or `None` when `text` breaks the rule above.
    pub fn parse(text: &str) -> Option<Self> {
        is_identifier(text).then(|| Self(text.into()))
    }

    /// The identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for EntityId {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        match is_identifier(&text) {
            true => Ok(Self(text)),
            false => Err("not 1 to 64 of a-z 0-9 . _ -"),
        }
    }
}

impl fmt::Display for EntityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A service category of the rulebook (`local`, `interexchange`, `cmrs`, `voip` …): same alphabet as [`EntityId`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Category(Box<str>);

impl Category {
    /// The category, or `None` when `text` is not 1 to 64 of `a-z 0-9 . _ -`.
    pub fn parse(text: &str) -> Option<Self> {
        is_identifier(text).then(|| Self(text.into()))
    }

    /// The category's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for Category {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        match is_identifier(&text) {
            true => Ok(Self(text)),
            false => Err("not 1 to 64 of a-z 0-9 . _ -"),
        }
    }
}

impl fmt::Display for Category {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_identifier(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'_' | b'-'))
}

/// Text that may identify a person or a case: sealed in records, never logged, wiped when dropped (T3).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Personal(String);

impl Personal {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for sealing and for answers to those who may read it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

impl Drop for Personal {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
