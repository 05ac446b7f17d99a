//! The stream's end: the one place that knows where publication goes on.

use std::sync::Arc;

use async_nats::jetstream::{
    ErrorCode,
    context::GetStreamErrorKind,
    message::StreamMessage,
    stream::{Config, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream},
};

use tokio::sync::watch;

use super::{
    RelayError,
    connection::Connection,
    error::{Chain, Setback, Trouble},
    message::Mark,
    options::Options,
    subject,
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
        let stream = self.stream(connection).await?;
        let info = stream.cached_info();
        self.check_subjects(&info.config)?;
        let next = info.state.last_sequence;
        self.check_messages(&stream, info.state.first_sequence, next)
            .await?;
        let log_next = self.log_next();
        if next > log_next {
            return Err(RelayError::StreamAhead {
                stream: self.name(),
                stream_next: next,
                log_next,
            }
            .into());
        }
        Ok(next)
    }

    /// The position that the stream expects next, without a comparison.
    pub(super) async fn next(&self, connection: &Connection) -> Result<u64, Trouble> {
        Ok(self
            .stream(connection)
            .await?
            .cached_info()
            .state
            .last_sequence)
    }

    /// The committed next position, as of now: another relay of the same log may have published while we looked.
    fn log_next(&self) -> u64 {
        *self.committed.borrow()
    }

    fn name(&self) -> String {
        self.options.stream_name(&self.ledger)
    }

    fn unavailable(&self, error: &(dyn std::error::Error + 'static)) -> Setback {
        Setback::Stream {
            stream: self.name(),
            cause: Chain::of(error),
        }
    }

    async fn stream(&self, connection: &Connection) -> Result<Stream, Setback> {
        let context = &connection.jetstream;
        match context.get_stream(self.name()).await {
            Ok(stream) => Ok(stream),
            Err(error) if is_absent(&error.kind()) => context
                .create_stream(self.config())
                .await
                .map_err(|error| self.unavailable(&error)),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// What the stream is like when the relay creates it. One that exists is left as its operator made it, its subjects
    /// aside: those must be ours alone, or sequences would not follow positions.
    fn config(&self) -> Config {
        Config {
            name: self.name(),
            description: Some(
                "consent ledger: every position one message, sequence = position + 1".to_owned(),
            ),
            subjects: vec![subject::all(&self.ledger)],
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            num_replicas: self.options.replicas,
            duplicate_window: self.options.duplicate_window,
            // A subscriber that finds a gap must be able to rely on it that nobody made one.
            deny_delete: true,
            deny_purge: true,
            ..Config::default()
        }
    }

    fn check_subjects(&self, config: &Config) -> Result<(), RelayError> {
        let wanted = subject::all(&self.ledger);
        let only_ours = config.subjects.iter().eq([&wanted])
            && config.sources.as_ref().is_none_or(Vec::is_empty);
        if only_ours && config.mirror.is_none() {
            return Ok(());
        }
        Err(RelayError::OtherSubjects {
            stream: self.name(),
            found: config.subjects.clone(),
            wanted,
        })
    }

    /// Compares the newest message that has a hash with the log. Messages may be gone, by age or by an operator's hand:
    /// the sequence goes on all the same.
    async fn check_messages(&self, stream: &Stream, first: u64, last: u64) -> Result<(), Trouble> {
        let oldest = first.max(1).max(last.saturating_sub(LOOK_BACK - 1));
        for sequence in (oldest..=last).rev() {
            let Some(message) = self.message(stream, sequence).await? else {
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
        let logged = logged_hash(Arc::clone(self.journal), position, self.log_next()).await?;
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

    async fn message(
        &self,
        stream: &Stream,
        sequence: u64,
    ) -> Result<Option<StreamMessage>, Setback> {
        match stream.get_raw_message(sequence).await {
            Ok(message) => Ok(Some(message)),
            Err(error) if matches!(error.kind(), LastRawMessageErrorKind::NoMessageFound) => {
                Ok(None)
            }
            Err(error) => Err(self.unavailable(&error)),
        }
    }
}

pub(super) fn is_absent(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// The hash of a record of the log.
async fn logged_hash(
    journal: Arc<dyn Journal>,
    position: u64,
    committed: u64,
) -> Result<Hash, RelayError> {
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
        block.line(position).map(leaf_hash).ok_or(missing)
    };
    tokio::task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(RelayError::Reader(error.to_string())))
}
