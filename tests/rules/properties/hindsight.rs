//! R5: hindsight against the oracle, and what must hold of it whatever the history.

use std::collections::BTreeSet;

use consent_ledger::domain::customer::{Customer, rule};
use consent_ledger::domain::event::Event;
use consent_ledger::domain::hindsight::{self, Then};
use consent_ledger::domain::ruling::Ruling;
use consent_ledger::domain::time::Time;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::histories::{Asked, Play, asked, config, steps};
use crate::rules::books::{def, fcc};
use crate::rules::ledger::{Record, placed};

/// Instants around those at which something happened or was recorded, some of them, and only once the customer was known.
fn moments(records: &[Record]) -> Vec<Time> {
    let opened = records.first().map(|record| record.recorded_at);
    let mut all = BTreeSet::new();
    for record in records {
        for at in [Some(record.recorded_at), record.occurred_at]
            .iter()
            .flatten()
        {
            all.extend([Time(at.0 - 1), *at]);
        }
    }
    all.retain(|at| opened.is_some_and(|opened| *at >= opened));
    let step = all.len().div_ceil(16).max(1);
    all.into_iter().step_by(step).collect()
}

/// Whether the state may have forgotten that something was held: it keeps the newest interval of each category, and a
/// closing that is dated back, recorded after a category was opened for the second time, may look like a lapse. A grant
/// then counts as ended: a doubt is no.
fn may_have_forgotten(records: &[Record]) -> bool {
    let mut opened = Vec::new();
    let mut twice = false;
    records.iter().any(|record| match &record.event {
        Event::ServiceOpened(event) => {
            twice |= opened.contains(&event.category);
            opened.push(event.category.clone());
            false
        }
        Event::ServiceClosed(event) => twice && event.ends_at < record.recorded_at,
        _ => false,
    })
}

fn in_hindsight(play: &Play, at: Time) -> Option<Customer> {
    let then = Then { at, through: None };
    hindsight::customer(play.ledger.records.iter().map(placed), then)
}

fn answer(play: &Play, customer: Option<&Customer>, question: &Asked, at: Time) -> Ruling {
    rule(customer, play.ledger.world(), question, at)
}

proptest! {
    #![proptest_config(config())]

    /// R5: at every moment of the history, on every question.
    #[test]
    fn r05_hindsight_and_oracle_agree_at_every_moment(
        by_fcc: bool,
        steps in steps(),
        questions in vec(asked(), 4),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL"]).through(&steps);
        let is_exact = !may_have_forgotten(&play.ledger.records);
        for at in moments(&play.ledger.records) {
            let (customer, oracle) = (in_hindsight(&play, at), play.oracle.in_hindsight(at));
            for question in &questions {
                let expected = oracle.ask(question, at);
                let ruling = answer(&play, customer.as_ref(), question, at);
                let context = || format!("{question:?}\nat {at}: {expected:?}\n{ruling:#?}");
                prop_assert!(!is_exact || ruling.state == expected.state, "{}", context());
                if let Some(allowed) = expected.allowed {
                    let agree = ruling.allowed == allowed || !is_exact && allowed;
                    prop_assert!(agree, "{}", context());
                }
            }
        }
    }

    /// R5: no record makes a past use lawful, so that hindsight never says yes where the ledger said no then.
    #[test]
    fn r05_what_was_no_as_of_then_is_no_in_hindsight(
        by_fcc: bool,
        steps in steps(),
        questions in vec(asked(), 6),
    ) {
        let book = if by_fcc { fcc() } else { def() };
        let play = Play::new(book, by_fcc, &["LOCAL", "VOIP"]).through(&steps);
        for at in moments(&play.ledger.records) {
            let mut newest_first = play.ledger.records.iter().rev();
            let newest = newest_first.find(|record| record.recorded_at <= at);
            let newest = newest.unwrap().position;
            let (then, hindsight) = (play.ledger.replayed_to(newest), in_hindsight(&play, at));
            for question in &questions {
                let then = answer(&play, then.as_ref(), question, at);
                let hindsight = answer(&play, hindsight.as_ref(), question, at);
                let context = || format!("{question:?}\nat {at}\n{then:#?}\n{hindsight:#?}");
                prop_assert!(then.allowed || !hindsight.allowed, "{}", context());
            }
        }
    }

    /// After the last record there is nothing that hindsight could know better.
    #[test]
    fn r05_hindsight_of_the_newest_record_is_the_present(steps in steps()) {
        let play = Play::new(def(), false, &["LOCAL"]).through(&steps);
        let now = play.ledger.now;
        prop_assert_eq!(in_hindsight(&play, now), play.ledger.customer);
    }
}
