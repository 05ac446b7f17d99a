//! The list of authorised contacts: `contacts.*.v1`, `contact.*.v1`.

use super::areas::stored_events;
use crate::domain::contacts::ContactEvent;

stored_events! {
    ContactEvent {
        Requested = "contacts.requested.v1",
        ListGiven = "contacts.given.v1",
        Listed = "contact.listed.v1" [name],
        Removed = "contact.removed.v1",
        Unreachable = "contact.unreachable.v1" [notice],
    }
}
