//! Loss of power after each sync, and disks that fail.
//!
//! The fault model: what a sync covered survives; of what was written after it, any set of 512-byte
//! sectors survives, the file's length anywhere between. Names survive from the sync of their folder on.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
    sync::{Mutex, atomic::Ordering},
};

use super::*;
use crate::vault::durable::Disk;

/// What the disk surely holds, followed by a hook on each sync.
struct Shadow {
    vault: PathBuf,
    durable: HashMap<u64, Vec<u8>>,
    /// Below the vault's folder.
    names: BTreeMap<PathBuf, u64>,
    /// After each sync: each name with its durable bytes.
    steps: Vec<Files>,
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}

impl Shadow {
    fn synced(&mut self, path: &Path) {
        let Ok(place) = path.strip_prefix(&self.vault) else {
            return;
        };
        if path.is_dir() {
            self.names.retain(|name, _| {
                name.parent() != Some(place) && self.vault.join(name.parent().unwrap()).is_dir()
            });
            let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
            let files = entries.filter(|entry| entry.path().is_file());
            let named = files.map(|file| (place.join(file.file_name()), inode(&file.path())));
            self.names.extend(named);
        } else {
            self.durable.insert(inode(path), fs::read(path).unwrap());
        }
        let bytes = |inode| self.durable.get(inode).cloned().unwrap_or_default();
        let step = self
            .names
            .iter()
            .map(|(name, inode)| (name.clone(), bytes(inode)));
        self.steps.push(step.collect());
    }
}

pub(super) fn materialize(files: &Files) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    dir
}

/// A disk after a sync: its names and their durable bytes.
pub(super) type Files = BTreeMap<PathBuf, Vec<u8>>;

/// The step by which it was told, the customer, the pseudonym told.
type Acknowledged = (usize, String, Pseudonym);

/// A vault whose disk is followed.
pub(super) struct Watched {
    dir: tempfile::TempDir,
    shadow: Arc<Mutex<Shadow>>,
}

impl Watched {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let shadow = Shadow {
            vault: dir.path().join("vault"),
            durable: HashMap::new(),
            names: BTreeMap::new(),
            steps: Vec::new(),
        };
        Self {
            dir,
            shadow: Arc::new(Mutex::new(shadow)),
        }
    }

    pub(super) fn options(&self) -> Options {
        let seen = Arc::clone(&self.shadow);
        Options {
            after_sync: Some(Arc::new(move |synced: &Path| {
                seen.lock().unwrap().synced(synced);
            })),
            ..options(&self.dir.path().join("vault"))
        }
    }

    /// Syncs so far.
    pub(super) fn steps(&self) -> usize {
        self.shadow.lock().unwrap().steps.len()
    }

    /// The disk after each of them.
    pub(super) fn take(&self) -> Vec<Files> {
        std::mem::take(&mut self.shadow.lock().unwrap().steps)
    }
}

/// A run of registrations: the disk after each sync, and who was acknowledged by then.
fn run() -> (Vec<Files>, Vec<Acknowledged>) {
    let watched = Watched::new();
    let mut acknowledged = Vec::new();
    for round in 0..2 {
        let (vault, _) = Vault::create_or_open(watched.options()).unwrap();
        for batch in 0..3 {
            let ids: Vec<String> = (0..batch * 4 + 1)
                .map(|n| format!("{round}-{batch}-{n}"))
                .collect();
            let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
            let made = vault.register(&asked).unwrap();
            let by = watched.steps() - 1;
            let mapped = ids.iter().zip(made);
            acknowledged.extend(mapped.map(|(id, made)| (by, id.clone(), made.pseudonym)));
        }
    }
    (watched.take(), acknowledged)
}

/// Everybody acknowledged by `step` is there; the others can be registered; and it stays so.
fn assert_recovers(files: &Files, step: usize, acknowledged: &[Acknowledged]) {
    let dir = materialize(files);
    let mut now = Vec::new();
    {
        let (vault, _) = open(dir.path());
        for (by, id, pseudonym) in acknowledged {
            let found = vault.find(id).unwrap();
            if *by <= step || found.is_some() {
                assert_eq!(found, Some(*pseudonym), "step {step}: {id}");
            }
            now.push((id.clone(), vault.register(&[id]).unwrap()[0].pseudonym));
        }
    }
    let (vault, opened) = open(dir.path());
    assert_eq!(opened.notes, Vec::<String>::new(), "step {step}");
    assert_maps(&vault, &now);
    assert_eq!(vault.verify().unwrap(), opened.head);
}

