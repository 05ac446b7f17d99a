//! Registering customers: the vault's only write.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError},
};

use zeroize::{Zeroize, Zeroizing};

use super::{
    Head, Registration, Vault, VaultError,
    entries::Mark,
    entry::{BATCH_HEADER, BATCH_MAX, BatchHeader, Entry, Place},
    erasing::Held,
    keys::Secret,
    mac::Lookup,
    mappings::Mappings,
    progress::{Learned, pseudonym_key},
    seal::Root,
};
use crate::domain::ids::Pseudonym;

/// Owned by whoever registers; readers never wait for it.
pub(super) struct Writer {
    pub(super) end: Mark,
    /// Bytes of a torn batch after `end`.
    pub(super) torn: u64,
    /// Why nothing may be written any more.
    pub(super) stopped: Option<String>,
}

/// A batch ready to be written.
struct Prepared {
    header: BatchHeader,
    bytes: Vec<u8>,
    /// Each customer's digest, pseudonym, offset from the batch's beginning, and root.
    customers: Vec<(Lookup, [u8; 16], u64, Arc<Root>)>,
    end: Mark,
}

/// Maps the given customers, those that are new after one sync for all (see [`Vault::register`]).
pub(super) fn register(
    vault: &Vault,
    customer_ids: &[&str],
) -> Result<Vec<Registration>, VaultError> {
    let inner = &vault.0;
    let lookups = customer_ids
        .iter()
        .map(|id| super::checked(id).map(|id| inner.macs.lookup(id)))
        .collect::<Result<Vec<_>, _>>()?;
    let mut writer = inner.writer.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(what) = &writer.stopped {
        return Err(VaultError::Unknown {
            file: inner.entries.path().to_owned(),
            what: what.clone(),
        });
    }
    let mut known = HashMap::with_capacity(lookups.len());
    let mut new = Vec::new();
    for (lookup, customer_id) in lookups.iter().zip(customer_ids) {
        if known.contains_key(&lookup.0) {
            continue;
        }
        let found = inner.find_by(lookup)?;
        if found.is_none() {
            new.push((*lookup, *customer_id));
        }
        known.insert(lookup.0, found);
    }
    for batch in new.chunks(BATCH_MAX) {
        let registered = commit(vault, &mut writer, batch);
        if let Err(VaultError::Unknown { what, .. }) = &registered {
            writer.stopped = Some(what.clone());
        }
        for (lookup, pseudonym) in registered? {
            known.insert(lookup.0, Some(pseudonym));
        }
    }
    let head = writer.end.head;
    let registration = |lookup: &Lookup| {
        let pseudonym = known.get(&lookup.0).copied().flatten()?;
        Some(Registration { pseudonym, head })
    };
    // Each lookup was found or committed above; were one not, it must not pass as registered.
    let all: Option<Vec<_>> = lookups.iter().map(registration).collect();
    all.ok_or_else(|| VaultError::Unknown {
        file: inner.entries.path().to_owned(),
        what: "a registered customer is not found".to_owned(),
    })
}

fn commit(
    vault: &Vault,
    writer: &mut Writer,
    new: &[(Lookup, &str)],
) -> Result<Vec<(Lookup, Pseudonym)>, VaultError> {
    let inner = &vault.0;
    if writer.torn > 0 {
        inner.entries.cut(writer.end.offset)?;
        writer.torn = 0;
    }
    let batch = prepare(vault, writer.end, new)?;
    inner
        .entries
        .append(writer.end.offset, batch.header, &batch.bytes)?;
    // Durable: from here on the mappings stand, whatever happens to index or process.
    let offset = writer.end.offset;
    writer.end = batch.end;
    let mapped = batch
        .customers
        .iter()
        .map(|(lookup, pseudonym, at, _)| (lookup, pseudonym, offset + at));
    let learned = Learned::new(batch.header.first, offset, mapped, batch.end);
    inner.index.expect(&learned);
    let mut registered = Vec::with_capacity(new.len());
    for (lookup, pseudonym, _, root) in batch.customers {
        inner.known.put(lookup.short(), Pseudonym(pseudonym));
        inner.roots.put(pseudonym, root);
        registered.push((lookup, Pseudonym(pseudonym)));
    }
    *inner.head.lock().unwrap_or_else(PoisonError::into_inner) = batch.end.head;
    inner.behind.learn(learned);
    Ok(registered)
}

fn prepare(vault: &Vault, end: Mark, new: &[(Lookup, &str)]) -> Result<Prepared, VaultError> {
    let inner = &vault.0;
    let mut random = Zeroizing::new(vec![0; new.len() * 48]);
    getrandom::fill(&mut random).map_err(VaultError::Random)?;
    let mut bytes = Vec::new();
    let mut customers = Vec::with_capacity(new.len());
    let mut hash = end.head.hash;
    let mut sequence = end.head.sequence;
    let held = inner.held();
    for ((lookup, customer_id), random) in new.iter().zip(random.chunks_exact_mut(48)) {
        let (pseudonym_bytes, key_bytes) = random.split_at(16);
        let mut pseudonym = [0; 16];
        pseudonym.copy_from_slice(pseudonym_bytes);
        if inner.index.get(&pseudonym_key(&pseudonym))?.is_some() {
            // A source of randomness that repeats itself must not join two customers.
            return Err(VaultError::Random(getrandom::Error::UNEXPECTED));
        }
        let mut data_key = Secret::default();
        data_key.copy_from_slice(key_bytes);
        random.zeroize();
        let root = Root::of_data_key(&data_key);
        let place = place(inner, &held, sequence, *lookup, pseudonym)?;
        let entry = Entry::seal(inner.keys.vault, place, &data_key, &root, customer_id);
        let at = bytes.len();
        entry.write(&mut bytes);
        hash = super::entry::running(&hash, bytes.get(at..).unwrap_or_default());
        sequence += 1;
        customers.push((
            *lookup,
            pseudonym,
            (BATCH_HEADER + at) as u64,
            Arc::new(root),
        ));
    }
    let header = BatchHeader::of(end.head.sequence, new.len() as u32, end.head.hash, &bytes);
    let end = Mark {
        offset: end.offset + (BATCH_HEADER + bytes.len()) as u64,
        head: Head { sequence, hash },
    };
    Ok(Prepared {
        header,
        bytes,
        customers,
        end,
    })
}

/// The shard follows the pseudonym, so shards fill evenly.
fn place<'a>(
    inner: &Mappings,
    held: &'a Held,
    sequence: u64,
    lookup: Lookup,
    pseudonym: [u8; 16],
) -> Result<Place<'a>, VaultError> {
    let [shard, ..] = pseudonym;
    let newest = held.shards.newest(shard);
    let (generation, shard_key) = newest.ok_or_else(|| VaultError::Index {
        dir: inner.entries.path().to_owned(),
        what: format!("shard {shard} has no key"),
    })?;
    Ok(Place {
        shard,
        generation,
        shard_key,
        sequence,
        lookup,
        pseudonym,
    })
}
