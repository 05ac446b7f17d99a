//! Erasing: whose key is destroyed, and that nobody else's is (E8).

use std::collections::BTreeSet;
use std::fs;

use super::crash::{Files, Watched, materialize};
use super::*;
use crate::vault::erasing::rewrapped_key;

/// Customers enough that many shards have several.
const CUSTOMERS: usize = 600;
const FIELD: &str = "reference";

fn id(number: usize) -> String {
    format!("K-{number}")
}

/// Registers customers and seals something for each.
fn registered(vault: &Vault, numbers: std::ops::Range<usize>) -> Vec<Customer> {
    let ids: Vec<_> = numbers.map(id).collect();
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let made = vault.register(&asked).unwrap();
    let seal = |pseudonym| vault.seal(pseudonym, 7, FIELD, b"said").unwrap();
    (ids.iter().zip(made))
        .map(|(id, made)| Customer {
            id: id.clone(),
            pseudonym: made.pseudonym,
            sealed: seal(made.pseudonym),
        })
        .collect()
}

#[derive(Clone)]
struct Customer {
    id: String,
    pseudonym: Pseudonym,
    sealed: SealedParts,
}

impl Customer {
    fn opens(&self, vault: &Vault) -> Result<OpenedField, VaultError> {
        vault.open_sealed(self.pseudonym, 7, FIELD, &self.sealed)
    }

    fn assert_readable(&self, vault: &Vault) {
        assert_eq!(vault.find(&self.id).unwrap(), Some(self.pseudonym));
        assert_eq!(self.opens(vault).unwrap().plaintext.as_slice(), b"said");
        let id = vault.customer_id(self.pseudonym).unwrap();
        assert_eq!(id.as_ref(), Some(&self.id));
        assert!(!vault.is_erased(self.pseudonym));
    }

    fn assert_erased(&self, vault: &Vault) {
        assert!(vault.is_erased(self.pseudonym));
        let held = vault.0.held();
        let wrapped = rewrapped_key(&held, &self.pseudonym.0).unwrap();
        assert!(wrapped.is_none(), "the new file wraps the erased key, too");
        drop(held);
        let erased = |error| matches!(error, VaultError::Erased(who) if who == self.pseudonym);
        assert!(erased(self.opens(vault).unwrap_err()));
        assert!(erased(
            vault.seal(self.pseudonym, 8, FIELD, b"more").unwrap_err()
        ));
        assert_eq!(vault.customer_id(self.pseudonym).unwrap(), None);
        assert_eq!(vault.find(&self.id).unwrap(), Some(self.pseudonym));
    }
}

/// The shard with the most customers: five at least, where there are so many for 256.
fn fullest(customers: &[Customer]) -> u8 {
    (0..=u8::MAX)
        .max_by_key(|shard| of_shard(customers, *shard).len())
        .unwrap()
}

fn of_shard(customers: &[Customer], shard: u8) -> Vec<Customer> {
    let of_shard = customers.iter().filter(|one| one.pseudonym.0[0] == shard);
    of_shard.cloned().collect()
}

fn erase(vault: &Vault, who: &[Customer]) {
    let pseudonyms: Vec<_> = who.iter().map(|one| one.pseudonym).collect();
    vault.erase(&pseudonyms).unwrap();
}

fn assert_as_erased(vault: &Vault, all: &[Customer], erased: &[Customer]) {
    let gone: BTreeSet<_> = erased.iter().map(|one| one.id.clone()).collect();
    for customer in all {
        match gone.contains(&customer.id) {
            true => customer.assert_erased(vault),
            false => customer.assert_readable(vault),
        }
    }
    assert_eq!(vault.verify().unwrap(), vault.head());
}

#[test]
fn e8_who_is_erased_is_unreadable_and_stays_known_and_everybody_else_is_readable() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let mut all = registered(&vault, 0..CUSTOMERS);
    let shard = of_shard(&all, fullest(&all));
    let mut erased = vec![shard[0].clone(), all[1].clone(), all[CUSTOMERS - 1].clone()];
    erase(&vault, &erased);
    assert_as_erased(&vault, &all, &erased);
    all.extend(registered(&vault, CUSTOMERS..CUSTOMERS + 300));
    let again = vault.register(&[&erased[0].id]).unwrap();
    assert_eq!(again[0].pseudonym, erased[0].pseudonym, "no second life");
    // Another of the same shard, one made since in any shard, and one who is erased already.
    erased.extend([shard[1].clone(), all[CUSTOMERS + 5].clone()]);
    erase(&vault, &erased);
    assert_as_erased(&vault, &all, &erased);
    drop(vault);
    for _ in 0..2 {
        let (vault, opened) = open(dir.path());
        assert_eq!(opened.notes, Vec::<String>::new());
        assert_as_erased(&vault, &all, &erased);
    }
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert_as_erased(&open(dir.path()).0, &all, &erased);
}

