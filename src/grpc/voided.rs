//! Uses that hindsight doesn't bear out, of every customer (C4, F7, R5).

use tonic::Status;

use super::convert::past::voided_uses;
use super::convert::values::timestamp;
use super::customer_walk::{Left, Parts, Report, report};
use super::doors::Doors;
use super::pages::PAGE_MAX;
use super::status;
use crate::domain::customer::Customer;
use crate::domain::ids::{Position, Pseudonym};
use crate::proto::v1 as wire;
use wire::list_all_voided_uses_response::Part;

/// Lists them. Histories must reflect what the list is to reflect.
pub fn list(doors: &Doors) -> Parts<wire::ListAllVoidedUsesResponse> {
    // Position first: what is read after it can only be newer.
    let position = doors.position();
    let views = doors.views();
    let listing = Listing {
        position,
        summary: wire::VoidedUsesSummary {
            position: position.0,
            at: Some(timestamp(views.now())),
            ..wire::VoidedUsesSummary::default()
        },
    };
    report(doors, Left::Walk(views.customers()), listing)
}

struct Listing {
    position: Position,
    summary: wire::VoidedUsesSummary,
}

impl Report for Listing {
    type Part = wire::ListAllVoidedUsesResponse;

    fn look(
        &mut self,
        pseudonym: Pseudonym,
        _: &Customer,
        doors: &Doors,
    ) -> Result<Vec<Self::Part>, Status> {
        let views = doors.views();
        self.summary.customers += 1;
        let (mut parts, mut after) = (Vec::new(), Some(0));
        while let Some(version) = after {
            let found = views.voided_uses(pseudonym, version, PAGE_MAX);
            let found = found.map_err(status::view)?;
            after = found.more_after;
            if found.found.is_empty() {
                continue;
            }
            self.summary.listed += u64::from(parts.is_empty());
            self.summary.uses += found.found.len() as u64;
            let customer_id = views.customer_id(pseudonym).map_err(status::failed)?;
            parts.push(response(Part::Customer(wire::CustomerVoidedUses {
                pseudonym: pseudonym.to_string(),
                customer_id: customer_id.unwrap_or_default(),
                uses: voided_uses(&found, self.position),
            })));
        }
        Ok(parts)
    }

    fn progress(progress: wire::CustomerWalkProgress) -> Self::Part {
        response(Part::Progress(progress))
    }

    fn summary(&self) -> Self::Part {
        response(Part::Summary(self.summary))
    }
}

fn response(part: Part) -> wire::ListAllVoidedUsesResponse {
    wire::ListAllVoidedUsesResponse { part: Some(part) }
}
