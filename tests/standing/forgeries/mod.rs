//! One violation of each question, forged into a copy of an honest log whose chain is linked again. Exactly that question
//! finds it.

mod callers;
mod company;
mod erasures;
mod evidence;
mod imports;
mod notices;
mod opt_out;
mod recipients;
mod sim_changes;

use std::collections::BTreeSet;

use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::company::CompanyEvent;
use consent_ledger::domain::company::entities::{EntityEvent, EntityJoined};
use consent_ledger::domain::consent::word::{CitedVerification, Statement};
use consent_ledger::domain::disclosures::gag::GagLifted;
use consent_ledger::domain::disclosures::{Disclose, DisclosureMade, Ground, Seal};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Personal, Position, Pseudonym, Token};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::questions::{ALL, rules};
use consent_ledger::domain::scope::Recipients;
use consent_ledger::domain::services::ServiceOpened;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    AssuranceMethod, CpniClass, CpniClasses, Medium, Purpose, RecipientKind, RecipientKinds,
    Speaker,
};

use crate::house::{CLERK, House};
use crate::log::{CUSTOMER, Log, found};
use crate::rules::books::def;
use crate::rules::grounds::{
    court_order, directory, fraud_case, freeze_query, invoice, ticket, verified,
};
use crate::rules::history::{in_call, on_ground};
use crate::rules::notation::{call, category, question};

/// What is forged, and about whom.
pub(crate) enum Forged {
    Said(Event),
    SaidOf(Pseudonym, Event),
    SaidToOccur(Event, Time),
    OfCompany(CompanyEvent),
    OfCompanyBy(Token, CompanyEvent),
    OfCompanyToOccur(CompanyEvent, Time),
}

use Forged::{OfCompany, OfCompanyBy, OfCompanyToOccur, Said, SaidOf, SaidToOccur};

/// A question, what is forged, and how: honest records first, then the one that is not.
pub(crate) type Forgery = (&'static str, &'static str, fn(&mut House) -> Forged);

