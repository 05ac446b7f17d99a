//! Scopes as explicit sets of cells of a small world: a few entities, every kind, class and purpose.

use consent_ledger::domain::consent::word::Block;
use consent_ledger::domain::ids::EntityId;
use consent_ledger::domain::scope::{Recipients, Scope};
use consent_ledger::domain::vocabulary::{
    CpniClass, CpniClasses, Purpose, Purposes, RecipientKind, RecipientKinds,
};

/// The entities of the small world, each with the kind that it is named in. Beside them there is somebody else.
pub const ENTITIES: [(&str, RecipientKind); 5] = [
    ("acme", RecipientKind::Affiliate),
    ("beta", RecipientKind::Affiliate),
    ("ag", RecipientKind::Agent),
    ("mom", RecipientKind::Parent),
    ("jv", RecipientKind::PartnerOrContractor),
];

/// One cell: who gets which class for what. `who` counts [`ENTITIES`]; `None` is somebody else of the kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) kind: RecipientKind,
    pub(super) who: Option<usize>,
    pub(super) class: CpniClass,
    pub(super) purpose: Purpose,
}

/// Every cell of the small world, in a fixed order.
pub(super) fn world() -> impl Iterator<Item = Cell> {
    let who = || std::iter::once(None).chain((0..ENTITIES.len()).map(Some));
    RecipientKind::EVERY.iter().flat_map(move |kind| {
        who().flat_map(move |who| {
            CpniClass::EVERY.iter().flat_map(move |class| {
                Purpose::EVERY.iter().map(move |purpose| Cell {
                    kind: *kind,
                    who,
                    class: *class,
                    purpose: *purpose,
                })
            })
        })
    })
}

impl Cell {
    /// Its place in [`world`].
    pub(super) fn index(self) -> usize {
        let who = self.who.map_or(0, |who| who + 1);
        let kind_and_who = self.kind as usize * (ENTITIES.len() + 1) + who;
        let with_class = kind_and_who * CpniClass::EVERY.len() + self.class as usize;
        with_class * Purpose::EVERY.len() + self.purpose as usize
    }

    /// The cells whose block also blocks this one: a parent is an affiliate (R12), call detail shows place and
    /// amount (R13).
    pub(super) fn blocked_with(self) -> Vec<Cell> {
        let mut kinds = vec![self.kind];
        if self.kind == RecipientKind::Parent {
            kinds.push(RecipientKind::Affiliate);
        }
        let mut classes = vec![self.class];
        if self.class == CpniClass::CallDetail {
            classes.extend([
                CpniClass::Destination,
                CpniClass::Location,
                CpniClass::AmountOfUse,
            ]);
        }
        let mut cells = Vec::new();
        for kind in kinds {
            cells.extend(classes.iter().map(|class| Cell {
                kind,
                class: *class,
                ..self
            }));
        }
        cells
    }

    /// Whether it is a cell of an entity in the kind it is named in, or of somebody else.
    pub(super) fn is_natural(self) -> bool {
        self.who.is_none_or(|who| ENTITIES[who].1 == self.kind)
    }
}

/// A set of cells, one flag for each of [`world`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cells(pub(super) Vec<bool>);

impl Cells {
    pub(super) fn of(belongs: impl Fn(Cell) -> bool) -> Self {
        Self(world().map(belongs).collect())
    }

    pub(super) fn has(&self, cell: Cell) -> bool {
        self.0[cell.index()]
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.0.contains(&true)
    }

    pub(super) fn is_subset_of(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, two)| !one || *two)
    }
}

pub(super) fn is(who: Option<usize>, entity: &EntityId) -> bool {
    who.is_some_and(|who| ENTITIES[who].0 == entity.as_str())
}

/// What a grant, a notice or an exception covers: just what it names.
pub(super) fn named_exactly(scope: &Scope, cell: Cell) -> bool {
    let recipients = &scope.recipients;
    let by_name = recipients.named.iter();
    let by_name = by_name
        .filter(|named| named.kind == cell.kind)
        .any(|named| is(cell.who, &named.entity));
    (recipients.kinds.contains(cell.kind) || by_name)
        && scope.classes.contains(cell.class)
        && scope.purposes.contains(cell.purpose)
}

/// What a block's scope covers by its own words: what is left empty means all (R2), a name follows the entity (R12).
pub(super) fn named_by_block(scope: &Scope, cell: Cell) -> bool {
    let Recipients { kinds, named } = &scope.recipients;
    let anybody = kinds.is_empty() && named.is_empty();
    let by_name = named.iter().any(|named| is(cell.who, &named.entity));
    (anybody || kinds.contains(cell.kind) || by_name)
        && (scope.classes.is_empty() || scope.classes.contains(cell.class))
        && (scope.purposes.is_empty() || scope.purposes.contains(cell.purpose))
}

pub(super) fn grant_cells(scope: &Scope) -> Cells {
    Cells::of(|cell| named_exactly(scope, cell))
}

/// Scope minus exceptions, then what is blocked along with it (R2, R12, R13).
pub(super) fn block_cells(block: &Block) -> Cells {
    let by_itself = |cell: Cell| {
        named_by_block(&block.scope, cell)
            && !(block.except.iter()).any(|except| named_exactly(except, cell))
    };
    Cells::of(|cell| cell.blocked_with().into_iter().any(by_itself))
}

/// The same of the whole kinds that the block names, without its names (R12).
pub(super) fn by_kind(block: &Block) -> Cells {
    let mut kinds_only = written_out(block);
    kinds_only.scope.recipients.named = Box::default();
    if kinds_only.scope.recipients.kinds.is_empty() {
        return Cells::of(|_| false);
    }
    block_cells(&kinds_only)
}

/// The entity's number in the small world.
pub(super) fn number(entity: &EntityId) -> usize {
    let known = ENTITIES.iter().position(|one| one.0 == entity.as_str());
    known.expect("an entity of the small world")
}

/// Which entities a scope names, each with the kind it names them in.
pub(super) fn names(scope: &Scope) -> Vec<(RecipientKind, usize)> {
    let named = scope.recipients.named.iter().map(|named| {
        let who = ENTITIES
            .iter()
            .position(|entity| entity.0 == named.entity.as_str());
        (named.kind, who.expect("an entity of the small world"))
    });
    named.collect()
}

/// The same for a block. A parent is an affiliate (R12), so that a question about every parent meets a named
/// affiliate, too.
pub(super) fn names_blocked(scope: &Scope) -> Vec<(RecipientKind, usize)> {
    let mut names = names(scope);
    let affiliates: Vec<_> = names
        .iter()
        .filter(|name| name.0 == RecipientKind::Affiliate)
        .copied()
        .collect();
    names.extend(
        affiliates
            .into_iter()
            .map(|(_, who)| (RecipientKind::Parent, who)),
    );
    names
}

/// The block with "all" written out: two that say the same are equal.
pub(super) fn written_out(block: &Block) -> Block {
    let mut block = block.clone();
    let scope = &mut block.scope;
    if scope.recipients.kinds.is_empty() && scope.recipients.named.is_empty() {
        scope.recipients.kinds = RecipientKinds::ALL;
    }
    if scope.classes.is_empty() {
        scope.classes = CpniClasses::ALL;
    }
    if scope.purposes.is_empty() {
        scope.purposes = Purposes::ALL;
    }
    block
}
