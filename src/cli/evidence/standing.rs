//! What records say together, as a pack shows it: derived again each time, never taken from a server.

use serde_json::{Value, json};

use crate::audit::Replayed;
use crate::cli::check;
use crate::cli::question::Asked;
use crate::domain::consent::word::{BlockKind, Said};
use crate::domain::customer::rule;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::grpc::ruling_message;
use crate::proto::v1 as wire;

/// The customer's services, notices and words at that instant, and which versions of the policy he is deemed to have
/// accepted by staying (P16; R23).
pub fn standing(replayed: &Replayed, at: Time) -> Value {
    let customer = &replayed.customer;
    let services = customer.services.held.iter().map(|held| {
        json!({
            "category": held.category.as_str(),
            "from": held.starts_at.to_string(),
            "until": held.ends_at.map(|end| end.to_string()),
            "held": held.starts_at <= at && held.ends_at.is_none_or(|end| at < end),
            "record": held.opened.0,
        })
    });
    let notices = customer.notices.iter().map(|given| {
        json!({
            "version": given.version.to_string(),
            "given_at": given.occurred_at.to_string(),
            "complete": given.is_whole(),
            "record": given.position.0,
        })
    });
    let words = customer.words.iter().map(|word| {
        json!({
            "said": kind(&word.said),
            "said_at": word.occurred_at.unwrap_or(word.recorded_at).to_string(),
            "witnessed": word.witnessed,
            "record": word.position.0,
        })
    });
    let policies = &replayed.company.policies;
    let in_force = policies.in_force(at).map(|version| version.position);
    let versions = policies.versions().iter().map(|version| {
        let since = version.deemed_accepted_since(&customer.services, at);
        json!({
            "version": version.version,
            "text_sha256": version.text_digest.to_string(),
            "effective_at": version.effective_at.to_string(),
            "in_force": in_force == Some(version.position),
            "posted": version.postings.iter().map(|posting| json!({
                "place": posting.place, "at": posting.posted_at.to_string(),
            })).collect::<Vec<_>>(),
            "deemed_accepted_since": since.map(|since| since.to_string()),
            "record": version.position.0,
        })
    });
    json!({
        "services": services.collect::<Vec<_>>(),
        "notices": notices.collect::<Vec<_>>(),
        "words": words.collect::<Vec<_>>(),
        "policy": versions.collect::<Vec<_>>(),
        "note": "A version is deemed accepted once a service is held at or after its force began. That is derived, and never an approval.",
        "erased": customer.erased.is_some(),
    })
}

fn kind(said: &Said) -> &'static str {
    match said {
        Said::Grant { .. } => "granted",
        Said::Block(block) => match block.kind {
            BlockKind::Deny => "denied",
            BlockKind::Withdraw => "withdrawn",
            BlockKind::Restrict => "restricted",
        },
    }
}

/// The answer to the question at that instant.
pub fn answer(replayed: &Replayed, rulebook: &Rulebook, asked: &Asked, at: Time) -> Value {
    let world = replayed.world(rulebook);
    let ruled = rule(Some(&replayed.customer), world, &asked.question(), at);
    answer_json(&ruling_message(&ruled, rulebook, at, replayed.last))
}

/// An answer, whoever derived it: what follows from records and rulebook, and no words of a release.
pub fn answer_json(ruling: &wire::Ruling) -> Value {
    let reasons = ruling.reasons.iter().map(|reason| {
        json!({
            "code": check::code(reason.code()),
            "records": reason.positions,
            "clauses": reason.clauses.iter().map(|clause| json!({
                "source": clause.source, "reference": clause.reference, "text": clause.text,
            })).collect::<Vec<_>>(),
        })
    });
    json!({
        "allowed": ruling.allowed,
        "state": check::state(ruling.state()),
        "reasons": reasons.collect::<Vec<_>>(),
        "valid_until": ruling.valid_until.as_ref().map(ToString::to_string),
    })
}
