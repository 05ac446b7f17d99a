//! Strategies: what may happen and what may be asked, in a small world where words often meet.

use std::fmt;
use std::ops::Deref;

use consent_ledger::domain::company::templates::{Statement, Statements};
use consent_ledger::domain::consent::word::{Block, BlockKind};
use consent_ledger::domain::notices::send::Delivery;
use consent_ledger::domain::question::Question;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium, RecipientKind, Speaker};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Said, Step, When};
use crate::oracle::ENTITIES;
use crate::rules::company::{ASKING, UNAPPROVED};
use crate::rules::history::{Manner, VALID};
use crate::rules::notation::{Everything, call, question, scope, written_question};

/// As many histories as a test takes every day; `PROPTEST_CASES` asks for more.
pub fn config() -> ProptestConfig {
    config_of(100)
}

/// The same with a number of its own for every day.
pub fn config_of(cases: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => usual.cases,
            None => cases,
        },
        failure_persistence: None,
        ..usual
    }
}

const CATEGORIES: [&str; 3] = ["LOCAL", "VOIP", "CMRS"];
pub(super) const CALLS: [&str; 3] = ["c1", "c2", "c3"];
const RECIPIENTS: [&str; 13] = [
    "COMPANY",
    "COMPANY",
    "AFFILIATE",
    "AFFILIATE",
    "AFFILIATE acme",
    "AFFILIATE beta",
    "COMPANY + AFFILIATE",
    "AGENT",
    "AGENT ag",
    "PARENT",
    "AFFILIATE + PARENT",
    "AFFILIATE acme + PARENT mom",
    "PARTNER_OR_CONTRACTOR jv",
];
const CLASSES: [&str; 9] = [
    "BILLING",
    "QUANTITY",
    "CALL_DETAIL",
    "DESTINATION",
    "AMOUNT_OF_USE + DESTINATION",
    "BILLING + CALL_DETAIL",
    "BILLING + QUANTITY",
    "ALL",
    "ALL",
];
const PURPOSES: [&str; 5] = ["M", "M", "M + MARKETING_OTHER", "ALL", "OTHER_APPROVED"];

fn written_scope() -> impl Strategy<Value = Scope> {
    (
        select(&RECIPIENTS[..]),
        select(&CLASSES[..]),
        select(&PURPOSES[..]),
    )
        .prop_map(|(to, what, why)| scope(&format!("{to}; {what}; {why}"), Everything::Written))
}

/// Few scopes, so that words repeat and lie within one another.
fn narrow_scope() -> impl Strategy<Value = Scope> {
    select(vec![
        "COMPANY; BILLING; M",
        "COMPANY; BILLING; M",
        "COMPANY; ALL; M",
        "COMPANY + AFFILIATE; BILLING; M",
        "AFFILIATE acme; BILLING; M",
    ])
    .prop_map(|text| scope(text, Everything::Written))
}

fn block_scope() -> impl Strategy<Value = Scope> {
    let all = || prop::option::weighted(0.85, Just(()));
    (written_scope(), all(), all(), all()).prop_map(|(mut scope, to, what, why)| {
        if to.is_none() {
            scope.recipients = Default::default();
        }
        if what.is_none() {
            scope.classes = Default::default();
        }
        if why.is_none() {
            scope.purposes = Default::default();
        }
        scope
    })
}

/// A well-formed block.
pub fn block() -> impl Strategy<Value = Block> {
    use BlockKind::{Deny, Restrict, Withdraw};
    (
        select(vec![Deny, Deny, Withdraw, Restrict, Restrict]),
        block_scope(),
        vec(written_scope(), 0..=2),
    )
        .prop_map(|(kind, scope, except)| Block {
            kind,
            scope,
            except: if kind == Restrict {
                except.into()
            } else {
                Box::default()
            },
        })
}

/// Any manner of speaking, most of them no good for a grant.
pub fn any_manner() -> impl Strategy<Value = Manner> {
    use AssuranceMethod::{CallBack, Mail, OnlineAccount, Password};
    (
        select(vec![Medium::Oral, Medium::Written, Medium::Electronic]),
        select(Speaker::EVERY),
        prop::option::of((
            select(vec![Password, CallBack, OnlineAccount, Mail]),
            select(vec![1_u32, 29, 31, 600]),
        )),
        any::<bool>(),
    )
        .prop_map(|(medium, speaker, verified, evidence)| Manner {
            medium,
            speaker,
            verified,
            evidence,
        })
}

/// A grant or a denial in the narrow world.
fn narrow_word() -> impl Strategy<Value = Said> {
    let deny = |scope| Block {
        kind: BlockKind::Deny,
        scope,
        except: Box::default(),
    };
    prop_oneof![
        (narrow_scope(), vec(0..20_usize, 0..=2))
            .prop_map(|(scope, lifts)| Said::Grant(scope, lifts)),
        narrow_scope().prop_map(move |scope| Said::Block(deny(scope))),
    ]
}

