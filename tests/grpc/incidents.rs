//! Breaches, failed ways to opt out, and what is due for them (F13, F18, F19).

use std::sync::Arc;

use consent_ledger::clock::Manual;
use consent_ledger::domain::time::Time;
use consent_ledger::proto::v1 as wire;
use tonic::transport::Channel;
use tonic::{Code, Status};
use wire::compliance_service_client::ComplianceServiceClient;
use wire::incident_service_client::IncidentServiceClient;
use wire::record_breach_request::Step;
use wire::record_opt_out_failure_request::Step as FailureStep;
use wire::{BreachText, CpniClass, Duty, DutyStanding, LetterContent};

use crate::house::*;

type Client = IncidentServiceClient<Channel>;

fn client(house: &House) -> Client {
    IncidentServiceClient::new(house.channel.clone())
}

pub fn document(reference: &str) -> wire::DocumentRef {
    wire::DocumentRef {
        digest: vec![5; 32],
        reference: reference.into(),
    }
}

async fn breach(client: &mut Client, step: Step) -> Result<u64, Status> {
    let request = wire::RecordBreachRequest {
        header: header(),
        breach_id: "b-1".into(),
        step: Some(step),
    };
    let response = client.record_breach(request).await?;
    Ok(response.into_inner().receipt.unwrap().position)
}

async fn failure(client: &mut Client, step: FailureStep) -> Result<u64, Status> {
    let request = wire::RecordOptOutFailureRequest {
        header: header(),
        failure_id: "f-1".into(),
        step: Some(step),
    };
    let response = client.record_opt_out_failure(request).await?;
    Ok(response.into_inner().receipt.unwrap().position)
}

fn told() -> Step {
    Step::CustomersNotified(wire::CustomersTold {
        customers: 800,
        complete: true,
        notice: Some(document("letter to customers")),
    })
}

fn agency() -> wire::AgencyWriting {
    wire::AgencyWriting {
        agency: "fbi".into(),
        writing: Some(document("note of a call")),
    }
}

async fn deadlines(house: &House, standings: &[DutyStanding]) -> Vec<wire::Deadline> {
    let mut client = ComplianceServiceClient::new(house.channel.clone());
    let request = wire::ListDeadlinesRequest {
        standings: standings.iter().map(|one| (*one).into()).collect(),
        ..wire::ListDeadlinesRequest::default()
    };
    client
        .list_deadlines(request)
        .await
        .unwrap()
        .into_inner()
        .deadlines
}

#[tokio::test]
async fn f18_a_breach_goes_its_way_and_customers_are_not_told_too_early() {
    let house = House::open().await;
    let mut client = client(&house);
    let suspected = Step::Suspected(wire::BreachSuspicion {
        description: "an account was opened from abroad".into(),
        classes: Vec::new(),
    });
    breach(&mut client, suspected).await.unwrap();
    let determined = Step::Determined(wire::BreachDetermination {
        classes: vec![CpniClass::CallDetail.into()],
        customers: 800,
        intentional: true,
        circumstances: "a stolen password".into(),
        ..wire::BreachDetermination::default()
    });
    let determined = breach(&mut client, determined).await.unwrap();
    let early = breach(&mut client, told()).await;
    assert_eq!(
        refusal(early),
        (Code::FailedPrecondition, "NOTICE_HELD".into())
    );

    let due = deadlines(&house, &[DutyStanding::Due]).await;
    assert_eq!((due.len(), due[0].duty()), (1, Duty::LawEnforcementNotice));
    assert_eq!(
        (due[0].about.as_str(), due[0].caused_by),
        ("b-1", Some(determined))
    );
    assert!(
        due[0].due_day.len() == 10 && !due[0].holidays_unknown,
        "{due:?}"
    );

    let notice = Step::LawEnforcementNotified(document("CPNI-2026-00417"));
    breach(&mut client, notice).await.unwrap();
    let early = breach(&mut client, told()).await;
    assert_eq!(
        refusal(early),
        (Code::FailedPrecondition, "NOTICE_HELD".into())
    );
    breach(&mut client, Step::UrgencyAgreed(agency()))
        .await
        .unwrap();
    breach(&mut client, told()).await.unwrap();
    breach(&mut client, Step::Closed("the accounts were locked".into()))
        .await
        .unwrap();

    let list = client
        .list_breaches(wire::ListBreachesRequest::default())
        .await
        .unwrap();
    let listed = list.into_inner().breaches.remove(0);
    assert_eq!(
        (listed.text(), listed.customers_told),
        (BreachText::Of2007, 800)
    );
    assert!(listed.closed.is_some() && listed.waits_for.is_empty());
    let done = deadlines(&house, &[DutyStanding::Done]).await;
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|one| one.done.is_some()));
}

