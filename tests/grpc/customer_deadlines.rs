//! What is owed about single customers, asked of a running ledger (F6, F16, F19, P4).

use std::collections::BTreeMap;

use consent_ledger::access::Role;
use consent_ledger::clock::Manual;
use consent_ledger::generate::{self, Customers, Deed};
use consent_ledger::proto::v1 as wire;
use tonic::{Code, Status};
use wire::CustomerDuty::{OptOutRepeat, RecordingDigest};
use wire::DutyStanding::{Done, DoneLate, Due, Late};
use wire::as_of::Moment;
use wire::compliance_service_client::ComplianceServiceClient;
use wire::list_customer_deadlines_response::Part;
use wire::submit_response::Answer;

use crate::house::*;
use crate::notices::{DAY, baseline, template};
use crate::retention::{LATER, erase, watched};

/// Everything a list says.
pub struct Listed {
    customers: Vec<wire::CustomerDeadlines>,
    summary: wire::CustomerDeadlinesSummary,
}

impl Listed {
    pub fn of(&self, id: &str) -> &[wire::CustomerDeadline] {
        let mut customers = self.customers.iter();
        let found = customers.find(|one| one.customer_id == id);
        found.map_or(&[], |one| &one.deadlines)
    }
}

impl House {
    async fn try_deadlines_of(
        &self,
        request: wire::ListCustomerDeadlinesRequest,
    ) -> Result<Listed, Status> {
        let mut client = ComplianceServiceClient::new(self.channel.clone());
        let mut parts = client.list_customer_deadlines(request).await?.into_inner();
        let (mut customers, mut summary) = (Vec::new(), None);
        while let Some(message) = parts.message().await? {
            assert!(summary.is_none(), "the summary comes last");
            match message.part.unwrap() {
                Part::Customer(customer) => customers.push(customer),
                Part::Progress(progress) => assert!(progress.customers <= progress.expected),
                Part::Summary(end) => summary = Some(end),
            }
        }
        let summary = summary.expect("a list that is whole has a summary");
        assert_eq!(summary.listed, customers.len() as u64);
        let deadlines = customers.iter().map(|one| one.deadlines.len() as u64);
        assert_eq!(summary.deadlines, deadlines.sum::<u64>());
        Ok(Listed { customers, summary })
    }

    pub async fn deadlines_of(&self, request: wire::ListCustomerDeadlinesRequest) -> Listed {
        self.try_deadlines_of(request).await.unwrap()
    }

    async fn granted_once(&self, id: &str, call: &str, digest: Vec<u8>) -> u64 {
        let notice = self.noticed(id).await;
        let statement = wire::Statement {
            medium: wire::Medium::Oral.into(),
            evidence_digest: digest,
            ..consent(id, Some(notice), Vec::new()).statement.unwrap()
        };
        let once = wire::GrantOnceRequest {
            header: header(),
            customer: customer(id),
            call_id: call.into(),
            scope: Some(wire::Scope {
                all_classes: false,
                classes: vec![wire::CpniClass::Billing.into()],
                ..marketing_by(&[wire::RecipientKind::Company])
            }),
            statement: Some(statement),
        };
        let granted = self.consents().grant_once(once).await.unwrap();
        granted.into_inner().receipt.unwrap().position
    }

    async fn supply(&self, id: &str, approval: u64) -> Result<u64, Status> {
        let request = wire::SupplyEvidenceRequest {
            header: header(),
            customer: customer(id),
            approval_position: approval,
            evidence_digest: vec![5; 32],
        };
        let supplied = self.consents().supply_evidence(request).await?;
        Ok(supplied.into_inner().receipt.unwrap().position)
    }
}

fn all() -> wire::ListCustomerDeadlinesRequest {
    wire::ListCustomerDeadlinesRequest::default()
}

fn within(within_days: u32) -> wire::ListCustomerDeadlinesRequest {
    wire::ListCustomerDeadlinesRequest {
        within_days,
        ..all()
    }
}

fn standing(standings: &[wire::DutyStanding]) -> wire::ListCustomerDeadlinesRequest {
    wire::ListCustomerDeadlinesRequest {
        standings: standings.iter().map(|one| (*one).into()).collect(),
        ..within(3660)
    }
}

