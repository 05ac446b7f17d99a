//! Versions of the policy: what is published, and the list (P16, R23).

use super::commands::command_requests;
use super::values::{digest, identifier, optional_digest, required_time, timestamp};
use super::{Malformed, Tokens, Within, answers};
use crate::domain::command::Command;
use crate::domain::company::CompanyCommand;
use crate::domain::company::policies::{
    Policies, PolicyCommand, PolicyEvent, PolicyPosted, PolicyPublished, PolicyVersion, Posting,
};
use crate::domain::ids::Sha256Digest;
use crate::domain::rulebook::Rulebook;
use crate::domain::services::Services;
use crate::domain::time::Time;
use crate::proto::v1 as wire;
use crate::sequencer::{Answer, SubjectRef};

command_requests! {
    PublishPolicyRequest => PublishPolicyResponse = "/consent.v1.PolicyService/PublishPolicy":
        publish, answers::policy_published;
    RecordPolicyPostedRequest => RecordPolicyPostedResponse = "/consent.v1.PolicyService/RecordPolicyPosted":
        post, answers::policy_posted;
}

fn publish(
    given: wire::PublishPolicyRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    Ok(about(PolicyCommand::Publish(PolicyPublished {
        version: identifier("version", given.version)?,
        text_digest: Sha256Digest(digest("text_digest", &given.text_digest)?),
        effective_at: required_time("effective_at", given.effective_at.as_ref())?,
        posting: posting(given.posting)?,
    })))
}

fn post(
    given: wire::RecordPolicyPostedRequest,
    _: Tokens<'_>,
) -> Result<(SubjectRef, Command), Malformed> {
    Ok(about(PolicyCommand::Post(PolicyPosted {
        version: identifier("version", given.version)?,
        posting: posting(given.posting)?,
    })))
}

fn about(command: PolicyCommand) -> (SubjectRef, Command) {
    let command = Command::Company(CompanyCommand::Policies(command));
    (SubjectRef::Company, command)
}

fn posting(given: Option<wire::PolicyPosting>) -> Result<Posting, Malformed> {
    let given = given.ok_or_else(|| Malformed::missing("posting"))?;
    let read = || {
        Ok(Posting {
            posted_at: required_time("posted_at", given.posted_at.as_ref())?,
            capture_digest: optional_digest("capture_digest", &given.capture_digest)?
                .map(Sha256Digest),
            place: given.place.clone(),
        })
    };
    read().within("posting")
}

/// The versions of the policy on the wire.
pub fn wire_versions(policies: &Policies, now: Time) -> Vec<wire::PolicyVersion> {
    let in_force = policies.in_force(now).map(|version| version.position);
    let version = |version: &PolicyVersion| wire::PolicyVersion {
        version: version.version.clone(),
        text_digest: version.text_digest.0.to_vec(),
        effective_at: Some(timestamp(version.effective_at)),
        position: version.position.0,
        postings: version.postings.iter().map(wire_posting).collect(),
        in_force: in_force == Some(version.position),
    };
    policies.versions().iter().map(version).collect()
}

/// The versions that a customer with these services is deemed to have accepted (R23).
pub fn deemed(policies: &Policies, services: &Services, at: Time) -> Vec<wire::DeemedAcceptance> {
    let deemed = policies.versions().iter().filter_map(|version| {
        let since = version.deemed_accepted_since(services, at)?;
        Some(wire::DeemedAcceptance {
            version: version.version.clone(),
            position: version.position.0,
            since: Some(timestamp(since)),
        })
    });
    deemed.collect()
}

/// An event about the policy on the wire.
pub fn wire_event(event: &PolicyEvent) -> wire::entry::Event {
    use wire::entry::Event as Wire;

    match event {
        PolicyEvent::Published(published) => Wire::PolicyPublished(wire::PolicyPublishedEvent {
            version: published.version.clone(),
            text_digest: published.text_digest.0.to_vec(),
            effective_at: Some(timestamp(published.effective_at)),
            posting: Some(wire_posting(&published.posting)),
        }),
        PolicyEvent::Posted(posted) => Wire::PolicyPosted(wire::PolicyPostedEvent {
            version: posted.version.clone(),
            posting: Some(wire_posting(&posted.posting)),
        }),
    }
}

fn wire_posting(posting: &Posting) -> wire::PolicyPosting {
    let capture = posting.capture_digest.map(|digest| digest.0.to_vec());
    wire::PolicyPosting {
        place: posting.place.clone(),
        posted_at: Some(timestamp(posting.posted_at)),
        capture_digest: capture.unwrap_or_default(),
    }
}
