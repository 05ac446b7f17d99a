//! Runs as they are written, merged, found again, and found wanting.

use super::*;

type Numbers = Runs<8, 12>;

/// Scattered keys, so that runs overlap.
fn entry(number: u32) -> [u8; 12] {
    let mut entry = [0; 12];
    let key = u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    entry[..8].copy_from_slice(&key.to_be_bytes());
    entry[8..].copy_from_slice(&number.to_be_bytes());
    entry
}

fn key_of(number: u32) -> [u8; 8] {
    *entry(number).first_chunk().unwrap()
}

fn all_well(entries: Vec<[u8; 12]>) -> impl Iterator<Item = Result<[u8; 12], StateError>> {
    entries.into_iter().map(Ok)
}

fn sorted(numbers: std::ops::Range<u32>) -> Vec<[u8; 12]> {
    let mut entries: Vec<_> = numbers.map(entry).collect();
    entries.sort_unstable();
    entries
}

fn add(runs: &mut Numbers, numbers: std::ops::Range<u32>) -> Merged {
    let prepared = runs.prepare(all_well(sorted(numbers))).unwrap();
    let merged = runs.switch(prepared);
    runs.list(b"note").unwrap();
    merged
}

fn tree() -> (sled::Db, sled::Tree) {
    let database = sled::Config::new().temporary(true).open().unwrap();
    let tree = database.open_tree("runs").unwrap();
    (database, tree)
}

#[test]
fn every_entry_is_found_again_however_runs_were_merged() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    for turn in 0..100 {
        let merged = add(&mut runs, turn * 60..(turn + 1) * 60);
        runs.drop_runs(&merged).unwrap();
    }
    // 100 = 1 * 64 + 4 * 8 + 4.
    assert_eq!(runs.runs.len(), 9);
    let reopened = Numbers::open(tree.clone()).unwrap();
    assert_eq!(reopened.runs, runs.runs);
    assert_eq!((runs.note(), reopened.note()), (&b""[..], &b"note"[..]));
    let all = sorted(0..6_000);
    for runs in [runs, reopened] {
        for number in 0..6_000 {
            assert_eq!(runs.find(&key_of(number)).unwrap(), Some(entry(number)));
        }
        assert_eq!(runs.find(&key_of(6_000)).unwrap(), None);
        let middle = all[4_321].first_chunk().unwrap();
        let rest: Result<Vec<_>, _> = runs.from(middle).unwrap().collect();
        assert_eq!(rest.unwrap(), all[4_321..]);
    }
    let entries: usize = Numbers::entries(&tree)
        .map(|chunk| chunk.unwrap().len())
        .sum();
    assert_eq!(entries, 6_000);
}

#[test]
fn a_crash_between_merging_and_letting_go_loses_nothing() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    for turn in 0..8 {
        add(&mut runs, turn * 10..(turn + 1) * 10);
    }
    assert_eq!(runs.runs.len(), 1);
    // The process ends here; what was merged is still there, not listed any more.
    assert_eq!(runs.found().unwrap().len(), 9);
    let mut runs = Numbers::open(tree.clone()).unwrap();
    assert_eq!((runs.runs.len(), runs.found().unwrap().len()), (1, 1));
    add(&mut runs, 80..90);
    assert_eq!(Numbers::open(tree).unwrap().runs, runs.runs);
    let all: Result<Vec<_>, _> = runs.from(&[0; 8]).unwrap().collect();
    assert_eq!(all.unwrap(), sorted(0..90), "each once");
}

#[test]
fn a_crash_before_the_list_is_written_leaves_the_runs_as_they_were() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    for turn in 0..7 {
        add(&mut runs, turn * 10..(turn + 1) * 10);
    }
    // Written and merged, and never listed.
    let prepared = runs.prepare(all_well(sorted(70..80))).unwrap();
    assert_eq!(prepared.runs.len(), 1);
    let mut runs = Numbers::open(tree).unwrap();
    assert_eq!((runs.runs.len(), runs.found().unwrap().len()), (7, 7));
    add(&mut runs, 70..80);
    let all: Result<Vec<_>, _> = runs.from(&[0; 8]).unwrap().collect();
    assert_eq!(all.unwrap(), sorted(0..80));
}

#[test]
fn a_chunk_that_is_gone_is_noticed_wherever_it_was_and_never_taken_for_no_entry() {
    let numbers = 0..20_000;
    let chunks = {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        add(&mut runs, numbers.clone());
        tree.range(..LIST.to_vec()).count()
    };
    assert!(chunks > 5);
    for gone in 0..chunks {
        let (_database, tree) = tree();
        let mut runs = Numbers::open(tree.clone()).unwrap();
        add(&mut runs, numbers.clone());
        let (key, value) = tree.range(..LIST.to_vec()).nth(gone).unwrap().unwrap();
        let (in_it, _) = body::<12>(&key, &value).unwrap().entries.as_chunks::<12>();
        tree.remove(&key).unwrap();
        for entry in in_it {
            assert!(runs.find(entry.first_chunk().unwrap()).is_err());
        }
        let read: Result<Vec<_>, _> = runs.from(&[0; 8]).and_then(Iterator::collect);
        assert!(read.is_err(), "chunk {gone} of {chunks}");
        let reopened = Numbers::open(tree.clone());
        let at_an_end = gone == 0 || gone == chunks - 1;
        assert_eq!(reopened.is_err(), at_an_end, "chunk {gone} of {chunks}");
    }
}

#[test]
fn a_list_that_was_changed_or_is_gone_is_found() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    add(&mut runs, 0..10);
    let list = tree.get(LIST).unwrap().unwrap().to_vec();
    for at in 0..list.len() {
        let mut changed = list.clone();
        changed[at] ^= 1;
        tree.insert(LIST, changed).unwrap();
        assert!(Numbers::open(tree.clone()).is_err());
    }
    tree.remove(LIST).unwrap();
    assert!(Numbers::open(tree).is_err());
}

#[test]
fn a_reader_who_began_before_a_merge_was_let_go_reads_on() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    // Several chunks a run.
    for turn in 0..7 {
        add(&mut runs, turn * 5_000..(turn + 1) * 5_000);
    }
    let prepared = runs.prepare(all_well(sorted(35_000..40_000))).unwrap();
    let mut reader = runs.from(&[0; 8]).unwrap();
    assert_eq!(reader.by_ref().take(100).count(), 100);
    // Neither `switch` nor `drop_runs` can be called while the reader is there: they would not compile.
    assert_eq!(reader.count(), 34_900);
    let merged = runs.switch(prepared);
    runs.drop_runs(&merged).unwrap();
    assert_eq!(runs.from(&[0; 8]).unwrap().count(), 40_000);
}

#[test]
fn a_damaged_chunk_is_found_and_never_read() {
    let (_database, tree) = tree();
    let mut runs = Numbers::open(tree.clone()).unwrap();
    add(&mut runs, 0..10);
    let (key, value) = tree.first().unwrap().unwrap();
    let mut changed = value.to_vec();
    changed[9] ^= 1;
    tree.insert(key, changed).unwrap();
    assert!(runs.find(&key_of(3)).is_err());
    assert!(runs.from(&[0; 8]).is_err());
}
