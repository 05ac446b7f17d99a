//! Speaking words: what is accepted, what is remembered (P3, P4, R2, R3, R15).

use super::conditions::{Grant, require_digest_when_oral};
use super::precedence::lifted;
use super::word::{Block, BlockKind, Blocked, Granted, Said, Speak, SpokenWord, Word};
use crate::domain::customer::{Context, Customer};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::Position;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::scope::{Scope, require_named_in_bounds};
use crate::domain::time::Time;

/// Words in one command.
pub const WORDS_IN_COMMAND_MAX: usize = 32;
/// Words in a customer's state up to which grants are accepted.
pub const WORDS_WITH_GRANT_MAX: usize = 192;
/// Words in a customer's state; a block beyond them is remembered as a block of everything.
pub const WORDS_MAX: usize = 256;
/// Records of repeated blocks that one word keeps, so that they can be named.
pub const REPEATS_MAX: usize = 16;
/// Scopes that a restriction may except.
pub const EXCEPTIONS_MAX: usize = 16;

/// Events of words said in one breath.
pub(in crate::domain) fn decide(
    customer: &Customer,
    command: &Speak,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    if !(1..=WORDS_IN_COMMAND_MAX).contains(&command.words.len()) {
        return Err(Refusal::new(
            RefusalCode::Invalid,
            "words",
            format!(
                "{} words; a command takes 1 to {WORDS_IN_COMMAND_MAX}",
                command.words.len()
            ),
        ));
    }
    let said = (command.words.iter().enumerate())
        .map(|(index, word)| accept(customer, command, word, index, context))
        .collect::<Result<Vec<Said>, Refusal>>()?;

    let words = words_after(customer, &said, context);
    let grants = said.iter().any(|word| matches!(word, Said::Grant { .. }));
    if grants && words.len() > WORDS_WITH_GRANT_MAX {
        return Err(Refusal::new(
            RefusalCode::Limit,
            "words",
            format!(
                "the customer's words number more than {WORDS_WITH_GRANT_MAX}: only blocks are still accepted; say them in a command of their own"
            ),
        ));
    }
    let event = |said: Said| match said {
        Said::Grant { scope, lifts } => Event::Granted(Granted {
            still_blocked_by: still_blocked_by(&words, &scope, context.now),
            scope,
            lifts: lifts.into_vec(),
            statement: command.statement.clone(),
        }),
        Said::Block(block) => Event::Blocked(Blocked {
            block,
            statement: command.statement.clone(),
        }),
    };
    Ok(said.into_iter().map(event).collect())
}

fn accept(
    customer: &Customer,
    command: &Speak,
    word: &SpokenWord,
    index: usize,
    context: &Context<'_>,
) -> Result<Said, Refusal> {
    match word {
        SpokenWord::Block(block) => {
            require_well_formed(block, &format!("words[{index}]"))?;
            Ok(Said::Block(block.written_out()))
        }
        SpokenWord::Grant { scope, lifts } => {
            let grant = Grant {
                scope,
                statement: &command.statement,
                field: &format!("words[{index}].scope"),
                call: None,
            };
            grant.require(customer, context)?;
            require_digest_when_oral(&command.statement)?;
            Ok(Said::Grant {
                scope: scope.in_order(),
                lifts: with_repeats(customer, lifts, index)?,
            })
        }
    }
}

/// Refuses a block that says nothing clear. `field` is where it stands in the command.
pub(in crate::domain) fn require_well_formed(block: &Block, field: &str) -> Result<(), Refusal> {
    let invalid = |part: &str, why: String| {
        Err(Refusal::new(
            RefusalCode::Invalid,
            format!("{field}.{part}"),
            why,
        ))
    };
    if block.kind != BlockKind::Restrict && !block.except.is_empty() {
        return invalid("except", "only a restriction takes exceptions".into());
    }
    if block.except.len() > EXCEPTIONS_MAX {
        return invalid(
            "except",
            format!(
                "{} exceptions; a restriction takes {EXCEPTIONS_MAX} at most: split it",
                block.except.len()
            ),
        );
    }
    if block.except.iter().any(Scope::names_nothing) {
        return invalid(
            "except",
            "an exception that names nothing would undo the restriction; name what it excepts"
                .into(),
        );
    }
    require_named_in_bounds(&block.scope, &format!("{field}.scope"))?;
    (block.except.iter())
        .try_for_each(|except| require_named_in_bounds(except, &format!("{field}.except")))
}

/// The blocks named, and each older one that says the same: who names the newest names its repeats.
fn with_repeats(
    customer: &Customer,
    lifts: &[Position],
    index: usize,
) -> Result<Box<[Position]>, Refusal> {
    let mut all = Vec::with_capacity(lifts.len());
    for position in lifts {
        let named = (customer.words.iter())
            .find(|word| !word.widened && word.records().any(|record| record == *position));
        let Some(Said::Block(block)) = named.map(|word| &word.said) else {
            return Err(Refusal::new(
                RefusalCode::BlockUnknown,
                format!("words[{index}].lifts"),
                format!(
                    "record {position} is no block of this customer that can be named; name blocks that stand"
                ),
            ));
        };
        let repeats = customer.words.iter().filter(|word| says(word, block));
        all.extend(
            repeats
                .flat_map(Word::records)
                .filter(|record| record <= position),
        );
    }
    all.sort_unstable();
    all.dedup();
    Ok(all.into_boxed_slice())
}

