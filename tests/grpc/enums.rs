//! Each closed list of each request: nothing said and an unknown number are refused by name, wherever it stands (P7, C7).

use std::collections::BTreeSet;

use consent_ledger::access::table::METHODS;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, ReflectMessage,
    Value,
};
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::house::*;
use crate::shapes::{methods, shapes};

/// Where nothing said is something to say: the method, the field, and why.
const NOT_STATED: &[(&str, &str, &str)] = &[
    (
        "ImportService.Import",
        "fact.word.method",
        "a grant without a method is history and counts for nothing (R15)",
    ),
    (
        "ImportService.Import",
        "fact.word.speaker",
        "a grant of nobody in particular is history and counts for nothing (R15)",
    ),
];

/// A number of no list.
const UNKNOWN: i32 = 9999;

/// The fields from a request down to a closed list.
type Place = Vec<FieldDescriptor>;

#[tokio::test]
async fn p7_c7_nothing_said_and_unknown_numbers_are_refused_in_every_request_by_name() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let mut found = Found::default();
    let methods = methods();
    assert_eq!(methods.len(), METHODS.len());
    for method in methods {
        let mut checked = BTreeSet::new();
        for shape in shapes(&method.input()) {
            let places = places(&shape, &checked);
            if places.is_empty() {
                continue;
            }
            if let Some(field) = refused_field(&house, &method, &shape).await {
                let name = named(&method);
                found.wrong.push(format!("{name} {field}: it was right"));
            }
            let (before, taken) = (house.marked().await, found.not_stated.len());
            for place in places {
                found.spoil(&house, &method, &shape, &place).await;
                checked.insert(path(&place));
            }
            let records = house.marked().await - before - 1;
            let taken = found.not_stated.len() - taken;
            assert_eq!(records, taken as u64, "of a refused {}", named(&method));
        }
        let mut every = BTreeSet::new();
        every_list(&method.input(), &mut Vec::new(), &mut every);
        assert_eq!(checked, every, "{}: no list goes unchecked", named(&method));
    }
    assert!(found.wrong.is_empty(), "{}", found.wrong.join("\n"));
    let not_stated = NOT_STATED.iter();
    let not_stated = not_stated.map(|(method, field, _)| format!("{method} {field}"));
    assert_eq!(found.not_stated, not_stated.collect());
}

#[derive(Default)]
struct Found {
    /// Answers that don't refuse the field that is wrong.
    wrong: Vec<String>,
    /// Fields in which nothing said is taken.
    not_stated: BTreeSet<String>,
}

impl Found {
    async fn spoil(
        &mut self,
        house: &House,
        method: &MethodDescriptor,
        shape: &DynamicMessage,
        place: &Place,
    ) {
        for number in [0, UNKNOWN] {
            let (field, request) = spoilt(shape, place, number);
            let said = refused_field(house, method, &request).await;
            let at = format!("{} {field}", named(method));
            if said.is_none() && number == 0 {
                self.not_stated.insert(at);
            } else if said != Some(as_answered(method, field)) {
                self.wrong.push(format!("{at} = {number}: {said:?}"));
            }
        }
    }
}

/// Service and method without the package.
fn named(method: &MethodDescriptor) -> String {
    format!("{}.{}", method.parent_service().name(), method.name())
}

/// The closed lists that are set in the message, but those that are known.
fn places(message: &DynamicMessage, known: &BTreeSet<String>) -> Vec<Place> {
    let mut found = Vec::new();
    find(message, &mut Vec::new(), &mut found);
    found.retain(|place| !known.contains(&path(place)));
    found
}

fn find(message: &DynamicMessage, above: &mut Place, found: &mut Vec<Place>) {
    for (field, value) in message.fields() {
        above.push(field.clone());
        let value = match value {
            Value::List(list) => &list[0],
            one => one,
        };
        match value {
            Value::EnumNumber(_) => found.push(above.clone()),
            Value::Message(inner) => find(inner, above, found),
            _ => {}
        }
        above.pop();
    }
}

