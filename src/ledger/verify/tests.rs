use proptest::prelude::*;

use super::{join::Joiner, span::Spanner, *};
use crate::ledger::{
    StoredBlock, fixture, leaf_hash,
    record::{Part, Record},
};

fn options(checkpoints: &[Checkpoint]) -> Options {
    Options {
        checkpoints: checkpoints.to_vec(),
        ..Options::default()
    }
}

fn deep() -> Options {
    Options {
        deep: true,
        ..Options::default()
    }
}

fn quiet(_: u64) {}

fn verify_text(text: &[u8], options: Options) -> Result<Verified, Finding> {
    verify_lines(text, options, 1, &quiet)
}

fn as_source(blocks: &[StoredBlock]) -> impl Iterator<Item = Result<StoredBlock, String>> {
    blocks.iter().cloned().map(Ok)
}

/// The finding in an export of `lines`, deep and not, with or without the checkpoint over `honest`.
fn finding(lines: &[Vec<u8>], checkpoints: &[Checkpoint]) -> Finding {
    let text = fixture::export(lines);
    let shallow = verify_text(&text, options(checkpoints)).unwrap_err();
    let deep = verify_text(
        &text,
        Options {
            deep: true,
            ..options(checkpoints)
        },
    )
    .unwrap_err();
    assert!(deep.position <= shallow.position);
    shallow
}

/// Which line of an export holds a byte; a line's newline belongs to it.
fn line_at(lines: &[Vec<u8>], at: usize) -> u64 {
    let mut end = 0;
    lines
        .iter()
        .take_while(|line| {
            end += line.len() + 1;
            end <= at
        })
        .count() as u64
}

#[test]
fn e1_an_intact_ledger_is_verified_whatever_way_it_comes() {
    let records = fixture::records(60);
    let lines = fixture::lines(&records);
    let checkpoints: Vec<Checkpoint> = [1, 2, 7, 32, 60]
        .map(|size| fixture::checkpoint(&lines[..size]))
        .into();
    let text = fixture::export(&lines);
    let expected = verify_text(&text, options(&checkpoints)).unwrap();
    assert_eq!(expected.records, records.len() as u64);
    assert_eq!(expected.root, fixture::checkpoint(&lines).root);
    assert_eq!(expected.last, leaf_hash(lines.last().unwrap()));
    assert_eq!(expected.recorded_at, records.last().unwrap().recorded_at);
    let blocks = fixture::blocks(&records, 7);
    for deep in [false, true] {
        let options = || Options {
            deep,
            ..options(&checkpoints)
        };
        for threads in 0..4 {
            assert_eq!(
                verify_lines(&text[..], options(), threads, &quiet).as_ref(),
                Ok(&expected)
            );
            assert_eq!(
                verify_blocks(as_source(&blocks), options(), threads, &quiet).as_ref(),
                Ok(&expected)
            );
        }
        let (mut by_line, mut by_block) = (Verifier::new(options()), Verifier::new(options()));
        lines
            .iter()
            .for_each(|line| by_line.push_line(line).unwrap());
        blocks
            .iter()
            .for_each(|block| by_block.push_block(block).unwrap());
        assert_eq!(by_line.finish().as_ref(), Ok(&expected));
        assert_eq!(by_block.finish().as_ref(), Ok(&expected));
    }
}

#[test]
fn e1_verification_goes_on_from_a_trusted_end() {
    let records = fixture::records(40);
    let blocks = fixture::blocks(&records, 10);
    let all = verify_blocks(as_source(&blocks), deep(), 1, &quiet).unwrap();
    let (before, after) = blocks.split_at(2);
    let start = verify_blocks(as_source(before), deep(), 1, &quiet)
        .unwrap()
        .into_start();
    let go_on = |start| Options {
        start: Some(start),
        ..deep()
    };
    assert_eq!(
        verify_blocks(as_source(after), go_on(start.clone()), 2, &quiet),
        Ok(all)
    );
    let wrong = Start {
        prev: Hash::ZERO,
        ..start.clone()
    };
    let found = verify_blocks(as_source(after), go_on(wrong), 2, &quiet).unwrap_err();
    assert_eq!(found.position, start.frontier.size());
    assert!(matches!(found.problem, Problem::Link { .. }));
}

