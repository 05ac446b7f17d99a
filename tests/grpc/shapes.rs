//! Requests of the right shape, built from the compiled contract: every field filled, every branch of a oneof in turn.

use consent_ledger::proto::DESCRIPTORS;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage, Value,
};
use uuid::Uuid;

/// Every method of every service of `consent.v1`.
pub fn methods() -> Vec<MethodDescriptor> {
    let contract = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let services = contract.services();
    let ours = services.filter(|service| service.package_name() == "consent.v1");
    ours.flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect()
}

/// Messages that hold each field once, and each branch of each oneof in one of them at least.
pub fn shapes(of: &MessageDescriptor) -> Vec<DynamicMessage> {
    let mut base = DynamicMessage::new(of.clone());
    let mut others = Vec::new();
    for field in of.fields().filter(|field| !is_left_unset(field)) {
        let mut values = values(&field).into_iter();
        if !is_later_branch(&field) {
            base.set_field(&field, values.next().unwrap());
        }
        others.extend(values.map(|value| (field.clone(), value)));
    }
    let other = |(field, value)| {
        let mut shape = base.clone();
        // Of a oneof it clears the branch that was set.
        shape.set_field(&field, value);
        shape
    };
    let mut shapes: Vec<_> = others.into_iter().map(other).collect();
    shapes.insert(0, base);
    shapes.iter_mut().for_each(agree);
    shapes
}

/// Whether the field is in a oneof, and not its first.
fn is_later_branch(field: &FieldDescriptor) -> bool {
    let Some(oneof) = field.containing_oneof() else {
        return false;
    };
    oneof.fields().next().as_ref() != Some(field)
}

/// What the field may hold: one value, or one for each shape of its message.
fn values(field: &FieldDescriptor) -> Vec<Value> {
    let one = match field.kind() {
        Kind::Message(message) if message.full_name() == "google.protobuf.Timestamp" => {
            vec![Value::Message(instant(field, message))]
        }
        Kind::Message(message) => shapes(&message).into_iter().map(Value::Message).collect(),
        Kind::Enum(_) => vec![Value::EnumNumber(member(field))],
        Kind::String => vec![Value::String(text(field))],
        Kind::Bytes => vec![Value::Bytes(vec![7; 32].into())],
        Kind::Bool => vec![Value::Bool(true)],
        Kind::Uint32 => vec![Value::U32(number(field))],
        Kind::Uint64 => vec![Value::U64(number(field).into())],
        other => panic!("{}: {other:?} has no value here", field.full_name()),
    };
    match field.is_list() {
        true => one.into_iter().map(|one| Value::List(vec![one])).collect(),
        false => one,
    }
}

/// A second ago, and for what ends an hour from now.
fn instant(field: &FieldDescriptor, timestamp: MessageDescriptor) -> DynamicMessage {
    let ahead = match field.name() {
        "ends_at" | "until" => 3600,
        _ => 0,
    };
    let mut instant = DynamicMessage::new(timestamp);
    let seconds = crate::house::now().seconds + ahead;
    instant.set_field_by_name("seconds", Value::I64(seconds));
    instant
}

/// A member that the field takes whatever else is said.
fn member(field: &FieldDescriptor) -> i32 {
    match field.full_name() {
        // Letterheads come by e-mail or post (P10).
        "consent.v1.Letterhead.medium" => 7,
        // A restriction has exceptions, a grant has none (R2).
        "consent.v1.AssertedWord.kind" => 4,
        // One-time approvals are oral (R11).
        "consent.v1.Statement.medium" => 2,
        // Mail goes to an address, and a company isn't its own affiliate.
        "consent.v1.Reach.kind" => 2,
        "consent.v1.RecordEntityJoinedRequest.kind" => 3,
        _ => 1,
    }
}

fn text(field: &FieldDescriptor) -> String {
    match field.name() {
        "request_id" if field.full_name().contains("CommandHeader") => Uuid::now_v7().to_string(),
        "pseudonym" => "0123456789abcdef0123456789abcdef".into(),
        "language" => "en-US".into(),
        "dated" => "2026-01-01".into(),
        "customer_id" | "id" => "K-1".into(),
        "value" | "replaces" | "number" => "801-210-1651".into(),
        _ => "local".into(),
    }
}

fn number(field: &FieldDescriptor) -> u32 {
    match field.name() {
        "year" => 2025,
        "opt_out_days" => 30,
        _ => 1,
    }
}

/// Fields that don't go with the others, or ask for another answer.
fn is_left_unset(field: &FieldDescriptor) -> bool {
    match field.name() {
        // Whole kinds instead of listed ones.
        "all_recipients" | "all_classes" | "all_purposes" => true,
        // What a ruling on record isn't asked with, and what this release doesn't answer.
        "as_of" | "hindsight" | "receipt" | "brief" | "omit_clause_texts" | "clause_texts" => true,
        "expected_version" | "min_position" | "page_size" | "page_token" => true,
        // A template instead of version and statements.
        "template_version" => field.full_name().contains("RecordNoticeRequest"),
        // Told by mail or on record instead of on what the caller states.
        "telling" => field.full_name().contains("Ground"),
        // The company itself is no named recipient of its campaign.
        "entity" => field.full_name().contains("CampaignPlan"),
        // A seal goes with a court order only.
        "sealed_until" | "sealed_until_lifted" => true,
        // Written by the ledger, never by callers.
        "address_token" | "reviewer_token" => true,
        "position" => field.full_name().contains("NoticeTemplate"),
        _ => false,
    }
}

/// Takes back what the message can't say together.
fn agree(shape: &mut DynamicMessage) {
    let notice = "consent.v1.RecordChangeNoticeRequest";
    if shape.descriptor().full_name() == notice && shape.has_field_by_name("nobody") {
        shape.clear_field_by_name("sent_by");
    }
}
