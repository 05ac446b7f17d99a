//! What the power leaves. A shadow of the disk is kept beside a log: what each file held at its last sync. A crash at
//! any moment leaves that, and of everything written since, any part.
//!
//! # Fault model
//!
//! - *Nothing more*: only what was synced is there (files that were never synced are empty or missing).
//! - *Any sectors*: each sector of 512 bytes written since the last sync of its file is there or is not.
//! - *Everything*: the process died and the power stayed.
//!
//! A file that grew since its last sync may be short, or have zeros where it grew. sled syncs its `snap.*` files itself, but
//! not their names: until the folder is synced there may be the old ones, the new one, both or none, and one half-written
//! under its first name. Damage is not in this model: `storage_tamper.rs` has it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failure here is the test's failure; the tallies are printed for the docs"
)]

mod storage_support;

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use consent_ledger::{
    ledger::StoredBlock,
    storage::{
        Journal,
        local::{Local, Options, Stage, SyncObserver},
    },
};
use storage_support::{Chain, LEDGER, fill, folder, lagging, look, open, reopening, small};

const SECTOR: usize = 512;

/// The disk's shadow.
struct Shadow {
    dir: PathBuf,
    /// What becomes of an image, given what was acknowledged by then.
    then: fn(&Path, &[StoredBlock]) -> Result<(), String>,
    /// The sync before which images are taken.
    at: fn(Stage) -> bool,
    /// Files that are taken as they are, to save time: what the test is not about.
    as_it_is: &'static str,
    inner: Mutex<Inner>,
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

struct Inner {
    /// Each file as it was at its last sync.
    synced: Files,
    /// sled's snapshots as they were when their folder was last synced.
    snapshots: Files,
    /// What the journal has acknowledged so far; kept by the test.
    acknowledged: Vec<StoredBlock>,
    crashes: usize,
    losses: Vec<String>,
    random: Chain,
    /// One in so many syncs leaves images.
    every: u64,
}

impl Shadow {
    fn new(dir: &Path, seed: u64, every: u64) -> Shadow {
        Shadow {
            dir: dir.to_owned(),
            then: |image, acknowledged| after_crash(&lagging(image), acknowledged),
            at: |stage| matches!(stage, Stage::Tail | Stage::Database),
            as_it_is: "lock",
            inner: Mutex::new(Inner {
                synced: files_in(dir, dir),
                snapshots: snapshots_in(dir),
                acknowledged: Vec::new(),
                crashes: 0,
                losses: Vec::new(),
                random: Chain::new(seed),
                every,
            }),
        }
    }

    fn acknowledge(&self, block: StoredBlock) {
        self.inner.lock().unwrap().acknowledged.push(block);
    }

    /// How many crashes were tried; panics with those that lost something.
    fn crashes(&self) -> usize {
        let inner = self.inner.lock().unwrap();
        assert!(inner.losses.is_empty(), "{}", inner.losses.join("\n"));
        inner.crashes
    }
}

/// Opens what a crash left: all that was acknowledged is there, and the log goes on.
fn after_crash(options: &Options, acknowledged: &[StoredBlock]) -> Result<(), String> {
    let opened = Local::open(options.clone(), Some(LEDGER));
    let (local, _) = opened.map_err(|refusal| refusal.to_string())?;
    look(&local, acknowledged).map_err(|lost| lost.to_string())?;
    let mut chain = Chain::after(local.head(), 99);
    let more = fill(&local, &mut chain, 3);
    let head = local.head();
    local.close().map_err(|error| error.to_string())?;
    let opened = Local::open(options.clone(), None);
    let (local, recovery) = opened.map_err(|refusal| refusal.to_string())?;
    look(&local, acknowledged).map_err(|lost| lost.to_string())?;
    if !recovery.clean || local.head() != head || head.next != more[2].next() {
        return Err(format!("the log did not go on: {recovery:?}"));
    }
    Ok(())
}

impl Inner {
    /// Every way in which the names of sled's snapshots may have fallen.
    fn snapshots_left(&self, live: &Files) -> Vec<Files> {
        let now = live.clone().into_iter();
        let now: Files = now.filter(|(name, _)| is_snapshot(name)).collect();
        if now == self.snapshots {
            return vec![now];
        }
        let both = self.snapshots.clone().into_iter().chain(now.clone());
        let mut half = self.snapshots.clone();
        if let Some((name, bytes)) = now.last_key_value() {
            let name = PathBuf::from(format!("{}.generating", name.display()));
            half.insert(name, bytes[..bytes.len() / 2].to_vec());
        }
        vec![
            self.snapshots.clone(),
            now,
            both.collect(),
            Files::new(),
            half,
        ]
    }

