//! From a decided event to its line.

use super::{Intent, SubmitError};
use crate::codec::{self, Encoded};
use crate::domain::company::CompanyEvent;
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

/// What a command's records say, each of the same subject.
#[derive(Clone, Copy)]
pub enum Said<'a> {
    Of(Pseudonym, &'a [Event]),
    OfCompany(&'a [CompanyEvent]),
}

impl Said<'_> {
    pub fn count(&self) -> usize {
        match self {
            Self::Of(_, events) => events.len(),
            Self::OfCompany(events) => events.len(),
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::Of(customer, _) => Subject::Customer(customer.0),
            Self::OfCompany(_) => Subject::Ledger,
        }
    }

    /// The stored form of the `index`-th, with its personal fields sealed.
    fn stored(
        &self,
        index: usize,
        vault: &Vault,
        position: u64,
    ) -> Result<(Encoded, Vec<Sealed>), SubmitError> {
        let failed = |problem: String| SubmitError::Failed(problem);
        let missing = || failed("an event of the command is missing".to_owned());
        match self {
            Self::Of(customer, events) => {
                let event = events.get(index).ok_or_else(missing)?;
                let mut personal: Vec<(&'static str, Personal)> = Vec::new();
                let encoded = codec::encode(event, &mut |field, text| {
                    personal.push((field, text.clone()))
                })
                .map_err(|error| failed(error.to_string()))?;
                let seal = |(field, text): &(&'static str, Personal)| {
                    let text = text.expose().as_bytes();
                    let parts = vault.seal(*customer, position, field, text)?;
                    Ok(Sealed {
                        field: (*field).to_owned(),
                        commitment: parts.commitment,
                        ciphertext: parts.ciphertext,
                    })
                };
                let sealed = personal.iter().map(seal);
                Ok((encoded, sealed.collect::<Result<_, SubmitError>>()?))
            }
            Self::OfCompany(events) => {
                let event = events.get(index).ok_or_else(missing)?;
                let encoded =
                    codec::encode_company(event).map_err(|error| failed(error.to_string()))?;
                Ok((encoded, Vec::new()))
            }
        }
    }
}

/// The record of one of a command's events; `request` only on its first.
pub fn record(
    vault: &Vault,
    policy: &Policy,
    intent: &Intent,
    said: &Said<'_>,
    place: &Place,
    request: Option<[u8; 16]>,
) -> Result<Record, SubmitError> {
    let index = usize::from(place.part.index).saturating_sub(1);
    let (encoded, sealed) = said.stored(index, vault, place.position)?;
    Ok(Record {
        position: place.position,
        recorded_at: Timestamp(place.recorded_at.0),
        occurred_at: intent.occurred_at.map(|at| Timestamp(at.0)),
        subject: said.subject(),
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
