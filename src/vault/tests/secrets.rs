//! Hashes of secrets: kept, found again, never mistaken, and not lost with the power (T3, T4, E8).

use std::{fs, sync::atomic::Ordering};

use super::*;
use crate::domain::ids::Sha256Digest;
use crate::vault::{durable::Disk, secrets::Secrets};

const CHEAP: HashCost = HashCost {
    memory_kib: 32,
    passes: 1,
    lanes: 1,
};

fn cheap(dir: &Path) -> Options {
    Options {
        hash_cost: CHEAP,
        ..options(dir)
    }
}

fn kept(vault: &Vault, customer: Pseudonym, secret: &[u8]) -> SecretPlace {
    let hashed = vault.hash_secret(secret).unwrap();
    vault.keep_secret(customer, &hashed).unwrap()
}

#[test]
fn t3_a_secret_is_found_again_after_a_restart_and_only_by_its_own_customer() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    let made = vault.register(&["A-1", "B-2"]).unwrap();
    let (a, b) = (made[0].pseudonym, made[1].pseudonym);
    let first = kept(&vault, a, b"95137");
    let second = kept(&vault, a, b"a walk by night");
    assert_eq!((first.slot, second.slot), (0, 1));
    drop(vault);

    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    assert!(vault.secret_matches(a, first, b"95137").unwrap());
    assert!(!vault.secret_matches(a, first, b"95138").unwrap());
    assert!(vault.secret_matches(a, second, b"a walk by night").unwrap());
    assert!(vault.secret_matches(b, first, b"95137").is_err());
    assert_eq!(kept(&vault, b, b"95137").slot, 2);
    let posing = SecretPlace {
        slot: first.slot,
        digest: second.digest,
    };
    assert!(vault.secret_matches(a, posing, b"95137").is_err());
    assert!(vault.check_has_secret(first).is_ok());
    assert!(vault.check_has_secret(posing).is_err());
}

#[test]
fn t3_neither_a_secret_nor_its_hash_lies_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    let customer = vault.register(&["A-1"]).unwrap()[0].pseudonym;
    let hashed = vault.hash_secret(b"a walk by night").unwrap();
    vault.keep_secret(customer, &hashed).unwrap();
    let file = fs::read(dir.path().join("secrets")).unwrap();
    let holds = |what: &[u8]| file.windows(what.len()).any(|bytes| bytes == what);
    assert!(holds(b"CLVP"));
    assert!(!holds(b"a walk by night"));
    let bytes = hashed.to_bytes();
    assert!(!holds(&bytes[..16]) && !holds(&bytes[28..]));
}

#[test]
fn t4_a_changed_byte_of_a_secret_is_found_and_never_another_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    let customer = vault.register(&["A-1"]).unwrap()[0].pseudonym;
    let place = kept(&vault, customer, b"95137");
    let path = dir.path().join("secrets");
    let whole = fs::read(&path).unwrap();
    let root = vault.0.root_of(customer).unwrap();
    // The store alone is opened anew each time: the rest of the vault doesn't look at this file.
    let read = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let secrets = Secrets::open(&path, vault.0.keys.vault, Disk::default())?;
        secrets.read(&root, customer, place).map(drop)
    };
    assert!(read(&whole).is_ok());
    for at in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 1 << (at % 8);
        assert!(read(&flipped).is_err(), "byte {at}");
    }
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length} bytes");
    }
    fs::remove_file(&path).unwrap();
    let secrets = Secrets::open(&path, vault.0.keys.vault, Disk::default()).unwrap();
    assert!(secrets.slot(place).is_err(), "the file is gone");
}

#[test]
fn t4_what_was_not_stored_is_passed_over_and_a_failed_sync_ends_the_writing() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::default();
    let (vault, _) = Vault::open_on(&cheap(dir.path()), &disk).unwrap();
    let customer = vault.register(&["A-1"]).unwrap()[0].pseudonym;
    let first = kept(&vault, customer, b"95137");
    let hashed = vault.hash_secret(b"86420").unwrap();
    disk.faults.next_write.store(true, Ordering::SeqCst);
    let refused = vault.keep_secret(customer, &hashed).unwrap_err();
    assert!(matches!(refused, VaultError::NotStored { .. }));
    let third = vault.keep_secret(customer, &hashed).unwrap();
    assert_eq!(third.slot, 2, "the half-written one is left alone");
    disk.faults.next_sync.store(true, Ordering::SeqCst);
    let unknown = vault.keep_secret(customer, &hashed).unwrap_err();
    assert!(matches!(unknown, VaultError::Unknown { .. }));
    let stopped = vault.keep_secret(customer, &hashed).unwrap_err();
    assert!(matches!(stopped, VaultError::Unknown { .. }));
    assert!(vault.secret_matches(customer, first, b"95137").unwrap());
    drop(vault);

    let (vault, _) = Vault::open_on(&cheap(dir.path()), &disk).unwrap();
    assert!(vault.secret_matches(customer, third, b"86420").unwrap());
    assert!(vault.keep_secret(customer, &hashed).unwrap().slot > third.slot);
}

#[test]
fn t4_a_secret_is_durable_when_its_place_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secrets");
    let durable = Arc::new(Mutex::new(Vec::new()));
    let shadow = Arc::clone(&durable);
    let watched = Options {
        after_sync: Some(Arc::new(move |synced: &Path| {
            if synced.ends_with("secrets") {
                *shadow.lock().unwrap() = fs::read(synced).unwrap();
            }
        })),
        ..cheap(dir.path())
    };
    let (vault, _) = Vault::create_or_open(watched).unwrap();
    let customer = vault.register(&["A-1"]).unwrap()[0].pseudonym;
    let place = kept(&vault, customer, b"95137");
    drop(vault);
    fs::write(&path, durable.lock().unwrap().as_slice()).unwrap();
    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    assert!(vault.secret_matches(customer, place, b"95137").unwrap());
}

#[test]
fn a_vault_without_secrets_has_no_file_for_them() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = Vault::create_or_open(cheap(dir.path())).unwrap();
    assert!(!dir.path().join("secrets").exists());
    let nowhere = SecretPlace {
        slot: 0,
        digest: Sha256Digest([0; 32]),
    };
    assert!(matches!(
        vault.check_has_secret(nowhere),
        Err(VaultError::Missing { .. })
    ));
}
