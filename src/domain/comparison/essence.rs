//! What the rules read of a customer, and nothing else: customers with equal essences get equal verdicts.
//!
//! The questions of a comparison carry no call and cite no record, so that one-time approvals, ended calls and the
//! positions themselves don't matter, only how positions and times lie to each other (R3, R4). Each field of the state
//! is taken or left out here by name, so that a new one has to be thought about.

use crate::domain::consent::word::{Block, Said, Word};
use crate::domain::customer::Customer;
use crate::domain::disclosures::grounds::PIC_REQUESTS_MAX;
use crate::domain::ids::{Category, Position};
use crate::domain::scope::Scope;
use crate::domain::services::Services;
use crate::domain::time::Time;

/// The part of a customer's state on which verdicts at one instant rest.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Essence {
    /// Categories held, sorted.
    held: Vec<Category>,
    /// The last service was closed.
    lapsed: bool,
    words: Vec<WordEssence>,
    /// No further PIC-freeze request can be shown to be unused.
    pic_requests_full: bool,
}

/// What matters of a word; positions and times are their ranks among the customer's words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct WordEssence {
    position: usize,
    command: usize,
    said_at: usize,
    said_at_is_stated: bool,
    recorded_by_then: bool,
    /// Not ended by a lapse in between (R9).
    live: bool,
    witnessed: bool,
    widened: bool,
    said: SaidEssence,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum SaidEssence {
    Grant { scope: Scope, lifts: Vec<usize> },
    Block(Block),
}

impl Essence {
    /// What matters of `customer` at `at`.
    pub fn of(customer: &Customer, at: Time) -> Self {
        let Customer {
            version: _,
            last: _,
            last_at: _,
            legal_entity: _,
            services,
            // A grant rests on its notice when it is given, and never again.
            notices: _,
            words,
            one_time: _,
            ended_calls: _,
            pic_requests,
            // They bar erasure, and no use.
            holds: _,
            // What counts of an import is among the words and services.
            imported: _,
        } = customer;
        let mut held: Vec<_> = (services.held.iter())
            .filter(|service| service.held(at))
            .map(|service| service.category.clone())
            .collect();
        held.sort_unstable();
        Self {
            held,
            lapsed: services.lapsed(at),
            words: essences(words, services, at),
            pic_requests_full: pic_requests.len() >= PIC_REQUESTS_MAX,
        }
    }
}

fn essences(words: &[Word], services: &Services, at: Time) -> Vec<WordEssence> {
    let positions = ranked(words.iter().map(|word| word.position));
    let commands = ranked(words.iter().map(|word| word.command));
    let times = ranked(words.iter().map(Word::said_at));
    (words.iter())
        .map(|word| WordEssence {
            position: rank(&positions, &word.position),
            command: rank(&commands, &word.command),
            said_at: rank(&times, &word.said_at()),
            said_at_is_stated: word.occurred_at.is_some(),
            recorded_by_then: word.recorded_at <= at,
            live: word.position >= services.grants_end_before,
            witnessed: word.witnessed,
            widened: word.widened,
            said: said(&word.said, &positions),
        })
        .collect()
}

fn said(said: &Said, positions: &[Position]) -> SaidEssence {
    match said {
        Said::Grant { scope, lifts } => SaidEssence::Grant {
            scope: scope.clone(),
            // A record that is none of the words lifts nothing any more.
            lifts: (lifts.iter())
                .filter_map(|lifted| positions.binary_search(lifted).ok())
                .collect(),
        },
        Said::Block(block) => SaidEssence::Block(block.clone()),
    }
}

fn ranked<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// Where a value of the list stands in it.
fn rank<T: Ord>(values: &[T], value: &T) -> usize {
    values.partition_point(|one| one < value)
}
