//! Streams: checks by the million, commands without a pause, watchers (C1, C3, C5, T5).

use consent_ledger::proto::v1 as wire;
use tokio_stream::StreamExt;
use tonic::Code;
use wire::RecipientKind::Company;
use wire::bulk_check_use_response::Answer as Checked;
use wire::submit_request::Command;
use wire::submit_response::Answer;

use crate::house::*;

fn asked(id: &str, question: Option<wire::Question>) -> wire::BulkCheckUseRequest {
    wire::BulkCheckUseRequest {
        customer: customer(id),
        question,
        ..wire::BulkCheckUseRequest::default()
    }
}

#[tokio::test]
async fn c3_r16_a_list_is_scrubbed_in_order_and_one_bad_line_spoils_no_other() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["voip"]).await;
    let requests = vec![
        asked("K-1", Some(market(Company, "local"))),
        asked("K-2", None),
        asked("nobody", None),
        asked("", None),
        asked("K-1", None),
        asked("K-1", Some(market(Company, "voip"))),
    ];
    let requests = tokio_stream::iter(requests);
    let mut answers = house
        .checks()
        .bulk_check_use(requests)
        .await
        .unwrap()
        .into_inner();
    let mut found = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        found.push(match answer.answer.unwrap() {
            Checked::Ruling(ruling) => {
                assert!(
                    ruling.reasons[0]
                        .clauses
                        .iter()
                        .all(|clause| clause.text.is_empty())
                );
                (answer.sequence, Ok(ruling.allowed))
            }
            Checked::Refused(status) => (answer.sequence, Err(status.code)),
        });
    }
    let malformed = Err(i32::from(Code::InvalidArgument));
    let wanted = [
        Ok(true),
        Ok(false),
        Ok(false),
        malformed,
        Ok(true),
        Ok(false),
    ];
    let wanted: Vec<_> = (1..).zip(wanted).collect();
    assert_eq!(found, wanted);
}

#[tokio::test]
async fn c3_a_long_list_is_answered_in_order_each_customer_by_the_question_that_stood_then() {
    const ROUNDS: usize = 700;
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["voip"]).await;
    let round = [
        asked("K-1", Some(market(Company, "local"))),
        asked("K-2", None),
        asked("", None),
        asked("K-1", Some(market(Company, "voip"))),
        asked("K-2", None),
    ];
    let wanted = [Some(true), Some(false), None, Some(false), Some(true)];
    let requests: Vec<_> = (0..ROUNDS).flat_map(|_| round.clone()).collect();
    let requests = tokio_stream::iter(requests);
    let answers = house.checks().bulk_check_use(requests).await.unwrap();
    let answers: Vec<_> = answers.into_inner().map(Result::unwrap).collect().await;
    assert_eq!(answers.len(), ROUNDS * wanted.len());
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.sequence, index as u64 + 1);
        let allowed = match answer.answer.unwrap() {
            Checked::Ruling(ruling) => Some(ruling.allowed),
            Checked::Refused(_) => None,
        };
        assert_eq!(allowed, wanted[index % wanted.len()], "answer {index}");
    }
}

#[tokio::test]
async fn c3_a_brief_answer_is_the_whole_one_without_clauses_cells_remedies_and_records() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["voip"]).await;
    let ids = ["K-1", "K-2", "nobody"];
    let mut requests = Vec::from(ids.map(|id| asked(id, None)));
    requests[0].question = Some(market(Company, "local"));
    requests[0].brief = true;
    let stream = tokio_stream::iter(requests);
    let answers = house.checks().bulk_check_use(stream).await.unwrap();
    let answers: Vec<_> = answers.into_inner().map(Result::unwrap).collect().await;
    let mut named = None;
    for (id, answer) in ids.iter().zip(answers) {
        let Some(Checked::Ruling(mut in_bulk)) = answer.answer else {
            panic!("{id} was refused an answer");
        };
        // A stream says which rulebook it follows in the first answer (P17).
        assert_eq!(in_bulk.rulebook.is_some(), named.is_none(), "{id}");
        named = named.or(in_bulk.rulebook.take());
        in_bulk.rulebook.clone_from(&named);
        let request = wire::CheckUseRequest {
            customer: customer(id),
            question: Some(market(Company, "local")),
            brief: true,
            ..wire::CheckUseRequest::default()
        };
        let alone = house.checks().check_use(request).await.unwrap();
        let alone = alone.into_inner().ruling.unwrap();
        let whole = house.check(id, market(Company, "local")).await;
        assert!(!whole.cells.is_empty() && !whole.reasons[0].clauses.is_empty());
        let code_alone = |reason: &wire::Reason| wire::Reason {
            code: reason.code,
            ..wire::Reason::default()
        };
        for brief in [in_bulk, alone] {
            let wanted = wire::Ruling {
                reasons: whole.reasons.iter().map(code_alone).collect(),
                cells: Vec::new(),
                remedies: Vec::new(),
                relied_on: Vec::new(),
                evaluated_at: brief.evaluated_at,
                ..whole.clone()
            };
            assert_eq!(brief, wanted, "{id}");
        }
    }
}

