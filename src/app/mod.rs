//! Builds the house in order, runs it, and takes it down in order.

mod open;
mod serve;

pub use open::{Ledger, Options, Progress, StartError};
pub use serve::{Options as ServeOptions, Running, ServeError, abort_on_failure};
