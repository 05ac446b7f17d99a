//! Entities: what is registered of them, and the list (R12).

use super::commands::command_requests;
use super::lists::{Listed, member};
use super::values::{entity, optional_time, timestamp};
use super::{Malformed, Tokens, answers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::entities::{
    Entity, EntityCommand, EntityEvent, EntityJoined, Membership,
};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RecordEntityJoinedRequest => RecordEntityJoinedResponse = "/consent.v1.EntityService/RecordEntityJoined":
        joined, answers::entity_joined;
    RecordEntityLeftRequest => RecordEntityLeftResponse = "/consent.v1.EntityService/RecordEntityLeft":
        left, answers::entity_left;
}

fn joined(
    given: wire::RecordEntityJoinedRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    Ok(about(EntityCommand::Join(EntityJoined {
        entity: entity("entity", &given.entity)?,
        kind: member("kind", given.kind)?,
        communications_related: given.communications_related,
    })))
}

fn left(
    given: wire::RecordEntityLeftRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    Ok(about(EntityCommand::Leave {
        entity: entity("entity", &given.entity)?,
        kind: member("kind", given.kind)?,
        ends_at: optional_time("ends_at", given.ends_at.as_ref())?,
    }))
}

fn about(command: EntityCommand) -> (SubjectRef, Command) {
    let command = Command::Company(CompanyCommand::Entities(command));
    (SubjectRef::Company, command)
}

/// An entity on the wire.
pub fn wire_entity(entity: &Entity) -> wire::RegisteredEntity {
    wire::RegisteredEntity {
        entity: entity.id.to_string(),
        memberships: entity.memberships.iter().map(membership).collect(),
    }
}

fn membership(membership: &Membership) -> wire::EntityMembership {
    wire::EntityMembership {
        kind: membership.kind.number(),
        communications_related: membership.communications_related,
        position: membership.position.0,
        starts_at: Some(timestamp(membership.starts_at)),
        ends_at: membership.ends_at.map(timestamp),
    }
}

/// An event about an entity on the wire.
pub fn wire_event(event: &EntityEvent) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    match event {
        EntityEvent::Joined(joined) => Wire::EntityJoined(wire::EntityJoinedEvent {
            entity: joined.entity.to_string(),
            kind: joined.kind.number(),
            communications_related: joined.communications_related,
        }),
        EntityEvent::Left(left) => Wire::EntityLeft(wire::EntityLeftEvent {
            entity: left.entity.to_string(),
            kind: left.kind.number(),
            ends_at: Some(timestamp(left.ends_at)),
        }),
    }
}
