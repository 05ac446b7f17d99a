//! Joining spans in order: the ends of neighbours, the tree, the checkpoints.

use std::collections::HashMap;

use crate::ledger::{
    block::StoredBlock,
    checkpoint::Checkpoint,
    hash::Hash,
    merkle::Frontier,
    record::{Part, Subject},
    timestamp::Timestamp,
    verify::{
        Finding, Options, Problem, Verified,
        span::{Checks, Doubt, Opening, Span, Spanner, order},
    },
};

/// Lines are checked in runs of about this many bytes.
const RUN_BYTES: usize = 256 * 1024;

/// Verifies blocks or lines as they come, on the caller's thread. After a finding it is of no further use.
#[derive(Debug)]
pub struct Verifier {
    checks: Checks,
    spanner: Spanner,
    /// Lines pushed and not yet checked, each with its newline, as [`Spanner::lines`] takes them.
    waiting: Vec<u8>,
    joiner: Joiner,
}

impl Verifier {
    /// A verification that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        let (checks, joiner) = Joiner::new(options);
        Self {
            checks,
            spanner: Spanner::default(),
            waiting: Vec::new(),
            joiner,
        }
    }

    /// Checks the next stored block.
    ///
    /// # Errors
    /// The first problem.
    pub fn push_block(&mut self, block: &StoredBlock) -> Result<(), Finding> {
        self.check_waiting()?;
        let span = self
            .spanner
            .blocks(&self.checks, std::slice::from_ref(block), None);
        self.joiner.join(span)
    }

    /// Takes the next line (without its newline). Lines are checked in runs, so that a problem may be reported a few
    /// hundred lines later, with its own position.
    ///
    /// # Errors
    /// The first problem.
    pub fn push_line(&mut self, line: &[u8]) -> Result<(), Finding> {
        if self.waiting.is_empty() {
            self.waiting.push(b'\n');
        }
        self.waiting.extend_from_slice(line);
        self.waiting.push(b'\n');
        if self.waiting.len() < RUN_BYTES {
            Ok(())
        } else {
            self.check_waiting()
        }
    }

    /// Ends the verification.
    ///
    /// # Errors
    /// The first problem, which may be that something is missing at the end.
    pub fn finish(mut self) -> Result<Verified, Finding> {
        self.check_waiting()?;
        self.joiner.finish()
    }

    fn check_waiting(&mut self) -> Result<(), Finding> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let span = self
            .spanner
            .lines(&self.checks, std::mem::take(&mut self.waiting), None);
        self.joiner.join(span)
    }
}

/// The end of what is verified so far.
#[derive(Debug)]
pub(super) struct Joiner {
    frontier: Frontier,
    last: Hash,
    recorded_at: Timestamp,
    part: Option<Part>,
    /// Records before the start, which are trusted unseen.
    trusted: u64,
    /// A doubt at the end of the last span, with the position of its line.
    doubt: Option<Doubt>,
    /// By size; those before `checked` are done.
    checkpoints: Vec<Checkpoint>,
    checked: usize,
    /// In deep checks, the version that each subject has.
    versions: HashMap<Subject, u64>,
}

impl Joiner {
    /// What spans need to know, and the empty end.
    pub fn new(options: Options) -> (Checks, Self) {
        let Options {
            start,
            mut checkpoints,
            deep,
        } = options;
        let start = start.unwrap_or_default();
        checkpoints.retain(|checkpoint| checkpoint.size >= start.frontier.size());
        checkpoints.sort_by_key(|checkpoint| checkpoint.size);
        let cuts = checkpoints
            .iter()
            .map(|checkpoint| checkpoint.size)
            .collect();
        let joiner = Self {
            trusted: start.frontier.size(),
            frontier: start.frontier,
            last: start.prev,
            recorded_at: start.recorded_at,
            part: None,
            doubt: None,
            checkpoints,
            checked: 0,
            versions: HashMap::new(),
        };
        (Checks { cuts, deep }, joiner)
    }

    /// Records so far.
    pub fn records(&self) -> u64 {
        self.frontier.size()
    }

