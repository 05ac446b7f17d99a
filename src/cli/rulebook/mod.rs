//! `rulebook`: read one, check one, and see what another would change (P17).

mod compare;
mod lines;
mod offline;
mod show;

use std::path::Path;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Ended, Global, output};
use crate::clock::{Clock, System};
use crate::domain::calendar;
use crate::domain::rulebook::{Rulebook, RulebookError, SHIPPED};

/// Check, show and compare rulebooks.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Check a rulebook file; says the line and the rule at fault.
    Check(CheckArguments),
    /// Show a rulebook's switches, periods, grounds and clauses.
    Show(show::Arguments),
    /// Compare the rulebook in force with another, over all customers of a ledger: which answers change, for how many.
    Compare(compare::Arguments),
}

/// Check a rulebook file; says the line and the rule at fault.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger rulebook check policy-2027.toml
  consent-ledger rulebook check policy-2027.toml --output json")]
struct CheckArguments {
    /// The file (TOML).
    #[arg(value_name = "FILE")]
    file: std::path::PathBuf,
}

impl Arguments {
    /// Whether the result has rows and columns.
    pub const fn makes_a_table(&self) -> bool {
        matches!(self.command, Command::Compare(_))
    }
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    match arguments.command {
        Command::Check(arguments) => check(&global, &arguments.file),
        Command::Show(arguments) => show::run(&global, &arguments),
        Command::Compare(arguments) => compare::run(&global, arguments).await,
    }
}

/// Why a rulebook can't be had.
#[derive(Debug, thiserror::Error)]
enum Problem {
    /// The file can't be read.
    #[error("{file}: {problem}")]
    File {
        file: String,
        problem: std::io::Error,
    },
    /// It is no rulebook.
    #[error("{file}: {problem}")]
    Rulebook {
        file: String,
        problem: RulebookError,
    },
}

impl Problem {
    fn ended(&self) -> Ended {
        match self {
            Self::File { .. } => Ended::Unreachable,
            Self::Rulebook { .. } => Ended::Wrong,
        }
    }
}

/// A rulebook of this name that ships with the program.
fn shipped(name: &str) -> Option<&'static str> {
    let mut shipped = SHIPPED.iter().filter(|(known, _)| *known == name);
    shipped.next().map(|(_, text)| *text)
}

/// The text of the file, or of the rulebook that ships under that name.
fn text_of(file: &Path) -> Result<String, Problem> {
    let shipped = file.to_str().and_then(shipped);
    match shipped {
        Some(text) => Ok(text.to_owned()),
        None => std::fs::read_to_string(file).map_err(|problem| Problem::File {
            file: file.display().to_string(),
            problem,
        }),
    }
}

fn parsed(file: &Path, text: &str) -> Result<Rulebook, Problem> {
    let digest = Sha256::digest(text.as_bytes()).into();
    Rulebook::parse(text, digest).map_err(|problem| Problem::Rulebook {
        file: file.display().to_string(),
        problem,
    })
}

/// Says on standard error where the holidays that this release knows reach no further: a rulebook's business days are
/// counted by them (F19, R17).
fn warn_of_holidays() {
    let reach = calendar::holidays_reach(System::default().wall());
    let warning = calendar::holidays_warning(reach, calendar::HOLIDAYS_KNOWN_THROUGH);
    if let Some(warning) = warning {
        output::progress_note(&warning);
    }
}

fn check(global: &Global, file: &Path) -> Ended {
    let read = text_of(file).and_then(|text| parsed(file, &text));
    match (read, global.output) {
        (Ok(rulebook), output::Format::Json) => {
            output::json(&json!({
                "ok": true,
                "name": rulebook.name,
                "version": rulebook.version,
                "digest": data_encoding::HEXLOWER.encode(&rulebook.digest),
                "holidays_known_through": calendar::HOLIDAYS_KNOWN_THROUGH,
            }));
            warn_of_holidays();
            Ended::Well
        }
        (Ok(rulebook), _) => {
            output::line(&format!(
                "{} {} is a rulebook; SHA-256 {}",
                rulebook.name,
                rulebook.version,
                data_encoding::HEXLOWER.encode(&rulebook.digest)
            ));
            warn_of_holidays();
            Ended::Well
        }
        (Err(Problem::Rulebook { problem, .. }), output::Format::Json) => {
            output::json(&json!({
                "ok": false,
                "line": problem.line,
                "rule": problem.rule,
                "problem": problem.message,
            }));
            Ended::Wrong
        }
        (Err(problem), _) => output::fail(problem.ended(), &problem),
    }
}
