//! A whole house on a loopback port, and what tests say to it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use consent_ledger::access::{Caller, Role};
use consent_ledger::app::{Options, Running, ServeOptions};
use consent_ledger::clock::{Clock, Manual, System};
use consent_ledger::grpc;
use consent_ledger::proto::v1 as wire;
use consent_ledger::relay;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tonic_types::StatusExt;
use uuid::Uuid;
use wire::account_service_client::AccountServiceClient;
use wire::audit_service_client::AuditServiceClient;
use wire::campaign_service_client::CampaignServiceClient;
use wire::check_service_client::CheckServiceClient;
use wire::consent_service_client::ConsentServiceClient;
use wire::disclosure_service_client::DisclosureServiceClient;
use wire::entity_service_client::EntityServiceClient;
use wire::incident_service_client::IncidentServiceClient;
use wire::intake_service_client::IntakeServiceClient;
use wire::policy_service_client::PolicyServiceClient;
use wire::query_service_client::QueryServiceClient;

pub struct House {
    pub running: Running,
    pub channel: Channel,
    /// Removed with the house.
    dir: TempDir,
}

/// A door that takes everybody for a caller in that role.
pub fn for_callers_in(role: Role) -> grpc::Options {
    let caller = Caller {
        service: "test",
        role,
    };
    grpc::Options {
        caller,
        ..grpc::Options::default()
    }
}

impl House {
    pub async fn open() -> Self {
        Self::with(grpc::Options::default()).await
    }

    pub async fn with(grpc: grpc::Options) -> Self {
        Self::publishing(grpc, None).await
    }

    /// A house that publishes, where `relay` says where.
    pub async fn publishing(grpc: grpc::Options, relay: Option<relay::Options>) -> Self {
        Self::publishing_at(grpc, relay, Arc::new(System::default())).await
    }

    /// The same by that clock.
    pub async fn publishing_at(
        grpc: grpc::Options,
        relay: Option<relay::Options>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::run(grpc, relay, None, clock).await
    }

    /// A house whose time is set by hand.
    pub async fn at(clock: Arc<Manual>) -> Self {
        Self::run(grpc::Options::default(), None, None, clock).await
    }

    /// The same under another rulebook.
    pub async fn under(rulebook: &str, clock: &Arc<Manual>) -> Self {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        Self::run(grpc::Options::default(), None, Some(rulebook.into()), clock).await
    }

    async fn run(
        grpc: grpc::Options,
        relay: Option<relay::Options>,
        rulebook: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self::run_in(tempfile::tempdir().unwrap(), grpc, relay, rulebook, clock).await
    }

    /// Closes the house and opens it again for callers in that role.
    pub async fn reopen_for(self, role: Role, clock: &Arc<Manual>) -> Self {
        self.reopen(for_callers_in(role), None, clock).await
    }

    /// Closes the house and opens it again under another rulebook.
    pub async fn reopen_under(self, rulebook: impl Into<PathBuf>, clock: &Arc<Manual>) -> Self {
        let options = grpc::Options::default();
        self.reopen(options, Some(rulebook.into()), clock).await
    }

    async fn reopen(
        self,
        grpc: grpc::Options,
        rulebook: Option<PathBuf>,
        clock: &Arc<Manual>,
    ) -> Self {
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        Self::run_in(self.close().await, grpc, None, rulebook, clock).await
    }

    /// Closes the house; its folder.
    pub async fn close(self) -> TempDir {
        let Self {
            running,
            channel,
            dir,
        } = self;
        drop(channel);
        running.close().await.unwrap();
        dir
    }

