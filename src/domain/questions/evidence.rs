//! The digests of one-time approvals' recordings: owed after the call, and supplied in time (P4, F19, R11).

use super::{Ended, Kind, Look, StandingQuestion};
use crate::domain::event::Event;

const CLAUSES: &str = "47 CFR 64.2007(a)(1)";

pub(super) const NOT_OWED: StandingQuestion = StandingQuestion {
    name: "evidence-not-owed",
    requirements: "P4, R11",
    clauses: CLAUSES,
    asks: "Which digests were supplied for an approval that owed none, or with another day than it was due by?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::EvidenceSupplied(supplied) = seen.placed.event else {
            return None;
        };
        let evidence = seen.before.and_then(|one| one.evidence.as_deref());
        let owed = evidence.map(|one| one.owed()).unwrap_or_default();
        let Some(owed) = owed.iter().find(|one| one.approval == supplied.approval) else {
            return Some(format!("record {} owed no digest", supplied.approval));
        };
        let due_by = owed.due_by(seen.world.rulebook);
        (due_by != supplied.due_by).then(|| format!("it was due by {due_by}"))
    }),
};

pub(super) const LATE: StandingQuestion = StandingQuestion {
    name: "evidence-supplied-late",
    requirements: "P4, F19, R11",
    clauses: CLAUSES,
    asks: "Which digests of one-time approvals' recordings were supplied later than they had to be?",
    kind: Kind::Duty,
    look: Look::Customer(|seen| {
        let Event::EvidenceSupplied(supplied) = seen.placed.event else {
            return None;
        };
        (seen.placed.recorded_at > supplied.due_by)
            .then(|| format!("it was due by {}", supplied.due_by))
    }),
};

pub(super) const MISSING: StandingQuestion = StandingQuestion {
    name: "evidence-not-supplied",
    requirements: "P4, F19, R11",
    clauses: CLAUSES,
    asks: "Which one-time approvals lack the digest of their recording, though it had to be supplied by now?",
    kind: Kind::Duty,
    look: Look::Ended(|ended: &Ended<'_>| {
        let evidence = ended.customer.evidence.as_deref()?;
        let late = (evidence.owed().iter())
            .find_map(|owed| Some((owed.approval, owed.fixed()?)))
            .filter(|(_, due_by)| *due_by < ended.at);
        late.map(|(approval, due_by)| (approval, format!("its digest was due by {due_by}")))
    }),
};
