//! Which customers surely were never registered: a Bloom filter of fixed size, so that a new one costs no look-up on disk.
//!
//! It forgets nothing and never says "unknown" of a key that was added; when it fills up, more look-ups go to the index.

use std::sync::atomic::{AtomicU64, Ordering};

use super::progress::Key;

/// 8 MiB, two keys a customer: at five million customers one look-up in twenty-five is in vain, at ten million one in four.
const WORDS: usize = 1 << 20;
/// A key's bits lie in one cache line.
const LINE: usize = 8;
const PROBES: u32 = 5;

pub(super) struct Filter(Vec<AtomicU64>);

impl Filter {
    pub(super) fn new() -> Self {
        Self((0..WORDS).map(|_| AtomicU64::new(0)).collect())
    }

    /// Remembers a key.
    pub(super) fn add(&self, key: &Key) {
        for (word, bit) in probes(key) {
            if let Some(word) = self.0.get(word) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether the key may have been added.
    pub(super) fn may_hold(&self, key: &Key) -> bool {
        probes(key).all(|(word, bit)| {
            self.0
                .get(word)
                .is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0)
        })
    }
}

/// Digests and pseudonyms are random: their own bits are as good as any hash of them.
fn probes(key: &Key) -> impl Iterator<Item = (usize, u64)> {
    let random = u128::from_be_bytes(key.last_chunk().copied().unwrap_or_default());
    let line = (random >> 64) as usize % (WORDS / LINE) * LINE;
    (0..PROBES).map(move |probe| {
        let at = (random >> (9 * probe)) as usize;
        (line + at / 64 % LINE, 1 << (at % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::progress::pseudonym_key;

    #[test]
    fn t4_a_key_that_was_added_is_never_called_unknown() {
        let filter = Filter::new();
        let key = |number: u128| {
            let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            pseudonym_key(&(spread ^ spread >> 67).to_be_bytes())
        };
        (0..400_000).for_each(|number| filter.add(&key(number)));
        assert!((0..400_000).all(|number| filter.may_hold(&key(number))));
        let in_vain = (400_000..500_000)
            .filter(|number| filter.may_hold(&key(*number)))
            .count();
        assert!(in_vain < 100, "{in_vain} of 100000 unknown keys look known");
    }
}