const FORGERIES: &[Forgery] = &[
    (
        "grant-without-notice",
        "a record that is no notice is cited",
        |history| {
            Said(said(history, |statement| {
                statement.notice = Some(Position(1))
            }))
        },
    ),
    ("grant-without-notice", "no notice is cited", |history| {
        Said(said(history, |statement| statement.notice = None))
    }),
    ("grant-without-notice", "a notice of less", |history| {
        let grant = said(history, |_| {});
        let narrow = history.notice("COMPANY; QUANTITY; M");
        Said(with_statement(grant, |statement| {
            statement.notice = Some(narrow)
        }))
    }),
    (
        "grant-without-notice",
        "a notice that shows none of its statements",
        |history| {
            let grant = said(history, |_| {});
            let mut notice = noticed(history);
            if let Event::NoticeGiven(given) = &mut notice {
                given.shown = None;
            }
            let notice = history.ledger.take_as_it_is(notice).position;
            Said(with_statement(grant, |statement| {
                statement.notice = Some(notice)
            }))
        },
    ),
    ("oral-grant-without-evidence", "a standing one", |history| {
        Said(said(history, |statement| {
            statement.medium = Medium::Oral;
            statement.evidence_digest = None;
        }))
    }),
    ("oral-grant-without-evidence", "a one-time one", |history| {
        Said(once(history, |statement| {
            statement.evidence_reference = None
        }))
    }),
    (
        "grant-by-unverified-speaker",
        "somebody else speaks",
        |history| {
            Said(said(history, |statement| {
                statement.speaker = Speaker::Other
            }))
        },
    ),
    (
        "grant-by-unverified-speaker",
        "nobody was verified",
        |history| Said(said(history, |statement| statement.assurance = None)),
    ),
    (
        "grant-by-unverified-speaker",
        "verified by mail",
        |history| {
            Said(said(history, |statement| {
                statement.assurance.as_mut().unwrap().method = AssuranceMethod::Mail;
            }))
        },
    ),
    (
        "grant-by-unverified-speaker",
        "verified 31 minutes before",
        |history| {
            let at = history.ledger.now;
            Said(said(history, |statement| {
                statement.assurance.as_mut().unwrap().at = Time(at.0 - 31 * 60_000_000);
            }))
        },
    ),
    (
        "grant-by-unverified-speaker",
        "a record that is no verification is cited",
        |history| {
            Said(said(history, |statement| {
                statement.assurance = None;
                statement.verification = Some(CitedVerification {
                    record: Position(1),
                    call: call("c7"),
                });
            }))
        },
    ),
    (
        "grant-without-service",
        "the last service was closed",
        |history| {
            let grant = said(history, |_| {});
            history.close("LOCAL");
            Said(grant)
        },
    ),
    ("grant-without-named-scope", "no recipient", |history| {
        let mut grant = said(history, |_| {});
        if let Event::Granted(granted) = &mut grant {
            granted.scope.recipients = Recipients::default();
        }
        Said(grant)
    }),
    ("grant-without-named-scope", "any third party", |history| {
        let mut grant = said(history, |_| {});
        if let Event::Granted(granted) = &mut grant {
            granted.scope.recipients =
                Recipients::of(RecipientKinds::of(RecipientKind::ThirdParty));
        }
        Said(grant)
    }),
    (
        "denial-lifted-by-another",
        "a notice is lifted",
        |history| {
            let mut grant = said(history, |_| {});
            if let Event::Granted(granted) = &mut grant {
                granted.lifts = vec![history.notice.unwrap()];
            }
            Said(grant)
        },
    ),
    (
        "one-time-beyond-its-call",
        "it lasts five hours",
        |history| {
            let mut grant = once(history, |_| {});
            if let Event::GrantedOnce(granted) = &mut grant {
                granted.ends_at = granted.ends_at.plus_hours(1);
            }
            Said(grant)
        },
    ),
    (
        "one-time-used-after-its-call",
        "the call has ended",
        |history| {
            let used = use_once(history);
            history.call_ends("c7");
            Said(used)
        },
    ),
    (
        "one-time-used-after-its-call",
        "four hours have passed",
        |history| {
            let used = use_once(history);
            history.ledger.now = history.ledger.now.plus_hours(4);
            Said(used)
        },
    ),
    (
        "one-time-used-after-its-call",
        "in another call",
        |history| {
            let Event::DisclosureMade(mut used) = use_once(history) else {
                panic!("refused");
            };
            used.question.call = Some(call("c8"));
            Said(Event::DisclosureMade(used))
        },
    ),
    ("approval-not-live", "it was withdrawn", |history| {
        let made = approved(history, "COMPANY; BILLING; M→CMRS");
        history.says("w(COMPANY; *; M)");
        Said(made)
    }),
    (
        "approval-not-live",
        "it ended with the last service",
        |history| {
            let made = approved(history, "COMPANY; BILLING; M→CMRS");
            history.close("LOCAL");
            history.open("LOCAL");
            Said(made)
        },
    ),
    ("approval-not-live", "a notice is cited", |history| {
        let notice = history.notice.unwrap();
        Said(changed(
            approved(history, "COMPANY; BILLING; M→CMRS"),
            |made| {
                made.relied_on = vec![notice];
            },
        ))
    }),
    (
        "approval-not-live",
        "more left than was approved",
        |history| {
            Said(changed(
                approved(history, "COMPANY; BILLING; M→CMRS"),
                |made| {
                    made.question.classes = made.question.classes.with(CpniClass::Quantity);
                },
            ))
        },
    ),
    (
        "approval-not-live",
        "deemed acceptance is all there is",
        |history| {
            Said(changed(
                approved(history, "COMPANY; BILLING; M→CMRS"),
                |made| {
                    made.question.classes = CpniClasses::of(CpniClass::Quantity);
                    made.relied_on = Vec::new();
                },
            ))
        },
    ),
    (
        "approval-not-live",
        "a written request against a denial",
        |history| {
            let request = Ground::WrittenRequest {
                digest: Some([4; 32]),
            };
            let made = history
                .clone()
                .disclose(request, "THIRD_PARTY acme; BILLING; OTHER_APPROVED");
            history.says("d(THIRD_PARTY acme; *; *)");
            Said(made)
        },
    ),
    (
        "ruling-against-the-record",
        "nothing was granted",
        |history| {
            let ruled = ruled(history, "COMPANY; BILLING; M→CMRS");
            history.says("d(COMPANY; *; *)");
            Said(ruled)
        },
    ),
    (
        "ruling-against-the-record",
        "the category is no longer held",
        |history| {
            history.open("VOIP");
            let before = history.clone();
            history.close("VOIP");
            let ask = question("COMPANY; QUANTITY; M→VOIP");
            Said(recorded(before, &Command::RecordRuling(ask)))
        },
    ),
    (
        "ruling-against-the-record",
        "an exception stands in for a category that is not held",
        |history| {
            *history = House::by_fcc(&["LOCAL"]);
            let ask = Question {
                offering: Some("cpe".into()),
                ..question("COMPANY; QUANTITY; M")
            };
            let mut ruled = recorded(history.clone(), &Command::RecordRuling(ask));
            if let Event::RulingRecorded(ruled) = &mut ruled {
                assert!(ruled.ruling.allowed);
                ruled.question.target_categories = vec![category("CMRS")];
            }
            Said(ruled)
        },
    ),
    (
        "disclosure-without-named-recipient",
        "some affiliate",
        |history| {
            history.says("g(AFFILIATE; ALL; M)");
            Said(changed(
                approved(history, "AFFILIATE acme; BILLING; M→CMRS"),
                |made| {
                    made.question.entity = None;
                },
            ))
        },
    ),
    (
        "marketing-on-other-ground",
        "a ticket opens marketing",
        |history| {
            let made = history
                .clone()
                .disclose(ticket(), "AGENT ag; TYPE; SERVICE");
            Said(changed(made, |made| {
                made.question.purpose = Purpose::MarketingComms
            }))
        },
    ),
    (
        "competitor-tracking",
        "with an approval of everything",
        |history| {
            history.says("g(COMPANY; ALL; ALL)");
            Said(changed(
                approved(history, "COMPANY; BILLING; M→CMRS"),
                |made| {
                    made.question.purpose = Purpose::CompetitorTracking;
                },
            ))
        },
    ),
    (
        "gag-order-on-other-ground",
        "a fraud case is hidden",
        |history| {
            let made = history
                .clone()
                .disclose(fraud_case(), "THIRD_PARTY acme; BILLING; RIGHTS");
            Said(changed(made, |made| made.seal = Some(Seal::UntilLifted)))
        },
    ),
    (
        "gag-lifted-that-did-not-stand",
        "a disclosure under none",
        |history| {
            let open = Disclose {
                question: on_ground(court_order(), "LAW_ENFORCEMENT court; BILLING; LEGAL"),
                seal: None,
            };
            let open = history.record(&Command::Disclose(open));
            Said(Event::GagLifted(lifting(open)))
        },
    ),
    (
        "gag-lifted-that-did-not-stand",
        "it was lifted before",
        |history| {
            let hidden = Disclose {
                question: on_ground(court_order(), "LAW_ENFORCEMENT court; BILLING; LEGAL"),
                seal: Some(Seal::UntilLifted),
            };
            let hidden = history.record(&Command::Disclose(hidden));
            history.record(&Command::LiftGag(lifting(hidden)));
            Said(Event::GagLifted(lifting(hidden)))
        },
    ),
    (
        "disclosure-without-its-facts",
        "a ticket without its number",
        |history| {
            let made = history
                .clone()
                .disclose(ticket(), "AGENT ag; TYPE; SERVICE");
            Said(changed(made, |made| {
                let Some(Ground::Service { ticket, .. }) = &mut made.question.ground else {
                    panic!("another ground");
                };
                *ticket = None;
            }))
        },
    ),
    (
        "disclosure-without-its-facts",
        "an order without its date",
        |history| {
            let made = history
                .clone()
                .disclose(court_order(), "LAW_ENFORCEMENT court; BILLING; LEGAL");
            Said(changed(made, |made| {
                let Some(Ground::Legal { dated, .. }) = &mut made.question.ground else {
                    panic!("another ground");
                };
                *dated = None;
            }))
        },
    ),
    (
        "disclosure-without-its-facts",
        "the listing is non-published",
        |history| {
            let made = listed(history);
            Said(changed(made, |made| {
                let Some(Ground::Directory { non_published, .. }) = &mut made.question.ground
                else {
                    panic!("another ground");
                };
                *non_published = true;
            }))
        },
    ),
    (
        "disclosure-beyond-its-ground",
        "the bill goes to a third party",
        |history| {
            let made = history
                .clone()
                .disclose(invoice(), "AGENT ag; BILLING; BILLING");
            Said(changed(made, |made| {
                made.question.recipient = RecipientKind::ThirdParty
            }))
        },
    ),
    (
        "disclosure-beyond-its-ground",
        "a directory gets CPNI",
        |history| {
            let made = listed(history);
            Said(changed(made, |made| {
                made.question.classes = CpniClasses::of(CpniClass::Type)
            }))
        },
    ),
    (
        "pic-freeze-more-than-status",
        "the type of service goes along",
        |history| {
            Said(changed(freeze(history), |made| {
                made.question.classes = made.question.classes.with(CpniClass::Type);
            }))
        },
    ),
    (
        "pic-freeze-more-than-status",
        "to another provider",
        |history| {
            Said(changed(freeze(history), |made| {
                made.question.entity = EntityId::parse("carrier-r");
            }))
        },
    ),
    (
        "pic-freeze-request-reused",
        "the answer goes out twice",
        |history| {
            let made = freeze(history);
            history.disclose(
                freeze_query("carrier-p", "12"),
                "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE",
            );
            Said(made)
        },
    ),
    (
        "told-without-verification",
        "nobody was verified",
        |history| {
            Said(changed(
                told(history, "CUSTOMER; BILLING; BILLING"),
                |made| {
                    *verification(made) = None;
                },
            ))
        },
    ),
    (
        "told-without-verification",
        "verified 31 minutes before",
        |history| {
            let told = told(history, "CUSTOMER; BILLING; BILLING");
            history.ledger.now = history.ledger.now.plus_minutes(31);
            Said(told)
        },
    ),
    (
        "call-detail-by-unfit-method",
        "a stated password",
        |history| {
            Said(changed(
                told(history, "CUSTOMER; CALL_DETAIL; BILLING"),
                |made| {
                    let Some(Telling::Stated(assurance)) = verification(made) else {
                        panic!("not stated");
                    };
                    assurance.method = AssuranceMethod::Password;
                },
            ))
        },
    ),
    (
        "call-detail-by-unfit-method",
        "verified by mail",
        |history| {
            Said(changed(
                told(history, "CUSTOMER; CALL_DETAIL; BILLING"),
                |made| {
                    let Some(Telling::Stated(assurance)) = verification(made) else {
                        panic!("not stated");
                    };
                    assurance.method = AssuranceMethod::Mail;
                },
            ))
        },
    ),
    (
        "record-of-unknown-customer",
        "an account that nobody opened",
        |_| {
            let category = category("LOCAL");
            SaidOf(
                Pseudonym([8; 16]),
                Event::ServiceOpened(ServiceOpened { category }),
            )
        },
    ),
    (
        "record-of-unknown-customer",
        "an account is opened twice",
        |history| Said(history.ledger.records[0].event.clone()),
    ),
    ("occurred-out-of-bounds", "tomorrow's notice", |history| {
        let notice = noticed(history);
        SaidToOccur(notice, history.ledger.now.plus_hours(24))
    }),
    (
        "occurred-out-of-bounds",
        "a notice of the day before yesterday",
        |history| {
            let notice = noticed(history);
            SaidToOccur(notice, history.ledger.now.minus_hours(40))
        },
    ),
    (
        "occurred-out-of-bounds",
        "an entity joined last week",
        |history| {
            let joined = EntityJoined {
                entity: EntityId::parse("acme").unwrap(),
                kind: RecipientKind::Affiliate,
                communications_related: true,
            };
            let at = history.ledger.now.minus_hours(7 * 24);
            OfCompanyToOccur(CompanyEvent::Entities(EntityEvent::Joined(joined)), at)
        },
    ),
];

