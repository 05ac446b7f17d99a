//! Precedence, the one rule: a cell is granted if and only if a live grant covers it and each block that
//! covers it has been lifted in it (P3, R3, R4).

use super::word::{Block, BlockKind, Said, Word};
use crate::domain::company::standing::Standing;
use crate::domain::ids::Position;
use crate::domain::notices::opt_out::Reading;
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
    /// What opt-out notices make of the cell; looked at only where nothing is granted and nothing blocks.
    pub opt_out: Reading,
}

impl<'a> Weighed<'a> {
    /// The notices whose clock decides the state.
    pub fn notices(&self) -> &[Position] {
        match &self.opt_out {
            Reading::Clock(_, positions) => positions,
            _ => &[],
        }
    }

    /// Counts notices that were running among what has lapsed (R9).
    pub fn lapse(&mut self, notices: &[Position]) {
        self.state = State::Lapsed;
        self.spoken.extend(notices);
        self.spoken.sort_unstable();
    }

    /// Joins what was said about another cell: the more blocking state, with the blocks of both (R1).
    pub fn or_worse(&mut self, other: Self) {
        if other.state > self.state || self.opt_out == Reading::None {
            self.opt_out = other.opt_out;
        }
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
    standing: &Standing<'_>,
    at: Time,
) -> Weighed<'a> {
    let lapsed = services.lapsed(at);
    let mut weighed = Weighed {
        state: State::Unknown,
        grant: None,
        blocks: Vec::new(),
        spoken: Vec::new(),
        opt_out: Reading::None,
    };
    for word in words {
        match &word.said {
            Said::Grant { scope, .. } if scope.covers(cell) => {
                if word.recorded_at <= at
                    && !services.ended(word, word.position)
                    && standing.holds_since(word.said_at())
                {
                    weighed.grant = Some(word);
                }
            }
            Said::Block(block) => {
                let mut reached = reached(block, cell, standing).peekable();
                if reached.peek().is_none() {
                    continue;
                }
                if reached.any(|cell| !lifted(words, word, block, cell, at)) {
                    weighed.blocks.push(word);
                }
            }
            Said::Grant { .. } => continue,
        }
        if lapsed {
            weighed.spoken.push(word.position);
        }
    }
    weighed.state = state(&weighed, lapsed);
    weighed
}

/// The cells in which the block must be lifted before the asked one is free of it: that one, and those of the other
/// kinds that the entity has, where the block reaches a whole kind (R12).
fn reached<'a>(
    block: &'a Block,
    cell: CellRef<'a>,
    standing: &Standing<'_>,
) -> impl Iterator<Item = CellRef<'a>> {
    let others = (standing.others().members())
        .map(move |kind| CellRef { kind, ..cell })
        .filter(|other| block.covers_by_kind(*other));
    (std::iter::once(cell).filter(|cell| block.covers(*cell))).chain(others)
}

/// Whether no block reaches the cell but such as a grant recorded before `position` has lifted: under any other, said
/// before or after, the clock of a notice at `position` doesn't run (R10).
pub fn free_before(
    words: &[Word],
    cell: CellRef<'_>,
    standing: &Standing<'_>,
    position: Position,
) -> bool {
    words.iter().all(|word| match &word.said {
        Said::Block(block) => reached(block, cell, standing)
            .all(|cell| lifted_by(words, word, block, cell, |grant| grant.position < position)),
        Said::Grant { .. } => true,
    })
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
    lifted_by(words, blocking, block, cell, |grant| {
        grant.recorded_at <= at
    })
}

fn lifted_by(
    words: &[Word],
    blocking: &Word,
    block: &Block,
    cell: CellRef<'_>,
    counts: impl Fn(&Word) -> bool,
) -> bool {
    !blocking.widened
        && words.iter().any(|word| match &word.said {
            Said::Grant { scope, lifts } => {
                scope.covers(cell)
                    && counts(word)
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