    /// A crash now. `present(…)` says whether a sector written since its file's last sync is there.
    fn crash(
        &mut self,
        live: &Files,
        then: fn(&Path, &[StoredBlock]) -> Result<(), String>,
        mut present: impl FnMut(&mut Chain) -> bool,
    ) {
        let image = folder();
        for (name, now) in live {
            let then = self.synced.get(name).cloned().unwrap_or_default();
            let mut bytes = then.clone();
            if present(&mut self.random) {
                bytes.resize(now.len(), 0);
            }
            let sectors = bytes.chunks_mut(SECTOR).zip(now.chunks(SECTOR)).enumerate();
            for (at, (kept, written)) in sectors {
                let before = then.get(at * SECTOR..).unwrap_or_default();
                let changed = !before.starts_with(written);
                if changed && present(&mut self.random) {
                    let length = kept.len().min(written.len());
                    kept[..length].copy_from_slice(&written[..length]);
                }
            }
            let path = image.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        self.crashes += 1;
        if let Err(lost) = then(image.path(), &self.acknowledged) {
            let count = self.acknowledged.len();
            self.losses
                .push(format!("a crash after {count} blocks: {lost}"));
        }
    }
}

impl SyncObserver for Shadow {
    fn before(&self, _: &Path, stage: Stage) -> io::Result<()> {
        if !(self.at)(stage) {
            return Ok(());
        }
        let mut inner = self.inner.lock().unwrap();
        if !inner.random.random().is_multiple_of(inner.every) {
            return Ok(());
        }
        let live = files_in(&self.dir, &self.dir);
        for (name, bytes) in &live {
            if is_snapshot(name) || name.to_string_lossy().contains(self.as_it_is) {
                inner.synced.insert(name.clone(), bytes.clone());
            }
        }
        for left in inner.snapshots_left(&live) {
            let mut live = live.clone();
            live.retain(|name, _| !is_snapshot(name));
            for (name, bytes) in left {
                inner.synced.insert(name.clone(), bytes.clone());
                live.insert(name, bytes);
            }
            inner.crash(&live, self.then, |_| false);
            inner.crash(&live, self.then, |_| true);
            for _ in 0..3 {
                inner.crash(&live, self.then, |random| random.random().is_multiple_of(2));
            }
        }
        Ok(())
    }

    fn synced(&self, path: &Path, _: Stage) {
        if path.ends_with(self.as_it_is) {
            return;
        }
        if path.ends_with("blocks") {
            self.inner.lock().unwrap().snapshots = snapshots_in(&self.dir);
        }
        if let Ok(bytes) = fs::read(path) {
            let name = path.strip_prefix(&self.dir).unwrap().to_owned();
            self.inner.lock().unwrap().synced.insert(name, bytes);
        }
    }
}

fn is_snapshot(name: &Path) -> bool {
    name.to_string_lossy().contains("snap.")
}

fn snapshots_in(dir: &Path) -> Files {
    let all = files_in(dir, dir).into_iter();
    all.filter(|(name, _)| is_snapshot(name)).collect()
}

/// All files below `dir` but the lock, by name.
fn files_in(dir: &Path, root: &Path) -> Files {
    let mut files = Files::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_in(&path, root));
        } else if let Ok(bytes) = fs::read(&path) {
            files.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
        }
    }
    files
}

/// Appends while the shadow watches.
fn run(shadow: &Arc<Shadow>, options: Options, blocks: impl Iterator<Item = StoredBlock>) {
    let (local, _) = open(Options {
        observer: Some(shadow.clone()),
        ..options
    });
    for block in blocks {
        local.append(block.first, &block).unwrap();
        shadow.acknowledge(block);
    }
}