/// The words as they will be remembered once the command is recorded.
fn words_after(customer: &Customer, said: &[Said], context: &Context<'_>) -> Vec<Word> {
    let mut words = customer.words.clone();
    for (offset, said) in (0..).zip(said) {
        let word = Word {
            position: Position(context.position.0 + offset),
            command: context.position,
            recorded_at: context.now,
            occurred_at: context.occurred_at,
            witnessed: true,
            said: said.clone(),
            repeats: Box::default(),
            widened: false,
        };
        remember(&mut words, word);
    }
    words
}

/// The blocks that stand in some cell of the scope (R3).
pub(in crate::domain) fn still_blocked_by(
    words: &[Word],
    scope: &Scope,
    now: Time,
) -> Vec<Position> {
    let stands = |word: &&Word| match &word.said {
        Said::Block(block) => {
            block.some_cell_of(scope, |cell| !lifted(words, word, block, cell, now))
        }
        Said::Grant { .. } => false,
    };
    words
        .iter()
        .filter(stands)
        .map(|word| word.position)
        .collect()
}

impl Granted {
    /// What the state remembers.
    pub(in crate::domain) fn said(&self) -> Said {
        Said::Grant {
            scope: self.scope.in_order(),
            lifts: self.lifts.clone().into_boxed_slice(),
        }
    }
}

impl Blocked {
    /// What the state remembers.
    pub(in crate::domain) fn said(&self) -> Said {
        Said::Block(self.block.written_out())
    }
}

/// The customer after a grant or a block was spoken.
pub(in crate::domain) fn evolve(customer: &mut Customer, said: Said, placed: &Placed<'_>) {
    let word = Word {
        position: placed.position,
        command: placed.command,
        recorded_at: placed.recorded_at,
        occurred_at: placed.occurred_at,
        witnessed: true,
        said,
        repeats: Box::default(),
        widened: false,
    };
    hold(customer, word);
}

/// The customer with one more word, witnessed or asserted. A block ends the one-time approvals that it touches (R11).
pub(in crate::domain) fn hold(customer: &mut Customer, word: Word) {
    if let Some(block) = remember(&mut customer.words, word) {
        (customer.one_time).retain(|approval| !block.some_cell_of(&approval.scope, |_| true));
    }
}

/// Adds a word in the place of older ones that say the same. Gives back the block as it is remembered.
pub(in crate::domain) fn remember(words: &mut Vec<Word>, mut word: Word) -> Option<Block> {
    let standing: Vec<Position> = words.iter().map(|word| word.position).collect();
    let (repeats, others) =
        (words.drain(..)).partition::<Vec<_>, _>(|old| stands_for(&word, old, &standing));
    *words = others;
    word.repeats = newest_records(&repeats);
    if !word.witnessed {
        // An import tells its facts in any order: the word is as late as the latest that said it.
        word.occurred_at = Some(
            repeats
                .iter()
                .map(Word::said_at)
                .fold(word.said_at(), Time::max),
        );
    }
    if let Said::Block(block) = &word.said
        && repeats.is_empty()
        && words.len() >= WORDS_MAX
    {
        let all = Block::of_everything(block.kind);
        words.retain(|old| !(old.widened && says(old, &all)));
        word.said = Said::Block(all);
        word.repeats = Box::default();
        word.widened = true;
    }
    let block = match &word.said {
        Said::Block(block) => Some(block.clone()),
        Said::Grant { .. } => None,
    };
    words.push(word);
    block
}

fn newest_records(words: &[Word]) -> Box<[Position]> {
    let mut positions: Vec<_> = words.iter().flat_map(Word::records).collect();
    positions.sort_unstable();
    let older = positions.len().saturating_sub(REPEATS_MAX);
    positions.drain(..older);
    positions.into_boxed_slice()
}

fn says(word: &Word, block: &Block) -> bool {
    matches!(&word.said, Said::Block(one) if one == block)
}

/// Whether the newer word says what the older one said, so that no answer changes when the older is forgotten (R4):
/// whatever lifts the newer block lifts the older one, and whatever the older grant lifts the newer one lifts.
/// `standing` are the words that a grant can still lift by name. What an import asserts and what the ledger witnessed
/// are lifted by different grants and never stand for each other.
fn stands_for(newer: &Word, older: &Word, standing: &[Position]) -> bool {
    if newer.witnessed != older.witnessed || older.widened {
        return false;
    }
    let (new, old) = (newer.said_at(), older.said_at());
    if !newer.witnessed {
        return match (&newer.said, &older.said) {
            // The remembered word takes the later of both dates: what lifts it lifts both.
            (Said::Block(one), Said::Block(other)) => one == other,
            (Said::Grant { scope, .. }, Said::Grant { scope: other, .. }) => {
                scope == other && new >= old
            }
            _ => false,
        };
    }
    let (new_stated, old_stated) = (newer.occurred_at.is_some(), older.occurred_at.is_some());
    match (&newer.said, &older.said) {
        (Said::Block(one), Said::Block(other)) => {
            one == other && (new > old || new == old && (new_stated || !old_stated))
        }
        (
            Said::Grant { scope, lifts },
            Said::Grant {
                scope: other,
                lifts: lifted,
            },
        ) => {
            let mut lifted = lifted.iter().filter(|block| standing.contains(block));
            scope == other
                && (new > old || new == old && (old_stated || !new_stated))
                && lifted.all(|block| lifts.contains(block))
        }
        _ => false,
    }
}
