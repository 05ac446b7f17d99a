//! Histories of a customer and the company at once, generated and decided by the rules: the questions find nothing.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::breaches::BreachEvent;
use consent_ledger::domain::company::campaigns::CampaignEvent;
use consent_ledger::domain::company::entities::{EntityCommand, EntityJoined};
use consent_ledger::domain::company::register::ItemId;
use consent_ledger::domain::company::{CompanyCommand, CompanyEvent};
use consent_ledger::domain::consent::word::Speak;
use consent_ledger::domain::disclosures::{Disclose, Ground};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::EntityId;
use consent_ledger::domain::ids::{Position, Sha256Digest};
use consent_ledger::domain::notices::NoticeCommand;
use consent_ledger::domain::notices::email::EmailAgreed;
use consent_ledger::domain::notices::send::{Delivery, Outcome, ReportDelivery, SendNotice};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::vocabulary::{Medium, RecipientKind, Speaker};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::house::{CLERK, House};
use crate::log::{Log, found};
use crate::office::{Office, office};
use crate::rules::company::ASKING;
use crate::rules::history::{VALID, change};
use crate::rules::notation::{Everything, question, scope, word};

/// What may happen. What the rules refuse leaves no record.
#[derive(Clone, Debug)]
enum Deed {
    Pass(u32),
    Word(&'static str),
    Services(&'static [&'static str], &'static [&'static str]),
    Send(Delivery, &'static str),
    /// The notice before the newest by that many fails.
    Fails(usize, Outcome),
    Email(bool),
    /// Acme joins or leaves.
    Acme(RecipientKind, bool),
    Ask(&'static str, bool),
    Office(Office),
}

const COVERS: &[&str] = &["ALL; ALL; ALL", "COMPANY; BILLING; M", "AFFILIATE; ALL; M"];
const WORDS: &[&str] = &[
    "d(*; *; *)",
    "d(AFFILIATE acme; *; M)",
    "w(COMPANY; BILLING; M)",
    "g(COMPANY; ALL; M)",
    "g(AFFILIATE; ALL; M)",
    "g(COMPANY + AFFILIATE; ALL; ALL)",
];
const ASKED: &[&str] = &[
    "COMPANY; BILLING; M→VOIP",
    "COMPANY; BILLING + QUANTITY; M→VOIP",
    "COMPANY; LOCATION; M→VOIP",
    "COMPANY; CALL_DETAIL; M→LOCAL",
    "AFFILIATE acme; BILLING; M→VOIP",
    "AFFILIATE acme; BILLING; M→LOCAL",
    "AGENT acme; BILLING; M→VOIP",
    "AFFILIATE; BILLING; M→VOIP",
    "COMPANY; BILLING; OTHER_APPROVED",
];

fn deed() -> impl Strategy<Value = Deed> {
    use Delivery::{Electronic, Email, Oral, Post};
    use RecipientKind::{Affiliate, Agent, PartnerOrContractor};
    let services: &[(&[&str], &[&str])] = &[
        (&["LOCAL"], &[]),
        (&[], &["LOCAL"]),
        (&["CMRS"], &[]),
        (&[], &["CMRS"]),
        (&["LOCAL"], &["LOCAL"]),
    ];
    prop_oneof![
        4 => select(vec![1_u32, 10, 29, 31, 60, 400, 731]).prop_map(Deed::Pass),
        2 => select(WORDS).prop_map(Deed::Word),
        1 => select(services).prop_map(|(close, open)| Deed::Services(close, open)),
        5 => (select(vec![Post, Email, Electronic, Oral]), select(COVERS))
            .prop_map(|(way, covers)| Deed::Send(way, covers)),
        2 => (0..3_usize, select(vec![Outcome::Bounced, Outcome::Returned]))
            .prop_map(|(back, outcome)| Deed::Fails(back, outcome)),
        1 => any::<bool>().prop_map(Deed::Email),
        1 => (select(vec![Affiliate, Agent, PartnerOrContractor]), any::<bool>())
            .prop_map(|(kind, joins)| Deed::Acme(kind, joins)),
        8 => (select(ASKED), any::<bool>()).prop_map(|(asked, made)| Deed::Ask(asked, made)),
        6 => office().prop_map(Deed::Office),
    ]
}

/// A customer's history beside what is done in the office, or the office alone.
fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let in_office = prop_oneof![
        6 => office().prop_map(Deed::Office),
        3 => select(vec![1_u32, 10, 10]).prop_map(Deed::Pass),
    ];
    prop_oneof![
        2 => vec(deed(), 1..60),
        1 => vec(in_office, 1..60),
    ]
}

