//! The `consent-ledger` program.

use std::process::ExitCode;

fn main() -> ExitCode {
    consent_ledger::cli::run()
}
