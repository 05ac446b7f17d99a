//! One message, one answer, at 1, 32 and 128 in flight: appends and checks beside an echo of the same sizes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tonic::Status;
use tonic::transport::Channel;

use super::report::{Figure, Measured, Report, micros};
use super::{Failed, Size, echo, load, offline, streams, system};
use crate::proto::bench as echoes;
use crate::proto::v1 as wire;
use echoes::echo_service_client::EchoServiceClient;
use wire::check_service_client::CheckServiceClient;
use wire::consent_service_client::ConsentServiceClient;

const IN_FLIGHT: [usize; 3] = [1, 32, 128];

pub async fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let running = system::start(dir).await?;
    let (ours, echo) = (running.grpc, echo::serve().await?);
    streams::open_accounts(ours, size.customers).await?;
    let sync = offline::fdatasync(dir)?;
    for in_flight in IN_FLIGHT {
        let time = Duration::from_secs_f64(size.unary_seconds);
        let sizes = Sizes::of_append(ours, size.customers).await?;
        let ceiling = echoed(system::connect(echo).await?, sizes, in_flight, time).await?;
        let appended = append(
            system::connect(ours).await?,
            size.customers,
            in_flight,
            time,
        )
        .await?;
        let figure = rate(&format!("append_unary_{in_flight}"), &appended, &ceiling);
        report.add(figure.and("fdatasync_p50_us", micros(sync)));

        let sizes = Sizes::of_check(ours).await?;
        let ceiling = echoed(system::connect(echo).await?, sizes, in_flight, time).await?;
        let checked = check(
            system::connect(ours).await?,
            size.customers,
            in_flight,
            time,
        )
        .await?;
        report.add(rate(
            &format!("check_unary_{in_flight}"),
            &checked,
            &ceiling,
        ));
    }
    running.close().await?;
    let lines = offline::line_bytes(dir)?;
    let stored = offline::disk_bytes(&dir.join("log").join("blocks"))?;
    report.add(Figure::new(
        "disk_bytes_unary",
        "bytes per event",
        stored / lines.events,
        lines.bytes / lines.events,
    ));
    Ok(())
}

fn rate(name: &str, ours: &Measured, ceiling: &Measured) -> Figure {
    Figure::new(name, "per second", ours.per_second, ceiling.per_second)
        .and("p50_us", micros(ours.p50))
        .and("p99_us", micros(ours.p99))
        .and("ceiling_p50_us", micros(ceiling.p50))
        .and("ceiling_p99_us", micros(ceiling.p99))
}

/// How long a request and its answer are.
#[derive(Clone, Debug)]
struct Sizes {
    payload: Vec<u8>,
    answer: u32,
}

impl Sizes {
    async fn of_append(address: std::net::SocketAddr, customers: usize) -> Result<Self, Failed> {
        let mut client = ConsentServiceClient::new(system::connect(address).await?);
        let request = load::deny(customers / 2, wire::RecipientKind::Agent);
        let payload = load::payload_like(&request);
        let answer = client.record_consent(request).await?.into_inner();
        Ok(Self {
            payload,
            answer: load::answer_like(&answer),
        })
    }

    async fn of_check(address: std::net::SocketAddr) -> Result<Self, Failed> {
        let mut client = CheckServiceClient::new(system::connect(address).await?);
        let request = load::question(0);
        let payload = load::payload_like(&request);
        let answer = client.check_use(request).await?.into_inner();
        Ok(Self {
            payload,
            answer: load::answer_like(&answer),
        })
    }
}

async fn append(
    channel: Channel,
    customers: usize,
    in_flight: usize,
    time: Duration,
) -> Result<Measured, Failed> {
    drive(in_flight, time, move |index| {
        let mut client = ConsentServiceClient::new(channel.clone());
        async move {
            let request = load::deny(index % customers, wire::RecipientKind::Affiliate);
            client.record_consent(request).await.map(drop)
        }
    })
    .await
}

async fn check(
    channel: Channel,
    customers: usize,
    in_flight: usize,
    time: Duration,
) -> Result<Measured, Failed> {
    drive(in_flight, time, move |index| {
        let mut client = CheckServiceClient::new(channel.clone());
        async move {
            client
                .check_use(load::question(index % customers))
                .await
                .map(drop)
        }
    })
    .await
}

async fn echoed(
    channel: Channel,
    sizes: Sizes,
    in_flight: usize,
    time: Duration,
) -> Result<Measured, Failed> {
    drive(in_flight, time, move |_| {
        let mut client = EchoServiceClient::new(channel.clone());
        let request = echoes::EchoRequest {
            payload: sizes.payload.clone(),
            answer_bytes: sizes.answer,
        };
        async move { client.echo(request).await.map(drop) }
    })
    .await
}

/// Keeps `in_flight` calls under way for `time`, each on the heels of the one before.
async fn drive<F, W>(in_flight: usize, time: Duration, call: F) -> Result<Measured, Failed>
where
    F: Fn(usize) -> W + Clone + Send + Sync + 'static,
    W: Future<Output = Result<(), Status>> + Send + 'static,
{
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let callers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (next, call) = (Arc::clone(&next), call.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while started.elapsed() < time {
                    let begun = Instant::now();
                    // A stride that is no divisor of anything round spreads the customers.
                    call(next.fetch_add(7_919, Ordering::Relaxed)).await?;
                    latencies.push(begun.elapsed());
                }
                Ok::<_, Status>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for caller in callers {
        latencies.extend(caller.await??);
    }
    Ok(Measured::of(latencies, started.elapsed()))
}
