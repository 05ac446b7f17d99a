//! Accounts and the services held on them (P2, P6, R6, R9).

use serde::{Deserialize, Serialize};

use super::asserted::services::AssertedServices;
use super::consent::word::Word;
use super::customer::{Context, Customer};
use super::event::{Event, Placed};
use super::ids::{Category, EntityId, Position};
use super::refusal::{Refusal, RefusalCode};
use super::time::Time;

/// Opens an account of one holder with one legal entity, with the services it starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// The legal entity of the company that serves the account.
    pub legal_entity: EntityId,
    /// Categories held from the start; may be empty (ordered is not held).
    pub services: Vec<Category>,
}

/// Opens and closes service categories in one step: closing and opening together is no lapse (R9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeServices {
    /// Categories that become held.
    pub open: Vec<Category>,
    /// Categories that end.
    pub close: Vec<CloseService>,
}

/// The end of one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseService {
    /// The category.
    pub category: Category,
    /// When it ends; `None`: when the command says that it occurred. May lie ahead (R6).
    pub ends_at: Option<Time>,
}

/// A customer's account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOpened {
    /// The legal entity of the company that serves the account.
    pub legal_entity: EntityId,
    /// The vault entry that maps the pseudonym: a vault behind it cannot serve this ledger.
    pub vault: VaultHead,
}

/// A place in the vault's entries: how many there are, and their running hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VaultHead {
    /// Number of entries.
    pub sequence: u64,
    /// Running hash over them.
    pub hash: [u8; 32],
}

/// A category is held from this record on (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOpened {
    /// The category.
    pub category: Category,
}

/// A category is no longer held from `ends_at` on (narrows: counts from then, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceClosed {
    /// The category.
    pub category: Category,
    /// The first instant at which it is not held.
    pub ends_at: Time,
}

/// The newest interval of one category; older ones are in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldService {
    /// The category.
    pub category: Category,
    /// First instant held.
    pub starts_at: Time,
    /// First instant not held; may lie ahead.
    pub ends_at: Option<Time>,
    /// The record that opened it.
    pub opened: Position,
    /// The command (its first position) that opened it.
    pub opened_by: Position,
    /// The command (its first position) that closed it.
    pub closed_by: Option<Position>,
}

/// The services of one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// One entry a category, in the order of first opening.
    pub held: Vec<HeldService>,
    /// Grants before this position have ended: the last service was closed in between (R9).
    pub grants_end_before: Position,
    /// Since when some service has been held without a break: a grant said before that ended with the break (R9).
    pub held_since: Time,
    /// What an import asserts of the time before; few customers of a ledger in its middle years have it.
    pub asserted: Option<Box<AssertedServices>>,
}

impl HeldService {
    /// Whether the service is held: in [start, end) (R6).
    pub fn held(&self, at: Time) -> bool {
        self.starts_at <= at && !self.ended(at)
    }

    fn ended(&self, at: Time) -> bool {
        self.ends_at.is_some_and(|end| end <= at)
    }
}

impl Services {
    /// The category's interval, if it is held.
    pub fn holding(&self, category: &Category, at: Time) -> Option<&HeldService> {
        (self.held.iter()).find(|service| service.category == *category && service.held(at))
    }

    /// Whether any category is held.
    pub fn any_held(&self, at: Time) -> bool {
        self.held.iter().any(|service| service.held(at))
    }

    /// The first instant at which no service is held any more, where every end is known.
    pub fn all_end_at(&self) -> Option<Time> {
        let ends: Option<Vec<_>> = self.held.iter().map(|service| service.ends_at).collect();
        ends?.into_iter().max()
    }

    /// Whether the grant, as the record at `position` says it, has ended with the last service (R9).
    pub fn ended(&self, grant: &Word, position: Position) -> bool {
        position < self.grants_end_before
            || !grant.witnessed
                && (self.asserted.as_ref())
                    .is_some_and(|all| grant.said_at() < all.grants_end_before)
    }

