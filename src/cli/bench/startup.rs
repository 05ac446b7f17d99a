//! How soon a ledger serves again after it was killed in the middle of its work.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::report::{Figure, Report};
use super::{Failed, Size, load, streams, system};
use crate::config;

pub async fn measure(dir: &Path, size: Size, report: &mut Report) -> Result<(), Failed> {
    let customers = size.customers;
    let mut served = Served::start(dir).await?;
    streams::open_accounts(served.address, customers).await?;
    let records = usize::try_from(size.startup_records)?;
    // Two records an account; the last tenth is being written when the process is killed.
    let before = records.saturating_sub(customers * 2) * 9 / 10;
    let commands = move |from: usize, to: usize| {
        (from..to).map(move |turn| load::command(turn.wrapping_mul(7_919) % customers, turn))
    };
    streams::submit(served.address, commands(0, before)).await?;
    let writing = tokio::spawn(streams::submit(served.address, commands(before, records)));
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    served.child.kill().await?;
    // The connection broke with the process.
    let _ = writing.await;

    let started = Instant::now();
    let served = Served::start(dir).await?;
    let elapsed = started.elapsed().as_secs_f64();
    served.stop().await?;
    report.add(
        Figure::alone("startup_after_kill", "seconds", elapsed)
            .and("records", size.startup_records),
    );
    Ok(())
}

/// A server in a process of its own.
pub struct Served {
    pub address: SocketAddr,
    child: Child,
}

impl Served {
    /// Starts a server on `dir` and waits until it serves.
    pub async fn start(dir: &Path) -> Result<Self, Failed> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let child = Command::new(config::executable()?)
            .args([
                "serve",
                "--nats",
                "off",
                "--metrics",
                "off",
                "--log",
                "error",
            ])
            .args(["--listen", &address.to_string()])
            .arg("--data")
            .arg(dir)
            // As the files in `deploy/` set it.
            .env("MIMALLOC_PURGE_DELAY", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let mut served = Self { address, child };
        served.ready().await?;
        Ok(served)
    }

    async fn ready(&mut self) -> Result<(), Failed> {
        let request = HealthCheckRequest {
            service: String::new(),
        };
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the server ended with {status}").into());
            }
            if let Ok(channel) = system::connect(self.address).await
                && HealthClient::new(channel)
                    .check(request.clone())
                    .await
                    .is_ok()
            {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What of the process is in memory now.
    pub fn resident_bytes(&self) -> Result<f64, Failed> {
        let id = self.child.id().ok_or("the server has ended")?;
        let status = std::fs::read_to_string(format!("/proc/{id}/status"))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .ok_or("the system doesn't say how much memory a process has")?;
        Ok(kib.trim().parse::<f64>()? * 1024.0)
    }

    /// Asks it to stop and waits until it has.
    pub async fn stop(mut self) -> Result<(), Failed> {
        if let Some(id) = self.child.id() {
            let id = rustix::process::Pid::from_raw(i32::try_from(id)?).ok_or("no such process")?;
            rustix::process::kill_process(id, rustix::process::Signal::TERM)?;
        }
        let ended = self.child.wait().await?;
        if ended.success() {
            Ok(())
        } else {
            Err(format!("the server ended with {ended}").into())
        }
    }
}
