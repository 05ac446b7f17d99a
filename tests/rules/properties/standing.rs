//! Histories that the rules decided: nothing is found, whatever was asked, refused or disclosed in them.

use consent_ledger::domain::authentication::AuthenticationEvent;
use consent_ledger::domain::authentication::of_record::ReachKind;
use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::authentication::verification::VerifiedFor;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::Company;
use consent_ledger::domain::consent::word::Assurance;
use consent_ledger::domain::customer::World;
use consent_ledger::domain::disclosures::{Disclose, Ground, Seal};
use consent_ledger::domain::event::{Event, Placed};
use consent_ledger::domain::ids::{EntityId, Position, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::questions::{Followed, StandingQuestion, rules};
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::vocabulary::{AssuranceMethod, CpniClass, Purpose, RecipientKind};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use crate::histories::{
    Asked, Desk, Play, Speaking, Step, Way, asked, config, desk, reach, speaking, step,
    switching_step,
};
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
    /// A caller is verified and told something a while later.
    Tell(Speaking, u32, CpniClass),
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
    /// On the verification on record before the newest by that many; of account information, or of technical support.
    /// To the customer, or to a contact.
    OnRecord(usize, bool, bool),
    /// By mail to the address of record.
    Mailed,
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
            Self::OnRecord(_, true, false) => ("CUSTOMER; BILLING; BILLING", Some(class)),
            Self::OnRecord(_, true, true) => ("AUTHORIZED_CONTACT; BILLING; BILLING", None),
            Self::OnRecord(_, false, false) => ("CUSTOMER; BILLING; SERVICE", Some(class)),
            Self::OnRecord(_, false, true) => ("AUTHORIZED_CONTACT; BILLING; SERVICE", None),
            Self::Mailed => ("CUSTOMER; BILLING; BILLING", Some(class)),
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
            Self::OnRecord(back, true, _) => Ground::Billing {
                invoice: some("run 7"),
                verification: verification(ledger, back).map(|found| found.1),
            },
            Self::OnRecord(back, false, _) => Ground::Service {
                ticket: some("ticket 5"),
                open: true,
                verification: verification(ledger, back).map(|found| found.1),
            },
            Self::Mailed => Ground::Billing {
                invoice: some("run 7"),
                verification: Some(Telling::Mailed {
                    address: reach(ReachKind::PostalAddress).value,
                }),
            },
        }
    }

    /// The call in which it is claimed, where that matters.
    fn call(self, ledger: &Ledger) -> Option<Token> {
        match self {
            Self::OnRecord(back, ..) => verification(ledger, back).map(|found| found.0),
            _ => None,
        }
    }
}

/// The verification on record before the newest by that many: its call, and how it is cited.
fn verification(ledger: &Ledger, back: usize) -> Option<(Token, Telling)> {
    let newest_first = ledger.records.iter().rev();
    let mut opened = newest_first.filter_map(|record| match &record.event {
        Event::Authentication(AuthenticationEvent::VerificationOpened(opened)) => {
            Some((opened.identified.call, record.position))
        }
        _ => None,
    });
    let (call, record) = opened.nth(back)?;
    let telling = Telling::OnRecord {
        record,
        cited_by_caller: false,
    };
    Some((call, telling))
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
        4 => (0..3_usize, any::<bool>(), prop::bool::weighted(0.3))
            .prop_map(|(back, billing, contact)| Claim::OnRecord(back, billing, contact)),
        1 => Just(Claim::Mailed),
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

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        5 => step().prop_map(Act::Step),
        2 => switching_step().prop_map(Act::Step),
        4 => desk().prop_map(Step::Desk).prop_map(Act::Step),
        2 => any_asked().prop_map(Act::Rule),
        4 => (any_asked(), claim(), prop::bool::weighted(0.2))
            .prop_map(|(asked, claim, gag)| Act::Disclose(asked, claim, gag)),
        4 => (claim(), asked(), select(CpniClass::EVERY))
            .prop_map(|(claim, asked, class)| Act::Disclose(claim.suited(asked, class), claim, false)),
    ];
    let tell = (
        speaking(),
        select(vec![0_u32, 5, 31]),
        select(CpniClass::EVERY),
    )
        .prop_map(|(who, minutes, class)| Act::Tell(who, minutes, class));
    vec(prop_oneof![20 => act, 2 => tell], 1..50)
}