#[tokio::test]
async fn f6_f19_who_is_owed_a_repeated_notice_is_listed_ahead_of_time() {
    let (house, clock) = baseline().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["local"]).await;
    let form = wire::Medium::Electronic;
    let opt_out = template("opt-out", form, Some(30));
    house.approve(opt_out).await.unwrap();
    let electronic = wire::NoticeDelivery::Electronic;
    let sent = house.send("K-1", "opt-out", electronic).await.unwrap();
    let notice = sent.receipt.unwrap().position;

    let early = house.deadlines_of(all()).await;
    assert_eq!((early.summary.customers, early.summary.listed), (2, 0));
    assert!(early.summary.position >= notice);

    // 2027-11-02: the first of January 2028 is within sixty days.
    clock.pass(670 * DAY);
    assert_eq!(house.deadlines_of(within(59)).await.summary.deadlines, 0);
    let ahead = house.deadlines_of(within(60)).await;
    let [owed] = ahead.of("K-1") else {
        panic!("{:?}", ahead.customers);
    };
    assert_eq!((owed.duty(), owed.standing()), (OptOutRepeat, Due));
    assert_eq!(
        (owed.caused_by, owed.due_day.as_str()),
        (notice, "2027-12-31")
    );
    assert_eq!(owed.rule, "47 CFR 64.2008(d)(2)");
    assert_eq!((ahead.summary.listed, ahead.summary.late), (1, 0));
    assert_eq!(
        house
            .deadlines_of(standing(&[Late]))
            .await
            .summary
            .deadlines,
        0
    );

    clock.pass(61 * DAY);
    let late = house.deadlines_of(within(1)).await;
    assert_eq!(late.of("K-1")[0].standing(), Late);
    assert_eq!(late.summary.late, 1);

    let again = house.send("K-1", "opt-out", electronic).await.unwrap();
    let again = again.receipt.unwrap().position;
    assert_eq!(house.deadlines_of(all()).await.summary.deadlines, 0);
    let done = house.deadlines_of(standing(&[Done, DoneLate])).await;
    let [done] = done.of("K-1") else {
        panic!("{:?}", done.customers);
    };
    assert_eq!(done.standing(), DoneLate);
    assert_eq!(done.done.as_ref().unwrap().position, again);
}

#[tokio::test]
async fn p4_r11_the_digest_of_a_recording_is_owed_until_it_is_supplied() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["local"]).await;
    let approval = house.granted_once("K-1", "call 1", Vec::new()).await;
    let whole = house.granted_once("K-2", "call 2", vec![3; 32]).await;

    let listed = house.deadlines_of(all()).await;
    assert!(listed.of("K-2").is_empty());
    let [owed] = listed.of("K-1") else {
        panic!("{:?}", listed.customers);
    };
    assert_eq!((owed.duty(), owed.standing()), (RecordingDigest, Due));
    assert_eq!(owed.caused_by, approval);

    for (id, position) in [
        ("K-1", whole),
        ("K-2", whole),
        ("K-2", approval),
        ("K-1", 1),
    ] {
        let refused = refusal(house.supply(id, position).await);
        let state = "EVIDENCE_STATE".to_owned();
        assert_eq!(refused, (Code::FailedPrecondition, state));
    }
    let short = wire::SupplyEvidenceRequest {
        header: header(),
        customer: customer("K-1"),
        approval_position: approval,
        evidence_digest: vec![5; 31],
    };
    let refused = refusal(house.consents().supply_evidence(short).await);
    assert_eq!(refused, (Code::InvalidArgument, "INVALID".into()));

    let supplied = house.supply("K-1", approval).await.unwrap();
    assert_eq!(house.deadlines_of(all()).await.summary.deadlines, 0);
    let done = house.deadlines_of(standing(&[Done])).await;
    assert_eq!(done.of("K-1")[0].done.as_ref().unwrap().position, supplied);
    let again = refusal(house.supply("K-1", approval).await);
    assert_eq!(again.1, "EVIDENCE_STATE");

    let request = wire::GetHistoryRequest {
        customer: customer("K-1"),
        types: vec!["consent.evidence_supplied.v1".into()],
        ..wire::GetHistoryRequest::default()
    };
    let history = house.queries().get_history(request).await.unwrap();
    let entries = history.into_inner().entries;
    let Some(wire::entry::Event::EvidenceSupplied(event)) = &entries[0].event else {
        panic!("{entries:?}");
    };
    assert_eq!((entries.len(), event.approval_position), (1, approval));
    assert!(event.due_by.is_some());
}

