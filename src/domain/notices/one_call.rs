//! What a notice holds, and which approvals answer it; an oral one for one call may leave something out (F4, F8,
//! 64.2008(f)(2)).

use serde::{Deserialize, Serialize};

use super::{GivenNotice, NoticeGiven, Shown};
use crate::domain::company::templates::{Statement, lacking, lacking_for_one_call};
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, RecipientKind, RecipientKinds};

/// What a given notice is known to hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contents {
    /// Not each required statement, as far as is known: nothing answers it.
    Unknown,
    /// Oral, with what an approval for one call demands, and no more (64.2008(f)(2)).
    ForOneCall {
        /// Whether it names who receives CPNI besides the company.
        names_entities: bool,
    },
    /// Each required statement (64.2008(c)).
    Whole,
}

impl Contents {
    /// What the record shows of it.
    pub fn of(given: &NoticeGiven) -> Self {
        let form = given.notice.form;
        match given.shown {
            None => Self::Unknown,
            Some(Shown::Template(_)) => Self::Whole,
            Some(Shown::Statements(found)) if lacking(found, form, false).next().is_none() => {
                Self::Whole
            }
            Some(Shown::Statements(found))
                if form == Medium::Oral && lacking_for_one_call(found).next().is_none() =>
            {
                Self::ForOneCall {
                    names_entities: found.contains(Statement::Entities),
                }
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
        matches!(self.contents, Contents::ForOneCall { .. })
    }

    /// Why an approval for one call, said at `said_at`, can't answer the notice; `None`: it can. What a shortened notice
    /// leaves out is no part of the approval, and it was for a call that lasts `hours` at most.
    pub fn unfit_for_one_call(
        &self,
        scope: &Scope,
        said_at: Time,
        hours: u32,
    ) -> Option<&'static str> {
        match self.contents {
            Contents::Whole => None,
            Contents::Unknown => Some("is not known to hold each required statement (64.2008(c))"),
            Contents::ForOneCall { names_entities } => {
                if said_at >= self.occurred_at.plus_hours(hours) {
                    Some("was for one call only, which is over (64.2008(f)(2))")
                } else if !names_entities && !is_for_the_company(scope) {
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

/// Whether nobody but the company uses what is approved.
fn is_for_the_company(scope: &Scope) -> bool {
    let recipients = &scope.recipients;
    let named = recipients.named.iter();
    let named = named.fold(recipients.kinds, |kinds, one| kinds.with(one.kind));
    named == RecipientKinds::of(RecipientKind::Company)
}
