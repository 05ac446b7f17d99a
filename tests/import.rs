//! The commands `import` and `generate` as whoever migrates a company meets them: files, reports, breaks (C2, U2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use server::Server;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_consent-ledger"));
    command
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .stdin(Stdio::null());
    command
}

async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

/// The import of a file into a server, with further arguments.
fn importing(file: &Path, server: &Server, arguments: &[&str]) -> Command {
    let mut command = command(&["import", "--output", "json"]);
    command
        .arg("--file")
        .arg(file)
        .args(["--server", &format!("http://{}", server.address)])
        .args(arguments);
    command
}

fn json(output: &Output) -> serde_json::Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn generated(dir: &Path, customers: u32, name: &str) -> PathBuf {
    let file = dir.join(name);
    let customers = customers.to_string();
    let mut generating = command(&["generate", "--customers", &customers, "--out"]);
    assert!(generating.arg(&file).status().unwrap().success());
    file
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs/import")
        .join(name)
}

/// Records of the data folder of a server that was stopped.
fn records(data: &Path) -> Vec<String> {
    let out = data.with_extension("ndjson");
    let mut exporting = command(&["export", "--data"]);
    exporting.arg(data).arg("--out").arg(&out);
    assert!(exporting.status().unwrap().success());
    let text = fs::read_to_string(out).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn u4_the_example_files_are_imported_and_the_report_says_what_is_history() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data")).await;
    let report = dir.path().join("report.csv");
    let csv = importing(
        &example("customers.csv"),
        &server,
        &["--report", report.to_str().unwrap()],
    );
    let output = run(csv).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = json(&output);
    assert_eq!((&said["lines"], &said["refused"]), (&14.into(), &0.into()));
    let report = fs::read_to_string(report).unwrap();
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines[0], "line,outcome,field,rule,message");
    assert!(
        lines[1].starts_with("14,history_only,,OPT_OUT,"),
        "{report}"
    );
    assert!(
        lines[2].starts_with("15,history_only,,EVIDENCE_MISSING NOTICE_NOT_GIVEN,"),
        "{report}"
    );
    assert_eq!(lines.len(), 3);

    let output = run(importing(&example("customers.ndjson"), &server, &[])).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(json(&output)["counted"], 6);
}

#[tokio::test]
async fn c2_the_report_names_line_field_and_rule_of_what_was_refused() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data")).await;
    let file = dir.path().join("some.ndjson");
    let account = r#"{"customer":"K-1","fact":"account","at":"2015-03-01T17:00:00Z","legal_entity":"infotech"}"#;
    let lines = [
        account,
        r#"{"customer":"K-1","fact":"service","at":"2015-03-01T17:00:00Z","category":"telex"}"#,
        r#"{"customer":"K-1","fact":"service","at":"last spring","category":"local"}"#,
        "not json",
        r#"{"customer":"K-1","fact":"deny","at":"2090-01-01T00:00:00Z"}"#,
        r#"{"customer":"K-9","fact":"deny"}"#,
        r#"{"customer":"K-1","fact":"deny","at":"2018-01-01T00:00:00Z"}"#,
    ];
    fs::write(&file, lines.join("\n")).unwrap();
    let report = dir.path().join("report.ndjson");
    let output = run(importing(
        &file,
        &server,
        &["--report", report.to_str().unwrap()],
    ))
    .await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = json(&output);
    assert_eq!((&said["counted"], &said["refused"]), (&2.into(), &5.into()));
    let entries: Vec<serde_json::Value> = (fs::read_to_string(report).unwrap().lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let named: Vec<_> = entries
        .iter()
        .map(|entry| {
            let text = |name: &str| entry[name].as_str().unwrap().to_owned();
            (entry["line"].as_u64().unwrap(), text("field"), text("rule"))
        })
        .collect();
    let wanted = [
        (2, "service.category", "CATEGORY_UNKNOWN"),
        (3, "at", "INVALID"),
        (4, "", "INVALID"),
        (5, "word.said_at", "OCCURRED_AT"),
        (6, "", "CUSTOMER_UNKNOWN"),
    ];
    let wanted: Vec<_> = wanted
        .into_iter()
        .map(|(line, field, rule)| (line, field.to_owned(), rule.to_owned()))
        .collect();
    assert_eq!(named, wanted);
}

#[tokio::test]
async fn c2_a_killed_import_is_resumed_with_nothing_twice_and_nothing_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (data, other) = (dir.path().join("data"), dir.path().join("other"));
    let file = generated(dir.path(), 3_000, "customers.ndjson");
    let server = Server::start(&data).await;

    let mut child = importing(&file, &server, &[])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let point = dir.path().join("customers.ndjson.resume");
    while !point.exists() {
        assert!(
            child.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        point.exists(),
        "an import that was killed knows where to go on"
    );

    let output = run(importing(&file, &server, &["--resume"])).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let resumed = json(&output);
    assert!(!point.exists());
    // From the first line again: everything is on record.
    let output = run(importing(&file, &server, &[])).await;
    let again = json(&output);
    assert_eq!(again["already_recorded"], again["lines"]);
    assert_eq!(again["lines"], resumed["lines"]);
    server.stop().await;

    // The same file without a break makes the same records.
    let server = Server::start(&other).await;
    run(importing(&file, &server, &[])).await;
    server.stop().await;
    assert_eq!(facts(&data), facts(&other));
    // E9: what must be empty is, over the histories that the generator makes.
    let mut asking = command(&["audit", "questions", "--data"]);
    asking.arg(&other);
    assert_eq!(run(asking).await.status.code(), Some(0));
}

/// Types and import lines of all records, in their order.
fn facts(data: &Path) -> Vec<(String, serde_json::Value)> {
    let fact = |line: &String| {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = record["type"].as_str().unwrap().to_owned();
        (kind, record["data"]["source"]["line"].clone())
    };
    records(data).iter().map(fact).collect()
}

#[tokio::test]
async fn c2_an_import_that_no_ledger_answers_ends_as_unreachable() {
    let dir = tempfile::tempdir().unwrap();
    let file = generated(dir.path(), 1, "one.csv");
    let mut import = command(&["import", "--server", "http://127.0.0.1:1", "--file"]);
    import.arg(&file);
    assert_eq!(run(import).await.status.code(), Some(4));
    let mut import = command(&["import", "--file"]);
    import.arg(dir.path().join("customers.txt"));
    assert_eq!(run(import).await.status.code(), Some(2));
}

#[test]
fn c2_the_same_seed_writes_the_same_bytes_in_both_formats() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a.csv", "a.ndjson"] {
        let first = fs::read(generated(dir.path(), 50, name)).unwrap();
        let again = fs::read(generated(dir.path(), 50, name)).unwrap();
        assert_eq!(first, again);
        let more = fs::read(generated(dir.path(), 60, name)).unwrap();
        assert!(
            more.starts_with(&first),
            "customers don't depend on how many there are"
        );
    }
}

#[test]
fn u4_the_documentation_lists_every_field() {
    let text = fs::read_to_string(example("../import.md")).unwrap();
    let header = fs::read_to_string(example("customers.csv")).unwrap();
    for field in header.lines().next().unwrap().split(',') {
        assert!(text.contains(&format!("| `{field}` |")), "{field}");
    }
    let dir = tempfile::tempdir().unwrap();
    let written = fs::read_to_string(generated(dir.path(), 1, "one.csv")).unwrap();
    assert_eq!(written.lines().next(), header.lines().next());
}
