//! How far a block reaches (R2, R12, R13).

use super::word::{Block, BlockKind};
use crate::domain::ids::EntityId;
use crate::domain::scope::{CellRef, Scope};
use crate::domain::vocabulary::{CpniClass, CpniClasses, RecipientKind, RecipientKinds};

/// Classes whose block takes call detail along: it is made of them (R13).
const PARTS_OF_CALL_DETAIL: CpniClasses = CpniClasses::of(CpniClass::Destination)
    .with(CpniClass::Location)
    .with(CpniClass::AmountOfUse);

impl Block {
    /// A block of everything.
    pub fn of_everything(kind: BlockKind) -> Self {
        Self {
            kind,
            scope: Scope::everything(),
            except: Box::default(),
        }
    }

    /// The block with "all" written out where it names nothing (R2), so that equal blocks are equal.
    #[must_use]
    pub fn written_out(&self) -> Self {
        Self {
            kind: self.kind,
            scope: self.scope.with_all_for_empty(),
            except: self.except.iter().map(Scope::with_all_for_empty).collect(),
        }
    }

    /// Whether the cell is blocked, as far as this block goes. A named entity is blocked in whatever kind (R12).
    pub fn covers(&self, cell: CellRef<'_>) -> bool {
        self.scope.purposes.contains(cell.purpose)
            && self.classes().contains(cell.class)
            && (self.kinds().contains(cell.kind)
                || cell.entity.is_some_and(|entity| self.names(entity)))
            && !self.except.iter().any(|except| except.covers(cell))
    }

    /// Whether `scope` is a subset of the blocked cells, or equal to them (R3).
    pub fn contains(&self, scope: &Scope) -> bool {
        self.scope.purposes.covers(scope.purposes)
            && self.classes().covers(scope.classes)
            && self.kinds().covers(scope.recipients.kinds)
            && (scope.recipients.named.iter())
                .all(|named| self.kinds().contains(named.kind) || self.names(&named.entity))
            && !self.except.iter().any(|except| except.meets(scope))
    }

    /// Whether `test` holds in some cell of `scope` that is blocked.
    pub fn some_cell_of<'a>(
        &'a self,
        scope: &'a Scope,
        mut test: impl FnMut(CellRef<'a>) -> bool,
    ) -> bool {
        let entities: Vec<&EntityId> = (self.scope.recipients.named.iter())
            .map(|named| &named.entity)
            .collect();
        self.scope.purposes.meets(scope.purposes)
            && self.classes().meets(scope.classes)
            && scope.some_cell(&entities, |cell| self.covers(cell) && test(cell))
    }

    /// The entities that the block names and that a question about the whole of `kind` meets (R12).
    pub fn named_in(&self, kind: RecipientKind) -> impl Iterator<Item = &EntityId> {
        self.scope
            .recipients
            .named
            .iter()
            .filter(move |named| expanded(RecipientKinds::of(named.kind)).contains(kind))
            .map(|named| &named.entity)
    }

    fn kinds(&self) -> RecipientKinds {
        expanded(self.scope.recipients.kinds)
    }

    fn classes(&self) -> CpniClasses {
        if self.scope.classes.meets(PARTS_OF_CALL_DETAIL) {
            self.scope.classes.with(CpniClass::CallDetail)
        } else {
            self.scope.classes
        }
    }

    fn names(&self, entity: &EntityId) -> bool {
        (self.scope.recipients.named.iter()).any(|named| named.entity == *entity)
    }
}

/// A parent is an affiliate (47 USC 153(2)): a block on affiliates reaches it (R12).
fn expanded(kinds: RecipientKinds) -> RecipientKinds {
    if kinds.contains(RecipientKind::Affiliate) {
        kinds.with(RecipientKind::Parent)
    } else {
        kinds
    }
}
