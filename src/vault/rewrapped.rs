//! The files `vault/rewrapped-SS`: the data keys of a shard's customers under its newest key, and who was erased from it.
//!
//! ```text
//! header 0 "CLVREWR1" | 8 version u32 | 12 shard u32 | 16 generation u32 | 20 kept u32 | 24 erased u32 | 28 zeros [4]
//!       32 vault id [16] | 48 zeros [12] | 60 CRC-32 of all before
//! kept   pseudonym [16] | AEAD(shard key, nonce: pseudonym[4..], AAD: vault id ‖ shard u8 ‖ generation u32 ‖ pseudonym,
//!        data key) [48]; by rising pseudonym
//! erased pseudonym [16]; by rising pseudonym
//! seal   AEAD(shard key, nonce: 0xff…, AAD: vault id ‖ SHA-256 of all before, nothing) [16]
//! ```
//!
//! A shard that nobody was erased from has none: its customers' keys lie in their entries. After an erasure the key that
//! wrapped those is gone, and this file has what the entries can't open any more. Entries made since are under the newest
//! key. The whole is sealed, so that *erased* is never taken for *damaged*, nor the other way round.

use std::{
    collections::HashSet,
    fs::File,
    io::Read,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    VaultError,
    bytes::{Fields, crc},
    keys::{Secret, VaultId},
    seal,
};

const MAGIC: &[u8; 8] = b"CLVREWR1";
const VERSION: u32 = 1;
const HEADER: usize = 64;
const KEPT: usize = 64;
const ERASED: usize = 16;
const SEAL: usize = 16;
const SEAL_NONCE: [u8; 12] = [0xff; 12];
const WINDOW: usize = 64 << 10;

/// A customer's data key as such a file keeps it.
pub(super) type Kept = ([u8; 16], [u8; 48]);

/// The name of a shard's file.
pub(super) fn name(shard: u8) -> String {
    format!("rewrapped-{shard:02x}")
}

/// An open file whose seal was checked.
pub(super) struct Rewrapped {
    path: PathBuf,
    file: File,
    vault: VaultId,
    shard: u8,
    generation: u32,
    kept: u64,
    erased: HashSet<[u8; 16]>,
}

/// What a header says.
struct Header {
    generation: u32,
    kept: u64,
    erased: u64,
}

impl Header {
    fn length(&self) -> u64 {
        HEADER as u64 + self.kept * KEPT as u64 + self.erased * ERASED as u64 + SEAL as u64
    }
}

/// Wraps a customer's data key for such a file.
pub(super) fn wrap(
    vault: VaultId,
    (shard, generation): (u8, u32),
    shard_key: &Secret,
    pseudonym: [u8; 16],
    data_key: &Secret,
) -> Kept {
    let bound = bound(vault, shard, generation, &pseudonym);
    let wrapped = seal::wrap(shard_key, nonce(&pseudonym), &bound, data_key);
    (pseudonym, wrapped)
}

/// The bytes of a file; both lists in rising order.
pub(super) fn to_bytes(
    vault: VaultId,
    (shard, generation): (u8, u32),
    shard_key: &Secret,
    kept: &[Kept],
    erased: &[[u8; 16]],
) -> Vec<u8> {
    let length = HEADER + kept.len() * KEPT + erased.len() * ERASED + SEAL;
    let mut out = Vec::with_capacity(length);
    out.extend_from_slice(MAGIC);
    for number in [
        VERSION,
        u32::from(shard),
        generation,
        kept.len() as u32,
        erased.len() as u32,
        0,
    ] {
        out.extend_from_slice(&number.to_be_bytes());
    }
    out.extend_from_slice(&vault.0);
    out.resize(HEADER - 4, 0);
    let checksum = crc(&[&out]);
    out.extend_from_slice(&checksum.to_be_bytes());
    for (pseudonym, wrapped) in kept {
        out.extend_from_slice(pseudonym);
        out.extend_from_slice(wrapped);
    }
    erased.iter().for_each(|one| out.extend_from_slice(one));
    let seal = seal_of(vault, shard_key, &Sha256::digest(&out).into());
    out.extend_from_slice(&seal);
    out
}

