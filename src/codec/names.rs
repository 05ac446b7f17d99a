//! Small values as text: times, digests, identifiers, members of closed lists.
//!
//! Each is read from the text where it stands: a replay reads millions, and a copy of each would be half its cost.

use std::borrow::Cow;
use std::fmt;

use data_encoding::HEXLOWER;
use serde::de::{DeserializeSeed, Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::ids::{Category, EntityId, Position, Token};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, NotCpni, Purpose, RecipientKind};
use crate::ledger::{Hash, Timestamp};

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
        let read = |text: &str| match Timestamp::parse(text) {
            Ok(at) => Ok(Self(Time(at.0))),
            Err(problem) => Err(problem.to_string()),
        };
        TextOf(read).deserialize(input)
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
        let read = |text: &str| match Hash::parse(text) {
            Some(digest) => Ok(Self(digest.0)),
            None => Err("a digest has 64 lower-case hex digits".to_owned()),
        };
        TextOf(read).deserialize(input)
    }
}

/// A value of the domain that is stored under a name.
pub trait Stored: Sized {
    /// What is said of a text that names none.
    const IS_NOT: &'static str;

    /// The value of that name.
    fn named(text: &str) -> Option<Self>;

    /// Its name.
    fn stored_name(&self) -> Cow<'_, str>;
}

macro_rules! stored {
    ($($value:ty, $is_not:literal, $named:expr, $name:expr;)+) => {
        $(impl Stored for $value {
            const IS_NOT: &'static str = $is_not;

            fn named(text: &str) -> Option<Self> {
                $named(text)
            }

            fn stored_name(&self) -> Cow<'_, str> {
                $name(self)
            }
        })+
    };
}

stored! {
    Token, "is not 32 lower-case hex digits", Token::parse,
        |token: &Token| Cow::Owned(token.to_string());
    EntityId, "is no entity id", EntityId::parse, |id| Cow::Borrowed(EntityId::as_str(id));
    Category, "is no category", Category::parse, |name| Cow::Borrowed(Category::as_str(name));
    Purpose, "is no purpose of this release", Purpose::parse,
        |one: &Purpose| Cow::Borrowed(one.name());
    RecipientKind, "is no recipient of this release", RecipientKind::parse,
        |one: &RecipientKind| Cow::Borrowed(one.name());
    CpniClass, "is no class of this release", CpniClass::parse,
        |one: &CpniClass| Cow::Borrowed(one.name());
    NotCpni, "is no item of this release", NotCpni::parse,
        |one: &NotCpni| Cow::Borrowed(one.name());
}

/// The value of that name, or what is wrong with it.
pub fn named<T: Stored>(text: &str) -> Result<T, String> {
    T::named(text).ok_or_else(|| format!("`{text}` {}", T::IS_NOT))
}

/// A [`Stored`] value in its stored form.
#[derive(Clone, Copy)]
pub struct Named<T>(pub T);

impl<T: Stored> Serialize for Named<T> {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&self.0.stored_name())
    }
}

impl<'de, T: Stored> Deserialize<'de> for Named<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        TextOf(named).deserialize(input).map(Self)
    }
}

/// Reads a string by a function, without a copy of it.
pub struct TextOf<F>(pub F);

impl<'de, T, F: FnOnce(&str) -> Result<T, String>> DeserializeSeed<'de> for TextOf<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'de, T, F: FnOnce(&str) -> Result<T, String>> Visitor<'de> for TextOf<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

pub fn positions(numbers: Vec<u64>) -> Vec<Position> {
    numbers.into_iter().map(Position).collect()
}

pub fn numbers(positions: &[Position]) -> Vec<u64> {
    positions.iter().map(|position| position.0).collect()
}
