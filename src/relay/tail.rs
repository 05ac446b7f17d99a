//! The stream's end: the one place that knows where publication goes on.

use std::sync::Arc;

use async_nats::jetstream::stream::Stream;
use tokio::sync::watch;

use super::{
    RelayError, connection::Connection, error::Trouble, message::Mark, options::Options,
    stream::Filled, subject,
};
use crate::{
    ledger::{Hash, leaf_hash},
    storage::Journal,
};

/// How far back from the end a message with a record hash is looked for: withheld positions have none.
const LOOK_BACK: u64 = 256;

/// The stream's end as the log must agree with it.
pub(super) struct Tail<'a> {
    pub(super) options: &'a Options,
    pub(super) ledger: [u8; 16],
    pub(super) journal: &'a Arc<dyn Journal>,
    /// The committed next position.
    pub(super) committed: &'a watch::Receiver<u64>,
}

impl Tail<'_> {
    /// Finds the stream, or creates it, and returns the position that it expects next, having compared its last
    /// messages with the log.
    pub(super) async fn find(&self, connection: &Connection) -> Result<u64, Trouble> {
        let name = self.name();
        let filled = self.filled(&name);
        let stream = filled.find(connection).await?;
        let info = stream.cached_info();
        // Sequences follow positions only where all its messages are ours.
        filled.require_only_ours(&info.config)?;
        let next = info.state.last_sequence;
        self.check_messages(&filled, &stream, info.state.first_sequence, next)
            .await?;
        filled.require_not_ahead(next, self.log_next())?;
        Ok(next)
    }

    /// The position that the stream expects next, without a comparison.
    pub(super) async fn next(&self, connection: &Connection) -> Result<u64, Trouble> {
        let name = self.name();
        let stream = self.filled(&name).find(connection).await?;
        Ok(stream.cached_info().state.last_sequence)
    }

    fn filled<'a>(&'a self, name: &'a str) -> Filled<'a> {
        Filled {
            options: self.options,
            name,
            description: "consent ledger: every position one message, sequence = position + 1",
            subject: subject::all(&self.ledger),
        }
    }

    /// The committed next position, as of now: another relay of the same log may have published while we looked.
    fn log_next(&self) -> u64 {
        *self.committed.borrow()
    }

    fn name(&self) -> String {
        self.options.stream_name(&self.ledger)
    }

    /// Compares the newest message that has a hash with the log. Messages may be gone, by age or by an operator's hand:
    /// the sequence goes on all the same.
    async fn check_messages(
        &self,
        filled: &Filled<'_>,
        stream: &Stream,
        first: u64,
        last: u64,
    ) -> Result<(), Trouble> {
        let oldest = first.max(1).max(last.saturating_sub(LOOK_BACK - 1));
        for sequence in (oldest..=last).rev() {
            let Some(message) = filled.message(stream, sequence).await? else {
                continue;
            };
            let position = sequence - 1;
            let mark = Mark::read(&message.headers, &self.ledger, position).map_err(|problem| {
                RelayError::ForeignMessage {
                    stream: self.name(),
                    sequence,
                    problem,
                }
            })?;
            // Past the log's end nothing can be compared; the caller refuses that by itself.
            if let Some(published) = mark.hash.filter(|_| position < self.log_next()) {
                return self.check_hash(position, published).await;
            }
        }
        Ok(())
    }

    async fn check_hash(&self, position: u64, published: Hash) -> Result<(), Trouble> {
        let journal = Arc::clone(self.journal);
        let logged = logged(journal, position, self.log_next(), leaf_hash).await?;
        if published == logged {
            return Ok(());
        }
        Err(RelayError::OtherRecord {
            stream: self.name(),
            position,
            published,
            logged,
        }
        .into())
    }
}

/// What is read of a record's line in the log.
pub(super) async fn logged<T: Send + 'static>(
    journal: Arc<dyn Journal>,
    position: u64,
    committed: u64,
    of: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T, RelayError> {
    let read = move || {
        let missing = RelayError::Missing {
            position,
            committed,
        };
        let Some(stored) = journal.read(position)? else {
            return Err(missing);
        };
        let block = stored
            .open()
            .map_err(|problem| RelayError::Block { position, problem })?;
        block.line(position).map(of).ok_or(missing)
    };
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(RelayError::Reader(error.to_string())))
}
