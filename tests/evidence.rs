//! Proofs and evidence packs on the command line: made by a running ledger, checked without one, and by a script that uses
//! none of our code (E3, E10, P16).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod server;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use consent_ledger::app::Ledger;
use consent_ledger::domain::vocabulary::RecipientKind;
use consent_ledger::proto::v1 as wire;
use engine::*;
use serde_json::Value;
use server::Server;
use wire::policy_service_client::PolicyServiceClient;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .output()
        .unwrap()
}

async fn asked(server: &Server, arguments: &[&str]) -> Output {
    let address = format!("http://{}", server.address);
    let mut all: Vec<String> = arguments.iter().map(|one| (*one).to_owned()).collect();
    all.splice(1..1, ["--server".to_owned(), address]);
    let ran = tokio::task::spawn_blocking(move || {
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        run(&all)
    });
    ran.await.unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn good(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

/// A customer who was told, granted, and denied something, among others; the ledger's key.
async fn told(ledger: &Ledger) -> String {
    for customer in ["K-0", "K-1", "K-2"] {
        let opening = open_account(&["local"]);
        submit(ledger, customer, opening).await.unwrap();
    }
    let notice = submit(ledger, "K-1", give_notice()).await.unwrap();
    let granting = grant(RecipientKind::Company, notice.position, ledger.views.now());
    submit(ledger, "K-1", granting).await.unwrap();
    submit(ledger, "K-1", deny(RecipientKind::Affiliate))
        .await
        .unwrap();
    ledger.genesis.checkpoint_key.clone()
}

async fn publish(server: &Server) {
    let now = jiff::Timestamp::now();
    let at = |seconds: i64| {
        Some(prost_types::Timestamp {
            seconds: now.as_second() - seconds,
            nanos: 0,
        })
    };
    let request = wire::PublishPolicyRequest {
        header: Some(wire::CommandHeader {
            request_id: uuid::Uuid::now_v7().to_string(),
            channel: wire::Channel::Web.into(),
            ..wire::CommandHeader::default()
        }),
        version: "2026-01".into(),
        text_digest: vec![7; 32],
        effective_at: at(0),
        posting: Some(wire::PolicyPosting {
            place: "https://telephone.example/policy".into(),
            posted_at: at(3600),
            capture_digest: vec![8; 32],
        }),
    };
    let mut policies = PolicyServiceClient::new(server.connect().await);
    policies.publish_policy(request).await.unwrap();
}

fn verified_by_hand(pack: &Path, key: &str) -> Option<Output> {
    let openssl = Command::new("openssl").arg("version").output();
    let python = Command::new("python3").arg("--version").output();
    let here = openssl.is_ok_and(|found| said(&found).starts_with("OpenSSL 3")) && python.is_ok();
    let required = std::env::var_os("BY_HAND").is_some();
    assert!(here || !required, "there is no openssl 3 or python3");
    here.then(|| {
        let verifier = pack.join("verify.py");
        let mut command = Command::new("python3");
        command.arg(verifier).arg(pack).arg(key);
        command.output().unwrap()
    })
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to.join("proofs")).unwrap();
    for dir in ["", "proofs"] {
        for entry in fs::read_dir(from.join(dir)).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                fs::copy(&path, to.join(dir).join(path.file_name().unwrap())).unwrap();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e3_a_record_and_the_ledgers_growth_are_proven_and_forgeries_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = open(&data);
    let key = told(&ledger).await;
    ledger.close().unwrap();
    let server = Server::start(&data).await;
    let path = |name: &str| dir.path().join(name).display().to_string();
    let older = path("checkpoint.old");
    fs::copy(data.join("checkpoint"), &older).unwrap();

    let out = path("record-2");
    good(&asked(&server, &["prove", "--position", "2", "--out", &out]).await);
    let (proof, line) = (format!("{out}.tlog-proof"), format!("{out}.record"));
    let verify =
        |line: &str, key: &str| run(&["prove", "verify", &proof, "--record", line, "--key", key]);
    good(&verify(&line, &key));
    good(&verify(&line, &format!("{out}.key")));
    let forged = path("forged");
    let text = fs::read_to_string(&line)
        .unwrap()
        .replacen("local", "lokal", 1);
    fs::write(&forged, text).unwrap();
    assert_eq!(verify(&forged, &key).status.code(), Some(1));
    let beyond = asked(&server, &["prove", "--position", "99", "--out", &out]).await;
    assert_eq!(beyond.status.code(), Some(2));
    assert!(said(&beyond).contains("position 99"), "{}", said(&beyond));

    publish(&server).await;
    let newer = path("checkpoint.new");
    let grew = ["prove", "--since", &older, "--key", &key, "--out", &newer];
    let proven = asked(&server, &grew).await;
    good(&proven);
    assert!(said(&proven).contains("only grew"), "{}", said(&proven));
    let grew_on = ["prove", "--since", &newer, "--key", &key, "--out", &older];
    good(&asked(&server, &grew_on).await);
    assert!(server.stop().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn e10_p16_a_pack_holds_all_that_an_answer_rests_on_and_is_verified_without_a_server() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = open(&data);
    let key = told(&ledger).await;
    ledger.close().unwrap();
    let server = Server::start_with(&data, &["--nats", "off", "--rulebook", "fcc"]).await;
    let before = jiff::Timestamp::now().to_string();
    publish(&server).await;
    let pack = dir.path().join("pack");
    let out = pack.display().to_string();
    let question = ["--class", "billing", "--target", "interexchange"];
    let about = ["evidence", "--customer", "K-1", "--out", &out];
    good(&asked(&server, &[about.as_slice(), &question].concat()).await);
    let again = asked(&server, &about).await;
    assert_eq!(again.status.code(), Some(2), "{}", said(&again));
    // The moment before the grant, and no question.
    let earlier = dir.path().join("earlier");
    let then = ["evidence", "--customer", "K-1", "--as-of", "5"];
    let to = ["--out", earlier.to_str().unwrap(), "--output", "json"];
    good(&asked(&server, &[then.as_slice(), &to].concat()).await);
    let whole = dir.path().join("whole");
    let all = ["evidence", "--customer", "K-1", "--whole-ledger"];
    let to = ["--out", whole.to_str().unwrap()];
    good(&asked(&server, &[all.as_slice(), &to].concat()).await);
    let unposted = dir.path().join("unposted");
    let then = ["evidence", "--customer", "K-1", "--as-of", &before];
    let to = ["--out", unposted.to_str().unwrap()];
    good(&asked(&server, &[then.as_slice(), &to, &question].concat()).await);
    let unasked = [
        "evidence",
        "--customer",
        "K-1",
        "--target",
        "local",
        "--out",
        "nowhere",
    ];
    assert_eq!(asked(&server, &unasked).await.status.code(), Some(2));
    let unknown = ["evidence", "--customer", "K-9", "--out", "nowhere"];
    let unknown = asked(&server, &unknown).await;
    assert_eq!(unknown.status.code(), Some(2), "{}", said(&unknown));
    assert!(server.stop().await);

    let verify =
        |pack: &Path, key: &str| run(&["evidence", "verify", pack.to_str().unwrap(), "--key", key]);
    let verified = verify(&pack, &key);
    good(&verified);
    let text = said(&verified);
    for part in [
        "deemed accepted since",
        "no approval",
        "yes, derived again",
        "GRANTED",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let read = |pack: &Path| -> Value {
        serde_json::from_slice(&fs::read(pack.join("evidence.json")).unwrap()).unwrap()
    };
    let said_of = read(&pack);
    assert_eq!(said_of["standing"]["policy"][0]["version"], "2026-01");
    assert_eq!(said_of["standing"]["words"].as_array().unwrap().len(), 2);
    assert_eq!(said_of["answer"]["allowed"], true);
    let then = read(&earlier);
    assert_eq!(then["standing"]["words"].as_array().unwrap().len(), 0);
    assert_eq!(then["answer"], Value::Null);
    good(&verify(&earlier, &key));
    assert_eq!(
        read(&unposted)["standing"]["policy"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(read(&unposted)["answer"], said_of["answer"]);
    good(&verify(&unposted, &key));
    let text = said(&verify(&whole, &key));
    assert!(text.contains("none about the ledger is missing"), "{text}");
    match verified_by_hand(&pack, &key) {
        None => println!("not run by hand: there is no openssl 3 or python3 on this machine"),
        Some(by_hand) => {
            good(&by_hand);
            assert!(
                said(&by_hand).starts_with("verified "),
                "{}",
                said(&by_hand)
            );
        }
    }

    let another = open(&dir.path().join("another"));
    let anothers = another.genesis.checkpoint_key.clone();
    another.close().unwrap();
    let refused = verify(&pack, &anothers);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    each_forgery_is_found(&pack, &key, &verify);
}

/// One thing in the pack is changed at a time.
fn each_forgery_is_found(pack: &Path, key: &str, verify: &dyn Fn(&Path, &str) -> Output) {
    let forge = |case: &str, by_hand: bool, change: &dyn Fn(&Path)| {
        let forged = tempfile::tempdir().unwrap();
        copy(pack, forged.path());
        change(forged.path());
        let found = verify(forged.path(), key);
        assert_eq!(found.status.code(), Some(1), "{case}: {}", said(&found));
        if let Some(found) = verified_by_hand(forged.path(), key).filter(|_| by_hand) {
            assert!(!found.status.success(), "{case}: {}", said(&found));
        }
    };
    let replace = |name: &'static str, from: &'static str, to: &'static str| {
        move |dir: &Path| {
            let text = fs::read_to_string(dir.join(name)).unwrap();
            assert!(text.contains(from), "{name} has no {from}");
            fs::write(dir.join(name), text.replacen(from, to, 1)).unwrap();
        }
    };
    forge(
        "a record",
        true,
        &replace("records.ndjson", "local", "lokal"),
    );
    forge(
        "the rulebook",
        true,
        &replace("rulebook.toml", "version", "versiom"),
    );
    forge("the root", true, &|dir| {
        let text = fs::read_to_string(dir.join("checkpoint")).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        fs::write(dir.join("checkpoint"), text.replacen(lines[1], "9", 1)).unwrap();
    });
    forge(
        "the answer",
        false,
        &replace("evidence.json", "\"allowed\": true", "\"allowed\": false"),
    );
    forge(
        "the question",
        false,
        &replace("evidence.json", "\"company\"", "\"affiliate\""),
    );
    forge(
        "what was on record",
        false,
        &replace(
            "evidence.json",
            "\"witnessed\": true",
            "\"witnessed\": false",
        ),
    );
    forge(
        "the moment",
        false,
        &replace("evidence.json", "\"at\": \"2", "\"at\": \"1"),
    );
    forge("a text", true, &|dir| {
        let text = fs::read_to_string(dir.join("openings.ndjson")).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        let mut opening: Value = serde_json::from_str(first).unwrap();
        opening["text"] = "another".into();
        fs::write(dir.join("openings.ndjson"), format!("{opening}\n{rest}")).unwrap();
    });
    // The same bytes, and so the same commitment, with the border elsewhere.
    forge("a text cut short", true, &|dir| {
        let text = fs::read_to_string(dir.join("openings.ndjson")).unwrap();
        let (first, rest) = text.split_once('\n').unwrap();
        let mut opening: Value = serde_json::from_str(first).unwrap();
        let sealed = opening["text"].as_str().unwrap().to_owned();
        let (moved, left) = sealed.split_at(1);
        let salt = format!(
            "{}{:02x}",
            opening["salt"].as_str().unwrap(),
            moved.as_bytes()[0]
        );
        (opening["text"], opening["salt"]) = (left.into(), salt.into());
        fs::write(dir.join("openings.ndjson"), format!("{opening}\n{rest}")).unwrap();
    });
    let lines = fs::read_to_string(pack.join("records.ndjson")).unwrap();
    forge("a moment before the last record", true, &|dir| {
        let text = fs::read_to_string(dir.join("evidence.json")).unwrap();
        let mut about: Value = serde_json::from_str(&text).unwrap();
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        about["at"] = first["recorded_at"].clone();
        fs::write(dir.join("evidence.json"), about.to_string()).unwrap();
        let found = verify(dir, key);
        assert!(
            said(&found).contains("after the moment"),
            "{}",
            said(&found)
        );
    });
    forge("a question that says more", false, &|dir| {
        let text = fs::read_to_string(dir.join("evidence.json")).unwrap();
        let mut about: Value = serde_json::from_str(&text).unwrap();
        about["question"]["ground"] = "court order 24-77".into();
        fs::write(dir.join("evidence.json"), about.to_string()).unwrap();
    });
    let member = "  \"account\"";
    forge(
        "a member that nobody knows",
        true,
        &replace(
            "evidence.json",
            member,
            "  \"signed\": true,\n  \"account\"",
        ),
    );
    let count = lines.lines().count();
    for gone in 0..count {
        let left: String = (lines.lines().enumerate())
            .filter(|(at, _)| *at != gone)
            .map(|(_, line)| format!("{line}\n"))
            .collect();
        forge(
            &format!("record {gone} of {count} is gone"),
            // Of the newest about the customer, and the newest policy, no later record shows that they are gone.
            gone < count - 3 || gone == count - 2,
            &|dir| {
                fs::write(dir.join("records.ndjson"), &left).unwrap();
                // So that the count alone does not give it away.
                let about = fs::read_to_string(dir.join("evidence.json")).unwrap();
                let mut about: Value = serde_json::from_str(&about).unwrap();
                about["records"] = (count - 1).into();
                fs::write(dir.join("evidence.json"), about.to_string()).unwrap();
            },
        );
    }
}
