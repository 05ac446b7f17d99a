//! The views' disk use stays bounded under updates without end, and no blob file ever appears (T5, design: views).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use consent_ledger::domain::customer::{Customer, evolve};
use consent_ledger::domain::event::{Event, Placed};
use consent_ledger::domain::ids::{EntityId, Position, Pseudonym};
use consent_ledger::domain::services::{AccountOpened, VaultHead};
use consent_ledger::domain::time::Time;
use consent_ledger::state::{Applied, Options, States};

const CUSTOMERS: u64 = 1_000;
const ROUNDS: u64 = 1_000;

#[test]
fn t5_a_million_updates_leave_a_view_of_the_size_of_its_customers() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    let states = States::open(options.clone(), [1; 16]).unwrap();
    write(&states, ROUNDS);
    let bytes = disk_bytes(&options.dir);
    assert!(bytes < 128 << 20, "{bytes} bytes for {CUSTOMERS} customers");
    assert!(!has_blobs(&options.dir));
    drop(states);

    let reopened = States::open(options, [1; 16]).unwrap();
    assert_eq!(reopened.applied(), ROUNDS);
    for number in 0..CUSTOMERS {
        assert_eq!(
            reopened.get(pseudonym(number)).unwrap().unwrap().version,
            ROUNDS
        );
    }
}

#[test]
fn t4_a_customer_who_can_not_be_read_is_an_error_and_the_next_start_rebuilds_the_view() {
    let dir = tempfile::tempdir().unwrap();
    type Read = fn(&States) -> bool;
    let reads: [Read; 2] = [
        |states| states.get(pseudonym(7)).is_ok(),
        |states| states.walk().all(|chunk| chunk.is_ok()),
    ];
    for read in reads {
        let options = options(dir.path());
        let states = States::open(options.clone(), [1; 16]).unwrap();
        write(&states, 2);
        drop(states);
        let view = sled_of(&options.dir);
        let entries = view.open_tree("customers").unwrap();
        let mut entry = entries.get(pseudonym(7).0).unwrap().unwrap().to_vec();
        entry[3] ^= 1;
        entries.insert(pseudonym(7).0, entry).unwrap();
        view.flush().unwrap();
        drop((entries, view));

        let states = States::open(options.clone(), [1; 16]).unwrap();
        assert_eq!(states.applied(), 2);
        assert!(states.get(pseudonym(8)).unwrap().is_some());
        assert!(!read(&states));
        drop(states);
        let rebuilt = States::open(options, [1; 16]).unwrap();
        assert_eq!(rebuilt.applied(), 0, "everything is replayed from the log");
    }
}

#[test]
fn t4_a_note_of_sleds_that_is_half_written_rebuilds_no_view() {
    let dir = tempfile::tempdir().unwrap();
    let options = options(dir.path());
    for _ in 0..2 {
        let states = States::open(options.clone(), [1; 16]).unwrap();
        write(&states, 2);
        drop(states);
    }
    let half = options.dir.join("snap.FFFFFFFFFFFFFFFF.generating");
    std::fs::write(half, [7; 40]).unwrap();
    let states = States::open(options, [1; 16]).unwrap();
    assert_eq!(states.applied(), 2);
    assert!(states.walk().all(|chunk| chunk.is_ok()));
}

fn sled_of(dir: &Path) -> sled::Db {
    let config = sled::Config::new().path(dir).segment_size(8 << 20);
    loop {
        match config.open() {
            Err(error) if error.to_string().contains("could not acquire lock") => {}
            opened => return opened.unwrap(),
        }
    }
}

fn options(dir: &Path) -> Options {
    Options {
        cache_customers: 100,
        flush_every: Duration::from_millis(1),
        flush_dirty: 500,
        ..Options::new(dir.join("state"))
    }
}

/// Changes every customer so many times, and waits until the view has it.
fn write(states: &States, rounds: u64) {
    let fatal = Arc::new(|problem: &str| panic!("{problem}"));
    let flusher = states.write_behind(fatal).unwrap();
    for round in 1..=rounds {
        let customers = (0..CUSTOMERS)
            .map(|number| (pseudonym(number), Arc::new(customer(round))))
            .collect();
        let ledger = states.ledger();
        states.publish(Applied {
            next: round,
            customers,
            repeats: Vec::new(),
            answered: Vec::new(),
            erasures: Vec::new(),
            ledger,
        });
    }
    flusher.stop();
    assert_eq!(states.stored(), rounds);
}

fn pseudonym(number: u64) -> Pseudonym {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    Pseudonym(bytes)
}

fn customer(version: u64) -> Customer {
    let opened = Event::AccountOpened(AccountOpened {
        legal_entity: EntityId::parse("infotech").unwrap(),
        vault: VaultHead::default(),
    });
    let placed = Placed {
        position: Position(version),
        command: Position(version),
        recorded_at: Time(0),
        occurred_at: None,
        event: &opened,
    };
    let mut customer = evolve(None, &placed).unwrap();
    customer.version = version;
    customer
}

fn disk_bytes(dir: &Path) -> u64 {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                disk_bytes(&entry.path())
            } else {
                entry.metadata().unwrap().len()
            }
        })
        .sum()
}

fn has_blobs(dir: &Path) -> bool {
    std::fs::read_dir(dir.join("blobs")).is_ok_and(|mut files| files.next().is_some())
}
