//! The vault as its callers see it, after crashes, and on damaged files.

mod crash;
mod damage;
mod erasing;
mod index;
mod mapping;
mod secrets;
mod vectors;

use std::path::Path;

use super::*;

/// A vault with a small cache, so that the files are asked and not only the memory.
fn options(dir: &Path) -> Options {
    Options {
        cache_entries: 0,
        ..Options::new(dir)
    }
}

fn open(dir: &Path) -> (Vault, Opened) {
    Vault::create_or_open(options(dir)).unwrap()
}

/// A closed vault of batches of 1, 2 and 1 customers; gives each id with its pseudonym.
fn small_vault(dir: &Path) -> Vec<(String, Pseudonym)> {
    let (vault, _) = open(dir);
    let mut made = Vec::new();
    for batch in [&["A-1"] as &[&str], &["B-2", "C-3"], &["Dé-4"]] {
        let registered = vault.register(batch).unwrap();
        let mapped = batch.iter().zip(registered);
        made.extend(mapped.map(|(id, registration)| ((*id).to_owned(), registration.pseudonym)));
    }
    made
}

/// Nobody was forgotten and nobody is somebody else.
fn assert_maps(vault: &Vault, made: &[(String, Pseudonym)]) {
    for (id, pseudonym) in made {
        assert_eq!(vault.find(id).unwrap(), Some(*pseudonym), "{id}");
        assert_eq!(vault.customer_id(*pseudonym).unwrap().as_ref(), Some(id));
    }
}
