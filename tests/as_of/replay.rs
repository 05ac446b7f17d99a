//! C4: for every position and every instant, the view's answer is the replay's.

use consent_ledger::audit::Replayed as Evidence;
use consent_ledger::domain::asserted::Asserted;
use consent_ledger::domain::company::Company;
use consent_ledger::domain::customer::{Customer, evolve, rule};
use consent_ledger::domain::hindsight::{self, Then};
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::question::Question;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::time::Time;
use consent_ledger::projections::{AsOf, Past};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Book, Step, desk, step, waiting_step};
use crate::house::{CUSTOMERS, House};
use crate::rules::imports::{asserted, full, held, notice};
use crate::rules::ledger::{Adopted, Record, placed};
use crate::rules::notation::question;

/// What may happen in a house.
#[derive(Clone, Debug)]
enum Turn {
    Customer(usize, Box<Shown>),
    /// A line of an import: what it asserts, and of which month of the year before.
    Import(usize, usize, u32),
}

/// A step that shows itself when a case fails.
#[derive(Clone)]
struct Shown(Step);

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn turn() -> impl Strategy<Value = Turn> {
    let step = prop_oneof![
        6 => step(),
        3 => waiting_step(),
        3 => desk().prop_map(Step::Desk),
    ];
    prop_oneof![
        14 => (0..CUSTOMERS, step).prop_map(|(who, step)| Turn::Customer(who, Box::new(Shown(step)))),
        2 => (0..CUSTOMERS, 0..5_usize, 1..=12_u32)
            .prop_map(|(who, what, month)| Turn::Import(who, what, month)),
    ]
}

fn asserted_fact(what: usize, month: u32) -> Asserted {
    let day = format!("2025-{month:02}-01");
    match what {
        0 => asserted("d(COMPANY; BILLING; M)", full(&day)),
        1 => asserted("g(COMPANY; BILLING; M)", full(&day)),
        2 => held("LOCAL", "2020-01-01", Some(&day)),
        3 => held("VOIP", &day, None),
        _ => notice(&day),
    }
}

async fn live(house: &mut House, turns: &[Turn]) {
    for turn in turns {
        match turn {
            Turn::Customer(who, step) => house.step(*who, &step.0).await,
            Turn::Import(who, what, month) => {
                house.import(*who, &asserted_fact(*what, *month)).await;
            }
        }
    }
}

/// What the house's own records say of a moment.
struct Replayed {
    then: Then,
    customers: Vec<Option<Customer>>,
    company: Company,
}

impl Replayed {
    fn as_of(house: &House, then: Then) -> Self {
        let knew = |record: &&Record| then.knew(record.position, record.recorded_at);
        let customers = house.plays.iter().map(|play| {
            let known = play.ledger.records.iter().filter(knew);
            known.fold(None, |customer, record| evolve(customer, &placed(record)))
        });
        let mut company = Company::default();
        for record in &house.of_company {
            if then.knew(record.position, record.recorded_at) {
                company.follow(&record.placed());
            }
        }
        Self {
            then,
            customers: customers.collect(),
            company,
        }
    }

    fn in_hindsight(house: &House, then: Then) -> Self {
        let customers = (house.plays.iter())
            .map(|play| hindsight::customer(play.ledger.records.iter().map(placed), then));
        let of_company = house.of_company.iter().map(|record| record.placed());
        Self {
            then,
            customers: customers.collect(),
            company: hindsight::company(of_company, then),
        }
    }

    fn equals(&self, house: &House, past: &Past, rulebook: &Adopted) {
        assert_eq!(past.then, self.then);
        let (world, then) = (past.world(), self.then);
        assert_eq!(world.company, &self.company, "{then:?}");
        let switch = Rulebook::block_reaches_held_categories;
        assert_eq!(switch(world.rulebook), switch(rulebook.book), "{then:?}");
        assert_eq!(world.rulebook.version, rulebook.book.version, "{then:?}");
        assert_eq!(world.opt_out_since, rulebook.opt_out_since, "{then:?}");
        for (who, expected) in self.customers.iter().enumerate() {
            let pseudonym = house.pseudonym(who);
            let customer = house.ledger.views.past_customer(pseudonym, past).unwrap();
            assert_eq!(&customer, expected, "K-{who} {then:?}");
        }
    }
}

const ASKED: [&str; 9] = [
    "COMPANY; BILLING; M→CMRS",
    "COMPANY; BILLING; M→LOCAL",
    "AFFILIATE acme; BILLING; M",
    "AFFILIATE acme; BILLING; M→LOCAL",
    "AFFILIATE; BILLING; M→CMRS",
    "AGENT; BILLING; M→LOCAL",
    "AGENT ag; BILLING; M→CMRS",
    "PARENT; BILLING; M→CMRS",
    "PARTNER_OR_CONTRACTOR jv; BILLING; M→CMRS",
];

