//! Notices by templates and the clocks of opt-out approval, through the wire (F4 to F7, R10).

use std::sync::Arc;

use consent_ledger::clock::Manual;
use consent_ledger::domain::rulebook::FCC_TEXT;
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::Code;
use wire::RecipientKind::{Affiliate, Company};
use wire::account_service_client::AccountServiceClient;
use wire::entity_service_client::EntityServiceClient;
use wire::notice_service_client::NoticeServiceClient;
use wire::{CellState, NoticeDelivery, NoticeOutcome, NoticeStatement, ReasonCode};

use crate::house::*;

/// The campaign by which notices are sent.
const ASKING: &str = "asking";

pub const HOUR: i64 = 3_600_000_000;
pub const DAY: i64 = 24 * HOUR;

fn utc(text: &str) -> Time {
    Time(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
}

fn seconds(text: &str) -> Option<i64> {
    Some(utc(text).0 / 1_000_000)
}

fn at(timestamp: Option<prost_types::Timestamp>) -> Option<i64> {
    timestamp.map(|at| at.seconds)
}

/// A house under the FCC baseline, at 15:00 of New Year's Day, and its clock.
pub async fn baseline() -> (House, Arc<Manual>) {
    let clock = Arc::new(Manual::at(utc("2026-01-01T14:59:00Z")));
    let house = House::under("fcc", &clock).await;
    house.campaign(ASKING).await;
    (house, clock)
}

fn statements() -> Vec<i32> {
    (1..=15).collect()
}

pub fn template(version: &str, form: wire::Medium, days: Option<u32>) -> wire::NoticeTemplate {
    wire::NoticeTemplate {
        version: version.into(),
        form: form.into(),
        language: "en-US".into(),
        text_digest: vec![7; 32],
        covers: Some(marketing_by(&[Company, Affiliate])),
        statements: statements(),
        opt_out_days: days,
        ..wire::NoticeTemplate::default()
    }
}

impl House {
    pub fn notices(&self) -> NoticeServiceClient<tonic::transport::Channel> {
        NoticeServiceClient::new(self.channel.clone())
    }

    pub async fn approve(
        &self,
        template: wire::NoticeTemplate,
    ) -> Result<wire::ApproveNoticeTemplateResponse, tonic::Status> {
        let request = wire::ApproveNoticeTemplateRequest {
            header: dated(),
            template: Some(template),
        };
        let response = self.notices().approve_notice_template(request).await?;
        Ok(response.into_inner())
    }

    pub async fn send(
        &self,
        id: &str,
        version: &str,
        delivery: NoticeDelivery,
    ) -> Result<wire::RecordNoticeSentResponse, tonic::Status> {
        self.send_by(ASKING, id, version, delivery).await
    }

    pub async fn send_by(
        &self,
        campaign: &str,
        id: &str,
        version: &str,
        delivery: NoticeDelivery,
    ) -> Result<wire::RecordNoticeSentResponse, tonic::Status> {
        let request = wire::RecordNoticeSentRequest {
            header: dated(),
            customer: customer(id),
            template_version: version.into(),
            text_digest: vec![7; 32],
            delivery: delivery.into(),
            covers: Some(marketing_by(&[Company, Affiliate])),
            campaign_id: campaign.into(),
        };
        let response = self.notices().record_notice_sent(request).await?;
        Ok(response.into_inner())
    }

    pub async fn report(
        &self,
        id: &str,
        notice: u64,
        outcome: NoticeOutcome,
    ) -> Result<wire::RecordNoticeOutcomeResponse, tonic::Status> {
        let request = wire::RecordNoticeOutcomeRequest {
            header: header(),
            customer: customer(id),
            notice_position: notice,
            outcome: outcome.into(),
        };
        let response = self.notices().record_notice_outcome(request).await?;
        Ok(response.into_inner())
    }

    pub async fn agree_to_email(&self, id: &str) {
        let request = wire::RecordEmailConsentRequest {
            header: dated(),
            customer: customer(id),
            medium: wire::Medium::Electronic.into(),
            speaker: wire::Speaker::AccountHolder.into(),
            evidence_digest: vec![8; 32],
        };
        self.notices().record_email_consent(request).await.unwrap();
    }
}

/// Approves the electronic template `opt-out`, of thirty days.
pub async fn approve_opt_out(house: &House) {
    let electronic = template("opt-out", wire::Medium::Electronic, Some(30));
    house.approve(electronic).await.unwrap();
}

/// K-1 agrees to e-mail, and a minute later the notice is sent by it.
pub async fn emailed(
    house: &House,
    clock: &Manual,
) -> Result<wire::RecordNoticeSentResponse, tonic::Status> {
    house.agree_to_email("K-1").await;
    clock.pass(60_000_000);
    house.send("K-1", "opt-out", NoticeDelivery::Email).await
}

#[tokio::test]
async fn v28_v30_an_opt_out_notice_waits_matures_by_time_alone_and_is_none_once_it_bounces() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    approve_opt_out(&house).await;
    let refused = house.send("K-1", "opt-out", NoticeDelivery::Email).await;
    assert_eq!(
        refusal(refused),
        (
            Code::FailedPrecondition,
            "EMAIL_CONSENT_REQUIRED".to_owned()
        )
    );
    let sent = emailed(&house, &clock).await;
    let sent = sent.unwrap();
    let notice = sent.receipt.unwrap().position;
    let runs = sent.opt_out.unwrap();
    assert!(runs.enabled);
    assert_eq!(at(runs.matures_at), seconds("2026-01-31T15:00:00Z"));
    assert_eq!(at(runs.refresh_at), seconds("2028-01-01T07:00:00Z"));

    clock.pass(30 * DAY - 1_000_000);
    let waiting = house.check("K-1", market(Company, "cmrs")).await;
    assert!(!waiting.allowed);
    assert_eq!(waiting.state(), CellState::Waiting);
    assert_eq!(codes(&waiting), [ReasonCode::Waiting]);
    assert_eq!(at(waiting.valid_until), seconds("2026-01-31T15:00:00Z"));
    clock.pass(1_000_000);
    let approved = house.check("K-1", market(Company, "cmrs")).await;
    assert!(approved.allowed);
    assert_eq!(approved.basis(), wire::Basis::OptOut);
    assert_eq!(approved.relied_on, [notice]);
    assert_eq!(at(approved.valid_until), seconds("2028-01-01T07:00:00Z"));
    assert_eq!(approved.position, notice, "nothing was recorded in between");

    clock.pass(DAY);
    let bounced = house.report("K-1", notice, NoticeOutcome::Bounced).await;
    let bounced = bounced.unwrap();
    assert_eq!(at(bounced.voids_since), seconds("2026-01-31T15:00:00Z"));
    let again = house.send("K-1", "opt-out", NoticeDelivery::Email).await;
    again.unwrap();
    clock.pass(60 * DAY);
    let barred = house.check("K-1", market(Company, "cmrs")).await;
    assert_eq!(
        (barred.allowed, barred.state()),
        (false, CellState::Unknown)
    );
    assert!(codes(&barred).contains(&ReasonCode::AnotherFormRequired));
    let remedy = wire::remedy::Remedy::GiveNotice(wire::GiveNoticeRemedy {});
    assert!(barred.remedies.contains(&wire::Remedy {
        remedy: Some(remedy)
    }));
}

