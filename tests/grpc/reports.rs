//! Reports on the registers as of a past moment are those that were given then, whatever came after (C4, E9, F10, F12, F19).

use std::sync::Arc;

use consent_ledger::clock::Manual;
use consent_ledger::proto::v1 as wire;
use proptest::collection::vec;
use proptest::prelude::*;
use tonic::Code;
use wire::as_of::Moment;
use wire::campaign_service_client::CampaignServiceClient;

use crate::house::*;
use crate::notices::baseline;
use crate::office::{Deed, Reports};
use crate::past::run;

fn as_of(moment: Moment) -> Option<wire::AsOf> {
    Some(wire::AsOf {
        moment: Some(moment),
    })
}

impl House {
    /// The reports of now, all given by the same.
    async fn given(&self) -> Reports {
        let reports = self.reports(None).await.unwrap();
        let bases = reports.bases();
        assert!(bases.iter().all(|basis| *basis == bases[0]), "{bases:?}");
        reports
    }

    /// Asks again for what was given, by position and by time.
    async fn gives_again(&self, given: &Reports) {
        let (position, at, ..) = given.bases()[0].clone();
        let by_time = self.reports(as_of(Moment::Time(at))).await.unwrap();
        assert_eq!(&by_time, given, "as of {at}");
        // The clock then was the record's.
        let by_position = as_of(Moment::Position(position));
        let by_position = self.reports(by_position).await.unwrap();
        let recorded_at = by_position.bases()[0].1;
        if recorded_at == at {
            assert_eq!(&by_position, given, "as of position {position}");
        } else {
            let by_time = as_of(Moment::Time(recorded_at));
            let by_time = self.reports(by_time).await.unwrap();
            assert_eq!(by_position, by_time, "as of position {position}");
        }
    }
}

/// A step of each register, and what comes of it.
const STORY: [Deed; 26] = [
    Deed::Person(0, 0),
    Deed::Person(1, 0),
    Deed::Complaint(0, false),
    Deed::Breach(0, 0),
    Deed::Breach(0, 1),
    Deed::Failure(0, 0),
    Deed::Failure(0, 1),
    Deed::Opens(1),
    Deed::Campaign(0, 0),
    Deed::Entity(0, false),
    Deed::Policy(0),
    Deed::Template(0),
    Deed::Broker(0),
    Deed::Wait(40),
    Deed::Breach(0, 2),
    Deed::Failure(0, 2),
    Deed::Certificate(0),
    Deed::Certificate(1),
    Deed::Certificate(2),
    Deed::Person(0, 1),
    Deed::Person(1, 2),
    Deed::Person(1, 3),
    Deed::Campaign(0, 1),
    Deed::Complaint(0, true),
    Deed::Entity(0, true),
    Deed::Policy(1),
];

#[tokio::test]
async fn c4_each_report_as_of_a_past_moment_is_the_one_that_was_given_then() {
    let (house, clock) = baseline().await;
    let mut given = vec![house.given().await];
    for deed in STORY {
        house.does(deed, &clock).await.unwrap();
        given.push(house.given().await);
    }
    for reports in &given {
        house.gives_again(reports).await;
    }
    // Each report says something, and came to say more.
    let (first, last) = (&given[0], &given[STORY.len()]);
    macro_rules! grew {
        ($($report:ident . $rows:ident),*) => {
            $(assert!(first.$report.$rows.len() < last.$report.$rows.len(), stringify!($report));)*
        };
    }
    grew!(
        deadlines.deadlines,
        campaigns.campaigns,
        people.people,
        breaches.breaches,
        failures.failures,
        entities.entities,
        policies.versions,
        templates.templates
    );
    assert!(first.certificates[0].filed.is_none() && last.certificates[0].filed.is_some());
}

