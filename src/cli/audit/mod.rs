//! `audit`: what auditors ask, each as a report for people, spreadsheets or programs.

mod disclosures;
mod hindsight;
mod questions;

use super::{Ended, Global};

/// Ask what auditors ask.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger audit questions --data data
  consent-ledger audit disclosures --customer K-1001 --from 2026-01-01 --to 2027-01-01 --output csv

Each report says up to which position it holds, and names the records behind its numbers. With --output csv only its rows
are printed.")]
pub struct Arguments {
    #[command(subcommand)]
    report: Report,
}

#[derive(Debug, clap::Subcommand)]
enum Report {
    /// Ask the standing questions, which must come back empty.
    Questions(questions::Arguments),
    /// Account for the disclosures of one customer.
    Disclosures(disclosures::Arguments),
    /// A customer's uses after a denial, or on an approval that was void.
    Hindsight(hindsight::Arguments),
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    match arguments.report {
        Report::Questions(arguments) => questions::run(&global, arguments).await,
        Report::Disclosures(arguments) => disclosures::run(&global, arguments).await,
        Report::Hindsight(arguments) => hindsight::run(&global, arguments).await,
    }
}
