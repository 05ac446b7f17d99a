//! A customer's words, and the states of cells that follow from them (C5, R1).

use std::collections::{BTreeMap, BTreeSet};

use super::lists::{Listed, numbers as listed};
use super::policies::deemed;
use super::rulings::rulebook_version;
use super::scopes::{scope, wire_said, wire_scope};
use super::values::{numbers, timestamp};
use super::{Malformed, Within, values};
use crate::domain::consent::word::{Block, OneTime, Said, Word};
use crate::domain::customer::{Customer, World, rule};
use crate::domain::ids::{EntityId, Position, Pseudonym};
use crate::domain::notices::GivenNotice;
use crate::domain::question::Question;
use crate::domain::ruling::State;
use crate::domain::scope::Scope;
use crate::domain::services::HeldService;
use crate::domain::time::Time;
use crate::domain::vocabulary::{
    CpniClass, CpniClasses, NotCpniItems, Purpose, Purposes, RecipientKind, RecipientKinds,
};
use crate::proto::v1 as wire;

/// Most scopes that a request may ask for.
const SCOPES_MAX: usize = 8;
/// Most recipients times purposes that one answer derives.
const ROWS_MAX: usize = 512;

/// The purposes that need approval, shown where none are asked for.
const PURPOSES: Purposes = Purposes::of(Purpose::MarketingComms)
    .with(Purpose::MarketingOther)
    .with(Purpose::OtherApproved);

/// One recipient and one purpose, for some classes: what a single question can ask.
type Rows = BTreeMap<(RecipientKind, Option<EntityId>, Purpose), CpniClasses>;

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
    let (cells, standing_blocks) = derive(customer, asked, &rows);
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
        cells,
        standing_blocks,
        deemed_acceptances: deemed(&asked.world.company.policies, &customer.services, asked.at),
    })
}

fn rows(customer: &Customer, scopes: &[Scope]) -> Result<Rows, Malformed> {
    let mut rows = Rows::new();
    if scopes.is_empty() {
        for (kind, entity) in spoken_of(customer) {
            for purpose in PURPOSES.members() {
                rows.insert((kind, entity.clone(), purpose), classes());
            }
        }
    }
    for scope in scopes {
        let purposes = or(scope.purposes, Purposes::NONE, PURPOSES);
        let asked = or(scope.classes, CpniClasses::NONE, classes());
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

/// Every class that an approval can be about.
fn classes() -> CpniClasses {
    let approvable = |class: &CpniClass| *class != CpniClass::PicFreezeStatus;
    CpniClass::EVERY
        .iter()
        .copied()
        .filter(approvable)
        .collect()
}

/// The company, and every recipient that some word or one-time approval names.
fn spoken_of(customer: &Customer) -> BTreeSet<(RecipientKind, Option<EntityId>)> {
    let mut found = BTreeSet::from([(RecipientKind::Company, None)]);
    let said = customer.words.iter().map(|word| match &word.said {
        Said::Grant { scope, .. } | Said::Block(Block { scope, .. }) => scope,
    });
    for scope in said.chain(customer.one_time.iter().map(|once| &once.scope)) {
        found.extend(named(scope));
        if scope.recipients.kinds != RecipientKinds::ALL {
            found.extend(scope.recipients.kinds.members().map(|kind| (kind, None)));
        }
    }
    found
}

fn recipients(customer: &Customer, scope: &Scope) -> BTreeSet<(RecipientKind, Option<EntityId>)> {
    if scope.recipients.kinds.is_empty() && scope.recipients.named.is_empty() {
        return spoken_of(customer);
    }
    let kinds = scope.recipients.kinds.members().map(|kind| (kind, None));
    kinds.chain(named(scope)).collect()
}

fn named(scope: &Scope) -> impl Iterator<Item = (RecipientKind, Option<EntityId>)> + '_ {
    scope
        .recipients
        .named
        .iter()
        .map(|named| (named.kind, Some(named.entity.clone())))
}

/// Derives every row's cells, and puts those of equal state together.
fn derive(customer: &Customer, asked: &Asked<'_>, rows: &Rows) -> (Vec<wire::CellGroup>, Vec<u64>) {
    // By recipient, then state, records behind it and classes: the purposes that share them.
    let mut groups: BTreeMap<_, Purposes> = BTreeMap::new();
    let mut standing = BTreeSet::new();
    for ((kind, entity, purpose), classes) in rows {
        let question = bare_question(*kind, entity.clone(), *purpose, *classes);
        let ruling = rule(Some(customer), asked.world, &question, asked.at);
        let mut alike: BTreeMap<(State, Vec<Position>), CpniClasses> = BTreeMap::new();
        for cell in ruling.cells {
            if matches!(cell.state, State::Denied | State::Restricted) {
                standing.extend(numbers(&cell.positions));
            }
            let classes = alike.entry((cell.state, cell.positions)).or_default();
            *classes = classes.with(cell.cell.class);
        }
        for ((state, positions), classes) in alike {
            let purposes = groups
                .entry((*kind, entity, state, positions, classes))
                .or_default();
            *purposes = purposes.with(*purpose);
        }
    }
    let groups = groups.into_iter().map(|(group, purposes)| {
        let (kind, entity, state, positions, classes) = group;
        wire::CellGroup {
            recipient_kind: kind.number(),
            entity: entity.as_ref().map(ToString::to_string).unwrap_or_default(),
            classes: listed(classes.members()),
            purposes: listed(purposes.members()),
            state: state.number(),
            positions: numbers(&positions),
        }
    });
    (groups.collect(), standing.into_iter().collect())
}

/// A question about cells alone: no offering, no ground, no call.
fn bare_question(
    recipient: RecipientKind,
    entity: Option<EntityId>,
    purpose: Purpose,
    classes: CpniClasses,
) -> Question {
    Question {
        purpose,
        classes,
        selected_by: CpniClasses::NONE,
        not_cpni: NotCpniItems::NONE,
        recipient,
        entity,
        source_category: None,
        target_categories: Vec::new(),
        offering: None,
        call: None,
        ground: None,
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
