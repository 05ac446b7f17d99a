//! The company's systems as callers: real gRPC clients over TCP, and the requests that they make.

use prost_types::Timestamp;
use sha2::{Digest, Sha256};
use tonic::transport::Channel as Connection;
use uuid::Uuid;

use super::surprise::Surprise;
use crate::clock::{Clock, System};
use crate::proto::v1 as wire;
use wire::account_service_client::AccountServiceClient;
use wire::audit_service_client::AuditServiceClient;
use wire::check_service_client::CheckServiceClient;
use wire::consent_service_client::ConsentServiceClient;
use wire::disclosure_service_client::DisclosureServiceClient;
use wire::intake_service_client::IntakeServiceClient;
use wire::query_service_client::QueryServiceClient;
use wire::{
    AssuranceMethod, Channel, CommandHeader, CpniClass, CustomerRef, Medium, NamedRecipient,
    Purpose, Question, RecipientKind, Scope, Speaker, SpokenWord, Statement, customer_ref,
    spoken_word,
};

/// One connection, and a client for each service on it.
pub struct Callers {
    pub channel: Connection,
    pub accounts: AccountServiceClient<Connection>,
    pub consents: ConsentServiceClient<Connection>,
    pub checks: CheckServiceClient<Connection>,
    pub disclosures: DisclosureServiceClient<Connection>,
    pub queries: QueryServiceClient<Connection>,
    pub audit: AuditServiceClient<Connection>,
    pub intake: IntakeServiceClient<Connection>,
}

impl Callers {
    /// Connects to the server.
    ///
    /// # Errors
    /// When nobody answers there.
    pub async fn connect(address: std::net::SocketAddr) -> Result<Self, Surprise> {
        let endpoint = Connection::from_shared(format!("http://{address}"))
            .map_err(|error| Surprise::otherwise("the server's address", "a URI", error))?;
        let connection = endpoint.connect().await?;
        Ok(Self {
            accounts: AccountServiceClient::new(connection.clone()),
            consents: ConsentServiceClient::new(connection.clone()),
            checks: CheckServiceClient::new(connection.clone()),
            disclosures: DisclosureServiceClient::new(connection.clone()),
            queries: QueryServiceClient::new(connection.clone()),
            audit: AuditServiceClient::new(connection.clone()),
            intake: IntakeServiceClient::new(connection.clone()),
            channel: connection,
        })
    }
}

/// A new command's header.
pub fn header(channel: Channel) -> Option<CommandHeader> {
    Some(CommandHeader {
        request_id: Uuid::now_v7().to_string(),
        channel: channel.into(),
        taken_by: "agent-417".to_owned(),
        occurred_at: None,
        expected_version: None,
    })
}

/// A customer by the company's own account id.
pub fn customer(id: &str) -> Option<CustomerRef> {
    Some(CustomerRef {
        customer: Some(customer_ref::Customer::Id(id.to_owned())),
    })
}

/// Now, by the machine's clock.
pub fn now() -> Timestamp {
    let micros = System::default().wall().0;
    let nanos = micros.rem_euclid(1_000_000).saturating_mul(1_000);
    Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(nanos).unwrap_or_default(),
    }
}

/// The digest of a recording, letter or order that is kept elsewhere.
pub fn digest(document: &str) -> Vec<u8> {
    Sha256::digest(document.as_bytes()).to_vec()
}

/// A caller who gave the account's password a moment ago.
pub fn verified() -> Option<wire::Assurance> {
    Some(wire::Assurance {
        method: AssuranceMethod::Password.into(),
        reference: "verification 8-2207".to_owned(),
        at: Some(now()),
    })
}

/// Something said on the telephone by the account's holder.
pub fn by_phone(call: &str, assurance: Option<wire::Assurance>, notice: Option<u64>) -> Statement {
    Statement {
        medium: Medium::Oral.into(),
        speaker: Speaker::AccountHolder.into(),
        assurance,
        verification: None,
        notice_position: notice,
        evidence_digest: digest(&format!("recording of {call}")),
        evidence_reference: format!("recording of {call}"),
    }
}

/// Something said with nobody's identity established: enough for a no, never for a yes.
pub fn unverified(medium: Medium) -> Option<Statement> {
    Some(Statement {
        medium: medium.into(),
        speaker: Speaker::Other.into(),
        ..Statement::default()
    })
}

/// All of the customer's network information, for marketing communications services, to these kinds of recipient.
pub fn marketing_to(kinds: &[RecipientKind]) -> Option<Scope> {
    Some(Scope {
        recipient_kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        all_classes: true,
        purposes: vec![Purpose::MarketingComms.into()],
        ..Scope::default()
    })
}

/// Everything for everybody: what a block that leaves all out means.
pub fn everything() -> Option<Scope> {
    Some(Scope::default())
}

/// One named affiliate, whatever for.
pub fn affiliate(entity: &str) -> Option<Scope> {
    Some(Scope {
        named_recipients: vec![NamedRecipient {
            kind: RecipientKind::Affiliate.into(),
            entity: entity.to_owned(),
        }],
        ..Scope::default()
    })
}

/// These classes, for everybody and whatever for.
pub fn classes(classes: &[CpniClass]) -> Option<Scope> {
    Some(Scope {
        classes: numbers(classes),
        ..Scope::default()
    })
}

fn numbers(classes: &[CpniClass]) -> Vec<i32> {
    classes.iter().map(|class| (*class).into()).collect()
}

/// "You may."
pub fn grant(scope: Option<Scope>) -> SpokenWord {
    SpokenWord {
        word: Some(spoken_word::Word::Grant(wire::Grant {
            scope,
            lifts: Vec::new(),
        })),
    }
}

/// "Don't."
pub fn denial(scope: Option<Scope>) -> SpokenWord {
    SpokenWord {
        word: Some(spoken_word::Word::Denial(wire::Denial { scope })),
    }
}

/// "Not that."
pub fn restriction(scope: Option<Scope>) -> SpokenWord {
    SpokenWord {
        word: Some(spoken_word::Word::Restriction(wire::Restriction {
            scope,
            except: Vec::new(),
        })),
    }
}

/// May the company use these classes to offer a service of category `target`?
pub fn may_market(target: &str, classes: &[CpniClass]) -> Question {
    Question {
        purpose: Purpose::MarketingComms.into(),
        classes: numbers(classes),
        recipient_kind: RecipientKind::Company.into(),
        target_categories: vec![target.to_owned()],
        ..Question::default()
    }
}

/// May that affiliate use the billing data to offer mobile service? No name: every affiliate.
pub fn may_affiliate_market(entity: &str) -> Question {
    Question {
        recipient_kind: RecipientKind::Affiliate.into(),
        entity: entity.to_owned(),
        ..may_market("cmrs", &[CpniClass::Billing])
    }
}
