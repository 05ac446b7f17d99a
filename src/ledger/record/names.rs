//! The names in one object, each once.

use crate::ledger::record::LineError;

/// An object of so many names is compared without a list in memory; most have fewer.
const FEW: usize = 8;

/// The names of one object, to find a repeated one.
#[derive(Default)]
pub(super) struct Names<'a> {
    few: [&'a str; FEW],
    count: usize,
    /// All of them, once they are more than a few.
    all: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(super) fn add(&mut self, name: &'a str) {
        match self.few.get_mut(self.count) {
            Some(place) => *place = name,
            None => {
                if self.all.is_empty() {
                    self.all.extend(self.few);
                }
                self.all.push(name);
            }
        }
        self.count += 1;
    }

    /// Refuses a name that is there twice; `at` is the end of the object.
    pub(super) fn distinct(mut self, at: usize) -> Result<(), LineError> {
        match self.few.get_mut(..self.count) {
            Some(few) if all_differ(few) => Ok(()),
            Some(few) => sorted_differ(few, at),
            None => sorted_differ(&mut self.all, at),
        }
    }
}

fn all_differ(names: &[&str]) -> bool {
    let mut rest = names;
    while let [name, others @ ..] = rest {
        if others.contains(name) {
            return false;
        }
        rest = others;
    }
    true
}

/// Sorted, so that an object of many names costs no more than n log n.
fn sorted_differ(names: &mut [&str], at: usize) -> Result<(), LineError> {
    names.sort_unstable();
    match names.windows(2).find(|pair| pair.first() == pair.last()) {
        Some(pair) => Err(LineError::DuplicateName {
            at,
            name: pair[0].to_owned(),
        }),
        None => Ok(()),
    }
}
