//! What the measurements ask for: a mix of grants, denials and disclosures over many customers.

use std::sync::atomic::{AtomicU64, Ordering};

use prost::Message;
use uuid::Uuid;

use crate::proto::v1 as wire;

pub fn customer_id(index: usize) -> String {
    format!("K-{index:08}")
}

/// The account of that id.
pub fn customer(id: String) -> Option<wire::CustomerRef> {
    Some(wire::CustomerRef {
        customer: Some(wire::customer_ref::Customer::Id(id)),
    })
}

/// A command's circumstances, with an id of its own.
pub fn header() -> Option<wire::CommandHeader> {
    Some(wire::CommandHeader {
        request_id: request_id().to_string(),
        channel: wire::Channel::Phone.into(),
        taken_by: "agent-17".to_owned(),
        occurred_at: None,
        expected_version: None,
    })
}

/// A version 7 id that costs the measured machine no random number.
fn request_id() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes());
    let millis = jiff::Timestamp::now().as_millisecond();
    uuid::Builder::from_unix_timestamp_millis(millis.unsigned_abs(), &random).into_uuid()
}

pub fn open_account(index: usize) -> wire::OpenAccountRequest {
    wire::OpenAccountRequest {
        header: header(),
        customer_id: customer_id(index),
        legal_entity: "infotech".to_owned(),
        services: vec!["local".to_owned()],
    }
}

/// The `turn`-th command of the mix, about customer `index`: half disclosures, half denials.
pub fn command(index: usize, turn: usize) -> wire::submit_request::Command {
    use wire::submit_request::Command;
    match turn % 4 {
        0 => Command::RecordConsent(deny(index, wire::RecipientKind::Affiliate)),
        1 => Command::RecordConsent(deny(index, wire::RecipientKind::Agent)),
        _ => Command::Disclose(disclose(index, turn)),
    }
}

/// A denial by phone: the command that the unary measurement records.
pub fn deny(index: usize, kind: wire::RecipientKind) -> wire::RecordConsentRequest {
    let scope = wire::Scope {
        recipient_kinds: vec![kind.into()],
        all_classes: true,
        purposes: vec![wire::Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    };
    wire::RecordConsentRequest {
        header: header(),
        customer: customer(customer_id(index)),
        words: vec![wire::SpokenWord {
            word: Some(wire::spoken_word::Word::Denial(wire::Denial {
                scope: Some(scope),
            })),
        }],
        statement: Some(wire::Statement {
            medium: wire::Medium::Oral.into(),
            speaker: wire::Speaker::AccountHolder.into(),
            evidence_reference: "recording-2026-11-24-4711".to_owned(),
            ..wire::Statement::default()
        }),
    }
}

fn disclose(index: usize, turn: usize) -> wire::DiscloseRequest {
    wire::DiscloseRequest {
        header: header(),
        customer: customer(customer_id(index)),
        question: Some(wire::Question {
            purpose: wire::Purpose::Service.into(),
            classes: vec![wire::CpniClass::TechnicalConfiguration.into()],
            recipient_kind: wire::RecipientKind::Agent.into(),
            entity: "field-services".to_owned(),
            ground: Some(wire::question::Ground::Service(wire::ServiceGround {
                ticket: format!("T-{turn:08}"),
                open: true,
                ..wire::ServiceGround::default()
            })),
            ..wire::Question::default()
        }),
        seal: None,
    }
}

pub fn question(index: usize, brief: bool) -> wire::CheckUseRequest {
    wire::CheckUseRequest {
        customer: customer(customer_id(index)),
        question: Some(asked()),
        omit_clause_texts: true,
        brief,
        ..wire::CheckUseRequest::default()
    }
}

pub fn bulk_question(index: usize) -> wire::BulkCheckUseRequest {
    wire::BulkCheckUseRequest {
        customer: customer(customer_id(index)),
        question: Some(asked()),
        ..wire::BulkCheckUseRequest::default()
    }
}

fn asked() -> wire::Question {
    wire::Question {
        purpose: wire::Purpose::MarketingComms.into(),
        classes: vec![wire::CpniClass::Billing.into()],
        recipient_kind: wire::RecipientKind::Company.into(),
        target_categories: vec!["interexchange".to_owned()],
        ..wire::Question::default()
    }
}

/// A payload with which an echo's message is as long as `message`.
pub fn payload_like(message: &impl Message) -> Vec<u8> {
    vec![7; message.encoded_len().saturating_sub(6)]
}

/// How many bytes an echo's answer holds to be as long as `message`.
pub fn answer_like(message: &impl Message) -> u32 {
    u32::try_from(message.encoded_len().saturating_sub(3)).unwrap_or(0)
}
