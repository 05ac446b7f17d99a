//! Customers as they come: their history imported, each of them asked about, a list drawn from them, the year's
//! certificate and another rulebook's answers over all of them.
//!
//! They come by their numbers, and their pseudonyms are random: what is asked about next is seldom in memory.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use futures_util::stream;
use prost::Message;
use tonic::transport::Channel;

use super::report::{Figure, Report};
use super::{Failed, Size, campaign, load, offline, streams, system};
use crate::app::{Options, Running};
use crate::cli::generate::lines;
use crate::cli::import::feed::{Counts, Done, feed};
use crate::domain::rulebook::FCC_TEXT;
use crate::generate::{self, Customers};
use crate::proto::v1 as wire;
use wire::bulk_check_use_response::Answer;
use wire::check_service_client::CheckServiceClient;
use wire::compare_rulebooks_response::Part;
use wire::compliance_service_client::ComplianceServiceClient;
use wire::rulebook_service_client::RulebookServiceClient;

/// The workloads that need these customers.
pub const NAMES: [&str; 8] = [
    "import",
    "check_generated",
    "check_generated_full",
    "draw_list",
    "check_generated_cold",
    "draw_list_cold",
    "certificate",
    "compare",
];
/// The customers are always the same.
const SEED: u64 = 1;
/// The year of the certificate.
const YEAR: u32 = 2024;

pub async fn measure(
    dir: &Path,
    size: Size,
    wanted: &dyn Fn(&str) -> bool,
    report: &mut Report,
) -> Result<(), Failed> {
    let count = size.generated_customers;
    // First with room in memory for all of them, as whoever asks often configures it; then as it comes, just started.
    let mut options = Options::new(dir);
    options.state.cache_customers = count;
    options.vault.cache_entries = count;
    let running = system::start_with(options).await?;
    let imported = import(&running, dir, count).await?;
    if wanted("import") {
        report.add(imported);
    }
    if wanted("check_generated") {
        report.add(check("check_generated", running.grpc, count, true).await?);
    }
    if wanted("check_generated_full") {
        report.add(check("check_generated_full", running.grpc, count, false).await?);
    }
    if wanted("draw_list") {
        report.add(campaign::draw("draw_list", running.grpc, count).await?);
    }
    running.close().await?;

    let running = system::start(dir).await?;
    if wanted("check_generated_cold") {
        report.add(check("check_generated_cold", running.grpc, count, true).await?);
    }
    if wanted("draw_list_cold") {
        report.add(campaign::draw("draw_list_cold", running.grpc, count).await?);
    }
    if wanted("certificate") {
        report.add(certificate(running.grpc, count).await?);
    }
    if wanted("compare") {
        report.add(compare(&running, count).await?);
    }
    running.close().await?;
    Ok(())
}

/// The id of the customer of that number.
pub fn customer_id(number: usize) -> String {
    generate::customer_id(number as u64)
}

/// Imports what a migrating company would bring of `count` customers, made as they are sent.
async fn import(running: &Running, dir: &Path, count: usize) -> Result<Figure, Failed> {
    let from = running.ledger.views.reached().0;
    let channel = system::connect(running.grpc).await?;
    let started = Instant::now();
    let counts = bring(channel, count).await?;
    let rate = counts.lines() as f64 / started.elapsed().as_secs_f64();
    let plain = offline::plain_file(&*running.ledger.journal, from, dir)?;
    let figure = Figure::new("import", "lines per second", rate, plain);
    Ok(figure.and("customers", count).and("lines", counts.lines()))
}

/// Imports `count` customers; none of their lines may be refused.
pub async fn bring(channel: Channel, count: usize) -> Result<Counts, Failed> {
    let lines = lines(Customers::of(SEED).take(count));
    let mut counts = Counts::default();
    let mut note = |_: Done, _: &Counts| Ok(());
    feed(channel, "generated", lines, &mut counts, &mut note).await?;
    match counts.refused {
        0 => Ok(counts),
        refused => Err(format!("{refused} lines of the import were refused").into()),
    }
}

