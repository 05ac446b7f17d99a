//! Accounts and the services held on them (P2, P6, R6, R9).

use serde::{Deserialize, Serialize};

use super::ids::{Category, EntityId, Position};
use super::time::Time;

/// Opens an account of one holder with one legal entity, with the services it starts with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    /// The legal entity of the company that serves the account.
    pub legal_entity: EntityId,
    /// Categories held from the start; may be empty (ordered is not held).
    pub services: Vec<Category>,
}

/// Opens and closes service categories in one step: closing and opening together is no lapse (R9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeServices {
    /// Categories that become held.
    pub open: Vec<Category>,
    /// Categories that end.
    pub close: Vec<CloseService>,
}

/// The end of one category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseService {
    /// The category.
    pub category: Category,
    /// When it ends; `None`: when the command says that it occurred. May lie ahead (R6).
    pub ends_at: Option<Time>,
}

/// A customer's account was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountOpened {
    /// The legal entity of the company that serves the account.
    pub legal_entity: EntityId,
    /// The vault entry that maps the pseudonym: a vault behind it cannot serve this ledger.
    pub vault: VaultHead,
}

/// A place in the vault's entries: how many there are, and their running hash.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VaultHead {
    /// Number of entries.
    pub sequence: u64,
    /// Running hash over them.
    pub hash: [u8; 32],
}

/// A category is held from this record on (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOpened {
    /// The category.
    pub category: Category,
}

/// A category is no longer held from `ends_at` on (narrows: counts from then, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceClosed {
    /// The category.
    pub category: Category,
    /// The first instant at which it is not held.
    pub ends_at: Time,
}

/// The newest interval of one category; older ones are in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldService {
    /// The category.
    pub category: Category,
    /// First instant held.
    pub starts_at: Time,
    /// First instant not held; may lie ahead.
    pub ends_at: Option<Time>,
    /// The record that opened it.
    pub opened: Position,
    /// The command (its first position) that closed it.
    pub closed_by: Option<Position>,
}

/// The services of one customer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Services {
    /// One entry a category, in the order of first opening.
    pub held: Vec<HeldService>,
    /// Grants before this position have ended: the last service was closed in between (R9).
    pub grants_end_before: Position,
}
