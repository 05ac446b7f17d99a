//! Which request ids surely were never seen: a Bloom filter of fixed size, so that a new id costs no look-up on disk.
//!
//! It forgets nothing and never says "unseen" of an id that was seen; when it fills up, more look-ups go to the tables.

use std::sync::atomic::{AtomicU64, Ordering};

use super::RequestToken;

/// 16 MiB: some six million ids at a hundredth of false hits, thirty million at a third.
const WORDS: usize = 1 << 21;
const PROBES: u32 = 4;

pub struct Filter(Vec<AtomicU64>);

impl Default for Filter {
    fn default() -> Self {
        Self((0..WORDS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl Filter {
    /// Remembers an id.
    pub fn add(&self, token: RequestToken) {
        for (word, bit) in probes(token) {
            if let Some(word) = self.0.get(word) {
                word.fetch_or(bit, Ordering::Relaxed);
            }
        }
    }

    /// Whether the id may have been seen.
    pub fn may_hold(&self, token: RequestToken) -> bool {
        probes(token).all(|(word, bit)| {
            self.0
                .get(word)
                .is_none_or(|word| word.load(Ordering::Relaxed) & bit != 0)
        })
    }
}

/// Tokens are keyed digests: their own bits are as good as any hash of them.
fn probes(token: RequestToken) -> impl Iterator<Item = (usize, u64)> {
    let seed = u64::from_le_bytes(token);
    let step = seed.rotate_left(32) | 1;
    (0..PROBES).map(move |probe| {
        let bit = seed.wrapping_add(u64::from(probe).wrapping_mul(step)) >> 5;
        let word = usize::try_from(bit >> 6).unwrap_or(0) % WORDS;
        (word, 1 << (bit & 63))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_an_id_that_was_seen_is_never_called_unseen() {
        let filter = Filter::default();
        let token = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes();
        (0..100_000).for_each(|number| filter.add(token(number)));
        assert!((0..100_000).all(|number| filter.may_hold(token(number))));
        let false_hits = (100_000..200_000)
            .filter(|number| filter.may_hold(token(*number)))
            .count();
        assert!(
            false_hits < 1_000,
            "{false_hits} of 100000 unseen ids look seen"
        );
    }
}
