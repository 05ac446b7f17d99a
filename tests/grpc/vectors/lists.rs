//! What is looked up: accountings, what readers watch, uses that hindsight doesn't bear out.

use consent_ledger::access::Role;
use consent_ledger::proto::v1 as wire;
use wire::RecipientKind::Company;

use super::notation::called;
use super::play::{Play, Said, Step, refused};
use super::steps::K;
use crate::house::{customer, market};

const ACCOUNTING: &str = "accounting of disclosures";
const WATCHES: &str = " watches";
const VOIDED: &str = "uses that hindsight does not bear out";
const NEWEST: &str = "the newest record";
const ACCEPTED: &str = "deemed acceptances";
const MAY_TELL: &str = "customers may be told of the breach";

/// Whether the step looks something up, and records nothing.
pub fn is_one(what: &str) -> bool {
    what.ends_with(WATCHES) || matches!(what, ACCOUNTING | VOIDED | NEWEST | ACCEPTED | MAY_TELL)
}

impl Play {
    /// Looks it up.
    pub async fn list(self, step: &Step<'_>) -> (Self, Said) {
        let who = step.what.strip_suffix(WATCHES).or(step.with("for"));
        let role = who.and_then(|who| who.split(' ').next_back()).map(role);
        let play = self.for_role(role.unwrap_or(Role::Administrator)).await;
        let said = match step.what {
            ACCOUNTING => play.accounting(step, role).await,
            VOIDED => play.voided_uses().await,
            NEWEST => play.newest().await,
            ACCEPTED => play.deemed_acceptances().await,
            MAY_TELL => play.customers_from().await,
            _ => play.watched().await,
        };
        (play.for_role(Role::Administrator).await, said)
    }

    async fn accounting(&self, step: &Step<'_>, role: Option<Role>) -> Said {
        let sealed = role == Some(Role::Auditor) || step.with("with what is sealed").is_some();
        let request = wire::ListDisclosuresRequest {
            customer: customer(K),
            include_refused: step.with("with what was refused").is_some(),
            include_sealed: sealed,
            min_position: self.newest,
            ..wire::ListDisclosuresRequest::default()
        };
        match self.house.disclosures().list_disclosures(request).await {
            Err(status) => refused(&status),
            Ok(listed) => {
                let listed = listed.into_inner().disclosures;
                let positions: Vec<_> = listed.iter().map(|one| one.position).collect();
                called(&self.names, &positions)
            }
        }
    }

    /// What a reader who watches K is shown of the records that have names.
    async fn watched(&self) -> Said {
        let watch = wire::WatchRequest {
            from_position: 1,
            ..wire::WatchRequest::default()
        };
        let mut seen = self
            .house
            .queries()
            .watch(watch)
            .await
            .unwrap()
            .into_inner();
        let mut shown = Vec::new();
        loop {
            let answer = seen.message().await.unwrap().unwrap();
            if let Some(entry) = answer.entry {
                shown.extend(self.shown(&entry));
            }
            if answer.next_position > self.newest {
                return shown.join(", ");
            }
        }
    }

    fn shown(&self, entry: &wire::Entry) -> Option<String> {
        let mut names = self.names.iter();
        let (name, _) =
            names.find(|(_, position)| **position == entry.position && **position > self.begun)?;
        Some(match &entry.event {
            Some(wire::entry::Event::Withheld(_)) => format!("{name} withheld"),
            _ => name.clone(),
        })
    }

    async fn voided_uses(&self) -> Said {
        let request = wire::ListVoidedUsesRequest {
            customer: customer(K),
            ..wire::ListVoidedUsesRequest::default()
        };
        let listed = self.house.audit().list_voided_uses(request).await.unwrap();
        let uses = listed.into_inner().uses;
        let uses = uses.iter().map(|used| {
            let name = called(&self.names, &[used.position]);
            let cause = &used.cause().as_str_name()["VOIDED_USE_CAUSE_".len()..];
            format!("{name} {cause}")
        });
        let uses: Vec<_> = uses.collect();
        if uses.is_empty() {
            return "none".into();
        }
        uses.join(", ")
    }

    /// The last record of the whole ledger: that up to which an answer is given.
    async fn newest(&self) -> Said {
        let ruling = self.house.check(K, market(Company, "cmrs")).await;
        called(&self.names, &[ruling.position])
    }

    async fn deemed_acceptances(&self) -> Said {
        let request = wire::GetPreferencesRequest {
            customer: customer(K),
            min_position: self.newest,
            ..wire::GetPreferencesRequest::default()
        };
        let shown = self.house.queries().get_preferences(request).await.unwrap();
        let deemed = shown.into_inner().deemed_acceptances;
        let deemed: Vec<_> = deemed.iter().map(|one| one.position).collect();
        called(&self.names, &deemed)
    }

    async fn customers_from(&self) -> Said {
        let request = wire::ListBreachesRequest {
            breach_id: super::company::BREACH.into(),
            min_position: self.newest,
            ..wire::ListBreachesRequest::default()
        };
        let listed = self.house.incidents().list_breaches(request).await.unwrap();
        let [breach] = listed.into_inner().breaches.try_into().unwrap();
        let wire::Breach { customers_from, .. } = breach;
        customers_from.map_or("never".into(), |at| format!("from {at}"))
    }
}

fn role(name: &str) -> Role {
    match name {
        "AUDITOR" => Role::Auditor,
        "DECISION_READER" => Role::DecisionReader,
        "CONSENT_WRITER" => Role::ConsentWriter,
        "DISCLOSURE_WRITER" => Role::DisclosureWriter,
        other => panic!("{other} is no role of the page"),
    }
}