    /// A house in that folder.
    pub async fn run_in(
        dir: TempDir,
        grpc: grpc::Options,
        relay: Option<relay::Options>,
        rulebook: Option<PathBuf>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let mut ledger = Options::new(dir.path());
        ledger.rulebook = rulebook;
        // Small enough that many houses stand beside each other.
        ledger.log.tail_bytes = 1 << 20;
        ledger.log.cache_bytes = 8 << 20;
        ledger.log.free_bytes_min = 0;
        ledger.state.sled_cache_bytes = 8 << 20;
        ledger.history.sled_cache_bytes = 8 << 20;
        let options = ServeOptions {
            ledger,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            grpc,
            relay,
            metrics: None,
        };
        let fatal = Arc::new(|problem: &str| panic!("fatal: {problem}"));
        let running = Running::start(options, clock, fatal, &|_, _, _| {})
            .await
            .unwrap();
        let endpoint = Endpoint::from_shared(format!("http://{}", running.grpc)).unwrap();
        let channel = endpoint.connect().await.unwrap();
        Self {
            running,
            channel,
            dir,
        }
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn accounts(&self) -> AccountServiceClient<Channel> {
        AccountServiceClient::new(self.channel.clone())
    }

    pub fn consents(&self) -> ConsentServiceClient<Channel> {
        ConsentServiceClient::new(self.channel.clone())
    }

    pub fn checks(&self) -> CheckServiceClient<Channel> {
        CheckServiceClient::new(self.channel.clone())
    }

    pub fn disclosures(&self) -> DisclosureServiceClient<Channel> {
        DisclosureServiceClient::new(self.channel.clone())
    }

    pub fn queries(&self) -> QueryServiceClient<Channel> {
        QueryServiceClient::new(self.channel.clone())
    }

    pub fn audit(&self) -> AuditServiceClient<Channel> {
        AuditServiceClient::new(self.channel.clone())
    }

    pub fn intake(&self) -> IntakeServiceClient<Channel> {
        IntakeServiceClient::new(self.channel.clone())
    }

    pub fn entities(&self) -> EntityServiceClient<Channel> {
        EntityServiceClient::new(self.channel.clone())
    }

    pub fn incidents(&self) -> IncidentServiceClient<Channel> {
        IncidentServiceClient::new(self.channel.clone())
    }

    pub fn policies(&self) -> PolicyServiceClient<Channel> {
        PolicyServiceClient::new(self.channel.clone())
    }

    /// Opens an account that holds `services`.
    pub async fn opened(&self, id: &str, services: &[&str]) -> wire::CommandReceipt {
        let response = self
            .accounts()
            .open_account(open_account(id, services))
            .await;
        response.unwrap().into_inner().receipt.unwrap()
    }

    /// The position of a record of its own: how many there are between two of them.
    pub async fn marked(&self) -> u64 {
        self.opened(&Uuid::new_v4().to_string(), &[]).await.position
    }

    /// A campaign that asks for approval, proposed by one person and approved by another.
    pub async fn campaign(&self, id: &str) {
        let mut client = CampaignServiceClient::new(self.channel.clone());
        let proposal = wire::ProposeCampaignRequest {
            header: taken_by("anna"),
            campaign_id: id.into(),
            plan: Some(asking()),
        };
        client.propose_campaign(proposal).await.unwrap();
        let decision = wire::DecideCampaignRequest {
            header: taken_by("boris"),
            campaign_id: id.into(),
            decision: wire::CampaignDecision::Approve.into(),
            reason: String::new(),
        };
        client.decide_campaign(decision).await.unwrap();
    }

    /// Gives a notice that covers everything; its position.
    pub async fn noticed(&self, id: &str) -> u64 {
        let request = wire::RecordNoticeRequest {
            header: dated(),
            customer: customer(id),
            notice_version: "2024-05-29".into(),
            text_digest: vec![7; 32],
            form: wire::Medium::Electronic.into(),
            language: "en-US".into(),
            covers: Some(everything()),
            template_version: String::new(),
            statements: opt_in_statements(),
            call_id: String::new(),
        };
        let response = self.consents().record_notice(request).await.unwrap();
        response.into_inner().receipt.unwrap().position
    }

    /// Says `words`, verified and in writing, as the answer to `notice`.
    pub async fn said(
        &self,
        id: &str,
        notice: u64,
        words: Vec<wire::SpokenWord>,
    ) -> Result<wire::RecordConsentResponse, Status> {
        let request = consent(id, Some(notice), words);
        let response = self.consents().record_consent(request).await?;
        Ok(response.into_inner())
    }

    pub async fn check(&self, id: &str, question: wire::Question) -> wire::Ruling {
        let request = wire::CheckUseRequest {
            customer: customer(id),
            question: Some(question),
            ..wire::CheckUseRequest::default()
        };
        let response = self.checks().check_use(request).await.unwrap();
        response.into_inner().ruling.unwrap()
    }
}

pub fn header() -> Option<wire::CommandHeader> {
    Some(wire::CommandHeader {
        request_id: Uuid::now_v7().to_string(),
        channel: wire::Channel::Web.into(),
        taken_by: "clerk 12".into(),
        ..wire::CommandHeader::default()
    })
}

/// A header of a command that somebody else took.
pub fn taken_by(person: &str) -> Option<wire::CommandHeader> {
    let mut header = dated();
    header.as_mut().unwrap().taken_by = person.into();
    header
}

/// A campaign that asks for approval, for as long as anybody looks.
pub fn asking() -> wire::CampaignPlan {
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    wire::CampaignPlan {
        description: "Ask for approval".into(),
        does: vec![wire::CampaignAct::ApprovalRequest.into()],
        purpose: wire::Purpose::MarketingComms.into(),
        classes: vec![wire::CpniClass::Billing.into()],
        recipient_kind: wire::RecipientKind::Company.into(),
        products: vec!["mobile".into()],
        // From 2020 until 2199.
        starts_at: at(1_577_836_800),
        ends_at: at(7_226_582_400),
        ..wire::CampaignPlan::default()
    }
}

/// A header whose request id carries no time: the house's own is set by hand.
pub fn dated() -> Option<wire::CommandHeader> {
    let header = header()?;
    Some(wire::CommandHeader {
        request_id: Uuid::new_v4().to_string(),
        ..header
    })
}

pub fn customer(id: &str) -> Option<wire::CustomerRef> {
    let id = wire::customer_ref::Customer::Id(id.into());
    Some(wire::CustomerRef { customer: Some(id) })
}

pub fn open_account(id: &str, services: &[&str]) -> wire::OpenAccountRequest {
    wire::OpenAccountRequest {
        header: header(),
        customer_id: id.into(),
        legal_entity: "infotech".into(),
        services: services.iter().map(ToString::to_string).collect(),
    }
}

/// What a notice that asks for opt-in says (F4).
pub fn opt_in_statements() -> Vec<i32> {
    (1..=13).collect()
}

pub fn everything() -> wire::Scope {
    wire::Scope {
        all_recipients: true,
        all_classes: true,
        all_purposes: true,
        ..wire::Scope::default()
    }
}

/// Marketing by whole kinds of recipient, with every class.
pub fn marketing_by(kinds: &[wire::RecipientKind]) -> wire::Scope {
    wire::Scope {
        recipient_kinds: kinds.iter().map(|kind| (*kind).into()).collect(),
        all_classes: true,
        purposes: vec![wire::Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    }
}

pub fn marketing_by_named(kind: wire::RecipientKind, entity: &str) -> wire::Scope {
    let named = wire::NamedRecipient {
        kind: kind.into(),
        entity: entity.into(),
    };
    wire::Scope {
        named_recipients: vec![named],
        ..marketing_by(&[])
    }
}

pub fn grant(scope: wire::Scope) -> wire::SpokenWord {
    let grant = wire::Grant {
        scope: Some(scope),
        lifts: Vec::new(),
    };
    wire::SpokenWord {
        word: Some(wire::spoken_word::Word::Grant(grant)),
    }
}

pub fn denial(scope: wire::Scope) -> wire::SpokenWord {
    let denial = wire::Denial { scope: Some(scope) };
    wire::SpokenWord {
        word: Some(wire::spoken_word::Word::Denial(denial)),
    }
}

pub fn consent(
    id: &str,
    notice: Option<u64>,
    words: Vec<wire::SpokenWord>,
) -> wire::RecordConsentRequest {
    let assurance = wire::Assurance {
        method: wire::AssuranceMethod::OnlineAccount.into(),
        reference: "session 4711".into(),
        at: Some(now()),
    };
    wire::RecordConsentRequest {
        header: header(),
        customer: customer(id),
        words,
        statement: Some(wire::Statement {
            medium: wire::Medium::Electronic.into(),
            speaker: wire::Speaker::AccountHolder.into(),
            assurance: Some(assurance),
            verification: None,
            notice_position: notice,
            evidence_digest: vec![3; 32],
            evidence_reference: "form 9".into(),
        }),
    }
}

/// A second ago: what is verified before a command is.
pub fn now() -> prost_types::Timestamp {
    let now = std::time::SystemTime::now() - std::time::Duration::from_secs(1);
    now.into()
}

/// Marketing an offering of category `target` by `kind` on the billing class.
pub fn market(kind: wire::RecipientKind, target: &str) -> wire::Question {
    wire::Question {
        purpose: wire::Purpose::MarketingComms.into(),
        classes: vec![wire::CpniClass::Billing.into()],
        recipient_kind: kind.into(),
        target_categories: vec![target.into()],
        ..wire::Question::default()
    }
}

pub fn codes(ruling: &wire::Ruling) -> Vec<wire::ReasonCode> {
    ruling.reasons.iter().map(|reason| reason.code()).collect()
}

/// The code and stable reason of a refusal.
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    let info = status.get_details_error_info();
    let reason = info.map(|info| info.reason).unwrap_or_default();
    (status.code(), reason)
}
