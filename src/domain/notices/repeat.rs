//! Which opt-out notices must be repeated, and by when (F6, 64.2008(d)(2)).
//!
//! Only for cells that opt-out decides: who granted, denied or left is owed no notice, and where the rulebook doesn't
//! enable opt-out nobody is. What one notice owes may be settled in some cells and not in others.

use std::collections::BTreeSet;

use super::opt_out::{Look, OptOut, Repeat};
use crate::domain::company::standing::Standing;
use crate::domain::consent::precedence::weigh;
use crate::domain::customer::{Customer, World};
use crate::domain::ids::EntityId;
use crate::domain::ruling::State;
use crate::domain::scope::{CellRef, Scope};
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClass, Purpose, RecipientKind};

/// What the customer's notices owe whose date comes before or at `until`, the earliest first.
pub fn repeats(customer: &Customer, world: World<'_>, at: Time, until: Time) -> Vec<Repeat> {
    let Some(opt_out) = customer.opt_out.as_deref() else {
        return Vec::new();
    };
    let enabled = world.rulebook.opt_out(at);
    if !enabled || customer.services.lapsed(at) || !opt_out.any_overdue_by(until) {
        return Vec::new();
    }
    let cells = opt_out.covers().flat_map(|covers| cells(covers, world, at));
    // Scopes of several notices cover the same cells: each is looked at once.
    let cells: BTreeSet<_> = cells.collect();
    let owed: BTreeSet<_> = (cells.into_iter())
        .flat_map(|(kind, entity, class)| {
            let cell = CellRef {
                kind,
                entity,
                class,
                purpose: Purpose::MarketingComms,
            };
            in_cell(opt_out, customer, world, cell, at)
        })
        .filter(|repeat| repeat.overdue_at <= until)
        .collect();
    owed.into_iter().collect()
}

/// What is owed in a cell in which words say nothing.
fn in_cell(
    opt_out: &OptOut,
    customer: &Customer,
    world: World<'_>,
    cell: CellRef<'_>,
    at: Time,
) -> Vec<Repeat> {
    let standing = Standing::of(world.company, cell.kind, cell.entity, at);
    let weighed = weigh(&customer.words, &customer.services, cell, &standing, at);
    if weighed.state != State::Unknown {
        return Vec::new();
    }
    opt_out.repeats(Look {
        customer,
        world,
        standing,
        cell,
        source: None,
        at,
    })
}

/// A recipient by itself, and a class.
type OneCell<'a> = (RecipientKind, Option<&'a EntityId>, CpniClass);

/// The cells of a scope, each agent and affiliate by itself: who is of a kind is in the register. A kind's own cell is
/// no better than the worst of them, and adds nothing (R12).
fn cells<'a>(scope: &'a Scope, world: World<'a>, at: Time) -> impl Iterator<Item = OneCell<'a>> {
    let kinds = scope.recipients.kinds;
    let marketing = scope.purposes.contains(Purpose::MarketingComms);
    let company =
        (kinds.contains(RecipientKind::Company)).then_some((RecipientKind::Company, None));
    let registered = (world.company.entities.all().iter()).flat_map(move |entity| {
        (entity.kinds(at).members())
            .filter(move |kind| kinds.contains(*kind))
            .map(move |kind| (kind, Some(&entity.id)))
    });
    let named = (scope.recipients.named.iter()).map(|named| (named.kind, Some(&named.entity)));
    (company.into_iter().chain(registered).chain(named))
        .filter(move |_| marketing)
        .flat_map(|(kind, entity)| {
            (scope.classes.members()).map(move |class| (kind, entity, class))
        })
}
