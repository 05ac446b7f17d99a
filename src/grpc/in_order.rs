//! Streams that answer requests in the order in which they came, many at a time.
//!
//! No task a request: the task that carries the stream takes the requests that are there as one batch, begins it, and
//! gives out answers as batches are done. When as many are unanswered as may be, it stops reading, and the
//! transport's own window makes the sender wait (T5).

use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::{FusedStream, Stream, StreamExt};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;

use super::status;

/// Requests taken together; also what is read before answers are looked at, so that neither waits for the other.
const BATCH: usize = 256;

/// A batch of requests that was begun.
enum Begun<F, A> {
    Running(Pin<Box<F>>),
    Done(Vec<A>),
}

/// Begins the requests of a stream in batches and gives their answers in the order of the requests.
pub struct InOrder<S, B, F, A> {
    requests: S,
    begin: B,
    begun: VecDeque<Begun<F, A>>,
    answers: std::vec::IntoIter<A>,
    /// Requests begun and not answered yet.
    in_flight: usize,
    in_flight_max: usize,
    /// No request was there when last looked.
    dry: bool,
    /// How the stream of requests broke off, to be told after the last answer.
    broken: Option<Status>,
}

impl<S, R, B, F, A> InOrder<S, B, F, A>
where
    S: FusedStream<Item = Result<R, Status>> + Unpin,
    B: FnMut(Vec<R>) -> F + Unpin,
    F: Future<Output = Vec<A>>,
    A: Unpin,
{
    /// Answers `requests` by what `begin` makes of each batch: as many answers, in the same order. Batches are begun, and
    /// polled, in the order of the requests, so that what they do at once they do in that order.
    pub fn new(requests: S, in_flight_max: usize, begin: B) -> Self {
        Self {
            requests,
            begin,
            begun: VecDeque::new(),
            answers: Vec::new().into_iter(),
            in_flight: 0,
            in_flight_max: in_flight_max.max(1),
            dry: false,
            broken: None,
        }
    }

    fn may_read(&self) -> bool {
        self.broken.is_none()
            && !self.requests.is_terminated()
            && self.in_flight < self.in_flight_max
    }

    /// Takes the requests that are there and begins them.
    fn begin_batch(&mut self, cx: &mut Context<'_>) {
        if self.may_read() {
            let batch = self.take_requests(cx);
            if !batch.is_empty() {
                self.in_flight += batch.len();
                let running = Box::pin((self.begin)(batch));
                self.begun.push_back(Begun::Running(running));
            }
        }
    }

    fn take_requests(&mut self, cx: &mut Context<'_>) -> Vec<R> {
        let room = self.in_flight_max.saturating_sub(self.in_flight);
        let mut batch = Vec::new();
        while batch.len() < room.min(BATCH) && !self.requests.is_terminated() {
            match self.requests.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(request))) => batch.push(request),
                Poll::Ready(Some(Err(broken))) => {
                    self.broken = Some(broken);
                    break;
                }
                Poll::Ready(None) => break,
                Poll::Pending => {
                    self.dry = true;
                    break;
                }
            }
        }
        batch
    }

    /// Lets every batch go on, the oldest first: one that waits for room in a queue must not hold up its own turn.
    fn go_on(&mut self, cx: &mut Context<'_>) {
        for begun in &mut self.begun {
            if let Begun::Running(running) = begun
                && let Poll::Ready(answers) = running.as_mut().poll(cx)
            {
                *begun = Begun::Done(answers);
            }
        }
    }

    /// The oldest request's answer, when it is there.
    fn next_answer(&mut self) -> Option<A> {
        loop {
            if let Some(answer) = self.answers.next() {
                self.in_flight = self.in_flight.saturating_sub(1);
                return Some(answer);
            }
            match self.begun.pop_front()? {
                Begun::Done(answers) => self.answers = answers.into_iter(),
                running @ Begun::Running(_) => {
                    self.begun.push_front(running);
                    return None;
                }
            }
        }
    }
}

