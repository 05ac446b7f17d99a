//! Registering, finding, sealing, and the head that the ledger cites.

use std::{collections::HashSet, sync::Barrier, thread};

use super::*;

#[test]
fn e8_a_customer_keeps_the_pseudonym_through_close_and_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, opened) = open(dir.path());
    assert!(opened.created);
    let made = vault.register(&["A-1", "B-2", "A-1"]).unwrap();
    assert_eq!(made[0], made[2]);
    assert_ne!(made[0].pseudonym, made[1].pseudonym);
    let head = vault.head();
    assert_eq!((head.sequence, made[0].head), (2, head));
    let (seed, token) = (vault.signing_key(), vault.token("call", "c-77"));
    let mac = vault.request_mac("crm", &[9; 32]);
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert_eq!((opened.head, opened.created), (head, false));
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!(vault.find("A-1").unwrap(), Some(made[0].pseudonym));
    assert_eq!(vault.find("C-3").unwrap(), None);
    let id = vault.customer_id(made[1].pseudonym).unwrap();
    assert_eq!(id.as_deref(), Some("B-2"));
    assert_eq!(vault.customer_id(Pseudonym([7; 16])).unwrap(), None);
    assert_eq!(vault.register(&["B-2"]).unwrap()[0], made[1]);
    assert_eq!(vault.register(&[]).unwrap(), []);
    assert_eq!((vault.verify().unwrap(), vault.head()), (head, head));
    assert_eq!(
        (vault.signing_key(), vault.token("call", "c-77")),
        (seed, token)
    );
    assert_eq!(vault.request_mac("crm", &[9; 32]), mac);
}

#[test]
fn a_customer_id_that_breaks_a_rule_is_refused_without_repeating_it() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let long = "x".repeat(129);
    for (id, rule) in [
        ("", "is empty"),
        (long.as_str(), "is longer than 128 bytes"),
        ("secret\n7", "holds a control character"),
        ("secret\u{85}7", "holds a control character"),
    ] {
        for error in [
            vault.find(id).unwrap_err(),
            vault.register(&["A-1", id]).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(text.contains(rule) && !text.contains("secret"), "{text}");
        }
    }
    assert_eq!(
        vault.head().sequence,
        0,
        "no id of a refused call is registered"
    );
    let longest = "é".repeat(64);
    vault.register(&[&longest]).unwrap();
    assert_maps(
        &vault,
        &[(longest.clone(), vault.find(&longest).unwrap().unwrap())],
    );
}

#[test]
fn e8_a_sealed_field_opens_only_where_it_was_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let made = vault.register(&["A-1", "B-2"]).unwrap();
    let (a, b) = (made[0].pseudonym, made[1].pseudonym);
    let text = b"+1 303 555 0100";
    let sealed = vault.seal(a, 42, "phone", text).unwrap();
    let opened = vault.open_sealed(a, 42, "phone", &sealed).unwrap();
    assert_eq!(opened.plaintext.as_slice(), text);
    // What an auditor does with the salt, without our code.
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest([&[2], &opened.salt[..], text].concat());
    assert_eq!(digest.as_slice(), sealed.commitment);
    for other in [
        vault.open_sealed(b, 42, "phone", &sealed),
        vault.open_sealed(a, 43, "phone", &sealed),
        vault.open_sealed(a, 42, "fax", &sealed),
    ] {
        assert!(matches!(other, Err(VaultError::Unsealing { .. })));
    }
    for byte in 0..32 {
        let mut altered = sealed.clone();
        altered.commitment[byte] ^= 1;
        assert!(
            vault.open_sealed(a, 42, "phone", &altered).is_err(),
            "{byte}"
        );
    }
    for byte in 0..sealed.ciphertext.len() {
        let mut altered = sealed.clone();
        altered.ciphertext[byte] ^= 1;
        assert!(
            vault.open_sealed(a, 42, "phone", &altered).is_err(),
            "{byte}"
        );
    }
    let empty = SealedParts {
        commitment: [0; 32],
        ciphertext: Vec::new(),
    };
    assert!(vault.open_sealed(a, 42, "phone", &empty).is_err());
    let unknown = vault.seal(Pseudonym([7; 16]), 42, "phone", text);
    assert!(matches!(unknown, Err(VaultError::UnknownPseudonym(_))));
    assert!(matches!(
        vault.seal(a, 1, "", text),
        Err(VaultError::FieldName { bytes: 0 })
    ));
}

#[test]
fn e8_equal_plaintexts_have_different_commitments_and_ciphertexts() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let made = vault.register(&["A-1", "B-2"]).unwrap();
    let (a, b) = (made[0].pseudonym, made[1].pseudonym);
    let places = [
        (a, 1, "x"),
        (a, 2, "x"),
        (a, 1, "y"),
        (b, 1, "x"),
        (a, 1, "xy"),
    ];
    let sealed =
        places.map(|(who, position, name)| vault.seal(who, position, name, b"same").unwrap());
    let commitments: HashSet<_> = sealed.iter().map(|parts| parts.commitment).collect();
    let ciphertexts: HashSet<_> = sealed
        .iter()
        .map(|parts| parts.ciphertext.clone())
        .collect();
    assert_eq!((commitments.len(), ciphertexts.len()), (5, 5));
    // The same place again, as after a failed append: other content shares no key stream.
    let first = vault.seal(a, 9, "x", &[0; 32]).unwrap();
    let second = vault.seal(a, 9, "x", &[1; 32]).unwrap();
    let stream_shared = first
        .ciphertext
        .iter()
        .zip(&second.ciphertext)
        .filter(|(x, y)| *x ^ *y == 1);
    assert!(stream_shared.count() < 8);
}

