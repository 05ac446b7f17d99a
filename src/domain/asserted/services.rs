//! Services as an import asserts them: what is held now, and since when without a break (R5, R6, R9).
//!
//! Opening widens and counts from the record: an asserted service that is still held is held from the record of its
//! import on, so that no past use becomes lawful, and what the customer holds *now* is right. Closing narrows and counts
//! from when it happened. What the import says of the time before its records has one use: a grant of those years
//! counts only if some service was held from then until today, for grants end with the last service (R9).

use serde::{Deserialize, Serialize};

use super::AssertedService;
use crate::domain::event::Placed;
use crate::domain::ids::{Category, Position};
use crate::domain::services::{HeldService, ServiceClosed, Services};
use crate::domain::time::Time;

/// Asserted intervals that a customer's state keeps. Beyond them the one that began first is forgotten: then fewer
/// asserted grants count, and never more.
pub const SPANS_MAX: usize = 32;

/// What an import asserts of a customer's services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssertedServices {
    /// When services were held before their record; in the order of the records.
    pub spans: Vec<Span>,
    /// Asserted grants said before have ended: the last service was closed in between (R9). It only moves ahead, so
    /// that no later import brings a grant back.
    pub grants_end_before: Time,
}

/// A service was held, before it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// The category, by its place in [`Services::held`].
    pub service: u32,
    /// First instant held.
    pub starts_at: Time,
    /// First instant not held, or that of the record: from there on the ledger knows by itself.
    pub ends_at: Time,
    /// Its record.
    pub record: Position,
}

impl Services {
    /// Since when some service has been held without a break, with what imports assert; `None`: none is held.
    pub fn held_since_asserted(&self, at: Time) -> Option<Time> {
        if !self.any_held(at) {
            return None;
        }
        let spans = || self.asserted.iter().flat_map(|asserted| &asserted.spans);
        let mut since = self.held_since;
        while let Some(before) = (spans())
            .filter(|span| span.starts_at < since && since <= span.ends_at)
            .map(|span| span.starts_at)
            .min()
        {
            since = before;
        }
        Some(since)
    }

    /// Does what may show that nothing was held for a while: asserted grants said before that have ended (R9).
    pub(in crate::domain) fn narrow(&mut self, at: Time, close: impl FnOnce(&mut Self)) {
        let before = self.held_since_asserted(at);
        close(self);
        let after = self.held_since_asserted(at);
        if let (Some(before), Some(after), Some(asserted)) = (before, after, &mut self.asserted)
            && after > before
        {
            asserted.grants_end_before = asserted.grants_end_before.max(after);
        }
    }

    /// Whether an asserted interval that goes on is held from its record on. What the ledger knows to have been
    /// closed since stays closed: only an opening after that opens it again.
    pub(super) fn would_hold(&self, service: &AssertedService) -> bool {
        let ended = self.of(&service.category).and_then(|known| known.ends_at);
        service.closed_at.is_none() && ended.is_none_or(|end| end <= service.opened_at)
    }

    /// Whether some grant said at `at` stands on a service held ever since (R9, R15).
    pub(super) fn held_without_break(&self, said_at: Time, now: Time) -> bool {
        let ended = self
            .asserted
            .as_ref()
            .map(|asserted| asserted.grants_end_before);
        (self.held_since_asserted(now))
            .is_some_and(|since| said_at >= since.max(ended.unwrap_or_default()))
    }

    /// Records an asserted interval.
    pub(super) fn assert<E>(&mut self, service: &AssertedService, placed: &Placed<'_, E>) {
        let now = placed.recorded_at;
        match service.closed_at {
            None if self.holding(&service.category, now).is_some() => {}
            None if self.would_hold(service) => self.open(&service.category, placed),
            None => {}
            Some(end) => self.assert_end(&service.category, end, placed),
        }
        let known = self.of(&service.category).and_then(|known| known.ends_at);
        let ends_at = (service.closed_at).or(known.filter(|end| *end > service.opened_at));
        self.remember(service, ends_at.unwrap_or(now).min(now), placed.position);
    }

    /// An asserted end closes what was opened before it; of anything else it is history.
    fn assert_end<E>(&mut self, category: &Category, end: Time, placed: &Placed<'_, E>) {
        let now = placed.recorded_at;
        match self.holding(category, now) {
            Some(held) if self.opened_at(held) < end => {
                let closed = ServiceClosed {
                    category: category.clone(),
                    ends_at: end,
                };
                self.narrow(now, |services| {
                    services.shorten(category, end);
                    services.close(&closed, placed);
                });
            }
            Some(_) => {}
            None if self.of(category).is_none() => {
                // Known and not held: a customer who left before the migration is one whose services have lapsed.
                self.held.reserve_exact(1);
                self.held.push(HeldService {
                    category: category.clone(),
                    starts_at: now,
                    ends_at: Some(end),
                    opened: placed.position,
                    opened_by: placed.command,
                    closed_by: Some(placed.command),
                });
            }
            None => {}
        }
    }

    /// When a held service was opened: by the import's word, where an import opened it.
    fn opened_at(&self, held: &HeldService) -> Time {
        let mut spans = self.asserted.iter().flat_map(|asserted| &asserted.spans);
        let span = spans.find(|span| span.record == held.opened);
        span.map_or(held.starts_at, |span| span.starts_at)
    }

    /// Cuts what was asserted of the category beyond its end.
    fn shorten(&mut self, category: &Category, end: Time) {
        let place = self.held.iter().position(|held| held.category == *category);
        for span in self.asserted.iter_mut().flat_map(|all| &mut all.spans) {
            if Some(span.service as usize) == place && span.starts_at < end {
                span.ends_at = span.ends_at.min(end);
            }
        }
    }

    fn remember(&mut self, service: &AssertedService, ends_at: Time, record: Position) {
        let place = (self.held.iter()).position(|held| held.category == service.category);
        let Some(place) = place.and_then(|place| u32::try_from(place).ok()) else {
            return;
        };
        let spans = &mut self.asserted.get_or_insert_default().spans;
        spans.push(Span {
            service: place,
            starts_at: service.opened_at,
            ends_at,
            record,
        });
        if spans.len() > SPANS_MAX {
            // What opened a service that is held stays known: its asserted end must find it.
            let opens = |span: &Span| self.held.iter().any(|held| held.opened == span.record);
            let others = spans.iter().enumerate().filter(|(_, span)| !opens(span));
            if let Some((first, _)) = others.min_by_key(|(_, span)| span.starts_at) {
                spans.remove(first);
            }
        }
    }

    fn of(&self, category: &Category) -> Option<&HeldService> {
        self.held.iter().find(|held| held.category == *category)
    }
}
