//! The whole house at work: the ledger, its doors, its relay, its metrics.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::error::StartError;
use super::open::{Ledger, Options as LedgerOptions, Progress};
use crate::access::listen;
use crate::clock::Clock;
use crate::domain::authentication::change_notices::{Owing, owing};
use crate::domain::calendar;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::preferences::Preferences;
use crate::domain::time::Time;
use crate::grpc;
use crate::projections::Views;
use crate::relay::{self, Relay, RelayError};
use crate::state::Fatal;
use crate::storage::AppendError;
use crate::telemetry::{self, TelemetryError};

/// What is served, and where.
pub struct Options {
    /// The ledger.
    pub ledger: LedgerOptions,
    /// gRPC address.
    pub listen: SocketAddr,
    /// Limits of the gRPC door.
    pub grpc: grpc::Options,
    /// NATS; none: nothing is published.
    pub relay: Option<relay::Options>,
    /// Metrics address and what is collected.
    pub metrics: Option<(SocketAddr, PrometheusHandle)>,
}

/// Why the house doesn't open.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The address isn't loopback (T1).
    #[error(transparent)]
    Listen(#[from] listen::NotLoopback),
    /// The gRPC address can't be used.
    #[error("gRPC address {address}: {problem}; give another with --listen")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What is wrong.
        problem: std::io::Error,
    },
    /// The ledger can't be opened.
    #[error(transparent)]
    Ledger(#[from] Box<StartError>),
    /// The relay's settings can't work.
    #[error(transparent)]
    Relay(#[from] RelayError),
    /// Metrics can't be served.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The gRPC server failed.
    #[error(transparent)]
    Grpc(#[from] grpc::ServeError),
    /// A part ended by itself.
    #[error("{0} ended unexpectedly")]
    Ended(&'static str),
    /// The log could not be settled.
    #[error("the log was not closed in order: {0}; the next start recovers it")]
    Close(#[from] AppendError),
}

/// A running house.
pub struct Running {
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where metrics are served.
    pub metrics: Option<SocketAddr>,
    /// How the relay does.
    pub relay: Option<relay::Handle>,
    /// The ledger under the doors.
    pub ledger: Ledger,
    stopping: CancellationToken,
    relay_stopping: CancellationToken,
    doors: JoinHandle<Result<(), grpc::ServeError>>,
    relaying: Option<JoinHandle<()>>,
}

/// Until when federal holidays are known.
const HOLIDAYS_KNOWN_UNTIL: &str = "consent_holidays_known_until_seconds";

/// Ends the process at once: another flush would pretend that nothing happened.
pub fn abort_on_failure() -> Fatal {
    Arc::new(|problem: &str| {
        tracing::error!(
            problem,
            "the ledger can't go on and ends at once; the next start recovers it"
        );
        std::process::abort();
    })
}

impl Running {
    /// Opens the ledger and then the doors.
    ///
    /// # Errors
    /// Why the house doesn't open; nothing is left running.
    pub async fn start(
        options: Options,
        clock: Arc<dyn Clock>,
        fatal: Fatal,
        progress: Progress<'_>,
    ) -> Result<Self, ServeError> {
        listen::check(options.listen)?;
        let address = options.listen;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|problem| ServeError::Address { address, problem })?;
        let bound = listener
            .local_addr()
            .map_err(|problem| ServeError::Address { address, problem })?;
        let ledger = Ledger::open(options.ledger, clock, fatal, progress).map_err(Box::new)?;
        for note in &ledger.notes {
            tracing::warn!(note, "recovery");
        }
        tell_of_holidays(ledger.views.now());
        let stopping = CancellationToken::new();
        let metrics = match options.metrics {
            Some((address, collected)) => {
                Some(telemetry::serve(address, collected, stopping.clone()).await?)
            }
            None => None,
        };
        let relay_stopping = CancellationToken::new();
        let (relay, relaying) = match options.relay {
            Some(options) => start_relay(options, &ledger, relay_stopping.clone())?,
            None => (None, None),
        };
        let doors = {
            let engine = grpc::Engine {
                handle: ledger.handle.clone(),
                views: ledger.views.clone(),
                checkpoints: grpc::Checkpoints {
                    sign: ledger.signer(),
                    sign_document: ledger.document_signer(),
                    verifier_key: ledger.genesis.checkpoint_key.as_str().into(),
                },
                questioner: ledger.questioner(),
                proofs: grpc::Proofs {
                    tree: ledger.tree(),
                    rulebooks: ledger.rulebooks(),
                },
            };
            let (stopping, grpc_options) = (stopping.clone(), options.grpc);
            tokio::spawn(
                async move { grpc::serve(listener, engine, &grpc_options, stopping).await },
            )
        };
        tracing::info!(grpc = %bound, ledger = %ledger.id(), position = ledger.views.reached().0, "serving");
        Ok(Self {
            grpc: bound,
            metrics,
            relay,
            ledger,
            stopping,
            relay_stopping,
            doors,
            relaying,
        })
    }

    /// Serves until `stop` is ready or the door fails, then closes in order.
    ///
    /// # Errors
    /// When the door failed, or the log could not be settled.
    pub async fn until(mut self, stop: impl Future<Output = ()>) -> Result<(), ServeError> {
        let failed = tokio::select! {
            () = stop => None,
            ended = &mut self.doors => Some(match ended {
                Ok(Err(error)) => error.into(),
                _ => ServeError::Ended("the gRPC door"),
            }),
        };
        let closed = self.close_after(failed.is_some()).await;
        failed.map_or(closed, Err)
    }

    /// Closes in order: no new calls, answers for those that run, everything published that NATS takes in a moment, and
    /// the log settled.
    ///
    /// # Errors
    /// When the log could not be settled.
    pub async fn close(self) -> Result<(), ServeError> {
        self.close_after(false).await
    }

    async fn close_after(self, doors_ended: bool) -> Result<(), ServeError> {
        tracing::info!("stopping");
        self.stopping.cancel();
        if !doors_ended && let Ok(Err(error)) = self.doors.await {
            tracing::error!(%error, "the gRPC door failed while it closed");
        }
        if let Some(mut relay) = self.relay {
            let head = self.ledger.views.reached().0;
            let all = relay.wait(|status| {
                !status.connected || status.published().map_or(0, |last| last + 1) >= head
            });
            // What isn't published now is published after the next start.
            let _ = tokio::time::timeout(Duration::from_secs(2), all).await;
        }
        self.relay_stopping.cancel();
        if let Some(relaying) = self.relaying
            && relaying.await.is_err()
        {
            tracing::error!("the relay panicked");
        }
        let ledger = self.ledger;
        match tokio::task::spawn_blocking(move || ledger.close()).await {
            Ok(closed) => Ok(closed?),
            Err(_) => Err(ServeError::Ended("closing the log")),
        }
    }
}

/// Says until when federal holidays are known, and warns while that is less than two years ahead (F19, R17).
fn tell_of_holidays(now: Time) {
    metrics::describe_gauge!(
        HOLIDAYS_KNOWN_UNTIL,
        metrics::Unit::Seconds,
        "the first instant whose federal holidays this release doesn't know, in seconds since 1970"
    );
    let until = calendar::holidays_known_until().0 / 1_000_000;
    metrics::gauge!(HOLIDAYS_KNOWN_UNTIL).set(until as f64);
    let (reach, through) = (
        calendar::holidays_reach(now),
        calendar::HOLIDAYS_KNOWN_THROUGH,
    );
    if let Some(warning) = calendar::holidays_warning(reach, through) {
        tracing::warn!(holidays_known_through = through, "{warning}");
    }
}

/// The views, as the relay asks them.
struct CurrentPreferences(Views);

impl relay::Standing for CurrentPreferences {
    fn preferences(&self, customer: Pseudonym) -> Result<Option<Preferences>, String> {
        let views = &self.0;
        let customer = views
            .customer(customer)
            .map_err(|error| error.to_string())?;
        let (company, at) = (views.company(), views.now());
        let world = views.world(&company);
        Ok(customer.map(|customer| Preferences::of(&customer, world, at)))
    }

    fn owing(&self, customer: Pseudonym, change: Position) -> Result<Option<Owing>, String> {
        let views = &self.0;
        let customer = views
            .customer(customer)
            .map_err(|error| error.to_string())?;
        let company = views.company();
        let rulebook = views.world(&company).rulebook;
        Ok(customer.and_then(|customer| owing(&customer, change, rulebook)))
    }
}

type Relaying = (Option<relay::Handle>, Option<JoinHandle<()>>);

fn start_relay(
    options: relay::Options,
    ledger: &Ledger,
    stopping: CancellationToken,
) -> Result<Relaying, ServeError> {
    let relay = Relay::new(
        options,
        ledger.genesis.ledger,
        Arc::clone(&ledger.journal),
        Arc::new(CurrentPreferences(ledger.views.clone())),
        ledger.handle.committed(),
    )?;
    let handle = relay.handle();
    let running = tokio::spawn(async move {
        // Commands and checks go on without publication; the error says what a person must decide.
        if let Err(error) = relay.run(stopping).await {
            tracing::error!(%error, "publication has stopped");
        }
    });
    Ok((Some(handle), Some(running)))
}
