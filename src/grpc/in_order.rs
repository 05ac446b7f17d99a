//! Streams that answer requests in the order in which they came, many at a time.
//!
//! No task a request: the task that carries the stream begins requests as they arrive and gives out answers as
//! they are ready. When as many are unanswered as may be, it stops reading, and the transport's own window makes the
//! sender wait (T5).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::{FusedStream, Stream, StreamExt};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::status;

/// Requests begun before answers are looked at, so that neither waits for the other.
const BATCH: usize = 256;

/// A request that was begun.
enum Begun<F: Future> {
    Running(Pin<Box<F>>),
    Done(F::Output),
}

/// Begins each request of a stream and gives its answers in their order.
pub struct InOrder<S, B, F: Future> {
    requests: S,
    begin: B,
    begun: VecDeque<Begun<F>>,
    in_flight_max: usize,
    /// No request was there when last looked.
    dry: bool,
    /// How the stream of requests broke off, to be told after the last answer.
    broken: Option<Status>,
}

impl<S, R, B, F, A> InOrder<S, B, F>
where
    S: FusedStream<Item = Result<R, Status>> + Unpin,
    B: FnMut(R) -> F + Unpin,
    F: Future<Output = A>,
    A: Unpin,
{
    /// Answers `requests` by what `begin` makes of each. `begin` is called, and its future polled once, in the order of
    /// the requests, so that what they do at once they do in that order.
    pub fn new(requests: S, in_flight_max: usize, begin: B) -> Self {
        Self {
            requests,
            begin,
            begun: VecDeque::new(),
            in_flight_max: in_flight_max.max(1),
            dry: false,
            broken: None,
        }
    }

    fn begin_some(&mut self, cx: &mut Context<'_>) {
        for _ in 0..BATCH {
            if self.begun.len() >= self.in_flight_max || self.requests.is_terminated() {
                return;
            }
            match self.requests.poll_next_unpin(cx) {
                Poll::Pending => {
                    self.dry = true;
                    return;
                }
                Poll::Ready(None) => return,
                Poll::Ready(Some(Err(broken))) => {
                    self.broken = Some(broken);
                    return;
                }
                Poll::Ready(Some(Ok(request))) => {
                    let mut running = Box::pin((self.begin)(request));
                    self.begun.push_back(match running.as_mut().poll(cx) {
                        Poll::Ready(answer) => Begun::Done(answer),
                        Poll::Pending => Begun::Running(running),
                    });
                }
            }
        }
    }

    /// The oldest request's answer, when it is there.
    fn oldest(&mut self, cx: &mut Context<'_>) -> Option<A> {
        if let Some(Begun::Running(running)) = self.begun.front_mut() {
            let Poll::Ready(answer) = running.as_mut().poll(cx) else {
                return None;
            };
            self.begun.pop_front();
            return Some(answer);
        }
        match self.begun.pop_front()? {
            Begun::Done(answer) => Some(answer),
            // Looked at above.
            Begun::Running(_) => None,
        }
    }

    fn may_read(&self) -> bool {
        self.broken.is_none()
            && !self.requests.is_terminated()
            && self.begun.len() < self.in_flight_max
    }
}

impl<S, R, B, F, A> Stream for InOrder<S, B, F>
where
    S: FusedStream<Item = Result<R, Status>> + Unpin,
    B: FnMut(R) -> F + Unpin,
    F: Future<Output = A>,
    A: Unpin,
{
    type Item = Result<A, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if !this.dry && this.may_read() {
            this.begin_some(cx);
        }
        if let Some(answer) = this.oldest(cx) {
            return Poll::Ready(Some(Ok(answer)));
        }
        // About to sleep: whichever comes first, a request or an answer, has to wake this task.
        this.dry = false;
        if this.may_read() {
            this.begin_some(cx);
            if let Some(answer) = this.oldest(cx) {
                return Poll::Ready(Some(Ok(answer)));
            }
            if !this.dry && this.may_read() {
                cx.waker().wake_by_ref();
            }
        }
        if !this.begun.is_empty() || this.may_read() {
            return Poll::Pending;
        }
        Poll::Ready(this.broken.take().map(Err))
    }
}

/// A stream that ends early, with UNAVAILABLE, when the server stops.
pub struct UntilStopping<S> {
    stream: Option<S>,
    stopping: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl<S> UntilStopping<S> {
    /// `stream` until `stopping` is cancelled.
    pub fn new(stream: S, stopping: &CancellationToken) -> Self {
        Self {
            stream: Some(stream),
            stopping: Box::pin(stopping.clone().cancelled_owned()),
        }
    }
}

impl<S, T> Stream for UntilStopping<S>
where
    S: Stream<Item = Result<T, Status>> + Unpin,
{
    type Item = Result<T, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(stream) = self.stream.as_mut() else {
            return Poll::Ready(None);
        };
        // Only a stream that waits is asked to stop: the question costs more than an item.
        match stream.poll_next_unpin(cx) {
            Poll::Ready(Some(item)) => Poll::Ready(Some(item)),
            Poll::Ready(None) => {
                self.stream = None;
                Poll::Ready(None)
            }
            Poll::Pending => {
                ready!(self.stopping.as_mut().poll(cx));
                self.stream = None;
                Poll::Ready(Some(Err(status::stopping())))
            }
        }
    }
}

impl<S, T> FusedStream for UntilStopping<S>
where
    S: Stream<Item = Result<T, Status>> + Unpin,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}
