//! The differences, as lines for people, for programs and for spreadsheets.

use comfy_table::{ContentArrangement, presets};
use serde_json::{Value, json};

use crate::cli::output::Table;
use crate::cli::{Ended, output};
use crate::proto::v1 as wire;
use wire::compare_rulebooks_response::Part;

/// What a comparison found.
#[derive(Default)]
pub struct Found {
    summary: wire::ComparisonSummary,
    differences: Vec<wire::RulebookDifference>,
}

const COLUMNS: [&str; 14] = [
    "customers",
    "ground",
    "purposes",
    "recipients",
    "classes",
    "not_cpni",
    "target_categories",
    "offerings",
    "verified_by",
    "before",
    "before_reasons",
    "after",
    "after_reasons",
    "examples",
];

impl Found {
    /// Takes one message of a comparison over.
    pub fn take(&mut self, message: wire::CompareRulebooksResponse) {
        match message.part {
            Some(Part::Summary(summary)) => self.summary = summary,
            Some(Part::Difference(difference)) => self.differences.push(difference),
            Some(Part::Progress(_)) | None => {}
        }
    }

    /// Prints it for people or for programs.
    pub fn print(&self, format: output::Format) -> Ended {
        match format {
            output::Format::Json => output::json(&self.as_json()),
            output::Format::Csv => return self.table().print(format, ""),
            output::Format::Text => self.print_text(),
        }
        Ended::Well
    }

    /// The differences as rows under columns; lists are separated by spaces.
    fn table(&self) -> Table {
        let mut table = Table::new(&COLUMNS);
        for difference in &self.differences {
            table.row(row(difference));
        }
        table
    }

    fn print_text(&self) {
        let summary = &self.summary;
        output::line(&format!(
            "in force: {}; compared with: {}",
            version(summary.before.as_ref()),
            version(summary.after.as_ref())
        ));
        output::line(&format!(
            "{} customers at position {}, {} questions about each: some answer changes for {}",
            summary.customers, summary.position, summary.questions, summary.changed
        ));
        if self.differences.is_empty() {
            output::line("no answer changes");
            return;
        }
        let mut table = comfy_table::Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header([
                "customers",
                "who, what for, which classes",
                "now",
                "then",
                "for example",
            ]);
        for one in &self.differences {
            table.add_row([
                one.customers.to_string(),
                question(one),
                answer(one.before.as_ref()),
                answer(one.after.as_ref()),
                one.examples.join(" "),
            ]);
        }
        output::line(&table.to_string());
    }

    fn as_json(&self) -> Value {
        let summary = &self.summary;
        json!({
            "before": version(summary.before.as_ref()),
            "after": version(summary.after.as_ref()),
            "evaluated_at": summary.evaluated_at.as_ref().map(ToString::to_string),
            "position": summary.position,
            "customers": summary.customers,
            "changed": summary.changed,
            "questions": summary.questions,
            "differences": self.differences.iter().map(difference_as_json).collect::<Vec<_>>(),
        })
    }
}

fn difference_as_json(one: &wire::RulebookDifference) -> Value {
    json!({
        "customers": one.customers,
        "ground": one.ground,
        "purposes": purposes(one),
        "recipients": recipients(one),
        "classes": classes(one),
        "not_cpni": not_cpni(one),
        "target_categories": one.target_categories,
        "offerings": one.offerings,
        "verified_by": verified_by(one),
        "before": answer_as_json(one.before.as_ref()),
        "after": answer_as_json(one.after.as_ref()),
        "examples": one.examples,
    })
}

fn answer_as_json(answer: Option<&wire::ComparedAnswer>) -> Value {
    answer.map_or(Value::Null, |answer| {
        json!({
            "allowed": answer.allowed,
            "state": name(answer.state().as_str_name(), "CELL_STATE_"),
            "basis": name(answer.basis().as_str_name(), "BASIS_"),
            "reasons": answer.reasons.iter().map(|reason| json!({
                "code": code(reason),
                "clauses": reason.clauses.iter().map(|clause| &clause.reference).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        })
    })
}

fn row(one: &wire::RulebookDifference) -> Vec<Value> {
    vec![
        json!(one.customers),
        json!(one.ground),
        json!(purposes(one)),
        json!(recipients(one)),
        json!(classes(one)),
        json!(not_cpni(one)),
        json!(one.target_categories),
        json!(one.offerings),
        json!(verified_by(one)),
        json!(yes_or_no(one.before.as_ref())),
        json!(reasons(one.before.as_ref())),
        json!(yes_or_no(one.after.as_ref())),
        json!(reasons(one.after.as_ref())),
        json!(one.examples),
    ]
}

/// The questions of a line in one sentence.
fn question(one: &wire::RulebookDifference) -> String {
    let every_class = wire::CpniClass::PicFreezeStatus as usize;
    let classes = match classes(one) {
        all if all.len() >= every_class => "every class".to_owned(),
        some => some
            .into_iter()
            .chain(not_cpni(one))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let mut text = format!(
        "{}; {}; {classes}",
        recipients(one).join(", "),
        purposes(one).join(", ")
    );
    let parts = [
        ("of", one.target_categories.join(", ")),
        ("of", one.offerings.join(", ")),
        ("on the ground", one.ground.clone()),
        ("verified by", verified_by(one).join(", ")),
    ];
    for (word, part) in parts.into_iter().filter(|(_, part)| !part.is_empty()) {
        text.push_str(&format!("; {word} {part}"));
    }
    text
}

fn answer(answer: Option<&wire::ComparedAnswer>) -> String {
    format!("{}: {}", yes_or_no(answer), reasons(answer).join(", "))
}

fn yes_or_no(answer: Option<&wire::ComparedAnswer>) -> &'static str {
    match answer.is_some_and(|answer| answer.allowed) {
        true => "yes",
        false => "no",
    }
}

fn reasons(answer: Option<&wire::ComparedAnswer>) -> Vec<&'static str> {
    (answer.into_iter())
        .flat_map(|answer| &answer.reasons)
        .map(code)
        .collect()
}

fn code(reason: &wire::Reason) -> &'static str {
    reason
        .code()
        .as_str_name()
        .trim_start_matches("REASON_CODE_")
}

fn purposes(one: &wire::RulebookDifference) -> Vec<String> {
    (one.purposes())
        .map(|purpose| name(purpose.as_str_name(), "PURPOSE_"))
        .collect()
}

fn recipients(one: &wire::RulebookDifference) -> Vec<String> {
    (one.recipients())
        .map(|kind| name(kind.as_str_name(), "RECIPIENT_KIND_"))
        .collect()
}

fn classes(one: &wire::RulebookDifference) -> Vec<String> {
    (one.classes())
        .map(|class| name(class.as_str_name(), "CPNI_CLASS_"))
        .collect()
}

fn not_cpni(one: &wire::RulebookDifference) -> Vec<String> {
    (one.not_cpni())
        .map(|item| name(item.as_str_name(), "NOT_CPNI_ITEM_"))
        .collect()
}

fn verified_by(one: &wire::RulebookDifference) -> Vec<String> {
    (one.verified_by())
        .map(|method| name(method.as_str_name(), "ASSURANCE_METHOD_"))
        .collect()
}

fn name(full: &str, prefix: &str) -> String {
    full.trim_start_matches(prefix).to_ascii_lowercase()
}

fn version(rulebook: Option<&wire::RulebookVersion>) -> String {
    rulebook.map_or_else(String::new, |one| format!("{} {}", one.name, one.version))
}
