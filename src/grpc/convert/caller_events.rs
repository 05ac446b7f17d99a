//! Records of how callers are verified, as readers see them (P11 to P14, F14 to F17).

use super::callers::{wire_authority, wire_reach};
use super::lists::Listed;
use super::questions::hex;
use super::scopes::text;
use super::values::timestamp;
use crate::domain::authentication::AuthenticationEvent as Event;
use crate::domain::authentication::change_notices::{ChangeNoticeSent, NoticeTarget};
use crate::domain::authentication::exemption::LegBegun;
use crate::domain::authentication::portions::Checks;
use crate::domain::authentication::verification::{Identified, VerificationOpened};
use crate::proto::v1 as wire;
use wire::authentication_event::Event as Wire;

/// The event on the wire; sealed texts where `texts`.
pub fn wire_event(event: &Event, texts: bool) -> wire::AuthenticationEvent {
    let event = credential_event(event)
        .or_else(|| challenge_event(event))
        .or_else(|| account_event(event, texts))
        .or_else(|| sim_event(event));
    wire::AuthenticationEvent { event }
}

fn credential_event(event: &Event) -> Option<Wire> {
    Some(match event {
        Event::VerificationOpened(opened) => Wire::VerificationOpened(verification(opened)),
        Event::MailIssued(mailed) => Wire::MailIssued(wire::MailIssuedEvent {
            address: Some(wire_reach(&mailed.address)),
        }),
        Event::Established(set) => Wire::CredentialEstablished(wire::CredentialEstablishedEvent {
            kind: set.kind.number(),
            version: set.version,
            checks: Some(checks(&set.checks)),
            authority: Some(wire_authority(&set.authority)),
            notice_due_at: set.notice_due_at.map(timestamp),
        }),
        Event::EstablishRefused(refused) => Wire::CredentialRefused(wire::CredentialRefusedEvent {
            kind: refused.kind.number(),
            checks: Some(checks(&refused.checks)),
            authority: Some(wire_authority(&refused.authority)),
        }),
        Event::CheckFailed(failed) => Wire::CheckFailed(wire::CheckFailedEvent {
            identified: Some(identified(&failed.identified)),
        }),
        Event::Locked(locked) => Wire::Locked(wire::CredentialLockedEvent {
            after: locked.after.number(),
            attempts: locked.attempts.into(),
        }),
        Event::Unlocked(lifted) => Wire::Unlocked(wire::CredentialUnlockedEvent {
            authority: Some(wire_authority(&lifted.authority)),
        }),
        _ => return None,
    })
}

fn challenge_event(event: &Event) -> Option<Wire> {
    Some(match event {
        Event::ChallengeSet(set) => Wire::ChallengeSet(wire::ChallengeSetEvent {
            questions: set.questions.iter().map(ToString::to_string).collect(),
            authority: Some(wire_authority(&set.authority)),
            notice_due_at: set.notice_due_at.map(timestamp),
        }),
        Event::ChallengePassed(passed) => Wire::ChallengePassed(wire::ChallengePassedEvent {
            contact_token: hex(passed.caller.person()),
            call_token: passed.call.to_string(),
            ends_at: Some(timestamp(passed.ends_at)),
        }),
        Event::ChallengeFailed(failed) => Wire::ChallengeFailed(wire::ChallengeFailedEvent {
            contact_token: hex(failed.caller.person()),
            call_token: failed.call.to_string(),
        }),
        _ => return None,
    })
}

