//! What the questions found, bounded for each of them.

use std::collections::BTreeMap;

use super::FINDINGS_MAX;
use crate::domain::ids::Pseudonym;
use crate::domain::questions::Finding;

/// Findings by question, the first of each.
#[derive(Debug, Default)]
pub(super) struct Found {
    by_question: BTreeMap<&'static str, Vec<Finding>>,
    /// A question had more than is kept.
    more: bool,
}

impl Found {
    /// Takes a finding, where its question has room for one more.
    pub(super) fn add(&mut self, finding: Finding) {
        let findings = self.by_question.entry(finding.question).or_default();
        match findings.len() < FINDINGS_MAX {
            true => findings.push(finding),
            false => self.more = true,
        }
    }

    /// Keeps what is about the company, or about customers below that pseudonym.
    pub(super) fn keep_below(&mut self, below: Pseudonym) {
        for findings in self.by_question.values_mut() {
            findings.retain(|finding| finding.pseudonym.is_none_or(|about| about < below));
        }
    }

    /// Takes in what another pass found.
    pub(super) fn join(&mut self, other: Self) {
        self.more |= other.more;
        for (question, more) in other.by_question {
            let findings = self.by_question.entry(question).or_default();
            findings.extend(more);
            findings.sort();
            self.more |= findings.len() > FINDINGS_MAX;
            findings.truncate(FINDINGS_MAX);
        }
    }

    /// All findings in the order of their positions, and whether there were more.
    pub(super) fn in_order(self) -> (Vec<Finding>, bool) {
        let mut findings: Vec<_> = self.by_question.into_values().flatten().collect();
        findings.sort();
        (findings, self.more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::Position;

    fn finding(position: usize, question: &'static str) -> Finding {
        Finding {
            position: Position(position as u64),
            question,
            pseudonym: None,
            wrong: String::new(),
        }
    }

    #[test]
    fn e9_a_question_that_finds_much_hides_no_finding_of_another() {
        let mut found = Found::default();
        for position in 0..=FINDINGS_MAX {
            found.add(finding(position, "often"));
        }
        found.add(finding(FINDINGS_MAX + 1, "once"));
        let mut later = Found::default();
        later.add(finding(FINDINGS_MAX + 2, "often"));
        found.join(later);
        let (findings, more) = found.in_order();
        assert!(more);
        assert_eq!(findings.len(), FINDINGS_MAX + 1);
        assert_eq!(findings[FINDINGS_MAX].question, "once");
    }
}
