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

    /// Whether the block, for its part, blocks the cell: its scope less its exceptions, and what goes with it.
    pub fn covers(&self, cell: CellRef<'_>) -> bool {
        self.scope.purposes.contains(cell.purpose)
            && (self.says(cell) || cell.class == CpniClass::CallDetail && self.says_part(cell))
    }

    /// The same by whole kinds only, whatever entities it names: how a block on another kind of an entity reaches it
    /// (R12).
    pub fn covers_by_kind(&self, cell: CellRef<'_>) -> bool {
        let kinds = with_parents(self.scope.recipients.kinds);
        kinds.contains(cell.kind) && self.covers(cell)
    }

    /// Whether it blocks some part of call detail, and so all of it (R13).
    fn says_part(&self, cell: CellRef<'_>) -> bool {
        (PARTS_OF_CALL_DETAIL.members()).any(|class| self.says(CellRef { class, ..cell }))
    }

    /// Whether its words reach the cell; a parent as an affiliate, too (R12).
    fn says(&self, cell: CellRef<'_>) -> bool {
        let affiliate = CellRef {
            kind: RecipientKind::Affiliate,
            ..cell
        };
        self.names_cell(cell) || cell.kind == RecipientKind::Parent && self.names_cell(affiliate)
    }

    /// Whether scope less exceptions holds the very cell. A named entity is blocked in whatever kind (R12).
    fn names_cell(&self, cell: CellRef<'_>) -> bool {
        self.scope.classes.contains(cell.class)
            && (self.scope.recipients.kinds.contains(cell.kind)
                || cell.entity.is_some_and(|entity| self.names(entity)))
            && !self.except.iter().any(|except| except.covers(cell))
    }

    /// Whether `scope` is a subset of the blocked cells, or equal to them (R3).
    pub fn contains(&self, scope: &Scope) -> bool {
        let kinds = with_parents(self.scope.recipients.kinds);
        self.scope.purposes.covers(scope.purposes)
            && with_call_detail(self.scope.classes).covers(scope.classes)
            && kinds.covers(scope.recipients.kinds)
            && (scope.recipients.named.iter())
                .all(|named| kinds.contains(named.kind) || self.names(&named.entity))
            && !self.leaves_out_some_of(scope)
    }

    /// Whether the exceptions leave out a cell of a scope that lies within the block otherwise; also one that is blocked
    /// only along with what they leave out (R12, R13).
    fn leaves_out_some_of(&self, scope: &Scope) -> bool {
        if self.except.is_empty() {
            return false;
        }
        let excepted: Vec<_> = (self.except.iter())
            .flat_map(|except| &except.recipients.named)
            .map(|named| &named.entity)
            .collect();
        scope.some_cell(&excepted, |cell| !self.covers(cell))
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
            && with_call_detail(self.scope.classes).meets(scope.classes)
            && scope.some_cell(&entities, |cell| self.covers(cell) && test(cell))
    }

    fn names(&self, entity: &EntityId) -> bool {
        (self.scope.recipients.named.iter()).any(|named| named.entity == *entity)
    }
}

/// A parent is an affiliate (47 USC 153(2)): a block on affiliates reaches it (R12).
pub fn with_parents(kinds: RecipientKinds) -> RecipientKinds {
    if kinds.contains(RecipientKind::Affiliate) {
        kinds.with(RecipientKind::Parent)
    } else {
        kinds
    }
}

/// Call detail goes with each of its parts (R13).
fn with_call_detail(classes: CpniClasses) -> CpniClasses {
    if classes.meets(PARTS_OF_CALL_DETAIL) {
        classes.with(CpniClass::CallDetail)
    } else {
        classes
    }
}
