//! The real program as a process of its own, on loopback, for tests that speak gRPC to it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use consent_ledger::proto::v1 as wire;
use tokio::process::{Child, Command};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use uuid::Uuid;

/// A running `consent-ledger serve`; killed when it is dropped.
pub struct Server {
    pub address: SocketAddr,
    child: Child,
}

impl Server {
    /// Starts a server without NATS on `dir`, and waits until it serves.
    pub async fn start(dir: &Path) -> Self {
        Self::start_with(dir, &["--nats", "off"]).await
    }

    /// Starts a server with further arguments, and waits until it serves.
    pub async fn start_with(dir: &Path, arguments: &[&str]) -> Self {
        Self::spawn(dir, "error", arguments, Stdio::inherit()).await
    }

    /// Starts a server without NATS that writes all that it can log to `log`, and its metrics to whoever asks there.
    pub async fn start_telling_all(dir: &Path, log: File, metrics: SocketAddr) -> Self {
        let metrics = metrics.to_string();
        let arguments = ["--nats", "off", "--metrics", &metrics];
        Self::spawn(dir, "trace", &arguments, log.into()).await
    }

    /// Starts a server without NATS whose log nobody reads any more: each line fails.
    pub async fn start_telling_nobody(dir: &Path) -> Self {
        let (reader, log) = std::io::pipe().unwrap();
        drop(reader);
        Self::spawn(dir, "trace", &["--nats", "off"], log.into()).await
    }

    async fn spawn(dir: &Path, level: &str, arguments: &[&str], log: Stdio) -> Self {
        let address = free();
        let metrics: &[&str] = match arguments.contains(&"--metrics") {
            true => &[],
            false => &["--metrics", "off"],
        };
        let child = Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
            .args(["serve", "--log", level])
            .args(metrics)
            .args(["--listen", &address.to_string()])
            .arg("--data")
            .arg(dir)
            .args(arguments)
            .env("CONSENT_LEDGER_TAIL_MIB", "1")
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut server = Self { address, child };
        server.ready().await;
        server
    }

    async fn ready(&mut self) {
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the server ended with {status}");
            }
            if let Ok(channel) = self.try_connect().await {
                let request = HealthCheckRequest {
                    service: String::new(),
                };
                if HealthClient::new(channel).check(request).await.is_ok() {
                    return;
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn try_connect(&self) -> Result<Channel, tonic::transport::Error> {
        Endpoint::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect()
            .await
    }

    /// A connection to the server.
    pub async fn connect(&self) -> Channel {
        self.try_connect().await.unwrap()
    }

    /// Kills it as a crash would.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and says whether it ended well.
    pub async fn stop(mut self) -> bool {
        let id = i32::try_from(self.child.id().unwrap()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
        self.child.wait().await.unwrap().success()
    }
}

/// A header as a call centre sends it.
/// An address on loopback at which nobody listens.
pub fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

pub fn header() -> Option<wire::CommandHeader> {
    Some(wire::CommandHeader {
        request_id: Uuid::now_v7().to_string(),
        channel: wire::Channel::Phone.into(),
        taken_by: "agent-17".to_owned(),
        occurred_at: None,
        expected_version: None,
    })
}

/// A customer by the company's own id.
pub fn customer(id: &str) -> Option<wire::CustomerRef> {
    Some(wire::CustomerRef {
        customer: Some(wire::customer_ref::Customer::Id(id.to_owned())),
    })
}

/// Opens an account with services.
pub fn open_account(id: &str, services: &[&str]) -> wire::OpenAccountRequest {
    wire::OpenAccountRequest {
        header: header(),
        customer_id: id.to_owned(),
        legal_entity: "infotech".to_owned(),
        services: services.iter().map(|name| (*name).to_owned()).collect(),
    }
}

/// A scope of one recipient kind, all classes, marketing of communications-related services.
pub fn marketing(kind: wire::RecipientKind) -> wire::Scope {
    wire::Scope {
        recipient_kinds: vec![kind.into()],
        all_classes: true,
        purposes: vec![wire::Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    }
}

/// A denial by phone, on nobody's proof.
pub fn deny(id: &str, scope: wire::Scope) -> wire::RecordConsentRequest {
    wire::RecordConsentRequest {
        header: header(),
        customer: customer(id),
        words: vec![wire::SpokenWord {
            word: Some(wire::spoken_word::Word::Denial(wire::Denial {
                scope: Some(scope),
            })),
        }],
        statement: Some(wire::Statement {
            medium: wire::Medium::Oral.into(),
            speaker: wire::Speaker::Other.into(),
            ..wire::Statement::default()
        }),
    }
}
