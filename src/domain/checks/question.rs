//! "May we?": the question, with everything an answer may depend on (C3).

use crate::domain::disclosures::Ground;
use crate::domain::ids::{Category, EntityId, Token};
use crate::domain::vocabulary::{CpniClasses, NotCpniItems, Purpose, RecipientKind};

/// May this recipient use or get these classes of the customer's CPNI for this purpose?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What for.
    pub purpose: Purpose,
    /// Classes used or disclosed.
    pub classes: CpniClasses,
    /// Classes by which the customer was selected; they count like those disclosed (R13).
    pub selected_by: CpniClasses,
    /// Information used or disclosed that is not CPNI.
    pub not_cpni: NotCpniItems,
    /// Who uses or receives it.
    pub recipient: RecipientKind,
    /// The named entity; none: every entity of the kind (R12).
    pub entity: Option<EntityId>,
    /// The category whose CPNI is used, where it is one.
    pub source_category: Option<Category>,
    /// The categories that the offering spans; in-category only if all are held (R6).
    pub target_categories: Vec<Category>,
    /// The offering, where it is a named product or an exception of 64.2005(b)(1).
    pub offering: Option<String>,
    /// The call in which the question is asked (R11).
    pub call: Option<Token>,
    /// The ground that the caller claims, with its facts (R14).
    pub ground: Option<Ground>,
}

impl Question {
    /// Every class that needs an answer: what is disclosed, and what the customer was selected by (R13).
    pub fn asked_classes(&self) -> CpniClasses {
        self.classes.union(self.selected_by)
    }

    /// The PIC-freeze request that it claims: usable once (R14).
    pub fn pic_request(&self) -> Option<Token> {
        self.ground.as_ref().and_then(Ground::pic_request)
    }

    /// Whether the question names anything at all; one that doesn't is malformed.
    pub fn asks_something(&self) -> bool {
        !self.asked_classes().is_empty() || !self.not_cpni.is_empty()
    }
}
