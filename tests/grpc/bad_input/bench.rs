//! A house in which each bad input finds what it needs, and ways to send it.

use consent_ledger::access::Role;
use consent_ledger::proto::v1 as wire;
use tonic::transport::Channel;
use tonic::{Response, Status};
use tonic_types::StatusExt;
use wire::ContactPermission::{Administrative, TechnicalSupport};
use wire::VerificationPurpose::{AccountChanges, AccountInformation};
use wire::authority::Authority;
use wire::disclose_response::Outcome;
use wire::open_verification_request::Means;
use wire::policy_service_client::PolicyServiceClient;
use wire::{CpniClass, CredentialKind, Purpose, ReachKind, RecipientKind};

use super::Got;
use crate::callers::{answering, cited, identified, on, reach};
use crate::house::*;

/// The house, and the positions that bad inputs misuse.
pub struct Bench {
    pub house: House,
    /// The door as billing finds it.
    pub billing: House,
    /// The notice that K-1 was given.
    pub noticed: u64,
    /// K-1's grant to the company, which answers it.
    pub granted: u64,
    /// K-2's.
    pub granted_by_other: u64,
    /// A notice given to K-4, who denied everything.
    pub denier_noticed: u64,
    /// A verification of K-1 in call `c-1`.
    pub verified: u64,
    /// One for changes to the account, in the same call.
    pub changes: u64,
    /// One of K-2 in call `c-2`.
    pub other_verified: u64,
    /// One of K-1 in call `c-ended`, which has ended.
    pub ended: u64,
    /// The record of the policy `v1`.
    pub policy: u64,
}

pub const NUMBER: &str = "801-210-1651";
pub const PIN: &str = "95137";

impl Bench {
    pub async fn laid() -> Self {
        let house = House::open().await;
        let billing = House::with(for_callers_in(Role::DisclosureWriter)).await;
        let (noticed, granted) = granting(&house, "K-1").await;
        let (_, granted_by_other) = granting(&house, "K-2").await;
        for id in ["K-3", "K-4"] {
            house.opened(id, &["local"]).await;
        }
        let bench = Self {
            denier_noticed: house.noticed("K-4").await,
            changes: verified(&house, "K-1", AccountChanges, "c-1").await,
            verified: verified(&house, "K-1", AccountInformation, "c-1").await,
            other_verified: verified(&house, "K-2", AccountInformation, "c-2").await,
            ended: verified(&house, "K-1", AccountInformation, "c-ended").await,
            policy: published(&house).await,
            house,
            billing,
            noticed,
            granted,
            granted_by_other,
        };
        bench.end_call().await;
        bench.house.listed("K-1", "emp-2", TechnicalSupport).await;
        bench.house.listed("K-1", "emp-9", Administrative).await;
        bench.number_and_pin("K-1").await;
        bench.number_and_pin("K-3").await;
        bench.forgotten("K-3").await;
        bench.deny("K-4").await;
        bench
    }

    async fn end_call(&self) {
        let end = wire::EndCallRequest {
            header: header(),
            customer: customer("K-1"),
            call_id: "c-ended".into(),
        };
        self.house.consents().end_call(end).await.unwrap();
    }

    async fn number_and_pin(&self, id: &str) {
        let number = wire::AssociateReachRequest {
            header: header(),
            customer: customer(id),
            reach: reach(ReachKind::TelephoneNumber, NUMBER),
            keep_text: true,
            replaces: String::new(),
            authority: on(Authority::StartOfService(true)),
        };
        self.house.callers().associate_reach(number).await.unwrap();
        let set = self.establish(id, PIN, Authority::StartOfService(true));
        assert!(set.await.unwrap().into_inner().accepted);
    }

    /// A new PIN, compared with the customer's number.
    pub async fn establish(
        &self,
        id: &str,
        secret: &str,
        authority: Authority,
    ) -> Result<Response<wire::EstablishCredentialResponse>, Status> {
        let request = wire::EstablishCredentialRequest {
            header: header(),
            customer: customer(id),
            kind: CredentialKind::Pin.into(),
            secret: secret.into(),
            known: Some(wire::KnownValues {
                telephone_numbers: vec![NUMBER.into()],
                ..wire::KnownValues::default()
            }),
            authority: on(authority),
        };
        self.house.callers().establish_credential(request).await
    }

    /// The customer has passed the challenge in call `c-3`, and must set a new PIN.
    async fn forgotten(&self, id: &str) {
        let answers = [("first_concert", "The Café"), ("first_job_town", "Provo")];
        let position = verified(&self.house, id, AccountChanges, "c-3").await;
        let set = self.set_questions(id, &answers, cited(position, "c-3"));
        set.await.unwrap();
        let answer = wire::AnswerChallengeRequest {
            header: header(),
            customer: customer(id),
            caller: crate::callers::holder(),
            call_id: "c-3".into(),
            answers: answering(&answers),
        };
        let answered = self.house.callers().answer_challenge(answer).await;
        assert!(answered.unwrap().into_inner().passed);
    }