#[test]
fn e8_t3_an_erased_customers_secrets_are_unreadable_and_none_is_kept_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..2);
    let hashed = vault.hash_secret(b"swordfish").unwrap();
    let place = vault.keep_secret(all[0].pseudonym, &hashed).unwrap();
    assert!(
        vault
            .secret_matches(all[0].pseudonym, place, b"swordfish")
            .unwrap()
    );
    erase(&vault, &all[..1]);
    let compared = vault.secret_matches(all[0].pseudonym, place, b"swordfish");
    assert!(matches!(compared, Err(VaultError::Erased(_))));
    let kept = vault.keep_secret(all[0].pseudonym, &hashed);
    assert!(matches!(kept, Err(VaultError::Erased(_))));
    vault.check_has_secret(place).unwrap();
}

#[test]
fn e8_one_whom_the_vault_does_not_know_is_told_and_keeps_nobody_elses_keys() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..3);
    let unknown = Pseudonym([9; 16]);
    let refused = vault.erase(&[unknown, all[0].pseudonym]);
    assert!(matches!(refused, Err(VaultError::UnknownPseudonym(who)) if who == unknown));
    assert_as_erased(&vault, &all, &all[..1]);
    assert!(!vault.is_erased(unknown));
}

/// What could open the erased key is on no disk any more: neither the old slot nor the key under another.
#[test]
fn e8_the_old_wrapping_key_is_in_no_file_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..CUSTOMERS);
    let shard = usize::from(all[0].pseudonym.0[0]);
    let slots =
        |bytes: &[u8]| [0, 1].map(|side| bytes[512 * (1 + 256 * side + shard)..][..512].to_vec());
    let before = slots(&fs::read(dir.path().join("shards")).unwrap());
    erase(&vault, &all[..1]);
    drop(vault);
    let after = slots(&fs::read(dir.path().join("shards")).unwrap());
    assert!(before[1].iter().all(|byte| *byte == 0), "one key at first");
    assert!(after[0].iter().all(|byte| *byte == 0), "it was overwritten");
    assert!(after[1].iter().any(|byte| *byte != 0));
    let wrapped = &before[0][24..72];
    for file in fs::read_dir(dir.path()).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(48).any(|found| found == wrapped), "{path:?}");
        }
    }
}

#[test]
fn e8_a_vault_of_before_has_the_key_again_and_erases_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..CUSTOMERS);
    vault.save().unwrap();
    for name in ["keys", "shards", "entries"] {
        fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
    }
    erase(&vault, &all[..2]);
    let (restored, _) = open(copy.path());
    assert_as_erased(&restored, &all, &[]);
    erase(&restored, &all[..2]);
    assert_as_erased(&restored, &all, &all[..2]);
}

#[test]
fn e8_registrations_beside_erasures_lose_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let first = registered(&vault, 0..CUSTOMERS);
    let (erased, mut all) = (first[..40].to_vec(), first);
    let registering = {
        let vault = vault.clone();
        std::thread::spawn(move || {
            (1..9)
                .flat_map(|round| registered(&vault, round * 1000..round * 1000 + 200))
                .collect::<Vec<_>>()
        })
    };
    for who in erased.chunks(5) {
        erase(&vault, who);
    }
    all.extend(registering.join().unwrap());
    assert_as_erased(&vault, &all, &erased);
    drop(vault);
    assert_as_erased(&open(dir.path()).0, &all, &erased);
}

#[test]
fn e8_erasures_beside_each_other_bring_nobody_back() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..CUSTOMERS);
    let erasing = (0..3).map(|thread| {
        let (vault, who) = (vault.clone(), all[..60].to_vec());
        std::thread::spawn(move || {
            for some in who.chunks(3).skip(thread).step_by(3) {
                erase(&vault, some);
            }
        })
    });
    let erasing: Vec<_> = erasing.collect();
    erasing
        .into_iter()
        .for_each(|thread| thread.join().unwrap());
    assert_as_erased(&vault, &all, &all[..60]);
    drop(vault);
    assert_as_erased(&open(dir.path()).0, &all, &all[..60]);
}

/// The disk after each sync of two erasures in one shard, the second of which follows new registrations.
fn run() -> (Vec<Files>, Vec<Customer>, Vec<Customer>) {
    let watched = Watched::new();
    let (vault, _) = Vault::create_or_open(watched.options()).unwrap();
    let mut all = registered(&vault, 0..CUSTOMERS);
    let begun = watched.steps();
    let shard = fullest(&all);
    erase(&vault, &of_shard(&all, shard)[..1]);
    let between = watched.steps();
    all.extend(registered(&vault, CUSTOMERS..CUSTOMERS + 600));
    let second = of_shard(&all, shard);
    erase(&vault, &second[1..3]);
    drop(vault);
    let steps = watched.take();
    assert!(
        between > begun + 3 && steps.len() > between + 4,
        "{begun} {between}"
    );
    (steps[begun - 1..].to_vec(), all, second[..3].to_vec())
}

