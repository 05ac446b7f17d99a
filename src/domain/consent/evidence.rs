//! The digest of a one-time approval's recording, which may be supplied after the call (P4, R11).
//!
//! The approval names its recording at once; the recording itself often lies elsewhere by then. Its digest is due by a day
//! that the approval's record fixes. Supplied late it is taken all the same, and shown as late: the burden of proof is the
//! company's (64.2007(a)(1)).

use serde::{Deserialize, Serialize};

use super::word::GrantedOnce;
use crate::domain::calendar;
use crate::domain::company::register::Step;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;

/// Digests that may be owed at once. Beyond them no one-time approval is taken without its digest.
pub const OWED_MAX: usize = 64;
/// Digests supplied after the call that a customer's state keeps: the newest.
pub const SUPPLIED_MAX: usize = 16;

/// Supplies the digest of a one-time approval's recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SupplyEvidence {
    /// The record of the approval.
    pub approval: Position,
    /// SHA-256 of the recording.
    pub evidence_digest: Sha256Digest,
}

/// The digest of a one-time approval's recording was supplied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceSupplied {
    /// The record of the approval.
    pub approval: Position,
    /// SHA-256 of the recording.
    pub evidence_digest: Sha256Digest,
    /// The last instant at which it was in time.
    pub due_by: Time,
}

/// What the ledger knows of digests that came after their call, or are owed; few customers have any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// Those that are owed, oldest first, bounded.
    owed: Vec<EvidenceOwed>,
    /// Those that were supplied after the call, oldest first, bounded.
    supplied: Vec<SuppliedLater>,
}

/// A digest that is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceOwed {
    /// The record of the approval.
    pub approval: Position,
    /// When the approval was given.
    pub since: Time,
    /// The last instant at which it is in time; none: the record is of a release that fixed none.
    due_by: Option<Time>,
}

/// A digest that was supplied after the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuppliedLater {
    /// What was owed.
    pub owed: EvidenceOwed,
    /// The last instant at which it was in time.
    pub due_by: Time,
    /// The record that supplied it, and when it was made.
    pub done: Step,
}

impl Evidence {
    /// The digests that are owed, oldest first.
    pub fn owed(&self) -> &[EvidenceOwed] {
        &self.owed
    }

    /// Those that were supplied after the call, oldest first.
    pub fn supplied(&self) -> &[SuppliedLater] {
        &self.supplied
    }
}

impl EvidenceOwed {
    /// The last instant at which it is in time, where the approval's record fixes it.
    pub fn fixed(&self) -> Option<Time> {
        self.due_by
    }

    /// The same, or where the record fixes none, by that rulebook.
    pub fn due_by(&self, rulebook: &Rulebook) -> Time {
        self.due_by.unwrap_or_else(|| due_by(self.since, rulebook))
    }
}

/// The end of the last day for the digest of an approval that was given then: its own day is day 0 (R17).
fn due_by(given_at: Time, rulebook: &Rulebook) -> Time {
    let days = rulebook.periods().one_time_evidence_days;
    calendar::days_after_in(given_at, days, rulebook.time_zone())
}

/// By when the digest is due of an approval that is given now without it.
///
/// # Errors
/// When as many are owed as the ledger keeps.
pub(super) fn owed_by(
    customer: &Customer,
    given_at: Time,
    context: &Context<'_>,
) -> Result<Time, Refusal> {
    let owed = (customer.evidence.as_ref()).map_or(0, |evidence| evidence.owed.len());
    if owed >= OWED_MAX {
        return Err(Refusal::new(
            RefusalCode::Limit,
            "statement.evidence_digest",
            format!(
                "{OWED_MAX} one-time approvals lack the digest of their recording; supply some, or give this one's at once"
            ),
        ));
    }
    Ok(due_by(given_at, context.rulebook))
}

/// Events of supplying a digest.
pub(in crate::domain) fn decide(
    customer: &Customer,
    command: &SupplyEvidence,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let owed = (customer.evidence.as_ref()).and_then(|evidence| {
        let mut owed = evidence.owed.iter();
        owed.find(|owed| owed.approval == command.approval)
    });
    let Some(owed) = owed else {
        return Err(Refusal::new(
            RefusalCode::EvidenceState,
            "approval",
            format!(
                "record {} owes no digest: it is no one-time approval of this customer's, or its digest was given already",
                command.approval
            ),
        ));
    };
    let supplied = EvidenceSupplied {
        approval: owed.approval,
        evidence_digest: command.evidence_digest,
        due_by: owed.due_by(context.rulebook),
    };
    Ok(vec![Event::EvidenceSupplied(supplied)])
}

/// The customer after a one-time approval: where it came without its digest, that is owed.
pub(super) fn owe(customer: &mut Customer, placed: &Placed<'_, GrantedOnce>) {
    if placed.event.grant.statement.evidence_digest.is_some() {
        return;
    }
    let evidence = customer.evidence.get_or_insert_default();
    evidence.owed.push(EvidenceOwed {
        approval: placed.position,
        since: placed.happened_at(),
        due_by: placed.event.evidence_due_by,
    });
    // Records of releases that counted none may hold more.
    if evidence.owed.len() > OWED_MAX {
        evidence.owed.remove(0);
    }
}

/// The customer after a digest was supplied.
pub(in crate::domain) fn follow(customer: &mut Customer, placed: &Placed<'_, EvidenceSupplied>) {
    let supplied = placed.event;
    let Some(evidence) = &mut customer.evidence else {
        return;
    };
    let mut owed = evidence.owed.iter();
    let Some(index) = owed.position(|owed| owed.approval == supplied.approval) else {
        return;
    };
    let owed = evidence.owed.remove(index);
    evidence.supplied.push(SuppliedLater {
        owed,
        due_by: supplied.due_by,
        // In time is what was on record in time: a caller's word can't backdate it.
        done: Step {
            position: placed.position,
            at: placed.recorded_at,
        },
    });
    if evidence.supplied.len() > SUPPLIED_MAX {
        evidence.supplied.remove(0);
    }
}
