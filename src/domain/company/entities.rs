//! Named entities and what they are to the company: affiliate, agent, contractor … each for a dated time (P3, F3, R12).
//!
//! An entity may have several kinds at once; contractor beats agent (64.2007(b)). Joining *widens* and counts from the
//! record; leaving *narrows* and counts from when it happened (R5), and never comes back by itself.

use serde::{Deserialize, Serialize};

use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{EntityId, Position};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{RecipientKind, RecipientKinds};

/// Entities that the ledger keeps.
pub const ENTITIES_MAX: usize = 10_000;
/// Memberships, ended ones among them, that one entity may have.
pub const MEMBERSHIPS_MAX: usize = 64;

/// What can be registered of an entity.
const REGISTRABLE: RecipientKinds = RecipientKinds::of(RecipientKind::Parent)
    .with(RecipientKind::Affiliate)
    .with(RecipientKind::Agent)
    .with(RecipientKind::PartnerOrContractor)
    .with(RecipientKind::ThirdParty)
    .with(RecipientKind::LawEnforcement)
    .with(RecipientKind::Carrier);

/// What can be asked about entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityCommand {
    /// The entity is of that kind from this record on.
    Join(EntityJoined),
    /// The entity is no longer of that kind.
    Leave {
        /// The entity.
        entity: EntityId,
        /// The kind.
        kind: RecipientKind,
        /// The first instant at which it isn't; none: when the command says that it occurred. May lie ahead.
        ends_at: Option<Time>,
    },
}

/// What was recorded of entities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntityEvent {
    /// An entity is of a kind from this record on.
    Joined(EntityJoined),
    /// An entity is no longer of a kind.
    Left(EntityLeft),
}

/// An entity is of that kind from this record on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityJoined {
    /// The entity.
    pub entity: EntityId,
    /// What it is to the company.
    pub kind: RecipientKind,
    /// Whether it provides communications-related services: opt-out reaches no other (F3, 64.2007(b)).
    pub communications_related: bool,
}

/// An entity is no longer of that kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityLeft {
    /// The entity.
    pub entity: EntityId,
    /// What it was.
    pub kind: RecipientKind,
    /// The first instant at which it isn't.
    pub ends_at: Time,
}

/// The registered entities.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entities {
    /// Sorted by entity.
    all: Vec<Entity>,
}

/// An entity and what it is and was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Its name.
    pub id: EntityId,
    /// In the order of their records.
    pub memberships: Vec<Membership>,
}

/// A time for which an entity is of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The kind.
    pub kind: RecipientKind,
    /// Whether it provides communications-related services.
    pub communications_related: bool,
    /// The record that began it.
    pub position: Position,
    /// First instant.
    pub starts_at: Time,
    /// First instant after it.
    pub ends_at: Option<Time>,
}

impl Membership {
    /// Whether it holds at that instant.
    pub fn holds(&self, at: Time) -> bool {
        self.starts_at <= at && self.ends_at.is_none_or(|end| at < end)
    }
}

impl Entity {
    /// The kinds that it has at that instant. Contractor beats agent (R12).
    pub fn kinds(&self, at: Time) -> RecipientKinds {
        let kinds: RecipientKinds = self.holding(at).map(|membership| membership.kind).collect();
        match kinds.contains(RecipientKind::PartnerOrContractor) {
            true => kinds.without(RecipientKind::Agent),
            false => kinds,
        }
    }

    /// The membership by which it is of that kind at that instant.
    pub fn membership(&self, kind: RecipientKind, at: Time) -> Option<&Membership> {
        match self.kinds(at).contains(kind) {
            true => self.holding(at).find(|membership| membership.kind == kind),
            false => None,
        }
    }

    fn holding(&self, at: Time) -> impl Iterator<Item = &Membership> {
        (self.memberships.iter()).filter(move |membership| membership.holds(at))
    }

    /// Since when it has been of that kind without a break, where it is.
    pub fn since(&self, kind: RecipientKind, at: Time) -> Option<Time> {
        let mut since = self.membership(kind, at)?.starts_at;
        while let Some(before) = (self.memberships.iter()).find(|one| {
            one.kind == kind && one.starts_at < since && one.ends_at.is_some_and(|end| end >= since)
        }) {
            since = before.starts_at;
        }
        Some(since)
    }
}

