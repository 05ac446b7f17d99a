//! Versions of the policy: posted, then in force, and accepted by those who stay (P16, R23, policy clause 5).
//!
//! "By continuing to use our services" a customer accepts the changed text. That acceptance is derived, never recorded for
//! each customer, and never an approval: no cell changes by it and no disclosure can cite it.

use serde::{Deserialize, Serialize};

use crate::domain::customer::Context;
use crate::domain::event::Placed;
use crate::domain::ids::{Position, Sha256Digest};
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::services::Services;
use crate::domain::time::Time;

/// Versions of the policy that the ledger keeps.
pub const VERSIONS_MAX: usize = 1_000;
/// Postings of one version.
pub const POSTINGS_MAX: usize = 64;
/// Characters of a posting's place.
pub const PLACE_MAX: usize = 200;

/// What can be asked about the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyCommand {
    /// Publishes a version.
    Publish(PolicyPublished),
    /// Records that a published version was posted somewhere else, too.
    Post(PolicyPosted),
}

/// What was recorded of the policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PolicyEvent {
    /// A version was published.
    Published(PolicyPublished),
    /// A published version was posted at one more place.
    Posted(PolicyPosted),
}

/// A version of the policy, with the first place where it was posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPublished {
    /// Its name, e.g. `2024-05-29`: 1 to 64 of `a-z 0-9 . _ -`.
    pub version: String,
    /// SHA-256 of its text.
    pub text_digest: Sha256Digest,
    /// When its force begins: not before it was posted.
    pub effective_at: Time,
    /// Where it was posted first, and when.
    pub posting: Posting,
}

/// A published version was posted at one more place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPosted {
    /// The version.
    pub version: String,
    /// Where, and when.
    pub posting: Posting,
}

/// "On our web site, or in other places we deem appropriate": one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Posting {
    /// The place, such as an address on the web: 1 to 200 characters.
    pub place: String,
    /// When.
    pub posted_at: Time,
    /// SHA-256 of what shows that it was there, such as a capture of the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture_digest: Option<Sha256Digest>,
}

/// The versions of the policy, in the order in which their force begins.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policies {
    versions: Vec<PolicyVersion>,
}

/// A version of the policy as the ledger remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// Its name.
    pub version: String,
    /// SHA-256 of its text.
    pub text_digest: Sha256Digest,
    /// When its force begins.
    pub effective_at: Time,
    /// The record that published it.
    pub position: Position,
    /// Where it was posted, and when, in the order of the records.
    pub postings: Vec<Posting>,
}

impl Policies {
    /// Every version, in the order in which their force begins.
    pub fn versions(&self) -> &[PolicyVersion] {
        &self.versions
    }

    /// The version in force at that instant.
    pub fn in_force(&self, at: Time) -> Option<&PolicyVersion> {
        self.versions
            .iter()
            .rfind(|version| version.effective_at <= at)
    }

    fn get(&self, version: &str) -> Option<&PolicyVersion> {
        self.versions.iter().find(|known| known.version == version)
    }

    pub(super) fn decide(
        &self,
        command: &PolicyCommand,
        context: &Context<'_>,
    ) -> Result<Vec<PolicyEvent>, Refusal> {
        match command {
            PolicyCommand::Publish(published) => {
                require_posting(&published.posting, context)?;
                self.require_next(published)?;
                Ok(vec![PolicyEvent::Published(published.clone())])
            }
            PolicyCommand::Post(posted) => {
                require_posting(&posted.posting, context)?;
                match self.get(&posted.version) {
                    None => Err(Refusal::new(
                        RefusalCode::PolicyState,
                        "version",
                        format!("version {} was not published; publish it", posted.version),
                    )),
                    Some(known) if known.postings.len() >= POSTINGS_MAX => Err(Refusal::new(
                        RefusalCode::Limit,
                        "version",
                        format!("a version has {POSTINGS_MAX} postings at most"),
                    )),
                    Some(_) => Ok(vec![PolicyEvent::Posted(posted.clone())]),
                }
            }
        }
    }

    /// A new name, later than every other, and in force not before it can be read (policy clause 5).
    fn require_next(&self, published: &PolicyPublished) -> Result<(), Refusal> {
        if let Some(known) = self.get(&published.version) {
            return Err(Refusal::new(
                RefusalCode::RegisteredAlready,
                "version",
                format!(
                    "version {} was published by record {}; a changed text is a new version",
                    known.version, known.position
                ),
            ));
        }
        if self.versions.len() >= VERSIONS_MAX {
            return Err(Refusal::new(
                RefusalCode::Limit,
                "version",
                format!("the ledger keeps {VERSIONS_MAX} versions of the policy"),
            ));
        }
        let refuse =
            |field: &str, why: String| Err(Refusal::new(RefusalCode::PolicyState, field, why));
        if published.effective_at < published.posting.posted_at {
            return refuse(
                "effective_at",
                "a version's force can't begin before it was posted".to_owned(),
            );
        }
        match self.versions.last() {
            Some(newest) if published.effective_at <= newest.effective_at => refuse(
                "effective_at",
                format!(
                    "version {} is in force from {}; a later version's force begins later",
                    newest.version, newest.effective_at
                ),
            ),
            _ => Ok(()),
        }
    }

