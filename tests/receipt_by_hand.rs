//! Receipts on the command line, and the check of `docs/receipts.md` run as it stands there, without any code of ours (C8).

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

use consent_ledger::domain::vocabulary::RecipientKind;
use engine::*;
use server::Server;

const DOCS: &str = include_str!("../docs/receipts.md");

const CONTROLLER: [(&str, &str); 6] = [
    ("NAME", "Example Telephone Company"),
    ("CONTACT", "Privacy office"),
    ("ADDRESS", "1 Main Street, Denver, CO 80202"),
    ("EMAIL", "privacy@telephone.example"),
    ("PHONE", "+1 303 555 0100"),
    ("POLICY_URL", "https://telephone.example/cpni"),
];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_consent-ledger"))
        .args(arguments)
        .env_remove("CONSENT_LEDGER_CONFIG")
        .output()
        .unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A configuration file that names the company.
fn configuration(dir: &Path) -> String {
    let lines =
        CONTROLLER.map(|(key, value)| format!("controller_{} = \"{value}\"\n", key.to_lowercase()));
    let path = dir.join("consent-ledger.toml");
    std::fs::write(&path, lines.concat()).unwrap();
    path.display().to_string()
}

fn by_hand(dir: &Path) -> Output {
    let block = DOCS.split("```sh by-hand\n").nth(1).unwrap();
    let script = block.split("```").next().unwrap();
    Command::new("bash")
        .args(["-c", &format!("set -euo pipefail\n{script}")])
        .current_dir(dir)
        .output()
        .unwrap()
}

/// Whether the machine has what the page asks for. It is not ours to require of who builds.
fn openssl_is_here() -> bool {
    let found = Command::new("openssl").arg("version").output();
    let here = found.is_ok_and(|found| said(&found).starts_with("OpenSSL 3"));
    assert!(
        here || std::env::var_os("BY_HAND").is_none(),
        "there is no openssl 3"
    );
    here
}

#[test]
fn c8_the_structure_of_receipts_is_printed() {
    let printed = run(&["receipt", "schema"]);
    assert!(printed.status.success());
    let schema: serde_json::Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(schema["required"][0], "version");
}

#[tokio::test(flavor = "multi_thread")]
async fn c8_a_receipt_is_fetched_and_verified_by_the_command_line_and_by_hand() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let ledger = open(&data);
    submit(&ledger, "K-1", open_account(&["local"]))
        .await
        .unwrap();
    let notice = submit(&ledger, "K-1", give_notice()).await.unwrap();
    let granting = grant(RecipientKind::Company, notice.position, ledger.views.now());
    let position = submit(&ledger, "K-1", granting).await.unwrap().position;
    let checkpoint_key = ledger.genesis.checkpoint_key.clone();
    ledger.close().unwrap();

    let config = configuration(dir.path());
    let server = Server::start_with(&data, &["--nats", "off", "--config", &config]).await;
    let address = format!("http://{}", server.address);
    let receipt = dir.path().join("receipt.txt").display().to_string();
    let fetched = tokio::task::spawn_blocking({
        let (receipt, position) = (receipt.clone(), position.to_string());
        move || {
            let asked = ["receipt", "--server", &address, "--customer", "K-1"];
            let wanted = ["--position", &position, "--out", &receipt];
            run(&[asked.as_slice(), &wanted].concat())
        }
    });
    let fetched = fetched.await.unwrap();
    assert!(fetched.status.success(), "{}", said(&fetched));
    assert!(server.stop().await);

    let key = format!("{receipt}.key");
    assert_eq!(
        std::fs::read_to_string(&key).unwrap().trim(),
        checkpoint_key
    );
    let verified = run(&["receipt", "verify", &receipt, "--key", &checkpoint_key]);
    assert!(verified.status.success(), "{}", said(&verified));
    assert!(said(&verified).contains("Example Telephone Company"));
    if openssl_is_here() {
        let verified = by_hand(dir.path());
        assert!(
            said(&verified).contains("Signature Verified Successfully"),
            "{}",
            said(&verified)
        );
    } else {
        println!("not run by hand: there is no openssl 3 on this machine");
    }

    let text = std::fs::read_to_string(&receipt).unwrap();
    std::fs::write(&receipt, text.replacen("company", "compamy", 1)).unwrap();
    let altered = run(&["receipt", "verify", &receipt, "--key", &key]);
    assert_eq!(altered.status.code(), Some(1), "{}", said(&altered));
    if openssl_is_here() {
        assert!(!by_hand(dir.path()).status.success());
    }
}

#[test]
fn c8_a_controller_half_told_is_refused_with_the_setting() {
    let dir = tempfile::tempdir().unwrap();
    let config = configuration(dir.path());
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(
        &config,
        text.replace("controller_phone", "# controller_phone"),
    )
    .unwrap();
    let data = dir.path().join("data").display().to_string();
    let refused = run(&[
        "serve", "--data", &data, "--nats", "off", "--config", &config,
    ]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        said(&refused).contains("controller_phone"),
        "{}",
        said(&refused)
    );
}
