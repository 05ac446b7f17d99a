//! Answers from the past through the door: as of then, in hindsight, and the uses that hindsight doesn't bear out (C4).

use prost_types::Timestamp;
use tonic::Code;
use wire::RecipientKind::{Agent, Company};
use wire::as_of::Moment;
use wire::bulk_check_use_response::Answer;

use super::house::*;
use consent_ledger::proto::v1 as wire;

fn as_of(moment: Moment) -> Option<wire::AsOf> {
    Some(wire::AsOf {
        moment: Some(moment),
    })
}

fn check(id: &str, moment: Moment, hindsight: bool) -> wire::CheckUseRequest {
    wire::CheckUseRequest {
        customer: customer(id),
        question: Some(market(Company, "cmrs")),
        as_of: as_of(moment),
        hindsight,
        ..wire::CheckUseRequest::default()
    }
}

async fn ruled(house: &House, request: wire::CheckUseRequest) -> wire::Ruling {
    let response = house.checks().check_use(request).await.unwrap();
    response.into_inner().ruling.unwrap()
}

/// This instant, to the microsecond, as the ledger has it.
fn this_instant() -> Timestamp {
    let mut now = Timestamp::from(std::time::SystemTime::now());
    now.nanos -= now.nanos % 1_000;
    now
}

async fn disclosed(house: &House, id: &str) -> wire::CommandReceipt {
    let ground = wire::question::Ground::Approval(wire::ApprovalGround { cites: None });
    let request = wire::DiscloseRequest {
        header: header(),
        customer: customer(id),
        question: Some(wire::Question {
            ground: Some(ground),
            ..market(Company, "cmrs")
        }),
        seal: None,
    };
    let response = house.disclosures().disclose(request).await.unwrap();
    let response = response.into_inner();
    assert!(matches!(
        response.outcome,
        Some(wire::disclose_response::Outcome::Made(_))
    ));
    response.receipt.unwrap()
}

async fn denied(house: &House, id: &str, said_at: Timestamp) -> u64 {
    let mut request = consent(id, None, vec![denial(marketing_by(&[Company]))]);
    request.header.as_mut().unwrap().occurred_at = Some(said_at);
    let response = house.consents().record_consent(request).await.unwrap();
    response.into_inner().receipt.unwrap().position
}

/// V43: a grant, a disclosure, then a denial that was said between the two. Their positions.
async fn v43(house: &House, id: &str) -> (u64, wire::CommandReceipt, u64) {
    house.opened(id, &["local"]).await;
    let notice = house.noticed(id).await;
    let words = vec![grant(marketing_by(&[Company]))];
    let granted = house.said(id, notice, words).await.unwrap();
    let ten = this_instant();
    let disclosed = disclosed(house, id).await;
    let denied = denied(house, id, ten).await;
    (granted.receipt.unwrap().position, disclosed, denied)
}

#[tokio::test]
async fn v43_as_of_then_yes_in_hindsight_no_and_the_disclosure_is_listed() {
    let house = House::open().await;
    let (granted, disclosed, denied) = v43(&house, "K-1").await;
    let eleven = Moment::Position(disclosed.position);
    let then = ruled(&house, check("K-1", eleven, false)).await;
    assert!(then.allowed);
    assert_eq!(then.reasons[0].positions, [granted]);
    assert_eq!(then.position, disclosed.position);
    assert_eq!(then.evaluated_at, disclosed.recorded_at);
    let hindsight = ruled(&house, check("K-1", eleven, true)).await;
    assert!(!hindsight.allowed);
    assert_eq!(hindsight.state(), wire::CellState::Denied);
    assert_eq!(hindsight.reasons[0].positions, [denied]);
    assert_eq!(hindsight.valid_until, None);

    let by_time = Moment::Time(disclosed.recorded_at.unwrap());
    let same = |mut one: wire::Ruling, other: &wire::Ruling| {
        one.position = other.position;
        assert_eq!(one, *other);
    };
    same(ruled(&house, check("K-1", by_time, false)).await, &then);
    same(ruled(&house, check("K-1", by_time, true)).await, &hindsight);

    let request = wire::ListVoidedUsesRequest {
        customer: customer("K-1"),
        ..wire::ListVoidedUsesRequest::default()
    };
    let listed = house.audit().list_voided_uses(request).await.unwrap();
    let listed = listed.into_inner();
    assert_eq!(
        (listed.uses.len(), listed.next_page_token.as_str()),
        (1, "")
    );
    let used = &listed.uses[0];
    assert_eq!(used.position, disclosed.position);
    assert_eq!(used.cause(), wire::VoidedUseCause::AfterDenial);
    assert_eq!(used.happened_at, disclosed.recorded_at);
    let ruling = used.hindsight.as_ref().unwrap();
    assert_eq!(ruling.reasons[0].positions, [denied]);
}