/// Every forgery.
fn all() -> impl Iterator<Item = &'static Forgery> {
    [
        FORGERIES,
        callers::FORGERIES,
        sim_changes::FORGERIES,
        company::FORGERIES,
        erasures::FORGERIES,
        imports::FORGERIES,
        evidence::FORGERIES,
        notices::FORGERIES,
        opt_out::FORGERIES,
        recipients::FORGERIES,
    ]
    .into_iter()
    .flatten()
}

/// A customer with a service, a notice of everything and a grant to the company.
fn honest() -> House {
    let mut history = House::holding(def(), &["LOCAL"]);
    history.says("g(COMPANY; BILLING; M)");
    history
}

/// The notice that was given.
fn noticed(history: &House) -> Event {
    let mut records = history.ledger.records.iter();
    let notice = records.find(|record| Some(record.position) == history.notice);
    notice.unwrap().event.clone()
}

/// What `act` would put on record.
fn next(mut history: House, act: impl FnOnce(&mut House)) -> Event {
    let before = history.ledger.records.len();
    act(&mut history);
    assert_eq!(history.ledger.records.len(), before + 1);
    history.ledger.records[before].event.clone()
}

fn recorded(history: House, command: &Command) -> Event {
    next(history, |history| {
        history.try_record(command, None).unwrap();
    })
}

