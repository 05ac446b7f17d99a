//! Reports that look at every customer, told as the walk over them goes (F19, C4).
//!
//! The walk reads the disk, chunk by chunk, away from the threads that serve.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tonic::Status;

use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::projections::{CustomerChunk, CustomerWalk};
use crate::proto::v1 as wire;

/// Records that a step reads before another walk has its turn (T5): the customer who passes it is the last, and so is
/// one of whom there is more than a page.
const STEP_RECORDS: u64 = 20_000;

/// The parts of a report, as they are found.
pub type Parts<P> = BoxStream<'static, Result<P, Status>>;

/// What a report says of each customer, and at its end.
pub trait Report: Send + Sized + 'static {
    /// A message of the report.
    type Part: Send + 'static;

    /// What is to be said of a customer, if anything is; of one with a long history a page, from `after` on.
    ///
    /// # Errors
    /// INTERNAL when vault or views can't be read.
    fn look(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        after: u64,
        doors: &Doors,
    ) -> Result<Looked<Self::Part>, Status>;

    /// How far the walk is.
    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part;

    /// The outcome as a whole.
    fn summary(&self) -> Self::Part;
}

/// What a look at a customer brought.
pub struct Looked<P> {
    /// What is to be said.
    pub parts: Vec<P>,
    /// Records that were read for it.
    pub read: u64,
    /// Where to go on with the same customer; `None`: all is said.
    pub more_after: Option<u64>,
}

impl<P> Looked<P> {
    /// There is nothing to be said.
    pub fn nothing() -> Self {
        Self {
            parts: Vec::new(),
            read: 1,
            more_after: None,
        }
    }
}

/// Whom to look at still.
pub enum Left {
    /// Everybody whom the walk has not met.
    Walk(CustomerWalk),
    /// Those, and no others.
    Some(CustomerChunk),
    /// Nobody; the summary has been given.
    Nobody,
}

/// Makes a report.
pub fn report<R: Report>(doors: &Doors, left: Left, report: R) -> Parts<R::Part> {
    let making = Making {
        left,
        report,
        chunk: VecDeque::new(),
        after: 0,
    };
    let reader = doors.clone();
    let parts = stream::try_unfold(making, move |making| {
        let doors = reader.clone();
        async move { doors.read_step(move |doors| making.step(doors)).await }
    });
    let parts = parts.map_ok(|parts| stream::iter(parts.into_iter().map(Ok)));
    UntilStopping::new(parts.try_flatten().boxed(), doors.stopping()).boxed()
}

/// A report that is being made.
struct Making<R> {
    left: Left,
    report: R,
    /// Who was read and is still to be looked at.
    chunk: VecDeque<(Pseudonym, Arc<Customer>)>,
    /// From where on, for the first of them.
    after: u64,
}

/// What the next customers bring, and where to go on; `None` after the summary.
type Step<R> = Option<(Vec<<R as Report>::Part>, Making<R>)>;

impl<R: Report> Making<R> {
    fn step(mut self, doors: &Doors) -> Result<Step<R>, Status> {
        if self.chunk.is_empty() {
            self.chunk = match &mut self.left {
                Left::Nobody => return Ok(None),
                Left::Some(chunk) => std::mem::take(chunk).into(),
                Left::Walk(walk) => {
                    let chunk = walk.next().transpose();
                    let chunk = chunk.map_err(|error| status::view(error.into()))?;
                    chunk.unwrap_or_default().into()
                }
            };
        }
        if self.chunk.is_empty() {
            self.left = Left::Nobody;
            return Ok(Some((vec![self.report.summary()], self)));
        }
        let (mut parts, mut read) = (Vec::new(), 0);
        while let Some((pseudonym, customer)) = self.chunk.front()
            && read < STEP_RECORDS
        {
            let looked = (self.report).look(*pseudonym, customer, self.after, doors)?;
            parts.extend(looked.parts);
            read += looked.read;
            self.after = looked.more_after.unwrap_or_default();
            if looked.more_after.is_some() {
                // A page is full: it is told, and others have their turn.
                break;
            }
            self.chunk.pop_front();
        }
        parts.extend(self.progress().map(R::progress));
        Ok(Some((parts, self)))
    }

    fn progress(&self) -> Option<wire::CustomerWalkProgress> {
        let Left::Walk(walk) = &self.left else {
            return None;
        };
        Some(wire::CustomerWalkProgress {
            customers: walk.seen().saturating_sub(self.chunk.len() as u64),
            expected: walk.expected(),
        })
    }
}
