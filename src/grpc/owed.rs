//! What is owed about customers, told as a walk over them finds it (F6, F16, F19, P4).
//!
//! All are judged at the instant at which the walk began, each in a state of then or later. The walk reads the disk, chunk
//! by chunk, away from the threads that serve.

use std::sync::Arc;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tonic::Status;

use super::call::Call;
use super::convert::compliance::{WantedOwed, wire_owed};
use super::convert::rulings::rulebook_version;
use super::convert::values::timestamp;
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::status;
use crate::domain::company::Company;
use crate::domain::company::deadlines::Standing;
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::domain::owed::{Horizon, owed};
use crate::domain::time::Time;
use crate::projections::{CustomerChunk, CustomerWalk};
use crate::proto::v1 as wire;
use wire::list_customer_deadlines_response::Part;

/// Who may call it may know the account behind a pseudonym.
const RESOLVE: &str = "/consent.v1.QueryService/ResolvePseudonyms";

/// The answers of a list.
pub type Answers = BoxStream<'static, Result<wire::ListCustomerDeadlinesResponse, Status>>;

/// Lists what is wanted.
///
/// # Errors
/// NOT_FOUND for a customer whom the ledger doesn't know; INTERNAL when vault or views can't be read.
pub fn list(doors: &Doors, call: &Call, wanted: WantedOwed) -> Result<Answers, Status> {
    let (views, now) = (doors.views(), doors.views().now());
    // Position first: what is read after it can only be newer.
    let (position, rulebook) = (doors.position(), doors.rulebook());
    let left = match &wanted.customer {
        None => Left::Walk(views.customers()),
        Some(customer) => Left::One(vec![doors.known(customer)?]),
    };
    let listing = Listing {
        left,
        names: call.may_call(RESOLVE).is_ok(),
        company: views.company(),
        now,
        horizon: wanted.horizon,
        summary: wire::CustomerDeadlinesSummary {
            position: position.0,
            at: Some(timestamp(now)),
            rulebook: Some(rulebook_version(&rulebook.name, &rulebook.version)),
            rulebook_digest: rulebook.digest.to_vec(),
            ..wire::CustomerDeadlinesSummary::default()
        },
    };
    let reader = doors.clone();
    let told = stream::try_unfold(listing, move |listing| {
        let doors = reader.clone();
        async move { doors.read_step(move |doors| listing.step(doors)).await }
    });
    let told = told.map_ok(|parts| stream::iter(parts.into_iter().map(response).map(Ok)));
    let told = told.try_flatten().boxed();
    Ok(UntilStopping::new(told, doors.stopping()).boxed())
}

fn response(part: Part) -> wire::ListCustomerDeadlinesResponse {
    wire::ListCustomerDeadlinesResponse { part: Some(part) }
}

/// A list that is being made.
struct Listing {
    left: Left,
    /// Whether the caller may know the accounts.
    names: bool,
    company: Arc<Company>,
    now: Time,
    horizon: Horizon,
    summary: wire::CustomerDeadlinesSummary,
}

/// Whom to look at still.
enum Left {
    Walk(CustomerWalk),
    One(CustomerChunk),
    Nobody,
}

impl Listing {
    /// What the next customers bring, and where to go on; `None` after the summary.
    fn step(mut self, doors: &Doors) -> Result<Option<(Vec<Part>, Self)>, Status> {
        let (chunk, progress) = match &mut self.left {
            Left::Nobody => return Ok(None),
            Left::One(chunk) => (std::mem::take(chunk), None),
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
            let summary = std::mem::take(&mut self.summary);
            return Ok(Some((vec![Part::Summary(summary)], self)));
        }
        let mut parts = Vec::new();
        for (pseudonym, customer) in &chunk {
            parts.extend(self.look(*pseudonym, customer, doors)?.map(Part::Customer));
        }
        parts.extend(progress.map(Part::Progress));
        Ok(Some((parts, self)))
    }

    /// What is owed about a customer, if anything is.
    fn look(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        doors: &Doors,
    ) -> Result<Option<wire::CustomerDeadlines>, Status> {
        let views = doors.views();
        let found = owed(
            customer,
            views.world(&self.company),
            self.now,
            &self.horizon,
        );
        let late = (found.iter()).filter(|one| one.standing == Standing::Late);
        self.summary.customers += 1;
        self.summary.late += late.count() as u64;
        self.summary.deadlines += found.len() as u64;
        if found.is_empty() {
            return Ok(None);
        }
        self.summary.listed += 1;
        let customer_id = match self.names {
            true => views.customer_id(pseudonym).map_err(status::failed)?,
            false => None,
        };
        let deadlines = found.iter().map(|one| wire_owed(one, doors.rulebook()));
        Ok(Some(wire::CustomerDeadlines {
            pseudonym: pseudonym.to_string(),
            customer_id: customer_id.unwrap_or_default(),
            deadlines: deadlines.collect(),
        }))
    }
}
