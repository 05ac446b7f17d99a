//! Sealing: personal fields of records, data keys and customer ids.
//!
//! A record's field is sealed under a key of its own, so that opening one for an auditor opens no
//! other, and destroying the customer's data key makes all of them unreadable (E8):
//!
//! ```text
//! root       = HKDF-Extract(salt: none, data key)                      SHA-256, RFC 5869
//! key ‖ salt = HKDF-Expand(root, "field" ‖ position (u64, big-endian) ‖ name)     32 + 32 bytes
//! commitment = SHA-256(0x02 ‖ salt ‖ plaintext)                        in the hashed line
//! ciphertext = ChaCha20-Poly1305(key, nonce: commitment[..12], AAD: name ‖ position, plaintext)
//! ```
//!
//! An auditor who is given salt and plaintext checks the commitment with SHA-256 alone; nobody
//! without the salt can test a guess. The nonce follows the plaintext, not only the place: after a
//! failed append the same position is sealed again with other content, and the first bytes may
//! still be on a disk.

use std::fmt;

use hkdf::Hkdf;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use super::keys::Secret;

const TAG: usize = 16;
const COMMITMENT: u8 = 0x02;
const NO_NONCE: [u8; 12] = [0; 12];

/// A sealed field as a record carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedParts {
    /// Salted digest of the plaintext.
    pub commitment: [u8; 32],
    /// The plaintext under the field's own key, 16 bytes longer than it.
    pub ciphertext: Vec<u8>,
}

/// A sealed field opened: what an auditor needs to check its commitment.
pub struct OpenedField {
    /// The text that was sealed. Wiped when dropped.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// `commitment = SHA-256(0x02 ‖ salt ‖ plaintext)`.
    pub salt: [u8; 32],
}

impl fmt::Debug for OpenedField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OpenedField(…)")
    }
}

/// From which a customer's field keys are derived: all that a hot customer keeps in memory.
pub(super) struct Root(Secret);

impl Root {
    pub(super) fn of_data_key(data_key: &Secret) -> Self {
        let (mut extracted, _) = Hkdf::<Sha256>::extract(None, data_key.as_slice());
        let mut root = Secret::default();
        root.copy_from_slice(&extracted);
        extracted.as_mut_slice().zeroize();
        Self(root)
    }

    /// Derived bytes for one use; `N` is far below HKDF's limit of 8160.
    fn expand<const N: usize>(&self, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
        let mut out = Zeroizing::new([0; N]);
        let hkdf = Hkdf::<Sha256>::from_prk(self.0.as_slice());
        let filled = hkdf.map(|hkdf| hkdf.expand_multi_info(info, out.as_mut_slice()));
        debug_assert!(matches!(filled, Ok(Ok(()))));
        out
    }

    fn field(&self, position: u64, name: &str) -> (Secret, [u8; 32]) {
        let both: Zeroizing<[u8; 64]> =
            self.expand(&[b"field", &position.to_be_bytes(), name.as_bytes()]);
        let mut key = Secret::default();
        let mut salt = [0; 32];
        let (first, second) = both.split_at(32);
        key.copy_from_slice(first);
        salt.copy_from_slice(second);
        (key, salt)
    }

    pub(super) fn seal(&self, position: u64, name: &str, plaintext: &[u8]) -> SealedParts {
        let (key, salt) = self.field(position, name);
        let commitment = commit(&salt, plaintext);
        let ciphertext = encrypt(
            &key,
            nonce_of(&commitment),
            &place(position, name),
            plaintext,
        );
        SealedParts {
            commitment,
            ciphertext,
        }
    }

