//! Answers to questions on the wire (C3, C9).

use super::lists::Listed;
use super::values::{numbers, timestamp};
use crate::domain::ids::Position;
use crate::domain::rulebook::{Clause, Rulebook};
use crate::domain::ruling::{CellState, Reason, ReasonCode, Remedy, Ruling};
use crate::domain::time::Time;
use crate::proto::v1 as wire;

/// How much an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// As brief, without the rulebook: for a stream, which names it once (P17).
    Listed,
    /// Yes or no, the codes of the reasons, and until when: what a list is scrubbed by.
    Brief,
    /// All, but the texts of the clauses.
    Clauses,
    /// All.
    Texts,
}

impl Detail {
    /// All, with the texts of the clauses or without.
    pub fn with(texts: bool) -> Self {
        match texts {
            true => Self::Texts,
            false => Self::Clauses,
        }
    }

    /// The same for an answer in a stream that names rulebooks where they change.
    pub fn in_stream(self) -> Self {
        match self {
            Self::Brief => Self::Listed,
            _ => self,
        }
    }
}

/// What an answer rests on beside the ruling itself.
#[derive(Clone, Copy, Debug)]
pub struct Evaluated<'a> {
    /// The rulebook followed.
    pub rulebook: &'a Rulebook,
    /// The instant that the answer is for.
    pub at: Time,
    /// All records up to and with this one are reflected.
    pub position: Position,
    /// How much is said.
    pub detail: Detail,
}

/// A ruling as the contract says it, with the clauses' texts: also for whoever derives one away from a server.
pub fn with_texts(
    ruled: &Ruling,
    rulebook: &Rulebook,
    at: Time,
    position: Position,
) -> wire::Ruling {
    let evaluated = Evaluated {
        rulebook,
        at,
        position,
        detail: Detail::Texts,
    };
    ruling(ruled, &evaluated)
}

/// A ruling on the wire.
pub fn ruling(ruling: &Ruling, evaluated: &Evaluated<'_>) -> wire::Ruling {
    let rulebook = evaluated.rulebook;
    let brief = wire::Ruling {
        allowed: ruling.allowed,
        state: ruling.state.number(),
        basis: ruling.basis.map(Listed::number).unwrap_or_default(),
        valid_until: ruling.valid_until.map(timestamp),
        rulebook: (evaluated.detail != Detail::Listed)
            .then(|| rulebook_version(&rulebook.name, &rulebook.version)),
        evaluated_at: Some(timestamp(evaluated.at)),
        position: evaluated.position.0,
        ..wire::Ruling::default()
    };
    let texts = evaluated.detail == Detail::Texts;
    match evaluated.detail {
        Detail::Listed | Detail::Brief => wire::Ruling {
            reasons: ruling.reasons.iter().map(code_alone).collect(),
            ..brief
        },
        Detail::Clauses | Detail::Texts => wire::Ruling {
            reasons: (ruling.reasons.iter())
                .map(|given| reason(given, rulebook, texts))
                .collect(),
            cells: ruling.cells.iter().map(cell).collect(),
            remedies: ruling.remedies.iter().map(remedy).collect(),
            relied_on: relied_on(ruling),
            ..brief
        },
    }
}

fn code_alone(reason: &Reason) -> wire::Reason {
    wire::Reason {
        code: reason.code.number(),
        ..wire::Reason::default()
    }
}

/// A rulebook's name and version on the wire.
pub fn rulebook_version(name: &str, version: &str) -> wire::RulebookVersion {
    wire::RulebookVersion {
        name: name.to_owned(),
        version: version.to_owned(),
    }
}

/// All positions that reasons and cells name, rising.
fn relied_on(ruling: &Ruling) -> Vec<u64> {
    let of_reasons = ruling.reasons.iter().flat_map(|reason| &reason.positions);
    let of_cells = ruling.cells.iter().flat_map(|cell| &cell.positions);
    let mut positions = numbers(of_reasons.chain(of_cells));
    positions.sort_unstable();
    positions.dedup();
    positions
}

fn reason(reason: &Reason, rulebook: &Rulebook, texts: bool) -> wire::Reason {
    wire::Reason {
        positions: numbers(&reason.positions),
        fact: reason.fact.as_deref().unwrap_or_default().to_owned(),
        ..bare_reason(reason.code, rulebook, texts)
    }
}

/// A reason that is known by its code only, with its clauses.
pub fn bare_reason(code: ReasonCode, rulebook: &Rulebook, texts: bool) -> wire::Reason {
    wire::Reason {
        code: code.number(),
        clauses: clauses(code, rulebook, texts),
        positions: Vec::new(),
        fact: String::new(),
    }
}

fn clauses(code: ReasonCode, rulebook: &Rulebook, texts: bool) -> Vec<wire::Clause> {
    let clause = |clause: &Clause| wire::Clause {
        source: clause.source.name().to_owned(),
        reference: clause.reference.clone(),
        text: if texts {
            clause.text.clone()
        } else {
            String::new()
        },
    };
    rulebook.clauses(code).iter().map(clause).collect()
}

fn cell(cell: &CellState) -> wire::Cell {
    wire::Cell {
        recipient_kind: cell.cell.kind.number(),
        entity: (cell.cell.entity.as_ref())
            .map(|entity| entity.as_str().to_owned())
            .unwrap_or_default(),
        class: cell.cell.class.number(),
        purpose: cell.cell.purpose.number(),
        state: cell.state.number(),
        positions: numbers(&cell.positions),
    }
}

fn remedy(remedy: &Remedy) -> wire::Remedy {
    use wire::remedy::Remedy as Wire;

    let remedy = match remedy {
        Remedy::OpenService(category) => Wire::OpenService(wire::OpenServiceRemedy {
            category: category.as_str().to_owned(),
        }),
        Remedy::OptIn => Wire::OptIn(wire::OptInRemedy {}),
        Remedy::Lift(blocks) => Wire::Lift(wire::LiftRemedy {
            positions: numbers(blocks),
        }),
        Remedy::SupplyFact(fact) => Wire::SupplyFact(wire::SupplyFactRemedy {
            fact: fact.clone().into_owned(),
        }),
        Remedy::Verify => Wire::Verify(wire::VerifyRemedy {}),
        Remedy::GiveNotice => Wire::GiveNotice(wire::GiveNoticeRemedy {}),
    };
    wire::Remedy {
        remedy: Some(remedy),
    }
}
