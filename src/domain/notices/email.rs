//! The customer's express prior consent to notices by e-mail (F7, 64.2008(d)(3)(i)).

use serde::{Deserialize, Serialize};

use super::NoticeEvent;
use crate::domain::customer::Customer;
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, Speaker};

/// The customer consents to notices by e-mail (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailAgreed {
    /// How it was said.
    pub medium: Medium,
    /// Who said it.
    pub speaker: Speaker,
    /// SHA-256 of the evidence: the consent must be verifiable.
    pub evidence_digest: Sha256Digest,
}

/// The customer takes the consent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailRevoked {
    /// The record of the consent.
    pub consent: Position,
}

/// A consent to e-mail as the state remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmailConsent {
    /// The record.
    pub position: Position,
    /// When the ledger recorded it.
    pub recorded_at: Time,
}

pub(super) fn decide(agreed: &EmailAgreed) -> Result<NoticeEvent, Refusal> {
    if agreed.speaker == Speaker::Other {
        return Err(Refusal::new(
            RefusalCode::VerificationRequired,
            "speaker",
            "only the account holder or the administrative contact consents to e-mail",
        ));
    }
    Ok(NoticeEvent::EmailAgreed(agreed.clone()))
}

pub(super) fn decide_revoke(customer: &Customer) -> Result<NoticeEvent, Refusal> {
    match customer.opt_out.as_ref().and_then(|opt_out| opt_out.email) {
        Some(consent) => Ok(NoticeEvent::EmailRevoked(EmailRevoked {
            consent: consent.position,
        })),
        None => Err(Refusal::new(
            RefusalCode::EmailConsentRequired,
            "",
            "no consent to e-mail is on record, so that none can be taken back",
        )),
    }
}

/// The record of the consent on which an e-mail sent at that instant rests.
pub(super) fn require(customer: &Customer, sent: Time) -> Result<Position, Refusal> {
    let consent = customer.opt_out.as_ref().and_then(|opt_out| opt_out.email);
    match consent.filter(|consent| consent.recorded_at <= sent) {
        Some(consent) => Ok(consent.position),
        None => Err(Refusal::new(
            RefusalCode::EmailConsentRequired,
            "delivery",
            "the customer had not consented to notices by e-mail when it was sent; record the consent first, or use another form",
        )),
    }
}