#[test]
fn t4_e8_a_loss_of_power_in_an_erasure_leaves_everybody_readable_or_the_erased_erased() {
    let (steps, all, erased) = run();
    for (step, files) in steps.iter().enumerate() {
        let dir = materialize(files);
        {
            let (vault, _) = open(dir.path());
            for customer in &all {
                if vault.find(&customer.id).unwrap().is_none() {
                    // Not registered by then.
                    continue;
                }
                let of_erased = erased.iter().any(|one| one.id == customer.id);
                match of_erased && vault.is_erased(customer.pseudonym) {
                    true => customer.assert_erased(&vault),
                    false => customer.assert_readable(&vault),
                }
            }
            let known: Vec<_> = (erased.iter())
                .filter(|one| vault.find(&one.id).unwrap().is_some())
                .cloned()
                .collect();
            erase(&vault, &known);
            known.iter().for_each(|one| one.assert_erased(&vault));
        }
        let (vault, opened) = open(dir.path());
        assert_eq!(opened.notes, Vec::<String>::new(), "step {step}");
        assert_eq!(vault.verify().unwrap(), opened.head, "step {step}");
    }
}

/// Who was killed between the rename and its sync has a name that a loss of power may still take back: the start that
/// finishes the erasure makes it durable before the old key goes.
#[test]
fn t4_e8_a_start_finishes_an_erasure_only_once_the_new_files_name_is_durable() {
    let (steps, ..) = run();
    let mut finished = 0;
    for (step, files) in steps.iter().enumerate() {
        let dir = materialize(files);
        let synced = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&synced);
        let watched = Options {
            after_sync: Some(Arc::new(move |path: &Path| {
                seen.lock().unwrap().push(path.to_owned());
            })),
            ..options(dir.path())
        };
        let (_vault, opened) = Vault::create_or_open(watched).unwrap();
        if opened.notes.iter().any(|note| note.ends_with("finished")) {
            finished += 1;
            let synced = synced.lock().unwrap();
            let at = |path: &Path| synced.iter().position(|one| one == path);
            let (name, slot) = (at(dir.path()), at(&dir.path().join("shards")));
            assert!(name.unwrap() < slot.unwrap(), "step {step}: {synced:?}");
        }
    }
    assert_eq!(finished, 2, "one for each of the erasures");
}

#[test]
fn e8_what_a_torn_slot_may_hold_of_the_old_key_is_overwritten_by_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..CUSTOMERS);
    let path = dir.path().join("shards");
    let at = 512 * (1 + usize::from(all[0].pseudonym.0[0]));
    let before = fs::read(&path).unwrap()[at..at + 512].to_vec();
    erase(&vault, &all[..1]);
    drop(vault);
    let mut bytes = fs::read(&path).unwrap();
    bytes[at..at + 512].copy_from_slice(&before);
    bytes[at + 511] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert_as_erased(&open(dir.path()).0, &all, &all[..1]);
    let bytes = fs::read(&path).unwrap();
    assert!(bytes[at..at + 512].iter().all(|byte| *byte == 0));
    assert_eq!(open(dir.path()).1.notes, Vec::<String>::new());
}

#[test]
fn t4_e8_no_flip_or_cut_of_the_rewrapped_keys_stays_silent() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let all = registered(&vault, 0..CUSTOMERS);
    erase(&vault, &all[..1]);
    drop(vault);
    let path = dir.path().join(rewrapped::name(all[0].pseudonym.0[0]));
    let whole = fs::read(&path).unwrap();
    let refusal = || match Vault::create_or_open(options(dir.path())) {
        Ok(_) => panic!("the vault opened"),
        Err(error) => error.to_string(),
    };
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (at % 8);
        fs::write(&path, bytes).unwrap();
        assert!(refusal().contains("damaged at byte"), "byte {at}");
    }
    for cut in [0, 63, 64, whole.len() - 1] {
        fs::write(&path, &whole[..cut]).unwrap();
        assert!(refusal().contains("damaged at byte"), "cut {cut}");
    }
    fs::remove_file(&path).unwrap();
    assert!(refusal().contains("missing"));
    fs::write(&path, &whole).unwrap();
    assert_as_erased(&open(dir.path()).0, &all, &all[..1]);
}

#[test]
fn t4_e8_a_full_disk_erases_nobody_and_the_next_try_works() {
    let dir = tempfile::tempdir().unwrap();
    let disk = durable::Disk::new(None);
    let (vault, _) = Vault::open_on(&options(dir.path()), &disk).unwrap();
    let all = registered(&vault, 0..CUSTOMERS);
    // The first sync is that of the new file beside its place.
    let order = std::sync::atomic::Ordering::SeqCst;
    disk.faults.next_sync.store(true, order);
    assert!(vault.erase(&[all[0].pseudonym]).is_err());
    assert_as_erased(&vault, &all, &[]);
    erase(&vault, &all[..1]);
    assert_as_erased(&vault, &all, &all[..1]);
    // The next write is that of the slot: now it is unknown which key is in force.
    disk.faults.next_write.store(true, order);
    let failed = vault.erase(&[all[1].pseudonym]);
    assert!(matches!(failed, Err(VaultError::Unknown { .. })));
    let refused = vault.register(&["later"]);
    assert!(matches!(refused, Err(VaultError::Unknown { .. })));
    drop(vault);
    let (vault, _) = open(dir.path());
    assert_as_erased(&vault, &all, &all[..1]);
    erase(&vault, &all[..2]);
    assert_as_erased(&vault, &all, &all[..2]);
}
