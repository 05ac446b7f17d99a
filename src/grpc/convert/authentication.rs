//! How callers are verified: commands, and what there is (P11 to P14, F14 to F17).

use super::callers::{authority, call, caller, identified, person, reach, reach_value};
use super::commands::command_requests;
use super::lists::{Listed, member};
use super::values::{
    self, at_most, entity, optional_digest, optional_personal, optional_time, outside_id,
    required_time, timestamp,
};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::authentication::AuthenticationCommand as Asked;
use crate::domain::authentication::challenge::{AnswerChallenge, QUESTIONS_MAX, SetChallenge};
use crate::domain::authentication::change_notices::{DueNotice, NoticeTarget, SendChangeNotice};
use crate::domain::authentication::credentials::{
    CheckSecret, Credential, EstablishCredential, LiftLock,
};
use crate::domain::authentication::exemption::{EndLeg, LegBegun};
use crate::domain::authentication::of_record::{Associate, Dissociate, OfRecord, ReachKind};
use crate::domain::authentication::sim_changes::{RequestSimChange, SimChange, SimStepTaken};
use crate::domain::authentication::tickets::OpenTicket;
use crate::domain::authentication::verification::{
    IssueMail, Means, OpenVerification, Verification,
};
use crate::domain::command::Command;
use crate::domain::ids::{Personal, Position, Sha256Digest};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

type Converted = Result<(SubjectRef, Command), Malformed>;

command_requests! {
    AssociateReachRequest => AssociateReachResponse = "/consent.v1.AuthenticationService/AssociateReach":
        associate, answers::reach_associated;
    DissociateReachRequest => DissociateReachResponse = "/consent.v1.AuthenticationService/DissociateReach":
        dissociate, answers::reach_dissociated;
    OpenVerificationRequest => OpenVerificationResponse = "/consent.v1.AuthenticationService/OpenVerification":
        open_verification, answers::verification_opened;
    VerifySecretRequest => VerifySecretResponse = "/consent.v1.AuthenticationService/VerifySecret":
        verify_secret, answers::secret_verified;
    IssueMailRequest => IssueMailResponse = "/consent.v1.AuthenticationService/IssueMail":
        issue_mail, answers::mail_issued;
    EstablishCredentialRequest => EstablishCredentialResponse = "/consent.v1.AuthenticationService/EstablishCredential":
        establish, answers::credential_established;
    LiftLockRequest => LiftLockResponse = "/consent.v1.AuthenticationService/LiftLock":
        lift_lock, answers::lock_lifted;
    SetChallengeRequest => SetChallengeResponse = "/consent.v1.AuthenticationService/SetChallenge":
        set_challenge, answers::challenge_set;
    AnswerChallengeRequest => AnswerChallengeResponse = "/consent.v1.AuthenticationService/AnswerChallenge":
        answer_challenge, answers::challenge_answered;
    ChangeOnlineAccountRequest => ChangeOnlineAccountResponse = "/consent.v1.AuthenticationService/ChangeOnlineAccount":
        change_online_account, answers::online_account_changed;
    RecordChangeNoticeRequest => RecordChangeNoticeResponse = "/consent.v1.AuthenticationService/RecordChangeNotice":
        record_change_notice, answers::change_notice_recorded;
    BeginExemptionLegRequest => BeginExemptionLegResponse = "/consent.v1.AuthenticationService/BeginExemptionLeg":
        begin_leg, answers::exemption_leg_begun;
    EndExemptionLegRequest => EndExemptionLegResponse = "/consent.v1.AuthenticationService/EndExemptionLeg":
        end_leg, answers::exemption_leg_ended;
    OpenTicketRequest => OpenTicketResponse = "/consent.v1.AuthenticationService/OpenTicket":
        open_ticket, answers::ticket_opened;
    RequestSimChangeRequest => RequestSimChangeResponse = "/consent.v1.AuthenticationService/RequestSimChange":
        request_sim_change, answers::sim_change_requested;
    RecordSimChangeStepRequest => RecordSimChangeStepResponse = "/consent.v1.AuthenticationService/RecordSimChangeStep":
        record_sim_change_step, answers::sim_change_step_recorded;
    LockSimRequest => LockSimResponse = "/consent.v1.AuthenticationService/LockSim":
        lock_sim, answers::sim_locked;
    LiftSimLockRequest => LiftSimLockResponse = "/consent.v1.AuthenticationService/LiftSimLock":
        lift_sim_lock, answers::sim_lock_lifted;
}

