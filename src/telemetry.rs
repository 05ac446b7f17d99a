//! Logs and metrics: structured lines for people or machines, and Prometheus text on a loopback port (O1).
//!
//! Nothing personal or secret is ever a field: positions, codes and durations are (T3).

use std::net::SocketAddr;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Why telemetry can't start.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter isn't one.
    #[error("log filter `{filter}`: {problem}")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong.
        problem: String,
    },
    /// Telemetry of this process was set up already.
    #[error("telemetry can't be set up: {0}")]
    Setup(String),
    /// The metrics port can't be used.
    #[error("metrics address {address}: {problem}")]
    Metrics {
        /// The address.
        address: SocketAddr,
        /// What is wrong.
        problem: String,
    },
}

/// Sends log lines to standard error.
///
/// # Errors
/// When the filter is malformed, or logs were set up already.
pub fn log(filter: &str, format: LogFormat) -> Result<(), TelemetryError> {
    let parsed = EnvFilter::try_new(filter).map_err(|error| TelemetryError::Filter {
        filter: filter.to_owned(),
        problem: error.to_string(),
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(parsed)
        // A line that can't be written would be told on standard error, too, and that panics.
        .log_internal_errors(false)
        .with_writer(std::io::stderr);
    let set = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    set.map_err(|error| TelemetryError::Setup(error.to_string()))
}

/// Upper bounds of the commit latency's buckets, in seconds; the alert's 0.05 s is one.
const COMMIT_SECONDS: &[f64] = &[
    0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0,
];
/// Upper bounds for records a block.
const BLOCK_RECORDS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 1024.0];
/// Upper bounds for bytes a block.
const BLOCK_BYTES: &[f64] = &[512.0, 1024.0, 4096.0, 16384.0, 32768.0, 65536.0, 98304.0];

/// Starts to collect metrics.
///
/// # Errors
/// When metrics are collected already.
pub fn collect() -> Result<PrometheusHandle, TelemetryError> {
    let setup = |error: &dyn std::fmt::Display| TelemetryError::Setup(error.to_string());
    PrometheusBuilder::new()
        .set_buckets_for_metric(
            Matcher::Full("consent_commit_seconds".to_owned()),
            COMMIT_SECONDS,
        )
        .and_then(|builder| {
            builder.set_buckets_for_metric(
                Matcher::Full("consent_state_view_write_seconds".to_owned()),
                COMMIT_SECONDS,
            )
        })
        .and_then(|builder| {
            builder.set_buckets_for_metric(
                Matcher::Full("consent_block_records".to_owned()),
                BLOCK_RECORDS,
            )
        })
        .and_then(|builder| {
            builder.set_buckets_for_metric(
                Matcher::Full("consent_block_bytes".to_owned()),
                BLOCK_BYTES,
            )
        })
        .map_err(|error| setup(&error))?
        .install_recorder()
        .map_err(|error| setup(&error))
}

/// Serves `GET /metrics` until `stopping` is cancelled; gives the address that it listens on.
///
/// # Errors
/// When the address can't be used.
pub async fn serve(
    address: SocketAddr,
    metrics: PrometheusHandle,
    stopping: CancellationToken,
) -> Result<SocketAddr, TelemetryError> {
    let failed = |error: std::io::Error| TelemetryError::Metrics {
        address,
        problem: error.to_string(),
    };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    let text = move || {
        let metrics = metrics.clone();
        async move {
            metrics.run_upkeep();
            (
                StatusCode::OK,
                [("content-type", "text/plain; version=0.0.4")],
                metrics.render(),
            )
        }
    };
    let routes = Router::new().route("/metrics", get(text));
    tokio::spawn(async move {
        let stop = async move { stopping.cancelled().await };
        if let Err(error) = axum::serve(listener, routes)
            .with_graceful_shutdown(stop)
            .await
        {
            tracing::error!(%error, "metrics are no longer served");
        }
    });
    Ok(bound)
}