#[test]
fn e1_an_empty_ledger_is_empty_and_shorter_than_any_checkpoint() {
    let verified = verify_text(b"", Options::default()).unwrap();
    assert_eq!((verified.records, verified.last), (0, Hash::ZERO));
    assert_eq!(verified.root, Hash::of(b""));
    let lines = fixture::lines(&fixture::records(1));
    let found = verify_text(b"", options(&[fixture::checkpoint(&lines)])).unwrap_err();
    assert_eq!(
        found,
        Finding {
            position: 0,
            problem: Problem::Shorter { size: 1 }
        }
    );
}

#[test]
fn e1_a_flipped_byte_is_found_and_located() {
    let lines = fixture::lines(&fixture::records(7));
    let checkpoint = [fixture::checkpoint(&lines)];
    let intact = fixture::export(&lines);
    let last = lines.len() as u64 - 1;
    for at in 0..intact.len() {
        for bit in 0..8 {
            let mut text = intact.clone();
            text[at] ^= 1 << bit;
            let found = verify_text(&text, options(&checkpoint)).unwrap_err();
            let altered = line_at(&lines, at);
            // A link that differs in the last record leaves open which of two records was altered: the first is named.
            let open = altered == last && matches!(found.problem, Problem::Altered { .. });
            assert_eq!(
                found.position,
                altered - u64::from(open),
                "byte {at}, bit {bit}: {found}"
            );
        }
    }
}

#[test]
fn e1_a_cut_is_found_at_every_byte() {
    let lines = fixture::lines(&fixture::records(4));
    let checkpoint = [fixture::checkpoint(&lines)];
    let text = fixture::export(&lines);
    for cut in 0..text.len() {
        let found = verify_text(&text[..cut], options(&checkpoint)).unwrap_err();
        assert_eq!(
            found.position,
            line_at(&lines, cut),
            "cut at {cut}: {found}"
        );
    }
}

#[test]
fn e1_removed_repeated_inserted_and_swapped_records_are_found_and_located() {
    let intact = fixture::lines(&fixture::records(12));
    let checkpoint = [fixture::checkpoint(&intact)];
    for at in 0..intact.len() {
        let mut lines = intact.clone();
        lines.remove(at);
        assert_eq!(finding(&lines, &checkpoint).position, at as u64);

        let mut lines = intact.clone();
        lines.insert(at, intact[at].clone());
        assert_eq!(finding(&lines, &checkpoint).position, at as u64 + 1);

        let mut lines = intact.clone();
        lines.insert(at, b"{}".to_vec());
        let found = finding(&lines, &checkpoint);
        assert!(found.position == at as u64 && matches!(found.problem, Problem::Line(_)));

        if at > 0 {
            let mut lines = intact.clone();
            lines.swap(at - 1, at);
            let found = finding(&lines, &checkpoint);
            assert_eq!(found.position, at as u64 - 1);
            assert!(matches!(found.problem, Problem::Position { .. }));
        }
    }
    let mut lines = intact.clone();
    lines.push(intact[11].clone());
    assert_eq!(finding(&lines, &[]).position, intact.len() as u64);
}

/// The lines after an alteration, with every later link recomputed as a forger would.
fn forged(at: usize, alter: impl FnOnce(&mut Record)) -> Vec<Vec<u8>> {
    let mut records = fixture::records(12);
    alter(&mut records[at]);
    fixture::relink(&mut records);
    fixture::lines(&records)
}

