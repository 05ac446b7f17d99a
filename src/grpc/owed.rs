//! What is owed about customers (F6, F16, F19, P4).
//!
//! All are judged at the instant at which the walk began, each in a state of then or later; or as of one past moment (C4).

use std::borrow::Cow;
use std::sync::Arc;

use tonic::Status;

use super::call::Call;
use super::convert::compliance::{WantedOwed, wire_owed};
use super::customer_walk::{Left, Looked, Parts, Report, report};
use super::doors::Doors;
use super::registers::Registers;
use super::status;
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::company::deadlines::Standing;
use crate::domain::customer::Customer;
use crate::domain::ids::Pseudonym;
use crate::domain::owed::{Horizon, owed};
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;
use wire::list_customer_deadlines_response::Part;

/// Who may call it may know the account behind a pseudonym.
const RESOLVE: &str = "/consent.v1.QueryService/ResolvePseudonyms";

/// The answers of a list.
pub type Answers = Parts<wire::ListCustomerDeadlinesResponse>;

/// Lists what is wanted, as of the registers' moment.
///
/// # Errors
/// NOT_FOUND for a customer whom the ledger doesn't know, or didn't then; FAILED_PRECONDITION for one who was erased;
/// INTERNAL when vault or views can't be read.
pub async fn list(
    doors: &Doors,
    call: &Call,
    wanted: WantedOwed,
    registers: Registers,
) -> Result<Answers, Status> {
    let horizon = wanted.horizon(registers.now);
    let listing = Listing {
        names: call.may_call(RESOLVE).is_ok(),
        role: call.caller.role,
        horizon,
        summary: wire::CustomerDeadlinesSummary {
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
            ..wire::CustomerDeadlinesSummary::default()
        },
        registers,
    };
    let Some(customer) = wanted.customer else {
        return Ok(report(
            doors,
            Left::Walk(doors.views().customers()),
            listing,
        ));
    };
    let read = move |doors: &Doors| {
        let known = listing.known(doors, &customer)?;
        Ok((Left::Some(vec![known]), listing))
    };
    let (left, listing) = call.in_time(doors.read_past(read)).await?;
    Ok(report(doors, left, listing))
}

fn response(part: Part) -> wire::ListCustomerDeadlinesResponse {
    wire::ListCustomerDeadlinesResponse { part: Some(part) }
}

/// A list that is being made.
struct Listing {
    /// Whether the caller may know the accounts.
    names: bool,
    role: Role,
    /// The company and the rulebook, and the moment.
    registers: Registers,
    horizon: Horizon,
    summary: wire::CustomerDeadlinesSummary,
}

impl Report for Listing {
    type Part = wire::ListCustomerDeadlinesResponse;

    fn look(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        _: u64,
        doors: &Doors,
    ) -> Result<Looked<Self::Part>, Status> {
        let owed = self.owed(pseudonym, customer, doors)?;
        Ok(Looked {
            parts: owed.map(Part::Customer).map(response).into_iter().collect(),
            // Of then the whole history is read; now the state is at hand.
            read: (self.registers.past.as_ref()).map_or(1, |_| customer.version),
            more_after: None,
        })
    }

    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part {
        response(Part::Progress(progress))
    }

    fn summary(&self) -> Self::Part {
        response(Part::Summary(self.summary.clone()))
    }
}

impl Listing {
    /// The one customer who is asked about. Of whom was erased nothing is told of now, and of then only to who sees whole
    /// histories (E8).
    fn known(
        &self,
        doors: &Doors,
        reference: &SubjectRef,
    ) -> Result<(Pseudonym, Arc<Customer>), Status> {
        if self.registers.past.is_none() {
            return doors.known(reference);
        }
        let (pseudonym, customer) = doors.known_to(self.role, reference, "customer")?;
        match self.then(doors, pseudonym, &customer)? {
            None => Err(status::customer_unknown("customer")),
            Some(then) if then.erased.is_some() => Err(status::customer_erased("customer")),
            Some(_) => Ok((pseudonym, customer)),
        }
    }

    /// The customer's state at the moment that is asked about; `None` of who was not known then, or was erased since and
    /// is not for the caller.
    fn then<'a>(
        &self,
        doors: &Doors,
        pseudonym: Pseudonym,
        now: &'a Customer,
    ) -> Result<Option<Cow<'a, Customer>>, Status> {
        let Some(past) = &self.registers.past else {
            return Ok(Some(Cow::Borrowed(now)));
        };
        if now.erased.is_some() && !self.role.has(Right::WholeHistory) {
            return Ok(None);
        }
        let then = doors.views().past_customer(pseudonym, past);
        Ok(then.map_err(status::view)?.map(Cow::Owned))
    }

    /// What is owed about a customer, if anything is.
    fn owed(
        &mut self,
        pseudonym: Pseudonym,
        customer: &Customer,
        doors: &Doors,
    ) -> Result<Option<wire::CustomerDeadlines>, Status> {
        let Some(customer) = self.then(doors, pseudonym, customer)? else {
            return Ok(None);
        };
        let (world, now) = (self.registers.world(), self.registers.now);
        let found = owed(&customer, world, now, &self.horizon);
        let late = (found.iter()).filter(|one| one.standing == Standing::Late);
        self.summary.customers += 1;
        self.summary.late += late.count() as u64;
        self.summary.deadlines += found.len() as u64;
        if found.is_empty() {
            return Ok(None);
        }
        self.summary.listed += 1;
        let customer_id = match self.names {
            true => doors
                .views()
                .customer_id(pseudonym)
                .map_err(status::failed)?,
            false => None,
        };
        let deadlines = found.iter().map(|one| wire_owed(one, world.rulebook));
        Ok(Some(wire::CustomerDeadlines {
            pseudonym: pseudonym.to_string(),
            customer_id: customer_id.unwrap_or_default(),
            deadlines: deadlines.collect(),
        }))
    }
}
