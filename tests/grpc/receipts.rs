//! Receipts of consents, as a customer's portal gets them (C8).

use consent_ledger::audit::Controller;
use consent_ledger::grpc;
use consent_ledger::ledger::{VerifyingKey, open_document};
use consent_ledger::proto::v1 as wire;
use serde_json::Value;
use tonic::{Code, Status};
use wire::notice_service_client::NoticeServiceClient;
use wire::receipt_service_client::ReceiptServiceClient;

use crate::house::*;

/// The structure of Kantara's Consent Receipt 1.1 and ISO/IEC TS 27560:2023, as receivers get it.
const SCHEMA: &str = include_str!("../../docs/receipt.schema.json");

/// What of a receipt is not as the structure has it.
fn faults(receipt: &Value) -> Vec<String> {
    let schema = serde_json::from_str(SCHEMA).unwrap();
    let options = jsonschema::options().should_validate_formats(true);
    let validator = options.build(&schema).unwrap();
    let faults = validator.iter_errors(receipt);
    faults
        .map(|fault| format!("{}: {fault}", fault.instance_path()))
        .collect()
}

async fn house() -> House {
    House::with(grpc::Options {
        controller: Some(Controller {
            name: "Example Telephone Company".into(),
            contact: "Privacy office".into(),
            address: "1 Main Street, Denver, CO 80202".into(),
            email: "privacy@telephone.example".into(),
            phone: "+1 303 555 0100".into(),
            policy_url: "https://telephone.example/cpni".into(),
            jurisdiction: "US".into(),
            storage_location: "US".into(),
        }),
        ..grpc::Options::default()
    })
    .await
}

async fn receipt(house: &House, id: &str, position: u64) -> Result<(String, Value), Status> {
    let mut client = ReceiptServiceClient::new(house.channel.clone());
    let request = wire::GetReceiptRequest {
        customer: customer(id),
        position,
        min_position: position,
    };
    let response = client.get_receipt(request).await?.into_inner();
    let key = VerifyingKey::parse(&response.verifier_key).unwrap();
    let json = open_document(&response.note, &key).unwrap();
    let json = serde_json::from_str(json).unwrap();
    assert_eq!(faults(&json), Vec::<String>::new(), "{json:#}");
    Ok((response.note, json))
}

/// A grant to the company and a named affiliate, of every class; its position.
async fn granted(house: &House, id: &str) -> u64 {
    house.opened(id, &["local"]).await;
    let notice = house.noticed(id).await;
    let mut scope = marketing_by_named(wire::RecipientKind::Affiliate, "acme");
    scope.recipient_kinds = vec![wire::RecipientKind::Company.into()];
    let said = house.said(id, notice, vec![grant(scope)]).await.unwrap();
    said.receipt.unwrap().position
}

#[tokio::test]
async fn c8_a_receipt_has_what_kantara_and_ts_27560_require_and_the_particulars_of_cpni() {
    let house = house().await;
    let position = granted(&house, "K-1").await;
    let (_, json) = receipt(&house, "K-1", position).await.unwrap();
    let purposes = json["services"][0]["purposes"].as_array().unwrap();
    assert_eq!(purposes.len(), 1);
    assert_eq!(json["version"], "KI-CR-v1.1.0");
    assert!(json["consentTimestamp"].is_u64(), "seconds, as a number");
    assert_eq!(purposes[0]["consentType"], "EXPLICIT");
    assert_eq!(purposes[0]["purposeCategory"][0], "marketing_comms");
    assert_eq!(purposes[0]["thirdPartyDisclosure"], true);
    assert_eq!(purposes[0]["thirdPartyName"], "affiliate acme");
    assert_eq!(
        json["pii_processing"]["privacy_notice"]["version"],
        "2024-05-29"
    );
    let digest = json["pii_processing"]["privacy_notice"]["text_sha256"].as_str();
    assert_eq!(digest, Some("07".repeat(32).as_str()));
    assert_eq!(json["cpni"]["evidence_sha256"], "03".repeat(32).as_str());
    assert_eq!(json["cpni"]["classes"], "all");
    assert_eq!(json["collectionMethod"], "electronic, by web");
    assert!(json["note"].as_str().unwrap().contains("valid now"));
}

