//! `bench`: what this machine gives, ours beside its ceiling, in one run.
//!
//! Every figure has a ceiling that was measured in the same minute on the same cores: a transport without anything
//! behind it, a plain file, plain SHA-256. Machines are noisy; ratios of one run can be compared.

mod campaign;
mod echo;
mod generated;
mod load;
mod memory;
mod offline;
mod past;
mod report;
mod startup;
mod streams;
mod system;
mod unary;

use std::path::PathBuf;

use super::{Ended, Global, output};
use report::Report;

/// Measure this machine: ours beside its ceiling, in one run.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger bench --quick
  consent-ledger bench --output json > bench.json
  consent-ledger bench --only append_stream,verify

Needs a release build, a quiet machine, and some 10 GB of disk (1 GB with --quick).")]
pub struct Arguments {
    /// A minute's version: fewer customers, fewer records.
    #[arg(long)]
    quick: bool,
    /// Folder for the ledgers that are measured; a temporary one where none is given.
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Only these workloads.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    only: Vec<String>,
}

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Customers that the loads run over.
    pub customers: usize,
    /// Seconds of each unary measurement.
    pub unary_seconds: f64,
    /// Commands of the streamed append.
    pub stream_commands: usize,
    /// Questions of the streamed check.
    pub stream_checks: usize,
    /// Generated customers, with some seven lines of history each.
    pub generated_customers: usize,
    /// Customers of the memory measurement.
    pub memory_customers: usize,
    /// Records of the ledger that is started after a kill.
    pub startup_records: u64,
}

impl Size {
    const QUICK: Self = Self {
        customers: 20_000,
        unary_seconds: 2.0,
        stream_commands: 400_000,
        stream_checks: 500_000,
        generated_customers: 100_000,
        memory_customers: 100_000,
        startup_records: 500_000,
    };
    const FULL: Self = Self {
        customers: 100_000,
        unary_seconds: 5.0,
        stream_commands: 3_000_000,
        stream_checks: 3_000_000,
        generated_customers: 1_000_000,
        memory_customers: 1_000_000,
        startup_records: 5_000_000,
    };
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

pub fn run(global: &Global, arguments: &Arguments) -> Ended {
    let size = if arguments.quick {
        Size::QUICK
    } else {
        Size::FULL
    };
    match measure(arguments, size) {
        Ok(report) => {
            match global.output {
                output::Format::Json => output::json(&report.json()),
                output::Format::Text | output::Format::Csv => output::line(&report.table()),
            }
            Ended::Well
        }
        Err(error) => output::complain(Ended::Unreachable, &error.to_string()),
    }
}

fn measure(arguments: &Arguments, size: Size) -> Result<Report, Failed> {
    let mut report = Report::default();
    let temporary;
    let dir = match &arguments.dir {
        Some(dir) => dir.clone(),
        None => {
            temporary = tempfile::Builder::new()
                .prefix("consent-ledger-bench-")
                .tempdir()?;
            temporary.path().to_owned()
        }
    };
    let wanted = |name: &str| {
        arguments.only.is_empty()
            || arguments
                .only
                .iter()
                .any(|only| name.starts_with(only.as_str()))
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    if ["append_unary", "check_unary", "check_brief"]
        .into_iter()
        .any(wanted)
    {
        runtime.block_on(unary::measure(&dir.join("unary"), size, &mut report))?;
    }
    if wanted("check_as_of") {
        runtime.block_on(past::measure(&dir.join("past"), size, &mut report))?;
    }
    let streamed = dir.join("streamed");
    let offline = [
        "append_stream",
        "check_stream",
        "verify",
        "replay",
        "disk_bytes",
    ];
    if offline.iter().any(|name| wanted(name)) {
        runtime.block_on(streams::measure(&streamed, size, &mut report))?;
        runtime.block_on(offline::measure(&streamed, &mut report))?;
    }
    if generated::NAMES.iter().any(|name| wanted(name)) {
        let dir = dir.join("generated");
        runtime.block_on(generated::measure(&dir, size, &wanted, &mut report))?;
    }
    memory::measure(&dir, size, &wanted, &mut report)?;
    if wanted("startup") {
        runtime.block_on(startup::measure(&dir.join("startup"), size, &mut report))?;
    }
    Ok(report)
}
