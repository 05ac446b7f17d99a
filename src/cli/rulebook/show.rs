//! `rulebook show`: a rulebook as tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{parsed, text_of, warn_of_holidays};
use crate::cli::{Ended, Global, output};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::rulebook::{Clause, DatedRule, GroundRule, Rulebook};
use crate::domain::ruling::ReasonCode;
use crate::domain::time::Time;
use crate::domain::vocabulary::NotCpni;

/// Show a rulebook's switches, periods, grounds and clauses.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger rulebook show
  consent-ledger rulebook show fcc
  consent-ledger rulebook show policy-2027.toml --output json")]
pub struct Arguments {
    /// A file, or the name of a rulebook that ships with the program.
    #[arg(value_name = "RULEBOOK", default_value = "default")]
    rulebook: PathBuf,
}

pub fn run(global: &Global, arguments: &Arguments) -> Ended {
    let read = text_of(&arguments.rulebook).and_then(|text| parsed(&arguments.rulebook, &text));
    let rulebook = match read {
        Ok(rulebook) => rulebook,
        Err(problem) => return output::fail(problem.ended(), &problem),
    };
    match global.output {
        output::Format::Json => output::json(&as_json(&rulebook)),
        output::Format::Text | output::Format::Csv => print(&rulebook),
    }
    warn_of_holidays();
    Ended::Well
}

/// Switches and periods by the names that the file gives them.
fn settings(rulebook: &Rulebook) -> Vec<(&'static str, Value)> {
    let periods = rulebook.periods();
    let names = |list: Vec<&str>| json!(list.join(" "));
    let held = rulebook.held_category_recipients();
    vec![
        ("zone", json!(rulebook.zone())),
        (
            "periods.occurred_back_hours",
            json!(periods.occurred_back_hours),
        ),
        (
            "periods.verification_minutes",
            json!(periods.verification_minutes),
        ),
        ("periods.one_time_hours", json!(periods.one_time_hours)),
        (
            "periods.one_time_evidence_days",
            json!(periods.one_time_evidence_days),
        ),
        ("periods.retention_days", json!(periods.retention_days)),
        ("switches.opt_out", json!(rulebook.opt_out_switch())),
        (
            "switches.block_reaches_held_categories",
            json!(rulebook.block_reaches_held_categories()),
        ),
        (
            "switches.exceptions",
            json!(!rulebook.exceptions().is_empty()),
        ),
        (
            "switches.held_category_recipients",
            names(held.members().map(|kind| kind.name()).collect()),
        ),
        ("erasure.enabled", json!(rulebook.erasure().enabled)),
        ("erasure.within_days", json!(rulebook.erasure().within_days)),
        (
            "verification.grant",
            names(
                rulebook
                    .grant_methods()
                    .members()
                    .map(|method| method.name())
                    .collect(),
            ),
        ),
        (
            "verification.live",
            names(
                rulebook
                    .live_methods()
                    .members()
                    .map(|method| method.name())
                    .collect(),
            ),
        ),
    ]
}

