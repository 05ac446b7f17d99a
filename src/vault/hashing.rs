//! Argon2id: how a password, a PIN or an answer becomes what may be kept (T3).
//!
//! Slow on purpose, and hungry for memory: whoever calls does it away from the threads that serve and write, and a few at
//! a time. The cost is kept beside each hash, so that raising it leaves old ones readable.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{VaultError, bytes::Fields};

/// Bytes of a hash with its salt and cost.
pub(super) const HASHED: usize = 60;

/// What hashing one secret costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashCost {
    /// Memory, in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for HashCost {
    /// 19 MiB and two passes: OWASP's minimum for Argon2id.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

impl HashCost {
    fn argon2(self) -> Result<Argon2<'static>, VaultError> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(32));
        let params = params.map_err(|error| VaultError::Hashing(error.to_string()))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// A secret's hash, not kept yet. Wiped when dropped.
pub struct HashedSecret {
    cost: HashCost,
    salt: [u8; 16],
    hash: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for HashedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashedSecret(…)")
    }
}

impl HashedSecret {
    /// Hashes a secret under a new salt.
    pub(super) fn of(secret: &[u8], cost: HashCost) -> Result<Self, VaultError> {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(VaultError::Random)?;
        Self::with_salt(secret, cost, salt)
    }

    fn with_salt(secret: &[u8], cost: HashCost, salt: [u8; 16]) -> Result<Self, VaultError> {
        let mut hash = Zeroizing::new([0; 32]);
        (cost.argon2()?)
            .hash_password_into(secret, &salt, hash.as_mut_slice())
            .map_err(|error| VaultError::Hashing(error.to_string()))?;
        Ok(Self { cost, salt, hash })
    }

    /// Whether it is the hash of that secret; compared in constant time.
    pub(super) fn is_of(&self, secret: &[u8]) -> Result<bool, VaultError> {
        let other = Self::with_salt(secret, self.cost, self.salt)?;
        Ok(self.hash.ct_eq(other.hash.as_slice()).into())
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(HASHED));
        for number in [self.cost.memory_kib, self.cost.passes, self.cost.lanes] {
            out.extend_from_slice(&number.to_be_bytes());
        }
        out.extend_from_slice(&self.salt);
        out.extend_from_slice(self.hash.as_slice());
        out
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = Fields(bytes);
        let hashed = Self {
            cost: HashCost {
                memory_kib: fields.u32()?,
                passes: fields.u32()?,
                lanes: fields.u32()?,
            },
            salt: fields.array()?,
            hash: fields.array()?.into(),
        };
        fields.0.is_empty().then_some(hashed)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    const CHEAP: HashCost = HashCost {
        memory_kib: 32,
        passes: 3,
        lanes: 4,
    };

    #[test]
    fn t3_a_hash_is_argon2id_as_its_reference_computes_it() {
        // From the reference implementation's own tests: t = 2, m = 2^8 KiB, p = 1.
        let cost = HashCost {
            memory_kib: 256,
            passes: 2,
            lanes: 1,
        };
        let mut hash = [0; 32];
        let argon2 = cost.argon2().unwrap();
        argon2
            .hash_password_into(b"password", b"somesalt", &mut hash)
            .unwrap();
        assert_eq!(
            HEXLOWER.encode(&hash),
            "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"
        );
    }

    #[test]
    fn t3_a_hash_is_read_back_with_its_own_cost_and_shows_nothing() {
        let hashed = HashedSecret::of(b"95137", CHEAP).unwrap();
        let bytes = hashed.to_bytes();
        assert_eq!(bytes.len(), HASHED);
        let read = HashedSecret::parse(&bytes).unwrap();
        assert!(read.is_of(b"95137").unwrap());
        assert!(!read.is_of(b"95138").unwrap());
        assert_eq!(read.cost, CHEAP);
        assert!(HashedSecret::parse(&bytes[1..]).is_none());
        assert_eq!(format!("{hashed:?}"), "HashedSecret(…)");
        let again = HashedSecret::of(b"95137", CHEAP).unwrap();
        assert_ne!(again.to_bytes(), bytes, "a salt of its own");
    }
}
