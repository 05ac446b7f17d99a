//! The answer to a question: yes or no, why, on what, and for how long (C3, C9, R18, R20).

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::domain::ids::{Category, Position};
use crate::domain::scope::Cell;
use crate::domain::time::Time;
use crate::domain::vocabulary::named_list;

/// The state of a cell (R1), from the least to the most blocking. Only `Granted` and `OptOutApproved` are standing approvals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// A live grant covers it and no block stands.
    Granted,
    /// The opt-out period passed without objection.
    OptOutApproved,
    /// Nothing was said.
    Unknown,
    /// An opt-out period runs.
    Waiting,
    /// The two-year notice is overdue.
    RefreshOverdue,
    /// Spoken of, but no service is held now.
    Lapsed,
    /// A restriction stands.
    Restricted,
    /// A denial or withdrawal stands.
    Denied,
}

/// What a yes rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// It is not CPNI (P1).
    NotCpni,
    /// The customer holds the category (R7).
    HeldCategory,
    /// A standing grant.
    Grant,
    /// An opt-out approval (F5).
    OptOut,
    /// A one-time approval for this call (R11).
    OneTime,
    /// A ground of P7 other than approval.
    Ground,
}

named_list! {
    /// Why, in stable codes; the rulebook holds each code's clauses.
    ReasonCode {
        /// Yes: not CPNI.
        NotCpni = "NOT_CPNI",
        /// Yes: within a category held.
        HeldCategory = "HELD_CATEGORY",
        /// Yes: a standing grant.
        Granted = "GRANTED",
        /// Yes: opt-out approval.
        OptOutApproved = "OPT_OUT_APPROVED",
        /// Yes: one-time approval.
        OneTime = "ONE_TIME",
        /// Yes: the ground's facts are there.
        GroundMet = "GROUND_MET",
        /// The ledger knows no such customer (R16).
        CustomerUnknown = "CUSTOMER_UNKNOWN",
        /// The customer was erased (R16).
        Erased = "ERASED",
        /// A denial stands.
        Denied = "DENIED",
        /// A withdrawal stands.
        Withdrawn = "WITHDRAWN",
        /// A restriction stands.
        Restricted = "RESTRICTED",
        /// No service is held (R9).
        Lapsed = "LAPSED",
        /// No approval, and the category is not held.
        ApprovalRequired = "APPROVAL_REQUIRED",
        /// Opt-out is not enabled by the rulebook (R10).
        OptOutNotEnabled = "OPT_OUT_NOT_ENABLED",
        /// Only opt-in will do (F3).
        OptInRequired = "OPT_IN_REQUIRED",
        /// Never allowed on any basis (64.2005(b)(2)).
        Prohibited = "PROHIBITED",
        /// A fact that the ground demands is missing.
        FactsRequired = "FACTS_REQUIRED",
        /// The ground does not reach this recipient.
        RecipientNotCovered = "RECIPIENT_NOT_COVERED",
        /// The ground does not reach these classes.
        ClassNotCovered = "CLASS_NOT_COVERED",
        /// The ground does not reach this purpose (marketing on any but approval).
        PurposeNotCovered = "PURPOSE_NOT_COVERED",
        /// A disclosure must name its recipient (R12).
        RecipientRequired = "RECIPIENT_REQUIRED",
        /// The cited approval is not among the live ones.
        ApprovalNotLive = "APPROVAL_NOT_LIVE",
        /// The request id was used before.
        RequestReused = "REQUEST_REUSED",
        /// The listing is non-published.
        NonPublished = "NON_PUBLISHED",
        /// The customer or contact was not verified, or too long ago (R19).
        VerificationRequired = "VERIFICATION_REQUIRED",
        /// The ground's case, ticket or order is not open.
        NotOpen = "NOT_OPEN",
        /// The period of an opt-out notice runs (F5).
        Waiting = "WAITING",
        /// The opt-out notice was not repeated within two years (F6).
        RefreshOverdue = "REFRESH_OVERDUE",
        /// An e-mailed opt-out notice could not be delivered: only another form starts a clock (F7).
        AnotherFormRequired = "ANOTHER_FORM_REQUIRED",
    }
}

/// One reason with the records it rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The code.
    pub code: ReasonCode,
    /// The records.
    pub positions: Vec<Position>,
    /// The fact that is missing or wrong, where one is: a field's name, never its value.
    pub fact: Option<Cow<'static, str>>,
}

/// What would turn a no into a yes (C9).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// The customer opens the category.
    OpenService(Category),
    /// The customer opts in for the asked cells.
    OptIn,
    /// The customer lifts these blocks.
    Lift(Vec<Position>),
    /// The caller supplies this fact.
    SupplyFact(Cow<'static, str>),
    /// The caller is verified anew.
    Verify,
    /// The customer is given an opt-out notice, and doesn't object for its period (F5 to F7).
    GiveNotice,
}

/// A cell with its state and the words behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellState {
    /// The cell.
    pub cell: Cell,
    /// Its state.
    pub state: State,
    /// The grant, or the blocks that stand.
    pub positions: Vec<Position>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Yes or no.
    pub allowed: bool,
    /// The most blocking state among the cells (R1).
    pub state: State,
    /// What a yes rests on.
    pub basis: Option<Basis>,
    /// Each reason; never empty.
    pub reasons: Vec<Reason>,
    /// Every cell asked about.
    pub cells: Vec<CellState>,
    /// What would make it yes; empty for a yes.
    pub remedies: Vec<Remedy>,
    /// The first instant at which the answer can change without a new record (R18).
    pub valid_until: Option<Time>,
}