/// Lives through the deeds.
fn lived(deeds: &[Deed]) -> House {
    let mut house = House::by_fcc(&["LOCAL"]);
    for deed in deeds {
        live(&mut house, deed);
    }
    house
}

fn live(house: &mut House, deed: &Deed) {
    let command = match deed {
        Deed::Pass(days) => return house.days_pass(*days),
        Deed::Acme(kind, joins) => {
            let entity = EntityId::parse("acme").unwrap();
            let command = match joins {
                true => EntityCommand::Join(EntityJoined {
                    entity,
                    kind: *kind,
                    communications_related: true,
                }),
                false => EntityCommand::Leave {
                    entity,
                    kind: *kind,
                    ends_at: None,
                },
            };
            let _ = house.told_by(CLERK, &CompanyCommand::Entities(command));
            return;
        }
        Deed::Office(office) => {
            let command = office.command(house.ledger.now);
            let _ = house.told_by(office.by(), &command);
            return;
        }
        Deed::Word(said) => Command::Speak(Speak {
            words: vec![word(said)],
            statement: VALID.statement(house.ledger.now, house.notice),
        }),
        Deed::Services(close, open) => change(close, open),
        Deed::Send(delivery, covers) => Command::Notices(NoticeCommand::Send(SendNotice {
            template: EntityId::parse(match delivery {
                Delivery::Post => "post",
                _ => "e-mail",
            })
            .unwrap(),
            text_digest: Sha256Digest([6; 32]),
            delivery: *delivery,
            covers: scope(covers, Everything::Written),
            campaign: ItemId::parse(ASKING),
        })),
        Deed::Fails(back, outcome) => Command::Notices(NoticeCommand::Report(ReportDelivery {
            notice: sent(house, *back),
            outcome: *outcome,
        })),
        Deed::Email(true) => Command::Notices(NoticeCommand::AgreeToEmail(EmailAgreed {
            medium: Medium::Electronic,
            speaker: Speaker::AccountHolder,
            evidence_digest: Sha256Digest([2; 32]),
        })),
        Deed::Email(false) => Command::Notices(NoticeCommand::RevokeEmail),
        Deed::Ask(asked, false) => Command::RecordRuling(question(asked)),
        Deed::Ask(asked, true) => Command::Disclose(Disclose {
            question: Question {
                ground: Some(Ground::Approval { cites: None }),
                ..question(asked)
            },
            seal: None,
        }),
    };
    let _ = house.history.try_record(&command, None);
}

/// The notice sent before the newest by that many.
fn sent(house: &House, back: usize) -> Position {
    let records = house.ledger.records.iter().rev();
    let mut notices = records.filter(|record| matches!(record.event, Event::Notices(_)));
    notices
        .nth(back)
        .map_or(Position(0), |record| record.position)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn e9_the_questions_come_back_empty_over_histories_of_a_customer_and_the_company(deeds in deeds()) {
        let house = lived(&deeds);
        let answered = Log::of_house(&house).ask();
        prop_assert!(found(&answered).is_empty(), "{:#?}\n{house:#?}", answered.findings);
    }
}

#[test]
fn e9_those_histories_hold_what_the_questions_look_at() {
    let mut runner = TestRunner::deterministic();
    let (mut by_opt_out, mut failed) = (0, 0);
    let (mut lists, mut told) = (0, 0);
    for _ in 0..100 {
        let house = lived(&deeds().new_tree(&mut runner).unwrap().current());
        for record in &house.ledger.records {
            match &record.event {
                Event::DisclosureMade(made) if !made.relied_on.is_empty() => by_opt_out += 1,
                Event::Notices(_) => failed += 1,
                _ => {}
            }
        }
        for record in &house.company {
            match &record.event {
                CompanyEvent::Campaigns(CampaignEvent::ListDrawn(_)) => lists += 1,
                CompanyEvent::Breaches(BreachEvent::CustomersNotified(_)) => told += 1,
                _ => {}
            }
        }
    }
    assert!(lists > 5 && told > 2, "{lists} {told}");
    assert!(by_opt_out > 20 && failed > 100, "{by_opt_out} {failed}");
}
