//! ImportService: a migrating company's history, line by line (C2, R4, R5, R15).

use consent_ledger::generate::{Customers, Moment};
use consent_ledger::proto::v1 as wire;
use tonic::Code;
use tonic_types::StatusExt;
use wire::RecipientKind::Company;
use wire::asserted_fact::Fact;
use wire::import_response::Outcome;
use wire::import_service_client::ImportServiceClient;
use wire::submit_response::Answer;

use crate::house::*;

/// 2015-01-01T00:00:00Z and so on.
fn year(year: i64) -> Option<prost_types::Timestamp> {
    let days = (year - 1970) * 365 + (year - 1969) / 4;
    Some(prost_types::Timestamp {
        seconds: days * 86_400,
        nanos: 0,
    })
}

fn account() -> Fact {
    Fact::Account(wire::AssertedAccount {
        legal_entity: "infotech".into(),
        opened_at: year(2015),
        closed_at: None,
    })
}

fn service(category: &str) -> Fact {
    Fact::Service(wire::AssertedService {
        category: category.into(),
        opened_at: year(2015),
        closed_at: None,
    })
}

fn notice() -> Fact {
    Fact::Notice(wire::AssertedNotice {
        version: "v1".into(),
        given_at: year(2016),
        form: wire::Medium::Written.into(),
        language: "en".into(),
        covers: Some(everything()),
        ..wire::AssertedNotice::default()
    })
}

fn word(kind: wire::WordKind) -> wire::AssertedWord {
    wire::AssertedWord {
        kind: kind.into(),
        scope: Some(marketing_by(&[Company])),
        said_at: year(2018),
        method: wire::Medium::Written.into(),
        speaker: wire::Speaker::AccountHolder.into(),
        notice_version: "v1".into(),
        evidence_digest: vec![9; 32],
        evidence_reference: "box 7".into(),
        ..wire::AssertedWord::default()
    }
}

fn line(number: u64, id: &str, fact: Fact) -> wire::ImportRequest {
    wire::ImportRequest {
        import_name: "crm-2026-11".into(),
        line: number,
        customer_id: id.into(),
        fact: Some(wire::AssertedFact { fact: Some(fact) }),
    }
}

/// An account with a service and a notice, from line 1 on.
fn begun(id: &str) -> Vec<wire::ImportRequest> {
    let facts = [account(), service("local"), notice()];
    (1..)
        .zip(facts)
        .map(|(number, fact)| line(number, id, fact))
        .collect()
}

impl House {
    async fn import(&self, lines: Vec<wire::ImportRequest>) -> Vec<wire::ImportResponse> {
        let mut client = ImportServiceClient::new(self.channel.clone());
        let answers = client.import(tokio_stream::iter(lines)).await.unwrap();
        let mut answers = answers.into_inner();
        let mut all = Vec::new();
        while let Some(answer) = answers.message().await.unwrap() {
            all.push(answer);
        }
        all
    }

    async fn tree_size(&self) -> u64 {
        let mut all = 0;
        let mut audit = self.audit();
        let request = wire::ExportRecordsRequest::default();
        let mut records = audit.export_records(request).await.unwrap().into_inner();
        while let Some(records) = records.message().await.unwrap() {
            all += records.lines.len() as u64;
        }
        all
    }
}

fn counts(response: &wire::ImportResponse) -> bool {
    match response.outcome.as_ref().unwrap() {
        Outcome::Recorded(recorded) => recorded.history_only.is_empty(),
        other => panic!("{other:?}"),
    }
}

fn reasons(response: &wire::ImportResponse) -> Vec<wire::Shortfall> {
    match response.outcome.as_ref().unwrap() {
        Outcome::Recorded(recorded) => recorded.history_only().collect(),
        other => panic!("{other:?}"),
    }
}