/// The generation of a shard's file; `None`: there is none.
pub(super) fn generation_of(
    path: &Path,
    vault: VaultId,
    shard: u8,
) -> Result<Option<u32>, VaultError> {
    match File::open(path) {
        Ok(file) => Ok(Some(header(path, &file, vault, shard)?.generation)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(VaultError::io(path, "opening")(error)),
    }
}

fn header(path: &Path, file: &File, vault: VaultId, shard: u8) -> Result<Header, VaultError> {
    let damaged = |offset, what: &str| Err(VaultError::damaged(path, offset, what));
    let mut bytes = [0; HEADER];
    if file.read_exact_at(&mut bytes, 0).is_err() {
        return damaged(0, "the header is cut short");
    }
    let whole = bytes
        .split_last_chunk::<4>()
        .is_some_and(|(content, checksum)| crc(&[content]).to_be_bytes() == *checksum);
    if !whole {
        return damaged(0, "the header's checksum does not match its bytes");
    }
    let mut fields = Fields(&bytes);
    if fields.array() != Some(*MAGIC) {
        return damaged(0, "it does not begin like a file of rewrapped keys");
    }
    let version = fields.u32().unwrap_or(0);
    if version != VERSION {
        return Err(VaultError::Unsupported {
            file: path.to_owned(),
            what: format!("version {version} of the file of rewrapped keys"),
        });
    }
    if fields.u32() != Some(u32::from(shard)) {
        return damaged(12, "it is another shard's");
    }
    let mut number = || fields.u32().unwrap_or(0);
    let header = Header {
        generation: number(),
        kept: number().into(),
        erased: number().into(),
    };
    fields.take(4);
    if fields.array() != Some(vault.0) {
        return damaged(32, "it belongs to another vault than the keys file");
    }
    Ok(header)
}

impl Rewrapped {
    /// Opens a shard's file and checks its seal, in bounded memory but for the pseudonyms of the erased.
    pub(super) fn open(
        path: &Path,
        vault: VaultId,
        shard: u8,
        shard_key: &Secret,
    ) -> Result<Self, VaultError> {
        let mut file = File::open(path).map_err(VaultError::io(path, "opening"))?;
        let header = header(path, &file, vault, shard)?;
        let metadata = file.metadata();
        let length = metadata.map_err(VaultError::io(path, "measuring"))?.len();
        if length != header.length() {
            let what = format!("it must have {} bytes and has {length}", header.length());
            return Err(VaultError::damaged(path, length, what));
        }
        let sealed = length - SEAL as u64;
        let digest = digest(&mut file, sealed).map_err(VaultError::io(path, "reading"))?;
        let mut seal = [0; SEAL];
        (file.read_exact_at(&mut seal, sealed)).map_err(VaultError::io(path, "reading"))?;
        if seal_of(vault, shard_key, &digest) != seal {
            let what = "its seal does not fit its bytes and the shard's key";
            return Err(VaultError::damaged(path, 0, what));
        }
        let mut rewrapped = Self {
            path: path.to_owned(),
            file,
            vault,
            shard,
            generation: header.generation,
            kept: header.kept,
            erased: HashSet::new(),
        };
        rewrapped.read_erased(header.erased)?;
        Ok(rewrapped)
    }

    fn read_erased(&mut self, count: u64) -> Result<(), VaultError> {
        let start = HEADER as u64 + self.kept * KEPT as u64;
        for number in 0..count {
            let mut pseudonym = [0; ERASED];
            let at = start + number * ERASED as u64;
            (self.file.read_exact_at(&mut pseudonym, at))
                .map_err(VaultError::io(&self.path, "reading"))?;
            self.erased.insert(pseudonym);
        }
        Ok(())
    }

    /// The generation of the shard's key that it was made for.
    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    /// Who was erased from the shard, ever.
    pub(super) fn erased(&self) -> &HashSet<[u8; 16]> {
        &self.erased
    }

    /// The customer's data key; `None`: it isn't kept here.
    pub(super) fn data_key(
        &self,
        shard_key: &Secret,
        pseudonym: &[u8; 16],
    ) -> Result<Option<Secret>, VaultError> {
        let (mut low, mut high) = (0, self.kept);
        while low < high {
            let middle = low.midpoint(high);
            let at = HEADER as u64 + middle * KEPT as u64;
            let mut bytes = [0; KEPT];
            (self.file.read_exact_at(&mut bytes, at))
                .map_err(VaultError::io(&self.path, "reading"))?;
            let (found, wrapped) = bytes.split_at(ERASED);
            match found.cmp(pseudonym) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let opened = Fields(wrapped).array().and_then(|wrapped| {
                        let bound = bound(self.vault, self.shard, self.generation, pseudonym);
                        seal::unwrap(shard_key, nonce(pseudonym), &bound, &wrapped)
                    });
                    let what = "a rewrapped key does not open under its shard's key";
                    return opened
                        .map(Some)
                        .ok_or_else(|| VaultError::damaged(&self.path, at, what));
                }
            }
        }
        Ok(None)
    }
}

