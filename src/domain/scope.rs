//! Scopes as sets of cells: recipient × CPNI class × purpose (R1, R12, R13).

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::ids::EntityId;
use super::refusal::{Refusal, RefusalCode};
use super::vocabulary::{
    ALL, CpniClass, CpniClasses, Purpose, Purposes, RecipientKind, RecipientKinds,
};

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

/// A cell that borrows its entity: what the rules pass around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellRef<'a> {
    /// The kind of recipient.
    pub kind: RecipientKind,
    /// The named entity.
    pub entity: Option<&'a EntityId>,
    /// The CPNI class.
    pub class: CpniClass,
    /// The purpose.
    pub purpose: Purpose,
}

impl CellRef<'_> {
    /// The cell with an entity of its own.
    pub fn to_cell(self) -> Cell {
        Cell {
            kind: self.kind,
            entity: self.entity.cloned(),
            class: self.class,
            purpose: self.purpose,
        }
    }
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Recipients {
    /// Kinds covered with all their entities.
    pub kinds: RecipientKinds,
    /// Entities covered by name, sorted, without repeats.
    pub named: Box<[NamedRecipient]>,
}

impl Recipients {
    /// Entities that one scope may name. More is split over several words.
    pub const NAMED_MAX: usize = 64;

    /// These kinds and these entities, in the one order that makes equal recipients equal.
    pub fn new(kinds: RecipientKinds, named: impl IntoIterator<Item = NamedRecipient>) -> Self {
        let mut named: Vec<_> = named.into_iter().collect();
        named.sort_unstable();
        named.dedup();
        Self {
            kinds,
            named: named.into_boxed_slice(),
        }
    }

    /// The recipients of those names: a kind such as `affiliate`, or a kind's entity such as `affiliate/acme`.
    ///
    /// # Errors
    /// The name that is none.
    pub fn parse<T: AsRef<str>>(names: &[T]) -> Result<Self, String> {
        let (mut kinds, mut named) = (RecipientKinds::NONE, Vec::new());
        for name in names.iter().map(AsRef::as_ref) {
            let wrong = || format!("`{name}` is no kind of recipient, and no kind/entity");
            let (kind, entity) = match name.split_once('/') {
                Some((kind, entity)) => (kind, Some(EntityId::parse(entity).ok_or_else(wrong)?)),
                None => (name, None),
            };
            let kind = RecipientKind::parse(kind).ok_or_else(wrong)?;
            match entity {
                Some(entity) => named.push(NamedRecipient { kind, entity }),
                None => kinds = kinds.with(kind),
            }
        }
        Ok(Self::new(kinds, named))
    }

    /// Every entity of these kinds.
    pub fn of(kinds: RecipientKinds) -> Self {
        Self::new(kinds, [])
    }

    /// One entity by name.
    pub fn named(kind: RecipientKind, entity: EntityId) -> Self {
        Self::new(RecipientKinds::NONE, [NamedRecipient { kind, entity }])
    }

    /// Whether nobody is named.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty() && self.named.is_empty()
    }

    /// Whether the recipient is covered: by its kind, or by name in that kind.
    pub fn cover(&self, kind: RecipientKind, entity: Option<&EntityId>) -> bool {
        self.kinds.contains(kind)
            || entity.is_some_and(|entity| {
                self.named
                    .iter()
                    .any(|named| named.kind == kind && named.entity == *entity)
            })
    }

    /// Whether each recipient of `other` is covered.
    pub fn cover_all(&self, other: &Self) -> bool {
        self.kinds.covers(other.kinds)
            && other
                .named
                .iter()
                .all(|named| self.cover(named.kind, Some(&named.entity)))
    }
}

/// `"all"`, or names such as `company` and `affiliate/acme`, where a person may read it; parts in views.
impl Serialize for Recipients {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let Self { kinds, named } = self;
        if !out.is_human_readable() {
            return (kinds, named).serialize(out);
        }
        if *kinds == RecipientKinds::ALL && named.is_empty() {
            return out.serialize_str(ALL);
        }
        let kinds = kinds.members().map(|kind| kind.name().to_owned());
        let named = (named.iter()).map(|named| format!("{}/{}", named.kind, named.entity));
        out.collect_seq(kinds.chain(named))
    }
}

