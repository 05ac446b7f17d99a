//! What commands are answered with (C1).

use super::lists::Listed;
use super::notices::wire_clock;
use super::rulings::{Detail, Evaluated, bare_reason, ruling};
use super::values::{numbers, timestamp};
use crate::domain::rulebook::Rulebook;
use crate::proto::v1 as wire;
use crate::proto::v1::submit_response::Answer as InStream;
use crate::sequencer::{Answer, Outcome};

/// The receipt of a command.
pub fn receipt(answer: &Answer) -> Option<wire::CommandReceipt> {
    Some(wire::CommandReceipt {
        pseudonym: (answer.customer).map_or_else(String::new, |customer| customer.to_string()),
        first_position: answer.first.0,
        position: answer.position.0,
        customer_version: answer.version,
        recorded_at: Some(timestamp(answer.recorded_at)),
        repeated: answer.repeated,
    })
}

/// Makes the responses that are a receipt and nothing more.
macro_rules! bare_receipts {
    ($($name:ident -> $response:ident;)+) => {$(
        /// A receipt.
        pub fn $name(answer: &Answer, _: &Rulebook, _: bool) -> Option<wire::$response> {
            Some(wire::$response { receipt: receipt(answer) })
        }
    )+};
}

bare_receipts! {
    account_opened -> OpenAccountResponse;
    services_changed -> ChangeServicesResponse;
    notice_recorded -> RecordNoticeResponse;
    granted_once -> GrantOnceResponse;
    evidence_supplied -> SupplyEvidenceResponse;
    call_ended -> EndCallResponse;
    gag_order_lifted -> LiftGagOrderResponse;
    entity_joined -> RecordEntityJoinedResponse;
    entity_left -> RecordEntityLeftResponse;
    legal_hold_placed -> PlaceLegalHoldResponse;
    legal_hold_released -> ReleaseLegalHoldResponse;
    policy_published -> PublishPolicyResponse;
    policy_posted -> RecordPolicyPostedResponse;
    campaign_proposed -> ProposeCampaignResponse;
    campaign_decided -> DecideCampaignResponse;
    campaign_started -> StartCampaignResponse;
    campaign_closed -> CloseCampaignResponse;
    requests_sent -> RecordRequestsSentResponse;
    breach_recorded -> RecordBreachResponse;
    breach_summary_recorded -> RecordBreachSummaryResponse;
    opt_out_failure_recorded -> RecordOptOutFailureResponse;
    complaint_recorded -> RecordComplaintResponse;
    broker_action_recorded -> RecordBrokerActionResponse;
    person_recorded -> RecordPersonResponse;
    certificate_recorded -> RecordCertificateResponse;
    contacts_requested -> RequestContactsResponse;
    contacts_set -> SetContactsResponse;
    contact_added -> AddContactResponse;
    contact_removed -> RemoveContactResponse;
    contact_unreachable -> RecordContactUnreachableResponse;
    reach_associated -> AssociateReachResponse;
    reach_dissociated -> DissociateReachResponse;
    mail_issued -> IssueMailResponse;
    lock_lifted -> LiftLockResponse;
    challenge_set -> SetChallengeResponse;
    online_account_changed -> ChangeOnlineAccountResponse;
    change_notice_recorded -> RecordChangeNoticeResponse;
    exemption_leg_begun -> BeginExemptionLegResponse;
    exemption_leg_ended -> EndExemptionLegResponse;
    ticket_opened -> OpenTicketResponse;
    sim_change_step_recorded -> RecordSimChangeStepResponse;
    sim_locked -> LockSimResponse;
    sim_lock_lifted -> LiftSimLockResponse;
    template_approved -> ApproveNoticeTemplateResponse;
    email_agreed -> RecordEmailConsentResponse;
    email_revoked -> RevokeEmailConsentResponse;
    affiliate_began -> RecordAffiliateBeganResponse;
    affiliate_ended -> RecordAffiliateEndedResponse;
}