    pub(super) fn open(
        &self,
        position: u64,
        name: &str,
        sealed: &SealedParts,
    ) -> Result<OpenedField, &'static str> {
        let (key, salt) = self.field(position, name);
        let nonce = nonce_of(&sealed.commitment);
        let plaintext = decrypt(&key, nonce, &place(position, name), &sealed.ciphertext)
            .ok_or("its ciphertext is not what was sealed for this customer, position and name")?;
        if commit(&salt, &plaintext) != sealed.commitment {
            return Err("its plaintext is not what the commitment says");
        }
        Ok(OpenedField { plaintext, salt })
    }

    /// Seals the customer's id; done once in the life of a data key.
    pub(super) fn seal_customer_id(&self, bound_to: &[u8], customer_id: &str) -> Vec<u8> {
        let key: Secret = self.expand(&[b"customer id"]);
        encrypt(&key, NO_NONCE, bound_to, customer_id.as_bytes())
    }

    /// Seals a secret's hash under a key of its slot; `nonce` is random, because a slot may be tried again.
    pub(super) fn seal_secret(
        &self,
        slot: u64,
        nonce: [u8; 12],
        bound_to: &[u8],
        hashed: &[u8],
    ) -> Vec<u8> {
        encrypt(&self.secret(slot), nonce, bound_to, hashed)
    }

    pub(super) fn open_secret(
        &self,
        slot: u64,
        nonce: [u8; 12],
        bound_to: &[u8],
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        decrypt(&self.secret(slot), nonce, bound_to, sealed)
    }

    fn secret(&self, slot: u64) -> Secret {
        self.expand(&[b"secret", &slot.to_be_bytes()])
    }

    pub(super) fn open_customer_id(&self, bound_to: &[u8], sealed: &[u8]) -> Option<String> {
        let key: Secret = self.expand(&[b"customer id"]);
        let mut plaintext = decrypt(&key, NO_NONCE, bound_to, sealed)?;
        String::from_utf8(std::mem::take(&mut *plaintext)).ok()
    }
}

fn commit(salt: &[u8; 32], plaintext: &[u8]) -> [u8; 32] {
    let digest = Sha256::new()
        .chain_update([COMMITMENT])
        .chain_update(salt)
        .chain_update(plaintext);
    digest.finalize().into()
}

fn nonce_of(commitment: &[u8; 32]) -> [u8; 12] {
    let mut nonce = NO_NONCE;
    nonce.copy_from_slice(commitment.split_at(12).0);
    nonce
}

fn place(position: u64, name: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len() + 8);
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(&position.to_be_bytes());
    out
}

/// The key as the cipher takes it. It refuses only other lengths than 32, which [`Secret`] can't have.
fn cipher(key: &Secret) -> Option<LessSafeKey> {
    let key = UnboundKey::new(&CHACHA20_POLY1305, key.as_slice()).ok();
    debug_assert!(key.is_some());
    key.map(LessSafeKey::new)
}

/// Ciphertext and tag.
pub(super) fn encrypt(key: &Secret, nonce: [u8; 12], bound_to: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(plaintext.len() + TAG);
    out.extend_from_slice(plaintext);
    let nonce = Nonce::assume_unique_for_key(nonce);
    let sealed = cipher(key).and_then(|cipher| {
        cipher
            .seal_in_place_separate_tag(nonce, Aad::from(bound_to), &mut out)
            .ok()
    });
    match sealed {
        Some(tag) => out.extend_from_slice(tag.as_ref()),
        // Fails only above 256 GiB; even then no plaintext may leave.
        None => {
            out.zeroize();
            out.resize(TAG, 0);
        }
    }
    out
}

/// The plaintext, if key, nonce, binding and bytes are those of the encryption.
pub(super) fn decrypt(
    key: &Secret,
    nonce: [u8; 12],
    bound_to: &[u8],
    ciphertext: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    let mut opened = Zeroizing::new(ciphertext.to_vec());
    let nonce = Nonce::assume_unique_for_key(nonce);
    let length = cipher(key)?
        .open_in_place(nonce, Aad::from(bound_to), &mut opened)
        .ok()?
        .len();
    opened.truncate(length);
    Some(opened)
}

/// Wraps a key under another; `nonce` must be used once with the outer key.
pub(super) fn wrap(outer: &Secret, nonce: [u8; 12], bound_to: &[u8], inner: &Secret) -> [u8; 48] {
    let mut out = [0; 48];
    let wrapped = encrypt(outer, nonce, bound_to, inner.as_slice());
    out.iter_mut()
        .zip(wrapped)
        .for_each(|(to, from)| *to = from);
    out
}

pub(super) fn unwrap(
    outer: &Secret,
    nonce: [u8; 12],
    bound_to: &[u8],
    wrapped: &[u8; 48],
) -> Option<Secret> {
    let plaintext = decrypt(outer, nonce, bound_to, wrapped)?;
    let mut inner = Secret::default();
    (plaintext.len() == inner.len()).then_some(())?;
    inner.copy_from_slice(&plaintext);
    Some(inner)
}
