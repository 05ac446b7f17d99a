//! A customer's words, and the states of cells that follow from them (C5, R1).

use std::collections::BTreeSet;

use super::lists::{Listed, numbers as listed};
use super::policies::deemed;
use super::rulings::rulebook_version;
use super::scopes::{scope, wire_said, wire_scope};
use super::values::{numbers, timestamp};
use super::{Malformed, Within, values};
use crate::domain::consent::word::{OneTime, Word};
use crate::domain::customer::{Customer, World};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::notices::GivenNotice;
use crate::domain::preferences::{
    CellGroup, PURPOSES, ROWS_MAX, Recipient, Rows, approvable_classes, groups, named,
    rows_spoken_of, spoken_of,
};
use crate::domain::ruling::State;
use crate::domain::scope::Scope;
use crate::domain::services::HeldService;
use crate::domain::time::Time;
use crate::domain::vocabulary::{CpniClasses, Purposes};
use crate::proto::v1 as wire;

/// Most scopes that a request may ask for.
const SCOPES_MAX: usize = 8;

/// The scopes that a request asks for.
///
/// # Errors
/// Names the field that is wrong.
pub fn scopes(given: Vec<wire::Scope>) -> Result<Vec<Scope>, Malformed> {
    values::at_most("scopes", given.len(), SCOPES_MAX)?;
    let one = |(index, given)| scope(given).within_item("scopes", index);
    given.into_iter().enumerate().map(one).collect()
}

/// What an answer is about and rests on.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The customer's pseudonym.
    pub pseudonym: Pseudonym,
    /// The rulebook followed, and the company.
    pub world: World<'a>,
    /// The instant that the states are for.
    pub at: Time,
    /// All records up to and with this one are reflected.
    pub position: Position,
    /// The cells to derive; none: those spoken of.
    pub scopes: &'a [Scope],
}

/// A customer's preferences on the wire.
///
/// # Errors
/// When the scopes ask for more cells than one answer holds.
pub fn preferences(
    customer: &Customer,
    asked: &Asked<'_>,
) -> Result<wire::GetPreferencesResponse, Malformed> {
    let rows = rows(customer, asked.scopes)?;
    let groups = groups(customer, asked.world, &rows, asked.at);
    Ok(wire::GetPreferencesResponse {
        pseudonym: asked.pseudonym.to_string(),
        customer_version: customer.version,
        position: asked.position.0,
        evaluated_at: Some(timestamp(asked.at)),
        rulebook: Some(rulebook_version(
            &asked.world.rulebook.name,
            &asked.world.rulebook.version,
        )),
        legal_entity: customer.legal_entity.to_string(),
        services: customer
            .services
            .held
            .iter()
            .map(|held| service(held, asked.at))
            .collect(),
        notices: customer.notices.iter().map(notice).collect(),
        words: customer.words.iter().map(word).collect(),
        one_time: customer.one_time.iter().map(one_time).collect(),
        standing_blocks: standing_blocks(&groups),
        cells: groups.iter().map(cell_group).collect(),
        deemed_acceptances: deemed(&asked.world.company.policies, &customer.services, asked.at),
    })
}

fn rows(customer: &Customer, scopes: &[Scope]) -> Result<Rows, Malformed> {
    let mut rows = match scopes {
        [] => rows_spoken_of(customer),
        _ => Rows::new(),
    };
    for scope in scopes {
        let purposes = or(scope.purposes, Purposes::NONE, PURPOSES);
        let asked = or(scope.classes, CpniClasses::NONE, approvable_classes());
        for (kind, entity) in recipients(customer, scope) {
            for purpose in purposes.members() {
                let row = rows.entry((kind, entity.clone(), purpose)).or_default();
                *row = row.union(asked);
            }
        }
    }
    if rows.len() > ROWS_MAX {
        let problem = format!(
            "ask for {} recipients times purposes; {ROWS_MAX} is the most",
            rows.len()
        );
        return Err(Malformed::invalid("scopes", problem));
    }
    Ok(rows)
}

fn or<S: PartialEq>(given: S, none: S, default: S) -> S {
    if given == none { default } else { given }
}

fn recipients(customer: &Customer, scope: &Scope) -> Vec<Recipient> {
    if scope.recipients.kinds.is_empty() && scope.recipients.named.is_empty() {
        return spoken_of(customer);
    }
    let kinds = scope.recipients.kinds.members().map(|kind| (kind, None));
    let all: BTreeSet<_> = kinds.chain(named(scope)).collect();
    all.into_iter().collect()
}

fn standing_blocks(groups: &[CellGroup]) -> Vec<u64> {
    let blocked = (groups.iter())
        .filter(|group| matches!(group.state, State::Denied | State::Restricted))
        .flat_map(|group| numbers(&group.positions));
    let all: BTreeSet<u64> = blocked.collect();
    all.into_iter().collect()
}

fn cell_group(group: &CellGroup) -> wire::CellGroup {
    let entity = group.entity.as_ref();
    wire::CellGroup {
        recipient_kind: group.recipient.number(),
        entity: entity.map(ToString::to_string).unwrap_or_default(),
        classes: listed(group.classes.members()),
        purposes: listed(group.purposes.members()),
        state: group.state.number(),
        positions: numbers(&group.positions),
        usable_from: group.usable_from.map(timestamp),
        usable_until: group.usable_until.map(timestamp),
    }
}

fn service(held: &HeldService, at: Time) -> wire::HeldService {
    wire::HeldService {
        category: held.category.to_string(),
        starts_at: Some(timestamp(held.starts_at)),
        ends_at: held.ends_at.map(timestamp),
        held: held.starts_at <= at && held.ends_at.is_none_or(|end| at < end),
        position: held.opened.0,
    }
}

fn notice(given: &GivenNotice) -> wire::GivenNotice {
    wire::GivenNotice {
        position: given.position.0,
        recorded_at: Some(timestamp(given.recorded_at)),
        occurred_at: Some(timestamp(given.occurred_at)),
        notice_version: given.version.to_string(),
        covers: Some(wire_scope(&given.covers)),
        complete: given.is_whole(),
        for_one_call: given.is_for_one_call(),
    }
}

fn word(word: &Word) -> wire::RememberedWord {
    wire::RememberedWord {
        position: word.position.0,
        command_position: word.command.0,
        recorded_at: Some(timestamp(word.recorded_at)),
        occurred_at: word.occurred_at.map(timestamp),
        witnessed: word.witnessed,
        word: Some(wire_said(&word.said)),
    }
}

fn one_time(once: &OneTime) -> wire::OneTimeApproval {
    wire::OneTimeApproval {
        position: once.position.0,
        scope: Some(wire_scope(&once.scope)),
        ends_at: Some(timestamp(once.ends_at)),
    }
}
