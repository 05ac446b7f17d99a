//! N2 and N4: what a message looks like, and what it never shows.
#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

mod nats;
mod relay_support;

use std::collections::BTreeMap;

use consent_ledger::{
    ledger::{Part, Record, Subject, Timestamp},
    relay::{REPLAY_HEADER, header, subject},
};
use nats::NatsServer;
use relay_support::{
    LEDGER, LEDGER_HEX, Log, Running, STREAM, get, jetstream, messages, options, ordinary,
};
use serde_json::{Value, json};

async fn published(log: &Log) -> Vec<async_nats::jetstream::Message> {
    let server = NatsServer::start();
    let mut relay = Running::start(options(&server.url()), log);
    relay.published_up_to(log.next()).await;
    relay.stop().await;
    messages(&jetstream(&server.url()).await, STREAM, log.next()).await
}

fn headers(message: &async_nats::jetstream::Message) -> BTreeMap<String, String> {
    let all = message.headers.as_ref().unwrap().iter();
    all.map(|(name, values)| (name.to_string(), values[0].as_str().to_owned()))
        .collect()
}

fn payload(message: &async_nats::jetstream::Message) -> Value {
    serde_json::from_slice(&message.payload).unwrap()
}

#[tokio::test]
async fn n2_a_record_is_a_cloudevent_in_binary_mode() {
    let mut log = Log::new();
    log.grow(1, 1);
    log.commit(vec![
        Record {
            occurred_at: Some(Timestamp(1_789_999_999_000_001)),
            part: Part { index: 1, of: 2 },
            version: 7,
            ..ordinary(1, "tea")
        },
        Record {
            part: Part { index: 2, of: 2 },
            version: 8,
            ..ordinary(1, "tea")
        },
    ]);
    let messages = published(&log).await;
    let customer = "01".repeat(16);
    let message = &messages[1];
    assert_eq!(
        message.subject.as_str(),
        format!("consent.v1.{LEDGER_HEX}.consent-granted.{customer}")
    );
    let hash = log.hash(1).to_string();
    let id = format!("{LEDGER_HEX}-1");
    let source = format!("urn:consent-ledger:{LEDGER_HEX}");
    let expected = [
        ("Nats-Expected-Last-Sequence", "1"),
        ("Nats-Expected-Stream", STREAM),
        ("Nats-Msg-Id", &id),
        ("ce-datacontenttype", "application/json"),
        ("ce-id", &id),
        ("ce-position", "1"),
        ("ce-recordhash", &hash),
        ("ce-rulebook", "cpni"),
        ("ce-rulebookversion", "2026-10"),
        ("ce-source", &source),
        ("ce-specversion", "1.0"),
        ("ce-subject", &customer),
        ("ce-subjectversion", "7"),
        ("ce-time", "2026-09-21T14:13:20.000001Z"),
        ("ce-type", "consent.granted.v1"),
    ];
    let expected: BTreeMap<String, String> = expected
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    assert_eq!(headers(message), expected);
    assert_eq!(
        payload(message),
        json!({
            "position": 1,
            "recorded_at": "2026-09-21T14:13:20.000001Z",
            "occurred_at": "2026-09-21T14:13:19.000001Z",
            "subject": {"kind": "customer", "id": customer},
            "version": 7,
            "type": "consent.granted.v1",
            "part": [1, 2],
            "policy": {"rulebook": "cpni", "version": "2026-10"},
            "data": {"purpose": "marketing", "drink": "tea"},
        })
    );
    assert_eq!(payload(&messages[2])["part"], json!([2, 2]));
}

#[tokio::test]
async fn n2_attribute_names_and_values_are_as_cloudevents_wants_them() {
    let mut log = Log::new();
    let mut odd = ordinary(0, "tea");
    odd.policy.rulebook = "règles \"50%\"\n".into();
    log.commit(vec![odd]);
    let message = &published(&log).await[0];
    for (name, value) in headers(message)
        .iter()
        .filter(|(name, _)| name.starts_with("ce-"))
    {
        let attribute = name.trim_start_matches("ce-");
        assert!(attribute.len() <= 20, "{name}");
        assert!(
            attribute
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
            "{name}"
        );
        assert!(
            value.bytes().all(|b| b.is_ascii_graphic()),
            "{name}: {value}"
        );
    }
    assert_eq!(
        get(message, header::RULEBOOK),
        Some("r%C3%A8gles%20%2250%25%22%0A")
    );
    assert_eq!(payload(message)["policy"]["rulebook"], "règles \"50%\"\n");
    assert_eq!(
        message.subject.as_str(),
        format!("consent.v1.{LEDGER_HEX}.ledger-opened.ledger")
    );
    assert_eq!(get(message, header::SUBJECT), Some("ledger"));
}

