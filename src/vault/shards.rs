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

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const VAULT: VaultId = VaultId([0xa0; 16]);

    fn parse(bytes: &[u8]) -> Result<(Shards, Vec<String>), VaultError> {
        Shards::parse(Path::new("shards"), bytes, VAULT, &Secret::new([4; 32]))
    }

    fn key(generation: u32, byte: u8) -> ShardKey {
        let key = Secret::new([byte; 32]);
        ShardKey { generation, key }
    }

    fn put(bytes: &mut [u8], shard: u8, side: usize, key: &ShardKey) {
        let at = slot_offset(shard, side) as usize;
        let slot = &mut bytes[at..at + SLOT];
        write_slot(VAULT, &Secret::new([4; 32]), shard, key, [7; 12], slot);
    }

    #[test]
    fn a_slot_and_the_header_have_their_golden_bytes() {
        let mut bytes = Shards::generate(VAULT, &Secret::new([4; 32])).unwrap();
        put(&mut bytes, 0x10, 0, &key(1, 6));
        let slot = &bytes[slot_offset(0x10, 0) as usize..][..SLOT];
        let golden = "434c565300000010000000010707070707070707070707072bd74219df0838efa509d87a67f692c977bf7915\
            b8d828b4ae6f8d05388b48e8a01a27ea4bda24cea6a3943ea3792877";
        assert_eq!(HEXLOWER.encode(&slot[..72]), golden);
        assert_eq!(HEXLOWER.encode(&slot[508..]), "c5a2c3bf");
        let header = "434c5653485244310000000100000100a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0";
        assert_eq!(HEXLOWER.encode(&bytes[..32]), header);
        assert_eq!(HEXLOWER.encode(&bytes[508..512]), "b2285170");
    }

    #[test]
    fn e8_two_generations_are_readable_until_the_old_slot_is_overwritten() {
        let mut bytes = Shards::generate(VAULT, &Secret::new([4; 32])).unwrap();
        put(&mut bytes, 9, 0, &key(1, 6));
        put(&mut bytes, 9, 1, &key(2, 7));
        let (shards, notes) = parse(&bytes).unwrap();
        assert_eq!(notes, Vec::<String>::new());
        assert_eq!(shards.newest(9).unwrap(), (2, &Secret::new([7; 32])));
        assert_eq!(shards.of_generation(9, 1), Some(&Secret::new([6; 32])));
        let old = slot_offset(9, 0) as usize;
        bytes[old..old + SLOT].fill(0);
        let (shards, _) = parse(&bytes).unwrap();
        assert_eq!(shards.newest(9).unwrap().0, 2);
        assert_eq!(
            shards.of_generation(9, 1),
            None,
            "the erased generation is gone"
        );
        put(&mut bytes, 9, 0, &key(2, 6));
        assert!(parse(&bytes).is_err(), "two keys of one generation");
    }

    #[test]
    fn t4_a_flipped_byte_is_refused_or_told_and_never_gives_another_key() {
        let bytes = Shards::generate(VAULT, &Secret::new([4; 32])).unwrap();
        let (whole, _) = parse(&bytes).unwrap();
        let slots =
            [(0, 0), (0, 1), (255, 0), (255, 1)].map(|(shard, side)| slot_offset(shard, side));
        let starts = slots.into_iter().chain([0]);
        for at in starts.flat_map(|start| start as usize..start as usize + SLOT) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            match parse(&flipped) {
                Err(VaultError::Damaged { file, .. }) => assert_eq!(file, Path::new("shards")),
                Err(other) => panic!("byte {at}: {other}"),
                Ok((shards, notes)) => {
                    assert_eq!(notes.len(), 1, "byte {at}");
                    for shard in 0..=255 {
                        assert_eq!(shards.newest(shard), whole.newest(shard), "byte {at}");
                    }
                }
            }
        }
    }
}
