//! The vault as its callers see it.

use super::*;

fn open(dir: &std::path::Path) -> (Vault, Opened) {
    Vault::create_or_open(Options::new(dir)).unwrap()
}

#[test]
fn e8_a_customer_keeps_the_pseudonym_through_close_and_reopen() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, opened) = open(dir.path());
    assert!(opened.created);
    let made = vault.register(&["A-1", "B-2", "A-1"]).unwrap();
    assert_eq!(made[0].pseudonym, made[2].pseudonym);
    assert_ne!(made[0].pseudonym, made[1].pseudonym);
    assert_eq!(vault.head().sequence, 2);
    let head = vault.head();
    drop(vault);
    let (vault, opened) = open(dir.path());
    assert_eq!((opened.head, opened.created), (head, false));
    assert_eq!(opened.notes, Vec::<String>::new());
    assert_eq!(vault.find("A-1").unwrap(), Some(made[0].pseudonym));
    assert_eq!(vault.find("C-3").unwrap(), None);
    assert_eq!(
        vault.customer_id(made[1].pseudonym).unwrap().as_deref(),
        Some("B-2")
    );
    assert_eq!(vault.verify().unwrap(), head);
}
