//! Accounts, notices and words.

use super::*;

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
        |it| it.statements.push(UNKNOWN) => "statements[13]";
        |it| it.template_version = "v1".into() => "statements";
        |it| { it.template_version = "v1".into(); it.statements.clear(); } => "notice_version";
        |it| {
            (it.notice_version, it.template_version) = ("v 1".into(), "v 1".into());
            it.statements.clear();
        } => "template_version";
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
        |it| said(it).verification.as_mut().unwrap().call_id.clear() => "statement.verification.call_id";
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
