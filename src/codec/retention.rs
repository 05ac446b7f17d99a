//! Legal holds: `retention.*.v1`.

use super::areas::stored_events;
use crate::domain::retention::RetentionEvent;

stored_events! {
    RetentionEvent {
        HoldPlaced = "retention.hold_placed.v1" [matter],
        HoldReleased = "retention.hold_released.v1",
    }
}
