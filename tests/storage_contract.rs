//! The promise of `Journal`, asked of every implementation by one suite.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a failure here is the test's failure; the tallies are printed for the docs"
)]

mod storage_support;

use std::sync::Arc;

use consent_ledger::storage::{
    AppendError, Head, Journal,
    local::Local,
    memory::{Fault, Memory},
};
use storage_support::{Chain, check, fill, folder, open, small};

/// A journal to test, and how to come back to it after its process is gone.
trait World {
    fn journal(&self) -> Arc<dyn Journal>;
    /// Whatever is durable survives this.
    fn restart(&mut self);
}

struct InMemory(Arc<Memory>);

impl World for InMemory {
    fn journal(&self) -> Arc<dyn Journal> {
        self.0.clone()
    }
    fn restart(&mut self) {
        self.0 = Arc::new(self.0.reopen());
    }
}

struct OnDisk {
    dir: tempfile::TempDir,
    local: Option<Arc<Local>>,
}

impl World for OnDisk {
    fn journal(&self) -> Arc<dyn Journal> {
        self.local.clone().unwrap()
    }
    fn restart(&mut self) {
        self.local = None;
        self.local = Some(Arc::new(open(small(self.dir.path())).0));
    }
}

/// Runs a rule of the contract against every implementation.
fn in_every_world(rule: impl Fn(&mut dyn World)) {
    rule(&mut InMemory(Arc::new(Memory::new())));
    let dir = folder();
    let local = Some(Arc::new(open(small(dir.path())).0));
    rule(&mut OnDisk { dir, local });
}

#[test]
fn an_empty_journal_has_the_empty_head_and_nothing_to_read() {
    in_every_world(|world| {
        let journal = world.journal();
        assert_eq!(journal.head(), Head::EMPTY);
        assert!(matches!(journal.read(0), Ok(None)));
        assert!(matches!(journal.read(u64::MAX), Ok(None)));
    });
}

#[test]
fn every_position_of_an_acknowledged_block_is_readable_at_once() {
    in_every_world(|world| {
        let journal = world.journal();
        let mut chain = Chain::new(1);
        for block in (0..40).map(|_| chain.any_block()) {
            journal.append(block.first, &block).unwrap();
            assert_eq!(journal.head(), Head::after(&block));
            for position in block.first..block.next() {
                let read = journal.read(position).unwrap().unwrap();
                assert_eq!(read.first, block.first);
                assert_eq!(read.bytes, block.bytes);
            }
            assert!(matches!(journal.read(block.next()), Ok(None)));
        }
    });
}

#[test]
fn t4_what_was_acknowledged_is_there_after_a_restart_without_goodbye() {
    in_every_world(|world| {
        let mut chain = Chain::new(2);
        let mut blocks = Vec::new();
        for _ in 0..4 {
            blocks.extend(fill(&*world.journal(), &mut chain, 23));
            world.restart();
            check(&*world.journal(), &blocks);
        }
    });
}

#[test]
fn a_writer_that_is_behind_is_told_where_the_log_goes_on() {
    in_every_world(|world| {
        let journal = world.journal();
        let mut chain = Chain::new(3);
        let blocks = fill(&*journal, &mut chain, 3);
        let head = journal.head().next;
        let late = &blocks[1];
        let moved = AppendError::HeadMoved { head };
        assert_eq!(journal.append(late.first, late), Err(moved.clone()));
        let ahead = {
            chain.any_block();
            chain.any_block()
        };
        assert_eq!(journal.append(ahead.first, &ahead), Err(moved.clone()));
        assert_eq!(journal.append(head, &ahead), Err(moved));
        check(&*journal, &blocks);
    });
}

#[test]
fn e1_a_block_that_does_not_link_is_not_stored() {
    in_every_world(|world| {
        let journal = world.journal();
        let blocks = fill(&*journal, &mut Chain::new(4), 2);
        let head = Head {
            last: blocks[0].last(),
            ..journal.head()
        };
        let stranger = Chain::after(head, 5).any_block();
        let refused = journal.append(stranger.first, &stranger);
        assert!(
            matches!(refused, Err(AppendError::Unavailable(_))),
            "{refused:?}"
        );
        check(&*journal, &blocks);
    });
}

#[test]
fn readers_see_whole_prefixes_while_a_writer_writes() {
    in_every_world(|world| {
        let journal = world.journal();
        std::thread::scope(|scope| {
            let reader = scope.spawn({
                let journal = world.journal();
                move || {
                    while journal.head().next < 300 {
                        check(&Frozen(journal.clone(), journal.head()), &[]);
                    }
                }
            });
            let mut chain = Chain::new(6);
            while journal.head().next < 300 {
                fill(&*journal, &mut chain, 1);
            }
            reader.join().unwrap();
        });
    });
}

/// A journal as it was when its head was taken: what a reader relies on.
struct Frozen(Arc<dyn Journal>, Head);

impl Journal for Frozen {
    fn append(&self, _: u64, _: &consent_ledger::ledger::StoredBlock) -> Result<(), AppendError> {
        Err(AppendError::Unavailable("frozen".into()))
    }
    fn read(
        &self,
        position: u64,
    ) -> Result<Option<consent_ledger::ledger::StoredBlock>, consent_ledger::storage::ReadError>
    {
        if position >= self.1.next {
            return Ok(None);
        }
        self.0.read(position)
    }
    fn head(&self) -> Head {
        self.1
    }
}

#[test]
fn memory_fails_in_every_way_that_a_test_asks_for() {
    for (fault, stored) in [
        (Fault::Unavailable, false),
        (Fault::UnknownNotStored, false),
        (Fault::UnknownStored, true),
        (Fault::HeadMoved { head: 99 }, false),
    ] {
        let memory = Memory::new();
        let mut chain = Chain::new(7);
        let mut blocks = fill(&memory, &mut chain, 3);
        memory.fail_next(fault);
        let block = chain.any_block();
        let refused = memory.append(block.first, &block).unwrap_err();
        let unknown = matches!(refused, AppendError::Unknown(_));
        assert_eq!(
            unknown,
            matches!(fault, Fault::UnknownNotStored | Fault::UnknownStored)
        );
        let again = memory.append(block.first, &block);
        assert_eq!(matches!(again, Err(AppendError::Unknown(_))), unknown);
        if stored || again.is_ok() {
            blocks.push(block);
        }
        check(&memory.reopen(), &blocks);
    }
}