/// Every closed list that a message of the kind may hold.
fn every_list(of: &MessageDescriptor, above: &mut Place, every: &mut BTreeSet<String>) {
    for field in of.fields() {
        above.push(field.clone());
        match field.kind() {
            Kind::Enum(_) => {
                every.insert(path(above));
            }
            Kind::Message(inner) => every_list(&inner, above, every),
            _ => {}
        }
        above.pop();
    }
}

/// The place as an answer names it, but the index of a wrong element.
fn path(place: &Place) -> String {
    let (last, above) = place.split_last().unwrap();
    let mut path = String::new();
    for field in above {
        path.push_str(field.name());
        path.push_str(if field.is_list() { "[0]." } else { "." });
    }
    path + last.name()
}

/// As answers name it: in a stream of commands from the command on, in an import from the fact's kind on.
fn as_answered(method: &MethodDescriptor, path: String) -> String {
    let inner = path.split_once('.').map(|(_, inner)| inner.to_owned());
    match method.name() {
        "Submit" | "Import" => inner.unwrap(),
        _ => path,
    }
}

/// The request with that number at the place, and the field that is wrong.
fn spoilt(shape: &DynamicMessage, place: &Place, number: i32) -> (String, DynamicMessage) {
    let mut request = shape.clone();
    let (last, above) = place.split_last().unwrap();
    let mut message = &mut request;
    for field in above {
        let value = match message.get_field_mut(field) {
            Value::List(list) => &mut list[0],
            one => one,
        };
        let Value::Message(inner) = value else {
            panic!("{}", field.full_name());
        };
        message = inner;
    }
    let wrong = Value::EnumNumber(number);
    match message.get_field_mut(last) {
        // Behind a right one, so that the answer must say which.
        Value::List(list) => {
            list.push(wrong);
            (format!("{}[1]", path(place)), request)
        }
        one => {
            *one = wrong;
            (path(place), request)
        }
    }
}

/// The field that the answer to the request calls wrong, where it calls one so.
async fn refused_field(
    house: &House,
    method: &MethodDescriptor,
    request: &DynamicMessage,
) -> Option<String> {
    let status = answer(house, method, request).await.err()?;
    let of_state = [
        Code::InvalidArgument,
        Code::NotFound,
        Code::AlreadyExists,
        Code::FailedPrecondition,
    ];
    assert!(
        of_state.contains(&status.code()),
        "{}: {status}",
        named(method)
    );
    let violations = status.get_details_bad_request()?.field_violations;
    assert_eq!(status.code(), Code::InvalidArgument);
    violations.into_iter().next().map(|one| one.field)
}

/// The first answer to the request, or how it was refused: the call, or the one request of a stream.
async fn answer(
    house: &House,
    method: &MethodDescriptor,
    request: &DynamicMessage,
) -> Result<(), Status> {
    let mut client = tonic::client::Grpc::new(house.channel.clone());
    client.ready().await.unwrap();
    let service = method.parent_service().full_name().to_owned();
    let path = PathAndQuery::try_from(format!("/{service}/{}", method.name())).unwrap();
    let request = Request::new(request.encode_to_vec());
    let answers = client.server_streaming(request, path, Bytes).await?;
    let Some(answer) = answers.into_inner().message().await? else {
        return Ok(());
    };
    let answer = DynamicMessage::decode(method.output(), &*answer).unwrap();
    let refused = answer.fields().find_map(|(_, value)| match value {
        Value::Message(one) if one.descriptor().full_name() == "google.rpc.Status" => {
            Some(one.encode_to_vec())
        }
        _ => None,
    });
    match refused {
        None => Ok(()),
        Some(refused) => {
            let code = tonic_types::Status::decode(&*refused).unwrap().code;
            Err(Status::with_details(code.into(), "", refused.into()))
        }
    }
}

/// Messages as bytes.
struct Bytes;

impl Codec for Bytes {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, item: Vec<u8>, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
        into.put_slice(&item);
        Ok(())
    }
}

impl Decoder for Bytes {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining()).into()))
    }
}
