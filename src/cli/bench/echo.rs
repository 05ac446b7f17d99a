//! The transport's own ceiling: a server that answers with bytes.

use std::net::SocketAddr;
use std::pin::Pin;

use futures_util::{Stream, StreamExt};
use tokio::net::TcpListener;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use super::Failed;
use crate::grpc;
use crate::proto::bench as wire;
use wire::echo_service_server::{EchoService, EchoServiceServer};

struct Echo;

#[tonic::async_trait]
impl EchoService for Echo {
    async fn echo(
        &self,
        request: Request<wire::EchoRequest>,
    ) -> Result<Response<wire::EchoResponse>, Status> {
        let payload = vec![7; request.get_ref().answer_bytes as usize];
        Ok(Response::new(wire::EchoResponse { payload }))
    }

    type EchoStreamStream =
        Pin<Box<dyn Stream<Item = Result<wire::EchoStreamResponse, Status>> + Send>>;

    async fn echo_stream(
        &self,
        request: Request<Streaming<wire::EchoStreamRequest>>,
    ) -> Result<Response<Self::EchoStreamStream>, Status> {
        let answers = request.into_inner().map(|asked| {
            let payload = vec![7; asked?.answer_bytes as usize];
            Ok(wire::EchoStreamResponse { payload })
        });
        Ok(Response::new(Box::pin(answers)))
    }
}

/// Serves echoes on a free loopback port, with the same limits as the ledger's door.
pub async fn serve() -> Result<SocketAddr, Failed> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let limits = grpc::Options::default();
    tokio::spawn(async move {
        let served = Server::builder()
            .max_concurrent_streams(limits.concurrent_streams_max)
            .initial_stream_window_size(limits.stream_window_bytes)
            .initial_connection_window_size(limits.connection_window_bytes)
            .add_service(EchoServiceServer::new(Echo))
            .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the echo ended");
        }
    });
    Ok(address)
}
