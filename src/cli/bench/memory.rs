//! Resident memory of a server with many customers, and what their states take on disk: in a process of its own, so that
//! nothing else is counted.

use std::path::Path;
use std::time::Duration;

use super::report::{Figure, Report};
use super::startup::Served;
use super::{Failed, Size, generated, streams, system};

/// The workloads of this file.
pub const NAMES: [&str; 2] = ["memory", "memory_generated"];

/// Accounts of which nothing is known but their services, and customers with the history of a life.
pub fn measure(
    dir: &Path,
    size: Size,
    wanted: &dyn Fn(&str) -> bool,
    report: &mut Report,
) -> Result<(), Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let customers = size.memory_customers;
    for name in NAMES.iter().filter(|name| wanted(name)) {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir)?;
        report.add(runtime.block_on(async {
            let served = Served::start(&dir).await?;
            let before = served.resident_bytes()?;
            match *name {
                "memory" => streams::open_accounts(served.address, customers).await?,
                _ => {
                    let channel = system::connect(served.address).await?;
                    generated::bring(channel, customers).await?;
                }
            }
            // The views write behind; what stays afterwards is what counts.
            tokio::time::sleep(Duration::from_secs(5)).await;
            let after = served.resident_bytes()?;
            served.stop().await?;
            let each = (after - before) / customers as f64;
            let states = bytes_under(&dir.join("views").join("state"))?;
            Ok::<_, Failed>(
                Figure::alone(*name, "resident bytes per customer", each)
                    .and("resident_mb", after / 1e6)
                    .and("resident_mb_empty", before / 1e6)
                    .and("state_view_bytes_per_customer", states / customers as u64)
                    .and("customers", customers),
            )
        })?);
    }
    Ok(())
}

fn bytes_under(folder: &Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        bytes += match entry.file_type()?.is_dir() {
            true => bytes_under(&entry.path())?,
            false => entry.metadata()?.len(),
        };
    }
    Ok(bytes)
}
