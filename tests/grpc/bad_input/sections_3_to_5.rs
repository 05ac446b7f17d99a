//! The policy's sections 3, 4 and 5.

use consent_ledger::proto::v1 as wire;
use tonic::Code::{FailedPrecondition, InvalidArgument};
use wire::CpniClass::{Billing, Location, PicFreezeStatus, Type};
use wire::VerificationPurpose::AccountInformation;
use wire::authority::Authority;
use wire::open_verification_request::Means;
use wire::question::Ground;
use wire::{Purpose, Question, RecipientKind};

use super::bench::{Bench, NUMBER, PIN, got, on_ground, policies, policy, refused};
use super::{Gets, Got, Row};
use crate::callers::{bill, identified, on_record};
use crate::contacts::{letter, named};
use crate::disclosures::order;
use crate::house::*;

pub fn rows() -> Vec<Row> {
    let mut rows = section_3();
    rows.extend(section_4_contacts());
    rows.extend(section_4_callers());
    rows.extend(section_5());
    rows
}

/// Proposed for most of these: a status. A refused disclosure that is well-formed is an answer, and on record (R14).
fn section_3() -> Vec<Row> {
    vec![
        row!(
            "P3.1",
            |bench| bench.disclose(citing(bench.granted_by_other)).await,
            Gets::NoOnRecord("APPROVAL_NOT_LIVE")
        ),
        row!(
            "P3.1",
            |bench| bench.disclose(citing(bench.noticed)).await,
            Gets::NoOnRecord("APPROVAL_NOT_LIVE")
        ),
        row!(
            "P3.2",
            |bench| bench.disclose(order("")).await,
            Gets::NoOnRecord("FACTS_REQUIRED")
        ),
        row!(
            "P3.2",
            |bench| {
                let mut question = order("24-77");
                if let Some(Ground::Legal(facts)) = &mut question.ground {
                    facts.digest.clear();
                }
                bench.disclose(question).await
            },
            Gets::NoOnRecord("FACTS_REQUIRED")
        ),
        row!(
            "P3.3",
            |bench| bench.disclose(case("F-7", false)).await,
            Gets::NoOnRecord("NOT_OPEN")
        ),
        row!(
            "P3.3",
            |bench| bench.disclose(case("", true)).await,
            Gets::NoOnRecord("FACTS_REQUIRED")
        ),
        row!(
            "P3.4",
            |bench| {
                let mut question = pic_freeze();
                question.classes.push(Type.into());
                bench.disclose(question).await
            },
            Gets::NoOnRecord("CLASS_NOT_COVERED")
        ),
        row!(
            "P3.5",
            |bench| {
                let publisher = Ground::Directory(wire::DirectoryGround {
                    publisher: "acme".into(),
                    non_published: false,
                });
                let (purpose, to) = (Purpose::Directory, RecipientKind::ThirdParty);
                bench
                    .disclose(on_ground(purpose, Billing, to, publisher))
                    .await
            },
            Gets::NoOnRecord("CLASS_NOT_COVERED")
        ),
        row!(
            "P3.6",
            |bench| bench.disclose(service(Purpose::Service, "")).await,
            Gets::NoOnRecord("FACTS_REQUIRED")
        ),
        row!(
            "P3.6",
            |bench| bench
                .disclose(service(Purpose::MarketingComms, "T-1"))
                .await,
            Gets::NoOnRecord("PURPOSE_NOT_COVERED")
        ),
        row!(
            "P3.7",
            |bench| {
                let invoice = Ground::Billing(wire::BillingGround {
                    invoice: "INV-1".into(),
                    ..wire::BillingGround::default()
                });
                let (purpose, to) = (Purpose::Billing, RecipientKind::Agent);
                bench
                    .disclose(on_ground(purpose, Location, to, invoice))
                    .await
            },
            Gets::NoOnRecord("CLASS_NOT_COVERED")
        ),
        // A ground that the contract doesn't have is none.
        row!(
            "P3.8",
            |bench| {
                let mut question = order("24-77");
                question.ground = None;
                bench.disclose(question).await
            },
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        row!(
            "P3.8",
            |bench| {
                let mut question = order("24-77");
                question.purpose = 9999;
                bench.disclose(question).await
            },
            Gets::Refused(InvalidArgument, "INVALID")
        ),
    ]
}

fn section_4_contacts() -> Vec<Row> {
    vec![
        // Taken, as proposed: nobody is authorised, and the list shows as given.
        row!(
            "P4.1",
            |bench| {
                let request = wire::SetContactsRequest {
                    header: header(),
                    customer: customer("K-4"),
                    contacts: Vec::new(),
                    basis: letter(wire::Channel::Post),
                };
                got(bench.house.contacts().set_contacts(request).await)
            },
            Gets::Taken
        ),
        // Proposed: PERMISSION_DENIED. That is said of the calling system's role; a person who isn't on the list is a
        // rule that isn't met. One refusal for who is unknown and for who lacks the permission.
        row!(
            "P4.2",
            |bench| by_contact(bench, "nobody").await,
            Gets::Refused(FailedPrecondition, "CONTACT_STATE")
        ),
        row!(
            "P4.2",
            |bench| by_contact(bench, "emp-2").await,
            Gets::Refused(FailedPrecondition, "CONTACT_STATE")
        ),
        row!(
            "P4.3",
            |bench| administrator(bench, letter(wire::Channel::Phone)).await,
            Gets::Refused(FailedPrecondition, "LETTERHEAD_REQUIRED")
        ),
        row!(
            "P4.3",
            |bench| {
                let caller = crate::callers::on(crate::callers::cited(bench.verified, "c-1"));
                let basis = wire::contact_basis::Basis::Caller(caller.unwrap());
                let basis = wire::ContactBasis { basis: Some(basis) };
                administrator(bench, Some(basis)).await
            },
            Gets::Refused(FailedPrecondition, "LETTERHEAD_REQUIRED")
        ),
    ]
}

fn section_4_callers() -> Vec<Row> {
    vec![
        row!(
            "P4.4",
            |bench| bench
                .disclose(bill(Billing, "c-2", on_record(bench.other_verified)))
                .await,
            Gets::NoOnRecord("VERIFICATION_REQUIRED")
        ),
        row!(
            "P4.4",
            |bench| bench
                .disclose(bill(Billing, "c-ended", on_record(bench.ended)))
                .await,
            Gets::NoOnRecord("VERIFICATION_REQUIRED")
        ),
        row!(
            "P4.5",
            |bench| open(bench, None).await,
            Gets::Refused(InvalidArgument, "INVALID")
        ),
        // To a number that the caller gave.
        row!(
            "P4.5",
            |bench| {
                let back = Means::CallBack(wire::CallBack {
                    number: "801-555-1111".into(),
                    asked_at: Some(now()),
                });
                open(bench, Some(back)).await
            },
            Gets::Refused(FailedPrecondition, "OF_RECORD_STATE")
        ),
        // Proposed: a status. It is an answer, so that the attempt is counted (P12).
        row!(
            "P4.6",
            |bench| {
                let authority = changing(bench);
                match bench
                    .establish("K-1", &NUMBER.replace('-', "")[3..], authority)
                    .await
                {
                    Ok(answer) if !answer.get_ref().accepted => Got::FailedOnRecord,
                    Ok(_) => Got::Taken,
                    Err(status) => refused(status),
                }
            },
            Gets::FailedOnRecord
        ),
        row!(
            "P4.7a",
            |bench| {
                let one = [("first_concert", "Oz")];
                got(bench.set_questions("K-1", &one, changing(bench)).await)
            },
            Gets::Refused(FailedPrecondition, "QUESTION_NOT_ALLOWED")
        ),
        row!(
            "P4.7a",
            |bench| {
                let answers = [("first_concert", "Oz"), ("date_of_birth", "1 May")];
                got(bench.set_questions("K-1", &answers, changing(bench)).await)
            },
            Gets::Refused(FailedPrecondition, "QUESTION_NOT_ALLOWED")
        ),
        row!(
            "P4.7b",
            |bench| {
                let request = wire::VerifySecretRequest {
                    header: header(),
                    customer: customer("K-3"),
                    identified: identified(AccountInformation, "c-3"),
                    secret: PIN.into(),
                    prompted: false,
                };
                got(bench.house.callers().verify_secret(request).await)
            },
            Gets::Refused(FailedPrecondition, "RESET_REQUIRED")
        ),
        row!(
            "P4.8",
            |bench| {
                let request = wire::OpenTicketRequest {
                    header: header(),
                    customer: customer("K-1"),
                    condition: wire::TicketCondition::Other.into(),
                    ticket: "T-1".into(),
                    verification: None,
                };
                got(bench.house.callers().open_ticket(request).await)
            },
            Gets::Refused(FailedPrecondition, "VERIFICATION_REQUIRED")
        ),
    ]
}

fn section_5() -> Vec<Row> {
    vec![
        row!(
            "P5.1",
            |bench| {
                let mut early = policy("v2", 8);
                early.effective_at.as_mut().unwrap().seconds -= 7200;
                got(policies(&bench.house).publish_policy(early).await)
            },
            Gets::Refused(FailedPrecondition, "POLICY_STATE")
        ),
        // Proposed: FAILED_PRECONDITION. As under P3.
        row!(
            "P5.2",
            |bench| bench.disclose(citing(bench.policy)).await,
            Gets::NoOnRecord("APPROVAL_NOT_LIVE")
        ),
    ]
}

/// A disclosure to the company's own marketing on an approval.
fn citing(approval: u64) -> Question {
    Question {
        entity: "infotech".into(),
        ground: Some(Ground::Approval(wire::ApprovalGround {
            cites: Some(approval),
        })),
        ..market(RecipientKind::Company, "cmrs")
    }
}

fn case(case_id: &str, open: bool) -> Question {
    let ground = Ground::Rights(wire::RightsGround {
        case_id: case_id.into(),
        open,
        protected_party: "infotech".into(),
    });
    on_ground(Purpose::Rights, Billing, RecipientKind::ThirdParty, ground)
}

fn pic_freeze() -> Question {
    let ground = Ground::PicFreeze(wire::PicFreezeGround {
        provider: "acme".into(),
        request_id: "12".into(),
    });
    let (purpose, to) = (Purpose::PicFreeze, RecipientKind::Carrier);
    on_ground(purpose, PicFreezeStatus, to, ground)
}

fn service(purpose: Purpose, ticket: &str) -> Question {
    let ground = Ground::Service(wire::ServiceGround {
        ticket: ticket.into(),
        open: true,
        ..wire::ServiceGround::default()
    });
    on_ground(purpose, Billing, RecipientKind::Agent, ground)
}

async fn open(bench: &Bench, means: Option<Means>) -> Got {
    let request = wire::OpenVerificationRequest {
        header: header(),
        customer: customer("K-1"),
        identified: identified(AccountInformation, "c-1"),
        means,
    };
    got(bench.house.callers().open_verification(request).await)
}

/// A contact wants account information.
async fn by_contact(bench: &Bench, person: &str) -> Got {
    let mut identified = identified(AccountInformation, "c-1");
    let caller = wire::caller::Caller::Contact(person.into());
    identified.as_mut().unwrap().caller = Some(wire::Caller {
        caller: Some(caller),
    });
    let request = wire::OpenVerificationRequest {
        header: header(),
        customer: customer("K-1"),
        identified,
        means: Some(Means::OnlineAccount(true)),
    };
    got(bench.house.callers().open_verification(request).await)
}

async fn administrator(bench: &Bench, basis: Option<wire::ContactBasis>) -> Got {
    let request = wire::AddContactRequest {
        header: header(),
        customer: customer("K-1"),
        contact: Some(named("emp-1", &[wire::ContactPermission::Administrative])),
        basis,
    };
    got(bench.house.contacts().add_contact(request).await)
}

/// What K-1 is changed on.
fn changing(bench: &Bench) -> Authority {
    crate::callers::cited(bench.changes, "c-1")
}
