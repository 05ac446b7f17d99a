//! Reports that look at every customer, told as the walk over them goes (F19, C4).
//!
//! The walk reads the disk, chunk by chunk, away from the threads that serve.

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tonic::Status;

use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::projections::{CustomerChunk, CustomerWalk};
use crate::proto::v1 as wire;

/// The parts of a report, as they are found.
pub type Parts<P> = BoxStream<'static, Result<P, Status>>;

/// What a report says of each customer, and at its end.
pub trait Report: Send + Sized + 'static {
    /// A message of the report.
    type Part: Send + 'static;

    /// What is to be said of a customer, if anything is.
    ///
    /// # Errors
    /// INTERNAL when vault or views can't be read.
    fn look(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        doors: &Doors,
    ) -> Result<Vec<Self::Part>, Status>;

    /// How far the walk is.
    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part;

    /// The outcome as a whole.
    fn summary(&self) -> Self::Part;
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
    let making = Making { left, report };
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
}

/// What the next customers bring, and where to go on; `None` after the summary.
type Step<R> = Option<(Vec<<R as Report>::Part>, Making<R>)>;

impl<R: Report> Making<R> {
    fn step(mut self, doors: &Doors) -> Result<Step<R>, Status> {
        let (chunk, progress) = match &mut self.left {
            Left::Nobody => return Ok(None),
            Left::Some(chunk) => (std::mem::take(chunk), None),
            Left::Walk(walk) => {
                let chunk = walk.next().transpose();
                let chunk = chunk.map_err(|error| status::view(error.into()))?;
                let progress = wire::CustomerWalkProgress {
                    customers: walk.seen(),
                    expected: walk.expected(),
                };
                (chunk.unwrap_or_default(), Some(progress))
            }
        };
        if chunk.is_empty() {
            self.left = Left::Nobody;
            return Ok(Some((vec![self.report.summary()], self)));
        }
        let mut parts = Vec::new();
        for (pseudonym, customer) in &chunk {
            parts.extend(self.report.look(*pseudonym, customer, doors)?);
        }
        parts.extend(progress.map(R::progress));
        Ok(Some((parts, self)))
    }
}
