//! The standing questions of E9, asked of a whole log: a data folder, an export, or the journal of a running ledger.
//!
//! One pass reads every record once, in order, with the decoding spread over the cores. Per customer it keeps a state,
//! so a pass has room for [`Asking::customers_at_once`] customers; where a log has more, it keeps those with the
//! smallest pseudonyms and further passes look at the others. Pseudonyms are random, so passes are of equal size, and
//! memory follows that limit and never the number of customers.
//!
//! It verifies no hash: run `verify` first, so that the questions are asked of a log that nobody changed.

mod decoding;
mod found;
mod pass;
mod rulebooks;
mod sources;

use crate::domain::ids::Pseudonym;
use crate::domain::questions::{Finding, StandingQuestion, rules};
use crate::storage::ReadError;

use super::folder::AuditError;
use found::Found;
use pass::Pass;
use sources::Log;

pub use rulebooks::Rulebooks;
pub use sources::{Questioner, ask_export, ask_folder};

/// Findings of each question that one asking gives back, the first ones: a question that finds much hides no other's.
pub const FINDINGS_MAX: usize = 1_000;

/// What is asked, and with what.
#[derive(Clone, Debug)]
pub struct Asking {
    /// The questions.
    pub questions: Vec<&'static StandingQuestion>,
    /// The last position that is looked at; `None`: up to the newest record.
    pub to: Option<u64>,
    /// Where rulebooks are found by their digest.
    pub rulebooks: Rulebooks,
    /// Threads that decode.
    pub threads: usize,
    /// Customers whose state one pass keeps; some 1 to 2 KiB each.
    pub customers_at_once: usize,
}

impl Default for Asking {
    fn default() -> Self {
        Self {
            questions: rules().collect(),
            to: None,
            rulebooks: Rulebooks::default(),
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            customers_at_once: 500_000,
        }
    }
}

/// What the questions found.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The last position looked at: the same question up to it gives the same answer for ever.
    pub to: u64,
    /// Customers whose records were looked at.
    pub customers: u64,
    /// How often the log was read.
    pub passes: u32,
    /// The questions asked.
    pub questions: Vec<&'static StandingQuestion>,
    /// What they found, in the order of positions.
    pub findings: Vec<Finding>,
    /// Whether a question has more than [`FINDINGS_MAX`].
    pub more: bool,
}

impl Answered {
    /// How many findings a question has; 0: it came back empty.
    pub fn found_by(&self, question: &str) -> usize {
        let findings = self.findings.iter();
        findings.filter(|one| one.question == question).count()
    }
}

/// Why the questions got no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The folder or file can't be read.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// The log can't be read.
    #[error(transparent)]
    Log(#[from] ReadError),
    /// A record can't be decoded: what it would say is not known.
    #[error("{place}: {problem}; run `verify`")]
    Record {
        /// The record, or where it stands.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A rulebook that was in force is not at hand.
    #[error(
        "rulebook {digest}, in force from position {position} on, is not at hand ({problem}); give the folder `rulebooks` of the ledger's data"
    )]
    Rulebook {
        /// SHA-256 of its text.
        digest: String,
        /// The record by which it took force.
        position: u64,
        /// What is wrong.
        problem: String,
    },
    /// The log does not reach the position asked for.
    #[error("the log ends at position {last}; it has no {to} to look up to")]
    Beyond {
        /// The position asked for.
        to: u64,
        /// The newest position.
        last: u64,
    },
    /// Who asked wants no answer any more.
    #[error("stopped before the end")]
    Stopped,
}

/// Asks the questions of `log`. `progress` gets the number of records looked at, and says whether to go on.
fn ask(
    log: &dyn Log,
    asking: &Asking,
    progress: &dyn Fn(u64) -> bool,
) -> Result<Answered, AskError> {
    let mut found = Found::default();
    let mut answered = Answered {
        to: 0,
        customers: 0,
        passes: 0,
        questions: asking.questions.clone(),
        findings: Vec::new(),
        more: false,
    };
    let mut to = asking.to;
    let mut from = Some(Pseudonym([0; 16]));
    while let Some(first) = from {
        let mut pass = Pass::new(asking, first);
        decoding::each(log.runs(to)?, asking.threads, &mut |records| {
            for record in records {
                if to.is_some_and(|to| record.record.position > to) {
                    return Ok(false);
                }
                pass.look(&record)?;
            }
            match progress(pass.records()) {
                true => Ok(true),
                false => Err(AskError::Stopped),
            }
        })?;
        pass.end();
        let last = pass.records().saturating_sub(1);
        if let Some(to) = to
            && last < to
        {
            return Err(AskError::Beyond { to, last });
        }
        // Further passes look at the same records, whatever was written since.
        to = Some(last);
        from = pass.rest();
        answered.to = last;
        answered.passes += 1;
        answered.customers += pass.customers();
        found.join(pass.into_found());
    }
    (answered.findings, answered.more) = found.in_order();
    Ok(answered)
}
