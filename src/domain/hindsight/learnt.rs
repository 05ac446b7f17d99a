//! What was learnt later: records that say that something was narrower before them (C4, R5).

use super::{Use, narrows_company_from, narrows_from};
use crate::domain::company::CompanyEvent;
use crate::domain::event::Placed;
use crate::domain::ids::Position;
use crate::domain::time::Time;

/// What the records about a customer and the company taught, collected once for any number of uses (T5).
#[derive(Clone, Debug, Default)]
pub struct Learnt {
    /// The records that narrow, in their order, each with the earliest instant from which it or a later one does.
    narrowing: Vec<(Position, Time)>,
}

impl Learnt {
    /// What all records teach that there are about the two.
    pub fn of<'a>(
        customer: impl IntoIterator<Item = Placed<'a>>,
        company: impl IntoIterator<Item = Placed<'a, CompanyEvent>>,
    ) -> Self {
        let of_customer = (customer.into_iter())
            .filter_map(|placed| Some((placed.position, narrows_from(&placed)?)));
        let of_company = (company.into_iter())
            .filter_map(|placed| Some((placed.position, narrows_company_from(placed.event)?)));
        let mut narrowing: Vec<_> = of_customer.chain(of_company).collect();
        narrowing.sort_unstable();
        let mut earliest = Time(i64::MAX);
        for (_, from) in narrowing.iter_mut().rev() {
            earliest = earliest.min(*from);
            *from = earliest;
        }
        Self { narrowing }
    }

    /// Whether a record after the use says that something was narrower when it happened than was known.
    pub fn since(&self, used: &Use<'_>) -> bool {
        let later = (self.narrowing).partition_point(|(position, _)| *position < used.position);
        let earliest = self.narrowing.get(later).map(|(_, from)| *from);
        earliest.is_some_and(|from| from <= used.happened_at)
    }
}
