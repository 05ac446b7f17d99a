//! The only reader of time.
//!
//! The ledger's time is the machine's, held to two rules: it never goes back behind a record, and it never runs ahead
//! of the time that has really passed, because a jump would mature what must wait (design: an opt-out period).

use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::domain::time::Time;

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The wall clock, UTC.
    fn wall(&self) -> Time;
    /// Time passed since some fixed instant, untouched by whoever sets the wall clock.
    fn passed(&self) -> Duration;
}

/// The machine's clocks.
#[derive(Debug)]
pub struct System {
    started: Instant,
}

impl Default for System {
    fn default() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for System {
    #[allow(
        clippy::disallowed_methods,
        reason = "this is the one reader of the wall clock"
    )]
    fn wall(&self) -> Time {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_micros()),
            Err(before) => i64::try_from(before.duration().as_micros()).map(|micros| -micros),
        };
        Time(micros.unwrap_or(i64::MAX))
    }

    fn passed(&self) -> Duration {
        self.started.elapsed()
    }
}

/// A clock set by hand, for tests and simulations.
#[derive(Debug, Default)]
pub struct Manual {
    at: Mutex<(i64, i64)>,
}

impl Manual {
    /// A clock that stands at `at`.
    pub fn at(at: Time) -> Self {
        Self {
            at: Mutex::new((at.0, 0)),
        }
    }

    /// Lets `micros` pass.
    pub fn pass(&self, micros: i64) {
        let mut at = self
            .at
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        at.0 = at.0.saturating_add(micros);
        at.1 = at.1.saturating_add(micros);
    }

    /// Sets the wall clock alone, as an operator or a broken time server would.
    pub fn jump(&self, to: Time) {
        self.at
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .0 = to.0;
    }
}

impl Clock for Manual {
    fn wall(&self) -> Time {
        Time(
            self.at
                .lock()
                .unwrap_or_else(|poisoned| poisoned.into_inner())
                .0,
        )
    }

    fn passed(&self) -> Duration {
        let at = self
            .at
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
            .1;
        Duration::from_micros(at.unsigned_abs())
    }
}

/// How far the wall clock may lie behind the last record before the ledger stops writing.
pub const BEHIND_MAX: Duration = Duration::from_secs(2);
/// How far the wall clock may run ahead of time passed before the ledger stops writing.
pub const AHEAD_MAX: Duration = Duration::from_secs(60);

/// Why no record can be dated now.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The wall clock went back.
    #[error(
        "the machine's clock is {behind:?} behind the last record ({last:?}): set it right; \
         commands are taken again when it has passed that record"
    )]
    Behind {
        /// By how much.
        behind: Duration,
        /// The last record's time.
        last: Time,
    },
    /// The wall clock jumped ahead.
    #[error(
        "the machine's clock ran {ahead:?} ahead of the time that has passed: set it right, or restart if it is right now"
    )]
    Ahead {
        /// By how much.
        ahead: Duration,
    },
}

/// The ledger's time: max(clock, last record), as long as the clock can be believed.
pub struct LedgerTime {
    clock: std::sync::Arc<dyn Clock>,
    anchor: (Time, Duration),
    last: Time,
}

impl LedgerTime {
    /// Time goes on from the last record's.
    pub fn new(clock: std::sync::Arc<dyn Clock>, last: Time) -> Self {
        let anchor = (clock.wall(), clock.passed());
        Self {
            clock,
            anchor,
            last,
        }
    }

    /// The time that a record gets now.
    ///
    /// # Errors
    /// When the wall clock is too far behind the last record or ahead of the time that has passed.
    pub fn now(&mut self) -> Result<Time, ClockError> {
        let (wall, passed) = (self.clock.wall(), self.clock.passed());
        let behind = self.last.0.saturating_sub(wall.0);
        if behind > micros(BEHIND_MAX) {
            let behind = Duration::from_micros(behind.unsigned_abs());
            return Err(ClockError::Behind {
                behind,
                last: self.last,
            });
        }
        let expected = self
            .anchor
            .0
            .0
            .saturating_add(micros(passed.saturating_sub(self.anchor.1)));
        let ahead = wall.0.saturating_sub(expected);
        if ahead > micros(AHEAD_MAX) {
            return Err(ClockError::Ahead {
                ahead: Duration::from_micros(ahead.unsigned_abs()),
            });
        }
        // Small drift is what time servers correct; only a jump between two readings is not believed.
        self.anchor = (wall, passed);
        self.last = self.last.max(wall);
        Ok(self.last)
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const SECOND: i64 = 1_000_000;

    #[test]
    fn t4_time_never_goes_back_behind_a_record() {
        let clock = Arc::new(Manual::at(Time(100 * SECOND)));
        let mut time = LedgerTime::new(clock.clone(), Time(101 * SECOND));
        assert_eq!(time.now(), Ok(Time(101 * SECOND)));
        clock.jump(Time(98 * SECOND));
        assert!(matches!(time.now(), Err(ClockError::Behind { .. })));
        clock.jump(Time(102 * SECOND));
        assert_eq!(time.now(), Ok(Time(102 * SECOND)));
    }

    #[test]
    fn t4_a_jump_ahead_is_not_believed_until_it_is_taken_back() {
        let clock = Arc::new(Manual::at(Time(0)));
        let mut time = LedgerTime::new(clock.clone(), Time(0));
        clock.pass(10 * SECOND);
        assert_eq!(time.now(), Ok(Time(10 * SECOND)));
        clock.jump(Time(30 * 86_400 * SECOND));
        assert!(matches!(time.now(), Err(ClockError::Ahead { .. })));
        clock.jump(Time(11 * SECOND));
        assert_eq!(time.now(), Ok(Time(11 * SECOND)));
    }
}
