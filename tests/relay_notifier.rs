//! F16, N1 and N4: whoever notifies customers of account changes is told each that is due, once and in order, on a stream
//! that no other subscriber reads.
#![allow(clippy::unwrap_used, reason = "a failure here is the test's failure")]

mod nats;
mod relay_support;

use std::time::Duration;

use async_nats::ConnectOptions;
use async_nats::jetstream::consumer::pull;
use async_nats::jetstream::context::ContextBuilder;
use consent_ledger::ledger::{Record, Subject};
use consent_ledger::relay::{Options, RelayError, header};
use nats::NatsServer;
use relay_support::{
    LEDGER_HEX, Log, Running, STREAM, account_change, get, jetstream, messages, options, ordinary,
    outlive_the_duplicate_window, size,
};
use serde_json::{Value, json};

const NOTIFIER: &str = "CONSENT_NOTIFIER";

fn telling(url: &str) -> Options {
    Options {
        notifier_stream: Some(NOTIFIER.into()),
        ..options(url)
    }
}

/// Twenty records more, each fifth an account change.
fn grow(log: &mut Log) {
    for position in log.next()..log.next() + 20 {
        log.commit(vec![match position % 5 {
            3 => account_change(position),
            _ => ordinary(position, "tea"),
        }]);
    }
}

/// Publishes the log as it is.
async fn publish_all(options: Options, log: &Log) {
    let mut relay = Running::start(options, log);
    relay.published_up_to(log.next()).await;
    relay.stop().await;
}

/// The positions of the account changes up to there.
fn changes(log: &Log) -> Vec<String> {
    let all = 0..log.next();
    let changes = all.filter(|position| position % 5 == 3);
    changes.map(|position| position.to_string()).collect()
}

/// The positions that the notifier was told of, in the order of its stream.
async fn told(url: &str) -> Vec<String> {
    let context = jetstream(url).await;
    let (last, there) = size(&context, NOTIFIER).await;
    assert_eq!(last, there);
    let messages = messages(&context, NOTIFIER, last).await;
    let position = |message| get(message, header::POSITION).unwrap().to_owned();
    messages.iter().map(position).collect()
}

#[tokio::test]
async fn f16_n2_a_notice_is_a_cloudevent_that_says_what_is_due_and_nothing_that_is_new() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    publish_all(telling(&server.url()), &log).await;

    let context = jetstream(&server.url()).await;
    let notice = &messages(&context, NOTIFIER, 1).await[0];
    let customer = "03".repeat(16);
    assert_eq!(
        notice.subject.as_str(),
        format!("consent.notifier.v1.{LEDGER_HEX}.change_notice-due.{customer}")
    );
    let id = format!("{LEDGER_HEX}-3-notice");
    for (name, value) in [
        ("ce-id", id.as_str()),
        ("ce-type", "change_notice.due.v1"),
        ("ce-subject", customer.as_str()),
        ("ce-position", "3"),
        ("ce-specversion", "1.0"),
        ("ce-datacontenttype", "application/json"),
    ] {
        assert_eq!(get(notice, name), Some(value), "{name}");
    }
    assert_eq!(
        get(notice, header::RECORD_HASH),
        None,
        "it could be guessed at"
    );
    let payload: Value = serde_json::from_slice(&notice.payload).unwrap();
    assert_eq!(
        payload,
        json!({
            "position": 3,
            "recorded_at": "2026-09-21T14:13:20.000003Z",
            "subject": {"kind": "customer", "id": customer},
            "version": 1,
            "type": "change_notice.due.v1",
            "policy": {"rulebook": "cpni", "version": "2026-10"},
            "data": {
                "change": "credential",
                "due_at": "2026-09-21T14:18:20.000000Z",
                "targets": [{
                    "kind": "telephone_number",
                    "value": "11".repeat(16),
                    "position": 1
                }]
            }
        })
    );

    // To everybody else it is a marker as before.
    let marker = &messages(&context, STREAM, 4).await[3];
    assert_eq!(get(marker, header::TYPE), Some("consent.withheld.v1"));
    assert_eq!(&*marker.payload, br#"{"position":3,"type":"withheld.v1"}"#);
}

#[tokio::test]
async fn f16_n1_each_notice_is_told_once_and_in_order_whatever_is_killed() {
    let mut server = NatsServer::start();
    let mut log = Log::new();
    for round in 0..6 {
        grow(&mut log);
        let mut relay = Running::start(telling(&server.url()), &log);
        if round % 2 == 0 {
            // In the middle of whatever it does, or after it.
            tokio::time::sleep(Duration::from_millis(7 * round)).await;
            relay.crash().await;
            outlive_the_duplicate_window().await;
        } else {
            relay.published_up_to(log.next()).await;
            server.kill();
            server.restart();
            relay.crash().await;
        }
    }
    // Two at once, that should not be.
    grow(&mut log);
    let mut one = Running::start(telling(&server.url()), &log);
    let mut other = Running::start(telling(&server.url()), &log);
    one.published_up_to(log.next()).await;
    other.published_up_to(log.next()).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(told(&server.url()).await, changes(&log));
}

