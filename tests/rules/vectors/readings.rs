//! Readings R2-R19 where no vector pins them by itself.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::SpokenWord;
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Position};
use consent_ledger::domain::refusal::RefusalCode;
use consent_ledger::domain::ruling::{ReasonCode, State};
use consent_ledger::domain::services::OpenAccount;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium, Speaker};

use crate::rules::books::{def, fcc};
use crate::rules::expect::is_refused;
use crate::rules::history::{History, Manner, VALID, clock, in_call};
use crate::rules::notation::word;

#[test]
fn r02_what_a_block_leaves_out_means_all_and_a_grant_may_leave_nothing_out() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY + AFFILIATE; ALL; M + MARKETING_OTHER)");
    let d = k.says("d(*; *; M)");
    for asked in ["COMPANY; BILLING; M→CMRS", "AFFILIATE acme; LOCATION; M"] {
        k.answers(asked, "no, denied", &[d]);
    }
    assert!(k.ask("COMPANY; BILLING; MARKETING_OTHER").allowed);
    let SpokenWord::Grant { scope: whole, .. } = word("g(COMPANY; BILLING; M)") else {
        unreachable!()
    };
    for part in 0..3 {
        let mut scope = whole.clone();
        match part {
            0 => scope.recipients = Default::default(),
            1 => scope.classes = Default::default(),
            _ => scope.purposes = Default::default(),
        }
        let grant = vec![SpokenWord::Grant {
            scope,
            lifts: vec![],
        }];
        assert_eq!(k.speak(VALID, None, grant), Err(RefusalCode::ScopeRequired));
    }
}

#[test]
fn r02_a_withdrawal_is_a_denial_with_its_own_cause() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; BILLING; M)");
    let w = k.says("w(COMPANY; BILLING; M)");
    k.answers("COMPANY; BILLING; M→CMRS", "no, denied, WITHDRAWN", &[w]);
}

#[test]
fn r02_r13_an_exception_spares_nothing_that_is_blocked_along_with_the_rest() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; ALL; M)");
    let r = k.says("r(COMPANY; ALL except CALL_DETAIL; M)");
    // The destination is restricted, and call detail shows it.
    k.answers("COMPANY; CALL_DETAIL; M", "no, restricted", &[r]);
}

#[test]
fn r02_a_repeated_block_is_recorded_again_and_can_be_named() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let first = k.says("d(COMPANY; BILLING; M)");
    let second = k.says("d(COMPANY; BILLING; M)");
    assert_ne!(first, second);
    let naming_first = k.says_lifting("g(COMPANY; ALL; M)", &[first]);
    assert_eq!(k.still_blocked_by(naming_first), [second]);
    assert!(!k.ask("COMPANY; BILLING; M").allowed);
    let equal = k.says("g(COMPANY; BILLING; M)");
    assert_eq!(k.still_blocked_by(equal), []);
    assert!(k.ask("COMPANY; BILLING; M").allowed);
}

#[test]
fn r03_a_lift_is_for_good_and_survives_the_grant_that_made_it() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("d(COMPANY; BILLING; M)");
    k.says("g(COMPANY; BILLING; M)");
    k.close("LOCAL");
    k.open("LOCAL");
    let asked = "COMPANY; BILLING; M→CMRS";
    k.answers(asked, "no, unknown", &[]);
    k.answers(
        "COMPANY; BILLING; M→LOCAL",
        "yes, unknown, HELD_CATEGORY",
        &[],
    );
}

#[test]
fn r03_only_a_block_of_the_ledger_can_be_named_as_lifted() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let grant = k.says("g(COMPANY; BILLING; M)");
    for named in [grant, Position(10_000)] {
        let SpokenWord::Grant { scope, .. } = word("g(COMPANY; ALL; M)") else {
            unreachable!()
        };
        let lifting = vec![SpokenWord::Grant {
            scope,
            lifts: vec![named],
        }];
        assert_eq!(
            k.speak(VALID, None, lifting),
            Err(RefusalCode::BlockUnknown)
        );
    }
}

#[test]
fn r03_a_grant_that_names_a_block_must_be_later_all_the_same() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d = k.at("10:00").says("d(AFFILIATE; BILLING; M)");
    let SpokenWord::Grant { scope, .. } = word("g(AFFILIATE; ALL; M)") else {
        unreachable!()
    };
    let lifts = vec![d];
    let naming = vec![SpokenWord::Grant { scope, lifts }];
    let early = (k.at("10:05")).speak(VALID, Some(clock("09:59")), naming);
    assert_eq!(k.still_blocked_by(early.unwrap()[0]), [d]);
    k.answers("AFFILIATE beta; BILLING; M", "no, denied", &[d]);
}

