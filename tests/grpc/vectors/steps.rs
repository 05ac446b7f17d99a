//! What is recorded: each step of the page as a command.

use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::Status;

use super::notation::{
    delivery, ground, method, minutes_before, on_the_wire, outcome, question, recipient, scope,
    speaker, statement, word,
};
use super::play::{Play, Said, Step};
use crate::house::{customer, dated, open_account, opt_in_statements};

/// The customer of every case.
pub const K: &str = "K-1";

impl Play {
    /// Records what the step says.
    pub async fn record(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let what = step.what;
        let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
        match verb {
            "open" | "close" => self.change_services(step).await,
            "disclose" => self.disclose(step, rest).await,
            "import" => self.import(step, rest).await,
            "policy" | "a" | "the" | "law" | "customers" => self.of_the_company(step).await,
            _ if what.starts_with("notice(") => {
                let header = self.header(step);
                let given = given(step, header, inside(what));
                let receipt = self.give(given).await?;
                Ok(self.kept(step, &receipt))
            }
            _ if what.starts_with("opt-out notice by ") => self.send_notice(step).await,
            _ if what.starts_with("one-time approval in call ") => self.grant_once(step).await,
            _ if what.starts_with(['g', 'd', 'w', 'r']) => self.speak(step).await,
            _ => self.of_entities(step, rest).await,
        }
    }

    fn kept(&mut self, step: &Step<'_>, receipt: &wire::CommandReceipt) -> Said {
        self.keep(step, receipt);
        Said::new()
    }

    pub async fn open_account(&mut self, services: &[String]) {
        let services: Vec<_> = services.iter().map(String::as_str).collect();
        let request = wire::OpenAccountRequest {
            header: dated(),
            ..open_account(K, &services)
        };
        let opened = self.house.accounts().open_account(request).await.unwrap();
        let opened = opened.into_inner().receipt.unwrap();
        self.newest = opened.position;
        // The first record is the account's own.
        let records = opened.first_position.saturating_add(1)..;
        let names = services.iter().map(|service| service.to_uppercase());
        self.names.extend(names.zip(records));
    }

    async fn change_services(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let (mut open, mut close) = (Vec::new(), Vec::new());
        let ends_at = step.with("from").map(|at| self.at(at));
        for part in step.what.split(" & ") {
            let (verb, service) = part.split_once(' ').unwrap();
            let category = service.to_lowercase();
            match verb {
                "open" => open.push(category),
                _ => close.push(wire::CloseService { category, ends_at }),
            }
        }
        let request = wire::ChangeServicesRequest {
            header: self.header(step),
            customer: customer(K),
            open,
            close,
        };
        let changed = self.house.accounts().change_services(request).await?;
        let receipt = changed.into_inner().receipt.unwrap();
        Ok(self.kept(step, &receipt))
    }

    /// Gives a notice that asks for opt-in approval.
    pub async fn give(
        &mut self,
        request: wire::RecordNoticeRequest,
    ) -> Result<wire::CommandReceipt, Status> {
        let given = self.house.consents().record_notice(request).await?;
        let receipt = given.into_inner().receipt.unwrap();
        self.notice = Some(receipt.position);
        self.newest = receipt.position;
        Ok(receipt)
    }

    /// `opt-out notice by POST(COMPANY; BILLING; M)`, which leaves thirty days.
    async fn send_notice(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let by = delivery_of(step.what);
        let request = wire::RecordNoticeSentRequest {
            header: self.header(step),
            customer: customer(K),
            template_version: super::prepared::template(by),
            text_digest: super::prepared::TEXT.into(),
            delivery: by.into(),
            covers: Some(scope(inside(step.what))),
            campaign_id: super::prepared::ASKING.into(),
        };
        let sent = self.house.notices().record_notice_sent(request).await?;
        let receipt = sent.into_inner().receipt.unwrap();
        Ok(self.kept(step, &receipt))
    }

    async fn speak(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let lifts: Vec<_> = (step.with("lifting").into_iter())
            .map(|name| self.position(name))
            .collect();
        let words = step.what.split(" & ").map(|said| word(said, &lifts));
        let request = wire::RecordConsentRequest {
            header: self.header(step),
            customer: customer(K),
            words: words.collect(),
            statement: Some(self.statement(step)),
        };
        let said = self.house.consents().record_consent(request).await?;
        let said = said.into_inner();
        self.keep(step, &said.receipt.unwrap());
        Ok(self.still_blocked(&said.still_blocked_by))
    }

