//! The same seed, the same customers; and a mix in which nothing that matters is missing.

use std::collections::BTreeMap;

use prost::Message;
use sha2::{Digest, Sha256};
use wire::asserted_fact::Fact;

use super::*;

fn of(seed: u64, count: usize) -> Vec<Customer> {
    Customers::of(seed).take(count).collect()
}

/// SHA-256 of all facts.
fn digest(customers: &[Customer]) -> String {
    let mut digest = Sha256::new();
    for fact in customers.iter().flat_map(|customer| &customer.facts) {
        digest.update(fact.encode_to_vec());
    }
    format!("{:x}", digest.finalize())
}

#[test]
fn c2_the_same_seed_makes_the_same_customers_for_ever() {
    assert_eq!(of(7, 500), of(7, 500));
    assert_ne!(of(7, 20), of(8, 20));
    assert_eq!(of(7, 500).last(), Some(&Customers::at(7, 500)));
    // Whoever changes what a seed makes changes what others compare with: give it another way in instead.
    assert_eq!(digest(&of(1, 1_000)), GOLDEN);
}

const GOLDEN: &str = "b3ee5f50c5dd4901ebb8d58f5cd33b2420641c901948ca165da5ac6584d23a16";

#[test]
fn f8_customers_do_all_that_a_ledger_witnesses_and_are_given_a_notice_first() {
    let customers = of(5, 2_000);
    let mut kinds = BTreeMap::<&str, usize>::new();
    for customer in &customers {
        if let Some(first) = customer.deeds.first() {
            assert_eq!(*first, Deed::Notice, "{}", customer.id);
        }
        for deed in &customer.deeds {
            let kind = match deed {
                Deed::Notice => "notice",
                Deed::Says(_) => "says",
                Deed::ApprovesOnce { .. } => "once",
                Deed::EndsCall { .. } => "ends",
                Deed::Opens(_) => "opens",
                Deed::Closes(_) => "closes",
                Deed::IsDisclosed(_) => "disclosed",
            };
            *kinds.entry(kind).or_default() += 1;
        }
    }
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    assert_eq!(kinds["once"], kinds["ends"]);
    let mut deeds = customers.iter().flat_map(|customer| &customer.deeds);
    let owing =
        |deed: &Deed| matches!(deed, Deed::ApprovesOnce { digest_follows, .. } if *digest_follows);
    assert!(deeds.any(owing), "some owe a digest (P4)");
    assert!(kinds.values().all(|count| *count >= 20), "{kinds:?}");
}

#[test]
fn c2_every_fact_lies_in_the_past_and_after_the_account_was_opened() {
    for customer in of(3, 2_000) {
        let mut facts = customer.facts.iter().map(|fact| fact.fact.clone().unwrap());
        let Some(Fact::Account(account)) = facts.next() else {
            panic!("the account comes first");
        };
        let opened = account.opened_at.unwrap().seconds;
        for fact in facts {
            let (from, until) = match fact {
                Fact::Account(_) => panic!("one account each"),
                Fact::Service(service) => (service.opened_at, service.closed_at),
                Fact::Notice(notice) => (notice.given_at, None),
                Fact::Word(word) => (word.said_at, None),
                Fact::Disclosure(disclosure) => (disclosure.made_at, None),
            };
            let seconds = from.map_or(opened, |at| at.seconds);
            assert!((opened..END).contains(&seconds), "{}", customer.id);
            if let Some(until) = until {
                assert!(
                    seconds < until.seconds && until.seconds < END,
                    "{}",
                    customer.id
                );
            }
        }
    }
}

#[test]
fn c2_the_mix_is_that_of_the_documentation() {
    let customers = of(5, 20_000);
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for customer in &customers {
        let facts = || customer.facts.iter().filter_map(|fact| fact.fact.as_ref());
        let mut note = |what, holds: bool| *counts.entry(what).or_default() += usize::from(holds);
        let words = || facts().filter(|fact| matches!(fact, Fact::Word(_)));
        note("spoke", words().next().is_some());
        note("hundreds", words().count() > 50);
        note(
            "was told",
            facts().any(|fact| matches!(fact, Fact::Notice(_))),
        );
        note(
            "disclosed",
            facts().any(|fact| matches!(fact, Fact::Disclosure(_))),
        );
        note(
            "closed",
            facts().any(|fact| match fact {
                Fact::Service(service) => service.closed_at.is_some(),
                _ => false,
            }),
        );
    }
    let per_mille =
        |what: &str| counts.get(what).copied().unwrap_or_default() * 1000 / customers.len();
    assert!((520..=640).contains(&per_mille("spoke")), "{counts:?}");
    assert!((1..=6).contains(&per_mille("hundreds")), "{counts:?}");
    assert!((900..=970).contains(&per_mille("was told")), "{counts:?}");
    assert!((430..=470).contains(&per_mille("disclosed")), "{counts:?}");
    assert!((130..=230).contains(&per_mille("closed")), "{counts:?}");
    for ground in 1..=8 {
        let some = customers.iter().flat_map(|customer| &customer.facts).any(
            |fact| matches!(&fact.fact, Some(Fact::Disclosure(made)) if made.ground == ground),
        );
        assert!(some, "ground {ground}");
    }
}