#[tokio::test]
async fn f18_an_agencys_hold_is_kept_until_it_is_released() {
    let house = House::open().await;
    let mut client = client(&house);
    for step in [
        Step::Suspected(wire::BreachSuspicion {
            description: "a list was found".into(),
            classes: Vec::new(),
        }),
        Step::Determined(wire::BreachDetermination {
            classes: vec![CpniClass::Billing.into()],
            customers: 3,
            intentional: true,
            circumstances: "an insider".into(),
            ..wire::BreachDetermination::default()
        }),
        Step::LawEnforcementNotified(document("CPNI-2026-00418")),
        Step::UrgencyAgreed(agency()),
    ] {
        breach(&mut client, step).await.unwrap();
    }
    let hold = |days: i64| {
        let mut until = now();
        until.seconds += days * 24 * 3600;
        Step::NoticesHeld(wire::BreachHold {
            agency: "fbi".into(),
            writing: Some(document("letter 11")),
            until: Some(until),
        })
    };
    let too_long = breach(&mut client, hold(31)).await;
    assert_eq!(refusal(too_long), (Code::InvalidArgument, "INVALID".into()));
    breach(&mut client, hold(20)).await.unwrap();
    let held = breach(&mut client, told()).await;
    assert_eq!(
        refusal(held),
        (Code::FailedPrecondition, "NOTICE_HELD".into())
    );
    breach(&mut client, Step::NoticesReleased(agency()))
        .await
        .unwrap();
    breach(&mut client, told()).await.unwrap();
}

#[tokio::test]
async fn f13_the_letter_about_a_failed_way_to_opt_out_must_be_complete() {
    let house = House::open().await;
    let mut client = client(&house);
    let detected = FailureStep::Detected(wire::FailureDetection {
        mechanism: wire::Channel::Ivr.into(),
        description: "the menu hung up".into(),
    });
    failure(&mut client, detected).await.unwrap();
    let determined = FailureStep::Determined(wire::FailureDetermination {
        customers: 120,
        determined_at: None,
    });
    failure(&mut client, determined).await.unwrap();
    let letter = |contents: std::ops::RangeInclusive<i32>| {
        FailureStep::LetterFiled(wire::FailureLetter {
            contents: contents.collect(),
            letter: Some(document("06-36 117")),
        })
    };
    let last = LetterContent::Contact as i32;
    let lacking = failure(&mut client, letter(1..=last - 1)).await;
    assert_eq!(
        refusal(lacking),
        (Code::FailedPrecondition, "CONTENT_REQUIRED".into())
    );
    let unknown = failure(&mut client, letter(1..=last + 1)).await;
    assert_eq!(refusal(unknown), (Code::InvalidArgument, "INVALID".into()));
    let early = failure(&mut client, FailureStep::Closed("mended".into())).await;
    assert_eq!(
        refusal(early),
        (Code::FailedPrecondition, "STEP_ORDER".into())
    );
    failure(&mut client, letter(1..=last)).await.unwrap();
    failure(&mut client, FailureStep::Closed("mended".into()))
        .await
        .unwrap();
    let list = wire::ListOptOutFailuresRequest::default();
    let list = client
        .list_opt_out_failures(list)
        .await
        .unwrap()
        .into_inner();
    let listed = &list.failures[0];
    assert!(listed.letter_filed.is_some() && listed.closed.is_some());
    assert_eq!(
        (listed.customers, listed.mechanism()),
        (120, wire::Channel::Ivr)
    );
}

#[tokio::test]
async fn c5_a_watcher_who_may_see_everything_gets_a_registers_step_with_its_data() {
    let house = House::open().await;
    let mut client = client(&house);
    let suspected = Step::Suspected(wire::BreachSuspicion {
        description: "a list was found".into(),
        classes: Vec::new(),
    });
    let position = breach(&mut client, suspected).await.unwrap();
    let request = wire::WatchRequest {
        from_position: position,
        ..wire::WatchRequest::default()
    };
    let mut records = house.queries().watch(request).await.unwrap().into_inner();
    let entry = records.message().await.unwrap().unwrap().entry.unwrap();
    assert_eq!(entry.r#type, "breach.suspected.v1");
    let Some(wire::entry::Event::Register(event)) = entry.event else {
        panic!("{:?}", entry.event);
    };
    assert!(event.data.contains("\"breach\":\"b-1\""), "{}", event.data);
}

#[tokio::test]
async fn f19_a_list_of_deadlines_says_how_far_the_known_holidays_reach() {
    use wire::HolidaysReach::{Enough, Over, RunningOut};

    // The starts of 2027, of 2035, and of the second day of 2036, in UTC.
    let starts = [
        (1_798_761_600, Enough),
        (2_051_222_400, RunningOut),
        (2_082_844_800, Over),
    ];
    for (seconds, reach) in starts {
        let clock = Arc::new(Manual::at(Time(seconds * 1_000_000)));
        let house = House::at(clock).await;
        let mut client = ComplianceServiceClient::new(house.channel.clone());
        let request = wire::ListDeadlinesRequest::default();
        let listed = client.list_deadlines(request).await.unwrap().into_inner();
        assert_eq!(listed.holidays_known_through, "2035-12-31");
        assert_eq!(listed.holidays_reach(), reach, "{seconds}");
    }
}
