//! What somebody (or a disk) changed while nobody looked. Each change must be found, or do no harm.
//!
//! *Found*: opening is refused with the positions in doubt, or reading them is. *No harm*: every acknowledged block is
//! there, byte for byte, and the chain links. A *silent* loss is the one thing that must not happen, and each test counts
//! them. The tests print their tallies (`--nocapture`): the table in the docs is made of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failure here is the test's failure; the tallies are printed for the docs"
)]

mod storage_support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use consent_ledger::{
    ledger::StoredBlock,
    storage::{
        Journal,
        local::{Local, OpenError, Options},
    },
};
use storage_support::{
    Chain, LEDGER, Lost, check, copy, database_file, fill, flip, folder, lagging, look,
    names_positions, open, small,
};

/// A log as it lies on the disk, and what it acknowledged.
struct Base {
    dir: tempfile::TempDir,
    blocks: Vec<StoredBlock>,
    /// What opening it for a check asks for.
    options: fn(&Path) -> Options,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Harmless,
    Refused,
    FoundOnRead,
}

#[derive(Debug, Default)]
struct Tally {
    tried: usize,
    harmless: usize,
    refused: usize,
    found_on_read: usize,
    silent: Vec<String>,
}

impl Tally {
    fn report(&self, what: &str) {
        println!(
            "| {what} | {} | {} | {} | {} | {} |",
            self.tried,
            self.harmless,
            self.refused,
            self.found_on_read,
            self.silent.len()
        );
        assert!(self.silent.is_empty(), "{what}: {}", self.silent.join("\n"));
        assert!(self.tried > 0);
    }
}

impl Base {
    /// A log of several laps of its tail, left by a process that ended in `ending`.
    fn of(ending: Ending) -> Base {
        let options = match ending {
            Ending::Settled => small,
            _ => lagging,
        };
        let dir = folder();
        let mut chain = Chain::new(11);
        let (local, _) = open(options(dir.path()));
        let mut blocks = fill(&local, &mut chain, 30);
        local.close().unwrap();
        let (local, _) = open(options(dir.path()));
        blocks.extend(fill(&local, &mut chain, 30));
        match ending {
            Ending::Closed => local.close().unwrap(),
            Ending::Settled => {
                while local.settled() < local.head().next {
                    std::thread::sleep(std::time::Duration::from_millis(5));
                }
                drop(local);
            }
            Ending::Dropped => drop(local),
            Ending::BehindLost => {
                // The database as it was last settled; the rest of it did not survive.
                let settled = folder();
                fs::copy(database_file(dir.path()), settled.path().join("db")).unwrap();
                drop(local);
                fs::copy(settled.path().join("db"), database_file(dir.path())).unwrap();
            }
        }
        Base {
            dir,
            blocks,
            options,
        }
    }

    /// Changes a copy of the log and looks at what comes of it.
    fn try_change(&self, change: impl FnOnce(&Path)) -> Result<Outcome, String> {
        let image = folder();
        copy(self.dir.path(), image.path());
        change(image.path());
        let opened = Local::open((self.options)(image.path()), Some(LEDGER));
        let local = match opened {
            Ok((local, _)) => local,
            Err(refusal) if names_positions(&refusal) => return Ok(Outcome::Refused),
            Err(refusal) => return Err(format!("a refusal without positions: {refusal}")),
        };
        match look(&local, &self.blocks) {
            Ok(()) => Ok(Outcome::Harmless),
            Err(Lost::Loudly(_)) => Ok(Outcome::FoundOnRead),
            Err(Lost::Silently(position)) => Err(format!("position {position} was lost silently")),
        }
    }

    fn tally(&self, tally: &mut Tally, name: &str, change: impl FnOnce(&Path)) {
        tally.tried += 1;
        match self.try_change(change) {
            Ok(Outcome::Harmless) => tally.harmless += 1,
            Ok(Outcome::Refused) => tally.refused += 1,
            Ok(Outcome::FoundOnRead) => tally.found_on_read += 1,
            Err(problem) => tally.silent.push(format!("{name}: {problem}")),
        }
    }

    /// Flips a byte at each of `places` of a file.
    fn flips(&self, what: &str, file: &Path, places: impl Iterator<Item = u64>) -> Tally {
        let mut tally = Tally::default();
        for at in places {
            let mask = 1 << (at % 8);
            self.tally(&mut tally, &format!("byte {at}"), |dir| {
                flip(&dir.join(file), at, mask);
            });
        }
        tally.report(what);
        tally
    }

