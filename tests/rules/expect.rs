//! What is expected of answers and disclosures, in the vectors' words.

use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::Position;
use consent_ledger::domain::ruling::{ReasonCode, Ruling};

/// What a vector expects of an answer, in the vectors' words: `yes, unknown, HELD_CATEGORY` or `no, denied`.
pub trait Reads {
    /// Yes or no, then the state, then the code where it isn't the one that goes with the state. A yes cites the
    /// records of `on` among others, a no those and no others (where some are named).
    fn reads(&self, expected: &str, on: &[Position]);
}

impl Reads for Ruling {
    #[track_caller]
    fn reads(&self, expected: &str, on: &[Position]) {
        let mut parts = expected.split(", ");
        let yes = parts.next() == Some("yes");
        let state = parts.next().unwrap();
        let code = parts.next().unwrap_or(match state {
            "granted" => "GRANTED",
            "unknown" => "APPROVAL_REQUIRED",
            "denied" => "DENIED",
            "restricted" => "RESTRICTED",
            "lapsed" => "LAPSED",
            "opt_out_approved" => "OPT_OUT_APPROVED",
            "waiting" => "WAITING",
            "refresh_overdue" => "REFRESH_OVERDUE",
            other => panic!("{other} has no code of its own"),
        });
        assert_eq!(self.allowed, yes, "expected {expected}: {self:#?}");
        assert_eq!(
            name(&format!("{:?}", self.state)),
            state.to_uppercase(),
            "{self:#?}"
        );
        assert_eq!(
            self.basis.is_some(),
            yes,
            "a yes, and only a yes, has a basis: {self:#?}"
        );
        if let Some(basis) = self.basis {
            let basis = name(&format!("{basis:?}"));
            assert_eq!(
                basis,
                match code {
                    "GRANTED" => "GRANT",
                    "OPT_OUT_APPROVED" => "OPT_OUT",
                    other => other,
                },
                "{self:#?}"
            );
            assert!(self.remedies.is_empty(), "a yes needs no remedy: {self:#?}");
        }
        let codes = self
            .reasons
            .iter()
            .map(|reason| format!("{:?}", reason.code));
        assert!(
            codes.map(|c| name(&c)).any(|c| c == code),
            "expected {code}: {self:#?}"
        );
        let cited = cited(self);
        assert!(
            on.iter().all(|position| cited.contains(position)),
            "expected {on:?}: {self:#?}"
        );
        if !yes && !on.is_empty() {
            assert_eq!(cited, on, "{self:#?}");
        }
    }
}

/// `HeldCategory` as `HELD_CATEGORY`.
fn name(variant: &str) -> String {
    let mut name = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_uppercase());
    }
    name
}

/// The records that the reasons cite, in order, each once.
fn cited(ruling: &Ruling) -> Vec<Position> {
    let reasons = ruling.reasons.iter();
    let mut cited: Vec<_> = reasons
        .flat_map(|reason| reason.positions.clone())
        .collect();
    cited.sort();
    cited.dedup();
    cited
}

/// Whether `code` is among the reasons.
pub fn gives(ruling: &Ruling, code: ReasonCode) -> bool {
    ruling.reasons.iter().any(|reason| reason.code == code)
}

/// The disclosure was recorded as made.
#[track_caller]
pub fn is_made(event: &Event) {
    assert!(
        matches!(event, Event::DisclosureMade(_)),
        "expected a disclosure: {event:#?}"
    );
}

/// The disclosure was recorded as refused, for one of these reasons among others.
#[track_caller]
pub fn is_refused(event: &Event, codes: &[ReasonCode]) {
    let Event::DisclosureRefused(refused) = event else {
        panic!("expected a refusal on record: {event:#?}");
    };
    let given = refused.reasons.iter().any(|code| codes.contains(code));
    assert!(given, "expected {codes:?}: {event:#?}");
}
