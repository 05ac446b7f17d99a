//! Position 0: written for a new ledger, read for every other.

use std::sync::Arc;

use super::error::StartError;
use crate::clock::{Clock, LedgerTime};
use crate::codec::LEDGER_OPENED;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::{
    self, BlockBuilder, Genesis, Hash, Part, Policy, Record, SigningKey, Subject, Timestamp,
};
use crate::sequencer::own_actor;
use crate::storage::Journal;
use crate::vault::Vault;

/// The first record of a new ledger.
pub fn begin(
    journal: &dyn Journal,
    vault: &Vault,
    ledger: [u8; 16],
    origin: &str,
    rulebook: &Rulebook,
    clock: &Arc<dyn Clock>,
) -> Result<(), StartError> {
    let key = SigningKey::new(origin, &vault.signing_key())
        .map_err(|error| StartError::Key(error.to_string()))?;
    let genesis = Genesis {
        ledger,
        origin: origin.to_owned(),
        format: 1,
        checkpoint_key: key.verifying_key().to_string(),
        rulebook: ledger::Rulebook {
            name: rulebook.name.clone(),
            version: rulebook.version.clone(),
            digest: Hash(rulebook.digest),
        },
    };
    let now = LedgerTime::new(Arc::clone(clock), Time(0)).now()?;
    let record = Record {
        position: 0,
        recorded_at: Timestamp(now.0),
        occurred_at: None,
        subject: Subject::Ledger,
        version: 1,
        kind: LEDGER_OPENED.to_owned(),
        part: Part { index: 1, of: 1 },
        actor: own_actor(),
        policy: Policy {
            rulebook: rulebook.name.clone(),
            version: rulebook.version.clone(),
        },
        data: genesis.to_json(),
        sealed: Vec::new(),
        request_mac: None,
        prev: Hash::ZERO,
    };
    let mut line = Vec::new();
    record
        .write_checked(&mut line)
        .map_err(|error| StartError::Genesis(error.to_string()))?;
    let mut builder = BlockBuilder::new(0, Hash::ZERO);
    builder.push(&line);
    Ok(journal.append(0, &builder.finish())?)
}

pub fn read_genesis(journal: &dyn Journal) -> Result<Genesis, StartError> {
    let wrong = |problem: String| StartError::Genesis(problem);
    let block = journal
        .read(0)
        .map_err(|error| wrong(error.to_string()))?
        .ok_or_else(|| wrong("it is not there".to_owned()))?;
    let open = block.open().map_err(|error| wrong(error.to_string()))?;
    let line = open
        .line(0)
        .ok_or_else(|| wrong("its block begins later".to_owned()))?;
    let record = Record::parse(line).map_err(|error| wrong(error.to_string()))?;
    Genesis::parse(&record.data).map_err(|error| wrong(error.to_string()))
}

pub fn signing_key(vault: &Vault, genesis: &Genesis) -> Result<SigningKey, StartError> {
    let key = SigningKey::new(&genesis.origin, &vault.signing_key())
        .map_err(|error| StartError::Key(error.to_string()))?;
    let own = key.verifying_key().to_string();
    if own != genesis.checkpoint_key {
        return Err(StartError::OtherKey {
            log: genesis.checkpoint_key.clone(),
            vault: own,
        });
    }
    Ok(key)
}
