//! Requests as JSON: a form to fill in, and a filled one as a message (Protocol Buffers' JSON mapping).

use std::path::PathBuf;

use data_encoding::BASE64;
use prost_reflect::{
    DeserializeOptions, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, SerializeOptions,
};
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::contract::is_ours;
use crate::cli::Ended;
use crate::cli::failed::{self, Failed};

/// A field that gets the SHA-256 of a file.
#[derive(Clone, Debug)]
pub struct DigestOf {
    /// The field, such as `text_digest` or `step.summary.digest`, within messages by dots.
    field: String,
    /// The file.
    file: PathBuf,
}

impl std::str::FromStr for DigestOf {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        match given.split_once('=') {
            Some((field, file)) if !field.is_empty() && !file.is_empty() => Ok(Self {
                field: field.to_owned(),
                file: file.into(),
            }),
            _ => Err("takes FIELD=FILE, such as text_digest=notice.txt".to_owned()),
        }
    }
}

/// A blank form, whose fields stand in the order of the contract.
#[derive(Clone, Debug)]
pub enum Blank {
    /// A message.
    Message(Vec<(String, Blank)>),
    /// A list, with one member to be filled in.
    List(Box<Blank>),
    /// A value; null is unset.
    Value(Value),
}

impl Serialize for Blank {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Message(fields) => {
                serializer.collect_map(fields.iter().map(|(name, blank)| (name, blank)))
            }
            Self::List(member) => serializer.collect_seq([member]),
            Self::Value(value) => value.serialize(serializer),
        }
    }
}

impl Blank {
    /// The form of a message: each field once. Of a oneof the first branch is spread out and the others are null.
    pub fn of(message: &MessageDescriptor) -> Self {
        if !is_ours(message) {
            return Self::Value(Value::Null);
        }
        let fields = message.fields();
        let fields = fields.map(|field| (field.name().to_owned(), Self::of_field(&field)));
        Self::Message(fields.collect())
    }

    fn of_field(field: &FieldDescriptor) -> Self {
        if is_left_unset(field) {
            return Self::Value(Value::Null);
        }
        let one = match field.kind() {
            Kind::Message(inner) => Self::of(&inner),
            Kind::Enum(values) => Self::Value(values.default_value().name().into()),
            Kind::Bool => Self::Value(false.into()),
            Kind::String | Kind::Bytes => Self::Value("".into()),
            _ => Self::Value(0.into()),
        };
        match field.is_list() {
            true => Self::List(Box::new(one)),
            false => one,
        }
    }
}

/// An optional value, or a later branch of a oneof.
fn is_left_unset(field: &FieldDescriptor) -> bool {
    let Some(one_of) = field.containing_oneof() else {
        return false;
    };
    let first = one_of.fields().next();
    one_of.is_synthetic() || first.is_some_and(|first| first.number() != field.number())
}

/// The messages of a text: JSON objects, one after the other; nothing is an empty message.
///
/// # Errors
/// Says what is no JSON, or no such message.
pub fn messages(
    text: &str,
    of: &MessageDescriptor,
    digests: &[DigestOf],
) -> Result<Vec<DynamicMessage>, Failed> {
    let usage = |error: String| Failed(Ended::Usage, error);
    let given = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let given: Result<Vec<_>, _> = given.collect();
    let mut given = given.map_err(|error| usage(format!("the request is no JSON: {error}")))?;
    if given.is_empty() {
        given.push(Value::Object(Map::new()));
    }
    let mut messages = Vec::new();
    for mut value in given {
        for digest in digests {
            digest.put(&mut value)?;
        }
        name_request(of, &mut value);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        let message = DynamicMessage::deserialize_with_options(of.clone(), value, &options);
        messages
            .push(message.map_err(|error| usage(format!("this is no {}: {error}", of.name())))?);
    }
    Ok(messages)
}

/// Gives a command without a request id one of its own (C1).
fn name_request(of: &MessageDescriptor, value: &mut Value) {
    let header = of.get_field_by_name("header");
    let is_command = header.is_some_and(
        |field| matches!(field.kind(), Kind::Message(inner) if inner.name() == "CommandHeader"),
    );
    let header = value.get_mut("header").and_then(Value::as_object_mut);
    if let (true, Some(header)) = (is_command, header) {
        let id = header.entry("request_id").or_insert(Value::Null);
        if id.is_null() || id.as_str() == Some("") {
            *id = Value::from(Uuid::now_v7().to_string());
        }
    }
}

impl DigestOf {
    fn put(&self, value: &mut Value) -> Result<(), Failed> {
        let digest = BASE64.encode(&Sha256::digest(failed::read(&self.file)?));
        let mut at = value;
        for part in self.field.split('.') {
            let object = at.as_object_mut().ok_or_else(|| {
                let why = format!(
                    "--digest {}: what is around `{part}` is no object",
                    self.field
                );
                Failed(Ended::Usage, why)
            })?;
            at = object
                .entry(part)
                .or_insert_with(|| Value::Object(Map::new()));
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
        }
        *at = Value::from(digest);
        Ok(())
    }
}

/// A message as JSON, with the names of the contract, and with what is empty, false or 0.
pub struct AsJson<'a>(pub &'a DynamicMessage);

impl Serialize for AsJson<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let options = SerializeOptions::new()
            .use_proto_field_name(true)
            .skip_default_fields(false)
            .stringify_64_bit_integers(false);
        self.0.serialize_with_options(serializer, &options)
    }
}