#[tokio::test]
async fn c4_r21_whether_it_might_be_sent_is_answered_as_of_a_past_moment_as_it_was_then() {
    let (house, clock) = baseline().await;
    let mut client = CampaignServiceClient::new(house.channel.clone());
    let ask = |campaign: &str, who: &str, moment: Option<Moment>| wire::CheckSendRequest {
        customer: customer(who),
        campaign_id: campaign.into(),
        as_of: moment.and_then(as_of),
        ..wire::CheckSendRequest::default()
    };
    house.does(Deed::Campaign(0, 0), &clock).await.unwrap();
    let selecting = wire::ProposeCampaignRequest {
        header: taken_by("anna"),
        campaign_id: "selecting".into(),
        plan: Some(wire::CampaignPlan {
            selected_by: vec![wire::CpniClass::Billing.into()],
            ..asking()
        }),
    };
    client.propose_campaign(selecting).await.unwrap();
    let mut given = Vec::new();
    for deed in [
        Deed::Opens(1),
        Deed::Campaign(0, 1),
        Deed::Opens(2),
        Deed::Campaign(0, 3),
    ] {
        house.does(deed, &clock).await.unwrap();
        for (campaign, who) in [
            ("campaign-0", "K-1"),
            ("campaign-0", "K-2"),
            ("selecting", "K-1"),
        ] {
            let answer = client.check_send(ask(campaign, who, None)).await.unwrap();
            given.push((campaign, who, answer.into_inner()));
        }
    }
    let allowed: Vec<_> = given.iter().map(|(_, _, answer)| answer.allowed).collect();
    assert_eq!(
        allowed.iter().filter(|allowed| **allowed).count(),
        3,
        "{allowed:?}"
    );
    assert!(given.iter().any(|(_, _, answer)| answer.ruling.is_some()));
    for (campaign, who, answer) in &given {
        let moment = Some(Moment::Position(answer.position));
        let again = client.check_send(ask(campaign, who, moment)).await.unwrap();
        assert_eq!(&again.into_inner(), answer, "{campaign} {who}");
        let moment = Some(Moment::Time(answer.at.unwrap()));
        let again = client.check_send(ask(campaign, who, moment)).await.unwrap();
        let again = again.into_inner();
        assert_eq!(
            (again.allowed, &again.stops),
            (answer.allowed, &answer.stops)
        );
        // Campaign and customer are read up to the same record.
        let ruled = again.ruling.map_or(again.position, |one| one.position);
        assert_eq!(ruled, again.position);
    }
    let before = Some(Moment::Position(0));
    let unknown = refusal(client.check_send(ask("campaign-0", "K-1", before)).await);
    assert_eq!(unknown, (Code::NotFound, "NOT_REGISTERED".into()));
}

#[tokio::test]
async fn f12_late_duties_name_the_records_that_made_them_due_and_that_fulfilled_them() {
    let (house, clock) = baseline().await;
    for deed in STORY {
        house.does(deed, &clock).await.unwrap();
    }
    let given = house.given().await;
    let figures = given.certificates[1].figures.iter();
    let mut late = figures.filter(|one| one.counted() == wire::Counted::LateDuties);
    let late = late.next().unwrap();
    assert_eq!(late.count, late.duties.len() as u64);
    let mut records: Vec<u64> = (late.duties.iter())
        .flat_map(|duty| {
            let done = duty.done.as_ref().map(|step| step.position);
            [duty.caused_by, done].into_iter().flatten()
        })
        .collect();
    records.sort_unstable();
    records.dedup();
    assert_eq!(late.positions, records);
    let duties: Vec<_> = late.duties.iter().map(wire::Deadline::duty).collect();
    for duty in [wire::Duty::LawEnforcementNotice, wire::Duty::FailureLetter] {
        assert!(duties.contains(&duty), "{duties:?}");
    }
}

#[tokio::test]
async fn r24_a_report_of_the_past_follows_and_names_the_rulebook_that_was_in_force_then() {
    let (house, clock) = baseline().await;
    house.does(Deed::Person(0, 0), &clock).await.unwrap();
    let given = house.given().await;
    clock.pass(60_000_000);
    let house = house.reopen_under("default", &clock).await;
    let now = house.given().await;
    assert_ne!(now.bases()[0].2, given.bases()[0].2);
    assert_ne!(now.bases()[0].3, given.bases()[0].3);
    house.gives_again(&given).await;
    house.gives_again(&now).await;
}

