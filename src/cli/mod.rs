//! The command line: thin. It reads arguments, calls the part that does the work, and prints.

mod audit;
mod basis;
mod bench;
mod call;
mod certificate;
mod check;
mod config;
mod demo;
mod evidence;
mod failed;
mod generate;
mod import;
mod inspect;
mod output;
mod owed;
mod prove;
mod question;
mod receipt;
mod registers;
mod rulebook;
mod serve;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand};

use crate::config::Config;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for `check`: yes; for `verify`: everything holds; for `audit questions`: each came back empty
  1  what was looked at is wrong: `verify`, `audit` or a standing question found something, a ledger is in doubt, or
     something listed is late; `import`: lines were refused
  2  the command line or the configuration is wrong
  3  `check`: the answer is no; `call`: the ledger refuses
  4  something could not be reached, read or written";

/// What a command ended with; see the help's list of exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "it is the exit code"]
pub enum Ended {
    /// Done, or yes.
    Well,
    /// What was looked at is wrong.
    Wrong,
    /// The command line or configuration is wrong.
    Usage,
    /// The answer is no.
    No,
    /// Something could not be reached, read or written.
    Unreachable,
}

impl From<Ended> for ExitCode {
    fn from(ended: Ended) -> Self {
        Self::from(match ended {
            Ended::Well => 0,
            Ended::Wrong => 1,
            Ended::Usage => 2,
            Ended::No => 3,
            Ended::Unreachable => 4,
        })
    }
}

/// The system of record for a telephone company's customer consent (CPNI).
///
/// It answers "may we use or disclose this customer's network information?" and proves years later what it answered.
#[derive(Debug, Parser)]
#[command(name = "consent-ledger", version, after_help = EXIT_CODES, propagate_version = true)]
struct Line {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file (TOML).
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "CONSENT_LEDGER_CONFIG"
    )]
    config: Option<PathBuf>,
    /// Log filter, e.g. `info,consent_ledger::relay=debug` [default: info].
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// `text` or `json` log lines [default: text].
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t)]
    output: output::Format,
}

