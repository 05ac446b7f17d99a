//! The rules one by one, on tails of a few pages and databases that are maps.

use std::{collections::BTreeMap, fs};

use super::*;
use crate::{
    ledger::BlockBuilder,
    storage::{
        ReadError,
        local::{
            PAGE_BYTES,
            page::Kind,
            tail::{self, Entry, Tail},
        },
    },
};

const RING: u64 = 40;

#[derive(Default)]
struct Map {
    blocks: BTreeMap<u64, StoredBlock>,
    opened: Option<u64>,
}

impl Map {
    fn of(blocks: &[StoredBlock]) -> Map {
        let blocks = blocks.iter().map(|block| (block.first, block.clone()));
        Map {
            blocks: blocks.collect(),
            opened: None,
        }
    }
}

impl Blocks for Map {
    fn before(&self, position: u64) -> Result<Option<StoredBlock>, ReadError> {
        Ok(self
            .blocks
            .range(..position)
            .next_back()
            .map(|(_, block)| block.clone()))
    }

    fn opened(&self) -> Result<Option<u64>, ReadError> {
        Ok(self.opened)
    }
}

/// `count` blocks of one record each that take one page, but for each third, which takes three.
fn chain(count: u64) -> Vec<StoredBlock> {
    let mut last = Hash::ZERO;
    let mut seed = 1_u64;
    (0..count)
        .map(|position| {
            let mut builder = BlockBuilder::new(position, last);
            let length = if position % 3 == 2 { 9_000 } else { 500 };
            let mut line = Vec::new();
            while line.len() < length {
                seed = seed
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(11);
                line.push(b' ' + (seed >> 40) as u8 % 94);
            }
            last = builder.push(&line);
            builder.finish()
        })
        .collect()
}

/// The bytes of a tail: the mark of the opening, then `blocks`, with `settled` where each was written.
fn written(blocks: &[StoredBlock], settled: u64) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tail");
    tail::create(&path, RING * PAGE_BYTES as u64, None).unwrap();
    let file = tail::open_file(&path).unwrap();
    let start = Cursor {
        page: 0,
        sequence: 0,
    };
    let mut tail = Tail::resume(file, path.clone(), None, [7; 16], RING, start);
    let first = blocks.first().unwrap();
    tail.write(&Entry {
        kind: Kind::Opened,
        first: first.first,
        next: first.first,
        payload: &first.prev().0,
        settled: first.first.min(settled),
    })
    .unwrap();
    for block in blocks {
        tail.write(&Entry {
            kind: Kind::Block,
            first: block.first,
            next: block.next(),
            payload: &block.bytes,
            settled: block.first.min(settled),
        })
        .unwrap();
    }
    fs::read(path).unwrap()
}

fn judged(bytes: &[u8], database: &Map) -> Result<Findings, OpenError> {
    judge(&Survey::of(bytes)?, database, 1 << 20)
}

/// The pages of the newest slot.
fn newest(bytes: &[u8]) -> std::ops::Range<usize> {
    let survey = Survey::of(bytes).unwrap();
    let slot = survey.slots.last().unwrap();
    slot.page as usize..(slot.page + slot.count) as usize
}

fn damage(bytes: &mut [u8], page: usize) {
    bytes[page * PAGE_BYTES + 700] ^= 1;
}

fn erase(bytes: &mut [u8], page: usize) {
    bytes[page * PAGE_BYTES..(page + 1) * PAGE_BYTES].fill(0);
}

#[test]
fn the_tail_fills_the_database_up() {
    let blocks = chain(9);
    let tail = written(&blocks[3..], 3);
    let found = judged(&tail, &Map::of(&blocks[..5])).unwrap();
    assert_eq!(found.head, Head::after(&blocks[8]));
    assert_eq!(found.refill, blocks[5..]);
    assert_eq!(found.cursor.page as usize, newest(&tail).end);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
}

#[test]
fn t4_a_slot_that_was_not_finished_is_dropped_and_told() {
    let blocks = chain(9);
    let whole = written(&blocks, 0);
    for missing in newest(&whole) {
        let mut tail = whole.clone();
        erase(&mut tail, missing);
        let found = judged(&tail, &Map::of(&blocks[..2])).unwrap();
        assert_eq!(found.head.next, 8);
        assert_eq!(found.cursor.page as usize, newest(&whole).start);
        // Its first page never got there: it looks as if the write had not begun.
        let begun = missing != newest(&whole).start;
        assert_eq!(found.notes.len(), usize::from(begun), "{:?}", found.notes);
    }
}

