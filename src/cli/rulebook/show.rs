//! `rulebook show`: a rulebook as tables.

use std::collections::BTreeMap;
use std::path::PathBuf;

use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};

use super::{parsed, text_of};
use crate::cli::{Ended, Global, output};
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::rulebook::{Clause, GroundRule, Rulebook};
use crate::domain::ruling::ReasonCode;
use crate::domain::vocabulary::NotCpni;

/// Show a rulebook's switches, periods, grounds and clauses.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  consent-ledger rulebook show
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
    Ended::Well
}

/// Switches and periods by the names that the file gives them.
fn settings(rulebook: &Rulebook) -> Vec<(&'static str, Value)> {
    let periods = rulebook.periods();
    let names = |list: Vec<&str>| json!(list.join(" "));
    let rules = rulebook.rules().iter().map(|rule| {
        let dates = [rule.effective_from, rule.effective_to];
        let [from, to] = dates.map(|date| date.map(|at| at.to_string()));
        let value = json!({"status": rule.status.name(), "from": from, "to": to});
        (rule.name.name(), value)
    });
    let held = rulebook.held_category_recipients();
    let mut settings = vec![
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
    ];
    settings.extend(rules);
    settings
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
    let mut cited: BTreeMap<_, (&Clause, Vec<String>)> = BTreeMap::new();
    for (citing, clauses) in grounds.chain(classes).chain(not_cpni).chain(reasons) {
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
