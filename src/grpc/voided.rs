//! Uses that hindsight doesn't bear out, of every customer (C4, F7, R5).

use tonic::Status;

use super::convert::past::voided_uses;
use super::customer_walk::{Left, Looked, Parts, Report, report};
use super::doors::Doors;
use super::pages::PAGE_MAX;
use super::registers::Registers;
use super::status;
use crate::domain::customer::Customer;
use crate::domain::hindsight::Then;
use crate::domain::ids::{Position, Pseudonym};
use crate::proto::v1 as wire;
use wire::list_all_voided_uses_response::Part;

/// Lists them, all as of the registers' moment.
pub fn list(doors: &Doors, registers: Registers) -> Parts<wire::ListAllVoidedUsesResponse> {
    let listing = Listing {
        newest: None,
        summary: wire::VoidedUsesSummary {
            position: registers.position(),
            at: registers.at(),
            rulebook: Some(registers.rulebook()),
            rulebook_digest: registers.rulebook_digest(),
            ..wire::VoidedUsesSummary::default()
        },
        then: registers.then(),
    };
    report(doors, Left::Walk(doors.views().customers()), listing)
}

struct Listing {
    /// The moment, the same for everybody.
    then: Then,
    /// The customer listed last.
    newest: Option<Pseudonym>,
    summary: wire::VoidedUsesSummary,
}

impl Report for Listing {
    type Part = wire::ListAllVoidedUsesResponse;

    fn look(
        &mut self,
        pseudonym: Pseudonym,
        _: &Customer,
        after: u64,
        doors: &Doors,
    ) -> Result<Looked<Self::Part>, Status> {
        let views = doors.views();
        let found = views.voided_uses(pseudonym, after, PAGE_MAX, self.then);
        let Some(found) = found.map_err(status::view)? else {
            return Ok(Looked::nothing());
        };
        if after == 0 {
            self.summary.customers += 1;
        }
        let mut parts = Vec::new();
        if !found.found.is_empty() {
            self.summary.listed += u64::from(self.newest != Some(pseudonym));
            self.newest = Some(pseudonym);
            self.summary.uses += found.found.len() as u64;
            let customer_id = views.customer_id(pseudonym).map_err(status::failed)?;
            parts.push(response(Part::Customer(wire::CustomerVoidedUses {
                pseudonym: pseudonym.to_string(),
                customer_id: customer_id.unwrap_or_default(),
                uses: voided_uses(&found, Position(self.summary.position)),
            })));
        }
        Ok(Looked {
            parts,
            read: found.read as u64,
            more_after: found.more_after,
        })
    }

    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part {
        response(Part::Progress(progress))
    }

    fn summary(&self) -> Self::Part {
        response(Part::Summary(self.summary.clone()))
    }
}

fn response(part: Part) -> wire::ListAllVoidedUsesResponse {
    wire::ListAllVoidedUsesResponse { part: Some(part) }
}
