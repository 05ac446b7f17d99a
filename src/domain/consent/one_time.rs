//! One-time approvals: for the length of a call (F8, R11, 64.2008(f)).

use super::conditions::Grant;
use super::evidence;
use super::precedence::later;
use super::word::{CallEnded, EndCall, GrantOnce, GrantedOnce, OneTime, Said, Word};
use crate::domain::company::standing::Standing;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::Token;
use crate::domain::notices::one_call::answer;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::scope::{CellRef, Scope};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClasses, Medium};

/// One-time approvals open at once.
pub const OPEN_MAX: usize = 8;
/// Ended calls that a customer's state keeps: the newest.
pub const ENDED_CALLS_MAX: usize = 16;

/// Events of a one-time approval.
pub(in crate::domain) fn decide(
    customer: &Customer,
    command: &GrantOnce,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let statement = &command.statement;
    if statement.medium != Medium::Oral {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "statement.medium",
            format!("a one-time approval is oral, not {}", statement.medium),
        ));
    }
    if command.scope.classes == CpniClasses::ALL {
        return Err(Refusal::new(
            RefusalCode::ScopeRequired,
            "scope.classes",
            "a one-time approval names its classes one by one",
        ));
    }
    let grant = Grant {
        scope: &command.scope,
        statement,
        field: "scope",
        call: Some(command.call),
    };
    grant.require(customer, context)?;
    let reference = statement.evidence_reference.as_ref();
    if reference.is_none_or(|reference| reference.expose().trim().is_empty()) {
        return Err(Refusal::new(
            RefusalCode::EvidenceRequired,
            "statement.evidence_reference",
            "a one-time approval needs the reference of the call's recording",
        ));
    }
    let said_at = context.occurred_at.unwrap_or(context.now);
    let ends_at = said_at.plus_hours(context.rulebook.periods().one_time_hours);
    require_open_call(customer, command, ends_at, context)?;
    let evidence_due_by = match statement.evidence_digest {
        Some(_) => None,
        None => Some(evidence::owed_by(customer, said_at, context)?),
    };
    let mut grant = command.clone();
    grant.scope = grant.scope.in_order();
    Ok(vec![Event::GrantedOnce(GrantedOnce {
        grant,
        ends_at,
        evidence_due_by,
    })])
}

fn require_open_call(
    customer: &Customer,
    command: &GrantOnce,
    ends_at: Time,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let refuse = |code, why: String| Err(Refusal::new(code, "call", why));
    if customer.ended_calls.contains(&command.call) || ends_at <= context.now {
        let why = "the call has ended; an approval given in it can't be used any more";
        return refuse(RefusalCode::Call, why.into());
    }
    if let Some(block) = block_after(customer, &command.scope, context) {
        let why = format!(
            "block {} was said after the approval and ends it; ask the customer again",
            block.position
        );
        return refuse(RefusalCode::Call, why);
    }
    let open = (customer.one_time.iter()).filter(|one| one.ends_at > context.now);
    if open.count() >= OPEN_MAX {
        let why = format!("{OPEN_MAX} one-time approvals are open; record the end of a call first");
        return refuse(RefusalCode::Limit, why);
    }
    Ok(())
}

/// A block that touches the scope and wasn't said before the approval, although it was recorded before (R11).
fn block_after<'a>(
    customer: &'a Customer,
    scope: &'a Scope,
    context: &Context<'_>,
) -> Option<&'a Word> {
    let approval = Word {
        position: context.position,
        command: context.position,
        recorded_at: context.now,
        occurred_at: context.occurred_at,
        witnessed: true,
        said: Said::Grant {
            scope: scope.clone(),
            lifts: Box::default(),
        },
        repeats: Box::default(),
        widened: false,
    };
    customer.words.iter().find(|word| match &word.said {
        Said::Block(block) => !later(&approval, word) && block.some_cell_of(scope, |_| true),
        Said::Grant { .. } => false,
    })
}

/// Events of a call's end. A call in which nothing was approved may end too, and an end may be told twice.
pub(in crate::domain) fn decide_end(command: &EndCall) -> Vec<Event> {
    vec![Event::CallEnded(CallEnded { call: command.call })]
}

/// The customer after a one-time approval.
pub(in crate::domain) fn evolve(
    customer: &mut Customer,
    granted: &GrantedOnce,
    placed: &Placed<'_>,
) {
    evidence::owe(customer, &placed.of(granted));
    answer(&mut customer.notices, granted.grant.statement.notice);
    customer.one_time.push(OneTime {
        position: placed.position,
        call: granted.grant.call,
        scope: granted.grant.scope.clone(),
        ends_at: granted.ends_at,
    });
}

/// The customer after a call's end.
pub(in crate::domain) fn evolve_end(customer: &mut Customer, ended: &CallEnded) {
    (customer.one_time).retain(|approval| approval.call != ended.call);
    if let Some(state) = &mut customer.authentication {
        state.end_call(ended.call);
    }
    customer.ended_calls.retain(|call| *call != ended.call);
    customer.ended_calls.push(ended.call);
    if customer.ended_calls.len() > ENDED_CALLS_MAX {
        customer.ended_calls.remove(0);
    }
}

/// The approval given in this call for the cell, while it can still be used.
pub(in crate::domain) fn approval<'a>(
    customer: &'a Customer,
    call: Option<Token>,
    cell: CellRef<'_>,
    standing: &Standing<'_>,
    at: Time,
) -> Option<&'a OneTime> {
    let call = call?;
    let usable = |one: &&OneTime| {
        one.call == call
            && at < one.ends_at
            && one.position >= customer.services.grants_end_before
            && one.scope.covers(cell)
            && standing.holds_since_record(one.position)
    };
    if customer.services.lapsed(at) {
        return None;
    }
    customer.one_time.iter().rev().find(usable)
}
