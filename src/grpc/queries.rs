//! QueryService: what the ledger knows of a customer, and what changes.

use std::collections::{HashMap, HashSet, hash_map};

use futures_util::future::ready;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::call::Call;
use super::convert::entries::{entry, sees, withheld};
use super::convert::past::moment;
use super::convert::preferences::{Asked, preferences, scopes};
use super::convert::{Within, values};
use super::doors::Doors;
use super::in_order::UntilStopping;
use super::pages::{Filter, Page, is_of, next_page, record_types};
use super::status;
use crate::access::Role;
use crate::access::table::Right;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::retention::RetentionEvent;
use crate::ledger::Subject;
use crate::projections::{Entry, HistoryEntry, ViewError};
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// Most customers that one watcher may name.
const WATCHED_MAX: usize = 256;
/// Records passed over in silence before a watcher gets a sign of life.
const SILENCE_MAX: usize = 1000;

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
        let moment = moment(given.as_of.as_ref(), given.hindsight)?;
        doors.wait_for(&call, Position(given.min_position)).await?;
        if let Some(moment) = moment {
            doors.wait_for_past(&call, moment).await?;
            let then = doors.preferences_then(call.caller.role, customer, scopes, moment);
            return call.in_time(then).await.map(Response::new);
        }
        let position = doors.position();
        let (pseudonym, customer) = doors.known(&customer)?;
        let company = doors.views().company();
        let asked = Asked {
            pseudonym,
            world: doors.views().world(&company),
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
        let history = History {
            page: Page::parse(given.page_size, &given.page_token)?,
            filter: Filter::parse(given.types, given.recorded_from, given.recorded_until)?,
            role: call.caller.role,
        };
        let customer = values::customer(given.customer)?;
        doors
            .wait_for_history(&call, Position(given.min_position))
            .await?;
        let read = move |doors: &Doors| {
            let position = doors.position();
            let (pseudonym, _) = doors.known_to(history.role, &customer, "customer")?;
            history.list(doors, pseudonym, position)
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
            customers: self.watched(call.caller.role, given.customers)?,
            types: record_types(given.types)?,
            role: call.caller.role,
            doors: self.0.clone(),
            silence: 0,
        };
        let blocks = ReceiverStream::new(self.0.views().follow(Position(given.from_position)));
        let (doors, role) = (self.0.clone(), watch.role);
        let looked_up = blocks.then(move |block| look_up_erased(doors.clone(), role, block));
        let shown = looked_up.map(move |block| match block {
            Ok((entries, erased)) => stream::iter(watch.show_all(&entries, &erased)),
            Err(failed) => stream::iter(vec![Err(failed)]),
        });
        let shown = UntilStopping::new(shown.flatten().boxed(), self.0.stopping());
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
    /// Whom a watcher names: like a history, an erased customer's records are for who sees whole histories (E8).
    fn watched(
        &self,
        role: Role,
        customers: Vec<wire::CustomerRef>,
    ) -> Result<HashSet<Pseudonym>, Status> {
        values::at_most("customers", customers.len(), WATCHED_MAX)?;
        let mut watched = HashSet::new();
        for (index, reference) in customers.into_iter().enumerate() {
            let reference = values::customer(Some(reference)).within_item("customers", index)?;
            let field = format!("customers[{index}]");
            let (pseudonym, _) = self.0.known_to(role, &reference, &field)?;
            watched.insert(pseudonym);
        }
        Ok(watched)
    }
}

/// One page of a customer's records.
struct History {
    page: Page,
    filter: Filter,
    role: Role,
}

impl History {
    /// What is withheld passes no filter of types, which would tell what it is.
    fn wants(&self, record: &HistoryEntry) -> bool {
        self.filter.wants(record) && (self.filter.any_type() || sees(self.role, record.kind))
    }

