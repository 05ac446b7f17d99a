//! C4: for every position and every instant, the view's answer is the replay's.

use consent_ledger::domain::asserted::Asserted;
use consent_ledger::domain::company::Company;
use consent_ledger::domain::customer::{Customer, evolve, rule};
use consent_ledger::domain::hindsight::{self, Then};
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::rulebook::Rulebook;
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::projections::{AsOf, Past};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Step, step};
use crate::house::{CUSTOMERS, House};
use crate::rules::imports::{asserted, full, held, notice};
use crate::rules::ledger::{Record, placed};
use crate::rules::notation::question;

/// What may happen in a house.
#[derive(Clone, Debug)]
enum Turn {
    Customer(usize, Box<Shown>),
    Entity(bool, bool, u32),
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
    prop_oneof![
        12 => (0..CUSTOMERS, step()).prop_map(|(who, step)| Turn::Customer(who, Box::new(Shown(step)))),
        1 => (any::<bool>(), any::<bool>(), prop::sample::select(vec![0_u32, 5, 90]))
            .prop_map(|(joins, agent, ago)| Turn::Entity(joins, agent, ago)),
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
            Turn::Entity(joins, agent, ago) => {
                let kind = match agent {
                    true => RecipientKind::Agent,
                    false => RecipientKind::Affiliate,
                };
                house.entity(*joins, kind, *ago).await;
            }
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

    fn equals(&self, house: &House, past: &Past, rulebook: &Rulebook) {
        assert_eq!(past.then, self.then);
        let (world, then) = (past.world(), self.then);
        assert_eq!(world.company, &self.company, "{then:?}");
        let switch = Rulebook::block_reaches_held_categories;
        assert_eq!(switch(world.rulebook), switch(rulebook), "{then:?}");
        for (who, expected) in self.customers.iter().enumerate() {
            let pseudonym = house.pseudonym(who);
            let customer = house.ledger.views.past_customer(pseudonym, past).unwrap();
            assert_eq!(&customer, expected, "K-{who} {then:?}");
        }
    }
}

/// R5: no record makes a past use lawful, so that hindsight says yes only where the ledger did then.
fn hindsight_only_narrows(house: &House, then: &Past, hindsight: &Past) {
    for who in 0..CUSTOMERS {
        let answer = |past: &Past, asked: &str| {
            let customer = house.ledger.views.past_customer(house.pseudonym(who), past);
            let (customer, asked) = (customer.unwrap(), question(asked));
            rule(customer.as_ref(), past.world(), &asked, past.then.at).allowed
        };
        for asked in [
            "COMPANY; BILLING; M→CMRS",
            "COMPANY; BILLING; M→LOCAL",
            "AFFILIATE acme; BILLING; M",
        ] {
            let widened = answer(hindsight, asked) && !answer(then, asked);
            assert!(!widened, "K-{who} {asked} {:?}", then.then);
        }
    }
}

fn rulebook_at(house: &House, position: Position) -> &'static Rulebook {
    let mut adopted = house.rulebooks.iter().rev();
    adopted.find(|(from, _)| *from <= position).unwrap().1
}

/// The view against the records, for every position and the instants around each.
fn all_moments_agree(house: &House, times: &[Time]) {
    let views = &house.ledger.views;
    for position in (0..house.next()).map(Position) {
        let record = views.record(position).unwrap().unwrap().decoded.record;
        let at = Time(record.recorded_at.0);
        assert_eq!(times[usize::try_from(position.0).unwrap()], at);
        let rulebook = rulebook_at(house, position);
        let then = Then {
            at,
            through: Some(position),
        };
        let past = |as_of, in_hindsight| views.past(as_of, in_hindsight).unwrap();
        let by_position = past(AsOf::Position(position), false);
        Replayed::as_of(house, then).equals(house, &by_position, rulebook);
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
    let time = |position| {
        let record = house.ledger.views.record(Position(position));
        Time(record.unwrap().unwrap().decoded.record.recorded_at.0)
    };
    (0..house.next()).map(time).collect()
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
        then in vec(turn(), 10..60),
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut house = House::begun().await;
            live(&mut house, &first).await;
            house.settle().await;
            all_moments_agree(&house, &times(&house));
            let mut house = house.reopen_under_fcc();
            live(&mut house, &then).await;
            house.settle().await;
            all_moments_agree(&house, &times(&house));
            house.ledger.close().unwrap();
        });
    }
}
