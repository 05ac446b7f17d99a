//! The wrapping keys: what an erasure really destroys.
//!
//! Each customer's data key lies in its entry, wrapped under the key of the customer's shard. An
//! append-only file forgets nothing, so a customer is erased by replacing the *shard's* key:
//!
//! 1. write the next generation's key into the shard's other slot; sync; read it back;
//! 2. write the data keys of all the shard's customers but the erased, wrapped anew, beside the
//!    entries; sync; read them back;
//! 3. overwrite the old slot with zeros; sync. From here on the erased key is gone.
//!
//! A crash before 3 leaves both generations readable, and the work starts over; the two slots of a
//! shard are never in one disk sector, so a torn write of one can't hurt the other. Erasing is not
//! built yet: slots are written at creation only. Overwriting is no erasure on SSDs and in
//! backups; for those the wrapping key of `vault/keys` has to live in a KMS.

use std::{fmt, path::Path};

use zeroize::Zeroizing;

use super::{
    VaultError,
    bytes::{Fields, crc},
    durable,
    keys::{Secret, VaultId, random},
    seal,
};

const MAGIC: &[u8; 8] = b"CLVSHRD1";
const SLOT_MAGIC: &[u8; 4] = b"CLVS";
const VERSION: u32 = 1;
/// One sector: the unit that we assume a disk writes whole.
const SLOT: usize = 512;
/// Shards in a vault. A shard's key wraps the data keys of 1/256 of the customers.
pub(super) const SHARDS: usize = 256;
pub(super) const LENGTH: usize = SLOT + 2 * SHARDS * SLOT;
const FIRST_GENERATION: u32 = 1;

/// A shard's wrapping key and how often the shard was rewrapped.
struct ShardKey {
    generation: u32,
    key: Secret,
}

/// The wrapping keys in memory.
pub(super) struct Shards {
    /// By shard: the key in force, and while an erasure is under way also the one before it.
    keys: Vec<(ShardKey, Option<ShardKey>)>,
}

impl fmt::Debug for Shards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shards(…)")
    }
}

/// What one slot holds.
enum Slot {
    Empty,
    Bad(&'static str),
    Key(ShardKey),
}

impl Shards {
    /// The key of a shard's newest generation.
    pub(super) fn newest(&self, shard: u8) -> Option<(u32, &Secret)> {
        let (newest, _) = self.keys.get(usize::from(shard))?;
        Some((newest.generation, &newest.key))
    }

    /// The key that wrapped an entry; `None` once that generation is destroyed.
    pub(super) fn of_generation(&self, shard: u8, generation: u32) -> Option<&Secret> {
        let (newest, before) = self.keys.get(usize::from(shard))?;
        [Some(newest), before.as_ref()]
            .into_iter()
            .flatten()
            .find(|key| key.generation == generation)
            .map(|key| &key.key)
    }

    /// The bytes of a new file: the first generation in every shard's first slot.
    pub(super) fn generate(
        vault: VaultId,
        wrapping: &Secret,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut out = Zeroizing::new(vec![0; LENGTH]);
        let (header, slots) = out.split_at_mut(SLOT);
        header_bytes(vault, header);
        for (shard, slot) in (0..=u8::MAX).zip(slots.chunks_exact_mut(SLOT)) {
            let mut nonce = [0; 12];
            getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
            let key = ShardKey {
                generation: FIRST_GENERATION,
                key: random()?,
            };
            write_slot(vault, wrapping, shard, &key, nonce, slot);
        }
        Ok(out)
    }

    /// Reads the file; the notes tell of damage that did no harm.
    pub(super) fn read(
        path: &Path,
        vault: VaultId,
        wrapping: &Secret,
    ) -> Result<(Self, Vec<String>), VaultError> {
        let bytes = durable::read_exactly(path, LENGTH)?;
        Self::parse(path, &bytes, vault, wrapping)
    }

