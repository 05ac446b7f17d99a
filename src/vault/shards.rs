//! The wrapping keys: what an erasure really destroys.
//!
//! Each customer's data key lies in its entry, wrapped under the key of the customer's shard. An
//! append-only file forgets nothing, so a customer is erased by replacing the *shard's* key (`erasing`):
//! the next generation's key goes into the shard's other slot, and zeros over the old one.
//!
//! While that is under way a shard has two keys, and the next start settles which is in force; the
//! two slots of a shard are never in one disk sector, so a torn write of one can't hurt the other.
//! Overwriting is no erasure on SSDs and in backups: for those the wrapping key of `vault/keys` has
//! to live in a KMS, where it can be replaced.

use std::{fmt, fs::File, os::unix::fs::FileExt, path::Path};

use zeroize::Zeroizing;

use super::{
    VaultError,
    bytes::{Fields, crc},
    durable,
    erasing::Files,
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

/// A shard's wrapping key, how often the shard was rewrapped, and in which of its slots the key lies.
#[derive(Clone)]
pub(super) struct ShardKey {
    pub(super) generation: u32,
    pub(super) key: Secret,
    side: usize,
}

/// The bytes of a slot and where they lie.
pub(super) struct SlotBytes {
    offset: u64,
    bytes: Zeroizing<Vec<u8>>,
}

impl ShardKey {
    /// The slot that holds the key.
    pub(super) fn slot(
        &self,
        vault: VaultId,
        wrapping: &Secret,
        shard: u8,
    ) -> Result<SlotBytes, VaultError> {
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
        let mut bytes = Zeroizing::new(vec![0; SLOT]);
        write_slot(vault, wrapping, shard, self, nonce, &mut bytes);
        Ok(SlotBytes {
            offset: slot_offset(shard, self.side),
            bytes,
        })
    }

    /// The shard's other slot, empty.
    pub(super) fn other_slot(&self, shard: u8) -> SlotBytes {
        SlotBytes {
            offset: slot_offset(shard, 1 - self.side),
            bytes: Zeroizing::new(vec![0; SLOT]),
        }
    }
}

impl SlotBytes {
    /// What is there now.
    fn read(&self, file: &File, files: &Files) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let mut found = Zeroizing::new(vec![0; SLOT]);
        (file.read_exact_at(&mut found, self.offset))
            .map_err(VaultError::io(&files.shards, "reading"))?;
        Ok(found)
    }

    /// Overwrites what is there; durable on return, and read back.
    pub(super) fn write(&self, file: &File, files: &Files) -> Result<(), VaultError> {
        let fail = |doing| VaultError::io(&files.shards, doing);
        (files.disk.write_at(file, &self.bytes, self.offset)).map_err(fail("writing"))?;
        (files.disk.sync(file, &files.shards)).map_err(fail("syncing"))?;
        match self.read(file, files)? == self.bytes {
            true => Ok(()),
            false => {
                let what = "the slot holds other bytes than were just written to it";
                Err(VaultError::damaged(&files.shards, self.offset, what))
            }
        }
    }
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

    /// The generations of a shard's keys: the newest, and while an erasure is under way the one before it.
    pub(super) fn generations(&self, shard: u8) -> (u32, Option<u32>) {
        let keys = self.keys.get(usize::from(shard));
        keys.map_or((0, None), |(newest, before)| {
            (newest.generation, before.as_ref().map(|key| key.generation))
        })
    }

    /// A fresh key to follow a shard's newest one.
    pub(super) fn next(&self, shard: u8) -> Result<ShardKey, VaultError> {
        let newest = self.keys.get(usize::from(shard)).map(|(newest, _)| newest);
        Ok(ShardKey {
            generation: newest
                .map_or(0, |newest| newest.generation)
                .saturating_add(1),
            key: random()?,
            side: newest.map_or(0, |newest| 1 - newest.side),
        })
    }

    /// A shard's key is this one alone.
    pub(super) fn install(&mut self, shard: u8, key: ShardKey) {
        if let Some(keys) = self.keys.get_mut(usize::from(shard)) {
            *keys = (key, None);
        }
    }

    /// Whether something lies in the slot beside a shard's newest key.
    pub(super) fn has_remains(
        &self,
        shard: u8,
        file: &File,
        files: &Files,
    ) -> Result<bool, VaultError> {
        let Some((newest, _)) = self.keys.get(usize::from(shard)) else {
            return Ok(false);
        };
        let empty = newest.other_slot(shard);
        Ok(empty.read(file, files)? != empty.bytes)
    }

    /// Of a shard's two keys keeps that generation, and destroys the other on disk.
    pub(super) fn keep_only(
        &mut self,
        shard: u8,
        generation: u32,
        file: &File,
        files: &Files,
    ) -> Result<(), VaultError> {
        let keys = self.keys.get(usize::from(shard));
        let kept = keys
            .into_iter()
            .flat_map(|(newest, before)| [Some(newest), before.as_ref()])
            .flatten()
            .find(|key| key.generation == generation)
            .cloned();
        if let Some(kept) = kept {
            kept.other_slot(shard).write(file, files)?;
            self.install(shard, kept);
        }
        Ok(())
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
                side: 0,
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
            let a = read_slot(vault, wrapping, (shard, 0), a);
            let b = read_slot(vault, wrapping, (shard, 1), b);
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

fn read_slot(vault: VaultId, wrapping: &Secret, place: (u8, usize), sector: &[u8]) -> Slot {
    if sector.iter().all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    if !sector_is_whole(&vault.0, sector) {
        return Slot::Bad("its checksum does not match its bytes");
    }
    open_slot(vault, wrapping, place, sector).map_or(
        Slot::Bad("its key does not open under the keys file"),
        Slot::Key,
    )
}

fn open_slot(
    vault: VaultId,
    wrapping: &Secret,
    (shard, side): (u8, usize),
    sector: &[u8],
) -> Option<ShardKey> {
    let mut fields = Fields(sector);
    (fields.array()? == *SLOT_MAGIC && fields.u32()? == u32::from(shard)).then_some(())?;
    let generation = fields.u32()?;
    let nonce: [u8; 12] = fields.array()?;
    let bound = associated(vault, shard, generation);
    let key = seal::unwrap(wrapping, nonce, &bound, &fields.array()?)?;
    Some(ShardKey {
        generation,
        key,
        side,
    })
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
        ShardKey {
            generation,
            key,
            side: 0,
        }
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
