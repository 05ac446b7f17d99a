//! Resident memory of a server with many customers: a process of its own, so that nothing else is counted.

use std::path::Path;
use std::time::Duration;

use super::report::{Figure, Report};
use super::startup::Served;
use super::{Failed, Size, streams};

pub fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let served = Served::start(dir).await?;
        let before = served.resident_bytes()?;
        streams::open_accounts(served.address, size.memory_customers).await?;
        // The views write behind; what stays afterwards is what counts.
        tokio::time::sleep(Duration::from_secs(5)).await;
        let after = served.resident_bytes()?;
        served.stop().await?;
        let customers = size.memory_customers as f64;
        report.add(
            Figure::alone(
                "memory",
                "resident bytes per customer",
                (after - before) / customers,
            )
            .and("resident_mb", after / 1e6)
            .and("resident_mb_empty", before / 1e6)
            .and("customers", size.memory_customers),
        );
        Ok(())
    })
}