/// R5: no record makes a past use lawful, so that hindsight says yes only where the ledger did then.
fn hindsight_only_narrows(house: &House, then: &Past, hindsight: &Past) {
    let questions = ASKED.map(question);
    for who in 0..CUSTOMERS {
        let customer = |past: &Past| {
            let customer = house.ledger.views.past_customer(house.pseudonym(who), past);
            customer.unwrap()
        };
        let (known, learnt) = (customer(then), customer(hindsight));
        let answer = |customer: &Option<Customer>, past: &Past, asked: &Question| {
            rule(customer.as_ref(), past.world(), asked, past.then.at).allowed
        };
        for (asked, question) in ASKED.iter().zip(&questions) {
            let widened = answer(&learnt, hindsight, question) && !answer(&known, then, question);
            assert!(!widened, "K-{who} {asked} {:?}", then.then);
        }
    }
}

fn rulebook_at(house: &House, position: Position) -> &Adopted {
    let mut adopted = house.adopted.iter().rev();
    adopted.find(|one| one.position <= position).unwrap()
}

/// E10: whoever holds the records that an answer rests on derives the same answer from them alone.
fn evidence_agrees(house: &House, past: &Past, as_of: AsOf) {
    let views = &house.ledger.views;
    for who in 0..CUSTOMERS {
        let pseudonym = house.pseudonym(who);
        let known = views.past_customer(pseudonym, past).unwrap();
        let basis = views.basis(pseudonym, Some(as_of), false).unwrap();
        let (Some(known), Some(basis)) = (&known, &basis) else {
            assert_eq!(known.is_some(), basis.is_some(), "K-{who} {as_of:?}");
            continue;
        };
        let lines = basis
            .records
            .iter()
            .map(|at| views.line(*at).unwrap().unwrap());
        let lines: Vec<Vec<u8>> = lines.collect();
        let derived = Evidence::of(lines.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(&derived.customer, known, "K-{who} {as_of:?}");
        assert_eq!(derived.rulebook, past.rulebook.digest, "{as_of:?}");
        for asked in ASKED {
            let question = question(asked);
            let at = past.then.at;
            let there = rule(Some(known), past.world(), &question, at);
            let world = derived.world(&past.rulebook);
            let here = rule(Some(&derived.customer), world, &question, at);
            assert_eq!(here, there, "K-{who} {asked} {as_of:?}");
        }
    }
}

/// The view against the records, for every position and the instants around each.
fn all_moments_agree(house: &House, times: &[Time]) {
    let views = &house.ledger.views;
    for position in (0..house.next()).map(Position) {
        let at = house.recorded_at(position);
        assert_eq!(times[usize::try_from(position.0).unwrap()], at);
        let rulebook = rulebook_at(house, position);
        let then = Then {
            at,
            through: Some(position),
        };
        let past = |as_of, in_hindsight| views.past(as_of, in_hindsight).unwrap();
        let by_position = past(AsOf::Position(position), false);
        Replayed::as_of(house, then).equals(house, &by_position, rulebook);
        if position.0.is_multiple_of(5) {
            evidence_agrees(house, &by_position, AsOf::Position(position));
            evidence_agrees(house, &past(AsOf::Time(at), false), AsOf::Time(at));
        }
        let in_hindsight = past(AsOf::Position(position), true);
        Replayed::in_hindsight(house, then).equals(house, &in_hindsight, rulebook);
        hindsight_only_narrows(house, &by_position, &in_hindsight);

        for at in [Time(at.0 - 1), at, Time(at.0 + 1)] {
            // Before position 0 there was no ledger; after the newest record there is nothing past yet.
            let Some(newest) = times.iter().rposition(|time| *time <= at) else {
                continue;
            };
            if at > house.now() {
                continue;
            }
            let rulebook = rulebook_at(house, Position(newest as u64));
            let then = Then { at, through: None };
            let by_time = past(AsOf::Time(at), false);
            Replayed::as_of(house, then).equals(house, &by_time, rulebook);
            let by_time = past(AsOf::Time(at), true);
            Replayed::in_hindsight(house, then).equals(house, &by_time, rulebook);
        }
    }
}

fn times(house: &House) -> Vec<Time> {
    let time = |position| house.recorded_at(Position(position));
    (0..house.next()).map(time).collect()
}

/// Mostly the baseline, by which more may be.
fn book() -> impl Strategy<Value = Book> {
    prop::sample::select(vec![Book::Def, Book::Fcc, Book::Fcc, Book::FccAgain])
}

fn few() -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig {
        cases: match std::env::var_os("PROPTEST_CASES") {
            Some(_) => usual.cases,
            None => 8,
        },
        failure_persistence: None,
        // Each one opens ledgers on disk.
        max_shrink_iters: 40,
        ..usual
    }
}

proptest! {
    #![proptest_config(few())]

    #[test]
    fn c4_as_of_every_position_and_instant_equals_a_replay_to_it(
        first in vec(turn(), 10..60),
        then in vec((book(), vec(turn(), 5..30)), 2..=3),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut house = House::begun().await;
            live(&mut house, &first).await;
            house.settle().await;
            all_moments_agree(&house, &times(&house));
            for (book, turns) in &then {
                house = house.reopen_under(*book);
                live(&mut house, turns).await;
            }
            house.settle().await;
            all_moments_agree(&house, &times(&house));
            house.ledger.close().unwrap();
        });
    }
}
