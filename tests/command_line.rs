//! The program as a person or a script meets it (U2, O1, T1, E4).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod server;

use std::path::Path;
use std::process::{Command, Output};

use consent_ledger::proto::v1::account_service_client::AccountServiceClient;
use engine::*;
use server::Server;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .output()
        .unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn ledger_of_seven(dir: &Path) {
    let ledger = open(dir);
    for id in ["K-1", "K-2"] {
        submit(&ledger, id, open_account(&["local"])).await.unwrap();
        submit(&ledger, id, give_notice()).await.unwrap();
    }
    ledger.close().unwrap();
}

#[test]
fn t1_serve_refuses_an_address_that_is_not_loopback_and_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data").display().to_string();
    let refused = run(&[
        "serve",
        "--data",
        &data,
        "--listen",
        "0.0.0.0:0",
        "--nats",
        "off",
        "--metrics",
        "off",
    ]);
    assert_eq!(refused.status.code(), Some(2));
    let said = err(&refused);
    assert!(said.contains("loopback") && said.contains("TLS"), "{said}");
    assert!(
        !dir.path().join("data").exists(),
        "nothing is created for a refused address"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e4_an_export_verifies_and_its_lines_are_chained_by_sha256() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    ledger_of_seven(&data).await;
    let data = data.display().to_string();
    let export = dir.path().join("ledger.ndjson");
    let file = export.display().to_string();

    let verified = run(&["verify", "--data", &data, "--deep"]);
    assert!(verified.status.success(), "{}", err(&verified));
    assert!(
        out(&verified).starts_with("verified 7 records\n"),
        "{}",
        out(&verified)
    );
    let exported = run(&["export", "--data", &data, "--out", &file]);
    assert!(exported.status.success(), "{}", err(&exported));

    let text = std::fs::read_to_string(&export).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 7);
    for pair in lines.windows(2) {
        let hash = consent_ledger::ledger::leaf_hash(pair[0].as_bytes()).to_string();
        assert!(pair[1].ends_with(&format!(",\"prev\":\"{hash}\"}}")));
    }
    let checkpoint = format!("{file}.checkpoint");
    let verified = run(&["verify", "--export", &file, "--checkpoint", &checkpoint]);
    assert!(verified.status.success(), "{}", err(&verified));

    std::fs::File::create(&export)
        .and_then(|mut out| {
            std::io::Write::write_all(
                &mut out,
                text.replacen("\"local\"", "\"locai\"", 1).as_bytes(),
            )
        })
        .unwrap();
    let found = run(&["verify", "--export", &file, "--output", "json"]);
    assert_eq!(found.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_str(&out(&found)).unwrap();
    assert_eq!(
        (&report["ok"], &report["position"]),
        (&false.into(), &2.into()),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn u2_inspect_shows_a_record_and_a_customer_offline() {
    let dir = tempfile::tempdir().unwrap();
    ledger_of_seven(dir.path()).await;
    let data = dir.path().display().to_string();
    let first = run(&["inspect", "--data", &data, "--position", "0"]);
    assert!(out(&first).contains("ledger.opened.v1"), "{}", err(&first));
    let one = run(&[
        "inspect",
        "--data",
        &data,
        "--position",
        "1",
        "--output",
        "json",
    ]);
    let shown: serde_json::Value = serde_json::from_str(&out(&one)).unwrap();
    let customer = shown[0]["record"]["subject"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let history = run(&["inspect", "--data", &data, "--customer", &customer]);
    assert!(
        out(&history).contains("notice.given.v1"),
        "{}",
        out(&history)
    );
    let none = run(&["inspect", "--data", &data, "--position", "99"]);
    assert_eq!(none.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_o1_a_log_that_nobody_reads_any_more_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start_telling_nobody(dir.path()).await;
    let mut accounts = AccountServiceClient::new(server.connect().await);
    for id in ["K-1", "K-2"] {
        let opened = accounts.open_account(server::open_account(id, &["local"]));
        opened.await.unwrap();
    }
    assert!(server.stop().await, "it ends in order");
    open(dir.path()).close().unwrap();
}

#[test]
fn o1_config_prints_each_value_with_its_source() {
    let shown = run(&["config", "--listen", "127.0.0.1:7500", "--output", "json"]);
    let settings: serde_json::Value = serde_json::from_str(&out(&shown)).unwrap();
    assert_eq!(settings["listen"]["value"], "127.0.0.1:7500");
    assert_eq!(settings["listen"]["source"], "--listen");
    assert_eq!(settings["origin"]["source"], "default");
}

#[test]
fn u2_a_check_without_a_ledger_says_that_none_answers() {
    let asked = run(&[
        "check",
        "--server",
        "http://127.0.0.1:1",
        "--customer",
        "K-1",
        "--class",
        "billing",
    ]);
    assert_eq!(asked.status.code(), Some(4));
    assert!(
        err(&asked).contains("no ledger answers at http://127.0.0.1:1"),
        "{}",
        err(&asked)
    );
    assert_eq!(
        run(&["check", "--customer", "K-1", "--class", "use"])
            .status
            .code(),
        Some(2)
    );
    for past in [&["--as-of", "yesterday"][..], &["--hindsight"]] {
        let arguments = [&["check", "--customer", "K-1", "--class", "billing"], past].concat();
        assert_eq!(run(&arguments).status.code(), Some(2), "{past:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_f19_the_registers_are_printed_as_a_table_as_csv_and_as_json() {
    use consent_ledger::proto::v1 as wire;
    use wire::conduct_service_client::ConductServiceClient;

    let dir = tempfile::tempdir().unwrap();
    let server = server::Server::start(dir.path()).await;
    let address = format!("http://{}", server.address);
    let print = |arguments: &[&str]| {
        let mut all = arguments.to_vec();
        all.extend(["--server", &address]);
        run(&all)
    };
    let empty = print(&["deadlines"]);
    assert!(out(&empty).starts_with("nothing is due"), "{}", err(&empty));

    let mut conduct = ConductServiceClient::new(server.connect().await);
    let given = wire::record_person_request::Step::AccessGiven("care-agent".to_owned());
    let person = wire::RecordPersonRequest {
        header: server::header(),
        person_id: "anna".to_owned(),
        step: Some(given),
    };
    conduct.record_person(person).await.unwrap();

    let text = print(&["deadlines", "--output", "table"]);
    assert!(text.status.success(), "{}", err(&text));
    assert!(out(&text).starts_with("STANDING "), "{}", out(&text));
    let listed = print(&["deadlines", "--standing", "not_yet", "--output", "json"]);
    let listed: serde_json::Value = serde_json::from_str(&out(&listed)).unwrap();
    assert_eq!(listed["position"], 1);
    assert_eq!(listed["rulebook"], "infotech-cpni");
    assert_eq!(listed["deadlines"][0]["duty"], "certificate");
    assert_eq!(listed["deadlines"][0]["rule"], "47 CFR 64.2009(e)");

    let nobody = print(&["deadlines", "--customers", "--within", "30d"]);
    let said = out(&nobody);
    let nothing =
        "nothing is due about any customer\nby infotech-cpni 2024-05-29, at position 1, for ";
    assert!(said.starts_with(nothing), "{said}");
    assert!(nobody.status.success(), "{}", err(&nobody));
    let columns = out(&print(&["deadlines", "--customers", "--output", "csv"]));
    assert!(
        columns.starts_with("standing,due,due_by,from,duty,customer,"),
        "{columns}"
    );
    for wrong in [
        &["deadlines", "--within", "30d"][..],
        &["deadlines", "--customers", "--within", "1y"],
        &["deadlines", "--customers", "--duty", "certificate"],
    ] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }

    let reports = [
        &["deadlines"][..],
        &["deadlines", "--customers"],
        &["campaigns"],
    ];
    for (report, form) in (reports.iter()).flat_map(|one| [(one, "csv"), (one, "json")]) {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full");
        let unwritten = Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
            .args(*report)
            .args(["--output", form, "--server", &address])
            .stdout(full.unwrap())
            .status();
        assert_eq!(unwritten.unwrap().code(), Some(4), "{report:?} {form}");
    }

    let csv = out(&print(&["certificate", "2025", "--output", "csv"]));
    assert!(
        csv.starts_with("counted,kind,count,records,duties,position,at,rulebook,"),
        "{csv}"
    );
    assert!(csv.contains("untrained,,1,1,,1,"), "{csv}");
    let none = out(&print(&["campaigns"]));
    assert!(none.starts_with("no campaign is registered\nby "), "{none}");
    let wrong = run(&["config", "--output", "csv"]);
    assert_eq!(wrong.status.code(), Some(2));
    assert!(server.stop().await);
}

#[test]
fn u2_every_command_has_help_with_an_example() {
    for command in [
        "serve",
        "verify",
        "export",
        "inspect",
        "audit",
        "check",
        "deadlines",
        "campaigns",
        "certificate",
        "bench",
        "config",
        "serve",
        "verify",
        "export",
        "inspect",
        "check",
        "audit",
        "bench",
        "config",
    ] {
        let help = run(&[command, "--help"]);
        assert!(help.status.success());
        assert!(
            out(&help).contains(&format!("consent-ledger {command}")),
            "{command}"
        );
    }
    assert!(out(&run(&["--help"])).contains("Exit codes:"));
    assert!(out(&run(&["completions", "bash"])).contains("consent-ledger"));
}
