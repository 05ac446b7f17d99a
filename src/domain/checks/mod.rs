//! Questions and their answers (C3, C9, R1, R18, R20).

mod answer;
mod approval;
mod held;
pub mod question;
pub mod rule;
pub mod ruling;
#[cfg(test)]
mod tests;

use super::customer::{Context, Customer};
use super::disclosures::require_askable;
use super::event::{Event, RulingRecorded};
use super::refusal::Refusal;
use question::Question;

/// The event of a ruling that the caller wants on record (C3).
pub(super) fn decide(
    customer: &Customer,
    question: &Question,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    require_askable(question)?;
    let ruling = rule::rule(Some(customer), context.world(), question, context.now);
    Ok(vec![Event::RulingRecorded(RulingRecorded {
        question: question.clone(),
        ruling,
    })])
}
