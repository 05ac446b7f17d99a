//! Comparisons of rulebooks on the wire (P17).

use super::Malformed;
use super::lists::Listed;
use super::rulings::{bare_reason, rulebook_version};
use super::values::timestamp;
use crate::domain::comparison::{Difference, Report, Verdict};
use crate::domain::ids::Position;
use crate::domain::rulebook::Rulebook;
use crate::ledger::Hash;
use crate::proto::v1 as wire;
use wire::compare_rulebooks_response::Part;

/// Bytes that a rulebook's text may have.
const TEXT_MAX: usize = 60 * 1024;
/// Examples of each difference, where the caller doesn't say.
const EXAMPLES: usize = 3;
/// Examples of each difference at most.
const EXAMPLES_MAX: usize = 20;

/// What a caller wants compared.
#[derive(Debug)]
pub struct Wanted {
    /// The rulebook to compare with.
    pub rulebook: Rulebook,
    /// Examples of each difference.
    pub examples: usize,
}

/// Reads the request.
///
/// # Errors
/// INVALID naming the field; for a rulebook that can't be taken with its line and rule.
pub fn wanted(request: &wire::CompareRulebooksRequest) -> Result<Wanted, Malformed> {
    let text = &request.text;
    if text.is_empty() {
        return Err(Malformed::missing("text"));
    }
    if text.len() > TEXT_MAX {
        let problem = format!("has {} bytes; at most {TEXT_MAX}", text.len());
        return Err(Malformed::invalid("text", problem));
    }
    let rulebook = Rulebook::parse(text, Hash::of(text.as_bytes()).0)
        .map_err(|error| Malformed::invalid("text", format!("is no rulebook: {error}")))?;
    let examples = match request.examples as usize {
        0 => EXAMPLES,
        some if some > EXAMPLES_MAX => {
            let problem = format!("is {some}; at most {EXAMPLES_MAX}");
            return Err(Malformed::invalid("examples", problem));
        }
        some => some,
    };
    Ok(Wanted { rulebook, examples })
}

/// How far a comparison is.
pub fn progress(customers: u64, expected: u64) -> wire::CompareRulebooksResponse {
    response(Part::Progress(wire::ComparisonProgress {
        customers,
        expected,
    }))
}

/// The outcome, message by message; `position` is the newest record that every state compared reflects.
pub fn outcome(
    report: &Report,
    before: &Rulebook,
    after: &Rulebook,
    position: Position,
) -> Vec<wire::CompareRulebooksResponse> {
    let summary = wire::ComparisonSummary {
        before: Some(rulebook_version(&before.name, &before.version)),
        after: Some(rulebook_version(&after.name, &after.version)),
        evaluated_at: Some(timestamp(report.at)),
        position: position.0,
        customers: report.customers,
        changed: report.changed,
        questions: report.questions,
        differences: report.differences.len() as u64,
    };
    let differences = (report.differences.iter())
        .map(|one| response(Part::Difference(difference(one, before, after))));
    std::iter::once(response(Part::Summary(summary)))
        .chain(differences)
        .collect()
}

fn response(part: Part) -> wire::CompareRulebooksResponse {
    wire::CompareRulebooksResponse { part: Some(part) }
}

fn difference(one: &Difference, before: &Rulebook, after: &Rulebook) -> wire::RulebookDifference {
    let asked = &one.asked;
    wire::RulebookDifference {
        ground: asked
            .ground
            .map(|ground| ground.name())
            .unwrap_or_default()
            .to_owned(),
        purposes: asked.purposes.members().map(Listed::number).collect(),
        recipients: asked.recipients.members().map(Listed::number).collect(),
        classes: asked.classes.members().map(Listed::number).collect(),
        not_cpni: asked.not_cpni.members().map(Listed::number).collect(),
        target_categories: asked.targets.iter().map(ToString::to_string).collect(),
        offerings: asked.offerings.clone(),
        verified_by: asked.verified_by.members().map(Listed::number).collect(),
        before: Some(answer(&one.before, before)),
        after: Some(answer(&one.after, after)),
        customers: one.customers,
        examples: one.examples.iter().map(ToString::to_string).collect(),
    }
}

fn answer(verdict: &Verdict, rulebook: &Rulebook) -> wire::ComparedAnswer {
    let reason = |code: &_| bare_reason(*code, rulebook, false);
    wire::ComparedAnswer {
        allowed: verdict.allowed,
        state: verdict.state.number(),
        basis: verdict.basis.map(Listed::number).unwrap_or_default(),
        reasons: verdict.reasons.iter().map(reason).collect(),
    }
}
