//! The stored form of every event type, for ever: what a released version wrote, every later one reads (E1, C1).
//!
//! A line of `golden/events.txt` is a type and its data. A new event type adds a line; no line ever changes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

use consent_ledger::codec::{
    Fact, RULEBOOK_ADOPTED, RulebookAdopted, decode, decode_ledger, encode, encode_rulebook,
};
use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::consent::word::{
    Assurance, Block, BlockKind, Blocked, CallEnded, GrantOnce, Granted, GrantedOnce, Statement,
};
use consent_ledger::domain::disclosures::{DisclosureMade, DisclosureRefused, Ground, Seal};
use consent_ledger::domain::event::{Event, RulingRecorded};
use consent_ledger::domain::ids::{Category, EntityId, Personal, Position, Token};
use consent_ledger::domain::notices::{NoticeGiven, NoticeText};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::ruling::{Basis, CellState, Reason, ReasonCode, Remedy, Ruling, State};
use consent_ledger::domain::scope::{Cell, NamedRecipient, Recipients, Scope};
use consent_ledger::domain::services::{AccountOpened, ServiceClosed, ServiceOpened, VaultHead};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, Medium, NotCpni, NotCpniItems, Purpose, Purposes,
    RecipientKind, RecipientKinds, Speaker,
};

const GOLDEN: &str = include_str!("golden/events.txt");

#[test]
fn e1_every_event_type_is_written_as_it_always_was() {
    let written: String = events()
        .iter()
        .map(|event| format!("{}\n", stored(event).0))
        .collect();
    assert_eq!(
        written, GOLDEN,
        "a released form never changes: give a new shape a new type"
    );
}

#[test]
fn e1_what_was_written_is_read_back_with_its_sealed_fields() {
    for event in events() {
        let (line, sealed) = stored(&event);
        let (kind, data) = line.split_once(' ').unwrap();
        let open = |field: &str| {
            sealed
                .iter()
                .find(|(name, _)| *name == field)
                .map(|(_, text)| text.clone())
        };
        assert_eq!(decode(kind, data, &open).unwrap(), event);
    }
}

#[test]
fn e8_without_keys_an_event_is_read_without_its_personal_fields() {
    for event in events() {
        let (line, sealed) = stored(&event);
        let (kind, data) = line.split_once(' ').unwrap();
        assert!(decode(kind, data, &|_| None).is_ok());
        for (_, text) in sealed {
            assert!(
                !line.contains(text.expose()),
                "a personal field is in the clear: {line}"
            );
        }
    }
}

#[test]
fn e1_an_unknown_type_or_field_stops_the_reader() {
    assert!(decode("consent.granted.v9", "{}", &|_| None).is_err());
    assert!(decode("call.ended.v1", "{\"call\":\"00\"}", &|_| None).is_err());
    let extra = format!("{{\"call\":\"{}\",\"more\":1}}", "0".repeat(32));
    assert!(decode("call.ended.v1", &extra, &|_| None).is_err());
}

