//! A line of an import file: the same fields in CSV and in JSON lines, each a text; `docs/import.md` lists them.

use data_encoding::HEXLOWER;
use prost_types::Timestamp;
use serde::{Deserialize, Deserializer};

use crate::proto::v1 as wire;
use wire::asserted_fact::Fact;
use wire::{CpniClass, GroundKind, Medium, Purpose, RecipientKind, Speaker, WordKind};

/// What is wrong with a line, and in which field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The field; empty: the line as a whole.
    pub field: String,
    /// What is wrong and what would be right.
    pub problem: String,
}

fn wrong(field: &str, problem: impl Into<String>) -> Wrong {
    Wrong {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

/// A value; what is a list in JSON is its names with spaces between, as in CSV.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            Text(String),
            Flag(bool),
            List(Vec<String>),
        }

        Ok(Self(match Option::<Given>::deserialize(input)? {
            None => String::new(),
            Some(Given::Text(text)) => text,
            Some(Given::Flag(flag)) => flag.to_string(),
            Some(Given::List(names)) => names.join(" "),
        }))
    }
}

/// Declares the fields of a line once: for JSON, for CSV by their names, and in the order in which they are written.
macro_rules! fields {
    ($($(#[$doc:meta])* $field:ident,)+) => {
        /// A line, field by field; an empty text is a field that isn't there.
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct Row { $($(#[$doc])* pub $field: Text,)+ }

        /// The names of the fields, in the order in which they are written.
        pub const FIELDS: &[&str] = &[$(stringify!($field),)+];

        impl Row {
            /// The field of that name.
            pub fn get_mut(&mut self, name: &str) -> Option<&mut String> {
                match name { $(stringify!($field) => Some(&mut self.$field.0),)+ _ => None }
            }

            /// All fields with their names.
            pub fn all(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$((stringify!($field), self.$field.0.as_str()),)+].into_iter()
            }
        }
    };
}

fields! {
    /// The account's id in the company's systems.
    customer,
    /// account, service, notice, grant, deny, withdraw, restrict or disclosure.
    fact,
    /// When: opened, given, said, made; RFC 3339.
    at,
    /// When it was closed or left.
    until,
    /// Account: the legal entity.
    legal_entity,
    /// Service: the category.
    category,
    /// Notice: its version. Grant, deny, withdraw, restrict: the version that it answers.
    notice_version,
    /// Notice: written, oral or electronic.
    form,
    /// Notice: BCP 47.
    language,
    /// Kinds and kind/entity, or all. Disclosure: one.
    recipients,
    /// Classes, or all.
    classes,
    /// Purposes, or all. Disclosure: one.
    purposes,
    /// Restrict: classes that stay as they were.
    except,
    /// Notice: true where it took silence for approval.
    opt_out,
    /// Grant, deny, withdraw, restrict: written, oral or electronic.
    method,
    /// Grant, deny, withdraw, restrict: account_holder, administrative_contact or other.
    speaker,
    /// Disclosure: its ground.
    ground,
    /// SHA-256 in hexadecimal digits: of the notice's text, of the evidence.
    digest,
    /// Where the evidence is kept; the order, case, ticket or invoice.
    reference,
}

/// Fields that each fact may have, besides `customer`, `fact` and `at`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("account", &["until", "legal_entity"]),
    ("service", &["until", "category"]),
    (
        "notice",
        &[
            "notice_version",
            "form",
            "language",
            "recipients",
            "classes",
            "purposes",
            "opt_out",
            "digest",
        ],
    ),
    ("grant", WORD),
    ("deny", WORD),
    ("withdraw", WORD),
    ("restrict", RESTRICT),
    (
        "disclosure",
        &["recipients", "classes", "purposes", "ground", "reference"],
    ),
];
const WORD: &[&str] = &[
    "notice_version",
    "recipients",
    "classes",
    "purposes",
    "method",
    "speaker",
    "digest",
    "reference",
];
const RESTRICT: &[&str] = &[
    "notice_version",
    "recipients",
    "classes",
    "purposes",
    "except",
    "method",
    "speaker",
    "digest",
    "reference",
];

impl Row {
    /// Whom the line is about, and what it asserts.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn read(&self) -> Result<(String, wire::AssertedFact), Wrong> {
        let kind = self.fact.0.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == kind) else {
            let names: Vec<_> = ALLOWED.iter().map(|(name, _)| *name).collect();
            return Err(wrong(
                "fact",
                format!("`{kind}` is none of {}", names.join(", ")),
            ));
        };
        if self.customer.0.is_empty() {
            return Err(wrong("customer", "is required"));
        }
        for (name, text) in self.all() {
            let known = ["customer", "fact", "at"].contains(&name) || allowed.contains(&name);
            if !known && !text.is_empty() {
                return Err(wrong(
                    name,
                    format!("doesn't belong to a line of fact `{kind}`: leave it empty"),
                ));
            }
        }
        let fact = match kind {
            "account" => Fact::Account(wire::AssertedAccount {
                legal_entity: self.legal_entity.0.clone(),
                opened_at: instant("at", &self.at)?,
                closed_at: instant("until", &self.until)?,
            }),
            "service" => Fact::Service(wire::AssertedService {
                category: self.category.0.clone(),
                opened_at: instant("at", &self.at)?,
                closed_at: instant("until", &self.until)?,
            }),
            "notice" => Fact::Notice(self.notice()?),
            "disclosure" => Fact::Disclosure(self.disclosure()?),
            _ => Fact::Word(self.word(kind)?),
        };
        Ok((
            self.customer.0.clone(),
            wire::AssertedFact { fact: Some(fact) },
        ))
    }

    fn notice(&self) -> Result<wire::AssertedNotice, Wrong> {
        Ok(wire::AssertedNotice {
            version: self.notice_version.0.clone(),
            given_at: instant("at", &self.at)?,
            form: medium("form", &self.form)?,
            language: self.language.0.clone(),
            covers: Some(self.scope()?),
            opt_out: flag("opt_out", &self.opt_out)?,
            text_digest: digest(&self.digest)?,
        })
    }

    fn word(&self, kind: &str) -> Result<wire::AssertedWord, Wrong> {
        let except = match self.except.0.as_str() {
            "" => Vec::new(),
            classes => vec![wire::Scope {
                all_classes: false,
                classes: members("except", classes, class)?,
                ..self.scope()?
            }],
        };
        Ok(wire::AssertedWord {
            kind: named("fact", kind, "WORD_KIND", WordKind::from_str_name)?.into(),
            scope: Some(self.scope()?),
            except,
            said_at: instant("at", &self.at)?,
            method: medium("method", &self.method)?,
            speaker: match self.speaker.0.as_str() {
                "" => Speaker::Unspecified.into(),
                name => named("speaker", name, "SPEAKER", Speaker::from_str_name)?.into(),
            },
            notice_version: self.notice_version.0.clone(),
            evidence_digest: digest(&self.digest)?,
            evidence_reference: self.reference.0.clone(),
        })
    }

    fn disclosure(&self) -> Result<wire::AssertedDisclosure, Wrong> {
        let (kind, entity) = match self.recipients.0.split_once('/') {
            Some((kind, entity)) => (kind, entity),
            None => (self.recipients.0.as_str(), ""),
        };
        Ok(wire::AssertedDisclosure {
            made_at: instant("at", &self.at)?,
            recipient_kind: recipient("recipients", kind)?,
            entity: entity.to_owned(),
            classes: members("classes", &self.classes.0, class)?,
            purpose: purpose("purposes", &self.purposes.0)?,
            ground: named(
                "ground",
                &self.ground.0,
                "GROUND_KIND",
                GroundKind::from_str_name,
            )?
            .into(),
            reference: self.reference.0.clone(),
        })
    }

    fn scope(&self) -> Result<wire::Scope, Wrong> {
        let mut scope = wire::Scope {
            all_recipients: self.recipients.0 == ALL,
            all_classes: self.classes.0 == ALL,
            all_purposes: self.purposes.0 == ALL,
            ..wire::Scope::default()
        };
        if !scope.all_recipients {
            for name in self.recipients.0.split_whitespace() {
                match name.split_once('/') {
                    None => scope.recipient_kinds.push(recipient("recipients", name)?),
                    Some((kind, entity)) => scope.named_recipients.push(wire::NamedRecipient {
                        kind: recipient("recipients", kind)?,
                        entity: entity.to_owned(),
                    }),
                }
            }
        }
        if !scope.all_classes {
            scope.classes = members("classes", &self.classes.0, class)?;
        }
        if !scope.all_purposes {
            scope.purposes = members("purposes", &self.purposes.0, purpose)?;
        }
        Ok(scope)
    }
}

pub(super) const ALL: &str = "all";

/// The value of a closed list by the name that records use.
fn named<T>(
    field: &str,
    name: &str,
    prefix: &str,
    read: fn(&str) -> Option<T>,
) -> Result<T, Wrong> {
    // In one spelling: what is written in capitals would be a name of the contract's own.
    let lower = !name.bytes().any(|byte| byte.is_ascii_uppercase()) && name != "unspecified";
    read(&format!("{prefix}_{}", name.to_ascii_uppercase()))
        .filter(|_| lower)
        .ok_or_else(|| match name {
            "" => wrong(field, "is required"),
            _ => wrong(field, format!("`{name}` is none of its list")),
        })
}

fn recipient(field: &str, name: &str) -> Result<i32, Wrong> {
    named(field, name, "RECIPIENT_KIND", RecipientKind::from_str_name).map(i32::from)
}

fn class(field: &str, name: &str) -> Result<i32, Wrong> {
    named(field, name, "CPNI_CLASS", CpniClass::from_str_name).map(i32::from)
}

fn purpose(field: &str, name: &str) -> Result<i32, Wrong> {
    named(field, name, "PURPOSE", Purpose::from_str_name).map(i32::from)
}

fn medium(field: &str, text: &Text) -> Result<i32, Wrong> {
    match text.0.as_str() {
        "" => Ok(Medium::Unspecified.into()),
        name => named(field, name, "MEDIUM", Medium::from_str_name).map(i32::from),
    }
}

fn members(
    field: &str,
    names: &str,
    member: fn(&str, &str) -> Result<i32, Wrong>,
) -> Result<Vec<i32>, Wrong> {
    names
        .split_whitespace()
        .map(|name| member(field, name))
        .collect()
}

fn flag(field: &str, text: &Text) -> Result<bool, Wrong> {
    match text.0.as_str() {
        "" | "false" => Ok(false),
        "true" => Ok(true),
        other => Err(wrong(
            field,
            format!("`{other}` is neither `true` nor `false`"),
        )),
    }
}

fn instant(field: &str, text: &Text) -> Result<Option<Timestamp>, Wrong> {
    if text.0.is_empty() {
        return Ok(None);
    }
    let at: jiff::Timestamp = (text.0.parse()).map_err(|_| {
        wrong(
            field,
            "is no instant: write it like 2019-03-01T17:00:00Z or with an offset",
        )
    })?;
    Ok(Some(Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }))
}

