//! The versions of the policy (P16; CPNI policy, clause 5).

use super::{Kind, Look, StandingQuestion};
use crate::domain::company::CompanyEvent;
use crate::domain::company::policies::PolicyEvent;

pub(super) const IN_FORCE_BEFORE_POSTED: StandingQuestion = StandingQuestion {
    name: "policy-in-force-before-posted",
    requirements: "P16, R23",
    clauses: "CPNI policy, clause 5",
    asks: "Which versions of the policy took force before they were posted?",
    kind: Kind::Rule,
    look: Look::Company(|seen| {
        let CompanyEvent::Policies(PolicyEvent::Published(published)) = seen.placed.event else {
            return None;
        };
        (published.effective_at < published.posting.posted_at).then(|| {
            format!(
                "version {} took force before it was posted",
                published.version
            )
        })
    }),
};
