//! QueryService: what the ledger knows of a customer, and what changes.

use std::collections::HashSet;

use futures_util::future::ready;
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::convert::entries::{entry, withheld};
use super::convert::preferences::{Asked, preferences, scopes};
use super::convert::{Within, values};
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::pages::{Page, history_filter, is_of, next_page, record_types};
use super::status;
use crate::domain::ids::{Position, Pseudonym};
use crate::projections::Entry;
use crate::proto::v1 as wire;

/// Most customers that one watcher may name.
const WATCHED_MAX: usize = 256;
/// Records passed over in silence before a watcher gets a sign of life.
const SILENCE_MAX: u32 = 1000;

/// Serves QueryService.
pub struct Queries(pub Doors);

#[tonic::async_trait]
impl wire::query_service_server::QueryService for Queries {
    async fn get_preferences(
        &self,
        request: Request<wire::GetPreferencesRequest>,
    ) -> Result<Response<wire::GetPreferencesResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let customer = values::customer(given.customer)?;
        let scopes = scopes(given.scopes)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        let position = doors.position();
        let (pseudonym, customer) = doors.known(&customer)?;
        let rulebook = doors.rulebook();
        let asked = Asked {
            pseudonym,
            rulebook: &rulebook,
            at: doors.views().now(),
            position,
            scopes: &scopes,
        };
        Ok(Response::new(preferences(&customer, &asked)?))
    }

    async fn get_history(
        &self,
        request: Request<wire::GetHistoryRequest>,
    ) -> Result<Response<wire::GetHistoryResponse>, Status> {
        let (call, doors) = (Call::of(&request)?, &self.0);
        let given = request.into_inner();
        let page = Page::parse(given.page_size, &given.page_token)?;
        let filter = history_filter(given.types, given.recorded_from, given.recorded_until)?;
        let customer = values::customer(given.customer)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        let reader = doors.reader(&call);
        let read = move |doors: &Doors| {
            let position = doors.position();
            let (pseudonym, _) = doors.known(&customer)?;
            let found = doors
                .views()
                .history(pseudonym, page.after_version, page.size, &filter)
                .map_err(status::view)?;
            let next = found.last().filter(|_| found.len() >= page.size);
            let next_page_token = next.map(|last| next_page(last.version)).unwrap_or_default();
            let rulebook = doors.rulebook();
            let mut entries = Vec::with_capacity(found.len());
            for found in found {
                let record = doors.views().record(found.position).map_err(status::view)?;
                let record = record.ok_or_else(|| status::record_unknown(found.position.0))?;
                let shown = entry(&record, &reader, &rulebook);
                // A record that is withheld has no type, so it passes no filter of types.
                if filter.types.is_empty() || !shown.r#type.is_empty() {
                    entries.push(shown);
                }
            }
            Ok(wire::GetHistoryResponse {
                entries,
                next_page_token,
                position: position.0,
            })
        };
        call.in_time(doors.read(read)).await.map(Response::new)
    }

    type WatchStream = BoxStream<'static, Result<wire::WatchResponse, Status>>;

    async fn watch(
        &self,
        request: Request<wire::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let call = Call::of(&request)?;
        let given = request.into_inner();
        let mut watch = Watch {
            customers: self.watched(given.customers)?,
            types: record_types(given.types)?,
            call,
            doors: self.0.clone(),
            silence: 0,
        };
        let entries = self.0.views().follow(Position(given.from_position)).boxed();
        let entries = UntilStopping::new(entries.map_err(status::view), self.0.stopping());
        let shown = entries.try_filter_map(move |entry| ready(Ok(watch.show(&entry))));
        Ok(Response::new(shown.boxed()))
    }

    type ResolvePseudonymsStream =
        BoxStream<'static, Result<wire::ResolvePseudonymsResponse, Status>>;

    async fn resolve_pseudonyms(
        &self,
        request: Request<Streaming<wire::ResolvePseudonymsRequest>>,
    ) -> Result<Response<Self::ResolvePseudonymsStream>, Status> {
        Call::of(&request)?;
        let doors = self.0.clone();
        let requests = UntilStopping::new(request.into_inner(), doors.stopping());
        let resolved = requests.and_then(move |request| {
            let customer_id = doors.resolve(&request.pseudonym);
            ready(
                customer_id.map(|customer_id| wire::ResolvePseudonymsResponse {
                    pseudonym: request.pseudonym,
                    customer_id,
                }),
            )
        });
        Ok(Response::new(resolved.boxed()))
    }
}

impl Queries {
    fn watched(&self, customers: Vec<wire::CustomerRef>) -> Result<HashSet<Pseudonym>, Status> {
        values::at_most("customers", customers.len(), WATCHED_MAX)?;
        let mut watched = HashSet::new();
        for (index, reference) in customers.into_iter().enumerate() {
            let reference = values::customer(Some(reference)).within_item("customers", index)?;
            let (pseudonym, _) = self
                .0
                .customer(&reference)?
                .ok_or_else(|| status::customer_unknown(&format!("customers[{index}]")))?;
            watched.insert(pseudonym);
        }
        Ok(watched)
    }
}

/// One watcher.
struct Watch {
    call: Call,
    doors: Doors,
    customers: HashSet<Pseudonym>,
    types: Vec<String>,
    /// Records passed over since the last answer.
    silence: u32,
}

impl Watch {
    fn show(&mut self, record: &Entry) -> Option<wire::WatchResponse> {
        let next_position = record.position.0.saturating_add(1);
        let shown = self.wanted(record);
        self.silence = if shown.is_some() { 0 } else { self.silence + 1 };
        if shown.is_none() && self.silence < SILENCE_MAX {
            return None;
        }
        self.silence = 0;
        Some(wire::WatchResponse {
            next_position,
            entry: shown,
        })
    }

    /// The record as the watcher may see it. What is withheld passes no filter, which would tell what it is.
    fn wanted(&self, record: &Entry) -> Option<wire::Entry> {
        let all = self.customers.is_empty() && self.types.is_empty();
        let reader = self.doors.reader(&self.call);
        if record
            .event
            .as_ref()
            .is_some_and(|event| !reader.may_see(event))
        {
            return all.then(|| withheld(record.position.0));
        }
        let of_customer = |customer: Pseudonym| self.customers.contains(&customer);
        let customer = self.customers.is_empty() || record.customer.is_some_and(of_customer);
        let wanted = customer && is_of(&record.kind, &self.types);
        wanted.then(|| entry(record, &reader, &self.doors.rulebook()))
    }
}
