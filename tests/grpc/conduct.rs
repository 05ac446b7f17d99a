//! Complaints, people, and the certificate that sums them up (F12, F21).

use consent_ledger::proto::v1 as wire;
use tonic::Code;
use tonic::transport::Channel;
use wire::compliance_service_client::ComplianceServiceClient;
use wire::conduct_service_client::ConductServiceClient;
use wire::record_certificate_request::Step as CertificateStep;
use wire::record_person_request::Step;
use wire::{ComplaintCategory, Counted, StatementContent};

use crate::house::*;
use crate::incidents::document;

fn client(house: &House) -> ConductServiceClient<Channel> {
    ConductServiceClient::new(house.channel.clone())
}

fn person(id: &str, step: Step) -> wire::RecordPersonRequest {
    wire::RecordPersonRequest {
        header: header(),
        person_id: id.into(),
        step: Some(step),
    }
}

fn course() -> Step {
    Step::Trained(wire::CourseCompleted {
        course: "cpni-2026".into(),
        completed_at: None,
    })
}

/// The last calendar year by the tests' clock.
fn last_year() -> u32 {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    u32::try_from(today.year()).unwrap() - 1
}

/// The middle of the last year.
fn then() -> prost_types::Timestamp {
    let year = i16::try_from(last_year()).unwrap();
    let noon = jiff::civil::date(year, 6, 15).at(12, 0, 0, 0);
    let zoned = noon.to_zoned(jiff::tz::TimeZone::UTC).unwrap();
    prost_types::Timestamp {
        seconds: zoned.timestamp().as_second(),
        nanos: 0,
    }
}

#[tokio::test]
async fn f21_people_with_access_and_no_training_are_a_report() {
    let house = House::open().await;
    let mut client = client(&house);
    for (id, step) in [
        ("anna", Step::AccessGiven("care-agent".into())),
        ("boris", Step::AccessGiven("care-agent".into())),
        ("boris", course()),
        ("carla", course()),
    ] {
        client.record_person(person(id, step)).await.unwrap();
    }
    let report = |person_ids: &[&str]| wire::ListPeopleRequest {
        untrained: true,
        person_ids: person_ids.iter().map(ToString::to_string).collect(),
        ..wire::ListPeopleRequest::default()
    };
    let everybody = client.list_people(report(&[])).await.unwrap().into_inner();
    assert_eq!(everybody.people.len(), 1);
    assert_eq!(everybody.people[0].person_id, "", "nobody's name is kept");
    let named = client
        .list_people(report(&["boris", "anna", "dora"]))
        .await
        .unwrap()
        .into_inner();
    let names: Vec<_> = named
        .people
        .iter()
        .map(|one| one.person_id.as_str())
        .collect();
    assert_eq!(names, ["anna"]);
    assert_eq!(
        named.people[0].person_token,
        everybody.people[0].person_token
    );

    let again = client
        .record_person(person("anna", Step::AccessGiven("x".into())))
        .await;
    assert_eq!(
        refusal(again),
        (Code::FailedPrecondition, "STEP_ORDER".into())
    );
    let unclear = client
        .record_person(person("anna", Step::AccessTaken(false)))
        .await;
    assert_eq!(refusal(unclear), (Code::InvalidArgument, "INVALID".into()));
    client
        .record_person(person("anna", Step::AccessTaken(true)))
        .await
        .unwrap();
    assert!(
        client
            .list_people(report(&[]))
            .await
            .unwrap()
            .into_inner()
            .people
            .is_empty()
    );
}

#[tokio::test]
async fn f12_the_certificates_figures_name_their_records_and_an_officer_signs_and_files() {
    let house = House::open().await;
    let mut conduct = client(&house);
    let complaint = wire::RecordComplaintRequest {
        header: header(),
        complaint_id: "c-1".into(),
        step: Some(wire::record_complaint_request::Step::Received(
            wire::ComplaintReceipt {
                category: ComplaintCategory::Pretexting.into(),
                received_at: Some(then()),
            },
        )),
    };
    let received = conduct
        .record_complaint(complaint)
        .await
        .unwrap()
        .into_inner();
    let position = received.receipt.unwrap().position;
    let action = wire::RecordBrokerActionRequest {
        header: header(),
        action_id: "a-1".into(),
        measure: wire::BrokerMeasure::Court.into(),
        description: "suit against a seller of call records".into(),
        filing: Some(document("2:26-cv-00117")),
        taken_at: Some(then()),
    };
    conduct.record_broker_action(action).await.unwrap();

    let mut client = ComplianceServiceClient::new(house.channel.clone());
    let ask = wire::GetCertificateRequest {
        year: last_year(),
        ..wire::GetCertificateRequest::default()
    };
    let shown = client.get_certificate(ask).await.unwrap().into_inner();
    let figure = |counted: Counted, kind: &str| {
        let figures = shown.figures.iter();
        let mut of_it = figures.filter(|one| one.counted() == counted && one.kind == kind);
        of_it.next().unwrap().clone()
    };
    assert_eq!(
        figure(Counted::Complaints, "pretexting").positions,
        [position]
    );
    assert_eq!(figure(Counted::BrokerActions, "court").count, 1);
    assert_eq!(figure(Counted::Breaches, "").count, 0);
    assert_eq!(
        (shown.rulebook.as_str(), shown.rulebook_digest.len()),
        ("infotech-cpni", 32)
    );

    let step = |step| wire::RecordCertificateRequest {
        header: header(),
        year: last_year(),
        step: Some(step),
    };
    let draft = |contents: &[StatementContent]| {
        step(CertificateStep::Drafted(wire::CertificateDraft {
            statement: Some(document("statement")),
            contents: contents.iter().map(|one| (*one).into()).collect(),
        }))
    };
    let lacking = client
        .record_certificate(draft(&[StatementContent::Procedures]))
        .await;
    assert_eq!(
        refusal(lacking),
        (Code::FailedPrecondition, "CONTENT_REQUIRED".into())
    );
    let unsigned = step(CertificateStep::Filed(document("06-36")));
    let unsigned = client.record_certificate(unsigned).await;
    assert_eq!(
        refusal(unsigned),
        (Code::FailedPrecondition, "STEP_ORDER".into())
    );
    let whole = [
        StatementContent::Procedures,
        StatementContent::BrokerActions,
        StatementContent::Complaints,
    ];
    for request in [
        draft(&whole),
        step(CertificateStep::SignedWithPersonalKnowledge(true)),
        step(CertificateStep::Filed(document("06-36"))),
    ] {
        client.record_certificate(request).await.unwrap();
    }
    let shown = client.get_certificate(ask).await.unwrap().into_inner();
    assert!(shown.drafted.is_some() && shown.signed.is_some() && shown.filed.is_some());
}
