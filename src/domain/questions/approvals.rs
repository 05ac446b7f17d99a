//! What makes a grant an approval: notice, evidence, a verified customer, a service, a named scope (P3, P4, F4, R15).

use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::authentication::verification::VerifiedFor;
use crate::domain::consent::word::{Assurance, CitedVerification, Statement};
use crate::domain::event::Event;
use crate::domain::ids::{Position, Token};
use crate::domain::notices::GivenNotice;
use crate::domain::notices::one_call::Contents;
use crate::domain::scope::Scope;
use crate::domain::time::Time;
use crate::domain::vocabulary::{Medium, RecipientKind, Speaker};

pub(super) const WITHOUT_NOTICE: StandingQuestion = StandingQuestion {
    name: "grant-without-notice",
    requirements: "F4, R15",
    clauses: "47 CFR 64.2008(a) to (c)",
    asks: "Which approvals answer no notice that was given to the customer before, covers them and holds each required statement?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let grant = Grant::of(seen)?;
        let Some(cited) = grant.statement.notice else {
            return Some("the approval names no notice".into());
        };
        let notices = seen.before.map(|customer| customer.notices.as_slice());
        let notice = (notices.unwrap_or_default().iter()).find(|one| one.position == cited);
        match notice {
            None => Some(format!(
                "record {cited} is no notice given to this customer before"
            )),
            Some(notice)
                if notice.occurred_at > grant.said_at || notice.recorded_at > grant.said_at =>
            {
                Some(format!(
                    "notice {cited} was given or recorded after the approval was said"
                ))
            }
            Some(notice) if grant.lacks(notice, seen) => Some(format!(
                "notice {cited} isn't known to hold what this approval demands"
            )),
            Some(notice) if !notice.covers.covers_all(grant.scope) => Some(format!(
                "notice {cited} doesn't cover all that was approved"
            )),
            Some(_) => None,
        }
    }),
};

pub(super) const ORAL_WITHOUT_EVIDENCE: StandingQuestion = StandingQuestion {
    name: "oral-grant-without-evidence",
    requirements: "P4, R15",
    clauses: "47 CFR 64.2007(a)(1)",
    asks: "Which oral approvals have no evidence, a digest for a standing and a recording's reference for a one-time one?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let grant = Grant::of(seen)?;
        let statement = grant.statement;
        match grant.call {
            None if statement.medium == Medium::Oral && statement.evidence_digest.is_none() => {
                Some("an oral approval without the digest of its evidence".into())
            }
            Some(_) if statement.evidence_reference.is_none() => {
                Some("a one-time approval without the reference of its recording".into())
            }
            _ => None,
        }
    }),
};

pub(super) const UNVERIFIED_SPEAKER: StandingQuestion = StandingQuestion {
    name: "grant-by-unverified-speaker",
    requirements: "P3, R15, R19",
    clauses: "47 CFR 64.2007(a); CPNI policy, clause 4",
    asks: "Which approvals were spoken by somebody else than the verified account holder or administrative contact?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let grant = Grant::of(seen)?;
        if grant.statement.speaker == Speaker::Other {
            return Some(
                "spoken by neither the account holder nor the administrative contact".into(),
            );
        }
        let statement = grant.statement;
        let wrong = match (statement.verification, &statement.assurance) {
            (None, None) => Some("the speaker was not verified".into()),
            (cited, stated) => cited
                .and_then(|cited| grant.not_carried_by(cited, seen))
                .or_else(|| stated.as_ref().and_then(|one| grant.not_stated(one, seen))),
        };
        if wrong.is_some() {
            return wrong;
        }
        let state = seen.before?.authentication.as_ref()?;
        state
            .is_suspended()
            .then(|| "a lock stood on the account, or a new password or PIN was due".into())
    }),
};

pub(super) const WITHOUT_SERVICE: StandingQuestion = StandingQuestion {
    name: "grant-without-service",
    requirements: "P6, R9, R15",
    clauses: "CPNI policy, clause 2",
    asks: "Which approvals were given while no service was held, or said before the last break?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let grant = Grant::of(seen)?;
        let services = &seen.before?.services;
        let at = seen.placed.recorded_at;
        let held = (services.held.iter())
            .any(|one| one.starts_at <= at && one.ends_at.is_none_or(|end| at < end));
        match held {
            false => Some("no service was held".into()),
            true => (grant.said_at < services.held_since)
                .then(|| "said before the time since which a service is held".into()),
        }
    }),
};