#[tokio::test]
async fn c4_uses_that_are_borne_out_are_not_listed() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let words = vec![grant(marketing_by(&[Company]))];
    house.said("K-1", notice, words).await.unwrap();
    disclosed(&house, "K-1").await;
    // Said after the disclosure, and recorded after it.
    denied(&house, "K-1", this_instant()).await;
    let list = |id: &str| wire::ListVoidedUsesRequest {
        customer: customer(id),
        ..wire::ListVoidedUsesRequest::default()
    };
    let listed = house.audit().list_voided_uses(list("K-1")).await.unwrap();
    assert_eq!(listed.into_inner().uses, []);
    let unknown = refusal(house.audit().list_voided_uses(list("K-9")).await);
    assert_eq!(unknown, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
}

#[tokio::test]
async fn c5_voided_uses_come_page_by_page() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let words = vec![grant(marketing_by(&[Company]))];
    house.said("K-1", notice, words).await.unwrap();
    let ten = this_instant();
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(disclosed(&house, "K-1").await.position);
    }
    denied(&house, "K-1", ten).await;
    let mut request = wire::ListVoidedUsesRequest {
        customer: customer("K-1"),
        page_size: 2,
        ..wire::ListVoidedUsesRequest::default()
    };
    let mut pages = Vec::new();
    loop {
        let page = house.audit().list_voided_uses(request.clone()).await;
        let page = page.unwrap().into_inner();
        pages.push(
            page.uses
                .iter()
                .map(|used| used.position)
                .collect::<Vec<_>>(),
        );
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(pages, [vec![made[0], made[1]], vec![made[2]]]);
}

#[tokio::test]
async fn t5_a_page_of_voided_uses_ends_when_enough_of_them_were_judged() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let notice = house.noticed("K-1").await;
    let words = vec![grant(marketing_by(&[Company]))];
    house.said("K-1", notice, words).await.unwrap();
    let ten = this_instant();
    let mut made = Vec::new();
    for _ in 0..250 {
        made.push(disclosed(&house, "K-1").await.position);
    }
    denied(&house, "K-1", ten).await;
    let mut request = wire::ListVoidedUsesRequest {
        customer: customer("K-1"),
        page_size: 500,
        ..wire::ListVoidedUsesRequest::default()
    };
    let (mut found, mut pages) = (Vec::new(), Vec::new());
    loop {
        let page = house.audit().list_voided_uses(request.clone()).await;
        let page = page.unwrap().into_inner();
        pages.push(page.uses.len());
        found.extend(page.uses.iter().map(|used| used.position));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    assert_eq!(found, made);
    // However long the history: one state follows from the one before.
    assert_eq!(pages, [100, 100, 50]);
}

#[tokio::test]
async fn t5_c4_a_long_history_is_listed_page_by_page_with_a_step_for_each() {
    use wire::list_all_voided_uses_response::Part;
    let house = House::open().await;
    for id in ["K-1", "K-2"] {
        house.opened(id, &["local"]).await;
    }
    let notice = house.noticed("K-1").await;
    let words = vec![grant(marketing_by(&[Company]))];
    house.said("K-1", notice, words).await.unwrap();
    let ten = this_instant();
    let mut made = Vec::new();
    for _ in 0..250 {
        made.push(disclosed(&house, "K-1").await.position);
    }
    denied(&house, "K-1", ten).await;
    let mut audit = house.audit();
    let request = wire::ListAllVoidedUsesRequest::default();
    let ended = audit.list_all_voided_uses(request).await.unwrap();
    let mut ended = ended.into_inner();
    ended.message().await.unwrap().unwrap();
    // It holds nobody up, whether it is read on or not.
    let parts = audit.list_all_voided_uses(request).await.unwrap();
    drop(ended);
    let (mut parts, mut found, mut seen) = (parts.into_inner(), Vec::new(), 0);
    let (mut steps, mut pages) = (0, 0);
    while let Some(message) = parts.message().await.unwrap() {
        match message.part.unwrap() {
            Part::Progress(progress) => {
                assert!(seen <= progress.customers && progress.customers <= progress.expected);
                seen = progress.customers;
                steps += 1;
            }
            Part::Customer(page) => {
                assert_eq!(page.customer_id, "K-1");
                found.extend(page.uses.iter().map(|used| used.position));
                pages += 1;
            }
            Part::Summary(end) => {
                assert_eq!((end.customers, end.listed, end.uses), (2, 1, 250));
                assert!(end.position > *made.last().unwrap());
            }
        }
    }
    assert_eq!(found, made);
    // A page is full with a hundred uses, and ends its step; the last step may take the other customer, too.
    assert_eq!(pages, 3);
    assert!(steps >= pages, "{steps} steps");
}

