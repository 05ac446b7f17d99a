//! `bench`.

use super::{Ended, Global};

/// Bench.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub fn run(_: &Global, _: &Arguments) -> Ended {
    Ended::Well
}
