//! The stream of whoever notifies customers of account changes (F16, N1, N4): a message where one is due, and no other.
//!
//! Its sequence follows no positions, so each message is fenced by the last one (`Nats-Expected-Last-Sequence`), and is
//! sent and acknowledged before the marker of its position goes to the main stream. A relay that begins again goes on in
//! the main stream, and skips here what the last message shows to be sent: each is there once and in order.

use std::sync::Arc;

use async_nats::HeaderValue;
use async_nats::header::{NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_STREAM};
use async_nats::jetstream::{self, stream::Stream};

use super::connection::Connection;
use super::error::{Chain, Setback, Trouble};
use super::feed::Source;
use super::notice::{About, Notice};
use super::options::Options;
use super::stream::Filled;
use super::subject;
use super::tail::logged;
use super::{RelayError, Standing};
use crate::domain::authentication::change_notices::Owing;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::preferences::Preferences;
use crate::ledger::Record;

/// Where no notifier is to be told: no customer is looked at for it.
pub(super) struct NobodyTold(pub(super) Arc<dyn Standing>);

impl Standing for NobodyTold {
    fn preferences(&self, customer: Pseudonym) -> Result<Option<Preferences>, String> {
        self.0.preferences(customer)
    }

    fn owing(&self, _: Pseudonym, _: Position) -> Result<Option<Owing>, String> {
        Ok(None)
    }
}

/// The notifier's stream, for the time of one connection.
pub(super) struct Notifier {
    jetstream: jetstream::Context,
    stream: String,
    /// The sequence of the last message.
    last: u64,
    /// The first position of which nothing was told.
    next: u64,
}

impl Notifier {
    /// Finds the stream, or creates it, and reads what was told last; none where no notifier is to be told. A stream that
    /// tells of more than the log holds, or last of another record than the log's, is another log's.
    pub(super) async fn open(
        options: &Options,
        source: &Source,
        connection: &Connection,
    ) -> Result<Option<Notifier>, Trouble> {
        let (ledger, log_next) = (&source.ledger, *source.committed.borrow());
        let Some(name) = &options.notifier_stream else {
            return Ok(None);
        };
        let filled = Filled {
            options,
            name,
            description: "consent ledger: notifications of account changes that are due",
            subject: subject::all_notices(ledger),
        };
        let stream = filled.find(connection).await?;
        let info = stream.cached_info();
        filled.require_only_ours(&info.config)?;
        let last = info.state.last_sequence;
        let last_told = told_last(&filled, &stream, ledger, last).await?;
        let next = last_told.as_ref().map_or(0, |told| told.position + 1);
        filled.require_not_ahead(next, log_next)?;
        if let Some(told) = last_told {
            told.require_record(&filled, source, last).await?;
        }
        Ok(Some(Notifier {
            jetstream: connection.jetstream.clone(),
            next,
            stream: name.clone(),
            last,
        }))
    }

    /// Tells what is due, and returns once it is acknowledged. What was told already is not told again.
    pub(super) async fn tell(&mut self, notice: Notice) -> Result<(), Setback> {
        let Notice {
            position,
            subject,
            mut headers,
            payload,
        } = notice;
        if position < self.next {
            return Ok(());
        }
        let stream = HeaderValue::from(self.stream.as_str());
        headers.insert(NATS_EXPECTED_STREAM, stream);
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, HeaderValue::from(self.last));
        let name = &self.stream;
        let failed = |error: &(dyn std::error::Error + 'static)| Setback::Publish {
            stream: name.clone(),
            position,
            cause: Chain::of(error),
        };
        let sent = self
            .jetstream
            .publish_with_headers(subject, headers, payload.into())
            .await
            .map_err(|error| failed(&error))?;
        let ack = sent.await.map_err(|error| failed(&error))?;
        (self.last, self.next) = (ack.sequence, position + 1);
        Ok(())
    }
}

/// What the stream's last message is about.
struct Told {
    position: u64,
    about: About,
}

impl Told {
    /// Refuses a message about another record than the log's: the log was restored, and has gone on otherwise.
    async fn require_record(
        &self,
        filled: &Filled<'_>,
        source: &Source,
        sequence: u64,
    ) -> Result<(), Trouble> {
        let (position, committed) = (self.position, *source.committed.borrow());
        let journal = Arc::clone(&source.journal);
        let logged = logged(journal, position, committed, Record::parse).await?;
        let logged = logged.map_err(|problem| RelayError::Line { position, problem })?;
        if About::of(&logged) == self.about {
            return Ok(());
        }
        Err(RelayError::ForeignNotice {
            stream: filled.name.to_owned(),
            sequence,
            problem: format!("the log has another record at position {position}"),
        }
        .into())
    }
}

/// What the stream's last message is about; none where there is no message, or where an operator's limits have taken it away
/// and nothing is known of it: what is sent twice then has the same id.
async fn told_last(
    filled: &Filled<'_>,
    stream: &Stream,
    ledger: &[u8; 16],
    last: u64,
) -> Result<Option<Told>, Trouble> {
    if last == 0 {
        return Ok(None);
    }
    let Some(message) = filled.message(stream, last).await? else {
        return Ok(None);
    };
    let position = Notice::position_of(&message.headers, ledger).map_err(|problem| {
        RelayError::ForeignNotice {
            stream: filled.name.to_owned(),
            sequence: last,
            problem,
        }
    })?;
    Ok(Some(Told {
        position,
        about: About::read(&message.headers),
    }))
}
