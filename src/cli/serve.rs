//! `serve`: the ledger at work until it is told to stop.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::{Ended, Global, output};
use crate::app::{self, Running, ServeError, ServeOptions, abort_on_failure};
use crate::audit::Controller;
use crate::clock::System;
use crate::config::{Config, ConfigError};
use crate::{grpc, relay, telemetry};

/// Serve the ledger: gRPC, publication to NATS, metrics.
#[derive(Debug, clap::Args)]
#[group(id = "serve")]
#[command(after_help = "\
Examples:
  consent-ledger serve
  consent-ledger serve --data /var/lib/consent-ledger --nats nats://127.0.0.1:4222
  consent-ledger serve --nats off --metrics off --log-format json")]
pub struct Arguments {
    /// Data folder; created where there is none [default: data].
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// gRPC address; loopback only until TLS and caller identity exist [default: 127.0.0.1:7400].
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// NATS server, or `off` [default: nats://127.0.0.1:4222].
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Prometheus address, or `off` [default: 127.0.0.1:7401].
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
    /// Rulebook file, or the name of one that ships: `default` (the policy) or `fcc` (the FCC baseline) [default:
    /// default].
    #[arg(long, value_name = "FILE")]
    rulebook: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn flags(self) -> Vec<(&'static str, Option<String>)> {
        let path = |path: Option<PathBuf>| path.map(|path| path.display().to_string());
        vec![
            ("data", path(self.data)),
            ("listen", self.listen),
            ("nats_url", self.nats),
            ("metrics", self.metrics),
            ("rulebook", path(self.rulebook)),
        ]
    }
}

pub async fn run(global: Global, arguments: Arguments) -> Ended {
    let config = match global.load(arguments.flags()) {
        Ok(config) => config,
        Err(error) => return output::fail(Ended::Usage, &error),
    };
    let format = match config.text("log_format") {
        "json" => telemetry::LogFormat::Json,
        _ => telemetry::LogFormat::Text,
    };
    if let Err(error) = telemetry::log(config.text("log"), format) {
        return output::fail(Ended::Usage, &error);
    }
    let options = match options(&config) {
        Ok(options) => options,
        Err(error) => return output::complain(Ended::Usage, &error),
    };
    match serve(options).await {
        Ok(()) => Ended::Well,
        Err(error @ (ServeError::Listen(_) | ServeError::Relay(_))) => {
            output::fail(Ended::Usage, &error)
        }
        Err(error @ (ServeError::Address { .. } | ServeError::Telemetry(_))) => {
            output::fail(Ended::Unreachable, &error)
        }
        Err(error) => output::fail(Ended::Wrong, &error),
    }
}

async fn serve(options: ServeOptions) -> Result<(), ServeError> {
    let bar = output::progress("starting");
    let progress = |step: &'static str, done: u64, all: u64| {
        bar.set_message(step);
        bar.set_length(all);
        bar.set_position(done);
    };
    let started = Running::start(
        options,
        Arc::new(System::default()),
        abort_on_failure(),
        &progress,
    )
    .await;
    bar.finish_and_clear();
    started?.until(told_to_stop()).await
}

/// SIGINT or SIGTERM.
pub async fn told_to_stop() {
    let terminated = async {
        match signal(SignalKind::terminate()) {
            Ok(mut terminated) => {
                terminated.recv().await;
            }
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

fn options(config: &Config) -> Result<ServeOptions, String> {
    let wrong = |error: ConfigError| error.to_string();
    let metrics = match config.text("metrics") {
        "off" => None,
        _ => Some((
            config.address("metrics").map_err(wrong)?,
            telemetry::collect().map_err(|error| error.to_string())?,
        )),
    };
    Ok(ServeOptions {
        ledger: ledger_options(config).map_err(wrong)?,
        listen: config.address("listen").map_err(wrong)?,
        grpc: grpc::Options {
            controller: controller(config).map_err(wrong)?,
            ..grpc::Options::default()
        },
        relay: relay_options(config).map_err(wrong)?,
        metrics,
    })
}

/// Who receipts say answers for the processing: all of it, or no receipts.
fn controller(config: &Config) -> Result<Option<Controller>, ConfigError> {
    if config.optional("controller_name").is_none() {
        return Ok(None);
    }
    let told = |key| match config.text(key).trim() {
        "" => Err(config.wrong(
            key,
            "a receipt must have it; set it, or unset controller_name",
        )),
        text if text.contains(char::is_control) => {
            Err(config.wrong(key, "it goes on one line, without control characters"))
        }
        text => Ok(text.to_owned()),
    };
    Ok(Some(Controller {
        name: told("controller_name")?,
        contact: told("controller_contact")?,
        address: told("controller_address")?,
        email: told("controller_email")?,
        phone: told("controller_phone")?,
        policy_url: told("controller_policy_url")?,
        jurisdiction: told("controller_jurisdiction")?,
        storage_location: told("controller_storage")?,
    }))
}

/// What the ledger is opened with.
pub(super) fn ledger_options(config: &Config) -> Result<app::Options, ConfigError> {
    let mib = |key| {
        config
            .number(key)
            .map(|number| number.saturating_mul(1 << 20))
    };
    let mut options = app::Options::new(config.data());
    options.rulebook = config.optional("rulebook").map(PathBuf::from);
    options.origin = config.text("origin").to_owned();
    options.log.tail_bytes = mib("tail_mib")?;
    options.log.cache_bytes = mib("log_cache_mib")?;
    options.state.sled_cache_bytes = mib("view_cache_mib")?;
    options.history.sled_cache_bytes = mib("view_cache_mib")?;
    options.state.flush_dirty = config.count("unwritten_changes")?;
    options.history.flush_records = config.number("unwritten_records")?;
    options.state.cache_customers = config.count("cache_customers")?;
    options.vault.cache_entries = config.count("cache_customers")?;
    options.state.request_window_days = u32::try_from(config.number("request_window_days")?)
        .map_err(|_| config.wrong("request_window_days", "it is too large"))?;
    options.sequencer.queue_commands = config.count("queue_commands")?;
    options.sequencer.secrets_at_once = config.count("secrets_at_once")?;
    options.checkpoint_every = Duration::from_secs(config.number("checkpoint_seconds")?);
    Ok(options)
}

fn relay_options(config: &Config) -> Result<Option<relay::Options>, ConfigError> {
    let url = config.text("nats_url");
    if url == "off" || url.is_empty() {
        return Ok(None);
    }
    let server = url
        .parse()
        .map_err(|error: relay::RelayError| config.wrong("nats_url", &error.to_string()))?;
    Ok(Some(relay::Options {
        servers: vec![server],
        stream: config.optional("nats_stream").map(str::to_owned),
        notifier_stream: config.optional("nats_notifier_stream").map(str::to_owned),
        auth: match config.optional("nats_credentials") {
            Some(file) => relay::Auth::CredentialsFile(file.into()),
            None => relay::Auth::None,
        },
        tls: relay::Tls {
            authority: config.optional("nats_ca").map(PathBuf::from),
            ..relay::Tls::default()
        },
        watermark: Some(config.data().join("published")),
        ..relay::Options::default()
    }))
}
