//! Numbers from a seed: SplitMix64, written out.
//!
//! A crate's generator may give other numbers in its next version, and then the same seed would make other customers.
//! These few lines never change; nothing secret is made with them.

/// A row of numbers that its seed decides.
#[derive(Clone, Debug)]
pub struct Seeded(u64);

impl Seeded {
    /// The row of customer `number` under `seed`: as if no other customer existed.
    pub fn of(seed: u64, number: u64) -> Self {
        let mut row = Self(seed);
        let mixed = row.next();
        let mut row = Self(mixed ^ number.wrapping_mul(0xd1b5_4a32_d192_ed03));
        row.next();
        row
    }

    /// The next number of the row.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number in `low..high`; `low` where there is none between.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).max(1).unsigned_abs();
        // The bias of a remainder of 64 bits is far below what anybody could count.
        low.saturating_add_unsigned(self.next() % width)
    }

    /// Yes in so many of a thousand cases.
    pub fn per_mille(&mut self, of_thousand: i64) -> bool {
        self.between(0, 1000) < of_thousand
    }

    /// One of `choices`, each as likely as its weight says; they must have one.
    pub fn weighted<T: Copy>(&mut self, choices: &[(i64, T)]) -> Option<T> {
        let all: i64 = choices.iter().map(|(weight, _)| weight).sum();
        let mut left = self.between(0, all);
        for (weight, choice) in choices {
            left -= weight;
            if left < 0 {
                return Some(*choice);
            }
        }
        choices.last().map(|(_, choice)| *choice)
    }

    /// One of `choices`.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> Option<T> {
        let count = i64::try_from(choices.len()).unwrap_or(i64::MAX);
        let index = usize::try_from(self.between(0, count)).ok()?;
        choices.get(index).copied()
    }

    /// 32 bytes, such as a digest.
    pub fn digest(&mut self) -> Vec<u8> {
        (0..4).flat_map(|_| self.next().to_le_bytes()).collect()
    }
}