#[tokio::test]
async fn v29_f3_a_mailed_notice_reaches_the_affiliates_that_the_register_knows() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    let form = wire::Medium::Written;
    house
        .approve(template("mailed", form, Some(30)))
        .await
        .unwrap();
    let mut entities = EntityServiceClient::new(house.channel.clone());
    for (entity, communications_related) in [("acme", true), ("shoes", false)] {
        let request = wire::RecordEntityJoinedRequest {
            header: header(),
            entity: entity.into(),
            kind: Affiliate.into(),
            communications_related,
        };
        entities.record_entity_joined(request).await.unwrap();
    }
    let sent = house.send("K-1", "mailed", NoticeDelivery::Post).await;
    let runs = sent.unwrap().opt_out.unwrap();
    assert_eq!(at(runs.matures_at), seconds("2026-02-03T07:00:00Z"));
    clock.pass(33 * DAY);
    for (entity, allowed) in [("acme", true), ("shoes", false), ("stranger", false)] {
        let by = wire::Question {
            entity: entity.into(),
            ..market(Affiliate, "cmrs")
        };
        let ruling = house.check("K-1", by).await;
        assert_eq!(ruling.allowed, allowed, "{entity}");
        let opt_in = codes(&ruling).contains(&ReasonCode::OptInRequired);
        assert_eq!(opt_in, !allowed, "{entity}");
    }
    let account = house.report("K-1", 1, NoticeOutcome::Delivered).await;
    assert_eq!(refusal(account).1, "NOTICE_UNKNOWN");
}

