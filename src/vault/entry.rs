//! The bytes of an entry and of a batch of entries. Once released they never change.
//!
//! ```text
//! entry  0 length u16 | 2 kind u8 = 1 | 3 shard u8 | 4 generation u32 | 8 sequence u64
//!       16 lookup digest [32] | 48 pseudonym [16] | 64 wrapped data key [48]
//!      112 sealed customer id [its length + 16] | CRC-32 of all before [4]
//! batch  0 "CLVB" | 4 count u32 | 8 first sequence u64 | 16 length of the entries u32
//!       20 CRC-32 of the entries u32 | 24 running hash before [32] | 56 zeros [4]
//!       60 CRC-32 of vault id ‖ the 60 bytes before | 64 entries
//! ```
//!
//! Integers are big-endian. A batch is what one sync made durable; a loss of power leaves it whole
//! or torn, and torn in any order of its pages, so it is kept or cut as a whole.

use sha2::{Digest, Sha256};

use super::{
    bytes::{Fields, crc},
    keys::{Secret, VaultId},
    mac::Lookup,
    seal::{self, Root},
};

pub(super) const BATCH_MAGIC: &[u8; 4] = b"CLVB";
pub(super) const BATCH_HEADER: usize = 64;
/// An entry without its sealed id.
const ENTRY_FIXED: usize = 112 + 4;
/// An entry of a customer id of one byte.
pub(super) const ENTRY_MIN: usize = ENTRY_FIXED + 1 + 16;
/// An entry of the longest customer id.
pub(super) const ENTRY_MAX: usize = ENTRY_FIXED + CUSTOMER_ID_MAX + 16;
/// Entries in a batch, at most: bounds the memory of a reader, and what waits for the index.
pub(super) const BATCH_MAX: usize = 16_384;
pub(super) const BATCH_BYTES_MAX: usize = BATCH_MAX * ENTRY_MAX;
/// Bytes of a customer id, at most.
pub(super) const CUSTOMER_ID_MAX: usize = 128;
const KIND_CUSTOMER: u8 = 1;
const RUNNING: u8 = 0x03;

/// One customer's mapping as stored.
pub(super) struct Entry {
    pub(super) shard: u8,
    pub(super) generation: u32,
    pub(super) sequence: u64,
    pub(super) lookup: Lookup,
    pub(super) pseudonym: [u8; 16],
    wrapped: [u8; 48],
    sealed_id: Vec<u8>,
}

/// The entries of a batch, each with its offset, and the running hash after the last.
pub(super) type Read = (Vec<(usize, Entry)>, [u8; 32]);

/// Why bytes are not an entry or a batch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// They are not what was written.
    Bad(&'static str),
    /// A newer release wrote them.
    Unknown(String),
}

impl Entry {
    /// A new customer's entry.
    pub(super) fn seal(
        vault: VaultId,
        place: Place,
        data_key: &Secret,
        root: &Root,
        customer_id: &str,
    ) -> Self {
        let mut entry = Self {
            shard: place.shard,
            generation: place.generation,
            sequence: place.sequence,
            lookup: place.lookup,
            pseudonym: place.pseudonym,
            wrapped: [0; 48],
            sealed_id: root.seal_customer_id(&place.pseudonym, customer_id),
        };
        entry.wrapped = seal::wrap(
            place.shard_key,
            entry.nonce(),
            &entry.bound(vault),
            data_key,
        );
        entry
    }

    /// The customer's data key, if `shard_key` is the one that wrapped it and nothing was altered.
    pub(super) fn data_key(&self, vault: VaultId, shard_key: &Secret) -> Option<Secret> {
        seal::unwrap(shard_key, self.nonce(), &self.bound(vault), &self.wrapped)
    }

    pub(super) fn customer_id(&self, root: &Root) -> Option<String> {
        root.open_customer_id(&self.pseudonym, &self.sealed_id)
    }

    /// Random and never used for two data keys: a pseudonym belongs to one customer.
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce.copy_from_slice(self.pseudonym.split_at(4).1);
        nonce
    }

    /// The wrapped key is bound to the vault and to bytes 2 to 64 of the entry: a mapping can't be exchanged.
    fn bound(&self, vault: VaultId) -> Vec<u8> {
        let mut out = vault.0.to_vec();
        self.write_mapping(&mut out);
        out
    }

    fn write_mapping(&self, out: &mut Vec<u8>) {
        out.push(KIND_CUSTOMER);
        out.push(self.shard);
        out.extend_from_slice(&self.generation.to_be_bytes());
        out.extend_from_slice(&self.sequence.to_be_bytes());
        out.extend_from_slice(&self.lookup.0);
        out.extend_from_slice(&self.pseudonym);
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let length = (ENTRY_FIXED + self.sealed_id.len()) as u16;
        out.extend_from_slice(&length.to_be_bytes());
        self.write_mapping(out);
        out.extend_from_slice(&self.wrapped);
        out.extend_from_slice(&self.sealed_id);
        let checksum = crc(&[out.get(start..).unwrap_or_default()]);
        out.extend_from_slice(&checksum.to_be_bytes());
    }

    /// Reads the entry that begins at `bytes`; gives it and its length.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), Flaw> {
        let length = Fields(bytes).u16().map_or(0, usize::from);
        if !(ENTRY_MIN..=ENTRY_MAX).contains(&length) {
            return Err(Flaw::Bad("the entry's length is out of range"));
        }
        let whole = bytes
            .get(..length)
            .ok_or(Flaw::Bad("the entry is cut short"))?;
        let (content, checksum) = whole
            .split_last_chunk::<4>()
            .ok_or(Flaw::Bad("the entry is cut short"))?;
        if crc(&[content]).to_be_bytes() != *checksum {
            return Err(Flaw::Bad("the entry's checksum does not match its bytes"));
        }
        let kind = content.get(2).copied().unwrap_or(0);
        if kind != KIND_CUSTOMER {
            return Err(Flaw::Unknown(format!("an entry of kind {kind}")));
        }
        let entry = Self::fields(content).ok_or(Flaw::Bad("the entry is cut short"))?;
        Ok((entry, length))
    }

    fn fields(content: &[u8]) -> Option<Self> {
        let mut fields = Fields(content);
        let [_, _, _kind, shard] = fields.array()?;
        Some(Self {
            shard,
            generation: fields.u32()?,
            sequence: fields.u64()?,
            lookup: Lookup(fields.array()?),
            pseudonym: fields.array()?,
            wrapped: fields.array()?,
            sealed_id: fields.0.to_vec(),
        })
    }
}

