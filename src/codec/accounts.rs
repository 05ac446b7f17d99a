//! Accounts and services: `account.opened.v1`, `service.opened.v1`, `service.closed.v1`.

use serde::{Deserialize, Serialize};

use super::names::{Digest, Instant, Named};
use crate::domain::event::Event;
use crate::domain::ids::{Category, EntityId};
use crate::domain::services::{AccountOpened, ServiceClosed, ServiceOpened, VaultHead};

pub const OPENED: &str = "account.opened.v1";
pub const SERVICE_OPENED: &str = "service.opened.v1";
pub const SERVICE_CLOSED: &str = "service.closed.v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    legal_entity: Named<EntityId>,
    vault: Vault,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Vault {
    sequence: u64,
    hash: Digest,
}

impl From<&AccountOpened> for Opened {
    fn from(event: &AccountOpened) -> Self {
        Self {
            legal_entity: Named(event.legal_entity.clone()),
            vault: Vault {
                sequence: event.vault.sequence,
                hash: Digest(event.vault.hash),
            },
        }
    }
}

impl Opened {
    pub fn event(self) -> Event {
        Event::AccountOpened(AccountOpened {
            legal_entity: self.legal_entity.0,
            vault: VaultHead {
                sequence: self.vault.sequence,
                hash: self.vault.hash.0,
            },
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceOpenedData {
    category: Named<Category>,
}

impl From<&ServiceOpened> for ServiceOpenedData {
    fn from(event: &ServiceOpened) -> Self {
        Self {
            category: Named(event.category.clone()),
        }
    }
}

impl ServiceOpenedData {
    pub fn event(self) -> Event {
        Event::ServiceOpened(ServiceOpened {
            category: self.category.0,
        })
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceClosedData {
    category: Named<Category>,
    ends_at: Instant,
}

impl From<&ServiceClosed> for ServiceClosedData {
    fn from(event: &ServiceClosed) -> Self {
        Self {
            category: Named(event.category.clone()),
            ends_at: Instant(event.ends_at),
        }
    }
}

impl ServiceClosedData {
    pub fn event(self) -> Event {
        Event::ServiceClosed(ServiceClosed {
            category: self.category.0,
            ends_at: self.ends_at.0,
        })
    }
}
