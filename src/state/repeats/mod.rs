//! Request ids and what they were answered (C1): daily tables, dropped when the window has passed.

mod filter;

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::StateError;
use super::runs::{Merged, Runs};
use super::store::view;
use crate::domain::ids::RandomId;
use filter::Filter;

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

type Pending = HashMap<RequestToken, Repeat, BuildHasherDefault<RandomId>>;

/// What is not durable in a table yet.
#[derive(Default)]
struct Unwritten {
    /// Answered since the last write.
    recent: Pending,
    /// Being written.
    writing: Arc<Pending>,
}

/// One day's: token, content, first position, number of records; integers big-endian.
type Table = Runs<8, ENTRY>;
const ENTRY: usize = 26;

pub struct Repeats {
    database: sled::Db,
    window_days: u32,
    unwritten: Mutex<Unwritten>,
    tables: RwLock<BTreeMap<u32, Table>>,
    filter: Arc<Filter>,
    /// The filter knows every id in the tables.
    filled: Arc<AtomicBool>,
}

/// What a write put into the tables, until it is durable.
pub struct Written {
    /// Ids that were written.
    pub count: usize,
    merged: Vec<(u32, Merged)>,
}

const PREFIX: &str = "request-runs-";

impl Repeats {
    pub fn open(database: &sled::Db, window_days: u32) -> Result<Self, StateError> {
        let (mut tables, mut trees) = (BTreeMap::new(), Vec::new());
        for name in database.tree_names() {
            let day = std::str::from_utf8(&name)
                .ok()
                .and_then(|name| name.strip_prefix(PREFIX)?.parse().ok());
            if let Some(day) = day {
                let tree = database.open_tree(&name).map_err(|error| view(&error))?;
                tables.insert(day, Table::open(tree.clone())?);
                trees.push(tree);
            }
        }
        let (filter, filled) = (Arc::<Filter>::default(), Arc::<AtomicBool>::default());
        fill(&filter, &filled, trees)?;
        Ok(Self {
            filter,
            filled,
            database: database.clone(),
            window_days,
            unwritten: Mutex::default(),
            tables: RwLock::new(tables),
        })
    }

    pub fn find(
        &self,
        token: RequestToken,
        days: RangeInclusive<u32>,
    ) -> Result<Option<Repeat>, StateError> {
        if self.filled.load(Ordering::Acquire) && !self.filter.may_hold(token) {
            return Ok(None);
        }
        {
            let unwritten = self.unwritten();
            let pending = unwritten.recent.get(&token);
            if let Some(repeat) = pending.or_else(|| unwritten.writing.get(&token)) {
                return Ok(Some(*repeat));
            }
        }
        let tables = self.tables();
        for (day, table) in tables.range(days).rev() {
            if let Some(entry) = table.find(&token)? {
                return Ok(Some(read(&entry, *day)));
            }
        }
        Ok(None)
    }

    /// Remembers requests that were answered; says how many of them were not waiting to be written already.
    pub fn remember(&self, repeats: Vec<Repeat>) -> usize {
        repeats
            .iter()
            .for_each(|repeat| self.filter.add(repeat.token));
        let mut unwritten = self.unwritten();
        let before = unwritten.recent.len();
        let repeats = repeats.into_iter().map(|repeat| (repeat.token, repeat));
        unwritten.recent.extend(repeats);
        unwritten.recent.len() - before
    }

    /// Writes the pending ones to their tables; they stay findable all the time.
    pub fn write(&self) -> Result<Written, StateError> {
        let writing = {
            let mut unwritten = self.unwritten();
            // As many will come until the next write as came until this one.
            let next = Pending::with_capacity_and_hasher(unwritten.recent.len(), <_>::default());
            unwritten.writing = Arc::new(std::mem::replace(&mut unwritten.recent, next));
            Arc::clone(&unwritten.writing)
        };
        let mut sorted: Vec<Repeat> = writing.values().copied().collect();
        sorted.sort_unstable_by_key(|repeat| (repeat.day, repeat.token));
        let mut merged = Vec::new();
        for of_day in sorted.chunk_by(|one, other| one.day == other.day) {
            if let Some(first) = of_day.first() {
                merged.push((first.day, self.write_day(first.day, of_day)?));
            }
        }
        Ok(Written {
            count: sorted.len(),
            merged,
        })
    }

    /// What was written is durable: the tables list it, before the view promises it.
    pub fn list(&self, written: &Written) -> Result<(), StateError> {
        let tables = self.tables();
        let mut days = written.merged.iter().filter_map(|(day, _)| tables.get(day));
        days.try_for_each(|table| table.list(&[]))
    }

    /// What was written is promised: memory lets go of it, and the tables of what was merged.
    pub fn stored(&self, written: Written) -> Result<(), StateError> {
        self.unwritten().writing = Arc::default();
        let mut tables = self.tables_mut();
        for (day, runs) in written.merged {
            if let Some(table) = tables.get_mut(&day) {
                table.drop_runs(&runs)?;
            }
        }
        Ok(())
    }

    /// Drops the tables of days that the window has passed.
    pub fn forget_before(&self, today: u32) -> Result<(), StateError> {
        let oldest = today.saturating_sub(self.window_days);
        let mut tables = self.tables_mut();
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

    /// Look-ups are held up only while the table is told what it consists of now, not while that is written.
    fn write_day(&self, day: u32, sorted: &[Repeat]) -> Result<Merged, StateError> {
        if !self.tables().contains_key(&day) {
            let tree = self
                .database
                .open_tree(name(day))
                .map_err(|error| view(&error))?;
            let table = Table::open(tree)?;
            self.tables_mut().insert(day, table);
        }
        let prepared = match self.tables().get(&day) {
            Some(table) => table.prepare(sorted.iter().map(|repeat| Ok(write(repeat))))?,
            None => return Ok(Merged::default()),
        };
        let mut tables = self.tables_mut();
        let table = tables.get_mut(&day);
        Ok(table.map_or_else(Merged::default, |table| table.switch(prepared)))
    }

    fn tables(&self) -> RwLockReadGuard<'_, BTreeMap<u32, Table>> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn tables_mut(&self) -> RwLockWriteGuard<'_, BTreeMap<u32, Table>> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn unwritten(&self) -> MutexGuard<'_, Unwritten> {
        self.unwritten
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
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
        for entries in tables.iter().flat_map(Table::entries) {
            match entries {
                Ok(entries) => entries.iter().for_each(|entry| filter.add(field(entry, 0))),
                // What can't be read must not be called unseen.
                Err(_) => return,
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

fn write(repeat: &Repeat) -> [u8; ENTRY] {
    let mut entry = [0; ENTRY];
    entry[..8].copy_from_slice(&repeat.token);
    entry[8..16].copy_from_slice(&repeat.content);
    entry[16..24].copy_from_slice(&repeat.first.to_be_bytes());
    entry[24..].copy_from_slice(&repeat.of.to_be_bytes());
    entry
}

fn read(entry: &[u8; ENTRY], day: u32) -> Repeat {
    Repeat {
        token: field(entry, 0),
        content: field(entry, 8),
        first: u64::from_be_bytes(field(entry, 16)),
        of: u16::from_be_bytes(field(entry, 24)),
        day,
    }
}

/// `N` bytes of an entry, which has them.
fn field<const N: usize>(entry: &[u8; ENTRY], at: usize) -> [u8; N] {
    let field = entry.get(at..).and_then(|rest| rest.first_chunk());
    field.copied().unwrap_or([0; N])
}