    fn length(&self, file: &Path) -> u64 {
        fs::metadata(self.dir.path().join(file)).unwrap().len()
    }

    /// The bytes of the database that are in use: what follows is zeros.
    fn used(&self) -> u64 {
        let bytes = fs::read(database_file(self.dir.path())).unwrap();
        bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64
    }
}

#[derive(Clone, Copy, Debug)]
enum Ending {
    /// In order.
    Closed,
    /// Killed, when the database held everything.
    Settled,
    /// Killed, when the newest blocks were in the tail alone; sled still wrote its buffers.
    Dropped,
    /// The power went: the database has nothing of the last run.
    BehindLost,
}

const ENDINGS: [Ending; 4] = [
    Ending::Closed,
    Ending::Settled,
    Ending::Dropped,
    Ending::BehindLost,
];
const DATABASE: &str = "blocks/db";

#[test]
fn t4_a_flip_in_any_sector_of_the_tail_is_found_or_harmless() {
    for ending in ENDINGS {
        let base = Base::of(ending);
        // Each page three times: in checksums, stamps, headers, payload.
        let sectors = (0..base.length(Path::new("tail")) / 512).step_by(3);
        let places = sectors.map(|sector| sector * 512 + sector * 37 % 512);
        let tally = base.flips(
            &format!("tail, a bit in every third sector ({ending:?})"),
            Path::new("tail"),
            places,
        );
        assert!(tally.harmless > 0);
        match ending {
            // What the tail holds is in the database.
            Ending::Closed => assert_eq!(tally.refused, 0),
            // It can't be known whether one more block was in the page after the newest one.
            Ending::Settled => assert!(tally.refused <= 2 * 3),
            // The newest blocks are in the tail alone.
            Ending::BehindLost => assert!(tally.refused > 0),
            Ending::Dropped => {}
        }
    }
}

#[test]
fn t4_a_flip_in_the_database_is_found_or_harmless() {
    for ending in ENDINGS {
        let base = Base::of(ending);
        let used = base.used();
        let mut random = Chain::new(12);
        let anywhere = (0..40).map(|_| random.random() % base.length(Path::new(DATABASE)));
        let step = match ending {
            Ending::Dropped => 997,
            _ => 4999,
        };
        let places: Vec<u64> = (0..used).step_by(step).chain(anywhere).collect();
        let tally = base.flips(
            &format!("database, every {step}th byte and some ({ending:?})"),
            Path::new(DATABASE),
            places.into_iter(),
        );
        assert!(tally.harmless > 0 && tally.refused > 0);
    }
}

/// A log whose database has several segments, the older ones from before it was last opened.
fn several_segments(options: fn(&Path) -> Options) -> Base {
    let dir = folder();
    let mut chain = Chain::new(13);
    let mut blocks = Vec::new();
    for _ in 0..2 {
        let (local, _) = open(options(dir.path()));
        for _ in 0..75 {
            let block = chain.block(2, 40_000);
            local.append(block.first, &block).unwrap();
            blocks.push(block);
        }
    }
    let base = Base {
        dir,
        blocks,
        options,
    };
    assert!(base.length(Path::new(DATABASE)) > 16 << 20);
    base
}

#[test]
fn t4_a_flip_in_a_database_of_several_segments_is_found_or_harmless() {
    fn large(dir: &Path) -> Options {
        Options {
            tail_bytes: 1 << 20,
            ..lagging(dir)
        }
    }
    let base = several_segments(large);
    let mut random = Chain::new(17);
    let length = base.length(Path::new(DATABASE));
    let places: Vec<u64> = (0..40).map(|_| random.random() % length).collect();
    base.flips(
        "database of several segments",
        Path::new(DATABASE),
        places.into_iter(),
    );
}

#[test]
fn t4_a_flip_behind_the_checked_part_is_found_too() {
    fn unchecked(dir: &Path) -> Options {
        Options {
            check_bytes: 0,
            tail_bytes: 1 << 20,
            ..lagging(dir)
        }
    }
    let base = several_segments(unchecked);
    let mut random = Chain::new(18);
    let length = base.length(Path::new(DATABASE));
    let places: Vec<u64> = (0..40).map(|_| random.random() % length).collect();
    let tally = base.flips(
        "database of several segments, only its end checked at opening",
        Path::new(DATABASE),
        places.into_iter(),
    );
    assert!(tally.refused + tally.found_on_read > 0);
}

