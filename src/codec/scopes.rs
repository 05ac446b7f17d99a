//! Scopes: `{"recipients":["company","affiliate/acme"],"classes":"all","purposes":["marketing_comms"]}`.
//!
//! `"all"` is every member, also those that a later release adds; a kind stands for all its entities.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::names::{TextOf, named};
use crate::domain::scope::{NamedRecipient, Recipients, Scope};
use crate::domain::vocabulary::{CpniClasses, NotCpniItems, Purposes, RecipientKinds};

const ALL: &str = "all";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeData {
    recipients: RecipientsData,
    classes: Classes,
    purposes: PurposesData,
}

impl From<&Scope> for ScopeData {
    fn from(scope: &Scope) -> Self {
        Self {
            recipients: RecipientsData(scope.recipients.clone()),
            classes: Classes(scope.classes),
            purposes: PurposesData(scope.purposes),
        }
    }
}

impl From<ScopeData> for Scope {
    fn from(data: ScopeData) -> Self {
        Self {
            recipients: data.recipients.0,
            classes: data.classes.0,
            purposes: data.purposes.0,
        }
    }
}

/// CPNI classes by name, or all of them.
#[derive(Clone, Copy, Default)]
pub struct Classes(pub CpniClasses);

impl Classes {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Classes {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            CpniClasses::ALL => out.serialize_str(ALL),
            some => out.collect_seq(some.members().map(|member| member.name())),
        }
    }
}

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Members {
            all: Some(Self(CpniClasses::ALL)),
            some: Self(CpniClasses::NONE),
            add: |classes: &mut Self, name: &str| {
                classes.0 = classes.0.with(named(name)?);
                Ok(())
            },
        })
    }
}

struct PurposesData(Purposes);

impl Serialize for PurposesData {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Purposes::ALL => out.serialize_str(ALL),
            some => out.collect_seq(some.members().map(|member| member.name())),
        }
    }
}

impl<'de> Deserialize<'de> for PurposesData {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_any(Members {
            all: Some(Self(Purposes::ALL)),
            some: Self(Purposes::NONE),
            add: |purposes: &mut Self, name: &str| {
                purposes.0 = purposes.0.with(named(name)?);
                Ok(())
            },
        })
    }
}

/// What is not CPNI, always by name.
#[derive(Clone, Copy, Default)]
pub struct NotCpniData(pub NotCpniItems);

impl NotCpniData {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for NotCpniData {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(self.0.members().map(|member| member.name()))
    }
}

impl<'de> Deserialize<'de> for NotCpniData {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        input.deserialize_seq(Members {
            all: None,
            some: Self(NotCpniItems::NONE),
            add: |items: &mut Self, name: &str| {
                items.0 = items.0.with(named(name)?);
                Ok(())
            },
        })
    }
}

struct RecipientsData(Recipients);

impl Serialize for RecipientsData {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Recipients { kinds, named } = &self.0;
        if *kinds == RecipientKinds::ALL && named.is_empty() {
            return out.serialize_str(ALL);
        }
        let kinds = kinds.members().map(|kind| kind.name().to_owned());
        let named = named
            .iter()
            .map(|named| format!("{}/{}", named.kind, named.entity));
        out.collect_seq(kinds.chain(named))
    }
}

impl<'de> Deserialize<'de> for RecipientsData {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        let (kinds, named) = input.deserialize_any(Members {
            all: Some((RecipientKinds::ALL, Vec::new())),
            some: (RecipientKinds::NONE, Vec::new()),
            add: add_recipient,
        })?;
        Ok(Self(Recipients {
            kinds,
            named: named.into(),
        }))
    }
}

fn add_recipient(
    (kinds, entities): &mut (RecipientKinds, Vec<NamedRecipient>),
    name: &str,
) -> Result<(), String> {
    match name.split_once('/') {
        None => *kinds = kinds.with(named(name)?),
        Some((kind, id)) => entities.push(NamedRecipient {
            kind: named(kind)?,
            entity: named(id)?,
        }),
    }
    Ok(())
}

/// Reads a set by its members' names, or all of the list where `"all"` stands for that.
struct Members<T, F> {
    all: Option<T>,
    some: T,
    add: F,
}

impl<'de, T, F: Fn(&mut T, &str) -> Result<(), String>> Visitor<'de> for Members<T, F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names in a list, or `all` where it stands for each")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        match self.all {
            Some(all) if text == ALL => Ok(all),
            _ => Err(E::custom(format!("`{text}` is no list of names"))),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut names: A) -> Result<T, A::Error> {
        let Self { mut some, add, .. } = self;
        while let Some(()) = names.next_element_seed(TextOf(|name: &str| add(&mut some, name)))? {}
        Ok(some)
    }
}