#[test]
fn e2_a_suffix_rewritten_as_a_whole_is_caught_by_a_checkpoint_and_by_nothing_else() {
    let honest = fixture::lines(&fixture::records(12));
    let checkpoints = [5, 9, 12].map(|size| fixture::checkpoint(&honest[..size]));
    let lines = forged(6, |record| {
        record.data = "{\"note\":\"never said\"}".to_owned()
    });
    assert!(verify_text(&fixture::export(&lines), deep()).is_ok());
    let found = finding(&lines, &checkpoints);
    assert!(
        matches!(found.problem, Problem::Root { size: 9, .. }),
        "{found}"
    );
    assert_eq!(found.position, 8);
}

#[test]
fn e2_a_ledger_cut_at_a_record_is_shorter_than_its_checkpoint() {
    let lines = fixture::lines(&fixture::records(12));
    let checkpoint = fixture::checkpoint(&lines);
    let cut = &lines[..9];
    assert!(verify_text(&fixture::export(cut), Options::default()).is_ok());
    let problem = Problem::Shorter {
        size: checkpoint.size,
    };
    assert_eq!(
        finding(cut, &[checkpoint]),
        Finding {
            position: 9,
            problem
        }
    );
}

#[test]
fn e1_a_back_dated_record_is_found_even_when_the_chain_was_recomputed() {
    let lines = forged(6, |record| record.recorded_at.0 -= 3_600_000_000);
    let found = finding(&lines, &[]);
    assert!(
        found.position == 6 && matches!(found.problem, Problem::BackDated { .. }),
        "{found}"
    );
}

#[test]
fn e1_records_of_one_command_stay_together() {
    let lines = forged(2, |record| record.part = Part { index: 3, of: 3 });
    let found = finding(&lines, &[]);
    assert!(
        found.position == 2 && matches!(found.problem, Problem::Part { .. }),
        "{found}"
    );
    // Positions 1, 2 and 3 are one command.
    let found = finding(&fixture::lines(&fixture::records(12))[..3], &[]);
    assert!(
        found.position == 3 && matches!(found.problem, Problem::Unfinished { .. }),
        "{found}"
    );
}

#[test]
fn e5_a_gap_in_a_subjects_versions_is_found_when_asked_for() {
    let lines = forged(7, |record| record.version += 1);
    assert!(verify_text(&fixture::export(&lines), Options::default()).is_ok());
    let found = verify_text(&fixture::export(&lines), deep()).unwrap_err();
    assert!(
        found.position == 7
            && matches!(
                found.problem,
                Problem::Version {
                    expected: 2,
                    found: 3,
                    ..
                }
            ),
        "{found}"
    );
}

#[test]
fn e1_a_deep_verification_reads_every_line_and_the_opening() {
    let lines = forged(0, |record| record.kind = "example.noted.v1".to_owned());
    let found = verify_text(&fixture::export(&lines), deep()).unwrap_err();
    assert!(matches!(
        found,
        Finding {
            position: 0,
            problem: Problem::NotOpened { .. }
        }
    ));
    let lines = forged(0, |record| record.data = "{}".to_owned());
    let found = verify_text(&fixture::export(&lines), deep()).unwrap_err();
    assert!(matches!(
        found,
        Finding {
            position: 0,
            problem: Problem::Genesis(_)
        }
    ));
    // A line that only looks right from both ends: the chain holds, the record can't be read.
    let mut lines = fixture::lines(&fixture::records(3)[..1]);
    let line = String::from_utf8(lines[0].clone())
        .unwrap()
        .replace("\"format\":1", "\"format\":1.0");
    lines[0] = line.into_bytes();
    assert!(verify_text(&fixture::export(&lines), Options::default()).is_ok());
    let found = verify_text(&fixture::export(&lines), deep()).unwrap_err();
    assert!(matches!(
        found,
        Finding {
            position: 0,
            problem: Problem::Line(_)
        }
    ));
}

