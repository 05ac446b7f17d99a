//! What auditors ask, from a shell: a data folder, an export and a running ledger give the same answers (E9, P8, U2).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod rules;
mod server;

#[path = "standing/house.rs"]
mod house;
#[path = "standing/log.rs"]
mod log;

use std::path::Path;
use std::process::{Command, Output};

use consent_ledger::domain::disclosures::Ground;
use consent_ledger::domain::rulebook::DEFAULT_TEXT;
use consent_ledger::ledger::Hash;
use consent_ledger::proto::v1 as wire;
use serde_json::{Value, json};
use tonic::transport::Channel;
use wire::account_service_client::AccountServiceClient;
use wire::check_service_client::CheckServiceClient;
use wire::disclosure_service_client::DisclosureServiceClient;

use engine::{give_notice, open, open_account, submit};
use log::{CUSTOMER, Log};
use rules::books::def;
use rules::history::History;
use server::{Server, customer, header};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .output()
        .unwrap()
}

/// What it printed, if it ended with that code.
#[track_caller]
fn said(output: &Output, code: i32) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let error = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}\n{error}");
    text
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// An export of a log in which an approval was used after it was withdrawn, and where.
fn forged(file: &Path) -> u64 {
    let mut history = History::holding(def(), &["LOCAL"]);
    history.says("g(COMPANY; ALL; M)");
    let ground = Ground::Approval { cites: None };
    let used = history.disclose(ground, "COMPANY; BILLING; M→CMRS");
    history.says("w(COMPANY; ALL; M)");
    let mut log = Log::of(&history.ledger.records);
    let position = log.forge(CUSTOMER, &used, history.ledger.now, None);
    log.export(file);
    position.0
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_questions_of_a_data_folder_come_back_empty_and_nothing_in_it_changes() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    for id in ["K-1", "K-2"] {
        submit(&ledger, id, open_account(&["local"])).await.unwrap();
        submit(&ledger, id, give_notice()).await.unwrap();
    }
    ledger.close().unwrap();
    let data = dir.path().display().to_string();
    let text = said(&run(&["audit", "questions", "--data", &data]), 0);
    assert!(text.contains("to position: 6\n"), "{text}");
    assert!(text.contains("approval-not-live"), "{text}");
    assert!(text.ends_with("every question came back empty\n"), "{text}");
    // Nobody was asked for contacts.
    let duties = run(&[
        "audit",
        "questions",
        "--data",
        &data,
        "--duties",
        "--output",
        "csv",
    ]);
    let owed = said(&duties, 1);
    assert_eq!(
        owed.matches("account-without-contacts").count(),
        2,
        "{owed}"
    );

    let asked = run(&["audit", "questions", "--data", &data, "--output", "json"]);
    let report = parsed(&said(&asked, 0));
    assert_eq!(report["to_position"], 6);
    assert_eq!(report["customers"], 2);
    assert_eq!(report["findings"], json!([]));
    let asked = report["questions"].as_array().unwrap();
    assert_eq!(
        asked.len(),
        consent_ledger::domain::questions::rules().count()
    );
    assert!(asked.iter().all(|question| question["findings"] == 0));
    said(&run(&["verify", "--data", &data, "--deep"]), 0);
}

#[test]
fn e9_a_finding_is_told_with_its_position_in_each_form_and_by_the_exit_code() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ledger.ndjson");
    let position = forged(&file);
    let export = file.display().to_string();
    let ask = |more: &[&str]| {
        let arguments = ["audit", "questions", "--export", export.as_str()];
        run(&[&arguments, more].concat())
    };
    let row = format!("{position},approval-not-live,{CUSTOMER},");
    let csv = said(&ask(&["--output", "csv"]), 1);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "position,question,pseudonym,wrong");
    assert!(lines[1].starts_with(&row) && lines.len() == 2, "{csv}");

    let report = parsed(&said(&ask(&["--output", "json"]), 1));
    assert_eq!(report["empty"], false);
    assert_eq!(report["findings"][0]["position"], position);
    let text = said(&ask(&["--output", "table"]), 1);
    assert!(text.contains(&CUSTOMER.to_string()), "{text}");

    let before = (position - 1).to_string();
    let past = parsed(&said(&ask(&["--to", &before, "--output", "json"]), 0));
    assert_eq!(past["to_position"], position - 1);
    said(&ask(&["--only", "competitor-tracking"]), 0);
    said(&ask(&["--only", "approval-not-live"]), 1);
}

#[test]
fn u2_what_can_t_be_asked_is_no_empty_answer() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("ledger.ndjson");
    forged(&file);
    let export = file.display().to_string();
    said(
        &run(&[
            "audit",
            "questions",
            "--export",
            &export,
            "--only",
            "invented",
        ]),
        2,
    );
    said(
        &run(&["audit", "questions", "--export", &export, "--to", "999"]),
        2,
    );
    said(
        &run(&["audit", "questions", "--export", "nowhere.ndjson"]),
        4,
    );
    said(
        &run(&["audit", "questions", "--server", "http://127.0.0.1:1"]),
        4,
    );
    let damaged = std::fs::read_to_string(&file)
        .unwrap()
        .replacen("\"local\"", "7", 1);
    std::fs::write(&file, damaged).unwrap();
    said(&run(&["audit", "questions", "--export", &export]), 1);
    // Only reports have rows.
    said(&run(&["verify", "--export", &export, "--output", "csv"]), 2);
}