#[tokio::test]
async fn n4_a_message_shows_no_person_no_sealed_field_and_no_request() {
    let log = Log::filled(3, 3);
    let line = String::from_utf8(log.lines[1].clone()).unwrap();
    for kept in ["actor", "person", "sealed", "request_mac", "prev"] {
        assert!(line.contains(kept), "the record itself has {kept}");
    }
    for message in published(&log).await {
        let text = format!(
            "{:?} {}",
            message.headers,
            String::from_utf8_lossy(&message.payload)
        );
        let (person, mac, sealed) = ("09".repeat(16), "03".repeat(16), "AgICAg");
        for hidden in [
            "actor",
            "crm",
            "sealed",
            "request_mac",
            "prev",
            &person,
            &mac,
            sealed,
        ] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
    }
}

#[tokio::test]
async fn n4_the_withheld_marker_gives_nothing_away() {
    let under_seal = |customer: u8, data: &str| Record {
        subject: Subject::Customer([customer; 16]),
        kind: "disclosure.made.v1".into(),
        data: data.into(),
        version: 3 + u64::from(customer),
        recorded_at: Timestamp(1_795_000_000_000_000),
        ..ordinary(1, "tea")
    };
    let mut log = Log::new();
    log.grow(1, 1);
    log.commit(vec![under_seal(
        5,
        r#"{"seal":{"until":"2027-01-01"},"purpose":"legal"}"#,
    )]);
    log.commit(vec![under_seal(6, r#"{"purpose":"other","seal":null}"#)]);
    // The word elsewhere in the data does not withhold a record.
    log.commit(vec![under_seal(7, r#"{"note":"seal","inner":{"seal":1}}"#)]);
    let messages = published(&log).await;
    let (one, other) = (&messages[1], &messages[2]);
    assert_eq!(one.subject.as_str(), subject::withheld(&LEDGER));
    assert_eq!(one.subject, other.subject);
    assert_eq!(
        one.payload,
        r#"{"position":1,"type":"withheld.v1"}"#.as_bytes()
    );
    assert_eq!(
        other.payload,
        r#"{"position":2,"type":"withheld.v1"}"#.as_bytes()
    );
    let names: Vec<String> = headers(one).into_keys().collect();
    assert_eq!(
        names,
        [
            "Nats-Expected-Last-Sequence",
            "Nats-Expected-Stream",
            "Nats-Msg-Id",
            "ce-datacontenttype",
            "ce-id",
            "ce-position",
            "ce-source",
            "ce-specversion",
            "ce-type",
        ]
    );
    assert_eq!(get(one, header::TYPE), Some("consent.withheld.v1"));
    // Position aside, two markers are the same, byte for byte.
    let anonymous = |message, position: u64| {
        let shift = |(name, value): (String, String)| {
            let value = value.replace(&format!("-{position}"), "-N");
            (
                name.clone(),
                if name.ends_with("position") || name.ends_with("Sequence") {
                    "N".into()
                } else {
                    value
                },
            )
        };
        headers(message)
            .into_iter()
            .map(shift)
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(anonymous(one, 1), anonymous(other, 2));
    assert_eq!(get(&messages[3], header::TYPE), Some("disclosure.made.v1"));
    assert!(
        messages
            .iter()
            .all(|message| get(message, REPLAY_HEADER).is_none())
    );
}

#[tokio::test]
async fn p7_a_lifted_gag_order_is_published_and_what_it_hid_stays_a_marker() {
    let golden = include_str!("golden/areas/gag_orders.txt");
    let (kind, data) = golden.trim().split_once(' ').unwrap();
    let of_customer = |kind: &str, data: &str| Record {
        subject: Subject::Customer([5; 16]),
        kind: kind.into(),
        data: data.into(),
        ..ordinary(1, "tea")
    };
    let mut log = Log::new();
    log.grow(1, 1);
    let hidden = r#"{"seal":{"until":null},"question":{}}"#;
    log.commit(vec![of_customer("disclosure.made.v1", hidden)]);
    log.commit(vec![of_customer(kind, data)]);
    let messages = published(&log).await;
    let types = [1, 2].map(|at: usize| get(&messages[at], header::TYPE));
    assert_eq!(types, [Some("consent.withheld.v1"), Some(kind)]);
    let told: serde_json::Value = serde_json::from_slice(&messages[2].payload).unwrap();
    assert_eq!(
        told["data"],
        serde_json::from_str::<serde_json::Value>(data).unwrap()
    );
    assert!(told.get("preferences").is_none());
}

#[tokio::test]
async fn n4_steps_in_the_companys_registers_are_published_as_markers() {
    let step = |kind: &str| Record {
        subject: Subject::Ledger,
        kind: kind.into(),
        ..ordinary(1, "tea")
    };
    let mut log = Log::new();
    log.grow(1, 1);
    for kind in [
        "breach.determined.v1",
        "conduct.disciplined.v1",
        "entity.joined.v1",
    ] {
        log.commit(vec![step(kind)]);
    }
    let messages = published(&log).await;
    let types: Vec<_> = messages[1..]
        .iter()
        .map(|one| get(one, header::TYPE))
        .collect();
    assert_eq!(
        types,
        [
            Some("consent.withheld.v1"),
            Some("consent.withheld.v1"),
            Some("entity.joined.v1")
        ]
    );
}

#[tokio::test]
async fn n4_subscribers_learn_nothing_of_contacts_verifications_and_passwords() {
    let golden = [
        include_str!("golden/areas/contacts.txt"),
        include_str!("golden/areas/authentication.txt"),
    ];
    let mut log = Log::new();
    log.grow(1, 1);
    for line in golden.into_iter().flat_map(str::lines) {
        let (kind, data) = line.split_once(' ').unwrap();
        log.commit(vec![Record {
            kind: kind.into(),
            data: data.into(),
            ..ordinary(1, "tea")
        }]);
    }
    let messages = published(&log).await;
    assert!(messages.len() > 20);
    for message in &messages[1..] {
        assert_eq!(get(message, header::TYPE), Some("consent.withheld.v1"));
        assert_eq!(message.subject.as_str(), subject::withheld(&LEDGER));
    }
}

#[tokio::test]
async fn n4_what_a_customer_said_is_published_without_the_verification_behind_it() {
    let mut log = Log::new();
    log.grow(1, 1);
    let golden = include_str!("golden/events.txt");
    let mut granted = golden.lines().filter_map(|line| line.split_once(' '));
    let (kind, data) = granted
        .find(|(kind, _)| *kind == "consent.granted.v1")
        .unwrap();
    let cited =
        r#""statement":{"verification":{"record":7,"call":"09090909090909090909090909090909"},"#;
    log.commit(vec![Record {
        kind: kind.into(),
        data: data.replace(r#""statement":{"#, cited),
        ..ordinary(1, "tea")
    }]);
    let messages = published(&log).await;
    let told: serde_json::Value = serde_json::from_slice(&messages[1].payload).unwrap();
    let mut wanted: serde_json::Value = serde_json::from_str(data).unwrap();
    wanted["statement"]
        .as_object_mut()
        .unwrap()
        .remove("verification");
    assert_eq!(told["data"], wanted);
}

#[tokio::test]
async fn e8_n4_subscribers_learn_who_was_erased_and_not_whom_a_rule_kept() {
    let mut log = Log::new();
    log.grow(1, 1);
    let golden = include_str!("golden/areas/retention.txt");
    for (kind, data) in golden.lines().filter_map(|line| line.split_once(' ')) {
        log.commit(vec![Record {
            subject: Subject::Customer([5; 16]),
            kind: kind.into(),
            data: data.into(),
            ..ordinary(1, "tea")
        }]);
    }
    let messages = published(&log).await;
    let told: Vec<_> = (messages[1..].iter())
        .filter(|message| get(message, header::TYPE) != Some("consent.withheld.v1"))
        .collect();
    let types: Vec<_> = told.iter().map(|one| get(one, header::TYPE)).collect();
    assert_eq!(
        types,
        [
            Some("retention.erasure_requested.v1"),
            Some("retention.erasure_completed.v1")
        ]
    );
}
