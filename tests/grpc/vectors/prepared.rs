//! What an opt-out notice needs before it is sent: a template, a campaign that another person approved, and for e-mail the
//! customer's agreement. It is there before the row's clock.

use consent_ledger::proto::v1 as wire;
use wire::NoticeDelivery;

use super::play::{Play, Step};
use super::steps::{K, delivery_of};
use crate::campaigns::client;
use crate::house::{asking, customer, dated, everything};

/// The campaign that sends the notices.
pub const ASKING: &str = "asking";

/// The digest of every template's text.
pub const TEXT: [u8; 32] = [4; 32];

/// The template for that way of sending.
pub fn template(by: NoticeDelivery) -> String {
    match by {
        NoticeDelivery::Post | NoticeDelivery::InPerson => "written".into(),
        _ => "electronic".into(),
    }
}

impl Play {
    /// Prepares what the step needs.
    pub async fn prepare(&mut self, step: &Step<'_>) {
        let what = step.what;
        if !what.starts_with("opt-out notice") {
            return;
        }
        let by = delivery_of(what);
        if self.prepared.insert(ASKING.into()) {
            self.approve_campaign().await;
        }
        if self.prepared.insert(template(by)) {
            self.approve_template(by).await;
        }
        let agrees = by == NoticeDelivery::Email && step.with("without agreement").is_none();
        if agrees && self.prepared.insert("agreement".into()) {
            self.agree_to_email().await;
        }
    }

    async fn approve_campaign(&self) {
        let by = |person: &str| {
            Some(wire::CommandHeader {
                taken_by: person.into(),
                ..dated().unwrap()
            })
        };
        let proposal = wire::ProposeCampaignRequest {
            header: by("anna"),
            campaign_id: ASKING.into(),
            plan: Some(asking()),
        };
        let mut client = client(&self.house);
        client.propose_campaign(proposal).await.unwrap();
        let decision = wire::DecideCampaignRequest {
            header: by("boris"),
            campaign_id: ASKING.into(),
            decision: wire::CampaignDecision::Approve.into(),
            reason: String::new(),
        };
        client.decide_campaign(decision).await.unwrap();
    }

    async fn approve_template(&self, by: NoticeDelivery) {
        let form = match template(by).as_str() {
            "written" => wire::Medium::Written,
            _ => wire::Medium::Electronic,
        };
        let template = wire::NoticeTemplate {
            version: template(by),
            form: form.into(),
            language: "en-US".into(),
            text_digest: TEXT.into(),
            covers: Some(everything()),
            statements: (1..=15).collect(),
            opt_out_days: Some(30),
            ..wire::NoticeTemplate::default()
        };
        let request = wire::ApproveNoticeTemplateRequest {
            header: dated(),
            template: Some(template),
        };
        let mut notices = self.house.notices();
        notices.approve_notice_template(request).await.unwrap();
    }

    async fn agree_to_email(&self) {
        let request = wire::RecordEmailConsentRequest {
            header: dated(),
            customer: customer(K),
            medium: wire::Medium::Electronic.into(),
            speaker: wire::Speaker::AccountHolder.into(),
            evidence_digest: vec![8; 32],
        };
        let mut notices = self.house.notices();
        notices.record_email_consent(request).await.unwrap();
    }
}
