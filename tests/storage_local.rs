//! What `local` promises beyond the contract: it fails as it says, stops when it must, keeps its files in bounds, and
//! lets an auditor look without being touched.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failure here is the test's failure; the tallies are printed for the docs"
)]

mod storage_support;

use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
    },
    thread,
    time::Duration,
};

use consent_ledger::{
    ledger::StoredBlock,
    storage::{
        AppendError, Journal,
        local::{AuditError, Local, OpenError, Options, Stage, SyncObserver},
    },
};
use storage_support::{
    Chain, LEDGER, check, copy, database_file, fill, flip, folder, lagging, look, open, reopening,
    small,
};

/// A disk that does as it is told.
#[derive(Default)]
struct Disk {
    tail_fails: AtomicBool,
    database_fails: AtomicBool,
    database_hangs: AtomicBool,
    free: AtomicU64,
}

impl Disk {
    fn new() -> Arc<Disk> {
        let disk = Disk::default();
        disk.free.store(u64::MAX, SeqCst);
        Arc::new(disk)
    }
}

impl SyncObserver for Disk {
    fn before(&self, _: &Path, stage: Stage) -> io::Result<()> {
        let fails = match stage {
            Stage::Tail => self.tail_fails.load(SeqCst),
            Stage::Database => self.database_fails.load(SeqCst),
            _ => false,
        };
        while stage == Stage::Database && self.database_hangs.load(SeqCst) {
            thread::sleep(Duration::from_millis(1));
        }
        if fails {
            return Err(io::Error::other("input/output error"));
        }
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(SeqCst))
    }
}

fn on(disk: &Arc<Disk>, options: Options) -> Local {
    let observer: Arc<dyn SyncObserver> = disk.clone();
    open(Options {
        observer: Some(observer),
        ..options
    })
    .0
}

#[test]
fn t4_a_failed_sync_of_the_tail_is_unknown_and_ends_the_journal() {
    let dir = folder();
    let disk = Disk::new();
    let local = on(&disk, small(dir.path()));
    let mut chain = Chain::new(1);
    let blocks = fill(&local, &mut chain, 10);
    disk.tail_fails.store(true, SeqCst);
    let block = chain.any_block();
    let failed = local.append(block.first, &block);
    assert!(matches!(failed, Err(AppendError::Unknown(_))), "{failed:?}");
    // The disk is well again, and that changes nothing: what a failed sync lost stays lost.
    disk.tail_fails.store(false, SeqCst);
    let again = local.append(block.first, &block);
    assert!(matches!(again, Err(AppendError::Unknown(_))), "{again:?}");
    assert!(local.failure().is_some());
    check(&local, &blocks);
    assert!(local.close().is_err());
    // The block was written and perhaps not synced: opening decides, and says so by its head.
    let (local, _) = open(small(dir.path()));
    check(&local, &blocks);
}

#[test]
fn t4_a_failed_sync_of_the_database_ends_the_journal_too() {
    let dir = folder();
    let disk = Disk::new();
    let (telling, told) = std::sync::mpsc::channel();
    let options = Options {
        on_failure: Some(Arc::new(move |why: &str| {
            let _ = telling.send(why.to_owned());
        })),
        ..small(dir.path())
    };
    let local = on(&disk, options);
    let mut chain = Chain::new(2);
    disk.database_fails.store(true, SeqCst);
    let mut acknowledged = Vec::new();
    let failed = loop {
        let block = chain.any_block();
        match local.append(block.first, &block) {
            Ok(()) => acknowledged.push(block),
            Err(failed) => break failed,
        }
        assert!(acknowledged.len() < 1000, "a tail of 64 KiB took this all");
    };
    assert!(matches!(failed, AppendError::Unknown(_)), "{failed:?}");
    assert_eq!(told.recv().ok(), local.failure(), "told unasked");
    check(&local, &acknowledged);
    drop(local);
    let (local, _) = open(small(dir.path()));
    check(&local, &acknowledged);
}

#[test]
fn t4_a_full_disk_refuses_blocks_and_takes_them_again_when_there_is_room() {
    let dir = folder();
    let disk = Disk::new();
    let options = Options {
        free_bytes_min: 1 << 20,
        ..small(dir.path())
    };
    let local = on(&disk, options.clone());
    let mut chain = Chain::new(3);
    let mut blocks = fill(&local, &mut chain, 1);
    disk.free.store(1000, SeqCst);
    let refused = loop {
        let block = chain.block(2, 20_000);
        match local.append(block.first, &block) {
            Ok(()) => blocks.push(block),
            Err(refused) => break (refused, block),
        }
    };
    assert!(
        matches!(refused.0, AppendError::Unavailable(_)),
        "{:?}",
        refused.0
    );
    assert!(
        refused.0.to_string().contains("1000 free bytes"),
        "{}",
        refused.0
    );
    check(&local, &blocks);
    disk.free.store(u64::MAX, SeqCst);
    local.append(refused.1.first, &refused.1).unwrap();
    blocks.push(refused.1);
    check(&local, &blocks);
}

