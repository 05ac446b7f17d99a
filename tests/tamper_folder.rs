//! Every file of a data folder, damaged in turn: each damage is found or harmless, none loses an acknowledged record
//! in silence (E1, E2, T4). `docs/damage.md` holds the table that this test prints.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test ends where something is not as it must be"
)]

mod engine;

use std::collections::BTreeMap;
use std::fs;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use consent_ledger::app::Ledger;
use consent_ledger::audit::audit_folder;
use consent_ledger::domain::authentication::AuthenticationCommand;
use consent_ledger::domain::authentication::authority::Authority;
use consent_ledger::domain::authentication::credentials::{
    CredentialKind, EstablishCredential, SecretPlace, Weighed,
};
use consent_ledger::domain::authentication::portions::{Checks, Verdict};
use consent_ledger::domain::command::Command;
use consent_ledger::domain::ids::{Personal, Position, Pseudonym};
use consent_ledger::domain::vocabulary::RecipientKind;
use engine::*;

/// Bytes that are flipped in each file, spread over what is not zero.
const FLIPS: usize = 6;

struct Told {
    position: Position,
    customer: Pseudonym,
    id: String,
    version: u64,
    /// Where the customer's PIN lies in the vault.
    secret: Option<SecretPlace>,
}

const PIN: &str = "95137";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The start is refused, or the audit finds it.
    Found,
    /// Every acknowledged record is there and every customer's state is right.
    Harmless,
    /// An acknowledged record or state is gone and nothing said so.
    Silent,
}

#[tokio::test(flavor = "multi_thread")]
async fn t4_damage_to_any_file_is_found_or_harmless() {
    let dir = tempfile::tempdir().unwrap();
    let older = tempfile::tempdir().unwrap();
    let told = fill(dir.path(), older.path()).await;
    let mut table: BTreeMap<(String, &str), BTreeMap<Outcome, usize>> = BTreeMap::new();
    let mut count = |file: &Path, damage: &'static str, outcome: Outcome| {
        // Names that carry a digest or a number are one row.
        let name = match file.parent().and_then(Path::file_name) {
            Some(folder) if folder == "rulebooks" => "rulebooks/*.toml".to_owned(),
            _ if file.display().to_string().contains("snap.") => {
                file.with_file_name("snap.*").display().to_string()
            }
            _ => file.display().to_string(),
        };
        *table
            .entry((name, damage))
            .or_default()
            .entry(outcome)
            .or_default() += 1;
        assert_ne!(outcome, Outcome::Silent, "{damage} of {}", file.display());
    };
    for file in files_under(dir.path(), dir.path()) {
        for offset in offsets(&dir.path().join(&file)) {
            count(
                &file,
                "flip",
                after(dir.path(), &told, |copy| flip(&copy.join(&file), offset)).await,
            );
        }
        count(
            &file,
            "cut in half",
            after(dir.path(), &told, |copy| cut(&copy.join(&file))).await,
        );
        count(
            &file,
            "removed",
            after(dir.path(), &told, |copy| {
                fs::remove_file(copy.join(&file)).unwrap();
            })
            .await,
        );
    }
    for folder in ["log", "log/blocks", "vault", "views/state", "views/history"] {
        let replace = |copy: &Path| {
            fs::remove_dir_all(copy.join(folder)).unwrap();
            copy_all(&older.path().join(folder), &copy.join(folder));
        };
        let outcome = after(dir.path(), &told, replace).await;
        count(Path::new(folder), "replaced by an older copy", outcome);
    }
    for ((file, damage), outcomes) in &table {
        let of = |outcome| outcomes.get(&outcome).copied().unwrap_or(0);
        println!(
            "| {file} | {damage} | {} | {} | {} |",
            of(Outcome::Found),
            of(Outcome::Harmless),
            of(Outcome::Silent)
        );
    }
}

/// A ledger that was closed in order, and a copy of it from earlier.
async fn fill(dir: &Path, older: &Path) -> Vec<Told> {
    let mut told = Vec::new();
    for half in 0..2 {
        let ledger = open(dir);
        for number in 0..6 {
            let id = format!("K-{half}-{number}");
            for command in [
                open_account(&["local"]),
                give_notice(),
                deny(RecipientKind::Affiliate),
                deny(RecipientKind::Agent),
            ] {
                let answer = submit(&ledger, &id, command).await.unwrap();
                told.push(Told {
                    position: answer.position,
                    customer: answer.customer.unwrap(),
                    id: id.clone(),
                    version: answer.version,
                    secret: None,
                });
            }
        }
        told.push(with_pin(&ledger, &format!("K-{half}-0")).await);
        ledger.close().unwrap();
        if half == 0 {
            copy_all(dir, older);
        }
    }
    told
}

