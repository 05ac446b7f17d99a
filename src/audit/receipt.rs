//! Consent receipts: what a customer gets to keep of one consent (C8).
//!
//! A receipt is one JSON object with the members of the Kantara Initiative's Consent Receipt 1.1 at its top, the sections
//! of ISO/IEC TS 27560:2023 in `record`, `pii_processing`, `party_identification` and `event`, and what is particular to
//! CPNI in `cpni`. It says what was said, when and on which notice. It does *not* say whether the consent is valid now:
//! words said since, and the services held, decide that, and a check answers it.
//!
//! It holds no positions and no numbers that count: a customer could tell by them that something lies between that he may
//! not see (P7). The same consent gives the same receipt whenever it is asked for.

mod members;

use crate::domain::consent::word::{Granted, GrantedOnce, Statement};
use crate::domain::event::Event;
use crate::domain::ids::{EntityId, Pseudonym, Sha256Digest};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, RecipientKind};

/// The version of the receipts' own form.
pub const SCHEMA: &str = "consent-ledger-receipt-1";

/// Who answers for the processing: what receipts say of the company beside its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// The person or office to turn to.
    pub contact: String,
    /// Its postal address.
    pub address: String,
    /// Its e-mail address.
    pub email: String,
    /// Its telephone number.
    pub phone: String,
    /// Where its policy is posted.
    pub policy_url: String,
    /// Whose law it is, e.g. `US`.
    pub jurisdiction: String,
    /// Where the data are stored, e.g. `US`.
    pub storage_location: String,
}

/// A consent on record: a standing grant, or a one-time approval.
#[derive(Clone, Copy, Debug)]
pub struct Consent<'a> {
    /// What is granted.
    pub scope: &'a Scope,
    /// How it was said.
    pub statement: &'a Statement,
    /// One-time approvals: when it ends at the latest.
    pub ends_at: Option<Time>,
}

impl<'a> Consent<'a> {
    /// The consent that an event is; `None` for every other event.
    pub fn of(event: &'a Event) -> Option<Self> {
        match event {
            Event::Granted(Granted {
                scope, statement, ..
            }) => Some(Self {
                scope,
                statement,
                ends_at: None,
            }),
            Event::GrantedOnce(GrantedOnce { grant, ends_at, .. }) => Some(Self {
                scope: &grant.scope,
                statement: &grant.statement,
                ends_at: Some(*ends_at),
            }),
            _ => None,
        }
    }
}

/// The notice that a consent answers, whether it was given by its digest alone or sent by an approved template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CitedNotice {
    /// The version of its text.
    pub version: String,
    /// SHA-256 of its text.
    pub text_digest: Sha256Digest,
    /// The form.
    pub form: Medium,
    /// Language as a BCP 47 tag.
    pub language: String,
    /// When it was given.
    pub given_at: Time,
}

/// What a receipt is made of.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// The receipt's id: a keyed digest, which tells nobody a position.
    pub record_id: &'a str,
    /// The customer.
    pub pseudonym: Pseudonym,
    /// The legal entity that serves the account.
    pub legal_entity: &'a EntityId,
    /// The consent.
    pub consent: Consent<'a>,
    /// When the customer said it.
    pub said_at: Time,
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// How it reached the company, e.g. `phone`.
    pub channel: &'a str,
    /// The notice that it answers.
    pub notice: &'a CitedNotice,
    /// Who answers for it.
    pub controller: &'a Controller,
    /// The key that verifies the receipt, in its note form.
    pub verifier_key: &'a str,
}

/// The receipt, as JSON on one line.
///
/// # Errors
/// When it can't be written as JSON, which is a defect of this program.
pub fn receipt(facts: &Facts<'_>) -> Result<String, serde_json::Error> {
    serde_json::to_string(&members::Receipt::from(facts))
}

impl Facts<'_> {
    /// Recipients besides the company and the customer's own people, by kind or as `kind name`.
    fn third_parties(&self) -> Vec<String> {
        let own = [
            RecipientKind::Company,
            RecipientKind::Customer,
            RecipientKind::AuthorizedContact,
        ];
        let recipients = &self.consent.scope.recipients;
        let kinds = (recipients.kinds.members())
            .filter(|kind| !own.contains(kind))
            .map(|kind| kind.name().to_owned());
        let named = (recipients.named.iter())
            .filter(|named| !own.contains(&named.kind))
            .map(|named| format!("{} {}", named.kind, named.entity));
        kinds.chain(named).collect()
    }

    fn collection_method(&self) -> String {
        format!("{}, by {}", self.consent.statement.medium, self.channel)
    }

    fn termination(&self) -> String {
        match self.consent.ends_at {
            Some(end) => {
                format!("with the end of the call in which it was given, at the latest {end}")
            }
            None => "when the customer revokes or limits it, or the last service is disconnected"
                .to_owned(),
        }
    }

    fn notice_digest(&self) -> String {
        self.notice.text_digest.to_string()
    }
}
