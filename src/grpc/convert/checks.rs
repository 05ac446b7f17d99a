//! Checks: single ones and those of a stream (C3).

use std::sync::Arc;

use super::past::{Moment, moment};
use super::questions::question;
use super::rulings::Detail;
use super::{Malformed, Tokens, values};
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
    /// How much the answer says.
    pub detail: Detail,
    /// The past moment that it is asked for; none: now.
    pub moment: Option<Moment>,
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
        detail: match given.brief {
            true => Detail::Brief,
            false => Detail::with(!given.omit_clause_texts),
        },
        moment: moment(given.as_of.as_ref(), given.hindsight)?,
    })
}

/// Whether this release answers everything that the check asks for.
///
/// # Errors
/// Names the field that it doesn't answer.
pub fn answerable(given: &wire::CheckUseRequest) -> Result<(), Malformed> {
    match given.receipt {
        true => Err(Malformed::not_yet("receipt")),
        false => Ok(()),
    }
}

/// A ruling that is put on record is one of now, and is answered whole.
///
/// # Errors
/// Names the field that asks for something else.
pub fn only_now_and_whole(given: &wire::CheckUseRequest) -> Result<(), Malformed> {
    let unset = |field: &str| Err(Malformed::invalid(field, "must be unset with `record`"));
    match given {
        wire::CheckUseRequest { as_of: Some(_), .. } => unset("as_of"),
        wire::CheckUseRequest {
            hindsight: true, ..
        } => unset("hindsight"),
        wire::CheckUseRequest { brief: true, .. } => unset("brief"),
        _ => Ok(()),
    }
}

/// What is asked about each customer of a stream until something else is.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The question.
    pub question: Question,
    /// How much the answers say.
    pub detail: Detail,
}

/// Takes the next request of a stream: its customer and moment, and into `standing` its question where it has one.
///
/// # Errors
/// Names the field that is wrong, or that this release doesn't answer. A malformed question leaves none standing, so
/// that no customer after it is answered by the one before.
pub fn next_of_stream(
    given: wire::BulkCheckUseRequest,
    standing: &mut Option<Arc<Standing>>,
    first: bool,
    tokens: Tokens<'_>,
) -> Result<(SubjectRef, Option<Moment>), Malformed> {
    if let Some(asked) = given.question {
        *standing = None;
        let detail = match (given.brief, given.clause_texts) {
            (true, true) => {
                let rule = "must be unset with `brief`";
                return Err(Malformed::invalid("clause_texts", rule));
            }
            (true, false) => Detail::Brief,
            (false, texts) => Detail::with(texts),
        };
        let question = question(Some(asked), tokens)?;
        *standing = Some(Arc::new(Standing { question, detail }));
    } else {
        for (set, field) in [(given.clause_texts, "clause_texts"), (given.brief, "brief")] {
            if set {
                return Err(Malformed::invalid(field, "must come with a question"));
            }
        }
    }
    if !first && given.min_position != 0 {
        return Err(Malformed::invalid(
            "min_position",
            "must be in the first request only",
        ));
    }
    let moment = moment(given.as_of.as_ref(), given.hindsight)?;
    if standing.is_none() {
        return Err(Malformed::missing("question"));
    }
    Ok((values::customer(given.customer)?, moment))
}