fn live_through(book: &'static Rulebook, fcc: bool, acts: &[Act]) -> Ledger {
    let mut play = Play::new(book, fcc, &["LOCAL"]);
    acts.iter().for_each(|act| act.live(&mut play));
    play.ledger
}

impl Act {
    /// Refused or not: what is recorded is what counts.
    fn live(&self, play: &mut Play) {
        match self {
            Self::Step(step) => {
                play.step(step);
            }
            Self::Rule(asked) => {
                let command = Command::RecordRuling(asked.0.clone());
                let _ = play.ledger.submit(&command, None);
            }
            Self::Disclose(asked, claim, gag) => {
                let question = Question {
                    ground: Some(claim.ground(&play.ledger)),
                    call: claim.call(&play.ledger).or(asked.0.call),
                    ..asked.0.clone()
                };
                let seal = gag.then_some(Seal::UntilLifted);
                let command = Command::Disclose(Disclose { question, seal });
                let _ = play.ledger.submit(&command, None);
            }
            Self::Tell(who, minutes, class) => {
                play.step(&Step::Desk(Desk::Verifies(*who, Way::LogIn)));
                play.step(&Step::Wait(*minutes));
                let billing = who.purpose != VerifiedFor::TechnicalSupport;
                let claim = Claim::OnRecord(0, billing, who.contact.is_some());
                let asked = claim.suited(Asked(question("COMPANY; BILLING; M")), *class);
                Self::Disclose(asked, claim, false).live(play);
            }
        }
    }
}

/// What the questions find in records, asked one by one, each with the company and the rulebook of its time.
fn findings(ledger: &Ledger, records: &[Record]) -> Vec<(u64, &'static str, String)> {
    let questions: Vec<&'static StandingQuestion> = rules().collect();
    let (mut followed, mut found) = (Followed::default(), Vec::new());
    let mut company = Company::default();
    let mut of_company = ledger.of_company.iter().peekable();
    for record in records {
        while let Some(before) = of_company.next_if(|one| one.position < record.position) {
            company.follow(&before.placed());
        }
        let mut adopted = ledger.adopted.iter().rev();
        let in_force = adopted.find(|one| one.position < record.position).unwrap();
        let world = World {
            rulebook: in_force.book,
            opt_out_since: in_force.opt_out_since,
            pic_request_used: false,
            company: &company,
            known: None,
        };
        let placed = Placed {
            position: record.position,
            command: record.command,
            recorded_at: record.recorded_at,
            occurred_at: record.occurred_at,
            event: &record.event,
        };
        followed.ask(&questions, placed, world, None, |question, wrong| {
            found.push((record.position.0, question.name, wrong));
        });
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
    let (mut made, mut refused, mut yes, mut told) = (0, 0, 0, 0);
    for _ in 0..100 {
        let acts = acts().new_tree(&mut runner).unwrap().current();
        for record in live_through(def(), false, &acts).records {
            match record.event {
                Event::DisclosureMade(made) if is_told_on_record(&made.question) => told += 1,
                Event::DisclosureMade(_) => made += 1,
                Event::DisclosureRefused(_) => refused += 1,
                Event::RulingRecorded(ruled) if ruled.ruling.allowed => yes += 1,
                _ => {}
            }
        }
    }
    assert!(
        made > 20 && refused > 100 && yes > 5 && told > 10,
        "{made} {refused} {yes} {told}"
    );
}

fn is_told_on_record(question: &Question) -> bool {
    match &question.ground {
        Some(Ground::Billing { verification, .. } | Ground::Service { verification, .. }) => {
            matches!(verification, Some(Telling::OnRecord { .. }))
        }
        _ => false,
    }
}
