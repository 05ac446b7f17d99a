//! Keyed digests: how a customer is looked up, how outside identifiers and requests are remembered.
//!
//! Each input is length-prefixed, so that no two lists of parts give one message.

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::keys::{Keys, Secret};

/// A customer id's digest under the key that never rotates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Lookup(pub(super) [u8; 32]);

impl Lookup {
    /// The half that caches and the index go by; the entry is compared with the whole.
    pub(super) fn short(&self) -> [u8; 16] {
        first_half(self.0)
    }
}

/// The three keyed states, ready to take a message.
pub(super) struct Macs {
    lookup: Hmac<Sha256>,
    token: Hmac<Sha256>,
    request: Hmac<Sha256>,
}

impl Macs {
    pub(super) fn new(keys: &Keys) -> Self {
        Self {
            lookup: keyed(&keys.lookup),
            token: keyed(&keys.token),
            request: keyed(&keys.mac),
        }
    }

    pub(super) fn lookup(&self, customer_id: &str) -> Lookup {
        Lookup(digest(&self.lookup, &[customer_id.as_bytes()]))
    }

    pub(super) fn token(&self, kind: &str, value: &str) -> [u8; 16] {
        first_half(digest(&self.token, &[kind.as_bytes(), value.as_bytes()]))
    }

    pub(super) fn request_token(&self, caller: &str, request_id: &[u8; 16]) -> [u8; 8] {
        let digest = digest(&self.request, &[b"id", caller.as_bytes(), request_id]);
        let mut token = [0; 8];
        token.copy_from_slice(&digest[..8]);
        token
    }

    pub(super) fn request(&self, actor: &str, content: &[u8; 32]) -> [u8; 16] {
        first_half(digest(&self.request, &[actor.as_bytes(), content]))
    }
}

fn keyed(key: &Secret) -> Hmac<Sha256> {
    // HMAC takes a key of any length; the fixed 32 bytes here never reach the error.
    <Hmac<Sha256> as Mac>::new_from_slice(key.as_slice())
        .unwrap_or_else(|_| <Hmac<Sha256> as hmac::digest::KeyInit>::new(&Default::default()))
}

fn digest(keyed: &Hmac<Sha256>, parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = keyed.clone();
    for part in parts {
        mac.update(&(part.len() as u32).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn first_half(digest: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(digest.split_at(16).0);
    half
}