impl<S, R, B, F, A> Stream for InOrder<S, B, F, A>
where
    S: FusedStream<Item = Result<R, Status>> + Unpin,
    B: FnMut(Vec<R>) -> F + Unpin,
    F: Future<Output = Vec<A>>,
    A: Unpin,
{
    type Item = Result<A, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        // Answers that are there go out first: they make room, and cost nothing.
        if let Some(answer) = this.answers.next() {
            this.in_flight = this.in_flight.saturating_sub(1);
            return Poll::Ready(Some(Ok(answer)));
        }
        this.dry = false;
        this.begin_batch(cx);
        this.go_on(cx);
        if let Some(answer) = this.next_answer() {
            return Poll::Ready(Some(Ok(answer)));
        }
        if this.may_read() {
            if !this.dry {
                // More requests may be there already: look again after the others had their turn.
                cx.waker().wake_by_ref();
            }
            return Poll::Pending;
        }
        if this.in_flight > 0 {
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use futures_util::stream::{self, BoxStream};
    use tokio::sync::mpsc;
    use tokio_stream::wrappers::UnboundedReceiverStream;

    use super::*;

    fn requests(
        numbers: std::ops::Range<u64>,
    ) -> UntilStopping<BoxStream<'static, Result<u64, Status>>> {
        UntilStopping::new(
            stream::iter(numbers.map(Ok)).boxed(),
            &CancellationToken::new(),
        )
    }

    #[tokio::test]
    async fn c1_answers_keep_the_order_of_requests_whatever_is_ready_first() {
        let mut wait = 40;
        let answers = InOrder::new(requests(0..1000), 4096, move |batch: Vec<u64>| {
            wait -= 10;
            async move {
                // Later batches are ready before earlier ones.
                tokio::time::sleep(Duration::from_millis(wait)).await;
                batch
            }
        });
        let answered: Vec<u64> = answers.map(Result::unwrap).collect().await;
        assert_eq!(answered, (0..1000).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn t5_no_more_requests_are_read_than_may_be_unanswered() {
        let begun = Arc::new(Mutex::new(Vec::<u64>::new()));
        let seen = Arc::clone(&begun);
        let (release, released) = tokio::sync::watch::channel(false);
        let mut answers = InOrder::new(requests(0..100), 10, move |batch: Vec<u64>| {
            seen.lock().unwrap().extend(&batch);
            let mut released = released.clone();
            async move {
                released.wait_for(|released| *released).await.unwrap();
                batch
            }
        });
        assert!(futures_util::poll!(answers.next()).is_pending());
        assert!(futures_util::poll!(answers.next()).is_pending());
        assert_eq!(begun.lock().unwrap().len(), 10);
        release.send(true).unwrap();
        assert_eq!(answers.count().await, 100);
    }

    #[tokio::test]
    async fn o1_when_the_server_stops_what_was_begun_is_answered_and_then_the_stream_ends() {
        let stopping = CancellationToken::new();
        let (send, sent) = mpsc::unbounded_channel();
        let sent = UntilStopping::new(UnboundedReceiverStream::new(sent), &stopping);
        let mut answers = InOrder::new(sent, 10, |batch: Vec<u64>| async move { batch });
        send.send(Ok(7)).unwrap();
        assert_eq!(answers.next().await.unwrap().unwrap(), 7);
        stopping.cancel();
        let ended = answers.next().await.unwrap().unwrap_err();
        assert_eq!(ended.code(), tonic::Code::Unavailable);
        assert!(answers.next().await.is_none());
    }

    #[tokio::test]
    async fn c7_a_stream_that_breaks_off_is_told_after_the_last_answer() {
        let broken = [Ok(1), Ok(2), Err(Status::out_of_range("too large"))];
        let broken = UntilStopping::new(stream::iter(broken), &CancellationToken::new());
        let mut answers = InOrder::new(broken, 10, |batch: Vec<u64>| async move { batch });
        assert_eq!(answers.next().await.unwrap().unwrap(), 1);
        assert_eq!(answers.next().await.unwrap().unwrap(), 2);
        assert_eq!(
            answers.next().await.unwrap().unwrap_err().message(),
            "too large"
        );
    }
}
