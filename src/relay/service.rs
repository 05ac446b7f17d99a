//! The relay's loop: connect, find the stream's end, publish from there, and at the first trouble begin again.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::error;

use super::{
    Handle, Options, RelayError, Standing,
    connection::Connection,
    error::{Setback, Trouble},
    feed::{Batch, Feed, Source},
    notifier::{NobodyTold, Notifier},
    pipeline::Pipeline,
    retry::Retry,
    status::Board,
    tail::Tail,
    watermark::Watermark,
};
use crate::storage::Journal;

/// How long a relay that is told to end waits for the answers to what it sent. Not needed for correctness.
const LAST_ANSWERS: Duration = Duration::from_secs(2);

/// Publishes one ledger's log to one stream. Owns its connection, its reader of the log and its watermark.
pub struct Relay {
    options: Options,
    source: Source,
    watermark: Watermark,
    board: Board,
    handle: Handle,
    retry: Retry,
}

impl Relay {
    /// A relay for the log of `ledger`. `committed` is the log's committed next position: nothing at or above it is ever
    /// read. Connects to nothing yet.
    ///
    /// # Errors
    /// [`RelayError::Option`] for settings that can't work.
    pub fn new(
        options: Options,
        ledger: [u8; 16],
        journal: Arc<dyn Journal>,
        standing: Arc<dyn Standing>,
        committed: watch::Receiver<u64>,
    ) -> Result<Relay, RelayError> {
        options.check(&ledger)?;
        let watermark = Watermark::open(options.watermark.clone(), ledger);
        let (board, handle) = Board::new(watermark.published(), *committed.borrow());
        let retry = Retry::new(options.retry_first, options.retry_longest);
        let standing = match options.notifier_stream {
            Some(_) => standing,
            None => Arc::new(NobodyTold(standing)),
        };
        let source = Source {
            ledger,
            journal,
            standing,
            committed,
        };
        Ok(Relay {
            options,
            source,
            watermark,
            board,
            handle,
            retry,
        })
    }

    /// A handle to look at the relay from elsewhere.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Publishes until `cancel`, through any absence of NATS.
    ///
    /// Dropping the future is safe too: the stream's end says where the next relay goes on.
    ///
    /// # Errors
    /// What only a person can decide: the stream and the log contradict each other, or the log can't be read. Publication
    /// has ended then; the ledger itself may go on.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), RelayError> {
        let lag = self.board.follow(self.source.committed.clone());
        let end = tokio::select! {
            end = self.publish_through_setbacks(&cancel) => end,
            never = lag => match never {},
        };
        self.watermark.settle().await;
        self.board.stopped(end.as_ref().err());
        if let Err(error) = &end {
            error!(%error, "publication has stopped; commands and checks go on");
        }
        end
    }

    async fn publish_through_setbacks(
        &mut self,
        cancel: &CancellationToken,
    ) -> Result<(), RelayError> {
        loop {
            match self.session(cancel).await {
                Ok(()) => return Ok(()),
                Err(Trouble::Stop(error)) => return Err(error),
                Err(Trouble::Setback(setback)) => self.board.setback(&setback),
            }
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = sleep(self.retry.next_pause()) => {}
            }
        }
    }

    /// One connection, from the stream's end until it is lost or `cancel`.
    async fn session(&mut self, cancel: &CancellationToken) -> Result<(), Trouble> {
        let start = async {
            let connection = Connection::open(&self.options).await?;
            let next = self.tail().find(&connection).await?;
            let notifier = Notifier::open(&self.options, &self.source, &connection).await?;
            Ok::<_, Trouble>((connection, next, notifier))
        };
        let (connection, next, notifier) = tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            started = start => started?,
        };
        self.board.connected(next);
        self.watermark.note_published(next);
        if next >= *self.source.committed.borrow() {
            self.progress(next);
        }
        self.publish_from(next, connection, notifier, cancel).await
    }

    async fn publish_from(
        &mut self,
        mut next: u64,
        mut connection: Connection,
        mut notifier: Option<Notifier>,
        cancel: &CancellationToken,
    ) -> Result<(), Trouble> {
        let replay_below = self.watermark.replay_below(next);
        let mut feed = Feed::start(self.source.clone(), next, replay_below);
        let jetstream = connection.jetstream.clone();
        let mut pipeline = Pipeline::new(jetstream, self.stream_name(), self.options.in_flight);
        let mut waiting = Batch::new().into_iter();
        let mut look = interval(self.options.check_interval);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        loop {
            while pipeline.has_room()
                && let Some(mut message) = waiting.next()
            {
                self.watermark.before_sending(message.position).await;
                if let (Some(notifier), Some(notice)) = (&mut notifier, message.notice.take()) {
                    notifier.tell(*notice).await?;
                }
                pipeline.send(message).await?;
            }
            let all_sent = waiting.len() == 0;
            tokio::select! {
                biased;
                () = cancel.cancelled() => break,
                () = connection.lost() => return Err(Setback::Lost.into()),
                acknowledged = pipeline.acknowledged(), if !pipeline.is_empty() => {
                    next = acknowledged?;
                    self.progress(next);
                }
                batch = feed.next(), if all_sent && pipeline.has_room() => match batch {
                    Ok(batch) => waiting = batch.into_iter(),
                    Err(error) => {
                        self.take_last_answers(&mut pipeline).await;
                        return Err(error.into());
                    }
                },
                _ = look.tick(), if all_sent && pipeline.is_empty() => {
                    self.look_at_quiet_stream(&connection, next).await?;
                }
            }
        }
        self.take_last_answers(&mut pipeline).await;
        Ok(())
    }

    /// Whether the stream still ends where we left it: one that was deleted or recreated while nothing was
    /// published would otherwise stay empty until the next record.
    async fn look_at_quiet_stream(
        &mut self,
        connection: &Connection,
        next: u64,
    ) -> Result<(), Trouble> {
        self.watermark.settle().await;
        let found = self.tail().next(connection).await?;
        if found == next {
            return Ok(());
        }
        let cause = format!("was to be the next one, and the stream ends at sequence {found}");
        Err(Setback::Moved {
            position: next,
            cause,
        }
        .into())
    }

    async fn take_last_answers(&mut self, pipeline: &mut Pipeline) {
        let answers = async {
            while !pipeline.is_empty() {
                let Ok(next) = pipeline.acknowledged().await else {
                    return;
                };
                self.progress(next);
            }
        };
        // What is not answered in time is found in the stream by the next relay.
        let _ = timeout(LAST_ANSWERS, answers).await;
    }

    /// Everything below `next` is in the stream.
    fn progress(&mut self, next: u64) {
        self.retry.reset();
        self.watermark.note_published(next);
        let stream = self.stream_name();
        self.board.published(next, &stream);
    }

    fn tail(&self) -> Tail<'_> {
        Tail {
            options: &self.options,
            ledger: self.source.ledger,
            journal: &self.source.journal,
            committed: &self.source.committed,
        }
    }

    fn stream_name(&self) -> String {
        self.options.stream_name(&self.source.ledger)
    }
}
