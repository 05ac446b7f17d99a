//! The demo as a newcomer starts it: what it says, how it ends, and that what it tells to try works (U1).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failure here is the test's failure"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

const PROGRAM: &str = env!("CARGO_BIN_EXE_consent-ledger");

/// Runs the program in `folder`.
fn run(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(PROGRAM)
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What it printed, if it ended with that code.
fn said(output: &Output, code: i32) -> String {
    let said = text(&output.stdout);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}\n{error}");
    assert!(!said.contains('\x1b'), "colour where no terminal is");
    said
}

/// The number in the last line, `verified N records`.
fn verified(said: &str) -> u64 {
    let last = said.lines().last().unwrap();
    let number = last
        .strip_prefix("verified ")
        .and_then(|rest| rest.strip_suffix(" records"))
        .unwrap_or_else(|| panic!("the last line is {last:?}"));
    number.parse().unwrap()
}

fn assert_says(said: &str, lines: &[&str]) {
    // Lines are broken where the page ends.
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    for line in lines {
        assert!(words.contains(line), "{line:?} is missing in:\n{said}");
    }
}

#[test]
fn u1_the_demo_plays_the_policy_and_ends_with_the_verified_records() {
    let folder = tempfile::tempdir().unwrap();
    // The project's own folder, so that a nats-server in target/tools is found.
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let data = folder.path().join("ledger");
    let data = data.to_str().unwrap();
    let said = said(&run(project, &["demo", "--exit", "--data", data]), 0);
    let records = verified(&said);
    assert!(records > 4_000, "{records}");
    assert!(
        !said.contains("No nats-server was found"),
        "this test needs a nats-server and finds none: run `tests/tool nats-server`"
    );
    assert_says(
        &said,
        &[
            "NO APPROVAL_REQUIRED",
            "“Unless InfoTech obtains your approval, InfoTech may not use your CPNI to market",
            "It would be yes if the customer opened a service of category cmrs, or if the customer opted in.",
            "NO VERIFICATION_REQUIRED",
            "YES GRANTED (record 5)",
            "the first answer again: record 5",
            "NO REQUEST_ID_REUSED",
            "NO DENIED (record 6)",
            "NO RESTRICTED (record 7)",
            "YES ONE_TIME",
            "300 of 1,000 may be called",
            "lines about 300 customers, recorded as asserted with their own dates",
            "71 are history only, for want of a date, a notice or evidence",
            "NO PURPOSE_NOT_COVERED; recorded as refused",
            "the customer sees 4; an auditor 7",
            "NO LAPSED",
            "and when record 5 was the newest? YES GRANTED (record 5)",
            "marketing received consent.granted.v1 as message 6",
            "none missing, none twice, none out of order",
            "from them alone the answer is yes again",
            "approval-not-live comes back empty",
            "FOUND position 6: the record was altered",
            "FOUND position 6: here stands position 7: records are missing",
            "the checkpoint states",
            "It refuses:",
            "nothing is published twice",
        ],
    );
    e4_the_chain_is_checked_with_sha256sum(&said);
    let again = run(folder.path(), &["verify", "--data", data]);
    assert_says(
        &text(&again.stdout),
        &[&format!("verified {records} records")],
    );
    // E9: over a story and generated histories.
    let asked = run(folder.path(), &["audit", "questions", "--data", data]);
    assert_says(&self::said(&asked, 0), &["every question came back empty"]);
}

/// The two commands that the demo prints give the same hash.
fn e4_the_chain_is_checked_with_sha256sum(said: &str) {
    let by_hand = |begin: &str| {
        let mut lines = said.lines().map(str::trim);
        let line = lines.find(|line| line.starts_with(begin)).unwrap();
        let output = Command::new("sh").arg("-c").arg(line).output().unwrap();
        let digits = text(&output.stdout);
        let mut runs = digits.split(|letter: char| !letter.is_ascii_hexdigit());
        runs.find(|run| run.len() == 64)
            .unwrap_or_else(|| panic!("{line}: {digits}"))
            .to_owned()
    };
    assert_eq!(by_hand("( printf"), by_hand("sed -n"));
}

#[test]
fn n1_without_nats_the_relay_waits_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new(PROGRAM)
        .args(["demo", "--exit"])
        .current_dir(folder.path())
        .env("PATH", folder.path())
        .env_remove("NATS_SERVER")
        .output()
        .unwrap();
    let said = said(&output, 0);
    assert!(verified(&said) > 2_000);
    assert_says(
        &said,
        &[
            "No nats-server was found: run `tests/tool nats-server`",
            "the relay waits for NATS, 4 records behind",
            "the relay waits for NATS, 6 records behind",
            "300 of 1,000 may be called",
            "goes on by itself when there is one",
        ],
    );
}

#[test]
fn u1_a_folder_that_holds_something_is_not_touched() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("mine"), "mine").unwrap();
    let data = folder.path().to_str().unwrap();
    let output = run(folder.path(), &["demo", "--exit", "--data", data]);
    said(&output, 2);
    assert_says(&text(&output.stderr), &["is not empty"]);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// Ends the demo however the test ends.
struct Up(Child);

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn u1_the_demo_stays_up_with_commands_that_work_until_it_is_told_to_stop() {
    let folder = tempfile::tempdir().unwrap();
    let child = Command::new(PROGRAM)
        .arg("demo")
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut up = Up(child);
    let mut lines = BufReader::new(up.0.stdout.take().unwrap()).lines();
    let mut commands = Vec::new();
    for line in lines.by_ref() {
        let line = line.unwrap().trim().to_owned();
        if line.starts_with("curl ") {
            break;
        }
        if let Some(arguments) = line.strip_prefix("consent-ledger ") {
            commands.push(arguments.to_owned());
        }
    }
    // A denied customer, one who granted, and what else there is to look at.
    let codes = commands.iter().map(|arguments| {
        let arguments: Vec<_> = arguments.split(' ').collect();
        let output = run(folder.path(), &arguments);
        (arguments[0].to_owned(), output.status.code().unwrap())
    });
    let codes: Vec<_> = codes.collect();
    let expected = [
        ("check", 3),
        ("check", 0),
        ("inspect", 0),
        ("inspect", 0),
        ("verify", 0),
        ("evidence", 0),
    ];
    assert_eq!(codes, expected.map(|(name, code)| (name.to_owned(), code)));

    let pid = up.0.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(up.0.wait().unwrap().code(), Some(0));
}
