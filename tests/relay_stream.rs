//! N1: what the relay does about a stream that is not as it left it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod nats;
mod relay_support;

use std::{path::Path, time::Duration};

use async_nats::jetstream::stream::Config;
use consent_ledger::relay::{Auth, Options, REPLAY_HEADER, RelayError, Secret, Tls, subject};
use nats::NatsServer;
use relay_support::{
    LEDGER, Log, Running, STREAM, assert_stream_is_the_log, get, jetstream, messages, options,
    ordinary, size,
};

/// A server with a stream that holds all of `log`.
async fn published(log: &Log) -> NatsServer {
    let server = NatsServer::start();
    let mut relay = Running::start(options(&server.url()), log);
    relay.published_up_to(log.next()).await;
    relay.stop().await;
    server
}

/// How many of the first `count` messages are marked as replayed: which ones.
async fn marked(server: &NatsServer, count: u64) -> Vec<u64> {
    let messages = messages(&jetstream(&server.url()).await, STREAM, count).await;
    let all = (0..).zip(&messages);
    all.filter(|(_, message)| get(message, REPLAY_HEADER) == Some("true"))
        .map(|(position, _)| position)
        .collect()
}

#[tokio::test]
async fn n1_the_stream_is_created_for_this_ledger_alone() {
    let server = published(&Log::filled(1, 1)).await;
    let stream = jetstream(&server.url())
        .await
        .get_stream(STREAM)
        .await
        .unwrap();
    let config = &stream.cached_info().config;
    assert_eq!(config.subjects, [subject::all(&LEDGER)]);
    assert!(config.deny_delete && config.deny_purge);
    assert_eq!(config.duplicate_window, Duration::from_millis(100));
    assert_eq!(
        (config.max_messages, config.max_bytes, config.max_age),
        (-1, -1, Duration::ZERO)
    );
}

