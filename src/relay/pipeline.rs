//! From messages to acknowledgements: many in flight, in order, each fenced by the one before.
//!
//! The server answers in the order in which it was asked, so only the oldest answer is waited for. Anything but the expected
//! sequence ends the pipeline with all that is in it: what follows was refused by its own fence, or will be.

use std::{collections::VecDeque, future::poll_fn, pin::Pin, task::Poll};

use async_nats::{
    HeaderValue,
    header::NATS_EXPECTED_STREAM,
    jetstream::{
        self,
        context::{PublishAckFuture, PublishError, PublishErrorKind},
        publish::PublishAck,
    },
};

use super::{
    error::{Chain, Setback},
    message::Message,
};

/// Messages sent and not yet acknowledged, oldest first.
pub(super) struct Pipeline {
    jetstream: jetstream::Context,
    stream: String,
    limit: usize,
    in_flight: VecDeque<InFlight>,
    /// An answer that ended the pipeline, kept back while the good ones before it are reported.
    setback: Option<Setback>,
}

struct InFlight {
    position: u64,
    answer: <PublishAckFuture as IntoFuture>::IntoFuture,
}

impl Pipeline {
    pub(super) fn new(jetstream: jetstream::Context, stream: String, limit: usize) -> Pipeline {
        Pipeline {
            jetstream,
            stream,
            limit,
            in_flight: VecDeque::with_capacity(limit),
            setback: None,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.in_flight.is_empty() && self.setback.is_none()
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < self.limit
    }

    /// Hands a message to the connection.
    pub(super) async fn send(&mut self, message: Message) -> Result<(), Setback> {
        let Message {
            position,
            subject,
            mut headers,
            payload,
            notice: _,
        } = message;
        headers.insert(
            NATS_EXPECTED_STREAM,
            HeaderValue::from(self.stream.as_str()),
        );
        let answer = self
            .jetstream
            .publish_with_headers(subject, headers, payload.into())
            .await
            .map_err(|error| failed(&self.stream, position, &error))?;
        self.in_flight.push_back(InFlight {
            position,
            answer: answer.into_future(),
        });
        Ok(())
    }

    /// Waits for the oldest answer, takes all others that are there, and returns the position after the last
    /// acknowledged one. Never returns while nothing is in flight. Cancelling it loses nothing.
    pub(super) async fn acknowledged(&mut self) -> Result<u64, Setback> {
        poll_fn(|context| {
            let mut next = None;
            while self.setback.is_none()
                && let Some(oldest) = self.in_flight.front_mut()
                && let Poll::Ready(answer) = Pin::new(&mut oldest.answer).poll(context)
            {
                match check(&self.stream, oldest.position, answer) {
                    Ok(()) => next = Some(oldest.position + 1),
                    Err(setback) => self.setback = Some(setback),
                }
                self.in_flight.pop_front();
            }
            match next {
                Some(next) => Poll::Ready(Ok(next)),
                None => self
                    .setback
                    .take()
                    .map_or(Poll::Pending, |setback| Poll::Ready(Err(setback))),
            }
        })
        .await
    }
}

/// An answer is good if the message has the sequence of its position, whether now or since an earlier attempt.
fn check(
    stream: &str,
    position: u64,
    answer: Result<PublishAck, PublishError>,
) -> Result<(), Setback> {
    let ack = answer.map_err(|error| failed(stream, position, &error))?;
    if ack.sequence == position + 1 {
        return Ok(());
    }
    let cause = format!(
        "is at sequence {} (duplicate: {})",
        ack.sequence, ack.duplicate
    );
    Err(Setback::Moved { position, cause })
}

fn failed(stream: &str, position: u64, error: &PublishError) -> Setback {
    match error.kind() {
        PublishErrorKind::WrongLastSequence => Setback::Moved {
            position,
            cause: Chain::of(error).to_string(),
        },
        _ => Setback::Publish {
            stream: stream.to_owned(),
            position,
            cause: Chain::of(error),
        },
    }
}
