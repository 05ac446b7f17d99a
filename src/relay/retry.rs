//! How long to wait before the next attempt: longer each time, and never in step with others.

use std::time::Duration;

/// Doubles from the first pause to the longest; each pause is shortened by up to a half, by chance, so that many
/// clients of a server that came back do not all call at once.
#[derive(Debug)]
pub(super) struct Retry {
    first: Duration,
    longest: Duration,
    current: Duration,
}

impl Retry {
    pub(super) fn new(first: Duration, longest: Duration) -> Retry {
        Retry {
            first,
            longest,
            current: first,
        }
    }

    /// To be called on any progress.
    pub(super) fn reset(&mut self) {
        self.current = self.first;
    }

    pub(super) fn next_pause(&mut self) -> Duration {
        let pause = self.current;
        self.current = pause.saturating_mul(2).min(self.longest);
        let mut chance = [0];
        // Without randomness the pause is the longest one, which is right too.
        let _ = getrandom::fill(&mut chance);
        pause - (pause / 2).mul_f64(f64::from(chance[0]) / 255.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_start_over_on_progress() {
        let ms = Duration::from_millis;
        let mut retry = Retry::new(ms(100), ms(350));
        for full in [100, 200, 350, 350] {
            let pause = retry.next_pause();
            assert!(
                (ms(full) / 2..=ms(full)).contains(&pause),
                "{pause:?} of {full} ms"
            );
        }
        retry.reset();
        assert!(retry.next_pause() <= ms(100));
    }
}