/// Asks about every customer over one stream.
async fn check(
    name: &str,
    address: SocketAddr,
    count: usize,
    brief: bool,
) -> Result<Figure, Failed> {
    let mut client = CheckServiceClient::new(system::connect(address).await?);
    let mut question = load::bulk_question(0).question;
    // One question for all, as a campaign is scrubbed.
    let questions = (1..=count).map(move |number| wire::BulkCheckUseRequest {
        customer: load::customer(customer_id(number)),
        brief: brief && question.is_some(),
        question: question.take(),
        ..wire::BulkCheckUseRequest::default()
    });
    let started = Instant::now();
    let mut answers = client
        .bulk_check_use(stream::iter(questions))
        .await?
        .into_inner();
    let (mut allowed, mut bytes) = (0_u64, 0);
    for asked in 1..=count {
        let answer = answers.message().await?.ok_or("too few answers came")?;
        bytes += answer.encoded_len();
        match answer.answer {
            Some(Answer::Ruling(ruling)) => allowed += u64::from(ruling.allowed),
            _ => return Err(format!("customer {asked} was refused an answer").into()),
        }
    }
    let rate = count as f64 / started.elapsed().as_secs_f64();
    let asked = wire::BulkCheckUseRequest {
        customer: load::customer(customer_id(count)),
        ..wire::BulkCheckUseRequest::default()
    };
    let answer = u32::try_from(bytes / count.max(1))?;
    let echoed = streams::echo(load::payload_like(&asked), answer, count).await?;
    let figure = Figure::new(name, "customers per second", rate, echoed);
    Ok(figure.and("customers", count).and("allowed", allowed))
}

/// The facts of a year's certificate, from the registers.
async fn certificate(address: SocketAddr, count: usize) -> Result<Figure, Failed> {
    let mut client = ComplianceServiceClient::new(system::connect(address).await?);
    let request = wire::GetCertificateRequest {
        year: YEAR,
        ..wire::GetCertificateRequest::default()
    };
    let started = Instant::now();
    let certificate = client.get_certificate(request).await?.into_inner();
    let elapsed = started.elapsed().as_secs_f64();
    let figure = Figure::alone("certificate", "seconds", elapsed);
    Ok(figure
        .and("customers", count)
        .and("figures", certificate.figures.len()))
}

/// Compares the rulebook in force with the FCC baseline over all customers.
async fn compare(running: &Running, count: usize) -> Result<Figure, Failed> {
    let channel: Channel = system::connect(running.grpc).await?;
    let request = wire::CompareRulebooksRequest {
        text: FCC_TEXT.to_owned(),
        examples: 3,
    };
    let started = Instant::now();
    let mut parts = RulebookServiceClient::new(channel)
        .max_decoding_message_size(usize::MAX)
        .compare_rulebooks(request)
        .await?
        .into_inner();
    let (mut compared, mut progress) = (0, 0);
    while let Some(message) = parts.message().await? {
        if let Some(Part::Progress(told)) = message.part {
            (compared, progress) = (told.customers, progress + 1);
        }
    }
    let rate = compared as f64 / started.elapsed().as_secs_f64();
    if compared != count as u64 {
        return Err(format!("{compared} of {count} customers were compared").into());
    }
    let walked = walk(running)?;
    let figure = Figure::new("compare", "customers per second", rate, walked);
    Ok(figure
        .and("customers", count)
        .and("progress_messages", progress)
        .and("ceiling_is", "a walk over all customers that asks nothing"))
}

fn walk(running: &Running) -> Result<f64, Failed> {
    let started = Instant::now();
    let mut walked = 0;
    for chunk in running.ledger.views.customers() {
        walked += chunk?.len();
    }
    Ok(walked as f64 / started.elapsed().as_secs_f64())
}