fn about(customer: Option<wire::CustomerRef>, asked: Asked) -> Converted {
    Ok((values::customer(customer)?, Command::Authentication(asked)))
}

fn associate(given: wire::AssociateReachRequest, tokens: Tokens<'_>) -> Converted {
    let text = match (&given.reach, given.keep_text) {
        (Some(reach), true) => Some(Personal::new(reach.value.clone())),
        _ => None,
    };
    let reach = reach("reach", given.reach, tokens)?;
    let replaces = match given.replaces.as_str() {
        "" => None,
        old => Some(reach_value("replaces", reach.kind, old, tokens)?),
    };
    let command = Associate {
        reach,
        text,
        replaces,
        authority: authority("authority", given.authority, tokens)?,
    };
    about(given.customer, Asked::Associate(command))
}

fn dissociate(given: wire::DissociateReachRequest, tokens: Tokens<'_>) -> Converted {
    let command = Dissociate {
        reach: reach("reach", given.reach, tokens)?,
        authority: authority("authority", given.authority, tokens)?,
    };
    about(given.customer, Asked::Dissociate(command))
}

fn open_verification(given: wire::OpenVerificationRequest, tokens: Tokens<'_>) -> Converted {
    use wire::open_verification_request::Means as Given;

    let must_be_true = |field: &str| Malformed::invalid(field, "must be true or unset");
    let means = match given.means {
        None => Err(Malformed::invalid(
            "means",
            "must be one of call_back, photo_id, online_account, business_contract",
        )),
        Some(Given::CallBack(back)) => {
            let parse = || {
                let kind = ReachKind::TelephoneNumber;
                Ok(Means::CallBack {
                    number: reach_value("number", kind, &back.number, tokens)?,
                    asked_at: required_time("asked_at", back.asked_at.as_ref())?,
                })
            };
            parse().within("call_back")
        }
        Some(Given::PhotoId(id)) => Ok(Means::PhotoId {
            valid: id.valid,
            matches: id.matches,
        }),
        Some(Given::OnlineAccount(true)) => Ok(Means::OnlineAccount),
        Some(Given::OnlineAccount(false)) => Err(must_be_true("online_account")),
        Some(Given::BusinessContract(true)) => Ok(Means::BusinessContract),
        Some(Given::BusinessContract(false)) => Err(must_be_true("business_contract")),
    };
    let command = OpenVerification {
        identified: identified(given.identified, tokens)?,
        means: means?,
    };
    about(given.customer, Asked::OpenVerification(command))
}

/// The secret is taken out before, and compared after: here is everything else.
fn verify_secret(given: wire::VerifySecretRequest, tokens: Tokens<'_>) -> Converted {
    let command = CheckSecret {
        identified: identified(given.identified, tokens)?,
        compared: None,
        prompted: given.prompted,
    };
    about(given.customer, Asked::Check(command))
}

fn issue_mail(given: wire::IssueMailRequest, tokens: Tokens<'_>) -> Converted {
    let command = IssueMail {
        address: reach("address", given.address, tokens)?,
    };
    about(given.customer, Asked::IssueMail(command))
}

/// The secret is taken out before, and weighed after: here is everything else.
fn establish(given: wire::EstablishCredentialRequest, tokens: Tokens<'_>) -> Converted {
    let command = EstablishCredential {
        kind: member("kind", given.kind)?,
        authority: authority("authority", given.authority, tokens)?,
        weighed: None,
    };
    about(given.customer, Asked::Establish(command))
}

