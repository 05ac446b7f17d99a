//! A crash at every step of a commit, with everything dropped that was not synced (T4, T6, E2).
//!
//! Fault model: a file is as it stood at its own last sync; nothing that was written after it exists. The views' files
//! are taken as they happen to stand, torn in the middle of a write, since a view may be any of that.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use consent_ledger::domain::command::Command;
use consent_ledger::domain::ids::{Position, Pseudonym};
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::storage::local::{Stage, SyncObserver};
use engine::*;

/// The files as the disk has them after each sync, and what callers had been told by then.
#[derive(Default)]
struct Disk {
    root: PathBuf,
    files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    told: Vec<Told>,
    crashes: Vec<Crash>,
}

type Told = (Position, Pseudonym, u64);

struct Crash {
    files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    views: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    told: Vec<Told>,
}

#[derive(Clone, Default)]
struct Watch(Arc<Mutex<Disk>>);

impl Watch {
    fn synced(&self, path: &Path) {
        let mut disk = self.0.lock().unwrap();
        let name = |file: &Path, root: &Path| file.strip_prefix(root).unwrap().to_owned();
        if path.is_dir() {
            // The folder's names are durable now: those that are gone are gone, and a file that was synced under
            // another name is there under this one.
            let root = disk.root.clone();
            disk.files.retain(|kept, _| root.join(kept).exists());
            for entry in fs::read_dir(path)
                .unwrap()
                .flatten()
                .filter(|entry| entry.path().is_file())
            {
                let kept = name(&entry.path(), &root);
                disk.files
                    .entry(kept)
                    .or_insert_with(|| Arc::new(fs::read(entry.path()).unwrap_or_default()));
            }
        } else {
            let kept = Arc::new(fs::read(path).unwrap());
            let name = name(path, &disk.root);
            disk.files.insert(name, kept);
        }
        let views = read_all(&disk.root.clone(), &disk.root.join("views"));
        let crash = Crash {
            files: disk.files.clone(),
            views,
            told: disk.told.clone(),
        };
        disk.crashes.push(crash);
    }
}

impl SyncObserver for Watch {
    fn synced(&self, path: &Path, _: Stage) {
        Self::synced(self, path);
    }
}

fn read_all(root: &Path, folder: &Path) -> BTreeMap<PathBuf, Arc<Vec<u8>>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else {
        return found;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(read_all(root, &path));
        } else if let Ok(bytes) = fs::read(&path) {
            found.insert(path.strip_prefix(root).unwrap().to_owned(), Arc::new(bytes));
        }
    }
    found
}

fn lay_out(files: &BTreeMap<PathBuf, Arc<Vec<u8>>>, dir: &Path) {
    for (name, bytes) in files {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::File::create(&path).unwrap().write_all(bytes).unwrap();
    }
}

fn small(dir: &Path, watch: Option<&Watch>) -> consent_ledger::app::Options {
    let mut options = options(dir);
    options.log.tail_bytes = 64 << 10;
    options.state.flush_every = std::time::Duration::from_millis(5);
    options.history.flush_every = std::time::Duration::from_millis(5);
    if let Some(watch) = watch {
        options.log.observer = Some(Arc::new(watch.clone()));
        let of_vault = watch.clone();
        options.vault.after_sync = Some(Arc::new(move |path: &Path| of_vault.synced(path)));
    }
    options
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_a_crash_after_any_sync_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let watch = Watch::default();
    watch.0.lock().unwrap().root = dir.path().to_owned();
    let ledger = try_open(small(dir.path(), Some(&watch))).unwrap();
    for round in 0..12 {
        let id = format!("K-{round}");
        let mut commands: Vec<Command> = vec![open_account(&["local"]), give_notice()];
        commands.extend((0..4).map(|_| deny(RecipientKind::Affiliate)));
        for command in commands {
            let answer = submit(&ledger, &id, command).await.unwrap();
            let mut disk = watch.0.lock().unwrap();
            disk.told
                .push((answer.position, answer.customer.unwrap(), answer.version));
        }
    }
    ledger.close().unwrap();

    let crashes = std::mem::take(&mut watch.0.lock().unwrap().crashes);
    assert!(crashes.len() > 80, "only {} syncs were seen", crashes.len());
    let (mut recovered, mut views_kept) = (0, 0);
    // Every third step, and the first forty: those of a new ledger.
    for (step, crash) in crashes
        .iter()
        .enumerate()
        .filter(|(step, _)| *step < 40 || step % 3 == 0)
    {
        for with_views in [false, true] {
            let copy = tempfile::tempdir().unwrap();
            lay_out(&crash.files, copy.path());
            if with_views {
                lay_out(&crash.views, copy.path());
            }
            match try_open(small(copy.path(), None)) {
                Ok(ledger) => {
                    check(&ledger, &crash.told, step);
                    ledger.close().unwrap();
                    recovered += 1;
                    views_kept += usize::from(with_views);
                }
                // Before anybody was told anything, a ledger that was never finished may be refused.
                Err(refusal) => assert!(crash.told.is_empty(), "step {step}: {refusal}"),
            }
        }
    }
    assert!(
        recovered > 60 && views_kept > 30,
        "{recovered} recovered, {views_kept} with views"
    );
}

/// Each acknowledged command is in the log and in the state.
fn check(ledger: &consent_ledger::app::Ledger, told: &[Told], step: usize) {
    let mut newest: BTreeMap<Pseudonym, u64> = BTreeMap::new();
    for (position, customer, version) in told {
        let entry = ledger.views.record(*position).unwrap().unwrap_or_else(|| {
            panic!("step {step}: acknowledged position {position} is gone");
        });
        assert_eq!(entry.decoded.record.version, *version, "step {step}");
        newest.insert(*customer, *version);
    }
    for (customer, version) in newest {
        let state = ledger.views.customer(customer).unwrap().unwrap();
        assert!(
            state.version >= version,
            "step {step}: the state forgot a record"
        );
    }
}
