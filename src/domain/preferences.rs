//! What a customer's words come to: the state of every cell spoken of, and from when until when it may be used (C5, N3,
//! R1, R18).
//!
//! Answers change with time alone, so that whoever keeps a copy needs the end of a yes with the yes itself.

use std::collections::BTreeMap;

use serde::Serialize;

use super::checks::rule::rule;
use super::consent::word::{Block, Said};
use super::customer::{Customer, World};
use super::ids::{Category, EntityId, Position};
use super::question::Question;
use super::ruling::State;
use super::scope::Scope;
use super::time::Time;
use super::vocabulary::{
    CpniClass, CpniClasses, NotCpniItems, Purpose, Purposes, RecipientKind, RecipientKinds,
};

/// The purposes that need approval, shown where none are asked for.
pub const PURPOSES: Purposes = Purposes::of(Purpose::MarketingComms)
    .with(Purpose::MarketingOther)
    .with(Purpose::OtherApproved);

/// Changes without a record that are followed in search of a yes: a clock that ends, and what may follow it.
const CHANGES_MAX: usize = 8;

/// Recipients times purposes that one answer or message states.
pub const ROWS_MAX: usize = 512;

/// A recipient: the kind, or an entity in a kind.
pub type Recipient = (RecipientKind, Option<EntityId>);

/// Recipients and purposes with the classes asked for: what single questions can ask.
pub type Rows = BTreeMap<(RecipientKind, Option<EntityId>, Purpose), CpniClasses>;

/// Cells of one recipient that are in the same state for the same reasons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CellGroup {
    /// The kind of recipient.
    pub recipient: RecipientKind,
    /// The named entity; none: every entity of the kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entity: Option<EntityId>,
    /// The classes.
    pub classes: CpniClasses,
    /// The purposes.
    pub purposes: Purposes,
    /// Their state.
    pub state: State,
    /// The grant, or the blocks that stand: while there are blocks, those still block.
    pub positions: Vec<Position>,
    /// Since when the cells may be used: the evaluated instant, or one that lies ahead. None: no time alone makes them
    /// usable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable_from: Option<Time>,
    /// The first instant at which they may no longer be used without a new record; none: no end is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usable_until: Option<Time>,
}

/// What is published of a customer: the resulting state, and not only the change (N3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preferences {
    /// The customer's version that it reflects: that of the record that it comes with, or a later one.
    pub version: u64,
    /// The instant that it is for.
    pub evaluated_at: Time,
    /// Service categories held then.
    pub services: Vec<Category>,
    /// The cells about which something was said; what is missing may not be used.
    pub cells: Vec<CellGroup>,
    /// The customer named more recipients than are stated: no cell is, and none may be used without asking.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_stated: bool,
    /// The customer was erased: no service and no cell is stated, and nothing may be used, ever (E8).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub erased: bool,
}

impl Preferences {
    /// What the customer's words come to at that instant.
    pub fn of(customer: &Customer, world: World<'_>, at: Time) -> Self {
        let services = customer.services.held.iter();
        let erased = customer.erased.is_some();
        let rows = match erased {
            true => Rows::new(),
            false => rows_spoken_of(customer),
        };
        let not_stated = rows.len() > ROWS_MAX;
        let mut cells = match not_stated {
            true => Vec::new(),
            false => groups(customer, world, &rows, at),
        };
        cells.retain(|group| group.state != State::Unknown || group.usable_from.is_some());
        Self {
            version: customer.version,
            evaluated_at: at,
            services: services
                .filter(|service| service.held(at))
                .map(|service| service.category.clone())
                .collect(),
            cells,
            not_stated,
            erased,
        }
    }

    /// Only what may be used, now or by time alone: says nothing of what was denied, or why (N4). What is missing may not
    /// be used.
    #[must_use]
    pub fn usable_only(mut self) -> Self {
        self.cells.retain(|group| group.usable_from.is_some());
        self
    }
}

/// Every class that an approval can be about.
pub fn approvable_classes() -> CpniClasses {
    CpniClass::EVERY
        .iter()
        .copied()
        .filter(|class| *class != CpniClass::PicFreezeStatus)
        .collect()
}