#[tokio::test]
async fn c4_a_report_as_of_no_moment_of_the_ledger_is_out_of_range() {
    let (house, clock) = baseline().await;
    house.does(Deed::Opens(1), &clock).await.unwrap();
    let (position, at, ..) = house.given().await.bases()[0].clone();
    let seconds = |more: i64| prost_types::Timestamp {
        seconds: at.seconds + more,
        ..at
    };
    for (moment, reason) in [
        (Moment::Position(position + 1), "AS_OF_AHEAD"),
        (Moment::Time(seconds(1)), "AS_OF_AHEAD"),
        (Moment::Time(seconds(-86_400)), "AS_OF_BEFORE"),
    ] {
        let refused = refusal(house.reports(as_of(moment)).await);
        assert_eq!(refused, (Code::OutOfRange, reason.into()), "{moment:?}");
        let check = wire::CheckUseRequest {
            customer: customer("K-1"),
            question: Some(market(wire::RecipientKind::Company, "local")),
            as_of: as_of(moment),
            ..wire::CheckUseRequest::default()
        };
        let checked = house.checks().check_use(check).await;
        if reason == "AS_OF_BEFORE" {
            // Nobody was known: a check says no, and never that it can't (R16).
            let ruling = checked.unwrap().into_inner().ruling.unwrap();
            assert_eq!(codes(&ruling), [wire::ReasonCode::CustomerUnknown]);
            continue;
        }
        assert_eq!(
            refusal(checked),
            (Code::OutOfRange, reason.into()),
            "{moment:?}"
        );
    }
    let nothing = Some(wire::AsOf { moment: None });
    let refused = refusal(house.reports(nothing).await);
    assert_eq!(refused, (Code::InvalidArgument, "INVALID".into()));
}

