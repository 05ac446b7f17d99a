//! Accounts and services: `account.opened.v1`, `service.opened.v1`, `service.closed.v1`.

use serde::{Deserialize, Serialize};

use super::names::{Digest, Instant, category, entity};
use crate::domain::event::Event;
use crate::domain::services::{AccountOpened, ServiceClosed, ServiceOpened, VaultHead};

pub const OPENED: &str = "account.opened.v1";
pub const SERVICE_OPENED: &str = "service.opened.v1";
pub const SERVICE_CLOSED: &str = "service.closed.v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opened {
    legal_entity: String,
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
            legal_entity: event.legal_entity.as_str().to_owned(),
            vault: Vault {
                sequence: event.vault.sequence,
                hash: Digest(event.vault.hash),
            },
        }
    }
}

impl Opened {
    pub fn event(self) -> Result<Event, String> {
        Ok(Event::AccountOpened(AccountOpened {
            legal_entity: entity(&self.legal_entity)?,
            vault: VaultHead {
                sequence: self.vault.sequence,
                hash: self.vault.hash.0,
            },
        }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceOpenedData {
    category: String,
}

impl From<&ServiceOpened> for ServiceOpenedData {
    fn from(event: &ServiceOpened) -> Self {
        Self {
            category: event.category.as_str().to_owned(),
        }
    }
}

impl ServiceOpenedData {
    pub fn event(self) -> Result<Event, String> {
        Ok(Event::ServiceOpened(ServiceOpened {
            category: category(&self.category)?,
        }))
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceClosedData {
    category: String,
    ends_at: Instant,
}

impl From<&ServiceClosed> for ServiceClosedData {
    fn from(event: &ServiceClosed) -> Self {
        Self {
            category: event.category.as_str().to_owned(),
            ends_at: Instant(event.ends_at),
        }
    }
}

impl ServiceClosedData {
    pub fn event(self) -> Result<Event, String> {
        Ok(Event::ServiceClosed(ServiceClosed {
            category: category(&self.category)?,
            ends_at: self.ends_at.0,
        }))
    }
}
