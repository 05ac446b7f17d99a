//! Somebody tampers with a copy, in four ways, and each is found.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::evidence::{Evidence, write};
use super::print::Page;
use super::surprise::{Surprise, of_file, same, there};
use crate::app::{Ledger, Options, abort_on_failure};
use crate::audit::{AuditError, audit_export, audit_folder};
use crate::clock::System;
use crate::ledger::{Problem, leaf_hash};

/// The name in the customer's denial, and the name with one letter changed: the denial would bind nobody.
const NAME: (&str, &str) = ("infotech-cloud", "infotech-clout");

/// Tampers with copies of export and folder at the record of the denial.
pub fn copies(
    page: &mut Page,
    evidence: &Evidence,
    dir: &Path,
    scratch: &Path,
    denial: u64,
) -> Result<(), Surprise> {
    page.step("Somebody tampers with a copy");
    let index = there("the denial's index", usize::try_from(denial).ok())?;
    let forged = one_letter(&evidence.lines, index)?;
    page.act(&format!(
        "One letter of record {denial}, the denial: {} becomes {}.",
        NAME.0, NAME.1
    ));
    let file = scratch.join("one-letter.ndjson");
    let found = finding(&file, &forged, None)?;
    expect(&found, denial, |problem| {
        matches!(problem, Problem::Altered { .. })
    })?;
    page.found(&found.to_string());

    page.act("The denial is taken out.");
    let mut shorter = evidence.lines.clone();
    shorter.remove(index);
    let found = finding(&scratch.join("taken-out.ndjson"), &shorter, None)?;
    expect(&found, denial, |problem| {
        matches!(problem, Problem::Position { .. })
    })?;
    page.found(&found.to_string());

    page.act("A careful forger changes the letter and then computes every later hash anew.");
    let rewritten = relinked(forged, index);
    let file = scratch.join("rewritten.ndjson");
    write(
        &file,
        rewritten
            .iter()
            .map(|line| [line, b"\n".as_slice()].concat()),
    )?;
    let fooled = audit_export(&file, None, true, &|_| {})?;
    same(
        "records of the forgery",
        fooled.verified.records,
        rewritten.len() as u64,
    )?;
    page.under(
        "The chain alone is whole again: it can't tell. The checkpoint, signed before, can:",
    );
    let found = finding(&file, &rewritten, Some(&evidence.note))?;
    expect(&found, found.position(), |problem| {
        matches!(problem, Problem::Root { .. })
    })?;
    page.found(&found.to_string());
    folder(page, dir, scratch, denial)
}

fn one_letter(lines: &[Vec<u8>], index: usize) -> Result<Vec<Vec<u8>>, Surprise> {
    let mut lines = lines.to_vec();
    let line = there("the denial's line", lines.get_mut(index))?;
    let text = String::from_utf8_lossy(line).into_owned();
    same(
        "the denial names the affiliate",
        text.contains(NAME.0),
        true,
    )?;
    *line = text.replacen(NAME.0, NAME.1, 1).into_bytes();
    Ok(lines)
}

/// Each line after `index` names the hash of the line before, as if nothing had happened.
fn relinked(mut lines: Vec<Vec<u8>>, index: usize) -> Vec<Vec<u8>> {
    const END: &[u8] = b"\"}";
    for here in index + 1..lines.len() {
        let Some([before, line]) = lines.get_mut(here - 1..=here) else {
            break;
        };
        let hash = leaf_hash(before);
        // `prev` is the last field: 64 digits, a quote, a brace.
        line.truncate(line.len().saturating_sub(64 + END.len()));
        line.extend_from_slice(&hash.to_hex());
        line.extend_from_slice(END);
    }
    lines
}

/// What verification found.
struct Found(AuditError);

impl Found {
    fn position(&self) -> u64 {
        match &self.0 {
            AuditError::Finding(finding) => finding.position,
            _ => u64::MAX,
        }
    }
}

