//! What each request must hold, as a table: the change, and the field that the refusal names.

use prost_types::Timestamp;

use super::checks::{check, next_of_stream};
use super::commands::{CommandRequest, header};
use super::*;
use crate::domain::command::Command;
use crate::domain::consent::word::SpokenWord;
use crate::domain::ids::Token;
use crate::domain::vocabulary::{CpniClasses, RecipientKinds};
use crate::proto::v1 as wire;
use crate::proto::v1::question::Ground;

const UNKNOWN: i32 = 9_999;

fn token(kind: &'static str, value: &str) -> Token {
    let mut token = [0; 16];
    for (index, byte) in kind.bytes().chain(value.bytes()).enumerate() {
        token[index % 16] ^= byte;
    }
    Token(token)
}

fn named_header() -> Option<wire::CommandHeader> {
    Some(wire::CommandHeader {
        request_id: "019324c0-7d1e-7c3a-8f5e-2b1d6a9c4e70".into(),
        channel: wire::Channel::Phone.into(),
        taken_by: "agent 7".into(),
        occurred_at: None,
        expected_version: Some(3),
    })
}

fn customer() -> Option<wire::CustomerRef> {
    let id = wire::customer_ref::Customer::Id("K-1".into());
    Some(wire::CustomerRef { customer: Some(id) })
}

fn scope() -> Option<wire::Scope> {
    Some(wire::Scope {
        recipient_kinds: vec![wire::RecipientKind::Company.into()],
        named_recipients: vec![wire::NamedRecipient {
            kind: wire::RecipientKind::Affiliate.into(),
            entity: "acme".into(),
        }],
        all_classes: true,
        purposes: vec![wire::Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    })
}

fn statement() -> Option<wire::Statement> {
    Some(wire::Statement {
        medium: wire::Medium::Oral.into(),
        speaker: wire::Speaker::AccountHolder.into(),
        assurance: Some(wire::Assurance {
            method: wire::AssuranceMethod::Password.into(),
            reference: "v-1".into(),
            at: Some(Timestamp::default()),
        }),
        verification: Some(wire::VerificationAuthority {
            position: 3,
            call_id: "c-1".into(),
        }),
        notice_position: Some(4),
        evidence_digest: vec![1; 32],
        evidence_reference: "rec-1".into(),
    })
}

fn question() -> Option<wire::Question> {
    Some(wire::Question {
        purpose: wire::Purpose::Legal.into(),
        classes: vec![wire::CpniClass::Billing.into()],
        recipient_kind: wire::RecipientKind::LawEnforcement.into(),
        ground: Some(Ground::Legal(wire::LegalGround::default())),
        ..wire::Question::default()
    })
}

fn open_account() -> wire::OpenAccountRequest {
    wire::OpenAccountRequest {
        header: named_header(),
        customer_id: "K-1".into(),
        legal_entity: "infotech".into(),
        services: vec!["local".into()],
    }
}

fn change_services() -> wire::ChangeServicesRequest {
    let close = wire::CloseService {
        category: "voip".into(),
        ends_at: None,
    };
    wire::ChangeServicesRequest {
        header: named_header(),
        customer: customer(),
        open: vec!["local".into()],
        close: vec![close],
    }
}

fn notice() -> wire::RecordNoticeRequest {
    wire::RecordNoticeRequest {
        header: named_header(),
        customer: customer(),
        notice_version: "2024-05-29".into(),
        text_digest: vec![2; 32],
        form: wire::Medium::Electronic.into(),
        language: "en".into(),
        covers: scope(),
        template_version: String::new(),
        statements: (1..=13).collect(),
        call_id: String::new(),
    }
}

fn word(word: wire::spoken_word::Word) -> wire::SpokenWord {
    wire::SpokenWord { word: Some(word) }
}

fn consent() -> wire::RecordConsentRequest {
    use wire::spoken_word::Word;

    let grant = wire::Grant {
        scope: scope(),
        lifts: vec![9],
    };
    let restriction = wire::Restriction {
        scope: scope(),
        except: vec![scope().unwrap()],
    };
    wire::RecordConsentRequest {
        header: named_header(),
        customer: customer(),
        words: vec![
            word(Word::Grant(grant)),
            word(Word::Restriction(restriction)),
        ],
        statement: statement(),
    }
}

fn disclose() -> wire::DiscloseRequest {
    wire::DiscloseRequest {
        header: named_header(),
        customer: customer(),
        question: question(),
        seal: None,
    }
}

fn check_use() -> wire::CheckUseRequest {
    wire::CheckUseRequest {
        customer: customer(),
        question: question(),
        ..wire::CheckUseRequest::default()
    }
}

fn read<R: CommandRequest>(mut request: R) -> Result<Command, Malformed> {
    header(&mut request, &token)?;
    request.command(&token).map(|(_, command)| command)
}

/// The field that `request` is refused for after `change`.
fn refused<R: CommandRequest>(mut request: R, change: impl FnOnce(&mut R)) -> String {
    change(&mut request);
    match read(request).unwrap_err() {
        Malformed::Invalid { field, .. } | Malformed::NotYet { field } => field,
    }
}

/// `assert_refused!(request, |it| change => "field"; …)`
macro_rules! assert_refused {
    ($request:expr; $($change:expr => $field:literal;)+) => {
        read($request).unwrap();
        $(assert_eq!(refused($request, $change), $field);)+
    };
}

mod commands;
mod questions;

#[test]
fn n4_nobody_who_reads_preferences_sees_contacts_verifications_or_passwords() {
    use super::entries::sees;
    use crate::access::Role;

    for kind in [
        "contacts.requested.v1",
        "contacts.given.v1",
        "contact.listed.v1",
        "of_record.associated.v1",
        "verification.opened.v1",
        "credential.established.v1",
        "credential.refused.v1",
        "challenge.passed.v1",
        "online_account.changed.v1",
        "change_notice.sent.v1",
        "exemption.begun.v1",
        "ticket.opened.v1",
        "sim_change.requested.v1",
        "sim_change.refused.v1",
        "sim_lock.set.v1",
    ] {
        for role in Role::EVERY {
            let auditing = matches!(role, Role::Auditor | Role::Administrator);
            assert_eq!(sees(role, kind), auditing, "{role} {kind}");
        }
    }
}

#[test]
fn e8_n4_every_reader_learns_who_was_erased_and_only_auditors_whom_a_rule_kept() {
    use super::entries::sees;
    use crate::access::Role;

    for role in Role::EVERY {
        let auditing = matches!(role, Role::Auditor | Role::Administrator);
        for (kind, seen) in [
            ("retention.erasure_requested.v1", true),
            ("retention.erasure_completed.v1", true),
            ("retention.erasure_refused.v1", auditing),
            ("retention.hold_placed.v1", auditing),
        ] {
            assert_eq!(sees(role, kind), seen, "{role} {kind}");
        }
    }
}