fn word() -> impl Strategy<Value = Said> {
    prop_oneof![
        3 => (written_scope(), vec(0..20_usize, 0..=2), prop::bool::weighted(0.3))
            .prop_map(|(scope, lifts, names)| Said::Grant(scope, if names { lifts } else { vec![] })),
        2 => block().prop_map(Said::Block),
    ]
}

fn speak() -> impl Strategy<Value = Step> {
    (
        prop_oneof![6 => vec(word(), 1..=1), 2 => vec(word(), 2..=3)],
        prop_oneof![6 => Just(VALID), 1 => any_manner()],
        ago(),
    )
        .prop_map(|(words, manner, ago)| Step::Speak(words, manner, ago))
}

fn once() -> impl Strategy<Value = Step> {
    let oral = Manner {
        medium: Medium::Oral,
        verified: Some((AssuranceMethod::Password, 1)),
        ..VALID
    };
    let covers = (select(&CLASSES[..7]), select(&PURPOSES[..3]));
    (select(&CALLS[..]), covers, prop::bool::weighted(0.9)).prop_map(
        move |(call, (classes, purposes), evidence)| {
            let covers = scope(
                &format!("COMPANY; {classes}; {purposes}"),
                Everything::Written,
            );
            Step::Once(call, covers, Manner { evidence, ..oral })
        },
    )
}

/// What is in a notice: mostly everything.
fn says() -> impl Strategy<Value = Option<Statements>> {
    let lacking = |one: Statement| Statements::ALL.without(one);
    prop_oneof![
        6 => Just(Some(Statements::ALL)),
        2 => select(Statement::EVERY).prop_map(move |one| Some(lacking(one))),
        1 => Just(None),
    ]
}

/// Anything that may happen.
pub fn step() -> impl Strategy<Value = Step> {
    let category = || select(&CATEGORIES[..]);
    let when = prop_oneof![
        3 => Just(When::Now),
        2 => select(vec![5_u32, 60, 2_000]).prop_map(When::Ahead),
        1 => select(vec![5_u32, 60]).prop_map(When::Ago),
    ];
    prop_oneof![
        8 => speak(),
        5 => select(vec![1_u32, 1, 10, 90, 300, 2_500]).prop_map(Step::Wait),
        2 => category().prop_map(Step::Open),
        2 => (category(), when).prop_map(|(category, when)| Step::Close(category, when)),
        1 => (category(), category()).prop_map(|(closed, opened)| Step::Replace(closed, opened)),
        1 => (
            prop_oneof![written_scope(), Just(scope("ALL; ALL; ALL", Everything::Written))],
            says(),
        )
            .prop_map(|(covers, says)| Step::Notice(covers, says)),
        2 => once(),
        1 => select(&CALLS[..]).prop_map(Step::EndCall),
        2 => asks(written_scope()),
        1 => (0..6_usize).prop_map(Step::Fail),
        1 => email(),
        2 => register(),
    ]
}

/// A notice that asks for opt-out approval, in whatever form.
fn asks(covers: impl Strategy<Value = Scope>) -> impl Strategy<Value = Step> {
    use Delivery::{Electronic, Email, Post};
    let delivery = select(vec![Post, Email, Email, Electronic, Electronic]);
    let campaign = prop_oneof![
        10 => Just(Some(ASKING)),
        1 => Just(Some(UNAPPROVED)),
        1 => Just(None),
    ];
    (delivery, covers, campaign, ago()).prop_map(|(delivery, covers, campaign, ago)| {
        Step::AskOptOut(delivery, covers, campaign, ago)
    })
}

/// Now, or rarely a while ago.
fn ago() -> impl Strategy<Value = Option<u32>> {
    prop::option::weighted(0.2, select(vec![1_u32, 10, 90, 600]))
}

/// Consent to e-mail is given, or taken back.
fn email() -> impl Strategy<Value = Step> {
    (any::<bool>(), ago()).prop_map(|(agrees, ago)| Step::Email(agrees, ago))
}

/// Another rulebook takes force, or the same again.
pub fn switch() -> impl Strategy<Value = Step> {
    use super::Book::{Def, Fcc, FccAgain};
    select(vec![Def, Fcc, Fcc, FccAgain]).prop_map(Step::Switch)
}