#[test]
fn e1_a_block_taken_out_or_altered_in_the_database_is_found() {
    fn unchecked(dir: &Path) -> Options {
        Options {
            check_bytes: 0,
            ..lagging(dir)
        }
    }
    type Change = fn(&sled::Db, &StoredBlock);
    let take_out: Change = |database, block| {
        database.remove(block.first.to_be_bytes()).unwrap();
    };
    let alter: Change = |database, block| {
        let mut bytes = block.bytes.to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        database.insert(block.first.to_be_bytes(), bytes).unwrap();
    };
    for (change, says) in [(take_out, "missing"), (alter, "damaged")] {
        let mut base = Base::of(Ending::Closed);
        let block = base.blocks[7].clone();
        // A copy: sled lets go of a lock some time after it was closed.
        let image = folder();
        copy(base.dir.path(), image.path());
        base.dir = image;
        let database = sled::Config::new()
            .path(base.dir.path().join("blocks"))
            .segment_size(8 << 20)
            .open()
            .unwrap();
        change(&database, &block);
        database.flush().unwrap();
        drop(database);
        // Where opening checks as far back as that, it refuses.
        assert_eq!(base.try_change(|_| ()), Ok(Outcome::Refused));
        // Where it does not, reading says which positions.
        base.options = unchecked;
        assert_eq!(base.try_change(|_| ()), Ok(Outcome::FoundOnRead));
        let (local, _) = open(unchecked(base.dir.path()));
        let error = local.read(block.first).unwrap_err().to_string();
        let first = block.first.to_string();
        assert!(error.contains(says) && error.contains(&first), "{error}");
        assert!(local.read(block.next()).unwrap().is_some());
    }
}

#[test]
fn t4_a_flip_in_the_databases_small_files_is_found_or_harmless() {
    for ending in [Ending::Closed, Ending::Dropped] {
        let base = Base::of(ending);
        let files = fs::read_dir(base.dir.path().join("blocks")).unwrap();
        for path in files.map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if !path.is_file() || name == "db" {
                continue;
            }
            let file = PathBuf::from("blocks").join(&name);
            let kind = name.split('.').next().unwrap();
            let places = (0..base.length(&file)).step_by(7);
            base.flips(&format!("{kind} ({ending:?})"), &file, places);
        }
    }
}

#[test]
fn t4_a_cut_file_is_found_or_harmless() {
    for ending in ENDINGS {
        let base = Base::of(ending);
        for (file, end) in [("tail", 64 << 10), (DATABASE, base.used())] {
            let mut tally = Tally::default();
            for part in 0..12 {
                let length = end * part / 12 + part % 3;
                base.tally(&mut tally, &format!("{length} bytes of {file}"), |dir| {
                    let file = fs::File::options().write(true).open(dir.join(file));
                    file.unwrap().set_len(length).unwrap();
                });
            }
            tally.report(&format!("{file} cut ({ending:?})"));
        }
    }
}

#[test]
fn e2_an_older_copy_of_a_part_of_the_log_is_refused_or_healed() {
    let dir = folder();
    let mut chain = Chain::new(14);
    let (local, _) = open(lagging(dir.path()));
    let mut blocks = fill(&local, &mut chain, 30);
    local.close().unwrap();
    let older = folder();
    copy(dir.path(), older.path());
    for (more, healed) in [(5, true), (60, false)] {
        let (local, _) = open(lagging(dir.path()));
        blocks.extend(fill(&local, &mut chain, more));
        drop(local);
        let base = Base {
            dir: folder(),
            blocks: blocks.clone(),
            options: lagging,
        };
        copy(dir.path(), base.dir.path());

        let database = base.try_change(|dir| {
            fs::remove_dir_all(dir.join("blocks")).unwrap();
            copy(&older.path().join("blocks"), &dir.join("blocks"));
        });
        let expected = if healed {
            Outcome::Harmless
        } else {
            Outcome::Refused
        };
        assert_eq!(database, Ok(expected), "database {more} blocks older");

        let tail = base.try_change(|dir| {
            fs::copy(older.path().join("tail"), dir.join("tail")).unwrap();
        });
        assert_eq!(tail, Ok(Outcome::Refused), "tail {more} blocks older");
    }
}

