//! Builds the house in order, runs it, and takes it down in order.

mod open;

pub use open::{Ledger, Options, Progress, StartError};
