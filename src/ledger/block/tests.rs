use super::*;
use crate::ledger::{fixture, verify};

/// What the first release wrote; never to be changed, only added to.
const GOLDEN_LINES: &str = include_str!("../../../tests/golden/ledger_lines_1.ndjson");
const GOLDEN_BLOCK: &[u8] = include_bytes!("../../../tests/golden/ledger_block_1.clb");

fn golden_records() -> Vec<crate::ledger::Record> {
    fixture::records(9)
}

fn lines_of(stored: &StoredBlock) -> Vec<u8> {
    let lines: Vec<Vec<u8>> = stored
        .open()
        .unwrap()
        .iter()
        .map(|(_, line)| line.to_vec())
        .collect();
    fixture::export(&lines)
}

/// Writes a valid checksum, as somebody who alters a block on purpose would.
fn reseal(bytes: &mut [u8]) {
    let crc = checksum(bytes).to_le_bytes();
    bytes[CRC_AT..HEADER_LEN].copy_from_slice(&crc);
}

#[test]
fn e1_stored_bytes_of_the_first_release_stay_readable_and_are_what_is_written_today() {
    let records = golden_records();
    assert_eq!(
        String::from_utf8(fixture::export(&fixture::lines(&records))).unwrap(),
        GOLDEN_LINES
    );
    let golden = StoredBlock::parse(GOLDEN_BLOCK.into()).unwrap();
    assert_eq!(lines_of(&golden), GOLDEN_LINES.as_bytes());
    // The compressed bytes may differ from one release of zstd to the next, and the checksum with them.
    let today = fixture::blocks(&records, u32::MAX).remove(0);
    assert_eq!(today.bytes[..CRC_AT], golden.bytes[..CRC_AT]);
    assert_eq!(today.open().unwrap(), golden.open().unwrap());
}

#[test]
fn a_block_gives_back_its_lines_by_position() {
    let records = fixture::records(12);
    let lines = fixture::lines(&records);
    for stored in fixture::blocks(&records, 4) {
        let parsed = StoredBlock::parse(stored.bytes.clone()).unwrap();
        assert_eq!(parsed, stored);
        let block = stored.open().unwrap();
        assert_eq!(block.first(), stored.first);
        for (position, line) in block.iter() {
            assert_eq!(line, lines[position as usize]);
            assert_eq!(block.line(position), Some(line));
        }
        assert_eq!(block.iter().count(), stored.count as usize);
        assert_eq!(block.line(stored.next()), None);
        assert_eq!(
            stored
                .first
                .checked_sub(1)
                .and_then(|before| block.line(before)),
            None
        );
        let last = leaf_hash(&lines[stored.next() as usize - 1]);
        assert_eq!(stored.last(), last);
    }
}

#[test]
fn blocks_continue_one_another() {
    let blocks = fixture::blocks(&fixture::records(30), 5);
    assert!(blocks.len() > 3);
    for pair in blocks.windows(2) {
        assert_eq!(pair[0].next(), pair[1].first);
        assert_eq!(pair[0].last(), pair[1].prev());
    }
    assert_eq!(blocks[0].prev(), Hash::ZERO);
}

#[test]
fn t4_every_flipped_bit_and_every_cut_of_a_stored_block_is_found() {
    let stored = fixture::blocks(&fixture::records(4), u32::MAX).remove(0);
    for at in 0..stored.bytes.len() {
        for bit in 0..8 {
            let mut bytes = stored.bytes.to_vec();
            bytes[at] ^= 1 << bit;
            assert!(
                StoredBlock::parse(bytes.into()).is_err(),
                "byte {at}, bit {bit}"
            );
        }
        assert!(
            StoredBlock::parse(stored.bytes[..at].into()).is_err(),
            "cut at {at}"
        );
    }
    let longer = [&stored.bytes[..], b"x"].concat();
    assert!(StoredBlock::parse(longer.into()).is_err());
}