    fn still_blocked(&self, by: &[u64]) -> Said {
        if by.is_empty() {
            return Said::new();
        }
        format!(
            "still blocked by {}",
            super::notation::called(&self.names, by)
        )
    }

    /// In the online account, by its holder, logged in, unless the brackets say otherwise.
    fn statement(&self, step: &Step<'_>) -> wire::Statement {
        let oral = step.with("oral").is_some();
        let evidence = step.with("without evidence").is_none();
        wire::Statement {
            medium: match oral {
                true => wire::Medium::Oral.into(),
                false => wire::Medium::Electronic.into(),
            },
            speaker: speaker(step.with("by").unwrap_or("ACCOUNT_HOLDER")).into(),
            assurance: self.assurance(step, oral),
            verification: None,
            notice_position: self.notice,
            evidence_digest: if evidence { vec![7; 32] } else { Vec::new() },
            evidence_reference: if evidence {
                "recording 7".into()
            } else {
                String::new()
            },
        }
    }

    fn assurance(&self, step: &Step<'_>, oral: bool) -> Option<wire::Assurance> {
        if step.with("unverified").is_some() {
            return None;
        }
        let said = step.with("dated");
        let said = said.map_or(self.now(), |at| super::notation::instant(at, self.now()));
        let by = step.with("verified by");
        let by = by.unwrap_or(if oral { "PASSWORD" } else { "ONLINE_ACCOUNT" });
        let before = step.with("verified").unwrap_or("1 minutes before");
        let at: Time = minutes_before(before, said);
        Some(wire::Assurance {
            method: method(by).into(),
            reference: "verification 7".into(),
            at: Some(on_the_wire(at)),
        })
    }

    /// `one-time approval in call c7(COMPANY; BILLING; M)`, on a recording.
    async fn grant_once(&mut self, step: &Step<'_>) -> Result<Said, Status> {
        let before = step.what.split('(').next().unwrap();
        let call = before.rsplit(' ').next().unwrap();
        let mut statement = self.statement(step);
        statement.medium = wire::Medium::Oral.into();
        if let Some(assurance) = &mut statement.assurance {
            assurance.method = wire::AssuranceMethod::Password.into();
        }
        let request = wire::GrantOnceRequest {
            header: self.header(step),
            customer: customer(K),
            call_id: call.into(),
            scope: Some(scope(inside(step.what))),
            statement: Some(statement),
        };
        let granted = self.house.consents().grant_once(request).await?;
        let receipt = granted.into_inner().receipt.unwrap();
        Ok(self.kept(step, &receipt))
    }

    async fn disclose(&mut self, step: &Step<'_>, asked: &str) -> Result<Said, Status> {
        use wire::disclose_request::Seal;
        use wire::disclose_response::Outcome;
        let on = step.with("on").expect("a disclosure rests on a ground");
        let sealed_until = step.with("sealed until").map(|at| self.at(at));
        let request = wire::DiscloseRequest {
            header: self.header(step),
            customer: customer(K),
            question: Some(wire::Question {
                ground: Some(ground(on, &self.names, self.now())),
                ..question(asked)
            }),
            seal: sealed_until.map(Seal::SealedUntil),
        };
        let answer = self.house.disclosures().disclose(request).await?;
        let answer = answer.into_inner();
        self.keep(step, &answer.receipt.unwrap());
        Ok(match answer.outcome.unwrap() {
            Outcome::Made(made) if made.relied_on.is_empty() => "made".into(),
            Outcome::Made(made) => {
                format!(
                    "made on {}",
                    super::notation::called(&self.names, &made.relied_on)
                )
            }
            Outcome::Refused(refused) => {
                let codes = refused.reasons.iter().map(|one| one.code().as_str_name());
                let codes: Vec<_> = codes.map(|code| &code["REASON_CODE_".len()..]).collect();
                format!("refused for {}", codes.join(", "))
            }
        })
    }

