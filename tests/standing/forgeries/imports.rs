//! What is forged of an import.

use consent_ledger::domain::asserted::{
    Assert, Asserted, AssertedEvent, AssertedGrant, AssertedNotice, Circumstances, OnRecord, Source,
};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::event::Event;
use consent_ledger::domain::ids::{EntityId, Sha256Digest, Token};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Medium, Speaker};

use super::Forged::Said;
use super::{Forgery, next};
use crate::house::House;
use crate::rules::notation::{Everything, scope};

pub const FORGERIES: &[Forgery] = &[
    (
        "asserted-grant-without-evidence",
        "no digest of the evidence",
        |house| Said(granted(house, |grant| grant.said.evidence_digest = None)),
    ),
    ("asserted-grant-without-evidence", "no date", |house| {
        Said(granted(house, |grant| grant.said.said_at = None))
    }),
    (
        "asserted-grant-without-evidence",
        "a notice that was never given",
        |house| {
            Said(granted(house, |grant| {
                grant.said.notice_version = Some("1999-01-01".to_owned());
            }))
        },
    ),
    (
        "asserted-grant-without-evidence",
        "somebody said it",
        |house| {
            Said(granted(house, |grant| {
                grant.said.speaker = Some(Speaker::Other)
            }))
        },
    ),
    ("asserted-opt-out-counted", "silence counts", |house| {
        let mut notice = next(house.clone(), |house| {
            assert(house, Asserted::Notice(notice(house, true)));
        });
        if let Event::Asserted(AssertedEvent::Notice(notice)) = &mut notice {
            notice.shortfalls.clear();
        }
        Said(notice)
    }),
    ("asserted-date-ahead", "a notice of tomorrow", |house| {
        let notice = notice(house, false);
        let given_at = house.ledger.now.plus_hours(24);
        Said(Event::Asserted(AssertedEvent::Notice(OnRecord {
            source: source(),
            fact: AssertedNotice { given_at, ..notice },
            reference: None,
            shortfalls: Vec::new(),
            still_blocked_by: Vec::new(),
        })))
    }),
];

fn source() -> Source {
    Source {
        import: EntityId::parse("crm-2026").unwrap(),
        line: 7,
        key: Token([3; 16]),
    }
}

fn assert(house: &mut House, fact: Asserted) {
    let command = Command::Assert(Assert {
        source: source(),
        fact,
        reference: None,
    });
    house.try_record(&command, None).unwrap();
}

fn notice(house: &House, opt_out: bool) -> AssertedNotice {
    AssertedNotice {
        version: "2025-01-01".to_owned(),
        given_at: house.ledger.now.minus_hours(100),
        form: Medium::Written,
        language: "en".to_owned(),
        covers: scope("ALL; ALL; ALL", Everything::Written),
        opt_out,
        text_digest: None,
    }
}

/// A grant of an import as it would be recorded if it counted, with something missing.
fn granted(house: &House, change: impl FnOnce(&mut AssertedGrant)) -> Event {
    let said_at: Time = house.ledger.now;
    let grant = AssertedGrant {
        scope: scope("COMPANY; BILLING; M", Everything::Written),
        said: Circumstances {
            said_at: Some(said_at),
            method: Some(Medium::Written),
            speaker: Some(Speaker::AccountHolder),
            notice_version: Some("2024-05-29".to_owned()),
            evidence_digest: Some(Sha256Digest([4; 32])),
        },
    };
    let mut recorded = next(house.clone(), |house| assert(house, Asserted::Grant(grant)));
    let Event::Asserted(AssertedEvent::Granted(granted)) = &mut recorded else {
        panic!("no grant");
    };
    assert!(granted.counts(), "{:?}", granted.shortfalls);
    change(&mut granted.fact);
    recorded
}
