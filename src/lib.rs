//! The consent ledger: what a telephone company may do with its customers' network information (CPNI), and the proof
//! of what it was told.
//!
//! ```text
//!  roof      app  cli  config  telemetry                     the only place where everything is known
//!  doors     grpc             access                         who is asking, in which language
//!  engine    sequencer  projections  relay  audit            what happens to a command, and to a record
//!            state (under the first two)
//!  promises  storage  vault  codec  proto  clock             durability, secrets, bytes, time
//!  ground    domain           ledger                         pure: rules of consent | arithmetic of evidence
//! ```
//!
//! A module uses modules below its floor and never a neighbour; `tests/architecture.rs` holds the table.
//!
//! # In which order to read
//!
//! 1. [`domain`]: what a customer said and what follows. Start at [`domain::customer`]: `decide`, `evolve`, `rule`.
//! 2. [`ledger`]: what a record is, byte for byte, and the one `verify`.
//! 3. [`storage`]: the promise of a [`storage::Journal`], and how [`storage::local`] keeps it on this machine's disk.
//! 4. [`vault`]: all that must be erasable. [`codec`]: events to bytes and back, for ever.
//! 5. [`state`] and [`sequencer`]: the single writer, from a command to a durable fact.
//! 6. [`projections`], [`relay`], [`audit`]: who reads the log, each in its way.
//! 7. [`grpc`] and [`access`]: the contract `consent.v1` on a socket.
//! 8. [`app`]: how the house is built and taken down; [`cli`]: its face; [`generate`]: customers for trials.
//!
//! # What holds everywhere
//!
//! - Silence, lapse, expiry and time never create or widen an approval; only the customer lifts a denial; a doubt is "no".
//! - Nobody is answered before the records are durable, and nothing is visible before that.
//! - The log alone is the truth: everything else is deleted and comes back from it, but the vault.
//! - `domain` and `ledger` read no clock, no file and no random number.
//! - After a sync of unknown outcome the process ends; it never flushes again and never guesses.
//! - No panic can be caused by a caller, a file or the network; no secret and no personal field is in a log line.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))]

pub mod access;
pub mod app;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod codec;
pub mod config;
pub mod domain;
pub mod generate;
pub mod grpc;
pub mod ledger;
pub mod projections;
pub mod proto;
pub mod relay;
pub mod sequencer;
pub mod state;
pub mod storage;
pub mod telemetry;
pub mod vault;
