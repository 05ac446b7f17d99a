//! Events about the company, area by area: `entity.*.v1` and so on.

use super::{DecodeError, EncodeError, Encoded, of};
use crate::domain::company::CompanyEvent;

mod entities {
    use crate::codec::areas::stored_events;
    use crate::domain::company::entities::EntityEvent;

    stored_events! {
        EntityEvent {
            Joined = "entity.joined.v1",
            Left = "entity.left.v1",
        }
    }
}

mod policies {
    use crate::codec::areas::stored_events;
    use crate::domain::company::policies::PolicyEvent;

    stored_events! {
        PolicyEvent {
            Published = "policy.published.v1",
            Posted = "policy.posted.v1",
        }
    }
}

/// Every event type about the company, area by area.
pub const KINDS: &[&[&str]] = &[entities::KINDS, policies::KINDS];

/// The stored form of an event about the company; nothing in it is personal.
///
/// # Errors
/// When the event can't be written as JSON.
pub fn encode(event: &CompanyEvent) -> Result<Encoded, EncodeError> {
    let nothing = &mut |_: &'static str, _: &crate::domain::ids::Personal| {};
    match event {
        CompanyEvent::Entities(event) => entities::encode(event, nothing),
        CompanyEvent::Policies(event) => policies::encode(event, nothing),
    }
}

/// The event about the company that `data` of type `kind` hold.
///
/// # Errors
/// An unknown type, or data that are not of the type's shape.
pub fn decode(kind: &str, data: &str) -> Result<CompanyEvent, DecodeError> {
    let nothing = &|_: &str| None;
    let entities = || {
        of(
            entities::decode(kind, data, nothing),
            CompanyEvent::Entities,
        )
    };
    let policies = || {
        of(
            policies::decode(kind, data, nothing),
            CompanyEvent::Policies,
        )
    };
    entities()
        .or_else(policies)
        .unwrap_or_else(|| Err(DecodeError::UnknownType(kind.to_owned())))
}
