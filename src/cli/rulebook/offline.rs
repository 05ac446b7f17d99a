//! A comparison over a data folder: customers are rebuilt from the log, and the rulebook in force is the kept copy that
//! the log cites.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::lines::Found;
use super::parsed;
use crate::audit::lines_of_folder;
use crate::cli::Ended;
use crate::clock::{Clock, System};
use crate::codec::FactReader;
use crate::domain::comparison::Comparison;
use crate::domain::customer::{Customer, evolve};
use crate::domain::ids::{Position, Pseudonym};
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::grpc::comparison_messages;
use crate::ledger::Hash;
use crate::state::LedgerState;

/// Why there is no comparison.
type Failed = (Ended, String);

/// What the log says now.
#[derive(Default)]
struct Rebuilt {
    ledger: LedgerState,
    customers: BTreeMap<Pseudonym, Customer>,
    next: u64,
}

/// Compares the rulebook in force in `dir` with the one of `text`.
pub fn compare(
    dir: &Path,
    text: &str,
    examples: usize,
    bar: &indicatif::ProgressBar,
) -> Result<Found, Failed> {
    let rebuilt = rebuild(dir)?;
    let before = Arc::new(in_force(dir, &rebuilt.ledger)?);
    let after = parsed(Path::new("the other rulebook"), text);
    let after = Arc::new(after.map_err(|problem| (Ended::Wrong, problem.to_string()))?);
    let at = System::default()
        .wall()
        .max(Time(rebuilt.ledger.recorded_at));
    let mut comparison = Comparison::new(
        Arc::clone(&before),
        Arc::clone(&after),
        rebuilt.ledger.opt_out_since,
        Arc::clone(&rebuilt.ledger.company),
        at,
        examples,
    );
    bar.set_length(rebuilt.customers.len() as u64);
    for (pseudonym, customer) in &rebuilt.customers {
        comparison.take(*pseudonym, customer);
        bar.inc(1);
    }
    let position = Position(rebuilt.next.saturating_sub(1));
    let mut found = Found::default();
    for message in comparison_messages(&comparison.finish(), &before, &after, position) {
        found.take(message);
    }
    Ok(found)
}

fn rebuild(dir: &Path) -> Result<Rebuilt, Failed> {
    let (mut rebuilt, mut reader) = (Rebuilt::default(), FactReader::default());
    let mut problem = None;
    let read = lines_of_folder(dir, |line| {
        if problem.is_none()
            && let Err(error) = rebuilt.take(&mut reader, line)
        {
            problem = Some(format!("position {}: {error}", rebuilt.next));
        }
    });
    read.map_err(|error| (Ended::Unreachable, error.to_string()))?;
    match problem {
        Some(problem) => Err((Ended::Wrong, problem)),
        None => Ok(rebuilt),
    }
}

impl Rebuilt {
    fn take(
        &mut self,
        reader: &mut FactReader,
        line: &[u8],
    ) -> Result<(), crate::codec::DecodeError> {
        let fact = reader.read(line)?;
        self.ledger.take(&fact);
        self.next = fact.record.position.saturating_add(1);
        if let Some((pseudonym, placed)) = fact.placed() {
            let before = self.customers.remove(&pseudonym);
            if let Some(after) = evolve(before, &placed) {
                self.customers.insert(pseudonym, after);
            }
        }
        Ok(())
    }
}

/// The rulebook that the log says is in force, from the copy kept beside it.
fn in_force(dir: &Path, ledger: &LedgerState) -> Result<Rulebook, Failed> {
    let (name, version, digest) = &ledger.rulebook;
    let path = dir
        .join("rulebooks")
        .join(format!("{}.toml", Hash(*digest)));
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let problem = format!(
            "{}: {error}: the text of {name} {version}, which is in force, can't be read",
            path.display()
        );
        (Ended::Unreachable, problem)
    })?;
    parsed(&path, &text).map_err(|problem| (problem.ended(), problem.to_string()))
}
