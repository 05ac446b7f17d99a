//! DisclosureService: what leaves, on what ground, and the accounting of it.

use tonic::{Request, Response, Status};

use super::call::Call;
use super::convert::entries::{Reader, disclosure};
use super::convert::values;
use super::doors::Doors;
use super::pages::{Page, history_filter, next_page};
use super::status;
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Pseudonym};
use crate::projections::HistoryFilter;
use crate::proto::v1 as wire;

/// How the types of records about disclosures begin.
const TYPES: &str = "disclosure";

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
        let call = Call::of(&request)?;
        let given = request.into_inner();
        if given.include_sealed {
            call.needs(Right::SealedDisclosures, "`include_sealed`")?;
        }
        let page = Page::parse(given.page_size, &given.page_token)?;
        let filter = history_filter(
            vec![TYPES.to_owned()],
            given.recorded_from,
            given.recorded_until,
        )?;
        let customer = values::customer(given.customer)?;
        self.0.wait_for(&call, Position(given.min_position)).await?;
        let accounting = Accounting {
            reader: reader(&self.0, &call, given.include_sealed),
            texts: call.caller.role.has(Right::SealedTexts),
            refused: given.include_refused,
            filter,
            page,
        };
        let read = move |doors: &Doors| {
            let position = doors.position();
            let (pseudonym, _) = doors.known(&customer)?;
            let (disclosures, next_page_token) = accounting.list(doors, pseudonym)?;
            Ok(wire::ListDisclosuresResponse {
                disclosures,
                next_page_token,
                position: position.0,
            })
        };
        call.in_time(self.0.read(read)).await.map(Response::new)
    }
}

/// Who looks: without `include_sealed` an auditor sees no more than others do (P8).
fn reader(doors: &Doors, call: &Call, include_sealed: bool) -> Reader {
    let mut reader = doors.reader(call);
    if !include_sealed && reader.role.has(Right::SealedDisclosures) {
        reader.role = Role::DecisionReader;
    }
    reader
}

/// What one page of the accounting shows.
struct Accounting {
    reader: Reader,
    texts: bool,
    refused: bool,
    filter: HistoryFilter,
    page: Page,
}

impl Accounting {
    /// Fills the page: records that the reader may not see take no place on it and leave no mark.
    fn list(
        &self,
        doors: &Doors,
        customer: Pseudonym,
    ) -> Result<(Vec<wire::Disclosure>, String), Status> {
        let mut listed = Vec::new();
        let mut after = self.page.after_version;
        loop {
            let entries = doors
                .views()
                .history(customer, after, self.page.size, &self.filter)
                .map_err(status::view)?;
            let more = entries.len() >= self.page.size;
            for entry in entries {
                if listed.len() == self.page.size {
                    return Ok((listed, next_page(after)));
                }
                after = entry.version;
                listed.extend(self.show(doors, entry.position)?);
            }
            if !more {
                return Ok((listed, String::new()));
            }
        }
    }

    fn show(&self, doors: &Doors, position: Position) -> Result<Option<wire::Disclosure>, Status> {
        let record = doors.views().record(position).map_err(status::view)?;
        let Some(record) = record else {
            return Err(status::failed(format!(
                "the history names position {position}, the log has none"
            )));
        };
        if !self.refused && matches!(record.event, Some(Event::DisclosureRefused(_))) {
            return Ok(None);
        }
        Ok(disclosure(&record, &self.reader, self.texts))
    }
}
