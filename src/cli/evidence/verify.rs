//! Verifying a pack, with nothing but itself and a key.

use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::pack::Pack;
use super::standing;
use crate::audit::Replayed;
use crate::cli::failed::{Failed, key_of};
use crate::cli::question::Asked;
use crate::cli::{Ended, Global, output};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::ledger::{Hash, Record, Timestamp, VerifyingKey, open, open_tlog_proof};

/// What was found to hold.
pub struct Checked {
    /// How many records.
    pub records: usize,
    /// Records of the ledger that the checkpoint signs.
    pub size: u64,
    /// Whether no record about the ledger is missing, but for the newest.
    pub ledger_is_whole: bool,
}

pub fn run(global: &Global, dir: &Path, key: &str) -> Result<Ended, Failed> {
    let key = key_of(key)?;
    let pack = Pack::read(dir)?;
    let checked = match check(&pack, &key.to_string()) {
        Ok(checked) => checked,
        Err(Failed(ended, problem)) if global.output == output::Format::Json => {
            output::json(&json!({ "ok": false, "problem": problem }));
            return Ok(ended);
        }
        Err(failed) => return Err(failed),
    };
    if global.output == output::Format::Json {
        output::json(&json!({
            "ok": true, "records": checked.records, "size": checked.size,
            "ledger_is_whole": checked.ledger_is_whole, "evidence": pack.about,
        }));
        return Ok(Ended::Well);
    }
    show(&pack, &checked);
    Ok(Ended::Well)
}

/// Checks each part of a pack, by the key that is trusted.
pub fn check(pack: &Pack, key: &str) -> Result<Checked, Failed> {
    if pack.key != key {
        return Err(Failed::wrong(
            "the pack's key is another than the one that is trusted",
        ));
    }
    let key = VerifyingKey::parse(key).map_err(Failed::wrong)?;
    let checkpoint = open(&pack.checkpoint, &key).map_err(Failed::wrong)?;
    for (line, (position, proof)) in pack.lines.iter().zip(&pack.proofs) {
        let wrong = |problem: &dyn std::fmt::Display| {
            Failed::wrong(format!("record {position}: {problem}"))
        };
        let (index, covered) = open_tlog_proof(proof, line, &key).map_err(|error| wrong(&error))?;
        if index != *position || covered != checkpoint {
            return Err(wrong(&"its proof is for another record or checkpoint"));
        }
    }
    let replayed = Replayed::of(pack.lines.iter().map(Vec::as_slice)).map_err(Failed::wrong)?;
    if replayed.checkpoint_key != key.to_string() {
        return Err(Failed::wrong(
            "the ledger's first record names another checkpoint key",
        ));
    }
    let digest: [u8; 32] = Sha256::digest(pack.rulebook.as_bytes()).into();
    if digest != replayed.rulebook {
        return Err(Failed::wrong(format!(
            "rulebook.toml is not the rulebook in force, whose SHA-256 is {}",
            Hash(replayed.rulebook)
        )));
    }
    let rulebook = Rulebook::parse(&pack.rulebook, digest).map_err(Failed::wrong)?;
    check_openings(pack)?;
    check_about(pack, &replayed, &rulebook, &checkpoint.origin)?;
    Ok(Checked {
        records: pack.lines.len(),
        size: checkpoint.size,
        ledger_is_whole: replayed.ledger_is_whole,
    })
}

/// Each opened text is the one that its record commits to.
fn check_openings(pack: &Pack) -> Result<(), Failed> {
    for opening in &pack.openings {
        let at = pack
            .proofs
            .iter()
            .position(|(position, _)| *position == opening.position);
        let line = at.and_then(|at| pack.lines.get(at));
        let record = line.and_then(|line| Record::parse(line).ok());
        let sealed = record
            .as_ref()
            .and_then(|record| (record.sealed.iter()).find(|sealed| sealed.field == opening.field));
        let committed = Sha256::new()
            .chain_update([2])
            .chain_update(opening.salt)
            .chain_update(opening.text.as_bytes())
            .finalize();
        if sealed.is_none_or(|sealed| sealed.commitment[..] != committed[..]) {
            return Err(Failed::wrong(format!(
                "record {}: the text of `{}` is not what was sealed",
                opening.position, opening.field
            )));
        }
    }
    Ok(())
}

/// What `evidence.json` says, in this form and no other.
const MEMBERS: [&str; 12] = [
    "format",
    "ledger",
    "customer",
    "account",
    "at",
    "through_position",
    "rulebook",
    "records",
    "question",
    "answer",
    "under_gag_order",
    "standing",
];