impl<'de> Deserialize<'de> for Recipients {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
        use serde::de::Error;

        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Given {
            All(String),
            Some(Vec<String>),
        }

        if !input.is_human_readable() {
            let (kinds, named) = Deserialize::deserialize(input)?;
            return Ok(Self { kinds, named });
        }
        match Given::deserialize(input)? {
            Given::All(all) if all == ALL => Ok(Self::of(RecipientKinds::ALL)),
            Given::All(other) => Err(D::Error::custom(format!(
                "`{other}` is no list of recipients, and not `{ALL}`"
            ))),
            Given::Some(names) => Self::parse(&names).map_err(D::Error::custom),
        }
    }
}

/// A product of recipients, classes and purposes (R1).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// To whom.
    pub recipients: Recipients,
    /// Which classes.
    pub classes: CpniClasses,
    /// What for.
    pub purposes: Purposes,
}

impl Scope {
    /// Every cell there is or will be.
    pub fn everything() -> Self {
        Self {
            recipients: Recipients::of(RecipientKinds::ALL),
            classes: CpniClasses::ALL,
            purposes: Purposes::ALL,
        }
    }

    /// Whether nothing at all is named.
    pub fn names_nothing(&self) -> bool {
        self.recipients.is_empty() && self.classes.is_empty() && self.purposes.is_empty()
    }

    /// The same scope with "all" in what it leaves empty (R2), its entities in order.
    #[must_use]
    pub fn with_all_for_empty(&self) -> Self {
        let recipients = if self.recipients.is_empty() {
            Recipients::of(RecipientKinds::ALL)
        } else {
            self.in_order().recipients
        };
        Self {
            recipients,
            classes: match self.classes {
                CpniClasses::NONE => CpniClasses::ALL,
                named => named,
            },
            purposes: match self.purposes {
                Purposes::NONE => Purposes::ALL,
                named => named,
            },
        }
    }

    /// The same scope with its entities sorted and without repeats.
    #[must_use]
    pub fn in_order(&self) -> Self {
        Self {
            recipients: Recipients::new(
                self.recipients.kinds,
                self.recipients.named.iter().cloned(),
            ),
            classes: self.classes,
            purposes: self.purposes,
        }
    }

    /// Whether the cell belongs.
    pub fn covers(&self, cell: CellRef<'_>) -> bool {
        self.classes.contains(cell.class)
            && self.purposes.contains(cell.purpose)
            && self.recipients.cover(cell.kind, cell.entity)
    }

    /// Whether each cell of `other` belongs.
    pub fn covers_all(&self, other: &Self) -> bool {
        self.classes.covers(other.classes)
            && self.purposes.covers(other.purposes)
            && self.recipients.cover_all(&other.recipients)
    }

    /// Whether `test` holds in some cell of the scope. `entities` are names to look at within whole kinds.
    pub fn some_cell<'a>(
        &'a self,
        entities: &[&'a EntityId],
        mut test: impl FnMut(CellRef<'a>) -> bool,
    ) -> bool {
        let kinds = self.recipients.kinds.members().flat_map(|kind| {
            std::iter::once((kind, None))
                .chain(entities.iter().map(move |entity| (kind, Some(*entity))))
        });
        let named = self
            .recipients
            .named
            .iter()
            .map(|named| (named.kind, Some(&named.entity)));
        kinds.chain(named).any(|(kind, entity)| {
            self.classes.members().any(|class| {
                self.purposes.members().any(|purpose| {
                    test(CellRef {
                        kind,
                        entity,
                        class,
                        purpose,
                    })
                })
            })
        })
    }
}

/// Refuses a scope that names more entities than one scope may.
pub(super) fn require_named_in_bounds(scope: &Scope, field: &str) -> Result<(), Refusal> {
    let count = scope.recipients.named.len();
    if count <= Recipients::NAMED_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::Invalid,
        format!("{field}.recipients"),
        format!(
            "{count} entities are named; a scope takes {} at most: split it, or name the kind",
            Recipients::NAMED_MAX
        ),
    ))
}
