//! When the customer or a contact may be told what a disclosure holds (P9, P11, F14, R19, R22; 64.2010(a)–(d)).
//!
//! Best on a verification on record, which the disclosure cites. A verification that the calling system merely states is
//! taken where the rulebook says so, a stated password not for call detail: the statement can't say that nothing prompted
//! it (64.2010(b)); and once the ledger knows the account's list of contacts, a contact is told on a
//! verification on record only, because a statement doesn't say which contact it was. Mail to an address of record needs
//! no verification, and nothing stops it.

use super::of_record::{Reach, ReachKind};
use super::verification::{Caller, Verification, VerifiedFor, is_of_record};
use crate::domain::consent::word::Assurance;
use crate::domain::customer::Customer;
use crate::domain::disclosures::Ground;
use crate::domain::ids::{Position, Token};
use crate::domain::question::Question;
use crate::domain::rulebook::Rulebook;
use crate::domain::time::Time;
use crate::domain::vocabulary::{AssuranceMethod, CpniClass, RecipientKind};

/// On what the customer or a contact is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Telling {
    /// A verification that the calling system states.
    Stated(Assurance),
    /// A verification on record, in whose call the telling takes place.
    OnRecord {
        /// Its record.
        record: Position,
        /// Whether nothing is told but the call detail that the caller had named without help (64.2010(b)).
        cited_by_caller: bool,
    },
    /// By mail to an address of record.
    Mailed {
        /// The address: postal or electronic.
        address: Token,
    },
}

/// Why the recipient may not be told: the fact at fault.
const VERIFICATION: &str = "verification";
const CALL_DETAIL: &str = "verification.call_detail";

/// A telling about to take place.
pub(in crate::domain) struct Teller<'a> {
    pub(in crate::domain) customer: &'a Customer,
    pub(in crate::domain) rulebook: &'a Rulebook,
    pub(in crate::domain) question: &'a Question,
    pub(in crate::domain) ground: &'a Ground,
}

impl<'a> Teller<'a> {
    /// What is wrong with telling at that instant; nothing: the recipient may be told.
    pub(in crate::domain) fn objection(&self, at: Time) -> Option<&'static str> {
        match self.ground.telling() {
            Some(Telling::Mailed { address }) => {
                (!self.may_be_mailed(*address, at)).then_some(VERIFICATION)
            }
            _ if self.is_suspended() || self.call_has_ended() => Some(VERIFICATION),
            Some(Telling::OnRecord {
                record,
                cited_by_caller,
            }) => match self.standing(*record, at) {
                Some(one) if one.opens_call_detail() || *cited_by_caller => None,
                Some(_) if !self.asks_call_detail() => None,
                Some(_) => Some(CALL_DETAIL),
                None => Some(VERIFICATION),
            },
            Some(Telling::Stated(assurance)) => {
                let taken = self.takes_statements() && assurance.opens(at, self.rulebook);
                // It doesn't say whether anything prompted the password (64.2010(b)).
                let may_be_prompted = assurance.method == AssuranceMethod::Password;
                match taken {
                    true if may_be_prompted && self.asks_call_detail() => Some(CALL_DETAIL),
                    true => None,
                    false => Some(VERIFICATION),
                }
            }
            None => Some(VERIFICATION),
        }
    }

    /// The instants at which the objection may come or go without a record (R18).
    pub(in crate::domain) fn changes_at(&self) -> Vec<Time> {
        let state = self.customer.authentication.as_ref();
        match self.ground.telling() {
            None => Vec::new(),
            Some(Telling::Stated(assurance)) => vec![assurance.ends_at(self.rulebook)],
            Some(Telling::OnRecord { record, .. }) => {
                let verifications = state.into_iter().flat_map(|state| &state.verifications);
                let cited = verifications.filter(|one| one.position == *record);
                let legs = state.into_iter().flat_map(|state| state.exemption.ends());
                cited.map(|one| one.ends_at).chain(legs).collect()
            }
            Some(Telling::Mailed { address }) => {
                let days = self.rulebook.authentication().of_record_days;
                let known = state.into_iter().flat_map(|state| &state.of_record);
                let addressed = known.filter(|one| one.reach.value == *address);
                addressed.map(|one| one.matures_at(days)).collect()
            }
        }
    }

    fn may_be_mailed(&self, address: Token, at: Time) -> bool {
        let kinds = [ReachKind::PostalAddress, ReachKind::ElectronicAddress];
        self.question.recipient == RecipientKind::Customer
            && kinds.into_iter().any(|kind| {
                let reach = Reach {
                    kind,
                    value: address,
                };
                is_of_record(self.customer, reach, at, self.rulebook)
            })
    }

    fn is_suspended(&self) -> bool {
        (self.customer.authentication.as_ref()).is_some_and(|state| state.is_suspended())
    }

    /// The end of the call ends every verification of it (R19).
    fn call_has_ended(&self) -> bool {
        (self.question.call).is_some_and(|call| self.customer.ended_calls.contains(&call))
    }

    /// The cited verification, where it carries this telling: same call, same purpose, the caller who is told.
    fn standing(&self, record: Position, at: Time) -> Option<&'a Verification> {
        let purpose = match self.ground {
            Ground::Service { .. } => VerifiedFor::TechnicalSupport,
            _ => VerifiedFor::AccountInformation,
        };
        let state = self.customer.authentication.as_ref()?;
        let one = state.standing(record, self.question.call?, purpose, at)?;
        let told = match one.caller {
            Caller::AccountHolder => RecipientKind::Customer,
            Caller::Contact(_) => RecipientKind::AuthorizedContact,
        };
        let carries =
            told == self.question.recipient && one.is_good(self.customer, at, self.rulebook);
        carries.then_some(one)
    }

    fn takes_statements(&self) -> bool {
        let unnamed_contact = self.question.recipient == RecipientKind::AuthorizedContact
            && self
                .customer
                .contacts
                .as_ref()
                .is_some_and(|list| list.is_listed());
        self.rulebook.authentication().stated_verifications && !unnamed_contact
    }

    fn asks_call_detail(&self) -> bool {
        let asked = self.question.asked_classes();
        asked.contains(CpniClass::CallDetail)
    }
}
