//! A migrating company's history: asserted, never witnessed (C2).

use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::Status;
use wire::asserted_fact::Fact;
use wire::import_response::Outcome;
use wire::import_service_client::ImportServiceClient;
use wire::spoken_word::Word;

use super::notation::{called, instant, on_the_wire, word};
use super::play::{Play, Said, Step};
use super::steps::K;
use crate::house::everything;

impl Play {
    /// `import g(COMPANY; BILLING; M) of 2025-01-01`.
    pub async fn import(&mut self, step: &Step<'_>, what: &str) -> Result<Said, Status> {
        self.imported += 1;
        let line = wire::ImportRequest {
            import_name: "crm-2026-11".into(),
            line: self.imported,
            customer_id: K.into(),
            fact: Some(wire::AssertedFact {
                fact: Some(fact(step, what)),
            }),
        };
        let mut client = ImportServiceClient::new(self.house.channel.clone());
        let mut answers = client
            .import(tokio_stream::iter([line]))
            .await?
            .into_inner();
        match answers.message().await?.and_then(|answer| answer.outcome) {
            Some(Outcome::Recorded(recorded)) => {
                self.keep(step, recorded.receipt.as_ref().unwrap());
                Ok(self.outcome(&recorded))
            }
            other => panic!("{what}: {other:?}"),
        }
    }

    fn outcome(&self, recorded: &wire::ImportRecorded) -> Said {
        let short = recorded.history_only().map(|short| short.as_str_name());
        let short: Vec<_> = short.map(|name| &name["SHORTFALL_".len()..]).collect();
        if !short.is_empty() {
            return format!("history only: {}", short.join(", "));
        }
        if recorded.still_blocked_by.is_empty() {
            return Said::new();
        }
        format!(
            "still blocked by {}",
            called(&self.names, &recorded.still_blocked_by)
        )
    }
}

fn fact(step: &Step<'_>, what: &str) -> Fact {
    let (what, day) = what
        .split_once(" of ")
        .or_else(|| what.split_once(" since "))
        .unwrap_or_else(|| panic!("`{what}` has no date"));
    let at = |text: &str| Some(on_the_wire(instant(text, Time(0))));
    let closed_at = step.with("until").and_then(at);
    match what {
        "account" => Fact::Account(wire::AssertedAccount {
            legal_entity: "infotech".into(),
            opened_at: at(day),
            closed_at,
        }),
        "notice" => Fact::Notice(wire::AssertedNotice {
            version: "v1".into(),
            given_at: at(day),
            form: wire::Medium::Written.into(),
            language: "en-US".into(),
            covers: Some(everything()),
            ..wire::AssertedNotice::default()
        }),
        said if said.contains('(') => Fact::Word(asserted(step, said, at(day))),
        category => Fact::Service(wire::AssertedService {
            category: category.to_lowercase(),
            opened_at: at(day),
            closed_at,
        }),
    }
}

fn asserted(
    step: &Step<'_>,
    said: &str,
    said_at: Option<prost_types::Timestamp>,
) -> wire::AssertedWord {
    let (kind, scope, except) = match word(said, &[]).word.unwrap() {
        Word::Grant(grant) => (wire::WordKind::Grant, grant.scope, Vec::new()),
        Word::Denial(denial) => (wire::WordKind::Deny, denial.scope, Vec::new()),
        Word::Withdrawal(withdrawal) => (wire::WordKind::Withdraw, withdrawal.scope, Vec::new()),
        Word::Restriction(one) => (wire::WordKind::Restrict, one.scope, one.except),
    };
    let evidence = step.with("without evidence").is_none();
    wire::AssertedWord {
        kind: kind.into(),
        scope,
        except,
        said_at,
        method: wire::Medium::Written.into(),
        speaker: wire::Speaker::AccountHolder.into(),
        notice_version: "v1".into(),
        evidence_digest: if evidence { vec![9; 32] } else { Vec::new() },
        evidence_reference: String::new(),
    }
}
