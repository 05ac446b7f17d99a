//! What others may know of the relay: a cheap handle, metrics, and one log line for each change of state.

use std::{convert::Infallible, future::pending, sync::Arc};

use tokio::sync::watch;
use tracing::{debug, info, warn};

use super::error::{RelayError, Setback};

/// Positions committed and not yet acknowledged by NATS.
const LAG: &str = "consent_relay_lag";
/// Positions that NATS acknowledged.
const PUBLISHED: &str = "consent_relay_published_total";
/// Connections given up, for whatever reason.
const FAILURES: &str = "consent_relay_failures_total";
/// 1 while connected and at the stream's end, else 0.
const CONNECTED: &str = "consent_relay_connected";

/// The relay at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Connected, and the stream's end was found.
    pub connected: bool,
    /// The position that is published next: all below are in the stream. Until the first connection this is what the
    /// watermark file remembers, or 0.
    pub next: u64,
    /// The committed next position of the log, as the relay last saw it.
    pub committed: u64,
    /// What went wrong last, without secrets; `None` if nothing did since the last acknowledgement.
    pub last_error: Option<String>,
    /// The relay has ended and won't publish any more; if it had to, `last_error` says why.
    pub stopped: bool,
}

impl Status {
    /// The last position in the stream.
    pub fn published(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// How many positions wait for publication.
    pub fn lag(&self) -> u64 {
        self.committed.saturating_sub(self.next)
    }
}

/// Looks at the relay from anywhere; clones are cheap.
#[derive(Clone, Debug)]
pub struct Handle {
    receiver: watch::Receiver<Status>,
}

impl Handle {
    /// The relay now.
    pub fn status(&self) -> Status {
        self.receiver.borrow().clone()
    }

    /// Waits until `condition` holds and returns the status in which it did. If the relay ends before, it returns the
    /// last status.
    pub async fn wait(&mut self, condition: impl FnMut(&Status) -> bool) -> Status {
        // The sender is gone with the relay; what it wrote last stays.
        let found = self
            .receiver
            .wait_for(condition)
            .await
            .map(|status| status.clone())
            .ok();
        found.unwrap_or_else(|| self.status())
    }

    /// Waits until `position` is in the stream, or the relay has ended.
    pub async fn published(&mut self, position: u64) -> Status {
        self.wait(|status| status.next > position || status.stopped)
            .await
    }
}

/// The relay's own side of the handle.
#[derive(Debug)]
pub(super) struct Board {
    sender: Arc<watch::Sender<Status>>,
    /// What the log was last told: a change is told once, a repetition not at all.
    told: Told,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Publishing,
    Waiting,
}

impl Board {
    pub(super) fn new(next: u64, committed: u64) -> (Board, Handle) {
        let status = Status {
            next,
            committed,
            ..Status::default()
        };
        metrics::describe_gauge!(LAG, "positions committed and not yet acknowledged by NATS");
        metrics::describe_counter!(PUBLISHED, "positions acknowledged by NATS");
        metrics::describe_counter!(
            FAILURES,
            "connections to NATS given up, for whatever reason"
        );
        metrics::describe_gauge!(
            CONNECTED,
            "1 while the relay is connected and knows the stream's end"
        );
        metrics::counter!(PUBLISHED).increment(0);
        metrics::counter!(FAILURES).increment(0);
        let (sender, receiver) = watch::channel(status);
        let board = Board {
            sender: Arc::new(sender),
            told: Told::Nothing,
        };
        measure(&board.sender.borrow());
        (board, Handle { receiver })
    }

    /// Connected, and `next` follows the stream's last message.
    pub(super) fn connected(&self, next: u64) {
        self.change(|status| {
            status.connected = true;
            status.next = next;
        });
    }

    /// Everything below `next` is acknowledged, or was there already when `next` did not change.
    pub(super) fn published(&mut self, next: u64, stream: &str) {
        let before = self.sender.borrow().next;
        metrics::counter!(PUBLISHED).increment(next.saturating_sub(before));
        self.change(|status| {
            status.next = next;
            status.last_error = None;
        });
        if self.told != Told::Publishing {
            self.told = Told::Publishing;
            info!(stream, next, "publishing to NATS");
        }
    }

    /// Keeps the lag up to date while NATS is away, until it is dropped.
    pub(super) fn follow(
        &self,
        mut committed: watch::Receiver<u64>,
    ) -> impl Future<Output = Infallible> + use<> {
        let sender = Arc::clone(&self.sender);
        async move {
            loop {
                let now = *committed.borrow_and_update();
                change(&sender, |status| status.committed = now);
                if committed.changed().await.is_err() {
                    // The log's writer has ended: nothing will be committed any more.
                    return pending().await;
                }
            }
        }
    }

    pub(super) fn setback(&mut self, setback: &Setback) {
        metrics::counter!(FAILURES).increment(1);
        let text = setback.to_string();
        // Another publisher at the same stream is no outage: both go on from the stream's end.
        if self.told == Told::Waiting || matches!(setback, Setback::Moved { .. }) {
            debug!(error = %text, "publication starts again");
        } else {
            self.told = Told::Waiting;
            warn!(error = %text, "NATS is away: publication waits and catches up by itself, commands and checks go on");
        }
        self.change(|status| {
            status.connected = false;
            status.last_error = Some(text);
        });
    }

    pub(super) fn stopped(&self, error: Option<&RelayError>) {
        self.change(|status| {
            status.connected = false;
            status.stopped = true;
            if let Some(error) = error {
                status.last_error = Some(error.to_string());
            }
        });
    }

    fn change(&self, how: impl FnOnce(&mut Status)) {
        change(&self.sender, how);
    }
}

fn change(sender: &watch::Sender<Status>, how: impl FnOnce(&mut Status)) {
    sender.send_modify(how);
    measure(&sender.borrow());
}

fn measure(status: &Status) {
    metrics::gauge!(LAG).set(status.lag() as f64);
    metrics::gauge!(CONNECTED).set(if status.connected { 1.0 } else { 0.0 });
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Mutex, PoisonError},
    };

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn n6_the_log_tells_each_change_of_state_once() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .finish();
        let (mut board, handle) = Board::new(0, 10);
        tracing::subscriber::with_default(subscriber, || {
            for _ in 0..2 {
                for _ in 0..100 {
                    board.setback(&Setback::Lost);
                }
                for next in 1..5 {
                    board.connected(next - 1);
                    board.published(next, "A_STREAM");
                    // Somebody else at the stream is no outage.
                    board.setback(&Setback::Moved {
                        position: next,
                        cause: String::new(),
                    });
                }
            }
        });
        let told = lines.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = String::from_utf8_lossy(&told);
        assert_eq!(told.lines().count(), 4, "{told}");
        assert_eq!(told.matches("NATS is away").count(), 2, "{told}");
        assert_eq!(handle.status().lag(), 6);
    }
}
