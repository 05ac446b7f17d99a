//! The record that another rulebook takes force (P17).

use super::flight::Flight;
use super::writer::own_actor;
use super::{Parts, SubmitError};
use crate::codec::{RULEBOOK_ADOPTED, RulebookAdopted, encode_rulebook};
use crate::domain::time::Time;
use crate::ledger::{BlockBuilder, Part, Policy, Record, Subject, Timestamp};
use crate::state::{Applied, LedgerState};

/// Whether the configured rulebook is not the one in force.
pub fn is_due(parts: &Parts, ledger: &LedgerState) -> bool {
    ledger.rulebook.2 != parts.rulebook.digest
}

/// A block of one record: the configured rulebook takes force at `now`, after what `block` says is there.
///
/// # Errors
/// When the record can't be written down.
pub fn adopt(
    parts: &Parts,
    mut ledger: LedgerState,
    now: Time,
    mut block: BlockBuilder,
) -> Result<Flight, SubmitError> {
    let failed = |problem: String| SubmitError::Failed(problem);
    let rulebook = &parts.rulebook;
    let adopted = RulebookAdopted {
        name: rulebook.name.clone(),
        version: rulebook.version.clone(),
        digest: rulebook.digest,
        // Where the text of the one before is gone, nobody knows: nothing goes on.
        opt_out_kept: (parts.rulebooks.get(&ledger.rulebook.2))
            .is_some_and(|before| rulebook.keeps_opt_out_of(before, now)),
    };
    let record = Record {
        position: block.next(),
        recorded_at: Timestamp(now.0),
        occurred_at: None,
        subject: Subject::Ledger,
        version: ledger.version + 1,
        kind: RULEBOOK_ADOPTED.to_owned(),
        part: Part { index: 1, of: 1 },
        actor: own_actor(),
        policy: policy_of(parts),
        data: encode_rulebook(&adopted).map_err(|error| failed(error.to_string()))?,
        sealed: Vec::new(),
        request_mac: None,
        prev: block.last(),
    };
    let mut line = Vec::new();
    record
        .write_checked(&mut line)
        .map_err(|error| failed(error.to_string()))?;
    let hash = block.push(&line);
    ledger.version = record.version;
    ledger.last = record.position;
    ledger.opt_out_since = adopted.opt_out_since(ledger.opt_out_since, now);
    ledger.rulebook = (adopted.name, adopted.version, adopted.digest);
    ledger.recorded_at = now.0;
    ledger.hash = hash.0;
    let applied = Applied {
        next: block.next(),
        ledger,
        ..Applied::default()
    };
    Ok(Flight {
        block,
        applied,
        hashes: vec![hash],
        decided: Vec::new(),
        started: std::time::Instant::now(),
    })
}

/// The rulebook as records name it.
pub fn policy_of(parts: &Parts) -> Policy {
    Policy {
        rulebook: parts.rulebook.name.clone(),
        version: parts.rulebook.version.clone(),
    }
}
