//! Streams of commands and of questions.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use futures_util::stream;
use tonic::Streaming;

use super::report::{Figure, Report};
use super::{Failed, Size, echo, load, offline, system};
use crate::proto::bench as echoes;
use crate::proto::v1 as wire;
use echoes::echo_service_client::EchoServiceClient;
use wire::check_service_client::CheckServiceClient;
use wire::intake_service_client::IntakeServiceClient;
use wire::submit_request::Command;
use wire::submit_response::Answer;

/// How long an answer of the echo beside the checks is.
const ANSWER_BYTES: u32 = 120;

pub async fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let running = system::start(dir).await?;
    open_accounts(running.grpc, size.customers).await?;

    let customers = size.customers;
    let (from, started) = (running.ledger.views.reached().0, Instant::now());
    let commands = (0..size.stream_commands)
        .map(move |turn| load::command(turn.wrapping_mul(7_919) % customers, turn));
    submit(running.grpc, commands).await?;
    let elapsed = started.elapsed().as_secs_f64();
    let events = (running.ledger.views.reached().0 - from) as f64;
    let plain = offline::plain_file(&*running.ledger.journal, from, dir)?;
    report.add(
        Figure::new(
            "append_stream",
            "durable events per second",
            events / elapsed,
            plain,
        )
        .and(
            "ceiling_is",
            "the same lines as zstd blocks of 256, each with an fdatasync",
        ),
    );

    let asked = check(running.grpc, size.stream_checks, customers).await?;
    let payload = load::payload_like(&load::bulk_question(0));
    let echoed = echo(payload, ANSWER_BYTES, size.stream_checks).await?;
    report.add(Figure::new(
        "check_stream",
        "answers per second",
        asked,
        echoed,
    ));
    running.close().await?;
    Ok(())
}

/// Opens `count` accounts over one stream.
pub async fn open_accounts(address: SocketAddr, count: usize) -> Result<(), Failed> {
    submit(
        address,
        (0..count).map(|index| Command::OpenAccount(load::open_account(index))),
    )
    .await
}

/// Sends commands over one stream and reads every answer; a refusal is a failure of the measurement.
pub async fn submit(
    address: SocketAddr,
    commands: impl Iterator<Item = Command> + Send + 'static,
) -> Result<(), Failed> {
    let mut client = IntakeServiceClient::new(system::connect(address).await?);
    let requests = commands.map(|command| wire::SubmitRequest {
        command: Some(command),
    });
    let mut answers = client.submit(stream::iter(requests)).await?.into_inner();
    while let Some(answer) = answers.message().await? {
        if let Some(Answer::Refused(status)) = answer.answer {
            return Err(format!("a command was refused: {}", status.message).into());
        }
    }
    Ok(())
}

async fn check(address: SocketAddr, count: usize, customers: usize) -> Result<f64, Failed> {
    let mut client = CheckServiceClient::new(system::connect(address).await?);
    let questions =
        (0..count).map(move |turn| load::bulk_question(turn.wrapping_mul(7_919) % customers));
    let started = Instant::now();
    let answers = client
        .bulk_check_use(stream::iter(questions))
        .await?
        .into_inner();
    rate(answers, count, started).await
}

/// The transport's own rate for messages of these sizes, over one stream.
pub async fn echo(payload: Vec<u8>, answer_bytes: u32, count: usize) -> Result<f64, Failed> {
    let mut client = EchoServiceClient::new(system::connect(echo::serve().await?).await?);
    let questions = (0..count).map(move |_| echoes::EchoStreamRequest {
        payload: payload.clone(),
        answer_bytes,
    });
    let started = Instant::now();
    let answers = client
        .echo_stream(stream::iter(questions))
        .await?
        .into_inner();
    rate(answers, count, started).await
}

async fn rate<T>(mut answers: Streaming<T>, count: usize, started: Instant) -> Result<f64, Failed> {
    let mut received = 0;
    while answers.message().await?.is_some() {
        received += 1;
    }
    if received != count {
        return Err(format!("{received} of {count} answers came").into());
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