    fn list(
        &self,
        doors: &Doors,
        customer: Pseudonym,
        position: Position,
    ) -> Result<wire::GetHistoryResponse, Status> {
        let Page {
            after_version,
            size,
        } = self.page;
        let found = doors
            .views()
            .history(customer, after_version, size, &|record| self.wants(record))
            .map_err(status::view)?;
        let mut entries = Vec::with_capacity(found.len());
        for found in &found {
            let record = doors.record(found.position)?;
            entries.push(entry(&record, self.role, doors.rulebook()));
        }
        Ok(wire::GetHistoryResponse {
            entries,
            next_page_token: next_page(&found, size),
            position: position.0,
        })
    }
}

/// One watcher.
struct Watch {
    doors: Doors,
    role: Role,
    customers: HashSet<Pseudonym>,
    types: Vec<String>,
    /// Records passed over since the last answer.
    silence: usize,
}

impl Watch {
    /// What the watcher gets of a block.
    fn show_all(
        &mut self,
        block: &[Entry],
        erased: &Erased,
    ) -> Vec<Result<wire::WatchResponse, Status>> {
        let mut shown: Vec<_> = block
            .iter()
            .filter_map(|record| self.show(record, erased))
            .map(Ok)
            .collect();
        self.silence = if shown.is_empty() {
            self.silence + block.len()
        } else {
            0
        };
        if self.silence >= SILENCE_MAX
            && let Some(last) = block.last()
        {
            self.silence = 0;
            shown.push(Ok(response(last, None)));
        }
        shown
    }

    /// The record as the watcher may see it. What is withheld passes no filter, which would tell what it is.
    fn show(&self, record: &Entry, erased: &Erased) -> Option<wire::WatchResponse> {
        let facts = &record.decoded.record;
        let filtered = !self.customers.is_empty() || !self.types.is_empty();
        let of_customers = self.customers.is_empty()
            || matches!(facts.subject, Subject::Customer(id) if self.customers.contains(&Pseudonym(id)));
        let wanted = of_customers && is_of(&facts.kind, &self.types);
        let shown = sees(self.role, &facts.kind) && !erased.contains(&facts.position);
        if filtered && !(wanted && shown) {
            return None;
        }
        let entry = match shown {
            true => entry(record, self.role, self.doors.rulebook()),
            false => withheld(facts.position),
        };
        Some(response(record, Some(entry)))
    }
}

/// Positions of records about customers who were erased since.
type Erased = HashSet<u64>;

/// Finds them in a block, for a watcher who sees no whole histories (E8); that a customer was erased is told to everybody.
async fn look_up_erased(
    doors: Doors,
    role: Role,
    block: Result<Vec<Entry>, ViewError>,
) -> Result<(Vec<Entry>, Erased), Status> {
    let block = block.map_err(status::view)?;
    if role.has(Right::WholeHistory) {
        return Ok((block, Erased::new()));
    }
    let look_up = move |doors: &Doors| {
        let (mut erased, mut known) = (Erased::new(), HashMap::new());
        for record in &block {
            let Some((pseudonym, placed)) = record.decoded.placed() else {
                continue;
            };
            let tells_of_it = matches!(
                placed.event,
                Event::Retention(
                    RetentionEvent::ErasureRequested(_) | RetentionEvent::ErasureCompleted(_)
                )
            );
            let is_erased = match known.entry(pseudonym) {
                hash_map::Entry::Occupied(known) => *known.get(),
                hash_map::Entry::Vacant(unknown) => {
                    let customer = doors.customer(&SubjectRef::Pseudonym(pseudonym))?;
                    *unknown.insert(customer.is_some_and(|(_, one)| one.erased.is_some()))
                }
            };
            if is_erased && !tells_of_it {
                erased.insert(record.decoded.record.position);
            }
        }
        Ok((block, erased))
    };
    doors.read(look_up).await
}

fn response(record: &Entry, entry: Option<wire::Entry>) -> wire::WatchResponse {
    wire::WatchResponse {
        next_position: record.decoded.record.position.saturating_add(1),
        entry,
    }
}
