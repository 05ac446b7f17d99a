//! A wire that can be made bad: passes bytes between a client and the server, and on request swallows the server's
//! answers, holds back what the client says, or cuts all connections.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// What the wire does.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Passes,
    /// What the server says is lost.
    Swallows,
    /// What the client says waits.
    Holds,
}

pub struct Proxy {
    port: u16,
    wire: Arc<watch::Sender<Wire>>,
    cut: Arc<watch::Sender<u64>>,
}

impl Proxy {
    /// A proxy in front of the server on `port`.
    pub async fn start(server: u16) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let wire = Arc::new(watch::Sender::new(Wire::Passes));
        let cut = Arc::new(watch::Sender::new(0));
        let (requests, answers, cuts) = (Arc::clone(&wire), Arc::clone(&wire), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                tokio::spawn(carry_requests(
                    from_client,
                    to_server,
                    requests.subscribe(),
                    cuts.subscribe(),
                ));
                tokio::spawn(carry_answers(
                    from_server,
                    to_client,
                    answers.subscribe(),
                    cuts.subscribe(),
                ));
            }
        });
        Proxy { port, wire, cut }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From now on the server hears everything and nobody hears the server.
    pub fn swallow_answers(&self) {
        self.wire.send_replace(Wire::Swallows);
    }

    /// From now on the server hears nothing, until [`Proxy::release`] lets through what was said in between.
    pub fn hold(&self) {
        self.wire.send_replace(Wire::Holds);
    }

    pub fn release(&self) {
        self.wire.send_replace(Wire::Passes);
    }

    /// Cuts all connections; new ones are good again.
    pub fn cut(&self) {
        self.wire.send_replace(Wire::Passes);
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

async fn carry_requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut wire: watch::Receiver<Wire>,
    mut cut: watch::Receiver<u64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Some(said) = hear(&mut from, &mut buffer, &mut cut).await {
        if wire.wait_for(|wire| *wire != Wire::Holds).await.is_err()
            || to.write_all(said).await.is_err()
        {
            return;
        }
    }
}

async fn carry_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    wire: watch::Receiver<Wire>,
    mut cut: watch::Receiver<u64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    // A connection that swallowed once has lost bytes and can only be cut.
    let mut broken = false;
    while let Some(said) = hear(&mut from, &mut buffer, &mut cut).await {
        broken |= *wire.borrow() == Wire::Swallows;
        if !broken && to.write_all(said).await.is_err() {
            return;
        }
    }
}

/// What comes next, or `None` at the end or a cut.
async fn hear<'a>(
    from: &mut OwnedReadHalf,
    buffer: &'a mut [u8],
    cut: &mut watch::Receiver<u64>,
) -> Option<&'a [u8]> {
    let count = tokio::select! {
        _ = cut.changed() => return None,
        read = from.read(buffer) => read.ok()?,
    };
    buffer.get(..count).filter(|said| !said.is_empty())
}
