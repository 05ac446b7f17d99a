//! From a decided event to its line.

use super::{Intent, SubmitError};
use crate::codec;
use crate::domain::event::Event;
use crate::domain::ids::{Personal, Pseudonym};
use crate::domain::time::Time;
use crate::ledger::{Actor, Hash, Part, Policy, Record, Sealed, Subject, Timestamp};
use crate::vault::Vault;

/// Where a record stands.
pub struct Place {
    pub position: u64,
    pub prev: Hash,
    pub version: u64,
    pub part: Part,
    pub recorded_at: Time,
}

/// The record of one of a command's events; `request` only on its first.
pub fn record(
    vault: &Vault,
    policy: &Policy,
    intent: &Intent,
    customer: Pseudonym,
    event: &Event,
    place: &Place,
    request: Option<[u8; 16]>,
) -> Result<Record, SubmitError> {
    let mut personal: Vec<(&'static str, Personal)> = Vec::new();
    let encoded = codec::encode(event, &mut |field, text| {
        personal.push((field, text.clone()))
    })
    .map_err(|error| SubmitError::Failed(error.to_string()))?;
    let sealed = personal
        .iter()
        .map(|(field, text)| {
            let parts = vault.seal(customer, place.position, field, text.expose().as_bytes())?;
            Ok(Sealed {
                field: (*field).to_owned(),
                commitment: parts.commitment,
                ciphertext: parts.ciphertext,
            })
        })
        .collect::<Result<Vec<_>, SubmitError>>()?;
    Ok(Record {
        position: place.position,
        recorded_at: Timestamp(place.recorded_at.0),
        occurred_at: intent.occurred_at.map(|at| Timestamp(at.0)),
        subject: Subject::Customer(customer.0),
        version: place.version,
        kind: encoded.kind.to_owned(),
        part: place.part,
        actor: Actor {
            service: intent.caller.service.clone(),
            role: intent.caller.role.clone(),
            channel: Some(intent.channel.name().to_owned()),
            person: intent.person.map(|person| person.0),
        },
        policy: policy.clone(),
        data: encoded.data,
        sealed,
        request_mac: request,
        prev: place.prev,
    })
}
