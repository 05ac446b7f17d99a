//! Keeps the blocks that sled holds in memory within the configured cache.
//!
//! sled 0.34.7 spreads its pages over 256 caches, looks at one of them only after 64 accesses to its pages, and then
//! keeps the page accessed last, whatever its size. That is little for small pages. A leaf of blocks has up to a
//! megabyte, so that hundreds of them would stay, whatever cache is configured. So after each cacheful of blocks some
//! small pages, at least one in each of the 256, are accessed until sled has looked at all, and has let go of the rest.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::ledger::StoredBlock;

/// A tree of small pages.
const SMALL: &str = "small";
/// Its leaves: two for each of sled's caches, because a number may be missing among theirs.
const LEAVES: u32 = 512;
/// Keys in a leaf, where they are inserted in order.
const LEAF_KEYS: u32 = 9;
/// To two leaves each: more than the 64 accesses that sled lets queue up for a cache.
const ACCESSES: u32 = 33;
/// What filling the tree adds to sled's log, at most.
const SMALL_BYTES: u64 = 1 << 20;
/// Blocks that come into memory with one that is read.
const NEIGHBOURS: u64 = 8;

/// What is in memory, as far as it can be told from outside.
pub(super) struct Leaves {
    sled: sled::Db,
    limit: u64,
    /// Bytes of blocks that came into memory since sled let go of them.
    held: AtomicU64,
    /// The position after the block that was read last.
    next: AtomicU64,
}

impl Leaves {
    pub(super) fn new(sled: sled::Db, cache_bytes: u64) -> Self {
        Self {
            sled,
            limit: cache_bytes,
            held: AtomicU64::new(0),
            next: AtomicU64::new(0),
        }
    }

    /// A block was added. Says how many bytes it cost sled's log to let go of others.
    pub(super) fn added(&self, block: &StoredBlock) -> sled::Result<u64> {
        self.hold(block.bytes.len() as u64)
    }

    /// A block was read: where it follows the one read last, its leaf was in memory already.
    pub(super) fn read(&self, block: &StoredBlock) -> sled::Result<u64> {
        let length = block.bytes.len() as u64;
        let follows = self.next.swap(block.next(), Relaxed) == block.first;
        self.hold(if follows { length } else { length * NEIGHBOURS })
    }

    fn hold(&self, bytes: u64) -> sled::Result<u64> {
        if self.held.fetch_add(bytes, Relaxed) + bytes < self.limit {
            return Ok(0);
        }
        self.held.store(0, Relaxed);
        self.push_out()
    }

    fn push_out(&self) -> sled::Result<u64> {
        let small = self.sled.open_tree(SMALL)?;
        let last = LEAVES * LEAF_KEYS - 1;
        let added = if small.contains_key(last.to_be_bytes())? {
            0
        } else {
            for key in 0..=last {
                small.insert(key.to_be_bytes(), &[])?;
            }
            SMALL_BYTES
        };
        for leaf in 0..LEAVES {
            for _ in 0..ACCESSES {
                small.contains_key((leaf * LEAF_KEYS).to_be_bytes())?;
            }
        }
        Ok(added)
    }
}
