//! What a comparison found, gathered so that a person can read it.
//!
//! Differences that meet the very same customers with the same answers are one line, with all classes, recipients and
//! categories for which that holds; each line is exact, and lines overlap only in customers, never in questions.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::{Tally, Verdict};
use crate::domain::authentication::telling::Telling;
use crate::domain::disclosures::grounds::GroundKind;
use crate::domain::ids::{Category, Pseudonym};
use crate::domain::question::Question;
use crate::domain::time::Time;
use crate::domain::vocabulary::{
    AssuranceMethods, CpniClasses, NotCpniItems, Purposes, RecipientKinds,
};

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The instant of all answers.
    pub at: Time,
    /// Customers compared.
    pub customers: u64,
    /// Customers about whom some answer changes.
    pub changed: u64,
    /// Customers who were ruled on one by one; all others were like one of them.
    pub kinds_of_customer: u64,
    /// Questions asked about each customer.
    pub questions: u64,
    /// What changes; what meets most customers first.
    pub differences: Vec<Difference>,
}

/// Questions whose answer changes in the same way for the same customers: every combination of the members listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What is asked.
    pub asked: Questions,
    /// The answer under the rulebook before.
    pub before: Verdict,
    /// The answer under the rulebook after.
    pub after: Verdict,
    /// Customers whom it meets.
    pub customers: u64,
    /// Some of them.
    pub examples: Vec<Pseudonym>,
}

/// Questions, as the product of what each member lists.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Questions {
    /// The ground claimed; none: approval, or what the customer holds.
    pub ground: Option<GroundKind>,
    /// What for.
    pub purposes: Purposes,
    /// Who uses or receives it.
    pub recipients: RecipientKinds,
    /// The classes; each asked for by itself.
    pub classes: CpniClasses,
    /// What isn't CPNI; each asked for by itself.
    pub not_cpni: NotCpniItems,
    /// Categories that are marketed.
    pub targets: Vec<Category>,
    /// Offerings that are marketed.
    pub offerings: Vec<String>,
    /// How the recipient is verified.
    pub verified_by: AssuranceMethods,
}

impl From<&Question> for Questions {
    fn from(question: &Question) -> Self {
        let ground = question.ground.as_ref();
        let method = match ground.and_then(|ground| ground.telling()) {
            Some(Telling::Stated(assurance)) => Some(assurance.method),
            _ => None,
        };
        Self {
            ground: ground.map(|ground| ground.kind()),
            purposes: Purposes::of(question.purpose),
            recipients: RecipientKinds::of(question.recipient),
            classes: question.classes,
            not_cpni: question.not_cpni,
            targets: question.target_categories.clone(),
            offerings: question.offering.iter().cloned().collect(),
            verified_by: method.into_iter().collect(),
        }
    }
}

/// Which lines may be one: same answers, by their place, and same customers.
type Met = (u32, u64, u128);
type Lines = BTreeMap<(Met, Questions), Vec<Pseudonym>>;

/// The changes on as few lines as they fit on.
pub(super) fn differences<'a>(
    found: impl Iterator<Item = (&'a Question, u32, Tally)>,
    answers: &[(Verdict, Verdict)],
) -> Vec<Difference> {
    let lines = found.map(|(question, answers, tally)| {
        let met = (answers, tally.customers, tally.who);
        ((met, Questions::from(question)), tally.examples)
    });
    let gathered = gathered(lines.collect());
    let mut differences: Vec<_> = (gathered.into_iter())
        .filter_map(|(((place, customers, _), asked), examples)| {
            let (before, after) = answers.get(place as usize)?.clone();
            Some(Difference {
                asked,
                before,
                after,
                customers,
                examples,
            })
        })
        .collect();
    differences.sort_by(|one, other| {
        (other.customers.cmp(&one.customers)).then_with(|| one.asked.cmp(&other.asked))
    });
    differences
}

/// One member after the other: lines that differ in that member alone become one.
fn gathered(mut lines: Lines) -> Lines {
    lines = joined(lines, |line| &mut line.classes, CpniClasses::union);
    lines = joined(lines, |line| &mut line.not_cpni, NotCpniItems::union);
    lines = joined(lines, |line| &mut line.verified_by, AssuranceMethods::union);
    lines = joined(lines, |line| &mut line.recipients, RecipientKinds::union);
    lines = joined(lines, |line| &mut line.targets, both);
    lines = joined(lines, |line| &mut line.offerings, both);
    joined(lines, |line| &mut line.purposes, Purposes::union)
}

fn both<T>(mut some: Vec<T>, more: Vec<T>) -> Vec<T> {
    some.extend(more);
    some
}

fn joined<M: Clone + Default>(
    lines: Lines,
    member: impl Fn(&mut Questions) -> &mut M,
    join: impl Fn(M, M) -> M,
) -> Lines {
    let mut joined: BTreeMap<(Met, Questions), (M, Vec<Pseudonym>)> = BTreeMap::new();
    for ((met, mut line), examples) in lines {
        let own = std::mem::take(member(&mut line));
        match joined.entry((met, line)) {
            Entry::Vacant(first) => {
                first.insert((own, examples));
            }
            Entry::Occupied(mut known) => {
                let (members, _) = known.get_mut();
                *members = join(std::mem::take(members), own);
            }
        }
    }
    (joined.into_iter())
        .map(|((met, mut line), (members, examples))| {
            *member(&mut line) = members;
            ((met, line), examples)
        })
        .collect()
}