    /// Whether some service was held when that was recorded, and has been without a break until the last ended: what
    /// was recorded before a lapse ended with it (R9).
    pub fn held_ever_since(&self, recorded_at: Time, position: Position, at: Time) -> bool {
        let ended = self.held.iter().filter_map(|service| service.ends_at).max();
        !self.held.is_empty()
            && recorded_at >= self.held_since
            && position >= self.grants_end_before
            && !(self.lapsed(at) && ended.is_some_and(|end| end <= recorded_at))
    }

    /// Categories held at that instant.
    pub fn count_held(&self, at: Time) -> usize {
        self.held.iter().filter(|service| service.held(at)).count()
    }

    /// Whether the last service has been closed: there were some, and none is left (R9).
    pub fn lapsed(&self, at: Time) -> bool {
        !self.held.is_empty() && self.held.iter().all(|service| service.ended(at))
    }
}

/// Events of opening an account.
pub(super) fn open_account(
    command: &OpenAccount,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let mut events = vec![Event::AccountOpened(AccountOpened {
        legal_entity: command.legal_entity.clone(),
        vault: context.vault,
    })];
    for (index, category) in command.services.iter().enumerate() {
        let field = format!("services[{index}]");
        require_known(category, &field, context)?;
        require_first(&command.services, index, &field)?;
        events.push(opened(category));
    }
    Ok(events)
}

/// Events of opening and closing categories: the closings first, so that a service that is closed and
/// opened in one command begins anew.
pub(super) fn change_services(
    customer: &Customer,
    command: &ChangeServices,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    if command.open.is_empty() && command.close.is_empty() {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "",
            "no service to open or close; name at least one",
        ));
    }
    let mut after = customer.services.clone();
    let mut events = Vec::new();
    let closed: Vec<_> = (command.close.iter())
        .map(|close| close.category.clone())
        .collect();
    for (index, close) in command.close.iter().enumerate() {
        let field = format!("close[{index}]");
        require_known(&close.category, &field, context)?;
        require_first(&closed, index, &field)?;
        let ends_at = end_of(close, &field, context)?;
        if !after.end(&close.category, ends_at, context.now, context.position) {
            return Err(Refusal::new(
                RefusalCode::ServiceState,
                field,
                format!(
                    "{} is not held; only a held service can be closed",
                    close.category
                ),
            ));
        }
        events.push(Event::ServiceClosed(ServiceClosed {
            category: close.category.clone(),
            ends_at,
        }));
    }
    for (index, category) in command.open.iter().enumerate() {
        let field = format!("open[{index}]");
        require_known(category, &field, context)?;
        require_first(&command.open, index, &field)?;
        // A service whose end lies ahead may be opened: the planned end is called off.
        let held = after.holding(category, context.now);
        if held.is_some_and(|service| service.ends_at.is_none() || closed.contains(category)) {
            return Err(Refusal::new(
                RefusalCode::ServiceState,
                field,
                format!("{category} is held already; close it before it is opened again"),
            ));
        }
        events.push(opened(category));
    }
    Ok(events)
}

fn opened(category: &Category) -> Event {
    Event::ServiceOpened(ServiceOpened {
        category: category.clone(),
    })
}

/// When the service ends: as stated, else when the command says that it occurred, else now.
fn end_of(close: &CloseService, field: &str, context: &Context<'_>) -> Result<Time, Refusal> {
    let ends_at = close.ends_at.or(context.occurred_at).unwrap_or(context.now);
    context.require_not_long_ago(ends_at, &format!("{field}.ends_at"))?;
    Ok(ends_at)
}

pub(super) fn require_known(
    category: &Category,
    field: &str,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    if context.rulebook.knows(category) {
        return Ok(());
    }
    let names: Vec<_> = (context.rulebook.categories().iter())
        .map(|rule| rule.category.as_str())
        .collect();
    Err(Refusal::new(
        RefusalCode::CategoryUnknown,
        field,
        format!(
            "rulebook {} {} has no service category {category}; it has {}",
            context.rulebook.name,
            context.rulebook.version,
            names.join(", ")
        ),
    ))
}

