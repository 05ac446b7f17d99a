//! How long a check as of a past moment takes, of a customer with a thousand records among others: `cargo bench --bench
//! as_of`. The measure is 1 ms (C4).

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use consent_ledger::app::{Ledger, Options};
use consent_ledger::clock::System;
use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::{Block, BlockKind, Speak, SpokenWord, Statement};
use consent_ledger::domain::customer::rule;
use consent_ledger::domain::ids::{Category, EntityId, Position};
use consent_ledger::domain::question::Question;
use consent_ledger::domain::scope::{Recipients, Scope};
use consent_ledger::domain::services::OpenAccount;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{
    Channel, CpniClass, CpniClasses, Medium, NotCpniItems, Purpose, Purposes, RecipientKind,
    Speaker,
};
use consent_ledger::projections::AsOf;
use consent_ledger::sequencer::{Caller, Intent, SubjectRef};
use uuid::Uuid;

const RECORDS: u32 = 1_000;
const OTHERS: u32 = 2_000;
const CHECKS: u32 = 2_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let dir = tempfile::tempdir().unwrap();
    let fatal = Arc::new(|problem: &str| panic!("{problem}"));
    let options = Options::new(dir.path());
    let clock = Arc::new(System::default());
    let ledger = Ledger::open(options, clock.clone(), fatal.clone(), &|_, _, _| {}).unwrap();
    fill(&ledger).await;
    report("just written", &ledger).await;
    ledger.close().unwrap();
    let options = Options::new(dir.path());
    let ledger = Ledger::open(options, clock, fatal, &|_, _, _| {}).unwrap();
    report("after a restart", &ledger).await;
    ledger.close().unwrap();
}

/// One customer's thousand records, and between them those of others.
async fn fill(ledger: &Ledger) {
    let accounts = (0..=OTHERS).map(|who| intent(who, account()));
    all_recorded(ledger, accounts.collect()).await;
    for turn in 0..RECORDS / 10 {
        let others = OTHERS / (RECORDS / 10);
        let words = (0..10).map(|word| intent(0, block(turn * 10 + word)));
        let around = (0..others).map(|who| intent(1 + turn * others + who, block(turn)));
        all_recorded(ledger, words.chain(around).collect()).await;
    }
}

async fn all_recorded(ledger: &Ledger, intents: Vec<Intent>) {
    for answer in ledger.handle.submit_many(intents).await {
        answer.unwrap();
    }
}

async fn report(when: &str, ledger: &Ledger) {
    let newest = Position(ledger.views.reached().0 - 1);
    let patience = Duration::from_secs(60);
    ledger
        .views
        .wait_for_history(newest, patience)
        .await
        .unwrap();
    let time_of = |position: u64| {
        let record = ledger.views.record(Position(position)).unwrap().unwrap();
        Time(record.decoded.record.recorded_at.0)
    };
    let step = newest.0 / u64::from(CHECKS);
    let positions: Vec<u64> = (1..=u64::from(CHECKS))
        .map(|turn| turn * step.max(1))
        .collect();
    let positions: Vec<u64> = positions.into_iter().filter(|at| *at <= newest.0).collect();
    let times: Vec<Time> = positions
        .iter()
        .map(|position| time_of(*position))
        .collect();
    for (moment, hindsight) in [("position", false), ("time", false), ("position", true)] {
        let mut taken: Vec<Duration> = (positions.iter().zip(&times))
            .map(|(position, time)| {
                let as_of = match moment {
                    "position" => AsOf::Position(Position(*position)),
                    _ => AsOf::Time(*time),
                };
                check(ledger, as_of, hindsight)
            })
            .collect();
        taken.sort_unstable();
        let at = |part: usize| taken[(taken.len() - 1) * part / 100];
        println!(
            "{when}, by {moment}{}: median {:?}, 99 of 100 within {:?}",
            if hindsight { ", in hindsight" } else { "" },
            at(50),
            at(99),
        );
    }
}

fn check(ledger: &Ledger, as_of: AsOf, hindsight: bool) -> Duration {
    let started = Instant::now();
    let views = &ledger.views;
    let past = views.past(as_of, hindsight).unwrap();
    let who = views.find("K-0").unwrap().unwrap();
    let customer = views.past_customer(who, &past).unwrap();
    let ruled = rule(customer.as_ref(), past.world(), &question(), past.then.at);
    std::hint::black_box(ruled);
    started.elapsed()
}

fn intent(who: u32, command: Command) -> Intent {
    Intent {
        request_id: Uuid::now_v7(),
        caller: Arc::new(Caller {
            service: "bench".to_owned(),
            role: "consent_writer".to_owned(),
        }),
        channel: Channel::Web,
        person: None,
        subject: SubjectRef::Id(format!("K-{who}")),
        occurred_at: None,
        expected_version: None,
        deadline: None,
        content: [0; 32],
        command,
    }
}

fn account() -> Command {
    Command::OpenAccount(OpenAccount {
        legal_entity: EntityId::parse("company").unwrap(),
        services: vec![Category::parse("local").unwrap()],
    })
}

/// A denial of one entity, another each time up to a few hundred, so that the state is as large as states get.
fn block(number: u32) -> Command {
    let entity = EntityId::parse(&format!("entity-{}", number % 250)).unwrap();
    Command::Speak(Speak {
        words: vec![SpokenWord::Block(Block {
            kind: BlockKind::Deny,
            scope: Scope {
                recipients: Recipients::named(RecipientKind::Affiliate, entity),
                classes: CpniClasses::ALL,
                purposes: Purposes::of(Purpose::MarketingComms),
            },
            except: Box::default(),
        })],
        statement: Statement {
            medium: Medium::Electronic,
            speaker: Speaker::AccountHolder,
            assurance: None,
            verification: None,
            notice: None,
            evidence_digest: None,
            evidence_reference: None,
        },
    })
}

fn question() -> Question {
    Question {
        purpose: Purpose::MarketingComms,
        classes: CpniClasses::of(CpniClass::Billing),
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::NONE,
        recipient: RecipientKind::Company,
        entity: None,
        source_category: None,
        target_categories: vec![Category::parse("local").unwrap()],
        offering: None,
        call: None,
        ground: None,
    }
}
