//! Destroys the keys of whoever was erased and records that, again and again until it is done (E8).
//!
//! What is to be done is in the state view, which the log rebuilds, and doing it twice changes nothing: so a crash at any
//! point converges. At start everybody who was ever erased is looked at, too: a vault that was put back from an older copy
//! still has their keys.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use uuid::Builder;

use super::writer::own_actor;
use super::{Caller, Handle, Intent, SubjectRef, SubmitError};
use crate::domain::command::Command;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::retention::RetentionCommand;
use crate::domain::retention::erasure::ErasureCompleted;
use crate::domain::vocabulary::Channel;
use crate::state::{Fatal, StateError, States};
use crate::vault::{Vault, VaultError};

/// Customers whose keys are destroyed together: the vault reads all its entries for each time.
const BATCH: usize = 4096;
/// Records that are asked for together: a part of the queue's room.
const RECORDED: usize = 64;
/// The wait after a failure, doubled with each further one up to the longest.
const RETRY: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// Why the keys of some are not destroyed, or it isn't recorded.
#[derive(Debug, thiserror::Error)]
enum EraseError {
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    #[error("the thread that destroys keys panicked")]
    Panicked,
}

/// The running thread.
pub struct Eraser {
    states: States,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Eraser {
    /// Erases again whom the vault still knows, before anything is served, and starts the thread.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        states: States,
        vault: Vault,
        handle: Handle,
        fatal: Fatal,
    ) -> Result<Self, SubmitError> {
        let work = Work {
            states: states.clone(),
            vault,
            handle,
            fatal,
            stop: Arc::new(AtomicBool::new(false)),
            again: true,
        };
        let stop = Arc::clone(&work.stop);
        let thread = work.begin()?;
        Ok(Self {
            states,
            stop,
            thread: Some(thread),
        })
    }

    /// Ends the thread; what is not done is done after the next start.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.states.wake_for_erasures();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that destroys keys panicked");
        }
    }
}

impl Drop for Eraser {
    fn drop(&mut self) {
        self.end();
    }
}

struct Work {
    states: States,
    vault: Vault,
    handle: Handle,
    fatal: Fatal,
    stop: Arc<AtomicBool>,
    /// Whether everybody who was ever erased is to be looked at.
    again: bool,
}

impl Work {
    fn begin(mut self) -> Result<JoinHandle<()>, SubmitError> {
        if let Err(error) = self.guarded(Self::erase_again) {
            failed(&error);
            self.tell_waiting();
        }
        std::thread::Builder::new()
            .name("eraser".to_owned())
            .spawn(move || self.run())
            .map_err(|error| SubmitError::Failed(error.to_string()))
    }

    fn run(mut self) {
        let mut retry = RETRY;
        while !self.stop.load(Ordering::Acquire) {
            let done = self.guarded(Self::round);
            self.tell_waiting();
            let wait = match done {
                Ok(()) => {
                    retry = RETRY;
                    None
                }
                Err(error) => {
                    failed(&error);
                    let wait = retry;
                    retry = (retry * 2).min(RETRY_MAX);
                    Some(wait)
                }
            };
            self.states.wait_for_erasures(wait);
        }
    }

    /// sled panics on damaged files; what is to be done stays to be done.
    fn guarded(
        &mut self,
        step: impl FnOnce(&mut Self) -> Result<(), EraseError>,
    ) -> Result<(), EraseError> {
        catch_unwind(AssertUnwindSafe(|| step(self))).unwrap_or(Err(EraseError::Panicked))
    }

    /// Whoever still has to be erased again counts, too: how many they are is not known.
    fn tell_waiting(&self) {
        let (_, open) = self.states.open_erasures(0);
        let waiting = open + usize::from(self.again);
        metrics::gauge!("consent_erasures_waiting").set(waiting as f64);
    }