#[tokio::test]
async fn f19_a_list_is_of_one_customer_and_some_duties_where_that_is_asked() {
    let house = House::open().await;
    for id in ["K-1", "K-2"] {
        house.opened(id, &["local"]).await;
        house.granted_once(id, "call 1", Vec::new()).await;
    }
    let of = |id: &str| wire::ListCustomerDeadlinesRequest {
        customer: customer(id),
        ..all()
    };
    let one = house.deadlines_of(of("K-2")).await;
    assert_eq!((one.summary.customers, one.of("K-2").len()), (1, 1));
    let unknown = refusal(
        house
            .try_deadlines_of(of("K-3"))
            .await
            .map(|one| one.summary),
    );
    assert_eq!(unknown, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));

    let of_duty = |duty: wire::CustomerDuty| wire::ListCustomerDeadlinesRequest {
        duties: vec![duty.into()],
        ..all()
    };
    let listed = house.deadlines_of(of_duty(RecordingDigest)).await;
    assert_eq!(listed.summary.deadlines, 2);
    assert_eq!(
        house
            .deadlines_of(of_duty(OptOutRepeat))
            .await
            .summary
            .deadlines,
        0
    );

    let wrong = [
        within(3661),
        wire::ListCustomerDeadlinesRequest {
            duties: vec![0],
            ..all()
        },
        wire::ListCustomerDeadlinesRequest {
            standings: vec![17],
            ..all()
        },
        of(""),
    ];
    for request in wrong {
        let refused = house.try_deadlines_of(request).await.map(|one| one.summary);
        assert_eq!(refusal(refused), (Code::InvalidArgument, "INVALID".into()));
    }
}

/// A list as it was given, in an order of its own.
async fn given(
    house: &House,
    as_of: Option<wire::as_of::Moment>,
) -> (Vec<wire::CustomerDeadlines>, wire::CustomerDeadlinesSummary) {
    let request = wire::ListCustomerDeadlinesRequest {
        as_of: as_of.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
        ..standing(&[Due, Late, Done, DoneLate])
    };
    let mut listed = house.deadlines_of(request).await;
    listed
        .customers
        .sort_by(|one, other| one.pseudonym.cmp(&other.pseudonym));
    (listed.customers, listed.summary)
}

/// K-1 and K-2 get notices by which silence approves, K-1 again when it is late; what was owed after each day.
async fn two_years(
    house: &House,
    clock: &Manual,
) -> Vec<(Vec<wire::CustomerDeadlines>, wire::CustomerDeadlinesSummary)> {
    let form = wire::Medium::Electronic;
    (house.approve(template("opt-out", form, Some(30))).await).unwrap();
    let mut days = vec![given(house, None).await];
    for (id, wait) in [("K-1", 0), ("K-2", 100), ("K-1", 700), ("K-3", 1)] {
        clock.pass(wait * DAY);
        days.push(given(house, None).await);
        if house.running.ledger.views.find(id).unwrap().is_none() {
            let opening = open_account(id, &["local"]);
            let header = dated();
            let opening = wire::OpenAccountRequest { header, ..opening };
            house.accounts().open_account(opening).await.unwrap();
        }
        let electronic = wire::NoticeDelivery::Electronic;
        house.send(id, "opt-out", electronic).await.unwrap();
        days.push(given(house, None).await);
    }
    days
}

