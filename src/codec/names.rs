//! Small values as text: times, digests, identifiers.

use data_encoding::HEXLOWER;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::domain::ids::{Category, EntityId, Position, Token};
use crate::domain::time::Time;
use crate::ledger::Timestamp;

/// An instant, as `2026-11-24T14:38:25.000000Z`.
#[derive(Clone, Copy)]
pub struct Instant(pub Time);

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_str(&Timestamp(self.0.0))
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        let at = Timestamp::parse(&text).map_err(D::Error::custom)?;
        Ok(Self(Time(at.0)))
    }
}

/// A SHA-256 digest in lower-case hex.
#[derive(Clone, Copy)]
pub struct Digest(pub [u8; 32]);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(input)?;
        let bytes = HEXLOWER.decode(text.as_bytes()).map_err(D::Error::custom)?;
        let digest = bytes
            .try_into()
            .map_err(|_| D::Error::custom("a digest has 64 hex digits"))?;
        Ok(Self(digest))
    }
}

pub fn token(text: &str) -> Result<Token, String> {
    Token::parse(text).ok_or_else(|| format!("`{text}` is not 32 lower-case hex digits"))
}

pub fn entity(text: &str) -> Result<EntityId, String> {
    EntityId::parse(text).ok_or_else(|| format!("`{text}` is no entity id"))
}

pub fn category(text: &str) -> Result<Category, String> {
    Category::parse(text).ok_or_else(|| format!("`{text}` is no category"))
}

pub fn positions(numbers: Vec<u64>) -> Vec<Position> {
    numbers.into_iter().map(Position).collect()
}

pub fn numbers(positions: &[Position]) -> Vec<u64> {
    positions.iter().map(|position| position.0).collect()
}
