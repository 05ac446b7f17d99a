//! Passwords, PINs and answers: hashed and compared beside the writer, which gets only the verdict and the place.
//!
//! Argon2id takes a core for tens of milliseconds. It runs on threads of its own, a few at a time, so that a storm of
//! log-ins slows log-ins and not commits; who finds every seat taken is told to come back (T5). A secret is wiped when
//! its work is done.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::{Handle, SubmitError};
use crate::domain::authentication::credentials::SecretPlace;
use crate::domain::ids::{Personal, Pseudonym};
use crate::vault::{Vault, VaultError};

/// Callers that may wait for each that is at work.
const WAITING: usize = 32;

/// Who may work, and who may wait.
#[derive(Clone)]
pub struct Seats {
    working: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    retry_after: Duration,
}

impl Seats {
    /// Seats for so many at a time.
    pub fn new(at_once: usize, retry_after: Duration) -> Self {
        let at_once = at_once.clamp(1, Semaphore::MAX_PERMITS / (WAITING + 1));
        Self {
            working: Arc::new(Semaphore::new(at_once)),
            waiting: Arc::new(Semaphore::new(at_once * (WAITING + 1))),
            retry_after,
        }
    }

    /// Does the work on a thread where it disturbs nobody; it keeps its seat to its end, also when its caller has gone.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, SubmitError> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned();
        let waiting = waiting.map_err(|_| SubmitError::QueueFull {
            retry_after: self.retry_after,
        })?;
        let working = Arc::clone(&self.working).acquire_owned().await;
        let working = working.map_err(|_| SubmitError::Stopping)?;
        let worked = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((working, waiting));
            done
        });
        match worked.await {
            Ok(Err(VaultError::NotStored { source, .. })) => {
                Err(SubmitError::Unavailable(source.to_string()))
            }
            Ok(done) => Ok(done?),
            Err(_) => Err(SubmitError::Failed("hashing a secret panicked".to_owned())),
        }
    }
}

impl Handle {
    /// Whether the secret is the one whose hash lies at that place.
    ///
    /// # Errors
    /// When every seat is taken, or the vault has no such hash.
    pub async fn secret_matches(
        &self,
        customer: Pseudonym,
        place: SecretPlace,
        secret: Personal,
    ) -> Result<bool, SubmitError> {
        let vault = self.vault.clone();
        let compare = move || vault.secret_matches(customer, place, secret.expose().as_bytes());
        self.secrets.work(compare).await
    }

    /// Weighs a new secret, hashes it whatever came of that, and keeps the hash if `weigh` says that it may be kept. The
    /// same work is done for each reason not to keep it.
    ///
    /// # Errors
    /// When every seat is taken, or the hash can't be stored.
    pub async fn weigh_secret<V: Send + 'static>(
        &self,
        customer: Pseudonym,
        secret: Personal,
        weigh: impl FnOnce(&str) -> (V, bool) + Send + 'static,
    ) -> Result<(V, Option<SecretPlace>), SubmitError> {
        let vault: Vault = self.vault.clone();
        let work = move || {
            let (verdict, may_be_kept) = weigh(secret.expose());
            let hashed = vault.hash_secret(secret.expose().as_bytes())?;
            let place = match may_be_kept {
                true => Some(vault.keep_secret(customer, &hashed)?),
                false => None,
            };
            Ok((verdict, place))
        };
        self.secrets.work(work).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Work that waits until it is let go.
    fn held(
        seats: &Seats,
        let_go: Receiver<()>,
    ) -> tokio::task::JoinHandle<Result<(), SubmitError>> {
        let seats = seats.clone();
        tokio::spawn(async move {
            let wait = move || {
                // Whoever lets go may also just leave.
                let _gone = let_go.recv();
                Ok(())
            };
            seats.work(wait).await
        })
    }

    #[tokio::test]
    async fn t5_who_finds_every_seat_taken_is_told_to_come_back_and_the_rest_is_done() {
        let seats = Seats::new(1, Duration::from_millis(7));
        let (mut holders, mut running) = (Vec::new(), Vec::new());
        for _ in 0..=WAITING {
            let (hold, let_go) = channel();
            holders.push(hold);
            running.push(held(&seats, let_go));
        }
        while seats.waiting.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = seats.work(|| Ok(())).await;
        let Err(SubmitError::QueueFull { retry_after }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(retry_after, Duration::from_millis(7));
        drop(holders);
        for one in running {
            one.await.unwrap().unwrap();
        }
        seats.work(|| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn t5_a_seat_is_kept_to_the_end_of_the_work_also_when_the_caller_has_gone() {
        let seats = Seats::new(1, Duration::ZERO);
        let (hold, let_go) = channel();
        let caller = held(&seats, let_go);
        while seats.working.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        assert_eq!(seats.working.available_permits(), 0, "the work goes on");
        drop(hold);
        seats.work(|| Ok(())).await.unwrap();
    }

    #[tokio::test]
    async fn t4_what_the_vault_could_not_store_may_be_tried_again() {
        let seats = Seats::new(1, Duration::ZERO);
        let full = || -> Result<(), VaultError> {
            Err(VaultError::NotStored {
                file: "secrets".into(),
                source: std::io::Error::other("no room"),
            })
        };
        let refused = seats.work(full).await;
        assert!(matches!(refused, Err(SubmitError::Unavailable(_))));
    }
}