fn stored(event: &Event) -> (String, Vec<(&'static str, Personal)>) {
    let mut sealed = Vec::new();
    let encoded = encode(event, &mut |field, text| sealed.push((field, text.clone()))).unwrap();
    (format!("{} {}", encoded.kind, encoded.data), sealed)
}

const AT: Time = Time(1_790_000_000_123_456);

fn scope() -> Scope {
    Scope {
        recipients: Recipients {
            kinds: RecipientKinds::of(RecipientKind::Company),
            named: vec![NamedRecipient {
                kind: RecipientKind::Affiliate,
                entity: EntityId::parse("acme").unwrap(),
            }]
            .into(),
        },
        classes: CpniClasses::of(CpniClass::Billing).with(CpniClass::CallDetail),
        purposes: Purposes::of(Purpose::MarketingComms),
    }
}

fn everything() -> Scope {
    Scope {
        recipients: Recipients {
            kinds: RecipientKinds::ALL,
            named: Box::default(),
        },
        classes: CpniClasses::ALL,
        purposes: Purposes::ALL,
    }
}

fn assurance() -> Assurance {
    Assurance {
        method: AssuranceMethod::Password,
        reference: Some(Personal::new("auth-771")),
        at: AT,
    }
}

fn statement() -> Statement {
    Statement {
        medium: Medium::Oral,
        speaker: Speaker::AccountHolder,
        assurance: Some(assurance()),
        verification: None,
        notice: Some(Position(7)),
        evidence_digest: Some([0xab; 32]),
        evidence_reference: Some(Personal::new("recording-4711")),
    }
}

fn question(ground: Option<Ground>) -> Question {
    Question {
        purpose: Purpose::Service,
        classes: CpniClasses::of(CpniClass::Type),
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::of(NotCpni::TelephoneNumber),
        recipient: RecipientKind::Agent,
        entity: EntityId::parse("field-services"),
        source_category: Category::parse("local"),
        target_categories: vec![Category::parse("cmrs").unwrap()],
        offering: Some("unlimited-long-distance".to_owned()),
        call: Some(Token([3; 16])),
        ground,
    }
}

fn events() -> Vec<Event> {
    let entity = EntityId::parse("infotech").unwrap();
    let category = Category::parse("local").unwrap();
    let blocked = |kind, except: Vec<Scope>| {
        let block = Block {
            kind,
            scope: everything(),
            except: except.into(),
        };
        Event::Blocked(Blocked {
            block,
            statement: statement(),
        })
    };
    let mut events = vec![
        Event::AccountOpened(AccountOpened {
            legal_entity: entity,
            vault: VaultHead {
                sequence: 41,
                hash: [0xcd; 32],
            },
        }),
        Event::ServiceOpened(ServiceOpened {
            category: category.clone(),
        }),
        Event::ServiceClosed(ServiceClosed {
            category,
            ends_at: AT,
        }),
        Event::NoticeGiven(NoticeGiven {
            notice: NoticeText {
                version: "2024-05-29".to_owned(),
                text_digest: [0x12; 32],
                form: Medium::Electronic,
                language: "en-US".to_owned(),
                covers: everything(),
            },
            shown: None,
            call: None,
        }),
        Event::Granted(Granted {
            scope: scope(),
            lifts: vec![Position(3)],
            still_blocked_by: vec![Position(2)],
            statement: statement(),
        }),
        blocked(BlockKind::Deny, Vec::new()),
        blocked(BlockKind::Withdraw, Vec::new()),
        blocked(BlockKind::Restrict, vec![scope()]),
        Event::GrantedOnce(GrantedOnce {
            grant: GrantOnce {
                call: Token([9; 16]),
                scope: scope(),
                statement: statement(),
            },
            ends_at: AT,
            evidence_due_by: None,
        }),
        Event::CallEnded(CallEnded {
            call: Token([9; 16]),
        }),
        Event::DisclosureRefused(DisclosureRefused {
            question: question(None),
            seal: Some(Seal::UntilLifted),
            reasons: vec![ReasonCode::FactsRequired, ReasonCode::PurposeNotCovered],
        }),
        Event::RulingRecorded(RulingRecorded {
            question: question(Some(Ground::Approval {
                cites: Some(Position(5)),
            })),
            ruling: ruling(),
        }),
    ];
    events.extend(grounds().into_iter().map(|ground| {
        Event::DisclosureMade(DisclosureMade {
            question: question(Some(ground)),
            seal: Some(Seal::Until(AT)),
            relied_on: vec![Position(5)],
        })
    }));
    events
}

fn grounds() -> Vec<Ground> {
    let personal = |text: &str| Some(Personal::new(text));
    vec![
        Ground::Approval { cites: None },
        Ground::WrittenRequest {
            digest: Some([0x34; 32]),
        },
        Ground::Legal {
            authority: personal("District Court of Utah"),
            reference: personal("2:26-cv-00123"),
            dated: Some("2026-11-20".to_owned()),
            digest: Some([0x56; 32]),
        },
        Ground::Rights {
            case: personal("F-88"),
            open: true,
            protected_party: personal("ACCT-9"),
        },
        Ground::PicFreeze {
            provider: EntityId::parse("other-carrier"),
            request: Some(Token([5; 16])),
        },
        Ground::Directory {
            publisher: EntityId::parse("directory-co"),
            non_published: false,
        },
        Ground::Service {
            ticket: personal("T-4711"),
            open: true,
            verification: Some(Telling::Stated(Assurance {
                reference: personal("auth-9"),
                ..assurance()
            })),
        },
        Ground::Billing {
            invoice: personal("INV-2026-11"),
            verification: None,
        },
    ]
}

#[test]
fn p17_r24_a_rulebooks_taking_force_has_its_stored_bytes() {
    let adopted = |opt_out_kept| RulebookAdopted {
        name: "fcc".to_owned(),
        version: "2026-01-01".to_owned(),
        digest: [0xab; 32],
        opt_out_kept,
    };
    let digest = "ab".repeat(32);
    let broken_off = format!(r#"{{"name":"fcc","version":"2026-01-01","digest":"{digest}"}}"#);
    let kept = broken_off.replace('}', r#","opt_out_kept":true}"#);
    for (stored, opt_out_kept) in [(broken_off, false), (kept, true)] {
        let adopted = adopted(opt_out_kept);
        assert_eq!(encode_rulebook(&adopted).unwrap(), stored);
        let read = decode_ledger(RULEBOOK_ADOPTED, &stored).unwrap();
        assert_eq!(read, Fact::RulebookAdopted(adopted));
    }
}

fn ruling() -> Ruling {
    Ruling {
        allowed: false,
        state: State::Denied,
        basis: Some(Basis::OneTime),
        reasons: vec![Reason {
            code: ReasonCode::Denied,
            positions: vec![Position(8)],
            fact: Some("ground.service.ticket".into()),
        }],
        cells: vec![CellState {
            cell: Cell {
                kind: RecipientKind::Affiliate,
                entity: EntityId::parse("acme"),
                class: CpniClass::Billing,
                purpose: Purpose::MarketingComms,
            },
            state: State::Denied,
            positions: vec![Position(8)],
        }],
        remedies: vec![
            Remedy::OpenService(Category::parse("cmrs").unwrap()),
            Remedy::OptIn,
            Remedy::Lift(vec![Position(8)]),
            Remedy::SupplyFact("ground.service.ticket".into()),
            Remedy::Verify,
        ],
        valid_until: Some(AT),
    }
}
