//! The view's files: crashes, lost parts, and what is asked of moments that are not past.

use std::sync::Arc;
use std::time::Duration;

use consent_ledger::clock::Manual;
use consent_ledger::domain::customer::Customer;
use consent_ledger::domain::ids::{Position, Pseudonym};
use consent_ledger::domain::time::Time;
use consent_ledger::projections::{AsOf, ViewError};

use crate::engine::{open_at, try_open};
use crate::histories::{Book, noticed};
use crate::house::{House, in_small_pieces};
use crate::rules::notation::{Everything, scope};

async fn with_notices(count: usize) -> House {
    let mut house = House::begun().await;
    for turn in 0..count {
        house.pass(1);
        let covers = scope("COMPANY; ALL; M", Everything::Written);
        house.step(turn % 3, &noticed(covers)).await;
    }
    house.settle().await;
    house
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_a_moment_that_lies_ahead_has_no_answer() {
    let house = with_notices(3).await;
    let views = &house.ledger.views;
    let newest = Position(house.next() - 1);
    assert!(views.past(AsOf::Position(newest), false).is_ok());
    assert!(views.past(AsOf::Time(house.now()), false).is_ok());
    for ahead in [
        AsOf::Position(Position(house.next())),
        AsOf::Time(Time(house.now().0 + 1)),
    ] {
        for hindsight in [false, true] {
            let refused = views.past(ahead, hindsight).unwrap_err();
            assert!(matches!(refused, ViewError::Ahead { .. }), "{refused}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c6_only_what_may_still_be_on_its_way_is_waited_for() {
    let house = with_notices(3).await;
    let views = &house.ledger.views;
    let newest = Position(house.next() - 1);
    let recorded_at = views.past(AsOf::Position(newest), false).unwrap().then.at;
    for (as_of, hindsight, is_past) in [
        (AsOf::Position(newest), false, true),
        (AsOf::Position(newest), true, false),
        (AsOf::Position(Position(newest.0 + 1)), false, false),
        (AsOf::Time(Time(recorded_at.0 - 1)), false, true),
        (AsOf::Time(Time(recorded_at.0 - 1)), true, false),
        // Another record of the same instant may follow.
        (AsOf::Time(recorded_at), false, false),
    ] {
        let found = views.is_past(as_of, hindsight).unwrap();
        assert_eq!(found, is_past, "{as_of:?} {hindsight}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_who_was_not_known_then_and_what_is_no_customer_have_no_state() {
    let house = with_notices(3).await;
    let views = &house.ledger.views;
    let past = views.past(AsOf::Position(Position(0)), false).unwrap();
    for pseudonym in [
        house.pseudonym(0),
        Pseudonym([0; 16]),
        Pseudonym([0xff; 16]),
    ] {
        assert_eq!(views.past_customer(pseudonym, &past).unwrap(), None);
    }
    let now = views.past(AsOf::Time(house.now()), false).unwrap();
    assert!(
        views
            .past_customer(house.pseudonym(0), &now)
            .unwrap()
            .is_some()
    );
    for reserved in [Pseudonym([0; 16]), Pseudonym([0xff; 16])] {
        assert_eq!(views.past_customer(reserved, &now).unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn r24_a_rulebook_whose_text_is_gone_refuses_the_questions_of_its_time_alone() {
    let house = with_notices(3).await.reopen_under(Book::Fcc);
    let adopted = house.adopted[1].position;
    let kept = house.dir.path().join("rulebooks");
    let old = house.ledger.genesis.rulebook.digest.to_string();
    house.ledger.close().unwrap();
    std::fs::remove_file(kept.join(format!("{old}.toml"))).unwrap();

    let mut options = in_small_pieces(house.dir.path());
    options.rulebook = Some(house.dir.path().join("rulebook.toml"));
    let ledger = try_open(options).unwrap();
    let newest = Position(ledger.views.reached().0 - 1);
    (ledger.views)
        .wait_for_history(newest, Duration::from_secs(60))
        .await
        .unwrap();
    assert!(ledger.views.past(AsOf::Position(adopted), false).is_ok());
    let before = Position(adopted.0 - 1);
    let refused = ledger
        .views
        .past(AsOf::Position(before), false)
        .unwrap_err();
    assert!(matches!(&refused, ViewError::RulebookMissing(digest) if *digest == old));
    ledger.close().unwrap();
}

/// Opens the view's database as it lies there, changes it, and closes it.
fn change_view(house: &std::path::Path, change: impl Fn(&sled::Db)) {
    let database = sled::Config::new()
        .path(house.join("views").join("history"))
        .segment_size(8 << 20)
        .open()
        .unwrap();
    change(&database);
    database.flush().unwrap();
}

/// A customer's state as of every position, by a view that is opened now.
async fn as_of_each_position(dir: &std::path::Path, now: Time) -> Vec<Option<Customer>> {
    let clock = Arc::new(Manual::at(now.plus_hours(1)));
    let ledger = open_at(in_small_pieces(dir), clock).unwrap();
    let next = ledger.views.reached().0;
    (ledger.views)
        .wait_for_history(Position(next - 1), Duration::from_secs(60))
        .await
        .unwrap();
    let who = ledger.views.find("K-0").unwrap().unwrap();
    let states = (0..next).map(|position| {
        let past = ledger.views.past(AsOf::Position(Position(position)), false);
        ledger.views.past_customer(who, &past.unwrap()).unwrap()
    });
    let states = states.collect();
    ledger.close().unwrap();
    states
}

/// The value of the list of runs.
fn list(dir: &std::path::Path, put: Option<&sled::IVec>) -> Option<sled::IVec> {
    let found = std::cell::RefCell::new(None);
    change_view(dir, |database| {
        let runs = database.open_tree("runs").unwrap();
        *found.borrow_mut() = runs.get([0xff]).unwrap();
        if let Some(list) = put {
            runs.insert([0xff], list).unwrap();
        }
    });
    found.into_inner()
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_crash_before_the_list_is_written_leaves_what_the_next_start_writes_again() {
    for more in [1, 5, 20, 45] {
        let mut before = None;
        let house = with_notices(12).await;
        let mut house = house.reopen(|dir| before = list(dir, None));
        for _ in 0..more {
            house.pass(1);
            let covers = scope("AGENT; ALL; M", Everything::Written);
            house.step(0, &noticed(covers)).await;
        }
        house.settle().await;
        let (now, dir) = (house.now(), house.dir);
        house.ledger.close().unwrap();
        let expected = as_of_each_position(dir.path(), now).await;
        // Runs, chunks of the heap and merges are there; the list is the one from before them.
        list(dir.path(), before.as_ref());
        let again = as_of_each_position(dir.path(), now).await;
        assert_eq!(again, expected, "{more} more");
        assert_eq!(as_of_each_position(dir.path(), now).await, expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_part_of_the_view_that_is_gone_is_noticed_and_the_view_rebuilt() {
    for tree in ["runs", "heap"] {
        let House {
            ledger, dir, plays, ..
        } = with_notices(60).await;
        let who = ledger.views.find("K-0").unwrap().unwrap();
        let now = plays[0].ledger.now;
        ledger.close().unwrap();
        let chunks = std::cell::Cell::new(0);
        change_view(dir.path(), |database| {
            let tree = database.open_tree(tree).unwrap();
            chunks.set(tree.len());
        });
        for gone in 0..chunks.get() {
            change_view(dir.path(), |database| {
                let tree = database.open_tree(tree).unwrap();
                let key = tree.iter().keys().nth(gone % tree.len()).unwrap().unwrap();
                tree.remove(key).unwrap();
            });
            let mut answers = Vec::new();
            for _ in 0..2 {
                let clock = Arc::new(Manual::at(now.plus_hours(1)));
                let ledger = open_at(in_small_pieces(dir.path()), clock).unwrap();
                let newest = Position(ledger.views.reached().0 - 1);
                (ledger.views)
                    .wait_for_history(newest, Duration::from_secs(60))
                    .await
                    .unwrap();
                let past = ledger.views.past(AsOf::Time(now), false);
                let customer = past.and_then(|past| ledger.views.past_customer(who, &past));
                answers.push(customer);
                ledger.close().unwrap();
            }
            // At once where an end is gone, else at the start after it was noticed; or it was about somebody else.
            let [first, second] = answers.try_into().unwrap();
            let expected = plays[0].ledger.customer.clone();
            assert_eq!(second.unwrap(), expected, "{tree} {gone}");
            if let Ok(first) = first {
                assert_eq!(first, expected, "{tree} {gone}");
            }
        }
    }
}