impl Entities {
    /// The entity, where it is registered.
    pub fn get(&self, id: &EntityId) -> Option<&Entity> {
        self.place(id).ok().and_then(|index| self.all.get(index))
    }

    /// Every entity, in the order of their names.
    pub fn all(&self) -> &[Entity] {
        &self.all
    }

    /// The instants after `at` at which some membership ends: answers may change there without a record (R18).
    pub fn ends_after(&self, id: &EntityId, at: Time) -> impl Iterator<Item = Time> {
        (self.get(id).into_iter())
            .flat_map(|entity| &entity.memberships)
            .filter_map(|membership| membership.ends_at)
            .filter(move |end| *end > at)
    }

    fn place(&self, id: &EntityId) -> Result<usize, usize> {
        self.all.binary_search_by(|entity| entity.id.cmp(id))
    }

    pub(super) fn decide(
        &self,
        command: &EntityCommand,
        context: &Context<'_>,
    ) -> Result<Vec<EntityEvent>, Refusal> {
        match command {
            EntityCommand::Join(joined) => {
                self.require_joinable(joined, context)?;
                Ok(vec![EntityEvent::Joined(joined.clone())])
            }
            EntityCommand::Leave {
                entity,
                kind,
                ends_at,
            } => {
                let ends_at = ends_at.or(context.occurred_at).unwrap_or(context.now);
                context.require_not_long_ago(ends_at, "ends_at")?;
                let holds = (self.get(entity))
                    .is_some_and(|one| one.holding(context.now).any(|held| held.kind == *kind));
                if !holds {
                    return Err(Refusal::new(
                        RefusalCode::EntityState,
                        "kind",
                        format!("{entity} is not registered as {kind} now"),
                    ));
                }
                Ok(vec![EntityEvent::Left(EntityLeft {
                    entity: entity.clone(),
                    kind: *kind,
                    ends_at,
                })])
            }
        }
    }

    fn require_joinable(
        &self,
        joined: &EntityJoined,
        context: &Context<'_>,
    ) -> Result<(), Refusal> {
        let refuse = |code, field: &str, why: String| Err(Refusal::new(code, field, why));
        if !REGISTRABLE.contains(joined.kind) {
            let why = format!("an entity is not registered as {}", joined.kind);
            return refuse(RefusalCode::Invalid, "kind", why);
        }
        let Some(entity) = self.get(&joined.entity) else {
            return match self.all.len() < ENTITIES_MAX {
                true => Ok(()),
                false => refuse(
                    RefusalCode::Limit,
                    "entity",
                    format!("the ledger keeps {ENTITIES_MAX} entities"),
                ),
            };
        };
        let held = (entity.holding(context.now)).find(|held| held.kind == joined.kind);
        match held {
            Some(held) if held.ends_at.is_none() => refuse(
                RefusalCode::EntityState,
                "kind",
                format!(
                    "{} is registered as {} already, by record {}; end that first",
                    joined.entity, joined.kind, held.position
                ),
            ),
            _ if entity.memberships.len() >= MEMBERSHIPS_MAX => refuse(
                RefusalCode::Limit,
                "entity",
                format!("an entity has {MEMBERSHIPS_MAX} memberships at most"),
            ),
            _ => Ok(()),
        }
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, EntityEvent>) {
        match placed.event {
            EntityEvent::Joined(joined) => {
                let membership = Membership {
                    kind: joined.kind,
                    communications_related: joined.communications_related,
                    position: placed.position,
                    starts_at: placed.recorded_at,
                    ends_at: None,
                };
                match self.place(&joined.entity) {
                    Ok(index) => {
                        if let Some(entity) = self.all.get_mut(index) {
                            entity.memberships.push(membership);
                        }
                    }
                    Err(index) => self.all.insert(
                        index,
                        Entity {
                            id: joined.entity.clone(),
                            memberships: vec![membership],
                        },
                    ),
                }
            }
            EntityEvent::Left(left) => {
                let entity = (self.place(&left.entity).ok()).and_then(|at| self.all.get_mut(at));
                for membership in entity.into_iter().flat_map(|one| &mut one.memberships) {
                    if membership.kind == left.kind && membership.holds(placed.recorded_at) {
                        membership.ends_at = Some(left.ends_at);
                    }
                }
            }
        }
    }
}
