//! The file `vault/secrets`: hashes of passwords, PINs and back-up answers, each sealed under its customer's key.
//!
//! ```text
//! header 0 "CLVSECR1" | 8 version u32 | 12 zeros [4] | 16 vault id [16] | 32 zeros [92] | 124 CRC-32 of all before
//! slot n at 128 × (n + 1)
//!        0 "CLVP" | 4 kind u8 = 1 | 5 zeros [3] | 8 n u64 | 16 pseudonym [16] | 32 nonce [12]
//!       44 hash with salt and cost [60] and tag [16], sealed | 120 zeros [4] | 124 CRC-32 of vault id ‖ all before
//! ```
//!
//! Append-only, and durable before the record that cites it. A record cites slot and SHA-256, so that no slot can pose as
//! another, nor an old file as a new one. A slot is written once: what a crash or a full disk leaves half-written is
//! passed over, and no record cites it. Erasing a customer's key makes the slots unreadable (E8). The file is made with
//! the first secret.

use std::{
    fs::{File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

use super::{
    VaultError,
    bytes::{Fields, crc},
    durable::Disk,
    hashing::{HASHED, HashedSecret},
    keys::VaultId,
    seal::Root,
};
use crate::domain::authentication::credentials::SecretPlace;
use crate::domain::ids::{Pseudonym, Sha256Digest};

const MAGIC: &[u8; 8] = b"CLVSECR1";
const SLOT_MAGIC: &[u8; 4] = b"CLVP";
const VERSION: u32 = 1;
const KIND_ARGON2ID: u8 = 1;
/// A quarter of a sector: no slot lies in two.
const SLOT: usize = 128;
/// What the seal is bound to, beside the vault's id.
const BOUND: usize = 32;
const NONCE: usize = 12;
const SEALED: usize = HASHED + 16;

/// The store of hashes.
pub(super) struct Secrets {
    path: PathBuf,
    vault: VaultId,
    disk: Disk,
    /// Held while one is appended, sync included.
    writer: Mutex<Writer>,
}

#[derive(Default)]
struct Writer {
    /// None before the first secret.
    file: Option<Arc<File>>,
    next: u64,
    /// Why nothing may be written any more.
    stopped: Option<String>,
}

impl Secrets {
    /// Opens the file, if there is one.
    pub(super) fn open(path: &Path, vault: VaultId, disk: Disk) -> Result<Self, VaultError> {
        let secrets = Self {
            path: path.to_owned(),
            vault,
            disk,
            writer: Mutex::default(),
        };
        let file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(secrets),
            Err(error) => return Err(VaultError::io(path, "opening")(error)),
        };
        let writer = secrets.take_over(file)?;
        Ok(Self {
            writer: Mutex::new(writer),
            ..secrets
        })
    }

    fn take_over(&self, file: File) -> Result<Writer, VaultError> {
        // What a killed process may have left in the page cache.
        (self.disk.sync(&file, &self.path)).map_err(VaultError::io(&self.path, "syncing"))?;
        let mut header = [0; SLOT];
        (file.read_exact_at(&mut header, 0))
            .map_err(|_| VaultError::damaged(&self.path, 0, "the header is cut short"))?;
        if header != self.header() {
            let what = "it does not begin like this vault's secrets file";
            return Err(VaultError::damaged(&self.path, 0, what));
        }
        let metadata = file.metadata();
        let length = (metadata.map_err(VaultError::io(&self.path, "measuring"))?).len();
        Ok(Writer {
            next: length.div_ceil(SLOT as u64).saturating_sub(1),
            file: Some(Arc::new(file)),
            stopped: None,
        })
    }

    fn header(&self) -> [u8; SLOT] {
        let mut out = Vec::with_capacity(SLOT);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.vault.0);
        checked(out, &[])
    }

    /// Keeps a hash; durable on return. `NotStored`: the caller may try again. `Unknown`: none is kept any more until
    /// the vault is opened anew.
    pub(super) fn append(
        &self,
        root: &Root,
        pseudonym: Pseudonym,
        hashed: &HashedSecret,
    ) -> Result<SecretPlace, VaultError> {
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(what) = &writer.stopped {
            return Err(self.unknown(what.clone()));
        }
        let file = match &writer.file {
            Some(file) => Arc::clone(file),
            None => {
                *writer = self.create()?;
                let file = writer.file.clone();
                file.ok_or_else(|| self.unknown("the new file is not there".to_owned()))?
            }
        };
        let slot = writer.next;
        // Whatever comes of it: no slot is written twice.
        writer.next = slot.saturating_add(1);
        let bytes = self.seal(root, slot, pseudonym, hashed)?;
        if let Err(source) = self.disk.write_at(&file, &bytes, offset(slot)) {
            return Err(VaultError::NotStored {
                file: self.path.clone(),
                source,
            });
        }
        if let Err(error) = self.disk.sync(&file, &self.path) {
            let what = format!("syncing failed ({error})");
            writer.stopped = Some(what.clone());
            return Err(self.unknown(what));
        }
        Ok(SecretPlace {
            slot,
            digest: digest(&bytes),
        })
    }

    fn create(&self) -> Result<Writer, VaultError> {
        self.disk.replace(&self.path, &self.header())?;
        let opened = OpenOptions::new().read(true).write(true).open(&self.path);
        self.take_over(opened.map_err(VaultError::io(&self.path, "opening"))?)
    }

    fn seal(
        &self,
        root: &Root,
        slot: u64,
        pseudonym: Pseudonym,
        hashed: &HashedSecret,
    ) -> Result<[u8; SLOT], VaultError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(VaultError::Random)?;
        let mut out = Vec::with_capacity(SLOT);
        out.extend_from_slice(SLOT_MAGIC);
        out.extend_from_slice(&[KIND_ARGON2ID, 0, 0, 0]);
        out.extend_from_slice(&slot.to_be_bytes());
        out.extend_from_slice(&pseudonym.0);
        let sealed = root.seal_secret(slot, nonce, &self.bound(&out), &hashed.to_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Ok(checked(out, &self.vault.0))
    }

    fn bound(&self, place: &[u8]) -> Vec<u8> {
        [&self.vault.0, place].concat()
    }

    /// The hash at a place that a record cites.
    pub(super) fn read(
        &self,
        root: &Root,
        pseudonym: Pseudonym,
        place: SecretPlace,
    ) -> Result<HashedSecret, VaultError> {
        let bytes = self.slot(place)?;
        let damaged = |what| VaultError::damaged(&self.path, offset(place.slot), what);
        let mut fields = Fields(&bytes);
        let parts = (fields.take(BOUND)).zip(fields.array::<NONCE>());
        let parts = parts.zip(fields.take(SEALED));
        let ((place_bytes, nonce), sealed) =
            parts.ok_or_else(|| damaged("the slot is cut short"))?;
        let kind = bytes.get(4).copied().unwrap_or(0);
        if kind != KIND_ARGON2ID {
            return Err(VaultError::Unsupported {
                file: self.path.clone(),
                what: format!("a secret of kind {kind}"),
            });
        }
        if !place_bytes.ends_with(&pseudonym.0) {
            return Err(damaged("the slot is another customer's"));
        }
        let opened = root.open_secret(place.slot, nonce, &self.bound(place_bytes), sealed);
        (opened.and_then(|bytes| HashedSecret::parse(&bytes)))
            .ok_or_else(|| damaged("the hash does not open under the customer's key"))
    }

    /// The bytes at a place that a record cites, if they are the cited ones.
    pub(super) fn slot(&self, place: SecretPlace) -> Result<[u8; SLOT], VaultError> {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let file = writer.file.clone();
        drop(writer);
        let file = file.ok_or_else(|| VaultError::Missing {
            file: self.path.clone(),
            witness: "a secret that the ledger cites",
        })?;
        let mut bytes = [0; SLOT];
        let at = offset(place.slot);
        match file.read_exact_at(&mut bytes, at) {
            Ok(()) if digest(&bytes) == place.digest => Ok(bytes),
            Ok(()) => {
                let what = "the slot holds another secret than the ledger cites";
                Err(VaultError::damaged(&self.path, at, what))
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                let what = "it ends before a secret that the ledger cites";
                Err(VaultError::damaged(&self.path, at, what))
            }
            Err(error) => Err(VaultError::io(&self.path, "reading")(error)),
        }
    }

    fn unknown(&self, what: String) -> VaultError {
        VaultError::Unknown {
            file: self.path.clone(),
            what,
        }
    }
}

fn offset(slot: u64) -> u64 {
    slot.saturating_add(1).saturating_mul(SLOT as u64)
}

fn digest(bytes: &[u8]) -> Sha256Digest {
    Sha256Digest(Sha256::digest(bytes).into())
}

/// Pads to a slot and ends it with its checksum.
fn checked(mut content: Vec<u8>, bound_to: &[u8]) -> [u8; SLOT] {
    content.resize(SLOT - 4, 0);
    let checksum = crc(&[bound_to, &content]);
    content.extend_from_slice(&checksum.to_be_bytes());
    let mut out = [0; SLOT];
    out.iter_mut()
        .zip(content)
        .for_each(|(to, from)| *to = from);
    out
}
