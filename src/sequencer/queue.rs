//! The bounded queue before the writer: counted in commands, explicit when full (T5).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Answer, Intent, SubmitError};

type Answers = Vec<Result<Answer, SubmitError>>;

/// Commands that came together, and where their answers go. Their places in the queue are free when it is dropped.
pub struct Batch {
    pub intents: Vec<Intent>,
    /// The call that the commands came with: the commit follows from it in traces.
    pub span: tracing::Span,
    pub reply: oneshot::Sender<Answers>,
    _places: OwnedSemaphorePermit,
}

/// What the writer takes out.
pub enum Queued {
    Batch(Batch),
    /// Nothing more comes; what is queued is still worked on.
    Stop,
}

#[derive(Clone)]
pub struct Sender {
    batches: mpsc::UnboundedSender<Queued>,
    places: Arc<Semaphore>,
    capacity: usize,
    retry_after: Duration,
}

/// The queue's two ends.
pub fn queue(capacity: usize, retry_after: Duration) -> (Sender, mpsc::UnboundedReceiver<Queued>) {
    // The semaphore bounds it: a batch enters only with a place for each of its commands.
    let (batches, taken) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(capacity));
    (
        Sender {
            batches,
            places,
            capacity,
            retry_after,
        },
        taken,
    )
}

impl Sender {
    /// Queues `intents`, or refuses at once when there is no room.
    pub fn offer(&self, intents: Vec<Intent>) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let count = u32::try_from(intents.len()).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places)
            .try_acquire_many_owned(count)
            .map_err(|_| {
                if self.places.is_closed() {
                    SubmitError::Stopping
                } else {
                    metrics::counter!("consent_queue_refused_total").increment(u64::from(count));
                    SubmitError::QueueFull {
                        retry_after: self.retry_after,
                    }
                }
            })?;
        self.send(intents, places)
    }

    /// Queues `intents` as soon as there is room. At most as many as the queue holds.
    pub async fn wait_and_offer(
        &self,
        intents: Vec<Intent>,
    ) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let count = u32::try_from(intents.len().min(self.capacity)).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places)
            .acquire_many_owned(count)
            .await
            .map_err(|_| SubmitError::Stopping)?;
        self.send(intents, places)
    }

    /// Commands waiting or in work.
    pub fn waiting(&self) -> usize {
        self.capacity
            .saturating_sub(self.places.available_permits())
    }

    /// Takes no further command; those that are in are still answered.
    pub fn close(&self) {
        self.places.close();
        // The writer may have ended by itself already.
        let _ = self.batches.send(Queued::Stop);
    }

    fn send(
        &self,
        intents: Vec<Intent>,
        places: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let (reply, answers) = oneshot::channel();
        self.batches
            .send(Queued::Batch(Batch {
                intents,
                span: tracing::Span::current(),
                reply,
                _places: places,
            }))
            .map_err(|_| SubmitError::Stopping)?;
        Ok(answers)
    }
}
