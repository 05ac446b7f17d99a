//! Past moments to answer from, and what hindsight finds (C4, R5).

use super::rulings::{Detail, Evaluated, ruling};
use super::{Malformed, Within, values};
use crate::domain::hindsight::{Cause, VoidedUse};
use crate::domain::ids::Position;
use crate::domain::rulebook::Rulebook;
use crate::projections::{AsOf, VoidedUses};
use crate::proto::v1 as wire;

/// A past moment, and how today's records count at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The moment.
    pub as_of: AsOf,
    /// Whether all of today's records count, as hindsight counts them.
    pub hindsight: bool,
}

/// The moment that a request asks for; none: now.
///
/// # Errors
/// Names the field that is wrong.
pub fn moment(given: Option<&wire::AsOf>, hindsight: bool) -> Result<Option<Moment>, Malformed> {
    let Some(given) = given else {
        return match hindsight {
            true => Err(Malformed::invalid("hindsight", "needs `as_of`")),
            false => Ok(None),
        };
    };
    let as_of = as_of(given).within("as_of")?;
    Ok(Some(Moment { as_of, hindsight }))
}

fn as_of(given: &wire::AsOf) -> Result<AsOf, Malformed> {
    match &given.moment {
        None => Err(Malformed::invalid("", "must be a time or a position")),
        Some(wire::as_of::Moment::Time(at)) => values::time("time", at).map(AsOf::Time),
        Some(wire::as_of::Moment::Position(position)) => Ok(AsOf::Position(Position(*position))),
    }
}

/// Uses that hindsight doesn't bear out, on the wire; all records up to and with `position` are reflected.
pub fn voided_uses(found: &VoidedUses, position: Position) -> Vec<wire::VoidedUse> {
    let uses = found.found.iter().zip(&found.rulebooks);
    uses.map(|(used, rulebook)| voided_use(used, rulebook, position))
        .collect()
}

fn voided_use(used: &VoidedUse, rulebook: &Rulebook, position: Position) -> wire::VoidedUse {
    let evaluated = Evaluated {
        rulebook,
        at: used.happened_at,
        position,
        detail: Detail::Texts,
    };
    let cause = match used.cause {
        Cause::AfterDenial => wire::VoidedUseCause::AfterDenial,
        Cause::VoidedApproval => wire::VoidedUseCause::VoidedApproval,
    };
    wire::VoidedUse {
        position: used.position.0,
        happened_at: Some(values::timestamp(used.happened_at)),
        cause: cause.into(),
        hindsight: Some(ruling(&used.ruling, &evaluated)),
    }
}