#[test]
fn e1_blocks_out_of_place_are_found_and_located() {
    let records = fixture::records(40);
    let intact = fixture::blocks(&records, 6);
    let found = |blocks: &[StoredBlock]| {
        let one = verify_blocks(as_source(blocks), Options::default(), 1, &quiet).unwrap_err();
        let many = verify_blocks(as_source(blocks), Options::default(), 3, &quiet).unwrap_err();
        assert_eq!(one, many);
        one
    };
    for at in 0..intact.len() - 1 {
        let first = intact[at].first;
        let mut blocks = intact.clone();
        blocks.remove(at);
        assert_eq!(found(&blocks).position, first);
        let mut blocks = intact.clone();
        blocks.swap(at, at + 1);
        assert_eq!(found(&blocks).position, first);
        let mut blocks = intact.clone();
        blocks.insert(at, intact[at].clone());
        assert_eq!(found(&blocks).position, intact[at].next());
    }
    // Another history from the third block on: its first record cites a hash that nothing here has.
    let mut other = records.clone();
    other[intact[2].first as usize - 1].data = "{}".to_owned();
    fixture::relink(&mut other);
    let mut blocks = fixture::blocks(&other, 6);
    blocks.splice(..2, intact[..2].iter().cloned());
    let found = found(&blocks);
    assert_eq!(found.position, intact[2].first - 1);
    assert!(matches!(found.problem, Problem::Altered { .. }));
}

#[test]
fn e1_a_source_that_fails_is_a_finding_where_it_failed() {
    let blocks = fixture::blocks(&fixture::records(20), 6);
    let failing = as_source(&blocks[..2]).chain([Err("disk on fire".to_owned())]);
    let found = verify_blocks(failing, Options::default(), 2, &quiet).unwrap_err();
    assert_eq!(found.position, blocks[1].next());
    assert_eq!(
        found.problem,
        Problem::Unreadable("disk on fire".to_owned())
    );
    assert_eq!(
        found.to_string(),
        format!(
            "position {}: could not be read: disk on fire",
            found.position
        )
    );
}

#[test]
fn t5_a_line_without_end_does_not_fill_the_memory() {
    struct Endless;
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            buffer.fill(b'x');
            Ok(buffer.len())
        }
    }
    let found = verify_lines(
        std::io::BufReader::new(Endless),
        Options::default(),
        2,
        &quiet,
    )
    .unwrap_err();
    assert!(
        matches!(
            found,
            Finding {
                position: 0,
                problem: Problem::Line(_)
            }
        ),
        "{found}"
    );
}

#[test]
fn e1_progress_counts_records_up_to_the_end() {
    let seen = std::cell::RefCell::new(Vec::new());
    let records = fixture::records(3_000);
    let text = fixture::export(&fixture::lines(&records));
    verify_lines(&text[..], Options::default(), 2, &|count| {
        seen.borrow_mut().push(count)
    })
    .unwrap();
    let seen = seen.into_inner();
    assert!(seen.len() > 1 && seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&(records.len() as u64)));
}

/// Verifies `text` in spans that end after each of the given numbers of lines.
fn in_spans(text: &[u8], lens: &[usize], checkpoints: &[Checkpoint]) -> Result<Verified, Finding> {
    let (checks, mut joiner) = Joiner::new(options(checkpoints));
    let mut spanner = Spanner::default();
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    for len in lens.iter().cycle() {
        let mut run = b"\n".to_vec();
        run.extend(lines.by_ref().take(*len).flatten());
        if run.len() == 1 {
            break;
        }
        joiner.join(spanner.lines(&checks, run, None))?;
    }
    joiner.finish()
}

proptest! {
    #[test]
    fn e1_where_work_is_divided_makes_no_difference(lens in proptest::collection::vec(1_usize..4, 1..6), at in any::<prop::sample::Index>(), flip in 0_u8..=255) {
        let lines = fixture::lines(&fixture::records(14));
        let checkpoints = [4, 9, lines.len()].map(|size| fixture::checkpoint(&lines[..size]));
        let mut text = fixture::export(&lines);
        let at = at.index(text.len());
        text[at] ^= flip;
        let whole = verify_text(&text, options(&checkpoints));
        prop_assert_eq!(whole.is_ok(), flip == 0);
        let divided = in_spans(&text, &lens, &checkpoints);
        prop_assert_eq!(divided, whole);
    }
}