#[test]
fn t4_a_loss_of_power_after_any_sync_loses_nobody_acknowledged() {
    let (steps, acknowledged) = run();
    // shards, entries and keys with two syncs each; the openings' two; six batches.
    assert!(steps.len() >= 14, "{}", steps.len());
    for (step, files) in steps.iter().enumerate() {
        assert_recovers(files, step, &acknowledged);
    }
}

/// A small generator of numbers below a limit.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

#[test]
fn t4_a_torn_batch_is_cut_off_with_a_note_however_its_sectors_fell() {
    let (steps, acknowledged) = run();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut torn = 0;
    for (step, pair) in steps.windows(2).enumerate() {
        let name = Path::new("entries");
        let (Some(before), Some(after)) = (pair[0].get(name), pair[1].get(name)) else {
            continue;
        };
        let grown = after.len().saturating_sub(before.len());
        if grown == 0 || before.is_empty() {
            continue;
        }
        for _ in 0..6 {
            let mut bytes = after[..before.len() + random.below(grown + 1)].to_vec();
            for sector in (before.len() / 512 * 512..bytes.len()).step_by(512) {
                if random.below(2) == 0 {
                    let lost = sector.max(before.len())..bytes.len().min(sector + 512);
                    bytes[lost].fill(0);
                }
            }
            torn += usize::from(bytes.len() > before.len());
            let mut files = pair[0].clone();
            files.insert(name.into(), bytes);
            assert_recovers(&files, step, &acknowledged);
        }
    }
    assert!(torn > 10);
}

/// A run in which buckets of the index's table are full and it grows, saved now and then.
fn crowded_run() -> (Vec<Files>, Vec<Acknowledged>) {
    let watched = Watched::new();
    let (vault, _) = Vault::create_or_open(watched.options()).unwrap();
    let mut acknowledged = Vec::new();
    for batch in 0..12 {
        let ids: Vec<String> = (0..25).map(|n| format!("{batch}-{n}")).collect();
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let made = vault.register(&asked).unwrap();
        let by = watched.steps() - 1;
        let mapped = ids.iter().zip(made);
        acknowledged.extend(mapped.map(|(id, made)| (by, id.clone(), made.pseudonym)));
        if batch % 3 == 2 {
            vault.save().unwrap();
        }
    }
    drop(vault);
    (watched.take(), acknowledged)
}

#[test]
fn t4_whichever_sectors_of_the_index_outlive_a_loss_of_power_it_serves_without_a_word() {
    let (steps, acknowledged) = crowded_run();
    let name = Path::new("index/table");
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut mixed, mut grew) = (0, 0);
    for (step, pair) in steps.windows(2).enumerate() {
        let (Some(before), Some(after)) = (pair[0].get(name), pair[1].get(name)) else {
            continue;
        };
        grew += usize::from(before.len() < after.len());
        if before.len() != after.len() || before == after {
            continue;
        }
        for _ in 0..8 {
            let mut files = pair[0].clone();
            let sectors = before.chunks(512).zip(after.chunks(512));
            let table = sectors.map(|either| [either.0, either.1][random.below(2)]);
            files.insert(name.into(), table.collect::<Vec<_>>().concat());
            let dir = materialize(&files);
            let (vault, opened) = open(dir.path());
            for (_, id, pseudonym) in acknowledged.iter().filter(|(by, ..)| *by <= step) {
                assert_eq!(vault.find(id).unwrap(), Some(*pseudonym), "{step}: {id}");
            }
            assert_eq!(vault.find("nobody").unwrap(), None, "step {step}");
            assert_eq!(opened.notes, Vec::<String>::new(), "step {step}");
            mixed += 1;
        }
    }
    assert!(mixed > 16 && grew > 0, "{mixed} {grew}");
}

#[test]
fn t4_a_loss_of_power_while_the_index_grows_loses_nobody() {
    let (steps, acknowledged) = crowded_run();
    for (step, files) in steps.iter().enumerate() {
        assert_recovers(files, step, &acknowledged);
        // What was written of the larger table, beside the one that serves.
        if let Some(table) = files.get(Path::new("index/table")) {
            let mut files = files.clone();
            files.insert(
                "index/table.new".into(),
                [&table[..], &table[..300]].concat(),
            );
            assert_recovers(&files, step, &acknowledged);
        }
    }
}

