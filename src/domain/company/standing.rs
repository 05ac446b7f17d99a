//! How the recipient of a question stands with the company at an instant (R12, V41).
//!
//! A registered entity counts only while it has the kind that is asked; what was granted to it in a kind ended when it
//! left that kind, and does not come back when it joins again. A block on any kind that it has reaches it. An entity
//! that nobody registered is taken at the caller's word for what the customer granted by opt-in, since the grant covers
//! the kind or the very name; for what needs no word of the customer's (opt-out, held categories) the word won't do:
//! a doubt is answered no.

use super::Company;
use super::entities::Entity;
use crate::domain::ids::{EntityId, Position};
use crate::domain::time::Time;
use crate::domain::vocabulary::{RecipientKind, RecipientKinds};

/// A recipient, seen through the register.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    kind: RecipientKind,
    at: Time,
    named: bool,
    entity: Option<&'a Entity>,
    others: RecipientKinds,
    has_kind: bool,
}

impl<'a> Standing<'a> {
    /// The recipient of that kind and, where one is named, that entity.
    pub fn of(
        company: &'a Company,
        kind: RecipientKind,
        entity: Option<&EntityId>,
        at: Time,
    ) -> Self {
        let registered = entity.and_then(|id| company.entities.get(id));
        let kinds = registered.map_or(RecipientKinds::of(kind), |entity| entity.kinds(at));
        Self {
            kind,
            at,
            named: entity.is_some(),
            entity: registered,
            others: kinds.without(kind),
            has_kind: kinds.contains(kind),
        }
    }

    /// Whether the recipient is of the kind that is asked, as far as the register knows it.
    pub fn has_kind(&self) -> bool {
        self.has_kind
    }

    /// The other kinds that it has; a block on one of them reaches it.
    pub fn others(&self) -> RecipientKinds {
        self.others
    }

    /// Whether the register confirms the kind: the entity is registered so, or none is named. The company's own legal
    /// entities are in no register.
    pub fn is_confirmed(&self) -> bool {
        let company = self.kind == RecipientKind::Company;
        self.has_kind && (company || self.entity.is_some() || !self.named)
    }

    /// Whether what was recorded then for its kind holds for it still: it has the kind, and hasn't left it since.
    pub fn holds_since(&self, recorded_at: Time) -> bool {
        self.has_kind
            && (self.entity).is_none_or(|entity| entity.kept(self.kind, recorded_at, self.at))
    }

    /// The same for what knows only its position: where the entity was of the kind before, only what came after its
    /// return holds; and of an agent, only what came after it became a contractor, too.
    pub fn holds_since_record(&self, position: Position) -> bool {
        self.has_kind
            && self.entity.is_none_or(|entity| {
                let now = entity.membership(self.kind, self.at);
                let again = (entity.memberships.iter())
                    .any(|one| one.kind == self.kind && !one.holds(self.at));
                let displaced = self.kind == RecipientKind::Agent
                    && (entity.memberships.iter()).any(|one| {
                        one.kind == RecipientKind::PartnerOrContractor && one.position > position
                    });
                !displaced && (!again || now.is_some_and(|now| now.position < position))
            })
    }

    /// Whether it provided such services already when that was recorded: a notice can't ask for who joins later. Of a
    /// whole kind, all who are of it now did (R5, R10).
    pub fn provided_communications(
        &self,
        company: &Company,
        recorded_at: Time,
        position: Position,
    ) -> bool {
        let provided = |entity: &Entity| {
            let mut then = (entity.memberships.iter())
                .filter(|one| {
                    one.kind == self.kind && one.holds(recorded_at) && one.position < position
                })
                .peekable();
            entity.kinds(recorded_at).contains(self.kind)
                && then.peek().is_some()
                && then.all(|one| one.communications_related)
        };
        match (self.kind, self.named) {
            (RecipientKind::Company, _) => true,
            (_, true) => self.entity.is_some_and(provided),
            (_, false) => {
                let mut entities = company.entities.all().iter();
                entities.all(|one| one.membership(self.kind, self.at).is_none() || provided(one))
            }
        }
    }

    /// Whether it provides communications-related services, by the register (F3, 64.2007(b)): the company does; a named
    /// entity if registered so; a whole kind if all that are registered as it do, and some are.
    pub fn provides_communications(&self, company: &Company) -> bool {
        let provides = |entity: &Entity| {
            (entity.membership(self.kind, self.at)).map(|held| held.communications_related)
        };
        match (self.kind, self.named) {
            (RecipientKind::Company, _) => true,
            (_, true) => self.entity.and_then(provides) == Some(true),
            (_, false) => {
                let mut of_kind = company
                    .entities
                    .all()
                    .iter()
                    .filter_map(provides)
                    .peekable();
                of_kind.peek().is_some() && of_kind.all(|provides| provides)
            }
        }
    }
}
