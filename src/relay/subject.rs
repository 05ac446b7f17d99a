//! Every subject name there is, on one page.
//!
//! ```text
//! consent.v1.<ledger>.<event>.<subject>
//!
//! <ledger>   the ledger's id, 32 hex digits
//! <event>    the record's type without its version, dots as dashes, so that it is one token:
//!              account-opened      service-opened      service-closed      notice-given
//!              consent-granted     consent-denied      consent-withdrawn   consent-restricted
//!              consent-granted_once                    consent-evidence_supplied
//!              call-ended
//!              disclosure-made     disclosure-refused  ruling-recorded
//!              retention-erasure_requested             retention-erasure_completed
//!              ledger-opened       rulebook-adopted
//!            or `withheld` for a position that subscribers may not see
//! <subject>  the customer's pseudonym, 32 hex digits
//!            or `ledger` for records about the ledger itself
//!            or `withheld`, always together with the event `withheld`
//!
//! consent.v1.<ledger>.>                        everything: the stream's own filter
//! consent.v1.<ledger>.consent-granted.*        one kind of event
//! consent.v1.<ledger>.*.<pseudonym>            one customer
//! consent.v1.<ledger>.*.ledger                 the ledger's own events
//!
//! consent.notifier.v1.<ledger>.change_notice-due.<pseudonym>
//!                                              a notification that is owed: on the notifier's stream only
//! ```
//!
//! A pseudonym says nothing about a person without the vault (N4). The type's version is in the header `ce-type`, so that a
//! new version of an event reaches those who subscribed to the old one.

use crate::ledger::Subject;

use super::message::Hex;

/// The event and subject token of a position that subscribers may not see.
pub const WITHHELD: &str = "withheld";

/// The subject token of records about the ledger itself.
pub const LEDGER: &str = "ledger";

/// All subjects of one ledger: what its stream collects.
pub fn all(ledger: &[u8; 16]) -> String {
    format!("consent.v1.{}.>", Hex(ledger))
}

/// The subject of a record that subscribers may see. `kind` is the record's type: letters, digits, `.`, `-` and `_`.
pub fn of(ledger: &[u8; 16], kind: &str, subject: &Subject) -> String {
    let (ledger, event) = (Hex(ledger), event_token(kind));
    match subject {
        Subject::Ledger => format!("consent.v1.{ledger}.{event}.{LEDGER}"),
        Subject::Customer(pseudonym) => format!("consent.v1.{ledger}.{event}.{}", Hex(pseudonym)),
    }
}

/// The one subject of all positions that subscribers may not see.
pub fn withheld(ledger: &[u8; 16]) -> String {
    format!("consent.v1.{}.{WITHHELD}.{WITHHELD}", Hex(ledger))
}

/// All subjects of one ledger's notices: what the notifier's stream collects. No subscriber of the main stream gets one.
pub fn all_notices(ledger: &[u8; 16]) -> String {
    format!("consent.notifier.v1.{}.>", Hex(ledger))
}

/// The subject of a notice to the notifier, about that customer.
pub fn notice(ledger: &[u8; 16], kind: &str, pseudonym: &[u8; 16]) -> String {
    let event = event_token(kind);
    format!(
        "consent.notifier.v1.{}.{event}.{}",
        Hex(ledger),
        Hex(pseudonym)
    )
}

/// A record's type as one token: without its version, dots as dashes.
fn event_token(kind: &str) -> String {
    let unversioned = match kind.rsplit_once('.') {
        Some((name, version)) if is_version(version) => name,
        _ => kind,
    };
    unversioned.replace('.', "-")
}

/// `v1`, `v2` …
fn is_version(token: &str) -> bool {
    token.strip_prefix('v').is_some_and(|digits| {
        !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [0xab; 16];

    #[test]
    fn n4_a_subject_holds_the_ledger_the_event_and_a_pseudonym() {
        let hex = "ab".repeat(16);
        let customer = "07".repeat(16);
        assert_eq!(
            of(&ID, "consent.granted.v1", &Subject::Customer([7; 16])),
            format!("consent.v1.{hex}.consent-granted.{customer}")
        );
        assert_eq!(
            of(&ID, "ledger.opened.v1", &Subject::Ledger),
            format!("consent.v1.{hex}.ledger-opened.ledger")
        );
        assert_eq!(withheld(&ID), format!("consent.v1.{hex}.withheld.withheld"));
        assert_eq!(all(&ID), format!("consent.v1.{hex}.>"));
        assert_eq!(
            notice(&ID, "change_notice.due.v1", &[7; 16]),
            format!("consent.notifier.v1.{hex}.change_notice-due.{customer}")
        );
        assert_eq!(all_notices(&ID), format!("consent.notifier.v1.{hex}.>"));
    }

    #[test]
    fn only_a_version_is_cut_off_a_type() {
        assert_eq!(event_token("a.b.v12"), "a-b");
        assert_eq!(event_token("a.b.vx"), "a-b-vx");
        assert_eq!(event_token("a.v"), "a-v");
        assert_eq!(event_token("bare"), "bare");
    }
}