fn digest(file: &mut File, length: u64) -> std::io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut window = vec![0; WINDOW];
    let mut rest = file.take(length);
    loop {
        let read = rest.read(&mut window)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(window.get(..read).unwrap_or_default());
    }
}

fn seal_of(vault: VaultId, shard_key: &Secret, digest: &[u8; 32]) -> [u8; SEAL] {
    let bound = [&vault.0[..], digest].concat();
    let tag = seal::encrypt(shard_key, SEAL_NONCE, &bound, &[]);
    let mut out = [0; SEAL];
    out.iter_mut().zip(tag).for_each(|(to, from)| *to = from);
    out
}

/// As random as the pseudonym, and used once under a shard's key: each generation has a key of its own.
fn nonce(pseudonym: &[u8; 16]) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce.copy_from_slice(pseudonym.split_at(4).1);
    nonce
}

fn bound(vault: VaultId, shard: u8, generation: u32, pseudonym: &[u8; 16]) -> Vec<u8> {
    let mut out = vault.0.to_vec();
    out.push(shard);
    out.extend_from_slice(&generation.to_be_bytes());
    out.extend_from_slice(pseudonym);
    out
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    #[test]
    fn e8_a_file_of_rewrapped_keys_has_its_golden_bytes() {
        let (vault, key) = (VaultId([0xa0; 16]), Secret::new([6; 32]));
        let place = (0x4f, 2);
        let kept = wrap(vault, place, &key, [0x4f; 16], &Secret::new([7; 32]));
        let bytes = to_bytes(
            vault,
            place,
            &key,
            &[kept],
            &[[0x4f, 1].repeat(8).try_into().unwrap()],
        );
        assert_eq!(bytes.len(), HEADER + KEPT + ERASED + SEAL);
        let (header, rest) = bytes.split_at(HEADER);
        assert_eq!(
            HEXLOWER.encode(header),
            "434c565245575231000000010000004f00000002000000010000000100000000a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0000000000000000000000000cefc1170"
        );
        assert_eq!(
            HEXLOWER.encode(rest),
            "4f4f4f4f4f4f4f4f4f4f4f4f4f4f4f4fc457a94d06fb7c567b9c224df4736301016a15af915803f5a505dedca2f41cfc6e9e71ca3d8a3ab1457014a33ffdad654f014f014f014f014f014f014f014f01b457db4f2d6bae79fcbaac12bb45f373"
        );
    }
}
