//! What is hot, in bounded memory: split over many locks, so that concurrent checks don't wait for each other.

use std::{
    hash::{BuildHasherDefault, Hash, Hasher},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;

const LOCKS: usize = 64;

/// A bounded map from 16 random bytes, least recently used out first.
///
/// Values are dropped on eviction; one that holds a secret wipes itself then.
pub(super) struct Cache<V> {
    parts: Vec<Mutex<LruCache<Key, V, BuildHasherDefault<Spread>>>>,
}

#[derive(PartialEq, Eq)]
struct Key([u8; 16]);

/// Keys are random already: their first bytes are their hash.
#[derive(Default)]
struct Spread(u64);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_at(8);
        state.write(head);
    }
}

impl Hasher for Spread {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<V: Clone> Cache<V> {
    /// A cache of about `entries` values (at least one for each lock).
    pub(super) fn new(entries: usize) -> Self {
        let each = NonZeroUsize::new(entries.div_ceil(LOCKS)).unwrap_or(NonZeroUsize::MIN);
        let part = || Mutex::new(LruCache::with_hasher(each, BuildHasherDefault::default()));
        Self {
            parts: (0..LOCKS).map(|_| part()).collect(),
        }
    }

    pub(super) fn get(&self, key: &[u8; 16]) -> Option<V> {
        let mut part = self
            .part(key)?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        part.get(&Key(*key)).cloned()
    }

    pub(super) fn put(&self, key: [u8; 16], value: V) {
        let Some(part) = self.part(&key) else { return };
        let evicted = part
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Key(key), value);
        drop(evicted);
    }

    fn part(&self, key: &[u8; 16]) -> Option<&Mutex<LruCache<Key, V, BuildHasherDefault<Spread>>>> {
        let [.., last] = *key;
        self.parts.get(usize::from(last) % LOCKS)
    }
}
