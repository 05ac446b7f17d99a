//! A span: consecutive lines, checked among themselves on any core, reduced to what joining them with their neighbours
//! takes.

use crate::ledger::{
    block::{Block, StoredBlock},
    genesis::Genesis,
    hash::{Hash, leaf_hash},
    merkle::Subtree,
    record::{Envelope, LINE_MAX, LineError, Part, Record, Subject},
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
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    pub position: u64,
    pub prev: Hash,
    pub recorded_at: Timestamp,
    pub part: Part,
    pub hash: Hash,
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
    /// All of them as subtrees, cut at checkpoint sizes; not filled when there is a fault.
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
    leaves: Vec<Hash>,
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

    /// Checks lines that follow one another, each with its newline.
    pub fn lines(&mut self, checks: &Checks, text: &[u8], unreadable: Option<&str>) -> Span {
        let (valid, bad_text) = match std::str::from_utf8(text) {
            Ok(valid) => (valid, None),
            Err(error) => {
                let valid = text
                    .get(..error.valid_up_to())
                    .and_then(|valid| std::str::from_utf8(valid).ok());
                (valid.unwrap_or_default(), Some(error.valid_up_to()))
            }
        };
        let mut start = 0;
        for (end, _) in valid.match_indices('\n') {
            self.line(checks, valid.as_bytes().get(start..end).unwrap_or_default());
            start = end + 1;
            if self.span.fault.is_some() {
                break;
            }
        }
        match bad_text {
            Some(at) => self.fault(Problem::Line(LineError::NotUtf8 {
                at: at.saturating_sub(start),
            })),
            None if text.len().saturating_sub(start) > LINE_MAX => {
                let len = text.len() - start;
                self.fault(Problem::Line(LineError::TooLong { len }));
            }
            None if start < text.len() && unreadable.is_none() => self.fault(Problem::CutOff),
            None => {}
        }
        self.end(checks, unreadable)
    }

    fn end(&mut self, checks: &Checks, unreadable: Option<&str>) -> Span {
        if let Some(why) = unreadable {
            self.fault(Problem::Unreadable(why.to_owned()));
        }
        let mut span = std::mem::take(&mut self.span);
        if let Some(opening) = span.opening
            && span.fault.is_none()
        {
            span.subtrees = cut(opening.position, &self.leaves, &checks.cuts);
        }
        self.leaves.clear();
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
        for (_, line) in block.iter() {
            self.line(checks, line);
            if self.span.fault.is_some() {
                return;
            }
        }
        // The header must agree with the lines: readers that do not open a block rely on it.
        let first = self
            .span
            .opening
            .map_or(0, |opening| opening.position)
            .saturating_add(before);
        if first != stored.first {
            self.fault_at(
                before,
                Problem::Position {
                    expected: stored.first,
                    found: first,
                },
            );
        }
        if let Some(found) = self.span.part.filter(|part| !part.is_last()) {
            self.fault_at(
                self.span.count.saturating_sub(1),
                Problem::Unfinished { found },
            );
        }
        if self.span.doubt.is_none() && self.span.last != stored.last() {
            let problem = Problem::Altered {
                computed: self.span.last,
                cited: stored.last(),
            };
            self.fault_at(self.span.count.saturating_sub(1), problem);
        }
    }

    fn line(&mut self, checks: &Checks, line: &[u8]) {
        let envelope = match Envelope::parse(line) {
            Ok(envelope) => envelope,
            Err(error) => return self.fault(Problem::Line(error)),
        };
        if let Some(doubt) = self.span.doubt.take() {
            self.span.fault = Some(doubt.settle(Some(envelope.prev)));
            return;
        }
        let hash = leaf_hash(line);
        let span = &mut self.span;
        match span.opening {
            None => {
                span.opening = Some(Opening {
                    position: envelope.position,
                    prev: envelope.prev,
                    recorded_at: envelope.recorded_at,
                    part: envelope.part,
                    hash,
                })
            }
            Some(opening) => {
                let expected = opening.position.saturating_add(span.count);
                if span.count == 1 {
                    span.second_prev = Some(envelope.prev);
                }
                if envelope.position != expected {
                    return self.fault(Problem::Position {
                        expected,
                        found: envelope.position,
                    });
                }
                if envelope.prev != span.last {
                    let (at, computed, cited) = (span.count, span.last, envelope.prev);
                    span.doubt = Some(Doubt {
                        at,
                        computed,
                        cited,
                        own: hash,
                    });
                    return;
                }
                if let Some(problem) = order(
                    span.recorded_at,
                    span.part,
                    envelope.recorded_at,
                    envelope.part,
                ) {
                    return self.fault(problem);
                }
            }
        }
        if checks.deep
            && let Err(problem) = self.deep(line)
        {
            return self.fault(problem);
        }
        self.leaves.push(hash);
        self.span.last = hash;
        self.span.recorded_at = envelope.recorded_at;
        self.span.part = Some(envelope.part);
        self.span.count += 1;
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
