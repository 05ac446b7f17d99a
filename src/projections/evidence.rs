//! What an answer about a customer rests on (E10): which records, and their sealed fields with what opens them.

use super::{AsOf, Fact, HistoryEntry, Past, ViewError, Views};
use crate::domain::company::CompanyEvent;
use crate::domain::customer::Customer;
use crate::domain::hindsight::Then;
use crate::domain::ids::{Position, Pseudonym};
use crate::ledger::{Record, Subject};
use crate::vault::OpenedField;

/// What was on record at a moment, of one customer and of what the rules depend on beside.
#[derive(Clone, Debug)]
pub struct Basis {
    /// The moment, and what was on record beside the customer.
    pub past: Past,
    /// The customer then.
    pub customer: Customer,
    /// The records, rising.
    pub records: Vec<Position>,
}

/// A sealed field, and what an auditor checks its commitment with.
pub struct Opening {
    /// Its name.
    pub field: String,
    /// What was sealed, and the salt.
    pub opened: OpenedField,
}

impl Views {
    /// The records about the customer by that moment, and those about the ledger, all or on which rules depend; `None` where the
    /// ledger knew no such customer then. Without a moment it is now, as far as histories have come: what is recorded later
    /// is no part of it, whatever its time.
    ///
    /// # Errors
    /// When the moment lies ahead, its rulebook's text is gone, or the view can't be read.
    pub fn basis(
        &self,
        pseudonym: Pseudonym,
        as_of: Option<AsOf>,
        whole_ledger: bool,
    ) -> Result<Option<Basis>, ViewError> {
        let then = self.settled(as_of)?;
        let past = self.past_at(then, false)?;
        let Some(customer) = self.past_customer(pseudonym, &past)? else {
            return Ok(None);
        };
        let knew = |position, recorded_at| then.knew(position, recorded_at);
        let known = |entry: &HistoryEntry| knew(entry.position, entry.recorded_at);
        let about = self.history.list(pseudonym, 0, usize::MAX, &known)?;
        let facts = self.ledgers.facts(&self.history)?;
        let beside = (facts.iter())
            .filter(|told| knew(told.position, told.recorded_at))
            .filter(|told| whole_ledger || rules_depend_on(&told.event))
            .map(|told| told.position);
        let mut records: Vec<_> = about.iter().map(|entry| entry.position).collect();
        records.extend(beside);
        records.sort_unstable();
        Ok(Some(Basis {
            past,
            customer,
            records,
        }))
    }

    /// A moment to which nothing can be added any more.
    fn settled(&self, as_of: Option<AsOf>) -> Result<Then, ViewError> {
        let newest = self.history.reached().borrow().checked_sub(1).map(Position);
        match as_of {
            None => Ok(Then {
                at: self.now(),
                through: newest,
            }),
            Some(as_of) => {
                let then = self.then(as_of)?;
                let is_settled = then.through.is_some() || self.is_past(as_of, false)?;
                Ok(Then {
                    through: if is_settled { then.through } else { newest },
                    ..then
                })
            }
        }
    }

    /// The sealed fields of a record, as far as the vault can open them; none of a customer who was erased (E8).
    ///
    /// # Errors
    /// When line, view or vault can't be read.
    pub fn openings(&self, line: &[u8]) -> Result<Vec<Opening>, ViewError> {
        let record = Record::parse(line).map_err(|error| ViewError::Record {
            position: 0,
            problem: error.to_string(),
        })?;
        let Subject::Customer(id) = record.subject else {
            return Ok(Vec::new());
        };
        let mut openings = Vec::with_capacity(record.sealed.len());
        for sealed in record.sealed {
            if let Some(opened) = self.unsealed(Pseudonym(id), record.position, &sealed)? {
                openings.push(Opening {
                    field: sealed.field,
                    opened,
                });
            }
        }
        Ok(openings)
    }
}

/// Whether what the rules say of a customer may depend on it.
fn rules_depend_on(fact: &Fact) -> bool {
    match fact {
        Fact::LedgerOpened(_) | Fact::RulebookAdopted(_) => true,
        Fact::Company(event) => matches!(
            event,
            CompanyEvent::Entities(_) | CompanyEvent::Policies(_) | CompanyEvent::Templates(_)
        ),
        Fact::About(..) => false,
    }
}