/// What the pack says is what its records say.
fn check_about(
    pack: &Pack,
    replayed: &Replayed,
    rulebook: &Rulebook,
    origin: &str,
) -> Result<(), Failed> {
    let about = |name: &str| pack.about.get(name).unwrap_or(&Value::Null);
    let differs =
        |what: &str| Failed::wrong(format!("evidence.json: {what} is not what the records say"));
    let unknown = pack
        .about
        .as_object()
        .and_then(|all| all.keys().find(|name| !MEMBERS.contains(&name.as_str())));
    if let Some(unknown) = unknown {
        return Err(Failed::wrong(format!(
            "evidence.json: `{unknown}` is unknown"
        )));
    }
    let at = Timestamp::parse(about("at").as_str().unwrap_or_default());
    let at = at.map_err(|error| Failed::wrong(format!("evidence.json: `at`: {error}")))?;
    let at = Time(at.0);
    let through = about("through_position");
    let through = match (through.is_null(), through.as_u64()) {
        (true, _) => None,
        (false, Some(through)) => Some(through),
        (false, None) => {
            return Err(Failed::wrong(
                "evidence.json: `through_position` is no position",
            ));
        }
    };
    if at < replayed.last_at || through.is_some_and(|through| through < replayed.last.0) {
        return Err(Failed::wrong(
            "evidence.json: there are records from after the moment",
        ));
    }
    let named = json!({ "name": rulebook.name, "version": rulebook.version });
    for (name, derived) in [
        ("ledger", json!(origin)),
        ("customer", json!(replayed.pseudonym.to_string())),
        ("records", json!(pack.lines.len())),
        ("rulebook", named),
        ("standing", standing::standing(replayed, at)),
    ] {
        if *about(name) != derived {
            return Err(differs(&format!("`{name}`")));
        }
    }
    if !(about("account").is_null() || about("account").is_string()) {
        return Err(Failed::wrong("evidence.json: `account` is no id"));
    }
    let gagged = about("under_gag_order").as_array();
    let in_pack = |at: &Value| {
        let position = at.as_u64();
        pack.proofs.iter().any(|(one, _)| Some(*one) == position)
    };
    if !gagged.is_some_and(|gagged| gagged.iter().all(in_pack)) {
        return Err(Failed::wrong(
            "evidence.json: `under_gag_order` names what isn't here",
        ));
    }
    if about("question").is_null() {
        return match about("answer").is_null() {
            true => Ok(()),
            false => Err(differs("an answer without a question")),
        };
    }
    let asked = Asked::from_json(about("question"));
    let asked = asked.ok_or_else(|| Failed::wrong("evidence.json: the question is none"))?;
    if asked.to_json() != *about("question") {
        return Err(Failed::wrong(
            "evidence.json: the question says more than is answered",
        ));
    }
    match *about("answer") == standing::answer(replayed, rulebook, &asked, at) {
        true => Ok(()),
        false => Err(differs("`answer`")),
    }
}

fn show(pack: &Pack, checked: &Checked) {
    let text = |pointer: &str| match pack.about.pointer(pointer) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    output::line(&format!(
        "{} records, each proven to be among the {} of {}\nnone about the customer is missing between the first and the last of them\n",
        checked.records,
        checked.size,
        text("/ledger")
    ));
    output::line(&format!(
        "customer {} at {}",
        text("/customer"),
        text("/at")
    ));
    output::line(match checked.ledger_is_whole {
        true => "none about the ledger is missing between the first and the last of them",
        false => {
            "that all records about rulebooks, entities, policies and templates are here is the company's word"
        }
    });
    output::line(&format!(
        "that this is account {:?} is the company's word",
        text("/account")
    ));
    output::line(&format!(
        "rulebook {} {}",
        text("/rulebook/name"),
        text("/rulebook/version")
    ));
    let list = |pointer: &str| {
        pack.about
            .pointer(pointer)
            .and_then(Value::as_array)
            .cloned()
    };
    for policy in list("/standing/policy").unwrap_or_default() {
        let since = policy.get("deemed_accepted_since").and_then(Value::as_str);
        let version = policy
            .get("version")
            .and_then(Value::as_str)
            .unwrap_or_default();
        output::line(&match since {
            Some(since) => {
                format!("policy {version}: deemed accepted since {since}, by staying; no approval")
            }
            None => format!("policy {version}: not deemed accepted"),
        });
    }
    if pack
        .about
        .get("answer")
        .is_some_and(|answer| !answer.is_null())
    {
        let word = match pack.about.pointer("/answer/allowed") {
            Some(Value::Bool(true)) => "yes",
            _ => "no",
        };
        output::line(&format!(
            "\nmay we? {}\n{word}, derived again from these records: {}",
            text("/question"),
            text("/answer/reasons")
        ));
    }
}
