//! `evolve` lives through anything, and the state stays small.

use consent_ledger::domain::asserted::{
    AssertedBlock, AssertedEvent, AssertedGrant, AssertedService, Circumstances, OnRecord,
    Shortfall, Source,
};
use consent_ledger::domain::company::Company;
use consent_ledger::domain::company::templates::Statements;
use consent_ledger::domain::consent::evidence::EvidenceSupplied;
use consent_ledger::domain::consent::word::{
    Block, BlockKind, Blocked, CallEnded, GrantOnce, Granted, GrantedOnce,
};
use consent_ledger::domain::customer::{Customer, World, evolve, rule};
use consent_ledger::domain::disclosures::gag::GagLifted;
use consent_ledger::domain::disclosures::{DisclosureMade, DisclosureRefused, Seal};
use consent_ledger::domain::event::{Event, Placed, RulingRecorded};
use consent_ledger::domain::ids::{EntityId, Position, Sha256Digest, Token};
use consent_ledger::domain::notices::email::EmailRevoked;
use consent_ledger::domain::notices::send::{
    Delivery, NoticeFailed, NoticeSent, OptOutClock, Outcome,
};
use consent_ledger::domain::notices::{NoticeEvent, NoticeGiven, NoticeText, Shown};
use consent_ledger::domain::ruling::State;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::served::{AffiliateBegan, AffiliateEnded, AffiliateEvent};
use consent_ledger::domain::services::{AccountOpened, ServiceClosed, ServiceOpened, VaultHead};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::Medium;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::histories::{asked, block, config};
use crate::rules::books::def;
use crate::rules::grounds;
use crate::rules::history::{History, VALID, on_ground};
use crate::rules::notation::{call, category};

fn any_position() -> impl Strategy<Value = Position> {
    prop_oneof![0..20_u64, any::<u64>(), Just(u64::MAX)].prop_map(Position)
}

fn any_time() -> impl Strategy<Value = Time> {
    prop_oneof![
        0..1_000_000_i64,
        any::<i64>(),
        Just(i64::MAX),
        Just(i64::MIN)
    ]
    .prop_map(Time)
}

fn any_scope() -> impl Strategy<Value = Scope> {
    block().prop_map(|block| block.scope)
}

fn shown() -> impl Strategy<Value = Option<Shown>> {
    prop_oneof![
        Just(None),
        any_position().prop_map(|approved| Some(Shown::Template(approved))),
        Just(Some(Shown::Statements(Statements::ALL))),
    ]
}

