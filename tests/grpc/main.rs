//! The contract over real TCP, on a real ledger in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod callers;
mod commands;
mod contacts;
mod disclosures;
mod entities;
mod house;
mod policies;
mod reads;
mod retention;
mod streams;
mod transport;
