//! The members of a receipt, in the order in which they are written.

use serde::Serialize;

use super::{Facts, SCHEMA};
use crate::domain::ids::Sha256Digest;
use crate::domain::scope::NamedRecipient;
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, CpniClasses, Purpose, RecipientKinds};

/// The statutory name of what the classes are classes of.
const CPNI: &str = "customer proprietary network information";
const NOT_SAID: &str = "This receipt says what was said, when, and on which notice. It does not say whether the consent is valid now.";
const WITHDRAWAL: &str = "Tell the company at any time, in writing, by voice or electronically. No reason is needed, and no service depends on it.";
const RETENTION: &str = "At least one year after the consent has ended (47 CFR 64.2007(a)(3)).";

/// Kantara Consent Receipt 1.1 (2018-02-20), section 4.3 on; then the sections of ISO/IEC TS 27560:2023, 6.3.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    version: &'static str,
    jurisdiction: String,
    /// Seconds since 1970.
    consent_timestamp: i64,
    collection_method: String,
    #[serde(rename = "consentReceiptID")]
    consent_receipt_id: String,
    public_key: String,
    language: String,
    pii_principal_id: String,
    pii_controllers: [ControllerMember; 1],
    policy_url: String,
    services: [Service; 1],
    sensitive: bool,
    spi_cat: [&'static str; 1],
    record: Header,
    #[serde(rename = "pii_processing")]
    pii_processing: Processing,
    #[serde(rename = "party_identification")]
    party_identification: [Party; 1],
    event: [EventMember; 1],
    cpni: Cpni,
    note: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ControllerMember {
    pii_controller: String,
    on_behalf: bool,
    contact: String,
    address: PostalAddress,
    email: String,
    phone: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PostalAddress {
    street_address: String,
}

#[derive(Serialize)]
struct Service {
    service: &'static str,
    purposes: Vec<ServicePurpose>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServicePurpose {
    purpose: &'static str,
    purpose_category: [&'static str; 1],
    consent_type: &'static str,
    pii_category: Vec<&'static str>,
    primary_purpose: bool,
    termination: String,
    third_party_disclosure: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    third_party_name: String,
}

/// TS 27560, record header.
#[derive(Serialize)]
struct Header {
    schema_version: &'static str,
    profile: &'static str,
    record_id: String,
    pii_principal_id: String,
}

/// TS 27560, PII processing.
#[derive(Serialize)]
struct Processing {
    privacy_notice: Notice,
    language: String,
    purposes: Vec<ProcessingPurpose>,
}

#[derive(Serialize)]
struct Notice {
    version: String,
    text_sha256: String,
    form: &'static str,
    given_at: Time,
}

#[derive(Serialize)]
struct ProcessingPurpose {
    purpose: &'static str,
    purpose_type: &'static str,
    lawful_basis: &'static str,
    pii_information: Vec<PiiInformation>,
    pii_controllers: [&'static str; 1],
    collection_method: String,
    storage_locations: [String; 1],
    retention_period: &'static str,
    jurisdiction: String,
    recipient_third_parties: Vec<String>,
    withdrawal_method: &'static str,
}

#[derive(Serialize)]
struct PiiInformation {
    pii_type: &'static str,
    sensitive_pii_category: bool,
}

/// TS 27560, party identification.
#[derive(Serialize)]
struct Party {
    party_id: &'static str,
    party_role: &'static str,
    party_name: String,
    party_contact: String,
    party_address: String,
    party_email: String,
    party_phone: String,
    party_url: String,
}

/// TS 27560, event.
#[derive(Serialize)]
struct EventMember {
    event_time: Time,
    validity_duration: String,
    entity_id: String,
    event_type: &'static str,
    event_state: &'static str,
}

/// What the rules of CPNI look at.
#[derive(Serialize)]
struct Cpni {
    legal_entity: String,
    recipient_kinds: RecipientKinds,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    named_recipients: Box<[NamedRecipient]>,
    classes: CpniClasses,
    purposes: crate::domain::vocabulary::Purposes,
    medium: &'static str,
    channel: String,
    speaker: &'static str,
    recorded_at: Time,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence_sha256: Option<Sha256Digest>,
}

/// The party's id within the receipt.
const PARTY: &str = "controller";

impl From<&Facts<'_>> for Receipt {
    fn from(facts: &Facts<'_>) -> Self {
        let controller = facts.controller;
        let purposes = facts.consent.scope.purposes;
        Self {
            version: "KI-CR-v1.1.0",
            jurisdiction: controller.jurisdiction.clone(),
            consent_timestamp: facts.said_at.0.div_euclid(1_000_000),
            collection_method: facts.collection_method(),
            consent_receipt_id: facts.record_id.to_owned(),
            public_key: facts.verifier_key.to_owned(),
            language: facts.notice.language.clone(),
            pii_principal_id: facts.pseudonym.to_string(),
            pii_controllers: [ControllerMember {
                pii_controller: controller.name.clone(),
                on_behalf: false,
                contact: controller.contact.clone(),
                address: PostalAddress {
                    street_address: controller.address.clone(),
                },
                email: controller.email.clone(),
                phone: controller.phone.clone(),
            }],
            policy_url: controller.policy_url.clone(),
            services: [Service {
                service: "telecommunications service",
                purposes: purposes.members().map(|one| facts.purpose(one)).collect(),
            }],
            sensitive: true,
            spi_cat: [CPNI],
            record: Header {
                schema_version: "ISO/IEC TS 27560:2023",
                profile: SCHEMA,
                record_id: facts.record_id.to_owned(),
                pii_principal_id: facts.pseudonym.to_string(),
            },
            pii_processing: facts.processing(),
            party_identification: [Party {
                party_id: PARTY,
                party_role: "pii_controller",
                party_name: controller.name.clone(),
                party_contact: controller.contact.clone(),
                party_address: controller.address.clone(),
                party_email: controller.email.clone(),
                party_phone: controller.phone.clone(),
                party_url: controller.policy_url.clone(),
            }],
            event: [EventMember {
                event_time: facts.said_at,
                validity_duration: facts.termination(),
                entity_id: facts.pseudonym.to_string(),
                event_type: "explicit",
                event_state: "consent_given",
            }],
            cpni: facts.cpni(),
            note: NOT_SAID,
        }
    }
}

impl Facts<'_> {
    /// Kantara, 4.5: one purpose of the service.
    fn purpose(&self, purpose: Purpose) -> ServicePurpose {
        let third_parties = self.third_parties();
        ServicePurpose {
            purpose: in_words(purpose),
            purpose_category: [purpose.name()],
            consent_type: "EXPLICIT",
            pii_category: self.classes().map(CpniClass::name).collect(),
            primary_purpose: false,
            termination: self.termination(),
            third_party_disclosure: !third_parties.is_empty(),
            third_party_name: third_parties.join(", "),
        }
    }

    fn processing(&self) -> Processing {
        let notice = self.notice;
        let purposes = self.consent.scope.purposes.members();
        Processing {
            privacy_notice: Notice {
                version: notice.version.clone(),
                text_sha256: self.notice_digest(),
                form: notice.form.name(),
                given_at: notice.given_at,
            },
            language: notice.language.clone(),
            purposes: purposes.map(|one| self.processing_purpose(one)).collect(),
        }
    }

    fn processing_purpose(&self, purpose: Purpose) -> ProcessingPurpose {
        ProcessingPurpose {
            purpose: in_words(purpose),
            purpose_type: purpose.name(),
            lawful_basis: "consent",
            pii_information: (self.classes())
                .map(|class| PiiInformation {
                    pii_type: class.name(),
                    sensitive_pii_category: true,
                })
                .collect(),
            pii_controllers: [PARTY],
            collection_method: self.collection_method(),
            storage_locations: [self.controller.storage_location.clone()],
            retention_period: RETENTION,
            jurisdiction: self.controller.jurisdiction.clone(),
            recipient_third_parties: self.third_parties(),
            withdrawal_method: WITHDRAWAL,
        }
    }

    fn cpni(&self) -> Cpni {
        let (scope, statement) = (self.consent.scope, self.consent.statement);
        Cpni {
            legal_entity: self.legal_entity.to_string(),
            recipient_kinds: scope.recipients.kinds,
            named_recipients: scope.recipients.named.clone(),
            classes: scope.classes,
            purposes: scope.purposes,
            medium: statement.medium.name(),
            channel: self.channel.to_owned(),
            speaker: statement.speaker.name(),
            recorded_at: self.recorded_at,
            ends_at: self.consent.ends_at,
            evidence_sha256: statement.evidence_digest.map(Sha256Digest),
        }
    }

    fn classes(&self) -> impl Iterator<Item = CpniClass> {
        self.consent.scope.classes.members()
    }
}

/// A purpose as a customer reads it.
fn in_words(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::MarketingComms => "marketing communications-related services",
        Purpose::MarketingOther => "marketing other products and services",
        Purpose::Service => "providing the service and help with trouble",
        Purpose::Billing => "billing and invoicing",
        Purpose::Legal => "what law or a court orders",
        Purpose::Rights => "protecting rights and property",
        Purpose::PicFreeze => "answering whether a preferred carrier freeze stands",
        Purpose::Directory => "directory listing",
        Purpose::InsideWiring => "installing and repairing inside wiring",
        Purpose::HealthResearch => "health research",
        Purpose::OtherApproved => "another purpose that the customer approved",
        Purpose::CompetitorTracking => "tracking calls to competitors, which is never allowed",
    }
}
