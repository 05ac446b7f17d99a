//! A span: consecutive lines, checked among themselves on any core, reduced to what joining them with their neighbours
//! takes.

use crate::ledger::{
    block::{Block, StoredBlock},
    genesis::Genesis,
    hash::{Hash, hash_two, parse_hex},
    merkle::Subtree,
    record::{Envelope, LINE_MAX, LineError, Links, Part, Record, Subject},
    timestamp::Timestamp,
    verify::Problem,
};

/// What spans need to know of the options.
#[derive(Clone, Debug, Default)]
pub(super) struct Checks {
    /// Checkpoint sizes, ascending: a subtree ends at each.
    pub cuts: Vec<u64>,
    /// As [`Options::deep`](super::Options).
    pub deep: bool,
}

/// The first line of a span as it presents itself; whether that is true, joining finds out.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    pub position: u64,
    pub prev: Hash,
    pub recorded_at: Timestamp,
    pub part: Part,
    pub hash: Hash,
    /// What a strict reading has against it. Of use where its link is in doubt.
    pub malformed: Option<LineError>,
}

impl Opening {
    fn of(envelope: &Envelope<'_>, hash: Hash, line: &[u8]) -> Self {
        Self {
            position: envelope.position,
            prev: envelope.prev,
            recorded_at: envelope.recorded_at,
            part: envelope.part,
            hash,
            malformed: Record::parse(line).err(),
        }
    }
}

/// A line that does not cite the hash of the line before. Which of the two was altered, the line after it tells: it
/// cites the doubted line rightly if that is intact.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doubt {
    /// Index or position of the doubted line.
    pub at: u64,
    /// The hash of the line before it.
    pub computed: Hash,
    /// What the doubted line cites.
    pub cited: Hash,
    /// The doubted line's own hash.
    pub own: Hash,
}

impl Doubt {
    /// Where the fault is, given what the next line cites. Without one it is the line before: more of a line is
    /// content than link.
    pub fn settle(self, next: Option<Hash>) -> (u64, Problem) {
        let Doubt {
            at,
            computed,
            cited,
            own,
        } = self;
        match (at.checked_sub(1), next) {
            (Some(before), None) => (before, Problem::Altered { computed, cited }),
            (Some(before), Some(next)) if next == own => {
                (before, Problem::Altered { computed, cited })
            }
            _ => (at, Problem::Link { computed, cited }),
        }
    }
}

/// The result of checking consecutive lines.
#[derive(Debug, Default)]
pub(super) struct Span {
    /// `None` if the first line could not be read.
    pub opening: Option<Opening>,
    /// What the second line cites.
    pub second_prev: Option<Hash>,
    /// Lines found in order.
    pub count: u64,
    /// Hash, time and part of the last of them.
    pub last: Hash,
    pub recorded_at: Timestamp,
    pub part: Option<Part>,
    /// All of them as subtrees, cut at checkpoint sizes.
    pub subtrees: Vec<Subtree>,
    /// In deep checks, subject and version of each.
    pub versions: Vec<(Subject, u64)>,
    /// The last line of the span does not cite the one before it.
    pub doubt: Option<Doubt>,
    /// The first problem: index of the line in the span, and what it is.
    pub fault: Option<(u64, Problem)>,
}

/// Checks lines one after the other. Keeps its buffers from span to span.
#[derive(Debug, Default)]
pub(super) struct Spanner {
    span: Span,
    hashes: Vec<Hash>,
    block: Block,
}

impl Spanner {
    /// Checks stored blocks that follow one another; `unreadable` is why the source gave no more.
    pub fn blocks(
        &mut self,
        checks: &Checks,
        blocks: &[StoredBlock],
        unreadable: Option<&str>,
    ) -> Span {
        for stored in blocks {
            self.stored_block(checks, stored);
            if self.span.fault.is_some() {
                break;
            }
        }
        self.end(checks, unreadable)
    }

    /// Checks lines that follow one another, each with its newline, behind one byte that stands for the newline before
    /// the first.
    pub fn lines(&mut self, checks: &Checks, text: Vec<u8>, unreadable: Option<&str>) -> Span {
        let mut block = std::mem::take(&mut self.block);
        let rest = block.adopt(text).len();
        self.leaves(checks, &block);
        self.block = block;
        if rest > LINE_MAX {
            self.fault(Problem::Line(LineError::TooLong { len: rest }));
        } else if rest > 0 && unreadable.is_none() {
            self.fault(Problem::CutOff);
        }
        self.end(checks, unreadable)
    }

    fn end(&mut self, checks: &Checks, unreadable: Option<&str>) -> Span {
        if let Some(why) = unreadable {
            self.fault(Problem::Unreadable(why.to_owned()));
        }
        let mut span = std::mem::take(&mut self.span);
        self.hashes
            .truncate(usize::try_from(span.count).unwrap_or(usize::MAX));
        span.last = self.hashes.last().copied().unwrap_or_default();
        if let Some(opening) = &span.opening {
            span.subtrees = cut(opening.position, &self.hashes, &checks.cuts);
        }
        self.hashes.clear();
        span
    }

    /// Notes a problem at the line that comes next, unless there is an earlier one. A doubt is an earlier one, and has
    /// no next line to settle it.
    fn fault(&mut self, problem: Problem) {
        self.fault_at(self.span.count, problem);
    }

    fn fault_at(&mut self, index: u64, problem: Problem) {
        let doubted = self.span.doubt.take().map(|doubt| doubt.settle(None));
        self.span
            .fault
            .get_or_insert_with(|| doubted.unwrap_or((index, problem)));
    }