#[test]
fn p17_a_log_is_judged_by_the_rulebook_that_was_in_force_and_by_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{DEFAULT_TEXT}\n# A later printing.\n");
    let mut log = Log::opened_under(&text);
    log.append_all(
        CUSTOMER,
        &History::holding(def(), &["LOCAL"]).ledger.records,
    );
    let file = dir.path().join("ledger.ndjson");
    log.export(&file);
    let (export, rulebooks) = (file.display().to_string(), dir.path().display().to_string());
    let ask = |more: &[&str]| {
        let arguments = ["audit", "questions", "--export", export.as_str()];
        run(&[&arguments, more].concat())
    };
    said(&ask(&[]), 4);
    said(&ask(&["--rulebooks", &rulebooks]), 4);
    let copy = dir
        .path()
        .join(format!("{}.toml", Hash::of(text.as_bytes())));
    std::fs::write(&copy, &text).unwrap();
    said(&ask(&["--rulebooks", &rulebooks]), 0);
    std::fs::write(&copy, DEFAULT_TEXT).unwrap();
    said(&ask(&["--rulebooks", &rulebooks]), 4);
}

#[test]
fn e9_the_questions_can_be_listed_with_their_clauses() {
    let csv = said(
        &run(&[
            "audit",
            "questions",
            "--list",
            "--duties",
            "--output",
            "csv",
        ]),
        0,
    );
    assert!(
        csv.starts_with("question,kind,asks,clauses,requirements\n"),
        "{csv}"
    );
    assert_eq!(
        csv.lines().count(),
        consent_ledger::domain::questions::ALL.len() + 1
    );
}

/// A ruling on record that a held category may be marketed, and then that the service had ended before.
async fn used_in_vain(channel: Channel, id: &str) {
    let before = prost_types::Timestamp::from(std::time::SystemTime::now());
    let request = wire::CheckUseRequest {
        header: header(),
        customer: customer(id),
        question: Some(wire::Question {
            purpose: wire::Purpose::MarketingComms.into(),
            classes: vec![wire::CpniClass::Billing.into()],
            recipient_kind: wire::RecipientKind::Company.into(),
            target_categories: vec!["local".to_owned()],
            ..wire::Question::default()
        }),
        record: true,
        ..wire::CheckUseRequest::default()
    };
    let mut checks = CheckServiceClient::new(channel.clone());
    let ruled = checks.check_use(request).await.unwrap().into_inner();
    assert!(ruled.ruling.unwrap().allowed);
    let close = wire::ChangeServicesRequest {
        header: Some(wire::CommandHeader {
            occurred_at: Some(before),
            ..header().unwrap()
        }),
        customer: customer(id),
        open: Vec::new(),
        close: vec![wire::CloseService {
            category: "local".to_owned(),
            ends_at: None,
        }],
    };
    let mut accounts = AccountServiceClient::new(channel);
    accounts.change_services(close).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn c4_f7_uses_that_hindsight_does_not_bear_out_are_listed_of_one_customer_and_of_all() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Server::start(dir.path()).await;
    let channel = ledger.connect().await;
    let mut accounts = AccountServiceClient::new(channel.clone());
    for id in ["K-1", "K-2"] {
        let request = server::open_account(id, &["local"]);
        accounts.open_account(request).await.unwrap();
    }
    let address = format!("http://{}", ledger.address);
    let hindsight = |more: &[&str]| {
        let arguments = ["audit", "hindsight", "--server", &address];
        run(&[&arguments, more].concat())
    };
    let none = said(&hindsight(&["--all"]), 0);
    assert_eq!(none, "every use is borne out\n");
    used_in_vain(channel, "K-2").await;

    let all = parsed(&said(&hindsight(&["--all", "--output", "json"]), 1));
    assert_eq!(
        (&all["position"], &all["customers"]),
        (&json!(6), &json!(2))
    );
    let found = all["uses"].as_array().unwrap();
    assert_eq!((found.len(), &found[0]["customer"]), (1, &json!("K-2")));
    let one = ["--customer", "K-2", "--output", "json"];
    let one = parsed(&said(&hindsight(&one), 1));
    assert_eq!(one["uses"], all["uses"]);
    let csv = said(&hindsight(&["--all", "--output", "csv"]), 1);
    assert!(csv.lines().nth(1).unwrap().starts_with("5,K-2,"), "{csv}");
    said(&hindsight(&["--customer", "K-1"]), 0);
    said(&hindsight(&["--customer", "K-9"]), 2);
    said(&hindsight(&["--all", "--customer", "K-1"]), 2);
    said(&hindsight(&[]), 2);
    assert!(ledger.stop().await);
}