/// What a new entry is made of, beside its secrets.
pub(super) struct Place<'a> {
    pub(super) shard: u8,
    pub(super) generation: u32,
    pub(super) shard_key: &'a Secret,
    pub(super) sequence: u64,
    pub(super) lookup: Lookup,
    pub(super) pseudonym: [u8; 16],
}

/// A batch's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BatchHeader {
    pub(super) count: u32,
    pub(super) first: u64,
    pub(super) length: u32,
    checksum: u32,
    pub(super) before: [u8; 32],
}

impl BatchHeader {
    /// The header for `entries`, the bytes of `count` of them.
    pub(super) fn of(first: u64, count: u32, before: [u8; 32], entries: &[u8]) -> Self {
        Self {
            count,
            first,
            length: entries.len() as u32,
            checksum: crc(&[entries]),
            before,
        }
    }

    pub(super) fn to_bytes(self, vault: VaultId) -> [u8; BATCH_HEADER] {
        let mut out = Vec::with_capacity(BATCH_HEADER);
        out.extend_from_slice(BATCH_MAGIC);
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(&self.length.to_be_bytes());
        out.extend_from_slice(&self.checksum.to_be_bytes());
        out.extend_from_slice(&self.before);
        out.extend_from_slice(&[0; 4]);
        let checksum = crc(&[&vault.0, &out]);
        out.extend_from_slice(&checksum.to_be_bytes());
        let mut header = [0; BATCH_HEADER];
        header.iter_mut().zip(out).for_each(|(to, from)| *to = from);
        header
    }

    pub(super) fn parse(vault: VaultId, bytes: &[u8]) -> Result<Self, Flaw> {
        let header: &[u8; BATCH_HEADER] = bytes
            .first_chunk()
            .ok_or(Flaw::Bad("the batch's header is cut short"))?;
        let (content, checksum) = header
            .split_last_chunk::<4>()
            .ok_or(Flaw::Bad("the batch's header is cut short"))?;
        if crc(&[&vault.0, content]).to_be_bytes() != *checksum || !content.starts_with(BATCH_MAGIC)
        {
            return Err(Flaw::Bad("the batch's header does not match its checksum"));
        }
        let mut fields = Fields(content);
        let parsed = fields.take(4).and_then(|_magic| {
            Some(Self {
                count: fields.u32()?,
                first: fields.u64()?,
                length: fields.u32()?,
                checksum: fields.u32()?,
                before: fields.array()?,
            })
        });
        let header = parsed.ok_or(Flaw::Bad("the batch's header is cut short"))?;
        if header.count == 0
            || header.count as usize > BATCH_MAX
            || header.length as usize > BATCH_BYTES_MAX
        {
            return Err(Flaw::Unknown(format!(
                "a batch of {} entries in {} bytes",
                header.count, header.length
            )));
        }
        Ok(header)
    }

    /// Reads the batch's entries: each with its offset inside `bytes`, and the running hash after all.
    pub(super) fn entries(&self, bytes: &[u8]) -> Result<Read, Flaw> {
        if bytes.len() != self.length as usize {
            return Err(Flaw::Bad("the batch is cut short"));
        }
        if crc(&[bytes]) != self.checksum {
            return Err(Flaw::Bad("the batch's checksum does not match its entries"));
        }
        let mut entries = Vec::with_capacity(self.count as usize);
        let mut offset = 0;
        let mut hash = self.before;
        while let Some(rest) = bytes.get(offset..).filter(|rest| !rest.is_empty()) {
            let (entry, length) = Entry::parse(rest)?;
            if entry.sequence != self.first.wrapping_add(entries.len() as u64) {
                return Err(Flaw::Bad("the batch's entries are out of sequence"));
            }
            hash = running(&hash, rest.get(..length).unwrap_or_default());
            entries.push((offset, entry));
            offset += length;
        }
        if entries.len() != self.count as usize {
            return Err(Flaw::Bad(
                "the batch holds another number of entries than it says",
            ));
        }
        Ok((entries, hash))
    }
}

/// The running hash: SHA-256(0x03 ‖ hash before ‖ bytes).
pub(super) fn running(before: &[u8; 32], bytes: &[u8]) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update([RUNNING])
        .chain_update(before)
        .chain_update(bytes);
    digest.finalize().into()
}
