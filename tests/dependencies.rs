//! What the crate is built from: licences, sources and banned crates, held to `deny.toml` without a network.
//!
//! Security advisories are not checked here: their database is not part of any package registry.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "what can't be read fails the test"
)]

use std::{fs, path::Path, process::Command};

use serde_json::Value;

#[test]
fn every_licence_is_allowed() {
    let policy = policy();
    let allowed = texts(&policy["licenses"]["allow"]);
    let mut faults = Vec::new();
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        match package["license"].as_str() {
            Some(licence) if allows(licence, &allowed) => {}
            Some(licence) => faults.push(format!("{name}: {licence}")),
            None => faults.push(format!("{name}: states no licence")),
        }
    }
    assert!(
        faults.is_empty(),
        "not allowed by deny.toml:\n{}",
        faults.join("\n")
    );
}

#[test]
fn every_crate_comes_from_the_public_registry_with_a_checksum() {
    let lock: toml::Table = toml::from_str(&read("Cargo.lock")).unwrap();
    for package in lock["package"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        if name == env!("CARGO_PKG_NAME") {
            continue;
        }
        let source = package.get("source").and_then(toml::Value::as_str);
        assert_eq!(
            source,
            Some("registry+https://github.com/rust-lang/crates.io-index"),
            "{name} comes from elsewhere"
        );
        assert!(
            package.get("checksum").is_some(),
            "{name} has no checksum in Cargo.lock"
        );
    }
}

#[test]
fn banned_crates_are_absent_and_what_decides_bytes_exists_once() {
    let policy = policy();
    let packages = packages();
    let versions = |name: &str| {
        let named = packages.iter().filter(|package| package["name"] == name);
        named.count()
    };
    for ban in policy["bans"]["deny"].as_array().unwrap() {
        let name = ban["crate"].as_str().unwrap();
        if ban.get("deny-multiple-versions").is_some() {
            assert!(
                versions(name) == 1,
                "{name}: {} versions; one is allowed",
                versions(name)
            );
        } else {
            assert!(versions(name) == 0, "{name}: {}", ban["reason"]);
        }
    }
}

#[test]
fn licence_expressions_are_read_as_written() {
    let allowed = ["MIT", "Apache-2.0", "Zlib"].map(str::to_owned);
    for yes in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-3.0 OR MIT",
        "(GPL-3.0 OR MIT) AND Zlib",
        "GPL-3.0 OR MIT AND Zlib",
    ] {
        assert!(allows(yes, &allowed), "{yes}");
    }
    for no in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR Zlib) AND GPL-3.0",
        "Apache-2.0 WITH LLVM-exception",
        "MIT AND",
        "",
    ] {
        assert!(!allows(no, &allowed), "{no}");
    }
}

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

fn policy() -> toml::Table {
    toml::from_str(&read("deny.toml")).unwrap()
}

fn texts(list: &toml::Value) -> Vec<String> {
    let list = list.as_array().unwrap();
    list.iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// The packages of a build on this machine, tests and build scripts included, as cargo tells them.
fn packages() -> Vec<Value> {
    let platform = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--offline", "--format-version=1"])
        .args(["--filter-platform", &platform])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata failed:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().clone();
    assert!(packages.len() > 1, "cargo metadata named no dependencies");
    packages
}

/// Whether an SPDX expression can be met with `allowed` licences alone. `/` is an old way to write OR.
fn allows(expression: &str, allowed: &[String]) -> bool {
    let spaced = expression
        .replace('/', " OR ")
        .replace('(', " ( ")
        .replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let met = either(&mut words, allowed);
    met == Some(true) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

/// A or B; `None` where the expression is broken.
fn either(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut met = both(words, allowed)?;
    while words.next_if_eq(&"OR").is_some() {
        met |= both(words, allowed)?;
    }
    Some(met)
}

/// A and B, which binds closer.
fn both(words: &mut Words, allowed: &[String]) -> Option<bool> {
    let mut met = one(words, allowed)?;
    while words.next_if_eq(&"AND").is_some() {
        met &= one(words, allowed)?;
    }
    Some(met)
}

/// A licence, with its exception if it has one, or an expression in brackets.
fn one(words: &mut Words, allowed: &[String]) -> Option<bool> {
    match words.next()? {
        "(" => {
            let met = either(words, allowed)?;
            words.next_if_eq(&")").map(|_| met)
        }
        "AND" | "OR" | "WITH" | ")" => None,
        licence => {
            let mut licence = licence.to_owned();
            if words.next_if_eq(&"WITH").is_some() {
                licence = format!("{licence} WITH {}", words.next()?);
            }
            Some(allowed.contains(&licence))
        }
    }
}
