//! Histories that the rules decided: nothing is found, whatever was asked, refused or disclosed in them.

use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::Assurance;
use consent_ledger::domain::disclosures::{Disclose, Ground, Seal};
use consent_ledger::domain::event::{Event, Placed};
use consent_ledger::domain::ids::{EntityId, Position};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::questions::{Followed, StandingQuestion, rules};
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::vocabulary::{AssuranceMethod, CpniClass, Purpose, RecipientKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use crate::histories::{Asked, Play, Step, asked, config, step};
use crate::rules::books::{def, fcc};
use crate::rules::grounds::{court_order, directory, fraud_case, freeze_query, some};
use crate::rules::ledger::{Ledger, Record};
use crate::rules::notation::question;

/// What happens besides: something is asked for and recorded.
#[derive(Clone, Debug)]
enum Act {
    Step(Step),
    Rule(Asked),
    Disclose(Asked, Claim, bool),
}

/// The ground that is claimed for a disclosure; some facts are wrong at times.
#[derive(Clone, Copy, Debug)]
enum Claim {
    Approval(Option<u64>),
    Written(bool),
    Legal,
    Rights,
    PicFreeze(u8),
    Directory(bool),
    Service(bool, Option<(AssuranceMethod, u32)>),
    Billing(Option<(AssuranceMethod, u32)>),
}

impl Claim {
    /// A question that the ground serves, as far as recipient and purpose go.
    fn suited(self, Asked(asked): Asked, class: CpniClass) -> Asked {
        let (text, classes) = match self {
            Self::Approval(_) => return Asked(asked),
            Self::Written(_) => ("THIRD_PARTY acme; BILLING; OTHER_APPROVED", None),
            Self::Legal => ("LAW_ENFORCEMENT court; BILLING; LEGAL", Some(class)),
            Self::Rights => ("THIRD_PARTY acme; BILLING; RIGHTS", Some(class)),
            Self::PicFreeze(_) => ("CARRIER acme; PIC_FREEZE_STATUS; PIC_FREEZE", None),
            Self::Directory(_) => ("THIRD_PARTY acme; TELEPHONE_NUMBER; DIRECTORY", None),
            Self::Service(..) => ("CUSTOMER; BILLING; SERVICE", Some(class)),
            Self::Billing(_) => ("AUTHORIZED_CONTACT; BILLING; BILLING", None),
        };
        let question = question(text);
        Asked(Question {
            classes: classes.map_or(question.classes, class_set),
            call: asked.call,
            ..question
        })
    }

    fn ground(self, ledger: &Ledger) -> Ground {
        let assurance = |verified: Option<(AssuranceMethod, u32)>| {
            verified.map(|(method, minutes)| {
                Telling::Stated(Assurance {
                    method,
                    reference: some("verification 9"),
                    at: consent_ledger::domain::time::Time(
                        ledger.now.0 - i64::from(minutes) * 60_000_000,
                    ),
                })
            })
        };
        match self {
            Self::Approval(cites) => Ground::Approval {
                cites: cites.map(Position),
            },
            Self::Written(digest) => Ground::WrittenRequest {
                digest: digest.then_some([4; 32]),
            },
            Self::Legal => court_order(),
            Self::Rights => fraud_case(),
            Self::PicFreeze(request) => freeze_query("acme", &format!("r{request}")),
            Self::Directory(non_published) => match directory("acme") {
                Ground::Directory { publisher, .. } => Ground::Directory {
                    publisher,
                    non_published,
                },
                other => other,
            },
            Self::Service(open, verified) => Ground::Service {
                ticket: some("ticket 5"),
                open,
                verification: assurance(verified),
            },
            Self::Billing(verified) => Ground::Billing {
                invoice: some("run 7"),
                verification: assurance(verified),
            },
        }
    }
}

fn claim() -> impl Strategy<Value = Claim> {
    use AssuranceMethod::{CallBack, Mail, OnlineAccount, Password};
    let verified = || {
        prop::option::weighted(
            0.7,
            (
                select(vec![Password, CallBack, OnlineAccount, Mail]),
                select(vec![0_u32, 29, 30, 31]),
            ),
        )
    };
    prop_oneof![
        4 => prop::option::weighted(0.4, 1..30_u64).prop_map(Claim::Approval),
        1 => any::<bool>().prop_map(Claim::Written),
        1 => Just(Claim::Legal),
        1 => Just(Claim::Rights),
        1 => (0..3_u8).prop_map(Claim::PicFreeze),
        1 => any::<bool>().prop_map(Claim::Directory),
        2 => (any::<bool>(), verified()).prop_map(|(open, verified)| Claim::Service(open, verified)),
        2 => verified().prop_map(Claim::Billing),
    ]
}

/// Recipients, purposes and classes as grounds want them, and as they don't.
fn any_asked() -> impl Strategy<Value = Asked> {
    use RecipientKind::{
        Agent, AuthorizedContact, Carrier, Company, Customer, LawEnforcement, ThirdParty,
    };
    let kinds = vec![
        Company,
        Agent,
        Carrier,
        Customer,
        AuthorizedContact,
        LawEnforcement,
        ThirdParty,
    ];
    let classes = vec![
        CpniClass::Billing,
        CpniClass::Type,
        CpniClass::CallDetail,
        CpniClass::PicFreezeStatus,
    ];
    let other = (
        asked(),
        select(kinds),
        select(Purpose::EVERY),
        select(classes),
        any::<bool>(),
    );
    let other = other.prop_map(|(Asked(question), recipient, purpose, class, named)| {
        Asked(Question {
            recipient,
            purpose,
            classes: class_set(class),
            entity: named.then(|| EntityId::parse("acme").unwrap()),
            ..question
        })
    });
    prop_oneof![2 => asked(), 2 => other]
}

fn class_set(class: CpniClass) -> consent_ledger::domain::vocabulary::CpniClasses {
    [class].into_iter().collect()
}

/// The questions are asked with the company as it is in the end; whole logs with a company that changes are generated in
/// `tests/standing`.
fn is_of_customer(step: &Step) -> bool {
    !matches!(step, Step::Join(..) | Step::Leave(..))
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => step().prop_filter("the company stays as it is", is_of_customer).prop_map(Act::Step),
        2 => any_asked().prop_map(Act::Rule),
        4 => (any_asked(), claim(), prop::bool::weighted(0.2))
            .prop_map(|(asked, claim, gag)| Act::Disclose(asked, claim, gag)),
        4 => (claim(), asked(), select(CpniClass::EVERY))
            .prop_map(|(claim, asked, class)| Act::Disclose(claim.suited(asked, class), claim, false)),
    ];
    vec(act, 1..40)
}