#[test]
fn t4_a_disk_too_full_for_a_larger_index_leaves_the_one_that_serves() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(None);
    let (vault, _) = Vault::open_on(&options(dir.path()), &disk).unwrap();
    let mut made = Vec::new();
    let mut register = |from: usize, to: usize| {
        for number in from..to {
            let id = format!("F-{number}");
            made.push((id.clone(), vault.register(&[&id]).unwrap()[0].pseudonym));
        }
        vault.save().unwrap();
        assert_maps(&vault, &made);
        assert_eq!(vault.find("nobody").unwrap(), None);
    };
    let length = || fs::metadata(dir.path().join("index/table")).unwrap().len();
    let beside = dir.path().join("index/table.new");
    let small = length();
    // A folder where the larger table is to be written: 64 buckets of 10 places, crowded from 448 keys on.
    fs::create_dir(&beside).unwrap();
    register(0, 180);
    assert_eq!(length(), small, "it could not grow");
    fs::remove_dir(&beside).unwrap();
    register(180, 200);
    assert!(length() > small && !beside.exists());
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_maps(&vault, &made);
}

#[test]
fn t4_a_torn_batch_stays_on_disk_until_the_next_registration() {
    let dir = tempfile::tempdir().unwrap();
    let made = small_vault(dir.path());
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    let path = dir.path().join("entries");
    let whole = fs::read(&path).unwrap();
    let torn = [whole.as_slice(), b"CLVB and no more"].concat();
    fs::write(&path, &torn).unwrap();
    let (vault, opened) = open(dir.path());
    let note = &opened.notes[0];
    assert!(
        note.contains("the 16 bytes after byte") && note.contains("entry 4 is the last"),
        "{note}"
    );
    assert_maps(&vault, &made);
    drop(vault);
    assert_eq!(
        fs::read(&path).unwrap(),
        torn,
        "a start that is refused later leaves the evidence"
    );
    let (vault, _) = open(dir.path());
    vault.register(&["E-5"]).unwrap();
    drop(vault);
    assert!(fs::read(&path).unwrap().starts_with(&whole));
    assert_eq!(open(dir.path()).1.notes, Vec::<String>::new());
}

#[test]
fn t4_a_copy_of_the_running_vault_opens_with_everybody_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, _) = open(dir.path());
    let mut made = Vec::new();
    for round in 0..8 {
        let ids: Vec<String> = (0..40).map(|n| format!("{round}-{n}")).collect();
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let registered = vault.register(&asked).unwrap();
        made.extend(
            ids.iter()
                .cloned()
                .zip(registered.iter().map(|made| made.pseudonym)),
        );
        if round % 2 == 0 {
            vault.save().unwrap();
        }
        // The index first: it must not be ahead of the entries.
        let copy = tempfile::tempdir().unwrap();
        fs::create_dir(copy.path().join("index")).unwrap();
        for name in ["index/progress", "index/table", "keys", "shards", "entries"] {
            fs::copy(dir.path().join(name), copy.path().join(name)).unwrap();
        }
        assert_maps(&open(copy.path()).0, &made);
    }
}

#[test]
fn t4_a_full_disk_registers_nobody_and_the_next_try_works() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(None);
    let (vault, _) = Vault::open_on(&options(dir.path()), &disk).unwrap();
    let first = vault.register(&["A-1"]).unwrap();
    disk.faults.next_write.store(true, Ordering::SeqCst);
    let error = vault.register(&["B-2", "C-3"]).unwrap_err();
    assert!(matches!(error, VaultError::NotStored { .. }), "{error}");
    assert!(error.to_string().contains("make room"), "{error}");
    assert_eq!(
        (vault.find("B-2").unwrap(), vault.head()),
        (None, first[0].head)
    );
    vault.register(&["B-2", "C-3"]).unwrap();
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert_eq!((opened.head.sequence, opened.notes), (3, Vec::new()));
    assert_eq!(vault.verify().unwrap(), opened.head);
}

#[test]
fn t4_after_a_failed_sync_nothing_is_registered_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let disk = Disk::new(None);
    let (vault, _) = Vault::open_on(&options(dir.path()), &disk).unwrap();
    let made = vault.register(&["A-1"]).unwrap();
    disk.faults.next_sync.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let error = vault.register(&["B-2"]).unwrap_err();
        assert!(matches!(error, VaultError::Unknown { .. }), "{error}");
        assert!(error.to_string().contains("stop this process"), "{error}");
    }
    assert_eq!(
        vault.find("B-2").unwrap(),
        None,
        "not told before it is known to be durable"
    );
    drop(vault);
    let (vault, _) = open(dir.path());
    assert_eq!(vault.find("A-1").unwrap(), Some(made[0].pseudonym));
    assert_eq!(vault.register(&["B-2"]).unwrap()[0].head.sequence, 2);
}