fn lift_lock(given: wire::LiftLockRequest, tokens: Tokens<'_>) -> Converted {
    let authority = authority("authority", given.authority, tokens)?;
    about(given.customer, Asked::LiftLock(LiftLock { authority }))
}

/// The answers are taken out before, and hashed after: here is everything else.
fn set_challenge(given: wire::SetChallengeRequest, tokens: Tokens<'_>) -> Converted {
    at_most("answers", given.answers.len(), QUESTIONS_MAX)?;
    let question = |(index, answer): (usize, &wire::ChallengeAnswer)| {
        entity("question", &answer.question).within_item("answers", index)
    };
    let questions = given.answers.iter().enumerate().map(question);
    let command = SetChallenge {
        questions: questions.collect::<Result<_, _>>()?,
        place: None,
        authority: authority("authority", given.authority, tokens)?,
    };
    about(given.customer, Asked::SetChallenge(command))
}

/// The answers are taken out before, and compared after: here is everything else.
fn answer_challenge(given: wire::AnswerChallengeRequest, tokens: Tokens<'_>) -> Converted {
    let command = AnswerChallenge {
        caller: caller(given.caller, tokens)?,
        call: call(&given.call_id, tokens)?,
        compared: None,
    };
    about(given.customer, Asked::AnswerChallenge(command))
}

fn change_online_account(given: wire::ChangeOnlineAccountRequest, tokens: Tokens<'_>) -> Converted {
    let authority = authority("authority", given.authority, tokens)?;
    about(given.customer, Asked::ChangeOnlineAccount(authority))
}

fn record_change_notice(given: wire::RecordChangeNoticeRequest, tokens: Tokens<'_>) -> Converted {
    use wire::record_change_notice_request::To;

    let to = match given.to {
        None => Err(Malformed::invalid(
            "to",
            "must name a number or an address, or a contact",
        )),
        Some(To::Reach(given)) => reach("reach", Some(given), tokens).map(NoticeTarget::OfRecord),
        Some(To::Contact(id)) => person("contact", &id, tokens).map(NoticeTarget::Contact),
        Some(To::Nobody(true)) => Ok(NoticeTarget::Nobody),
        Some(To::Nobody(false)) => Err(Malformed::invalid("nobody", "must be true or unset")),
    };
    let is_unsaid = given.sent_by == i32::from(wire::Channel::Unspecified);
    let command = SendChangeNotice {
        change: Position(given.change_position),
        channel: match to {
            Ok(NoticeTarget::Nobody) if is_unsaid => None,
            _ => Some(member("sent_by", given.sent_by)?),
        },
        to: to?,
    };
    about(given.customer, Asked::SendChangeNotice(command))
}

fn begin_leg(given: wire::BeginExemptionLegRequest, tokens: Tokens<'_>) -> Converted {
    let representative = match given.representative.as_str() {
        "" => None,
        id => Some(tokens("person", outside_id("representative", id)?)),
    };
    let digest = optional_digest("contract_digest", &given.contract_digest)?;
    let command = LegBegun {
        leg: member("leg", given.leg)?,
        representative,
        contract: optional_personal("contract", given.contract)?,
        contract_digest: digest.map(Sha256Digest),
        addresses_cpni: given.addresses_cpni,
        ends_at: optional_time("ends_at", given.ends_at.as_ref())?,
    };
    about(given.customer, Asked::BeginLeg(command))
}

fn end_leg(given: wire::EndExemptionLegRequest, _: Tokens<'_>) -> Converted {
    let leg = member("leg", given.leg)?;
    about(given.customer, Asked::EndLeg(EndLeg { leg }))
}

