//! Flips and cuts over the vault's files: each is found or harmless, none makes it forget or mistake anybody (T4).

use std::fs;

use proptest::prelude::*;

use super::*;
use crate::vault::{
    durable::Disk,
    entries::{Entries, start},
    entry::{BatchHeader, Entry},
    keys::{Keys, VaultId},
    progress::Progress,
};

proptest! {
    #[test]
    fn t6_no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _entry = Entry::parse(&bytes);
        let _header = BatchHeader::parse(VaultId([1; 16]), &bytes);
        let _progress = Progress::parse(&bytes);
        let _entries = BatchHeader::of(u64::MAX, 2, [0; 32], &bytes).entries(&bytes);
    }
}

fn refusal(dir: &Path) -> String {
    match Vault::create_or_open(options(dir)) {
        Ok(_) => panic!("the vault opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn t4_a_flipped_byte_of_the_keys_file_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    small_vault(dir.path());
    let path = dir.path().join("keys");
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        let text = refusal(dir.path());
        assert!(
            text.contains("keys: damaged") && text.contains("restore the vault"),
            "{text}"
        );
    }
    for cut in [0, 1, 100, 223] {
        fs::write(&path, &whole[..cut]).unwrap();
        let text = refusal(dir.path());
        assert!(
            text.contains(&format!("keys: damaged at byte {cut}")),
            "{text}"
        );
    }
    fs::write(&path, [whole.as_slice(), &[0]].concat()).unwrap();
    assert!(refusal(dir.path()).contains("it must have 224 bytes and has more"));
}

#[test]
fn t4_a_lost_file_is_refused_by_name() {
    for name in ["keys", "shards", "entries"] {
        let dir = tempfile::tempdir().unwrap();
        small_vault(dir.path());
        fs::remove_file(dir.path().join(name)).unwrap();
        let text = refusal(dir.path());
        assert!(text.contains(&format!("{name}: missing")), "{text}");
    }
}

#[test]
fn t4_files_of_two_vaults_are_not_mixed() {
    for name in ["keys", "shards", "entries"] {
        let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        small_vault(dir.path());
        small_vault(other.path());
        fs::copy(other.path().join(name), dir.path().join(name)).unwrap();
        let text = refusal(dir.path());
        assert!(text.contains("belongs to another vault"), "{name}: {text}");
    }
}

/// Every byte of the entries file, read as a start without an index reads it.
#[test]
fn t4_a_flipped_byte_of_the_entries_is_refused_or_cuts_only_the_last_batch() {
    let dir = tempfile::tempdir().unwrap();
    small_vault(dir.path());
    let vault = Keys::read(&dir.path().join("keys")).unwrap().vault;
    let path = dir.path().join("entries");
    let whole = fs::read(&path).unwrap();
    let mut last_batch = 0;
    let read = |last_batch: &mut u64| -> Result<(u64, u64, u64), VaultError> {
        let entries = Entries::open(&path, vault, Disk::new(None))?;
        let visit = &mut |batch: crate::vault::entries::Batch| -> Result<(), VaultError> {
            *last_batch = batch.offset;
            Ok(())
        };
        let (end, torn) = entries.replay(start(vault), visit)?;
        Ok((end.head.sequence, end.offset, torn))
    };
    assert_eq!(read(&mut last_batch).unwrap(), (4, whole.len() as u64, 0));
    for at in 0..whole.len() {
        for mask in [1 << (at % 8), 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= mask;
            fs::write(&path, bytes).unwrap();
            match read(&mut 0) {
                Err(VaultError::Damaged { offset, .. }) => {
                    assert!(
                        offset <= at as u64 && (at as u64) < last_batch,
                        "byte {at}: {offset}"
                    );
                }
                Err(other) => panic!("byte {at}: {other}"),
                Ok(found) => {
                    let torn = whole.len() as u64 - last_batch;
                    assert_eq!(found, (3, last_batch, torn), "byte {at}");
                    assert!(at as u64 >= last_batch);
                }
            }
        }
    }
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        match read(&mut 0) {
            Err(VaultError::Damaged { offset: 0, .. }) => assert!(cut < 64),
            Err(other) => panic!("cut {cut}: {other}"),
            Ok((sequence, offset, torn)) => {
                assert!(sequence < 4 && offset + torn == cut as u64, "cut {cut}");
            }
        }
    }
}

/// The whole vault with its index, as after a clean stop: then every loss is found.
#[test]
fn t4_with_its_index_no_flip_or_cut_of_the_entries_stays_silent() {
    let dir = tempfile::tempdir().unwrap();
    let made = small_vault(dir.path());
    let path = dir.path().join("entries");
    let whole = fs::read(&path).unwrap();
    for at in (0..whole.len()).step_by(5) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x40;
        fs::write(&path, bytes).unwrap();
        found(dir.path(), &made, at);
        fs::write(&path, &whole[..at]).unwrap();
        assert!(
            Vault::create_or_open(options(dir.path())).is_err(),
            "cut at {at}"
        );
    }
    fs::write(&path, &whole).unwrap();
    assert_maps(&open(dir.path()).0, &made);
}

fn found(dir: &Path, made: &[(String, Pseudonym)], at: usize) {
    let Ok((vault, _)) = Vault::create_or_open(options(dir)) else {
        return;
    };
    for (id, pseudonym) in made {
        match vault.find(id) {
            Ok(found) => assert_eq!(found, Some(*pseudonym), "byte {at}: {id}"),
            Err(error) => assert!(
                matches!(error, VaultError::Damaged { .. }),
                "byte {at}: {error}"
            ),
        }
    }
    assert!(vault.verify().is_err(), "byte {at}");
}
