//! Precedence, the one rule: a cell is granted if and only if a live grant covers it and each block that
//! covers it has been lifted in it (P3, R3, R4).

use super::word::{Block, BlockKind, Said, Word};
use crate::domain::ids::Position;
use crate::domain::ruling::State;
use crate::domain::scope::CellRef;
use crate::domain::services::Services;
use crate::domain::time::Time;

/// A cell's state and the words behind it.
#[derive(Clone, Debug)]
pub struct Weighed<'a> {
    /// The state.
    pub state: State,
    /// The newest live grant that covers the cell.
    pub grant: Option<&'a Word>,
    /// Blocks that stand in the cell, oldest first; while no service is held, they sleep.
    pub blocks: Vec<&'a Word>,
    /// Every word about the cell; filled while the customer's services are lapsed.
    pub spoken: Vec<Position>,
}

impl<'a> Weighed<'a> {
    /// Joins what was said about another cell: the more blocking state, with the blocks of both (R1).
    pub fn or_worse(&mut self, other: Self) {
        self.state = self.state.max(other.state);
        for block in other.blocks {
            if !self.blocks.iter().any(|one| one.position == block.position) {
                self.blocks.push(block);
            }
        }
        self.blocks.sort_unstable_by_key(|word| word.position);
        self.spoken.extend(other.spoken);
        self.spoken.sort_unstable();
        self.spoken.dedup();
    }
}

/// Weighs the words about one cell.
pub fn weigh<'a>(
    words: &'a [Word],
    services: &Services,
    cell: CellRef<'_>,
    at: Time,
) -> Weighed<'a> {
    let lapsed = services.lapsed(at);
    let mut weighed = Weighed {
        state: State::Unknown,
        grant: None,
        blocks: Vec::new(),
        spoken: Vec::new(),
    };
    for word in words {
        match &word.said {
            Said::Grant { scope, .. } if scope.covers(cell) => {
                if word.recorded_at <= at && !services.ended(word, word.position) {
                    weighed.grant = Some(word);
                }
            }
            Said::Block(block) if block.covers(cell) => {
                if !lifted(words, word, block, cell, at) {
                    weighed.blocks.push(word);
                }
            }
            _ => continue,
        }
        if lapsed {
            weighed.spoken.push(word.position);
        }
    }
    weighed.state = state(&weighed, lapsed);
    weighed
}

fn state(weighed: &Weighed<'_>, lapsed: bool) -> State {
    if lapsed {
        return match weighed.spoken.is_empty() {
            true => State::Unknown,
            false => State::Lapsed,
        };
    }
    match (weighed.blocks.is_empty(), weighed.grant) {
        (true, Some(_)) => State::Granted,
        (true, None) => State::Unknown,
        (false, _) if weighed.blocks.iter().all(|word| restricts(word)) => State::Restricted,
        (false, _) => State::Denied,
    }
}

fn restricts(word: &Word) -> bool {
    matches!(&word.said, Said::Block(block) if block.kind == BlockKind::Restrict)
}

/// Whether some grant has lifted the block in the cell. A lift is for good: a grant that has ended
/// since lifts all the same (R3).
pub fn lifted(words: &[Word], blocking: &Word, block: &Block, cell: CellRef<'_>, at: Time) -> bool {
    !blocking.widened
        && words.iter().any(|word| match &word.said {
            Said::Grant { scope, lifts } => {
                scope.covers(cell)
                    && word.recorded_at <= at
                    && later(word, blocking)
                    && (lifts.contains(&blocking.position) || block.contains(scope))
            }
            Said::Block(_) => false,
        })
}

/// Whether the grant was said later than the block (R4).
pub fn later(grant: &Word, block: &Word) -> bool {
    let after = grant.said_at() > block.said_at();
    match (grant.witnessed, block.witnessed) {
        (true, true) => {
            let unstated = grant.occurred_at.is_none() && block.occurred_at.is_none();
            grant.command != block.command && grant.position > block.position && (unstated || after)
        }
        (true, false) => grant.position > block.position && after,
        (false, false) => after,
        // An import never lifts what the ledger witnessed (C2).
        (false, true) => false,
    }
}
