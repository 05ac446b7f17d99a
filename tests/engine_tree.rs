//! The kept tree: every record is proven, and a tree whose file is lost, cut, damaged or another's is made anew from the
//! log and never lies (E3, T4).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::fs;
use std::path::{Path, PathBuf};

use consent_ledger::app::Ledger;
use consent_ledger::audit::TreeError;
use consent_ledger::domain::ids::Position;
use consent_ledger::ledger::{
    Checkpoint, ConsistencyProof, GROUP, Hash, InclusionProof, VerifyingKey, leaf_hash,
    open as open_note,
};
use engine::*;

/// Records some: each customer opens an account with a service.
async fn record(ledger: &Ledger, from: usize, to: usize) {
    let opening = |number: usize| intent(&format!("K-{number}"), open_account(&["local"]));
    let intents = (from..to).map(opening).collect();
    for answer in ledger.handle.submit_many(intents).await {
        answer.unwrap();
    }
}

fn checkpoint(ledger: &Ledger) -> Checkpoint {
    let key = VerifyingKey::parse(&ledger.genesis.checkpoint_key).unwrap();
    open_note(&(ledger.signer())(), &key).unwrap()
}

/// Waits until the tree is there; proves records near each edge of a group, and the growth from some sizes.
async fn assert_proves(ledger: &Ledger, case: &str) -> Checkpoint {
    let signed = checkpoint(ledger);
    let tree = ledger.tree();
    let nodes = loop {
        match tree.nodes() {
            Ok(nodes) => break nodes,
            Err(TreeError::NotReady { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{case}: {error}"),
        }
    };
    let edges = (0..signed.size).step_by(GROUP as usize);
    let edges = edges.flat_map(|edge| [edge.saturating_sub(1), edge, edge + 1, edge + 100]);
    for position in edges
        .chain([signed.size - 1])
        .filter(|at| *at < signed.size)
    {
        let proof = InclusionProof::of(position, signed.size, &nodes)
            .unwrap()
            .unwrap();
        let line = ledger.views.line(Position(position)).unwrap().unwrap();
        assert_eq!(
            proof.root(leaf_hash(&line)),
            Some(signed.root),
            "{case}: {position}"
        );
    }
    signed
}

fn assert_grew(ledger: &Ledger, older: &Checkpoint, newer: &Checkpoint) {
    let tree = ledger.tree();
    let nodes = tree.nodes().unwrap();
    let proof = ConsistencyProof::of(older.size, newer.size, &nodes)
        .unwrap()
        .unwrap();
    assert!(proof.holds(older.root, newer.root));
    assert!(!proof.holds(Hash::ZERO, newer.root));
}

fn file(dir: &Path) -> PathBuf {
    dir.join("views").join("tree")
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_every_record_is_proven_while_the_ledger_grows_and_after_each_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut older: Option<Checkpoint> = None;
    let mut from = 0;
    for step in [3, 120, 300, 700, 5] {
        let ledger = open(dir.path());
        for part in 0..2 {
            record(&ledger, from, from + step / 2 + part).await;
            from += step / 2 + part;
            let newer = assert_proves(&ledger, &format!("{from} customers")).await;
            if let Some(older) = &older {
                assert_grew(&ledger, older, &newer);
            }
            older = Some(newer);
        }
        ledger.close().unwrap();
    }
    let size = older.unwrap().size;
    let kept = fs::metadata(file(dir.path())).unwrap().len();
    assert_eq!(kept, 32 + size / GROUP * 32, "{size}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_t4_a_tree_file_that_is_lost_cut_damaged_or_of_another_ledger_is_made_anew() {
    let (dir, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [dir.path(), other.path()] {
        let ledger = open(dir);
        record(&ledger, 0, 700).await;
        ledger.close().unwrap();
    }
    let path = file(dir.path());
    let whole = fs::read(&path).unwrap();
    assert!(whole.len() > 32 * 5);
    let end = whole.len();
    let mut cases = vec![
        ("lost", None),
        ("empty", Some(Vec::new())),
        ("cut in a hash", Some(whole[..end - 7].to_vec())),
        ("cut", Some(whole[..end - 64].to_vec())),
        ("longer", Some([&whole[..], &[7; 96]].concat())),
        ("zeros", Some([&whole[..end - 96], &[0; 96]].concat())),
        ("another's", Some(fs::read(file(other.path())).unwrap())),
    ];
    for at in (0..end).step_by(23) {
        let mut flipped = whole.clone();
        flipped[at] ^= 0x20;
        cases.push(("flipped", Some(flipped)));
    }
    for (case, bytes) in cases {
        match bytes {
            None => fs::remove_file(&path).unwrap(),
            Some(bytes) => fs::write(&path, bytes).unwrap(),
        }
        let ledger = open(dir.path());
        assert_proves(&ledger, case).await;
        ledger.close().unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{case}");
    }
}