#[test]
fn r04_a_block_said_earlier_and_recorded_again_does_not_hide_the_one_said_later() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let d = k.at("10:00").says("d(COMPANY; BILLING; M)");
    k.at("10:05").said(clock("09:50"), "d(COMPANY; BILLING; M)");
    // Later than the second, earlier than the first.
    k.at("10:10").said(clock("09:55"), "g(COMPANY; BILLING; M)");
    k.answers("COMPANY; BILLING; M", "no, denied", &[d]);
}

#[test]
fn r05_a_word_may_be_said_a_day_back_and_never_ahead() {
    for said in ["d(COMPANY; BILLING; M)", "g(COMPANY; BILLING; M)"] {
        let mut k = History::holding(def(), &["LOCAL"]);
        k.days_pass(30);
        let now = k.ledger.now.plus_minutes(1);
        let ahead = k.speak(VALID, Some(now.plus_minutes(1)), vec![word(said)]);
        assert_eq!(ahead, Err(RefusalCode::OccurredAt), "{said}");
        let now = k.ledger.now.plus_minutes(1);
        let stale = k.speak(VALID, Some(now.minus_hours(25)), vec![word(said)]);
        assert_eq!(stale, Err(RefusalCode::OccurredAt), "{said}");
        let now = k.ledger.now.plus_minutes(1);
        k.speak(VALID, Some(now.minus_hours(23)), vec![word(said)])
            .unwrap();
    }
}

#[test]
fn r06_an_offering_that_spans_categories_is_held_only_if_all_are() {
    let k = History::holding(def(), &["LOCAL", "VOIP"]);
    assert!(k.ask("COMPANY; BILLING; M→LOCAL+VOIP").allowed);
    assert!(!k.ask("COMPANY; BILLING; M→LOCAL+CMRS").allowed);
    assert!(
        !k.ask("COMPANY; BILLING; M").allowed,
        "no target is no held category"
    );
}

#[test]
fn r07_who_may_market_held_categories_is_the_rulebooks() {
    let with = |book| History::holding(book, &["LOCAL", "VOIP"]);
    assert!(!with(def()).ask("AGENT ag; BILLING; M→LOCAL").allowed);
    let mut by_fcc = with(fcc());
    by_fcc.joins("AGENT ag");
    assert!(by_fcc.ask("AGENT ag; BILLING; M→LOCAL").allowed);
    for book in [def(), fcc()] {
        assert!(!with(book).ask("PARENT mom; BILLING; M→LOCAL").allowed);
        assert!(!with(book).ask("THIRD_PARTY shop; BILLING; M→LOCAL").allowed);
        assert!(!with(book).ask("AFFILIATE acme; BILLING; M→LOCAL").allowed);
    }
}

#[test]
fn r09_closing_and_opening_in_one_command_is_no_lapse_in_two_it_is() {
    let asked = "COMPANY; BILLING; M→CMRS";
    for opened in ["VOIP", "LOCAL"] {
        let mut k = History::holding(def(), &["LOCAL"]);
        let g = k.says("g(COMPANY; BILLING; M)");
        k.switch(&["LOCAL"], &[opened]);
        k.answers(asked, "yes, granted", &[g]);

        let mut k = History::holding(def(), &["LOCAL"]);
        k.says("g(COMPANY; BILLING; M)");
        k.at("10:00").close("LOCAL");
        k.at("10:00").open(opened);
        k.answers(asked, "no, unknown", &[]);
    }
}

#[test]
fn r09_a_service_that_ends_ahead_lapses_when_the_end_comes_and_cells_never_spoken_of_stay_unknown()
{
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; BILLING; M)");
    k.says("d(AFFILIATE; *; *)");
    let end = clock("18:00");
    k.close_at("LOCAL", end);
    let (spoken, unspoken) = ("COMPANY; BILLING; M→CMRS", "COMPANY; QUANTITY; M→CMRS");
    assert!(k.ask_at(clock("17:59:59"), spoken).allowed);
    assert_eq!(k.ask(spoken).valid_until, Some(end));
    k.answers_at(end, spoken, "no, lapsed", &[]);
    assert_eq!(k.ask_at(end, unspoken).state, State::Unknown);
    k.at("18:30").open("LOCAL");
    k.answers(spoken, "no, unknown", &[]);
    assert_eq!(k.ask("AFFILIATE beta; TYPE; M").state, State::Denied);
}

