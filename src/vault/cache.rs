//! What is hot, in bounded memory: split over many locks, so that concurrent checks don't wait for each other.

use std::{
    hash::{BuildHasherDefault, Hash, Hasher},
    num::NonZeroUsize,
    sync::{Mutex, PoisonError},
};

use lru::LruCache;

use crate::domain::ids::{RandomId, room_of_part};

const LOCKS: usize = 64;

/// A bounded map from 16 random bytes, least recently used out first.
///
/// Values are dropped on eviction; one that holds a secret wipes itself then.
pub(super) struct Cache<V> {
    parts: Vec<Mutex<LruCache<Key, V, BuildHasherDefault<RandomId>>>>,
}

#[derive(PartialEq, Eq)]
struct Key([u8; 16]);

/// By its first half: by the last byte the lock was chosen, so that keys behind one lock share bits of it.
impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (head, _) = self.0.split_at(8);
        state.write(head);
    }
}

impl<V: Clone> Cache<V> {
    /// A cache that holds any `entries` values, and somewhat more where they fall evenly to the locks.
    pub(super) fn new(entries: usize) -> Self {
        let each = NonZeroUsize::new(room_of_part(entries, LOCKS)).unwrap_or(NonZeroUsize::MIN);
        let part = || {
            // A bounded one would take the memory for all of its entries at once.
            let mut part = LruCache::unbounded_with_hasher(BuildHasherDefault::default());
            part.resize(each);
            Mutex::new(part)
        };
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

    /// Drops a value.
    pub(super) fn forget(&self, key: &[u8; 16]) {
        let Some(part) = self.part(key) else { return };
        let forgotten = part
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop(&Key(*key));
        drop(forgotten);
    }

    fn part(
        &self,
        key: &[u8; 16],
    ) -> Option<&Mutex<LruCache<Key, V, BuildHasherDefault<RandomId>>>> {
        let [.., last] = *key;
        self.parts.get(usize::from(last) % LOCKS)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn t5_memory_is_bounded_and_what_is_evicted_is_dropped() {
        let cache = Cache::new(6_400);
        let values: Vec<Arc<u32>> = (0..10_000).map(Arc::new).collect();
        let key = |n: u32| {
            u128::from(n)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
                .to_be_bytes()
        };
        for (n, value) in (0..).zip(&values) {
            cache.put(key(n), Arc::clone(value));
            assert_eq!(cache.get(&key(n)).as_deref(), Some(&n));
        }
        let kept = values.iter().filter(|value| Arc::strong_count(value) > 1);
        assert!(kept.count() <= 64 * (100 + 40));
        assert_eq!(cache.get(&key(0)), None);
        cache.put(key(9_999), Arc::new(7));
        assert_eq!(
            cache.get(&key(9_999)).as_deref(),
            Some(&7),
            "the newest value counts"
        );
    }
}
