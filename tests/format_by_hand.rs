//! The checks of `docs/format.md`, run as they stand there: with `bash`, `jq`, `sha256sum`, `xxd` and `openssl`, without
//! any code of ours (E4).

#![allow(clippy::unwrap_used, reason = "what can't be set up fails the test")]

use std::{fs, path::Path, process::Command};

use consent_ledger::ledger::{Checkpoint, Frontier, SigningKey, leaf_hash, sign};

const DOCS: &str = include_str!("../docs/format.md");
const EXPORT: &str = include_str!("golden/ledger_lines_1.ndjson");

/// All blocks of the page that are marked to be run, as one script.
fn script() -> String {
    let blocks = DOCS.split("```sh by-hand\n").skip(1);
    let steps: String = blocks
        .map(|block| block.split("```").next().unwrap())
        .collect();
    format!("set -euo pipefail\n{steps}")
}

/// The checkpoint over the golden export, by the key that its first record names.
fn note() -> String {
    let mut tree = Frontier::new();
    EXPORT
        .lines()
        .for_each(|line| tree.push(leaf_hash(line.as_bytes())));
    let origin = "ledger.example/consent";
    let key = SigningKey::new(origin, &[7; 32]).unwrap();
    sign(
        &Checkpoint {
            origin: origin.to_owned(),
            size: tree.size(),
            root: tree.root(),
        },
        &key,
    )
}

/// Runs the page's script over an export and a checkpoint: what it printed, if it succeeded.
fn by_hand(export: &str, note: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| Path::new(folder.path()).join(name);
    fs::write(place("ledger.ndjson"), export).unwrap();
    fs::write(place("ledger.ndjson.checkpoint"), note).unwrap();
    let ran = Command::new("bash")
        .arg("-c")
        .arg(script())
        .current_dir(folder.path())
        .output()
        .unwrap();
    let said =
        String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    if ran.status.success() {
        Ok(said)
    } else {
        Err(said)
    }
}

/// Whether the machine has what the page asks for. The tools are not ours to require of who builds.
fn tools_are_here() -> bool {
    ["jq", "sha256sum", "xxd", "openssl"].iter().all(|tool| {
        let found = Command::new("bash")
            .args(["-c", &format!("command -v {tool}")])
            .output();
        found.is_ok_and(|found| found.status.success())
    })
}

#[test]
fn e4_an_export_is_checked_by_hand_as_the_docs_say() {
    if !tools_are_here() {
        println!("not run: the page's tools are not on this machine");
        return;
    }
    let said = by_hand(EXPORT, &note()).unwrap();
    assert!(said.contains("the chain holds"), "{said}");
    assert!(said.contains("the root is the checkpoint's"), "{said}");
    assert!(said.contains("Signature Verified Successfully"), "{said}");
}

#[test]
fn e4_the_checks_by_hand_find_what_was_altered() {
    if !tools_are_here() {
        println!("not run: the page's tools are not on this machine");
        return;
    }
    let lines: Vec<&str> = EXPORT.split_inclusive('\n').collect();
    let altered = EXPORT.replacen("number 3", "number 8", 1);
    assert!(
        by_hand(&altered, &note())
            .unwrap_err()
            .contains("broken at position 4")
    );
    let removed = [&lines[..4], &lines[5..]].concat().concat();
    assert!(
        by_hand(&removed, &note())
            .unwrap_err()
            .contains("out of place: 5")
    );
    let cut = lines[..lines.len() - 1].concat();
    assert!(by_hand(&cut, &note()).unwrap_err().contains("another root"));
    let other_origin = note().replacen("ledger", "Ledger", 1);
    assert!(by_hand(EXPORT, &other_origin).is_err());
}