    pub async fn set_questions(
        &self,
        id: &str,
        answers: &[(&str, &str)],
        authority: Authority,
    ) -> Result<Response<wire::SetChallengeResponse>, Status> {
        let request = wire::SetChallengeRequest {
            header: header(),
            customer: customer(id),
            answers: answering(answers),
            authority: on(authority),
        };
        self.house.callers().set_challenge(request).await
    }

    async fn deny(&self, id: &str) {
        let denied = consent(id, None, vec![denial(everything())]);
        self.house.consents().record_consent(denied).await.unwrap();
    }

    /// Discloses of K-1 what the question says.
    pub async fn disclose(&self, question: wire::Question) -> Got {
        let request = wire::DiscloseRequest {
            header: header(),
            customer: customer("K-1"),
            question: Some(question),
            seal: None,
        };
        match self.house.disclosures().disclose(request).await {
            Err(status) => refused(status),
            Ok(answer) => match answer.into_inner().outcome.unwrap() {
                Outcome::Made(_) => Got::Taken,
                Outcome::Refused(why) => Got::NoOnRecord(names(&why.reasons)),
            },
        }
    }

    /// Asks a check about the customer.
    pub async fn check(&self, id: &str, question: wire::Question) -> Got {
        let request = wire::CheckUseRequest {
            customer: customer(id),
            question: Some(question),
            ..wire::CheckUseRequest::default()
        };
        match self.house.checks().check_use(request).await {
            Err(status) => refused(status),
            Ok(answer) => {
                let ruling = answer.into_inner().ruling.unwrap();
                match ruling.allowed {
                    true => Got::Yes,
                    false => Got::No(names(&ruling.reasons)),
                }
            }
        }
    }

    /// Says the words on no evidence and in the medium.
    pub async fn say(&self, mut request: wire::RecordConsentRequest) -> Got {
        let statement = request.statement.as_mut().unwrap();
        statement.evidence_digest.clear();
        got(self.house.consents().record_consent(request).await)
    }
}

/// Opens the account with a notice and a grant to the company; their positions.
async fn granting(house: &House, id: &str) -> (u64, u64) {
    house.opened(id, &["local"]).await;
    let notice = house.noticed(id).await;
    let words = vec![grant(marketing_by(&[RecipientKind::Company]))];
    let said = house.said(id, notice, words).await.unwrap();
    (notice, said.receipt.unwrap().position)
}

pub async fn verified(
    house: &House,
    id: &str,
    purpose: wire::VerificationPurpose,
    call: &str,
) -> u64 {
    let request = wire::OpenVerificationRequest {
        header: header(),
        customer: customer(id),
        identified: identified(purpose, call),
        means: Some(Means::OnlineAccount(true)),
    };
    let opened = house.callers().open_verification(request).await.unwrap();
    opened.into_inner().receipt.unwrap().position
}

async fn published(house: &House) -> u64 {
    let request = policy("v1", 7);
    let published = policies(house).publish_policy(request).await.unwrap();
    published.into_inner().receipt.unwrap().position
}

pub fn policies(house: &House) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(house.channel.clone())
}

/// A version of the policy with a text of that digest, posted and in force now.
pub fn policy(version: &str, text: u8) -> wire::PublishPolicyRequest {
    let mut posted_at = now();
    posted_at.seconds -= 3600;
    wire::PublishPolicyRequest {
        header: header(),
        version: version.into(),
        text_digest: vec![text; 32],
        effective_at: Some(now()),
        posting: Some(wire::PolicyPosting {
            place: "https://infotech.example/policy".into(),
            posted_at: Some(posted_at),
            capture_digest: vec![8; 32],
        }),
    }
}

/// A question about a disclosure of one class on a ground.
pub fn on_ground(
    purpose: Purpose,
    class: CpniClass,
    recipient: RecipientKind,
    ground: wire::question::Ground,
) -> wire::Question {
    wire::Question {
        purpose: purpose.into(),
        classes: vec![class.into()],
        recipient_kind: recipient.into(),
        entity: "acme".into(),
        ground: Some(ground),
        ..wire::Question::default()
    }
}

pub fn refused(status: Status) -> Got {
    let info = status.get_details_error_info();
    Got::Refused(
        status.code(),
        info.map(|info| info.reason).unwrap_or_default(),
    )
}

/// Whether the command was taken.
pub fn got<T>(answer: Result<Response<T>, Status>) -> Got {
    match answer {
        Ok(_) => Got::Taken,
        Err(status) => refused(status),
    }
}

fn names(reasons: &[wire::Reason]) -> Vec<&'static str> {
    let name = |reason: &wire::Reason| {
        let name = reason.code().as_str_name();
        name.strip_prefix("REASON_CODE_").unwrap_or(name)
    };
    reasons.iter().map(name).collect()
}
