//! What an auditor gets and does: checkpoint, export, the chain by program and by hand.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use super::print::{Page, grouped};
use super::scene::{MAIN, Scene};
use super::surprise::{Surprise, of_file, same, there};
use crate::audit::questions::{Asking, Rulebooks, ask_folder};
use crate::audit::{audit_export, audit_folder, export_folder};
use crate::cli::evidence::{Wanted, fetch};
use crate::cli::question::Asked;
use crate::domain::questions::{named, rules};
use crate::domain::vocabulary::CpniClass;
use crate::ledger::{Envelope, Verified, VerifyingKey, leaf_hash, open};
use crate::proto::v1 as wire;
use wire::{ExportRecordsRequest, GetCheckpointRequest};

/// The standing question that is shown.
const STANDING: &str = "approval-not-live";

/// What the auditor was given.
pub struct Evidence {
    /// One record a line.
    pub export: PathBuf,
    /// The signed checkpoint.
    pub note: PathBuf,
    /// The export's lines, without newlines.
    pub lines: Vec<Vec<u8>>,
}

/// Asks the running server for checkpoint and records, and verifies them without believing it.
pub async fn handed_over(scene: &mut Scene<'_>, into: &Path) -> Result<Evidence, Surprise> {
    scene
        .page
        .step("An auditor checks, and need not believe us");
    let checkpoint = scene
        .callers
        .audit
        .get_checkpoint(GetCheckpointRequest {})
        .await?;
    let checkpoint = checkpoint.into_inner();
    std::fs::create_dir_all(into).map_err(of_file(into))?;
    let evidence = Evidence {
        export: into.join("ledger.ndjson"),
        note: into.join("ledger.ndjson.checkpoint"),
        lines: export(scene).await?,
    };
    write(
        &evidence.export,
        evidence
            .lines
            .iter()
            .map(|line| [line, b"\n".as_slice()].concat()),
    )?;
    write(&evidence.note, [checkpoint.note.clone()])?;
    write(
        &into.join("ledger.ndjson.key"),
        [format!("{}\n", checkpoint.verifier_key)],
    )?;

    scene.page.act("The checkpoint: a signed note of the ledger's name, its length and the root of all records.");
    scene.page.exact(&checkpoint.note);
    scene.page.fact("key", &checkpoint.verifier_key);
    let key = VerifyingKey::parse(&checkpoint.verifier_key);
    let stated = key.and_then(|key| open(&checkpoint.note, &key));
    let stated = stated
        .map_err(|problem| Surprise::otherwise("the checkpoint", "a signed note", problem))?;
    let count = scene.head + 1;
    same("records in the checkpoint", stated.size, count)?;
    let first = there("the first line", evidence.lines.first())?;
    let names_key = String::from_utf8_lossy(first).contains(&checkpoint.verifier_key);
    same("the key in the first record", names_key, true)?;
    scene
        .page
        .done("the signature is that of the key named in the first record of the ledger");

    scene
        .page
        .act("The export: one record a line, the exact bytes that were hashed.");
    let audited = audit_export(&evidence.export, Some(&evidence.note), true, &|_| {})?;
    same("verified records", audited.verified.records, count)?;
    same("the root", audited.verified.root, stated.root)?;
    scene.page.done(&format!(
        "{} records: each names the hash of the one before, and their root is the one that was signed",
        grouped(count)
    ));
    by_hand(scene, &evidence)?;
    Ok(evidence)
}

async fn export(scene: &mut Scene<'_>) -> Result<Vec<Vec<u8>>, Surprise> {
    let request = ExportRecordsRequest {
        from_position: 0,
        until_position: None,
    };
    let mut responses = scene
        .callers
        .audit
        .export_records(request)
        .await?
        .into_inner();
    let mut lines = Vec::new();
    while let Some(response) = responses.message().await? {
        same(
            "the next exported position",
            response.first_position,
            lines.len() as u64,
        )?;
        lines.extend(response.lines.iter().map(|line| line.to_vec()));
    }
    same("exported records", lines.len() as u64, scene.head + 1)?;
    Ok(lines)
}