    /// Joins the next span. What is right in it counts before what is wrong.
    pub fn join(&mut self, span: Span) -> Result<(), Finding> {
        if let Some(doubt) = self.doubt.take() {
            return Err(found(
                doubt.settle(span.opening.map(|opening| opening.prev)),
            ));
        }
        self.check_roots()?;
        let base = self.frontier.size();
        if let Some(opening) = &span.opening {
            self.check_opening(base, opening, &span)?;
        }
        if self.doubt.is_some() {
            return Ok(());
        }
        self.check_versions(base, &span.versions)?;
        for subtree in &span.subtrees {
            // Positions are checked, so that only a tree of 2^63 leaves could be refused here.
            let full =
                |error: crate::ledger::merkle::MerkleError| Problem::Unreadable(error.to_string());
            self.frontier
                .append(subtree)
                .map_err(|error| found((base, full(error))))?;
            self.check_roots()?;
        }
        if let Some((index, problem)) = span.fault {
            return Err(found((base.saturating_add(index), problem)));
        }
        if span.count > 0 {
            (self.last, self.recorded_at, self.part) = (span.last, span.recorded_at, span.part);
        }
        self.doubt = span.doubt.map(|doubt| Doubt {
            at: base.saturating_add(doubt.at),
            ..doubt
        });
        Ok(())
    }

    /// Everything checked must also be complete.
    pub fn finish(mut self) -> Result<Verified, Finding> {
        if let Some(doubt) = self.doubt {
            return Err(found(doubt.settle(None)));
        }
        self.check_roots()?;
        let records = self.frontier.size();
        if let Some(part) = self.part.filter(|part| !part.is_last()) {
            return Err(found((records, Problem::Unfinished { found: part })));
        }
        if let Some(checkpoint) = self.checkpoints.get(self.checked) {
            return Err(found((
                records,
                Problem::Shorter {
                    size: checkpoint.size,
                },
            )));
        }
        let (root, last) = (self.frontier.root(), self.last);
        Ok(Verified {
            records,
            root,
            last,
            recorded_at: self.recorded_at,
            frontier: self.frontier,
        })
    }

    fn check_opening(&mut self, base: u64, opening: &Opening, span: &Span) -> Result<(), Finding> {
        if opening.position != base {
            let problem = Problem::Position {
                expected: base,
                found: opening.position,
            };
            return Err(found((base, problem)));
        }
        if opening.prev != self.last {
            if let Some(error) = &opening.malformed {
                return Err(found((base, Problem::Line(error.clone()))));
            }
            let (computed, cited) = (self.last, opening.prev);
            let doubt = Doubt {
                at: base,
                computed,
                cited,
                own: opening.hash,
            };
            return match span.second_prev {
                // What lies before the start is trusted: the link is what was altered.
                _ if base == self.trusted => Err(found((base, Problem::Link { computed, cited }))),
                None if span.fault.is_none() => {
                    self.doubt = Some(doubt);
                    Ok(())
                }
                second => Err(found(doubt.settle(second))),
            };
        }
        match order(
            self.recorded_at,
            self.part,
            opening.recorded_at,
            opening.part,
        ) {
            Some(problem) => Err(found((base, problem))),
            None => Ok(()),
        }
    }

    /// Versions go 1, 2, 3 …; of a subject first met after a trusted start, any version may come first.
    fn check_versions(&mut self, base: u64, versions: &[(Subject, u64)]) -> Result<(), Finding> {
        for (position, (subject, version)) in (base..).zip(versions) {
            let expected = match self.versions.insert(*subject, *version) {
                Some(previous) => previous.saturating_add(1),
                None if self.trusted > 0 => *version,
                None => 1,
            };
            if *version != expected {
                let problem = Problem::Version {
                    subject: *subject,
                    expected,
                    found: *version,
                };
                return Err(found((position, problem)));
            }
        }
        Ok(())
    }

    /// Compares the root with the checkpoints of exactly this size.
    fn check_roots(&mut self) -> Result<(), Finding> {
        let size = self.frontier.size();
        while let Some(checkpoint) = self
            .checkpoints
            .get(self.checked)
            .filter(|next| next.size <= size)
        {
            let (computed, stated) = (self.frontier.root(), checkpoint.root);
            if checkpoint.size < size || computed != stated {
                let problem = Problem::Root {
                    size: checkpoint.size,
                    computed,
                    stated,
                };
                return Err(found((checkpoint.size.saturating_sub(1), problem)));
            }
            self.checked += 1;
        }
        Ok(())
    }
}

fn found((position, problem): (u64, Problem)) -> Finding {
    Finding { position, problem }
}
