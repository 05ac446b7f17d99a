//! A ruling on record: the answer, its reasons and the records behind it.

use serde::{Deserialize, Serialize};

use super::names::{Instant, Named, numbers, positions};
use crate::domain::ids::{Category, EntityId};
use crate::domain::ruling::{Basis, CellState, Reason, ReasonCode, Remedy, Ruling, State};
use crate::domain::scope::Cell;
use crate::domain::vocabulary::{CpniClass, Purpose, RecipientKind};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RulingData {
    allowed: bool,
    state: StateData,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    basis: Option<BasisData>,
    reasons: Vec<ReasonData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    cells: Vec<CellData>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    remedies: Vec<RemedyData>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    valid_until: Option<Instant>,
}

macro_rules! stored_as {
    ($data:ident of $domain:ident { $($member:ident),+ $(,)? }) => {
        #[derive(Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum $data { $($member,)+ }

        impl From<$domain> for $data {
            fn from(value: $domain) -> Self {
                match value { $($domain::$member => Self::$member,)+ }
            }
        }

        impl From<$data> for $domain {
            fn from(data: $data) -> Self {
                match data { $($data::$member => Self::$member,)+ }
            }
        }
    };
}

stored_as!(StateData of State {
    Granted, OptOutApproved, Unknown, Waiting, RefreshOverdue, Lapsed, Restricted, Denied,
});
stored_as!(BasisData of Basis { NotCpni, HeldCategory, Grant, OptOut, OneTime, Ground });

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReasonData {
    code: ReasonCode,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    positions: Vec<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fact: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CellData {
    recipient: Named<RecipientKind>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    entity: Option<Named<EntityId>>,
    class: Named<CpniClass>,
    purpose: Named<Purpose>,
    state: StateData,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    positions: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum RemedyData {
    OpenService(Named<Category>),
    OptIn,
    Lift(Vec<u64>),
    SupplyFact(String),
    Verify,
    GiveNotice,
}

impl From<&Ruling> for RulingData {
    fn from(ruling: &Ruling) -> Self {
        Self {
            allowed: ruling.allowed,
            state: ruling.state.into(),
            basis: ruling.basis.map(BasisData::from),
            reasons: ruling.reasons.iter().map(ReasonData::from).collect(),
            cells: ruling.cells.iter().map(CellData::from).collect(),
            remedies: ruling.remedies.iter().map(RemedyData::from).collect(),
            valid_until: ruling.valid_until.map(Instant),
        }
    }
}

impl RulingData {
    pub fn ruling(self) -> Ruling {
        Ruling {
            allowed: self.allowed,
            state: self.state.into(),
            basis: self.basis.map(Basis::from),
            reasons: self.reasons.into_iter().map(ReasonData::reason).collect(),
            cells: self.cells.into_iter().map(CellData::cell).collect(),
            remedies: self.remedies.into_iter().map(RemedyData::remedy).collect(),
            valid_until: self.valid_until.map(|at| at.0),
        }
    }
}

impl From<&Reason> for ReasonData {
    fn from(reason: &Reason) -> Self {
        Self {
            code: reason.code,
            positions: numbers(&reason.positions),
            fact: reason.fact.as_deref().map(str::to_owned),
        }
    }
}

impl ReasonData {
    fn reason(self) -> Reason {
        Reason {
            code: self.code,
            positions: positions(self.positions),
            fact: self.fact.map(Into::into),
        }
    }
}

impl From<&CellState> for CellData {
    fn from(state: &CellState) -> Self {
        Self {
            recipient: Named(state.cell.kind),
            entity: state.cell.entity.clone().map(Named),
            class: Named(state.cell.class),
            purpose: Named(state.cell.purpose),
            state: state.state.into(),
            positions: numbers(&state.positions),
        }
    }
}

impl CellData {
    fn cell(self) -> CellState {
        CellState {
            cell: Cell {
                kind: self.recipient.0,
                entity: self.entity.map(|entity| entity.0),
                class: self.class.0,
                purpose: self.purpose.0,
            },
            state: self.state.into(),
            positions: positions(self.positions),
        }
    }
}

impl From<&Remedy> for RemedyData {
    fn from(remedy: &Remedy) -> Self {
        match remedy {
            Remedy::OpenService(category) => Self::OpenService(Named(category.clone())),
            Remedy::OptIn => Self::OptIn,
            Remedy::Lift(blocks) => Self::Lift(numbers(blocks)),
            Remedy::SupplyFact(fact) => Self::SupplyFact(fact.to_string()),
            Remedy::Verify => Self::Verify,
            Remedy::GiveNotice => Self::GiveNotice,
        }
    }
}

impl RemedyData {
    fn remedy(self) -> Remedy {
        match self {
            Self::OpenService(category) => Remedy::OpenService(category.0),
            Self::OptIn => Remedy::OptIn,
            Self::Lift(blocks) => Remedy::Lift(positions(blocks)),
            Self::SupplyFact(fact) => Remedy::SupplyFact(fact.into()),
            Self::Verify => Remedy::Verify,
            Self::GiveNotice => Remedy::GiveNotice,
        }
    }
}