fn open_ticket(given: wire::OpenTicketRequest, tokens: Tokens<'_>) -> Converted {
    let ticket = optional_personal("ticket", given.ticket)?;
    let verification = match given.verification {
        None => None,
        Some(cited) => {
            let call = call(&cited.call_id, tokens).within("verification")?;
            Some((Position(cited.position), call))
        }
    };
    let command = OpenTicket {
        condition: member("condition", given.condition)?,
        ticket: ticket.ok_or_else(|| Malformed::missing("ticket"))?,
        verification,
    };
    about(given.customer, Asked::OpenTicket(command))
}

fn request_sim_change(given: wire::RequestSimChangeRequest, tokens: Tokens<'_>) -> Converted {
    let kind = ReachKind::TelephoneNumber;
    let command = RequestSimChange {
        number: reach_value("number", kind, &given.number, tokens)?,
        authority: match given.authority {
            None => None,
            some => Some(authority("authority", some, tokens)?),
        },
    };
    about(given.customer, Asked::RequestSimChange(command))
}

fn record_sim_change_step(given: wire::RecordSimChangeStepRequest, _: Tokens<'_>) -> Converted {
    let command = SimStepTaken {
        request: Position(given.request_position),
        step: member("step", given.step)?,
    };
    about(given.customer, Asked::TakeSimStep(command))
}

fn lock_sim(given: wire::LockSimRequest, tokens: Tokens<'_>) -> Converted {
    let authority = authority("authority", given.authority, tokens)?;
    about(given.customer, Asked::LockSim(authority))
}

fn lift_sim_lock(given: wire::LiftSimLockRequest, tokens: Tokens<'_>) -> Converted {
    let authority = authority("authority", given.authority, tokens)?;
    about(given.customer, Asked::LiftSimLock(authority))
}

/// A SIM change that was asked for on the wire.
pub fn wire_sim_change(change: &SimChange) -> wire::RequestedSimChange {
    wire::RequestedSimChange {
        request_position: change.request.0,
        number_token: change.number.to_string(),
        requested_at: Some(timestamp(change.requested_at)),
        authenticated: change.authority.is_some(),
        told_at: change.told_at.map(timestamp),
        step: change.step.map(Listed::number).unwrap_or_default(),
    }
}

/// The password or PIN in force on the wire.
pub fn wire_credential(credential: &Credential) -> wire::CredentialStatus {
    wire::CredentialStatus {
        kind: credential.kind.number(),
        version: credential.version,
        position: credential.position.0,
        since: Some(timestamp(credential.since)),
    }
}

/// A number or an address that belongs to the account on the wire.
pub fn wire_of_record(one: &OfRecord, of_record_days: u32) -> wire::AssociatedReach {
    wire::AssociatedReach {
        kind: one.reach.kind.number(),
        value_token: one.reach.value.to_string(),
        position: one.position.0,
        since: Some(timestamp(one.since)),
        of_record_at: Some(timestamp(one.matures_at(of_record_days))),
    }
}

/// A verification that stands on the wire.
pub fn wire_verification(one: &Verification) -> wire::StandingVerification {
    wire::StandingVerification {
        position: one.position.0,
        contact_token: super::questions::hex(one.caller.person()),
        purpose: one.purpose.number(),
        method: one.by.number(),
        call_token: one.call.to_string(),
        ends_at: Some(timestamp(one.ends_at)),
    }
}

/// A notification that is owed on the wire.
pub fn wire_due(
    due: &DueNotice,
    targets: &[&OfRecord],
    of_record_days: u32,
    now: Time,
) -> wire::DueChangeNotice {
    let target = |one: &&OfRecord| wire_of_record(one, of_record_days);
    wire::DueChangeNotice {
        change_position: due.change.0,
        change: due.what.number(),
        changed_at: Some(timestamp(due.changed_at)),
        due_at: Some(timestamp(due.due_at)),
        late: due.due_at <= now,
        targets: targets.iter().map(target).collect(),
        contact_token: super::questions::hex(due.contact),
    }
}
