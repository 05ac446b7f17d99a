//! Random histories: what callers may send, in small words, and a ledger and an oracle that live through it together.

use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::{
    Block, BlockKind, EndCall, GrantOnce, Speak, SpokenWord,
};
use consent_ledger::domain::ids::{EntityId, Position};
use consent_ledger::domain::notices::GiveNotice;
use consent_ledger::domain::question::Question;
use consent_ledger::domain::refusal::Refusal;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::scope::Scope;
use consent_ledger::domain::services::{ChangeServices, CloseService, OpenAccount};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{AssuranceMethod, Medium, Speaker};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::history::{Manner, VALID, clock};
use super::ledger::{Ledger, Record};
use super::notation::{Everything, call, category, question, scope};
use super::oracle::{Oracle, Refusals};

/// One thing that may happen.
#[derive(Clone, Debug)]
pub enum Step {
    /// Minutes pass.
    Wait(u32),
    /// A category is opened, unless it is held.
    Open(&'static str),
    /// A category is closed, unless its end is known: now, some minutes ahead, or some minutes ago.
    Close(&'static str, When),
    /// One category is closed and another, or the same, is opened in one command.
    Replace(&'static str, &'static str),
    /// A notice is given.
    Notice(Scope),
    /// Words of one command, said now or some minutes ago.
    Speak(Vec<Said>, Manner, Option<u32>),
    /// A block that is left out of the count by which grants name blocks.
    Extra(Block),
    /// A one-time approval in a call.
    Once(&'static str, Scope, Manner),
    /// A call ends.
    EndCall(&'static str),
}

/// When a service ends, in minutes from now.
#[derive(Clone, Copy, Debug)]
pub enum When {
    Now,
    Ahead(u32),
    Ago(u32),
}

/// A word; a grant names blocks by their number among all that were said (beyond the last: one that doesn't exist).
#[derive(Clone, Debug)]
pub enum Said {
    Grant(Scope, Vec<usize>),
    Block(Block),
}

impl Step {
    /// Whether it may make something allowed by the customer's word.
    pub fn grants(&self) -> bool {
        match self {
            Self::Speak(words, ..) => words.iter().any(|word| matches!(word, Said::Grant(..))),
            Self::Once(..) => true,
            _ => false,
        }
    }

    /// Whether the customer speaks.
    pub fn is_preference(&self) -> bool {
        matches!(self, Self::Speak(..) | Self::Extra(_) | Self::Once(..))
    }
}

/// A ledger and an oracle that live through the same history.
#[derive(Clone, Debug)]
pub struct Play {
    pub ledger: Ledger,
    pub oracle: Oracle,
    notice: Option<Position>,
    blocks: Vec<Position>,
}

/// What came of one step.
pub struct Outcome {
    pub predicted: Refusals,
    pub result: Result<Vec<Record>, Refusal>,
}

impl Play {
    /// A customer with an account, the categories, and a notice that covers everything.
    pub fn new(book: Rulebook, fcc: bool, held: &[&str]) -> Self {
        let mut play = Self {
            ledger: Ledger::new(book, clock("09:00")),
            oracle: Oracle::default(),
            notice: None,
            blocks: Vec::new(),
        };
        play.oracle.fcc = fcc;
        let account = Command::OpenAccount(OpenAccount {
            legal_entity: EntityId::parse("infotech").unwrap(),
            services: held.iter().map(|held| category(held)).collect(),
        });
        play.submit(&account, None).result.unwrap();
        play.step(&Step::Notice(scope("ALL; ALL; ALL", Everything::Written)));
        play.step(&Step::Wait(1));
        play
    }

    /// Lives through the steps.
    pub fn through(mut self, steps: &[Step]) -> Self {
        for step in steps {
            self.step(step);
        }
        self
    }

    /// Lives through one step; `None` where it has no command, because time passes or it would make no sense.
    pub fn step(&mut self, step: &Step) -> Option<Outcome> {
        let (command, occurred_at) = self.command(step)?;
        let outcome = self.submit(&command, occurred_at);
        if let Ok(records) = &outcome.result {
            match step {
                Step::Notice(_) => self.notice = Some(records[0].position),
                Step::Speak(words, ..) => {
                    for (word, record) in words.iter().zip(records) {
                        if matches!(word, Said::Block(_)) {
                            self.blocks.push(record.position);
                        }
                    }
                }
                _ => {}
            }
        }
        Some(outcome)
    }

    fn submit(&mut self, command: &Command, occurred_at: Option<Time>) -> Outcome {
        let predicted = self.oracle.refusals(command, self.ledger.now, occurred_at);
        let result = self.ledger.submit(command, occurred_at);
        for record in result.iter().flatten() {
            self.oracle.note(record);
        }
        Outcome { predicted, result }
    }

    fn command(&mut self, step: &Step) -> Option<(Command, Option<Time>)> {
        let now = self.ledger.now;
        let ago = |minutes: u32| Time(now.0 - i64::from(minutes) * 60_000_000);
        Some(match step {
            Step::Wait(minutes) => {
                self.ledger.now = now.plus_minutes(*minutes);
                return None;
            }
            Step::Open(name) => {
                let category = category(name);
                if !self.oracle.may_open(&category, now) {
                    return None;
                }
                (change(vec![category], vec![]), None)
            }
            Step::Close(name, when) => {
                let category = category(name);
                let since = self.oracle.may_close(&category, now)?;
                let (ends_at, occurred_at) = match when {
                    When::Now => (None, None),
                    When::Ahead(minutes) => (Some(now.plus_minutes(*minutes)), None),
                    When::Ago(minutes) => (None, Some(ago(*minutes)).filter(|end| *end > since)),
                };
                let close = CloseService { category, ends_at };
                (change(vec![], vec![close]), occurred_at)
            }
            Step::Replace(closed, opened) => {
                let (closed, opened) = (category(closed), category(opened));
                self.oracle.may_close(&closed, now)?;
                if closed != opened && !self.oracle.may_open(&opened, now) {
                    return None;
                }
                let close = CloseService {
                    category: closed,
                    ends_at: None,
                };
                (change(vec![opened], vec![close]), None)
            }
            Step::Notice(covers) => (
                Command::GiveNotice(GiveNotice {
                    version: "2024-05-29".to_owned(),
                    text_digest: [5; 32],
                    form: Medium::Electronic,
                    language: "en-US".to_owned(),
                    covers: covers.clone(),
                }),
                None,
            ),
            Step::Speak(words, manner, minutes) => {
                let occurred_at = minutes.map(ago);
                let statement = manner.statement(occurred_at.unwrap_or(now), self.notice);
                let words = words.iter().map(|word| self.spoken(word)).collect();
                (Command::Speak(Speak { words, statement }), occurred_at)
            }
            Step::Extra(block) => {
                let statement = VALID.statement(now, self.notice);
                let words = vec![SpokenWord::Block(block.clone())];
                (Command::Speak(Speak { words, statement }), None)
            }
            Step::Once(name, scope, manner) => (
                Command::GrantOnce(GrantOnce {
                    call: call(name),
                    scope: scope.clone(),
                    statement: manner.statement(now, self.notice),
                }),
                None,
            ),
            Step::EndCall(name) => (Command::EndCall(EndCall { call: call(name) }), None),
        })
    }

    fn spoken(&self, word: &Said) -> SpokenWord {
        match word {
            Said::Block(block) => SpokenWord::Block(block.clone()),
            Said::Grant(scope, lifts) => {
                let named = lifts.iter().filter(|_| !self.blocks.is_empty());
                let named = named.map(|number| {
                    let number = number % (self.blocks.len() + 1);
                    self.blocks.get(number).copied().unwrap_or(Position(9_999))
                });
                SpokenWord::Grant {
                    scope: scope.clone(),
                    lifts: named.collect(),
                }
            }
        }
    }
}

fn change(open: Vec<consent_ledger::domain::ids::Category>, close: Vec<CloseService>) -> Command {
    Command::ChangeServices(ChangeServices { open, close })
}

const CATEGORIES: [&str; 3] = ["LOCAL", "VOIP", "CMRS"];
const CALLS: [&str; 6] = ["c1", "c2", "c3", "c4", "c5", "c6"];
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
        prop::option::weighted(0.2, select(vec![1_u32, 10, 90, 600])),
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
        1 => prop_oneof![written_scope(), Just(scope("ALL; ALL; ALL", Everything::Written))]
            .prop_map(Step::Notice),
        2 => once(),
        1 => select(&CALLS[..]).prop_map(Step::EndCall),
    ]
}

/// A history.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..30)
}

/// A question that claims no ground.
pub fn asked() -> impl Strategy<Value = Question> {
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
    (to, what, why, in_call).prop_map(|(to, what, why, in_call)| Question {
        call: in_call.map(call),
        ..question(&format!("{to}; {what}; {why}"))
    })
}