/// The company's register changes, or an affiliate serves the customer.
fn register() -> impl Strategy<Value = Step> {
    use RecipientKind::{Affiliate, Agent, Parent, PartnerOrContractor};
    let who = || 0..ENTITIES.len();
    let natural = who().prop_map(|who| (who, ENTITIES[who].1));
    let any = (
        who(),
        select(vec![Affiliate, Agent, Parent, PartnerOrContractor]),
    );
    let in_kind = || prop_oneof![3 => natural.clone(), 1 => any.clone()];
    let when = || {
        prop_oneof![
            2 => Just(When::Now),
            1 => select(vec![60_u32, 2_000, 50_000]).prop_map(When::Ahead),
            1 => select(vec![5_u32, 90, 1_000]).prop_map(When::Ago),
        ]
    };
    prop_oneof![
        4 => (in_kind(), prop::bool::weighted(0.8))
            .prop_map(|((who, kind), communications)| Step::Join(who, kind, communications)),
        3 => (in_kind(), when()).prop_map(|((who, kind), when)| Step::Leave(who, kind, when)),
        1 => who().prop_map(Step::Serve),
        1 => (who(), when()).prop_map(|(who, when)| Step::ServeNoMore(who, when)),
    ]
}

/// Notices that wait, mature, fail and age, few words among them, and entities that come and go.
pub fn waiting_step() -> impl Strategy<Value = Step> {
    let covers = select(vec![
        "COMPANY; BILLING; M",
        "COMPANY + AFFILIATE; ALL; M",
        "AFFILIATE + AGENT; BILLING; M",
        "AFFILIATE acme + AGENT acme; BILLING; M",
        "ALL; ALL; ALL",
    ]);
    let covers = covers.prop_map(|text| scope(text, Everything::Written));
    let days = |days: u32| days * 1_440;
    let waits = vec![days(1), days(20), days(31), days(34), days(400), days(700)];
    let category = || select(&CATEGORIES[..]);
    prop_oneof![
        6 => asks(covers),
        5 => select(waits).prop_map(Step::Wait),
        2 => (0..6_usize).prop_map(Step::Fail),
        1 => email(),
        2 => (vec(narrow_word(), 1..=1)).prop_map(|words| Step::Speak(words, VALID, None)),
        4 => register(),
        1 => category().prop_map(Step::Open),
        1 => category().prop_map(|category| Step::Close(category, When::Now)),
        1 => step(),
    ]
}

/// Words that often repeat and are often recorded late.
fn narrow_step() -> impl Strategy<Value = Step> {
    let ago = prop::option::weighted(0.5, select(vec![1_u32, 10, 90]));
    prop_oneof![
        6 => (vec(narrow_word(), 1..=1), ago).prop_map(|(words, ago)| Step::Speak(words, VALID, ago)),
        2 => select(vec![1_u32, 5, 60]).prop_map(Step::Wait),
        1 => once(),
        1 => step(),
    ]
}

/// Notices that wait while one rulebook follows another.
pub fn switching_step() -> impl Strategy<Value = Step> {
    prop_oneof![2 => switch(), 1 => Just(Step::Wait(1)), 5 => waiting_step(), 1 => step()]
}

/// A history under one rulebook after another.
pub fn switching() -> impl Strategy<Value = Vec<Step>> {
    vec(switching_step(), 1..25)
}

/// A history, in a wide world, in a narrow one, or in one that waits.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        vec(step(), 1..30),
        vec(narrow_step(), 1..20),
        vec(waiting_step(), 1..20)
    ]
}

/// A question that claims no ground.
pub fn asked() -> impl Strategy<Value = Asked> {
    let to = select(vec![
        "COMPANY",
        "COMPANY",
        "COMPANY",
        "AFFILIATE",
        "AFFILIATE acme",
        "AFFILIATE beta",
        "AGENT",
        "AGENT ag",
        "AGENT acme",
        "PARENT",
        "PARENT mom",
        "PARENT acme",
        "PARTNER_OR_CONTRACTOR jv",
    ]);
    let what = select(vec![
        "BILLING",
        "BILLING",
        "QUANTITY",
        "CALL_DETAIL",
        "DESTINATION",
        "LOCATION",
        "BILLING + QUANTITY",
        "BILLING selected by AMOUNT_OF_USE",
    ]);
    let why = select(vec![
        "M",
        "M→CMRS",
        "M→LOCAL",
        "M→LOCAL",
        "M→LOCAL+VOIP",
        "MARKETING_OTHER",
        "OTHER_APPROVED",
        "COMPETITOR_TRACKING",
    ]);
    let in_call = prop::option::weighted(0.4, select(&CALLS[..]));
    (to, what, why, in_call).prop_map(|(to, what, why, in_call)| {
        Asked(Question {
            call: in_call.map(call),
            ..question(&format!("{to}; {what}; {why}"))
        })
    })
}

/// A question that shows itself in the notation.
#[derive(Clone)]
pub struct Asked(pub Question);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written_question(&self.0))
    }
}

impl Deref for Asked {
    type Target = Question;

    fn deref(&self) -> &Question {
        &self.0
    }
}
