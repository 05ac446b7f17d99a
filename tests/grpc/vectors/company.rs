//! What the company does: its policy's versions and its breaches.

use consent_ledger::proto::v1 as wire;
use tonic::Status;
use wire::record_breach_request::Step as Breach;

use super::notation::on_the_wire;
use super::play::{Play, Said, Step};
use crate::incidents::document;

/// The breach of a case.
pub const BREACH: &str = "b-1";

impl Play {
    /// A step of the company's.
    pub async fn of_the_company(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let breach = match step.what {
            "a breach is suspected" => Breach::Suspected(wire::BreachSuspicion {
                description: "an account was opened from abroad".into(),
                classes: Vec::new(),
            }),
            "the breach is determined" => Breach::Determined(wire::BreachDetermination {
                classes: vec![wire::CpniClass::CallDetail.into()],
                customers: 800,
                intentional: true,
                circumstances: "a stolen password".into(),
                ..wire::BreachDetermination::default()
            }),
            "law enforcement is told of the breach" => {
                Breach::LawEnforcementNotified(document("CPNI-2026-00417"))
            }
            "customers are told of the breach" => Breach::CustomersNotified(wire::CustomersTold {
                customers: 800,
                complete: true,
                notice: Some(document("letter to customers")),
            }),
            policy => return self.publish(step, policy).await,
        };
        let request = wire::RecordBreachRequest {
            header: self.header(step),
            breach_id: BREACH.into(),
            step: Some(breach),
        };
        let recorded = self.house.incidents().record_breach(request).await?;
        self.keep(step, &recorded.into_inner().receipt.unwrap());
        Ok(Said::new())
    }

    /// `policy v2 takes force`, posted an hour before.
    async fn publish(&mut self, step: &Step<'_>, what: &str) -> Result<Said, Status> {
        let version = what.strip_prefix("policy ");
        let version = version.and_then(|rest| rest.strip_suffix(" takes force"));
        let version = version.unwrap_or_else(|| panic!("`{what}` is no step of the company's"));
        let now = self.now();
        let request = wire::PublishPolicyRequest {
            header: self.header(step),
            version: version.into(),
            text_digest: vec![7; 32],
            effective_at: Some(on_the_wire(now)),
            posting: Some(wire::PolicyPosting {
                place: "https://infotech.example/policy".into(),
                posted_at: Some(on_the_wire(now.minus_hours(1))),
                capture_digest: vec![8; 32],
            }),
        };
        let published = self.house.policies().publish_policy(request).await?;
        self.keep(step, &published.into_inner().receipt.unwrap());
        Ok(Said::new())
    }
}