#[tokio::test]
async fn v31_under_the_policy_an_opt_out_notice_is_history_and_never_matures() {
    let clock = Arc::new(Manual::at(utc("2026-01-01T15:00:00Z")));
    let house = House::under("default", &clock).await;
    house.campaign(ASKING).await;
    house.opened("K-1", &["local"]).await;
    approve_opt_out(&house).await;
    let sent = house
        .send("K-1", "opt-out", NoticeDelivery::Electronic)
        .await;
    assert!(!sent.unwrap().opt_out.unwrap().enabled);
    clock.pass(60 * DAY);
    let ruling = house.check("K-1", market(Company, "cmrs")).await;
    assert_eq!(
        (ruling.allowed, ruling.state()),
        (false, CellState::Unknown)
    );
    let reason = &ruling.reasons[0];
    assert_eq!(reason.code(), ReasonCode::OptOutNotEnabled);
    assert_eq!(reason.clauses[0].source, "policy", "which rule says no");
}

#[tokio::test]
async fn r10_r24_a_rulebook_that_enables_opt_out_again_brings_no_approval_back() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    let electronic = template("online-30", wire::Medium::Electronic, Some(30));
    house.approve(electronic).await.unwrap();
    let sent = house.send("K-1", "online-30", NoticeDelivery::Electronic);
    sent.await.unwrap();
    clock.pass(40 * DAY);
    let state = async |house: &House| {
        let ruling = house.check("K-1", market(Company, "cmrs")).await;
        (ruling.allowed, ruling.state())
    };
    let approved = (true, CellState::OptOutApproved);
    assert_eq!(state(&house).await, approved);

    // Another edition that enables it too goes on with it.
    let edition = tempfile::NamedTempFile::new().unwrap();
    let text = format!("# another edition\n{FCC_TEXT}");
    std::fs::write(edition.path(), text).unwrap();
    let house = house.reopen_under(edition.path(), &clock).await;
    assert_eq!(state(&house).await, approved);
    let as_approved = house.running.ledger.views.reached().0 - 1;

    let house = house.reopen_under("default", &clock).await;
    let nothing = (false, CellState::Unknown);
    assert_eq!(state(&house).await, nothing);
    let house = house.reopen_under("fcc", &clock).await;
    assert_eq!(state(&house).await, nothing);
    clock.pass(40 * DAY);
    assert_eq!(state(&house).await, nothing);
    let why = house.check("K-1", market(Company, "cmrs")).await;
    assert!(codes(&why).contains(&ReasonCode::OptOutNotEnabled));

    // What was answered then is answered of then.
    let then = wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(market(Company, "cmrs")),
        as_of: Some(wire::AsOf {
            moment: Some(wire::as_of::Moment::Position(as_approved)),
        }),
        ..wire::CheckUseRequest::default()
    };
    let then = house.checks().check_use(then).await.unwrap().into_inner();
    assert!(then.ruling.unwrap().allowed);

    // Asked anew, the customer is given the whole period.
    let sent = house.send("K-1", "online-30", NoticeDelivery::Electronic);
    sent.await.unwrap();
    assert_eq!(state(&house).await, (false, CellState::Waiting));
    clock.pass(31 * DAY);
    assert_eq!(state(&house).await, approved);
}

