//! Notices by template, what became of them, and consent to e-mail: `notice.*.v1` beside the spine's `notice.given.v1`.

use super::areas::stored_events;
use crate::domain::notices::NoticeEvent;

stored_events! {
    NoticeEvent {
        Sent = "notice.sent.v1",
        Delivered = "notice.delivered.v1",
        Failed = "notice.failed.v1",
        EmailAgreed = "notice.email_agreed.v1",
        EmailRevoked = "notice.email_revoked.v1",
    }
}