/// The chain with nothing but `sha256sum`: shown for the main customer's grant.
fn by_hand(scene: &mut Scene<'_>, evidence: &Evidence) -> Result<(), Surprise> {
    let position = scene.grant;
    let line = there("the grant's line", line(&evidence.lines, position))?;
    let next = there("the line after", self::line(&evidence.lines, position + 1))?;
    let next = Envelope::parse(next);
    let next =
        next.map_err(|problem| Surprise::otherwise("the line after", "a record", problem))?;
    let hash = leaf_hash(line);
    same("the hash that the next record names", next.prev, hash)?;
    // Line numbers of `sed` start at 1.
    let (here, after) = (position + 1, position + 2);
    let file = evidence.export.display();
    scene.page.act(&format!("By hand, without our program: the hash of record {position}, and what the next one says that it is."));
    scene.page.exact(&format!(
        "( printf '\\0'; sed -n {here}p {file} | tr -d '\\n' ) | sha256sum"
    ));
    scene.page.exact(&format!(
        "sed -n {after}p {file} | grep -o '\"prev\":\"[0-9a-f]*\"'"
    ));
    scene.page.under(&format!("both give {hash}"));
    Ok(())
}

/// All that the answer rested on when the grant was the newest record, in a folder that proves itself.
pub async fn pack(scene: &mut Scene<'_>, server: &str, into: &Path) -> Result<(), Surprise> {
    let position = scene.grant;
    scene.page.act(&format!(
        "An evidence pack: all that “may we market mobile service by billing data?” rested on when record {position} was the newest."
    ));
    let wanted = Wanted {
        customer: MAIN.to_owned(),
        as_of: Some(wire::as_of::Moment::Position(position)),
        asked: Some(Asked::marketing(CpniClass::Billing, &["cmrs"])),
        sealed: false,
        whole_ledger: false,
    };
    let pack = fetch(server, &wanted).await;
    let pack =
        pack.map_err(|failed| Surprise::otherwise("the pack", "one that holds", failed.1))?;
    let allowed = pack.about.pointer("/answer/allowed");
    same("the answer", allowed, Some(&serde_json::Value::Bool(true)))?;
    let dir = into.join("evidence");
    pack.write(&dir)
        .map_err(|failed| Surprise::otherwise("the pack", "a folder", failed.1))?;
    scene.page.fact("pack", dir.display());
    scene.page.done(&format!(
        "{} records, each proven by its path to the signed root; from them alone the answer is yes again",
        pack.lines.len()
    ));
    Ok(())
}

/// The line of a position.
pub fn line(lines: &[Vec<u8>], position: u64) -> Option<&[u8]> {
    lines
        .get(usize::try_from(position).ok()?)
        .map(Vec::as_slice)
}

/// Verifies the folder of the stopped server, and that its export is what the server had sent.
pub fn offline(
    page: &mut Page,
    dir: &Path,
    scratch: &Path,
    evidence: &Evidence,
) -> Result<Verified, Surprise> {
    page.act(
        "The server stops. Its folder, read from a copy as `consent-ledger verify --data` does:",
    );
    let audited = audit_folder(dir, true, &|_| {})?;
    let verified = audited.verified;
    let checkpoint = there("the checkpoint in the folder", audited.checkpoint)?;
    same(
        "records in the checkpoint",
        checkpoint.size,
        verified.records,
    )?;
    let again = scratch.join("again.ndjson");
    export_folder(dir, &again, &|_| {})?;
    let sent = std::fs::read(&evidence.export).map_err(of_file(&evidence.export))?;
    let stored = std::fs::read(&again).map_err(of_file(&again))?;
    same(
        "the stored bytes are those that were sent",
        sent == stored,
        true,
    )?;
    page.done(&format!(
        "{} records on disk hold against the checkpoint there, and are byte for byte those that the server sent",
        grouped(verified.records)
    ));
    Ok(verified)
}

/// Asks a standing question of the stopped server's folder: it comes back empty.
pub fn standing_question(page: &mut Page, dir: &Path) -> Result<(), Surprise> {
    let question = there("the standing question", named(STANDING))?;
    page.act(&format!(
        "A standing question, as `consent-ledger audit questions --data` asks it: {}",
        question.asks
    ));
    let asking = Asking {
        questions: vec![question],
        rulebooks: Rulebooks::of(dir),
        ..Asking::default()
    };
    let answered = ask_folder(dir, &asking, &|_| true)
        .map_err(|problem| Surprise::otherwise("the standing question", "an answer", problem))?;
    same("findings", answered.findings.len(), 0)?;
    let all = rules().count();
    page.done(&format!(
        "{STANDING} comes back empty; it is one of {all} that must"
    ));
    Ok(())
}

/// Writes parts one after the other.
pub fn write(
    path: &Path,
    parts: impl IntoIterator<Item = impl AsRef<[u8]>>,
) -> Result<(), Surprise> {
    let mut file = BufWriter::new(File::create(path).map_err(of_file(path))?);
    for part in parts {
        file.write_all(part.as_ref()).map_err(of_file(path))?;
    }
    file.flush().map_err(of_file(path))
}
