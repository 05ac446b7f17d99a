//! Rulebooks on the command line: checked, shown, and compared over a folder and over a running ledger (P17, U2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod server;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use consent_ledger::domain::rulebook::DEFAULT_TEXT;
use consent_ledger::domain::vocabulary::RecipientKind;
use engine::*;
use serde_json::Value;
use server::Server;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
        .arg("rulebook")
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    assert!(output.status.success(), "{}", err(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// The policy with one line exchanged, as a file.
fn other(dir: &Path, line: &str, instead: &str) -> PathBuf {
    let text = DEFAULT_TEXT.replace(line, instead);
    assert_ne!(text, DEFAULT_TEXT);
    let path = dir.join("other.toml");
    std::fs::write(&path, text).unwrap();
    path
}

fn looser(dir: &Path) -> PathBuf {
    other(
        dir,
        "block_reaches_held_categories = true",
        "block_reaches_held_categories = false",
    )
}

#[test]
fn p17_a_rulebook_is_checked_and_a_fault_is_told_with_line_and_rule() {
    let dir = tempfile::tempdir().unwrap();
    let good = run(&["check", "default"]);
    assert!(out(&good).starts_with("infotech-cpni 2024-05-29 is a rulebook; SHA-256 "));

    let bad = other(dir.path(), "one_time_hours = 4", "one_time_hours = 400");
    let bad = bad.display().to_string();
    let line = DEFAULT_TEXT
        .lines()
        .position(|line| line == "one_time_hours = 4")
        .unwrap();
    let told = run(&["check", &bad, "--output", "json"]);
    assert_eq!(told.status.code(), Some(1));
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["line"], line + 1);
    assert_eq!(told["rule"], "periods.one_time_hours");
    let said = run(&["check", &bad]);
    assert_eq!(said.status.code(), Some(1));
    assert!(err(&said).contains("other.toml"), "{}", err(&said));

    let missing = dir.path().join("missing.toml").display().to_string();
    assert_eq!(run(&["check", &missing]).status.code(), Some(4));
}

#[test]
fn p17_a_rulebook_is_shown_with_switches_periods_grounds_and_clauses() {
    let text = out(&run(&["show"]));
    for part in [
        "switches.block_reaches_held_categories",
        "periods.verification_minutes",
        "pic_freeze",
        "47 CFR 64.2005(a)",
        "CPNI policy, clause 3",
    ] {
        assert!(text.contains(part), "{part} is not shown");
    }
    let shown: Value = serde_json::from_str(&out(&run(&["show", "--output", "json"]))).unwrap();
    assert_eq!(shown["settings"]["switches.opt_out"], false);
    assert_eq!(
        shown["grounds"]["pic_freeze"]["classes"][0],
        "pic_freeze_status"
    );
    assert_eq!(shown["rules"]["breach_2023"]["status"], "adopted_delayed");
    assert_eq!(shown["rules"]["opt_out"]["numbers"]["minimum_days"], 30);
    let fcc: Value =
        serde_json::from_str(&out(&run(&["show", "fcc", "--output", "json"]))).unwrap();
    assert_eq!(fcc["settings"]["switches.opt_out"], true);
    let clauses = shown["clauses"].as_array().unwrap();
    assert!(
        clauses
            .iter()
            .all(|clause| !clause["cited_by"].as_array().unwrap().is_empty())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn p17_a_folder_and_a_running_ledger_are_compared_alike() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = open(&data);
    for id in ["K-1", "K-2", "K-3"] {
        submit(&ledger, id, open_account(&["local"])).await.unwrap();
    }
    for id in ["K-1", "K-2"] {
        submit(&ledger, id, deny(RecipientKind::Company))
            .await
            .unwrap();
    }
    ledger.close().unwrap();
    let other = looser(dir.path()).display().to_string();
    let folder = data.display().to_string();

    let offline = run(&[
        "compare", "--with", &other, "--data", &folder, "--output", "json",
    ]);
    let offline: Value = serde_json::from_str(&out(&offline)).unwrap();
    assert_eq!(
        (&offline["customers"], &offline["changed"]),
        (&3.into(), &2.into())
    );
    let differences = offline["differences"].as_array().unwrap();
    assert_eq!(differences.len(), 1);
    assert_eq!(differences[0]["customers"], 2);
    assert_eq!(differences[0]["before"]["reasons"][0]["code"], "DENIED");
    assert_eq!(
        differences[0]["after"]["reasons"][0]["code"],
        "HELD_CATEGORY"
    );
    assert_eq!(differences[0]["recipients"], serde_json::json!(["company"]));
    assert_eq!(differences[0]["classes"].as_array().unwrap().len(), 9);

    let csv = out(&run(&[
        "compare", "--with", &other, "--data", &folder, "--output", "csv",
    ]));
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].starts_with("customers,ground,purposes,recipients,"));
    assert!(
        lines[1].starts_with("2,,marketing_comms,company,quantity "),
        "{csv}"
    );

    let server = Server::start(&data).await;
    let address = format!("http://{}", server.address);
    let running = {
        let other = other.clone();
        let arguments = move || {
            run(&[
                "compare", "--with", &other, "--server", &address, "--output", "json",
            ])
        };
        tokio::task::spawn_blocking(arguments).await.unwrap()
    };
    let running: Value = serde_json::from_str(&out(&running)).unwrap();
    for part in [
        "customers",
        "changed",
        "questions",
        "position",
        "differences",
    ] {
        assert_eq!(running[part], offline[part], "{part}");
    }
    assert!(server.stop().await);
}
