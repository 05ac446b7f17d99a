//! Customers in memory: the dirty ones all, the clean ones up to a number.
//!
//! Each shard's lock guards both maps and the load from the view, so that a stale load can't replace what was published
//! while it ran.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::{UnitWeighter, unsync};

use super::StateError;
use crate::domain::customer::{Customer, evolve};
use crate::domain::event::Placed;
use crate::domain::ids::{Pseudonym, RandomId, room_of_part};

const SHARDS: usize = 64;

type OfPseudonyms = BuildHasherDefault<RandomId>;

pub struct Shards(Vec<Mutex<Shard>>);

struct Shard {
    dirty: HashMap<Pseudonym, Arc<Customer>, OfPseudonyms>,
    clean: unsync::Cache<Pseudonym, Arc<Customer>, UnitWeighter, OfPseudonyms>,
}

impl Shards {
    pub fn new(cache_customers: usize) -> Self {
        let each = room_of_part(cache_customers, SHARDS);
        let shard = || {
            let (hasher, lifecycle) =
                (OfPseudonyms::default(), unsync::DefaultLifecycle::default());
            Mutex::new(Shard {
                dirty: HashMap::default(),
                // Takes memory as it fills.
                clean: unsync::Cache::with(each, each as u64, UnitWeighter, hasher, lifecycle),
            })
        };
        Self((0..SHARDS).map(|_| shard()).collect())
    }

    pub fn get(
        &self,
        pseudonym: Pseudonym,
        load: impl FnOnce() -> Result<Option<Customer>, StateError>,
    ) -> Result<Option<Arc<Customer>>, StateError> {
        let mut shard = self.shard(pseudonym);
        if let Some(customer) = shard.dirty.get(&pseudonym) {
            return Ok(Some(Arc::clone(customer)));
        }
        if let Some(customer) = shard.clean.get(&pseudonym) {
            return Ok(Some(Arc::clone(customer)));
        }
        let Some(customer) = load()?.map(Arc::new) else {
            return Ok(None);
        };
        shard.clean.insert(pseudonym, Arc::clone(&customer));
        Ok(Some(customer))
    }

    /// The customer, if it is in memory.
    pub fn in_memory(&self, pseudonym: Pseudonym) -> Option<Arc<Customer>> {
        let shard = self.shard(pseudonym);
        let found = shard.dirty.get(&pseudonym);
        found.or_else(|| shard.clean.peek(&pseudonym)).cloned()
    }

    /// Changes a customer where it is kept, unless it reflects the event already. Says whether it became dirty.
    ///
    /// For a replay, in which nobody reads: until its command is complete, half of it is in the customer.
    pub fn evolve(
        &self,
        pseudonym: Pseudonym,
        placed: &Placed<'_>,
        load: impl FnOnce() -> Result<Option<Customer>, StateError>,
    ) -> Result<bool, StateError> {
        let mut guard = self.shard(pseudonym);
        let Shard { dirty, clean } = &mut *guard;
        if let Some(customer) = dirty.get_mut(&pseudonym) {
            if customer.last < placed.position {
                // A copy only while the customer is being written to the view.
                Arc::make_mut(customer).follow(placed);
            }
            return Ok(false);
        }
        let before = match clean.remove(&pseudonym) {
            Some((_, customer)) => Some(customer),
            None => load()?.map(Arc::new),
        };
        match before {
            Some(customer) if customer.last >= placed.position => {
                clean.insert(pseudonym, customer);
                return Ok(false);
            }
            Some(mut customer) => {
                Arc::make_mut(&mut customer).follow(placed);
                dirty.insert(pseudonym, customer);
            }
            None => match evolve(None, placed) {
                Some(customer) => drop(dirty.insert(pseudonym, Arc::new(customer))),
                None => return Ok(false),
            },
        }
        Ok(true)
    }

    /// Takes changed customers over; says how many became dirty.
    pub fn publish(&self, customers: Vec<(Pseudonym, Arc<Customer>)>) -> usize {
        let mut added = 0;
        for (pseudonym, customer) in customers {
            let mut shard = self.shard(pseudonym);
            shard.clean.remove(&pseudonym);
            added += usize::from(shard.dirty.insert(pseudonym, customer).is_none());
        }
        added
    }

    /// The dirty customers of one shard.
    pub fn dirty(&self, shard: usize) -> Vec<(Pseudonym, Arc<Customer>)> {
        self.dirty_of(shard, |_| true)
    }

