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
    let options = Options {
        dir: dir.path().join("state"),
        cache_customers: 100,
        sled_cache_bytes: 8 << 20,
        flush_every: Duration::from_millis(1),
        flush_dirty: 500,
        request_window_days: 30,
    };
    let states = States::open(options.clone(), [1; 16]).unwrap();
    let fatal = Arc::new(|problem: &str| panic!("{problem}"));
    let flusher = states.write_behind(fatal).unwrap();
    for round in 1..=ROUNDS {
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
    assert_eq!(states.stored(), ROUNDS);
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
