//! The index is a view: lost, damaged or lying, it must not make the vault forget anybody.

use std::{collections::HashMap, fs};

use super::*;
use crate::vault::{
    entries,
    keys::Keys,
    progress::{Key, Progress, customer_key},
    table::{Place, Table},
};

/// Makes the table anew from what `change` leaves of its keys.
fn alter(dir: &Path, change: impl FnOnce(&mut HashMap<Key, u64>)) {
    let path = dir.join("index/table");
    let open = || Table::open_or_create(&path, Disk::default()).unwrap();
    let mut keys = HashMap::new();
    let mut keep = |place: &Place<'_>| {
        keys.insert(place.key, place.offset);
        Ok::<(), String>(())
    };
    open().visit(&mut keep).unwrap();
    change(&mut keys);
    fs::remove_file(&path).unwrap();
    let mut keys: Vec<_> = keys.into_iter().collect();
    open().insert(&mut keys).unwrap();
}

#[test]
fn a_deleted_index_is_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let made = small_vault(dir.path());
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let (vault, opened) = open(dir.path());
    assert_eq!((opened.head.sequence, opened.notes), (4, Vec::new()));
    assert_maps(&vault, &made);
    assert_eq!(vault.find("nobody").unwrap(), None);
}

#[test]
fn t4_an_index_that_lost_a_customer_is_not_believed_and_rebuilt() {
    let dir = tempfile::tempdir().unwrap();
    let made = small_vault(dir.path());
    let lookup =
        crate::vault::mac::Macs::new(&Keys::read(&dir.path().join("keys")).unwrap()).lookup("B-2");
    alter(dir.path(), |keys| {
        keys.remove(&customer_key(&lookup)).unwrap();
    });
    let (vault, opened) = open(dir.path());
    assert_eq!(
        opened.notes,
        Vec::<String>::new(),
        "the keys are counted behind the start"
    );
    for id in ["B-2", "nobody"] {
        let text = vault.find(id).unwrap_err().to_string();
        assert!(
            text.contains("3 customers of 4") && text.contains("start the process again"),
            "{text}"
        );
        assert!(
            vault.register(&[id]).is_err(),
            "a second pseudonym would forget a denial"
        );
    }
    assert_eq!(
        vault.find("A-1").unwrap(),
        Some(made[0].1),
        "hits prove themselves"
    );
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert!(
        opened.notes[0].contains("rebuilt from the entries"),
        "{:?}",
        opened.notes
    );
    assert_maps(&vault, &made);
    assert_eq!(vault.find("nobody").unwrap(), None);
    drop(vault);
    assert_eq!(open(dir.path()).1.notes, Vec::<String>::new());
}

#[test]
fn t4_an_index_that_leads_to_somebody_else_is_found_out() {
    let dir = tempfile::tempdir().unwrap();
    let made = small_vault(dir.path());
    let macs = crate::vault::mac::Macs::new(&Keys::read(&dir.path().join("keys")).unwrap());
    alter(dir.path(), |keys| {
        let other = keys[&customer_key(&macs.lookup("A-1"))];
        keys.insert(customer_key(&macs.lookup("B-2")), other);
    });
    let (vault, _) = open(dir.path());
    assert!(matches!(vault.find("B-2"), Err(VaultError::Index { .. })));
    drop(vault);
    assert_maps(&open(dir.path()).0, &made);
}

#[test]
fn t4_damaged_index_files_are_rebuilt_or_harmless() {
    let base = tempfile::tempdir().unwrap();
    let made = small_vault(base.path());
    let index = base.path().join("index");
    let table = fs::read(index.join("table")).unwrap();
    for round in 0..24 {
        let mut bytes = table.clone();
        match round % 3 {
            0 => bytes[round * 997 % table.len()] ^= 1 << (round % 8),
            1 => bytes.truncate(table.len() * round / 24),
            _ => bytes[table.len() * round / 24..]
                .iter_mut()
                .take(300)
                .for_each(|byte| *byte = 0xff),
        }
        fs::write(index.join("table"), bytes).unwrap();
        assert_heals(base.path(), &made, &format!("table, round {round}"));
    }
    for at in [0, 40, 80] {
        let mut bytes = fs::read(index.join("progress")).unwrap();
        bytes[at] ^= 0xff;
        fs::write(index.join("progress"), bytes).unwrap();
        assert_heals(base.path(), &made, &format!("progress, byte {at}"));
    }
    for lost in ["table", "progress"] {
        fs::remove_file(index.join(lost)).unwrap();
        assert_heals(base.path(), &made, &format!("no {lost}"));
    }
}

/// After a few starts the index serves again, and nobody was forgotten meanwhile.
fn assert_heals(dir: &Path, made: &[(String, Pseudonym)], case: &str) {
    for _ in 0..3 {
        let (vault, _) = open(dir);
        match vault.find("nobody") {
            Ok(None) => return assert_maps(&vault, made),
            Err(VaultError::Index { .. }) => {}
            other => panic!("{case}: {other:?}"),
        }
    }
    panic!("{case}: not healed");
}

#[test]
fn t4_an_index_that_saw_more_entries_than_are_left_refuses_the_vault() {
    let dir = tempfile::tempdir().unwrap();
    small_vault(dir.path());
    let path = dir.path().join("entries");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 200]).unwrap();
    let error = Vault::create_or_open(options(dir.path())).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            error,
            VaultError::Lost {
                own: 3,
                seen: 4,
                ..
            }
        ),
        "{text}"
    );
    assert!(text.contains("restore the vault from a backup"), "{text}");
    // The same when a crash left the saved progress behind what the index holds.
    let vault_id = Keys::read(&dir.path().join("keys")).unwrap().vault;
    let progress = Progress::start(entries::start(vault_id)).to_bytes();
    fs::write(dir.path().join("index/progress"), progress).unwrap();
    let (vault, _) = open(dir.path());
    for _ in 0..2 {
        assert!(matches!(
            vault.find("Dé-4"),
            Err(VaultError::Damaged { .. } | VaultError::Lost { .. })
        ));
        assert!(matches!(
            vault.register(&["new"]),
            Err(VaultError::Lost {
                own: 3,
                seen: 4,
                ..
            })
        ));
    }
    // A restored backup is taken as what it is once the index is deleted, and the ledger has the last word.
    drop(vault);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert_eq!(open(dir.path()).1.head.sequence, 3);
}
