//! What a notice holds, and which approvals answer it; an oral one for one call may leave something out (F4, F8,
//! 64.2008(f)(2)).

use serde::{Deserialize, Serialize};

use super::{GiveNotice, GivenNotice, NoticeGiven, Shown};
use crate::domain::company::templates::{Statement, Statements, lacking, lacking_for_one_call};
use crate::domain::ids::{Position, Token};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, RecipientKind, RecipientKinds};

/// What a given notice is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Not each required statement, as far as is known: nothing answers it.
    Unknown,
    /// Oral, with what an approval for one call demands, and no more (64.2008(f)(2)).
    ForOneCall(OneCall),
    /// Each required statement (64.2008(c)).
    Whole,
}

/// What a notice for one call is good for: one approval in that call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OneCall {
    /// The call in which it was given.
    pub call: Token,
    /// Whether it names who receives CPNI besides the company.
    pub names_entities: bool,
    /// Whether an approval has answered it. It asked for one limited use, and another one needs another notice.
    pub answered: bool,
}

impl Contents {
    /// What the record shows of it.
    pub fn of(given: &NoticeGiven) -> Self {
        let form = given.notice.form;
        match given.shown {
            None => Self::Unknown,
            Some(Shown::Template(_)) => Self::Whole,
            Some(Shown::Statements(found)) if !lacks_some(found, form) => Self::Whole,
            Some(Shown::Statements(found)) if is_for_one_call(found, form) => {
                given.call.map_or(Self::Unknown, |call| {
                    Self::ForOneCall(OneCall {
                        call,
                        names_entities: found.contains(Statement::Entities),
                        answered: false,
                    })
                })
            }
            Some(Shown::Statements(_)) => Self::Unknown,
        }
    }
}

impl GivenNotice {
    /// Whether it holds each required statement, so that a standing grant can answer it.
    pub fn is_whole(&self) -> bool {
        self.contents == Contents::Whole
    }

    /// Whether it leaves out what only an approval for its call may do without.
    pub fn is_for_one_call(&self) -> bool {
        matches!(self.contents, Contents::ForOneCall(_))
    }

    /// Why an approval in `call`, said at `said_at`, can't answer the notice; `None`: it can. What a shortened notice
    /// leaves out is no part of the approval, and it was for one use in its own call, which lasts `hours` at most.
    pub fn unfit_for_one_call(
        &self,
        call: Token,
        scope: &Scope,
        said_at: Time,
        hours: u32,
    ) -> Option<&'static str> {
        match self.contents {
            Contents::Whole => None,
            Contents::Unknown => Some("is not known to hold each required statement (64.2008(c))"),
            Contents::ForOneCall(one) => {
                if call != one.call {
                    Some("was for another call only (64.2008(f)(2))")
                } else if said_at >= self.occurred_at.plus_hours(hours) {
                    Some("was for one call only, which is over (64.2008(f)(2))")
                } else if one.answered {
                    Some("was for one approval, which was given (64.2008(f)(2))")
                } else if !one.names_entities && !is_for_the_company(scope) {
                    Some(
                        "names nobody besides the company who would receive it (64.2008(f)(2)(ii))",
                    )
                } else {
                    None
                }
            }
        }
    }
}

/// Refuses a notice that leaves out what only an approval in its call may do without, and doesn't say in which call it was
/// given.
pub(super) fn require_call(command: &GiveNotice) -> Result<(), Refusal> {
    let form = command.notice.form;
    let is_shortened = |found| lacks_some(found, form) && is_for_one_call(found, form);
    if command.call.is_some() || !command.statements.is_some_and(is_shortened) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::Invalid,
        "call",
        "the notice leaves out what only an approval in its call may do without (64.2008(f)(2)); name the call",
    ))
}

/// The notices after a one-time approval that answers the one at `cited`.
pub(in crate::domain) fn answer(notices: &mut [GivenNotice], cited: Option<Position>) {
    let answered = (notices.iter_mut()).find(|notice| Some(notice.position) == cited);
    if let Some(Contents::ForOneCall(one)) = answered.map(|notice| &mut notice.contents) {
        one.answered = true;
    }
}

fn lacks_some(found: Statements, form: Medium) -> bool {
    lacking(found, form, false).next().is_some()
}

/// Whether what was found is enough for an approval in the notice's own call.
fn is_for_one_call(found: Statements, form: Medium) -> bool {
    form == Medium::Oral && lacking_for_one_call(found).next().is_none()
}

/// Whether nobody but the company uses what is approved.
fn is_for_the_company(scope: &Scope) -> bool {
    let recipients = &scope.recipients;
    let named = recipients.named.iter();
    let named = named.fold(recipients.kinds, |kinds, one| kinds.with(one.kind));
    named == RecipientKinds::of(RecipientKind::Company)
}
