//! What stops the relay for good, and what only makes it start again.

use std::{error::Error, fmt};

use crate::{
    ledger::{BlockError, Hash, LineError},
    storage::ReadError,
};

/// Why the relay stopped. Nothing was published after the point named here; commands and checks are not affected.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The options can't work, whatever NATS says.
    #[error("the relay's setting `{setting}` is {value}: {rule}")]
    Option {
        /// Which one.
        setting: &'static str,
        /// Its value, without secrets.
        value: String,
        /// What is allowed.
        rule: &'static str,
    },
    /// The stream of our name collects other subjects than this ledger's.
    #[error(
        "the stream {stream} collects {found:?} and this ledger publishes on {wanted}: two ledgers, or a ledger and \
         something else, would share the stream; choose another stream name for one of them"
    )]
    OtherSubjects {
        /// The stream's name.
        stream: String,
        /// What it collects.
        found: Vec<String>,
        /// What it must collect, and nothing else.
        wanted: String,
    },
    /// A message in the stream does not say what this ledger's relay would have said there.
    #[error(
        "message {sequence} of the stream {stream} is not record {} of this ledger ({problem}): something else writes \
         there; find it, and give this ledger a stream of its own", .sequence.saturating_sub(1)
    )]
    ForeignMessage {
        /// The stream's name.
        stream: String,
        /// The message's sequence.
        sequence: u64,
        /// What is wrong with its headers.
        problem: String,
    },
    /// A message in the notifier's stream is none of this ledger's.
    #[error(
        "message {sequence} of the stream {stream} tells of no account change of this ledger ({problem}): something else \
         writes there, or it is from before the log was restored; find out, and give the notifier a stream of its own"
    )]
    ForeignNotice {
        /// The stream's name.
        stream: String,
        /// The message's sequence.
        sequence: u64,
        /// What is wrong with its headers.
        problem: String,
    },
    /// The stream holds another record at a position than the log does.
    #[error(
        "position {position} has hash {published} in the stream {stream} and {logged} in the log: two ledgers share the \
         stream, or the log was replaced by another copy; find out which one is true before anything is published"
    )]
    OtherRecord {
        /// The stream's name.
        stream: String,
        /// Where they differ.
        position: u64,
        /// The hash in the stream.
        published: Hash,
        /// The hash in the log.
        logged: Hash,
    },
    /// The stream holds more records than the log.
    #[error(
        "the stream {stream} ends with position {} and the log ends before position {log_next}: the log has lost records \
         that were published; restore it from a backup or from the stream, and do not write to it before",
        .stream_next.saturating_sub(1)
    )]
    StreamAhead {
        /// The stream's name.
        stream: String,
        /// The position that the stream expects next.
        stream_next: u64,
        /// The position that the log expects next.
        log_next: u64,
    },
    /// What a customer's words come to can't be told.
    #[error(
        "the state of the customer of position {position} can't be read for publication: {problem}"
    )]
    Standing {
        /// The record's position.
        position: u64,
        /// What is wrong.
        problem: String,
    },
    /// The log could not show a committed position.
    #[error("the log can't be read for publication: {0}")]
    Read(#[from] ReadError),
    /// The log has no block where it must have one.
    #[error(
        "the log is committed up to position {committed} and shows nothing at position {position}; run `verify`"
    )]
    Missing {
        /// The position asked for.
        position: u64,
        /// The committed next position.
        committed: u64,
    },
    /// A block of the log does not open.
    #[error("the block of position {position} can't be published: {problem}")]
    Block {
        /// A position inside it.
        position: u64,
        /// What is wrong with it.
        problem: BlockError,
    },
    /// A line of the log is not a record.
    #[error(
        "position {position} can't be published, its line is not a record: {problem}; run `verify`"
    )]
    Line {
        /// Its position.
        position: u64,
        /// What is wrong with it.
        problem: LineError,
    },
    /// A task that read the log ended by itself: a defect.
    #[error("the relay's reader of the log ended unexpectedly: {0}")]
    Reader(String),
}

/// What makes the relay drop its connection and start again at the stream's end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Setback {
    /// No server could be reached, or none let us in.
    #[error("no connection to {servers}: {cause}")]
    Connect { servers: String, cause: Chain },
    /// The credentials could not be read.
    #[error("the credentials file {path} can't be read: {cause}")]
    Credentials { path: String, cause: std::io::Error },
    /// The stream could not be found, created or read.
    #[error("the stream {stream} is not available: {cause}")]
    Stream { stream: String, cause: Chain },
    /// The connection was lost.
    #[error("the connection was lost")]
    Lost,
    /// A message could not be sent or was not acknowledged.
    #[error("the stream {stream} did not acknowledge position {position}: {cause}")]
    Publish {
        stream: String,
        position: u64,
        cause: Chain,
    },
    /// The stream's end is not where the pipeline expected it: somebody else published, or an acknowledgement was lost.
    #[error("the stream's end moved: position {position} {cause}")]
    Moved { position: u64, cause: String },
}

/// How a session ended, if not by being asked to.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Start again.
    Setback(Setback),
    /// Stop for good.
    Stop(RelayError),
}

impl From<Setback> for Trouble {
    fn from(setback: Setback) -> Self {
        Trouble::Setback(setback)
    }
}

impl From<RelayError> for Trouble {
    fn from(error: RelayError) -> Self {
        Trouble::Stop(error)
    }
}

/// An error with all that caused it, as text: the client's own errors name only the outermost.
#[derive(Debug)]
pub(super) struct Chain(String);

impl Chain {
    pub(super) fn of(error: &(dyn Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.push_str(": ");
                text.push_str(&cause_text);
            }
            source = cause.source();
        }
        Chain(text)
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
