//! DisclosureService: what leaves, on what ground, and the accounting of it.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::entries::disclosure;
use super::convert::past::{Moment, moment};
use super::convert::values;
use super::doors::Doors;
use super::pages::{Filter, Page, is_of, next_page};
use super::status;
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::asserted::AssertedEvent;
use crate::domain::customer::Customer;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::time::Time;
use crate::projections::{Entry, HistoryEntry};
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// The types of disclosures that were made, here or before the migration.
const MADE: [&str; 2] = ["disclosure.made", "disclosure.asserted"];
/// The type of those that were made before the migration: an import recorded them later.
const ASSERTED: &str = "disclosure.asserted";
/// The types of all disclosures, made or refused.
const ALL: [&str; 3] = [
    "disclosure.made",
    "disclosure.asserted",
    "disclosure.refused",
];

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

    async fn lift_gag_order(
        &self,
        request: Request<wire::LiftGagOrderRequest>,
    ) -> Result<Response<wire::LiftGagOrderResponse>, Status> {
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
        let types: &[&str] = if given.include_refused { &ALL } else { &MADE };
        let accounting = Accounting {
            page: Page::parse(given.page_size, &given.page_token)?,
            of_types: Filter::parse(
                types.iter().map(|&kind| kind.to_owned()).collect(),
                None,
                None,
            )?,
            in_period: Filter::parse(Vec::new(), given.recorded_from, given.recorded_until)?,
            sealed: given.include_sealed,
            role: call.caller.role,
            texts: call.caller.role.has(Right::SealedTexts),
        };
        let customer = values::customer(given.customer)?;
        let moment = moment(given.as_of.as_ref(), false)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        if let Some(moment) = moment {
            doors.wait_for_past(&call, moment).await?;
            let read = move |doors: &Doors| accounting.list_then(doors, &customer, moment);
            return call.in_time(doors.read_past(read)).await.map(Response::new);
        }
        doors
            .wait_for_history(&call, Position(given.min_position))
            .await?;
        let read = move |doors: &Doors| {
            let position = doors.position();
            let (pseudonym, customer) = doors.known_to(accounting.role, &customer, "customer")?;
            accounting.list(&Listing {
                doors,
                pseudonym,
                customer: &customer,
                now: doors.views().now(),
                position,
            })
        };
        call.in_time(doors.read(read)).await.map(Response::new)
    }
}

/// What one page of the accounting shows.
struct Accounting {
    page: Page,
    of_types: Filter,
    in_period: Filter,
    /// Whose disclosures it may show: of whom was erased only to an auditor.
    role: Role,
    sealed: bool,
    texts: bool,
}

/// Whose disclosures are listed, as they were on record at some moment.
struct Listing<'a> {
    doors: &'a Doors,
    pseudonym: Pseudonym,
    /// The state by which gag orders stand; what was recorded after it is not shown.
    customer: &'a Customer,
    now: Time,
    /// Everything up to there is reflected.
    position: Position,
}

impl Listing<'_> {
    fn hides(&self, record: Position) -> bool {
        let gags = self.customer.gags.as_deref();
        gags.is_some_and(|gags| gags.hide(record, self.now))
    }
}

impl Accounting {
    /// What is under a gag order takes no place on the page and leaves no mark (P7). What was imported is read to know
    /// when it was made.
    fn wants(&self, listing: &Listing<'_>, record: &HistoryEntry) -> bool {
        let may_be_in_period = is_of(record.kind, &[ASSERTED]) || self.in_period.wants(record);
        self.of_types.wants(record)
            && may_be_in_period
            && record.position <= listing.customer.last
            && (self.sealed || !listing.hides(record.position))
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

    /// The page as it was shown at a past moment: with the gag orders that stood then.
    fn list_then(
        &self,
        doors: &Doors,
        customer: &SubjectRef,
        moment: Moment,
    ) -> Result<wire::ListDisclosuresResponse, Status> {
        let past = doors.past(moment)?;
        doors.known_to(self.role, customer, "customer")?;
        let (pseudonym, customer) = doors
            .customer_then(customer, &past)?
            .ok_or_else(|| status::customer_unknown("customer"))?;
        self.list(&Listing {
            doors,
            pseudonym,
            customer: &customer,
            now: past.then.at,
            position: past.position(Some(&customer)),
        })
    }

    fn list(&self, listing: &Listing<'_>) -> Result<wire::ListDisclosuresResponse, Status> {
        let (doors, size) = (listing.doors, self.page.size);
        let wanted = |record: &HistoryEntry| self.wants(listing, record);
        let found = doors
            .views()
            .history(listing.pseudonym, self.page.after_version, size, &wanted)
            .map_err(status::view)?;
        let mut disclosures = Vec::with_capacity(found.len());
        for found in &found {
            let record = doors.record(found.position)?;
            if self.is_in_period(&record) {
                let hidden = listing.hides(found.position);
                disclosures.extend(disclosure(&record, hidden, self.texts));
            }
        }
        Ok(wire::ListDisclosuresResponse {
            disclosures,
            next_page_token: next_page(&found, size),
            position: listing.position.0,
        })
    }
}