#[tokio::test]
async fn c4_before_the_ledger_knew_the_customer_the_answer_is_no() {
    let house = House::open().await;
    let opened = house.opened("K-1", &["local"]).await;
    for hindsight in [false, true] {
        let ruling = ruled(&house, check("K-1", Moment::Position(0), hindsight)).await;
        assert!(!ruling.allowed);
        assert_eq!(codes(&ruling), [wire::ReasonCode::CustomerUnknown]);
        let nobody = ruled(&house, check("K-9", Moment::Position(1), hindsight)).await;
        assert_eq!(codes(&nobody), [wire::ReasonCode::CustomerUnknown]);
    }
    let request = |position| wire::GetPreferencesRequest {
        customer: customer("K-1"),
        as_of: as_of(Moment::Position(position)),
        ..wire::GetPreferencesRequest::default()
    };
    let refused = refusal(house.queries().get_preferences(request(0)).await);
    assert_eq!(refused, (Code::NotFound, "CUSTOMER_UNKNOWN".into()));
    let then = house
        .queries()
        .get_preferences(request(opened.position))
        .await;
    assert_eq!(
        then.unwrap().into_inner().customer_version,
        opened.customer_version
    );
}

#[tokio::test]
async fn c4_preferences_are_those_of_then() {
    let house = House::open().await;
    let (granted, disclosed, _) = v43(&house, "K-1").await;
    let request = |position, hindsight| wire::GetPreferencesRequest {
        customer: customer("K-1"),
        as_of: as_of(Moment::Position(position)),
        hindsight,
        ..wire::GetPreferencesRequest::default()
    };
    let words = |response: wire::GetPreferencesResponse| response.words.len();
    for (position, hindsight, count) in [
        (granted - 1, false, 0),
        (granted, false, 1),
        (disclosed.position, false, 1),
        (disclosed.position, true, 2),
    ] {
        let request = request(position, hindsight);
        let response = house.queries().get_preferences(request).await.unwrap();
        assert_eq!(
            words(response.into_inner()),
            count,
            "{position} {hindsight}"
        );
    }
}

#[tokio::test]
async fn c4_a_moment_ahead_is_out_of_range_and_none_goes_on_record() {
    let house = House::open().await;
    let newest = house.opened("K-1", &["local"]).await.position;
    let mut tomorrow = this_instant();
    tomorrow.seconds += 86_400;
    for ahead in [Moment::Position(newest + 1), Moment::Time(tomorrow)] {
        let refused = refusal(house.checks().check_use(check("K-1", ahead, false)).await);
        assert_eq!(refused, (Code::OutOfRange, "AS_OF_AHEAD".into()));
    }
    let mut request = check("K-1", Moment::Position(newest), false);
    request.record = true;
    request.header = header();
    let refused = refusal(house.checks().check_use(request).await);
    assert_eq!(refused, (Code::InvalidArgument, "INVALID".into()));
    let mut request = check("K-1", Moment::Position(newest), true);
    request.as_of = None;
    let refused = refusal(house.checks().check_use(request).await);
    assert_eq!(refused, (Code::InvalidArgument, "INVALID".into()));
}

