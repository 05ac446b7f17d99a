//! The contract over real TCP, on a real ledger in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod asking;
mod callers;
mod campaigns;
mod commands;
mod conduct;
mod contacts;
mod customer_deadlines;
mod disclosures;
mod entities;
mod evidence;
mod house;
mod imports;
mod incidents;
mod notices;
mod past;
mod policies;
mod reads;
mod receipts;
mod retention;
mod rulebooks;
mod sim_changes;
mod streams;
mod transport;