fn live_through(book: &'static Rulebook, fcc: bool, acts: &[Act]) -> Ledger {
    let mut play = Play::new(book, fcc, &["LOCAL"]);
    for act in acts {
        match act {
            Act::Step(step) => {
                play.step(step);
            }
            Act::Rule(asked) => {
                // Refused or not: what is recorded is what counts.
                let _ = play
                    .ledger
                    .submit(&Command::RecordRuling(asked.0.clone()), None);
            }
            Act::Disclose(asked, claim, gag) => {
                let question = Question {
                    ground: Some(claim.ground(&play.ledger)),
                    ..asked.0.clone()
                };
                let seal = gag.then_some(Seal::UntilLifted);
                let _ = play
                    .ledger
                    .submit(&Command::Disclose(Disclose { question, seal }), None);
            }
        }
    }
    play.ledger
}

/// What the questions find in records, asked one by one.
fn findings(ledger: &Ledger, records: &[Record]) -> Vec<(u64, &'static str, String)> {
    let questions: Vec<&'static StandingQuestion> = rules().collect();
    let (mut followed, mut found) = (Followed::default(), Vec::new());
    for record in records {
        let placed = Placed {
            position: record.position,
            command: record.command,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            event: &record.event,
        };
        followed.ask(
            &questions,
            placed,
            ledger.world(),
            None,
            |question, wrong| {
                found.push((record.position.0, question.name, wrong));
            },
        );
    }
    found
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn e9_the_questions_come_back_empty_over_generated_histories(acts in acts(), by_fcc in any::<bool>()) {
        let book = if by_fcc { fcc() } else { def() };
        let ledger = live_through(book, by_fcc, &acts);
        let found = findings(&ledger, &ledger.records);
        prop_assert!(found.is_empty(), "{found:#?}\n{:#?}", ledger.records);
    }
}

#[test]
fn e9_generated_histories_hold_what_the_questions_look_at() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut made, mut refused, mut yes) = (0, 0, 0);
    for _ in 0..100 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        for record in live_through(def(), false, &acts).records {
            match record.event {
                Event::DisclosureMade(_) => made += 1,
                Event::DisclosureRefused(_) => refused += 1,
                Event::RulingRecorded(ruled) if ruled.ruling.allowed => yes += 1,
                _ => {}
            }
        }
    }
    assert!(
        made > 20 && refused > 100 && yes > 5,
        "{made} {refused} {yes}"
    );
}
