//! Notices given to a customer before consent is asked for (F4, R15, R23).

use serde::{Deserialize, Serialize};

use super::ids::Position;
use super::scope::Scope;
use super::time::Time;
use super::vocabulary::Medium;

/// Records that the customer was given a notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveNotice {
    /// Version of the notice text, e.g. `2024-05-29`; 1 to 64 of `a-z 0-9 . _ -`.
    pub version: String,
    /// SHA-256 of the text as given.
    pub text_digest: [u8; 32],
    /// The form.
    pub form: Medium,
    /// Language as a BCP 47 tag.
    pub language: String,
    /// What the notice covers: a grant that cites it can't reach further.
    pub covers: Scope,
}

/// A notice was given (widens: counts from `recorded_at`, R5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeGiven {
    /// What was given.
    pub notice: GiveNotice,
}

/// A given notice as the state remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenNotice {
    /// The record.
    pub position: Position,
    /// When the ledger recorded it.
    pub recorded_at: Time,
    /// When it was given, by the caller's word.
    pub occurred_at: Time,
    /// The version.
    pub version: Box<str>,
    /// What it covers.
    pub covers: Scope,
}