#[test]
fn t4_a_full_tail_waits_for_the_database_and_then_says_that_nothing_was_stored() {
    let dir = folder();
    let disk = Disk::new();
    let options = Options {
        room_timeout: Duration::from_millis(50),
        ..lagging(dir.path())
    };
    let local = on(&disk, options);
    let mut chain = Chain::new(4);
    let mut blocks = fill(&local, &mut chain, 40);
    disk.database_hangs.store(true, SeqCst);
    let refused = loop {
        let block = chain.any_block();
        match local.append(block.first, &block) {
            Ok(()) => blocks.push(block),
            Err(refused) => break (refused, block),
        }
    };
    assert!(
        matches!(refused.0, AppendError::Unavailable(_)),
        "{:?}",
        refused.0
    );
    let again = local.append(refused.1.first, &refused.1);
    assert!(
        matches!(again, Err(AppendError::Unavailable(_))),
        "{again:?}"
    );
    check(&local, &blocks);
    disk.database_hangs.store(false, SeqCst);
    while let Err(refused) = local.append(refused.1.first, &refused.1) {
        assert!(
            matches!(refused, AppendError::Unavailable(_)),
            "{refused:?}"
        );
    }
    blocks.push(refused.1);
    check(&local, &blocks);
}

#[test]
fn the_ring_wraps_many_times_and_its_file_keeps_its_size() {
    let dir = folder();
    let (local, _) = open(small(dir.path()));
    let mut chain = Chain::new(5);
    let blocks = fill(&local, &mut chain, 400);
    check(&local, &blocks);
    let bytes: usize = blocks.iter().map(|block| block.bytes.len()).sum();
    assert!(bytes > 10 * (64 << 10), "{bytes}");
    assert_eq!(
        fs::metadata(dir.path().join("tail")).unwrap().len(),
        64 << 10
    );
    local.close().unwrap();
    let (local, recovery) = open(small(dir.path()));
    assert!(recovery.clean && recovery.refilled == 0, "{recovery:?}");
    check(&local, &blocks);
}

#[test]
fn a_block_larger_than_the_tail_is_not_stored() {
    let dir = folder();
    let (local, _) = open(small(dir.path()));
    let large = Chain::new(6).block(2, 44_000);
    let refused = local.append(0, &large);
    assert!(
        matches!(refused, Err(AppendError::Unavailable(_))),
        "{refused:?}"
    );
    check(&local, &[]);
}

/// sled puts a value above a quarter of a segment into a file under `blobs/` that it never syncs.
#[test]
fn t4_no_blob_file_appears_with_blocks_at_their_limit() {
    let dir = folder();
    let options = Options {
        tail_bytes: 16 << 20,
        ..small(dir.path())
    };
    let (local, _) = open(options.clone());
    let mut chain = Chain::new(7);
    let pattern: Vec<StoredBlock> = vec![chain.block(1, 60_000)];
    local.append(0, &pattern[0]).unwrap();
    let mut bytes = 0;
    while bytes < 200 << 20 {
        let block = chain.large_block();
        assert!(block.bytes.len() > 90_000, "{}", block.bytes.len());
        bytes += block.bytes.len();
        local.append(block.first, &block).unwrap();
    }
    local.close().unwrap();
    let blobs = fs::read_dir(dir.path().join("blocks").join("blobs")).unwrap();
    assert_eq!(blobs.count(), 0);
    let length = fs::metadata(database_file(dir.path())).unwrap().len();
    assert!(length < 3 * bytes as u64, "{length} bytes for {bytes}");
    let (local, _) = open(options);
    check(&local, &pattern);
}

#[test]
fn a_log_with_blob_files_is_refused() {
    let dir = folder();
    let (local, _) = open(small(dir.path()));
    fill(&local, &mut Chain::new(8), 3);
    local.close().unwrap();
    fs::write(dir.path().join("blocks").join("blobs").join("12345"), b"x").unwrap();
    let refusal = Local::open(small(dir.path()), None).err();
    assert!(
        matches!(refusal, Some(OpenError::Blobs { .. })),
        "{refusal:?}"
    );
}

#[test]
fn two_processes_never_open_one_log() {
    let dir = folder();
    let (local, _) = open(small(dir.path()));
    let refusal = Local::open(small(dir.path()), None).err().unwrap();
    let pid = std::process::id().to_string();
    let text = refusal.to_string();
    assert!(
        text.contains(&pid) && text.contains(dir.path().to_str().unwrap()),
        "{text}"
    );
    let audit = Local::copy_for_audit(dir.path(), &dir.path().join("copy")).err();
    let locked = matches!(audit, Some(AuditError::Refused(OpenError::Locked { .. })));
    assert!(locked, "{audit:?}");
    drop(local);
    open(small(dir.path()));
}

