//! E9: each standing question finds its violation when one is forged into a log, whatever the log's size. That they
//! come back empty over generated histories is tested with the other properties of the rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

#[path = "../rules/mod.rs"]
mod rules;

mod forgeries;
mod house;
mod log;
mod passes;