    /// `AFFILIATE acme joins`, `AFFILIATE acme leaves`, `call c7 ends`, `n1 BOUNCED`.
    async fn of_entities(&mut self, step: &Step<'_>, rest: &str) -> Result<Said, Status> {
        let (subject, verb) = step.what.rsplit_once(' ').unwrap();
        let receipt = match verb {
            "joins" => self.join(step, subject).await?,
            "leaves" => self.leave(step, subject).await?,
            "customer" => self.serve(step, subject).await?,
            "ends" => {
                let request = wire::EndCallRequest {
                    header: self.header(step),
                    customer: customer(K),
                    call_id: subject.strip_prefix("call ").unwrap().into(),
                };
                let ended = self.house.consents().end_call(request).await?;
                ended.into_inner().receipt
            }
            _ => {
                let request = wire::RecordNoticeOutcomeRequest {
                    header: self.header(step),
                    customer: customer(K),
                    notice_position: self.position(subject),
                    outcome: outcome(rest).into(),
                };
                let told = self.house.notices().record_notice_outcome(request).await?;
                told.into_inner().receipt
            }
        };
        Ok(self.kept(step, &receipt.unwrap()))
    }

    async fn join(
        &self,
        step: &Step<'_>,
        who: &str,
    ) -> Result<Option<wire::CommandReceipt>, Status> {
        let (kind, entity) = recipient(who);
        let request = wire::RecordEntityJoinedRequest {
            header: self.header(step),
            entity,
            kind: kind.into(),
            communications_related: true,
        };
        let joined = self.house.entities().record_entity_joined(request).await?;
        Ok(joined.into_inner().receipt)
    }

    async fn leave(
        &self,
        step: &Step<'_>,
        who: &str,
    ) -> Result<Option<wire::CommandReceipt>, Status> {
        let (kind, entity) = recipient(who);
        let request = wire::RecordEntityLeftRequest {
            header: self.header(step),
            entity,
            kind: kind.into(),
            ends_at: step.with("from").map(|at| self.at(at)),
        };
        let left = self.house.entities().record_entity_left(request).await?;
        Ok(left.into_inner().receipt)
    }

    /// `AFFILIATE acme serves the customer`.
    async fn serve(
        &self,
        step: &Step<'_>,
        who: &str,
    ) -> Result<Option<wire::CommandReceipt>, Status> {
        let who = who.strip_suffix(" serves the").unwrap();
        let request = wire::RecordAffiliateBeganRequest {
            header: self.header(step),
            customer: customer(K),
            affiliate: recipient(who).1,
        };
        let began = self
            .house
            .accounts()
            .record_affiliate_began(request)
            .await?;
        Ok(began.into_inner().receipt)
    }
}

/// A notice, electronic and with all that it must say unless the brackets say otherwise.
pub fn given(
    step: &Step<'_>,
    header: Option<wire::CommandHeader>,
    covers: &str,
) -> wire::RecordNoticeRequest {
    let listed = |manner: &str| -> Vec<i32> {
        let names = step.with(manner).into_iter().flat_map(|all| all.split('+'));
        names.map(|name| statement(name).into()).collect()
    };
    let without = listed("without");
    let mut statements = opt_in_statements();
    let all = statements.len();
    statements.retain(|one| !without.contains(one));
    assert_eq!(
        statements.len() + without.len(),
        all,
        "what it says anyway is left out"
    );
    statements.extend(listed("saying"));
    let oral = step.with("oral").is_some();
    wire::RecordNoticeRequest {
        header,
        customer: customer(K),
        notice_version: "2024-05-29".into(),
        text_digest: vec![7; 32],
        form: match oral {
            true => wire::Medium::Oral.into(),
            false => wire::Medium::Electronic.into(),
        },
        language: "en-US".into(),
        covers: Some(scope(covers)),
        template_version: String::new(),
        statements,
        call_id: step.with("in call").unwrap_or_default().into(),
    }
}

/// What stands between the brackets of `notice(ALL; ALL; ALL)`.
pub fn inside(what: &str) -> &str {
    let (_, inside) = what.split_once('(').unwrap();
    inside.strip_suffix(')').unwrap()
}

/// How `opt-out notice by POST(…)` is sent.
pub fn delivery_of(what: &str) -> wire::NoticeDelivery {
    let by = what.strip_prefix("opt-out notice by ").unwrap();
    delivery(by.split('(').next().unwrap())
}