/// A grant as it would be recorded, with other circumstances.
fn said(history: &House, change: impl FnOnce(&mut Statement)) -> Event {
    let grant = next(history.clone(), |history| {
        history.says("g(COMPANY; BILLING; M)");
    });
    with_statement(grant, change)
}

fn with_statement(mut grant: Event, change: impl FnOnce(&mut Statement)) -> Event {
    match &mut grant {
        Event::Granted(granted) => change(&mut granted.statement),
        Event::GrantedOnce(granted) => change(&mut granted.grant.statement),
        other => panic!("no grant: {other:?}"),
    }
    grant
}

/// A one-time approval as it would be recorded in call c7, with other circumstances.
fn once(history: &House, change: impl FnOnce(&mut Statement)) -> Event {
    let grant = next(history.clone(), |history| {
        history.once("c7", "COMPANY; QUANTITY; M").unwrap();
    });
    with_statement(grant, change)
}

/// A one-time approval in call c7, and a disclosure in it.
fn use_once(history: &mut House) -> Event {
    history.once("c7", "COMPANY; QUANTITY; M").unwrap();
    let question = Question {
        ground: Some(Ground::Approval { cites: None }),
        ..in_call("c7", "COMPANY; QUANTITY; M→CMRS")
    };
    let used = recorded(
        history.clone(),
        &Command::Disclose(Disclose {
            question,
            seal: None,
        }),
    );
    made(&used);
    used
}

