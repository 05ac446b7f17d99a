//! Legal holds and erasures: `retention.*.v1`.

use super::areas::stored_events;
use crate::domain::retention::RetentionEvent;

stored_events! {
    RetentionEvent {
        HoldPlaced = "retention.hold_placed.v1" [matter],
        HoldReleased = "retention.hold_released.v1",
        ErasureRequested = "retention.erasure_requested.v1" [reference],
        ErasureRefused = "retention.erasure_refused.v1" [reference],
        ErasureCompleted = "retention.erasure_completed.v1",
    }
}