#[tokio::test]
async fn c7_an_answer_is_brief_or_whole_and_a_recorded_one_is_whole() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    let request = wire::CheckUseRequest {
        customer: customer("K-1"),
        question: Some(market(Company, "local")),
        brief: true,
        record: true,
        header: header(),
        ..wire::CheckUseRequest::default()
    };
    let before = house.check("K-1", market(Company, "local")).await.position;
    let (code, _) = refusal(house.checks().check_use(request).await);
    assert_eq!(code, Code::InvalidArgument);
    let mut both = asked("K-1", Some(market(Company, "local")));
    (both.brief, both.clause_texts) = (true, true);
    let mut late = asked("K-1", None);
    late.brief = true;
    let requests = tokio_stream::iter([both, asked("K-1", Some(market(Company, "local"))), late]);
    let answers = house.checks().bulk_check_use(requests).await.unwrap();
    let answers: Vec<_> = answers.into_inner().map(Result::unwrap).collect().await;
    let refused = |index: usize| matches!(answers[index].answer, Some(Checked::Refused(_)));
    assert_eq!([refused(0), refused(1), refused(2)], [true, false, true]);
    let after = house.check("K-1", market(Company, "local")).await.position;
    assert_eq!(after, before, "nothing was recorded");
}

#[tokio::test]
async fn c3_a_stream_may_be_opened_before_its_first_request_is_there() {
    let house = House::open().await;
    let (send, sent) = tokio::sync::mpsc::channel(1);
    let sent = tokio_stream::wrappers::ReceiverStream::new(sent);
    let mut answers = house
        .checks()
        .bulk_check_use(sent)
        .await
        .unwrap()
        .into_inner();
    send.send(asked("nobody", Some(market(Company, "local"))))
        .await
        .unwrap();
    let answer = answers.message().await.unwrap().unwrap();
    let Some(Checked::Ruling(ruling)) = answer.answer else {
        panic!("an unknown customer is answered no");
    };
    assert!(!ruling.allowed);
    assert_eq!(codes(&ruling), [wire::ReasonCode::CustomerUnknown]);
    drop(send);
    assert!(answers.message().await.unwrap().is_none());
}

fn command(command: Command) -> wire::SubmitRequest {
    wire::SubmitRequest {
        command: Some(command),
    }
}

#[tokio::test]
async fn c1_commands_of_a_stream_are_sequenced_and_answered_in_order_each_with_its_own_status() {
    const CUSTOMERS: u64 = 3_000;
    let house = House::open().await;
    let requests = (0..CUSTOMERS).flat_map(|number| {
        let id = format!("K-{number}");
        let open = open_account(&id, &["local"]);
        let change = wire::ChangeServicesRequest {
            header: header(),
            customer: customer(&id),
            open: vec!["voip".into()],
            close: Vec::new(),
        };
        let twice = open_account(&id, &[]);
        [
            command(Command::OpenAccount(open)),
            command(Command::ChangeServices(change)),
            command(Command::OpenAccount(twice)),
            wire::SubmitRequest { command: None },
        ]
    });
    let requests = tokio_stream::iter(requests.collect::<Vec<_>>());
    let answers = house.intake().submit(requests).await.unwrap().into_inner();
    let answers: Vec<_> = answers.map(Result::unwrap).collect().await;
    assert_eq!(answers.len() as u64, 4 * CUSTOMERS);
    let mut newest = 0;
    for (index, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.sequence, index as u64 + 1);
        let receipt = match (index % 4, answer.answer.unwrap()) {
            (0, Answer::OpenAccount(opened)) => opened.receipt.unwrap(),
            (1, Answer::ChangeServices(changed)) => changed.receipt.unwrap(),
            (2, Answer::Refused(status)) => {
                assert_eq!(status.code, i32::from(Code::AlreadyExists));
                continue;
            }
            (3, Answer::Refused(status)) => {
                assert_eq!(status.code, i32::from(Code::InvalidArgument));
                continue;
            }
            (place, other) => panic!("{place}: {other:?}"),
        };
        assert!(receipt.position > newest, "sequenced in the order sent");
        newest = receipt.position;
    }
}

#[tokio::test]
async fn c1_a_command_repeated_in_a_stream_is_the_one_that_was_a_call() {
    let house = House::open().await;
    let request = open_account("K-1", &["local"]);
    let called = house
        .accounts()
        .open_account(request.clone())
        .await
        .unwrap();
    let called = called.into_inner().receipt.unwrap();
    let requests = tokio_stream::iter([command(Command::OpenAccount(request))]);
    let mut answers = house.intake().submit(requests).await.unwrap().into_inner();
    let answer = answers.message().await.unwrap().unwrap().answer;
    let Some(Answer::OpenAccount(repeated)) = answer else {
        panic!("{answer:?}");
    };
    let repeated = repeated.receipt.unwrap();
    assert!(repeated.repeated);
    assert_eq!(repeated.position, called.position);
}

#[tokio::test]
async fn c5_a_watcher_gets_what_was_and_then_what_comes_filtered_as_it_asked() {
    let house = House::open().await;
    house.opened("K-1", &["local"]).await;
    house.opened("K-2", &["local"]).await;
    let request = wire::WatchRequest {
        from_position: 2,
        customers: vec![customer("K-2").unwrap()],
        types: vec!["service".into(), "notice".into()],
    };
    let mut watched = house.queries().watch(request).await.unwrap().into_inner();
    let first = watched.message().await.unwrap().unwrap();
    assert_eq!(first.entry.unwrap().r#type, "service.opened.v1");
    assert_eq!(first.next_position, 5);
    house.noticed("K-1").await;
    let noticed = house.noticed("K-2").await;
    let second = watched.message().await.unwrap().unwrap();
    assert_eq!(second.entry.unwrap().position, noticed);

    let unknown = wire::WatchRequest {
        customers: vec![customer("K-9").unwrap()],
        ..wire::WatchRequest::default()
    };
    assert_eq!(
        refusal(house.queries().watch(unknown).await).0,
        Code::NotFound
    );
}