/// The customer sets a PIN.
async fn with_pin(ledger: &Ledger, id: &str) -> Told {
    let customer = ledger.views.find(id).unwrap().unwrap();
    let kept = ledger
        .handle
        .weigh_secret(customer, Personal::new(PIN), |_| ((), true));
    let place = kept.await.unwrap().1.unwrap();
    let checks = Checks {
        form: Verdict::Pass,
        social_security_number: Verdict::NotPerformed,
        mothers_maiden_name: Verdict::NotPerformed,
        telephone_number: Verdict::NotPerformed,
        pet_name: Verdict::NotPerformed,
    };
    let set = AuthenticationCommand::Establish(EstablishCredential {
        kind: CredentialKind::Pin,
        authority: Authority::StartOfService,
        weighed: Some(Weighed {
            checks,
            place: Some(place),
        }),
    });
    let answer = submit(ledger, id, Command::Authentication(set))
        .await
        .unwrap();
    Told {
        position: answer.position,
        customer,
        id: id.to_owned(),
        version: answer.version,
        secret: Some(place),
    }
}

/// What comes of a copy of the folder after `damage`: at the start, and in an audit.
async fn after(dir: &Path, told: &[Told], damage: impl Fn(&Path)) -> Outcome {
    let copy = tempfile::tempdir().unwrap();
    copy_all(dir, copy.path());
    damage(copy.path());
    let audited = audit_folder(copy.path(), true, &|_| {});
    let Ok(ledger) = try_open(options(copy.path())) else {
        return Outcome::Found;
    };
    let mut whole = true;
    for told in told {
        whole &= is_there(&ledger, told) && opens(&ledger, told).await;
    }
    ledger.close().unwrap();
    match (whole, audited) {
        (true, _) => Outcome::Harmless,
        (false, Err(_)) => Outcome::Found,
        (false, Ok(_)) => Outcome::Silent,
    }
}

/// Whether the customer's PIN is still the one that was set; a call that says that it can't compare is no silence.
async fn opens(ledger: &Ledger, told: &Told) -> bool {
    let Some(place) = told.secret else {
        return true;
    };
    let compared = (ledger.handle).secret_matches(told.customer, place, Personal::new(PIN));
    compared.await.unwrap_or(true)
}

fn is_there(ledger: &Ledger, told: &Told) -> bool {
    let views = &ledger.views;
    let record = match views.record(told.position) {
        Ok(Some(entry)) => entry.decoded.record,
        // A read that says that it can't is no silence; the command of the next caller stops at it too.
        Err(_) => return true,
        Ok(None) => return false,
    };
    let found = match views.find(&told.id) {
        Ok(found) => found == Some(told.customer),
        Err(_) => true,
    };
    let state = match views.customer(told.customer) {
        Ok(Some(customer)) => customer.version >= told.version,
        Ok(None) => false,
        Err(_) => true,
    };
    record.version == told.version && found && state
}

fn files_under(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_under(root, &path));
        } else {
            found.push(path.strip_prefix(root).unwrap().to_owned());
        }
    }
    found.sort();
    found
}

fn offsets(file: &Path) -> Vec<u64> {
    let bytes = fs::read(file).unwrap();
    let written: Vec<u64> = bytes
        .iter()
        .enumerate()
        .filter(|(_, byte)| **byte != 0)
        .map(|(at, _)| at as u64)
        .collect();
    let step = (written.len() / FLIPS).max(1);
    written
        .into_iter()
        .skip(step / 2)
        .step_by(step)
        .take(FLIPS)
        .collect()
}

fn flip(file: &Path, offset: u64) {
    let byte = fs::read(file).unwrap()[usize::try_from(offset).unwrap()];
    let mut open = fs::OpenOptions::new().write(true).open(file).unwrap();
    open.seek(SeekFrom::Start(offset)).unwrap();
    open.write_all(&[byte ^ 0x10]).unwrap();
}

fn cut(file: &Path) {
    let open = fs::OpenOptions::new().write(true).open(file).unwrap();
    open.set_len(open.metadata().unwrap().len() / 2).unwrap();
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_all(&path, &copy);
        } else {
            fs::copy(&path, &copy).unwrap();
        }
    }
}
