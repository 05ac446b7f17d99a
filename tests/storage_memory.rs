//! What the log keeps in memory follows its options, not its length. In a process of its own, where nothing else is
//! counted.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "a failure here is the test's failure"
)]

mod storage_support;

use consent_ledger::storage::{Journal, local::Options};
use storage_support::{Chain, folder, open, small};

/// Two thirds of it would stay in memory by sled's own rules.
const BLOCKS: usize = 1_200;

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = kib.expect("Linux says it").trim().trim_end_matches(" kB");
    kib.parse::<u64>().unwrap() * 1024
}

#[test]
fn t5_memory_follows_the_cache_and_not_the_log() {
    let dir = folder();
    let options = Options {
        cache_bytes: 4 << 20,
        ..small(dir.path())
    };
    let options = Options {
        tail_bytes: 1 << 20,
        ..options
    };
    let (journal, _) = open(options);
    let mut chain = Chain::new(7);
    let before = resident_bytes();
    let mut written = 0;
    for _ in 0..BLOCKS {
        let block = chain.large_block();
        journal.append(block.first, &block).unwrap();
        written += block.bytes.len() as u64;
    }
    let kept = resident_bytes().saturating_sub(before);
    assert!(
        kept < written / 2,
        "{kept} bytes of {written} written stay in memory"
    );
    let mut position = 0;
    while let Some(block) = journal.read(position).unwrap() {
        position = block.next();
    }
    let kept = resident_bytes().saturating_sub(before);
    assert!(
        kept < written / 2,
        "{kept} bytes of {written} read stay in memory"
    );
}
