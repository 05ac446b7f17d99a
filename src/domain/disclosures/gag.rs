//! Gag orders on disclosures, and what lifts them (P7).
//!
//! Who lifts shows a customer what was hidden: it takes an order, too, and counts from its record, never from before.

use serde::{Deserialize, Serialize};

use super::grounds::is_calendar_date;
use super::{Ground, Seal};
use crate::domain::calendar;
use crate::domain::customer::{Context, Customer};
use crate::domain::event::{Event, Placed};
use crate::domain::ids::{Personal, Position};
use crate::domain::question::Question;
use crate::domain::refusal::{Refusal, RefusalCode};
use crate::domain::time::Time;

/// Gag orders that may stand on one customer's disclosures at a time. Those that were lifted or are over make room.
pub const GAG_ORDERS_MAX: usize = 256;

/// Lifts the gag order of one disclosure, made or refused; also what a record of it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GagLifted {
    /// The record of the disclosure.
    pub disclosure: Position,
    /// Who ordered it; sealed.
    pub authority: Option<Personal>,
    /// The reference of that order; sealed.
    pub reference: Option<Personal>,
    /// Its date, `YYYY-MM-DD`.
    pub dated: String,
}

/// The gag orders on a customer's disclosures; few customers have any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GagOrders {
    /// By their disclosures, oldest first. Of those that no longer stand as many as there is room for.
    orders: Vec<GagOrder>,
}

/// The gag order of one disclosure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct GagOrder {
    disclosure: Position,
    seal: Seal,
    /// The day of the order, `YYYY-MM-DD`, where the disclosure named one.
    dated: Option<Box<str>>,
    lifted: bool,
}

impl GagOrder {
    fn stands(&self, at: Time) -> bool {
        !self.lifted && self.seal.hides(at)
    }

    fn is_younger_than(&self, day: &str) -> bool {
        self.dated.as_deref().is_some_and(|own| own > day)
    }
}

impl GagOrders {
    /// Whether the disclosure of that record is hidden at that instant.
    pub fn hide(&self, disclosure: Position, at: Time) -> bool {
        (self.orders.iter()).any(|order| order.disclosure == disclosure && order.stands(at))
    }

    /// Why the order of that disclosure can't be lifted by one of that day; `None`: it can.
    pub(in crate::domain) fn objection(
        &self,
        disclosure: Position,
        dated: &str,
        at: Time,
    ) -> Option<&'static str> {
        let found = (self.orders.iter()).find(|order| order.disclosure == disclosure);
        match found {
            None => Some("is no disclosure of this customer that is under a gag order"),
            Some(order) if order.lifted => Some("is under a gag order that was lifted before"),
            Some(order) if !order.seal.hides(at) => Some("was under a gag order until its date"),
            Some(order) => (order.is_younger_than(dated)).then_some(
                "is under a gag order that is younger than the one that is said to lift it",
            ),
        }
    }

    /// Only as many stand as [`require_room`] lets in, so that none of them is ever let go of.
    fn add(&mut self, order: GagOrder, at: Time) {
        if self.orders.len() >= GAG_ORDERS_MAX
            && let Some(past) = self.orders.iter().position(|order| !order.stands(at))
        {
            self.orders.remove(past);
        }
        self.orders.push(order);
    }
}

impl Seal {
    /// Whether what is under it is hidden at that instant, unless it was lifted.
    pub fn hides(self, at: Time) -> bool {
        match self {
            Self::Until(end) => at < end,
            Self::UntilLifted => true,
        }
    }
}

/// The event of a gag order that is lifted.
pub(in crate::domain) fn decide(
    customer: &Customer,
    command: &GagLifted,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    let invalid = |field: &str, why: &str| Err(Refusal::new(RefusalCode::Invalid, field, why));
    let told = |text: &Option<Personal>| {
        (text.as_ref()).is_some_and(|text| !text.expose().trim().is_empty())
    };
    if !told(&command.authority) {
        return invalid("authority", "name who ordered that the gag be lifted");
    }
    if !told(&command.reference) {
        return invalid("reference", "give the reference of the order that lifts it");
    }
    if !is_calendar_date(&command.dated) {
        return invalid(
            "dated",
            "the order's date is no day of the calendar; write it as YYYY-MM-DD",
        );
    }
    if command.dated > calendar::day_text_in(context.now, context.rulebook.time_zone()) {
        return invalid("dated", "the order's date lies ahead; it lifts nothing yet");
    }
    let none = GagOrders::default();
    let orders = customer.gags.as_deref().unwrap_or(&none);
    match orders.objection(command.disclosure, &command.dated, context.now) {
        Some(objection) => Err(Refusal::new(
            RefusalCode::GagOrderState,
            "disclosure",
            format!("record {} {objection}", command.disclosure),
        )),
        None => Ok(vec![Event::GagLifted(command.clone())]),
    }
}

/// None of the orders that stand may be forgotten for one more.
pub(super) fn require_room(customer: &Customer, now: Time) -> Result<(), Refusal> {
    let orders = customer.gags.iter().flat_map(|gags| &gags.orders);
    if orders.filter(|order| order.stands(now)).count() < GAG_ORDERS_MAX {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCode::Limit,
        "seal",
        format!("{GAG_ORDERS_MAX} gag orders stand on the customer's disclosures; lift one first"),
    ))
}

/// The customer after a disclosure under that seal, made or refused.
pub(in crate::domain) fn sealed(
    customer: &mut Customer,
    seal: Option<Seal>,
    question: &Question,
    placed: &Placed<'_>,
) {
    let Some(seal) = seal else {
        return;
    };
    let dated = match &question.ground {
        Some(Ground::Legal { dated, .. }) => dated.as_deref().map(Box::from),
        _ => None,
    };
    let order = GagOrder {
        disclosure: placed.position,
        seal,
        dated,
        lifted: false,
    };
    let gags = customer.gags.get_or_insert_default();
    gags.add(order, placed.recorded_at);
}

/// The customer after a gag order was lifted.
pub(in crate::domain) fn follow(customer: &mut Customer, lifted: &GagLifted) {
    let orders = customer.gags.iter_mut().flat_map(|gags| &mut gags.orders);
    for order in orders.filter(|order| order.disclosure == lifted.disclosure) {
        order.lifted = true;
    }
}

#[cfg(test)]
mod tests;
