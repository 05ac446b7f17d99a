//! Golden bytes: what a release wrote, every later one reads. Made by an independent program
//! (Python's `hmac`, `hashlib`, `zlib` and `cryptography`) from the layouts in the module docs.

use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::vault::{
    entries::header_bytes,
    entry::{BatchHeader, Entry, Place, running},
    keys::{Keys, Secret, VaultId},
    mac::Macs,
    seal::Root,
};

const VAULT: VaultId = VaultId([0xa0; 16]);
const LOOKUP: &str = "c54b55b2413d6c46ffadf49c27ccc69509220d023275cb493a21bb8550760d83";
const ENTRY: &str = "00870110000000010000000000000000c54b55b2413d6c46ffadf49c27ccc69509220d023275cb49\
    3a21bb8550760d83100102030405060708090a0b0c0d0e0f719b25888106a2d8188c0652eec8e9488ff5722c04cc7d5c\
    6356187a3e98457b69c3bc6bcdcce4c0728f2d2586e92ca80c156c95125bdbac18a7c2352d96ba26e731650dde2d2d";
const BATCH: &str = "434c564200000001000000000000000000000087320b2f1dd00ee71a2541c92f4b05067ceb8a4155afac\
    e75ab4de91e45a41e3796d9224cf00000000d823029f";
const HEADER: &str = "434c56454e5452310000000100000000a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a00000000000000000000000\
    00000000000000000000000000000000007186d9e5";

fn secret(byte: u8) -> Secret {
    Zeroizing::new([byte; 32])
}

fn keys() -> Keys {
    Keys {
        vault: VAULT,
        lookup: secret(1),
        token: secret(2),
        mac: secret(3),
        wrapping: secret(4),
        checkpoint_seed: secret(5),
    }
}

fn hex(bytes: &[u8]) -> String {
    HEXLOWER.encode(bytes)
}

#[test]
fn the_keys_file_has_its_golden_bytes() {
    use sha2::{Digest, Sha256};
    let bytes = keys().to_bytes();
    assert_eq!(bytes.len(), 224);
    let digest = "42246d99c1c7b83b75ee64402bab38299ca53f213b734fed25faed0191e5b6fe";
    assert_eq!(hex(&Sha256::digest(bytes.as_slice())), digest);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keys");
    std::fs::write(&path, &bytes).unwrap();
    let read = Keys::read(&path).unwrap();
    assert_eq!(read.to_bytes(), bytes);
}

#[test]
fn keyed_digests_have_their_golden_bytes() {
    let macs = Macs::new(&keys());
    assert_eq!(hex(&macs.lookup("A-1").0), LOOKUP);
    assert_eq!(
        hex(&macs.token("call", "c-77")),
        "fd5a9428e94f50f59bdf12c1b7a88d64"
    );
    assert_eq!(
        hex(&macs.request("crm", &[9; 32])),
        "4039a41987d14f06f5cdc81ad61510bb"
    );
}

#[test]
fn an_entry_and_its_batch_have_their_golden_bytes() {
    let (data_key, shard_key) = (secret(8), secret(6));
    let root = Root::of_data_key(&data_key);
    let place = Place {
        shard: 0x10,
        generation: 1,
        shard_key: &shard_key,
        sequence: 0,
        lookup: Macs::new(&keys()).lookup("A-1"),
        pseudonym: [16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    };
    let entry = Entry::seal(VAULT, place, &data_key, &root, "A-1");
    let mut bytes = Vec::new();
    entry.write(&mut bytes);
    assert_eq!(hex(&bytes), ENTRY);
    let (read, length) = Entry::parse(&bytes).unwrap();
    assert_eq!(length, bytes.len());
    assert_eq!(read.data_key(VAULT, &shard_key), Some(data_key));
    assert_eq!(read.customer_id(&root).as_deref(), Some("A-1"));
    assert_eq!(hex(&header_bytes(VAULT)), HEADER);
    let before = running(&[0; 32], &header_bytes(VAULT));
    let header = BatchHeader::of(0, 1, before, &bytes);
    assert_eq!(hex(&header.to_bytes(VAULT)), BATCH);
    assert_eq!(
        BatchHeader::parse(VAULT, &header.to_bytes(VAULT)),
        Ok(header)
    );
    let (_, hash) = header.entries(&bytes).unwrap();
    assert_eq!(
        hex(&hash),
        "1a1a1719fc52587d748e2427df6c7863eda16a1e3a400f531e382199af47652a"
    );
}

#[test]
fn a_sealed_field_has_its_golden_bytes() {
    let root = Root::of_data_key(&secret(8));
    let sealed = root.seal(42, "phone", b"+1 303 555 0100");
    let commitment = "b5a87d9aa3645c4f41e6a5f99e19d8f3dd8b32265d56ccc7b4207ff29af08d70";
    assert_eq!(hex(&sealed.commitment), commitment);
    let ciphertext = "2b02576867c4c2a14c7d8a5bd9c7c752911b43949732ea97c9a8aa6d7210c9";
    assert_eq!(hex(&sealed.ciphertext), ciphertext);
    let opened = root.open(42, "phone", &sealed).unwrap();
    assert_eq!(
        hex(&opened.salt),
        "53029ca4bcb5e9b44ed81f4b102c7794507c8a55af6aacffc8078eace4af45e4"
    );
}
