//! DisclosureService: what leaves, on what ground, and the accounting of it.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::entries::disclosure;
use super::convert::values;
use super::doors::Doors;
use super::pages::{Filter, Page, is_of, next_page};
use super::status;
use crate::access::table::Right;
use crate::domain::asserted::AssertedEvent;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;
use crate::projections::{Entry, HistoryEntry};
use crate::proto::v1 as wire;

/// The types of disclosures that were made, here or before the migration.
const MADE: [&str; 2] = ["disclosure.made", "disclosure.asserted"];
/// The type of those that were made before the migration: an import recorded them later.
const ASSERTED: &str = "disclosure.asserted";
/// How the types of all records about disclosures begin.
const ALL: &str = "disclosure";

/// Serves DisclosureService.
pub struct Disclosures(pub Doors);

#[tonic::async_trait]
impl wire::disclosure_service_server::DisclosureService for Disclosures {
    async fn disclose(
        &self,
        request: Request<wire::DiscloseRequest>,
    ) -> Result<Response<wire::DiscloseResponse>, Status> {
        self.0.command(request).await
    }

    async fn list_disclosures(
        &self,
        request: Request<wire::ListDisclosuresRequest>,
    ) -> Result<Response<wire::ListDisclosuresResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        if given.include_sealed {
            call.needs(Right::SealedDisclosures, "`include_sealed`")?;
        }
        let types: &[&str] = if given.include_refused { &[ALL] } else { &MADE };
        let accounting = Accounting {
            page: Page::parse(given.page_size, &given.page_token)?,
            of_types: Filter::parse(
                types.iter().map(|&kind| kind.to_owned()).collect(),
                None,
                None,
            )?,
            in_period: Filter::parse(Vec::new(), given.recorded_from, given.recorded_until)?,
            sealed: given.include_sealed,
            texts: call.caller.role.has(Right::SealedTexts),
            now: doors.views().now(),
        };
        let customer = values::customer(given.customer)?;
        doors
            .wait_for_history(&call, Position(given.min_position))
            .await?;
        let read = move |doors: &Doors| {
            let position = doors.position();
            let (pseudonym, _) = doors.known(&customer)?;
            accounting.list(doors, pseudonym, position)
        };
        call.in_time(doors.read(read)).await.map(Response::new)
    }
}

/// What one page of the accounting shows.
struct Accounting {
    page: Page,
    of_types: Filter,
    in_period: Filter,
    sealed: bool,
    texts: bool,
    now: Time,
}

impl Accounting {
    /// What is under a gag order takes no place on the page and leaves no mark (P7). What was imported is read to know
    /// when it was made.
    fn wants(&self, record: &HistoryEntry) -> bool {
        let may_be_in_period = is_of(record.kind, &[ASSERTED]) || self.in_period.wants(record);
        self.of_types.wants(record)
            && may_be_in_period
            && (self.sealed || !record.gag.hides(self.now))
    }

    /// Whether it belongs to the period: by its record, and where an import asserts it by when it was made (P8).
    fn is_in_period(&self, record: &Entry) -> bool {
        match record.decoded.placed().map(|(_, placed)| placed.event) {
            Some(Event::Asserted(AssertedEvent::Disclosed(event))) => {
                self.in_period.holds(event.fact.made_at)
            }
            _ => true,
        }
    }

    fn list(
        &self,
        doors: &Doors,
        customer: Pseudonym,
        position: Position,
    ) -> Result<wire::ListDisclosuresResponse, Status> {
        let Page {
            after_version,
            size,
        } = self.page;
        let found = doors
            .views()
            .history(customer, after_version, size, &|record| self.wants(record))
            .map_err(status::view)?;
        let mut disclosures = Vec::with_capacity(found.len());
        for found in &found {
            let record = doors.record(found.position)?;
            if self.is_in_period(&record) {
                disclosures.extend(disclosure(&record, self.now, self.texts));
            }
        }
        Ok(wire::ListDisclosuresResponse {
            disclosures,
            next_page_token: next_page(&found, size),
            position: position.0,
        })
    }
}
