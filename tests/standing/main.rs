//! E9: each standing question finds its violation when one is forged into a log, whatever the log's size; and they come
//! back empty over generated histories of a customer and the company. Over those of a customer alone it is tested with
//! the other properties of the rules.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

#[path = "../rules/mod.rs"]
mod rules;

mod forgeries;
mod generated;
mod house;
mod log;
mod office;
mod passes;