fn digest(text: &Text) -> Result<Vec<u8>, Wrong> {
    let digest = HEXLOWER.decode(text.0.as_bytes()).unwrap_or_default();
    match text.0.len() {
        0 => Ok(Vec::new()),
        64 if digest.len() == 32 => Ok(digest),
        _ => Err(wrong(
            "digest",
            "is no SHA-256 of 64 lower-case hexadecimal digits",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::Customers;

    #[test]
    fn c2_what_is_written_of_a_fact_is_read_as_the_same_fact() {
        for customer in Customers::of(11).take(2_000) {
            for fact in &customer.facts {
                let row = Row::write(&customer.id, fact);
                assert_eq!(
                    row.read(),
                    Ok((customer.id.clone(), fact.clone())),
                    "{row:?}"
                );
            }
        }
    }

    #[test]
    fn c2_a_wrong_field_is_named() {
        let right = |json: &str| serde_json::from_str::<Row>(json).unwrap();
        let grant = r#"{"customer":"K-1","fact":"grant","at":"2019-03-01T17:00:00Z",
            "recipients":["company","affiliate/acme"],"classes":"all","purposes":"marketing_comms"}"#;
        let grant = right(grant);
        assert!(grant.read().is_ok());
        for (name, value) in [
            ("customer", ""),
            ("fact", "opt-in"),
            ("at", "2019-03-01"),
            ("recipients", "Company"),
            ("recipients", "unspecified"),
            ("classes", "billing money"),
            ("purposes", "marketing"),
            ("category", "local"),
            ("except", "billing"),
            ("method", "fax"),
            ("speaker", "neighbour"),
            ("digest", "abc"),
        ] {
            let mut row = grant.clone();
            value.clone_into(row.get_mut(name).unwrap());
            let found = row.read().unwrap_err();
            assert_eq!(found.field, name, "{value}: {found:?}");
        }
    }

    #[test]
    fn c2_every_field_has_its_place_and_no_other_is_taken() {
        let mut row = Row::default();
        for name in FIELDS {
            assert!(row.get_mut(name).is_some(), "{name}");
        }
        assert!(row.get_mut("more").is_none());
        assert!(serde_json::from_str::<Row>(r#"{"more":""}"#).is_err());
        assert!(serde_json::from_str::<Row>(r#"{"fact":"a","fact":"b"}"#).is_err());
        for (_, allowed) in ALLOWED {
            assert!(allowed.iter().all(|name| FIELDS.contains(name)));
        }
    }
}
