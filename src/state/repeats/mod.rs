//! Request ids and what they were answered (C1): daily tables, dropped when the window has passed.

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::StateError;
use super::filter::Filter;
use super::store::view;

/// A keyed digest of actor and request id.
pub type RequestToken = [u8; 8];

/// A request that was answered: enough to find its records again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// Actor and request id.
    pub token: RequestToken,
    /// The request's content.
    pub content: [u8; 8],
    /// Its first record.
    pub first: u64,
    /// The number of its records.
    pub of: u16,
    /// The day of its record: days since 1970-01-01, UTC.
    pub day: u32,
}

/// The day of an instant in microseconds.
pub fn day_of(micros: i64) -> u32 {
    u32::try_from(micros.div_euclid(86_400_000_000)).unwrap_or(0)
}

pub struct Repeats {
    database: sled::Db,
    window_days: u32,
    /// Answered and not yet in a table.
    pending: Mutex<HashMap<RequestToken, Repeat>>,
    tables: RwLock<BTreeMap<u32, sled::Tree>>,
    filter: Arc<Filter>,
    /// The filter knows every id in the tables.
    filled: Arc<AtomicBool>,
}

const PREFIX: &str = "requests-";

impl Repeats {
    pub fn open(database: &sled::Db, window_days: u32) -> Result<Self, StateError> {
        let mut tables = BTreeMap::new();
        for name in database.tree_names() {
            let day = std::str::from_utf8(&name)
                .ok()
                .and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            if let Some(day) = day {
                tables.insert(
                    day,
                    database.open_tree(&name).map_err(|error| view(&error))?,
                );
            }
        }
        let (filter, filled) = (Arc::<Filter>::default(), Arc::<AtomicBool>::default());
        fill(&filter, &filled, tables.values().cloned().collect())?;
        Ok(Self {
            filter,
            filled,
            database: database.clone(),
            window_days,
            pending: Mutex::default(),
            tables: RwLock::new(tables),
        })
    }

    pub fn find(
        &self,
        token: RequestToken,
        days: RangeInclusive<u32>,
    ) -> Result<Option<Repeat>, StateError> {
        if let Some(repeat) = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&token)
        {
            return Ok(Some(*repeat));
        }
        if self.filled.load(Ordering::Acquire) && !self.filter.may_hold(token) {
            return Ok(None);
        }
        let tables = self.tables.read().unwrap_or_else(PoisonError::into_inner);
        for (day, table) in tables.range(days).rev() {
            if let Some(bytes) = table.get(token).map_err(|error| view(&error))? {
                return read(token, *day, &bytes).map(Some);
            }
        }
        Ok(None)
    }

    pub fn remember(&self, repeats: Vec<Repeat>) {
        repeats
            .iter()
            .for_each(|repeat| self.filter.add(repeat.token));
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        pending.extend(repeats.into_iter().map(|repeat| (repeat.token, repeat)));
    }

    /// Writes the pending ones to their tables; they stay findable all the time.
    pub fn write(&self) -> Result<Vec<Repeat>, StateError> {
        let mut pending: Vec<Repeat> = self
            .pending
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .copied()
            .collect();
        pending.sort_unstable_by_key(|repeat| (repeat.day, repeat.token));
        for repeat in &pending {
            self.table(repeat.day)?
                .insert(repeat.token, &write(repeat)[..])
                .map_err(|error| view(&error))?;
        }
        Ok(pending)
    }

    /// What was written is durable: memory lets go of it.
    pub fn stored(&self, repeats: &[Repeat]) {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        for repeat in repeats {
            if pending.get(&repeat.token) == Some(repeat) {
                pending.remove(&repeat.token);
            }
        }
        if pending.is_empty() {
            pending.shrink_to(1 << 16);
        }
    }

    /// Drops the tables of days that the window has passed.
    pub fn forget_before(&self, today: u32) -> Result<(), StateError> {
        let oldest = today.saturating_sub(self.window_days);
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        while let Some((&day, _)) = tables.first_key_value() {
            if day >= oldest {
                break;
            }
            tables.remove(&day);
            self.database
                .drop_tree(name(day))
                .map_err(|error| view(&error))?;
        }
        Ok(())
    }

    fn table(&self, day: u32) -> Result<sled::Tree, StateError> {
        if let Some(table) = self
            .tables
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&day)
        {
            return Ok(table.clone());
        }
        let table = self
            .database
            .open_tree(name(day))
            .map_err(|error| view(&error))?;
        self.tables
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(day, table.clone());
        Ok(table)
    }
}

/// Fills the filter from the tables beside everything else; until then each look-up goes to them.
fn fill(
    filter: &Arc<Filter>,
    filled: &Arc<AtomicBool>,
    tables: Vec<sled::Tree>,
) -> Result<(), StateError> {
    let (filter, filled) = (Arc::clone(filter), Arc::clone(filled));
    let fill = move || {
        let tokens = tables.iter().flat_map(|table| table.iter().keys());
        for token in tokens {
            let token = token.ok().and_then(|token| token.as_ref().try_into().ok());
            match token {
                Some(token) => filter.add(token),
                // What can't be read must not be called unseen.
                None => return,
            }
        }
        filled.store(true, Ordering::Release);
    };
    std::thread::Builder::new()
        .name("request-filter".to_owned())
        .spawn(fill)
        .map(drop)
        .map_err(|error| view(&error))
}

fn name(day: u32) -> String {
    format!("{PREFIX}{day:06}")
}

fn write(repeat: &Repeat) -> [u8; 22] {
    let mut bytes = [0; 22];
    bytes[..8].copy_from_slice(&repeat.content);
    bytes[8..16].copy_from_slice(&repeat.first.to_le_bytes());
    bytes[16..18].copy_from_slice(&repeat.of.to_le_bytes());
    let sum = checksum(repeat.token, &bytes[..18]);
    bytes[18..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn read(token: RequestToken, day: u32, bytes: &[u8]) -> Result<Repeat, StateError> {
    let broken = || StateError::View("a request entry is broken".to_owned());
    let (content, rest) = bytes.split_first_chunk::<8>().ok_or_else(broken)?;
    let (first, rest) = rest.split_first_chunk::<8>().ok_or_else(broken)?;
    let (of, rest) = rest.split_first_chunk::<2>().ok_or_else(broken)?;
    let sum: &[u8; 4] = rest.try_into().map_err(|_| broken())?;
    if checksum(token, &bytes[..18]) != u32::from_le_bytes(*sum) {
        return Err(broken());
    }
    Ok(Repeat {
        token,
        content: *content,
        first: u64::from_le_bytes(*first),
        of: u16::from_le_bytes(*of),
        day,
    })
}

fn checksum(token: RequestToken, body: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&token);
    hasher.update(body);
    hasher.finalize()
}