#[tokio::test]
async fn f16_n1_a_stream_that_was_told_more_than_the_log_holds_stops_the_relay() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    grow(&mut log);
    publish_all(telling(&server.url()), &log).await;
    let context = jetstream(&server.url()).await;
    context.delete_stream(STREAM).await.unwrap();
    // A log that was put back, shorter than what was told of.
    let mut shorter = Log::new();
    grow(&mut shorter);
    let refused = Running::start(telling(&server.url()), &shorter);
    let refused = refused.refusal().await;
    assert!(
        matches!(&refused, RelayError::StreamAhead { stream, .. } if stream == NOTIFIER),
        "{refused}"
    );
}

#[tokio::test]
async fn f16_n1_a_log_that_was_put_back_and_went_on_otherwise_stops_the_relay() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    publish_all(telling(&server.url()), &log).await;
    let context = jetstream(&server.url()).await;
    context.delete_stream(STREAM).await.unwrap();
    // As long as before and longer; at the last position that was told of, it is about somebody else.
    let mut other = Log::new();
    for position in 0..log.next() {
        other.commit(vec![match position {
            18 => Record {
                subject: Subject::Customer([4; 16]),
                ..account_change(position)
            },
            3 | 8 | 13 => account_change(position),
            _ => ordinary(position, "tea"),
        }]);
    }
    grow(&mut other);
    let refused = Running::start(telling(&server.url()), &other);
    let refused = refused.refusal().await;
    assert!(
        matches!(&refused, RelayError::ForeignNotice { stream, sequence: 4, .. } if stream == NOTIFIER),
        "{refused}"
    );
    assert!(refused.to_string().contains("position 18"), "{refused}");
}

#[tokio::test]
async fn f16_n1_a_main_stream_that_is_made_anew_tells_the_notifier_nothing_twice() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    publish_all(telling(&server.url()), &log).await;
    let context = jetstream(&server.url()).await;
    context.delete_stream(STREAM).await.unwrap();
    outlive_the_duplicate_window().await;
    grow(&mut log);
    publish_all(telling(&server.url()), &log).await;
    assert_eq!(told(&server.url()).await, changes(&log));
}

#[tokio::test]
async fn n4_nobody_is_told_of_account_changes_where_no_notifier_is_named() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    publish_all(options(&server.url()), &log).await;
    let context = jetstream(&server.url()).await;
    assert!(context.get_stream(NOTIFIER).await.is_err());
    for message in messages(&context, STREAM, log.next()).await {
        assert!(message.subject.starts_with("consent.v1."));
    }
}

#[tokio::test]
async fn f16_a_stream_that_collects_something_else_is_not_written_to() {
    let server = NatsServer::start();
    let mut log = Log::new();
    grow(&mut log);
    let context = jetstream(&server.url()).await;
    let other = async_nats::jetstream::stream::Config {
        name: NOTIFIER.into(),
        subjects: vec!["orders.>".into()],
        ..Default::default()
    };
    context.create_stream(other).await.unwrap();
    let refused = Running::start(telling(&server.url()), &log).refusal().await;
    assert!(
        matches!(refused, RelayError::OtherSubjects { .. }),
        "{refused}"
    );
}

/// The users of deploy/nats.conf, each with the password `p`.
fn deployed_users() -> String {
    let conf = include_str!("../deploy/nats.conf");
    let users = &conf[conf.find("authorization {").unwrap()..];
    ["LEDGER", "SUBSCRIBER", "NOTIFIER"]
        .iter()
        .fold(users.to_owned(), |text, user| {
            text.replace(&format!("$NATS_{user}_PASSWORD"), "\"p\"")
        })
}

/// Whether a user of deploy/nats.conf can read the first message of a stream, through a consumer or straight.
async fn reads(url: &str, user: &str, stream: &str) -> (bool, bool) {
    let client = ConnectOptions::with_user_and_password(user.into(), "p".into())
        .custom_inbox_prefix(format!("_INBOX_{user}"))
        .connect(url)
        .await
        .unwrap();
    // What isn't permitted is not answered.
    let context = ContextBuilder::new()
        .timeout(Duration::from_secs(1))
        .build(client);
    let consumed = async {
        let config = pull::Config::default();
        let consumer = context.create_consumer_on_stream(config, stream).await;
        let fetched = consumer.ok()?.fetch().max_messages(1).messages().await;
        let message = futures_util::StreamExt::next(&mut fetched.ok()?).await?;
        message.ok()?.double_ack().await.ok()
    };
    let consumed = consumed.await.is_some();
    let straight = context.get_stream_no_info(stream).await.unwrap();
    (consumed, straight.get_raw_message(1).await.is_ok())
}

#[tokio::test]
async fn n4_by_the_shipped_permissions_subscribers_read_no_notices_and_the_notifier_nothing_else() {
    let server = NatsServer::start_with(&deployed_users());
    let mut log = Log::new();
    grow(&mut log);
    let mut options = telling(&server.url());
    options.servers = vec![server.url().replace("//", "//ledger:p@").parse().unwrap()];
    publish_all(options, &log).await;
    let url = server.url();
    assert_eq!(reads(&url, "subscriber", STREAM).await, (true, true));
    assert_eq!(reads(&url, "subscriber", NOTIFIER).await, (false, false));
    assert_eq!(reads(&url, "notifier", STREAM).await, (false, false));
    assert!(reads(&url, "notifier", NOTIFIER).await.0);
}