fn account_event(event: &Event, texts: bool) -> Option<Wire> {
    Some(match event {
        Event::Associated(joined) => Wire::Associated(wire::ReachAssociatedEvent {
            reach: Some(wire_reach(&joined.reach)),
            text: text(joined.text.as_ref(), texts),
            replaces_token: hex(joined.replaces),
            authority: Some(wire_authority(&joined.authority)),
            notice_due_at: joined.notice_due_at.map(timestamp),
        }),
        Event::Dissociated(left) => Wire::Dissociated(wire::ReachDissociatedEvent {
            reach: Some(wire_reach(&left.reach)),
            authority: Some(wire_authority(&left.authority)),
            notice_due_at: left.notice_due_at.map(timestamp),
        }),
        Event::OnlineAccountChanged(changed) => {
            Wire::OnlineAccountChanged(wire::OnlineAccountChangedEvent {
                authority: Some(wire_authority(&changed.authority)),
                notice_due_at: changed.notice_due_at.map(timestamp),
            })
        }
        Event::ChangeNoticeSent(sent) => Wire::ChangeNoticeSent(change_notice(sent)),
        Event::LegBegun(begun) => Wire::LegBegun(leg(begun, texts)),
        Event::LegEnded(ended) => Wire::LegEnded(wire::ExemptionLegEndedEvent {
            leg: ended.leg.number(),
            ends_at: Some(timestamp(ended.ends_at)),
        }),
        Event::TicketOpened(opened) => Wire::TicketOpened(wire::TicketOpenedEvent {
            condition: opened.condition.number(),
            ticket: text(opened.ticket.as_ref(), texts),
            verification_position: opened
                .verification
                .map(|record| record.0)
                .unwrap_or_default(),
        }),
        _ => return None,
    })
}

fn sim_event(event: &Event) -> Option<Wire> {
    Some(match event {
        Event::SimChangeRequested(asked) => {
            Wire::SimChangeRequested(wire::SimChangeRequestedEvent {
                number_token: asked.number.to_string(),
                authority: asked.authority.as_ref().map(wire_authority),
                notice_due_at: asked.notice_due_at.map(timestamp),
            })
        }
        Event::SimChangeRefused(refused) => Wire::SimChangeRefused(wire::SimChangeRefusedEvent {
            number_token: refused.number.to_string(),
            refusal: refused.why.number(),
        }),
        Event::SimStepTaken(taken) => Wire::SimChangeStep(wire::SimChangeStepEvent {
            request_position: taken.request.0,
            step: taken.step.number(),
        }),
        Event::SimLockSet(set) => Wire::SimLockSet(wire::SimLockSetEvent {
            authority: Some(wire_authority(&set.authority)),
        }),
        Event::SimLockLifted(lifted) => Wire::SimLockLifted(wire::SimLockLiftedEvent {
            authority: Some(wire_authority(&lifted.authority)),
        }),
        _ => return None,
    })
}

fn verification(opened: &VerificationOpened) -> wire::VerificationOpenedEvent {
    wire::VerificationOpenedEvent {
        identified: Some(identified(&opened.identified)),
        method: opened.by.number(),
        number_token: hex(opened.number),
        prompted: opened.prompted,
        ends_at: Some(timestamp(opened.ends_at)),
    }
}

fn identified(identified: &Identified) -> wire::RecordedIdentified {
    wire::RecordedIdentified {
        contact_token: hex(identified.caller.person()),
        purpose: identified.purpose.number(),
        call_token: identified.call.to_string(),
    }
}

fn checks(checks: &Checks) -> wire::CredentialChecks {
    wire::CredentialChecks {
        form: checks.form.number(),
        social_security_number: checks.social_security_number.number(),
        mothers_maiden_name: checks.mothers_maiden_name.number(),
        telephone_number: checks.telephone_number.number(),
        pet_name: checks.pet_name.number(),
    }
}

fn change_notice(sent: &ChangeNoticeSent) -> wire::ChangeNoticeSentEvent {
    let (reach, contact) = match &sent.to {
        NoticeTarget::OfRecord(reach) => (Some(wire_reach(reach)), None),
        NoticeTarget::Contact(person) => (None, Some(*person)),
        NoticeTarget::Nobody => (None, None),
    };
    wire::ChangeNoticeSentEvent {
        change_position: sent.change.0,
        change: sent.what.number(),
        sent_by: sent.channel.map(Listed::number).unwrap_or_default(),
        nobody: sent.to == NoticeTarget::Nobody,
        reach,
        contact_token: hex(contact),
        due_at: Some(timestamp(sent.due_at)),
    }
}

fn leg(begun: &LegBegun, texts: bool) -> wire::ExemptionLegBegunEvent {
    wire::ExemptionLegBegunEvent {
        leg: begun.leg.number(),
        representative_token: hex(begun.representative),
        contract: text(begun.contract.as_ref(), texts),
        contract_digest: begun
            .contract_digest
            .map(|digest| digest.0.to_vec())
            .unwrap_or_default(),
        addresses_cpni: begun.addresses_cpni,
        ends_at: begun.ends_at.map(timestamp),
    }
}
