//! History that is imported into a customer's, in the vectors' notation.

use consent_ledger::domain::asserted::{
    Assert, Asserted, AssertedAccount, AssertedBlock, AssertedGrant, AssertedNotice,
    AssertedService, Circumstances, Source,
};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::consent::word::SpokenWord;
use consent_ledger::domain::ids::{EntityId, Sha256Digest, Token};
use consent_ledger::domain::time::Time;
use consent_ledger::domain::vocabulary::{Medium, Speaker};

use super::history::History;
use super::notation::{Everything, category, scope, utc, word};

/// The start of a day, `2025-01-01`.
pub fn day(text: &str) -> Time {
    utc(&format!("{text}T00:00:00Z"))
}

/// All that an asserted grant needs to count, answering the notice `v1`.
pub fn full(said: &str) -> Circumstances {
    Circumstances {
        said_at: Some(day(said)),
        method: Some(Medium::Written),
        speaker: Some(Speaker::AccountHolder),
        notice_version: Some("v1".to_owned()),
        evidence_digest: Some(Sha256Digest([9; 32])),
    }
}

/// A word as an import asserts it.
pub fn asserted(said: &str, how: Circumstances) -> Asserted {
    match word(said) {
        SpokenWord::Grant { scope, .. } => Asserted::Grant(AssertedGrant { scope, said: how }),
        SpokenWord::Block(block) => Asserted::Block(AssertedBlock { block, said: how }),
    }
}

/// A service held since, and until.
pub fn held(name: &str, opened: &str, closed: Option<&str>) -> Asserted {
    Asserted::Service(AssertedService {
        category: category(name),
        opened_at: day(opened),
        closed_at: closed.map(day),
    })
}

/// An account, opened on that day.
pub fn account(opened: &str) -> Asserted {
    Asserted::Account(AssertedAccount {
        legal_entity: EntityId::parse("infotech").unwrap(),
        opened_at: day(opened),
        closed_at: None,
    })
}

/// The notice `v1`, which covers everything.
pub fn notice(given: &str) -> Asserted {
    Asserted::Notice(AssertedNotice {
        version: "v1".to_owned(),
        given_at: day(given),
        form: Medium::Written,
        language: "en-US".to_owned(),
        covers: scope("ALL; ALL; ALL", Everything::Written),
        opt_out: false,
        text_digest: None,
    })
}

/// A line of an import; its key is what it says, as at the door.
pub fn line(number: u64, fact: &Asserted) -> Command {
    let mut key = [0; 16];
    for (index, byte) in format!("{fact:?}").bytes().enumerate() {
        let at = index % key.len();
        key[at] = u8::wrapping_mul(key[at], 31).wrapping_add(byte);
    }
    Command::Assert(Assert {
        source: Source {
            import: EntityId::parse("crm-2026-11").unwrap(),
            line: number,
            key: Token(key),
        },
        fact: fact.clone(),
        reference: None,
    })
}

impl History {}
