//! Checks: single ones and those of a stream (C3).

use super::questions::question;
use super::{Malformed, Tokens, Within, values};
use crate::domain::ids::Position;
use crate::domain::question::Question;
use crate::proto::v1 as wire;
use crate::sequencer::SubjectRef;

/// A check as the engine takes it.
#[derive(Clone, Debug)]
pub struct Check {
    /// The customer.
    pub customer: SubjectRef,
    /// The question.
    pub question: Question,
    /// The answer must reflect that record; 0: whatever is there.
    pub min_position: Position,
    /// Whether clauses come with their texts.
    pub texts: bool,
}

/// A single check that leaves no record.
///
/// # Errors
/// Names the field that is wrong, or that this release doesn't answer.
pub fn check(given: wire::CheckUseRequest, tokens: Tokens<'_>) -> Result<Check, Malformed> {
    answerable(&given)?;
    if given.header.is_some() {
        return Err(Malformed::invalid(
            "header",
            "must be unset without `record`",
        ));
    }
    Ok(Check {
        customer: values::customer(given.customer)?,
        question: question(given.question, tokens)?,
        min_position: Position(given.min_position),
        texts: !given.omit_clause_texts,
    })
}

/// Whether this release answers everything that the check asks for.
///
/// # Errors
/// Names the field that it doesn't answer, or that is malformed.
pub fn answerable(given: &wire::CheckUseRequest) -> Result<(), Malformed> {
    only_now(given.as_of.as_ref(), given.hindsight)?;
    if given.receipt {
        return Err(Malformed::not_yet("receipt"));
    }
    Ok(())
}

fn only_now(as_of: Option<&wire::AsOf>, hindsight: bool) -> Result<(), Malformed> {
    if let Some(as_of) = as_of {
        moment(as_of).within("as_of")?;
        return Err(Malformed::not_yet("as_of"));
    }
    if hindsight {
        return Err(Malformed::not_yet("hindsight"));
    }
    Ok(())
}

fn moment(as_of: &wire::AsOf) -> Result<(), Malformed> {
    match &as_of.moment {
        None => Err(Malformed::invalid("", "must be a time or a position")),
        Some(wire::as_of::Moment::Time(at)) => values::time("time", at).map(|_| ()),
        Some(wire::as_of::Moment::Position(_)) => Ok(()),
    }
}

/// What is asked about each customer of a stream until something else is.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The question.
    pub question: Question,
    /// Whether clauses come with their texts.
    pub texts: bool,
}

/// Takes the next request of a stream: its customer, and into `standing` its question where it has one.
///
/// # Errors
/// Names the field that is wrong, or that this release doesn't answer. A malformed question leaves none standing, so
/// that no customer after it is answered by the one before.
pub fn next_of_stream(
    given: wire::BulkCheckUseRequest,
    standing: &mut Option<Standing>,
    first: bool,
    tokens: Tokens<'_>,
) -> Result<SubjectRef, Malformed> {
    if let Some(asked) = given.question {
        *standing = None;
        let question = question(Some(asked), tokens)?;
        *standing = Some(Standing {
            question,
            texts: given.clause_texts,
        });
    } else if given.clause_texts {
        return Err(Malformed::invalid(
            "clause_texts",
            "must come with a question",
        ));
    }
    if !first && given.min_position != 0 {
        return Err(Malformed::invalid(
            "min_position",
            "must be in the first request only",
        ));
    }
    only_now(given.as_of.as_ref(), given.hindsight)?;
    if standing.is_none() {
        return Err(Malformed::missing("question"));
    }
    values::customer(given.customer)
}
