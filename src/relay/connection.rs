//! One connection to NATS, used until the first trouble and then dropped: a new one starts without old messages in it.

use std::sync::Arc;

use async_nats::{
    Client, ConnectOptions, Event, ServerAddr,
    jetstream::{self, context::ContextBuilder},
};
use tokio::sync::watch;

use super::{
    error::{Chain, Setback},
    options::{Auth, Options, Server},
};

/// A connection that was made, and whether it still stands.
pub(super) struct Connection {
    pub(super) jetstream: jetstream::Context,
    lost: watch::Receiver<bool>,
}

impl Connection {
    /// Tries each server once.
    pub(super) async fn open(options: &Options) -> Result<Connection, Setback> {
        let addresses: Vec<ServerAddr> = options.servers.iter().map(Server::address).collect();
        let (lost_sender, lost) = watch::channel(false);
        let client = configure(options, lost_sender)
            .await?
            .connect(addresses)
            .await
            .map_err(|error| Setback::Connect {
                servers: format!("{:?}", options.servers),
                cause: Chain::of(&error),
            })?;
        Ok(Connection {
            jetstream: context(options, client),
            lost,
        })
    }

    /// Returns when the connection is lost, however long that takes.
    pub(super) async fn lost(&mut self) {
        // An error means that the client is gone, which comes to the same.
        let _ = self.lost.wait_for(|lost| *lost).await;
    }
}

fn context(options: &Options, client: Client) -> jetstream::Context {
    ContextBuilder::new()
        .timeout(options.ack_timeout)
        .ack_timeout(options.ack_timeout)
        // The pipeline counts what is in flight itself.
        .max_ack_inflight(options.in_flight.saturating_mul(2))
        .build(client)
}

async fn configure(
    options: &Options,
    lost: watch::Sender<bool>,
) -> Result<ConnectOptions, Setback> {
    let lost = Arc::new(lost);
    let connect = ConnectOptions::new()
        .name("consent-ledger relay")
        .connection_timeout(options.connect_timeout)
        .request_timeout(Some(options.ack_timeout))
        // The client reconnects by itself and would send what it still holds. It may try, because it can't be told
        // not to, but not for long: the relay has dropped it by then and made a connection of its own.
        .max_reconnects(options.servers.len())
        .event_callback(move |event| {
            if matches!(
                event,
                Event::Disconnected | Event::Closed | Event::LameDuckMode
            ) {
                lost.send_replace(true);
            }
            std::future::ready(())
        });
    authenticate(encrypt(connect, options), options).await
}

fn encrypt(mut connect: ConnectOptions, options: &Options) -> ConnectOptions {
    let tls = &options.tls;
    if tls.required || tls.authority.is_some() || tls.certificate.is_some() {
        connect = connect.require_tls(true);
    }
    if let Some(authority) = &tls.authority {
        connect = connect.add_root_certificates(authority.clone());
    }
    if let Some((certificate, key)) = &tls.certificate {
        connect = connect.add_client_certificate(certificate.clone(), key.clone());
    }
    if tls.first {
        connect.tls_first()
    } else {
        connect
    }
}

async fn authenticate(
    connect: ConnectOptions,
    options: &Options,
) -> Result<ConnectOptions, Setback> {
    Ok(match &options.auth {
        Auth::None => match options.servers.iter().find_map(Server::login) {
            Some((user, password)) => connect.user_and_password(user, password),
            None => connect,
        },
        Auth::CredentialsFile(path) => {
            connect
                .credentials_file(path)
                .await
                .map_err(|cause| Setback::Credentials {
                    path: path.display().to_string(),
                    cause,
                })?
        }
        Auth::NkeySeed(seed) => connect.nkey(seed.reveal()),
        Auth::UserPassword { user, password } => {
            connect.user_and_password(user.clone(), password.reveal())
        }
        Auth::Token(token) => connect.token(token.reveal()),
    })
}