#[test]
fn t4_damage_where_the_newest_block_may_have_been_is_a_doubt_unless_the_database_has_it() {
    let blocks = chain(9);
    let whole = written(&blocks, 0);
    for bad in newest(&whole) {
        let mut tail = whole.clone();
        damage(&mut tail, bad);
        let refusal = judged(&tail, &Map::of(&blocks[..8])).unwrap_err();
        let named =
            matches!(refusal, OpenError::Doubt { position: 8, page } if page as usize == bad);
        assert!(named, "{refusal}");
        let found = judged(&tail, &Map::of(&blocks)).unwrap();
        assert_eq!(found.head, Head::after(&blocks[8]));
        assert_eq!(found.cursor.page as usize, newest(&whole).end);
        assert_eq!(found.notes.len(), 1);
    }
}

#[test]
fn t4_damage_after_an_orderly_close_is_no_doubt() {
    let blocks = chain(4);
    let mut tail = written(&blocks, 0);
    // The close's mark is written by hand where the next slot goes.
    let page = newest(&tail).end;
    let mark = |sequence| super::super::page::PageHeader {
        kind: Kind::Closed,
        ledger: [7; 16],
        ring: RING as u32,
        sequence,
        first: 4,
        length: 32,
        index: 0,
        count: 1,
        settled: 4,
    };
    for (place, sequence) in [(page, 5), (page + 1, 6)] {
        let into = &mut tail[place * PAGE_BYTES..(place + 1) * PAGE_BYTES];
        super::super::page::write_page(&mark(sequence), &blocks[3].last().0, into);
    }
    for bad in page..page + 3 {
        let mut tail = tail.clone();
        if bad == page + 2 {
            tail[bad * PAGE_BYTES + 700] = 1;
        } else {
            damage(&mut tail, bad);
        }
        let found = judged(&tail, &Map::of(&blocks)).unwrap();
        assert_eq!(found.head, Head::after(&blocks[3]));
    }
}

#[test]
fn e2_positions_that_are_nowhere_are_a_gap() {
    let blocks = chain(12);
    let tail = written(&blocks[6..], 6);
    let refusal = judged(&tail, &Map::of(&blocks[..4])).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Gap { from: 4, to: 6 }),
        "{refusal}"
    );

    let mut holed = Map::of(&blocks[..10]);
    holed.blocks.remove(&3);
    let refusal = judged(&tail, &holed).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Gap { from: 3, to: 4 }),
        "{refusal}"
    );

    let mut tail = written(&blocks[2..], 2);
    let middle = Survey::of(&tail).unwrap().slots[4].page as usize;
    damage(&mut tail, middle);
    let refusal = judged(&tail, &Map::of(&blocks[..4])).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Gap { from: 5, to: 6 }),
        "{refusal}"
    );
    let healed = judged(&tail, &Map::of(&blocks[..6])).unwrap();
    assert_eq!(healed.head, Head::after(&blocks[11]));
}

#[test]
fn e2_an_older_tail_is_refused() {
    let blocks = chain(9);
    let tail = written(&blocks[..6], 0);
    let refusal = judged(&tail, &Map::of(&blocks)).unwrap_err();
    let behind = matches!(
        refusal,
        OpenError::TailBehind {
            tail: 6,
            database: 9
        }
    );
    assert!(behind, "{refusal}");

    let mut remembers = Map::of(&blocks[..6]);
    remembers.opened = Some(6);
    judged(&tail, &remembers).unwrap();
    remembers.opened = Some(7);
    let refusal = judged(&tail, &remembers).unwrap_err();
    assert!(
        matches!(refusal, OpenError::TailOlder { position: 6, .. }),
        "{refusal}"
    );
}

#[test]
fn e1_blocks_that_are_not_the_same_in_both_are_refused() {
    let blocks = chain(6);
    let tail = written(&blocks[3..], 3);
    let mut database = Map::of(&blocks);
    let mut other = BlockBuilder::new(4, blocks[3].last());
    other.push(b"another record");
    database.blocks.insert(4, other.finish());
    let refusal = judged(&tail, &database).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Differs { position: 4 }),
        "{refusal}"
    );

    let mut database = Map::of(&blocks);
    let mut other = BlockBuilder::new(1, blocks[0].last());
    other.push(b"another record");
    database.blocks.insert(1, other.finish());
    let refusal = judged(&tail, &database).unwrap_err();
    assert!(
        matches!(refusal, OpenError::Unlinked { position: 2, .. }),
        "{refusal}"
    );
}

#[test]
fn an_empty_tail_goes_with_an_empty_database_only() {
    let mut tail = vec![0; RING as usize * PAGE_BYTES];
    let found = judged(&tail, &Map::default()).unwrap();
    assert_eq!(found.head, Head::EMPTY);
    let refusal = judged(&tail, &Map::of(&chain(2))).unwrap_err();
    assert!(
        matches!(refusal, OpenError::TailUnreadable { database: 2, .. }),
        "{refusal}"
    );
    tail[5 * PAGE_BYTES] = 1;
    assert!(judged(&tail, &Map::default()).is_err());
}
