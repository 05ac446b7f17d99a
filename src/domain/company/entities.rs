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
    /// Those with more memberships than one, sorted: all that may be two kinds at once, or be of a kind again. Each
    /// question about a whole kind looks at them.
    several: Vec<EntityId>,
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

    /// Whether it hasn't lost the kind between two instants: what was recorded for the kind then holds still. Contractor
    /// beats agent, so that an agent who was a contractor for a while lost it (R12). What is lost at the very instant is
    /// lost: which came first isn't known.
    pub fn kept(&self, kind: RecipientKind, from: Time, until: Time) -> bool {
        if self.memberships.len() < 2 {
            return true;
        }
        let ends = self.memberships.iter().filter_map(|one| one.ends_at);
        let before = Time(from.0.saturating_sub(1));
        let mut changes: Vec<Time> = (self.memberships.iter().map(|one| one.starts_at))
            .chain(ends)
            .filter(|change| (from..=until).contains(change))
            .chain([before, from])
            .collect();
        changes.sort_unstable();
        let mut had = false;
        for change in changes {
            let has = self.kinds(change).contains(kind);
            if had && !has {
                return false;
            }
            had = has;
        }
        true
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

    /// The entities that were or are several things: only they can be blocked in another kind, or have lost a grant by
    /// leaving and coming back (R12).
    pub fn several(&self) -> impl Iterator<Item = &Entity> {
        self.several.iter().filter_map(|id| self.get(id))
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
                let entity_now = self.get(entity);
                let holds = |one: &Entity, until: Option<Time>| {
                    (one.holding(context.now)).any(|held| {
                        held.kind == *kind
                            && until.is_none_or(|until| held.ends_at.is_none_or(|end| until < end))
                    })
                };
                if !entity_now.is_some_and(|one| holds(one, None)) {
                    return Err(Refusal::new(
                        RefusalCode::EntityState,
                        "kind",
                        format!("{entity} is not registered as {kind} now"),
                    ));
                }
                // An end narrows: it can come earlier, and never later than one that is on record.
                if !entity_now.is_some_and(|one| holds(one, Some(ends_at))) {
                    return Err(Refusal::new(
                        RefusalCode::EntityState,
                        "ends_at",
                        format!("an end of {entity} as {kind} at or before that is on record"),
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
                        if let Err(place) = self.several.binary_search(&joined.entity) {
                            self.several.insert(place, joined.entity.clone());
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
                        // Only a new membership can last longer than an end on record (R5).
                        let end = membership
                            .ends_at
                            .map_or(left.ends_at, |end| end.min(left.ends_at));
                        membership.ends_at = Some(end);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::CompanyCommand;
    use crate::domain::testing::Story;

    const AFFILIATE: RecipientKind = RecipientKind::Affiliate;

    fn id(text: &str) -> EntityId {
        EntityId::parse(text).unwrap()
    }

    fn join(kind: RecipientKind) -> CompanyCommand {
        CompanyCommand::Entities(EntityCommand::Join(EntityJoined {
            entity: id("acme"),
            kind,
            communications_related: true,
        }))
    }

    fn leave(kind: RecipientKind, ends_at: Option<Time>) -> CompanyCommand {
        CompanyCommand::Entities(EntityCommand::Leave {
            entity: id("acme"),
            kind,
            ends_at,
        })
    }

    fn kinds(story: &Story, at: Time) -> RecipientKinds {
        let entity = story.company.entities.get(&id("acme"));
        entity.map_or(RecipientKinds::NONE, |entity| entity.kinds(at))
    }

    #[test]
    fn r12_membership_is_dated_and_begins_with_its_record() {
        let mut story = Story::begun();
        let before = story.now;
        story.company(&join(AFFILIATE)).unwrap();
        let joined = story.now;
        assert_eq!(kinds(&story, before), RecipientKinds::NONE);
        assert_eq!(kinds(&story, joined), RecipientKinds::of(AFFILIATE));

        let end = joined.plus_hours(100);
        story.company(&leave(AFFILIATE, Some(end))).unwrap();
        assert_eq!(
            kinds(&story, Time(end.0 - 1)),
            RecipientKinds::of(AFFILIATE)
        );
        assert_eq!(kinds(&story, end), RecipientKinds::NONE);
        let ends: Vec<_> = story
            .company
            .entities
            .ends_after(&id("acme"), joined)
            .collect();
        assert_eq!(ends, [end]);
    }

    #[test]
    fn r5_leaving_counts_from_when_it_happened_and_not_from_long_ago() {
        let mut story = Story::begun();
        story.company(&join(AFFILIATE)).unwrap();
        let joined = story.now;
        story.minutes(600);
        let left = story.now;
        story.minutes(300).occurred(left);
        story.company(&leave(AFFILIATE, None)).unwrap();
        assert_eq!(kinds(&story, left), RecipientKinds::NONE);
        story.company(&join(AFFILIATE)).unwrap();
        let entity = story.company.entities.get(&id("acme")).unwrap();
        assert_eq!(
            entity.since(AFFILIATE, story.now),
            Some(story.now),
            "a gap is a gap"
        );
        story.minutes(3000);
        let refused = story.company(&leave(AFFILIATE, Some(joined))).unwrap_err();
        assert_eq!(refused.code, RefusalCode::OccurredAt);
    }

    #[test]
    fn f3_a_contractor_is_no_agent() {
        let mut story = Story::begun();
        story.company(&join(RecipientKind::Agent)).unwrap();
        story
            .company(&join(RecipientKind::PartnerOrContractor))
            .unwrap();
        let contractor = RecipientKinds::of(RecipientKind::PartnerOrContractor);
        assert_eq!(kinds(&story, story.now), contractor);
        story
            .company(&leave(RecipientKind::PartnerOrContractor, None))
            .unwrap();
        assert_eq!(
            kinds(&story, story.now),
            RecipientKinds::of(RecipientKind::Agent)
        );
    }

    #[test]
    fn r12_what_is_so_already_or_is_no_entity_is_refused() {
        let mut story = Story::begun();
        let mut refused = |command| story.company(&command).map(|_| ()).unwrap_err().code;
        assert_eq!(refused(leave(AFFILIATE, None)), RefusalCode::EntityState);
        assert_eq!(refused(join(RecipientKind::Company)), RefusalCode::Invalid);
        assert_eq!(refused(join(RecipientKind::Customer)), RefusalCode::Invalid);
        story.company(&join(AFFILIATE)).unwrap();
        let again = story.company(&join(AFFILIATE)).unwrap_err();
        assert_eq!(
            (again.code, again.field.as_str()),
            (RefusalCode::EntityState, "kind")
        );
    }

    #[test]
    fn r5_a_planned_end_can_come_earlier_and_never_later() {
        let mut story = Story::begun();
        story.company(&join(AFFILIATE)).unwrap();
        let end = story.now.plus_hours(1000);
        story.company(&leave(AFFILIATE, Some(end))).unwrap();
        for later in [end, end.plus_hours(1)] {
            let refused = story.company(&leave(AFFILIATE, Some(later))).unwrap_err();
            assert_eq!(
                (refused.code, refused.field.as_str()),
                (RefusalCode::EntityState, "ends_at")
            );
        }
        let earlier = end.minus_hours(10);
        story.company(&leave(AFFILIATE, Some(earlier))).unwrap();
        assert_eq!(kinds(&story, earlier), RecipientKinds::NONE);
    }
}
