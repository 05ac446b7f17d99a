//! Why a command changes nothing: one code, one sentence, the field and the rule behind it.

/// A command that is refused. Nothing was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The stable code.
    pub code: RefusalCode,
    /// The field at fault as a path in the command, e.g. `words[0].scope.classes`; empty for the whole.
    pub field: String,
    /// What is wrong, with the value where it isn't personal, and what to do.
    pub message: String,
}

/// Stable reason codes of refusals; callers and tests match on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RefusalCode {
    /// The customer id names nobody (R16).
    CustomerUnknown,
    /// The account exists already.
    CustomerExists,
    /// A value is missing or malformed.
    Invalid,
    /// A category that the rulebook doesn't know.
    CategoryUnknown,
    /// A grant needs recipients, classes and purposes (R2).
    ScopeRequired,
    /// No service is held (R15).
    NoService,
    /// No valid notice given at or before covers the scope (R15).
    NoticeRequired,
    /// The speaker isn't verified, or may not grant (R15).
    VerificationRequired,
    /// Oral words of that kind need evidence (R15).
    EvidenceRequired,
    /// The service is held already, or isn't held.
    ServiceState,
    /// `occurred_at` lies in the future or too far back (R5).
    OccurredAt,
    /// The call has ended already, or its approval can't be given (R11).
    Call,
    /// A named block doesn't exist.
    BlockUnknown,
    /// The customer has as many words, notices or open calls as the ledger keeps.
    Limit,
}

impl Refusal {
    /// A refusal of `field` for the reason `code`.
    pub fn new(code: RefusalCode, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            field: field.into(),
            message: message.into(),
        }
    }
}