#[test]
fn t4_e2_the_power_may_go_at_any_sync_and_nothing_acknowledged_is_lost() {
    let mut crashes = 0;
    for seed in 1..=6 {
        let dir = folder();
        let shadow = Arc::new(Shadow::new(dir.path(), seed, 8));
        let options = if seed % 2 == 0 { small } else { lagging };
        let mut chain = Chain::new(seed);
        run(
            &shadow,
            options(dir.path()),
            (0..40).map(|_| chain.any_block()),
        );
        crashes += shadow.crashes();
    }
    assert!(crashes > 50, "only {crashes} crashes were tried");
}

#[test]
fn t4_e2_the_power_may_go_while_the_database_is_opened_anew() {
    let mut crashes = 0;
    for seed in 11..=14 {
        let dir = folder();
        let shadow = Arc::new(Shadow {
            at: |stage| matches!(stage, Stage::Database | Stage::Folders),
            ..Shadow::new(dir.path(), seed, 6)
        });
        let mut chain = Chain::new(seed);
        run(
            &shadow,
            reopening(dir.path()),
            (0..60).map(|_| chain.any_block()),
        );
        crashes += shadow.crashes();
    }
    assert!(crashes > 50, "only {crashes} crashes were tried");
}

#[test]
fn t4_e2_the_power_may_go_again_during_recovery() {
    let dir = folder();
    let shadow = Arc::new(Shadow {
        then: |image, acknowledged| {
            let again = Arc::new(Shadow {
                at: |_| true,
                ..Shadow::new(image, 3, 1)
            });
            again.inner.lock().unwrap().acknowledged = acknowledged.to_vec();
            run(&again, lagging(image), std::iter::empty());
            assert!(again.crashes() >= 20);
            Ok(())
        },
        ..Shadow::new(dir.path(), 8, 30)
    });
    let mut chain = Chain::new(8);
    run(
        &shadow,
        lagging(dir.path()),
        (0..50).map(|_| chain.any_block()),
    );
    let crashes = shadow.crashes();

    assert!(crashes >= 5);
}

/// sled overwrites a segment whose pages it has rewritten elsewhere, and believes that the rewritten ones are on the
/// disk as soon as `sync_file_range` returns. They are not, and blocks that were settled long ago would be lost with
/// both copies. That is why the database is settled at least every two MiB of blocks.
#[test]
fn t4_settled_blocks_survive_the_reuse_of_their_segments() {
    let dir = folder();
    let shadow = Arc::new(Shadow {
        at: |stage| stage == Stage::Database,
        as_it_is: "tail",
        then: |image, acknowledged| after_crash(&large(image), acknowledged),
        ..Shadow::new(dir.path(), 7, 4)
    });
    let mut chain = Chain::new(7);
    run(
        &shadow,
        large(dir.path()),
        (0..400).map(|_| chain.block(2, 40_000)),
    );
    assert!(shadow.crashes() >= 10);
}

#[test]
fn t4_e2_the_power_may_go_while_a_database_of_many_segments_is_opened_anew() {
    let dir = folder();
    let anew = |dir: &Path| Options {
        reopen_after_bytes: 3 << 20,
        ..large(dir)
    };
    let shadow = Arc::new(Shadow {
        at: |stage| matches!(stage, Stage::Database | Stage::Folders),
        as_it_is: "tail",
        then: |image, acknowledged| after_crash(&large(image), acknowledged),
        ..Shadow::new(dir.path(), 17, 12)
    });
    let mut chain = Chain::new(17);
    run(
        &shadow,
        anew(dir.path()),
        (0..400).map(|_| chain.block(2, 40_000)),
    );
    let segments = fs::metadata(dir.path().join("blocks/db")).unwrap().len() >> 23;
    assert!(segments > 3 && shadow.crashes() >= 20, "{segments}");
}

fn large(dir: &Path) -> Options {
    Options {
        tail_bytes: 8 << 20,
        ..lagging(dir)
    }
}