/// What the program prints against this house, if it ends with that code.
async fn printed(house: &House, arguments: &[&str], code: i32) -> String {
    let (ended, printed) = run(house, arguments).await;
    assert_eq!(ended, Some(code), "{arguments:?}\n{printed}");
    printed
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_u2_the_command_line_prints_the_registers_as_of_a_past_moment() {
    let (house, clock) = baseline().await;
    let (then, later) = STORY.split_at(14);
    for deed in then {
        house.does(*deed, &clock).await.unwrap();
    }
    // Nothing was recorded in the forty days: the time alone tells this moment.
    let given = house.given().await;
    let (position, at, rulebook, digest) = given.bases()[0].clone();
    let at = at.to_string();
    let reports: [(&[&str], i32, &str); 3] = [
        (&["deadlines"], 1, "deadlines"),
        (&["campaigns"], 0, "campaigns"),
        (&["certificate", "2025"], 0, "figures"),
    ];
    let formats = ["table", "json", "csv"];
    let asked =
        |report: &[&'static str], format: &'static str| [report, &["--output", format]].concat();
    let mut before = Vec::new();
    for (report, code, _) in reports {
        for format in formats {
            before.push(printed(&house, &asked(report, format), code).await);
        }
    }
    for deed in later {
        house.does(*deed, &clock).await.unwrap();
    }
    let mut before = before.into_iter();
    for (report, code, rows) in reports {
        for format in formats {
            let asked = asked(report, format);
            let then = [&asked[..], &["--as-of", &at]].concat();
            let again = printed(&house, &then, code).await;
            assert_eq!(Some(&again), before.next().as_ref(), "{asked:?}");
            // In the end all that was late is done.
            let now = printed(&house, &asked, 0).await;
            assert_ne!(again, now, "{asked:?}");
            match format {
                "json" => {
                    let told: serde_json::Value = serde_json::from_str(&again).unwrap();
                    assert_eq!(told["position"], position);
                    assert_eq!(told["at"], at);
                    assert_eq!(told["rulebook"], rulebook.name);
                    assert_eq!(told["rulebook_version"], rulebook.version);
                    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
                    assert_eq!(told["rulebook_digest"], hex);
                    assert!(!told[rows].as_array().unwrap().is_empty(), "{told}");
                }
                "csv" => {
                    let columns = again.lines().next().unwrap();
                    let said = "position,at,rulebook,rulebook_version,rulebook_digest";
                    assert!(columns.contains(said), "{columns}");
                }
                _ => {
                    let said = format!(
                        "by {} {}, at position {position}, for {at}\n",
                        rulebook.name, rulebook.version
                    );
                    assert!(again.ends_with(&said), "{again}");
                }
            }
        }
    }
    for wrong in [
        &["campaigns", "--as-of", "9999"][..],
        &["certificate", "2025", "--as-of", "yesterday"],
        &["deadlines", "--as-of", "2100-01-01T00:00:00Z"],
        &["deadlines", "--customers", "--as-of", "9999"],
    ] {
        printed(&house, wrong, 2).await;
    }
    let owed = ["deadlines", "--customers", "--as-of", &at];
    let owed = printed(&house, &owed, 0).await;
    let said = format!("at position {position}, for {at}\n");
    assert!(owed.contains(&said), "{owed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_u2_programs_are_told_the_steps_of_a_certificate_as_people_are() {
    let (house, clock) = baseline().await;
    for deed in STORY {
        house.does(deed, &clock).await.unwrap();
    }
    let shown = &house.given().await.certificates[0];
    let [drafted, signed, filed] =
        [&shown.drafted, &shown.signed, &shown.filed].map(|step| step.as_ref().unwrap().position);
    let text = printed(&house, &["certificate", "2025"], 0).await;
    let said = format!(
        "drafted: record {drafted}; signed: record {signed}; filed: record {filed}; due by "
    );
    assert!(text.contains(&said), "{text}");
    let json = printed(&house, &["certificate", "2025", "--output", "json"], 0).await;
    let told: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(told["drafted_by"], drafted);
    assert_eq!(told["signed_by"], signed);
    assert_eq!(told["filed_by"], filed);
    assert_eq!(
        told["filed_at"],
        shown.filed.unwrap().at.unwrap().to_string()
    );
    assert_eq!(told["due_by"], shown.due_by.unwrap().to_string());
    let csv = printed(&house, &["certificate", "2025", "--output", "csv"], 0).await;
    let columns = csv
        .lines()
        .find(|line| line.starts_with("counted,"))
        .unwrap();
    assert!(
        columns.ends_with("drafted_by,drafted_at,signed_by,signed_at,filed_by,filed_at"),
        "{columns}"
    );
    let late = ["certificate", "2026", "--output", "json"];
    let late: serde_json::Value = serde_json::from_str(&printed(&house, &late, 0).await).unwrap();
    let figures = late["figures"].as_array().unwrap();
    let late = figures.iter().find(|one| one["counted"] == "late_duties");
    let duties = late.unwrap()["duties"].as_array().unwrap();
    assert!(
        duties.contains(&"law_enforcement_notice/b-0".into()),
        "{duties:?}"
    );
}

fn deed() -> impl Strategy<Value = Deed> {
    let which = || 0..2_usize;
    prop_oneof![
        2 => (0..50_i64).prop_map(Deed::Wait),
        2 => (0..6_usize).prop_map(Deed::Opens),
        3 => (which(), 0..4_usize).prop_map(|(who, step)| Deed::Person(who, step)),
        2 => (which(), any::<bool>()).prop_map(|(which, end)| Deed::Complaint(which, end)),
        1 => which().prop_map(Deed::Broker),
        4 => (which(), 0..5_usize).prop_map(|(which, step)| Deed::Breach(which, step)),
        3 => (which(), 0..4_usize).prop_map(|(which, step)| Deed::Failure(which, step)),
        3 => (which(), 0..4_usize).prop_map(|(which, step)| Deed::Campaign(which, step)),
        2 => (which(), any::<bool>()).prop_map(|(which, end)| Deed::Entity(which, end)),
        1 => which().prop_map(Deed::Policy),
        1 => which().prop_map(Deed::Template),
        2 => (0..3_usize).prop_map(Deed::Certificate),
    ]
}

/// The reports that were given after each deed; what the ledger refuses changes none.
async fn lived(house: &House, deeds: &[Deed], clock: &Manual) -> Vec<Reports> {
    let mut given = Vec::new();
    for deed in deeds {
        if let Err(refused) = house.does(*deed, clock).await {
            assert_ne!(refused.code(), Code::Internal, "{deed:?}: {refused}");
        }
        given.push(house.given().await);
    }
    given
}

fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => usual.cases,
            None => 6,
        },
        failure_persistence: None,
        // Each one opens a house.
        max_shrink_iters: 40,
        ..usual
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn c4_after_any_history_every_report_can_be_given_again_as_it_was_given(
        first in vec(deed(), 5..40),
        then in vec(deed(), 0..20),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (house, clock): (House, Arc<Manual>) = baseline().await;
            let mut given = lived(&house, &first, &clock).await;
            clock.pass(1_000_000);
            let house = house.reopen_under("default", &clock).await;
            given.extend(lived(&house, &then, &clock).await);
            for reports in &given {
                house.gives_again(reports).await;
            }
        });
    }
}
