//! The policy's introduction and its sections 1 and 2.

use consent_ledger::proto::v1 as wire;
use tonic::Code::{AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, PermissionDenied};
use wire::CpniClass::{AmountOfUse, Billing};
use wire::NotCpniItem::Aggregate;
use wire::RecipientKind::{Company, ThirdParty};
use wire::{ApprovalGround, Purpose, Question};

use super::bench::{got, on_ground, policies, policy};
use super::{Gets, Row};
use crate::house::*;

pub fn rows() -> Vec<Row> {
    let mut rows = section_1();
    rows.extend(section_2());
    rows
}

fn section_1() -> Vec<Row> {
    vec![
        row!(
            "P0.1",
            |bench| got(policies(&bench.house).publish_policy(policy("v1", 9)).await),
            Gets::Refused(AlreadyExists, "REGISTERED_ALREADY")
        ),
        // The contract has no field for names; what would take one in their place is of another alphabet.
        row!(
            "P0.2",
            |bench| {
                let mut request = open_account("K-9", &[]);
                request.legal_entity = "Jane Doe, 12 Main St".into();
                got(bench.house.accounts().open_account(request).await)
            },
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        // P1.1 can't be sent: who calls can't prove it yet, and the door opens on loopback only (T1).
        row!(
            "P1.2",
            |bench| bench.check("K-1", of_class(9999)).await,
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        row!(
            "P1.2",
            |bench| bench.check("K-1", of_class(0)).await,
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        row!(
            "P1.2",
            |bench| {
                let nothing = Question {
                    classes: Vec::new(),
                    ..market(Company, "local")
                };
                bench.check("K-1", nothing).await
            },
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        // Proposed: aggregate data of a named customer is refused. By P1 a check on it answers that it is no CPNI, and a
        // check always names a customer. What CPNI chose the customer for is CPNI, whatever it is called (R13).
        row!(
            "P1.3",
            |bench| bench.check("K-4", aggregate(&[])).await,
            Gets::Yes
        ),
        row!(
            "P1.3",
            |bench| bench.check("K-4", aggregate(&[AmountOfUse.into()])).await,
            Gets::No("DENIED")
        ),
        // Proposed: NOT_FOUND. A check answers no, and a command is NOT_FOUND (C3, R16).
        row!(
            "P1.4",
            |bench| bench.check("K-9", market(Company, "local")).await,
            Gets::No("CUSTOMER_UNKNOWN")
        ),
        row!(
            "P1.4",
            |bench| {
                let request = consent("K-9", None, vec![denial(everything())]);
                got(bench.house.consents().record_consent(request).await)
            },
            Gets::Refused(NotFound, "CUSTOMER_UNKNOWN")
        ),
    ]
}

fn section_2() -> Vec<Row> {
    vec![
        // Proposed: FAILED_PRECONDITION. A refused disclosure is an answer, and on record (P7, R14).
        row!(
            "P2.1",
            |bench| {
                let approval = wire::question::Ground::Approval(ApprovalGround {
                    cites: Some(bench.granted),
                });
                let purpose = Purpose::MarketingComms;
                let asked = on_ground(purpose, Billing, ThirdParty, approval);
                bench.disclose(asked).await
            },
            Gets::NoOnRecord("APPROVAL_NOT_LIVE")
        ),
        // A grant to third parties names them (R12).
        row!(
            "P2.1",
            |bench| {
                let words = vec![grant(marketing_by(&[ThirdParty]))];
                let request = consent("K-1", Some(bench.noticed), words);
                got(bench.house.consents().record_consent(request).await)
            },
            Gets::Refused(InvalidArgument, "SCOPE_REQUIRED")
        ),
        row!(
            "P2.3",
            |bench| {
                let words = vec![grant(marketing_by(&[Company]))];
                bench.say(oral("K-1", Some(bench.noticed), words)).await
            },
            Gets::Refused(FailedPrecondition, "EVIDENCE_REQUIRED")
        ),
        row!(
            "P2.3",
            |bench| {
                let words = vec![denial(everything())];
                bench.say(oral("K-4", None, words)).await
            },
            Gets::Taken
        ),
        row!(
            "P2.4",
            |bench| {
                let request = wire::GetHistoryRequest {
                    customer: customer("K-4"),
                    ..wire::GetHistoryRequest::default()
                };
                got(bench.billing.queries().get_history(request).await)
            },
            Gets::Refused(PermissionDenied, "ROLE_REQUIRED")
        ),
        row!(
            "P2.5",
            |bench| {
                let request = consent("K-4", None, Vec::new());
                got(bench.house.consents().record_consent(request).await)
            },
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        // Proposed: an empty restriction is refused. What a block leaves empty means all of it (R2).
        row!(
            "P2.5",
            |bench| {
                let request = consent("K-4", None, vec![restriction()]);
                got(bench.house.consents().record_consent(request).await)
            },
            Gets::Taken
        ),
        // Proposed: PERMISSION_DENIED. The contract has no lifting but the customer's own grant (R3), and nobody else is
        // verified as the customer (R15).
        row!(
            "P2.6",
            |bench| bench.say(lifted_by_system(bench.denier_noticed)).await,
            Gets::Refused(FailedPrecondition, "VERIFICATION_REQUIRED")
        ),
        row!(
            "P2.6",
            |bench| bench.say(lifted_by_other(bench.denier_noticed)).await,
            Gets::Refused(FailedPrecondition, "VERIFICATION_REQUIRED")
        ),
    ]
}

fn of_class(class: i32) -> Question {
    Question {
        classes: vec![class],
        ..market(Company, "local")
    }
}

fn aggregate(selected_by: &[i32]) -> Question {
    Question {
        classes: Vec::new(),
        selected_by: selected_by.to_vec(),
        not_cpni: vec![Aggregate.into()],
        ..market(Company, "cmrs")
    }
}

fn oral(id: &str, notice: Option<u64>, words: Vec<wire::SpokenWord>) -> wire::RecordConsentRequest {
    let mut request = consent(id, notice, words);
    let statement = request.statement.as_mut().unwrap();
    statement.medium = wire::Medium::Oral.into();
    request
}

fn restriction() -> wire::SpokenWord {
    let restriction = wire::Restriction {
        scope: Some(wire::Scope::default()),
        except: Vec::new(),
    };
    wire::SpokenWord {
        word: Some(wire::spoken_word::Word::Restriction(restriction)),
    }
}

/// A grant of what K-4 denied, which a machine sends.
fn lifted_by_system(notice: u64) -> wire::RecordConsentRequest {
    let mut request = consent("K-4", Some(notice), vec![grant(marketing_by(&[Company]))]);
    request.header.as_mut().unwrap().channel = wire::Channel::System.into();
    request.statement.as_mut().unwrap().assurance = None;
    request
}

/// The same, said by somebody else.
fn lifted_by_other(notice: u64) -> wire::RecordConsentRequest {
    let mut request = consent("K-4", Some(notice), vec![grant(marketing_by(&[Company]))]);
    request.statement.as_mut().unwrap().speaker = wire::Speaker::Other.into();
    request
}
