//! `demo`.

use super::{Ended, Global};

/// Demo.
#[derive(Debug, clap::Args)]
pub struct Arguments {}

pub async fn run(_: Global, _: Arguments) -> Ended {
    Ended::Well
}
