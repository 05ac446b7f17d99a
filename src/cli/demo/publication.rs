//! The stream as a marketing system sees it, or the relay as it waits when NATS is away.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::{self, consumer, consumer::pull};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::print::{Page, grouped};
use super::surprise::{Surprise, same, there};
use crate::relay::{self, header, subject};

/// How long anything that was committed may take to get to a subscriber on the same machine.
const LATE: Duration = Duration::from_secs(60);
const WITHHELD_TYPE: &str = "consent.withheld.v1";

/// How changes get to others.
pub enum Publication {
    /// A subscriber follows.
    Followed(Box<Feed>),
    /// There is no NATS server.
    Waiting(relay::Handle),
}

/// One message, as received.
pub struct Received {
    position: u64,
    sequence: u64,
    subject: String,
    kind: String,
    headers: Vec<(String, String)>,
    payload: String,
}

/// A marketing system's subscription, and all that it received.
pub struct Feed {
    /// The stream's name.
    pub stream: String,
    messages: pull::Ordered,
    received: Vec<Received>,
}

impl Feed {
    /// Subscribes to all of the ledger's stream, as soon as the relay has created it.
    ///
    /// # Errors
    /// When the stream can't be followed.
    pub async fn subscribe(
        url: &str,
        ledger: &[u8; 16],
        mut relay: relay::Handle,
    ) -> Result<Self, Surprise> {
        let status = timeout(
            LATE,
            relay.wait(|status| status.connected || status.stopped),
        )
        .await;
        if !status.is_ok_and(|status| status.connected) {
            let why = relay.status().last_error.unwrap_or_default();
            return Err(Surprise::Nats(format!(
                "the relay did not connect to {url}: {why}"
            )));
        }
        let name = relay::Options::default().stream_name(ledger);
        let failed =
            |error: &dyn std::fmt::Display| Surprise::Nats(format!("stream {name}: {error}"));
        let client = async_nats::connect(url)
            .await
            .map_err(|error| failed(&error))?;
        let stream = jetstream::new(client)
            .get_stream(&name)
            .await
            .map_err(|error| failed(&error))?;
        let config = pull::OrderedConfig {
            filter_subject: subject::all(ledger),
            deliver_policy: consumer::DeliverPolicy::All,
            ..pull::OrderedConfig::default()
        };
        let consumer = stream
            .create_consumer(config)
            .await
            .map_err(|error| failed(&error))?;
        let messages = consumer.messages().await.map_err(|error| failed(&error))?;
        Ok(Self {
            stream: name,
            messages,
            received: Vec::new(),
        })
    }

    /// Receives until the message of `position` is there.
    async fn until(&mut self, position: u64) -> Result<(), Surprise> {
        while self
            .received
            .last()
            .is_none_or(|last| last.position < position)
        {
            let message = timeout(LATE, self.messages.next()).await.map_err(|_| {
                Surprise::Nats(format!("position {position} did not arrive in {LATE:?}"))
            })?;
            let message = there("the next message", message)?
                .map_err(|error| Surprise::Nats(error.to_string()))?;
            let received = read(&message)?;
            // Sequence = position + 1, from the first on: nothing is missing, repeated or out of order.
            let next = self.received.len() as u64;
            same(
                "the message's place",
                (received.position, received.sequence),
                (next, next + 1),
            )?;
            self.received.push(received);
        }
        Ok(())
    }
}

fn read(message: &jetstream::Message) -> Result<Received, Surprise> {
    let info = message
        .info()
        .map_err(|error| Surprise::Nats(error.to_string()))?;
    let headers = there("the message's headers", message.headers.as_ref())?;
    let mut headers: Vec<_> = headers
        .iter()
        .flat_map(|(name, values)| {
            values
                .iter()
                .map(|value| (name.to_string(), value.to_string()))
        })
        .collect();
    headers.sort();
    let get = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.clone())
    };
    let position = get(header::POSITION).and_then(|digits| digits.parse().ok());
    Ok(Received {
        position: there("the header ce-position", position)?,
        sequence: info.stream_sequence,
        subject: message.subject.to_string(),
        kind: there("the header ce-type", get(header::TYPE))?,
        payload: String::from_utf8_lossy(&message.payload).into_owned(),
        headers,
    })
}

