//! Read models: the answers that are not the newest state of one customer.
//!
//! Everything here is rebuilt from the log when it is lost, and says nothing that the log doesn't. A reader states the
//! position that it must see and waits for it; it never sees half a block, because the position of a view only moves
//! by blocks.

mod evidence;
mod follow;
mod history;
mod ledgers;
mod past;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::clock::Clock;
use crate::codec::{self, Decoded};
use crate::domain::company::Company;
use crate::domain::customer::{Customer, World};
use crate::domain::ids::{Personal, Position, Pseudonym};
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::{Hash, Sealed, StoredBlock, leaf_hash};
use crate::state::{LedgerState, StateError, States};
use crate::storage::{Journal, ReadError};
use crate::vault::{OpenedField, SealedParts, Vault, VaultError};

pub use crate::codec::Fact;
pub use crate::state::{CustomerChunk, CustomerWalk};
pub use evidence::{Basis, Opening};
pub use history::{CurrentStates, History, HistoryEntry, HistoryOptions, OpenHistory, Told};
pub use past::{AsOf, Past, VoidedUses};

/// Why a view can't answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ViewError {
    /// The state view failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A record can't be decoded.
    #[error("position {position}: {problem}")]
    Record {
        /// Its position.
        position: u64,
        /// What is wrong.
        problem: String,
    },
    /// The vault can't be read.
    #[error(transparent)]
    Vault(#[from] Arc<VaultError>),
    /// The history view failed.
    #[error("the history view can't be used ({0}): it is rebuilt from the log at the next start")]
    History(String),
    /// The moment asked about is not past.
    #[error("{asked} lies ahead: the newest that can be asked about is {newest}")]
    Ahead {
        /// The moment.
        asked: String,
        /// The newest one.
        newest: String,
    },
    /// There was no ledger at the moment asked about.
    #[error("{asked} lies before the ledger: its first record is of {first}")]
    Before {
        /// The moment.
        asked: String,
        /// When the first record was made.
        first: String,
    },
    /// The text of a rulebook that was in force is not there.
    #[error(
        "the rulebook of digest {0} was in force then, and its text is not among the rulebooks that this release reads: put it back into the data folder's `rulebooks`"
    )]
    RulebookMissing(String),
    /// The position was not reached in time.
    #[error("position {wanted} was not reached in time: the view is at {reached}")]
    NotReached {
        /// The position waited for.
        wanted: u64,
        /// The position after the newest one visible.
        reached: u64,
    },
}

/// A record with what it says; personal fields are opened as far as the vault still can.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The record and its fact.
    pub decoded: Decoded,
    /// Its hash.
    pub hash: Hash,
}

/// What the views read from.
#[derive(Clone)]
pub struct Sources {
    /// Customers' current state.
    pub states: States,
    /// The log.
    pub journal: Arc<dyn Journal>,
    /// Pseudonyms and keys.
    pub vault: Vault,
    /// The rulebook in force.
    pub rulebook: Arc<Rulebook>,
    /// Every rulebook whose text is kept, by its digest.
    pub rulebooks: Arc<HashMap<[u8; 32], Arc<Rulebook>>>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The position after the newest durable record.
    pub committed: watch::Receiver<u64>,
}

/// A cheap handle to all views.
#[derive(Clone)]
pub struct Views {
    sources: Sources,
    history: History,
    ledgers: ledgers::Ledgers,
}

impl Views {
    /// The views over `sources`.
    pub fn new(sources: Sources, history: History) -> Self {
        Self {
            sources,
            history,
            ledgers: ledgers::Ledgers::default(),
        }
    }

    /// The rulebook in force.
    pub fn rulebook(&self) -> &Arc<Rulebook> {
        &self.sources.rulebook
    }

    /// The time at which a ruling is made now: max(clock, last record).
    pub fn now(&self) -> Time {
        let last = Time(self.sources.states.ledger_recorded_at());
        self.sources.clock.wall().max(last)
    }

    /// The position after the newest record that reads see.
    pub fn reached(&self) -> Position {
        Position(self.sources.states.applied())
    }

    /// What is recorded of the company now.
    pub fn company(&self) -> Arc<Company> {
        self.sources.states.company()
    }

    /// What the rules know besides a customer, with what [`Views::company`] answers.
    pub fn world<'a>(&'a self, company: &'a Company) -> World<'a> {
        World {
            rulebook: &self.sources.rulebook,
            opt_out_since: self.sources.states.opt_out_since(),
            pic_request_used: false,
            company,
            known: None,
        }
    }

    /// Whether the question's PIC-freeze request was answered before, whatever customer it was about (R14).
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn pic_request_used(&self, question: &Question) -> Result<bool, ViewError> {
        match question.pic_request() {
            Some(request) => Ok(self.sources.states.answered(request)?.is_some()),
            None => Ok(false),
        }
    }

    /// The ledger's own state.
    pub fn ledger(&self) -> LedgerState {
        self.sources.states.ledger()
    }

    /// Waits until the record at `position` is visible to [`Views::customer`].
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait_for(&self, position: Position, patience: Duration) -> Result<(), ViewError> {
        let mut committed = self.sources.committed.clone();
        wait(&mut committed, position.0, patience).await
    }

    /// Waits until the record at `position` is visible to [`Views::history`] too.
    ///
    /// # Errors
    /// When that takes longer than `patience`.
    pub async fn wait_for_history(
        &self,
        position: Position,
        patience: Duration,
    ) -> Result<(), ViewError> {
        let mut reached = self.history.reached();
        if *reached.borrow() <= position.0 {
            self.history.want();
        }
        wait(&mut reached, position.0, patience).await
    }