/// Any event, whether or not `decide` would ever lead to it.
fn any_event() -> impl Strategy<Value = Event> {
    let category = || select(vec!["LOCAL", "VOIP", "X"]).prop_map(category);
    let statement = || VALID.statement(Time(5), Some(Position(2)));
    let a_call = || select(vec!["c1", "c2"]).prop_map(call);
    let account = AccountOpened {
        legal_entity: EntityId::parse("infotech").unwrap(),
        vault: VaultHead::default(),
    };
    let freeze = || {
        let ground = grounds::freeze_query("carrier-p", "1");
        on_ground(ground, "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE")
    };
    prop_oneof![
        3 => Just(Event::AccountOpened(account)),
        2 => category().prop_map(|category| Event::ServiceOpened(ServiceOpened { category })),
        2 => (category(), any_time())
            .prop_map(|(category, ends_at)| Event::ServiceClosed(ServiceClosed { category, ends_at })),
        1 => (any_scope(), shown(), prop::option::of(a_call())).prop_map(|(covers, shown, call)| Event::NoticeGiven(NoticeGiven {
            shown,
            call,
            notice: NoticeText {
                version: String::new(),
                text_digest: [0; 32],
                form: Medium::Oral,
                language: String::new(),
                covers,
            },
        })),
        3 => (any_scope(), vec(any_position(), 0..3), vec(any_position(), 0..3)).prop_map(
            move |(scope, lifts, still_blocked_by)| Event::Granted(Granted {
                scope,
                lifts,
                still_blocked_by,
                statement: statement(),
            })
        ),
        3 => block().prop_map(move |block| Event::Blocked(Blocked { block, statement: statement() })),
        1 => (a_call(), any_scope(), any_time(), prop::option::of(any_time())).prop_map(
            move |(call, scope, ends_at, evidence_due_by)| {
                let grant = GrantOnce { call, scope, statement: statement() };
                Event::GrantedOnce(GrantedOnce { grant, ends_at, evidence_due_by })
            }
        ),
        1 => (any_position(), any_time()).prop_map(|(approval, due_by)| {
            let evidence_digest = Sha256Digest([6; 32]);
            Event::EvidenceSupplied(EvidenceSupplied { approval, evidence_digest, due_by })
        }),
        1 => a_call().prop_map(|call| Event::CallEnded(CallEnded { call })),
        1 => any_position().prop_map(move |position| Event::DisclosureMade(DisclosureMade {
            question: freeze(),
            seal: None,
            relied_on: vec![position],
        })),
        1 => Just(Event::DisclosureRefused(DisclosureRefused {
            question: freeze(),
            seal: Some(Seal::UntilLifted),
            reasons: vec![],
        })),
        1 => any_position().prop_map(|disclosure| Event::GagLifted(GagLifted {
            disclosure,
            authority: None,
            reference: None,
            dated: String::new(),
        })),
        1 => asked().prop_map(|question| {
            let question = question.0;
            let ruling = rule(None, world(&Company::default()), &question, Time(0));
            Event::RulingRecorded(RulingRecorded { question, ruling })
        }),
        2 => asserted_event(),
        3 => notice_event(),
        1 => (any::<bool>(), any_time()).prop_map(|(begins, ends_at)| {
            let affiliate = EntityId::parse("acme").unwrap();
            Event::Affiliates(match begins {
                true => AffiliateEvent::Began(AffiliateBegan { affiliate }),
                false => AffiliateEvent::Ended(AffiliateEnded { affiliate, ends_at }),
            })
        }),
    ]
}

/// Any event about notices by template, with any clock.
fn notice_event() -> impl Strategy<Value = Event> {
    let clock =
        (any::<bool>(), any_time(), any_time()).prop_map(|(enabled, matures_at, refresh_at)| {
            OptOutClock {
                days: 30,
                enabled,
                matures_at,
                refresh_at,
            }
        });
    let sent = (
        select(Delivery::EVERY),
        any_scope(),
        prop::option::of(clock),
    )
        .prop_map(|(delivery, covers, opt_out)| {
            NoticeEvent::Sent(NoticeSent {
                campaign: None,
                template: EntityId::parse("t").unwrap(),
                approved: Position(1),
                text_digest: Sha256Digest([0; 32]),
                delivery,
                covers,
                email_consent: None,
                opt_out,
            })
        });
    let failed =
        (any_position(), prop::option::of(any_time())).prop_map(|(notice, voids_since)| {
            NoticeEvent::Failed(NoticeFailed {
                notice,
                outcome: Outcome::Bounced,
                voids_since,
            })
        });
    let other =
        any_position().prop_map(|consent| NoticeEvent::EmailRevoked(EmailRevoked { consent }));
    prop_oneof![4 => sent, 2 => failed, 1 => other].prop_map(Event::Notices)
}

/// Any asserted event, with any dates.
fn asserted_event() -> impl Strategy<Value = Event> {
    let source = Source {
        import: EntityId::parse("crm").unwrap(),
        line: 1,
        key: Token([1; 16]),
    };
    let service = (
        select(vec!["LOCAL", "VOIP", "X"]),
        any_time(),
        prop::option::of(any_time()),
    );
    let word = (any_scope(), prop::option::of(any_time()), any::<bool>());
    (service, word, any::<u8>()).prop_map(
        move |((name, opened_at, closed_at), (scope, said_at, grants), counts)| {
            let shortfalls = if counts % 4 == 0 {
                vec![Shortfall::NoService]
            } else {
                vec![]
            };
            let said = Circumstances {
                said_at,
                ..Circumstances::default()
            };
            Event::Asserted(if counts % 2 == 0 {
                AssertedEvent::Service(OnRecord {
                    source: source.clone(),
                    fact: AssertedService {
                        category: category(name),
                        opened_at,
                        closed_at,
                    },
                    reference: None,
                    shortfalls,
                    still_blocked_by: vec![],
                })
            } else if grants {
                AssertedEvent::Granted(OnRecord {
                    source: source.clone(),
                    fact: AssertedGrant { scope, said },
                    reference: None,
                    shortfalls,
                    still_blocked_by: vec![],
                })
            } else {
                let block = Block {
                    kind: BlockKind::Deny,
                    scope,
                    except: Box::default(),
                };
                AssertedEvent::Blocked(OnRecord {
                    source: source.clone(),
                    fact: AssertedBlock { block, said },
                    reference: None,
                    shortfalls,
                    still_blocked_by: vec![],
                })
            })
        },
    )
}