#[test]
fn tokens_and_request_macs_keep_their_parts_apart() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    assert_ne!(vault.token("ab", "c"), vault.token("a", "bc"));
    assert_ne!(vault.token("call", "1"), vault.token("person", "1"));
    assert_ne!(
        vault.request_mac("crm", &[1; 32]),
        vault.request_mac("ivr", &[1; 32])
    );
    assert_ne!(
        vault.request_mac("crm", &[1; 32]),
        vault.request_mac("crm", &[2; 32])
    );
}

#[test]
fn a_vault_behind_the_ledger_or_of_another_history_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, opened) = open(dir.path());
    let mut heads = vec![opened.head];
    for id in ["A-1", "B-2", "C-3"] {
        heads.extend(vault.register(&[id]).unwrap().iter().map(|made| made.head));
    }
    for _ in 0..2 {
        heads
            .iter()
            .for_each(|head| vault.check_not_behind(*head).unwrap());
        vault.save().unwrap();
    }
    let ahead = Head {
        sequence: 4,
        hash: [0; 32],
    };
    let text = vault.check_not_behind(ahead).unwrap_err().to_string();
    assert!(
        text.contains("cites vault entry 4") && text.contains("restore the vault"),
        "{text}"
    );
    for head in &heads {
        let other = Head {
            hash: [1; 32],
            ..*head
        };
        let refused = vault.check_not_behind(other);
        assert!(
            matches!(refused, Err(VaultError::Differs { .. })),
            "{refused:?}"
        );
    }
    let (other, opened) = open(tempfile::tempdir().unwrap().path());
    assert_ne!(
        opened.head.hash, heads[0].hash,
        "two empty vaults are told apart"
    );
    assert!(other.check_not_behind(heads[0]).is_err());
}

#[test]
fn a_second_process_is_kept_out() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let second = Vault::create_or_open(options(dir.path()));
    assert!(matches!(second, Err(VaultError::Locked { .. })));
    drop(vault);
    open(dir.path());
}

#[test]
fn t5_concurrent_registrations_and_finds_agree_on_every_customer() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let barrier = Barrier::new(8);
    let maps: Vec<Vec<Pseudonym>> = thread::scope(|scope| {
        let work = |seed: usize| {
            let (vault, barrier) = (vault.clone(), &barrier);
            move || {
                barrier.wait();
                let ids: Vec<String> = (0..120)
                    .map(|n| format!("id-{}", (n * 7 + seed * 31) % 120))
                    .collect();
                for pair in ids.chunks(3) {
                    let pair: Vec<&str> = pair.iter().map(String::as_str).collect();
                    let made = vault.register(&pair).unwrap();
                    let sealed = vault
                        .seal(made[0].pseudonym, seed as u64, "f", b"x")
                        .unwrap();
                    vault
                        .open_sealed(made[0].pseudonym, seed as u64, "f", &sealed)
                        .unwrap();
                    assert_eq!(vault.find(pair[1]).unwrap(), Some(made[1].pseudonym));
                }
                (0..120)
                    .map(|n| vault.find(&format!("id-{n}")).unwrap().unwrap())
                    .collect()
            }
        };
        let threads: Vec<_> = (0..8).map(|seed| scope.spawn(work(seed))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(maps.iter().all(|map| *map == maps[0]));
    assert_eq!(maps[0].iter().collect::<HashSet<_>>().len(), 120);
    assert_eq!(vault.head().sequence, 120);
}

#[test]
fn ten_thousand_registrations_in_batches_survive_a_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let ids: Vec<String> = (0..10_000).map(|n| format!("customer-{n}")).collect();
    let mut made = Vec::new();
    for batch in ids.chunks(97) {
        let batch: Vec<&str> = batch.iter().map(String::as_str).collect();
        let registered = vault.register(&batch).unwrap();
        let mapped = batch.iter().zip(registered);
        made.extend(mapped.map(|(id, registration)| ((*id).to_owned(), registration.pseudonym)));
    }
    let head = vault.head();
    assert_maps(&vault, &made);
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert_eq!((opened.head, opened.notes), (head, Vec::new()));
    assert_maps(&vault, &made);
    assert_eq!(vault.verify().unwrap(), head);
}

#[test]
fn t3_nothing_secret_shows_in_debug_or_in_the_files_in_the_clear() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let made = vault.register(&["customer-303-555-0100"]).unwrap();
    let sealed = vault
        .seal(made[0].pseudonym, 1, "f", b"plain-text-of-f")
        .unwrap();
    let opened = vault
        .open_sealed(made[0].pseudonym, 1, "f", &sealed)
        .unwrap();
    let shown = format!("{vault:?} {opened:?}");
    assert_eq!(shown, "Vault(…) OpenedField(…)");
    drop(vault);
    let needle = b"303-555";
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            if file.is_dir() {
                folders.push(file);
                continue;
            }
            let bytes = std::fs::read(&file).unwrap();
            let clear = bytes.windows(needle.len()).any(|bytes| bytes == needle);
            assert!(!clear, "{}", file.display());
        }
    }
}

#[test]
fn t3_the_files_with_secrets_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("vault");
    drop(open(&path));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for name in ["keys", "shards", "entries"] {
        assert_eq!(mode(&path.join(name)), 0o600, "{name}");
    }
    std::fs::set_permissions(path.join("keys"), PermissionsExt::from_mode(0o640)).unwrap();
    let (_vault, opened) = open(&path);
    assert!(
        opened.notes[0].contains("mode is 640"),
        "{:?}",
        opened.notes
    );
}