fn refused(response: &wire::ImportResponse) -> (Code, String, String) {
    let Some(Outcome::Refused(said)) = &response.outcome else {
        panic!("{response:?}");
    };
    let details = prost::Message::encode_to_vec(said);
    let status = tonic::Status::with_details(Code::from(said.code), "", details.into());
    let request = status.get_details_bad_request();
    let state = status.get_details_precondition_failure();
    let field = (request.map(|found| found.field_violations[0].field.clone()))
        .or(state.map(|found| found.violations[0].subject.clone()));
    let reason = status.get_details_error_info().unwrap().reason;
    (status.code(), reason, field.unwrap_or_default())
}

#[tokio::test]
async fn c2_a_history_is_imported_and_each_line_says_whether_it_counts() {
    let house = House::open().await;
    let mut lines = begun("K-1");
    let mut bare = word(wire::WordKind::Grant);
    bare.evidence_digest.clear();
    lines.push(line(4, "K-1", Fact::Word(bare)));
    let answers = house.import(lines).await;
    assert_eq!(
        answers.iter().map(|answer| answer.line).collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(answers[..3].iter().all(counts));
    assert_eq!(reasons(&answers[3]), [wire::Shortfall::EvidenceMissing]);
    let progress = answers[3].progress.unwrap();
    assert_eq!((progress.counted, progress.history_only), (3, 1));

    assert!(!house.check("K-1", market(Company, "cmrs")).await.allowed);
    let whole = line(5, "K-1", Fact::Word(word(wire::WordKind::Grant)));
    assert!(counts(&house.import(vec![whole]).await[0]));
    assert!(house.check("K-1", market(Company, "cmrs")).await.allowed);
    assert!(house.check("K-1", market(Company, "local")).await.allowed);
}

#[tokio::test]
async fn c2_the_same_lines_again_are_recorded_once_under_whichever_import_and_number() {
    let house = House::open().await;
    let mut lines = begun("K-1");
    lines.push(line(4, "K-1", Fact::Word(word(wire::WordKind::Deny))));
    house.import(lines.clone()).await;
    let size = house.tree_size().await;

    let again = house.import(lines.clone()).await;
    assert_eq!(again[3].progress.unwrap().already_recorded, 4);
    for moved in &mut lines {
        moved.line += 100;
        moved.import_name = "another".into();
    }
    let moved = house.import(lines).await;
    let already =
        |answer: &wire::ImportResponse| matches!(answer.outcome, Some(Outcome::AlreadyRecorded(_)));
    assert!(moved.iter().all(already), "{moved:?}");
    assert_eq!(house.tree_size().await, size);
}

#[tokio::test]
async fn v16_c2_an_imported_grant_is_answered_with_the_witnessed_denial_that_it_does_not_lift() {
    let house = House::open().await;
    house.import(begun("K-1")).await;
    let said = house
        .said("K-1", 0, vec![denial(marketing_by(&[Company]))])
        .await;
    let denied = said.unwrap().receipt.unwrap().position;
    let grant = line(9, "K-1", Fact::Word(word(wire::WordKind::Grant)));
    let answers = house.import(vec![grant]).await;
    match answers[0].outcome.as_ref().unwrap() {
        Outcome::Recorded(recorded) => assert_eq!(recorded.still_blocked_by, [denied]),
        other => panic!("{other:?}"),
    }
    let ruling = house.check("K-1", market(Company, "cmrs")).await;
    assert!(!ruling.allowed);
    assert_eq!(ruling.reasons[0].positions, [denied]);
}

#[tokio::test]
async fn c2_a_refused_line_names_field_and_rule_and_spoils_no_other() {
    let house = House::open().await;
    let mut lines = begun("K-1");
    let mut future = word(wire::WordKind::Deny);
    future.said_at = year(2090);
    let mut unknown = word(wire::WordKind::Deny);
    unknown.method = 77;
    let mut unsaid = word(wire::WordKind::Deny);
    unsaid.kind = 0;
    let mut nobody = word(wire::WordKind::Grant);
    nobody.scope = None;
    lines.extend([
        line(4, "K-1", Fact::Word(future)),
        line(5, "K-1", Fact::Word(unknown)),
        line(6, "K-1", Fact::Word(unsaid)),
        line(7, "K-1", Fact::Word(nobody)),
        line(8, "K-2", service("local")),
        line(9, "K-1", service("telex")),
        line(10, "", account()),
        line(11, "K-1", Fact::Word(word(wire::WordKind::Deny))),
    ]);
    let answers = house.import(lines).await;
    let wanted = [
        (Code::FailedPrecondition, "OCCURRED_AT", "word.said_at"),
        (Code::InvalidArgument, "INVALID", "word.method"),
        (Code::InvalidArgument, "INVALID", "word.kind"),
        (
            Code::InvalidArgument,
            "SCOPE_REQUIRED",
            "word.scope.recipient_kinds",
        ),
        (Code::NotFound, "CUSTOMER_UNKNOWN", ""),
        (
            Code::InvalidArgument,
            "CATEGORY_UNKNOWN",
            "service.category",
        ),
        (Code::InvalidArgument, "INVALID", "customer_id"),
    ];
    for (answer, (code, rule, field)) in answers[3..10].iter().zip(wanted) {
        assert_eq!(
            refused(answer),
            (code, rule.into(), field.into()),
            "line {}",
            answer.line
        );
    }
    assert!(counts(&answers[10]));
    assert_eq!(answers[10].progress.unwrap().refused, 7);
}

#[tokio::test]
async fn c5_p8_imported_facts_are_in_the_history_and_disclosures_in_the_accounting() {
    let house = House::open().await;
    let mut lines = begun("K-1");
    lines.push(line(4, "K-1", Fact::Word(word(wire::WordKind::Deny))));
    let made = wire::AssertedDisclosure {
        made_at: year(2017),
        recipient_kind: wire::RecipientKind::Agent.into(),
        entity: "print-and-mail".into(),
        classes: vec![wire::CpniClass::Billing.into()],
        purpose: wire::Purpose::Billing.into(),
        ground: wire::GroundKind::Billing.into(),
        reference: "INV-7".into(),
    };
    lines.push(line(5, "K-1", Fact::Disclosure(made)));
    house.import(lines).await;

    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        ..wire::GetHistoryRequest::default()
    };
    let history = house
        .queries()
        .get_history(request)
        .await
        .unwrap()
        .into_inner();
    let types: Vec<_> = history
        .entries
        .iter()
        .map(|entry| entry.r#type.as_str())
        .collect();
    assert_eq!(
        types,
        [
            "account.opened.v1",
            "asserted.account.v1",
            "asserted.service.v1",
            "asserted.notice.v1",
            "asserted.blocked.v1",
            "disclosure.asserted.v1",
        ]
    );
    let Some(wire::entry::Event::Asserted(event)) = &history.entries[4].event else {
        panic!("{history:?}");
    };
    assert_eq!((event.import_name.as_str(), event.line), ("crm-2026-11", 4));
    let Some(Fact::Word(said)) = event.fact.as_ref().and_then(|fact| fact.fact.clone()) else {
        panic!("{event:?}");
    };
    assert_eq!(said, word(wire::WordKind::Deny));

    let request = wire::ListDisclosuresRequest {
        customer: customer("K-1"),
        ..wire::ListDisclosuresRequest::default()
    };
    let accounting = house.disclosures().list_disclosures(request).await.unwrap();
    let accounting = accounting.into_inner().disclosures;
    assert_eq!(accounting.len(), 1);
    assert!(accounting[0].asserted);
    assert_eq!(accounting[0].occurred_at, year(2017));
    let question = accounting[0]
        .question
        .as_ref()
        .unwrap()
        .question
        .as_ref()
        .unwrap();
    assert_eq!(question.entity, "print-and-mail");
}

#[tokio::test]
async fn p8_an_imported_disclosure_belongs_to_the_period_in_which_it_was_made() {
    let house = House::open().await;
    let mut lines = begun("K-1");
    for (number, made_at) in [(4, year(2017)), (5, year(2019))] {
        let made = wire::AssertedDisclosure {
            made_at,
            recipient_kind: wire::RecipientKind::Agent.into(),
            entity: "print-and-mail".into(),
            classes: vec![wire::CpniClass::Billing.into()],
            purpose: wire::Purpose::Billing.into(),
            ground: wire::GroundKind::Billing.into(),
            reference: "INV-7".into(),
        };
        lines.push(line(number, "K-1", Fact::Disclosure(made)));
    }
    house.import(lines).await;
    for (from, until, made) in [
        (None, None, vec![2017, 2019]),
        (year(2017), year(2018), vec![2017]),
        (year(2018), None, vec![2019]),
        (year(2020), None, vec![]),
        (None, year(2017), vec![]),
    ] {
        let request = wire::ListDisclosuresRequest {
            customer: customer("K-1"),
            recorded_from: from,
            recorded_until: until,
            ..wire::ListDisclosuresRequest::default()
        };
        let accounting = house.disclosures().list_disclosures(request).await.unwrap();
        let found: Vec<_> = (accounting.into_inner().disclosures.iter())
            .map(|one| one.occurred_at)
            .collect();
        let made: Vec<_> = made.into_iter().map(year).collect();
        assert_eq!(found, made, "from {from:?} until {until:?}");
    }
}

/// What is generated is what may be imported: no line of it is refused, and a second run changes nothing.
#[tokio::test]
async fn c2_generated_customers_are_imported_without_a_refusal_and_once() {
    let house = House::open().await;
    let facts = Customers::of(3).take(150).flat_map(|customer| {
        let id = customer.id;
        (customer.facts.into_iter()).map(move |fact| (id.clone(), fact))
    });
    let lines: Vec<_> = (1..)
        .zip(facts)
        .map(|(number, (id, fact))| line(number, &id, fact.fact.unwrap()))
        .collect();
    let count = lines.len() as u64;
    let answers = house.import(lines.clone()).await;
    let progress = answers.last().unwrap().progress.unwrap();
    assert_eq!(progress.refused, 0);
    assert_eq!(
        progress.counted + progress.history_only + progress.already_recorded,
        count
    );
    assert!(progress.counted > progress.history_only && progress.history_only > 0);
    let size = house.tree_size().await;
    let again = house.import(lines).await;
    assert_eq!(
        again.last().unwrap().progress.unwrap().already_recorded,
        count
    );
    assert_eq!(house.tree_size().await, size);
}

/// What generated customers do after that is witnessed like anything else: calls, words, services, disclosures.
#[tokio::test]
async fn f8_p6_generated_customers_go_on_with_what_the_ledger_witnesses() {
    let house = House::open().await;
    let customers: Vec<_> = Customers::of(4).take(120).collect();
    let facts = customers.iter().flat_map(|customer| {
        (customer.facts.iter()).map(|fact| (customer.id.as_str(), fact.fact.clone().unwrap()))
    });
    let lines = (1..)
        .zip(facts)
        .map(|(number, (id, fact))| line(number, id, fact));
    house.import(lines.collect()).await;
    let mut done = 0;
    for customer in &customers {
        let mut notice = None;
        for deed in &customer.deeds {
            let moment = Moment {
                customer: customer.id.clone(),
                request_id: uuid::Uuid::now_v7().to_string(),
                now: now(),
                notice,
            };
            let command = Some(deed.command(&moment));
            let request = tokio_stream::once(wire::SubmitRequest { command });
            let answers = house.intake().submit(request).await.unwrap();
            let answer = answers.into_inner().message().await.unwrap().unwrap();
            match answer.answer.unwrap() {
                Answer::Refused(refused) => panic!("{deed:?}: {refused:?}"),
                Answer::RecordNotice(given) => notice = Some(given.receipt.unwrap().position),
                _ => {}
            }
            done += 1;
        }
    }
    assert!(done > 150, "{done}");
}
