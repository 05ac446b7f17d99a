//! Scopes as sets of cells: recipient × CPNI class × purpose (R1, R12, R13).

use serde::{Deserialize, Serialize};

use super::ids::EntityId;
use super::vocabulary::{CpniClass, CpniClasses, Purpose, Purposes, RecipientKind, RecipientKinds};

/// A single cell: state belongs to a cell, never to a customer (R1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The kind of recipient.
    pub kind: RecipientKind,
    /// The named entity; `None` stands for the kind where no entity is named.
    pub entity: Option<EntityId>,
    /// The CPNI class.
    pub class: CpniClass,
    /// The purpose.
    pub purpose: Purpose,
}

/// One named entity in the capacity in which it was named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NamedRecipient {
    /// The kind that the entity had when it was named.
    pub kind: RecipientKind,
    /// The entity.
    pub entity: EntityId,
}

/// The recipients of a scope: whole kinds, and single entities by name. ANY ⊃ kind ⊃ (kind, entity) (R12).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Recipients {
    /// Kinds covered with all their entities.
    pub kinds: RecipientKinds,
    /// Entities covered by name, sorted, without repeats.
    pub named: Box<[NamedRecipient]>,
}

/// A product of recipients, classes and purposes (R1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scope {
    /// To whom.
    pub recipients: Recipients,
    /// Which classes.
    pub classes: CpniClasses,
    /// What for.
    pub purposes: Purposes,
}
