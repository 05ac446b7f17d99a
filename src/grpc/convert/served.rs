//! Affiliates that serve the customer themselves (F1, R7).

use super::commands::command_requests;
use super::values::{self, entity, optional_time, timestamp};
use super::{Malformed, Tokens, answers};
use crate::domain::command::Command;
use crate::domain::rulebook::Rulebook;
use crate::domain::served::{AffiliateCommand, AffiliateEvent};
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    RecordAffiliateBeganRequest => RecordAffiliateBeganResponse = "/consent.v1.AccountService/RecordAffiliateBegan":
        began, answers::affiliate_began;
    RecordAffiliateEndedRequest => RecordAffiliateEndedResponse = "/consent.v1.AccountService/RecordAffiliateEnded":
        ended, answers::affiliate_ended;
}

fn began(
    given: wire::RecordAffiliateBeganRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = AffiliateCommand::Begin(entity("affiliate", &given.affiliate)?);
    Ok((customer, Command::Affiliates(command)))
}

fn ended(
    given: wire::RecordAffiliateEndedRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    let customer = values::customer(given.customer)?;
    let command = AffiliateCommand::End {
        affiliate: entity("affiliate", &given.affiliate)?,
        ends_at: optional_time("ends_at", given.ends_at.as_ref())?,
    };
    Ok((customer, Command::Affiliates(command)))
}

/// An event about an affiliate on the wire.
pub fn wire_event(event: &AffiliateEvent) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    match event {
        AffiliateEvent::Began(began) => Wire::AffiliateBegan(wire::AffiliateBeganEvent {
            affiliate: began.affiliate.to_string(),
        }),
        AffiliateEvent::Ended(ended) => Wire::AffiliateEnded(wire::AffiliateEndedEvent {
            affiliate: ended.affiliate.to_string(),
            ends_at: Some(timestamp(ended.ends_at)),
        }),
    }
}
