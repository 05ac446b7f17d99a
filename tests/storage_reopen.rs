//! The database is opened anew while the log runs: nothing is lost, readers only wait, and damage is not passed over.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is the test's failure"
)]

mod storage_support;

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use consent_ledger::storage::{AppendError, Journal, local::Local};
use storage_support::{
    Chain, LEDGER, Lost, check, database_file, fill, flip, folder, look, open, reopening, small,
};

/// sled's note of where its pages are, which it writes when it is opened.
fn snapshot(dir: &Path) -> String {
    let names = fs::read_dir(dir.join("blocks")).unwrap();
    let mut names: Vec<String> = names
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("snap.") && !name.ends_with("generating"))
        .collect();
    names.sort();
    names.pop().unwrap_or_default()
}

fn wait_until(what: &str, reached: impl Fn() -> bool) {
    let started = Instant::now();
    while !reached() {
        assert!(started.elapsed() < Duration::from_secs(60), "never: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn t4_readers_find_every_block_while_the_database_is_opened_anew_again_and_again() {
    let dir = folder();
    let (local, _) = open(reopening(dir.path()));
    let mut chain = Chain::new(1);
    let mut blocks = fill(&local, &mut chain, 20);
    let first = snapshot(dir.path());
    let (known, local) = (blocks.clone(), &local);
    let mut seen = std::collections::BTreeSet::from([first]);
    thread::scope(|scope| {
        for reader in 0..2 {
            let known = known.clone();
            scope.spawn(move || {
                for block in known.iter().cycle().skip(reader * 7).take(4_000) {
                    assert_eq!(local.read(block.first).unwrap().as_ref(), Some(block));
                }
            });
        }
        for _ in 0..60 {
            blocks.extend(fill(local, &mut chain, 5));
            seen.insert(snapshot(dir.path()));
            thread::sleep(Duration::from_millis(10));
        }
    });
    check(local, &blocks);
    assert!(seen.len() > 4, "it was seldom opened anew: {seen:?}");
}

#[test]
fn t4_what_was_opened_anew_is_closed_in_order_and_goes_on() {
    let dir = folder();
    let (local, _) = open(reopening(dir.path()));
    let mut chain = Chain::new(2);
    let blocks = fill(&local, &mut chain, 150);
    local.close().unwrap();
    let (local, recovery) = open(small(dir.path()));
    assert!(recovery.clean && recovery.notes.is_empty(), "{recovery:?}");
    check(&local, &blocks);
}

#[test]
fn t4_where_nothing_can_be_set_aside_the_log_goes_on_and_it_is_tried_again() {
    let dir = folder();
    let (local, _) = open(reopening(dir.path()));
    let mut chain = Chain::new(5);
    let mut blocks = fill(&local, &mut chain, 1);
    // A file where the copy's folder is to be made.
    fs::write(dir.path().join("aside.new"), b"in the way").unwrap();
    let mut go_on = |count: usize| {
        for _ in 0..count {
            blocks.extend(fill(&local, &mut chain, 5));
            let head = local.head().next;
            wait_until("settled", || local.settled() == head);
        }
        check(&local, &blocks);
        snapshot(dir.path())
    };
    let before = go_on(20);
    assert_eq!(go_on(20), before, "not opened anew");
    fs::remove_file(dir.path().join("aside.new")).unwrap();
    assert_ne!(go_on(20), before);
    assert_eq!(local.failure(), None);
}

#[test]
fn t4_a_snapshot_that_a_crash_left_half_written_or_that_is_damaged_costs_nothing() {
    for damage in ["half-written", "flipped", "cut", "empty"] {
        let dir = folder();
        let (local, _) = open(reopening(dir.path()));
        let blocks = fill(&local, &mut Chain::new(3), 150);
        drop(local);
        let whole = dir.path().join("blocks").join(snapshot(dir.path()));
        let mut bytes = fs::read(&whole).unwrap();
        let (kept, path) = (bytes.len() / 2, &whole);
        match damage {
            "half-written" => {
                let path = whole.with_file_name("snap.FFFFFFFFFFFFFFFF.generating");
                fs::write(path, &bytes[..kept]).unwrap();
            }
            "flipped" => {
                bytes[kept] ^= 4;
                fs::write(path, &bytes).unwrap();
            }
            "cut" => fs::write(path, &bytes[..kept]).unwrap(),
            _ => fs::write(path, b"").unwrap(),
        }
        let (local, _) = open(small(dir.path()));
        check(&local, &blocks);
    }
}

#[test]
fn e1_t4_damage_that_shows_when_the_database_is_opened_anew_ends_the_log_and_stays_evident() {
    let mut found = 0;
    for seed in 1..=12 {
        let dir = folder();
        let (local, _) = open(reopening(dir.path()));
        let mut chain = Chain::new(seed);
        let mut blocks = fill(&local, &mut chain, 4);
        let head = local.head().next;
        wait_until("settled", || local.settled() == head);
        // All of it is in sled's file and not yet in a snapshot.
        let file = database_file(dir.path());
        let used = fs::read(&file).unwrap();
        let used = used.iter().rposition(|byte| *byte != 0).unwrap();
        flip(&file, used as u64 * seed / 13, 1 << (seed % 8));
        let ended = loop {
            let block = chain.any_block();
            match local.append(block.first, &block) {
                Ok(()) => blocks.push(block),
                Err(AppendError::Unknown(why)) => break Some(why),
                Err(other) => panic!("{other:?}"),
            }
            if blocks.len() > 120 {
                break None;
            }
            thread::sleep(Duration::from_millis(1));
        };
        match ended {
            // What was damaged had been written anew elsewhere, or is read from memory.
            None => check(&local, &blocks),
            Some(why) => {
                found += 1;
                assert!(why.contains("start again") || why.contains("sled"), "{why}");
                assert!(dir.path().join("aside.anew").exists(), "{why}");
            }
        }
        drop(local);
        // The tail still has what a damaged database lost; what neither has is told.
        if let Ok((local, _)) = Local::open(small(dir.path()), Some(LEDGER))
            && let Err(lost) = look(&local, &blocks)
        {
            assert!(matches!(lost, Lost::Loudly(_)), "{lost}");
        }
    }
    assert!(found > 0, "no damage ever showed");
}
