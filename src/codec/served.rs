//! Affiliates that serve the customer themselves: `service.affiliate_*.v1`.

use super::areas::stored_events;
use crate::domain::served::AffiliateEvent;

stored_events! {
    AffiliateEvent {
        Began = "service.affiliate_began.v1",
        Ended = "service.affiliate_ended.v1",
    }
}
