//! The decision vectors of the specification as tests: one test a vector, named by its number and what it shows.
//!
//! A row reads: a customer of a rulebook (DEF or FCC) holds something, says something, and a question is answered.
//! Positions are what the ledger answered, so that they need not be counted by hand. S, the scope that many vectors
//! leave open, is `COMPANY; BILLING; M` here. A service that isn't asked about is marketed to category CMRS.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail"
)]

mod rules;

#[path = "rules/vectors/disclosures.rs"]
mod disclosures;
#[path = "rules/vectors/grants.rs"]
mod grants;
#[path = "rules/vectors/grounds_table.rs"]
mod grounds_table;
#[path = "rules/vectors/imports.rs"]
mod imports;
#[path = "rules/vectors/opt_out.rs"]
mod opt_out;
#[path = "rules/vectors/readings.rs"]
mod readings;
#[path = "rules/vectors/services.rs"]
mod services;
#[path = "rules/vectors/words.rs"]
mod words;
