//! The bounded queue before the writer: counted in commands, explicit when full (T5).

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::{Answer, Intent, SubmitError};
use crate::domain::ids::Pseudonym;
use crate::state::RequestToken;

type Answers = Vec<Result<Answer, SubmitError>>;

/// A command with what its caller's thread could find out beforehand, so that the writer's need not.
pub struct Queued {
    pub intent: Intent,
    /// Knows the request's id and its caller.
    pub token: RequestToken,
    /// Knows the request's content.
    pub content: [u8; 8],
    /// Whom it is about, where the vault knew.
    pub known: Option<Pseudonym>,
}

/// Commands that came together, and where their answers go. Their places in the queue are free when it is dropped.
pub struct Batch {
    pub commands: Vec<Queued>,
    /// The call that the commands came with: the commit follows from it in traces.
    pub span: tracing::Span,
    replies: Mutex<Replies>,
    _places: OwnedSemaphorePermit,
}

struct Replies {
    answers: Vec<Option<Result<Answer, SubmitError>>>,
    missing: usize,
    to: Option<oneshot::Sender<Answers>>,
}

impl Batch {
    /// Answers the commands from the `from`-th on; the caller is told when all of the batch are answered.
    pub fn answer(
        &self,
        from: usize,
        answers: impl IntoIterator<Item = Result<Answer, SubmitError>>,
    ) {
        let mut replies = self.replies.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, answer) in (from..).zip(answers) {
            if let Some(place) = replies.answers.get_mut(index) {
                let first = place.replace(answer).is_none();
                replies.missing = replies.missing.saturating_sub(usize::from(first));
            }
        }
        if replies.missing == 0
            && let Some(to) = replies.to.take()
        {
            let answers = replies.answers.drain(..).flatten().collect();
            // Whoever asked may have gone; the command is recorded all the same.
            let _ = to.send(answers);
        }
    }
}

/// What wakes the writer.
pub enum Event {
    Batch(Arc<Batch>),
    /// The block that was under way has landed, in whatever way.
    Landed,
    /// Nothing more comes; what is queued is still worked on.
    Stop,
}

#[derive(Clone)]
pub struct Sender {
    events: mpsc::UnboundedSender<Event>,
    places: Arc<Semaphore>,
    capacity: usize,
    retry_after: Duration,
}

/// The queue's two ends.
pub fn queue(capacity: usize, retry_after: Duration) -> (Sender, mpsc::UnboundedReceiver<Event>) {
    // The semaphore bounds it: a batch enters only with a place for each of its commands.
    let (events, taken) = mpsc::unbounded_channel();
    let places = Arc::new(Semaphore::new(capacity));
    (
        Sender {
            events,
            places,
            capacity,
            retry_after,
        },
        taken,
    )
}

impl Sender {
    /// Queues `commands`, or refuses at once when there is no room.
    pub fn offer(&self, commands: Vec<Queued>) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let count = u32::try_from(commands.len()).unwrap_or(u32::MAX);
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
        self.send(commands, places)
    }

    /// Queues `commands` as soon as there is room. At most as many as the queue holds.
    pub async fn wait_and_offer(
        &self,
        commands: Vec<Queued>,
    ) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let count = u32::try_from(commands.len().min(self.capacity)).unwrap_or(u32::MAX);
        let places = Arc::clone(&self.places)
            .acquire_many_owned(count)
            .await
            .map_err(|_| SubmitError::Stopping)?;
        self.send(commands, places)
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
        let _ = self.events.send(Event::Stop);
    }

    /// Wakes the writer: a block has landed.
    pub fn landed(&self) {
        // The writer may have ended by itself already.
        let _ = self.events.send(Event::Landed);
    }

    fn send(
        &self,
        commands: Vec<Queued>,
        places: OwnedSemaphorePermit,
    ) -> Result<oneshot::Receiver<Answers>, SubmitError> {
        let (to, answers) = oneshot::channel();
        let replies = Replies {
            answers: commands.iter().map(|_| None).collect(),
            missing: commands.len(),
            to: Some(to),
        };
        self.events
            .send(Event::Batch(Arc::new(Batch {
                commands,
                span: tracing::Span::current(),
                replies: Mutex::new(replies),
                _places: places,
            })))
            .map_err(|_| SubmitError::Stopping)?;
        Ok(answers)
    }
}