/// The company, and every recipient that some word, one-time approval or running notice names.
pub fn spoken_of(customer: &Customer) -> Vec<Recipient> {
    let mut found = vec![(RecipientKind::Company, None)];
    let said = customer.words.iter().map(|word| match &word.said {
        Said::Grant { scope, .. } | Said::Block(Block { scope, .. }) => scope,
    });
    let once = customer.one_time.iter().map(|once| &once.scope);
    let noticed = customer.opt_out.iter().flat_map(|opt_out| opt_out.covers());
    for scope in said.chain(once).chain(noticed) {
        found.extend(named(scope));
        if scope.recipients.kinds != RecipientKinds::ALL {
            found.extend(scope.recipients.kinds.members().map(|kind| (kind, None)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// The entities that a scope names.
pub fn named(scope: &Scope) -> impl Iterator<Item = Recipient> + '_ {
    let named = scope.recipients.named.iter();
    named.map(|named| (named.kind, Some(named.entity.clone())))
}

/// The rows of all cells spoken of.
pub fn rows_spoken_of(customer: &Customer) -> Rows {
    let classes = approvable_classes();
    let recipients = spoken_of(customer).into_iter();
    recipients
        .flat_map(|(kind, entity)| {
            (PURPOSES.members()).map(move |purpose| ((kind, entity.clone(), purpose), classes))
        })
        .collect()
}

type Key = (
    RecipientKind,
    Option<EntityId>,
    State,
    Vec<Position>,
    CpniClasses,
    (Option<Time>, Option<Time>),
);

/// Derives every row's cells, and puts those of equal state together.
pub fn groups(customer: &Customer, world: World<'_>, rows: &Rows, at: Time) -> Vec<CellGroup> {
    let mut groups: BTreeMap<Key, Purposes> = BTreeMap::new();
    for ((kind, entity, purpose), classes) in rows {
        let mut question = bare_question(*kind, entity.clone(), *purpose, *classes);
        let ruling = rule(Some(customer), world, &question, at);
        let whole = (ruling.allowed, ruling.valid_until);
        let mut alike: BTreeMap<(State, Vec<Position>), CpniClasses> = BTreeMap::new();
        for cell in ruling.cells {
            let classes = alike.entry((cell.state, cell.positions)).or_default();
            *classes = classes.with(cell.cell.class);
        }
        let is_whole = alike.len() == 1;
        for ((state, positions), classes) in alike {
            question.classes = classes;
            // Where all cells are alike, the ruling at hand is theirs.
            let now = is_whole.then_some(whole);
            let usable = usable(customer, world, &question, at, now);
            let key = (*kind, entity.clone(), state, positions, classes, usable);
            let purposes = groups.entry(key).or_default();
            *purposes = purposes.with(*purpose);
        }
    }
    let group = |(key, purposes): (Key, Purposes)| {
        let (recipient, entity, state, positions, classes, (usable_from, usable_until)) = key;
        CellGroup {
            recipient,
            entity,
            classes,
            purposes,
            state,
            positions,
            usable_from,
            usable_until,
        }
    };
    groups.into_iter().map(group).collect()
}

/// From when until when the answer is yes by time alone: the first such stretch that isn't over. `now` is the answer at `at`
/// and its end, where they are known.
fn usable(
    customer: &Customer,
    world: World<'_>,
    question: &Question,
    mut at: Time,
    mut now: Option<(bool, Option<Time>)>,
) -> (Option<Time>, Option<Time>) {
    for _ in 0..CHANGES_MAX {
        let (allowed, valid_until) = now.take().unwrap_or_else(|| {
            let ruling = rule(Some(customer), world, question, at);
            (ruling.allowed, ruling.valid_until)
        });
        match valid_until {
            until if allowed => return (Some(at), until),
            Some(next) if next > at => at = next,
            _ => return (None, None),
        }
    }
    (None, None)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::{NamedRecipient, Recipients};
    use crate::domain::testing::{Story, change};

    fn cells(story: &Story) -> Vec<CellGroup> {
        Preferences::of(story.state(), story.world(), story.now).cells
    }

    #[test]
    fn n3_a_standing_grant_may_be_used_from_now_until_the_planned_end_of_the_services() {
        let mut story = Story::begun();
        let company = Scope {
            recipients: Recipients::of(RecipientKinds::of(RecipientKind::Company)),
            classes: CpniClasses::ALL,
            purposes: Purposes::of(Purpose::MarketingComms),
        };
        let position = story.grant(company);
        let granted = |group: &&CellGroup| group.state == State::Granted;
        let all = cells(&story);
        let group = all.iter().find(granted).unwrap();
        assert_eq!(group.positions, [Position(position)]);
        assert_eq!(
            (group.usable_from, group.usable_until),
            (Some(story.now), None)
        );

        let end = story.now.plus_hours(100);
        story.act(change(&[], &[("local", Some(end))]));
        let all = cells(&story);
        let group = all.iter().find(granted).unwrap();
        assert_eq!(group.usable_until, Some(end));
    }

    #[test]
    fn n3_what_is_unknown_or_denied_has_no_time_of_use() {
        let mut story = Story::begun();
        story.deny(Scope::everything());
        for group in cells(&story) {
            assert_eq!(group.state, State::Denied);
            assert_eq!((group.usable_from, group.usable_until), (None, None));
        }
        let preferences = Preferences::of(story.state(), story.world(), story.now);
        assert!(
            preferences.usable_only().cells.is_empty(),
            "says nothing of a denial"
        );
        let text = serde_json::to_string(&Preferences::of(story.state(), story.world(), story.now));
        assert!(text.unwrap().contains("\"state\":\"denied\""));
    }

    #[test]
    fn t5_who_names_very_many_recipients_is_not_stated_and_nothing_may_be_used() {
        let mut story = Story::begun();
        for word in 0..3 {
            let named = (0..Recipients::NAMED_MAX).map(|entity| NamedRecipient {
                kind: RecipientKind::Affiliate,
                entity: EntityId::parse(&format!("affiliate-{word}-{entity}")).unwrap(),
            });
            story.deny(Scope {
                recipients: Recipients::new(RecipientKinds::NONE, named),
                ..Scope::everything()
            });
        }
        let preferences = Preferences::of(story.state(), story.world(), story.now);
        assert!(preferences.not_stated && preferences.cells.is_empty());
        let text = serde_json::to_string(&preferences).unwrap();
        assert!(text.contains("\"not_stated\":true") && text.len() < 1000);
    }
}