#[tokio::test]
async fn c4_f19_what_is_owed_about_customers_as_of_a_past_moment_is_what_was_listed_then() {
    let (house, clock) = baseline().await;
    let days = two_years(&house, &clock).await;
    let late: Vec<_> = days.iter().map(|(_, summary)| summary.late).collect();
    assert!(late.contains(&1) && late.ends_with(&[0]), "{late:?}");
    for day in &days {
        let at = day.1.at.unwrap();
        let again = given(&house, Some(Moment::Time(at))).await;
        // Records of the same instant came after some of them.
        if again.1.position == day.1.position {
            assert_eq!(&again, day, "as of {at}");
        }
        let again = given(&house, Some(Moment::Position(day.1.position))).await;
        if again.1.at == day.1.at {
            assert_eq!(&again, day, "as of position {}", day.1.position);
        }
    }
    let (_, first) = &days[0];
    let one = |id: &str, position: u64| wire::ListCustomerDeadlinesRequest {
        customer: customer(id),
        as_of: Some(wire::AsOf {
            moment: Some(Moment::Position(position)),
        }),
        ..standing(&[Due])
    };
    let unknown = house.try_deadlines_of(one("K-1", first.position)).await;
    let unknown = refusal(unknown.map(|one| one.summary));
    assert_eq!(unknown, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
    let (owed, then) = &days[2];
    let of_one = house.deadlines_of(one("K-1", then.position)).await;
    assert_eq!(of_one.of("K-1"), owed[0].deadlines);
    let ahead = house.try_deadlines_of(one("K-1", 9_999)).await;
    let ahead = refusal(ahead.map(|one| one.summary));
    assert_eq!(ahead, (Code::OutOfRange, "AS_OF_AHEAD".into()));
}

#[tokio::test]
async fn e8_c4_what_was_owed_about_an_erased_customer_is_told_to_auditors_alone() {
    let (house, clock) = baseline().await;
    let days = two_years(&house, &clock).await;
    let (before, summary) = days.last().unwrap();
    let position = summary.position;
    let close = wire::ChangeServicesRequest {
        header: dated(),
        customer: customer("K-1"),
        close: vec![wire::CloseService {
            category: "local".into(),
            ends_at: None,
        }],
        ..wire::ChangeServicesRequest::default()
    };
    house.accounts().change_services(close).await.unwrap();
    clock.pass(LATER);
    // The baseline provides no erasing.
    let house = house.reopen_under("default", &clock).await;
    let requested = erase(&house, "K-1").await.unwrap();
    watched(&house, requested.receipt.unwrap().position).await;

    let then = Some(Moment::Position(position));
    let (whole, _) = given(&house, then).await;
    let named = |all: &[wire::CustomerDeadlines]| {
        let ids = all.iter().map(|one| one.customer_id.clone());
        ids.collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(
        named(before),
        ["K-1", "K-2", "K-3"].map(String::from).into()
    );
    assert_eq!(named(&whole), ["", "K-2", "K-3"].map(String::from).into());
    let owed = |all: &[wire::CustomerDeadlines]| -> Vec<_> {
        all.iter().map(|one| one.deadlines.clone()).collect()
    };
    assert_eq!(owed(&whole), owed(before));
    let house = house.reopen_for(Role::ConsentWriter, &clock).await;
    let (rest, summary) = given(&house, then).await;
    assert_eq!(named(&rest), ["K-2", "K-3"].map(String::from).into());
    assert_eq!(summary.customers, 2);
    let one = wire::ListCustomerDeadlinesRequest {
        customer: customer("K-1"),
        as_of: then.map(|moment| wire::AsOf {
            moment: Some(moment),
        }),
        ..all()
    };
    let refused = house.try_deadlines_of(one).await.map(|one| one.summary);
    let erased = (Code::FailedPrecondition, "CUSTOMER_ERASED".into());
    assert_eq!(refusal(refused), erased);
}

/// Generated customers live on, and the list holds what their own deeds say, no more and no less.
#[tokio::test]
async fn p4_f19_the_list_of_generated_customers_is_what_their_deeds_come_to() {
    let house = House::open().await;
    let mut owed = BTreeMap::new();
    for generated in Customers::of(4)
        .take(150)
        .filter(|one| !one.deeds.is_empty())
    {
        house
            .opened(&generated.id, &generated_services(&generated))
            .await;
        let mut notice = None;
        for deed in &generated.deeds {
            let moment = generate::Moment {
                customer: generated.id.clone(),
                request_id: uuid::Uuid::now_v7().to_string(),
                now: now(),
                notice,
            };
            let command = Some(deed.command(&moment));
            let request = tokio_stream::once(wire::SubmitRequest { command });
            let answers = house.intake().submit(request).await.unwrap();
            let answer = answers.into_inner().message().await.unwrap().unwrap();
            match (answer.answer.unwrap(), deed) {
                (Answer::Refused(refused), _) => panic!("{deed:?}: {refused:?}"),
                (Answer::RecordNotice(given), _) => {
                    notice = Some(given.receipt.unwrap().position);
                }
                (Answer::GrantOnce(given), Deed::ApprovesOnce { digest_follows, .. }) => {
                    let position = given.receipt.unwrap().position;
                    if *digest_follows {
                        owed.insert(generated.id.clone(), position);
                    }
                }
                _ => {}
            }
        }
    }
    assert!(owed.len() > 1, "{owed:?}");
    let listed = house.deadlines_of(all()).await;
    let found: BTreeMap<_, _> = (listed.customers.iter())
        .map(|one| (one.customer_id.clone(), one.deadlines[0].caused_by))
        .collect();
    assert_eq!(found, owed);
    assert_eq!(listed.summary.deadlines, owed.len() as u64);
}

/// What the customer holds at the end of the life that is told.
fn generated_services(generated: &consent_ledger::generate::Customer) -> Vec<&str> {
    let facts = generated.facts.iter().filter_map(|fact| fact.fact.as_ref());
    let mut held: Vec<&str> = facts
        .filter_map(|fact| match fact {
            wire::asserted_fact::Fact::Service(service) if service.closed_at.is_none() => {
                Some(service.category.as_str())
            }
            _ => None,
        })
        .collect();
    held.sort_unstable();
    held.dedup();
    held
}
