//! What an opt-out notice needs before it is sent: a template, a campaign that another person approved, and for e-mail the
//! customer's agreement. It is there before the row's clock.

use consent_ledger::proto::v1 as wire;
use wire::NoticeDelivery;

use super::play::{Play, Step};
use super::steps::{K, delivery_of};
use crate::house::everything;
use crate::notices;

/// The campaign that sends the notices.
pub const ASKING: &str = "asking";

/// The digest of every template's text.
pub const TEXT: [u8; 32] = [7; 32];

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
            self.house.campaign(ASKING).await;
        }
        if self.prepared.insert(template(by)) {
            self.approve_template(by).await;
        }
        let agrees = by == NoticeDelivery::Email && step.with("without agreement").is_none();
        if agrees && self.prepared.insert("agreement".into()) {
            self.house.agree_to_email(K).await;
        }
    }

    async fn approve_template(&self, by: NoticeDelivery) {
        let form = match template(by).as_str() {
            "written" => wire::Medium::Written,
            _ => wire::Medium::Electronic,
        };
        let template = wire::NoticeTemplate {
            text_digest: TEXT.into(),
            covers: Some(everything()),
            ..notices::template(&template(by), form, Some(30))
        };
        self.house.approve(template).await.unwrap();
    }
}
