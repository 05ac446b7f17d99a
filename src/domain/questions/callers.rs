//! Who was told about an account, and how they were known (P11, P13, F14, R19, R22; 64.2010(a)–(d)).

use super::{Kind, Look, Seen, StandingQuestion};
use crate::domain::authentication::of_record::ReachKind;
use crate::domain::authentication::telling::Telling;
use crate::domain::authentication::verification::{Caller, Verification, VerifiedBy, VerifiedFor};
use crate::domain::consent::word::Assurance;
use crate::domain::disclosures::Ground;
use crate::domain::event::Event;
use crate::domain::ids::{Position, Token};
use crate::domain::question::Question;
use crate::domain::vocabulary::{AssuranceMethod, CpniClass, RecipientKind};

pub(super) const TOLD_UNVERIFIED: StandingQuestion = StandingQuestion {
    name: "told-without-verification",
    requirements: "P7, P9, P11, P13, R19",
    clauses: "CPNI policy, clause 4; 47 CFR 64.2010(a)",
    asks: "Which disclosures to the customer or a contact were made without a verification that stood?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::DisclosureMade(made) => told_unverified(seen, &made.question),
        _ => None,
    }),
};

pub(super) const CALL_DETAIL_UNFIT_METHOD: StandingQuestion = StandingQuestion {
    name: "call-detail-by-unfit-method",
    requirements: "F14, R19, R22",
    clauses: "47 CFR 64.2010(b)-(d)",
    asks: "Which call details were given to somebody verified in a way that does not open them, such as by a prompted password?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::DisclosureMade(made) => call_detail_unfit(seen, &made.question),
        _ => None,
    }),
};

pub(super) const MAILED_ELSEWHERE: StandingQuestion = StandingQuestion {
    name: "mailed-to-no-address-of-record",
    requirements: "F14, R19",
    clauses: "47 CFR 64.2003, 64.2010(b)",
    asks: "Which disclosures were mailed to an address that was not of record, or to another than the customer?",
    kind: Kind::Rule,
    look: Look::Customer(|seen| match seen.placed.event {
        Event::DisclosureMade(made) => mailed_elsewhere(seen, &made.question),
        _ => None,
    }),
};

/// How the person was known who was told about the account; `None`: nobody was told. Who is told on the customer's
/// written request is named in it.
fn telling(question: &Question) -> Option<Option<&Telling>> {
    let person = matches!(
        question.recipient,
        RecipientKind::Customer | RecipientKind::AuthorizedContact
    );
    let written = matches!(question.ground, Some(Ground::WrittenRequest { .. }));
    (person && !written).then(|| question.ground.as_ref().and_then(Ground::telling))
}

fn is_call_detail(question: &Question) -> bool {
    question.asked_classes().contains(CpniClass::CallDetail)
}

/// What a telling lacks: a verification, of this call, that stands.
pub(super) fn told_unverified(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let telling = telling(question)?;
    // What is mailed has a question of its own, and nothing stops it.
    if matches!(telling, Some(Telling::Mailed { .. })) {
        return None;
    }
    let customer = seen.before?;
    if (customer.authentication.as_ref()).is_some_and(|state| state.is_suspended()) {
        return Some("a lock stood on the account, or a new password or PIN was due".into());
    }
    let ended = |call| customer.ended_calls.contains(&call);
    if question.call.is_some_and(ended) {
        return Some("the call of the verification had ended".into());
    }
    match telling {
        Some(Telling::OnRecord { record, .. }) => match on_record(seen, *record) {
            None => Some(format!("record {record} is no verification that stood")),
            Some(one) => carries_not(seen, question, one),
        },
        Some(Telling::Stated(assurance)) => stated(seen, question, assurance),
        Some(Telling::Mailed { .. }) | None => Some("nobody was verified".into()),
    }
}

/// The verification of that record, as far as the state still knows it: ended ones are forgotten.
fn on_record<'a>(seen: &Seen<'a>, record: Position) -> Option<&'a Verification> {
    let state = seen.before?.authentication.as_ref()?;
    (state.verifications.iter()).find(|one| one.position == record)
}