    /// The pseudonym of an account id, where there is one.
    ///
    /// # Errors
    /// When the id is malformed or the vault can't be read.
    pub fn find(&self, customer_id: &str) -> Result<Option<Pseudonym>, VaultError> {
        self.sources.vault.find(customer_id)
    }

    /// The account id behind a pseudonym, for callers who may know it; `None` where there is none, or the customer was
    /// erased (E8).
    ///
    /// # Errors
    /// When vault or view can't be read.
    pub fn customer_id(&self, pseudonym: Pseudonym) -> Result<Option<String>, ViewError> {
        match self.customer(pseudonym)? {
            Some(customer) if customer.erased.is_some() => Ok(None),
            _ => {
                let id = self.sources.vault.customer_id(pseudonym);
                id.map_err(|error| Arc::new(error).into())
            }
        }
    }

    /// A customer's state now; `None` where the ledger knows none.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn customer(&self, pseudonym: Pseudonym) -> Result<Option<Arc<Customer>>, ViewError> {
        Ok(self.sources.states.get(pseudonym)?)
    }

    /// A walk over all customers, each at some state at or after this moment; it reads the disk, chunk by chunk.
    pub fn customers(&self) -> CustomerWalk {
        self.sources.states.walk()
    }

    /// Up to `limit` of a customer's records after `after_version`, oldest first, as far as `wanted` wants them.
    ///
    /// # Errors
    /// When the view can't be read.
    pub fn history(
        &self,
        pseudonym: Pseudonym,
        after_version: u64,
        limit: usize,
        wanted: &dyn Fn(&HistoryEntry) -> bool,
    ) -> Result<Vec<HistoryEntry>, ViewError> {
        self.history.list(pseudonym, after_version, limit, wanted)
    }

    /// The record at `position`, or `None` at or past the head.
    ///
    /// # Errors
    /// When the log can't be read or the record not be decoded.
    pub fn record(&self, position: Position) -> Result<Option<Entry>, ViewError> {
        match self.line(position)? {
            Some(line) => self.entry(position.0, &line).map(Some),
            None => Ok(None),
        }
    }

    /// The exact bytes of the record at `position`.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn line(&self, position: Position) -> Result<Option<Vec<u8>>, ViewError> {
        let Some(block) = self.block(position)? else {
            return Ok(None);
        };
        let open = open(&block)?;
        Ok(open.line(position.0).map(<[u8]>::to_vec))
    }

    /// The block that holds `position`, or `None` at or past the head.
    ///
    /// # Errors
    /// When the log can't be read.
    pub fn block(&self, position: Position) -> Result<Option<StoredBlock>, ViewError> {
        Ok(self.sources.journal.read(position.0)?)
    }

    /// The entries of a whole block.
    ///
    /// # Errors
    /// When a record can't be decoded.
    pub fn entries(&self, block: &StoredBlock) -> Result<Vec<Entry>, ViewError> {
        open(block)?
            .iter()
            .map(|(position, line)| self.entry(position, line))
            .collect()
    }

    fn entry(&self, position: u64, line: &[u8]) -> Result<Entry, ViewError> {
        let open =
            |customer: Pseudonym, at: u64, sealed: &Sealed| self.opened(customer, at, sealed);
        let decoded = codec::read(line, &open).map_err(|error| ViewError::Record {
            position,
            problem: error.to_string(),
        })?;
        Ok(Entry {
            decoded,
            hash: leaf_hash(line),
        })
    }

    /// A field that can't be opened any more (its key was erased) is absent, and the entry still says that it is there.
    fn opened(&self, customer: Pseudonym, position: u64, sealed: &Sealed) -> Option<Personal> {
        match self.unsealed(customer, position, sealed) {
            Ok(field) => {
                let field = field?;
                let text = std::str::from_utf8(&field.plaintext).ok();
                text.map(|text| Personal::new(text.to_owned()))
            }
            Err(error) => {
                tracing::warn!(position, field = sealed.field, %error, "a sealed field can't be opened");
                None
            }
        }
    }

    /// A sealed field with what opens it; `None` of a customer who was erased: from the request on, though the key may still
    /// be there (E8).
    fn unsealed(
        &self,
        customer: Pseudonym,
        position: u64,
        sealed: &Sealed,
    ) -> Result<Option<OpenedField>, ViewError> {
        if (self.customer(customer)?).is_some_and(|customer| customer.erased.is_some()) {
            return Ok(None);
        }
        let parts = SealedParts {
            commitment: sealed.commitment,
            ciphertext: sealed.ciphertext.clone(),
        };
        let vault = &self.sources.vault;
        match vault.open_sealed(customer, position, &sealed.field, &parts) {
            Ok(field) => Ok(Some(field)),
            // That is what erasing is for.
            Err(VaultError::Erased(_)) => Ok(None),
            Err(error) => Err(Arc::new(error).into()),
        }
    }
}

fn open(block: &StoredBlock) -> Result<crate::ledger::Block, ViewError> {
    block.open().map_err(|error| ViewError::Record {
        position: block.first,
        problem: error.to_string(),
    })
}

async fn wait(
    reached: &mut watch::Receiver<u64>,
    wanted: u64,
    patience: Duration,
) -> Result<(), ViewError> {
    let waited = tokio::time::timeout(patience, reached.wait_for(|next| *next > wanted)).await;
    let seen = matches!(waited, Ok(Ok(_)));
    drop(waited);
    if seen {
        Ok(())
    } else {
        Err(ViewError::NotReached {
            wanted,
            reached: *reached.borrow(),
        })
    }
}
