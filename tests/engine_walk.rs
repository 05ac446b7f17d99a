//! A walk over all customers while commands go on and the view is written behind (P17, F9, C5).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use consent_ledger::app::Ledger;
use consent_ledger::domain::ids::Pseudonym;
use consent_ledger::domain::vocabulary::RecipientKind;
use engine::*;

/// More than two chunks' worth.
const CUSTOMERS: usize = 2_500;

/// A ledger that writes its view behind all the time.
fn busy(dir: &Path) -> Ledger {
    let mut options = options(dir);
    options.state.flush_every = Duration::from_millis(1);
    options.state.flush_dirty = 64;
    try_open(options).unwrap()
}

/// Opens accounts; each customer's version is then 2.
async fn open_accounts(ledger: &Ledger, names: impl Iterator<Item = String>) {
    let intents = names.map(|name| intent(&name, open_account(&["local"])));
    for answer in ledger.handle.submit_many(intents.collect()).await {
        answer.unwrap();
    }
}

fn names() -> impl Iterator<Item = String> {
    (0..CUSTOMERS).map(|number| format!("K-{number}"))
}

/// Versions of all customers who came, none of them twice.
fn walked(ledger: &Ledger) -> BTreeMap<Pseudonym, u64> {
    let mut versions = BTreeMap::new();
    for chunk in ledger.views.customers() {
        for (pseudonym, customer) in chunk.unwrap() {
            assert!(versions.insert(pseudonym, customer.version).is_none());
        }
    }
    versions
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_a_walk_meets_every_customer_once_in_memory_on_disk_and_in_both() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    open_accounts(&ledger, names()).await;
    let in_memory = walked(&ledger);
    assert_eq!(in_memory.len(), CUSTOMERS);
    ledger.close().unwrap();

    let ledger = open(dir.path());
    let on_disk = walked(&ledger);
    assert_eq!(on_disk, in_memory);
    for name in names().step_by(3) {
        submit(&ledger, &name, deny(RecipientKind::Company))
            .await
            .unwrap();
    }
    let both = walked(&ledger);
    assert_eq!(both.len(), CUSTOMERS);
    let denied = both.values().filter(|version| **version == 3).count();
    assert_eq!(denied, CUSTOMERS.div_ceil(3));

    let mut walk = ledger.views.customers();
    assert_eq!(walk.expected(), CUSTOMERS as u64);
    let sizes: Vec<_> = walk.by_ref().map(|chunk| chunk.unwrap().len()).collect();
    assert_eq!(sizes, [1024, 1024, CUSTOMERS - 2048]);
    assert_eq!(walk.seen(), walk.expected());
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_a_walk_misses_nobody_and_shows_nothing_old_while_commands_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Arc::new(busy(dir.path()));
    open_accounts(&ledger, names()).await;
    let over = Arc::new(AtomicBool::new(false));
    let writing = {
        let (ledger, over) = (Arc::clone(&ledger), Arc::clone(&over));
        tokio::spawn(async move {
            let mut round = 0;
            while !over.load(Ordering::Acquire) {
                let known = names().map(|name| intent(&name, deny(RecipientKind::Company)));
                for answer in ledger.handle.submit_many(known.collect()).await {
                    answer.unwrap();
                }
                let newcomers = (0..100).map(|number| format!("N-{round}-{number}"));
                open_accounts(&ledger, newcomers).await;
                round += 1;
            }
        })
    };
    for _ in 0..8 {
        let (ledger, walking) = (Arc::clone(&ledger), Arc::clone(&ledger));
        let before = tokio::task::spawn_blocking(move || walked(&ledger));
        let before = before.await.unwrap();
        // Whoever came once is there from then on, and a later walk shows nobody as he was before.
        let after = tokio::task::spawn_blocking(move || walk_checked(&walking, &before));
        after.await.unwrap();
    }
    over.store(true, Ordering::Release);
    writing.await.unwrap();
}

/// Walks again: everybody of `before` comes, in the state that the ledger had when the walk began, or a later one.
fn walk_checked(ledger: &Ledger, before: &BTreeMap<Pseudonym, u64>) {
    let current: BTreeMap<Pseudonym, u64> = (before.keys())
        .map(|pseudonym| {
            let customer = ledger.views.customer(*pseudonym).unwrap().unwrap();
            (*pseudonym, customer.version)
        })
        .collect();
    let walk = ledger.views.customers();
    assert!(walk.began() <= ledger.views.reached());
    let expected = walk.expected() as usize;
    let mut seen = HashSet::new();
    for chunk in walk {
        for (pseudonym, customer) in chunk.unwrap() {
            assert!(seen.insert(pseudonym), "{pseudonym} came twice");
            let least = current.get(&pseudonym).copied().unwrap_or(2);
            assert!(
                customer.version >= least,
                "{pseudonym} is of an older state"
            );
        }
    }
    assert!(seen.len() >= expected);
    assert!(current.keys().all(|pseudonym| seen.contains(pseudonym)));
}