    fn stored_block(&mut self, checks: &Checks, stored: &StoredBlock) {
        let mut block = std::mem::take(&mut self.block);
        match stored.open_into(&mut block) {
            Ok(()) => self.opened_block(checks, stored, &block),
            Err(error) => self.fault(Problem::Block(error)),
        }
        self.block = block;
    }

    fn opened_block(&mut self, checks: &Checks, stored: &StoredBlock, block: &Block) {
        let before = self.span.count;
        self.leaves(checks, block);
        if self.span.fault.is_some() {
            return;
        }
        // The header must agree with the lines: readers that do not open a block rely on it.
        let first = block.line(stored.first).map(Envelope::parse);
        let agrees =
            |first: Envelope<'_>| first.position == stored.first && first.prev == stored.prev();
        if !first.is_some_and(|first| first.is_ok_and(agrees)) {
            return self.fault_at(before, Problem::Header);
        }
        if self.span.doubt.is_some() {
            return;
        }
        let last = self.span.count.saturating_sub(1);
        let (computed, cited) = (self.hash_at(last), stored.last());
        if computed != cited {
            return self.fault_at(last, Problem::Altered { computed, cited });
        }
        if let Some(found) = self.span.part.filter(|part| !part.is_last()) {
            self.fault(Problem::Unfinished { found });
        }
    }

    /// Hashes the lines of a block, two at a time, then checks each up to the first fault.
    fn leaves(&mut self, checks: &Checks, block: &Block) {
        let mut leaves = block.leaves();
        while let Some(leaf) = leaves.next() {
            match leaves.next() {
                Some(next) => self.hashes.extend(hash_two(leaf, next)),
                None => self.hashes.push(Hash::of(leaf)),
            }
        }
        for (_, line) in block.iter() {
            if let Err(problem) = self.line(checks, line) {
                self.fault(problem);
            }
            if self.span.fault.is_some() {
                return;
            }
        }
    }

    fn line(&mut self, checks: &Checks, line: &[u8]) -> Result<(), Problem> {
        let links = Links::parse(line).map_err(Problem::Line)?;
        if let Some(doubt) = self.span.doubt.take() {
            self.span.fault = Some(doubt.settle(parse_hex(links.prev).map(Hash)));
            return Ok(());
        }
        match &self.span.opening {
            Some(opening) => self.follow(opening.position, &links, line)?,
            None => {
                let envelope = links.envelope(line).map_err(Problem::Line)?;
                self.span.opening = Some(Opening::of(&envelope, self.hash_at(0), line));
            }
        }
        if self.span.doubt.is_some() {
            return Ok(());
        }
        if checks.deep {
            self.deep(line)?;
        }
        self.span.recorded_at = links.recorded_at;
        self.span.part = Some(links.part);
        self.span.count += 1;
        Ok(())
    }

    /// Whether a line follows the one before it. A wrong link is only a doubt, until the next line is seen.
    fn follow(&mut self, first: u64, next: &Links<'_>, line: &[u8]) -> Result<(), Problem> {
        let index = self.span.count;
        if index == 1 {
            self.span.second_prev = parse_hex(next.prev).map(Hash);
        }
        let expected = first.saturating_add(index);
        if next.position != expected {
            return Err(Problem::Position {
                expected,
                found: next.position,
            });
        }
        let before = self.hash_at(index.saturating_sub(1));
        if *next.prev != before.to_hex() {
            let cited = next.envelope(line).map_err(Problem::Line)?.prev;
            Record::parse(line).map_err(Problem::Line)?;
            let own = self.hash_at(index);
            self.span.doubt = Some(Doubt {
                at: index,
                computed: before,
                cited,
                own,
            });
            return Ok(());
        }
        match order(
            self.span.recorded_at,
            self.span.part,
            next.recorded_at,
            next.part,
        ) {
            Some(problem) => Err(problem),
            None => Ok(()),
        }
    }

    /// The hash of a line of the span, which is hashed before it is checked.
    fn hash_at(&self, index: u64) -> Hash {
        let hash = usize::try_from(index)
            .ok()
            .and_then(|index| self.hashes.get(index));
        hash.copied().unwrap_or_default()
    }

    fn deep(&mut self, line: &[u8]) -> Result<(), Problem> {
        let record = Record::parse(line).map_err(Problem::Line)?;
        if record.position == 0 {
            if record.kind != Genesis::KIND || record.subject != Subject::Ledger {
                return Err(Problem::NotOpened { kind: record.kind });
            }
            Genesis::parse(&record.data).map_err(Problem::Genesis)?;
        }
        self.span.versions.push((record.subject, record.version));
        Ok(())
    }
}

/// What the time and part of a line have against following those of the line before.
pub(super) fn order(
    previous: Timestamp,
    part: Option<Part>,
    found: Timestamp,
    next: Part,
) -> Option<Problem> {
    if found < previous {
        return Some(Problem::BackDated { previous, found });
    }
    let previous = part.unwrap_or(Part::WHOLE);
    (!previous.precedes(next)).then_some(Problem::Part {
        previous,
        found: next,
    })
}

/// The leaves as subtrees that end at each of `cuts` that lies within.
fn cut(first: u64, leaves: &[Hash], cuts: &[u64]) -> Vec<Subtree> {
    let mut subtrees = Vec::with_capacity(1);
    let (mut first, mut rest) = (first, leaves);
    for cut in cuts {
        let here = cut
            .checked_sub(first)
            .and_then(|len| usize::try_from(len).ok());
        let Some((before, after)) = here
            .filter(|len| *len > 0)
            .and_then(|len| rest.split_at_checked(len))
        else {
            continue;
        };
        subtrees.push(Subtree::from_leaves(first, before));
        (first, rest) = (*cut, after);
    }
    if !rest.is_empty() {
        subtrees.push(Subtree::from_leaves(first, rest));
    }
    subtrees
}
