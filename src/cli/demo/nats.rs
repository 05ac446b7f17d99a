//! A nats-server for the demo alone: found, not installed; on a free loopback port, with a store that goes with it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde::Deserialize;
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::{sleep, timeout};

use super::surprise::{Surprise, of_file};

/// Where the project's own tools install it; relative to where the demo is started.
const INSTALLED: &str = "target/tools/nats-server";
/// How long a server may take to say where it listens.
const START_MAX: Duration = Duration::from_secs(60);

/// How to get one, in a line.
pub const HOW_TO_GET: &str =
    "No nats-server was found: run `tests/tool nats-server`, or name one with NATS_SERVER=PATH.";

/// A program that was found.
pub struct Program {
    path: PathBuf,
    /// What it says that it is, such as `nats-server: v2.15.1`.
    pub version: String,
}

/// Looks for a nats-server: the one given, the search path, the project's tools.
///
/// # Errors
/// When one was given and doesn't run.
pub async fn find(given: Option<&Path>) -> Result<Option<Program>, Surprise> {
    if let Some(path) = given {
        let version = version_of(path).await.map_err(|problem| {
            Surprise::Nats(format!(
                "{} doesn't run: {problem}; correct or unset NATS_SERVER",
                path.display()
            ))
        })?;
        return Ok(Some(Program {
            path: path.to_owned(),
            version,
        }));
    }
    for path in [Path::new("nats-server"), Path::new(INSTALLED)] {
        if let Ok(version) = version_of(path).await {
            return Ok(Some(Program {
                path: path.to_owned(),
                version,
            }));
        }
    }
    Ok(None)
}

async fn version_of(path: &Path) -> Result<String, String> {
    let output = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(format!("`--version` ended with {}", output.status))
    }
}

/// A running server; it ends with this value, and its store with it.
pub struct Server {
    /// Where it listens.
    pub url: String,
    child: Child,
    store: TempDir,
}

/// What nats-server writes when it listens.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

impl Server {
    /// Starts it with JetStream on a port that the system chooses.
    ///
    /// # Errors
    /// When it doesn't start.
    pub async fn start(program: &Program) -> Result<Self, Surprise> {
        let store = tempfile::Builder::new()
            .prefix("consent-ledger-demo-nats-")
            .tempdir()
            .map_err(of_file(Path::new("a temporary folder")))?;
        let child = Command::new(&program.path)
            .args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream"])
            .arg("--store_dir")
            .arg(store.path())
            .arg("--ports_file_dir")
            .arg(store.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(of_file(&program.path))?;
        let mut server = Self {
            url: String::new(),
            child,
            store,
        };
        let listening = timeout(START_MAX, server.listening()).await;
        server.url = listening.map_err(|_| {
            Surprise::Nats(format!(
                "{} did not start in {START_MAX:?}",
                program.path.display()
            ))
        })??;
        Ok(server)
    }

    async fn listening(&mut self) -> Result<String, Surprise> {
        loop {
            if let Some(url) = self.announced() {
                return Ok(url);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Surprise::Nats(format!(
                    "the server ended at once with {status}"
                )));
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn announced(&self) -> Option<String> {
        let files = std::fs::read_dir(self.store.path()).ok()?;
        let mut files = files.flatten().map(|entry| entry.path());
        let file = files.find(|path| path.extension().is_some_and(|end| end == "ports"))?;
        // Half a file doesn't parse; the next look finds the whole one.
        let ports: Ports = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        ports.nats.into_iter().next()
    }

    /// Ends it.
    pub async fn stop(mut self) {
        // What can't be killed has ended by itself.
        let _ = self.child.kill().await;
    }
}
