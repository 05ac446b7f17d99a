//! Grounds with all the facts that they demand (R14).

use consent_ledger::domain::authentication::telling::Telling;
use consent_ledger::domain::consent::word::Assurance;
use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::ids::{EntityId, Personal};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::AssuranceMethod;

use super::notation::call;

/// A fact that is there.
pub fn some(text: &str) -> Option<Personal> {
    Some(Personal::new(text))
}

/// A caller who was verified some minutes ago.
pub fn verified(method: AssuranceMethod, minutes_ago: i64, now: Time) -> Telling {
    Telling::Stated(Assurance {
        method,
        reference: some("verification 9"),
        at: Time(now.0 - minutes_ago * 60_000_000),
    })
}

/// A court order.
pub fn court_order() -> Ground {
    Ground::Legal {
        authority: some("county-court"),
        reference: some("2026-CV-7"),
        dated: Some("2024-01-01".to_owned()),
        digest: Some([3; 32]),
    }
}

/// An open fraud case.
pub fn fraud_case() -> Ground {
    Ground::Rights {
        case: some("case 4"),
        open: true,
        protected_party: some("carrier-q"),
    }
}

/// A provider's question whether a freeze stands.
pub fn freeze_query(provider: &str, request: &str) -> Ground {
    Ground::PicFreeze {
        provider: EntityId::parse(provider),
        request: Some(call(request)),
    }
}

/// A directory that lists the customer.
pub fn directory(publisher: &str) -> Ground {
    Ground::Directory {
        publisher: EntityId::parse(publisher),
        non_published: false,
    }
}

/// An open trouble ticket; nobody outside is told.
pub fn ticket() -> Ground {
    Ground::Service {
        ticket: some("ticket 5"),
        open: true,
        verification: None,
    }
}

/// An invoice run; nobody outside is told.
pub fn invoice() -> Ground {
    Ground::Billing {
        invoice: some("run 2026-02"),
        verification: None,
    }
}
