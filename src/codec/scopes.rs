//! Scopes: `{"recipients":["company","affiliate/acme"],"classes":"all","purposes":["marketing_comms"]}`.
//!
//! `"all"` is every member, also those that a later release adds; a kind stands for all its entities.

use serde::{Deserialize, Serialize};

use super::names::entity;
use crate::domain::scope::{NamedRecipient, Recipients, Scope};
use crate::domain::vocabulary::{
    CpniClass, CpniClasses, Purpose, Purposes, RecipientKind, RecipientKinds,
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeData {
    recipients: Members,
    classes: Members,
    purposes: Members,
}

/// A set by its members' names, or all of the list.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Members {
    All(All),
    Some(Vec<String>),
}

#[derive(Serialize, Deserialize)]
pub enum All {
    #[serde(rename = "all")]
    All,
}

impl From<&Scope> for ScopeData {
    fn from(scope: &Scope) -> Self {
        Self {
            recipients: recipients(&scope.recipients),
            classes: classes(scope.classes),
            purposes: match scope.purposes {
                Purposes::ALL => Members::All(All::All),
                some => Members::Some(some.members().map(|m| m.name().to_owned()).collect()),
            },
        }
    }
}

impl ScopeData {
    pub fn scope(self) -> Result<Scope, String> {
        Ok(Scope {
            recipients: read_recipients(self.recipients)?,
            classes: read_classes(self.classes)?,
            purposes: match self.purposes {
                Members::All(_) => Purposes::ALL,
                Members::Some(names) => names
                    .iter()
                    .map(|name| Purpose::parse(name).ok_or_else(|| unknown("purpose", name)))
                    .collect::<Result<_, _>>()?,
            },
        })
    }
}

pub fn classes(classes: CpniClasses) -> Members {
    match classes {
        CpniClasses::ALL => Members::All(All::All),
        some => Members::Some(some.members().map(|m| m.name().to_owned()).collect()),
    }
}

pub fn read_classes(members: Members) -> Result<CpniClasses, String> {
    match members {
        Members::All(_) => Ok(CpniClasses::ALL),
        Members::Some(names) => names
            .iter()
            .map(|name| CpniClass::parse(name).ok_or_else(|| unknown("class", name)))
            .collect(),
    }
}

fn recipients(recipients: &Recipients) -> Members {
    if recipients.kinds == RecipientKinds::ALL && recipients.named.is_empty() {
        return Members::All(All::All);
    }
    let kinds = recipients
        .kinds
        .members()
        .map(|kind| kind.name().to_owned());
    let named = recipients
        .named
        .iter()
        .map(|named| format!("{}/{}", named.kind, named.entity));
    Members::Some(kinds.chain(named).collect())
}

fn read_recipients(members: Members) -> Result<Recipients, String> {
    let names = match members {
        Members::All(_) => {
            return Ok(Recipients {
                kinds: RecipientKinds::ALL,
                named: Box::default(),
            });
        }
        Members::Some(names) => names,
    };
    let (mut kinds, mut named) = (RecipientKinds::NONE, Vec::new());
    for name in &names {
        match name.split_once('/') {
            None => kinds = kinds.with(recipient_kind(name)?),
            Some((kind, id)) => {
                named.push(NamedRecipient {
                    kind: recipient_kind(kind)?,
                    entity: entity(id)?,
                });
            }
        }
    }
    Ok(Recipients {
        kinds,
        named: named.into(),
    })
}

pub fn recipient_kind(name: &str) -> Result<RecipientKind, String> {
    RecipientKind::parse(name).ok_or_else(|| unknown("recipient", name))
}

pub fn unknown(list: &str, name: &str) -> String {
    format!("`{name}` is no {list} of this release")
}
