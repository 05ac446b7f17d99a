//! A wire that can be made bad: passes bytes between a client and the server, and on request swallows the server's
//! answers or cuts all connections.

use std::sync::Arc;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
    sync::watch,
};

/// What the wire does with what the server says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wire {
    Passes,
    Swallows,
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
        let (answers, cuts) = (Arc::clone(&wire), Arc::clone(&cut));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await else {
                    continue;
                };
                let (from_client, to_client) = client.into_split();
                let (from_server, to_server) = server.into_split();
                let passes = Arc::new(watch::Sender::new(Wire::Passes));
                tokio::spawn(copy(
                    from_client,
                    to_server,
                    passes.subscribe(),
                    cuts.subscribe(),
                ));
                tokio::spawn(copy(
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

    /// Cuts all connections; new ones are good again.
    pub fn cut(&self) {
        self.wire.send_replace(Wire::Passes);
        self.cut.send_modify(|cuts| *cuts += 1);
    }
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    wire: watch::Receiver<Wire>,
    mut cut: watch::Receiver<u64>,
) {
    let mut buffer = vec![0; 64 * 1024];
    // A connection that swallowed once has lost bytes and can only be cut.
    let mut broken = false;
    loop {
        let read = tokio::select! {
            _ = cut.changed() => return,
            read = from.read(&mut buffer) => read,
        };
        let Ok(count @ 1..) = read else { return };
        broken |= *wire.borrow() == Wire::Swallows;
        if !broken && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