#[test]
fn r09_blocks_are_accepted_while_nothing_is_held_and_stand_on_reopening() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.close("LOCAL");
    let d = k.says("d(COMPANY; *; M)");
    k.answers("COMPANY; BILLING; M→LOCAL", "no, lapsed", &[]);
    k.open("LOCAL");
    k.answers("COMPANY; BILLING; M→LOCAL", "no, denied", &[d]);
}

#[test]
fn r05_r9_a_service_that_had_ended_before_the_next_was_opened_is_a_lapse() {
    // An end counts from when it came, an opening from its recording: in between nothing was held.
    let asked = "COMPANY; BILLING; M→CMRS";
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; BILLING; M)");
    k.at("10:00").open("VOIP");
    k.at("10:05").closed_already("LOCAL", clock("09:55"));
    k.answers(asked, "no, unknown", &[]);

    let mut k = History::holding(def(), &["LOCAL"]);
    let g = k.says("g(COMPANY; BILLING; M)");
    k.at("10:00").open("VOIP");
    k.at("10:05").closed_already("LOCAL", clock("10:00"));
    k.answers(asked, "yes, granted", &[g]);
}

#[test]
fn r09_a_grant_said_before_a_lapse_ended_with_it_even_if_it_is_recorded_later() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.at("10:00").close("LOCAL");
    k.at("10:10").open("VOIP");
    let grant = vec![word("g(COMPANY; BILLING; M)")];
    let refused = k.at("10:20").speak(VALID, Some(clock("09:30")), grant);
    assert_eq!(refused, Err(RefusalCode::NoService));
}

#[test]
fn r11_a_block_given_in_the_call_ends_the_one_time_approval_and_four_hours_end_it_anyway() {
    let asked = "COMPANY; BILLING; M→CMRS";
    let mut k = History::holding(def(), &["LOCAL"]);
    k.at("10:00").once("c7", "COMPANY; BILLING; M").unwrap();
    let ruling = k.ask_in_call("c7", asked);
    assert!(ruling.allowed);
    assert_eq!(ruling.valid_until, Some(clock("14:00")));
    let in_call = in_call("c7", asked);
    assert!(k.ledger.ask_at(&in_call, clock("13:59:59")).allowed);
    assert!(!k.ledger.ask_at(&in_call, clock("14:00")).allowed);
    let d = k.at("10:10").says("d(COMPANY; BILLING; M)");
    k.answers_in_call("c7", asked, "no, denied", &[d]);
}

#[test]
fn r11_a_one_time_approval_is_oral_verified_and_recorded() {
    let oral = Manner {
        medium: Medium::Oral,
        verified: Some((AssuranceMethod::Password, 1)),
        ..VALID
    };
    let mut k = History::holding(def(), &["LOCAL"]);
    let scope = "COMPANY; BILLING; M";
    let unverified = Manner {
        verified: None,
        ..oral
    };
    assert_eq!(
        k.once_in(unverified, "c1", scope),
        Err(RefusalCode::VerificationRequired)
    );
    let unrecorded = Manner {
        evidence: false,
        ..oral
    };
    assert_eq!(
        k.once_in(unrecorded, "c1", scope),
        Err(RefusalCode::EvidenceRequired)
    );
    assert!(
        k.once_in(VALID, "c1", scope).is_err(),
        "an electronic one-time approval"
    );
    k.close("LOCAL");
    assert_eq!(k.once_in(oral, "c1", scope), Err(RefusalCode::NoService));
}

#[test]
fn r11_r14_what_is_cited_must_be_a_live_grant_of_the_cell() {
    let asked = "COMPANY infotech; BILLING; M→CMRS";
    let mut k = History::holding(def(), &["LOCAL"]);
    let ended = k.says("g(COMPANY; BILLING; M)");
    k.close("LOCAL");
    k.open("LOCAL");
    let once = k.once("c7", "COMPANY; BILLING; M").unwrap();
    k.call_ends("c7");
    let elsewhere = k.says("g(COMPANY; QUANTITY; M)");
    let live = k.says("g(COMPANY; BILLING; M)");
    let citing = |position| Ground::Approval {
        cites: Some(position),
    };
    for cited in [ended, once, elsewhere, k.notice.unwrap(), Position(10_000)] {
        is_refused(
            &k.disclose(citing(cited), asked),
            &[ReasonCode::ApprovalNotLive],
        );
    }
    match k.disclose(citing(live), asked) {
        Event::DisclosureMade(made) => assert_eq!(made.relied_on, [live]),
        other => panic!("{other:#?}"),
    }
}

