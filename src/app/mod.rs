//! Builds the house in order, runs it, and takes it down in order.

mod error;
mod genesis;
mod open;
mod rulebooks;
mod serve;

pub use error::StartError;
pub use open::{Ledger, Options, Progress};
pub use serve::{Options as ServeOptions, Running, ServeError, abort_on_failure};