impl std::fmt::Display for Found {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn finding(file: &Path, lines: &[Vec<u8>], note: Option<&Path>) -> Result<Found, Surprise> {
    write(
        file,
        lines.iter().map(|line| [line, b"\n".as_slice()].concat()),
    )?;
    match audit_export(file, note, true, &|_| {}) {
        Err(found) => Ok(Found(found)),
        Ok(audited) => Err(Surprise::otherwise(
            "a forged export",
            "a finding",
            audited.verified.records,
        )),
    }
}

fn expect(
    found: &Found,
    position: u64,
    problem: impl Fn(&Problem) -> bool,
) -> Result<(), Surprise> {
    match &found.0 {
        AuditError::Finding(finding)
            if finding.position == position && problem(&finding.problem) =>
        {
            Ok(())
        }
        other => Err(Surprise::otherwise(
            "the forgery's finding",
            position,
            other,
        )),
    }
}

/// One byte of the stored block that holds the denial, in a copy of the data folder.
fn folder(page: &mut Page, dir: &Path, scratch: &Path, denial: u64) -> Result<(), Surprise> {
    let copy = scratch.join("folder");
    copy_folder(dir, &copy)?;
    let mut places = Vec::new();
    damage(&copy.join("log"), denial, &mut places)?;
    let names: Vec<_> = places
        .iter()
        .filter_map(|path| path.strip_prefix(&copy).ok())
        .collect();
    let names: Vec<_> = names
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    page.act(&format!(
        "One byte of that record in the data folder, wherever it is stored: {}.",
        names.join(", ")
    ));
    same("files that hold the record", names.is_empty(), false)?;
    match audit_folder(&copy, true, &|_| {}) {
        Ok(audited) => Err(Surprise::otherwise(
            "a damaged folder",
            "a finding",
            audited.verified.records,
        )),
        Err(found) => {
            let found = Found(found);
            expect(&found, denial, |_| true)?;
            page.found(&found.to_string());
            refused(page, &copy)
        }
    }
}

/// A server doesn't start on it.
fn refused(page: &mut Page, folder: &Path) -> Result<(), Surprise> {
    page.act("A server is started on that copy.");
    let clock = Arc::new(System::default());
    let opened = Ledger::open(
        Options::new(folder),
        clock,
        abort_on_failure(),
        &|_, _, _| {},
    );
    match opened {
        Ok(_) => Err(Surprise::otherwise(
            "a start on a damaged folder",
            "a refusal",
            "it started",
        )),
        Err(refusal) => {
            page.no(&format!("It refuses: {refusal}"));
            Ok(())
        }
    }
}

/// Flips a byte of each stored copy of the block that begins at `position`.
fn damage(folder: &Path, position: u64, places: &mut Vec<PathBuf>) -> Result<(), Surprise> {
    // A stored block begins with this and its first position; its compressed lines begin 88 bytes on.
    let begin = [b"CLB1".as_slice(), &position.to_le_bytes()].concat();
    for entry in fs::read_dir(folder).map_err(of_file(folder))? {
        let path = entry.map_err(of_file(folder))?.path();
        if path.is_dir() {
            damage(&path, position, places)?;
            continue;
        }
        let mut bytes = fs::read(&path).map_err(of_file(&path))?;
        let at: Vec<_> = memchr::memmem::find_iter(&bytes, &begin).collect();
        if at.is_empty() {
            continue;
        }
        for at in at {
            if let Some(byte) = bytes.get_mut(at + 88 + 40) {
                *byte ^= 1;
            }
        }
        write(&path, [bytes])?;
        places.push(path);
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Surprise> {
    fs::create_dir_all(to).map_err(of_file(to))?;
    for entry in fs::read_dir(from).map_err(of_file(from))? {
        let path = entry.map_err(of_file(from))?.path();
        let Some(name) = path.file_name() else {
            continue;
        };
        if path.is_dir() {
            copy_folder(&path, &to.join(name))?;
        } else {
            fs::copy(&path, to.join(name)).map_err(of_file(&path))?;
        }
    }
    Ok(())
}
