//! The root secrets: one small file, written once, without which nothing in the vault can be read.
//!
//! Lost or damaged it can't be made again: a new lookup key would not find any known customer, and
//! a new customer entry would forget a denial. So anything but a whole file is a refusal.

use std::{fmt, path::Path};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{VaultError, bytes::Fields, durable};

/// Binds the vault's files to each other: a file of another vault is not mistaken for ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct VaultId(pub(super) [u8; 16]);

pub(super) type Secret = Zeroizing<[u8; 32]>;

/// What `vault/keys` holds.
pub(super) struct Keys {
    pub(super) vault: VaultId,
    /// Under which customer ids are looked up. Never rotates.
    pub(super) lookup: Secret,
    /// Under which outside identifiers become tokens. Never rotates.
    pub(super) token: Secret,
    /// Under which a command's content is remembered in its record.
    pub(super) mac: Secret,
    /// Under which the shard keys lie in `vault/shards`. The one to move to a KMS.
    pub(super) wrapping: Secret,
    /// The Ed25519 seed that signs checkpoints.
    pub(super) checkpoint_seed: Secret,
}

const MAGIC: &[u8; 8] = b"CLVKEYS1";
const VERSION: u32 = 1;
pub(super) const LENGTH: usize = 224;
const CHECKED: usize = LENGTH - 32;

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(…)")
    }
}

impl Keys {
    /// Fresh secrets from the operating system.
    pub(super) fn generate() -> Result<Self, VaultError> {
        let mut vault = [0; 16];
        getrandom::fill(&mut vault).map_err(VaultError::Random)?;
        Ok(Self {
            vault: VaultId(vault),
            lookup: random()?,
            token: random()?,
            mac: random()?,
            wrapping: random()?,
            checkpoint_seed: random()?,
        })
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(LENGTH));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_be_bytes());
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&self.vault.0);
        for secret in [
            &self.lookup,
            &self.token,
            &self.mac,
            &self.wrapping,
            &self.checkpoint_seed,
        ] {
            out.extend_from_slice(secret.as_slice());
        }
        let digest = Sha256::digest(out.as_slice());
        out.extend_from_slice(&digest);
        out
    }

    pub(super) fn read(path: &Path) -> Result<Self, VaultError> {
        let bytes = durable::read_exactly(path, LENGTH)?;
        Self::parse(path, &bytes)
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<Self, VaultError> {
        let damaged = |offset, what: &str| VaultError::damaged(path, offset, what);
        let (checked, digest) = bytes
            .split_at_checked(CHECKED)
            .ok_or_else(|| damaged(0, "it is too short"))?;
        if Sha256::digest(checked).as_slice() != digest {
            return Err(damaged(0, "its checksum does not match its bytes"));
        }
        let mut fields = Fields(checked);
        if fields.array() != Some(*MAGIC) {
            return Err(damaged(0, "it does not begin like a keys file"));
        }
        let version = fields.u32();
        if version != Some(VERSION) {
            return Err(VaultError::Unsupported {
                file: path.to_owned(),
                what: format!("version {} of the keys file", version.unwrap_or(0)),
            });
        }
        let keys = fields.take(4).and_then(|_reserved| {
            Some(Self {
                vault: VaultId(fields.array()?),
                lookup: fields.array()?.into(),
                token: fields.array()?.into(),
                mac: fields.array()?.into(),
                wrapping: fields.array()?.into(),
                checkpoint_seed: fields.array()?.into(),
            })
        });
        keys.ok_or_else(|| damaged(0, "it is too short"))
    }
}

/// 32 random bytes.
pub(super) fn random() -> Result<Secret, VaultError> {
    let mut secret = Secret::default();
    getrandom::fill(secret.as_mut_slice()).map_err(VaultError::Random)?;
    Ok(secret)
}
