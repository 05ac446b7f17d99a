//! The server under the demo: the real one, in a folder of its own, on a loopback port that was free.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;
use tempfile::TempDir;

use super::surprise::{Surprise, of_file};
use crate::app::{Running, ServeError, ServeOptions, abort_on_failure};
use crate::clock::System;
use crate::config::Config;
use crate::{grpc, relay, telemetry};

/// Any free port of this machine, reachable from this machine only.
const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// The demo's folder.
pub struct Place {
    /// Where the ledger is kept.
    pub dir: PathBuf,
    /// Where the auditor's files are put: with the ledger where that is kept.
    pub export: PathBuf,
    /// Where copies are tampered with.
    pub scratch: TempDir,
    /// Whether all of it goes away with this value.
    pub temporary: bool,
}

impl Place {
    /// The folder given, which must be empty, or a temporary one.
    ///
    /// # Errors
    /// When it isn't empty, or can't be used.
    pub fn choose(given: Option<&Path>) -> Result<Self, Surprise> {
        let scratch = tempfile::Builder::new()
            .prefix("consent-ledger-demo-")
            .tempdir()
            .map_err(of_file(Path::new("a temporary folder")))?;
        let Some(dir) = given else {
            return Ok(Self {
                dir: scratch.path().join("data"),
                export: scratch.path().join("export"),
                scratch,
                temporary: true,
            });
        };
        match std::fs::read_dir(dir) {
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(Surprise::NotEmpty(dir.to_owned()));
                }
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(of_file(dir)(error)),
        }
        Ok(Self {
            dir: dir.to_owned(),
            export: dir.join("export"),
            scratch,
            temporary: false,
        })
    }
}

/// How the demo's server is started, the first time and again.
pub struct House {
    dir: PathBuf,
    nats: String,
    listen: SocketAddr,
    metrics_at: SocketAddr,
    metrics: PrometheusHandle,
}

impl House {
    /// For a ledger in `dir` that publishes to `nats`.
    ///
    /// # Errors
    /// When metrics of this process are collected already.
    pub fn new(dir: &Path, nats: String) -> Result<Self, Surprise> {
        let metrics = telemetry::collect().map_err(ServeError::from)?;
        Ok(Self {
            dir: dir.to_owned(),
            nats,
            listen: ANY,
            metrics_at: ANY,
            metrics,
        })
    }

    /// Starts the server; the next time on the same ports.
    ///
    /// # Errors
    /// Why it doesn't start.
    pub async fn open(&mut self) -> Result<Running, Surprise> {
        let options = self.options()?;
        let clock = Arc::new(System::default());
        let running = Running::start(options, clock, abort_on_failure(), &|_, _, _| {}).await?;
        self.listen = running.grpc;
        self.metrics_at = running.metrics.unwrap_or(ANY);
        Ok(running)
    }

    /// The defaults, whatever this process's environment says: the story is about them.
    fn options(&self) -> Result<ServeOptions, Surprise> {
        let flags = [
            ("data", self.dir.display().to_string()),
            // Little is kept here, and a copy of it is made more than once.
            ("tail_mib", "8".to_owned()),
        ];
        let config = Config::layer(None, &|_| None, &flags)?;
        let server = self.nats.parse().map_err(ServeError::Relay)?;
        let relay = relay::Options {
            servers: vec![server],
            watermark: Some(self.dir.join("published")),
            ..relay::Options::default()
        };
        Ok(ServeOptions {
            ledger: config.ledger()?,
            listen: self.listen,
            grpc: grpc::Options::default(),
            relay: Some(relay),
            metrics: Some((self.metrics_at, self.metrics.clone())),
        })
    }
}

/// An address on which nobody listens, for a relay that finds no NATS.
///
/// # Errors
/// When the system has no port.
pub fn nobody() -> Result<String, Surprise> {
    let listener = std::net::TcpListener::bind(ANY).map_err(of_file(Path::new("a free port")))?;
    let address = listener
        .local_addr()
        .map_err(of_file(Path::new("a free port")))?;
    Ok(format!("nats://{address}"))
}