#[tokio::test]
async fn n1_two_ledgers_on_one_stream_are_refused() {
    let server = published(&Log::filled(100, 10)).await;
    // The same ledger id with another history: a copy that was written to on its own.
    let other = Log::with_flavour("coffee");
    let mut grown = other;
    grown.grow(200, 10);
    let refused = Running::start(options(&server.url()), &grown)
        .refusal()
        .await;
    assert!(
        matches!(&refused, RelayError::OtherRecord { position: 99, .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("two ledgers share the stream"),
        "{refused}"
    );

    // Another ledger that was given the same stream name.
    let context = jetstream(&server.url()).await;
    let foreign = subject::all(&[7; 16]);
    let config = Config {
        name: "SHARED".into(),
        subjects: vec![foreign.clone()],
        ..Config::default()
    };
    context.create_stream(config).await.unwrap();
    let shared = Options {
        stream: Some("SHARED".into()),
        ..options(&server.url())
    };
    let refused = Running::start(shared, &grown).refusal().await;
    assert!(
        matches!(&refused, RelayError::OtherSubjects { found, .. } if *found == [foreign]),
        "{refused}"
    );
    assert_eq!(size(&context, STREAM).await.0, 100, "nothing was added");
}

#[tokio::test]
async fn n1_a_message_of_somebody_else_in_the_stream_stops_the_relay() {
    let mut log = Log::filled(5, 5);
    let server = published(&log).await;
    let context = jetstream(&server.url()).await;
    let topic = subject::withheld(&LEDGER);
    context
        .publish(topic, "not ours".into())
        .await
        .unwrap()
        .await
        .unwrap();
    log.grow(5, 5);
    let refused = Running::start(options(&server.url()), &log).refusal().await;
    assert!(
        matches!(refused, RelayError::ForeignMessage { sequence: 6, .. }),
        "{refused}"
    );
}

#[tokio::test]
async fn n1_a_stream_ahead_of_the_log_stops_the_relay() {
    let server = published(&Log::filled(100, 10)).await;
    let shorter = Log::filled(60, 10);
    let relay = Running::start(options(&server.url()), &shorter);
    let handle = relay.handle.clone();
    let refused = relay.refusal().await;
    assert!(
        matches!(
            refused,
            RelayError::StreamAhead {
                stream_next: 100,
                log_next: 60,
                ..
            }
        ),
        "{refused}"
    );
    assert!(refused.to_string().contains("lost records"), "{refused}");
    let status = handle.status();
    assert!(
        status.stopped && !status.connected && status.last_error.is_some(),
        "{status:?}"
    );
}

#[tokio::test]
async fn n1_a_difference_behind_withheld_positions_is_found() {
    let sealed = || {
        let data = r#"{"seal":{}}"#.to_owned();
        consent_ledger::ledger::Record {
            data,
            ..ordinary(1, "tea")
        }
    };
    let mut log = Log::filled(20, 5);
    log.commit((0..30).map(|_| sealed()).collect());
    let server = published(&log).await;
    let mut other = Log::with_flavour("coffee");
    other.grow(20, 5);
    other.commit((0..30).map(|_| sealed()).collect());
    let refused = Running::start(options(&server.url()), &other)
        .refusal()
        .await;
    assert!(
        matches!(refused, RelayError::OtherRecord { position: 19, .. }),
        "{refused}"
    );
    log.grow(1, 1);
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(51).await;
    relay.stop().await;
}

#[tokio::test]
async fn n3_a_recreated_stream_is_replayed_and_marked_by_the_running_relay() {
    let server = NatsServer::start();
    let mut log = Log::filled(300, 30);
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(300).await;
    // Deleted while nothing is published: the relay finds out by itself.
    jetstream(&server.url())
        .await
        .delete_stream(STREAM)
        .await
        .unwrap();
    relay
        .until("the loss is noticed", |status| status.next < 300)
        .await;
    relay.published_up_to(300).await;
    log.grow(10, 10);
    relay.published_up_to(310).await;
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
    assert_eq!(marked(&server, 310).await, (0..300).collect::<Vec<_>>());
}

#[tokio::test]
async fn n3_a_replay_is_marked_after_a_restart_of_the_relay_too() {
    let folder = tempfile::tempdir().unwrap();
    let remembering = |url: &str| Options {
        watermark: Some(folder.path().join("published")),
        ..options(url)
    };
    let mut log = Log::filled(100, 10);
    let server = NatsServer::start();
    let mut relay = Running::start(remembering(&server.url()), &log);
    relay.published_up_to(100).await;
    relay.stop().await;
    assert_eq!(
        marked(&server, 100).await,
        [0; 0],
        "the first time nothing is a replay"
    );

    jetstream(&server.url())
        .await
        .delete_stream(STREAM)
        .await
        .unwrap();
    log.grow(20, 10);
    let mut relay = Running::start(remembering(&server.url()), &log);
    assert_eq!(
        relay.handle.status().lag(),
        20,
        "it remembers how far it was"
    );
    relay.published_up_to(120).await;
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
    assert_eq!(marked(&server, 120).await, (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn n1_aged_out_messages_do_not_stop_the_sequence() {
    let server = NatsServer::start();
    let context = jetstream(&server.url()).await;
    let config = Config {
        name: STREAM.into(),
        subjects: vec![subject::all(&LEDGER)],
        ..Config::default()
    };
    let mut stream = context.create_stream(config).await.unwrap();
    let mut log = Log::filled(50, 10);
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(50).await;
    // Emptied, as age or an operator does it: the last sequence stays.
    stream.purge().await.unwrap();
    log.grow(10, 10);
    relay.published_up_to(60).await;
    relay.stop().await;
    stream.purge().await.unwrap();
    log.grow(10, 10);
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(70).await;
    relay.stop().await;
    let state = stream.info().await.unwrap().state.clone();
    assert_eq!(
        (state.first_sequence, state.last_sequence, state.messages),
        (61, 70, 10)
    );
    let messages = messages(&context, STREAM, 10).await;
    let replayed = messages
        .iter()
        .filter(|message| get(message, REPLAY_HEADER).is_some());
    assert_eq!(replayed.count(), 0, "nothing was sent twice");
}

#[tokio::test]
async fn n6_each_way_to_log_in_works_and_no_secret_is_shown() {
    // The key pair of the NATS documentation.
    let key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    let seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    let server = NatsServer::start_with(&format!(
        "authorization {{ users: [ {{ user: relay, password: \"open sesame\" }}, {{ nkey: {key} }} ] }}"
    ));
    let log = Log::filled(10, 10);
    let plain = options(&server.url());
    let wrong = options(&server.url().replace("//", "//relay:wrong%20word@"));
    for refused in [plain.clone(), wrong] {
        let mut relay = Running::start(refused, &log);
        let status = relay
            .until("the refusal", |status| status.last_error.is_some())
            .await;
        assert!(!status.connected, "{status:?}");
        assert!(!format!("{status:?}").contains("wrong"), "{status:?}");
        relay.stop().await;
    }
    let in_address = options(&server.url().replace("//", "//relay:open%20sesame@"));
    assert!(!format!("{in_address:?}").contains("sesame"));
    let (user, password) = ("relay".to_owned(), Secret::new("open sesame".to_owned()));
    let by_password = Options {
        auth: Auth::UserPassword { user, password },
        ..plain.clone()
    };
    let by_key = Options {
        auth: Auth::NkeySeed(Secret::new(seed.to_owned())),
        ..plain
    };
    for allowed in [in_address, by_password, by_key] {
        let mut relay = Running::start(allowed, &log);
        relay.published_up_to(10).await;
        relay.stop().await;
    }
}

#[tokio::test]
async fn n6_tls_with_an_authority_and_a_certificate_of_our_own() {
    let pem = |name: &str| {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/nats/tls")
            .join(name)
    };
    let server = NatsServer::start_with(&format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        pem("server.pem"),
        pem("server.key"),
        pem("authority.pem")
    ));
    let log = Log::filled(10, 10);
    let certificate = Some((pem("client.pem"), pem("client.key")));
    let authority = Some(pem("authority.pem"));
    let nobody = Tls {
        authority: authority.clone(),
        ..Tls::default()
    };
    let unknown_server = Tls {
        required: true,
        certificate: certificate.clone(),
        ..Tls::default()
    };
    for tls in [nobody, unknown_server] {
        let mut relay = Running::start(
            Options {
                tls,
                ..options(&server.url())
            },
            &log,
        );
        let status = relay
            .until("the refusal", |status| status.last_error.is_some())
            .await;
        assert!(!status.connected, "{status:?}");
        relay.stop().await;
    }
    let tls = Tls {
        required: true,
        authority,
        certificate,
        first: false,
    };
    let mut relay = Running::start(
        Options {
            tls,
            ..options(&server.url())
        },
        &log,
    );
    relay.published_up_to(10).await;
    relay.stop().await;
}
