//! `rulebook compare`: what another rulebook would change, for a running ledger or a data folder.

use std::path::{Path, PathBuf};

use super::lines::Found;
use super::{Problem, offline, parsed, text_of};
use crate::cli::{Ended, Global, output};
use crate::proto::v1 as wire;
use wire::compare_rulebooks_response::Part;
use wire::rulebook_service_client::RulebookServiceClient;

/// Compare the rulebook in force with another, over all customers of a ledger: which answers change, for how many.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger rulebook compare --with policy-2027.toml
  consent-ledger rulebook compare --with fcc
  consent-ledger rulebook compare --with policy-2027.toml --examples 10 --output csv > differences.csv
  consent-ledger rulebook compare --with policy-2027.toml --data data --output json

Nothing is recorded. Each line is a set of questions (every combination of what it lists) whose answer changes in the same
way for the same customers. --data reads a copy of the folder; it keeps every customer in memory.")]
pub struct Arguments {
    /// The other rulebook: a file, or the name of one that ships with the program.
    #[arg(long, value_name = "FILE")]
    with: PathBuf,
    /// The ledger's gRPC address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:7400", value_parser = crate::cli::server_url)]
    server: String,
    /// Data folder to read instead, offline, from a copy.
    #[arg(long, value_name = "DIR", conflicts_with = "server")]
    data: Option<PathBuf>,
    /// Customers named as examples of each difference.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    examples: u32,
}

pub async fn run(global: &Global, arguments: Arguments) -> Ended {
    let text = match read(&arguments.with) {
        Ok(text) => text,
        Err(problem) => return output::fail(problem.ended(), &problem),
    };
    let bar = output::progress("comparing customers");
    let found = match &arguments.data {
        Some(dir) => offline::compare(dir, &text, arguments.examples as usize, &bar),
        None => ask(&arguments, text, &bar).await,
    };
    bar.finish_and_clear();
    match found {
        Ok(found) => found.print(global.output),
        Err((ended, problem)) => output::complain(ended, &problem),
    }
}

/// The text, checked here first: a fault is then told with the file's name, and before anybody is asked.
fn read(with: &Path) -> Result<String, Problem> {
    let text = text_of(with)?;
    parsed(with, &text)?;
    Ok(text)
}

async fn ask(
    arguments: &Arguments,
    text: String,
    bar: &indicatif::ProgressBar,
) -> Result<Found, (Ended, String)> {
    let unreachable = |problem: String| (Ended::Unreachable, problem);
    let mut client = RulebookServiceClient::connect(arguments.server.clone())
        .await
        .map_err(|error| {
            unreachable(format!(
                "no ledger answers at {}: {error}",
                arguments.server
            ))
        })?;
    let request = wire::CompareRulebooksRequest {
        text,
        examples: arguments.examples,
    };
    let failed = |status: tonic::Status| unreachable(status.message().to_owned());
    let mut parts = client
        .compare_rulebooks(request)
        .await
        .map_err(failed)?
        .into_inner();
    let mut found = Found::default();
    while let Some(message) = parts.message().await.map_err(failed)? {
        if let Some(Part::Progress(progress)) = &message.part {
            bar.set_length(progress.expected);
            bar.set_position(progress.customers);
        }
        found.take(message);
    }
    Ok(found)
}
