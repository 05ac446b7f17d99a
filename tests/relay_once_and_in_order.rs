//! N1: every position once and in order, through every restart, and not by the grace of the dedupe window.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod nats;
mod relay_support;

use std::time::Duration;

use consent_ledger::relay::Options;
use nats::{NatsServer, proxy::Proxy};
use relay_support::{
    Log, Running, STREAM, assert_stream_is_the_log, options, outlive_the_duplicate_window, soon,
};
use tokio::time::sleep;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_each_position_once_and_in_order() {
    let server = NatsServer::start();
    let mut log = Log::filled(3_000, 250);
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(3_000).await;
    // And then as it grows, one record at a time.
    for _ in 0..50 {
        log.grow(1, 1);
        relay.published_up_to(log.next()).await;
    }
    let status = relay.handle.status();
    assert_eq!(
        (status.lag(), status.published(), status.connected),
        (0, Some(3_049), true)
    );
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_survives_killed_and_restarted_server_during_load() {
    const RECORDS: u64 = 20_000;
    const KILLS: u64 = 8;
    let mut server = NatsServer::start();
    let mut log = Log::new();
    let mut relay = Running::start(options(&server.url()), &log);
    for kill in 1..=KILLS {
        log.grow(RECORDS / KILLS, 100);
        // Somewhere in the middle of what was just committed.
        relay
            .published_up_to(log.next() - RECORDS / KILLS / 2 + kill * 37)
            .await;
        server.kill();
        relay
            .until("the loss is noticed", |status| !status.connected)
            .await;
        server.restart();
    }
    relay.published_up_to(RECORDS).await;
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_relay_restart_goes_on() {
    let server = NatsServer::start();
    let mut log = Log::new();
    for round in 1..=6 {
        log.grow(2_000, 100);
        let mut relay = Running::start(options(&server.url()), &log);
        relay.published_up_to(log.next() - 1_000 + 61 * round).await;
        // In turn a crash with a full pipeline and an orderly end.
        if round % 2 == 1 {
            relay.crash().await
        } else {
            relay.stop().await
        }
        outlive_the_duplicate_window().await;
    }
    let mut relay = Running::start(options(&server.url()), &log);
    relay.published_up_to(log.next()).await;
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_a_lost_acknowledgement_is_not_published_again() {
    let server = NatsServer::start();
    let proxy = Proxy::start(server.port()).await;
    let mut log = Log::filled(100, 10);
    // Only records are to be under way when the answers stop.
    let check_interval = Duration::from_secs(3_600);
    let options = Options {
        check_interval,
        ..options(&proxy.url())
    };
    let mut relay = Running::start(options, &log);
    relay.published_up_to(100).await;
    for _ in 0..3 {
        proxy.swallow_answers();
        log.grow(500, 50);
        // The server stores what the relay never hears about.
        let context = relay_support::jetstream(&server.url()).await;
        soon("the server stores", async {
            while relay_support::size(&context, STREAM).await.0 < log.next() {
                sleep(Duration::from_millis(10)).await;
            }
        })
        .await;
        outlive_the_duplicate_window().await;
        assert!(
            relay.handle.status().next < log.next(),
            "no answer was heard"
        );
        proxy.cut();
        relay.published_up_to(log.next()).await;
    }
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_two_relays_of_one_log_publish_each_position_once() {
    let server = NatsServer::start();
    let mut log = Log::filled(2_000, 50);
    let mut one = Running::start(options(&server.url()), &log);
    let mut other = Running::start(options(&server.url()), &log);
    for _ in 0..40 {
        log.grow(50, 7);
        one.published_up_to(log.next() - 25).await;
    }
    one.published_up_to(log.next()).await;
    other.published_up_to(log.next()).await;
    one.stop().await;
    other.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_what_a_relay_sent_too_late_is_refused() {
    let server = NatsServer::start();
    let proxy = Proxy::start(server.port()).await;
    let mut log = Log::filled(100, 10);
    let check_interval = Duration::from_secs(3_600);
    let options = |url: &str| Options {
        check_interval,
        ..options(url)
    };
    let mut late = Running::start(options(&proxy.url()), &log);
    late.published_up_to(100).await;
    let mut other = Running::start(options(&server.url()), &log);
    other
        .until("it is connected", |status| status.connected)
        .await;
    // One relay's messages are stuck on the way, the other's pass, and nobody remembers their ids.
    proxy.hold();
    log.grow(500, 50);
    other.published_up_to(600).await;
    outlive_the_duplicate_window().await;
    proxy.release();
    late.published_up_to(600).await;
    late.stop().await;
    other.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn n1_nats_absent_is_normal_and_the_relay_catches_up() {
    let mut server = NatsServer::absent();
    let mut log = Log::filled(10, 10);
    let mut relay = Running::start(options(&server.url()), &log);
    let waiting = relay
        .until("the absence is noticed", |status| {
            status.last_error.is_some()
        })
        .await;
    assert!(!waiting.connected && !waiting.stopped, "{waiting:?}");
    log.grow(500, 20);
    let lagging = relay
        .until("the lag grows", |status| status.lag() == 510)
        .await;
    assert_eq!(lagging.published(), None);
    server.restart();
    relay.published_up_to(510).await;
    let status = relay
        .until("all is well", |status| status.last_error.is_none())
        .await;
    assert!(status.connected && status.lag() == 0, "{status:?}");
    relay.stop().await;
    assert_stream_is_the_log(&server.url(), STREAM, &log).await;
}