    pub(super) fn follow(&mut self, placed: &Placed<'_, PolicyEvent>) {
        match placed.event {
            PolicyEvent::Published(published) => self.versions.push(PolicyVersion {
                version: published.version.clone(),
                text_digest: published.text_digest,
                effective_at: published.effective_at,
                position: placed.position,
                postings: vec![published.posting.clone()],
            }),
            PolicyEvent::Posted(posted) => {
                let known = (self.versions.iter_mut()).find(|one| one.version == posted.version);
                if let Some(known) = known {
                    known.postings.push(posted.posting.clone());
                }
            }
        }
    }
}

/// Posted not in the future: what will be posted is recorded once it is.
fn require_posting(posting: &Posting, context: &Context<'_>) -> Result<(), Refusal> {
    let length = posting.place.chars().count();
    if posting.place.trim().is_empty() || length > PLACE_MAX {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "posting.place",
            format!("a posting names its place in 1 to {PLACE_MAX} characters"),
        ));
    }
    if posting.posted_at > context.now {
        return Err(Refusal::new(
            RefusalCode::OccurredAt,
            "posting.posted_at",
            "it lies in the future; record the posting once it is done",
        ));
    }
    Ok(())
}

impl PolicyVersion {
    /// Since when the customer is deemed to have accepted the text by staying, as far as the newest interval of each
    /// service shows; none: the customer isn't (R23). Derived, and never an approval.
    pub fn deemed_accepted_since(&self, services: &Services, at: Time) -> Option<Time> {
        let held_in_force = services.held.iter().filter_map(|service| {
            let since = service.starts_at.max(self.effective_at);
            let held = since <= at && service.ends_at.is_none_or(|end| since < end);
            held.then_some(since)
        });
        held_in_force.min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::company::CompanyCommand;
    use crate::domain::testing::Story;

    fn publish(version: &str, posted_at: Time, effective_at: Time) -> CompanyCommand {
        CompanyCommand::Policies(PolicyCommand::Publish(PolicyPublished {
            version: version.to_owned(),
            text_digest: Sha256Digest([7; 32]),
            effective_at,
            posting: Posting {
                place: "https://infotech.example/policy".to_owned(),
                posted_at,
                capture_digest: None,
            },
        }))
    }

    #[test]
    fn p16_a_versions_force_cannot_begin_before_it_was_posted() {
        let mut story = Story::begun();
        let (early, late) = (story.now.minus_hours(2), story.now.minus_hours(1));
        let refused = story.company(&publish("v2", late, early)).unwrap_err();
        assert_eq!(
            (refused.code, refused.field.as_str()),
            (RefusalCode::PolicyState, "effective_at")
        );
        story.company(&publish("v2", late, late)).unwrap();
        assert_eq!(story.company.policies.in_force(early), None);
        assert_eq!(story.company.policies.in_force(late).unwrap().version, "v2");
    }

    #[test]
    fn p16_what_is_not_posted_yet_is_not_recorded_as_posted() {
        let mut story = Story::begun();
        let ahead = story.now.plus_hours(5);
        let refused = story.company(&publish("v2", ahead, ahead)).unwrap_err();
        assert_eq!(refused.code, RefusalCode::OccurredAt);
    }

    #[test]
    fn p16_a_changed_text_is_a_new_version_and_versions_follow_each_other() {
        let mut story = Story::begun();
        let now = story.now;
        story
            .company(&publish("v2", now, now.plus_hours(24)))
            .unwrap();
        let again = story
            .company(&publish("v2", now, now.plus_hours(48)))
            .unwrap_err();
        assert_eq!(
            (again.code, again.field.as_str()),
            (RefusalCode::RegisteredAlready, "version")
        );
        let before = story
            .company(&publish("v3", now, now.plus_hours(24)))
            .unwrap_err();
        assert_eq!(
            (before.code, before.field.as_str()),
            (RefusalCode::PolicyState, "effective_at")
        );
    }

    #[test]
    fn r23_who_holds_a_service_when_the_text_is_in_force_or_later_is_deemed_to_have_accepted_it() {
        let mut story = Story::begun();
        let (now, force) = (story.now, story.now.plus_hours(24));
        story.company(&publish("v2", now, force)).unwrap();
        let version = story.company.policies.versions()[0].clone();
        let deemed = |story: &Story, at| version.deemed_accepted_since(&story.state().services, at);
        assert_eq!(deemed(&story, Time(force.0 - 1)), None);
        assert_eq!(deemed(&story, force), Some(force));

        story.close("local");
        assert_eq!(
            deemed(&story, force),
            None,
            "no service when the force begins"
        );
        story.now = force.plus_hours(5);
        story.open("local");
        assert_eq!(deemed(&story, story.now), Some(story.now));
    }
}
