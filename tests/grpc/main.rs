//! The contract over real TCP, on a real ledger in a folder of its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what fails here fails the test"
)]

mod asking;
mod bad_input;
mod bounced;
mod callers;
mod campaigns;
mod commands;
mod conduct;
mod contacts;
mod customer_deadlines;
mod customers_then;
mod disclosures;
mod entities;
mod enums;
mod evidence;
mod house;
mod imports;
mod incidents;
mod log_ins;
mod notices;
mod office;
mod past;
mod policies;
mod reads;
mod receipts;
mod reports;
mod retention;
mod rulebooks;
mod shapes;
mod sim_changes;
mod streams;
mod transport;
mod vectors;