fn approved(history: &House, asked: &str) -> Event {
    history
        .clone()
        .disclose(Ground::Approval { cites: None }, asked)
}

fn ruled(history: &House, asked: &str) -> Event {
    recorded(history.clone(), &Command::RecordRuling(question(asked)))
}

fn listed(history: &House) -> Event {
    let asked = "THIRD_PARTY phonebook; TELEPHONE_NUMBER; DIRECTORY";
    history.clone().disclose(directory("phonebook"), asked)
}

fn freeze(history: &House) -> Event {
    let asked = "CARRIER carrier-p; PIC_FREEZE_STATUS; PIC_FREEZE";
    history
        .clone()
        .disclose(freeze_query("carrier-p", "12"), asked)
}

/// The customer is told on an invoice, verified by password.
fn told(history: &House, asked: &str) -> Event {
    let mut ground = invoice();
    if let Ground::Billing { verification, .. } = &mut ground {
        *verification = Some(verified(AssuranceMethod::CallBack, 1, history.ledger.now));
    }
    history.clone().disclose(ground, asked)
}

fn verification(made: &mut DisclosureMade) -> &mut Option<Telling> {
    match &mut made.question.ground {
        Some(Ground::Billing { verification, .. }) => verification,
        other => panic!("another ground: {other:?}"),
    }
}