pub(super) const UNNAMED_SCOPE: StandingQuestion = StandingQuestion {
    name: "grant-without-named-scope",
    requirements: "P3, R2, R12",
    clauses: "47 CFR 64.2007(b), 64.2008(c)(2)",
    asks: "Which approvals leave out recipients, classes or purposes, or give to third parties or partners without a name?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let scope = Grant::of(seen)?.scope;
        if scope.recipients.is_empty() || scope.classes.is_empty() || scope.purposes.is_empty() {
            return Some("recipients, classes or purposes are left out".into());
        }
        [
            RecipientKind::ThirdParty,
            RecipientKind::PartnerOrContractor,
        ]
        .into_iter()
        .find(|kind| scope.recipients.kinds.contains(*kind))
        .map(|kind| format!("every {kind} at once, none of them by name"))
    }),
};

pub(super) const LIFTS_NO_BLOCK: StandingQuestion = StandingQuestion {
    name: "denial-lifted-by-another",
    requirements: "P3, P6, R3",
    clauses: "47 CFR 64.2007(a)(2); CPNI policy, clause 2",
    asks: "Which approvals claim to lift what is no earlier block of the same customer?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| {
        let Event::Granted(granted) = seen.placed.event else {
            return None;
        };
        let strange = |block: &&Position| !seen.trail.is_block(**block);
        (granted.lifts.iter()).find(strange).map(|record| {
            format!("lifts record {record}, which is no earlier block of this customer")
        })
    }),
};

/// An approval as its record states it.
struct Grant<'a> {
    scope: &'a Scope,
    statement: &'a Statement,
    said_at: Time,
    /// The call for whose length it is.
    call: Option<Token>,
}

impl<'a> Grant<'a> {
    /// Whether the notice leaves out what such an approval demands (F4, F8).
    fn lacks(&self, notice: &GivenNotice, seen: &Seen<'_>) -> bool {
        match notice.contents {
            Contents::Whole => false,
            Contents::Unknown => true,
            Contents::ForOneCall(one) => {
                let hours = seen.world.rulebook.periods().one_time_hours;
                let recipients = &self.scope.recipients;
                let company = |kind: RecipientKind| kind == RecipientKind::Company;
                let others = !recipients.kinds.members().all(company)
                    || !recipients.named.iter().all(|one| company(one.kind));
                self.call != Some(one.call)
                    || one.answered
                    || self.said_at >= notice.occurred_at.plus_hours(hours)
                    || (others && !one.names_entities)
            }
        }
    }

    fn of(seen: &Seen<'a>) -> Option<Self> {
        let said_at = seen.placed.happened_at();
        match seen.placed.event {
            Event::Granted(granted) => Some(Self {
                scope: &granted.scope,
                statement: &granted.statement,
                said_at,
                call: None,
            }),
            Event::GrantedOnce(granted) => Some(Self {
                scope: &granted.grant.scope,
                statement: &granted.grant.statement,
                said_at,
                call: Some(granted.grant.call),
            }),
            _ => None,
        }
    }

    /// Why the verification that the calling system stated does not carry it.
    fn not_stated(&self, assurance: &Assurance, seen: &Seen<'_>) -> Option<String> {
        let rulebook = seen.world.rulebook;
        let minutes = rulebook.periods().verification_minutes;
        if !rulebook.grant_methods().contains(assurance.method) {
            let method = assurance.method;
            return Some(format!(
                "verified by {method}, which is not enough for a grant"
            ));
        }
        (assurance.at > self.said_at || self.said_at >= assurance.at.plus_minutes(minutes))
            .then(|| "the verification did not stand when the approval was said".into())
    }

    /// Why the verification on record that it cites does not carry it.
    fn not_carried_by(&self, cited: CitedVerification, seen: &Seen<'_>) -> Option<String> {
        let CitedVerification { record, call } = cited;
        let known = seen
            .before
            .and_then(|before| before.authentication.as_ref());
        let known = known.into_iter().flat_map(|state| &state.verifications);
        let Some(one) = known.into_iter().find(|one| one.position == record) else {
            return Some(format!("record {record} is no verification that stood"));
        };
        let of_call = one.call == call && self.call.is_none_or(|once| once == call);
        if !of_call || one.purpose != VerifiedFor::AccountChanges {
            return Some(format!(
                "verification {record} was of another call or purpose"
            ));
        }
        let (rulebook, at) = (seen.world.rulebook, seen.placed.recorded_at);
        let carries = one.carries_grant(self.statement.speaker, self.said_at, rulebook)
            && (seen.before).is_some_and(|customer| one.is_good(customer, at, rulebook));
        (!carries).then(|| {
            format!("verification {record} did not carry a grant of that speaker when it was said")
        })
    }
}
