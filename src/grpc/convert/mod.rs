//! Between the contract and the domain: every value that comes in is checked here, and an error names its field.
//!
//! Shape only: whether a value is allowed in the customer's state is the domain's to say. Nothing is defaulted:
//! zero and unknown enum numbers are refused everywhere (P7). Values from callers go into no message, because they
//! may be personal.

pub mod answers;
pub mod authentication;
pub mod caller_events;
pub mod callers;
pub mod campaigns;
pub mod checks;
pub mod commands;
pub mod comparisons;
pub mod compliance;
pub mod conduct;
pub mod contacts;
pub mod entities;
pub mod entries;
pub mod imports;
pub mod incidents;
pub mod lists;
pub mod notices;
pub mod past;
pub mod policies;
pub mod preferences;
pub mod questions;
pub mod registers;
pub mod retention;
pub mod rulings;
pub mod scopes;
pub mod secrets;
pub mod served;
pub mod values;

#[cfg(test)]
mod tests;

/// A request that can't be taken as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field is missing or has a value that is never right.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field's path in the request, e.g. `words[0].grant.scope.classes[1]`.
        field: String,
        /// What is wrong and what would be right.
        problem: String,
    },
    /// The contract has the field, this release doesn't answer it.
    #[error("`{field}` can't be answered yet: leave it unset")]
    NotYet {
        /// The field's path in the request.
        field: String,
    },
}

impl Malformed {
    /// `field` is wrong in the way that `problem` says.
    pub fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field: field.into(),
            problem: problem.into(),
        }
    }

    /// A required field is missing.
    pub fn missing(field: impl Into<String>) -> Self {
        Self::invalid(field, "is required")
    }

    /// `field` is not answered by this release.
    pub fn not_yet(field: impl Into<String>) -> Self {
        Self::NotYet {
            field: field.into(),
        }
    }

    /// The same error seen from the message that holds the field as part of `outer`.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        let (Self::Invalid { field, .. } | Self::NotYet { field }) = &mut self;
        let joint = if field.is_empty() || field.starts_with('[') {
            ""
        } else {
            "."
        };
        *field = format!("{outer}{joint}{field}");
        self
    }
}

/// Names the field in which a part of a message is wrong.
pub trait Within<T> {
    /// The result with `outer` before the field's path.
    ///
    /// # Errors
    /// The error itself.
    fn within(self, outer: &str) -> Result<T, Malformed>;

    /// The result with `outer[index]` before the field's path.
    ///
    /// # Errors
    /// The error itself.
    fn within_item(self, outer: &str, index: usize) -> Result<T, Malformed>;
}

impl<T> Within<T> for Result<T, Malformed> {
    fn within(self, outer: &str) -> Self {
        self.map_err(|malformed| malformed.within(outer))
    }

    fn within_item(self, outer: &str, index: usize) -> Self {
        self.map_err(|malformed| malformed.within(&format!("{outer}[{index}]")))
    }
}

/// The keyed digest of an identifier from outside, by its kind: `call`, `person`, `pic-request`.
pub type Tokens<'a> = &'a dyn Fn(&'static str, &str) -> crate::domain::ids::Token;