#[test]
fn t4_a_block_altered_under_a_valid_checksum_is_refused_or_found_by_verify() {
    let stored = fixture::blocks(&fixture::records(4), u32::MAX).remove(0);
    for at in (4..CRC_AT).chain(HEADER_LEN..stored.bytes.len()) {
        let mut bytes = stored.bytes.to_vec();
        bytes[at] ^= 0x10;
        reseal(&mut bytes);
        let Ok(altered) = StoredBlock::parse(bytes.into()) else {
            continue;
        };
        let mut verifier = verify::Verifier::new(verify::Options::default());
        let found = verifier
            .push_block(&altered)
            .and_then(|()| verifier.finish().map(drop));
        assert!(
            found.is_err() || altered.open() == stored.open(),
            "byte {at}"
        );
    }
}

#[test]
fn a_header_that_asks_for_too_much_is_refused_before_memory_is_taken() {
    let stored = fixture::blocks(&fixture::records(4), u32::MAX).remove(0);
    let with = |at: usize, value: &[u8]| {
        let mut bytes = stored.bytes.to_vec();
        bytes[at..at + value.len()].copy_from_slice(value);
        reseal(&mut bytes);
        StoredBlock::parse(bytes.into())
    };
    assert!(matches!(with(0, b"CLB2"), Err(BlockError::Magic)));
    assert!(matches!(
        with(4, &u64::MAX.to_le_bytes()),
        Err(BlockError::Header { .. })
    ));
    assert!(matches!(
        with(4, &INTEGER_MAX.to_le_bytes()),
        Err(BlockError::Header { .. })
    ));
    assert!(matches!(
        with(12, &0_u32.to_le_bytes()),
        Err(BlockError::Header { .. })
    ));
    let too_long = (RAW_BLOCK_MAX as u32 + 1).to_le_bytes();
    assert!(matches!(
        with(16, &too_long),
        Err(BlockError::Header { .. })
    ));
    let other_len = (stored.raw_len() as u32 + 1).to_le_bytes();
    assert!(matches!(
        with(16, &other_len).unwrap().open(),
        Err(BlockError::Compressed { .. })
    ));
    let other_count = (stored.count + 1).to_le_bytes();
    assert!(matches!(
        with(12, &other_count).unwrap().open(),
        Err(BlockError::Count { .. })
    ));
    let mut long = stored.bytes.to_vec();
    long.resize(STORED_BLOCK_MAX + 1, 0);
    assert!(matches!(
        StoredBlock::parse(long.into()),
        Err(BlockError::Length { .. })
    ));
}

#[test]
fn lines_that_do_not_compress_fit_as_long_as_there_is_room() {
    let mut noise = 1_u32;
    let mut line = Vec::new();
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    loop {
        line.clear();
        line.extend((0..300).map(|_| {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            b' ' + (noise >> 24) as u8 % 95
        }));
        if !builder.has_room(line.len()) {
            break;
        }
        builder.push(&line);
    }
    let stored = builder.finish();
    assert!(stored.bytes.len() <= STORED_BLOCK_MAX);
    assert_eq!(StoredBlock::parse(stored.bytes.clone()), Ok(stored));
}

#[test]
fn lines_are_stored_even_where_zstd_can_not_compress_them() {
    for len in [1, 1000, 128 * 1024, 128 * 1024 + 1, 300_000] {
        let raw: Vec<u8> = (0..len).map(|n| b'a' + (n % 23) as u8).collect();
        let (mut frame, mut opened) = (Vec::new(), vec![0; len]);
        store_frame(&raw, &mut frame);
        assert!(decompress(&frame, &mut opened));
        assert_eq!(opened, raw);
    }
}

#[test]
fn a_frame_that_opens_to_more_than_it_should_is_stopped() {
    let bomb = zstd::bulk::compress(&vec![0; 10 << 20], 1).unwrap();
    assert!(!decompress(&bomb, &mut [0; 1000]));
}
