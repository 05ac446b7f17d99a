//! RulebookService: what another policy would change.

use std::sync::Arc;
use std::vec::IntoIter;

use futures_util::stream::{self, BoxStream, StreamExt};
use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::comparisons::{Wanted, outcome, progress, wanted};
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::domain::comparison::Comparison;
use crate::domain::ids::Position;
use crate::domain::rulebook::Rulebook;
use crate::projections::CustomerWalk;
use crate::proto::v1 as wire;

/// Serves RulebookService.
pub struct Rulebooks(pub Doors);

type Told = wire::CompareRulebooksResponse;

#[tonic::async_trait]
impl wire::rulebook_service_server::RulebookService for Rulebooks {
    type CompareRulebooksStream = BoxStream<'static, Result<Told, Status>>;

    async fn compare_rulebooks(
        &self,
        request: Request<wire::CompareRulebooksRequest>,
    ) -> Result<Response<Self::CompareRulebooksStream>, Status> {
        Call::of(&request)?;
        let step = Step::begin(&self.0, wanted(request.get_ref())?);
        let doors = self.0.clone();
        let told = stream::try_unfold(step, move |step| {
            let doors = doors.clone();
            async move { doors.read(move |_| step.next()).await }
        });
        Ok(Response::new(
            UntilStopping::new(told.boxed(), self.0.stopping()).boxed(),
        ))
    }
}

/// Where a comparison is.
enum Step {
    /// Customers come in, a chunk at a time.
    Comparing(Box<Comparing>),
    /// The outcome goes out.
    Telling(IntoIter<Told>),
}

struct Comparing {
    walk: CustomerWalk,
    comparison: Comparison,
    before: Arc<Rulebook>,
    after: Arc<Rulebook>,
}

impl Step {
    fn begin(doors: &Doors, wanted: Wanted) -> Self {
        let views = doors.views();
        let (before, after) = (Arc::clone(doors.rulebook()), Arc::new(wanted.rulebook));
        let walk = views.customers();
        let comparison = Comparison::new(
            Arc::clone(&before),
            Arc::clone(&after),
            views.ledger().opt_out_since,
            views.company(),
            views.now(),
            wanted.examples,
        );
        Self::Comparing(Box::new(Comparing {
            walk,
            comparison,
            before,
            after,
        }))
    }

    /// The next message and where to go on; `None` at the end.
    fn next(self) -> Result<Option<(Told, Self)>, Status> {
        match self {
            Self::Comparing(comparing) => comparing.step(),
            Self::Telling(mut rest) => Ok(rest.next().map(|told| (told, Self::Telling(rest)))),
        }
    }
}

impl Comparing {
    fn step(mut self: Box<Self>) -> Result<Option<(Told, Step)>, Status> {
        let Some(chunk) = self.walk.next() else {
            // Everything below that position is reflected.
            let position = Position(self.walk.began().0.saturating_sub(1));
            let report = self.comparison.finish();
            let told = outcome(&report, &self.before, &self.after, position);
            return Step::Telling(told.into_iter()).next();
        };
        for (pseudonym, customer) in chunk.map_err(|error| status::view(error.into()))? {
            self.comparison.take(pseudonym, &customer);
        }
        let told = progress(self.walk.seen(), self.walk.expected());
        Ok(Some((told, Step::Comparing(self))))
    }
}