/// Why a verification on record does not carry the telling.
fn carries_not(seen: &Seen<'_>, question: &Question, one: &Verification) -> Option<String> {
    let record = one.position;
    if question.call != Some(one.call) {
        return Some(format!("verification {record} was of another call"));
    }
    if seen.placed.recorded_at >= one.ends_at {
        return Some(format!("verification {record} was over"));
    }
    let told = match one.caller {
        Caller::AccountHolder => RecipientKind::Customer,
        Caller::Contact(_) => RecipientKind::AuthorizedContact,
    };
    let purpose = match question.ground {
        Some(Ground::Service { .. }) => VerifiedFor::TechnicalSupport,
        _ => VerifiedFor::AccountInformation,
    };
    if told != question.recipient || purpose != one.purpose {
        return Some(format!(
            "verification {record} was of another caller or purpose"
        ));
    }
    let permitted = |person: Token| {
        let contacts = seen.before.and_then(|customer| customer.contacts.as_ref());
        contacts.is_some_and(|list| list.permits(person, one.purpose.permission()))
    };
    (one.caller.person().is_some_and(|person| !permitted(person)))
        .then(|| format!("the account's list did not permit the contact of verification {record}"))
}

/// Why a verification that the calling system stated does not carry the telling.
fn stated(seen: &Seen<'_>, question: &Question, assurance: &Assurance) -> Option<String> {
    let (at, rulebook) = (seen.placed.recorded_at, seen.world.rulebook);
    if !rulebook.authentication().stated_verifications {
        return Some("the rulebook takes no verification that is only stated".into());
    }
    let listed = (seen.before.and_then(|customer| customer.contacts.as_ref()))
        .is_some_and(|list| list.is_listed());
    if listed && question.recipient == RecipientKind::AuthorizedContact {
        return Some("a stated verification does not say which contact of the list it was".into());
    }
    let minutes = rulebook.periods().verification_minutes;
    if at < assurance.at || assurance.at.plus_minutes(minutes) <= at {
        return Some(format!(
            "the verification was not of the {minutes} min before"
        ));
    }
    // Call detail has a question of its own about the method.
    (!is_call_detail(question) && !rulebook.live_methods().contains(assurance.method))
        .then(|| format!("verified by {}, which opens nothing live", assurance.method))
}

/// A way of verification that does not open call detail.
pub(super) fn call_detail_unfit(seen: &Seen<'_>, question: &Question) -> Option<String> {
    if !is_call_detail(question) {
        return None;
    }
    match telling(question)?? {
        Telling::Stated(assurance) => {
            let method = assurance.method;
            // The statement can't say that nothing prompted the password (64.2010(b)).
            let fits = method != AssuranceMethod::Password
                && seen.world.rulebook.live_methods().contains(method);
            (!fits).then(|| format!("verified by {method}, which does not open call detail"))
        }
        Telling::OnRecord {
            record,
            cited_by_caller,
        } => {
            let one = on_record(seen, *record)?;
            let prompted = one.by == VerifiedBy::Password && one.prompted;
            (prompted && !cited_by_caller).then(|| {
                format!("the password of verification {record} was prompted by biographical or account information")
            })
        }
        Telling::Mailed { .. } => None,
    }
}

/// What is wrong with where a disclosure was mailed.
pub(super) fn mailed_elsewhere(seen: &Seen<'_>, question: &Question) -> Option<String> {
    let Telling::Mailed { address } = telling(question)?? else {
        return None;
    };
    if question.recipient != RecipientKind::Customer {
        return Some(format!("mailed to {}", question.recipient));
    }
    let (at, days) = (
        seen.placed.recorded_at,
        seen.world.rulebook.authentication().of_record_days,
    );
    let known = (seen.before?.authentication.iter()).flat_map(|state| &state.of_record);
    let of_record = known
        .filter(|one| one.reach.kind != ReachKind::TelephoneNumber && one.reach.value == *address)
        .any(|one| {
            one.since.plus_hours(days.saturating_mul(24)) <= at
                && one.until.is_none_or(|end| at < end)
        });
    (!of_record).then(|| format!("the address had not belonged to the account for {days} days"))
}
