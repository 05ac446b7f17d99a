//! Answers from the past equal a replay to then (C4, R5): random histories of several customers through a whole ledger
//! without doors, its view on disk in small pieces, closed and opened again under another rulebook.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod rules;

#[path = "rules/histories/mod.rs"]
mod histories;
#[path = "rules/oracle/mod.rs"]
mod oracle;

#[path = "as_of/house.rs"]
mod house;
#[path = "as_of/replay.rs"]
mod replay;
#[path = "as_of/view.rs"]
mod view;