/// A ground's rule, member by member; each set "all" or names.
fn ground(rule: &GroundRule) -> [(&'static str, Value); 7] {
    let set = |set: Result<Value, serde_json::Error>| set.unwrap_or(Value::Null);
    [
        ("purposes", set(serde_json::to_value(rule.purposes))),
        ("recipients", set(serde_json::to_value(rule.recipients))),
        ("classes", set(serde_json::to_value(rule.classes))),
        (
            "classes_to_customer",
            set(serde_json::to_value(rule.classes_to_customer)),
        ),
        ("not_cpni", set(serde_json::to_value(rule.not_cpni))),
        ("facts", set(serde_json::to_value(rule.facts))),
        ("verified", set(serde_json::to_value(rule.verified))),
    ]
}

/// A dated rule: its status, its dates, and what it counts.
fn dated(rule: &DatedRule) -> [(&'static str, Value); 4] {
    let date = |at: Option<Time>| at.map_or(Value::Null, |at| json!(at.to_string()));
    let numbers: serde_json::Map<_, _> = (rule.numbers().iter())
        .map(|(number, count)| (number.name().to_owned(), json!(count)))
        .collect();
    [
        ("status", json!(rule.status.name())),
        ("effective_from", date(rule.effective_from)),
        ("effective_to", date(rule.effective_to)),
        ("numbers", numbers.into()),
    ]
}

/// Every clause that something cites, with what cites it.
fn clauses(rulebook: &Rulebook) -> Vec<(&Clause, Vec<String>)> {
    let grounds = (rulebook.grounds().iter())
        .map(|rule| (format!("ground {}", rule.ground), rule.clauses.as_slice()));
    let classes = (rulebook.classes().iter())
        .map(|rule| (format!("class {}", rule.class), rule.clauses.as_slice()));
    let not_cpni = (NotCpni::EVERY.iter())
        .map(|item| (format!("not CPNI {item}"), rulebook.not_cpni_clauses(*item)));
    let reasons =
        (ReasonCode::EVERY.iter()).map(|code| (code.to_string(), rulebook.clauses(*code)));
    let rules = (rulebook.rules().iter())
        .map(|rule| (format!("rule {}", rule.name), rule.clauses.as_slice()));
    let mut cited: BTreeMap<_, (&Clause, Vec<String>)> = BTreeMap::new();
    let citing = grounds.chain(rules).chain(classes).chain(not_cpni);
    for (citing, clauses) in citing.chain(reasons) {
        for clause in clauses {
            let key = (
                clause.source,
                clause.reference.as_str(),
                clause.text.as_str(),
            );
            let (_, by) = cited.entry(key).or_insert((clause, Vec::new()));
            by.push(citing.clone());
        }
    }
    cited.into_values().collect()
}

fn print(rulebook: &Rulebook) {
    output::line(&format!("{} {}", rulebook.name, rulebook.version));
    output::line(&format!(
        "SHA-256 {}\n",
        data_encoding::HEXLOWER.encode(&rulebook.digest)
    ));
    let mut table = table(&["setting", "value"]);
    for (name, value) in settings(rulebook) {
        table.add_row([name.to_owned(), plain(&value)]);
    }
    output::line(&format!("{table}\n"));

    let mut table = self::table(&["category", "title"]);
    for rule in rulebook.categories() {
        table.add_row([rule.category.as_str(), &rule.title]);
    }
    output::line(&format!("{table}\n"));

    if !rulebook.exceptions().is_empty() {
        let mut table = self::table(&["offering", "without approval to those who hold one of"]);
        for exception in rulebook.exceptions() {
            let held: Vec<_> = exception.when_held.iter().map(|one| one.as_str()).collect();
            table.add_row([exception.offering.as_str(), &held.join(", ")]);
        }
        output::line(&format!("{table}\n"));
    }

    let mut table = self::table(&["ground", "member", "value"]);
    for rule in rulebook.grounds() {
        for (index, (member, value)) in ground(rule).into_iter().enumerate() {
            let name = if index == 0 { rule.ground.name() } else { "" };
            table.add_row([name, member, &plain(&value)]);
        }
    }
    output::line(&format!("{table}\n"));

    let mut table = self::table(&["dated rule", "member", "value"]);
    for rule in rulebook.rules() {
        for (index, (member, value)) in dated(rule).into_iter().enumerate() {
            let name = if index == 0 { rule.name.name() } else { "" };
            table.add_row([name, member, &plain(&value)]);
        }
    }
    output::line(&format!("{table}\n"));

    let mut table = self::table(&["source", "clause", "text", "cited by"]);
    for (clause, by) in clauses(rulebook) {
        table.add_row([
            clause.source.name(),
            &clause.reference,
            &clause.text,
            &by.join(", "),
        ]);
    }
    output::line(&table.to_string());
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header.to_vec());
    table
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "—".to_owned(),
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(name, value)| format!("{name} {value}"));
            members.collect::<Vec<_>>().join(", ")
        }
        Value::Array(members) => members.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn as_json(rulebook: &Rulebook) -> Value {
    let grounds: serde_json::Map<_, _> = (GroundKind::EVERY.iter())
        .map(|kind| {
            let rule: serde_json::Map<_, _> = (ground(rulebook.ground(*kind)).into_iter())
                .map(|(member, value)| (member.to_owned(), value))
                .collect();
            (kind.name().to_owned(), rule.into())
        })
        .collect();
    let rules: serde_json::Map<_, _> = (rulebook.rules().iter())
        .map(|rule| {
            let members = dated(rule).map(|(member, value)| (member.to_owned(), value));
            (
                rule.name.name().to_owned(),
                Value::Object(members.into_iter().collect()),
            )
        })
        .collect();
    let settings: serde_json::Map<_, _> = (settings(rulebook).into_iter())
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json!({
        "name": rulebook.name,
        "version": rulebook.version,
        "digest": data_encoding::HEXLOWER.encode(&rulebook.digest),
        "settings": settings,
        "categories": rulebook.categories().iter()
            .map(|rule| json!({ "category": rule.category, "title": rule.title }))
            .collect::<Vec<_>>(),
        "exceptions": rulebook.exceptions().iter()
            .map(|one| json!({ "offering": one.offering, "when_held": one.when_held }))
            .collect::<Vec<_>>(),
        "grounds": grounds,
        "rules": rules,
        "clauses": clauses(rulebook).into_iter()
            .map(|(clause, by)| json!({
                "source": clause.source.name(),
                "reference": clause.reference,
                "text": clause.text,
                "cited_by": by,
            }))
            .collect::<Vec<_>>(),
    })
}
