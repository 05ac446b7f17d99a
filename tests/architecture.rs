//! The rules the compiler cannot check: which module may lean on which.
//!
//! A module may use itself and the modules listed beside it, and nothing else. To change the
//! architecture, change this table; the review of that line is the review of the design.

#![allow(clippy::unwrap_used, reason = "what can't be read fails the test")]

use std::{collections::BTreeSet, fs, path::Path};

/// Each module, floor by floor, and the modules it may use.
const FLOORS: &[(&str, &[&str])] = &[
    // Ground: pure. No I/O, no clock, no async.
    ("domain", &[]),
    ("ledger", &[]),
    // Promises about the outside world.
    ("clock", &["domain"]),
    ("proto", &[]),
    // Customers for trials and tests, told in the contract's words; below nothing but the roof.
    ("generate", &["proto"]),
    // Between domain events and the evidence's lines.
    ("codec", &["domain", "ledger", "proto"]),
    ("storage", &["ledger"]),
    ("vault", &["domain"]),
    // The engine rooms. `state` is the one shared by the single writer and the views.
    ("state", &["domain", "ledger", "codec", "storage", "vault"]),
    (
        "sequencer",
        &[
            "domain", "ledger", "clock", "codec", "storage", "vault", "state",
        ],
    ),
    // It rules on a customer's cells at max(clock, last record), so it looks at the clock.
    (
        "projections",
        &[
            "domain", "ledger", "clock", "codec", "storage", "vault", "state",
        ],
    ),
    ("relay", &["domain", "ledger", "codec", "storage", "vault"]),
    ("audit", &["domain", "ledger", "codec", "storage"]),
    // The doors.
    ("access", &["domain"]),
    (
        "grpc",
        &[
            "domain",
            "ledger",
            "clock",
            "proto",
            "sequencer",
            "projections",
            "audit",
            "access",
        ],
    ),
    // Roof: assembly. Only `app` and `cli` may know everyone.
    (
        "config",
        &[
            "storage",
            "vault",
            "sequencer",
            "projections",
            "relay",
            "access",
            "grpc",
        ],
    ),
    ("telemetry", &[]),
    ("app", &["*"]),
    ("cli", &["*"]),
    ("main", &["*"]),
];

/// What decides a technology or touches the world, and the only modules that may name it.
const OWNERS: &[(&str, &[&str])] = &[
    ("sled::", &["storage", "vault", "state", "projections"]),
    // The demo subscribes as a stranger would.
    ("async_nats::", &["storage", "relay", "cli"]),
    ("tonic::", &["proto", "access", "grpc", "app", "cli"]),
    // The bench makes its echo as long as our messages are.
    ("prost::", &["proto", "grpc", "cli", "generate"]),
    ("std::env", &["config"]),
    ("SystemTime::now", &["clock"]),
];

/// The floor that is pure, and what no file on it may name: what it knows of the world comes in as arguments.
const GROUND: &[&str] = &["domain", "ledger"];
const WORLD: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::time",
    "tokio",
    "async fn",
    "getrandom",
    "new_v4",
    "now_v7",
    "Zoned::now",
    "Timestamp::now",
    "println!",
    "tracing::",
    "metrics::",
];

#[test]
fn modules_lean_only_on_lower_floors() {
    let mut faults = Vec::new();
    for file in source_files() {
        let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == file.module) else {
            faults.push(format!(
                "{}: module `{}` has no floor",
                file.path, file.module
            ));
            continue;
        };
        for used in modules_named(&file.code) {
            let permitted =
                used == file.module || allowed.contains(&"*") || allowed.contains(&used.as_str());
            if !permitted {
                faults.push(format!(
                    "{}: `{}` must not use `{used}`",
                    file.path, file.module
                ));
            }
        }
        for (name, owners) in OWNERS {
            if file.code.contains(name) && !owners.contains(&file.module.as_str()) {
                faults.push(format!(
                    "{}: `{}` must not name `{name}`",
                    file.path, file.module
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_ground_is_pure() {
    let mut faults = Vec::new();
    for file in source_files() {
        if GROUND.contains(&file.module.as_str()) {
            for name in WORLD.iter().filter(|name| file.code.contains(**name)) {
                faults.push(format!(
                    "{}: `{}` is pure and must not name `{name}`",
                    file.path, file.module
                ));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn floors_rise() {
    let mut below = BTreeSet::new();
    for (module, uses) in FLOORS {
        for used in uses.iter().filter(|used| **used != "*") {
            assert!(
                below.contains(used),
                "`{module}` uses `{used}`, which is not below it"
            );
        }
        below.insert(*module);
    }
}

struct SourceFile {
    module: String,
    path: String,
    /// The text without comment lines.
    code: String,
}

/// Every file under `src/` except the crate root and the binaries.
fn source_files() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let inside = path.strip_prefix(&root).unwrap();
            let top = inside.iter().next().unwrap().to_str().unwrap();
            if path.is_dir() {
                folders.push(path.clone());
            } else if top != "lib.rs" && top != "bin" && path.extension().is_some_and(|e| e == "rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                let code = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                files.push(SourceFile {
                    module: top.trim_end_matches(".rs").to_owned(),
                    path: inside.display().to_string(),
                    code: code.collect::<Vec<_>>().join("\n"),
                });
            }
        }
    }
    files
}

/// The modules of this crate that `code` names, alone (`crate::a`) or grouped (`crate::{a, b::c}`).
fn modules_named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.insert(first_word(rest));
            continue;
        };
        let (mut depth, mut at_start) = (1, true);
        for (index, letter) in group.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => at_start = true,
                _ if at_start && letter.is_alphabetic() => {
                    names.insert(first_word(&group[index..]));
                    at_start = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    names.remove("");
    names
}

fn first_word(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}
