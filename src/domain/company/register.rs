//! What the company's registers have in common: items with the company's own ids, steps that were taken, documents by
//! their digests, and bounds.
//!
//! Nothing personal is in them: persons are tokens, documents are digests with a short reference, and descriptions are the
//! company's own words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{EntityId, Position, Sha256Digest, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;

/// For how long an item stays in memory after it ended, where room is needed: three years cover a certificate's year and
/// the two years for which a breach's record is kept (64.2011(d)). The log keeps every record.
const KEPT_HOURS: u32 = 3 * 366 * 24;

/// The company's own id of a campaign, a breach, a complaint …: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct ItemId(Box<str>);

impl ItemId {
    /// The id, or `None` when `text` breaks the rule above.
    pub fn parse(text: &str) -> Option<Self> {
        EntityId::parse(text).map(|_| Self(text.into()))
    }

    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for ItemId {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not 1 to 64 of a-z 0-9 . _ -")
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A description in the company's own words: 1 to 500 characters without control characters; nothing personal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct OwnWords(Box<str>);

impl OwnWords {
    /// Characters that a description may have.
    pub const CHARACTERS_MAX: usize = 500;

    /// The description, or `None` when `text` breaks the rule above.
    pub fn parse(text: &str) -> Option<Self> {
        let count = text.chars().count();
        let fits = (1..=Self::CHARACTERS_MAX).contains(&count) && !text.trim().is_empty();
        (fits && !text.contains(char::is_control)).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for OwnWords {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not 1 to 500 characters without control characters")
    }
}

/// Where a document is found: 1 to 128 printable ASCII characters, e.g. a filing's number. Never a person's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Box<str>")]
pub struct Reference(Box<str>);

impl Reference {
    /// The reference, or `None` when `text` breaks the rule above.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = text.bytes().all(|b| matches!(b, b' '..=b'~'));
        let fits = (1..=128).contains(&text.len()) && text.trim() == text;
        (fits && printable).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Box<str>> for Reference {
    type Error = &'static str;

    fn try_from(text: Box<str>) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("not 1 to 128 printable ASCII characters")
    }
}

/// A document outside the ledger: its digest proves it, its reference finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// SHA-256 of its bytes.
    pub digest: Sha256Digest,
    /// Where it is found.
    pub reference: Reference,
}

/// A step that was taken: the record, and when it happened by the caller's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// The record.
    pub position: Position,
    /// When it happened.
    pub at: Time,
}

impl Step {
    /// The step that the event is.
    pub fn of<E>(placed: &Placed<'_, E>) -> Self {
        Self {
            position: placed.position,
            at: placed.happened_at(),
        }
    }
}

/// What a register holds.
pub trait Item {
    /// Items that the register keeps.
    const MOST: usize;
    /// What one is called in refusals.
    const NAME: &'static str;

    /// When it was done with; `None` while it is open.
    fn ended_at(&self) -> Option<Time>;
}

/// A bounded register of items by the company's own ids.
///
/// When it is full, items that ended more than three years ago leave memory; where none has, nothing more is taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register<T> {
    /// Shared with whoever reads while the next record is made: a step copies this register, and no other.
    items: Arc<BTreeMap<ItemId, T>>,
}

impl<T> Default for Register<T> {
    fn default() -> Self {
        Self {
            items: Arc::default(),
        }
    }
}

impl<T: Item + Clone> Register<T> {
    /// The item of that id.
    pub fn get(&self, id: &ItemId) -> Option<&T> {
        self.items.get(id)
    }

    /// Every item, in the order of their ids.
    pub fn all(&self) -> impl Iterator<Item = (&ItemId, &T)> {
        self.items.iter()
    }

    /// The item, which must be registered.
    ///
    /// # Errors
    /// `NOT_REGISTERED`.
    pub fn registered(&self, id: &ItemId) -> Result<&T, Refusal> {
        self.get(id).ok_or_else(|| {
            let why = format!("there is no {} {id}", T::NAME);
            Refusal::new(RefusalCode::NotRegistered, field::<T>(), why)
        })
    }

    /// Refuses an id that is taken, and one more item than the register keeps.
    pub(super) fn require_room(&self, id: &ItemId, now: Time) -> Result<(), Refusal> {
        if self.items.contains_key(id) {
            let why = format!("there is a {} {id} already; take another id", T::NAME);
            return Err(Refusal::new(
                RefusalCode::RegisteredAlready,
                field::<T>(),
                why,
            ));
        }
        if self.items.len() < T::MOST || self.items.values().any(|item| is_over(item, now)) {
            return Ok(());
        }
        let why = format!("the ledger keeps {} of these; end old ones first", T::MOST);
        Err(Refusal::new(RefusalCode::Limit, field::<T>(), why))
    }

    pub(super) fn enter(&mut self, id: &ItemId, item: T, now: Time) {
        let items = Arc::make_mut(&mut self.items);
        if items.len() >= T::MOST {
            items.retain(|_, item| !is_over(item, now));
        }
        items.insert(id.clone(), item);
    }

    pub(super) fn change(&mut self, id: &ItemId, change: impl FnOnce(&mut T)) {
        if let Some(item) = Arc::make_mut(&mut self.items).get_mut(id) {
            change(item);
        }
    }
}

/// The field of a command that names the item.
fn field<T: Item>() -> String {
    format!("{}_id", T::NAME)
}

fn is_over<T: Item>(item: &T, now: Time) -> bool {
    (item.ended_at()).is_some_and(|ended| ended < now.minus_hours(KEPT_HOURS))
}

/// When what the command tells of happened.
pub(super) fn happens_at(context: &Context<'_>) -> Time {
    context.occurred_at.unwrap_or(context.now)
}

/// A date told about the past may lie as far back as it does, and never ahead: it makes what is owed due earlier.
pub(super) fn require_past(at: Time, field: &str, context: &Context<'_>) -> Result<(), Refusal> {
    match at <= context.now {
        true => Ok(()),
        false => Err(Refusal::new(
            RefusalCode::OccurredAt,
            field,
            "it lies in the future; leave it out for now",
        )),
    }
}

/// Who takes the command; a step that somebody answers for is taken by a person.
pub(super) fn person(context: &Context<'_>) -> Result<Token, Refusal> {
    context.person.ok_or_else(|| {
        Refusal::new(
            RefusalCode::PersonRequired,
            "header.taken_by",
            "a person answers for this step; the command names none",
        )
    })
}

/// A step out of its order.
pub(super) fn out_of_order(field: &str, why: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::StepOrder, field, why)
}

/// A value that is missing or malformed.
pub(super) fn invalid(field: &str, why: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::Invalid, field, why)
}