#[test]
fn e2_a_missing_part_of_the_log_is_refused() {
    for ending in ENDINGS {
        let base = Base::of(ending);
        let database = base.try_change(|dir| fs::remove_dir_all(dir.join("blocks")).unwrap());
        assert_eq!(database, Ok(Outcome::Refused), "no database ({ending:?})");
        let empty = base.try_change(|dir| fs::write(dir.join("blocks").join("db"), b"").unwrap());
        assert_eq!(empty, Ok(Outcome::Refused), "empty database ({ending:?})");

        let image = folder();
        copy(base.dir.path(), image.path());
        fs::remove_file(image.path().join("tail")).unwrap();
        let refusal = Local::open(lagging(image.path()), Some(LEDGER)).err();
        assert!(
            matches!(refusal, Some(OpenError::TailMissing { .. })),
            "{refusal:?}"
        );

        fs::write(image.path().join("tail"), vec![0; 64 << 10]).unwrap();
        let refusal = Local::open(lagging(image.path()), Some(LEDGER)).err();
        assert!(
            matches!(refusal, Some(OpenError::TailUnreadable { .. })),
            "{refusal:?}"
        );
    }
}

#[test]
fn e2_parts_of_two_ledgers_are_refused() {
    let ours = Base::of(Ending::Closed);
    let theirs = folder();
    let (local, recovery) = Local::open(lagging(theirs.path()), Some([9; 16])).unwrap();
    assert!(recovery.created);
    fill(&local, &mut Chain::new(15), 40);
    local.close().unwrap();

    let refusal = Local::open(lagging(theirs.path()), Some(LEDGER)).err();
    assert!(
        matches!(refusal, Some(OpenError::OtherLedger { .. })),
        "{refusal:?}"
    );

    fs::remove_dir_all(theirs.path().join("blocks")).unwrap();
    copy(
        &ours.dir.path().join("blocks"),
        &theirs.path().join("blocks"),
    );
    let refusal = Local::open(lagging(theirs.path()), None).err();
    assert!(refusal.is_some_and(|refusal| names_positions(&refusal)));
}

#[test]
fn t4_a_refusal_keeps_the_evidence_and_refuses_again() {
    let base = Base::of(Ending::BehindLost);
    let image = folder();
    copy(base.dir.path(), image.path());
    let database = database_file(image.path());
    // A byte in the middle: sled drops everything after it when it opens.
    flip(&database, base.used() / 2, 4);
    let damaged = fs::read(&database).unwrap();
    for _ in 0..3 {
        let refusal = Local::open(lagging(image.path()), None).err().unwrap();
        assert!(names_positions(&refusal), "{refusal}");
    }
    let aside = fs::read_dir(image.path().join("aside")).unwrap();
    let kept: Vec<PathBuf> = aside.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(kept.len(), 1);
    let kept = fs::read(&kept[0]).unwrap();
    assert_eq!(kept, damaged[..kept.len()]);
}

#[test]
fn t4_damage_that_did_no_harm_is_told_and_gone_after_the_next_lap() {
    let dir = folder();
    let tail = dir.path().join("tail");
    let options = Options {
        tail_bytes: 256 << 10,
        ..small(dir.path())
    };
    let mut chain = Chain::new(16);
    let (local, _) = open(options.clone());
    let mut blocks = fill(&local, &mut chain, 60);
    local.close().unwrap();

    // Every page is damaged: nothing can be concluded any more.
    (0..64).for_each(|page| flip(&tail, page * 4096 + 9, 1));
    let refusal = Local::open(options.clone(), None).err();
    assert!(refusal.is_some());

    // One page is damaged that is far from where the next block goes.
    (0..64).for_each(|page| flip(&tail, page * 4096 + 9, 1));
    flip(&tail, 9, 1);
    let (local, recovery) = open(options.clone());
    let told = recovery.notes.iter().any(|note| note.contains("damaged"));
    assert!(told, "{recovery:?}");
    check(&local, &blocks);
    blocks.extend(fill(&local, &mut chain, 60));
    local.close().unwrap();
    let (local, recovery) = open(options);
    assert!(recovery.notes.is_empty(), "{recovery:?}");
    check(&local, &blocks);
}
