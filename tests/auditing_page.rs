//! `docs/auditing.md`, run as it stands there against a small real ledger (E9, U4).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test ends where something is not as it must be"
)]

mod engine;
mod server;

use std::path::Path;
use std::process::Command;

use consent_ledger::domain::vocabulary::RecipientKind;
use engine::*;
use server::Server;

const PAGE: &str = include_str!("../docs/auditing.md");

const CONTROLLER: &str = "\
controller_name = \"Example Telephone Company\"
controller_contact = \"Privacy office\"
controller_address = \"1 Main Street, Denver, CO 80202\"
controller_email = \"privacy@telephone.example\"
controller_phone = \"+1 303 555 0100\"
controller_policy_url = \"https://telephone.example/cpni\"
";

/// The commands of the page's block of that name, each with the exit code that it says; 0 where it says none.
fn commands(block: &str) -> Vec<(&'static str, i32)> {
    let opening = format!("```sh {block}\n");
    let text = PAGE.split(&opening).nth(1).unwrap();
    let text = text.split("```").next().unwrap();
    let commands: Vec<_> = text.lines().map(command).collect();
    assert!(commands.len() > 5, "{block} has lost its commands");
    commands
}

fn command(line: &'static str) -> (&'static str, i32) {
    let (command, said) = line.split_once('#').unwrap_or((line, ""));
    let code = said.trim().strip_prefix("exit ").map_or(0, |code| {
        let code = code.split(':').next().unwrap();
        code.parse().unwrap()
    });
    (command.trim(), code)
}

/// Runs the block in the folder; `ledger` is the running ledger's address.
fn run_block(block: &str, folder: &Path, ledger: &str) {
    let program = Path::new(env!("CARGO_BIN_EXE_consent-ledger"));
    let beside = program.parent().unwrap().display();
    let path = format!("{beside}:{}", std::env::var("PATH").unwrap());
    for (command, code) in commands(block) {
        let ran = Command::new("bash")
            .args(["-c", command])
            .current_dir(folder)
            .env("PATH", &path)
            .env("LEDGER", ledger)
            .env_remove("CONSENT_LEDGER_CONFIG")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ran.stdout).into_owned()
            + &String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{command}\n{said}");
        assert!(!said.is_empty(), "{command} says nothing");
    }
}

/// A customer who granted (record 4) and denied since.
async fn small_ledger(data: &Path) {
    let ledger = open(data);
    let id = "K-1001";
    submit(&ledger, id, open_account(&["local"])).await.unwrap();
    let notice = submit(&ledger, id, give_notice()).await.unwrap();
    let granting = grant(RecipientKind::Company, notice.position, ledger.views.now());
    let granted = submit(&ledger, id, granting).await.unwrap();
    assert_eq!(granted.position.0, 4, "the page names it");
    let denying = deny(RecipientKind::Company);
    submit(&ledger, id, denying).await.unwrap();
    ledger.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn e9_u4_every_command_of_the_page_on_auditing_ends_as_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    small_ledger(&data).await;
    let config = dir.path().join("consent-ledger.toml");
    std::fs::write(&config, CONTROLLER).unwrap();

    let config = config.display().to_string();
    let server = Server::start_with(&data, &["--nats", "off", "--config", &config]).await;
    let address = format!("http://{}", server.address);
    run_block("live", dir.path(), &address);
    assert!(server.stop().await);
    run_block("offline", dir.path(), "");
}
