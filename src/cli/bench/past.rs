//! Questions about the past of one customer of whom much is on record (C4).

use std::path::Path;
use std::time::Duration;

use super::report::{Figure, Report, micros};
use super::unary::{ask, echoed_like};
use super::{Failed, Size, echo, load, streams, system};
use crate::proto::v1 as wire;

/// Records about the customer.
const EVENTS: usize = 1_000;

pub async fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let running = system::start(dir).await?;
    streams::open_accounts(running.grpc, 1).await?;
    streams::submit(running.grpc, (0..EVENTS).map(|turn| load::command(0, turn))).await?;
    let last = running.ledger.views.reached().0.saturating_sub(1);
    let asked = move |index: usize| wire::CheckUseRequest {
        as_of: Some(wire::AsOf {
            // Any of the records, each as often as the others.
            moment: Some(wire::as_of::Moment::Position(
                1 + index as u64 % last.max(1),
            )),
        }),
        ..load::question(0, false)
    };
    let ours = system::connect(running.grpc).await?;
    let time = Duration::from_secs_f64(size.unary_seconds);
    let echo = system::connect(echo::serve().await?).await?;
    let ceiling = echoed_like(echo, ours.clone(), asked(0), time).await?;
    let found = ask(ours, asked, 1, time).await?;
    let figure = Figure::new(
        "check_as_of",
        "per second",
        found.per_second,
        ceiling.per_second,
    );
    report.add(
        (figure.and("events", EVENTS))
            .and("p50_us", micros(found.p50))
            .and("p99_us", micros(found.p99))
            .and("ceiling_p50_us", micros(ceiling.p50)),
    );
    running.close().await?;
    Ok(())
}
