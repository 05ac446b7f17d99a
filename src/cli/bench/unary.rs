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
/// Ours and the ceiling take turns: a shared machine is not as fast in one second as in the next.
const ROUNDS: u32 = 4;
/// After appends, for what is written behind: it must not slow the ceiling.
const BETWEEN: Duration = Duration::from_millis(200);

pub async fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let running = system::start(dir).await?;
    let (ours, echo) = (running.grpc, echo::serve().await?);
    streams::open_accounts(ours, size.customers).await?;
    let sync = offline::fdatasync(dir)?;
    let (ours, echo) = (system::connect(ours).await?, system::connect(echo).await?);
    for in_flight in IN_FLIGHT {
        let time = Duration::from_secs_f64(size.unary_seconds) / ROUNDS;
        let (mut ceiling, mut appended) = (Sample::default(), Sample::default());
        let sizes = Sizes::of_append(ours.clone(), size.customers).await?;
        for _ in 0..ROUNDS {
            ceiling.add(echoed(echo.clone(), sizes.clone(), in_flight, time).await?);
            appended.add(append(ours.clone(), size.customers, in_flight, time).await?);
            tokio::time::sleep(BETWEEN).await;
        }
        let figure = rate(&format!("append_unary_{in_flight}"), appended, ceiling);
        report.add(figure.and("fdatasync_p50_us", micros(sync)));

        for (name, brief) in [("check_unary", false), ("check_brief", true)] {
            let (mut ceiling, mut checked) = (Sample::default(), Sample::default());
            let sizes = Sizes::of_check(ours.clone(), load::question(0, brief)).await?;
            for _ in 0..ROUNDS {
                ceiling.add(echoed(echo.clone(), sizes.clone(), in_flight, time).await?);
                let asked = move |index| load::question(index % size.customers, brief);
                checked.add(check(ours.clone(), asked, in_flight, time).await?);
            }
            report.add(rate(&format!("{name}_{in_flight}"), checked, ceiling));
        }
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

fn rate(name: &str, ours: Sample, ceiling: Sample) -> Figure {
    let (ours, ceiling) = (ours.measured(), ceiling.measured());
    Figure::new(name, "per second", ours.per_second, ceiling.per_second)
        .and("p50_us", micros(ours.p50))
        .and("p99_us", micros(ours.p99))
        .and("ceiling_p50_us", micros(ceiling.p50))
        .and("ceiling_p99_us", micros(ceiling.p99))
}

/// What some rounds took.
#[derive(Default)]
struct Sample {
    latencies: Vec<Duration>,
    elapsed: Duration,
}

impl Sample {
    fn add(&mut self, other: Self) {
        self.latencies.extend(other.latencies);
        self.elapsed += other.elapsed;
    }

    fn measured(self) -> Measured {
        Measured::of(self.latencies, self.elapsed)
    }
}

/// How long a request and its answer are.
#[derive(Clone, Debug)]
struct Sizes {
    payload: Vec<u8>,
    answer: u32,
}

impl Sizes {
    async fn of_append(channel: Channel, customers: usize) -> Result<Self, Failed> {
        let mut client = ConsentServiceClient::new(channel);
        let request = load::deny(customers / 2, wire::RecipientKind::Agent);
        let payload = load::payload_like(&request);
        let answer = client.record_consent(request).await?.into_inner();
        Ok(Self {
            payload,
            answer: load::answer_like(&answer),
        })
    }

    async fn of_check(channel: Channel, request: wire::CheckUseRequest) -> Result<Self, Failed> {
        let mut client = CheckServiceClient::new(channel);
        let payload = load::payload_like(&request);
        let answer = client.check_use(request).await?.into_inner();
        Ok(Self {
            payload,
            answer: load::answer_like(&answer),
        })
    }
}

/// Asks for `time`, so many questions at a time.
pub async fn ask(
    channel: Channel,
    asked: impl Fn(usize) -> wire::CheckUseRequest + Clone + Send + Sync + 'static,
    in_flight: usize,
    time: Duration,
) -> Result<Measured, Failed> {
    let sample = check(channel, asked, in_flight, time).await?;
    Ok(sample.measured())
}

/// An echo of one such question and its answer at a time.
pub async fn echoed_like(
    echo: Channel,
    ours: Channel,
    asked: wire::CheckUseRequest,
    time: Duration,
) -> Result<Measured, Failed> {
    let sizes = Sizes::of_check(ours, asked).await?;
    let sample = echoed(echo, sizes, 1, time).await?;
    Ok(sample.measured())
}

async fn append(
    channel: Channel,
    customers: usize,
    in_flight: usize,
    time: Duration,
) -> Result<Sample, Failed> {
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
    asked: impl Fn(usize) -> wire::CheckUseRequest + Clone + Send + Sync + 'static,
    in_flight: usize,
    time: Duration,
) -> Result<Sample, Failed> {
    drive(in_flight, time, move |index| {
        let mut client = CheckServiceClient::new(channel.clone());
        let request = asked(index);
        async move { client.check_use(request).await.map(drop) }
    })
    .await
}

async fn echoed(
    channel: Channel,
    sizes: Sizes,
    in_flight: usize,
    time: Duration,
) -> Result<Sample, Failed> {
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
async fn drive<F, W>(in_flight: usize, time: Duration, call: F) -> Result<Sample, Failed>
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
    Ok(Sample {
        latencies,
        elapsed: started.elapsed(),
    })
}
