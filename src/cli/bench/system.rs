//! The house under measurement, in this process, as `serve` starts it but without NATS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tonic::transport::{Channel, Endpoint};

use super::Failed;
use crate::app::{Options, Running, ServeOptions, abort_on_failure};
use crate::clock::System;
use crate::grpc;

pub async fn start(dir: &Path) -> Result<Running, Failed> {
    start_with(Options::new(dir)).await
}

/// As [`start`], kept otherwise than by default.
pub async fn start_with(ledger: Options) -> Result<Running, Failed> {
    let options = ServeOptions {
        ledger,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        grpc: grpc::Options::default(),
        relay: None,
        metrics: None,
    };
    Ok(Running::start(
        options,
        Arc::new(System::default()),
        abort_on_failure(),
        &|_, _, _| {},
    )
    .await?)
}

/// Connections to `address`; as many for us as for the ceiling.
pub async fn connect(address: SocketAddr) -> Result<Channel, Failed> {
    let limits = grpc::Options::default();
    Ok(Endpoint::from_shared(format!("http://{address}"))?
        .tcp_nodelay(true)
        .initial_stream_window_size(limits.stream_window_bytes)
        .initial_connection_window_size(limits.connection_window_bytes)
        .connect()
        .await?)
}