impl Global {
    /// The effective configuration, with `flags` of the command itself.
    fn load(
        &self,
        flags: Vec<(&'static str, Option<String>)>,
    ) -> Result<Config, crate::config::ConfigError> {
        let own = [
            ("log", self.log.clone()),
            ("log_format", self.log_format.clone()),
        ];
        let given: Vec<_> = flags
            .into_iter()
            .chain(own)
            .filter_map(|(key, value)| Some((key, value?)))
            .collect();
        Config::load(self.config.as_deref(), &given)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the ledger: gRPC, publication to NATS, metrics.
    Serve(serve::Arguments),
    /// Play the policy's story on a real server, from the first account to a found forgery.
    Demo(demo::Arguments),
    /// Verify a data folder or an export, offline: chain, tree, checkpoint.
    Verify(verify::Arguments),
    /// Export a data folder: one record a line, the exact hashed bytes.
    Export(verify::ExportArguments),
    /// Show one record or one customer for people.
    Inspect(inspect::Arguments),
    /// Ask what auditors ask: standing questions, accounting of disclosures, uses after a denial.
    Audit(audit::Arguments),
    /// Ask a running ledger: may we?
    Check(check::Arguments),
    /// Import a migrating company's history: asserted, with its own dates.
    Import(import::Arguments),
    /// Make customers with realistic histories, from a seed.
    Generate(generate::Arguments),
    /// List what is due to the FCC and to customers, what is late and what was done.
    Deadlines(registers::Deadlines),
    /// List the register of campaigns.
    Campaigns(registers::Campaigns),
    /// Show the facts of a year's certificate, each with the records it counts.
    Certificate(certificate::Certificate),
    /// Check, show and compare rulebooks: what would another policy change?
    Rulebook(rulebook::Arguments),
    /// Prove that a record is in the ledger, or that the ledger only grew since an older checkpoint.
    Prove(prove::Arguments),
    /// Gather all that an answer about a customer rests on into a folder, or verify one offline.
    Evidence(evidence::Arguments),
    /// Get a customer's signed receipt of one consent, or verify one.
    Receipt(receipt::Arguments),
    /// Call any method of the contract: breaches, complaints, training, holds, whatever has no command of its own.
    Call(call::Arguments),
    /// Measure this machine: ours beside its ceiling, in one run.
    Bench(bench::Arguments),
    /// Print the effective configuration and where each value came from.
    Config(config::Arguments),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

impl Command {
    /// Whether its result has rows and columns.
    const fn makes_a_table(&self) -> bool {
        match self {
            Self::Audit(_)
            | Self::Deadlines(_)
            | Self::Campaigns(_)
            | Self::Certificate(_)
            | Self::Call(_) => true,
            Self::Rulebook(arguments) => arguments.makes_a_table(),
            _ => false,
        }
    }
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let line = Line::parse();
    let global = line.global;
    if global.output == output::Format::Csv && !line.command.makes_a_table() {
        let why = "only reports have rows for --output csv; take text or json";
        return output::complain(Ended::Usage, why).into();
    }
    let ended = match line.command {
        Command::Serve(arguments) => in_runtime(serve::run(global, arguments)),
        Command::Demo(arguments) => in_runtime(demo::run(global, arguments)),
        Command::Verify(arguments) => verify::run(&global, &arguments),
        Command::Export(arguments) => verify::export(&global, &arguments),
        Command::Inspect(arguments) => in_runtime(inspect::run(global, arguments)),
        Command::Check(arguments) => in_runtime(check::run(global, arguments)),
        Command::Import(arguments) => in_runtime(import::run(global, arguments)),
        Command::Generate(arguments) => in_runtime(generate::run(global, arguments)),
        Command::Deadlines(arguments) => in_runtime(registers::deadlines(global, arguments)),
        Command::Campaigns(arguments) => in_runtime(registers::campaigns(global, arguments)),
        Command::Certificate(arguments) => in_runtime(certificate::run(global, arguments)),
        Command::Audit(arguments) => in_runtime(audit::run(global, arguments)),
        Command::Rulebook(arguments) => in_runtime(rulebook::run(global, arguments)),
        Command::Prove(arguments) => in_runtime(prove::run(global, arguments)),
        Command::Evidence(arguments) => in_runtime(evidence::run(global, arguments)),
        Command::Receipt(arguments) => in_runtime(receipt::run(global, arguments)),
        Command::Call(arguments) => in_runtime(call::run(global, arguments)),
        Command::Bench(arguments) => bench::run(&global, &arguments),
        Command::Config(arguments) => config::run(&global, arguments),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Line::command(), "consent-ledger", &mut script);
            output::bytes(&script)
        }
    };
    output::whole(ended).into()
}

/// A past moment as it is given on the command line: a position, or an instant.
fn moment(text: &str) -> Result<crate::proto::v1::as_of::Moment, String> {
    use crate::proto::v1::as_of::Moment;

    if let Ok(position) = text.parse() {
        return Ok(Moment::Position(position));
    }
    let at: jiff::Timestamp = text.parse().map_err(|error| {
        format!("neither a position nor an instant such as 2026-03-02T11:00:00Z: {error}")
    })?;
    Ok(Moment::Time(prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }))
}

/// A ledger's gRPC address as a URL; a bare address is one on plain HTTP.
fn server_url(given: &str) -> Result<String, String> {
    match given.contains("://") {
        true => Ok(given.to_owned()),
        false => Ok(format!("http://{given}")),
    }
}

fn in_runtime(work: impl Future<Output = Ended>) -> Ended {
    match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => output::fail(Ended::Unreachable, &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u2_the_command_line_is_consistent() {
        Line::command().debug_assert();
    }

    #[test]
    fn u2_a_ledger_is_named_by_an_address_or_a_url() {
        let url = "http://127.0.0.1:7400";
        assert_eq!(server_url("127.0.0.1:7400").as_deref(), Ok(url));
        assert_eq!(server_url(url).as_deref(), Ok(url));
    }
}