    /// Does all that is to be done. One whose keys can't be destroyed keeps nobody else's.
    fn round(&mut self) -> Result<(), EraseError> {
        let mut problem = self.erase_again().err();
        let (mut open, _) = self.states.open_erasures(usize::MAX);
        while !open.is_empty() && !self.stop.load(Ordering::Acquire) {
            let rest = open.split_off(open.len().min(BATCH));
            let batch = std::mem::replace(&mut open, rest);
            if let Err(error) = self.erase(&batch) {
                problem = Some(error);
            }
        }
        problem.map_or(Ok(()), Err)
    }

    /// What is destroyed is recorded, also where others' keys could not be.
    fn erase(&self, batch: &[(Pseudonym, Position)]) -> Result<(), EraseError> {
        let customers: Vec<Pseudonym> = batch.iter().map(|(customer, _)| *customer).collect();
        let destroyed = self.destroy(&customers);
        if !matches!(destroyed, Err(VaultError::Unknown { .. })) {
            let erased = (batch.iter().copied()).filter(|(one, _)| self.vault.is_erased(*one));
            self.record(&erased.collect::<Vec<_>>())?;
        }
        Ok(destroyed?)
    }

    /// Where the vault can't say what is on its disk, nothing may go on (T4).
    fn destroy(&self, customers: &[Pseudonym]) -> Result<(), VaultError> {
        if customers.is_empty() {
            return Ok(());
        }
        let destroyed = self.vault.erase(customers);
        if let Err(error @ VaultError::Unknown { .. }) = &destroyed {
            (self.fatal)(&error.to_string());
        }
        destroyed
    }

    /// The keys are destroyed, durably; now the log says so.
    fn record(&self, batch: &[(Pseudonym, Position)]) -> Result<(), EraseError> {
        let actor = own_actor();
        let caller = Arc::new(Caller {
            service: actor.service,
            role: actor.role,
        });
        let mut problem = None;
        for some in batch.chunks(RECORDED) {
            let intents = some
                .iter()
                .map(|(customer, requested)| self.completion(&caller, *customer, *requested));
            let answers = self.handle.submit_and_block(intents.collect())?;
            for answer in answers {
                problem = answer.err().or(problem);
            }
        }
        problem.map_or(Ok(()), |error| Err(error.into()))
    }

    fn completion(&self, caller: &Arc<Caller>, customer: Pseudonym, requested: Position) -> Intent {
        // The same for the same erasure: it is recorded once.
        let id = self.handle.pseudonymise("erasure", &requested.to_string());
        Intent {
            request_id: Builder::from_custom_bytes(id.0).into_uuid(),
            caller: Arc::clone(caller),
            channel: Channel::System,
            person: None,
            subject: SubjectRef::Pseudonym(customer),
            occurred_at: None,
            expected_version: None,
            deadline: None,
            content: [0; 32],
            command: Command::Retention(RetentionCommand::CompleteErasure(ErasureCompleted {
                requested,
            })),
        }
    }

    /// Erases whoever was ever erased and has keys: the vault is older than the log knew it, or was interrupted.
    fn erase_again(&mut self) -> Result<(), EraseError> {
        let (mut from, mut known) = (self.again.then_some(Pseudonym([0; 16])), Vec::new());
        let mut problem = None;
        while let Some(first) = from {
            let (erased, next) = self.states.erased(first)?;
            let erased = erased.into_iter();
            known.extend(erased.filter(|customer| !self.vault.is_erased(*customer)));
            if known.len() >= BATCH || next.is_none() {
                problem = self.destroy(&known).err().or(problem);
                known.clear();
            }
            from = next;
        }
        self.again = problem.is_some();
        problem.map_or(Ok(()), |error| Err(error.into()))
    }
}

/// Names nobody: whose keys are still there is in the state view.
fn failed(error: &EraseError) {
    metrics::counter!("consent_erasure_failures_total").increment(1);
    let error: &dyn std::fmt::Display = match error {
        EraseError::Vault(VaultError::UnknownPseudonym(_)) => {
            &"the vault has no entry for one of them; do vault and ledger belong together?"
        }
        error => error,
    };
    tracing::error!(problem = %error, "keys of erased customers could not be destroyed, or it could not be recorded; it is tried again");
}