    fn parse(
        path: &Path,
        bytes: &[u8],
        vault: VaultId,
        wrapping: &Secret,
    ) -> Result<(Self, Vec<String>), VaultError> {
        let (header, slots) = bytes.split_at_checked(SLOT).unwrap_or((bytes, &[]));
        check_header(path, header, vault)?;
        let (first, second) = slots
            .split_at_checked(SHARDS * SLOT)
            .unwrap_or((slots, &[]));
        let pairs = first.chunks_exact(SLOT).zip(second.chunks_exact(SLOT));
        let mut notes = Vec::new();
        let mut keys = Vec::with_capacity(SHARDS);
        for (shard, (a, b)) in (0..=u8::MAX).zip(pairs) {
            let a = read_slot(vault, wrapping, shard, a);
            let b = read_slot(vault, wrapping, shard, b);
            for (slot, side) in [(&a, 0), (&b, 1)] {
                if let Slot::Bad(what) = slot {
                    let offset = slot_offset(shard, side);
                    notes.push(format!("{}: shard {shard}, the slot at byte {offset}: {what}; the shard's other slot is used", path.display()));
                }
            }
            keys.push(match (a, b) {
                (Slot::Key(a), Slot::Key(b)) if a.generation > b.generation => (a, Some(b)),
                (Slot::Key(a), Slot::Key(b)) if a.generation < b.generation => (b, Some(a)),
                (Slot::Key(key), Slot::Empty | Slot::Bad(_))
                | (Slot::Empty | Slot::Bad(_), Slot::Key(key)) => (key, None),
                (a, _) => {
                    let offset = slot_offset(shard, 0);
                    let what = match a {
                        Slot::Key(_) => format!("shard {shard} has two keys of one generation"),
                        Slot::Empty => format!("shard {shard} has no key"),
                        Slot::Bad(what) => format!("shard {shard}: {what}"),
                    };
                    return Err(VaultError::damaged(path, offset, what));
                }
            });
        }
        Ok((Self { keys }, notes))
    }
}

fn slot_offset(shard: u8, side: usize) -> u64 {
    (SLOT + (side * SHARDS + usize::from(shard)) * SLOT) as u64
}

fn header_bytes(vault: VaultId, out: &mut [u8]) {
    let mut header = Vec::with_capacity(SLOT);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_be_bytes());
    header.extend_from_slice(&(SHARDS as u32).to_be_bytes());
    header.extend_from_slice(&vault.0);
    seal_sector(&[], header, out);
}

/// Pads a sector with zeros and ends it with its checksum.
fn seal_sector(bound_to: &[u8], mut content: Vec<u8>, out: &mut [u8]) {
    content.resize(SLOT - 4, 0);
    let checksum = crc(&[bound_to, &content]);
    content.extend_from_slice(&checksum.to_be_bytes());
    out.copy_from_slice(&content);
}

fn sector_is_whole(bound_to: &[u8], sector: &[u8]) -> bool {
    sector
        .split_last_chunk::<4>()
        .is_some_and(|(content, checksum)| crc(&[bound_to, content]).to_be_bytes() == *checksum)
}

fn check_header(path: &Path, header: &[u8], vault: VaultId) -> Result<(), VaultError> {
    if !sector_is_whole(&[], header) {
        return Err(VaultError::damaged(
            path,
            0,
            "the header's checksum does not match its bytes",
        ));
    }
    let mut fields = Fields(header);
    if fields.array() != Some(*MAGIC) {
        return Err(VaultError::damaged(
            path,
            0,
            "it does not begin like a shards file",
        ));
    }
    let form = (fields.u32(), fields.u32());
    if form != (Some(VERSION), Some(SHARDS as u32)) {
        return Err(VaultError::Unsupported {
            file: path.to_owned(),
            what: format!("form {form:?} of the shards file"),
        });
    }
    if fields.array() != Some(vault.0) {
        return Err(VaultError::damaged(
            path,
            16,
            "it belongs to another vault than the keys file",
        ));
    }
    Ok(())
}

/// What a slot's ciphertext is bound to.
fn associated(vault: VaultId, shard: u8, generation: u32) -> Vec<u8> {
    let mut out = vault.0.to_vec();
    out.push(shard);
    out.extend_from_slice(&generation.to_be_bytes());
    out
}

fn write_slot(
    vault: VaultId,
    wrapping: &Secret,
    shard: u8,
    key: &ShardKey,
    nonce: [u8; 12],
    out: &mut [u8],
) {
    let bound = associated(vault, shard, key.generation);
    let mut content = Vec::with_capacity(SLOT);
    content.extend_from_slice(SLOT_MAGIC);
    content.extend_from_slice(&u32::from(shard).to_be_bytes());
    content.extend_from_slice(&key.generation.to_be_bytes());
    content.extend_from_slice(&nonce);
    content.extend_from_slice(&seal::wrap(wrapping, nonce, &bound, &key.key));
    seal_sector(&vault.0, content, out);
}

fn read_slot(vault: VaultId, wrapping: &Secret, shard: u8, sector: &[u8]) -> Slot {
    if sector.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    if !sector_is_whole(&vault.0, sector) {
        return Slot::Bad("its checksum does not match its bytes");
    }
    open_slot(vault, wrapping, shard, sector).map_or(
        Slot::Bad("its key does not open under the keys file"),
        Slot::Key,
    )
}

fn open_slot(vault: VaultId, wrapping: &Secret, shard: u8, sector: &[u8]) -> Option<ShardKey> {
    let mut fields = Fields(sector);
    (fields.array()? == *SLOT_MAGIC && fields.u32()? == u32::from(shard)).then_some(())?;
    let generation = fields.u32()?;
    let nonce: [u8; 12] = fields.array()?;
    let bound = associated(vault, shard, generation);
    let key = seal::unwrap(wrapping, nonce, &bound, &fields.array()?)?;
    Some(ShardKey { generation, key })
}