/// A disclosure to an agent on a ticket, or to a court.
fn to_disclose(id: &str, ground: wire::question::Ground) -> wire::DiscloseRequest {
    let legal = matches!(ground, wire::question::Ground::Legal(_));
    let question = wire::Question {
        purpose: match legal {
            true => wire::Purpose::Legal.into(),
            false => wire::Purpose::Service.into(),
        },
        classes: vec![wire::CpniClass::Type.into()],
        recipient_kind: match legal {
            true => wire::RecipientKind::LawEnforcement.into(),
            false => wire::RecipientKind::Agent.into(),
        },
        entity: if legal { "county-court" } else { "fixit" }.to_owned(),
        ground: Some(ground),
        ..wire::Question::default()
    };
    wire::DiscloseRequest {
        header: header(),
        customer: customer(id),
        question: Some(question),
        seal: legal.then_some(wire::disclose_request::Seal::SealedUntilLifted(true)),
    }
}

async fn live_a_little(channel: Channel) {
    let mut accounts = AccountServiceClient::new(channel.clone());
    for id in ["K-1", "K-2"] {
        let request = server::open_account(id, &["local"]);
        accounts.open_account(request).await.unwrap();
    }
    let mut disclosures = DisclosureServiceClient::new(channel);
    let ticket = |open| {
        wire::question::Ground::Service(wire::ServiceGround {
            ticket: "T-4711".to_owned(),
            open,
            ..wire::ServiceGround::default()
        })
    };
    let order = wire::question::Ground::Legal(wire::LegalGround {
        authority: "county court".to_owned(),
        reference: "2026-CV-7".to_owned(),
        dated: "2026-02-27".to_owned(),
        digest: vec![3; 32],
    });
    for ground in [ticket(true), ticket(false), order] {
        disclosures
            .disclose(to_disclose("K-1", ground))
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn p8_a_running_ledger_accounts_for_disclosures_and_answers_the_questions() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = Server::start(dir.path()).await;
    live_a_little(ledger.connect().await).await;
    let address = format!("http://{}", ledger.address);

    let account = |more: &[&str]| {
        let arguments = [
            "audit",
            "disclosures",
            "--server",
            &address,
            "--customer",
            "K-1",
        ];
        run(&[&arguments, more].concat())
    };
    let report = parsed(&said(&account(&["--output", "json"]), 0));
    assert_eq!(
        report["disclosures"], 1,
        "neither the refused nor the sealed one"
    );
    let row = &report["rows"][0];
    for (column, value) in [
        ("position", json!(5)),
        ("recipient", json!("agent")),
        ("entity", json!("fixit")),
        ("purpose", json!("service")),
        ("classes", json!(["type"])),
        ("ground", json!("service")),
        ("relied_on", json!([])),
        ("under_gag_order", json!(false)),
        ("role", json!("administrator")),
        ("channel", json!("phone")),
    ] {
        assert_eq!(row[column], value, "{column} in {row}");
    }
    let csv = said(&account(&["--refused", "--sealed", "--output", "csv"]), 0);
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 4, "{csv}");
    assert!(
        lines[2].contains("NOT_OPEN") && lines[3].contains("county-court"),
        "{csv}"
    );
    assert!(
        !csv.contains("T-4711") && !csv.contains("2026-CV-7"),
        "{csv}"
    );
    let text = said(&account(&["--from", "2020-01-01", "--to", "2020-02-01"]), 0);
    assert!(text.ends_with("no disclosure is recorded\n"), "{text}");
    assert!(text.contains("to position: 7\n"), "{text}");
    said(&account(&["--from", "yesterday"]), 2);
    let then = said(&account(&["--as-of", "4", "--output", "json"]), 0);
    assert_eq!(parsed(&then)["disclosures"], 0, "it was made later: {then}");
    let then = said(&account(&["--as-of", "5", "--output", "json"]), 0);
    assert_eq!(parsed(&then)["disclosures"], 1, "{then}");
    said(&account(&["--as-of", "yesterday"]), 2);

    let ask = |source: &[&str]| {
        let arguments = ["audit", "questions", "--output", "json"];
        parsed(&said(&run(&[&arguments, source].concat()), 0))
    };
    let live = ask(&["--server", &address]);
    assert_eq!(
        (&live["to_position"], &live["customers"]),
        (&json!(7), &json!(2))
    );
    let past = ask(&[
        "--server",
        &address,
        "--to",
        "3",
        "--only",
        "approval-not-live",
    ]);
    assert_eq!(past["to_position"], 3);
    assert_eq!(past["questions"].as_array().unwrap().len(), 1);
    let beyond = run(&["audit", "questions", "--server", &address, "--to", "999"]);
    said(&beyond, 2);
    assert!(ledger.stop().await);
    let data = dir.path().display().to_string();
    assert_eq!(
        ask(&["--data", &data]),
        live,
        "a folder answers like the ledger did"
    );
}
