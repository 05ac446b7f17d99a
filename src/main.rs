//! The `consent-ledger` program.

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A huge page stays in memory, all two megabytes, for a few bytes that are in use. Where it can't be said, they stay.
    let _said = rustix::thread::disable_transparent_huge_pages(true);
    consent_ledger::cli::run()
}