fn world(company: &Company) -> World<'_> {
    World {
        rulebook: def(),
        opt_out_since: Time(0),
        pic_request_used: false,
        company,
        known: None,
    }
}

proptest! {
    #![proptest_config(config())]

    /// T4: whatever a log holds, reading it never panics, and neither does asking afterwards.
    #[test]
    fn t4_no_sequence_of_events_makes_evolve_or_rule_panic(
        events in vec((any_position(), any_position(), any_time(), prop::option::of(any_time()), any_event()), 0..40),
        questions in vec(asked(), 3),
        at in any_time(),
    ) {
        let mut customer: Option<Customer> = None;
        for (position, command, recorded_at, occurred_at, event) in &events {
            let (position, command) = (*position, *command);
            let (recorded_at, occurred_at) = (*recorded_at, *occurred_at);
            customer = evolve(customer, &Placed { position, command, recorded_at, occurred_at, event });
            for question in &questions {
                rule(customer.as_ref(), world(&Company::default()), question, at);
            }
        }
    }
}

/// T5, R2: ten thousand words about the same things are all recorded, and the state doesn't grow with them.
#[test]
fn t5_the_state_stays_small_under_ten_thousand_repeated_words() {
    let words = [
        "g(COMPANY + AFFILIATE; ALL; M)",
        "d(AFFILIATE acme; *; M)",
        "g(COMPANY; BILLING; M)",
        "r(COMPANY; ALL except BILLING; M)",
        "w(COMPANY; BILLING; M)",
        "d(*; *; *)",
        "g(AGENT; ALL; M)",
    ];
    let mut k = History::holding(def(), &["LOCAL"]);
    let size_after = |k: &mut History, count: usize| {
        for said in words.iter().cycle().take(count) {
            k.says(said);
            k.ledger.records.clear();
        }
        serde_json::to_vec(&k.ledger.customer).unwrap().len()
    };
    let few = size_after(&mut k, 700);
    let many = size_after(&mut k, 9_800);
    assert!(many <= few + few / 4, "{few} bytes grew to {many}");
    k.says("d(*; *; *)");
    assert_eq!(k.ask("COMPANY; BILLING; M→CMRS").state, State::Denied);
    assert_eq!(k.ask("AGENT ag; BILLING; M→CMRS").state, State::Denied);
    k.says("g(AGENT; ALL; M)");
    assert!(k.ask("AGENT ag; BILLING; M→CMRS").allowed);
}

/// T5: the same for notices, services and one-time approvals.
#[test]
fn t5_the_state_stays_small_under_repeated_notices_services_and_calls() {
    let mut k = History::holding(def(), &["LOCAL"]);
    let size_after = |k: &mut History, count: usize| {
        for turn in 0..count {
            k.notice("ALL; ALL; ALL");
            k.close("LOCAL");
            k.open("LOCAL");
            let name = format!("call {turn}");
            k.once(&name, "COMPANY; BILLING; M").unwrap();
            k.call_ends(&name);
            k.ledger.records.clear();
        }
        serde_json::to_vec(&k.ledger.customer).unwrap().len()
    };
    let few = size_after(&mut k, 300);
    let many = size_after(&mut k, 3_000);
    assert!(many <= few + few / 4, "{few} bytes grew to {many}");
    k.says("g(COMPANY; BILLING; M)");
}