#[tokio::test]
async fn c4_a_stream_of_checks_answers_each_request_as_of_its_own_moment() {
    let house = House::open().await;
    let (granted, disclosed, denied) = v43(&house, "K-1").await;
    let moments = [
        (None, false),
        (Some(granted - 1), false),
        (Some(granted), false),
        (Some(disclosed.position), true),
        (Some(denied), false),
        (Some(denied + 1), false),
        (None, false),
    ];
    let requests: Vec<_> = (moments.iter().enumerate())
        .map(|(index, (position, hindsight))| wire::BulkCheckUseRequest {
            customer: customer("K-1"),
            question: (index == 0).then(|| market(Company, "cmrs")),
            as_of: position.and_then(|position| as_of(Moment::Position(position))),
            hindsight: *hindsight,
            ..wire::BulkCheckUseRequest::default()
        })
        .collect();
    let answers = house
        .checks()
        .bulk_check_use(tokio_stream::iter(requests))
        .await;
    let mut answers = answers.unwrap().into_inner();
    let mut allowed = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        assert_eq!(answer.sequence, allowed.len() as u64 + 1);
        allowed.push(match answer.answer.unwrap() {
            Answer::Ruling(ruling) => Some(ruling.allowed),
            Answer::Refused(status) => {
                assert_eq!(status.code, i32::from(Code::OutOfRange));
                None
            }
        });
    }
    let no = Some(false);
    assert_eq!(allowed, [no, no, Some(true), no, no, None, no]);
}

#[tokio::test]
async fn c4_the_past_of_one_customer_is_not_touched_by_another() {
    let house = House::open().await;
    let (_, disclosed, _) = v43(&house, "K-1").await;
    v43(&house, "K-2").await;
    let then = Moment::Position(disclosed.position);
    let other = ruled(&house, check("K-2", then, false)).await;
    assert_eq!(codes(&other), [wire::ReasonCode::CustomerUnknown]);
    let mut request = check("K-1", then, false);
    request.question = Some(market(Agent, "cmrs"));
    assert!(!ruled(&house, request).await.allowed);
}

/// What the program ends with and prints, against this house.
pub async fn run(house: &House, arguments: &[&str]) -> (Option<i32>, String) {
    let server = format!("http://{}", house.running.grpc);
    let program = env!("CARGO_BIN_EXE_consent-ledger");
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).args(["--server", &server]);
    let output = command.output().await.unwrap();
    let printed = String::from_utf8([output.stdout, output.stderr].concat());
    (output.status.code(), printed.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_the_command_line_asks_about_the_past_and_lists_what_hindsight_finds() {
    let house = House::open().await;
    let (_, disclosed, denied) = v43(&house, "K-1").await;
    let then = disclosed.position.to_string();
    let ask = [
        "check",
        "--customer",
        "K-1",
        "--class",
        "billing",
        "--target",
        "cmrs",
    ];
    let (code, printed) = run(&house, &ask).await;
    assert_eq!(code, Some(3), "{printed}");
    let (code, printed) = run(&house, &[&ask[..], &["--as-of", &then]].concat()).await;
    assert_eq!(code, Some(0), "{printed}");
    let hindsight = ["--as-of", &then, "--hindsight", "--output", "json"];
    let (code, printed) = run(&house, &[&ask[..], &hindsight].concat()).await;
    assert_eq!(code, Some(3), "{printed}");
    let answer: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(answer["reasons"][0]["positions"][0], denied);
    let (code, printed) = run(
        &house,
        &[&ask[..], &["--as-of", "2100-01-01T00:00:00Z"]].concat(),
    )
    .await;
    assert_eq!(code, Some(2), "{printed}");

    let (code, printed) = run(&house, &["audit", "hindsight", "--customer", "K-1"]).await;
    assert_eq!(code, Some(1), "{printed}");
    assert!(printed.contains(&format!("position {then},")), "{printed}");
    assert!(printed.contains("used after a denial"), "{printed}");
    let before = (denied - 1).to_string();
    let hindsight =
        |as_of: &str| ["audit", "hindsight", "--all", "--as-of", as_of].map(str::to_owned);
    for (as_of, ended) in [(before, 0), (denied.to_string(), 1), ("99999".into(), 2)] {
        let arguments = hindsight(&as_of);
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (code, printed) = run(&house, &arguments).await;
        assert_eq!(code, Some(ended), "as of {as_of}: {printed}");
    }
    house.opened("K-2", &["local"]).await;
    let (code, printed) = run(&house, &["audit", "hindsight", "--customer", "K-2"]).await;
    assert_eq!(code, Some(0), "{printed}");
}