fn require_first(categories: &[Category], index: usize, field: &str) -> Result<(), Refusal> {
    let mut earlier = categories.iter().take(index);
    match categories.get(index) {
        Some(category) if earlier.any(|one| one == category) => Err(Refusal::new(
            RefusalCode::Invalid,
            field,
            format!("{category} is named twice; name each category once"),
        )),
        _ => Ok(()),
    }
}

impl Services {
    /// Records that a category is held. After a lapse, what was granted before has ended; closing and opening in
    /// one command is none (R9).
    pub(super) fn open<E>(&mut self, category: &Category, placed: &Placed<'_, E>) {
        let at = placed.recorded_at;
        let just_closed = |service: &HeldService| service.closed_by == Some(placed.command);
        if self.held.is_empty() {
            self.held_since = at;
        } else if self.lapsed(at) && !self.held.iter().any(just_closed) {
            self.held_since = at;
            self.grants_end_before = placed.command;
            self.end_asserted_grants(at);
        }
        let interval = HeldService {
            category: category.clone(),
            starts_at: at,
            ends_at: None,
            opened: placed.position,
            opened_by: placed.command,
            closed_by: None,
        };
        let known = (self.held.iter_mut()).find(|service| service.category == *category);
        match known {
            // The end is called off, or it went on under another command's name.
            Some(service) if service.held(at) || just_closed(service) => {
                service.ends_at = None;
                service.closed_by = None;
            }
            Some(service) => *service = interval,
            None => {
                // Customers are kept in memory by the hundred thousand: no room for services that few will have.
                self.held.reserve_exact(1);
                self.held.push(interval);
            }
        }
    }

    /// What the ledger saw lapse, no import bridges: asserted grants said before have ended for good, whatever an
    /// import says of the time between (R9, C2).
    fn end_asserted_grants(&mut self, at: Time) {
        let was_held = |service: &HeldService| {
            (service.ends_at).is_some_and(|end| service.starts_at < end && end <= at)
        };
        if self.held.iter().any(was_held) {
            let asserted = self.asserted.get_or_insert_default();
            asserted.grants_end_before = asserted.grants_end_before.max(at);
        }
    }

    /// Records the end of a category. An end stated for the past may show that nothing was held for a while,
    /// since an opening counts from its record only: then, too, what was granted before has ended (R5, R9).
    pub(super) fn close<E>(&mut self, closed: &ServiceClosed, placed: &Placed<'_, E>) {
        if self.end(
            &closed.category,
            closed.ends_at,
            placed.recorded_at,
            placed.command,
        ) && let Some((since, reopened)) = self.reopened_after_gap(placed.recorded_at)
        {
            self.held_since = self.held_since.max(since);
            self.grants_end_before = self.grants_end_before.max(reopened);
        }
    }

    /// When, and by which record, a service was opened after none had been held: the last time.
    fn reopened_after_gap(&self, at: Time) -> Option<(Time, Position)> {
        let ends =
            (self.held.iter()).filter_map(|service| Some((service.ends_at?, service.closed_by)));
        let reopened = ends
            .filter(|(end, _)| *end <= at)
            .filter_map(|(end, closed_by)| {
                let replaced = (self.held.iter()).any(|service| {
                    service.starts_at >= end && Some(service.opened_by) == closed_by
                });
                let next = (self.held.iter())
                    .filter(|service| service.starts_at > end)
                    .min_by_key(|service| service.starts_at)?;
                (!replaced && !self.any_held(end)).then_some((next.starts_at, next.opened))
            });
        reopened.max()
    }

    /// Sets the end of a category. `false`: it isn't held.
    fn end(&mut self, category: &Category, ends_at: Time, at: Time, command: Position) -> bool {
        let held = (self.held.iter_mut())
            .find(|service| service.category == *category && service.held(at));
        let Some(service) = held else { return false };
        service.ends_at = Some(ends_at);
        service.closed_by = Some(command);
        true
    }
}

#[cfg(test)]
mod tests;
