//! The streams that the relay fills: found, or created where they are missing, and read back.

use async_nats::jetstream::{
    ErrorCode,
    context::GetStreamErrorKind,
    message::StreamMessage,
    stream::{Config, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream},
};

use super::{
    RelayError,
    connection::Connection,
    error::{Chain, Setback},
    options::Options,
};

/// One of them.
pub(super) struct Filled<'a> {
    pub(super) options: &'a Options,
    /// Its name.
    pub(super) name: &'a str,
    /// What operators read of it.
    pub(super) description: &'a str,
    /// The one subject that it collects.
    pub(super) subject: String,
}

impl Filled<'_> {
    /// Finds it, or creates it.
    pub(super) async fn find(&self, connection: &Connection) -> Result<Stream, Setback> {
        let context = &connection.jetstream;
        match context.get_stream(self.name).await {
            Ok(stream) => Ok(stream),
            Err(error) if is_absent(&error.kind()) => context
                .create_stream(self.config())
                .await
                .map_err(|error| self.unavailable(&error)),
            Err(error) => Err(self.unavailable(&error)),
        }
    }

    /// What it is like when the relay creates it. One that exists is left as its operator made it, its subjects aside.
    fn config(&self) -> Config {
        Config {
            name: self.name.to_owned(),
            description: Some(self.description.to_owned()),
            subjects: vec![self.subject.clone()],
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

    /// Refuses one that collects anything but its subject.
    pub(super) fn require_only_ours(&self, config: &Config) -> Result<(), RelayError> {
        let only_ours = config.subjects.iter().eq([&self.subject])
            && config.sources.as_ref().is_none_or(Vec::is_empty);
        if only_ours && config.mirror.is_none() {
            return Ok(());
        }
        Err(RelayError::OtherSubjects {
            stream: self.name.to_owned(),
            found: config.subjects.clone(),
            wanted: self.subject.clone(),
        })
    }

    /// Refuses one that tells of more than the log holds: it is another log's, or the log lost records.
    pub(super) fn require_not_ahead(
        &self,
        stream_next: u64,
        log_next: u64,
    ) -> Result<(), RelayError> {
        if stream_next <= log_next {
            return Ok(());
        }
        Err(RelayError::StreamAhead {
            stream: self.name.to_owned(),
            stream_next,
            log_next,
        })
    }

    /// The message of that sequence; none where it is gone, by age or by an operator's hand.
    pub(super) async fn message(
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

    fn unavailable(&self, error: &(dyn std::error::Error + 'static)) -> Setback {
        Setback::Stream {
            stream: self.name.to_owned(),
            cause: Chain::of(error),
        }
    }
}

fn is_absent(kind: &GetStreamErrorKind) -> bool {
    matches!(kind, GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND)
}