#[test]
fn a_log_is_only_created_when_a_ledger_is_named() {
    let dir = folder();
    let nowhere = dir.path().join("log");
    let refusal = Local::open(small(&nowhere), None).err();
    assert!(
        matches!(refusal, Some(OpenError::NoLog { .. })),
        "{refusal:?}"
    );
    assert!(!nowhere.exists());
    let (local, recovery) = open(small(&nowhere));
    assert!(recovery.created && recovery.clean);
    drop(local);
    let (_, recovery) = Local::open(small(&nowhere), None).unwrap();
    assert_eq!(recovery.ledger, LEDGER);
    assert!(!recovery.created);
}

#[test]
fn e1_an_audit_reads_every_block_and_changes_nothing() {
    let dir = folder();
    for orderly in [true, false] {
        let log = dir.path().join(format!("log-{orderly}"));
        let (local, _) = open(lagging(&log));
        let blocks = fill(&local, &mut Chain::new(9), 60);
        if orderly {
            local.close().unwrap();
        } else {
            drop(local);
        }
        let before = contents(&log);
        let into = dir.path().join(format!("copy-{orderly}"));
        let audit = Local::copy_for_audit(&log, &into).unwrap();
        assert!(audit.doubts.is_empty(), "{:?}", audit.doubts);
        assert_eq!(audit.ledger, Some(LEDGER));
        let read: Vec<StoredBlock> = audit.map(Result::unwrap).collect();
        assert_eq!(read, blocks);
        assert_eq!(contents(&log), before);
        let again = Local::copy_for_audit(&log, &into).err();
        assert!(
            matches!(again, Some(AuditError::NotEmpty { .. })),
            "{again:?}"
        );
    }
}

#[test]
fn e1_an_audit_of_a_damaged_log_names_the_doubt_and_shows_the_rest() {
    let dir = folder();
    let (local, _) = open(lagging(dir.path()));
    let blocks = fill(&local, &mut Chain::new(10), 60);
    local.close().unwrap();
    let database = database_file(dir.path());
    let used = fs::read(&database).unwrap();
    let used = used.iter().rposition(|byte| *byte != 0).unwrap() as u64;
    flip(&database, used / 2, 1);
    let into = folder();
    let audit = Local::copy_for_audit(dir.path(), &into.path().join("copy")).unwrap();
    assert_eq!(audit.doubts.len(), 1);
    assert!(
        audit.doubts[0].to_string().contains("positions"),
        "{}",
        audit.doubts[0]
    );
    let read: Vec<StoredBlock> = audit.filter_map(Result::ok).collect();
    assert!(read.len() > 10 && read.len() < blocks.len());
    assert!(read.iter().all(|block| blocks.contains(block)));
    assert_eq!(read.last(), blocks.last());
}

fn contents(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(contents(&path));
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
    all.sort();
    all
}

const CHILD: &str = "STORAGE_KILL_TEST_LOG";

/// Not a test of its own: the process that [`t4_kill_minus_nine_loses_nothing_acknowledged`] kills.
#[test]
fn child_that_appends_until_it_is_killed() {
    let Some(dir) = std::env::var_os(CHILD) else {
        return;
    };
    let dir = Path::new(&dir);
    let (local, _) = open(reopening(dir));
    let mut chain = Chain::after(local.head(), local.head().next + 1);
    loop {
        fill(&local, &mut chain, 1);
        // The acknowledgement: the parent holds us to what stands here.
        fs::write(dir.join("acknowledged.new"), local.head().next.to_string()).unwrap();
        fs::rename(dir.join("acknowledged.new"), dir.join("acknowledged")).unwrap();
    }
}

#[test]
fn t4_kill_minus_nine_loses_nothing_acknowledged() {
    let dir = folder();
    let log = dir.path().join("log");
    let mut before = 0;
    for round in 0..6 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_that_appends_until_it_is_killed"])
            .env(CHILD, &log)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let acknowledged = || {
            let text = fs::read_to_string(log.join("acknowledged")).unwrap_or_default();
            text.parse::<u64>().unwrap_or(0)
        };
        while acknowledged() < before + 50 + round * 37 {
            thread::sleep(Duration::from_millis(1));
            assert!(
                child.try_wait().unwrap().is_none(),
                "the child ended by itself"
            );
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let acknowledged = acknowledged();
        let image = folder();
        copy(&log, image.path());
        let (local, recovery) = open(small(image.path()));
        assert!(!recovery.clean);
        assert!(local.head().next >= acknowledged, "{recovery:?}");
        look(&local, &[]).unwrap();
        before = acknowledged;
    }
}
