//! What imports assert: `asserted.*.v1`, and `disclosure.asserted.v1` among the disclosures (C2, P8).

use super::areas::stored_events;
use crate::domain::asserted::AssertedEvent;

stored_events! {
    AssertedEvent {
        Account = "asserted.account.v1",
        Service = "asserted.service.v1",
        Notice = "asserted.notice.v1",
        Granted = "asserted.granted.v1" [reference],
        Blocked = "asserted.blocked.v1" [reference],
        Disclosed = "disclosure.asserted.v1" [reference],
    }
}
