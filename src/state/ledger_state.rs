//! What the ledger knows of itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::codec::{Fact, FactOnly};
use crate::domain::authentication::AuthenticationEvent;
use crate::domain::authentication::credentials::SecretPlace;
use crate::domain::company::Company;
use crate::domain::event::Event;
use crate::domain::time::Time;

/// The ledger's own state, carried beside the customers'.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerState {
    /// Records about the ledger itself.
    pub version: u64,
    /// The newest record about the ledger itself.
    pub last: u64,
    /// Time of the newest record of all, microseconds.
    pub recorded_at: i64,
    /// Name, version and digest of the rulebook in force.
    pub rulebook: (String, String, [u8; 32]),
    /// Since when rulebooks have enabled opt-out approval without a break, if the one in force does (R10, R24).
    pub opt_out_since: Time,
    /// What is recorded of the company; the view keeps it apart.
    #[serde(skip)]
    pub company: Arc<Company>,
    /// Accounts opened.
    pub customers: u64,
    /// Sequence and hash of the newest vault entry that a record cites.
    pub vault: (u64, [u8; 32]),
    /// The newest place of a secret in the vault that a record cites.
    pub secret: Option<SecretPlace>,
    /// The newest account's record.
    pub last_account: u64,
    /// Hash of the newest record reflected.
    pub hash: [u8; 32],
}

impl LedgerState {
    /// Takes a record over; one that is reflected already changes nothing.
    pub fn take(&mut self, decoded: &FactOnly) {
        let record = &decoded.record;
        self.recorded_at = self.recorded_at.max(record.recorded_at.0);
        match &decoded.fact {
            Fact::LedgerOpened(genesis) if self.version == 0 => {
                self.version = 1;
                self.opt_out_since = Time(record.recorded_at.0);
                self.rulebook = (
                    genesis.rulebook.name.clone(),
                    genesis.rulebook.version.clone(),
                    genesis.rulebook.digest.0,
                );
            }
            Fact::RulebookAdopted(adopted) if record.position > self.last => {
                self.version = record.version;
                self.last = record.position;
                self.rulebook = (
                    adopted.name.clone(),
                    adopted.version.clone(),
                    adopted.digest,
                );
                let at = Time(record.recorded_at.0);
                self.opt_out_since = adopted.opt_out_since(self.opt_out_since, at);
            }
            Fact::Company(event) if record.position > self.last => {
                self.version = record.version;
                self.last = record.position;
                Arc::make_mut(&mut self.company).follow(&record.place(event));
            }
            Fact::About(_, Event::AccountOpened(opened)) if record.position > self.last_account => {
                self.customers += 1;
                self.last_account = record.position;
                if opened.vault.sequence > self.vault.0 {
                    self.vault = (opened.vault.sequence, opened.vault.hash);
                }
            }
            Fact::About(_, Event::Authentication(event)) => self.cite(event),
            _ => {}
        }
    }

    /// Remembers the newest secret that an event cites.
    pub fn cite(&mut self, event: &AuthenticationEvent) {
        let newest = self.secret.map(|place| place.slot);
        if let Some(place) = event.cited_place()
            && newest.is_none_or(|newest| place.slot > newest)
        {
            self.secret = Some(place);
        }
    }
}