    /// The dirty customers whose pseudonyms have that first byte.
    pub fn dirty_with(&self, first_byte: u8) -> Vec<(Pseudonym, Arc<Customer>)> {
        self.dirty_of(shard_of(first_byte), |pseudonym| {
            pseudonym.0[0] == first_byte
        })
    }

    fn dirty_of(
        &self,
        shard: usize,
        wanted: impl Fn(Pseudonym) -> bool,
    ) -> Vec<(Pseudonym, Arc<Customer>)> {
        let Some(shard) = self.0.get(shard) else {
            return Vec::new();
        };
        let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        (shard.dirty.iter())
            .filter(|(pseudonym, _)| wanted(**pseudonym))
            .map(|(pseudonym, customer)| (*pseudonym, Arc::clone(customer)))
            .collect()
    }

    /// The customers are durable in the view: those unchanged since are clean now. Says how many.
    pub fn stored(&self, customers: Vec<(Pseudonym, Arc<Customer>)>) -> usize {
        let mut cleaned = 0;
        for (pseudonym, customer) in customers {
            let mut shard = self.shard(pseudonym);
            let unchanged = shard
                .dirty
                .get(&pseudonym)
                .is_some_and(|now| Arc::ptr_eq(now, &customer));
            if unchanged {
                shard.dirty.remove(&pseudonym);
                shard.clean.insert(pseudonym, customer);
                cleaned += 1;
            }
        }
        cleaned
    }

    pub const fn count() -> usize {
        SHARDS
    }

    fn shard(&self, pseudonym: Pseudonym) -> MutexGuard<'_, Shard> {
        let index = shard_of(pseudonym.0[0]);
        // A panic while a shard was held left whole entries: the maps are never half-changed.
        self.0[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A pseudonym's first byte alone names its shard: a walk in the order of keys needs one shard at a time.
fn shard_of(first_byte: u8) -> usize {
    usize::from(first_byte) % SHARDS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::ids::{Category, EntityId, Position};
    use crate::domain::services::{AccountOpened, ServiceOpened, VaultHead};
    use crate::domain::time::Time;

    const WHO: Pseudonym = Pseudonym([7; 16]);

    fn opened() -> Event {
        Event::AccountOpened(AccountOpened {
            legal_entity: EntityId::parse("company").unwrap(),
            vault: VaultHead::default(),
        })
    }

    fn service(name: &str) -> Event {
        Event::ServiceOpened(ServiceOpened {
            category: Category::parse(name).unwrap(),
        })
    }

    /// Says whether the customer became dirty.
    fn evolve_at(shards: &Shards, position: u64, event: &Event) -> bool {
        let placed = Placed {
            position: Position(position),
            command: Position(position),
            recorded_at: Time(position as i64),
            occurred_at: None,
            event,
        };
        shards.evolve(WHO, &placed, || Ok(None)).unwrap()
    }

    fn customer(shards: &Shards) -> Arc<Customer> {
        shards.get(WHO, || Ok(None)).unwrap().unwrap()
    }

    #[test]
    fn a_customer_becomes_dirty_once_and_reflects_each_event_once() {
        let shards = Shards::new(SHARDS);
        assert!(!evolve_at(&shards, 1, &service("local")), "no account yet");
        assert!(evolve_at(&shards, 2, &opened()));
        assert!(!evolve_at(&shards, 3, &service("local")));
        assert!(!evolve_at(&shards, 3, &service("local")));
        assert_eq!(customer(&shards).version, 2);
        assert_eq!(customer(&shards).last, Position(3));
    }

    #[test]
    fn a_customer_who_is_being_written_is_not_changed_under_the_writers_hands() {
        let shards = Shards::new(SHARDS);
        evolve_at(&shards, 1, &opened());
        let writing = shards.dirty(usize::from(WHO.0[0]) % SHARDS);
        evolve_at(&shards, 2, &service("local"));
        assert_eq!(writing[0].1.version, 1);
        assert_eq!(shards.stored(writing), 0, "it changed since");
        let writing = shards.dirty(usize::from(WHO.0[0]) % SHARDS);
        assert_eq!(writing[0].1.version, 2);
        assert_eq!(shards.stored(writing), 1);
        assert!(!evolve_at(&shards, 2, &service("local")), "reflected");
        assert!(evolve_at(&shards, 3, &service("cmrs")), "dirty again");
        assert_eq!(customer(&shards).version, 3);
    }
}
