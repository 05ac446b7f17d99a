//! The privacy officer at a shell: what has no command of its own is told to the ledger with `call` (U2, F12, F18, C1).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod server;

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use server::Server;

struct Shell {
    server: String,
    _running: Server,
    folder: tempfile::TempDir,
}

impl Shell {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let running = Server::start(&folder.path().join("data")).await;
        Self {
            server: format!("http://{}", running.address),
            _running: running,
            folder,
        }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    fn call(&self, arguments: &[&str], input: &str) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
            .arg("call")
            .args(arguments)
            .args(["--server", &self.server])
            .env_remove("CONSENT_LEDGER_CONFIG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(input.as_bytes()).unwrap();
        drop(stdin);
        child.wait_with_output().unwrap()
    }

    /// The one answer.
    #[track_caller]
    fn answers(&self, method: &str, request: &Value) -> Value {
        let request = request.to_string();
        serde_json::from_str(&done(&self.call(&[method, &request], ""))).unwrap()
    }

    /// What it says where it ends with that code.
    #[track_caller]
    fn refuses(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.call(arguments, "");
        let said = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{said}");
        said
    }
}

#[track_caller]
fn done(output: &Output) -> String {
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(output.status.success(), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn by_post() -> Value {
    json!({"channel": "CHANNEL_POST"})
}

fn suspected(id: &str) -> Value {
    json!({
        "header": by_post(),
        "breach_id": id,
        "suspected": {"description": "a list lay open", "classes": ["CPNI_CLASS_BILLING"]},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn f18_a_breach_goes_from_suspicion_to_the_register_at_a_shell() {
    let shell = Shell::open().await;
    let form = done(&shell.call(&["RecordBreach", "--form"], ""));
    let mut form: Value = serde_json::from_str(&form).unwrap();
    form["header"] = by_post();
    form["breach_id"] = json!("b-1");
    form["suspected"] = suspected("b-1")["suspected"].clone();
    let file = shell.file("breach.json", &form.to_string());
    let answer: Value =
        serde_json::from_str(&done(&shell.call(&["RecordBreach", &file], ""))).unwrap();
    assert!(
        answer["receipt"]["position"].as_u64().unwrap() > 0,
        "{answer}"
    );

    let determined = json!({
        "header": by_post(),
        "breach_id": "b-1",
        "determined": {
            "classes": ["CPNI_CLASS_BILLING"], "customers": 700, "intentional": true,
            "circumstances": "somebody took it",
        },
    });
    done(&shell.call(
        &["IncidentService.RecordBreach", "-"],
        &determined.to_string(),
    ));

    let told = shell.file("notice.txt", "we tell you that");
    let notified = json!({
        "header": by_post(),
        "breach_id": "b-1",
        "law_enforcement_notified": {"reference": "DTA-77"},
    });
    let digest = format!("law_enforcement_notified.digest={told}");
    let request = notified.to_string();
    done(&shell.call(&["RecordBreach", &request, "--digest", &digest], ""));

    let listed = shell.answers("ListBreaches", &json!({}));
    let breach = &listed["breaches"][0];
    assert_eq!(breach["breach_id"], "b-1", "{listed:#}");
    let position = &breach["law_enforcement_notified"]["position"];
    let record = shell.answers("GetRecord", &json!({"position": position}));
    let line = BASE64
        .decode(record["line"].as_str().unwrap().as_bytes())
        .unwrap();
    let line = String::from_utf8(line).unwrap();
    let digest = HEXLOWER.encode(&Sha256::digest(b"we tell you that"));
    assert!(line.contains(&digest) && line.contains("DTA-77"), "{line}");

    let csv = done(&shell.call(&["ListBreaches", "--output", "csv"], ""));
    let mut rows = csv::Reader::from_reader(csv.as_bytes());
    let column = rows
        .headers()
        .unwrap()
        .iter()
        .position(|name| name == "breach_id");
    let rows: Vec<_> = rows.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 1);
    assert_eq!(&rows[0][column.unwrap()], "b-1");
}

#[tokio::test(flavor = "multi_thread")]
async fn c7_what_is_refused_says_why_and_names_the_field_and_changes_nothing() {
    let shell = Shell::open().await;
    let mut nameless = suspected("");
    nameless["breach_id"] = json!("");
    let unnamed = nameless.to_string();
    let said = shell.refuses(2, &["RecordBreach", &unnamed]);
    assert!(said.contains("breach_id"), "{said}");

    let mut strange = suspected("b-1");
    strange["colour"] = json!("red");
    let said = shell.refuses(2, &["RecordBreach", &strange.to_string()]);
    assert!(said.contains("colour"), "{said}");
    let mut strange = suspected("b-1");
    strange["header"]["channel"] = json!("CHANNEL_PIGEON");
    let said = shell.refuses(2, &["RecordBreach", &strange.to_string()]);
    assert!(said.contains("CHANNEL_PIGEON"), "{said}");

    shell.answers("RecordBreach", &suspected("b-7"));
    let said = shell.refuses(3, &["RecordBreach", &suspected("b-7").to_string()]);
    assert!(said.contains("ALREADY") || said.contains("STATE"), "{said}");

    let said = shell.refuses(2, &["RecordNothing", "{}"]);
    assert!(said.contains("RecordNothing"), "{said}");
    let said = shell.refuses(2, &["RecordBreach", "{"]);
    assert!(said.contains("JSON"), "{said}");
    let said = shell.refuses(2, &["ListBreaches", "{} {}"]);
    assert!(said.contains("one request"), "{said}");
    let said = shell.refuses(2, &["CheckUse", "{}", "--output", "csv"]);
    assert!(said.contains("no list"), "{said}");
    let listed = shell.answers("ListBreaches", &json!({}));
    assert_eq!(
        listed["position"], 1,
        "only the suspicion of b-7: {listed:#}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_a_command_gets_a_request_id_and_keeps_the_one_that_it_has() {
    let shell = Shell::open().await;
    let mut named = suspected("b-1");
    named["header"]["request_id"] = json!(uuid::Uuid::now_v7().to_string());
    let first = shell.answers("RecordBreach", &named);
    let again = shell.answers("RecordBreach", &named);
    assert_eq!(first["receipt"]["position"], again["receipt"]["position"]);
    assert_eq!(again["receipt"]["repeated"], true);
    let other = shell.answers("RecordBreach", &suspected("b-2"));
    assert_ne!(other["receipt"]["position"], first["receipt"]["position"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn c3_a_stream_of_requests_is_answered_one_by_one() {
    let shell = Shell::open().await;
    shell.answers(
        "OpenAccount",
        &json!({
            "header": by_post(), "customer_id": "K-1", "legal_entity": "infotech", "services": ["local"],
        }),
    );
    let question = json!({
        "purpose": "PURPOSE_MARKETING_COMMS", "classes": ["CPNI_CLASS_BILLING"],
        "recipient_kind": "RECIPIENT_KIND_COMPANY", "target_categories": ["local"],
    });
    let first = json!({"customer": {"id": "K-1"}, "question": question});
    let second = json!({"customer": {"id": "K-2"}});
    let answers = done(&shell.call(&["BulkCheckUse", "-"], &format!("{first}\n{second}")));
    let answers: Vec<Value> = serde_json::Deserializer::from_str(&answers)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let sequence: Vec<_> = answers.iter().map(|answer| &answer["sequence"]).collect();
    assert_eq!(sequence, [1, 2]);
    let allowed: Vec<_> = answers
        .iter()
        .map(|one| &one["ruling"]["allowed"])
        .collect();
    assert_eq!(allowed, [true, false]);
}

#[test]
fn u2_methods_are_listed_and_described_without_a_ledger() {
    let run = |arguments: &[&str]| {
        let program = Path::new(env!("CARGO_BIN_EXE_consent-ledger"));
        done(
            &Command::new(program)
                .arg("call")
                .args(arguments)
                .output()
                .unwrap(),
        )
    };
    let listed = run(&[]);
    for name in ["RecordComplaint", "PlaceLegalHold", "ConductService"] {
        assert!(listed.contains(name), "{listed}");
    }
    let described = run(&["PlaceLegalHold", "--describe"]);
    for part in [
        "PlaceLegalHoldRequest",
        "header: CommandHeader",
        "Required.",
    ] {
        assert!(described.contains(part), "{described}");
    }
}