#[tokio::test]
async fn c8_what_departs_from_the_published_structure_is_told() {
    let house = house().await;
    let position = granted(&house, "K-1").await;
    let (_, json) = receipt(&house, "K-1", position).await.unwrap();
    let forged = |change: &dyn Fn(&mut Value)| {
        let mut json = json.clone();
        change(&mut json);
        faults(&json).join("; ")
    };
    let without = |pointer: &'static str, member: &'static str| {
        forged(&move |json| {
            let object = json.pointer_mut(pointer).and_then(Value::as_object_mut);
            object.unwrap().remove(member).unwrap();
        })
    };
    // What Kantara requires in 4.3 to 4.5, and TS 27560 in 6.3.
    let required = [
        (
            "",
            "version jurisdiction consentTimestamp collectionMethod consentReceiptID piiPrincipalId",
        ),
        (
            "",
            "piiControllers policyUrl services sensitive spiCat record pii_processing event",
        ),
        (
            "/piiControllers/0",
            "piiController contact address email phone",
        ),
        ("/services/0", "service purposes"),
        (
            "/services/0/purposes/0",
            "purposeCategory consentType piiCategory termination",
        ),
        (
            "/services/0/purposes/0",
            "thirdPartyDisclosure thirdPartyName",
        ),
        ("/record", "schema_version record_id pii_principal_id"),
        ("/pii_processing", "privacy_notice language purposes"),
        (
            "/pii_processing/purposes/0",
            "purpose purpose_type lawful_basis pii_information",
        ),
        (
            "/pii_processing/purposes/0",
            "storage_locations retention_period withdrawal_method",
        ),
        (
            "/party_identification/0",
            "party_id party_name party_role party_contact party_address",
        ),
        (
            "/event/0",
            "event_time validity_duration entity_id event_type event_state",
        ),
    ];
    for (pointer, members) in required {
        for member in members.split(' ') {
            let said = without(pointer, member);
            assert!(said.contains(member), "without {pointer}/{member}: {said}");
        }
    }
    let wrong = [
        ("/consentTimestamp", Value::from("2026-01-01T00:00:00Z")),
        ("/consentReceiptID", Value::from("17")),
        ("/sensitive", Value::from("true")),
        ("/policyUrl", Value::from("our page")),
        ("/piiControllers/0/email", Value::from("nowhere")),
        (
            "/services/0/purposes/0/consentType",
            Value::from("IMPLICIT"),
        ),
        (
            "/services/0/purposes/0/piiCategory",
            Value::Array(Vec::new()),
        ),
        (
            "/services/0/purposes/0/piiCategory/0",
            Value::from("shoe_size"),
        ),
        (
            "/services/0/purposes/0/thirdPartyDisclosure",
            Value::from(false),
        ),
        (
            "/pii_processing/privacy_notice/text_sha256",
            Value::from("07"),
        ),
        ("/event/0/event_time", Value::from("yesterday")),
        ("/event/0/event_state", Value::from("consent_refused")),
        ("/cpni/speaker", Value::from("other")),
    ];
    for (pointer, value) in wrong {
        let said = forged(&|json| *json.pointer_mut(pointer).unwrap() = value.clone());
        assert!(!said.is_empty(), "{pointer} = {value}");
    }
    let said = forged(&|json| json["position"] = Value::from(7));
    assert!(said.contains("position"), "{said}");
}

#[tokio::test]
async fn c8_a_receipt_is_the_same_each_time_and_holds_no_number_that_counts() {
    let house = house().await;
    let position = granted(&house, "K-1").await;
    let (first, json) = receipt(&house, "K-1", position).await.unwrap();
    let (again, _) = receipt(&house, "K-1", position).await.unwrap();
    assert_eq!(first, again);
    let id = json["consentReceiptID"].as_str().unwrap();
    assert_eq!(uuid::Uuid::parse_str(id).unwrap().get_version_num(), 8);
    assert_eq!(json["record"]["record_id"], id);

    // The only number is the time.
    let mut numbers = Vec::new();
    collect(&json, &mut numbers);
    assert_eq!(numbers, [&json["consentTimestamp"]]);
    for name in ["position", "customer_version", "prev", "sequence"] {
        assert!(!first.contains(&format!("\"{name}\"")), "{name}");
    }
    assert!(
        !first.contains("K-1"),
        "the account's id is nobody's to read"
    );
}

fn collect<'a>(value: &'a Value, numbers: &mut Vec<&'a Value>) {
    match value {
        Value::Number(_) => numbers.push(value),
        Value::Array(all) => all.iter().for_each(|one| collect(one, numbers)),
        Value::Object(all) => all.values().for_each(|one| collect(one, numbers)),
        _ => {}
    }
}