#[tokio::test]
async fn f4_a_template_is_approved_with_every_statement_by_a_person_and_listed() {
    let (house, _clock) = baseline().await;
    let form = wire::Medium::Electronic;
    let refused = |answer| refusal::<wire::ApproveNoticeTemplateResponse>(answer);
    let failed = (Code::FailedPrecondition, "NOTICE_TEMPLATE".to_owned());
    let mut lacking = template("v1", form, Some(30));
    lacking
        .statements
        .retain(|one| *one != i32::from(NoticeStatement::NoCostMethod));
    assert_eq!(refused(house.approve(lacking).await), failed);
    let short = template("v1", form, Some(29));
    assert_eq!(refused(house.approve(short).await), failed);
    let oral = template("v1", wire::Medium::Oral, Some(30));
    assert_eq!(refused(house.approve(oral).await), failed);
    let mut unknown = template("v1", form, Some(30));
    unknown.statements.push(99);
    let (code, _) = refused(house.approve(unknown).await);
    assert_eq!(code, Code::InvalidArgument);

    let approved = house.approve(template("v1", form, Some(30))).await.unwrap();
    let position = approved.receipt.unwrap().position;
    assert_eq!(
        refused(house.approve(template("v1", form, None)).await),
        failed
    );
    let list = wire::ListNoticeTemplatesRequest {
        min_position: position,
        as_of: None,
    };
    let list = house.notices().list_notice_templates(list).await.unwrap();
    let templates = list.into_inner().templates;
    assert_eq!(templates.len(), 1);
    assert_eq!(templates[0].position, position);
    assert_eq!(templates[0].statements, statements());
    assert_eq!(templates[0].opt_out_days, Some(30));
    assert_eq!(
        templates[0].reviewer_token.len(),
        32,
        "a person, as a token"
    );
}

#[tokio::test]
async fn f1_r7_an_affiliate_markets_held_categories_only_while_it_serves_the_customer_itself() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local", "voip"]).await;
    let mut entities = EntityServiceClient::new(house.channel.clone());
    let joined = wire::RecordEntityJoinedRequest {
        header: header(),
        entity: "acme".into(),
        kind: Affiliate.into(),
        communications_related: true,
    };
    entities.record_entity_joined(joined).await.unwrap();
    let by = || wire::Question {
        entity: "acme".into(),
        ..market(Affiliate, "local")
    };
    assert!(!house.check("K-1", by()).await.allowed);
    let mut accounts = AccountServiceClient::new(house.channel.clone());
    let began = wire::RecordAffiliateBeganRequest {
        header: header(),
        customer: customer("K-1"),
        affiliate: "acme".into(),
    };
    accounts.record_affiliate_began(began).await.unwrap();
    let ruling = house.check("K-1", by()).await;
    assert!(ruling.allowed);
    assert_eq!(ruling.basis(), wire::Basis::HeldCategory);
    clock.pass(HOUR);
    let ended = wire::RecordAffiliateEndedRequest {
        header: header(),
        customer: customer("K-1"),
        affiliate: "acme".into(),
        ends_at: None,
    };
    accounts.record_affiliate_ended(ended).await.unwrap();
    assert!(!house.check("K-1", by()).await.allowed);
}

#[tokio::test]
async fn c5_the_history_shows_notices_and_what_became_of_them() {
    let (house, _clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    house
        .approve(template("opt-out", wire::Medium::Written, Some(30)))
        .await
        .unwrap();
    let sent = house.send("K-1", "opt-out", NoticeDelivery::Post).await;
    let notice = sent.unwrap().receipt.unwrap().position;
    for outcome in [NoticeOutcome::Delivered, NoticeOutcome::Returned] {
        house.report("K-1", notice, outcome).await.unwrap();
    }
    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        min_position: notice + 2,
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let entries = history.into_inner().entries;
    let types: Vec<_> = entries.iter().map(|entry| entry.r#type.as_str()).collect();
    let expected = ["notice.sent.v1", "notice.delivered.v1", "notice.failed.v1"];
    for kind in expected {
        assert!(types.contains(&kind), "{types:?}");
    }
}