#[test]
fn r12_a_named_block_follows_the_entity_whatever_it_becomes() {
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(AGENT; ALL; M)");
    let d = k.says("d(AFFILIATE acme; *; M)");
    k.answers("AGENT acme; BILLING; M→CMRS", "no, denied", &[d]);
    assert!(k.ask("AGENT ag; BILLING; M→CMRS").allowed);
}

#[test]
fn r12_a_named_grant_covers_the_kind_it_named_and_no_unnamed_question() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let g = k.says("g(AFFILIATE acme; ALL; M)");
    k.answers("AFFILIATE acme; BILLING; M→CMRS", "yes, granted", &[g]);
    for asked in [
        "AGENT acme; BILLING; M→CMRS",
        "AFFILIATE beta; BILLING; M→CMRS",
    ] {
        k.answers(asked, "no, unknown", &[]);
    }
    assert!(!k.ask("AFFILIATE; BILLING; M→CMRS").allowed);
}

#[test]
fn r12_a_partner_or_third_party_is_granted_by_name_only() {
    let mut k = History::holding(def(), &["LOCAL"]);
    for kind in ["THIRD_PARTY", "PARTNER_OR_CONTRACTOR"] {
        assert!(
            k.tries(VALID, &format!("g({kind}; BILLING; M)")).is_err(),
            "{kind}"
        );
        k.tries(VALID, &format!("g({kind} shop; BILLING; M)"))
            .unwrap();
        assert!(k.ask(&format!("{kind} shop; BILLING; M")).allowed, "{kind}");
    }
}

#[test]
fn r13_a_block_on_place_or_amount_reaches_call_detail_and_call_detail_alone_reaches_no_other() {
    for class in ["DESTINATION", "LOCATION", "AMOUNT_OF_USE"] {
        let mut k = History::holding(def(), &["LOCAL"]);
        k.says("g(COMPANY; ALL; M)");
        let d = k.says(&format!("d(COMPANY; {class}; M)"));
        k.answers("COMPANY; CALL_DETAIL; M", "no, denied", &[d]);
    }
    let mut k = History::holding(def(), &["LOCAL"]);
    k.says("g(COMPANY; ALL; M)");
    k.says("d(COMPANY; CALL_DETAIL; M)");
    assert!(k.ask("COMPANY; DESTINATION; M").allowed);
}

#[test]
fn r15_a_grant_reaches_no_further_than_the_notice_it_answers() {
    let mut k = History::account(def());
    k.open("LOCAL");
    k.notice("COMPANY + AFFILIATE; BILLING + TYPE; M");
    for beyond in [
        "g(AGENT; BILLING; M)",
        "g(PARENT; BILLING; M)",
        "g(COMPANY; QUANTITY; M)",
        "g(COMPANY; ALL; M)",
        "g(COMPANY; BILLING; MARKETING_OTHER)",
    ] {
        k.refuses(VALID, beyond, RefusalCode::NoticeRequired);
    }
    k.says("g(COMPANY + AFFILIATE acme; BILLING; M)");
}

#[test]
fn r15_r19_mail_another_person_or_an_old_check_verify_nobody() {
    let by = |verified| Manner {
        verified: Some(verified),
        ..VALID
    };
    let mut k = History::holding(def(), &["LOCAL"]);
    for manner in [
        by((AssuranceMethod::Mail, 1)),
        by((AssuranceMethod::Password, 31)),
        Manner {
            speaker: Speaker::Other,
            ..VALID
        },
    ] {
        k.refuses(
            manner,
            "g(COMPANY; BILLING; M)",
            RefusalCode::VerificationRequired,
        );
    }
    let contact = Manner {
        speaker: Speaker::AdministrativeContact,
        ..VALID
    };
    k.tries(contact, "g(COMPANY; BILLING; M)").unwrap();
}

#[test]
fn r16_an_account_is_opened_once() {
    let mut k = History::account(def());
    let again = Command::OpenAccount(OpenAccount {
        legal_entity: EntityId::parse("infotech").unwrap(),
        services: vec![],
    });
    assert_eq!(
        k.try_record(&again, None).unwrap_err(),
        RefusalCode::CustomerExists
    );
}
