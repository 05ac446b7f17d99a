//! Building an answer: reasons and remedies, each once.

use std::borrow::Cow;

use super::ruling::{Basis, CellState, Reason, ReasonCode, Remedy, Ruling, State};
use crate::domain::disclosures::grounds::Lack;
use crate::domain::ids::Position;

impl Ruling {
    /// A no without reasons yet.
    pub(super) fn no(state: State, cells: Vec<CellState>) -> Self {
        Self {
            allowed: false,
            state,
            basis: None,
            reasons: Vec::with_capacity(1),
            cells,
            remedies: Vec::new(),
            valid_until: None,
        }
    }

    /// A yes on this basis.
    pub(super) fn allow(&mut self, basis: Basis) {
        self.allowed = true;
        self.basis = Some(basis);
    }

    /// Takes a yes back, with what it rested on.
    pub(super) fn refuse(&mut self) {
        self.allowed = false;
        self.basis = None;
        self.reasons.clear();
    }

    /// Adds a reason; the same one twice is one with the records of both.
    pub(super) fn give(
        &mut self,
        code: ReasonCode,
        positions: impl IntoIterator<Item = Position>,
        fact: Option<&'static str>,
    ) {
        let known =
            (self.reasons.iter()).position(|one| one.code == code && one.fact.as_deref() == fact);
        let index = known.unwrap_or_else(|| {
            self.reasons.push(Reason {
                code,
                positions: Vec::new(),
                fact: fact.map(Cow::Borrowed),
            });
            self.reasons.len() - 1
        });
        if let Some(reason) = self.reasons.get_mut(index) {
            for position in positions {
                if !reason.positions.contains(&position) {
                    reason.positions.push(position);
                }
            }
        }
    }

    /// Adds a missing or wrong fact, and how to mend it.
    pub(super) fn lack(&mut self, (code, fact): Lack) {
        self.give(code, [], fact);
        match (code, fact) {
            (ReasonCode::VerificationRequired, _) => self.remedy(Remedy::Verify),
            (ReasonCode::FactsRequired | ReasonCode::RecipientRequired, Some(fact)) => {
                self.remedy(Remedy::SupplyFact(Cow::Borrowed(fact)));
            }
            _ => {}
        }
    }

    /// Adds a remedy once; blocks to lift are gathered in one.
    pub(super) fn remedy(&mut self, remedy: Remedy) {
        if let Remedy::Lift(more) = &remedy {
            for known in &mut self.remedies {
                if let Remedy::Lift(positions) = known {
                    positions.extend(more);
                    positions.sort_unstable();
                    positions.dedup();
                    return;
                }
            }
        }
        if !self.remedies.contains(&remedy) {
            self.remedies.push(remedy);
        }
    }
}
