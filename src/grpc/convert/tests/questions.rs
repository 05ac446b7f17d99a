//! Questions, checks, and what request ids and tokens stand for.

use super::*;

#[test]
fn c3_p7_a_question_is_checked_by_field() {
    fn asked(it: &mut wire::DiscloseRequest) -> &mut wire::Question {
        it.question.as_mut().unwrap()
    }
    fn claim(it: &mut wire::DiscloseRequest, ground: Ground) {
        asked(it).ground = Some(ground);
    }
    assert_refused!(disclose();
        |it| it.question = None => "question";
        |it| asked(it).ground = None => "question.ground";
        |it| asked(it).purpose = 0 => "question.purpose";
        |it| asked(it).purpose = UNKNOWN => "question.purpose";
        |it| asked(it).recipient_kind = 0 => "question.recipient_kind";
        |it| asked(it).classes.clear() => "question.classes";
        |it| asked(it).classes.push(0) => "question.classes[1]";
        |it| asked(it).selected_by.push(UNKNOWN) => "question.selected_by[0]";
        |it| asked(it).not_cpni.push(0) => "question.not_cpni[0]";
        |it| asked(it).entity = "Acme Ltd".into() => "question.entity";
        |it| asked(it).source_category = "?".into() => "question.source_category";
        |it| asked(it).target_categories = vec!["cmrs".into(), String::new()] => "question.target_categories[1]";
        |it| asked(it).offering = "Big Phone".into() => "question.offering";
        |it| asked(it).channel = Some(0) => "question.channel";
        |it| asked(it).call_id = "c\n".into() => "question.call_id";
        |it| claim(it, Ground::Legal(wire::LegalGround { dated: "1/2/26".into(), ..Default::default() }))
            => "question.legal.dated";
        |it| claim(it, Ground::Legal(wire::LegalGround { digest: vec![1], ..Default::default() }))
            => "question.legal.digest";
        |it| claim(it, Ground::WrittenRequest(wire::WrittenRequestGround { digest: vec![1] }))
            => "question.written_request.digest";
        |it| claim(it, Ground::Rights(wire::RightsGround { case_id: "x".repeat(257), ..Default::default() }))
            => "question.rights.case_id";
        |it| claim(it, Ground::PicFreeze(wire::PicFreezeGround { provider: "P!".into(), ..Default::default() }))
            => "question.pic_freeze.provider";
        |it| claim(it, Ground::Service(wire::ServiceGround {
            verification: Some(wire::Assurance::default()), ..Default::default()
        })) => "question.service.verification.at";
        |it| it.seal = Some(wire::disclose_request::Seal::SealedUntilLifted(false)) => "sealed_until_lifted";
    );
}

#[test]
fn c3_a_check_refuses_what_this_release_does_not_answer() {
    type Change = fn(&mut wire::CheckUseRequest);
    let table: [(Change, &str); 4] = [
        (
            |it| it.as_of = Some(wire::AsOf { moment: None }),
            "`as_of` must be",
        ),
        (|it| it.hindsight = true, "`hindsight` needs `as_of`"),
        (|it| it.receipt = true, "`receipt` can't be answered yet"),
        (|it| it.header = named_header(), "`header` must be unset"),
    ];
    assert!(check(check_use(), &token).is_ok());
    for (change, message) in table {
        let mut request = check_use();
        change(&mut request);
        let refused = check(request, &token).unwrap_err().to_string();
        assert!(refused.starts_with(message), "{refused}");
    }
}

#[test]
fn c4_a_past_moment_is_a_time_or_a_position_and_never_goes_on_record() {
    use crate::domain::time::Time;
    use crate::grpc::convert::past::Moment;
    use crate::projections::AsOf;
    use wire::as_of::Moment as Given;

    let at = prost_types::Timestamp {
        seconds: 5,
        nanos: 7_000,
    };
    for (given, as_of) in [
        (
            Given::Position(9),
            AsOf::Position(crate::domain::ids::Position(9)),
        ),
        (Given::Time(at), AsOf::Time(Time(5_000_007))),
    ] {
        let mut request = check_use();
        request.as_of = Some(wire::AsOf {
            moment: Some(given),
        });
        request.hindsight = true;
        let asked = Some(Moment {
            as_of,
            hindsight: true,
        });
        assert_eq!(check(request.clone(), &token).unwrap().moment, asked);
        request.record = true;
        let refused = request.command(&token).unwrap_err().to_string();
        assert!(refused.starts_with("`as_of` must be unset"), "{refused}");
    }
    assert_eq!(check(check_use(), &token).unwrap().moment, None);
}

#[test]
fn c3_a_stream_of_checks_keeps_its_question_and_drops_it_when_the_next_is_malformed() {
    let next = |standing: &mut _, question, min_position| {
        let request = wire::BulkCheckUseRequest {
            customer: customer(),
            question,
            min_position,
            ..wire::BulkCheckUseRequest::default()
        };
        next_of_stream(request, standing, false, &token)
    };
    let mut standing = None;
    assert!(
        next(&mut standing, None, 0).is_err(),
        "nothing was asked yet"
    );
    assert!(next(&mut standing, question(), 0).is_ok());
    assert!(next(&mut standing, None, 0).is_ok());
    assert!(
        next(&mut standing, None, 5).is_err(),
        "only the first may wait"
    );
    assert!(next(&mut standing, Some(wire::Question::default()), 0).is_err());
    assert!(
        next(&mut standing, None, 0).is_err(),
        "the old question no longer stands"
    );
}

#[test]
fn c1_a_request_id_stands_for_method_and_content_and_not_for_itself() {
    let content = |change: fn(&mut wire::OpenAccountRequest)| {
        let mut request = open_account();
        change(&mut request);
        header(&mut request, &token).unwrap().content
    };
    let same = content(|_| ());
    let other_id = |it: &mut wire::OpenAccountRequest| {
        it.header.as_mut().unwrap().request_id = "019324c0-7d1e-7c3a-8f5e-2b1d6a9c4e71".into();
    };
    assert_eq!(content(other_id), same);
    assert_ne!(content(|it| it.services.clear()), same);
    assert_ne!(
        content(|it| it.header.as_mut().unwrap().channel = 1 + wire::Channel::Phone as i32),
        same
    );

    // Two methods whose requests have the same bytes.
    let mut end = wire::EndCallRequest {
        header: named_header(),
        customer: customer(),
        call_id: String::new(),
    };
    let mut check = wire::ChangeServicesRequest {
        header: named_header(),
        customer: customer(),
        ..Default::default()
    };
    assert_ne!(
        header(&mut end, &token).unwrap().content,
        header(&mut check, &token).unwrap().content
    );
}

#[test]
fn t3_identifiers_from_outside_become_tokens_by_kind() {
    let request = |provider: &str| {
        let mut request = disclose();
        request.question.as_mut().unwrap().ground =
            Some(Ground::PicFreeze(wire::PicFreezeGround {
                provider: provider.into(),
                request_id: "12".into(),
            }));
        let Command::Disclose(disclose) = read(request).unwrap() else {
            panic!("a disclosure");
        };
        match disclose.question.ground {
            Some(crate::domain::disclosures::Ground::PicFreeze { request, .. }) => request.unwrap(),
            _ => panic!("a PIC freeze"),
        }
    };
    assert_eq!(request("p1"), token("pic-request", "p1/12"));
    assert_ne!(
        request("p1"),
        request("p2"),
        "two providers may use one number"
    );
    let person = header(&mut open_account(), &token).unwrap().person;
    assert_eq!(person, Some(token("person", "agent 7")));
}
