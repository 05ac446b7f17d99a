//! What is hot, in bounded memory: split over many locks, so that concurrent checks don't wait for each other.

use std::{
    hash::{BuildHasherDefault, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
};

use quick_cache::UnitWeighter;
use quick_cache::unsync;

use crate::domain::ids::{RandomId, room_of_part};

const LOCKS: usize = 64;

/// A bounded map from 16 random bytes; who is not asked for goes first.
///
/// Values are dropped on eviction; one that holds a secret wipes itself then.
pub(super) struct Cache<V> {
    parts: Vec<Mutex<Part<V>>>,
}

type Part<V> = unsync::Cache<Key, V, UnitWeighter, BuildHasherDefault<RandomId>>;

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
    /// A cache that holds any `entries` values, and somewhat more where they fall evenly to the locks. Takes memory as
    /// it fills.
    pub(super) fn new(entries: usize) -> Self {
        let each = room_of_part(entries, LOCKS);
        let part = || {
            let (hasher, lifecycle) = (
                BuildHasherDefault::default(),
                unsync::DefaultLifecycle::default(),
            );
            Mutex::new(Part::with(
                each,
                each as u64,
                UnitWeighter,
                hasher,
                lifecycle,
            ))
        };
        Self {
            parts: (0..LOCKS).map(|_| part()).collect(),
        }
    }

    pub(super) fn get(&self, key: &[u8; 16]) -> Option<V> {
        self.part(key)?.get(&Key(*key)).cloned()
    }

    pub(super) fn put(&self, key: [u8; 16], value: V) {
        if let Some(mut part) = self.part(&key) {
            part.insert(Key(key), value);
        }
    }

    /// Drops a value.
    pub(super) fn forget(&self, key: &[u8; 16]) {
        if let Some(mut part) = self.part(key) {
            part.remove(&Key(*key));
        }
    }

    fn part(&self, key: &[u8; 16]) -> Option<MutexGuard<'_, Part<V>>> {
        let [.., last] = *key;
        let part = self.parts.get(usize::from(last) % LOCKS)?;
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
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
        let found = (0..10_000).filter(|n| cache.get(&key(*n)).is_some());
        assert!(found.count() <= 64 * (100 + 40));
        cache.put(key(9_999), Arc::new(7));
        assert_eq!(
            cache.get(&key(9_999)).as_deref(),
            Some(&7),
            "the newest value counts"
        );
    }
}