impl Publication {
    /// After a change: that the subscriber has it, or how much waits.
    ///
    /// # Errors
    /// When it doesn't arrive.
    pub async fn heard(&mut self, page: &mut Page, position: u64) -> Result<(), Surprise> {
        match self {
            Self::Followed(feed) => {
                feed.until(position).await?;
                if let Some(last) = feed.received.iter().find(|one| one.position == position) {
                    page.heard(&format!(
                        "marketing received {} as message {}",
                        last.kind, last.sequence
                    ));
                }
            }
            Self::Waiting(relay) => {
                let lag = lag(relay, position).await?;
                page.heard(&format!(
                    "the relay waits for NATS, {} records behind; nobody else waits",
                    grouped(lag)
                ));
            }
        }
        Ok(())
    }

    /// What came through, all in all.
    ///
    /// # Errors
    /// When something is missing, repeated or shown that must not be.
    pub async fn tell(
        &mut self,
        page: &mut Page,
        head: u64,
        (grant, gagged): (u64, u64),
    ) -> Result<(), Surprise> {
        page.step("What the marketing system received");
        match self {
            Self::Followed(feed) => {
                feed.until(head).await?;
                tell_received(page, feed, (grant, gagged))
            }
            Self::Waiting(relay) => {
                let lag = lag(relay, head).await?;
                same("records behind", lag, head + 1)?;
                page.say(&format!(
                    "Nothing yet: there is no NATS server. The relay is {} records behind and goes on by itself when \
                     there is one; no command and no check above waited for it.",
                    grouped(lag)
                ));
                Ok(())
            }
        }
    }
}

/// How far behind the relay is when it knows of `head`.
async fn lag(relay: &mut relay::Handle, head: u64) -> Result<u64, Surprise> {
    let known = timeout(
        LATE,
        relay.wait(|status| status.committed > head || status.stopped),
    )
    .await;
    let status =
        known.map_err(|_| Surprise::Nats(format!("the relay doesn't know of record {head}")))?;
    same("the relay stopped", status.stopped, false)?;
    Ok(status.lag())
}

fn tell_received(
    page: &mut Page,
    feed: &Feed,
    (grant, gagged): (u64, u64),
) -> Result<(), Surprise> {
    let mut kinds: BTreeMap<&str, u64> = BTreeMap::new();
    for received in &feed.received {
        *kinds.entry(received.kind.as_str()).or_default() += 1;
    }
    page.say(&format!(
        "Stream {} over NATS JetStream: every record once and in order, CloudEvents 1.0. The system keeps those that \
         change its allow-list and passes over the rest:",
        feed.stream
    ));
    let rows = kinds
        .iter()
        .map(|(kind, count)| [grouped(*count), (*kind).to_owned()]);
    page.table(["messages", "type"], rows.collect::<Vec<_>>());
    let at = |position: u64| feed.received.iter().find(|one| one.position == position);
    let example = there("the grant's message", at(grant))?;
    page.act(&format!("Message {}, as received:", example.sequence));
    page.exact(&format!("subject        {}", example.subject));
    for (name, value) in &example.headers {
        if name.starts_with("ce-") {
            page.exact(&format!("{name:<22} {value}"));
        }
    }
    page.exact(&example.payload);
    let marker = there("the gagged disclosure's message", at(gagged))?;
    same("its type", marker.kind.as_str(), WITHHELD_TYPE)?;
    let withheld = kinds.get(WITHHELD_TYPE).copied();
    same("withheld messages", withheld, Some(1))?;
    page.act(
        "And the disclosure under the gag order, whose place is taken by a marker without content:",
    );
    page.exact(&marker.payload);
    let count = feed.received.len() as u64;
    page.done(&format!(
        "{} of {} records received: none missing, none twice, none out of order",
        grouped(count),
        grouped(count)
    ));
    Ok(())
}
