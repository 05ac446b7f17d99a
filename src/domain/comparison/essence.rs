//! What the rules read of a customer, and nothing else: customers with equal essences get equal verdicts.
//!
//! The questions of a comparison carry no call and cite no record, so that one-time approvals, ended calls and the
//! positions themselves don't matter; only how positions and times lie to each other (R3, R4), to the register's
//! memberships (R12) and to the instant of the question. Each field of the state is taken or left out here by name, so that a
//! new one has to be thought about.

use crate::domain::company::Company;
use crate::domain::consent::word::{Block, Said, Word};
use crate::domain::customer::Customer;
use crate::domain::ids::{Category, Position};
use crate::domain::notices::opt_out::{Asked, OptOut};
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
    opt_out: Option<OptOutEssence>,
    /// Contacts are told on a verification on record only (P9).
    contacts_listed: bool,
    /// Callers are told nothing until a secret is set anew or a lock lifted (P13).
    suspended: bool,
    /// Whether the customer was erased: then nothing else matters (R16).
    erased: bool,
}

/// What all customers' positions and times are looked at against.
#[derive(Clone, Debug)]
pub struct Landmarks {
    at: Time,
    /// When entities join and leave, opt-out was enabled, and the instant of the question; sorted.
    times: Vec<Time>,
    /// The records by which entities joined; sorted.
    positions: Vec<Position>,
}

/// Where a value lies: among the customer's own ones, and among the landmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// Own values below it.
    own: usize,
    /// Landmarks below it.
    below: usize,
    /// Landmarks below or equal.
    reached: usize,
}

/// What matters of a word.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct WordEssence {
    position: Place,
    command: Place,
    said_at: Place,
    said_at_is_stated: bool,
    recorded_at: Place,
    /// Not ended by a lapse in between (R9).
    live: bool,
    witnessed: bool,
    widened: bool,
    said: SaidEssence,
}

/// What matters of opt-out notices (R10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct OptOutEssence {
    asked: Vec<AskedEssence>,
    /// E-mailed notices that failed: how many of the others are older, and what they covered.
    failed: Vec<(usize, Scope)>,
    /// Categories ever held, sorted: where users of some are is never approved.
    ever_held: Vec<Category>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct AskedEssence {
    /// Words that are older.
    words_before: usize,
    recorded_at: Place,
    /// Where its two years end.
    overdue_at: Place,
    matured: bool,
    by_email: bool,
    enabled: bool,
    /// A service has been held ever since (R9).
    live: bool,
    covers: Scope,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum SaidEssence {
    Grant { scope: Scope, lifts: Vec<usize> },
    Block(Block),
}

impl Landmarks {
    /// Those of the company's register, for questions at `at` where opt-out has been enabled since.
    pub fn of(company: &Company, opt_out_since: Time, at: Time) -> Self {
        let memberships = || (company.entities.all().iter()).flat_map(|entity| &entity.memberships);
        let times = memberships().flat_map(|held| [Some(held.starts_at), held.ends_at]);
        Self {
            at,
            times: sorted(times.flatten().chain([opt_out_since, at])),
            positions: sorted(memberships().map(|held| held.position)),
        }
    }
}

impl Essence {
    /// What matters of `customer`.
    pub fn of(customer: &Customer, landmarks: &Landmarks) -> Self {
        let Customer {
            version: _,
            last: _,
            last_at: _,
            legal_entity: _,
            opened_at: _,
            services,
            // A grant rests on its notice when it is given, and never again.
            notices: _,
            opt_out,
            // No question names an affiliate.
            served_by: _,
            words,
            one_time: _,
            // It is owed, and bears on no use.
            evidence: _,
            ended_calls: _,
            // They hide what was disclosed, and bar no use.
            gags: _,
            // They bar erasure, and no use.
            holds: _,
            // What counts of an import is among the words and services.
            imported: _,
            contacts,
            authentication,
            erased,
        } = customer;
        let at = landmarks.at;
        Self {
            held: held(services, at),
            lapsed: services.lapsed(at),
            words: essences(words, services, landmarks),
            opt_out: (opt_out.as_deref())
                .map(|opt_out| opt_out_of(opt_out, words, services, landmarks)),
            contacts_listed: contacts.as_ref().is_some_and(|list| list.is_listed()),
            suspended: (authentication.as_ref()).is_some_and(|state| state.is_suspended()),
            erased: erased.is_some(),
        }
    }
}

fn held(services: &Services, at: Time) -> Vec<Category> {
    let Services {
        held,
        // Whether they end a grant is asked of each word.
        grants_end_before: _,
        held_since: _,
        asserted: _,
    } = services;
    let held = held.iter().filter(|service| service.held(at));
    sorted(held.map(|service| service.category.clone()))
}

fn essences(words: &[Word], services: &Services, landmarks: &Landmarks) -> Vec<WordEssence> {
    let positions = sorted(words.iter().map(|word| word.position));
    let commands = sorted(words.iter().map(|word| word.command));
    let said = sorted(words.iter().map(Word::said_at));
    let recorded = sorted(words.iter().map(|word| word.recorded_at));
    let essence = |word: &Word| {
        let Word {
            position,
            command,
            recorded_at,
            occurred_at,
            witnessed,
            said: words_said,
            // Only what is cited looks at them.
            repeats: _,
            widened,
        } = word;
        WordEssence {
            position: place(*position, &positions, &landmarks.positions),
            command: place(*command, &commands, &landmarks.positions),
            said_at: place(word.said_at(), &said, &landmarks.times),
            said_at_is_stated: occurred_at.is_some(),
            recorded_at: place(*recorded_at, &recorded, &landmarks.times),
            live: !services.ended(word, *position),
            witnessed: *witnessed,
            widened: *widened,
            said: said_of(words_said, &positions),
        }
    };
    words.iter().map(essence).collect()
}

fn opt_out_of(
    opt_out: &OptOut,
    words: &[Word],
    services: &Services,
    landmarks: &Landmarks,
) -> OptOutEssence {
    let (notices, at) = (opt_out.all(), landmarks.at);
    // Whether a notice was timely is asked of the one's record and the other's two years.
    let times = notices
        .iter()
        .flat_map(|asked| [asked.recorded_at, asked.clock.refresh_at]);
    let times = sorted(times);
    let asked = |asked: &Asked| AskedEssence {
        words_before: (words.iter())
            .filter(|word| word.position < asked.position)
            .count(),
        recorded_at: place(asked.recorded_at, &times, &landmarks.times),
        overdue_at: place(asked.clock.refresh_at, &times, &landmarks.times),
        matured: asked.clock.matures_at <= at,
        by_email: asked.by_email,
        enabled: asked.clock.enabled,
        live: services.held_ever_since(asked.recorded_at, asked.position, at),
        covers: asked.covers.clone(),
    };
    let older = |failed: Position| notices.iter().filter(|one| one.position < failed).count();
    OptOutEssence {
        asked: notices.iter().map(asked).collect(),
        failed: (opt_out.failed())
            .map(|(position, covers)| (older(position), covers.clone()))
            .collect(),
        ever_held: sorted(services.held.iter().map(|one| one.category.clone())),
    }
}

fn said_of(said: &Said, positions: &[Position]) -> SaidEssence {
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

fn place<T: Ord>(value: T, own: &[T], landmarks: &[T]) -> Place {
    Place {
        own: own.partition_point(|one| *one < value),
        below: landmarks.partition_point(|one| *one < value),
        reached: landmarks.partition_point(|one| *one <= value),
    }
}

fn sorted<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<_> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}
