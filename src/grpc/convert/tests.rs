//! What each request must hold, as a table: the change, and the field that the refusal names.

use prost_types::Timestamp;

use super::checks::{check, next_of_stream};
use super::commands::{CommandRequest, header};
use super::*;
use crate::domain::command::Command;
use crate::domain::consent::word::SpokenWord;
use crate::domain::ids::Token;
use crate::domain::vocabulary::{CpniClasses, RecipientKinds};
use crate::proto::v1 as wire;
use crate::proto::v1::question::Ground;

const UNKNOWN: i32 = 9_999;

fn token(kind: &'static str, value: &str) -> Token {
    let mut token = [0; 16];
    for (index, byte) in kind.bytes().chain(value.bytes()).enumerate() {
        token[index % 16] ^= byte;
    }
    Token(token)
}

fn named_header() -> Option<wire::CommandHeader> {
    Some(wire::CommandHeader {
        request_id: "019324c0-7d1e-7c3a-8f5e-2b1d6a9c4e70".into(),
        channel: wire::Channel::Phone.into(),
        taken_by: "agent 7".into(),
        occurred_at: None,
        expected_version: Some(3),
    })
}

fn customer() -> Option<wire::CustomerRef> {
    let id = wire::customer_ref::Customer::Id("K-1".into());
    Some(wire::CustomerRef { customer: Some(id) })
}

fn scope() -> Option<wire::Scope> {
    Some(wire::Scope {
        recipient_kinds: vec![wire::RecipientKind::Company.into()],
        named_recipients: vec![wire::NamedRecipient {
            kind: wire::RecipientKind::Affiliate.into(),
            entity: "acme".into(),
        }],
        all_classes: true,
        purposes: vec![wire::Purpose::MarketingComms.into()],
        ..wire::Scope::default()
    })
}

fn statement() -> Option<wire::Statement> {
    Some(wire::Statement {
        medium: wire::Medium::Oral.into(),
        speaker: wire::Speaker::AccountHolder.into(),
        assurance: Some(wire::Assurance {
            method: wire::AssuranceMethod::Password.into(),
            reference: "v-1".into(),
            at: Some(Timestamp::default()),
        }),
        notice_position: Some(4),
        evidence_digest: vec![1; 32],
        evidence_reference: "rec-1".into(),
    })
}

fn question() -> Option<wire::Question> {
    Some(wire::Question {
        purpose: wire::Purpose::Legal.into(),
        classes: vec![wire::CpniClass::Billing.into()],
        recipient_kind: wire::RecipientKind::LawEnforcement.into(),
        ground: Some(Ground::Legal(wire::LegalGround::default())),
        ..wire::Question::default()
    })
}

fn open_account() -> wire::OpenAccountRequest {
    wire::OpenAccountRequest {
        header: named_header(),
        customer_id: "K-1".into(),
        legal_entity: "infotech".into(),
        services: vec!["local".into()],
    }
}

fn change_services() -> wire::ChangeServicesRequest {
    let close = wire::CloseService {
        category: "voip".into(),
        ends_at: None,
    };
    wire::ChangeServicesRequest {
        header: named_header(),
        customer: customer(),
        open: vec!["local".into()],
        close: vec![close],
    }
}

fn notice() -> wire::RecordNoticeRequest {
    wire::RecordNoticeRequest {
        header: named_header(),
        customer: customer(),
        notice_version: "2024-05-29".into(),
        text_digest: vec![2; 32],
        form: wire::Medium::Electronic.into(),
        language: "en".into(),
        covers: scope(),
    }
}

fn word(word: wire::spoken_word::Word) -> wire::SpokenWord {
    wire::SpokenWord { word: Some(word) }
}

fn consent() -> wire::RecordConsentRequest {
    use wire::spoken_word::Word;

    let grant = wire::Grant {
        scope: scope(),
        lifts: vec![9],
    };
    let restriction = wire::Restriction {
        scope: scope(),
        except: vec![scope().unwrap()],
    };
    wire::RecordConsentRequest {
        header: named_header(),
        customer: customer(),
        words: vec![
            word(Word::Grant(grant)),
            word(Word::Restriction(restriction)),
        ],
        statement: statement(),
    }
}

fn disclose() -> wire::DiscloseRequest {
    wire::DiscloseRequest {
        header: named_header(),
        customer: customer(),
        question: question(),
        seal: None,
    }
}

fn check_use() -> wire::CheckUseRequest {
    wire::CheckUseRequest {
        customer: customer(),
        question: question(),
        ..wire::CheckUseRequest::default()
    }
}

fn read<R: CommandRequest>(mut request: R) -> Result<Command, Malformed> {
    header(&mut request, &token)?;
    request.command(&token).map(|(_, command)| command)
}

/// The field that `request` is refused for after `change`.
fn refused<R: CommandRequest>(mut request: R, change: impl FnOnce(&mut R)) -> String {
    change(&mut request);
    match read(request).unwrap_err() {
        Malformed::Invalid { field, .. } | Malformed::NotYet { field } => field,
    }
}

/// `assert_refused!(request, |it| change => "field"; …)`
macro_rules! assert_refused {
    ($request:expr; $($change:expr => $field:literal;)+) => {
        read($request).unwrap();
        $(assert_eq!(refused($request, $change), $field);)+
    };
}

#[test]
fn c1_a_header_that_is_missing_or_wrong_is_refused_by_field() {
    assert_refused!(open_account();
        |it| it.header = None => "header";
        |it| it.header.as_mut().unwrap().request_id.clear() => "header.request_id";
        |it| it.header.as_mut().unwrap().channel = 0 => "header.channel";
        |it| it.header.as_mut().unwrap().channel = UNKNOWN => "header.channel";
        |it| it.header.as_mut().unwrap().taken_by = "x".repeat(129) => "header.taken_by";
        |it| it.header.as_mut().unwrap().occurred_at = Some(Timestamp { seconds: 0, nanos: -1 })
            => "header.occurred_at";
    );
}