fn lifting(disclosure: Position) -> GagLifted {
    GagLifted {
        disclosure,
        authority: Some(Personal::new("court")),
        reference: Some(Personal::new("26-0042")),
        dated: "2024-01-02".into(),
    }
}

#[track_caller]
fn made(event: &Event) -> &DisclosureMade {
    match event {
        Event::DisclosureMade(made) => made,
        other => panic!("not made: {other:?}"),
    }
}

#[track_caller]
fn changed(event: Event, change: impl FnOnce(&mut DisclosureMade)) -> Event {
    let mut made = made(&event).clone();
    change(&mut made);
    Event::DisclosureMade(made)
}

#[test]
fn e9_each_question_finds_its_violation_in_a_forged_log_and_no_other_question_does() {
    for (name, what, forge) in all() {
        let mut history = honest();
        let forged = forge(&mut history);
        let mut log = Log::of_house(&history);
        assert_eq!(found(&log.ask()), [], "{name}, {what}: before it is forged");
        let at = history.ledger.now.plus_minutes(1);
        let (position, about) = match &forged {
            Said(event) => (log.forge(CUSTOMER, event, at, None), Some(CUSTOMER)),
            SaidOf(customer, event) => (log.forge(*customer, event, at, None), Some(*customer)),
            SaidToOccur(event, occurred) => (
                log.forge(CUSTOMER, event, at, Some(*occurred)),
                Some(CUSTOMER),
            ),
            OfCompany(event) => (log.forge_company(event, at, None, CLERK), None),
            OfCompanyBy(person, event) => (log.forge_company(event, at, None, *person), None),
            OfCompanyToOccur(event, occurred) => {
                let position = log.forge_company(event, at, Some(*occurred), CLERK);
                (position, None)
            }
        };
        log.assert_chained();
        let answered = log.ask();
        assert_eq!(found(&answered), [(position.0, *name)], "{name}, {what}");
        assert_eq!(answered.findings[0].pseudonym, about, "{name}, {what}");
        assert!(!answered.findings[0].wrong.is_empty(), "{name}, {what}");
    }
}

#[test]
fn e9_every_question_has_a_forgery() {
    let forged = all().map(|(name, ..)| *name);
    let neglected = callers::NEGLECTS.iter().chain(erasures::NEGLECTS);
    let neglected = neglected.map(|(name, _)| *name);
    let forged: BTreeSet<_> = forged.chain(neglected).collect();
    let asked: BTreeSet<_> = ALL.iter().map(|question| question.name).collect();
    assert_eq!(forged, asked);
    assert!(all().all(|(name, ..)| rules().any(|rule| rule.name == *name)));
}