/// A notice on record, with its clock.
pub fn notice_sent(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::RecordNoticeSentResponse> {
    let Outcome::NoticeSent { clock } = &answer.outcome else {
        return None;
    };
    Some(wire::RecordNoticeSentResponse {
        receipt: receipt(answer),
        opt_out: clock.as_ref().map(wire_clock),
    })
}

/// What became of a notice, and what that voids.
pub fn notice_outcome(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::RecordNoticeOutcomeResponse> {
    let Outcome::NoticeReported { voids_since } = &answer.outcome else {
        return None;
    };
    Some(wire::RecordNoticeOutcomeResponse {
        receipt: receipt(answer),
        voids_since: voids_since.map(timestamp),
    })
}

/// Words on record, and the blocks that still stand.
pub fn spoken(answer: &Answer, _: &Rulebook, _: bool) -> Option<wire::RecordConsentResponse> {
    let Outcome::Spoken { still_blocked_by } = &answer.outcome else {
        return None;
    };
    Some(wire::RecordConsentResponse {
        receipt: receipt(answer),
        still_blocked_by: numbers(still_blocked_by),
    })
}

/// A disclosure on record, made or refused.
pub fn disclosed(
    answer: &Answer,
    rulebook: &Rulebook,
    texts: bool,
) -> Option<wire::DiscloseResponse> {
    use wire::disclose_response::Outcome as Wire;

    let outcome = match &answer.outcome {
        Outcome::Disclosed { relied_on } => Wire::Made(wire::DisclosureAllowed {
            relied_on: numbers(relied_on),
        }),
        Outcome::DisclosureRefused { reasons } => {
            let reason = |code| bare_reason(code, rulebook, texts);
            Wire::Refused(wire::DisclosureDenied {
                reasons: reasons.iter().copied().map(reason).collect(),
            })
        }
        Outcome::Done
        | Outcome::Spoken { .. }
        | Outcome::Ruled(_)
        | Outcome::Asserted { .. }
        | Outcome::NoticeSent { .. }
        | Outcome::NoticeReported { .. }
        | Outcome::Erased { .. }
        | Outcome::ErasureRefused { .. }
        | Outcome::SimChangeAsked { .. }
        | Outcome::Attempted { .. } => return None,
    };
    Some(wire::DiscloseResponse {
        receipt: receipt(answer),
        outcome: Some(outcome),
    })
}

/// How an attempt of a caller ended.
struct Attempt {
    succeeded: bool,
    locked: bool,
    ends_at: Option<prost_types::Timestamp>,
}

fn attempt(answer: &Answer) -> Option<Attempt> {
    match answer.outcome {
        Outcome::Attempted {
            succeeded,
            locked,
            ends_at,
        } => Some(Attempt {
            succeeded,
            locked,
            ends_at: ends_at.map(timestamp),
        }),
        _ => None,
    }
}

/// A verification on record.
pub fn verification_opened(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::OpenVerificationResponse> {
    let attempt = attempt(answer)?;
    Some(wire::OpenVerificationResponse {
        receipt: receipt(answer),
        ends_at: attempt.ends_at,
    })
}

/// A password or PIN, compared.
pub fn secret_verified(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::VerifySecretResponse> {
    let attempt = attempt(answer)?;
    Some(wire::VerifySecretResponse {
        receipt: receipt(answer),
        verified: attempt.succeeded,
        ends_at: attempt.ends_at,
        locked: attempt.locked,
    })
}

/// A new password or PIN, accepted or not; one answer for every reason why not (P12).
pub fn credential_established(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::EstablishCredentialResponse> {
    let attempt = attempt(answer)?;
    Some(wire::EstablishCredentialResponse {
        receipt: receipt(answer),
        accepted: attempt.succeeded,
    })
}

/// Answers to the back-up questions, compared.
pub fn challenge_answered(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::AnswerChallengeResponse> {
    let attempt = attempt(answer)?;
    Some(wire::AnswerChallengeResponse {
        receipt: receipt(answer),
        passed: attempt.succeeded,
        ends_at: attempt.ends_at,
        locked: attempt.locked,
    })
}

/// A SIM change that was asked for, taken up or refused.
pub fn sim_change_requested(
    answer: &Answer,
    _: &Rulebook,
    _: bool,
) -> Option<wire::RequestSimChangeResponse> {
    let Outcome::SimChangeAsked { refused } = answer.outcome else {
        return None;
    };
    Some(wire::RequestSimChangeResponse {
        receipt: receipt(answer),
        accepted: refused.is_none(),
        refusal: refused.map_or(0, |why| why.number()),
    })
}

/// A ruling on record.
pub fn ruled(answer: &Answer, rulebook: &Rulebook, texts: bool) -> Option<wire::CheckUseResponse> {
    let Outcome::Ruled(ruled) = &answer.outcome else {
        return None;
    };
    let evaluated = Evaluated {
        rulebook,
        at: answer.recorded_at,
        position: answer.position,
        detail: Detail::with(texts),
    };
    Some(wire::CheckUseResponse {
        ruling: Some(ruling(ruled, &evaluated)),
        receipt: receipt(answer),
    })
}

/// Each response as it comes in a stream of commands.
macro_rules! in_stream {
    ($($response:ident = $variant:ident;)+) => {$(
        impl From<wire::$response> for InStream {
            fn from(response: wire::$response) -> Self {
                Self::$variant(response)
            }
        }
    )+};
}

in_stream! {
    OpenAccountResponse = OpenAccount;
    ChangeServicesResponse = ChangeServices;
    RecordNoticeResponse = RecordNotice;
    RecordConsentResponse = RecordConsent;
    GrantOnceResponse = GrantOnce;
    EndCallResponse = EndCall;
    DiscloseResponse = Disclose;
    CheckUseResponse = CheckUse;
}