#[test]
fn p2_accounts_and_services_are_checked_by_field() {
    assert_refused!(open_account();
        |it| it.customer_id.clear() => "customer_id";
        |it| it.legal_entity.clear() => "legal_entity";
        |it| it.services = vec!["local".into(), "LOCAL".into()] => "services[1]";
        |it| it.services = vec!["local".into(); 17] => "services";
    );
    assert_refused!(change_services();
        |it| it.customer = None => "customer";
        |it| it.customer = Some(wire::CustomerRef { customer: None }) => "customer";
        |it| { it.open.clear(); it.close.clear(); } => "open";
        |it| it.close[0].category.clear() => "close[0].category";
        |it| it.close[0].ends_at = Some(Timestamp { seconds: i64::MAX, nanos: 0 }) => "close[0].ends_at";
    );
}

#[test]
fn f4_a_notice_is_checked_by_field() {
    assert_refused!(notice();
        |it| it.notice_version.clear() => "notice_version";
        |it| it.text_digest.clear() => "text_digest";
        |it| it.text_digest.push(0) => "text_digest";
        |it| it.form = 0 => "form";
        |it| it.form = UNKNOWN => "form";
        |it| it.language.clear() => "language";
        |it| it.covers = None => "covers";
        |it| it.covers.as_mut().unwrap().purposes.push(0) => "covers.purposes[1]";
    );
}

#[test]
fn p3_p7_words_are_checked_by_field_and_every_unknown_number_is_refused() {
    fn grant(it: &mut wire::RecordConsentRequest) -> &mut wire::Grant {
        match &mut it.words[0].word {
            Some(wire::spoken_word::Word::Grant(grant)) => grant,
            _ => panic!("the first word is a grant"),
        }
    }
    fn granted(it: &mut wire::RecordConsentRequest) -> &mut wire::Scope {
        grant(it).scope.as_mut().unwrap()
    }
    fn said(it: &mut wire::RecordConsentRequest) -> &mut wire::Statement {
        it.statement.as_mut().unwrap()
    }
    assert_refused!(consent();
        |it| it.words.clear() => "words";
        |it| it.words[1].word = None => "words[1]";
        |it| granted(it).recipient_kinds[0] = UNKNOWN => "words[0].grant.scope.recipient_kinds[0]";
        |it| granted(it).classes.push(1) => "words[0].grant.scope.classes";
        |it| granted(it).all_recipients = true => "words[0].grant.scope.recipient_kinds";
        |it| granted(it).purposes[0] = 0 => "words[0].grant.scope.purposes[0]";
        |it| granted(it).named_recipients[0].kind = 0 => "words[0].grant.scope.named_recipients[0].kind";
        |it| granted(it).named_recipients[0].entity = "A".into()
            => "words[0].grant.scope.named_recipients[0].entity";
        |it| grant(it).lifts = vec![0; 33] => "words[0].grant.lifts";
        |it| it.words[1] = word(wire::spoken_word::Word::Restriction(wire::Restriction {
            scope: None,
            except: vec![wire::Scope { classes: vec![UNKNOWN], ..wire::Scope::default() }],
        })) => "words[1].restriction.except[0].classes[0]";
        |it| it.statement = None => "statement";
        |it| said(it).medium = 0 => "statement.medium";
        |it| said(it).speaker = UNKNOWN => "statement.speaker";
        |it| said(it).assurance.as_mut().unwrap().method = 0 => "statement.assurance.method";
        |it| said(it).assurance.as_mut().unwrap().at = None => "statement.assurance.at";
        |it| said(it).evidence_digest = vec![1] => "statement.evidence_digest";
        |it| said(it).evidence_reference = "x".repeat(257) => "statement.evidence_reference";
    );
}

#[test]
fn r2_what_a_word_leaves_empty_stays_empty_and_all_is_said_by_name() {
    let mut empty = consent();
    let denial = wire::Denial { scope: None };
    empty.words = vec![word(wire::spoken_word::Word::Denial(denial))];
    let Command::Speak(speak) = read(empty).unwrap() else {
        panic!("words");
    };
    let SpokenWord::Block(block) = &speak.words[0] else {
        panic!("a block");
    };
    assert!(block.scope.classes.is_empty() && block.scope.recipients.kinds.is_empty());

    let Command::Speak(speak) = read(consent()).unwrap() else {
        panic!("words");
    };
    let SpokenWord::Grant { scope, .. } = &speak.words[0] else {
        panic!("a grant");
    };
    assert_eq!(scope.classes, CpniClasses::ALL);
    assert_ne!(scope.recipients.kinds, RecipientKinds::ALL);
}

#[test]
fn r1_scopes_come_back_as_they_went_in() {
    let given = scope().unwrap();
    assert_eq!(
        scopes::wire_scope(&scopes::scope(given.clone()).unwrap()),
        given
    );
    let everything = wire::Scope {
        all_recipients: true,
        all_classes: true,
        all_purposes: true,
        ..wire::Scope::default()
    };
    let read = scopes::scope(everything.clone()).unwrap();
    assert_eq!(scopes::wire_scope(&read), everything);
}

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
    let table: [(Change, &str); 5] = [
        (
            |it| {
                it.as_of = Some(wire::AsOf {
                    moment: Some(wire::as_of::Moment::Position(1)),
                })
            },
            "`as_of` can't be answered yet",
        ),
        (
            |it| it.as_of = Some(wire::AsOf { moment: None }),
            "`as_of` must be",
        ),
        (
            |it| it.hindsight = true,
            "`hindsight` can't be answered yet",
        ),
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
