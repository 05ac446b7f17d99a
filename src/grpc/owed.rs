//! What is owed about customers (F6, F16, F19, P4).
//!
//! All are judged at the instant at which the walk began, each in a state of then or later.

use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::convert::compliance::{WantedOwed, wire_owed};
use super::convert::values::timestamp;
use super::customer_walk::{Left, Parts, Report, report};
use super::doors::Doors;
use super::status;
use crate::domain::company::Company;
use crate::domain::company::deadlines::Standing;
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::domain::owed::{Horizon, owed};
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use wire::list_customer_deadlines_response::Part;

/// Who may call it may know the account behind a pseudonym.
const RESOLVE: &str = "/consent.v1.QueryService/ResolvePseudonyms";

/// The answers of a list.
pub type Answers = Parts<wire::ListCustomerDeadlinesResponse>;

/// Lists what is wanted.
///
/// # Errors
/// NOT_FOUND for a customer whom the ledger doesn't know; INTERNAL when vault or views can't be read.
pub fn list(doors: &Doors, call: &Call, wanted: WantedOwed) -> Result<Answers, Status> {
    let (views, now) = (doors.views(), doors.views().now());
    // Position first: what is read after it can only be newer.
    let position = doors.position();
    let left = match &wanted.customer {
        None => Left::Walk(views.customers()),
        Some(customer) => Left::Some(vec![doors.known(customer)?]),
    };
    let listing = Listing {
        names: call.may_call(RESOLVE).is_ok(),
        company: views.company(),
        now,
        horizon: wanted.horizon,
        summary: wire::CustomerDeadlinesSummary {
            position: position.0,
            at: Some(timestamp(now)),
            ..wire::CustomerDeadlinesSummary::default()
        },
    };
    Ok(report(doors, left, listing))
}

fn response(part: Part) -> wire::ListCustomerDeadlinesResponse {
    wire::ListCustomerDeadlinesResponse { part: Some(part) }
}

/// A list that is being made.
struct Listing {
    /// Whether the caller may know the accounts.
    names: bool,
    company: Arc<Company>,
    now: Time,
    horizon: Horizon,
    summary: wire::CustomerDeadlinesSummary,
}

impl Report for Listing {
    type Part = wire::ListCustomerDeadlinesResponse;

    fn look(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        doors: &Doors,
    ) -> Result<Vec<Self::Part>, Status> {
        let owed = self.owed(pseudonym, customer, doors)?;
        Ok(owed.map(Part::Customer).map(response).into_iter().collect())
    }

    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part {
        response(Part::Progress(progress))
    }

    fn summary(&self) -> Self::Part {
        response(Part::Summary(self.summary))
    }
}

impl Listing {
    /// What is owed about a customer, if anything is.
    fn owed(
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