#[tokio::test]
async fn c8_what_is_no_consent_of_the_customer_has_no_receipt_and_one_answer() {
    let house = house().await;
    let position = granted(&house, "K-1").await;
    let words = vec![denial(marketing_by(&[wire::RecipientKind::Company]))];
    let denied = house.said("K-1", 0, words).await.unwrap();
    let denied = denied.receipt.unwrap().position;
    house.opened("K-2", &["local"]).await;

    let mut answers = Vec::new();
    // A denial, a notice, the account's opening, another's consent, and a record that isn't there.
    for (id, position) in [
        ("K-1", denied),
        ("K-1", position - 1),
        ("K-1", 1),
        ("K-2", position),
    ] {
        let refused = receipt(&house, id, position).await.unwrap_err();
        answers.push(refused.message().to_owned());
        let refused = refusal::<()>(Err(refused));
        assert_eq!(refused, (Code::NotFound, "CONSENT_UNKNOWN".into()));
    }
    answers.dedup();
    assert_eq!(answers.len(), 1);
    let nobody = refusal(receipt(&house, "K-3", position).await);
    assert_eq!(nobody, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
}

#[tokio::test]
async fn c8_a_server_that_cannot_name_the_company_gives_no_receipts() {
    let house = House::open().await;
    let position = granted(&house, "K-1").await;
    let refused = refusal(receipt(&house, "K-1", position).await);
    assert_eq!(refused, (Code::FailedPrecondition, "NO_CONTROLLER".into()));
}

#[tokio::test]
async fn c8_a_one_time_approval_has_a_receipt_that_ends_with_its_call() {
    let house = house().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let mut statement = consent("K-1", Some(notice), Vec::new()).statement.unwrap();
    statement.medium = wire::Medium::Oral.into();
    let request = wire::GrantOnceRequest {
        header: header(),
        customer: customer("K-1"),
        call_id: "call 7".into(),
        scope: Some(wire::Scope {
            recipient_kinds: vec![wire::RecipientKind::Company.into()],
            classes: vec![wire::CpniClass::Billing.into()],
            purposes: vec![wire::Purpose::MarketingComms.into()],
            ..wire::Scope::default()
        }),
        statement: Some(statement),
    };
    let granted = house.consents().grant_once(request).await.unwrap();
    let position = granted.into_inner().receipt.unwrap().position;
    let (note, json) = receipt(&house, "K-1", position).await.unwrap();
    let until = json["event"][0]["validity_duration"].as_str().unwrap();
    assert!(until.starts_with("with the end of the call"), "{until}");
    assert!(json["cpni"]["ends_at"].is_string());
    assert_eq!(
        json["services"][0]["purposes"][0]["thirdPartyDisclosure"],
        false
    );
    assert!(!note.contains("call 7"));
}

#[tokio::test]
async fn c8_f4_a_grant_that_answers_a_template_notice_has_a_receipt_that_cites_the_template() {
    let house = house().await;
    house.opened("K-1", &["local"]).await;
    let covers = marketing_by(&[wire::RecipientKind::Company]);
    let mut notices = NoticeServiceClient::new(house.channel.clone());
    let template = wire::ApproveNoticeTemplateRequest {
        header: header(),
        template: Some(wire::NoticeTemplate {
            version: "opt-in-es".into(),
            form: wire::Medium::Written.into(),
            language: "es-419".into(),
            text_digest: vec![9; 32],
            covers: Some(covers.clone()),
            statements: (1..=15).collect(),
            opt_out_days: None,
            ..wire::NoticeTemplate::default()
        }),
    };
    notices.approve_notice_template(template).await.unwrap();
    let sent = wire::RecordNoticeSentRequest {
        header: header(),
        customer: customer("K-1"),
        template_version: "opt-in-es".into(),
        text_digest: vec![9; 32],
        delivery: wire::NoticeDelivery::Post.into(),
        covers: Some(covers.clone()),
        campaign_id: "asking".into(),
    };
    house.campaign("asking").await;
    let sent = notices.record_notice_sent(sent).await.unwrap();
    let notice = sent.into_inner().receipt.unwrap().position;
    let said = house.said("K-1", notice, vec![grant(covers)]).await;
    let position = said.unwrap().receipt.unwrap().position;

    let (_, json) = receipt(&house, "K-1", position).await.unwrap();
    let cited = &json["pii_processing"]["privacy_notice"];
    assert_eq!(cited["version"], "opt-in-es");
    assert_eq!(cited["text_sha256"], "09".repeat(32).as_str());
    assert_eq!(cited["form"], "written");
    assert!(cited["given_at"].is_string());
    assert_eq!(json["language"], "es-419");
    assert_eq!(json["pii_processing"]["language"], "es-419");
}
